"""Step perf, once throughput is known: in which operators the chip spends its time, by the vendor's profiler."""

from __future__ import annotations

from pathlib import Path

from tools.ascend import msprof
from tools.ascend.turns import device_turn
from tools.base.errors import PerfError, SuiteError
from tools.base.files import scratch_folder
from tools.engines.om_engine import SCRATCH, TOOL_TIMEOUT_SECONDS
from tools.evidence.tool_logs import keep_logs
from tools.judge import op_profile
from tools.judge.ids import OM_PERF_OPERATORS
from tools.judge.logs import COLLECT, profile_logs
from tools.judge.op_profile import OnnxNames, OperatorProfile, operator_profile
from tools.judge.texts.op_summary import TABLE, ProfileTextError
from tools.model.onnx_model import onnx_names
from tools.pipeline.context import Context
from tools.pipeline.om import OmStep
from tools.pipeline.once import once
from tools.pipeline.onnx import OnnxStep
from tools.pipeline.throughput import ThroughputStep
from tools.report.operators import floor_lines
from tools.store.artifacts import Recipe


class ProfileStep:
    """Profiles by batch size; never before the throughput of that batch size was measured."""

    def __init__(self, context: Context, onnx: OnnxStep, om: OmStep, throughput: ThroughputStep) -> None:
        self._context, self._onnx, self._om, self._throughput = context, onnx, om, throughput

    @once
    def profile(self, batch: int) -> OperatorProfile:
        """The profile of a batch size, for the evidence; PerfError where there is none, or it does not hold."""
        self._throughput.device(batch)
        folder, nodes = self._measured(batch), self._names(batch).nodes
        keep_logs(self._context.staging, profile_logs(batch), folder / "logs")
        found = {path.name: path.read_text(encoding="utf-8") for path in (folder / "logs" / COLLECT).iterdir()}
        tables = {name: text for name, text in found.items() if TABLE.fullmatch(name)}
        device = self._om.machine.found().devices[0]
        return self._context.staging.put(operator_profile(tables, nodes, batch=batch, device=device), f"bs{batch}")

    @once
    def floor_missed(self, batch: int) -> tuple[str, ...]:
        """Lines that say by how much the chip misses its floor and where its time goes; in place of the latter why
        nobody knows. It is made although nobody has asked for it."""
        record = self._throughput.device(batch)
        try:
            return tuple(floor_lines(record, self.profile(batch)))
        except SuiteError as error:
            return (*floor_lines(record, None), f"where its time goes is not known: {error}")

    def _names(self, batch: int) -> OnnxNames:
        """Those of the file that the OM was made of; of an OM that was handed in alone nobody knows any."""
        inputs = self._context.inputs
        unknown = bool(inputs.oms) and not inputs.onnx
        found = OnnxNames(()) if unknown else onnx_names(self._onnx.file(batch).path)
        return self._context.staging.put(found, "onnx")

    def _measured(self, batch: int) -> Path:
        """The artifact with the profiler's streams and tables: on a device of this very run. None is made of tables
        that do not hold."""
        machine, nodes = self._om.machine.found(), self._names(batch).nodes
        about = {"om": self._om.om(batch).sha256, "batch": str(batch), **machine.about}
        anew = not machine.simulated or self._context.remeasure

        def measure(folder: Path) -> None:
            logs, device = folder / "logs", machine.devices[0]
            om = self._om.om(batch).path
            with (
                self._context.keeping_logs(profile_logs(batch), logs),
                device_turn(machine, self._context.locks),
                scratch_folder(SCRATCH) as work,
            ):
                tables = msprof.profile_om(
                    machine.target,
                    om=om,
                    batch=batch,
                    device=device,
                    work=work / "profile",
                    logs=logs,
                    timeout_seconds=TOOL_TIMEOUT_SECONDS,
                )
                try:
                    operator_profile(tables, nodes, batch=batch, device=device)
                except ProfileTextError as error:
                    raise _at_gate(error, batch) from error

        recipe = Recipe("profile-om", about, code=(msprof, op_profile), of_this_run=anew)
        return self._context.build(recipe, measure).path


def _at_gate(error: ProfileTextError, batch: int) -> PerfError:
    gate = OM_PERF_OPERATORS.at(batch)
    found = {"where": error.where, "measured": error.measured, "allowed": error.allowed}
    return PerfError(error.what, gate=gate, **found)
