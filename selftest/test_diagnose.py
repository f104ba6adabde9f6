"""The diagnosis names the node that is wrong, and none where none is."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray

from selftest.torch_models import SMALL, SMALL_SIDE_PX, export, images, network, perturbed, random_weights
from tools.base import cli
from tools.base.errors import OnnxError, SuiteError
from tools.base.files import md5_of
from tools.diagnose import main
from tools.diagnosis import diagnose
from tools.diagnosis.findings import Diagnosis
from tools.diagnosis.node_errors import Errors
from tools.diagnosis.onnx_nodes import NodeGraph
from tools.diagnosis.render import render
from tools.ports.spec import PUBLISHED_SPEC

CONV3 = 6  # AlexNet's third convolution: Conv Relu MaxPool Conv Relu MaxPool Conv
EXPAND = "features.3.expand3x3"  # SqueezeNet: one of two branches that a Concat joins


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    return random_weights(SMALL)


@pytest.fixture(scope="module")
def small_onnx(weights: dict[str, torch.Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(weights, SMALL, tmp_path_factory.mktemp("small") / "small.onnx")


@pytest.fixture(scope="module")
def clean(weights: dict[str, torch.Tensor], small_onnx: Path) -> Diagnosis:
    return diagnose.diagnose(small_onnx, network(weights, SMALL), images(2))


@pytest.fixture(scope="module")
def alexnet(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, torch.Tensor], Path]:
    found = random_weights("alexnet")
    return found, export(found, "alexnet", tmp_path_factory.mktemp("alexnet") / "alexnet.onnx", side_px=224)


def onnx_logits(path: Path, batch: NDArray[np.float32]) -> NDArray[np.float32]:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    output: NDArray[np.float32] = session.run(None, {"actual_input_1": batch})[0]
    return output


def edited(path: Path, out: Path, edit: Callable[[onnx.GraphProto], None]) -> Path:
    model = onnx.load(str(path))
    edit(model.graph)
    onnx.save(model, str(out))
    return out


def test_all_20_nodes_of_alexnet_lie_within_rounding(alexnet: tuple[dict[str, torch.Tensor], Path]) -> None:
    weights, path = alexnet
    found = diagnose.diagnose(path, network(weights, "alexnet"), images(2, side_px=224))
    features = "Conv Relu MaxPool Conv Relu MaxPool Conv Relu Conv Relu Conv Relu MaxPool AveragePool Flatten"
    assert " ".join(node.operator for node in found.nodes) == f"{features} Gemm Relu Gemm Relu Gemm"
    assert [node.module for node in found.nodes][13:16] == ["avgpool", "view", "classifier.1"]
    assert found.nodes[CONV3].output_shape == (2, 384, 13, 13)
    assert (found.diverges, found.first_diverging) == (False, None)


@pytest.mark.nightly
def test_perturbed_conv3_is_named_first_and_alone(
    alexnet: tuple[dict[str, torch.Tensor], Path], tmp_path: Path
) -> None:
    weights, path = alexnet
    spoiled = perturbed(path, tmp_path / "spoiled.onnx", "features.6.weight", lambda values: values * 1.01)
    found = diagnose.diagnose(spoiled, network(weights, "alexnet"), images(2, side_px=224))
    assert found.first_diverging == CONV3
    assert found.ranked[0] == CONV3
    assert [node.index for node in found.nodes if node.diverges] == [CONV3]
    assert "first diverging node: 6 /features/features.6/Conv (Conv, torch features.6)" in "\n".join(render(found))


def test_a_clean_export_has_no_diverging_node(clean: Diagnosis) -> None:
    assert not clean.diverges
    assert sorted(clean.ranked) == [node.index for node in clean.nodes]
    assert "no node diverges from torch: all 65 lie within fp32 rounding" in render(clean)


def test_fp16_costs_what_rounding_costs(clean: Diagnosis) -> None:
    for node in clean.nodes:
        assert isinstance(node.fp16_own, Errors)
        rounds = node.operator in ("Conv", "GlobalAveragePool")
        assert (1e-5 < node.fp16_own.relative_l2_error < 2e-3) if rounds else node.fp16_own.max_abs_error == 0, node
    assert isinstance(clean.nodes[-1].fp16_accumulated, Errors)
    assert 1e-4 < clean.nodes[-1].fp16_accumulated.relative_l2_error < 1e-2


@pytest.mark.parametrize(
    ("tensor", "change"),
    [
        (f"{EXPAND}.weight", lambda values: values * 1.001),
        (f"{EXPAND}.bias", lambda values: values * 0),
        (f"{EXPAND}.weight", lambda values: values.astype(np.float16).astype(np.float32)),
        (f"{EXPAND}.weight", lambda values: values[::-1].copy()),
    ],
    ids=["scaled", "bias lost", "rounded to fp16", "channels permuted"],
)
def test_only_the_spoiled_node_diverges(
    weights: dict[str, torch.Tensor],
    small_onnx: Path,
    tmp_path: Path,
    tensor: str,
    change: Callable[[NDArray[np.float32]], NDArray[np.float32]],
) -> None:
    spoiled = perturbed(small_onnx, tmp_path / "spoiled.onnx", tensor, change)
    found = diagnose.diagnose(spoiled, network(weights, SMALL), images(2))
    assert [node.module for node in found.nodes if node.diverges] == [EXPAND]
    assert found.ranked[0] == found.first_diverging


def test_of_two_spoiled_nodes_the_first_is_first_and_the_worse_is_ranked_first(
    weights: dict[str, torch.Tensor], small_onnx: Path, tmp_path: Path
) -> None:
    one = perturbed(small_onnx, tmp_path / "one.onnx", "features.3.squeeze.weight", lambda values: values * 1.01)
    two = perturbed(one, tmp_path / "two.onnx", "features.7.squeeze.weight", lambda values: values * 2)
    found = diagnose.diagnose(two, network(weights, SMALL), images(2))
    assert found.first_diverging is not None
    assert found.nodes[found.first_diverging].module == "features.3.squeeze"
    assert [found.nodes[index].module for index in found.ranked[:2]] == ["features.7.squeeze", "features.3.squeeze"]


def test_a_spoiled_attribute_diverges_and_a_changed_shape_ends_the_accumulated_errors(
    weights: dict[str, torch.Tensor], small_onnx: Path, tmp_path: Path
) -> None:
    def pad(graph: onnx.GraphProto) -> None:
        pool = next(node for node in graph.node if node.op_type == "MaxPool")
        next(entry for entry in pool.attribute if entry.name == "pads").ints[:] = [1, 1, 1, 1]
        next(entry for entry in pool.attribute if entry.name == "ceil_mode").i = 0

    found = diagnose.diagnose(edited(small_onnx, tmp_path / "pad.onnx", pad), network(weights, SMALL), images(2))
    assert [node.module for node in found.nodes if node.diverges] == ["features.2"]
    assert found.nodes[2].own == "shape [2, 64, 16, 16] instead of [2, 64, 15, 15]"
    assert found.nodes[2].accumulated == found.nodes[2].own
    assert isinstance(found.nodes[3].own, Errors)
    assert all(isinstance(node.accumulated, str) for node in found.nodes[3:])
    assert any("first to diverge: shape" in line for line in render(found))


def test_fp16_overflow_is_told_and_is_no_divergence_of_the_onnx(
    weights: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    large = copy.copy(weights)
    large["features.0.bias"] = torch.full_like(weights["features.0.bias"], 1e6)
    found = diagnose.diagnose(export(large, SMALL, tmp_path / "large.onnx"), network(large, SMALL), images(1))
    assert found.nodes[0].fp16_accumulated == "NaN or infinity in 1 of 1 images"
    assert found.first_diverging is None


def test_om_logits_within_fp16_are_explained(
    weights: dict[str, torch.Tensor], small_onnx: Path, tmp_path: Path
) -> None:
    batch = images(3)
    rounded = small_onnx
    for name in weights:
        rounded = perturbed(
            rounded, tmp_path / "rounded.onnx", name, lambda values: values.astype(np.float16).astype(np.float32)
        )
    found = diagnose.diagnose(small_onnx, network(weights, SMALL), batch, onnx_logits(rounded, batch))
    assert found.om is not None
    assert not found.diverges
    assert "explained by fp16" in "\n".join(render(found))


@pytest.mark.parametrize("spoil", ["swapped", "one logit", "NaN"])
def test_om_logits_beyond_fp16_are_told(
    weights: dict[str, torch.Tensor], small_onnx: Path, clean: Diagnosis, spoil: str
) -> None:
    batch = images(3)
    logits = onnx_logits(small_onnx, batch)
    if spoil == "swapped":
        logits[[1, 2]] = logits[[2, 1]]
    elif spoil == "one logit":
        logits[2, 0] += 0.1 * np.abs(logits).max()
    else:
        logits[2, 0] = np.nan
    found = diagnose.diagnose(small_onnx, network(weights, SMALL), batch, logits, ids=("a", "b", "c"))
    assert found.om is not None
    assert (found.om.diverges, found.diverges, found.first_diverging) == (True, True, None)
    assert found.worst[0].id in ("b", "c") if spoil == "swapped" else found.worst[0].id == "c"
    assert "NOT explained by fp16" in "\n".join(render(found))


def test_a_diagnosis_is_plain_data(clean: Diagnosis) -> None:
    assert msgspec.json.decode(msgspec.json.encode(clean), type=Diagnosis) == clean


def test_a_graph_that_is_not_the_sum_of_its_nodes_diverges(
    weights: dict[str, torch.Tensor], small_onnx: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = NodeGraph.run
    monkeypatch.setattr(NodeGraph, "run", lambda graph, batch: right(graph, batch) * np.float32(1.001))
    found = diagnose.diagnose(small_onnx, network(weights, SMALL), images(1))
    assert (found.first_diverging, found.diverges) == (None, True)
    assert any("not the sum of its nodes" in line for line in render(found))


def test_a_node_that_reads_something_else_diverges(
    weights: dict[str, torch.Tensor], small_onnx: Path, tmp_path: Path
) -> None:
    def lose_a_branch(graph: onnx.GraphProto) -> None:
        del next(node for node in graph.node if node.op_type == "Concat").input[1]

    found = diagnose.diagnose(
        edited(small_onnx, tmp_path / "branch.onnx", lose_a_branch), network(weights, SMALL), images(1)
    )
    (lost,) = (node for node in found.nodes if node.diverges)
    assert (lost.operator, lost.module) == ("Concat", "features.3: cat")
    assert lost.own == "shape [1, 64, 15, 15] instead of [1, 128, 15, 15]"


def test_a_node_that_onnxruntime_refuses_is_named(
    weights: dict[str, torch.Tensor], small_onnx: Path, tmp_path: Path
) -> None:
    def of_another_domain(graph: onnx.GraphProto) -> None:
        graph.node[0].domain = "nobody"

    misshapen = perturbed(small_onnx, tmp_path / "shape.onnx", "features.0.weight", lambda values: values[:, :2])
    unknown = edited(small_onnx, tmp_path / "domain.onnx", of_another_domain)
    for path in (misshapen, unknown):
        with pytest.raises(OnnxError, match=r"onnxruntime cannot run node /features/features\.0/Conv alone"):
            diagnose.diagnose(path, network(weights, SMALL), images(1))
    with pytest.raises(OnnxError, match=r"onnxruntime cannot run the graph: .*Expected: 64"):
        diagnose.diagnose(small_onnx, network(weights, SMALL), images(1, side_px=80))


def append_softmax(graph: onnx.GraphProto) -> None:
    graph.node[-1].output[0] = "raw"
    graph.node.append(onnx.helper.make_node("Softmax", ["raw"], ["class"], "softmax"))


def tanh_for_relu(graph: onnx.GraphProto) -> None:
    graph.node[1].op_type = "Tanh"


def drop_flatten(graph: onnx.GraphProto) -> None:
    name = graph.node[-1].input[0]
    del graph.node[-1]
    graph.output[0].name = name


@pytest.mark.parametrize(
    ("edit", "operator", "module"),
    [
        (append_softmax, "Softmax", "view"),
        (tanh_for_relu, "Tanh", "features.1"),
        (drop_flatten, "GlobalAveragePool", "view"),
    ],
)
def test_a_node_too_many_another_one_and_one_too_few_diverge_alone(
    weights: dict[str, torch.Tensor],
    small_onnx: Path,
    tmp_path: Path,
    edit: Callable[[onnx.GraphProto], None],
    operator: str,
    module: str,
) -> None:
    found = diagnose.diagnose(edited(small_onnx, tmp_path / "edited.onnx", edit), network(weights, SMALL), images(1))
    assert [(node.operator, node.module) for node in found.nodes if node.diverges] == [(operator, module)]


def test_a_checkpoint_with_nan_is_named(weights: dict[str, torch.Tensor], small_onnx: Path) -> None:
    broken = {name: tensor.clone() for name, tensor in weights.items()}
    broken[f"{EXPAND}.bias"][0] = float("nan")
    with pytest.raises(SuiteError, match=rf"checkpoint itself yields NaN or infinity at {EXPAND}"):
        diagnose.diagnose(small_onnx, network(broken, SMALL), images(1))


@pytest.mark.parametrize(
    "batch", [np.zeros((1, 3, 64, 64)), np.zeros((3, 64, 64), np.float32), np.zeros((0, 3, 64, 64), np.float32)]
)
def test_other_than_images_is_refused(
    weights: dict[str, torch.Tensor], small_onnx: Path, batch: NDArray[np.float32]
) -> None:
    with pytest.raises(SuiteError, match="no probe images"):
        diagnose.diagnose(small_onnx, network(weights, SMALL), batch)


def test_logits_of_other_images_are_refused(weights: dict[str, torch.Tensor], small_onnx: Path) -> None:
    with pytest.raises(SuiteError, match="not those of the probe images"):
        diagnose.diagnose(small_onnx, network(weights, SMALL), images(2), np.zeros((3, 1000), np.float32))


@pytest.fixture
def command(weights: dict[str, torch.Tensor], small_onnx: Path, tmp_path: Path) -> list[str]:
    """A command line for the small network: checkpoint, port with its md5, three bins."""
    torch.save(weights, tmp_path / "small.pth")
    text = PUBLISHED_SPEC.read_text(encoding="utf-8")
    for old, new in {
        "source: torchvision:alexnet": f"source: torchvision:{SMALL}",
        "aed0662f397a0507305ac94ea5519309": md5_of(tmp_path / "small.pth"),
        "crop_px: 224": f"crop_px: {SMALL_SIDE_PX}",
    }.items():
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "port.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "bins").mkdir()
    for row, image in enumerate(images(3)):
        (tmp_path / "bins" / f"image_{row}.bin").write_bytes(image.tobytes())
    options = {"checkpoint": tmp_path / "small.pth", "onnx": small_onnx, "bins": tmp_path / "bins"}
    options |= {"port": tmp_path / "port.yaml"}
    return [word for name, value in options.items() for word in (f"--{name}", str(value))]


def write_dumps(folder: Path, logits: NDArray[np.float32]) -> Path:
    folder.mkdir()
    for row, scores in enumerate(logits):
        (folder / f"image_{row}_1.bin").write_bytes(scores.tobytes())
    return folder


def test_the_command_ends_with_0_where_nothing_diverges(
    command: list[str], small_onnx: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dumps = write_dumps(tmp_path / "dumps", onnx_logits(small_onnx, images(3)))
    assert main([*command, "--images", "2", "--dumps", str(dumps)]) == cli.EXIT_OK
    printed = capsys.readouterr().out
    assert "no node diverges" in printed
    assert "worst of 2 images, om vs pth: " in printed


def test_the_command_ends_with_1_where_a_node_diverges(
    command: list[str], small_onnx: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoiled = perturbed(small_onnx, tmp_path / "spoiled.onnx", f"{EXPAND}.weight", lambda values: values * 1.1)
    assert main([*command, "--onnx", str(spoiled), "--images", "1"]) == cli.EXIT_FAILED
    assert f"torch {EXPAND})" in capsys.readouterr().out


def test_dumps_of_other_images_than_the_bins_are_refused(command: list[str], small_onnx: Path, tmp_path: Path) -> None:
    dumps = write_dumps(tmp_path / "dumps", onnx_logits(small_onnx, images(2)))
    with pytest.raises(SuiteError, match=r"1 missing in the dumps \(image_2\)"):
        main([*command, "--dumps", str(dumps), "--images", "1"])


def test_bad_input_ends_with_2_and_one_line(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"not a model")
    (tmp_path / "empty").mkdir()
    for option, value, reason in (
        ("--onnx", "bad.onnx", "not a readable ONNX file"),
        ("--onnx", "absent.onnx", "absent.onnx"),
        ("--bins", "empty", "the folder holds no bins"),
        ("--bins", "absent", "no such folder of bins"),
        ("--images", "0", "not a number of images"),
    ):
        words = [*command, option, value if option == "--images" else str(tmp_path / value)]
        assert cli.run(lambda words=words: main(words)) == cli.EXIT_BAD_INPUT  # type: ignore[misc]
        error = capsys.readouterr().err
        assert reason in error
        assert error.count("\n") == 1


def test_a_graph_of_two_inputs_is_refused(tmp_path: Path, weights: dict[str, torch.Tensor]) -> None:
    ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 4]) for name in ("x", "z", "y")]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Add", ["x", "z"], ["y"])], "odd", ends[:2], ends[2:])
    onnx.save(onnx.helper.make_model(graph), str(tmp_path / "odd.onnx"))
    with pytest.raises(OnnxError, match="one data input"):
        diagnose.diagnose(tmp_path / "odd.onnx", network(weights, SMALL), images(1))
