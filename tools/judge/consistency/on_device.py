"""Was a device's bundle made on that device, in the run itself?"""

from __future__ import annotations

from tools.judge.bundle import Bundle
from tools.judge.files import short
from tools.judge.layout import FILE

SIMULATOR_SAYS = b"[SIMULATOR]"
"""What the simulator's programs begin their stderr with (tools/ascend/simulator)."""


def check_on_device(bundle: Bundle) -> None:
    """Collect in `bundle.problems` what no device of this run can have given; the simulator is asked nothing."""
    if bundle.on_device:
        _no_simulator(bundle)
        _made_in_this_run(bundle)


def _made_in_this_run(bundle: Bundle) -> None:
    """What a device gave is what it gives now: an earlier run's outputs and times say nothing about this board."""
    kinds = ("predictions-om/", "throughput-om/", "profile-om/", "om-described/")
    for place, entry in enumerate(bundle.record.reused):
        if entry.name.startswith(kinds):
            bundle.problems.append(f"{FILE}.reused[{place}]: {short(entry.name)} on a device is made in the run itself")


def _no_simulator(bundle: Bundle) -> None:
    """A device's bundle holds no trace of the simulator, which says on stderr what it is."""
    machine = bundle.record.machine
    if machine is not None and "simulator" in machine.toolchain:
        bundle.problems.append("target is ascend, but the toolchain is the simulator")
    for name in bundle.files.digests:
        if name.startswith("logs/") and SIMULATOR_SAYS in bundle.files.read(name):
            bundle.problems.append(f"target is ascend, but {name} was written by the simulator")
