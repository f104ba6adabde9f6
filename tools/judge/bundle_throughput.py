"""What a bundle says of speed: the machine, samples of host and chip, and the chip's profile."""

from __future__ import annotations

from functools import cached_property

from tools.judge.bundle_record import RecordedRun, once, there
from tools.judge.device import images_by_run
from tools.judge.evidence import NoEvidence
from tools.judge.facts import ThroughputOutputs, ToolkitFacts
from tools.judge.machine_records import MachineRecord
from tools.judge.op_profile import OperatorProfile
from tools.judge.throughput_records import DeviceThroughput, HostThroughput


class RecordedThroughput(RecordedRun):
    """The part of a bundle that was measured by the clock."""

    def toolkit(self) -> ToolkitFacts:
        """See Evidence."""
        return there(self.record.toolkit, "no record of the toolkit")

    def machine(self) -> MachineRecord:
        """See Evidence."""
        return there(self.record.machine, "no record of the machine")

    @cached_property
    def hosts(self) -> dict[int, HostThroughput]:
        """Host throughput by batch size."""
        recorded = self.record.host_throughput
        return once({entry.batch: entry for entry in recorded}, recorded, "host_throughput")

    def host_throughput(self, batch: int) -> HostThroughput:
        """See Evidence."""
        if batch not in self.hosts:
            raise NoEvidence(f"no host samples of batch {batch}")
        return self.hosts[batch]

    @cached_property
    def devices(self) -> dict[int, DeviceThroughput]:
        """Device throughput by batch size."""
        recorded = self.record.device_throughput
        return once({entry.batch: entry for entry in recorded}, recorded, "device_throughput")

    def device_throughput(self, batch: int) -> DeviceThroughput:
        """See Evidence."""
        if batch not in self.devices:
            raise NoEvidence(f"no throughput samples of batch {batch}")
        return self.devices[batch]

    def throughput_outputs(self, batch: int) -> ThroughputOutputs:
        """See Evidence; every run over the data set gave as many outputs as it is said to have seen images."""
        recorded = self.record.throughput_outputs
        by_batch = once({entry.batch: entry for entry in recorded}, recorded, "throughput_outputs")
        if batch not in by_batch:
            raise NoEvidence(f"no word on the outputs of throughput runs of batch {batch}")
        found, seen = by_batch[batch], images_by_run(self.device_throughput(batch).runs)
        if [(run.run, run.images) for run in found.runs] != sorted(seen.items()):
            raise NoEvidence(f"outputs of batch {batch} are not those of its throughput runs over the data set")
        return found

    def profile(self, batch: int) -> OperatorProfile:
        """See Evidence."""
        recorded = self.record.profiles
        found = once({entry.batch: entry for entry in recorded}, recorded, "profiles")
        if batch not in found:
            raise NoEvidence(f"no profile of batch {batch}")
        return found[batch]
