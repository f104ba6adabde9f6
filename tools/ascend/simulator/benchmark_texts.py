"""Figures and texts of the simulated benchmark tool: perf file, pure-inference console lines and file."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

from tools.ascend.simulator.chips import JITTER, Chip, execution_ms, images_per_second
from tools.ascend.simulator.faults import Fault, ordered

HOST_IMAGES_PER_SECOND = 400.0
BANNER = "-----------------PureInfer Performance Summary------------------"
DATASET_BANNER = "-----------------Performance Summary------------------"
CONTRADICTION = 1.5
STORED_RATE_FACTOR, INTERFACE_FACTOR, SLOWER_ROUNDS = 1.3, 1.4, 1.3
COPIES_SHARE = 0.35
"""Of the host's time for an image: what infer's module spends on copies, beside the execution."""


def number(value: float) -> str:
    """A number as a C++ stream prints it by default: up to 6 significant digits, exponent form from 1e6."""
    return f"{value:.6g}"


@dataclass(frozen=True)
class Figures:
    """One run's invented figures: `batch` names the perf file, `rate` is in images per second of one device."""

    batch: int
    rate: float


def figures(chip: Chip, batch: int) -> Figures:
    """The rate of a device at this batch, or as a wrong tool would report it."""
    shown = 2 * batch if ordered(Fault.INFER_OTHER_BATCH_PERF) else batch
    rate = images_per_second(chip, shown)
    return Figures(shown, rate / shown if ordered(Fault.INFER_BATCHES_AS_IMAGES) else rate)


def perf_text(found: Figures, samples: int, *, stored: bool) -> str:
    """The five lines of a data-set run, printed and stored; the host's share makes every rate but Interface smaller.

    `[post]` counts batches per second, a partial last batch included; `latency` is the run's wall time in ms, hence
    e2e rate x latency / 1000 = samples. infer's moduleLatency is an image's execution with its copies.
    """
    interface = found.rate * (INTERFACE_FACTOR if stored and ordered(Fault.INFER_INTERFACE_RATE) else 1.0)
    interface *= STORED_RATE_FACTOR if stored and ordered(Fault.INFER_STORED_RATE) else 1.0
    infer = 1 / (1 / found.rate + (1 + JITTER * _of_this_run()) / HOST_IMAGES_PER_SECOND)
    end_to_end, read, prepare = 0.9935 * infer, 1.0590 * infer, 1.0573 * infer
    post = infer * math.ceil(samples / found.batch) / samples
    wall_ms = 1000 * samples / end_to_end * (CONTRADICTION if ordered(Fault.INFER_CONTRADICTION) else 1.0)
    lines = (
        f"[e2e] throughputRate: {number(end_to_end)}, latency: {number(wall_ms)}",
        f"[data read] throughputRate: {number(read)}, moduleLatency: {number(1000 / read)}",
        f"[preprocess] throughputRate: {number(prepare)}, moduleLatency: {number(1000 / prepare)}",
        f"[infer] throughputRate: {number(infer)}, Interface throughputRate: {number(interface)}, "
        f"moduleLatency: {number(1000 / found.rate + COPIES_SHARE * 1000 / HOST_IMAGES_PER_SECOND)}",
        f"[post] throughputRate: {number(post)}, moduleLatency: {number(1000 / post)}",
    )
    return cut("".join(f"{line}\n" for line in lines))


def _of_this_run() -> float:
    """A fixed number of each process in 0 to 1: no two runs of a device take the same times."""
    return (os.getpid() * 2654435761 % 2**32) / 2**32


def pure_progress(chip: Chip, batch: int, rounds: int) -> str:
    """One progress line a round, numbered from 0 as in published logs."""
    slower = SLOWER_ROUNDS if ordered(Fault.INFER_SLOWER_ROUNDS) else 1.0
    made = range(1 if ordered(Fault.INFER_ONE_ROUND) else rounds)
    costs = (slower * execution_ms(chip, batch, index + os.getpid()) for index in made)
    return "".join(
        f"[INFO] Dataset number: {index} finished cost {number(cost)}ms\n"
        for index, cost in zip(made, costs, strict=True)
    )


def pure_line(found: Figures, *, stored: bool) -> str:
    """Rate and latency per sample; the console uses `: ` as separator, the file ` = `."""
    separator = " = " if stored else ": "
    rate = found.rate * (STORED_RATE_FACTOR if stored and ordered(Fault.INFER_STORED_RATE) else 1.0)
    latency = 1000 / rate * (CONTRADICTION if ordered(Fault.INFER_CONTRADICTION) else 1.0)
    return f"ave_throughputRate{separator}{number(rate)}samples/s, ave_latency{separator}{number(latency)}ms"


def pure_console(found: Figures, path: str) -> str:
    """The summary that ends a pure-inference run on stdout."""
    rule = "-" * len(BANNER)
    return f"[INFO] PureInfer result saved in {path}\n{BANNER}\n[INFO] {pure_line(found, stored=False)}\n{rule}\n"


def cut(text: str) -> str:
    """The text, or its first half where a truncated result is ordered."""
    return text[: len(text) // 2] if ordered(Fault.INFER_TRUNCATED_PERF) else text
