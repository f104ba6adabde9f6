"""Step perf: throughput on the host, as a ratio inside one run, and on the device by the vendor's tool."""

from __future__ import annotations

import shutil
from pathlib import Path

from tools.data import pixels as pixel_store
from tools.engines import om_engine, onnx_engine, throughput, torch_engine
from tools.engines.om_engine import Asked, Measured
from tools.engines.throughput import Paired
from tools.evidence.host import host_record
from tools.evidence.records import throughput_runs
from tools.evidence.tool_logs import keep_logs
from tools.judge.acceptance import Reused
from tools.judge.device import throughput_record
from tools.judge.facts import ThroughputOutputs
from tools.judge.logs import throughput_logs
from tools.judge.remarks import HOST_THROUGHPUT as HOST
from tools.judge.remarks import OM_THROUGHPUT as OM
from tools.judge.texts.reading import Mode
from tools.judge.throughput_records import DeviceThroughput, HostThroughput
from tools.model import checkpoint as checkpoints
from tools.pipeline.checkpoint import CheckpointStep
from tools.pipeline.context import Context
from tools.pipeline.data import DataStep
from tools.pipeline.om import OmStep
from tools.pipeline.once import once
from tools.pipeline.onnx import OnnxStep
from tools.store.artifacts import Recipe
from tools.store.facts import load_fact, save_fact


class ThroughputStep:
    """Throughput at each batch size."""

    def __init__(
        self, context: Context, checkpoint: CheckpointStep, onnx: OnnxStep, data: DataStep, om: OmStep
    ) -> None:
        self._context, self._checkpoint, self._onnx, self._data, self._om = context, checkpoint, onnx, data, om

    @once
    def paired(self, batch: int) -> Paired:
        """onnxruntime and torch measured in turn; kept for this host until asked to measure anew."""
        asked = self._context.spec.host_perf
        about = {
            **self._checkpoint.about,
            "onnx": self._onnx.file(batch).sha256,
            "batch": str(batch),
            "rounds": str(asked.rounds),
            "images a round": str(asked.min_images_per_round),
            "host": str(host_record()),
        }
        code = (throughput, onnx_engine, torch_engine, checkpoints, pixel_store)
        return self._context.remember(
            Recipe(HOST, about, code=code, of_this_run=self._context.remeasure),
            Paired,
            lambda: throughput.measure_in_turn(
                self._onnx.onnx_engine(batch),
                self._onnx.torch_engine(),
                self._data.pixels().batch(batch),
                rounds=asked.rounds,
                images_per_round=asked.min_images_per_round,
            ),
            batch=batch,
        )

    @once
    def host(self, batch: int) -> HostThroughput:
        """The samples of both engines, for the evidence."""
        paired = self.paired(batch)
        found = HostThroughput(
            batch=paired.batch,
            candidate="onnxruntime",
            candidate_seconds_per_image=paired.candidate,
            reference="torch",
            reference_seconds_per_image=paired.reference,
            ratio=paired.ratio,
        )
        return self._context.staging.put(found, f"bs{batch}")

    def reused(self, kind: str, batch: int) -> Reused | None:
        """Who measured one of these (tools/judge/remarks.py names the kinds): None for this run."""
        return self._context.reused(kind, batch)

    @once
    def measured(self, batch: int) -> Measured:
        """The OM's throughput: on a device measured in this very run, on the simulator kept with the artifacts.

        A run over the data set is held to its outputs: the predictions of this OM are made first.
        """
        machine, spec = self._om.machine.found(), self._context.spec
        mode = Mode(spec.throughput_mode(machine.soc, batch))
        runs_asked = spec.om.throughput_runs.of(mode.value)
        anew = not machine.simulated or self._context.remeasure
        about = {**self._om.about(batch), "mode": mode, "runs": str(runs_asked)}

        def measure(folder: Path) -> None:
            engine, tolerate = self._om.engine(folder / "logs"), self._context.inputs.ascend.tolerate_busy
            known = self._om.report(batch) if mode is Mode.DATASET else None
            if known is not None:
                shutil.copytree(self._om.report_logs(batch), folder / "logs")
            judged = self._om.predictions(batch) if mode is Mode.DATASET else None
            asked = Asked(mode, runs_asked, tolerate, known=known, judged=judged)
            offline = self._om.offline(batch)
            with self._context.keeping_logs(throughput_logs(batch), folder / "logs"):
                save_fact(engine.measure(offline, asked), folder)

        recipe = Recipe(OM, about, code=(om_engine,), of_this_run=anew)
        folder = self._context.build(recipe, measure, batch=batch).path
        keep_logs(self._context.staging, throughput_logs(batch), folder / "logs")
        return load_fact(folder, Measured)

    @once
    def outputs(self, batch: int) -> ThroughputOutputs:
        """The outputs of the runs over the data set, held against the predictions; without a run for pure inference."""
        found = ThroughputOutputs(batch, self.measured(batch).outputs)
        return self._context.staging.put(found, f"bs{batch}")

    @once
    def device(self, batch: int) -> DeviceThroughput:
        """What the vendor's tool measured, run after run, for the evidence."""
        machine, found = self._om.machine.found(), self.measured(batch)
        self._om.machine.record()
        self.outputs(batch)
        record = throughput_record(
            throughput_runs(found.runs),
            soc=machine.soc,
            simulated=machine.simulated,
            busy=found.busy,
            spec=self._context.spec,
        )
        return self._context.staging.put(record, f"bs{batch}")
