"""Inputs and outputs of an OM: fp16 as well as fp32, several outputs, fixed batches, any size and number of classes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from selftest.ascend_simulator import graphs
from selftest.ascend_simulator.conftest import Simulator
from selftest.contracts.host import BENCHMARK
from tools.ascend.simulator import atc, offline_model

X = np.array([[1 / 3, 2.5], [-1.0, 1000.1]], np.float32)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def doubled(folder: Path, kind: int = graphs.FLOAT, batch: int | str = "n") -> Path:
    """y = x + x and z = relu(y) on two values a sample, all of one type."""
    nodes: list[graphs.Node] = [("Add", ["x", "x"], ["y"], {}), ("Relu", ["y"], ["z"], {})]
    types = dict.fromkeys("xyz", kind)
    return graphs.save(folder / "d.onnx", nodes, inputs={"x": (batch, 2)}, outputs=["y", "z"], types=types)


def specs(om: Path) -> list[tuple[str, str, tuple[int, ...]]]:
    """Name, type and shape of the inputs and outputs that an OM says of itself."""
    model = offline_model.read(om)
    return [(spec.name, spec.dtype, spec.shape) for spec in (*model.inputs, *model.outputs)]


def test_an_fp16_file_gives_an_fp16_om(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = graphs.compile_model(doubled(tmp_path, graphs.HALF), capsys, "x:2,2")
    assert specs(made.om) == [(name, "float16", (2, 2)) for name in "xyz"]
    y, z = made.run(X.astype(np.float16))
    assert [y.dtype, z.dtype] == ["float16", "float16"]
    assert y.tolist() == (2 * X.astype(np.float16)).tolist()
    assert z.tolist() == np.maximum(y, 0).tolist()


def test_mode_1_tells_the_element_types(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = graphs.compile_model(doubled(tmp_path, graphs.HALF), capsys, "x:2,2", output_type="y_node:0:FP32")
    assert atc.main(["--mode=1", f"--om={made.om}", "--json=d.json"]) == 0
    data, outputs = json.loads(Path("d.json").read_text())["graph"][0]["op"]
    assert (data["type"], data["output_desc"][0]["dtype"]) == ("Data", "DT_FLOAT16")
    assert [entry["dtype"] for entry in outputs["input_desc"]] == ["DT_FLOAT", "DT_FLOAT16"]


@pytest.mark.parametrize(
    ("flags", "dtypes"),
    [
        ({}, ["float32", "float32", "float32"]),
        ({"output_type": "FP16"}, ["float32", "float16", "float16"]),
        ({"output_type": "z_node:0:FP16"}, ["float32", "float32", "float16"]),
        ({"output_type": "y_node:0:FP16;z_node:0:FP32"}, ["float32", "float16", "float32"]),
        ({"input_fp16_nodes": "x"}, ["float16", "float32", "float32"]),
        ({"input_fp16_nodes": "x", "output_type": "FP16", "precision_mode": "force_fp32"}, ["float16"] * 3),
    ],
)
def test_flags_choose_element_types_but_not_values(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: dict[str, str], dtypes: list[str]
) -> None:
    made = graphs.compile_model(doubled(tmp_path), capsys, "x:2,2", **flags)
    assert [dtype for _, dtype, _ in specs(made.om)] == dtypes
    y, z = made.run(X.astype(dtypes[0]))
    assert [y.dtype, z.dtype] == dtypes[1:]
    assert y.astype(np.float32).tolist() == (2 * graphs.rounded(X)).tolist()


def test_out_nodes_choose_the_outputs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nodes: list[graphs.Node] = [("Add", ["x", "x"], ["y"], {}), ("Relu", ["y"], ["z"], {})]
    model = graphs.save(tmp_path / "d.onnx", nodes, inputs={"x": ("n", 2)}, outputs=["z"])
    made = graphs.compile_model(model, capsys, "x:2,2", out_nodes="z_node:0;y_node:0")
    assert specs(made.om)[1:] == [("z", "float32", (2, 2)), ("y", "float32", (2, 2))]
    assert made.run(X)[1].tolist() == (2 * graphs.rounded(X)).tolist()


def test_a_fixed_batch_is_taken_and_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = doubled(tmp_path, batch=2)
    for shape in ("x:2,2", ""):
        assert specs(graphs.compile_model(model, capsys, shape).om)[0][2] == (2, 2)
    assert "\nE19025: " in graphs.compile_model(model, capsys, "x:4,2").stdout


def test_any_size_may_be_left_open(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nodes: list[graphs.Node] = [("GlobalAveragePool", ["x"], ["y"], {})]
    model = graphs.save(tmp_path / "p.onnx", nodes, inputs={"x": ("n", 3, "h", "w")}, outputs=["y"])
    made = graphs.compile_model(model, capsys, "x:2,3,6,10")
    assert [shape for _, _, shape in specs(made.om)] == [(2, 3, 6, 10), (2, 3, 1, 1)]
    assert "\nE10017: " in graphs.compile_model(model, capsys).stdout


def test_sizes_that_follow_from_the_data_are_found_by_running(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nodes: list[graphs.Node] = [
        ("Shape", ["x"], ["s"], {}),
        ("Cast", ["s"], ["f"], {"to": 1}),
        ("Cast", ["f"], ["t"], {"to": 7}),
        ("Reshape", ["x", "t"], ["y"], {}),
    ]
    model = graphs.save(tmp_path / "r.onnx", nodes, inputs={"x": ("n", 3)}, outputs=["y"], rank=2)
    assert specs(graphs.compile_model(model, capsys, "x:2,3").om)[1][2] == (2, 3)


def wide_model(folder: Path) -> Path:
    """1001 classes from the mean of a 3 x 6 x 10 image, and the mean itself as a second output."""
    nodes: list[graphs.Node] = [
        ("GlobalAveragePool", ["x"], ["p"], {}),
        ("Flatten", ["p"], ["mean"], {}),
        ("Gemm", ["mean", "w"], ["class"], {}),
    ]
    weights = {"w": np.random.default_rng(1).uniform(-1, 1, (3, 1001)).astype(np.float32)}
    inputs = {"x": ("n", 3, 6, 10)}
    return graphs.save(folder / "wide.onnx", nodes, inputs=inputs, outputs=["class", "mean"], weights=weights)


@pytest.mark.parametrize("half", [False, True])
def test_both_tools_dump_every_output_of_an_oblong_input(
    simulator: Simulator, tmp_path: Path, capsys: pytest.CaptureFixture[str], half: bool
) -> None:
    flags = {"input_fp16_nodes": "x", "output_type": "FP16"} if half else {}
    made = graphs.compile_model(wide_model(tmp_path), capsys, "x:2,3,6,10", **flags)
    dtype = "float16" if half else "float32"
    images = np.random.default_rng(2).uniform(0, 1, (3, 3, 6, 10)).astype(dtype)
    expected = [np.concatenate(pair)[:3] for pair in zip(made.run(images[:2]), made.run(images[2:]), strict=True)]
    folder = tmp_path / "bins"
    folder.mkdir()
    for index, image in enumerate(images):
        (folder / f"i{index}.bin").write_bytes(image.tobytes())
    lines = [f"{index} {folder / f'i{index}.bin'} 10 6\n" for index in range(3)]
    (tmp_path / "wide.info").write_text("".join(lines))
    args = (f"-om_path={made.om}", "-input_text_path=wide.info", "-input_width=10", "-input_height=6")
    done = simulator.run(BENCHMARK, "-batch_size=2", *args, "-output_binary=true", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    words = ("--input", folder, "--output", tmp_path / "out", "--output_dirname", "x")
    assert simulator.run("ais_bench", "--model", made.om, *words, cwd=tmp_path).returncode == 0
    for index in range(3):
        for position, values in enumerate(expected):
            old = tmp_path / "result" / "dumpOutput_device0" / f"i{index}_{position + 1}.bin"
            new = tmp_path / "out" / "x" / f"i{index}_{position}.bin"
            assert old.read_bytes() == new.read_bytes() == values[index].tobytes()


def test_text_dumps_hold_the_same_values(
    simulator: Simulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = graphs.compile_model(doubled(tmp_path, graphs.HALF), capsys, "x:1,2")
    (tmp_path / "i.bin").write_bytes(X[:1].astype(np.float16).tobytes())
    (tmp_path / "i.info").write_text(f"0 {tmp_path / 'i.bin'} 2 1\n")
    args = (f"-om_path={made.om}", "-input_text_path=i.info")
    assert simulator.run(BENCHMARK, "-batch_size=1", *args, cwd=tmp_path).returncode == 0
    text = (tmp_path / "result" / "dumpOutput_device0" / "i_1.txt").read_text()
    assert text == "0.666504 5.000000 \n"


def test_whole_numbers_come_out_as_the_tools_write_them(
    simulator: Simulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """ais_bench prints int64 as such; the benchmark tool's text mode takes the bytes for float32 (section 2.1)."""
    nodes: list[graphs.Node] = [("ArgMax", ["x"], ["y"], {"axis": 1})]
    types = {"y": graphs.INT64}
    model = graphs.save(tmp_path / "a.onnx", nodes, inputs={"x": ("n", 2)}, outputs=["y"], types=types)
    made = graphs.compile_model(model, capsys, "x:1,2")
    (tmp_path / "i.bin").write_bytes(X[:1].tobytes())
    (tmp_path / "i.info").write_text(f"0 {tmp_path / 'i.bin'} 2 1\n")
    args = (f"-om_path={made.om}", "-input_text_path=i.info")
    assert simulator.run(BENCHMARK, "-batch_size=1", *args, cwd=tmp_path).returncode == 0
    assert (tmp_path / "result" / "dumpOutput_device0" / "i_1.txt").read_text() == "0.000000 0.000000 \n"
    words = ("--input", tmp_path / "i.bin", "--output", tmp_path / "o", "--output_dirname", "x", "--outfmt", "TXT")
    assert simulator.run("ais_bench", "--model", made.om, *words, cwd=tmp_path).returncode == 0
    assert (tmp_path / "o" / "x" / "i_0.txt").read_text() == "1 \n"
