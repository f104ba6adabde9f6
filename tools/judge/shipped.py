"""Which ports are the suite's own, by their resolved content, so that one edited in its place is not."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

SHIPPED_SPECS: dict[str, str] = {
    "bb57be2e7ea2893c669f0f0e1ff3a277e4237e3a2b93bcf0adca0c9bcc4c6a3a": "alexnet",
    "d3a055689f3a2dce1b6ed1cfb2d27c1b1feddd47683665728a65e9f399d4b792": "alexnet_sample",
    "4acc8b0318d656ac400cac46e40ba6b58bf08388e62cce6f753869ac9495a14d": "densenet121",
    "5d711372e8caa56ff34cfdcfbcd2761f2e987cedd9bc32e679c103148f897996": "efficientnet_lite0",
    "0738290c3a416db5f8a3a8463fc2b5214d50f1209e78fbf735dc47f7db0d3798": "inception_v3",
    "93e355deb0eb4ec61bf54cf0d8bebd583f8a5abc5dfe808de9697b6fcd0a3f07": "mobilenet_v2",
    "7b7ebe7a37064ef992b8f1942d1fe0890a9e4156f18f785a0f8135a3696d9de7": "resnet18",
    "49aa68c62db094434ceadd80dbdb752a5fc6381236777f72debb9b8e1b5eadf1": "resnet50",
    "1eea1b4c89e510946fcb6bfd547defb9e9f7628724dd5db8a3c48d499b89ed93": "swin_t",
    "3fc4ac90299e302342e39a6a50eec1e0cd97daa8eb689e1219c4a21b306a8679": "vit_b_16",
}
"""sha256 of a resolved port as JSON (tools/show_port.py --json) -> its name."""
SHIPPED_FILES: dict[str, str] = {
    "0e13e22a64c845065a6e780e74b7f03367f34527c45ab4cae266bb94ede336ce": "alexnet",
    "bbb9a177270ae4c42e8e646ef711ce5c871b9bb24e4847f18a59d2e91315f835": "alexnet_sample",
    "c46c28c9c9ea1337bc0b5992c0037f7195110056cc0529649a273d98d9c649f3": "densenet121",
    "d01bf3aa3f06ac2b7e864e4d7456e7f0482748298081191fde82af88a9fb8da2": "efficientnet_lite0",
    "defe173bed9e4640446f1a3183b8d53085e8882e23c54fc438ba0d920afe76f5": "inception_v3",
    "cc1c73635ddc1145fb3c9a017dae3c398391f8a84ee7390e8382ef394ac1b33d": "mobilenet_v2",
    "5c8fb2be203444a2ca14e3a089e8550e5a4347964da152af6bbceb2776f997b5": "resnet18",
    "7d435376aeda34934ca95d8f56bcac5cae5d21bf21395d8ecd003660b6334468": "resnet50",
    "d5a20203bbbc26351cfa6f8e9fdaf5e5cabf8b80ced852c4a703c69ff889be42": "swin_t",
    "8bd8837c55acace63e8130ed5fc0fd245ddb65387567ca857b6a6ef5be841adc": "vit_b_16",
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
