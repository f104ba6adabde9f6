"""Which ports are the suite's own, by their resolved content, so that one edited in its place is not."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

SHIPPED_SPECS: dict[str, str] = {
    "b0da6974674cc5ab84239053c2b768201f56a369377e9d3f7c981b84444c6a9a": "alexnet",
    "0c9b68aadba4fced5152e186e62766269480dd89b82aab52ab4a1ca249b118e9": "alexnet_aipp",
    "4e59b8f85fcc0b273bbca9902e6b3b41adf34f74afc2f2eaaab021b3d7dd2d11": "alexnet_aipp_sample",
    "47fa0afa52a53bf8d92fbca86693c0cc160b9b5a92849bdd41b15f6a7e29d0fa": "alexnet_jpeg",
    "756a5a9b25a7cd4eb2bf4de381ace8d5787b52284c62c360b2ceabf97344402b": "alexnet_jpeg_sample",
    "e48b1a47717864de3b90e3de1b2ed0c2cb9d901c0e35d648e98df852aef4e7af": "alexnet_sample",
    "3c577075e6be8b8e9aad17c1143a4f9d0c1bf63df8f3da8efadcf89928cc7a7b": "densenet121",
    "d0234db91827a9bf1f0a7a5fcb9a5e9150fac81c7fd8bc471bf1c4411a8e04a7": "efficientnet_lite0",
    "61d7d664064cab462f51daefee41cdeb42b5e573236093199870ef209d35e54a": "inception_v3",
    "b3a3c728e512ec57ff0a37d3f5d1b516b5f5977bb38ac35ccfbada84f8508690": "mobilenet_v2",
    "5220607e9149be090cc59b09920aaffed749243d788cbcfb57e2d4baae710e66": "mobilenet_v3_large",
    "e9c244ee160cd2e0b8d65891ee82ff55d563299997be17fdb8d4d433e2bd1ec4": "resnet18",
    "12bb87c4e30df56ade8d3f7f30198922440c50d236712062731d6a71e2d078d2": "resnet50",
    "98ded32f527b6c9e1e87f2ebf8cf3a68c96f5fc633feac570cf7250f6dab9d11": "swin_t",
    "f14cbb1fbd70bd66a93321ad2ebc50f28efe442c5116c4c3256713766bdee041": "vit_b_16",
}
"""sha256 of a resolved port as JSON (tools/show_port.py --json) -> its name."""
SHIPPED_FILES: dict[str, str] = {
    "f4c9644834a60ff126a1dba0a436364c00831efb833e2255cdc3d9e4465afee2": "alexnet",
    "bd6e64d9eed00cfe6c9af366d837cd7fd28d4dc006ae68329cdf9620f065d0c8": "alexnet_aipp",
    "73c7a0cfa8b6acc6d5a737339b15d4875149fbc6b676f78b26b0f0d9cbfd322c": "alexnet_aipp_sample",
    "6559be3b418a50d49c3187d1a665340695c6a0e91fd0a1c220fa7c6c377abc6a": "alexnet_jpeg",
    "9d1d081fe17fef79a14d1aa68ce768be3941c2b164f1c0b8a3f93a58d49dc61f": "alexnet_jpeg_sample",
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
