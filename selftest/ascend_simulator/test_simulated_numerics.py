"""fp16 as the device computes it: rounded weights and activations, wide sums, and a batch computed as a batch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from selftest.ascend_simulator.conftest import MakeOm, Simulator
from selftest.contracts import tiny_model
from selftest.contracts.conftest import atc_args
from tools.ascend.simulator.device import DeviceError, LoadedModel

Spoiled = Callable[[str], Path]


@pytest.fixture
def spoiled(simulator: Simulator, onnx_file: Path, tmp_path: Path) -> Spoiled:
    """Compiles the tiny model for batch 1 under a fault."""

    def compiled(fault: str) -> Path:
        args = atc_args(onnx_file, tmp_path / "spoiled", "Ascend310")
        simulator.run("atc", *args, cwd=tmp_path, fault=fault)
        return tmp_path / "spoiled.om"

    return compiled


def logits(om: Path, images: tiny_model.Array) -> tiny_model.Array:
    """The simulated device's output, execution by execution."""
    model = LoadedModel(om, 0)
    batch = model.model.batch
    return np.concatenate([model.run(images[start : start + batch])[0] for start in range(0, len(images), batch)])


def largest_step(values: tiny_model.Array) -> float:
    """The distance of neighbouring fp16 values at the largest of these."""
    return float(np.spacing(np.abs(values).max().astype(np.float16)))


def test_outputs_are_those_of_rounding_after_each_node(om: MakeOm) -> None:
    images = tiny_model.images(64)
    found = logits(om(1), images)
    expected = tiny_model.logits(images, fp16=True)
    step = np.abs(expected) * 2.0**-10
    assert (np.abs(found - expected) <= step + 1e-6).all()
    assert (found == expected).mean() > 0.95  # the sums' order may turn a rounding that is nearly a tie


def test_outputs_are_fp16_values_in_fp32(om: MakeOm) -> None:
    found = logits(om(1), tiny_model.images(64))
    assert found.dtype == np.float32
    assert (found == found.astype(np.float16)).all()


def test_the_difference_to_fp32_is_small_but_real(om: MakeOm) -> None:
    images = tiny_model.images(64)
    difference = np.abs(logits(om(1), images) - tiny_model.logits(images, fp16=False))
    assert 1e-4 < difference.max() < 0.02


def test_batches_differ_by_no_more_than_a_rounding(om: MakeOm) -> None:
    images = tiny_model.images(16)
    alone = logits(om(1), images)
    for batch in (2, 16):
        assert np.abs(logits(om(batch), images) - alone).max() <= largest_step(alone)


@pytest.mark.parametrize("batch", [1, 16])
def test_an_execution_takes_a_whole_batch_and_nothing_else(om: MakeOm, batch: int) -> None:
    session = LoadedModel(om(batch), 0).open_session()
    assert session.get_inputs()[0].shape == [batch, *tiny_model.IMAGE]


def test_what_fills_a_short_batch_up_changes_nothing(om: MakeOm) -> None:
    images, model = tiny_model.images(16), LoadedModel(om(16), 0)
    assert model.run(images[:5])[0].tobytes() == model.run(images)[0][:5].tobytes()


@pytest.mark.parametrize("batch", [1, 16])
def test_more_threads_give_the_same_bytes(om: MakeOm, batch: int) -> None:
    images = tiny_model.images(batch)
    found = [LoadedModel(om(batch), 0, threads=threads).run(images)[0].tobytes() for threads in (1, 2, 4)]
    assert found == found[:1] * 3


def test_spoiled_weights_move_the_logits(om: MakeOm, spoiled: Spoiled) -> None:
    images = tiny_model.images(16)
    sound = logits(om(1), images)
    rounding = np.abs(sound - tiny_model.logits(images, fp16=False)).max()
    moved = np.abs(logits(spoiled("atc:int8-weights"), images) - sound).max()
    assert rounding * 3 < moved < 1


def test_perturbed_weights_are_those_of_the_third_matrix(simulator: Simulator, tmp_path: Path) -> None:
    model = _three_matrices(tmp_path / "three.onnx")
    found = []
    for fault in ("", "atc:perturbed-weights"):
        args = atc_args(model, tmp_path / "three", "Ascend310", input_shape="x:1,2")
        simulator.run("atc", *args, cwd=tmp_path, fault=fault)
        found.append(logits(tmp_path / "three.om", np.array([[1, 2]], np.float32)).tolist())
    assert found == [[[8, 16]], [[12, 24]]]


def test_other_weights_are_those_of_the_other_file(simulator: Simulator, tmp_path: Path) -> None:
    model, other = _three_matrices(tmp_path / "three.onnx"), _three_matrices(tmp_path / "other.onnx", value=3)
    args = atc_args(model, tmp_path / "three", "Ascend310", input_shape="x:1,2")
    simulator.run("atc", *args, cwd=tmp_path, fault="atc:other-weights", ASCEND_SIMULATOR_WEIGHTS=str(other))
    assert logits(tmp_path / "three.om", np.array([[1, 2]], np.float32)).tolist() == [[27, 54]]


def _three_matrices(path: Path, value: float = 2) -> Path:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    names = ["x", "a", "b", "y"]
    nodes = [helper.make_node("Gemm", [names[i], f"w{i}"], [names[i + 1]], f"g{i}") for i in range(3)]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["-1", 2]) for name in ("x", "y")]
    weights = [numpy_helper.from_array(np.eye(2, dtype=np.float32) * np.float32(value), f"w{i}") for i in range(3)]
    graph = helper.make_graph(nodes, "three", ends[:1], ends[1:], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6), path)
    return path


def test_the_batch_fault_moves_all_batches_but_1(om: MakeOm, monkeypatch: pytest.MonkeyPatch) -> None:
    images = tiny_model.images(2)
    sound = logits(om(1), images)
    monkeypatch.setenv("ASCEND_SIMULATOR_FAULT", "infer:batch-differs")
    assert (logits(om(1), images) == sound).all()
    assert np.abs(logits(om(2), images)[:, 0] - sound[:, 0]) == pytest.approx(0.0625, abs=largest_step(sound))


def test_models_for_another_chip_do_not_load(om: MakeOm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASCEND_SIMULATOR_SOC", "Ascend310P3")
    with pytest.raises(DeviceError, match="built for Ascend310, the device is Ascend310P3"):
        LoadedModel(om(1), 0)
    monkeypatch.setenv("ASCEND_SIMULATOR_SOC", "Ascend310")
    monkeypatch.setenv("ASCEND_SIMULATOR_FAULT", "device:other-soc")
    with pytest.raises(DeviceError, match="the device is Ascend310P3"):
        LoadedModel(om(1), 0)


@pytest.mark.parametrize(("device", "fault"), [(4, ""), (-1, ""), (0, "device:open-fails")])
def test_devices_that_do_not_open(om: MakeOm, monkeypatch: pytest.MonkeyPatch, device: int, fault: str) -> None:
    monkeypatch.setenv("ASCEND_SIMULATOR_FAULT", fault)
    with pytest.raises(DeviceError, match=f"acl open device {device} failed, ret is 507033"):
        LoadedModel(om(1), device)


def test_a_damaged_model_does_not_load(om: MakeOm, tmp_path: Path) -> None:
    data = bytearray(om(1).read_bytes())
    data[-1] ^= 1
    (tmp_path / "bad.om").write_bytes(data)
    with pytest.raises(DeviceError, match="does not match its checksum"):
        LoadedModel(tmp_path / "bad.om", 0)
