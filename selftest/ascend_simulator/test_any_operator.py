"""fp16 for whatever onnxruntime runs: values between nodes are rounded, shapes and what CANN computes wide are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from selftest.ascend_simulator import graphs

X = np.random.default_rng(5).uniform(-3, 3, (2, 3, 4, 4)).astype(np.float32)
Function = Callable[[graphs.Array], graphs.Array]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    nodes: list[graphs.Node],
    x: graphs.Array = X,
    weights: graphs.Weights | None = None,
    opset: int = 11,
    **flags: str,
) -> graphs.Array:
    """Output y of the graph for an input x."""
    inputs = {"x": ("n", *x.shape[1:])}
    model = graphs.save(folder / "m.onnx", nodes, inputs=inputs, outputs=["y"], weights=weights, opset=opset)
    shape = f"x:{','.join(map(str, x.shape))}"
    return graphs.compile_model(model, capsys, shape, **flags).run(x)[0]


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("Erf", None),
        ("Exp", np.exp),
        ("HardSwish", None),
        ("Softplus", None),
        ("Ceil", np.ceil),
        ("Neg", np.negative),
        ("Sqrt", None),
        ("Mish", None),
    ],
)
def test_any_operator_takes_and_gives_fp16_values(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    operator: str,
    expected: Callable[[graphs.Array], graphs.Array] | None,
) -> None:
    x = np.abs(X) if operator == "Sqrt" else X
    found = run(tmp_path, capsys, [(operator, ["x"], ["y"], {})], x, opset=18)
    wide = run(
        tmp_path, capsys, [(operator, ["x"], ["y"], {})], graphs.rounded(x), opset=18, precision_mode_v2="origin"
    )
    assert found.tobytes() == graphs.rounded(wide).tobytes()
    if expected is not None:
        assert found == pytest.approx(expected(graphs.rounded(x)), rel=1e-3)


def test_a_value_is_rounded_between_any_two_nodes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nodes: list[graphs.Node] = [("Exp", ["x"], ["e"], {}), ("Log", ["e"], ["y"], {})]
    found = run(tmp_path, capsys, nodes)
    between = graphs.rounded(np.exp(graphs.rounded(X)))
    assert found == pytest.approx(graphs.rounded(np.log(between)), abs=2e-3)
    assert (found != graphs.rounded(X)).any()


@pytest.mark.parametrize(
    ("nodes", "weights"),
    [
        ([("Concat", ["x", "x"], ["j"], {"axis": 1}), ("Gather", ["j", "i"], ["y"], {"axis": 1})], {"i": [5, 0, 1]}),
        ([("Unsqueeze", ["x"], ["u"], {"axes": [1]}), ("Squeeze", ["u"], ["y"], {"axes": [1]})], {}),
        ([("Pad", ["x", "p"], ["y"], {})], {"p": [0, 0, 1, 1, 0, 0, 0, 0]}),
        ([("Max", ["x", "x"], ["y"], {})], {}),
    ],
)
def test_moving_values_about_rounds_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], nodes: list[graphs.Node], weights: dict[str, list[int]]
) -> None:
    arrays = {name: np.array(values, np.int64) for name, values in weights.items()}
    found = run(tmp_path, capsys, nodes, weights=arrays)
    wide = run(tmp_path, capsys, nodes, graphs.rounded(X), weights=arrays, precision_mode="must_keep_origin_dtype")
    assert found.tobytes() == wide.tobytes()


def test_constant_nodes_are_weights_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from onnx import numpy_helper

    third = numpy_helper.from_array(np.array([1 / 3], np.float32))
    nodes: list[graphs.Node] = [("Constant", [], ["c"], {"value": third}), ("Add", ["x", "c"], ["y"], {})]
    found = run(tmp_path, capsys, nodes, np.zeros((1, 1), np.float32))
    assert found[0, 0] == np.float32(np.float16(1 / 3))
    nodes[0] = ("Constant", [], ["c"], {"value_float": 1 / 3})
    found = run(tmp_path, capsys, nodes, np.zeros((1, 1), np.float32), opset=13)
    assert found[0, 0] == np.float32(np.float16(1 / 3))


def test_sizes_are_computed_on_the_host(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """3001 is no fp16 value; a size that passes through float32 must come out whole."""
    nodes: list[graphs.Node] = [
        ("Shape", ["x"], ["s"], {}),
        ("Cast", ["s"], ["f"], {"to": 1}),
        ("Mul", ["f", "one"], ["g"], {}),
        ("Cast", ["g"], ["t"], {"to": 7}),
        ("Reshape", ["x", "t"], ["r"], {}),
        ("Relu", ["r"], ["y"], {}),
    ]
    weights = {"one": np.ones(1, np.float32)}
    model = graphs.save(tmp_path / "m.onnx", nodes, inputs={"x": ("n", 3001)}, outputs=["y"], weights=weights, rank=2)
    found = graphs.compile_model(model, capsys, "x:1,3001").run(np.ones((1, 3001), np.float32))[0]
    assert found.shape == (1, 3001)


def test_scales_of_a_resize_are_not_rounded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scales = np.array([1, 1, 2.0005, 1], np.float32)
    nodes: list[graphs.Node] = [("Resize", ["x", "roi", "scales"], ["y"], {"mode": "nearest"})]
    x = np.ones((1, 1, 2000, 1), np.float32)
    found = run(tmp_path, capsys, nodes, x, {"roi": np.array([], np.float32), "scales": scales})
    assert found.shape == (1, 1, 4001, 1)


def test_parameters_of_a_batch_norm_stay_float32(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A variance of 1e-9 would be 0 in fp16, and the output 1000 times too small."""
    nodes: list[graphs.Node] = [("BatchNormalization", ["x", "s", "b", "m", "v"], ["y"], {"epsilon": 0.0})]
    ones = np.ones(3, np.float32)
    weights = {"s": ones, "b": 0 * ones, "m": 0 * ones, "v": 1e-9 * ones}
    found = run(tmp_path, capsys, nodes, X / 1000, weights)
    assert found == pytest.approx(graphs.rounded(X / 1000) / np.sqrt(1e-9), rel=1e-3, abs=1e-2)


def layer_norm(epsilon: str = "eps") -> list[graphs.Node]:
    """LayerNorm as torch exports it below opset 17."""
    return [
        ("ReduceMean", ["x"], ["mean"], {"axes": [-1]}),
        ("Sub", ["x", "mean"], ["d"], {}),
        ("Pow", ["d", "two"], ["sq"], {}),
        ("ReduceMean", ["sq"], ["var"], {"axes": [-1]}),
        ("Add", ["var", epsilon], ["var_eps"], {}),
        ("Sqrt", ["var_eps"], ["std"], {}),
        ("Div", ["d", "std"], ["n"], {}),
        ("Mul", ["n", "gamma"], ["scaled"], {}),
        ("Add", ["scaled", "beta"], ["y"], {}),
    ]


@pytest.mark.parametrize("size", [1e-5, 1.0, 2000.0])
def test_a_layer_norm_computes_wide_inside(tmp_path: Path, capsys: pytest.CaptureFixture[str], size: float) -> None:
    """Squares of 2000 are beyond fp16, squares of 1e-5 below it, and so is an epsilon of 1e-12."""
    random = np.random.default_rng(3)
    x = (size * random.normal(size=(2, 64))).astype(np.float32)
    gamma, beta = random.normal(size=(2, 64)).astype(np.float32)
    weights = {"two": np.float32(2), "eps": np.float32(1e-12), "gamma": gamma, "beta": beta}
    found = run(tmp_path, capsys, layer_norm(), x, weights)
    taken = graphs.rounded(x).astype(np.float64)
    normal = (taken - taken.mean(-1, keepdims=True)) / np.sqrt(taken.var(-1, keepdims=True) + 1e-12)
    assert found == pytest.approx(normal * graphs.rounded(gamma) + graphs.rounded(beta), rel=2e-3, abs=2e-3)
    assert (found == graphs.rounded(found)).all()


def test_a_chain_that_is_no_layer_norm_is_rounded_step_by_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nodes: list[graphs.Node] = [("Mul", ["x", "x"], ["sq"], {}), ("Sqrt", ["sq"], ["y"], {})]
    assert np.isinf(run(tmp_path, capsys, nodes, np.full((1, 4), 300, np.float32))).all()


def test_gelu_computes_wide_inside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """x (1 + erf) / 2 of -3 is 1 + erf = 2.7e-3 wide, and 1.2 % off where erf is rounded before the sum."""
    nodes: list[graphs.Node] = [
        ("Div", ["x", "root"], ["s"], {}),
        ("Erf", ["s"], ["e"], {}),
        ("Add", ["e", "one"], ["p"], {}),
        ("Mul", ["x", "p"], ["q"], {}),
        ("Mul", ["q", "half"], ["y"], {}),
    ]
    weights = {"root": np.float32(2**0.5), "one": np.float32(1), "half": np.float32(0.5)}
    found = run(tmp_path, capsys, nodes, np.full((1, 1), -3, np.float32), weights)
    assert found[0, 0] == pytest.approx(-3 * 0.0013498980, rel=1e-3)


def test_an_empty_vector_has_no_direction_but_is_no_nan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """torch's normalize, as it is exported: padding of a window makes such vectors."""
    nodes: list[graphs.Node] = [
        ("ReduceL2", ["x"], ["length"], {"axes": [-1]}),
        ("Clip", ["length", "eps"], ["floor"], {}),
        ("Shape", ["x"], ["s"], {}),
        ("Expand", ["floor", "s"], ["e"], {}),
        ("Div", ["x", "e"], ["y"], {}),
    ]
    x = np.array([[0, 0], [3, 4]], np.float32)
    found = run(tmp_path, capsys, nodes, x, {"eps": np.float32(1e-12)})
    assert found.tolist() == graphs.rounded(np.array([[0, 0], [0.6, 0.8]])).tolist()


def test_weights_beyond_fp16_are_clipped_unless_told_not_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nodes: list[graphs.Node] = [("Add", ["x", "mask"], ["y"], {})]
    x, weights = np.zeros((1, 1), np.float32), {"mask": np.array([-1e9], np.float32)}
    assert run(tmp_path, capsys, nodes, x, weights)[0, 0] == -65504
    assert run(tmp_path, capsys, nodes, x, weights, is_weight_clip="0")[0, 0] == -np.inf


def test_comparisons_see_fp16_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """1.0001 is 1 on the device."""
    nodes: list[graphs.Node] = [("Greater", ["x", "one"], ["b"], {}), ("Cast", ["b"], ["y"], {"to": 1})]
    x = np.array([[1.0001, 1.01]], np.float32)
    assert run(tmp_path, capsys, nodes, x, {"one": np.float32(1)}).tolist() == [[0, 1]]


def test_casts_to_whole_numbers_see_fp16_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nodes: list[graphs.Node] = [("Cast", ["x"], ["i"], {"to": 7}), ("Cast", ["i"], ["y"], {"to": 1})]
    assert run(tmp_path, capsys, nodes, np.array([[0.99999]], np.float32)).tolist() == [[1]]


def test_a_weight_used_wide_and_narrow_is_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    third = np.full(3, 1 / 3, np.float32)
    weights = {"s": third, "zero": 0 * third, "v": np.ones(3, np.float32)}
    nodes: list[graphs.Node] = [
        ("BatchNormalization", ["x", "s", "zero", "zero", "v"], ["n"], {"epsilon": 0.0}),
        ("Add", ["n", "s"], ["y"], {}),
    ]
    found = run(tmp_path, capsys, nodes, np.zeros((1, 3), np.float32), weights)
    assert found[0].tolist() == [np.float32(np.float16(1 / 3))] * 3
