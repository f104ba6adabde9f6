"""What accepted evidence says of a chip, as the figures that the `published` section of a port holds.

Where nobody published what a network reaches on a chip, its first accepted run is what later ones are held to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tools.base.errors import SuiteError
from tools.base.printable import one_line
from tools.judge import ids
from tools.judge.acceptance import Acceptance
from tools.judge.bundle import Bundle
from tools.judge.machine_class import Device, DeviceBatch
from tools.judge.machine_records import UNKNOWN
from tools.judge.numbers import Fact
from tools.judge.spec import Spec
from tools.judge.throughput_records import DeviceThroughput
from tools.ports.draft import chip_lines
from tools.ports.stated import PublishedChip, PublishedRate, Said

DIGITS = 6
"""Of a figure: a tool's own rates are printed with six."""
DIGEST_DIGITS = 16
LONGEST_WORD = 80
"""Of what the host says about itself."""


def chip_of(bundles: Sequence[Bundle]) -> str:
    """The chip of bundles that were judged as one run; SuiteError where none of them has seen a device."""
    found = {bundle.record.machine.soc for bundle in bundles if bundle.record.machine is not None}
    if len(found) != 1:
        raise SuiteError("no word on the chip", measured=", ".join(sorted(found)) or "none", allowed="one chip")
    return found.pop()


def measured_on(chip: Device, spec: Spec, bundles: Sequence[Bundle]) -> Device:
    """The machine class with what these bundles measured on it in the place of all figures that it had.

    The rate of a batch size is the median of its runs, of several devices or bundles the slowest; accuracy, for which
    a chip has one figure, the lower median over the batch sizes. SuiteError where any batch size of the port lacks
    either.
    """
    rates = [_rate(batch, bundles) for batch in spec.batches]
    return replace(
        chip,
        om_top1=_accuracy(1, spec, bundles),
        om_top5=_accuracy(5, spec, bundles) if spec.places >= 5 else None,
        throughput=tuple(rates),
    )


def _rate(batch: int, bundles: Sequence[Bundle]) -> DeviceBatch:
    measured = [(entry, bundle) for bundle in bundles for entry in _throughput(bundle) if entry.batch == batch]
    if not measured:
        raise SuiteError(f"no throughput of batch {batch} was measured", where=_names(bundles), fix=_PERF)
    slowest, bundle = min(measured, key=lambda pair: pair[0].images_per_second_per_chip)
    mode = next(mode for mode in ("dataset", "pure") if mode == slowest.mode)
    rate = Fact(value=_rounded(slowest.images_per_second_per_chip), unit="images/s", source=source(bundle))
    return DeviceBatch(batch=batch, mode=mode, images_per_second_per_chip=rate)


_PERF = "give the bundle of the perf job too, or of a run without -m"
_ACCURACY = "give the bundle of the accuracy job too, or of a run without -m"


def _throughput(bundle: Bundle) -> tuple[DeviceThroughput, ...]:
    return bundle.record.device_throughput


def _accuracy(k: int, spec: Spec, bundles: Sequence[Bundle]) -> Fact:
    found: dict[int, tuple[float, Bundle]] = {}
    for bundle in bundles:
        for variant in bundle.record.variants:
            percents = [entry.percent for entry in variant.accuracy if entry.k == k]
            if variant.name.batch is not None and percents:
                found.setdefault(variant.name.batch, (percents[0], bundle))
    missing = [ids.om(batch) for batch in spec.batches if batch not in found]
    if missing:
        raise SuiteError(f"no Top-{k} of {missing[0]} was measured", where=_names(bundles), fix=_ACCURACY)
    ordered = sorted(found.values(), key=lambda pair: pair[0])
    percent, bundle = ordered[(len(ordered) - 1) // 2]
    return Fact(value=_rounded(percent), unit="percent", source=source(bundle))


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _names(bundles: Sequence[Bundle]) -> str:
    return ", ".join(bundle.name for bundle in bundles)


def source(bundle: Bundle) -> str:
    """Where a figure comes from: which run, when, on what host, with which toolkit, and the digest of its evidence."""
    record = bundle.record
    said = f"measured in run {record.run[:8]} of {record.finished_utc[:10]}", *_made_by(record)
    return one_line(f"{', '.join(said)}; bundle {bundle.files.manifest_sha256[:DIGEST_DIGITS]}")


def _made_by(record: Acceptance) -> Iterator[str]:
    if record.host is not None:
        yield f"{record.host.cpu_model[:LONGEST_WORD]} with {record.host.cores} cores"
    if record.machine is not None:
        known = record.machine.toolchain
        yield f"CANN {known.get('cann', UNKNOWN)[:LONGEST_WORD]}"
        yield f"driver {', '.join(sorted({board.driver[:LONGEST_WORD] for board in record.machine.boards}))}"
        yield record.machine.infer_tool
    if record.handed_in:
        yield f"handed in: {', '.join(entry.name for entry in record.handed_in)}"


def entry_lines(chip: Device, bundles: Sequence[Bundle]) -> list[str]:
    """The chip's entry of `published`, as YAML that begins in the first column."""
    digests = ", ".join(bundle.files.manifest_sha256 for bundle in bundles)
    rates = [PublishedRate(one.batch, one.mode, _said(one.images_per_second_per_chip)) for one in chip.throughput]
    top1, top5 = (None if fact is None else _said(fact) for fact in (chip.om_top1, chip.om_top5))
    first, *others = chip_lines(PublishedChip(chip.soc, top1, top5, tuple(rates)))
    return [first, f"  # by tools/pin_floors.py; sha256 of MANIFEST.sha256: {digests}", *others]


def _said(fact: Fact) -> Said:
    return Said(fact.value, fact.source)


def what_stands(chip: Device) -> dict[str, Fact]:
    """Every figure of the chip by its name."""
    rates = {f"batch {entry.batch}, {entry.mode}": entry.images_per_second_per_chip for entry in chip.throughput}
    accuracies = {"om_top1": chip.om_top1, "om_top5": chip.om_top5}
    return {**{name: fact for name, fact in accuracies.items() if fact is not None}, **rates}
