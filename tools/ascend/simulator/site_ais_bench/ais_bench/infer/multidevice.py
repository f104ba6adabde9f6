"""`--device 0,1,…`: one process a device."""

from __future__ import annotations

import argparse
import copy
import math
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from ais_bench.infer import inputs, one_device
from ais_bench.infer.console import info
from ais_bench.infer.flavour import Flavour, flavour


def run(args: argparse.Namespace, argv: Sequence[str]) -> int:
    """Run all devices; 0 only if every one of them ended well."""
    devices: list[int] = args.device
    info(f"multidevice:{devices} run begin")
    files = None if args.input is None else inputs.files_of(args.input)
    with ProcessPoolExecutor(len(devices), mp_context=get_context("spawn")) as pool:
        jobs = [
            pool.submit(_device, args, argv, position, _share(files, position, len(devices), args))
            for position in range(len(devices))
        ]
    failures = [job.exception() for job in jobs if job.exception() is not None]
    for failure in failures:
        print(f"[ERROR] subprocess run failed error_callback:{failure}")
    result = 1 if failures else 0
    info(f"multidevice run end qsize:{2 * len(devices) - len(failures)} result:{result}")
    rates = []
    for position, job in enumerate(jobs):
        if job.exception() is None:
            rate, start, end = job.result()
            rates.append(rate)
            prefix, gap = ("[INFO] ", " " * 17) if flavour() is Flavour.AIT else ("", " ")
            print(f"{prefix}i:{position} device_{devices[position]} throughput:{rate}{gap}", end="")
            print(f"start_time:{start} end_time:{end}")
    info(f"summary throughput:{sum(rates)}")
    return result


def _share(files: list[str] | None, position: int, devices: int, args: argparse.Namespace) -> list[str] | None:
    """A device's part of the files; AIT gives every device all of them unless --divide_input."""
    if files is None or (flavour() is Flavour.AIT and not args.divide_input):
        return files
    size = math.ceil(len(files) / devices)
    return files[position * size : (position + 1) * size]


def _device(
    args: argparse.Namespace, argv: Sequence[str], position: int, files: list[str] | None
) -> tuple[float, float, float]:
    device = args.device[position]
    mine = copy.copy(args)
    folder = f"device{device}_{position}" if flavour() is Flavour.AIT else f"device{device}"
    mine.output_dirname = os.path.join(args.output_dirname, folder)  # noqa: PTH118
    start = time.time()
    return one_device.run(mine, argv, device, files), start, time.time()
