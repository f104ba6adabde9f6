"""Which ports are the suite's own, by their resolved content, so that one edited in its place is not."""

from __future__ import annotations

SHIPPED_SPECS: dict[str, str] = {
    "15beee17aa0d65d7ee28b838443f65684cab382e35fc775b0107194d795cfafc": "alexnet",
    "dfbc8d2d90cf7ba7977aecd89a30ccff7ebbe85a8c63b05bb099542d3a0b5277": "alexnet_sample",
    "7d9b3a8a268ac50d5b4f131fa5ad6dbf3800779db95c62d05a99220a8ca8c75d": "densenet121",
    "8cbf9cccdb81e92d300766294b52f66f3bf6796e86a76f904d5793e97108a8e5": "efficientnet_lite0",
    "37e1952d00bc8bdfd4d9971a04fded4c52fcd3226c7396ad571f7bb31d14b672": "inception_v3",
    "bcf69e4192dbae1090dc59a123a19574a06294f5a33fca170dfa2d5afcea8eb2": "mobilenet_v2",
    "a05080ba9db80f09d2c60f11b3209dcebea254624db5713d1bc21ef223ea7a7a": "resnet18",
    "3152a3689379f980e4e6e096766466787982e003d11635548a8eb908a481d0e7": "resnet50",
    "f3d78e60ac351fc2b61b71bcf8220766d99307f8c1433c06515709e85d45cd7c": "swin_t",
    "5282ab524cd22037a514f7b1110e16c4adb3b5a22c3401ea2d09f420c5a9a8c0": "vit_b_16",
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
