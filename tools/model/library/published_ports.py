"""From rows of a published table to ports: what the library states of each network, and the figures that apply to it.

A figure applies where the zoo judged what the port describes. Accuracy belongs to a file of weights and a recipe;
throughput to a graph, an input and the flags of atc. What belongs to something else is left out, with the reason.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal

from tools.base.errors import SuiteError
from tools.judge.atc_flags import named_files
from tools.judge.spec import Spec
from tools.model.library.new_port import tried
from tools.model.library.timm_says import timm_states
from tools.model.library.torchvision_says import DIGITS, torchvision_states
from tools.model.torchvision_ops import import_torchvision
from tools.ports.draft import BATCHES
from tools.ports.published_slips import Asked, Limits, Refusal, refusals
from tools.ports.published_table import CHIPS, Figure, Row, RowRecipe, Table
from tools.ports.spec import SUFFIX, load_spec
from tools.ports.stated import (
    DraftedRecipe,
    Exported,
    Publication,
    PublishedChip,
    PublishedRate,
    Said,
    Stated,
    StatedWeights,
)

COMMAND = "tools/import_ports.py"
AIPP = "_aipp"
LIBRARIES = ("torchvision", "timm")
INSERT = "--insert_op_conf"
LARGEST_BATCH = 64
SAME_MEAN = 5e-4
"""Means and deviations are printed with three decimals."""
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
WHY_STATIC = re.compile(r"^    batch: static  # (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Imported:
    """A port that rows gave, and what of them was refused or does not apply."""

    stated: Stated
    rows: tuple[Row, ...]
    refused: tuple[Refusal, ...]


@dataclass(frozen=True)
class _Known:
    """A row, what the library states of its network, and its figures that cannot be."""

    row: Row
    stated: Stated
    refused: tuple[Refusal, ...]

    @property
    def same_weights(self) -> bool:
        """Whether the zoo judged the very file that the port names."""
        return bool(self.row["checkpoint_file"]) and self.row["checkpoint_file"] == self.stated.weights.file

    @property
    def same_recipe(self) -> bool:
        """Whether the zoo prepared images as the library does for these weights."""
        recipe = self.row.recipe()
        return recipe is not None and _same_recipe(recipe, self.stated.recipe)

    @property
    def aipp(self) -> Literal["chip", "host"] | None:
        """Where an AIPP port of the row cuts; None where the zoo used none, or where its recipe is not the port's."""
        if not self.row.aipp or not self.same_recipe:
            return None
        recipe = self.stated.recipe
        whole = isinstance(recipe.resize_px, int) and isinstance(recipe.crop_px, int)
        chip = self.row.chip_cuts and whole and (recipe.resize_px - recipe.crop_px) % 4 == 0  # type: ignore[operator]
        return "chip" if chip else "host"

    @property
    def port(self) -> str:
        """The name of the port's file: the architecture in lower snake case."""
        return f"{_architecture(self.row['network'])}{AIPP if self.aipp else ''}"


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
    known = [_known(row, table, limits) for row in table.rows if row["network"]]
    others = [row for row in table.rows if not row["network"]]
    groups: dict[str, list[_Known]] = {}
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


def _known(row: Row, table: Table, limits: Limits) -> _Known:
    stated = _stated(row)
    flops = stated.flops_per_image
    fits = row["input_hw"].isdecimal() and _size(stated.recipe) == int(row["input_hw"])
    asked = Asked(row, table.rows, flops.value if flops is not None and fits else None, limits)
    return _Known(row, stated, refusals(asked))


def _stated(row: Row) -> Stated:
    """What the library states of the row's network, for the row's file of weights where it knows that."""
    library, _, name = row["network"].partition(":")
    if library not in LIBRARIES:
        raise SuiteError(
            "a row's network is none of a library",
            where=f"line {row.line}, row {row.name}",
            measured=row["network"],
            allowed="torchvision:NAME, timm:NAME.TAG",
        )
    size = int(row["input_hw"]) if row["input_hw"].isdecimal() else None
    found = _of_torchvision(name, _entry(name, row)) if library == "torchvision" else _of_timm(name, size)
    return _with_own_file(found, row) if row["takes_own_file"] == "yes" else found


_of_torchvision, _of_timm = functools.cache(torchvision_states), functools.cache(timm_states)
"""A zoo has most networks more than once."""


def _entry(name: str, row: Row) -> str | None:
    """torchvision's weights in the row's file; its first ones, which most published ports took, where it has none."""
    models = import_torchvision().models
    if name not in models.list_models(module=models):
        return None  # refused where it is looked up
    entries = list(models.get_model_weights(name))
    named = (entry.name for entry in entries if PurePosixPath(entry.url).name == row["checkpoint_file"])
    return next(named, str(entries[0].name))


def _with_own_file(found: Stated, row: Row) -> Stated:
    """The port of the zoo's file; what the library states of its present file's accuracy is not stated of this."""
    file, digits = row["checkpoint_file"], DIGITS.search(row["checkpoint_file"])
    if not PLAIN.fullmatch(file):
        raise SuiteError(
            "a row whose port takes the zoo's own file of weights names it",
            where=f"line {row.line}, row {row.name}, column checkpoint_file",
            measured=repr(file),
            allowed="a file's name without a folder: letters, digits and . _ -",
        )
    said = f"zoo, {row['path']}: a file that the library released itself or names as the origin of its weights"
    said += "; the digits stand in the file's name" if digits else ""
    doubt = "" if digits else "the sha256 of the file; a port without one is never ACCEPTED"
    weights = StatedWeights(file, said, row["checkpoint_url"] or None, digits[1] if digits else None, doubt=doubt)
    recipe = replace(found.recipe, source=f"{found.recipe.source}, of the present file; the zoo's is the same")
    return replace(found, weights=weights, recipe=recipe, top1=None, top5=None)


def _port(name: str, group: list[_Known], table: Table, shared: Spec) -> Imported:
    first = group[0]
    taken = _Taken(first, shared)
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


class _Taken:
    """The figures that rows of one port have added to it so far."""

    def __init__(self, first: _Known, shared: Spec) -> None:
        self._first, self._shared = first, shared
        self.top1, self.top5 = first.stated.top1, first.stated.top5
        self.chips: dict[str, PublishedChip] = {}
        self.flags: tuple[str, ...] = ()
        self.refused: list[Refusal] = []

    def add(self, known: _Known) -> None:
        """What applies of a row goes into the port, the rest among the refused, each for its first reason."""
        self.refused += known.refused
        for k in ("top1", "top5"):
            self._reference(known, k)
        for ending, soc in CHIPS.items():
            chip = self.chips.get(soc, PublishedChip(soc))
            chip = replace(chip, top1=self._accuracy(known, f"om_top1_{ending}", chip.top1))
            chip = replace(chip, top5=self._accuracy(known, f"om_top5_{ending}", chip.top5))
            self.chips[soc] = replace(chip, rates=tuple(self._rates(known, f"throughput_{ending}", chip.rates)))

    def _reference(self, known: _Known, k: str) -> None:
        """The checkpoint's accuracy where the library states none, from a row of its file and recipe."""
        column, own = f"ref_{k}", getattr(self, k)
        figure = self._single(known, column)
        if figure is None:
            return
        if not known.same_weights or not known.same_recipe:
            self._refuse(known, column, figure.text, *_not_of(known))
        elif own is None:
            setattr(self, k, Said(figure.value, f"{known.row.source(column)}, accuracy of the checkpoint"))
        elif abs(own.value - figure.value) > self._shared.accuracy.pth_top1_error_pp.at_most:
            self._refuse(known, column, figure.text, f"{own.value:g} ({own.source})", "another reference")

    def _accuracy(self, known: _Known, column: str, taken: Said | None) -> Said | None:
        figure = self._single(known, column)
        if figure is None:
            return taken
        if (why := self._other_input(known, column)) is not None:
            self._refuse(known, column, figure.text, *why)
        elif not known.same_weights or not known.same_recipe:
            self._refuse(known, column, figure.text, *_not_of(known))
        elif taken is None:
            return Said(figure.value, known.row.source(column))
        elif taken.value != figure.value:
            self._refuse(known, column, figure.text, f"{taken.value:g}", "another row of the same port has another")
        return taken

    def _single(self, known: _Known, column: str) -> Figure | None:
        """The figure of a cell that no rule refused."""
        figures = known.row.percents(column)
        refused = any(refusal.column == column for refusal in known.refused)
        return None if refused or not figures else figures[0]

    def _rates(self, known: _Known, column: str, taken: tuple[PublishedRate, ...]) -> Iterator[PublishedRate]:
        yield from taken
        out = {batch for refusal in known.refused if refusal.column == column for batch in refusal.batches}
        figures = {batch: figure for batch, figure in known.row.throughput(column).items() if batch not in out}
        if not figures:
            return
        why = self._other_input(known, column) or _other_graph(known)
        if why is not None:
            self._refuse(known, column, known.row[column], *why)
            return
        here = {rate.batch: rate.rate.value for rate in taken}
        if any(here.get(batch) not in (None, figure.value) for batch, figure in figures.items()):
            self._refuse(known, column, known.row[column], "one figure", "another row of the same port has another")
            return
        self.flags = self.flags or tuple(_flags(known.row))
        for batch, figure in sorted(figures.items()):
            if batch not in here:
                yield PublishedRate(batch, self._mode(column, batch), Said(figure.value, known.row.source(column)))

    def _mode(self, column: str, batch: int) -> Literal["dataset", "pure"]:
        """benchmark ran over the data set at the guide's batch sizes, ais_bench measures without data."""
        return "dataset" if column.endswith("_310") and batch in self._shared.om.dataset_batches else "pure"

    def _other_input(self, known: _Known, column: str) -> tuple[str, str] | None:
        if known.row.aipp and self._first.aipp is None:
            return "float32", "its OM takes uint8 through AIPP, by a recipe that is not this port's or not said in full"
        if known.row.aipp and column.endswith("_310"):
            return "README at HEAD", "of an older README, which does not say whether its OM took uint8"
        return None

    def _refuse(self, known: _Known, column: str, measured: str, allowed: str, reason: str) -> None:
        self.refused.append(Refusal(known.row.name, column, (), measured, allowed, reason))


def _not_of(known: _Known) -> tuple[str, str]:
    """Why accuracy is of something else: allowed, and the reason."""
    if not known.same_weights:
        file = known.row["checkpoint_file"] or "a file that is not named"
        return f"that of {known.stated.weights.file}", f"of other weights, {file}"
    return _words(known.stated.recipe), f"by another recipe, {_row_words(known.row)}"


def _other_graph(known: _Known) -> tuple[str, str] | None:
    """Why throughput is of something else, None where the zoo measured what the port describes."""
    row, size = known.row, _size(known.stated.recipe)
    if not known.same_weights and row["network_source"] not in LIBRARIES:
        return known.stated.source, f"of another implementation, {row['network_source']}"
    if row["input_hw"] != str(size):
        return f"{size} px", f"of another input, {row['input_hw']}"
    if row["onnxsim_or_graph_surgery"] != "no":
        return (
            "the file as exported",
            f"the exported file was changed, {row['onnxsim_or_graph_surgery'].removeprefix('yes: ')}",
        )
    if files := named_files(tuple(_flags(row))):
        return "flags that need no file", f"compiled with {', '.join(files)}, of a file that the table does not hold"
    return None


def _flags(row: Row) -> Iterator[str]:
    """The zoo's flags of atc; the AIPP file is the suite's own."""
    for word in row["atc_extra_flags"].split(";"):
        if word.strip() and not word.strip().startswith(INSERT):
            yield word.strip()


def _batches(chips: Iterable[PublishedChip]) -> tuple[int, ...]:
    """The guide's batch sizes, and where none of them was published those that were, so that something is judged."""
    published = {rate.batch for chip in chips for rate in chip.rates}
    more = () if published & set(BATCHES) else tuple(sorted(batch for batch in published if batch <= LARGEST_BATCH))
    return (*BATCHES, *more)


def _same_recipe(row: RowRecipe, stated: DraftedRecipe) -> bool:
    near = all(
        abs(own - other) <= SAME_MEAN
        for own, other in zip((*row.mean, *row.std), (*stated.mean, *stated.std), strict=True)
    )
    sizes = (row.resize_px, row.crop_px, row.interpolation) == (stated.resize_px, stated.crop_px, stated.interpolation)
    return near and sizes and not stated.doubt


def _words(recipe: DraftedRecipe) -> str:
    return f"{_resize(recipe.resize_px)} to {recipe.crop_px}, {recipe.interpolation}, mean {recipe.mean[0]:.3g}"


def _row_words(row: Row) -> str:
    recipe = row.recipe()
    if recipe is None:
        return "which the table does not say in full"
    return f"{_resize(recipe.resize_px)} to {recipe.crop_px}, {recipe.interpolation}, mean {recipe.mean[0]:.3g}"


def _resize(size: int | tuple[int, int] | None) -> str:
    return f"squash to {size[0]} x {size[1]}" if isinstance(size, tuple) else f"resize {size}"


def _size(recipe: DraftedRecipe) -> int | None:
    side = recipe.resize_px if recipe.crop_px is None else recipe.crop_px
    return side if isinstance(side, int) else None


def _architecture(network: str) -> str:
    return network.partition(":")[2].partition(".")[0].lower()


def port_file(folder: Path, found: Imported) -> Path:
    """Where a port is written."""
    return folder / f"{found.stated.name}{SUFFIX}"
