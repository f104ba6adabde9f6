"""Which ports are the suite's own, by their resolved content, so that one edited in its place is not."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

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
