"""Are rates and ratios what the raw samples come to?"""

from __future__ import annotations

import math

from tools.judge.bundle import Bundle
from tools.judge.device import throughput_record
from tools.judge.files import Refused
from tools.judge.host import ratio
from tools.judge.layout import FILE
from tools.judge.perf_logs import check_perf_logs
from tools.judge.throughput_records import DeviceThroughput, ThroughputRun


def check_host_throughput(bundle: Bundle) -> None:
    """Two engines of the host: their ratio."""
    for place, host in enumerate(bundle.record.host_throughput):
        found = ratio(host.candidate_seconds_per_image, host.reference_seconds_per_image)
        bundle.compare(f"{FILE}.host_throughput[{place}].ratio", host.ratio, found)


def check_device_throughput(bundle: Bundle) -> None:
    """Every batch size that was measured on the chip."""
    for place, device in enumerate(bundle.record.device_throughput):
        _device_throughput(bundle, f"{FILE}.device_throughput[{place}]", device)


def _device_throughput(bundle: Bundle, where: str, recorded: DeviceThroughput) -> None:
    """Rates from the raw samples, card, published figure, floor and the judge's word."""
    if not recorded.runs or min(run.images_per_second_per_chip for run in recorded.runs) <= 0:
        raise Refused(f"{where}.runs: no run, or a rate that is not positive")
    if any(run.images is not None and run.images < 1 for run in recorded.runs):
        raise Refused(f"{where}.runs: a run over fewer than one image")
    soc = bundle.machine().soc
    mode = bundle.spec.throughput_mode(soc, recorded.batch)
    for number, run in enumerate(recorded.runs):
        _run(bundle, f"{where}.runs[{number}]", run, recorded.batch, mode)
    _run_images(bundle, f"{where}.runs", recorded.runs)
    check_perf_logs(bundle, where, recorded)
    ours = throughput_record(
        recorded.runs, soc=soc, simulated=not bundle.on_device, busy=recorded.busy, spec=bundle.spec
    )
    bundle.compare(where, recorded, ours)


def check_outputs(bundle: Bundle) -> None:
    """Outputs of throughput runs that differ do so by something, and no more of them than there are."""
    for place, entry in enumerate(bundle.record.throughput_outputs):
        for number, run in enumerate(entry.runs):
            if not 0 <= run.differing <= run.images or bool(run.differing) != (run.largest != 0):
                where = f"{FILE}.throughput_outputs[{place}].runs[{number}]"
                bundle.problems.append(f"{where}: {run.differing} of {run.images} differ, by at most {run.largest:g}")


def _run(bundle: Bundle, where: str, run: ThroughputRun, batch: int, mode: str) -> None:
    """One reading: its batch and mode, and the official figure without the padding of the last batch."""
    bundle.compare(f"{where}.batch", run.batch, batch)
    bundle.compare(f"{where}.mode", run.mode, mode)
    share = 1.0
    if run.tool == "ais_bench" and run.images is not None:
        share = run.images / (math.ceil(run.images / batch) * batch)
    rate = run.reported_images_per_second * share
    bundle.compare(f"{where}.images_per_second_per_chip", run.images_per_second_per_chip, rate)


def _run_images(bundle: Bundle, where: str, runs: tuple[ThroughputRun, ...]) -> None:
    """Runs are numbered from 1 on, and a run over the data set sees each image once, whatever the devices."""
    seen: dict[int, int] = {}
    for number, run in enumerate(runs):
        seen[run.run] = seen.get(run.run, 0) + (run.images or 0)
        if (run.images is None) != (run.mode == "pure"):
            bundle.problems.append(f"{where}[{number}].images: pure inference sees no images, a data-set run does")
    if sorted(seen) != list(range(1, len(seen) + 1)):
        bundle.problems.append(f"{where}: runs are numbered {sorted(seen)}")
    for counted, images in seen.items():
        if images and bundle.record.dataset is not None and images != len(bundle.ids):
            bundle.problems.append(f"{where}: run {counted} saw {images} images of {len(bundle.ids)}")
