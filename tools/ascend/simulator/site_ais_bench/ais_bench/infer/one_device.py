"""Everything that one device does of a command line: load, warm up, infer, save, summarise."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import aclruntime
import numpy as np

from ais_bench.infer import inputs, results, summary
from ais_bench.infer.console import fail, info
from ais_bench.infer.interface import InferSession
from tools.ascend.simulator import dumps
from tools.ascend.simulator.faults import Fault, ordered


def run(args: argparse.Namespace, argv: Sequence[str], device: int, files: list[str] | None) -> float:
    """Everything on one device; the throughput in images per second."""
    loop = 1 if ordered(Fault.INFER_ONE_ROUND) else args.loop
    session = InferSession(device, args.model, loop=loop)
    description = session.get_inputs()[0]
    batch = args.batchsize
    if batch is None:
        batch = description.shape[0]
        info(f"try get model batchsize:{batch}")
    prefix = None if args.output is None else os.path.join(args.output, args.output_dirname)  # noqa: PTH118
    if prefix is not None:
        results.make_folder(prefix)
        info(f"output path:{prefix}")
    groups = [[results.PURE_STEM]] if files is None else inputs.batches_of(files, description.realsize)
    _warm_up(session, args.warmup_count, loop)
    saved = _save_all(_infer_all(session, groups, args, files is None), prefix, groups, args.outfmt.lower())
    times = {
        "NPU_compute_time": _milliseconds(session.sumary().exec_time_list),
        "H2D_latency": list(aclruntime.MemorySummary.H2D_time_list),
        "D2H_latency": list(aclruntime.MemorySummary.D2H_time_list),
    }
    rate = summary.report(batch, times, saved, argv, prefix, args.display_all_summary)
    session.finalize()
    return rate


def _warm_up(session: InferSession, count: int, loop: int) -> None:
    description = session.get_inputs()[0]
    zeros = np.zeros(description.realsize, np.uint8)
    session.set_loop_count(1)
    for _ in range(min(count, 1)):  # a simulated device has nothing to warm; one execution shows that the model runs
        session.infer([zeros])
    session.set_loop_count(loop)
    session.reset_sumaryinfo()
    aclruntime.MemorySummary().reset()
    info(f"warm up {count} done")


def _infer_all(
    session: InferSession, groups: Sequence[Sequence[str]], args: argparse.Namespace, pure: bool
) -> Iterator[dumps.Sample]:
    """The samples in order, drawing the progress bar that shares stdout with the messages."""
    description = session.get_inputs()[0]
    for number, group in enumerate(groups, 1):
        print(f"\rInference array Processing: {number}/{len(groups)}", end="", flush=True)
        if number == len(groups) and ordered(Fault.INFER_ERROR_EXIT_0):
            print(f"[ERROR] aclmdlExecute failed, batch from {group[0]} is dropped, ret 507011")
            continue
        size = 1 if pure else description.realsize // len(inputs.content(group[0]))
        data = bytes(description.realsize) if pure else _batch(group, size, description.realsize)
        outputs = session.infer([np.frombuffer(data, np.uint8)])
        yield from results.samples_of(outputs, group, args.output_batchsize_axis, size)
    print()


def _batch(group: Sequence[str], size: int, tensor_bytes: int) -> bytes:
    """The files of one batch end to end; a short batch is filled up with its first file."""
    parts = [inputs.content(path) for path in group]
    data = b"".join(parts + [parts[0]] * (size - len(parts)))
    if len(data) != tensor_bytes:
        fail(f"ndata size:{len(data)} not match {tensor_bytes}")
    return data


def _save_all(
    samples: Iterator[dumps.Sample], prefix: str | None, groups: Sequence[Sequence[str]], suffix: str
) -> results.FilesInfo:
    """Write the dumps; which input gave which output. Without an output folder the samples are only run through."""
    sources = [path for group in groups for path in group]
    if prefix is None:
        for _ in samples:
            pass
        return {}
    by_stem = {Path(path).name.split(".")[0]: path for path in sources}
    saved: results.FilesInfo = {}
    for index, (stem, outputs) in enumerate(dumps.spoiled(samples)):
        paths = results.save(prefix, stem, outputs, suffix, first=index == 0)
        saved[str(index)] = {"infiles": [by_stem.get(stem, stem)], "outfiles": paths}
    return saved


def _milliseconds(times: Sequence[float] | Sequence[tuple[float, float]]) -> list[float]:
    return [value if isinstance(value, float) else value[1] - value[0] for value in times]
