"""Workers of `pytest -n` and runs over one cache use a device in turns, so that none is measured beside another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock

from tools.ascend.machine import Machine


@contextmanager
def device_turn(machine: Machine, locks: Path) -> Iterator[None]:
    """Hold the machine's devices against everybody who locks them in the folder `locks`; waits for its turn.

    A simulated device is a process of its own, of which any number compute at once: nobody waits for it.
    """
    with ExitStack() as held:
        if not machine.simulated:
            locks.mkdir(parents=True, exist_ok=True)
            # by npu-smi's number: two runs may call one chip differently, ASCEND_RT_VISIBLE_DEVICES being set for one
            for npu, chip in sorted(machine.numbering.seats[device].key for device in machine.devices):
                held.enter_context(FileLock(locks / f"npu-{npu}-chip-{chip}.lock"))
        yield
