"""Which published figures apply to a port: those that the zoo took of what the port describes.

Accuracy belongs to a file of weights and a recipe; throughput to a graph, an input and the flags of atc. What belongs
to something else is left out, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from tools.judge.atc_flags import named_files
from tools.judge.spec import Spec
from tools.model.library.known_rows import LIBRARIES, Known, size_of
from tools.ports.published_slips import Refusal
from tools.ports.published_table import CHIPS, Figure, Row
from tools.ports.stated import DraftedRecipe, PublishedChip, PublishedRate, Said

INSERT = "--insert_op_conf"


class TakenFigures:
    """The figures that rows of one port have added to it so far."""

    def __init__(self, first: Known, shared: Spec) -> None:
        self._first, self._shared = first, shared
        self.top1, self.top5 = first.stated.top1, first.stated.top5
        self.chips: dict[str, PublishedChip] = {}
        self.flags: tuple[str, ...] = ()
        self.refused: list[Refusal] = []

    def add(self, known: Known) -> None:
        """What applies of a row goes into the port, the rest among the refused, each for its first reason."""
        self.refused += known.refused
        for k in ("top1", "top5"):
            self._reference(known, k)
        for ending, soc in CHIPS.items():
            chip = self.chips.get(soc, PublishedChip(soc))
            chip = replace(chip, top1=self._accuracy(known, f"om_top1_{ending}", chip.top1))
            chip = replace(chip, top5=self._accuracy(known, f"om_top5_{ending}", chip.top5))
            self.chips[soc] = replace(chip, rates=tuple(self._rates(known, f"throughput_{ending}", chip.rates)))

    def _reference(self, known: Known, k: str) -> None:
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

    def _accuracy(self, known: Known, column: str, taken: Said | None) -> Said | None:
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

    def _single(self, known: Known, column: str) -> Figure | None:
        """The figure of a cell that no rule refused."""
        figures = known.row.percents(column)
        refused = any(refusal.column == column for refusal in known.refused)
        return None if refused or not figures else figures[0]

    def _rates(self, known: Known, column: str, taken: tuple[PublishedRate, ...]) -> Iterator[PublishedRate]:
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

    def _other_input(self, known: Known, column: str) -> tuple[str, str] | None:
        if known.row.aipp and self._first.aipp is None:
            return "float32", "its OM takes uint8 through AIPP, by a recipe that is not this port's or not said in full"
        if known.row.aipp and column.endswith("_310"):
            return "README at HEAD", "of an older README, which does not say whether its OM took uint8"
        return None

    def _refuse(self, known: Known, column: str, measured: str, allowed: str, reason: str) -> None:
        self.refused.append(Refusal(known.row.name, column, (), measured, allowed, reason))


def _not_of(known: Known) -> tuple[str, str]:
    """Why accuracy is of something else: allowed, and the reason."""
    if not known.same_weights:
        file = known.row["checkpoint_file"] or "a file that is not named"
        return f"that of {known.stated.weights.file}", f"of other weights, {file}"
    return _words(known.stated.recipe), f"by another recipe, {_row_words(known.row)}"


def _other_graph(known: Known) -> tuple[str, str] | None:
    """Why throughput is of something else, None where the zoo measured what the port describes."""
    row, size = known.row, size_of(known.stated.recipe)
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


def _words(recipe: DraftedRecipe) -> str:
    return f"{_resize(recipe.resize_px)} to {recipe.crop_px}, {recipe.interpolation}, mean {recipe.mean[0]:.3g}"


def _row_words(row: Row) -> str:
    recipe = row.recipe()
    if recipe is None:
        return "which the table does not say in full"
    return f"{_resize(recipe.resize_px)} to {recipe.crop_px}, {recipe.interpolation}, mean {recipe.mean[0]:.3g}"


def _resize(size: int | tuple[int, int] | None) -> str:
    return f"squash to {size[0]} x {size[1]}" if isinstance(size, tuple) else f"resize {size}"
