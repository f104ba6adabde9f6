"""The offline judge: does the evidence in a bundle carry the verdict that is written on it?

    python tools/verify_bundle.py BUNDLE [BUNDLE ...] [--spec SPEC.json]

Python standard library only, nothing of the suite is imported, so that this one file can be read and run anywhere
(`python -S -I tools/verify_bundle.py build/evidence`). It checks the manifest, recomputes every figure and verdict that
follows from predictions and raw samples, judges recorded measurements again by the spec, and names each disagreement.
Several bundles (an accuracy job, a perf job) are judged as one run when they speak of the same model, data and machine.

Exit status: 0 when everything recomputes and the last word is ACCEPTED, SIMULATED or SAMPLE; 1 when it recomputes and
is REJECTED or INCOMPLETE; 2 when a bundle is damaged, altered, contradicts itself, or is not understood.
"""

from __future__ import annotations

import argparse
import array
import ast
import hashlib
import json
import math
import operator
import os
import re
import stat
import statistics
import sys
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from itertools import groupby
from pathlib import Path
from statistics import NormalDist
from typing import Any, Callable, Iterable, Iterator, Sequence

SCHEMA = 1
ACCEPTANCE, MANIFEST, SPEC_JSON, SPEC_YAML = "acceptance.json", "MANIFEST.sha256", "spec.json", "spec.yaml"
IDS, LABELS = "predictions/ids.json", "predictions/labels.npy"
OK, NOT_GOOD_ENOUGH, REFUSED = 0, 1, 2

PASS, FAIL, INCONCLUSIVE, NOT_RUN = "PASS", "FAIL", "INCONCLUSIVE", "NOT RUN"
ACCEPTED, REJECTED, INCOMPLETE, SIMULATED, SAMPLE = "ACCEPTED", "REJECTED", "INCOMPLETE", "SIMULATED", "SAMPLE"
MEANING = {
    ACCEPTED: "every gate passed on a real device with the published checkpoint and the full data set",
    REJECTED: "at least one gate failed",
    INCOMPLETE: "nothing failed, but gates are still owed",
    SIMULATED: "every gate passed, on the simulator: nothing is said about a device",
    SAMPLE: "every gate passed, on sample data: nothing is said about the published model",
}

LARGEST_JSON_BYTES = 200_000_000
RELATIVE, ABSOLUTE = 1e-9, 1e-12  # how far a recorded figure may lie from ours: the formulas are the same


class Refused(Exception):
    """A bundle that is damaged or not understood: nothing can be judged."""


# --- JSON, read strictly -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Node:
    """A value of a JSON document with the place where it stands, so that every complaint can name it."""

    value: Any
    where: str

    def __getitem__(self, name: str) -> Node:
        if not isinstance(self.value, dict) or name not in self.value:
            raise Refused(f"{self.where}: {name} is missing")
        return Node(self.value[name], f"{self.where}.{name}")

    def items(self) -> list[Node]:
        """The entries of a list."""
        values = self._of(list, "a list")
        return [Node(value, f"{self.where}[{index}]") for index, value in enumerate(values)]

    @property
    def absent(self) -> bool:
        """True for null."""
        return self.value is None

    def text(self) -> str:
        """The value as text."""
        return str(self._of(str, "a text"))

    def flag(self) -> bool:
        """The value as true or false."""
        return bool(self._of(bool, "true or false"))

    def number(self) -> float:
        """The value as a finite number."""
        if isinstance(self.value, bool) or not isinstance(self.value, (int, float)) or not math.isfinite(self.value):
            raise Refused(f"{self.where}: {_short(self.value)} is no finite number")
        return float(self.value)

    def whole(self) -> int:
        """The value as a whole number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise Refused(f"{self.where}: {_short(self.value)} is no whole number")
        return self.value

    def keys(self) -> list[str]:
        """The names in an object."""
        return list(self._of(dict, "an object"))

    def texts(self) -> tuple[str, ...]:
        """A list of texts."""
        return tuple(item.text() for item in self.items())

    def numbers(self) -> tuple[float, ...]:
        """A list of finite numbers."""
        return tuple(item.number() for item in self.items())

    def optional(self, read: Callable[[Node], Any]) -> Any:
        """None for null, else what `read` makes of the value."""
        return None if self.absent else read(self)

    def _of(self, kind: type, what: str) -> Any:
        if not isinstance(self.value, kind):
            raise Refused(f"{self.where}: {_short(self.value)} is not {what}")
        return self.value


def read_json(content: bytes, where: str) -> Node:
    """Parse JSON; duplicate keys, NaN and infinities are refused, because readers disagree on what they mean."""
    if len(content) > LARGEST_JSON_BYTES:
        raise Refused(f"{where}: {len(content)} bytes are more than any bundle holds")
    try:
        document = json.loads(content.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Refused(f"{where}: not the JSON of a bundle: {error}") from error
    return Node(document, where)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    repeated = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    if repeated:
        raise ValueError(f"key {repeated[0]!r} stands there twice")
    return dict(pairs)


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no number")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


# --- Files ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Files:
    """A bundle's folder, whose files have been held against its manifest."""

    folder: Path
    digests: dict[str, str]
    manifest_sha256: str

    def read(self, name: str) -> bytes:
        """The content of a file that the manifest names; what is read is what was digested."""
        if name not in self.digests:
            raise Refused(f"{name} is missing")
        content = (self.folder / name).read_bytes()
        if hashlib.sha256(content).hexdigest() != self.digests[name]:
            raise Refused(f"{name} was changed after the manifest was written")
        return content

    def json(self, name: str) -> Node:
        """A JSON file."""
        return read_json(self.read(name), name)


def check_manifest(folder: Path) -> tuple[Files, list[str]]:
    """Hold every file of the folder against MANIFEST.sha256; the problems name each file."""
    if not folder.is_dir():
        raise Refused("no such folder")
    manifest = folder / MANIFEST
    if not manifest.is_file() or manifest.is_symlink():
        raise Refused(f"{MANIFEST} is missing: this is no whole bundle")
    content = manifest.read_bytes()
    named = _manifest_lines(content)
    found, odd = _files_below(folder)
    problems = [f"{name} is no plain file" for name in odd]
    problems += [f"{name} is missing" for name in sorted(named.keys() - found)]
    problems += [f"{name} is not in the manifest" for name in sorted(found - named.keys())]
    problems += [
        f"{name} was changed after the manifest was written"
        for name in sorted(found & named.keys())
        if _sha256_of(folder / name) != named[name]
    ]
    return Files(folder, named, hashlib.sha256(content).hexdigest()), problems


def _manifest_lines(content: bytes) -> dict[str, str]:
    try:
        lines = content.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise Refused(f"{MANIFEST} is no text") from error
    if lines.pop() or not lines:
        raise Refused(f"{MANIFEST} is cut short")
    named: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        match = re.fullmatch(r"([0-9a-f]{64})  ([A-Za-z0-9][A-Za-z0-9._/-]*)", line)
        if match is None or any(part in ("", ".", "..") for part in match[2].split("/")) or match[2] in named:
            raise Refused(f"{MANIFEST} line {number} is not `<sha256>  <file>`, each file once: {_short(line)}")
        named[match[2]] = match[1]
    return named


def _files_below(folder: Path) -> tuple[set[str], list[str]]:
    """Relative names of all plain files but the manifest, and of everything that is neither file nor folder."""
    plain: set[str] = set()
    odd: list[str] = []
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place, name)
            relative, mode = path.relative_to(folder).as_posix(), path.lstat().st_mode
            if stat.S_ISREG(mode):
                plain.add(relative)
            elif not stat.S_ISDIR(mode):
                odd.append(relative)
    return plain - {MANIFEST}, sorted(odd)


def _sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def read_npy(content: bytes, where: str, kinds: dict[str, str], columns: int | None) -> array.array[Any]:
    """The values of a little-endian .npy file of version 1.0 with N rows, row after row.

    `kinds` maps the dtypes allowed to the type codes of the array module; `columns` None means a vector.
    """
    length = int.from_bytes(content[8:10], "little")
    if content[:8] != b"\x93NUMPY\x01\x00" or len(content) < 10 + length or length > 4096:
        raise Refused(f"{where}: not an .npy file of version 1.0")
    try:
        header = ast.literal_eval(content[10 : 10 + length].decode("latin-1").strip())
        dtype, fortran, shape = header["descr"], header["fortran_order"], header["shape"]
        rows = shape[0]
    except (ValueError, SyntaxError, KeyError, TypeError, IndexError, MemoryError, RecursionError) as error:
        raise Refused(f"{where}: its .npy header is damaged") from error
    expected = (rows,) if columns is None else (rows, columns)
    if dtype not in kinds or fortran is not False or shape != expected or type(rows) is not int or rows < 1:
        raise Refused(f"{where}: {_short(header)}; allowed are {', '.join(kinds)} of N rows and {columns or 1} columns")
    values = array.array(kinds[dtype])
    body = content[10 + length :]
    if len(body) != rows * (columns or 1) * values.itemsize:
        raise Refused(f"{where}: {len(body)} bytes are not {rows} rows")
    values.frombytes(body)
    if sys.byteorder == "big":
        values.byteswap()
    return values


# --- Paired statistics (docs/statistics.md names the sources) ------------------------------------------------------

CONFIDENCE = 0.95
CONTINUITY = 0.5
BISECTIONS = 64
Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


@dataclass(frozen=True)
class Interval:
    """A two-sided confidence interval."""

    low: float
    high: float
    confidence: float = CONFIDENCE


@dataclass(frozen=True)
class Table:
    """Images that both got right, only the pth (lost), only the candidate (gained), and neither."""

    both_right: int
    lost: int
    gained: int
    both_wrong: int

    @property
    def images(self) -> int:
        """All of them."""
        return self.both_right + self.lost + self.gained + self.both_wrong

    @property
    def drop_pp(self) -> float:
        """The loss in percentage points."""
        return 100 * (self.lost - self.gained) / self.images


def wilson_percent(right: int, images: int) -> Interval:
    """Wilson's score interval of one accuracy, in percent."""
    share, shrink = right / images, 1 + Z * Z / images
    centre = (share + Z * Z / (2 * images)) / shrink
    half = Z * math.sqrt(share * (1 - share) / images + Z * Z / (4 * images * images)) / shrink
    return Interval(
        low=0.0 if right == 0 else 100 * max(0.0, centre - half),
        high=100.0 if right == images else 100 * min(1.0, centre + half),
    )


def mcnemar_p(table: Table) -> float:
    """Exact two-sided McNemar p."""
    discordant, fewer = table.lost + table.gained, min(table.lost, table.gained)
    total = term = 1.0
    for index in range(fewer, 0, -1):
        term *= index / (discordant - index + 1)
        total += term
        if term < total * 1e-17:
            break
    return min(1.0, 2 * (math.comb(discordant, fewer) / (1 << discordant)) * total)


def loss_interval_pp(table: Table) -> Interval:
    """Tango's score interval of the loss in percentage points, with a continuity correction of half an image."""
    return Interval(
        low=-100 * _upper_limit(table.gained, table.lost, table.images),
        high=100 * _upper_limit(table.lost, table.gained, table.images),
    )


def images_needed(table: Table, margin_pp: float) -> int | None:
    """How many images would prove the margin at the shares seen; None where no number does."""
    room = (margin_pp - table.drop_pp) / 100
    if room <= 0:
        return None
    spread = Z * math.sqrt(_variance(table.lost, table.gained, table.images, margin_pp / 100) / table.images)
    root = (spread + math.sqrt(spread * spread + 4 * CONTINUITY * room)) / (2 * room)
    return math.floor(root * root) + 1


def _variance(lost: int, gained: int, images: int, difference: float) -> float:
    linear = (2 * images - lost + gained) * difference - lost - gained
    constant = gained * difference * (1 - difference)
    root = math.sqrt(max(0.0, linear * linear + 8 * images * constant))
    share_gained = 2 * constant / (root + linear) if linear > 0 else (root - linear) / (4 * images)
    return max(0.0, images * (2 * share_gained + difference * (1 - difference)))


def _upper_limit(lost: int, gained: int, images: int) -> float:
    inside, outside = (lost - gained) / images, 1.0
    for _ in range(BISECTIONS):
        middle = (inside + outside) / 2
        excess = images * middle - (lost - gained) - CONTINUITY
        if excess > Z * math.sqrt(_variance(lost, gained, images, middle)):
            outside = middle
        else:
            inside = middle
    return outside


# --- Throughput ----------------------------------------------------------------------------------------------------

SPREAD_FALSE_ALARM = 0.001
MOST_RUNS = 99


def _at_least(successes: int, trials: int, probability: float) -> float:
    return math.fsum(
        math.comb(trials, count) * probability**count * (1 - probability) ** (trials - count)
        for count in range(successes, trials + 1)
    )


@cache
def _median_quantile(probability: float, runs: int) -> float:
    low, high = -10.0, 10.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        below = _at_least((runs + 1) // 2, runs, NormalDist().cdf(middle))
        low, high = (middle, high) if below < probability else (low, middle)
    return (low + high) / 2


def noise_interval(median: float, runs: int, noise: float) -> Interval:
    """The true rate, from the exact distribution of the median of runs with normal noise (a share of the rate)."""
    tail = (1 - CONFIDENCE) / 2
    return Interval(
        low=median / (1 + noise * _median_quantile(1 - tail, runs)),
        high=median / (1 + noise * _median_quantile(tail, runs)),
    )


def order_interval(runs: Sequence[float]) -> Interval:
    """Interval of the median from order statistics, with the confidence that it reaches."""
    ordered, count = sorted(runs), len(runs)
    ranks = range((count + 1) // 2, 0, -1)
    reached = {rank: 1 - 2 * _at_least(count - rank + 1, count, 0.5) for rank in ranks}
    rank = next((rank for rank in ranks if reached[rank] >= CONFIDENCE), 1)
    return Interval(low=ordered[rank - 1], high=ordered[count - rank], confidence=max(0.0, reached[rank]))


def spread_percent(runs: Sequence[float]) -> float | None:
    """The runs' coefficient of variation in percent; None for a single run."""
    return 100 * statistics.stdev(runs) / statistics.fmean(runs) if len(runs) > 1 else None


def too_scattered(runs: Sequence[float], noise_cv_percent: float) -> bool:
    """Whether the runs scatter more than the stored noise allows (chi-square, 0.1 % false alarm)."""
    spread = spread_percent(runs)
    if spread is None or spread <= noise_cv_percent:
        return False
    times = min(spread / noise_cv_percent, 100.0) if noise_cv_percent > 0 else 100.0
    freedom = len(runs) - 1
    return _chi_square_tail(freedom * times * times, freedom) < SPREAD_FALSE_ALARM


def _chi_square_tail(value: float, freedom: int) -> float:
    half = value / 2
    if freedom % 2:
        total, term, steps = math.erfc(math.sqrt(half)), 2 * math.sqrt(half / math.pi) * math.exp(-half), freedom // 2
        start = 1.5
    else:
        total, term, steps, start = 0.0, math.exp(-half), freedom // 2, 1.0
    for step in range(steps):
        total += term
        term *= half / (start + step)
    return total


def rate_verdict(interval: Interval, floor: float) -> str:
    """PASS when all of the interval reaches the floor, FAIL when all of it lies below."""
    if interval.low >= floor:
        return PASS
    return FAIL if interval.high < floor else INCONCLUSIVE


def runs_needed(median: float, runs: int, floor: float, noise: float) -> int | None:
    """The smallest odd number of runs that would settle it at this median."""
    for count in range(runs + 1 + runs % 2, MOST_RUNS + 1, 2):
        if rate_verdict(noise_interval(median, count, noise), floor) != INCONCLUSIVE:
            return count
    return None


# --- Checks --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Check:
    """One comparison, as the suite records it; `source` None means that it is not held against the record."""

    measured: float | str
    threshold: str
    unit: str
    verdict: str
    headroom: float | None = None
    source: str | None = None


def within(measured: float | str, bound: Node) -> Check:
    """A number against a bound of the spec; `nan` and `inf` are recorded as texts and fail every bound."""
    kinds = [kind for kind in ("at_most", "at_least", "exactly") if kind in bound.keys()]  # noqa: SIM118 - a Node
    if len(kinds) != 1:
        raise Refused(f"{bound.where} is no bound")
    limit = bound[kinds[0]].number()
    sign = {"at_most": "<=", "at_least": ">=", "exactly": "=="}[kinds[0]]
    headroom = None
    if isinstance(measured, float):
        distance = {"at_most": limit - measured, "at_least": measured - limit, "exactly": -abs(measured - limit)}
        headroom = distance[kinds[0]]
    passed = headroom is not None and headroom >= 0
    threshold = f"{sign} {limit:.10g}"
    return Check(measured, threshold, bound["unit"].text(), _word(passed), headroom, bound["source"].text())


def same(measured: float | str, expected: str, unit: str, source: str | None = None) -> Check:
    """A text that must be identical."""
    return Check(measured, f"== {expected}", unit, _word(measured == expected), None, source)


def not_run(threshold: str, unit: str) -> Check:
    """A gate that cannot be decided."""
    return Check("-", threshold, unit, NOT_RUN)


def _word(passed: bool) -> str:
    return PASS if passed else FAIL


def read_check(node: Node) -> Check:
    """A check as it was recorded."""
    measured = node["measured"]
    value = measured.number() if not isinstance(measured.value, str) else measured.text()
    verdict = node["verdict"].text()
    if verdict not in (PASS, FAIL, INCONCLUSIVE, NOT_RUN):
        raise Refused(f"{node.where}.verdict: {_short(verdict)} is no verdict")
    headroom = node["headroom"].optional(Node.number)
    node["detail"].text()
    return Check(value, node["threshold"].text(), node["unit"].text(), verdict, headroom, node["source"].text())


def close(recorded: object, ours: object) -> bool:
    """Equal, for numbers up to the last digits."""
    if isinstance(recorded, bool) or isinstance(ours, bool):
        return recorded is ours
    if isinstance(recorded, (int, float)) and isinstance(ours, (int, float)):
        return math.isclose(recorded, ours, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return recorded == ours
