"""Which ports are the suite's own, by their resolved content, so that one edited in its place is not."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

SHIPPED_SPECS: dict[str, str] = {
    "e8db94fb012818a1336f948abce4beed908934c3982d09e9460ad6fdf5e22fae": "alexnet",
    "10c4583329ba6d9b3a8adf89533b8fca7d8a13bc82340d94d03907ad34da3df0": "alexnet_sample",
    "d549cb259f650eb7a51cba7c8b2c673fc700741e6e692407781f5fac75bfa7a3": "densenet121",
    "bec101060e139b709de29905091b36a0f0f7f963cbbdf3a908d3124dc2fc5bd5": "efficientnet_lite0",
    "7b971307a33d181fbd2052a92e82d484a0118a9f6c158a0cc341b37346246e6a": "inception_v3",
    "0a6015487d246a62e428a322e64d459bacac9e6bb5a54a683d5c7ee2fde844ba": "mobilenet_v2",
    "7ea661ba8c2dde95bbe1fb1f42366112ce218ee860b345825420d8f17aa82c1a": "mobilenet_v3_large",
    "79b2ca39601faba04f5f08e9a24edb8d687f8e84cd738112480f8930cd982d76": "resnet18",
    "efce77c2e9b8a890b23449b9e8e3587438c82bb3b993120d6599be7c561c4fee": "resnet50",
    "310affd78f67c51582a99547a802f3a6735616c71d17a94e4b6868b2c62a9253": "swin_t",
    "2cc9d7d6b487b3f8b1ed7695bde10d56d92a64e3c054f55452e753806a404e11": "vit_b_16",
}
"""sha256 of a resolved port as JSON (tools/show_port.py --json) -> its name."""
SHIPPED_FILES: dict[str, str] = {
    "f4c9644834a60ff126a1dba0a436364c00831efb833e2255cdc3d9e4465afee2": "alexnet",
    "dbceb430ae81438bd577383f28efc95289d53e3696672209fe16e6a0a0f23406": "alexnet_sample",
    "d348bac78f4b8a41339a75d0bd0ec47f9d68b4b9cedd07ec041a66a7bbd9a5f4": "densenet121",
    "e196d96dfdc73ea66ea8533b2147c64189e7f736d566112ae2e03a517d889e9c": "efficientnet_lite0",
    "94a75130c49911c3939a1a5c53f455900ef80ce2f22db09001262a850062fcd7": "inception_v3",
    "34e82ab0e4df5366a8ad19a2035c4a34b527fe34eb45cb76bfea4c531d032250": "mobilenet_v2",
    "e0db6af128fba15cbbe41f84155f08e2b0fdc21cd770f0615dac88bac5ca0c78": "mobilenet_v3_large",
    "c51b63a265c244002fa2da79f236ed4d355bc4e390082d60ac5004c346c982d5": "resnet18",
    "d1ab769b376308e812ed232708c275fab8b3030b6e5ba222e136bf248ddb42eb": "resnet50",
    "ec734ffb1e5300d82860ce8774e6ae4ef2670492802fe4b61db990ebf229319e": "swin_t",
    "d37172589047cb7c95ea22af7c598900665939cbfc69b1981b0b62eb5db4a8fa": "vit_b_16",
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
