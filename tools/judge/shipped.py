"""Which ports are the suite's own, by their resolved content, so that one edited in its place is not."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

SHIPPED_SPECS: dict[str, str] = {
    "2db91bb3222a4045a6370c049e07b2ba36f3e97176e1ac9cb101f62a561ae5d2": "alexnet",
    "ef1a3dc37893d09f9f166735bf45d6d716a79ebce64a91e0e856a9d065cecce8": "alexnet_aipp",
    "5a7623f1f5f8ce053d69b07aa6b9d8c12aa739a20993d25d5b4c361b45183c14": "alexnet_aipp_sample",
    "ce64bd6dd18fa88db11de03771b2101e24b4b31dc2dff17d4ba2241eb62b2451": "alexnet_sample",
    "ad01510a5280e018f02bbfac9aafdba5bec495d2ed783273fb3ca4746e8eacff": "densenet121",
    "a8dc61c24228c04701e9110481c9ca19d2519737b91404c89be41e33c1193df9": "efficientnet_lite0",
    "c9f7747e3e197783bb5813d82ba49736c59c4c19f8639c0424b7214f97c8b301": "inception_v3",
    "7186a0372c8bcfd46dad8d081c026189df4a34792c39fcb4e47e7824b48782c0": "mobilenet_v2",
    "3e49f4dc6df7588c84da3d5ab09c5c44a3d417e11d5b70700db2d23410573548": "resnet18",
    "535ba261263fa06f1dc17636ab72d170030b8a72bdd5f100c7cf5cbd81440e1b": "resnet50",
    "e0dc12cd77a2d41d1fbc13e8300fa88f50795f07ed8aa63d4f1824281e7269a1": "swin_t",
    "555dfcd1b8e11a819878fbc0b8389442e998bae838799f25a01981bfb7fe2e22": "vit_b_16",
}
"""sha256 of a resolved port as JSON (tools/show_port.py --json) -> its name."""
SHIPPED_FILES: dict[str, str] = {
    "3c03e896d5ec4e9a6ba40a35e39558ff6a4b48f3c2f76ce655c6803fb2b6ef8e": "alexnet",
    "a7b959a784e087987b3eee85fe9ec3205077bc7e4e3da9c86e4290cae695cf87": "alexnet_aipp",
    "f843f3f672c25c54d19d69a262ef43bcb8d49ede2c4c1e4e2b76e0e89c159279": "alexnet_aipp_sample",
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
