"""From rows of a published table to ports: what libraries state of each network, and the figures that apply to it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from tools.judge.spec import Spec
from tools.model.library.known_rows import Known, known_row
from tools.model.library.new_port import tried
from tools.model.library.taken_figures import TakenFigures
from tools.ports.draft import BATCHES
from tools.ports.published_slips import Asked, Limits, Refusal, refusals
from tools.ports.published_table import Row, Table
from tools.ports.spec import SUFFIX, load_spec
from tools.ports.stated import Exported, Publication, PublishedChip, Said, Stated

COMMAND = "tools/import_ports.py"
LARGEST_BATCH = 64
WHY_STATIC = re.compile(r"^    batch: static  # (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Imported:
    """A port that rows gave, and what of them was refused or does not apply."""

    stated: Stated
    rows: tuple[Row, ...]
    refused: tuple[Refusal, ...]


def limits_of(spec: Spec) -> Limits:
    """What a table is held to, from what all ports share."""
    gains = {device.om_top1_error_pp.at_most for device in spec.devices}
    return Limits(
        peak_tflops={device.soc: device.peak_fp16_tflops_per_chip.value for device in spec.devices},
        drop_pp=spec.accuracy.top1_drop_pp.at_most,
        gain_pp=min(gains),
        reference_pp=spec.accuracy.pth_top1_error_pp.at_most,
    )


def imported(table: Table, shared: Spec) -> tuple[tuple[Imported, ...], tuple[Refusal, ...]]:
    """The ports of the table by name, and the refusals of rows that get none."""
    limits = limits_of(shared)
    known = [known_row(row, table, limits) for row in table.rows if row["network"]]
    others = [row for row in table.rows if not row["network"]]
    groups: dict[str, list[Known]] = {}
    for found in known:
        if not found.row["no_port"]:
            groups.setdefault(found.port, []).append(found)
    without = [refusal for found in known if found.row["no_port"] for refusal in found.refused]
    without += [refusal for row in others for refusal in refusals(Asked(row, table.rows, None, limits))]
    ports = tuple(_port(name, groups[name], table, shared) for name in sorted(groups))
    return ports, tuple(without)


def exported_as(found: Stated, out: Path) -> Stated:
    """The port at the opset that its file states already, which was tried then; tried now where there is no file."""
    if out.is_file() and (spec := load_spec(out)).model.source == found.source:
        why = WHY_STATIC.search(out.read_text(encoding="utf-8"))
        kept = Exported(Said(int(spec.onnx.opset.exactly), spec.onnx.opset.source), why[1] if why else "")
        return replace(found, exported=kept)
    return tried(found, out)


def port_file(folder: Path, found: Imported) -> Path:
    """Where a port is written."""
    return folder / f"{found.stated.name}{SUFFIX}"


def _port(name: str, group: list[Known], table: Table, shared: Spec) -> Imported:
    first = group[0]
    taken = TakenFigures(first, shared)
    for known in group:
        taken.add(known)
    drafted_by = f"{COMMAND} of {table.path.name} ({table.origin}), the zoo of the figures below"
    publication = Publication(
        drafted_by=drafted_by,
        chips=tuple(chip for chip in taken.chips.values() if chip.figures),
        left_out=tuple(refusal.line for refusal in taken.refused),
        aipp=first.aipp,
        atc_extra_args=taken.flags,
        batches=_batches(taken.chips.values()),
    )
    stated = replace(first.stated, name=name, top1=taken.top1, top5=taken.top5, publication=publication)
    return Imported(stated, tuple(known.row for known in group), tuple(taken.refused))


def _batches(chips: Iterable[PublishedChip]) -> tuple[int, ...]:
    """The guide's batch sizes, and where none of them was published those that were, so that something is judged."""
    published = {rate.batch for chip in chips for rate in chip.rates}
    more = () if published & set(BATCHES) else tuple(sorted(batch for batch in published if batch <= LARGEST_BATCH))
    return (*BATCHES, *more)
