"""One data set shared by several devices: parts that conserve the ids, one tool process a device, dumps joined."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from tools.ascend.runs import DatasetRun, private_folder
from tools.base import process
from tools.base.errors import OmError, SuiteError
from tools.judge.handover import handover


def shards(ids: Sequence[str], devices: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """Sorted ids cut into contiguous parts, one a device, sizes differing by one at most.

    SuiteError when an id or device is given twice, or a device would get nothing.
    """
    ordered = sorted(ids)
    if len(set(ordered)) < len(ordered):
        raise SuiteError("the same image id is given twice")
    if not devices or len(set(devices)) < len(devices):
        raise SuiteError("devices must be given, each once", measured=list(devices))
    if len(ordered) < len(devices):
        raise SuiteError("there are more devices than images", measured=len(devices), allowed=f"<= {len(ordered)}")
    cuts = [len(ordered) * index // len(devices) for index in range(len(devices) + 1)]
    return {device: tuple(ordered[cuts[index] : cuts[index + 1]]) for index, device in enumerate(devices)}


def run_on_devices(
    parts: Mapping[int, tuple[str, ...]], run_part: Callable[[int, tuple[str, ...]], DatasetRun]
) -> dict[int, DatasetRun]:
    """Run `run_part(device, ids)` for all devices at once; the error of the first device that failed is raised.

    A thread a device is enough: each only waits for its tool's process. All have ended when this returns, and on
    Ctrl-C they are ended.
    """
    with ThreadPoolExecutor(max_workers=len(parts)) as pool:
        futures = {device: pool.submit(run_part, device, ids) for device, ids in parts.items()}
        try:
            wait(futures.values())
        except KeyboardInterrupt:
            process.end_running()
            raise
    return {device: future.result() for device, future in futures.items()}


def join_dumps(runs: Mapping[int, DatasetRun], into: Path, *, gate: str) -> Path:
    """Move the dumps of all parts into the private folder `into`; nothing may be there twice or get lost."""
    into = private_folder(into, gate)
    sources = [path for run in runs.values() for path in sorted(run.dumps.iterdir())]
    names = [path.name for path in sources]
    if len(set(names)) < len(names):
        twice = sorted(name for name in set(names) if names.count(name) > 1)
        raise OmError(f"two devices dumped the same image: {', '.join(twice[:5])}", gate=gate, where=into)
    for path in sources:
        shutil.move(path, into / path.name)
    compared = handover("the devices' dumps", names, "the joined dumps", (path.name for path in into.iterdir()))
    if not compared.conserved:
        raise OmError(f"dumps were lost while joining: {compared}", gate=gate, where=into)
    return into
