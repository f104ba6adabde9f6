"""The simulated atc: what it refuses, that it is deterministic, and each fault that it can be ordered to commit."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from selftest.ascend_simulator.conftest import Simulator
from selftest.contracts import tiny_model
from selftest.contracts.conftest import atc_args
from tools.ascend.simulator import offline_model

SUCCESS, FAILURE = "ATC run success, welcome to the next use.", "ATC run failed"


def convert(simulator: Simulator, model: Path, folder: Path, fault: str = "", **changes: str) -> tuple[int, str, Path]:
    """Exit status, stdout and the OM's path of a conversion for batch 2."""
    args = atc_args(model, folder / "tiny", "Ascend310", 2, **changes)
    done = simulator.run("atc", *args, cwd=folder, fault=fault)
    return done.returncode, done.stdout, folder / "tiny.om"


def test_it_says_that_it_simulates_and_leaves_the_tools_droppings(
    simulator: Simulator, onnx_file: Path, tmp_path: Path
) -> None:
    done = simulator.run("atc", *atc_args(onnx_file, tmp_path / "tiny", "Ascend310"), cwd=tmp_path)
    assert done.stderr.startswith("[SIMULATOR] atc: a simulation")
    assert {path.name for path in tmp_path.iterdir()} == {"tiny.om", "kernel_meta", "fusion_result.json"}


def test_the_same_input_gives_the_same_bytes(simulator: Simulator, onnx_file: Path, tmp_path: Path) -> None:
    first = convert(simulator, onnx_file, tmp_path)[2].read_bytes()
    assert convert(simulator, onnx_file, tmp_path)[2].read_bytes() == first


def test_the_om_holds_chip_batch_io_and_command_line(simulator: Simulator, onnx_file: Path, tmp_path: Path) -> None:
    model = offline_model.read(convert(simulator, onnx_file, tmp_path)[2])
    assert (model.soc, model.batch) == ("Ascend310", 2)
    assert [(spec.name, spec.shape) for spec in (*model.inputs, *model.outputs)] == [
        (tiny_model.INPUT, (2, 3, 8, 8)),
        (tiny_model.OUTPUT, (2, 10)),
    ]
    assert f"--model={onnx_file}" in model.command_line


@pytest.mark.parametrize("position", [0.0, 0.01, 0.5, 0.999])
def test_a_flipped_byte_anywhere_is_found(
    simulator: Simulator, onnx_file: Path, tmp_path: Path, position: float
) -> None:
    path = convert(simulator, onnx_file, tmp_path)[2]
    data = bytearray(path.read_bytes())
    data[int(position * len(data))] ^= 1
    path.write_bytes(data)
    with pytest.raises(offline_model.DamagedModel):
        offline_model.read(path)


def test_a_cut_om_is_found(tmp_path: Path) -> None:
    spec = offline_model.TensorSpec("x", "float32", (1, 2))
    whole = offline_model.OfflineModel("m", "Ascend310", 1, (spec,), (spec,), "atc", b"graph")
    path = tmp_path / "m.om"
    offline_model.write(path, whole)
    assert offline_model.read(path) == whole
    data = path.read_bytes()
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(offline_model.DamagedModel):
            offline_model.read(path)


def test_models_that_the_tool_cannot_parse_are_refused(simulator: Simulator, onnx_file: Path, tmp_path: Path) -> None:
    cases = {
        "E19010": tiny_model.save(tmp_path / "op.onnx", op="NoSuchOperator"),
        "E19025": tiny_model.save(tmp_path / "fixed.onnx", batch=1),
        "E19005": tmp_path / "cut.onnx",
        "E16005": tmp_path / "domains.onnx",
    }
    cases["E19005"].write_bytes(onnx_file.read_bytes()[:-100])
    _add_domain(onnx_file, cases["E16005"])
    for code, model in cases.items():
        status, stdout, path = convert(simulator, model, tmp_path)
        assert (status, path.exists()) == (255, False)
        assert f"\n{code}: " in stdout


def _add_domain(source: Path, target: Path) -> None:
    import onnx

    model = onnx.load(source)
    model.opset_import.append(onnx.helper.make_opsetid("ai.onnx.ml", 2))
    onnx.save(model, target)


@pytest.mark.parametrize("output", ["no_such_folder/tiny", "folder/"])
def test_an_output_that_cannot_be_written_is_refused(
    simulator: Simulator, onnx_file: Path, tmp_path: Path, output: str
) -> None:
    status, stdout, _ = convert(simulator, onnx_file, tmp_path, output=output)
    assert (status, "\nE10022: " in stdout) == (255, True)


def test_mode_1_refuses_a_damaged_om(simulator: Simulator, tmp_path: Path) -> None:
    (tmp_path / "bad.om").write_bytes(b"no model")
    done = simulator.run("atc", "--mode=1", "--om=bad.om", "--json=out.json", cwd=tmp_path)
    assert (done.returncode, "E10020" in done.stdout) == (255, True)
    assert not (tmp_path / "out.json").exists()


@pytest.mark.parametrize(
    ("fault", "status", "says_success", "has_file"),
    [
        ("atc:fails", 255, False, False),
        ("atc:error-exit-0", 0, False, False),
        ("atc:exit-1-after-result", 1, True, True),
        ("atc:no-success-line", 0, False, True),
        ("atc:no-file", 0, True, False),
        ("atc:stale-file", 0, True, False),
        ("atc:empty-file", 0, True, True),
        ("atc:damaged-file", 0, True, True),
        ("atc:traceback", 0, True, True),
        ("atc:killed", -signal.SIGKILL, False, False),
    ],
)
def test_faults_of_a_conversion(
    simulator: Simulator, onnx_file: Path, tmp_path: Path, fault: str, status: int, says_success: bool, has_file: bool
) -> None:
    found, stdout, path = convert(simulator, onnx_file, tmp_path, fault)
    assert (found, SUCCESS in stdout, path.exists()) == (status, says_success, has_file)
    assert (FAILURE in stdout) == (fault in ("atc:fails", "atc:error-exit-0"))


def test_what_the_spoiled_oms_hold(simulator: Simulator, onnx_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "tiny.om"
    path.write_bytes(b"earlier")
    convert(simulator, onnx_file, tmp_path, "atc:stale-file")
    assert path.read_bytes() == b"earlier"
    convert(simulator, onnx_file, tmp_path, "atc:empty-file")
    assert path.read_bytes() == b""
    convert(simulator, onnx_file, tmp_path, "atc:damaged-file")
    with pytest.raises(offline_model.DamagedModel):
        offline_model.read(path)


def test_oms_of_another_batch_or_chip(simulator: Simulator, onnx_file: Path, tmp_path: Path) -> None:
    other = offline_model.read(convert(simulator, onnx_file, tmp_path, "atc:other-batch")[2])
    assert (other.batch, other.inputs[0].shape, other.outputs[0].shape) == (4, (4, 3, 8, 8), (4, 10))
    other = offline_model.read(convert(simulator, onnx_file, tmp_path, "atc:other-soc")[2])
    assert (other.soc, "--soc_version=Ascend310" in other.command_line) == ("Ascend310P3", True)


def test_a_dump_of_an_om_as_json(simulator: Simulator, onnx_file: Path, tmp_path: Path) -> None:
    convert(simulator, onnx_file, tmp_path)
    simulator.run("atc", "--mode=1", "--om=tiny.om", "--json=tiny.json", cwd=tmp_path)
    document = json.loads((tmp_path / "tiny.json").read_text(encoding="utf-8"))
    attributes = {entry["key"]: entry["value"]["s"] for entry in document["attr"]}
    assert attributes["soc_version"] == "Ascend310"
    assert document["graph"][0]["op"][0]["output_desc"][0]["shape"]["dim"] == [2, 3, 8, 8]


def test_a_traceback_stands_between_the_lines(simulator: Simulator, onnx_file: Path, tmp_path: Path) -> None:
    stdout = convert(simulator, onnx_file, tmp_path, "atc:traceback")[1]
    assert stdout.index("Traceback") < stdout.index(SUCCESS) < stdout.index("W11001")
