"""Which ports are the suite's own, by their resolved content, so that one edited in its place is not."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

SHIPPED_SPECS: dict[str, str] = {
    "bd3497a90d183dbcab0a27c87a9250312a83e8b73ee169e52a66c616863ffd4e": "alexnet",
    "45ece5325f8379d88c63381512d0eb192d2e31f2697a6ddeb9c180e0a4d35f54": "alexnet_sample",
    "2921b5a5bd9cde2d465310d2152bf7a335993e01cd5d75e0c4fa1a80cb43e43d": "densenet121",
    "ae68556d0a516cb86ed020c9b49627ef360e0cc6cf350e090c5b4cdf1aefa82b": "efficientnet_lite0",
    "13772b800de07d786da189f699bff1d9db5ec250b6d4e224962c316ed30906cb": "inception_v3",
    "476f9edc10f50f5ef2b3450210d9121e6791fe625e86ca09772ce886c35248f2": "mobilenet_v2",
    "033f32ca5b1a8c9581e302d045cb7584974aaa91f89879b26de7f3f90966c4a2": "resnet18",
    "fd06e98e5cfcd7d16d3008b00fb82f6c4855f61fd81cdf0e0fb48ade32987f70": "resnet50",
    "aeeaa44d38a39e8a469a74af84f401f914ec5d0fcda01a81550942e628cafad2": "swin_t",
    "92ea4868f223dfeb276db952fc8059c2ebaa3c79d903ea6337a57cf4623d6aca": "vit_b_16",
}
"""sha256 of a resolved port as JSON (tools/show_port.py --json) -> its name."""
SHIPPED_FILES: dict[str, str] = {
    "f362a6b96fa079bea549ce88f3982daed904ea444b6469404ace18612392ea31": "alexnet",
    "fbf088b6868cb6c250ca2d25d010aa7f945fd7672bfc64d3e6f2744f2054a5bb": "alexnet_sample",
    "c1b0377719e0fda4ee7f28d4981a28192811699ed496f1420321ce16f1dfc407": "densenet121",
    "6a336bf65807e7dcc5edd2d15669dd43403117e3617928b13b091110ae0470d1": "efficientnet_lite0",
    "b1bb2f81be3c1503b8a46a0b5ae114fdb186069dd27e33b0b880c4c7a4765fb8": "inception_v3",
    "1510a3eb2f9ec48b9905ca62f6b4a79ddf48e2b43e865e730f989ea49eb70a3e": "mobilenet_v2",
    "05f29fb1bb99d7eb57c436d5c43297e4c9c301e92c797d4a688fe82bf2820019": "resnet18",
    "0afe4d0de15e3fd0bbb7e04457b0719a40a2bdc7011e0a60c13e68edadcd9050": "resnet50",
    "14317c6dff9e63b036fa1cb363adf6e1cc6c430e88fd3f48f25c0e92c1e7567a": "swin_t",
    "6569605f4071f3a8f236fc5ee2a704822c79bee03c270a672e084a6d8373ad2d": "vit_b_16",
}
"""Digest of the files that say so (`files_digest`), the port's modules among them -> its name."""


SAMPLE_TENSORS_SHA256 = "576155c58cbc1f6d7c5c5bcd88423e33c159c42f9476b64e9ac186ee26d1ed85"
"""Content of the embedded sample's weights, as ports/alexnet_sample.yaml pins it: known under any name and digest."""
SAMPLE_IMAGES_SHA256 = "520adc42898895ae990baa6ce9df3f2f1efe1418970dee87a560034e3556679d"
"""Content of its images and labels."""


def holds_sample(tensors_sha256: str | None, images_sha256: str | None) -> bool:
    """Whether weights or images are the embedded sample's, whatever port asked for them; None where not known."""
    return tensors_sha256 == SAMPLE_TENSORS_SHA256 or images_sha256 == SAMPLE_IMAGES_SHA256


def files_digest(files: Mapping[str, str]) -> str:
    """One digest of a port's files, from their sha256 by name."""
    return hashlib.sha256("".join(f"{name} {files[name]}\n" for name in sorted(files)).encode()).hexdigest()


def shipped_port(json_sha256: str, files: Mapping[str, str]) -> str | None:
    """The name of a port that the suite ships, both as understood and as written; None for one's own."""
    name = SHIPPED_SPECS.get(json_sha256)
    return name if name is not None and SHIPPED_FILES.get(files_digest(files)) == name else None


def spec_words(place: str, json_sha256: str) -> str:
    """Which spec judged: whether it is a port that the suite ships or somebody's own, and where it was read."""
    shipped = SHIPPED_SPECS.get(json_sha256)
    whose = "a port of one's own" if shipped is None else f"the suite's port {shipped}"
    return f"{whose}, {place}, sha256 {json_sha256}"
