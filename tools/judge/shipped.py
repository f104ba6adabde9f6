"""Which ports are the suite's own, by their resolved content, so that one edited in its place is not."""

from __future__ import annotations

SHIPPED_SPECS: dict[str, str] = {
    "5c642fa04cb7eeac86b5ccda256a779810223e6d13341717ce06cf1df44f612b": "alexnet",
    "2ef98d18e3c750dc3c5b1e91ea2a3aaa8f6c804dbe27e5261fe4e26b8b9795d1": "alexnet_sample",
    "b591b04dce5db7ea10a4718fc7e632992e1d9b5fe13570edd1649a22bae4fc19": "densenet121",
    "b1cc2ea6c9344169f804a23bd2ffd45ef2a2509df30abdee8e339e4438e23506": "efficientnet_lite0",
    "5c6f01a58a675dad9d6f7cea61775c4bc29db9862b8e27e94971c8ee44b479e0": "inception_v3",
    "2b6dd031a7006e22ad839f05313ac19fae17394e8d5e25a558c5e9d12e7b1a7a": "mobilenet_v2",
    "14606a4729484a31a5e3187a7eca6d249aee92553cc41a26784f29b56ba2d770": "resnet18",
    "528b85557d8e90691872ce956296d2ba058ce18da186aea3e57df2e04d198d76": "resnet50",
    "a8a8e95afd03993a5fbacb99d43fd2075fb281d19b944e762b018b59c39af2f8": "swin_t",
    "5e2c63692790c60803b089c085954919b31f98d4ed5e929718865f5afd8cab7d": "vit_b_16",
}
"""sha256 of a resolved port as JSON (tools/show_port.py --json) -> its name."""


SAMPLE_TENSORS_SHA256 = "576155c58cbc1f6d7c5c5bcd88423e33c159c42f9476b64e9ac186ee26d1ed85"
"""Content of the embedded sample's weights, as ports/alexnet_sample.yaml pins it: known under any name and digest."""
SAMPLE_IMAGES_SHA256 = "520adc42898895ae990baa6ce9df3f2f1efe1418970dee87a560034e3556679d"
"""Content of its images and labels."""


def holds_sample(tensors_sha256: str | None, images_sha256: str | None) -> bool:
    """Whether weights or images are the embedded sample's, whatever port asked for them; None where not known."""
    return tensors_sha256 == SAMPLE_TENSORS_SHA256 or images_sha256 == SAMPLE_IMAGES_SHA256


def spec_words(place: str, json_sha256: str) -> str:
    """Which spec judged: whether it is a port that the suite ships or somebody's own, and where it was read."""
    shipped = SHIPPED_SPECS.get(json_sha256)
    whose = "a port of one's own" if shipped is None else f"the suite's port {shipped}"
    return f"{whose}, {place}, sha256 {json_sha256}"
