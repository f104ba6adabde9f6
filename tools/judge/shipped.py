"""Which ports are the suite's own, by their resolved content, so that one edited in its place is not."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

SHIPPED_SPECS: dict[str, str] = {
    "a78a5fe74c3360f3e2f8d87aa5b2990104c29a6f8e83a3b0a89636e0d79c8d50": "alexnet",
    "9941fffc8a29e4d8393a81734722c7bb248e2b6751722c05163e3de237240d95": "alexnet_sample",
    "a3161c47164cd13f71beb17b7316b4fdd85ddca69dc54427654414fb30729d5d": "densenet121",
    "45eceac597d0b1ee85e02e6f521a059d9af01b3ed8d237a61dd88512025b7e76": "efficientnet_lite0",
    "0ea627d160e14918873629e6cff25c7534b48ba1ace30ce2c1a8ed27f68dd910": "inception_v3",
    "ba6c65f56cfba31f36241555c279955047d9579ba3792f0c121471f9cb2fbe6c": "mobilenet_v2",
    "e9083418e14230b8a5bbed1ce2073a95ffabc4776e5945a0e83ad2e512ced420": "resnet18",
    "ab8354febf29090f555459fae8df09e8cc56e84191275c01e23858899685b92a": "resnet50",
    "1f599fb5a471c6a5e96caa18e028566b2983795b9f689e0411ff513a9ad6eab8": "swin_t",
    "a0364642bccbb3230ba89f8cd8816a07e170eb55a82423bddcbad3581da45b48": "vit_b_16",
}
"""sha256 of a resolved port as JSON (tools/show_port.py --json) -> its name."""
SHIPPED_FILES: dict[str, str] = {
    "134abc491d49f72321310cbdda7be5cd09bb091c5285c406718ec534cad3dd7f": "alexnet",
    "cca9cd859423d34073676065340ac854804204e7e4c453115c44485d76433b69": "alexnet_sample",
    "37589953198de41acd9c22d07f775fa8c8b4376702a8c9977731855c11390006": "densenet121",
    "3187c85f345a2cfdfedcddb3a850f278a1bf51c20f90b80108c1b176c752f7ba": "efficientnet_lite0",
    "80e94fa248d812fab981b228fd7319c856706f8e134ee984b443f43ab5174c7d": "inception_v3",
    "30eb67b3813dc103dd32027066b39005c74663158a0ee34306a746d0c105221d": "mobilenet_v2",
    "1261f67f122425f6a350646470b464ff6ec7fecb150709bc3c2eabda20b18130": "resnet18",
    "7cf451b855cbbaef5f85b10c98349982924d1c9d8acd2db2218a6f7691db6824": "resnet50",
    "0db7e0007ff7455d05a8b166d92a2801517ce5fcaf5ae333b1ef233b5acfdd54": "swin_t",
    "be97ecc113036403daafd1e553758e3ad806e597af6680606ecf9d822eec5856": "vit_b_16",
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
