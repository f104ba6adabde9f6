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
    "47f397f92b11bf2d5ea68f387ea06f5d078bda104b186248c3b37840ff5986d6": "beit_base_patch16_224",
    "ba23dd04b916c7b3eaa224b5a984c3265c6fb424e87c72712dd474cee015ddf5": "convmixer_1536_20",
    "43a472b0e51114fc7189ad8828e4627140731e5a7927a419f605eb89323d6068": "convnext_tiny",
    "5bc8f8211367d09b524c492f13ef50d4f92e19c8d9f7afc4e179e9837c1a8dba": "cspresnext50",
    "f7e1890948aba327d763ba12968150e1b61a9f58033aebd15cbf58b00827fe20": "deit_small_patch16_224",
    "29754f1332dd411b17eaa1369c2b32916c5e2dea9485e4cd31fb8aaa7ed8fe32": "densenet121",
    "721db5f18bd10c35589daa27599431271a0881170ee1679e81123e3cd9d0bcde": "dpn131",
    "d0234db91827a9bf1f0a7a5fcb9a5e9150fac81c7fd8bc471bf1c4411a8e04a7": "efficientnet_lite0",
    "4ac490081a1952bcedec787c28fa8cbff4bfdf22821a03874c3b1ffa8d3ac911": "efficientnetv2_rw_t",
    "60f1cf1c4204029d8877f7d36e659e16e9e5922839fbea666fe47c337167c997": "ghostnet_100",
    "f82759ad159100e4df0835c61137a82ad78f7ff06c4a7c13cf24a2a2d41b45d3": "googlenet",
    "17ff4f90278639caa91c8702b571ca85b6e321532b72fa8623b03df6b7bea690": "googlenet_aipp",
    "0bded406e2635b11ed7b5a6deda1137ccb1f501dd29a75abe58d1b168814b3d7": "hrnet_w18",
    "981a006b1f0a5456c75f078900fefaeb8bb0ee9566ecf9e3d9c3c36162672b4a": "inception_resnet_v2",
    "61d7d664064cab462f51daefee41cdeb42b5e573236093199870ef209d35e54a": "inception_v3",
    "c3b21d1b7ceac719d8902201c04dae36fcfc2755324d10369494dcaca0391797": "inception_v3_aipp",
    "d31e1f4194151d1c78a5b0f1064050facc09f118500f709d5856ce5724a31414": "inception_v4",
    "906bdb44e399879999567545d3d365d40a4b5af80ab66095200302759d909cbf": "legacy_seresnet50",
    "27f097f1964254d0b49cfc424994e4477dbbdfe3d434bfdcd4338199f152e173": "legacy_seresnext50_32x4d",
    "67be3f27e3988c070c277ebb1dbe0c9044496e31f42f2cc141d5611a856de1eb": "legacy_xception",
    "20a732833a1dfaa33ddbe62e94ed6deb25da68e71e8e6672eaea1aea1c23e866": "mnasnet1_0",
    "b3a3c728e512ec57ff0a37d3f5d1b516b5f5977bb38ac35ccfbada84f8508690": "mobilenet_v2",
    "54951624fc74a2969867728d7e2d4b9393220f1feb4a43783a36a6aea23ff2d9": "mobilenet_v2_aipp",
    "5220607e9149be090cc59b09920aaffed749243d788cbcfb57e2d4baae710e66": "mobilenet_v3_large",
    "e9774fed1be584ed7f7a88a624b830eb54ca34d184c57aba6ef2fc5a4398518b": "mobilenetv3_large_100",
    "3e9de0a106bdeca32c7930040c8a7f81e665dca217b77f286a2bc0f73339f113": "pnasnet5large",
    "ef385492ff40dbbb4991ef0665d9fc81a24f832541f1e3b12f6b4d00e505379d": "regnetx_016",
    "1d162e13144db5366c98f63a03fb284f98fd5fc910a65a9eecb2ded8895c2a34": "regnety_016",
    "77b09a3af5333841980e9f1842a48540127a83cb18d527056539dd6f7ba892df": "repvgg_a0",
    "0a1ec00999be89d5fef27db6af1f1b2bb649d9b1d612bbfce34028e4f40fdccf": "resnest50d",
    "976397ac1a105a3053e5678397213406be829fb4f6d8a1a89a17e8e6424dd3d7": "resnet101",
    "25db57313ba697dabe33a8961a859f1671a14e1f9b525c1d09769ddafae3e7a8": "resnet101_aipp",
    "bad291e36d8b6e731d76c9ba93d62f52e32de4955c008bef8a170615574ef994": "resnet152_aipp",
    "6da2319bf8ed617bf1289b94b05630a2aa9fbacbd6b9b48e4e61ee8ad8a9a319": "resnet18",
    "233448441f635ab9157fe00dce947e2bb359a5d676b6f859e41dca0bd39f8058": "resnet18_aipp",
    "a9d1fcf46b616e6ece24f70d307753a51ec7dd48e9a68eaccaac0dcefa01e00f": "resnet34",
    "ab3a3b732dc14f6c18b7c342352e147052fe64c522b35e6dd33f90a590c183c5": "resnet34_aipp",
    "12bb87c4e30df56ade8d3f7f30198922440c50d236712062731d6a71e2d078d2": "resnet50",
    "b6a390ffe9afaa8b868d877ee424a3553014a5397f6e9f2f17742a67b18f7a8c": "resnet50_aipp",
    "e1e8451150f7d3ed938702d3063f0fb1f04f3690b0cb8aebe3dfc25c434649b8": "resnext101_32x8d",
    "1cd9e6bd6984d0badc74fbfa19fd6bec818ce232a823db6037b837139715f03d": "resnext50_32x4d",
    "fb2350953d20cc6acb95c59db53940330af86b61ba6a623c01f50f3b105547be": "resnext50_32x4d_aipp",
    "ca38469fcc77fe28d9a30cd780a9a9788e49e6142e76eba327f58b2b6ce53293": "shufflenet_v2_x1_0",
    "dcef6a9ab6339c4b65a5194a46aa3f0b88ae3e83555be577b24ca61d5554de80": "spnasnet_100",
    "58dcd05171f9e28372c328037fb82a459690510a99c697ef9d18faf973108a0b": "squeezenet1_1_aipp",
    "76aa58e072d0a985e55b8c38f6a3e924ce1cc0aa3d57063456007dbb9e3900c0": "swin_base_patch4_window12_384",
    "98ded32f527b6c9e1e87f2ebf8cf3a68c96f5fc633feac570cf7250f6dab9d11": "swin_t",
    "31ba8aa3b50ce4d618baf7047305a3266dc225108529f60d21fd2b0c9398107e": "swin_tiny_patch4_window7_224",
    "11505565d0ee28f6f9523109c1e092ed5d68e30aa0916a51c3ed49e02d554604": "tnt_s_patch16_224",
    "bed47a8bdecff0fa6023c51604bb6823e4d6eda3a753919ee4c37b46370aef46": "tresnet_m",
    "016bda7a2926eca31fb18b0bfbf72f672b5db09333bef5ed7927a2f0d1be85ee": "twins_pcpvt_small",
    "17a0ab9bcc961968c6c7a1f9c90aa5cc9eb99097018e90722a3914d86123de4d": "twins_svt_large",
    "d273d187e1ed20f9936fa537f8940378b1a07f73977708001b2a917224ac2318": "vgg16",
    "c1cc54b493ba1569d816160e83f79a05d30d046710d497508c6bfa16e2127421": "vgg19",
    "f14cbb1fbd70bd66a93321ad2ebc50f28efe442c5116c4c3256713766bdee041": "vit_b_16",
    "28df539df5c4d6f5bf5599f803dffb54801f437f0c3f243aaaa69edd4e34d83d": "vit_base_patch16_224",
    "84de559258ab4dc47a12859299cf7a567b407eb971cfb0db51613552edcc3f7e": "vit_small_patch16_224",
    "16c1c1588cbfbed3f993393c2d346df98ad68a7614480cc6b6d6a77225cdf011": "wide_resnet101_2",
    "a3ba61c0e16e36ef6834b60bf63bfe7a4d40627be87e944b0556d5c6cb940935": "wide_resnet50_2",
    "2de64c66e72ede620625049a38e4f07fd9c7c63f03d80d6ed06a638a310ae56a": "xcit_small_12_p16_224",
}
"""sha256 of a resolved port as JSON (tools/show_port.py --json) -> its name."""
SHIPPED_FILES: dict[str, str] = {
    "f4c9644834a60ff126a1dba0a436364c00831efb833e2255cdc3d9e4465afee2": "alexnet",
    "bd6e64d9eed00cfe6c9af366d837cd7fd28d4dc006ae68329cdf9620f065d0c8": "alexnet_aipp",
    "73c7a0cfa8b6acc6d5a737339b15d4875149fbc6b676f78b26b0f0d9cbfd322c": "alexnet_aipp_sample",
    "6559be3b418a50d49c3187d1a665340695c6a0e91fd0a1c220fa7c6c377abc6a": "alexnet_jpeg",
    "9d1d081fe17fef79a14d1aa68ce768be3941c2b164f1c0b8a3f93a58d49dc61f": "alexnet_jpeg_sample",
    "dbceb430ae81438bd577383f28efc95289d53e3696672209fe16e6a0a0f23406": "alexnet_sample",
    "fccc6efdde05100e8298945ca1fe5c90395bafa334115512a3bd45c9295b07a4": "beit_base_patch16_224",
    "1391448a793202a31b8a27303545d9b6d0c2ebf110f81d4b813274227484152d": "convmixer_1536_20",
    "8292ff37775ffe402d7dc056d80d93aef3ea442517ad19d9a7912236122aa91d": "convnext_tiny",
    "9f63960b41868ca45332655fa6045b60ff2f33b0360158512f29233660cb23a2": "cspresnext50",
    "a596da18921a8f76f220615c6dc3d8168653ab435456d583b535f34e89f03be3": "deit_small_patch16_224",
    "2c2386b0ef5d74350db07e3466715aeeacbf9920ef28b16f98ea3f73f797b33a": "densenet121",
    "46990a04891bd5ea61393957810bd653a72709a7eb766c21bdbf86087e445fcf": "dpn131",
    "e196d96dfdc73ea66ea8533b2147c64189e7f736d566112ae2e03a517d889e9c": "efficientnet_lite0",
    "67f20bfa3b4bdb1a42cbb578d4cc6712f6f489aafd6f80d06c8fe1514a9103a3": "efficientnetv2_rw_t",
    "1d3ba4d72eec25dfecb7aec51a02f448ddf4d5e52ae0296d188d73f67d7c9062": "ghostnet_100",
    "27cccdf88f651c94d40c9121203b6c2db3ab001d6948ecc9df807b39326f8ec1": "googlenet",
    "2f6a091a3639f196e5fc9d8c590a0344b2b0ed9c6c0d19f55f9e62eb312ba02d": "googlenet_aipp",
    "a8bd9da006354ca16ced3e69d7443b0b05e219078c6f05a843e80de227572afd": "hrnet_w18",
    "42ae5a0855b2f99bf587c7baf6b769b73f280734c4c30cbe55e6b53f52165a66": "inception_resnet_v2",
    "f91a9e792033d3fa6fc1339c7e08a524906c640247ab91d3d40e11f7b8a91017": "inception_v3",
    "4d82429e5f7daa10c846d0ca8ed670425f5fc3a01bde0a6767d722df40ba21b2": "inception_v3_aipp",
    "9d9dd31b62f43f7e3b8e57394e0648d9dc11806cb743c326fd7821517619c869": "inception_v4",
    "0da5c22f697ead78706e05370c4bdf3a56cc4274b55060a64a3e29b84c7f4985": "legacy_seresnet50",
    "04860af1a5853e04b0c1f57e0be565739c3a2c39571cbec3d45ba9548efcf11c": "legacy_seresnext50_32x4d",
    "9fd63725c73fb0d284de6c64ace227725ab457a81347973fe47e0bc90da21ebd": "legacy_xception",
    "0643a37dc5f6dbbeb80cfc5245c1ba332f4b41c109590cfe87b0c21aad5ee457": "mnasnet1_0",
    "0c2d34e19ab2ece9a46e060a14eb86a1176d0527779a4a6384efdd307250a5be": "mobilenet_v2",
    "f6f4ab4f143a9cd289b51ae0282af0924bd93f0a53315c87e0cfa628a541b3cd": "mobilenet_v2_aipp",
    "e0db6af128fba15cbbe41f84155f08e2b0fdc21cd770f0615dac88bac5ca0c78": "mobilenet_v3_large",
    "04c8b2bf57c8d9220b2c578c0f5741aacd4f2ac8851b7de550f304af1e816f18": "mobilenetv3_large_100",
    "ff74f0e8d4871c99af3c31f4688b86d3daefcf3ea78b510b75f35ea3b68d88a2": "pnasnet5large",
    "77f8aae0ea41a3337966c26ee5c32a1f93be534cce176fc3fba3f2062880a8d4": "regnetx_016",
    "834e19adf4ef8fc3161c21b2d9e21b8b92eff21dabd8c856ee7f03b36e3a3a90": "regnety_016",
    "81e3da2f6e3a1e886fd9119f1592e6bcb95a0179631713f8e99545d51486880d": "repvgg_a0",
    "b60921034351240a3df44e6d852122b9d6eb52bb19a864f2b5fe7c65933f5470": "resnest50d",
    "90a789dd497f1283ce56f0f7d7b396f508c083253670e25704000d4dc5c09b41": "resnet101",
    "91ac4a3cc663dd955f0a118736914366d56dea0f3be2a270b92404ca70096434": "resnet101_aipp",
    "ea25d6914fdfa9fc8de0fb6481facfd52f11a01ecad8255fc0e6d93803c00afc": "resnet152_aipp",
    "29104111cd754239218d0752ab317b947bc84dd6676dd53ab40004cc267c7b22": "resnet18",
    "5dea444d218a34b3c6ef7a4a55dc1ffd99bf73921c3810101414b1a871c554ba": "resnet18_aipp",
    "3695bbd00987cdd4fee5ee593fbef2fae604ac162ad7fdcd1d2e3a38095c5508": "resnet34",
    "4ac45f3ea409b700562ce003fe37e192de396ee782b821b10ba3e083cbfbd805": "resnet34_aipp",
    "dcd1258e324f0cdfd639517db00c5de95b5dfa4e964fc8e3783d3f2d61d6f1c5": "resnet50",
    "c5ce1ab983b06c568ddbe75d52aac4c639d53d0aa7263ad9380f4f539cddaa9c": "resnet50_aipp",
    "fb2b260d521376508c46fea7790d1b70755b18adc6fbfccd28b15f1a9cf3a633": "resnext101_32x8d",
    "2e3b09485f4ae173d9460a6ef56347093124b06ff4bb316e422122ed7b8ef6f3": "resnext50_32x4d",
    "a20aecb342a92449154aff59be2ae20c32d08efadcab8b4d4ced586a0823dda2": "resnext50_32x4d_aipp",
    "3fbee6e36717b79a239f7234f284f9f754a411f4c58b7969d734c66c775a9b9d": "shufflenet_v2_x1_0",
    "6f9fbf8bdf22e3eadba08500e3f4fe424f395d2d686672d37a66629e59997100": "spnasnet_100",
    "028cab94bdd5ed99704eb4c6795896ca62447aad5e73f02e02a3c5174df4fc40": "squeezenet1_1_aipp",
    "47884d8bbc7b29dc5f3c342ca64604c0c0fcc49e17ec78e10526671c08557ef7": "swin_base_patch4_window12_384",
    "ec734ffb1e5300d82860ce8774e6ae4ef2670492802fe4b61db990ebf229319e": "swin_t",
    "05cebfd68d1eea4e74723d1ff8b2abca395f0fa25fd89aa55fb044355c74cf87": "swin_tiny_patch4_window7_224",
    "f193a2dfce00f126bdaa7bb0791daa4c9b23f562912d69decfc39e245d5c516d": "tnt_s_patch16_224",
    "c10200a529fc7ed42171df4dda05d9f2ed8b3f9bb6d667bb657f842d681f6e31": "tresnet_m",
    "94eaf1aaa51d1947ea18846672ccda330a6ce5f8e50e5f496b37b022d1bd8e25": "twins_pcpvt_small",
    "2d3de58b5071acc0af841a6e57ab28bc8f2dc66bbb5ebe595303f992268fb793": "twins_svt_large",
    "2e6198c567638bc290bc02bf6cda56e3377f0925143bb7d5c6714d450b9baf2f": "vgg16",
    "c3a5ccd95751524fd9a224d9a185f02f1443c67c947a2da365957e46c9f324e3": "vgg19",
    "d37172589047cb7c95ea22af7c598900665939cbfc69b1981b0b62eb5db4a8fa": "vit_b_16",
    "d1912a24d0a8de82834b7d127a63ea02201e411dd6e64379e78ea4e88e8bbb94": "vit_base_patch16_224",
    "83965ea80bfd4e990b73638ddd777c8a8cb38f59ece20efd02c78e1fef674400": "vit_small_patch16_224",
    "c1431eb11e3f4a59ec929cb1bda5fb08c2110d22279971408954cbb1b811a412": "wide_resnet101_2",
    "e235c8b5092db9c9a7d0be755fd6fb19ae92ab53c04ca0f60df6e5e8331623de": "wide_resnet50_2",
    "dada7ca7aa06e5c2d89f2a27e5949f2941e3478b1a74f84205d210b5b7401b53": "xcit_small_12_p16_224",
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
