"""Which ports are the suite's own, by their resolved content, so that one edited in its place is not."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

SHIPPED_SPECS: dict[str, str] = {
    "4172c65868d36bca7ccf56d3cec14b3dc648183a7ad38380e75185259c3b4148": "alexnet",
    "840e1e483109c753cff193471d90f741de7315db92b80254f26c18e80f419f80": "alexnet_sample",
    "b542acaf1ea56e8f80cfbd1dfc932f6f8a34d328f664972e2d130d2f03a97ef9": "densenet121",
    "7deea45d2383a233354f853e62f4d4eac5ab5090aaa5fda9ef79892c5002a9f3": "efficientnet_lite0",
    "2a4eb5632211053482ba62e2928fe21dff76eddb8f68b19bb9a833427774d8ba": "inception_v3",
    "fd1b32b9dd67902d0c46a5b6d840204117d450dc14c65eec9ba7fe4f5d2f44ba": "mobilenet_v2",
    "1e5f5b44ee0cebfa23958ccf6c29ab69135fed22a8fb5029922bee62c6e92b73": "resnet18",
    "4ad4076f901bf12c0055eb09ad1faba769a4905916893547c24a5690517fde0e": "resnet50",
    "9a96514f133dd6a01c80aecc597c8d565437ee9b1a261341193836abfba12899": "swin_t",
    "292af35a199a5f9c7f35afafae6f1d3ba179d01590fb35acd4dc635cfe26e6fd": "vit_b_16",
}
"""sha256 of a resolved port as JSON (tools/show_port.py --json) -> its name."""
SHIPPED_FILES: dict[str, str] = {
    "3c03e896d5ec4e9a6ba40a35e39558ff6a4b48f3c2f76ce655c6803fb2b6ef8e": "alexnet",
    "c7ad46378a1924dd1a16cd188f48177e86e5013e08094eda2ccbae1017e294fd": "alexnet_sample",
    "4efb0b07343d138a9ea491a964d990679f89db63b5ba3354d1fc643653284ee4": "densenet121",
    "faef3be2d206cfeb617db0507996430509f8a087f761a3b838b1f9b1c74cc7a0": "efficientnet_lite0",
    "e60fb528666a15ee528a4fb446ceeccab3351ee24698d7ef0f5de3b3a39730a0": "inception_v3",
    "9268e6816a71646aa4849c3b1e45edb6209362c163b2b37c39fa9d3b630db82d": "mobilenet_v2",
    "74abfa204e92be3f3d1c1d6d2a3dee26b932db360156572dd076450627afdad6": "resnet18",
    "f3c6d23b08a62b91063c6bd615725a4d210c44c05ce6f35e2c7701f0d87ca1f0": "resnet50",
    "560e65a05e1da76f42723ae7c7a28b634f57e98769589070973bb92e97846372": "swin_t",
    "bd50da4bb91fcc8f6f45bd3c00dba0cd837d5c839c9f9353d050d001e24ab862": "vit_b_16",
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
