"""Faults of the NPU's side, ordered from the simulator or put into the machine around it."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from typing import TYPE_CHECKING, Any

import pytest

from selftest.faults.accuracy_faults import edit_predictions, keep_best, shifted
from selftest.faults.fault import Catalogue, Inject
from tools.ascend import ais_bench, atc, benchmark, inference, machine, npu_smi
from tools.base import process
from tools.engines import om_engine, predictions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import ModuleType

    from selftest.faults.world import World
    from tools.ascend.runs import Place
    from tools.ascend.target import Target
    from tools.engines.predictions import Predictions
    from tools.judge.ids import Variant

RUN = ("predictions-om", "throughput-om")
COMPILED = ("om", *RUN)
compiling = Catalogue("om", remade=RUN)
predicting = Catalogue("accuracy and npu", remade=RUN)
measuring = Catalogue("perf and npu", remade=RUN)


def edit_argv(monkeypatch: pytest.MonkeyPatch, tool: ModuleType, words: dict[str, str]) -> None:
    """Start an inference tool with other words on its command line."""
    right = tool.run_tool

    def changed(argv: Sequence[str | Path], place: Place, **named: Any) -> process.Completed:  # noqa: ANN401 - its own
        done: process.Completed = right([words.get(str(word), word) for word in argv], place, **named)
        return done

    monkeypatch.setattr(tool, "run_tool", changed)


def ordered(fault: str) -> Inject:
    """The simulator's fault of this name: one of inference is told to that alone, so that the clean run's OM serves."""

    def inject(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        world.only_batches(4)
        monkeypatch.setenv("ASCEND_SIMULATOR_STATE", str(world.folder))
        if not fault.startswith("infer:"):
            monkeypatch.setenv("ASCEND_SIMULATOR_FAULT", fault)
        for tool in (ais_bench, benchmark) if fault.startswith("infer:") else ():
            tell(monkeypatch, tool, ASCEND_SIMULATOR_FAULT=fault)

    return inject


def tell(monkeypatch: pytest.MonkeyPatch, tool: ModuleType, **environment: str) -> None:
    """Give an inference tool other variables."""
    right = tool.run_tool

    def told(argv: Sequence[str | Path], place: Place, **named: Any) -> process.Completed:  # noqa: ANN401 - its own
        there = dataclasses.replace(place, env={**place.env, **environment})
        done: process.Completed = right(argv, there, **named)
        return done

    monkeypatch.setattr(tool, "run_tool", told)


COMPILING = {
    "atc exits with an error code": ("atc:fails", "om.compiled[bs4]"),
    "atc exits 1 after a good result": ("atc:exit-1-after-result", "om.compiled[bs4]"),
    "atc exits 0 with an error text": ("atc:error-exit-0", "om.compiled[bs4]"),
    "atc prints no success line": ("atc:no-success-line", "om.compiled[bs4]"),
    "atc succeeds without a file": ("atc:no-file", "om.compiled[bs4]"),
    "atc leaves the OM of an earlier run": ("atc:stale-file", "om.compiled[bs4]"),
    "atc writes an empty OM": ("atc:empty-file", "om.compiled[bs4]"),
    "atc is killed": ("atc:killed", "om.compiled[bs4]"),
    "the OM is damaged": ("atc:damaged-file", "om.described[bs4]"),
    "the OM is of another batch": ("atc:other-batch", "om.described[bs4]"),
    "the OM is of another chip": ("atc:other-soc", "om.described[bs4]"),
    "the tool exits 1 after a good result": ("infer:exit-1-after-result", "om.ran[bs4]"),
    "the tool exits 0 with an error text": ("infer:error-exit-0", "om.ran[bs4]"),
    "samples dropped": ("infer:dropped-samples", "om.ran[bs4]"),
    "a dump of an image that nobody gave": ("infer:extra-sample", "om.ran[bs4]"),
    "the tool is killed": ("infer:killed", "om.ran[bs4]"),
    "the device cannot be opened": ("device:open-fails", "om.ran[bs4]"),
    "the device is unhealthy": ("device:unhealthy", "om.device"),
    "npu-smi cannot reach the driver": ("npu-smi:dcmi-failed", "om.device"),
    "npu-smi's table is cut short": ("npu-smi:truncated", "om.device"),
}
PREDICTING = {
    "one output NaN": ("infer:nan", "om.accuracy.finite[bs4]"),
    "one output infinite": ("infer:inf", "om.accuracy.finite[bs4]"),
    "one output nothing but zeros": ("infer:zeros", "om.accuracy.finite[bs4]"),
    "a dump truncated": ("infer:truncated-dump", "om.accuracy.finite[bs4]"),
    "two dumps swapped": ("infer:swapped-dumps", "om.accuracy.min_cosine[bs4]"),
    "a dump of another image": ("infer:other-image", "om.accuracy.min_cosine[bs4]"),
    "weights rounded to 8 bits": ("atc:int8-weights", "om.accuracy.min_cosine[bs4]"),
    "the weights of conv3 perturbed": ("atc:perturbed-weights", "om.accuracy.min_cosine[bs4]"),
}
MEASURING = {
    "the device is busy": ("device:busy", "om.perf.device_idle[bs4]"),
    "the device becomes busy half-way": ("device:busy-half-way", "om.perf.device_idle[bs4]"),
    "the device becomes unhealthy half-way": ("device:unhealthy-half-way", "om.perf.device_idle[bs4]"),
    "a summary that contradicts itself": ("infer:contradicting-summary", "om.perf.reading[bs4]"),
    "a perf text cut short": ("infer:truncated-perf", "om.perf.reading[bs4]"),
    "no perf text": ("infer:no-perf", "om.perf.reading[bs4]"),
}


def _enter(catalogue: Catalogue, orders: dict[str, tuple[str, str]]) -> None:
    for name, (order, gate) in orders.items():
        remade = COMPILED if order.startswith("atc:") else RUN
        catalogue.fault(name, gate, remade=remade)(ordered(order))


_enter(compiling, COMPILING)
_enter(predicting, PREDICTING)
_enter(measuring, MEASURING)


@measuring.fault("another job's load that shows in the AI core alone", "om.perf.device_idle[bs4]")
def hidden_job(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ordered("device:aicore-stays")(world, monkeypatch)
    monkeypatch.setattr(om_engine, "watch", functools.partial(npu_smi.watch, pause_seconds=0))


@measuring.fault("ais_bench's figure is not that of its samples", "om.perf.reading[bs4]", "--infer-tool=ais_bench")
def figure_without_its_samples(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ordered("infer:contradicting-summary")(world, monkeypatch)


@measuring.fault("the perf text of another batch", "om.perf.reading[bs16]")
def other_batch_perf(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ordered("infer:other-batch-perf")(world, monkeypatch)
    world.only_batches(16)


@measuring.fault("--batchsize of ais_bench wrong by 4", "om.perf.reading[bs16]", "--infer-tool=ais_bench")
def ais_bench_batch_wrong(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.only_batches(16)
    edit_argv(monkeypatch, ais_bench, {"16": "64"})


@compiling.fault("-batch_size of benchmark wrong by 4", "om.ran[bs16]")
def benchmark_batch_wrong(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.only_batches(16)
    edit_argv(monkeypatch, benchmark, {"-batch_size=16": "-batch_size=64"})


@compiling.fault("npu-smi is missing", "om.device")
def npu_smi_missing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.only_batches(4)
    right = process.run

    def without(argv: Sequence[str | Path], **named: Any) -> process.Completed:  # noqa: ANN401 - process.run's own
        return right(["no-such-npu-smi" if word == "npu-smi" else word for word in argv], **named)

    monkeypatch.setattr(process, "run", without)


@compiling.fault("the inference tool is missing", "om.toolkit", "--infer-tool=benchmark")
def tool_missing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.only_batches(4)
    monkeypatch.setattr(benchmark, "find_binary", lambda env: None)


@compiling.fault("dumps of an earlier run left behind", "om.ran[bs4]")
def dumps_left_behind(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.only_batches(4)
    left = world.folder / "acceptance" / "run" / "device0" / "result" / "dumpOutput_device0" / "an_earlier_image_1.bin"
    left.parent.mkdir(parents=True)
    left.touch()
    monkeypatch.setattr(om_engine, "scratch_folder", lambda prefix: contextlib.nullcontext(world.folder / "acceptance"))


@compiling.fault("the device is another chip than asked for", "om.device", "--soc=Ascend310")
def other_chip(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ordered("device:other-soc")(world, monkeypatch)


@compiling.fault("npu-smi hangs", "om.device")
def npu_smi_hangs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ordered("npu-smi:hang")(world, monkeypatch)
    right = npu_smi.query
    monkeypatch.setattr(machine, "query", lambda env, logs: right(env, logs, timeout_seconds=2))


@compiling.fault("an OM that others may write", "om.ran[bs4]", "--infer-tool=ais_bench", remade=COMPILED)
def open_to_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.only_batches(4)
    right = inference.run_dataset

    def opened(target: Target, job: inference.DatasetJob, devices: Sequence[int]) -> inference.SharedRun:
        job.om.chmod(0o664)
        return right(target, job, devices)

    monkeypatch.setattr(inference, "run_dataset", opened)


@compiling.fault("batches give different logits", "om.batch_invariance_abs_error")
def batch_differs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ordered("infer:batch-differs")(world, monkeypatch)
    world.only_batches(1, 4)


@compiling.fault("one batch size compiled with 8-bit weights", "om.batch_invariance_abs_error", remade=COMPILED)
def one_batch_of_8_bits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.only_batches(1, 4)
    right = atc.compile_om

    def spoiled(request: atc.AtcRequest, *, env: Mapping[str, str], **named: Any) -> atc.CompiledOm:  # noqa: ANN401
        fault = {"ASCEND_SIMULATOR_FAULT": "atc:int8-weights"} if request.batch == 4 else {}
        return right(request, env={**env, **fault}, **named)

    monkeypatch.setattr(atc, "compile_om", spoiled)


@compiling.fault("one batch size gives an image the output of its neighbour", "om.batch_invariance_abs_error")
def one_batch_mixed_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.only_batches(1, 4)
    right = inference.run_dataset

    def mixed_up(target: Target, job: inference.DatasetJob, devices: Sequence[int]) -> inference.SharedRun:
        fault = {"ASCEND_SIMULATOR_FAULT": "infer:other-image"} if job.batch == 4 else {}
        return right(dataclasses.replace(target, env={**target.env, **fault}), job, devices)

    monkeypatch.setattr(inference, "run_dataset", mixed_up)


@measuring.fault("a throughput run gives other outputs than the predictions", "om.perf.outputs_abs_error")
def other_outputs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.only_batches(1)
    world.edit_port("throughput_runs: {dataset: 1", "throughput_runs: {dataset: 2")
    right = inference.run_dataset

    def garbled(target: Target, job: inference.DatasetJob, devices: Sequence[int]) -> inference.SharedRun:
        fault = {"ASCEND_SIMULATOR_FAULT": "infer:other-image"} if job.logs.name == "run-2" else {}
        return right(dataclasses.replace(target, env={**target.env, **fault}), job, devices)

    monkeypatch.setattr(inference, "run_dataset", garbled)


@compiling.fault("a flag that the port asks for never reaches atc", "om.described[bs4]", remade=COMPILED)
def flag_lost(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.only_batches(4)
    world.edit_port("\n  batches: ", "\n  om: {atc_extra_args: ['--precision_mode=force_fp32']}\n  batches: ")
    right = atc.argv
    monkeypatch.setattr(atc, "argv", lambda request: right(dataclasses.replace(request, extra_args=())))


@compiling.fault("atc hangs", "om.compiled[bs4]", remade=COMPILED)
def atc_hangs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ordered("atc:hang-ignoring-sigterm")(world, monkeypatch)
    right = atc.compile_om
    monkeypatch.setattr(atc, "compile_om", lambda *words, **named: right(*words, **{**named, "timeout_seconds": 2}))


@compiling.fault("the tool hangs", "om.ran[bs4]")
def tool_hangs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ordered("infer:hang-ignoring-sigterm")(world, monkeypatch)
    monkeypatch.setattr(om_engine, "TOOL_TIMEOUT_SECONDS", 4.0)


@compiling.fault("atc is missing", "om.compiled[bs4]", remade=COMPILED)
def atc_missing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.only_batches(4)
    monkeypatch.setattr(atc, "argv", lambda request: ["no-such-atc"])


@predicting.fault("an OM from a stale ONNX file", "om.accuracy.top1_drop_pp[bs4]", remade=COMPILED)
def stale_onnx(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import onnx
    from onnx import numpy_helper

    world.only_batches(4)
    right, stale = atc.argv, world.folder / "stale.onnx"

    def of_another_training(request: atc.AtcRequest) -> list[str]:
        model = onnx.load(str(request.onnx))
        last = next(tensor for tensor in model.graph.initializer if tensor.name == "classifier.6.weight")
        last.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(last)[::-1].copy(), last.name))
        onnx.save(model, str(stale))
        return right(dataclasses.replace(request, onnx=stale))

    monkeypatch.setattr(atc, "argv", of_another_training)


@predicting.fault("outputs of the OM in another order than the images", "om.accuracy.top1_drop_pp[bs4]", remade=())
def om_order(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.only_batches(4)
    edit_predictions(monkeypatch, "om_bs4", lambda logits: logits[::-1].copy())


@predicting.fault("OM logits shifted by one class", "om.accuracy.top1_drop_pp[bs4]", remade=())
def om_shifted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.only_batches(4)
    edit_predictions(monkeypatch, "om_bs4", shifted)


@predicting.fault("only the top class of the OM is right", "om.accuracy.top5_drop_pp[bs4]", remade=())
def om_top1_only(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.only_batches(4)
    edit_predictions(monkeypatch, "om_bs4", keep_best)


@predicting.fault("one OM prediction lost", "om.accuracy.ids[bs4]", remade=())
def om_lost(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.only_batches(4)
    right = predictions.load_predictions

    def shorter(folder: Path, name: Variant) -> Predictions:
        predicted = right(folder, name)
        if not name.startswith("om"):
            return predicted
        return predictions.Predictions(name, predicted.ids[:-1], predicted.logits[:-1])

    monkeypatch.setattr(predictions, "load_predictions", shorter)
