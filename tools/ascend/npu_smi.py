"""Run `npu-smi info` on this machine; tools/judge/npu_smi.py reads what it prints."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.base import process
from tools.base.process import Completed
from tools.judge.device_numbers import Numbering
from tools.judge.npu_smi import (
    IDLE_SAMPLES,
    MAP,
    Chip,
    NpuSmiError,
    busy_over,
    lag,
    parse_info,
    refuse_known_failures,
)

QUERY_SECONDS = 60.0


def query(env: Mapping[str, str], logs: Path, *, timeout_seconds: float = QUERY_SECONDS) -> tuple[Chip, ...]:
    """Run `npu-smi info` and read it; the output is kept in `logs`. Not to be called from several threads at once."""
    done = _run(("npu-smi", "info"), env, logs, timeout_seconds)
    if done.timed_out:
        raise NpuSmiError(f"`npu-smi info` did not end within {timeout_seconds:g} s: {done.tail}", where=logs)
    text = f"{done.stdout}\n{done.stderr}"
    refuse_known_failures(text)
    if done.returncode:
        raise NpuSmiError(f"`npu-smi info` ended with exit code {done.returncode}: {done.tail}", where=logs)
    return parse_info(done.stdout)


def query_map(env: Mapping[str, str], logs: Path, *, timeout_seconds: float = QUERY_SECONDS) -> str:
    """What `npu-smi info -m` says of the numbers of chips; empty where it fails, as in some containers.

    The output is kept in `logs`.
    """
    done = _run(MAP, env, logs, timeout_seconds)
    return "" if done.timed_out or done.returncode else done.stdout


def _run(argv: Sequence[str], env: Mapping[str, str], logs: Path, timeout_seconds: float) -> Completed:
    try:
        logs.mkdir(parents=True, exist_ok=True)
        return process.run(argv, cwd=logs, logs=logs, timeout_seconds=timeout_seconds, env=env)
    except FileNotFoundError as error:
        raise NpuSmiError(
            "`npu-smi` is not on PATH", fix="install the Ascend driver, or add /usr/local/sbin to PATH"
        ) from error
    except OSError as error:
        raise NpuSmiError(f"`{' '.join(argv)}` cannot be run: {error.strerror}", where=logs) from error


def watch(
    env: Mapping[str, str],
    logs: Path,
    devices: Sequence[int],
    *,
    numbering: Numbering | None = None,
    samples: int = IDLE_SAMPLES,
    lagging: int = 0,
    idle_memory_mb: Mapping[int, int] | None = None,
    pause_seconds: float = 1.0,
) -> dict[int, tuple[str, ...]]:
    """Reasons why each of `devices` is busy, over several samples because the AI core figure is instantaneous.

    `numbering` says which chips of the tables the devices are; without one they are numbered as the table does.
    `idle_memory_mb` is what devices held when they were seen idle. Up to `lagging` more samples are taken while the AI
    core alone still shows a run of the suite's own, which has just ended. NpuSmiError when a device does not exist.
    """
    taken: list[tuple[Chip, ...]] = []
    idle = idle_memory_mb or {}
    while len(taken) < samples + max(
        (lag(taken, device, lagging=lagging, idle_mb=idle.get(device)) for device in devices), default=0
    ):
        if taken:
            time.sleep(pause_seconds)
        chips = query(env, logs / f"sample{len(taken)}")
        taken.append(chips if numbering is None else numbering.of_tools(chips))
    return {device: busy_over(taken, device, lagging=lagging, idle_mb=idle.get(device)) for device in devices}
