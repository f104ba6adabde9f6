"""Every tensor that inference uses is found in the ONNX file, folded or moved, and a wrong one is named."""

from __future__ import annotations

import warnings
from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, numpy_helper
from torch import nn

from selftest.onnx_files import WEIGHT, Edit, saved
from tools.judge.facts import WeightFacts
from tools.model.torchvision_ops import import_torchvision
from tools.model.weights.compare import compare_weights


class Plain(nn.Module):
    """One matrix."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3, 2, bias=False)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Vectors of 2."""
        product: torch.Tensor = self.fc(image)
        return product


class Convolutions(nn.Module):
    """Convolutions with batch normalisation after them, before them, or alone; a head that only training uses."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU()),
            *(nn.Conv2d(8, 8, 3, groups=8), nn.BatchNorm2d(8)),
            *(nn.Conv2d(8, 12, 3, groups=4), nn.BatchNorm2d(12, affine=False), nn.PReLU(12)),
            *(nn.ConvTranspose2d(12, 8, 2, groups=2), nn.BatchNorm2d(8), nn.ReLU()),
            *(nn.BatchNorm2d(8), nn.Conv2d(8, 8, 1), nn.GroupNorm(2, 8)),
            *(nn.AdaptiveAvgPool2d(2), nn.Flatten()),
        )
        self.middle = nn.Linear(32, 8)
        self.norm = nn.BatchNorm1d(8)
        self.head = nn.Linear(8, 5)
        self.aux = nn.Linear(32, 5)
        self.register_buffer("wave", torch.sin(torch.arange(32.0)), persistent=False)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Five logits, and in training those of the other head too."""
        found = self.features(image) + self.wave
        logits: torch.Tensor = self.head(self.norm(self.middle(found)))
        self.aux(found)
        return logits


class Attention(nn.Module):
    """Tokens: a class token, positions, one matrix for query, key and value, relative positions, scales."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, 16))
        self.positions = nn.Parameter(torch.randn(1, 5, 16))
        self.norm = nn.LayerNorm(16)
        self.qkv = nn.Linear(16, 48)
        self.table = nn.Parameter(torch.randn(9, 2))
        self.register_buffer("index", torch.arange(25).reshape(5, 5) % 9)
        self.scale = nn.Parameter(torch.randn(16))
        self.temperature = nn.Parameter(torch.rand(2, 1, 1))
        self.out, self.other = nn.Linear(16, 16, bias=False), nn.Linear(16, 16, bias=False)
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Sixteen numbers."""
        found = self.patches(image).flatten(2).transpose(1, 2)
        found = torch.cat([self.token.expand(found.shape[0], -1, -1), found], 1) + self.positions
        query, key, value = self.qkv(self.norm(found)).reshape(-1, 5, 3, 2, 8).permute(2, 0, 3, 1, 4)
        scores = query @ key.transpose(-2, -1) * self.temperature.exp() + self.table[self.get_buffer("index")].permute(
            2, 0, 1
        )
        mixed = (scores.softmax(-1) @ value).transpose(1, 2).reshape(-1, 5, 16)
        found = found + self.scale * self.other(self.out(mixed))
        first: torch.Tensor = self.attention(found, found, found, need_weights=False)[0][:, 0]
        return first


NETWORKS: dict[str, tuple[type[nn.Module], int]] = {"convolutions": (Convolutions, 9), "attention": (Attention, 8)}
COUNTERS = [f"{place}.num_batches_tracked" for place in ("norm", *(f"features.{at}" for at in (1, 4, 6, 9, 11)))]
UNUSED = {"convolutions": ["aux.bias", "aux.weight", *COUNTERS], "attention": []}


@dataclass(frozen=True)
class Exported:
    """A network of NETWORKS and its file."""

    name: str
    model: nn.Module
    path: Path

    def used(self) -> dict[str, torch.Tensor]:
        """The tensors of floats that inference uses."""
        tensors = self.model.state_dict().items()
        return {key: value for key, value in tensors if key not in UNUSED[self.name] and value.is_floating_point()}

    def held_against(self, changes: dict[str, torch.Tensor], path: Path | None = None) -> WeightFacts:
        """The file held against a checkpoint with other tensors."""
        return compare_weights(path or self.path, {**self.model.state_dict(), **changes}, self.model)


def network(name: str, *, fresh: bool = False) -> nn.Module:
    """In evaluation mode, every number drawn unless `fresh`; the same at every call."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = NETWORKS[name][0]().eval().requires_grad_(requires_grad=False)
        for tensor in () if fresh else model.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(torch.rand_like(tensor) + 0.5)
    return model


def exported(model: nn.Module, path: Path, shape: tuple[int, ...], opset: int = 14) -> Path:
    """As the suite exports, with a batch of any size."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        before = torch.backends.mha.get_fastpath_enabled()
        torch.backends.mha.set_fastpath_enabled(False)  # no exporter takes the fused operation
        torch.onnx.export(
            model,
            (torch.zeros(1, *shape),),
            str(path),
            dynamo=False,
            opset_version=opset,
            input_names=["x"],
            output_names=["y"],
            dynamic_axes={"x": {0: "-1"}, "y": {0: "-1"}},
        )
        torch.backends.mha.set_fastpath_enabled(before)
    return path


@pytest.fixture(scope="module", params=NETWORKS)
def true(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """A network, and its file."""
    name = str(request.param)
    side = NETWORKS[name][1]
    model = network(name)
    return Exported(name, model, exported(model, tmp_path_factory.mktemp(name) / "true.onnx", (3, side, side)))


def names_of(facts: WeightFacts, name: str) -> bool:
    """Do the offenders name this tensor, by itself or as part of a fold?"""
    module, _, leaf = name.rpartition(".")
    return any(name in text or (f" {module} (" in text and leaf in text) for text in facts.offenders)


@pytest.mark.parametrize(
    ("name", "opset"),
    [("convolutions", 11), ("convolutions", 18), ("attention", 14), ("attention", 18)],
)
@pytest.mark.parametrize("fresh", [False, True], ids=["drawn", "fresh"])
def test_an_export_is_made_of_its_checkpoint(name: str, fresh: bool, opset: int, tmp_path: Path) -> None:
    model, side = network(name, fresh=fresh), NETWORKS[name][1]
    path = exported(model, tmp_path / "true.onnx", (3, side, side), opset)
    facts = compare_weights(path, model.state_dict(), model)
    assert facts.offenders == ()
    assert list(facts.unused) == sorted(UNUSED[name])
    assert facts.exact + facts.recomputed == facts.among == len(model.state_dict()) - len(facts.unused)
    assert (facts.recomputed > 0) == (name == "convolutions")


def test_a_thousandth_less_of_any_tensor_is_named(true: Exported) -> None:
    for key, tensor in true.used().items():
        facts = true.held_against({key: tensor / 1.001})
        assert names_of(facts, key), (key, facts.offenders)
        assert 1 <= len(facts.offenders) <= min(2, facts.among - facts.exact - facts.recomputed), (key, facts.offenders)


def test_a_thousandth_less_of_one_element_is_named(true: Exported) -> None:
    for key, tensor in list(true.used().items())[::4]:
        changed = tensor.clone()
        changed.view(-1)[-1] -= 1e-3 * tensor.abs().max()
        facts = true.held_against({key: changed})
        assert names_of(facts, key), (key, facts.offenders)


def test_two_tensors_that_were_exchanged_are_named(true: Exported) -> None:
    tensors = true.used()
    pairs = [pair for pair in combinations(tensors, 2) if tensors[pair[0]].shape == tensors[pair[1]].shape]
    for one, other in pairs[:: max(1, len(pairs) // 12)]:
        if not _product(one, other):
            facts = true.held_against({one: tensors[other], other: tensors[one]})
            assert names_of(facts, one), (one, other, facts.offenders)
            assert names_of(facts, other), (one, other, facts.offenders)


def _product(one: str, other: str) -> bool:
    """Of these two of one normalisation a folded bias holds only the product, so that only the weight tells."""
    places = {name.rpartition(".")[0] for name in (one, other)}
    return len(places) == 1 and {one.rpartition(".")[2], other.rpartition(".")[2]} == {"weight", "running_mean"}


def test_a_file_of_another_checkpoint_is_wrong_in_every_tensor_of_its_own(true: Exported) -> None:
    rounded = {key: tensor.half().float() for key, tensor in true.used().items()}
    facts = true.held_against(rounded)
    assert (facts.exact, facts.recomputed, facts.foreign) == (1 if true.name == "attention" else 0, 0, 0)  # its index


def test_constants_exchanged_between_nodes_are_named(true: Exported, tmp_path: Path) -> None:
    """The values are all there, each in the wrong place."""
    model = onnx.load(str(true.path))
    shapes: dict[tuple[int, ...], list[onnx.TensorProto]] = defaultdict(list)
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and len(tensor.dims) > 1:
            shapes[tuple(tensor.dims)].append(tensor)
    one, other = next(pair[:2] for pair in shapes.values() if len(pair) > 1)
    one.raw_data, other.raw_data = other.raw_data, one.raw_data
    onnx.save(model, str(tmp_path / "exchanged.onnx"))
    assert true.held_against({}, tmp_path / "exchanged.onnx").offenders


def compared(path: Path, weight: np.ndarray = WEIGHT) -> WeightFacts:
    """A file held against a checkpoint of one matrix."""
    return compare_weights(path, {"fc.weight": torch.from_numpy(weight.copy())}, Plain().eval())


def _replace(values: np.ndarray, name: str = "fc.weight") -> Edit:
    def edit(model: onnx.ModelProto) -> None:
        model.graph.node[0].input[1] = name
        model.graph.initializer[0].CopyFrom(numpy_helper.from_array(values, name))

    return edit


def test_equal_weights_are_no_offenders(tmp_path: Path) -> None:
    assert compared(saved(tmp_path)) == WeightFacts((), among=1, exact=1, recomputed=0, foreign=0, unused=())


@pytest.mark.parametrize(
    ("values", "name"),
    [(WEIGHT, "onnx::MatMul_7"), (WEIGHT.T.copy(), "val_3"), (WEIGHT.astype(np.float16), "fc.weight")],
    ids=["renamed", "transposed", "float16"],
)
def test_the_same_tensor_otherwise_kept_is_no_offender(tmp_path: Path, values: np.ndarray, name: str) -> None:
    assert compared(saved(tmp_path, _replace(values, name))).offenders == ()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.nextafter(WEIGHT, np.float32(9)), "largest error"),
        (WEIGHT.astype(np.float64), "float64 [2, 3] in the file, float32 [2, 3] in the checkpoint"),
        (WEIGHT.T.copy(), "float32 [3, 2] in the file, float32 [2, 3] in the checkpoint"),
        (WEIGHT[::-1].copy(), "largest error"),
        (np.full((2, 3), np.nan, np.float32), "largest error inf"),
    ],
    ids=["last-bit", "type", "shape", "order", "nan"],
)
def test_each_difference_of_a_weight_is_found(tmp_path: Path, values: np.ndarray, said: str) -> None:
    facts = compared(saved(tmp_path, _replace(values)))
    (text,) = facts.offenders
    assert text.startswith("fc.weight differs: ")
    assert said in text
    assert (facts.among, facts.exact) == (1, 0)


def test_a_nan_weight_is_no_match_to_itself_by_accident(tmp_path: Path) -> None:
    broken = np.full((2, 3), np.nan, np.float32)
    assert len(compared(saved(tmp_path, _replace(broken)), broken).offenders) == 1


def test_a_weight_that_no_node_reads_is_missing(tmp_path: Path) -> None:
    def unplug(model: onnx.ModelProto) -> None:
        model.graph.node[0].input[1] = "x"

    assert compared(saved(tmp_path, unplug)).offenders == ("fc.weight missing",)


def test_a_constant_of_no_tensor_is_named(tmp_path: Path) -> None:
    def add(model: onnx.ModelProto) -> None:
        model.graph.initializer.append(numpy_helper.from_array(np.arange(20, dtype=np.float32), "extra"))

    facts = compared(saved(tmp_path, add))
    assert (facts.offenders, facts.among, facts.foreign) == (("extra not in the checkpoint",), 2, 1)


TORCHVISION = [
    *("alexnet", "vgg11_bn", "resnet18", "resnet50", "resnext50_32x4d", "mobilenet_v2", "mobilenet_v3_small"),
    *("densenet121", "inception_v3", "googlenet", "squeezenet1_1", "shufflenet_v2_x0_5", "mnasnet0_5"),
    *("efficientnet_b0", "efficientnet_v2_s", "regnet_y_400mf", "convnext_tiny", "swin_t", "swin_v2_t", "vit_b_32"),
    "maxvit_t",
]


@pytest.mark.nightly
@pytest.mark.parametrize("fresh", [False, True], ids=["drawn", "fresh"])
@pytest.mark.parametrize("factory", TORCHVISION)
def test_torchvisions_networks(factory: str, fresh: bool, tmp_path: Path) -> None:
    """Each is made of its checkpoint; of some tensors a thousandth less is named."""
    more = {"init_weights": False} if factory in ("inception_v3", "googlenet") else {}
    model = import_torchvision().models.get_model(factory, weights=None, **more).eval().requires_grad_(False)
    for tensor in () if fresh else model.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand_like(tensor) + 0.5)
    opset = {"maxvit_t": 12, "vit_b_32": 14}.get(factory, 11)
    side = 299 if factory == "inception_v3" else 224
    path = exported(model, tmp_path / "true.onnx", (3, side, side), opset)
    state_dict = model.state_dict()
    facts = compare_weights(path, state_dict, model)
    assert (facts.offenders, facts.exact + facts.recomputed) == ((), facts.among)
    floats = [key for key in state_dict if key not in facts.unused and state_dict[key].is_floating_point()]
    for key in [] if fresh else floats[:: len(floats) // 8]:
        changed = compare_weights(path, {**state_dict, key: state_dict[key] / 1.001}, model)
        assert names_of(changed, key), (key, changed.offenders)
