"""Step machine: where OMs are compiled and run."""

from __future__ import annotations

from tools.ascend.machine import Machine, describe_machine
from tools.ascend.target import Target, choose_target
from tools.evidence.tool_logs import keep_logs
from tools.judge.facts import ToolkitFacts
from tools.judge.logs import NPU_SMI
from tools.judge.machine_records import MachineRecord
from tools.pipeline.context import Context
from tools.pipeline.once import once


class MachineStep:
    """The target, and the devices that npu-smi shows there."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @once
    def target(self) -> Target:
        """Where OMs are compiled and run."""
        asked, context = self._context.inputs.ascend, self._context
        return choose_target(
            asked.target,
            asked.infer_tool,
            context.environment,
            context.filesystem,
            ais_bench_python=asked.ais_bench_python,
        )

    @once
    def toolkit(self) -> ToolkitFacts:
        """The target in words, for the evidence."""
        target = self.target()
        found = ToolkitFacts(target=str(target.kind), infer_tool=str(target.infer_tool), why=target.why)
        return self._context.staging.put(found, "toolkit")

    @once
    def found(self) -> Machine:
        """The devices and their chip."""
        context, logs = self._context, self._context.scratch("npu-smi")
        self.toolkit()
        with context.keeping_logs(NPU_SMI, logs):
            found = describe_machine(
                self.target(),
                soc=context.inputs.ascend.soc or context.spec.om.soc,
                devices=context.inputs.ascend.devices,
                root=context.filesystem,
                logs=logs,
                run=context.run,
            )
        keep_logs(context.staging, NPU_SMI, logs)
        return found

    @once
    def record(self) -> MachineRecord:
        """The machine, for the evidence."""
        machine = self.found()
        found = MachineRecord(
            soc=machine.soc,
            infer_tool=str(machine.target.infer_tool),
            devices=machine.devices,
            why=machine.target.why,
            toolchain=dict(machine.toolchain),
            boards=machine.boards,
            visible_devices=machine.visible,
        )
        return self._context.staging.put(found, "machine")
