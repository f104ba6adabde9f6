"""A table of published ports as rows: one CSV line a README of a model zoo, facts as they were printed.

The first line is a comment, `# who published this, read on what day`; the second names the columns.
A cell is text until a rule needs a number: `79.0` and `79.00` are not the same figure, the first says less. Throughput
is `batch:images per second;…`, accuracy a percent, `batch:percent;…` or `lowest..highest` where it was printed so.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

from tools.base.errors import SuiteError
from tools.base.reading import small_file

MOST_BYTES = 4_000_000
MOST_BATCH_DIGITS = 6
CHIPS = {"310": "Ascend310", "310P3": "Ascend310P3"}
"""How the table's columns call the chips of thresholds.yaml."""
COLUMNS = {
    "name": "what the zoo calls it",
    "path": "its folder in the zoo",
    "network": "the library's network with its weights, torchvision:NAME or timm:NAME.TAG; empty where none has it",
    "no_port": "why it gets no port; empty where it gets one",
    "takes_own_file": "yes: the port takes the zoo's file, which the library released itself or names as the origin",
    "network_source": "whose code the zoo exports: torchvision, timm, or another repository",
    "checkpoint_file": "the file of the weights",
    "checkpoint_url": "where the zoo says that it lies",
    "input_hw": "the network's input, pixels a side",
    "resize_px": "256, or `256x256 squash`",
    "crop_px": "224; `224 (AIPP cuts 256 to 224)` where the chip cuts",
    "interpolation": "bilinear, bicubic, lanczos, nearest; anything else is told in words",
    "mean": "three numbers",
    "std": "three numbers",
    "channel_order": "RGB or BGR",
    "input_dtype": "what the OM takes",
    "aipp": "yes or no",
    "onnxsim_or_graph_surgery": "no, or what is done to the exported file",
    "atc_extra_flags": "flags of atc, with `; ` between them",
    "classes": "outputs",
    "label_offset": "1 where a background class comes first",
    "ref_top1": "accuracy of the checkpoint, percent",
    "ref_top5": "",
    "om_top1_310": "accuracy of the OM on Ascend310, percent",
    "om_top5_310": "",
    "om_top1_310P3": "accuracy of the OM on Ascend310P3, percent",
    "om_top5_310P3": "",
    "throughput_310": "images per second of one chip of Ascend310",
    "throughput_310P3": "images per second of one chip of Ascend310P3",
    "card_310": "images per second printed beside them, of four chips where it is so",
    "best_310P3": "the best throughput, where it is printed apart",
    "source_310": "the README of the figures of Ascend310",
    "arithmetic": "int8 where the figures are of a quantised OM",
}
AIPP_CUTS = re.compile(r"(\d+) \(AIPP cuts \d+ to \d+\)")
SQUASH = re.compile(r"(\d+)x(\d+) squash")
FILTERS = ("bilinear", "bicubic", "lanczos", "nearest")


@dataclass(frozen=True)
class Figure:
    """A printed number; `text` has the digits that were printed."""

    text: str

    @property
    def value(self) -> float:
        """The number."""
        return float(self.text)

    @property
    def rounding(self) -> float:
        """Half a unit of the last printed place."""
        _, _, places = self.text.partition(".")
        return 0.5 * 10.0 ** -len(places)

    @property
    def digits(self) -> int:
        """How many digits say something: those of `0.050` are two, of `1200`, which may be rounded, too."""
        return len((self.text if "." in self.text else self.text.rstrip("0")).replace(".", "").lstrip("0"))


@dataclass(frozen=True)
class RowRecipe:
    """The zoo's preprocessing, in the words of a port."""

    resize_px: int | tuple[int, int]
    crop_px: int
    interpolation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class Table:
    """All rows, and who published them when."""

    path: Path
    origin: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Row:
    """One line of the table; `line` is its number in the file, `cells` what stands there."""

    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    @property
    def name(self) -> str:
        """What the zoo calls it."""
        return self.cells["name"]

    @property
    def aipp(self) -> bool:
        """Whether the zoo's OM takes pixels that the chip normalises."""
        return self.cells["aipp"] == "yes"

    @property
    def int8(self) -> bool:
        """Whether the figures are of a quantised OM."""
        return self.cells["arithmetic"] == "int8"

    @property
    def chip_cuts(self) -> bool:
        """Whether AIPP cuts the picture to the network's size."""
        return AIPP_CUTS.fullmatch(self.cells["crop_px"]) is not None

    def percents(self, column: str) -> tuple[Figure, ...]:
        """Accuracies of a cell: one as a rule, several where batch sizes gave several; empty where none was printed."""
        cell = self.cells[column].strip()
        if not cell:
            return ()
        parts = cell.split("..") if ".." in cell else [part.rpartition(":")[2] for part in cell.split(";")]
        return tuple(self._figure(column, part) for part in parts)

    def throughput(self, column: str) -> dict[int, Figure]:
        """Images per second by batch size; empty where none was printed."""
        found: dict[int, Figure] = {}
        for part in filter(None, self.cells[column].split(";")):
            word, colon, rate = (piece.strip() for piece in part.partition(":"))
            batch = int(word) if re.fullmatch(rf"[0-9]{{1,{MOST_BATCH_DIGITS}}}", word) else 0
            if not colon or batch < 1 or batch in found or (figure := self._figure(column, rate)).value <= 0:
                raise self._wrong(column, part, "batch:images per second, both above 0, each batch once")
            found[batch] = figure
        return found

    def recipe(self) -> RowRecipe | None:
        """The recipe where it is said in full, None where a part of it is missing or is told in words."""
        cells = self.cells
        resize, crop = _resize(cells["resize_px"]), AIPP_CUTS.sub(r"\1", cells["crop_px"])
        numbers = [_three(cells[column]) for column in ("mean", "std")]
        plain = crop.isdecimal() and cells["interpolation"] in FILTERS and cells["channel_order"] == "RGB"
        if resize is None or not plain or numbers[0] is None or numbers[1] is None:
            return None
        return RowRecipe(resize, int(crop), cells["interpolation"], numbers[0], numbers[1])

    def source(self, column: str) -> str:
        """Which README printed the figure, as a port says it."""
        readme = self.cells["source_310"] if column.endswith("_310") else ""
        if not column.startswith("throughput_"):
            readme = readme.partition(",")[0]  # what follows says how throughput was measured
        return f"zoo, {self.cells['path']}, {readme or 'README at HEAD'}"

    def _figure(self, column: str, text: str) -> Figure:
        figure = text.strip()
        if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", figure) or len(figure) > 20:
            raise self._wrong(column, text, "a number in plain digits, such as 1270.8")
        return Figure(figure)

    def _wrong(self, column: str, found: str, allowed: str) -> SuiteError:
        where = f"line {self.line}, row {self.name}, column {column}"
        return SuiteError("this cell of the table cannot be read", where=where, measured=found, allowed=allowed)


def read_table(path: Path) -> Table:
    """All rows; SuiteError for a table without a documented column, with an unknown one, or with an odd line."""
    try:
        text = small_file(path, MOST_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SuiteError("the table is not UTF-8", where=path, measured=str(error)) from error
    first, _, rest = text.partition("\n")
    origin = first.removeprefix("#").strip()
    if not first.startswith("#") or not origin or not origin.isprintable():
        fix = "begin it with `# who published this, read on what day`"
        raise SuiteError("the table does not say where it is from", where=f"{path}:1", fix=fix)
    reader = csv.DictReader(io.StringIO(rest, newline=""), strict=True)
    try:
        _require_columns(reader.fieldnames or (), path)
        rows = tuple(_row(reader.line_num + 1, cells, path) for cells in reader)
    except csv.Error as error:
        raise SuiteError("the table is no CSV", where=f"{path}:{reader.line_num + 1}", measured=str(error)) from error
    if not rows:
        raise SuiteError("the table has no rows", where=path)
    return Table(path, origin, rows)


def _require_columns(found: object, path: Path) -> None:
    names = list(found) if isinstance(found, (list, tuple)) else []
    missing, unknown = [name for name in COLUMNS if name not in names], [name for name in names if name not in COLUMNS]
    if missing or unknown or len(set(names)) != len(names):
        said = "; ".join(
            f"{word} {', '.join(map(repr, of))}" for word, of in (("missing", missing), ("unknown", unknown)) if of
        )
        raise SuiteError(
            "the table's columns are not the documented ones",
            where=path,
            measured=said or "one stands twice",
            allowed=", ".join(COLUMNS),
            fix="docs/ports.md says what each holds",
        )


def _row(line: int, cells: dict[str | None, str | None], path: Path) -> Row:
    if None in cells or None in cells.values():
        raise SuiteError("this line has not as many cells as the first", where=f"{path}:{line}")
    row = Row(line, {str(name): str(cell).strip() for name, cell in cells.items()})
    if not row.name:
        raise SuiteError("a row needs a name", where=f"{path}:{line}")
    if odd := next((name for name, cell in row.cells.items() if not cell.isprintable()), None):
        raise SuiteError("this cell holds more than a line of text", where=f"{path}:{line}, column {odd}")
    if not row["network"] and not row["no_port"]:
        raise SuiteError("a row names its network, or says why it gets no port", where=f"{path}:{line}")
    for column in row.cells:
        if column.startswith(("throughput_", "card_", "best_")):
            row.throughput(column)
        elif column.startswith(("ref_", "om_")):
            row.percents(column)
    return row


def _resize(cell: str) -> int | tuple[int, int] | None:
    if found := SQUASH.fullmatch(cell):
        return int(found[1]), int(found[2])
    return int(cell) if cell.isdecimal() else None


def _three(cell: str) -> tuple[float, ...] | None:
    words = cell.split()
    numbers = tuple(float(word) for word in words if re.fullmatch(r"\d+(\.\d+)?", word))
    return numbers if len(numbers) == len(words) == 3 else None
