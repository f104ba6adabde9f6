"""Dump files of both inference tools: how a sample's values are written, and the faults that spoil them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from tools.ascend.simulator.faults import Fault, hang_or_die, ordered

if TYPE_CHECKING:
    from tools.ascend.simulator.device import Array

    Sample = tuple[str, list[Array]]

EXTRA_STEM = "ILSVRC2012_val_99999999"
DROP_EVERY = 10


def txt(values: Array) -> bytes:
    """Six decimals (none for integers) and a space after each value, a newline after each row of the last axis."""
    form = "%f " if values.dtype.kind == "f" else "%d "
    rows = values.reshape(-1, values.shape[-1]).tolist()
    return "".join("".join(form % value for value in row) + "\n" for row in rows).encode()


def after_write(path: Path, first: bool) -> None:
    """What may happen once a dump is on the disk: it is cut short, or the process is killed."""
    if first and ordered(Fault.INFER_TRUNCATED_DUMP):
        os.truncate(path, path.stat().st_size // 2)
    if ordered(Fault.INFER_KILLED):
        hang_or_die(Fault.INFER_HANG, killed=Fault.INFER_KILLED)


def spoiled(samples: Iterable[Sample]) -> Iterator[Sample]:
    """The samples (stem, outputs without the batch axis) with the ordered faults, in order and streaming."""
    for index, (stem, outputs) in enumerate(_mixed_up(iter(samples))):
        if index % DROP_EVERY == 0 and ordered(Fault.INFER_DROPPED_SAMPLES):
            continue
        if index == 0 and ordered(Fault.INFER_EXTRA_SAMPLE):
            yield EXTRA_STEM, outputs
        for fault, value in ((Fault.INFER_NAN, float("nan")), (Fault.INFER_INF, float("inf"))):
            if index == 0 and ordered(fault):
                outputs[0].flat[0] = value
        if index == 0 and ordered(Fault.INFER_ZEROS):
            outputs[0][...] = 0
        yield stem, outputs


def _mixed_up(samples: Iterator[Sample]) -> Iterator[Sample]:
    first = list(islice(samples, 2))
    if len(first) == 2:
        (stem_a, outputs_a), (stem_b, outputs_b) = first
        if ordered(Fault.INFER_SWAPPED_DUMPS):
            first = [(stem_a, outputs_b), (stem_b, outputs_a)]
        if ordered(Fault.INFER_OTHER_IMAGE):
            first = [(stem_a, outputs_a), (stem_b, outputs_a)]
    return chain(first, samples)
