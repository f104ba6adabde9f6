"""The offline judge: does the evidence in a bundle carry the verdict that is written on it?

    python tools/verify_bundle.py BUNDLE [BUNDLE ...] [--spec SPEC.json] [--require WORD]

Python standard library only, nothing of the suite is imported, so that this one file can be read and run anywhere
(`python -S -I tools/verify_bundle.py build/evidence`). It checks the manifest, recomputes every figure and verdict that
follows from predictions and raw samples, judges recorded measurements again by the spec, and names each disagreement.
Several bundles (an accuracy job, a perf job) are judged as one run when they speak of the same model, data and machine;
of a gate that several decided the worst answer counts.

Exit status: 0 when everything recomputes and the last word is ACCEPTED, SIMULATED or SAMPLE, and none that --require
calls too weak; 1 when it recomputes and is weaker; 2 when a bundle is damaged, altered, contradicts itself, is given
twice, or is not understood.
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
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache, cached_property, partial
from itertools import groupby
from pathlib import Path
from statistics import NormalDist
from typing import Any, NoReturn

SCHEMA = 1
ACCEPTANCE, MANIFEST, SPEC_JSON, SPEC_YAML = "acceptance.json", "MANIFEST.sha256", "spec.json", "spec.yaml"
IDS, LABELS = "predictions/ids.json", "predictions/labels.npy"
OK, NOT_GOOD_ENOUGH, REFUSED = 0, 1, 2

PASS, FAIL, INCONCLUSIVE, NOT_RUN = "PASS", "FAIL", "INCONCLUSIVE", "NOT RUN"
ACCEPTED, REJECTED, INCOMPLETE, SIMULATED, SAMPLE = "ACCEPTED", "REJECTED", "INCOMPLETE", "SIMULATED", "SAMPLE"
MEANING = {
    ACCEPTED: "every gate passed on a real device, with the checkpoint and the full data set of the spec",
    REJECTED: "at least one gate failed",
    INCOMPLETE: "no gate failed, but gates are still owed or the run was cut short",
    SIMULATED: "every gate passed, on the simulator: nothing is said about a device",
    SAMPLE: "every gate passed, on sample data: nothing is said about the published model",
}
GOOD_WORDS = (SIMULATED, SAMPLE, ACCEPTED)  # the weakest first, in the order in which judge_run settles for them
SHIPPED_SPECS = {
    "003ccbcedafcf0e94f6f7961f200da92de887a226310cd3d724f61eac57b9af9": "thresholds.yaml",
    "57d078b59ffa69622fa122b9143f5a3e890be8832131eb40efe55e547dbb01d0": "thresholds-sample.yaml",
}
"""The suite's own specs by the sha256 of their spec.json. Pinned, so that one edited in its place is not theirs."""

LARGEST_FILE_BYTES, LARGEST_READ_BYTES = 4_000_000_000, 200_000_000
LARGEST_WHOLE = (1 << 63) - 1
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

    def optional(self, read: Callable[[Node], Any]) -> Any:  # noqa: ANN401 - what `read` makes of it
        """None for null, else what `read` makes of the value."""
        return None if self.absent else read(self)

    def _of(self, kind: type, what: str) -> Any:  # noqa: ANN401 - of `kind`
        if not isinstance(self.value, kind):
            raise Refused(f"{self.where}: {_short(self.value)} is not {what}")
        return self.value


def read_json(content: bytes, where: str) -> Node:
    """Parse JSON; refused is what readers disagree on: a key given twice, NaN, infinities, numbers that no double or
    64-bit integer holds, half a surrogate pair."""
    if len(content) > LARGEST_READ_BYTES:
        raise Refused(f"{where}: {len(content)} bytes are more than any bundle holds")
    try:
        document = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_once,
            parse_constant=_no_constant,
            parse_int=_whole_in_range,
            parse_float=_finite,
        )
        if re.search(rb"\\u[dD][89a-fA-F]", content):
            json.dumps(document, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError) as error:
        raise Refused(f"{where}: not the JSON of a bundle: {error}") from error
    return Node(document, where)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        (name, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"key {name[:60]!r} stands there twice")
    return found


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _whole_in_range(text: str) -> int:
    value = int(text)
    if not -LARGEST_WHOLE <= value <= LARGEST_WHOLE:
        raise ValueError(f"{text[:40]} is too large for a whole number")
    return value


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is too large for a number")
    return value


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
        content = read_whole(self.folder / name)
        if hashlib.sha256(content).hexdigest() != self.digests[name]:
            raise Refused(f"{name} was changed after the manifest was written")
        return content

    def json(self, name: str) -> Node:
        """A JSON file."""
        return read_json(self.read(name), name)


def read_whole(path: Path) -> bytes:
    """The content of a file, refused by its size before it is read into memory."""
    size = path.stat().st_size
    if size > LARGEST_READ_BYTES:
        raise Refused(f"{path.name}: {size} bytes are more than the {LARGEST_READ_BYTES} that any bundle holds")
    return path.read_bytes()


def check_manifest(folder: Path) -> tuple[Files, list[str]]:
    """Hold every file of the folder against MANIFEST.sha256; the problems name each file."""
    if not folder.is_dir():
        raise Refused("no such folder")
    manifest = folder / MANIFEST
    if not manifest.is_file() or manifest.is_symlink():
        raise Refused(f"{MANIFEST} is missing: this is no whole bundle")
    content = read_whole(manifest)
    named = _manifest_lines(content)
    found, odd = _files_below(folder)
    huge = sorted(name for name in found if (folder / name).stat().st_size > LARGEST_FILE_BYTES)
    if huge:
        raise Refused(f"{huge[0]} is larger than the {LARGEST_FILE_BYTES} bytes that any file of a bundle has")
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
            raise Refused(f"{MANIFEST} line {number} is not `<sha256>  <file>`, each file once: {_short(line[64:])}")
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
    low = 0.0 if right == 0 else centre - half
    high = 1.0 if right == images else centre + half
    return Interval(low=100 * low, high=100 * high)


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
    share_gained = (root - linear) / (4 * images)
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
    if verdict == PASS and node["detail"].text():
        raise Refused(f"{node.where}.detail: {_short(node['detail'].text())} explains a PASS, which needs no excuse")
    return Check(value, node["threshold"].text(), node["unit"].text(), verdict, headroom, node["source"].text())


def close(recorded: object, ours: object) -> bool:
    """Equal, for numbers up to the last digits."""
    if isinstance(recorded, bool) or isinstance(ours, bool):
        return recorded is ours
    if isinstance(recorded, (int, float)) and isinstance(ours, (int, float)):
        return math.isclose(recorded, ours, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return recorded == ours


# --- What a bundle holds -------------------------------------------------------------------------------------------

CLASS_CODES = {"<i2": "h", "<i4": "i"}
SCORE_CODES = {"<f4": "f"}
TOP = 5
TABLE_FIELDS = ("both_right", "lost", "gained", "both_wrong")


@dataclass(frozen=True)
class TopK:
    """Top-k accuracy."""

    k: int
    right: int
    images: int

    @property
    def percent(self) -> float:
        """In percent."""
        return 100 * self.right / self.images


@dataclass(frozen=True)
class Variant:
    """One model variant's predictions: five columns of classes, best first, and the scores row after row."""

    name: str
    columns: tuple[array.array[int], ...]
    scores: array.array[float]
    labels: array.array[int]

    @property
    def images(self) -> int:
        """Rows."""
        return len(self.labels)

    @cached_property
    def right(self) -> tuple[list[bool], ...]:
        """For k = 1 to 5: for each image whether its label is among the first k classes."""
        found = [list(map(operator.eq, self.columns[0], self.labels))]
        for column in self.columns[1:]:
            found.append(list(map(operator.or_, found[-1], map(operator.eq, column, self.labels))))
        return tuple(found)

    def top_k(self, k: int) -> TopK:
        """Top-k accuracy."""
        return TopK(k, sum(self.right[k - 1]), self.images)

    def faults(self, classes: int) -> Iterator[str]:
        """What no honest prediction shows: other classes, repeated ones, scores that are out of order or no numbers."""
        if any(min(column) < 0 or max(column) >= classes for column in self.columns):
            yield f"a class outside 0..{classes - 1}"
        pairs = [(first, second) for index, first in enumerate(self.columns) for second in self.columns[index + 1 :]]
        if any(any(map(operator.eq, first, second)) for first, second in pairs):
            yield "a class twice in one image's top five"
        if not math.isfinite(sum(self.scores)):
            yield "a score that is no finite number"
            return
        for rank in range(TOP - 1):
            here, there = self.scores[rank::TOP], self.scores[rank + 1 :: TOP]
            if any(map(operator.lt, here, there)):
                yield f"scores that rise from place {rank + 1} to {rank + 2}"
            ties = map(operator.and_, map(operator.eq, here, there), map(operator.gt, *self.columns[rank : rank + 2]))
            if any(ties):
                yield f"a tie at place {rank + 1} that is not broken by the lower class"


def pair(pth: Variant, candidate: Variant, k: int) -> Table:
    """The 2x2 table of Top-k correctness."""
    ours, theirs = pth.right[k - 1], candidate.right[k - 1]
    both, pth_right, candidate_right = sum(map(operator.and_, ours, theirs)), sum(ours), sum(theirs)
    lost, gained = pth_right - both, candidate_right - both
    return Table(both, lost, gained, pth.images - both - lost - gained)


@dataclass(frozen=True)
class Flips:
    """Images that changed class: row -> the least and the most that pth's class can have been ahead of the new one."""

    gaps: dict[int, tuple[float, float]]
    top5_set_changed: int


def flips(pth: Variant, candidate: Variant) -> Flips:
    """Compare two variants image by image.

    Only the five best scores are kept: a new class outside pth's top five lay at least as far back as the fifth.
    """
    rows = [row for row, changed in enumerate(map(operator.ne, pth.columns[0], candidate.columns[0])) if changed]
    differs = map(operator.ne, pth.columns[0], candidate.columns[0])
    for first, second in zip(pth.columns[1:], candidate.columns[1:], strict=True):
        differs = map(operator.or_, differs, map(operator.ne, first, second))
    changed = sum(_row_set(pth, row) != _row_set(candidate, row) for row, other in enumerate(differs) if other)
    return Flips({row: _gap(pth, row, candidate.columns[0][row]) for row in rows}, changed)


def _row_set(variant: Variant, row: int) -> set[int]:
    return {column[row] for column in variant.columns}


def _gap(pth: Variant, row: int, new_class: int) -> tuple[float, float]:
    scores = pth.scores[row * TOP : row * TOP + TOP]
    for rank, column in enumerate(pth.columns):
        if column[row] == new_class:
            gap = scores[0] - scores[rank]
            return gap, gap
    return scores[0] - scores[-1], math.inf


@dataclass(frozen=True)
class Speed:
    """Device throughput of one batch size: the rate of each run, of several devices the slowest; the fastest; and
    how far a figure of the tool lies from its own samples at most."""

    rates: tuple[float, ...]
    fastest: float
    reported_error_percent: float
    soc: str
    busy: tuple[str, ...]

    @property
    def median(self) -> float:
        """The lower median."""
        return statistics.median_low(self.rates)


class NoEvidence(Exception):
    """A gate was decided, but what it was decided on is not in the bundle."""


@dataclass
class Bundle:
    """One bundle whose files are whole; `problems` collects every disagreement found in it."""

    name: str
    files: Files
    record: Node
    own_spec: Node
    problems: list[str] = field(default_factory=list)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The image ids, row after row."""
        return self.files.json(IDS).texts()

    @cached_property
    def labels(self) -> array.array[int]:
        """The label of each id."""
        return read_npy(self.files.read(LABELS), LABELS, CLASS_CODES, None)

    @cached_property
    def variants(self) -> dict[str, Variant]:
        """Predictions by variant."""
        return {name: self._variant(name) for name in self.variant_records}

    @cached_property
    def variant_records(self) -> dict[str, Node]:
        """What was recorded of each variant."""
        return _by(self.record["variants"], lambda node: node["name"].text())

    @cached_property
    def host_records(self) -> dict[int, Node]:
        """Host throughput by batch size."""
        return _by(self.record["host_throughput"], lambda node: node["batch"].whole())

    @cached_property
    def device_records(self) -> dict[int, Node]:
        """Device throughput by batch size."""
        return _by(self.record["device_throughput"], lambda node: node["batch"].whole())

    @cached_property
    def speeds(self) -> dict[int, Speed]:
        """Device throughput by batch size, from the raw samples."""
        return {batch: _speed(node) for batch, node in self.device_records.items()}

    @cached_property
    def gates(self) -> dict[str, Check]:
        """Every gate's check as it was recorded."""
        return {name: read_check(node["check"]) for name, node in self.gate_records.items()}

    @cached_property
    def gate_records(self) -> dict[str, Node]:
        """Every gate's record."""
        return _by(self.record["gates"], lambda node: node["id"].text())

    @cached_property
    def digests(self) -> dict[str, Node]:
        """Digests of the inputs by name."""
        return _by(self.record["digests"], lambda node: node["name"].text())

    @cached_property
    def dataset(self) -> Node | None:
        """The record of the data set, None where the run did not come to it."""
        found: Node | None = self.record["dataset"].optional(lambda node: node)
        return found

    @property
    def target(self) -> str:
        """ascend or simulator."""
        return self.record["target"].text()

    @property
    def on_device(self) -> bool:
        """True when OMs were meant to run on a device."""
        return self.target == "ascend"

    def variant(self, name: str) -> Variant:
        """A variant that a gate rests on."""
        if name not in self.variants:
            raise NoEvidence(f"no predictions of {name}")
        return self.variants[name]

    def speed(self, batch: int) -> Speed:
        """A throughput that a gate rests on."""
        if batch not in self.speeds:
            raise NoEvidence(f"no throughput samples of batch {batch}")
        return self.speeds[batch]

    @cached_property
    def _tables(self) -> dict[tuple[str, int], Table]:
        return {}

    def table(self, name: str, k: int) -> Table:
        """The 2x2 table of a variant against the pth."""
        if (name, k) not in self._tables:
            self._tables[name, k] = pair(self.variant("pth"), self.variant(name), k)
        return self._tables[name, k]

    @cached_property
    def _flips(self) -> dict[str, Flips]:
        return {}

    def flips(self, name: str) -> Flips:
        """How a variant's top five differ from the pth's."""
        if name not in self._flips:
            self._flips[name] = flips(self.variant("pth"), self.variant(name))
        return self._flips[name]

    def flips_beyond(self, name: str, near_tie: float) -> tuple[set[str], set[str]]:
        """Images whose flip is surely, and those whose flip is possibly, beyond a near tie of so many logits."""
        gaps = self.flips(name).gaps.items()
        surely = {self.ids[row] for row, (least, _) in gaps if least > near_tie}
        return surely, {self.ids[row] for row, (_, most) in gaps if most > near_tie}

    def _variant(self, name: str) -> Variant:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
            raise Refused(f"{_short(name)} is no name of a variant")
        places = f"predictions/{name}.top5.npy", f"predictions/{name}.scores.npy"
        top5 = read_npy(self.files.read(places[0]), places[0], CLASS_CODES, TOP)
        scores = read_npy(self.files.read(places[1]), places[1], SCORE_CODES, TOP)
        if not len(top5) == len(scores) == TOP * len(self.labels) == TOP * len(self.ids):
            raise Refused(f"{name}: {len(top5) // TOP} and {len(scores) // TOP} rows for {len(self.ids)} ids")
        return Variant(name, tuple(top5[rank::TOP] for rank in range(TOP)), scores, self.labels)


def _by(node: Node, key: Callable[[Node], Any]) -> dict[Any, Node]:
    """The entries of a list by a key that may stand there once only."""
    found: dict[Any, Node] = {}
    for item in node.items():
        name = key(item)
        if name in found:
            raise Refused(f"{item.where}: {_short(name)} stands there twice")
        found[name] = item
    return found


def _speed(node: Node) -> Speed:
    slowest: dict[int, float] = {}
    fastest, error = 0.0, 0.0
    for run in node["runs"].items():
        error = max(error, reported_error_percent(run))
        number, rate = run["run"].whole(), run["images_per_second_per_chip"].number()
        slowest[number] = min(rate, slowest.get(number, rate))
        fastest = max(fastest, rate)
    if not slowest or min(slowest.values()) <= 0:
        raise Refused(f"{node.where}.runs: no run, or a rate that is not positive")
    rates = tuple(slowest[number] for number in sorted(slowest))
    return Speed(rates, fastest, error, node["soc"].text(), node["busy"].texts())


def reported_error_percent(run: Node) -> float:
    """The tool's own figure against the rate of its raw samples, in percent of the latter."""
    samples, reported = run["seconds_per_image"].numbers(), run["reported_images_per_second"].number()
    if not samples or min(samples) <= 0 or reported <= 0:
        raise Refused(f"{run.where}: no samples, or one that is not positive")
    recomputed = len(samples) / math.fsum(samples)
    return 100 * abs(reported - recomputed) / recomputed


# --- The spec ------------------------------------------------------------------------------------------------------


RATE = "images_per_second_per_chip"


def read_spec(content: bytes, where: str) -> Node:
    """A spec as JSON (tools/spec_json.py writes it from YAML)."""
    spec = read_json(content, where)
    if spec["schema"].whole() != SCHEMA or spec["kind"].text() not in ("published", "sample"):
        raise Refused(f"{where}: not a spec of schema {SCHEMA}")
    return spec


def spec_batches(spec: Node) -> tuple[int, ...]:
    """The batch sizes that an acceptance owes."""
    return tuple(batch.whole() for batch in spec["batches"].items())


def spec_ids(spec: Node) -> set[str]:
    """The ids of the full data set."""
    pattern, images = spec["dataset"]["id_format"].text(), spec["dataset"]["images"]["exactly"].number()
    if not re.fullmatch(r"[A-Za-z0-9_]*\{:0?[0-9]{0,2}d\}", pattern) or not 1 <= images <= 10_000_000:
        raise Refused(f"{spec.where}.dataset: no ids follow from it")
    return {pattern.format(index + 1) for index in range(int(images))}


def spec_device(spec: Node, soc: str) -> Node | None:
    """The machine class of a chip."""
    return next((device for device in spec["devices"].items() if device["soc"].text() == soc), None)


def published_rate(device: Node | None, batch: int) -> Node | None:
    """The published throughput at a batch size."""
    if device is None:
        return None
    return next((entry for entry in device["throughput"].items() if entry["batch"].whole() == batch), None)


def floor_bound(device: Node, entry: Node) -> Node:
    """The floor that the suite derives from a published figure by the stated margin."""
    margin, figure = device["floor_margin_percent"], entry[RATE]
    value, share = figure["value"].number(), margin["value"].number()
    source = f"{value} less {share:g} % ({figure['source'].text()}; margin: {margin['source'].text()})"
    bound = {"at_least": value * (100 - share) / 100, "unit": figure["unit"].text(), "source": source}
    return Node(bound, f"{entry.where} less margin")


def ceiling_bound(device: Node, entry: Node, model: Node) -> Node:
    """The most that can be believed: all of the chip's arithmetic, or the published figure with the stated margin."""
    peak, margin, figure = device["peak_fp16_tflops_per_chip"], device["ceiling_margin_percent"], entry[RATE]
    arithmetic = peak["value"].number() * 1e12 / model["flops_per_image"]["value"].number()
    value, share = figure["value"].number(), margin["value"].number()
    raised, source = value * (100 + share) / 100, f"{value} and {share:g} % more ({margin['source'].text()})"
    if arithmetic < raised:
        source = f"{peak['value'].number():g} TFLOPS ({peak['source'].text()})"
    bound = {"at_most": min(arithmetic, raised), "unit": figure["unit"].text(), "source": source}
    return Node(bound, f"{entry.where} ceiling")


# --- Judging one gate ----------------------------------------------------------------------------------------------

MADE = "made without an error"
TANGO = "interval: Tango 1998 with continuity correction"


@dataclass(frozen=True)
class Question:
    """One gate to be judged: the bundle, the spec to judge by, the batch size, and the check that was recorded."""

    bundle: Bundle
    spec: Node
    batch: int
    recorded: Check | None
    variant: str = ""

    @property
    def claimed(self) -> float | str:
        """The recorded measurement, where nothing in the bundle gives it again."""
        if self.recorded is None:
            raise NoEvidence("nothing was recorded")
        return self.recorded.measured


Judge = Callable[[Question], "Check | None"]


@dataclass(frozen=True)
class Loss:
    """The loss of a candidate at one k, as the suite's judge computes it."""

    table: Table
    interval: Interval
    p: float
    tight: str
    needed: int | None
    check: Check


def judge_loss(table: Table, spec: Node, k: int, *, strict: bool) -> Loss:
    """Plain gate, non-inferiority and tight bound, as docs/statistics.md states them."""
    margin, tight = spec["accuracy"][f"top{k}_drop_pp"], spec["accuracy"]["tight_drop_pp"]
    allowed, close_to = margin["at_most"].number(), tight["at_most"].number()
    interval, drop = loss_interval_pp(table), table.drop_pp
    state = _tight_state(drop, interval, close_to)
    bound = tight if strict else margin
    limit = bound["at_most"].number()
    if drop > allowed or (strict and state == "EXCEEDED"):
        verdict = FAIL
    else:
        proven = interval.high < allowed and (not strict or state == "HELD")
        verdict = PASS if proven else INCONCLUSIVE
    threshold = f"<= {allowed:.10g}, upper {100 * CONFIDENCE:g} % limit < {limit:.10g}" + (
        " (strict)" if strict else ""
    )
    source = f"{bound['source'].text()}; {TANGO}"
    check = Check(drop, threshold, margin["unit"].text(), verdict, limit - interval.high, source)
    needed = None if interval.high < limit else images_needed(table, limit)
    return Loss(table, interval, mcnemar_p(table), state, needed, check)


def _tight_state(drop: float, interval: Interval, bound: float) -> str:
    if interval.high < bound:
        return "HELD"
    return "EXCEEDED" if drop > bound and interval.low > 0 else "UNDECIDED"


def drop(variant: str, k: int) -> Judge:
    """The variant's loss at Top-k against the pth."""

    def judge(question: Question) -> Check:
        bundle, name = question.bundle, variant.format(question.batch)
        strict = bundle.record["strict_accuracy"].flag()
        return judge_loss(bundle.table(name, k), question.spec, k, strict=strict).check

    return judge


def published(variant: str, k: int) -> Judge:
    """The variant's accuracy against the published one, on the full data set only."""

    def judge(question: Question) -> Check:
        bundle, spec = question.bundle, question.spec
        figures, prefix = spec["accuracy"], "pth"
        if variant != "pth":
            device = spec_device(spec, machine_soc(bundle))
            if device is None:
                raise NoEvidence(f"the spec has no figures for {machine_soc(bundle)}")
            figures, prefix = device, "om"
        bound, figure = figures[f"{prefix}_top{k}_error_pp"], figures[f"{prefix}_top{k}"]
        if gap(bundle, spec):
            return not_run(f"<= {bound['at_most'].number():.10g}", bound["unit"].text())
        top_k = bundle.variant(variant.format(question.batch)).top_k(k)
        return within(abs(top_k.percent - figure["value"].number()), bound)

    return judge


def gap(bundle: Bundle, spec: Node) -> bool:
    """Whether the images are others than the spec asks for: by their ids, and by content where that is pinned.

    The ids of the spec are spelled out only when the bundle holds as many: a spec may ask for any number.
    """
    dataset = bundle.dataset
    if dataset is None:
        raise NoEvidence("no record of the data set")
    pinned = spec["dataset"]["content_sha256"].optional(Node.text)
    ids, asked = set(bundle.ids), spec["dataset"]["images"]["exactly"].number()
    others = len(ids) != asked or ids != spec_ids(spec)
    return others or pinned not in (None, dataset["images_sha256"].text())


def machine_soc(bundle: Bundle) -> str:
    """The chip that OMs were made for."""
    machine = bundle.record["machine"]
    if machine.absent:
        raise NoEvidence("no record of the machine")
    return machine["soc"].text()


def equals(path: str, unit: str, *, digest: str = "") -> Judge:
    """A recorded text against one of the spec; where the bundle keeps the digest, against that."""

    def judge(question: Question) -> Check:
        *above, last = path.split(".")
        entry = question.spec
        for name in above:
            entry = entry[name]
        measured = question.claimed
        if digest:
            if digest not in question.bundle.digests:
                raise NoEvidence(f"no digest of {digest}")
            measured = question.bundle.digests[digest][unit].text()
        return same(measured, str(entry[last].value), unit, entry["source"].text())

    return judge


def accepted(question: Question) -> Check:
    """onnx.checker's answer."""
    return same(question.claimed, "accepted", "answer")


def opset(question: Question) -> Check:
    """The opset of the produced file."""
    bound = question.spec["onnx"]["opset"]
    return same(question.claimed, f"ai.onnx {bound['exactly'].number():g}", "opset", bound["source"].text())


def tensor(name: str) -> Judge:
    """An input or output: name, dtype and shape."""

    def judge(question: Question) -> Check:
        asked = question.spec["onnx"][name]
        shape = ", ".join(str(size.whole()) for size in asked["shape"].items())
        return same(question.claimed, f"{asked['name'].text()} {asked['dtype'].text()} [{shape}]", name)

    return judge


def bound_at(*path: str) -> Judge:
    """A recorded number against a bound of the spec."""

    def judge(question: Question) -> Check:
        bound = question.spec
        for name in path:
            bound = bound[name]
        return within(question.claimed, bound)

    return judge


def batch_invariance(question: Question) -> Check:
    """How far the batches of an OM lie apart: the simulator's bound is another one than a device's."""
    name = "batch_invariance_abs_error" + ("_on_device" if question.bundle.on_device else "")
    return within(question.claimed, question.spec["om"][name])


def none_of(among: Callable[[Question], int | None] = lambda question: None) -> Judge:
    """`<offenders> of <looked at>`: none may be found, and something must have been looked at."""

    def judge(question: Question) -> Check:
        unit = question.recorded.unit if question.recorded is not None else ""
        match = re.fullmatch(r"([0-9]{1,12}) of ([0-9]{1,12})", str(question.claimed))
        if match is None:
            raise NoEvidence(f"{_short(question.claimed)} is not `<offenders> of <looked at>`")
        offenders, looked_at = int(match[1]), int(match[2])
        expected = among(question)
        if expected is not None and looked_at != expected:
            raise NoEvidence(f"{looked_at} were looked at, {expected} are there")
        threshold = "none" if looked_at else "none, of at least one"
        return Check(question.claimed, threshold, unit, _word(not offenders and looked_at > 0))

    return judge


def as_many_as(gate: str) -> Callable[[Question], int | None]:
    """As many as another gate looked at, where that one is there."""

    def looked_at(question: Question) -> int | None:
        other = question.bundle.gates.get(gate)
        match = re.fullmatch(r"[0-9]{1,12} of ([0-9]{1,12})", str(other.measured)) if other is not None else None
        return None if match is None else int(match[1])

    return looked_at


def all_images(question: Question) -> int | None:
    """Every image of the data set; unknown where bins were lost or invented, which is a gate of its own."""
    bins = question.bundle.gates.get("preprocessing.bins")
    lost = bins is not None and bins.verdict != PASS
    return None if question.bundle.dataset is None or lost else len(question.bundle.ids)


def parity_images(question: Question) -> int | None:
    """The images that the spec wants compared with torchvision, or all where there are fewer."""
    wanted = question.spec["preprocessing"]["parity_images"].whole()
    images = all_images(question)
    return None if images is None else min(wanted, images)


def conserved(question: Question) -> Check:
    """A hand-over of ids: `<N> ids` where both sides hold the same."""
    match = re.fullmatch(r"([0-9]{1,12}) ids", str(question.claimed))
    passed = match is not None and int(match[1]) > 0
    dataset, images = question.bundle.dataset, all_images(question)
    whole = dataset is not None and dataset["limit"].absent and images is not None
    if match is not None and whole and int(match[1]) != images:
        raise NoEvidence(f"{match[1]} ids were handed over, {images} are there")
    return Check(question.claimed, "the same ids", "ids", _word(passed))


def variant_ids(variant: str) -> Judge:
    """One prediction for every label."""

    def judge(question: Question) -> Check:
        images = question.bundle.variant(variant.format(question.batch)).images
        return Check(f"{images} ids", "the same ids", "ids", PASS)

    return judge


def rows(variant: str, what: str, *, needed: bool = True) -> Judge:
    """One finite row for every image; where not `needed`, a bundle without these predictions is taken at its word."""

    def judge(question: Question) -> Check | None:
        name = variant.format(question.batch)
        if not needed and name not in question.bundle.variants:
            return None
        return Check(f"{question.bundle.variant(name).images} {what}", MADE, "step", PASS)

    return judge


def counted(what: str) -> Judge:
    """A step over the whole data set: its product counts as many as there are ids."""

    def judge(question: Question) -> Check | None:
        images = all_images(question)
        return None if images is None else Check(f"{images} {what}", MADE, "step", PASS)

    return judge


FROM_ALL_LOGITS = {
    "min_cosine": "min_cosine",
    "mean_cosine_distance": "mean_cosine_distance",
    "max_abs_error": "max_abs_error_logits",
}


def agreement_bounds(question: Question) -> Node:
    """How far logits may lie apart: in onnxruntime, on the simulator, on a device."""
    place = "onnx" if question.variant == "onnx" else f"om_on_{'device' if question.bundle.on_device else 'simulator'}"
    return question.spec["agreement"][place]


def of_variant(variant: str, judge: Judge) -> Judge:
    """Ask the question of a variant, whose predictions must be there."""

    def judge_it(question: Question) -> Check | None:
        name = variant.format(question.batch)
        question.bundle.variant("pth"), question.bundle.variant(name)
        return judge(replace(question, variant=name))

    return judge_it


def logits_apart(name: str, field_: str) -> Judge:
    """A figure that takes all logits: as it was recorded beside the predictions, against the spec."""

    def judge(question: Question) -> Check:
        agreement = question.bundle.variant_records[question.variant]["agreement"]
        if agreement.absent:
            raise NoEvidence(f"no agreement of {question.variant} was recorded")
        return within(agreement[field_].number(), agreement_bounds(question)[name])

    return judge


def flips_beyond(question: Question) -> Check:
    """Flips that rounding does not explain; where the top five leave it open, as recorded beside the predictions."""
    bounds = agreement_bounds(question)
    surely, possibly = question.bundle.flips_beyond(question.variant, bounds["near_tie_logits"]["value"].number())
    count = len(surely)
    if surely != possibly:
        agreement = question.bundle.variant_records[question.variant]["agreement"]
        recorded = set() if agreement.absent else set(agreement["flipped_beyond_near_tie"].texts())
        count = len(surely | (possibly & recorded))
    return within(float(count), bounds["flips_beyond_near_tie"])


def sets_changed(question: Question) -> Check:
    """The share of images whose five best classes are others."""
    changed = question.bundle.flips(question.variant).top5_set_changed
    percent = 100 * changed / question.bundle.variants["pth"].images
    return within(percent, agreement_bounds(question)["top5_set_changed_percent"])


def complete(question: Question) -> Check:
    """The data set is the one that the spec asks for."""
    images = question.spec["dataset"]["images"]
    if not gap(question.bundle, question.spec):
        return within(images["exactly"].number(), images)
    threshold, unit = f"== {images['exactly'].number():g}", images["unit"].text()
    return Check("another data set", threshold, unit, FAIL) if question.bundle.on_device else not_run(threshold, unit)


def pinned_images(question: Question) -> Check:
    """The embedded sample's images are the pinned ones."""
    dataset, asked = question.bundle.dataset, question.spec["dataset"]
    if dataset is None:
        raise NoEvidence("no record of the data set")
    pinned = asked["content_sha256"].optional(Node.text)
    if pinned is None or not dataset["embedded_sample"].flag() or not dataset["limit"].absent:
        return not_run("the pinned digest", "sha256")
    return same(dataset["images_sha256"].text(), pinned, "sha256", asked["source"].text())


def made(question: Question) -> Check:
    """A step that left its product, in words that are taken as recorded."""
    if question.claimed in ("", "-", "failed"):
        raise NoEvidence(f"{question.claimed!r} is no product")
    return Check(question.claimed, MADE, "step", PASS, None, "")


def compiled(question: Question) -> Check:
    """An OM was made: its digest is in the bundle."""
    if f"om_bs{question.batch}" not in question.bundle.digests:
        raise NoEvidence(f"no digest of om_bs{question.batch}")
    return made(question)


def host_ratio(question: Question) -> Check:
    """onnxruntime over torch, from the samples of both."""
    record = question.bundle.host_records.get(question.batch)
    if record is None:
        raise NoEvidence(f"no host samples of batch {question.batch}")
    ratios = question.spec["host_perf"]["ratios"].items()
    bound = next((entry["onnx_to_torch"] for entry in ratios if entry["batch"].whole() == question.batch), None)
    if bound is None:
        raise Refused(f"{question.spec.where}.host_perf.ratios: none for batch {question.batch}")
    return within(sample_ratio(record), bound)


def sample_ratio(record: Node) -> float:
    """The median over rounds of reference over candidate time."""
    ours, theirs = (record[f"{who}_seconds_per_image"].numbers() for who in ("candidate", "reference"))
    if len(ours) != len(theirs) or not ours or min(*ours, *theirs) <= 0:
        raise Refused(f"{record.where}: the samples are not pairs of positive times")
    return statistics.median(slow / quick for quick, slow in zip(ours, theirs, strict=True))


def stated(question: Question) -> Check:
    """The tool's own figure against its raw samples; the laws of its texts were checked when they were read."""
    error = question.bundle.speed(question.batch).reported_error_percent
    return within(error, question.spec["om"]["reported_rate_error_percent"])


def idle(question: Question) -> Check:
    """Nothing else used the device; a busy one is FAIL, or INCONCLUSIVE where that was tolerated."""
    busy = question.bundle.speed(question.batch).busy
    verdict = PASS
    if busy:
        tolerated = question.recorded is not None and question.recorded.verdict == INCONCLUSIVE
        verdict = INCONCLUSIVE if tolerated else FAIL
    return Check(f"{len(busy)} of {len(busy) or 1}", "none", "reasons", verdict)


def chip_floor(question: Question) -> Check:
    """The chip's throughput against the floor of its machine class, by the noise of runs."""
    speed = question.bundle.speed(question.batch)
    device = spec_device(question.spec, speed.soc)
    entry = published_rate(device, question.batch)
    if device is None or entry is None:
        return not_run("-", "images/s")
    check = judge_rate(speed, device, entry)
    return replace(check, verdict=INCONCLUSIVE) if speed.busy else check


def plausible(question: Question) -> Check:
    """The fastest reading against what the chip can do: more means images counted twice."""
    speed = question.bundle.speed(question.batch)
    device = spec_device(question.spec, speed.soc)
    entry = published_rate(device, question.batch)
    if device is None or entry is None:
        return not_run("-", "images/s")
    return within(speed.fastest, ceiling_bound(device, entry, question.spec["model"]))


def judge_rate(speed: Speed, device: Node, entry: Node) -> Check:
    """Runs against a floor: PASS and FAIL only when the noise allows no other answer."""
    bound, noise = floor_bound(device, entry), device["noise_cv_percent"]["value"].number()
    if not 0 <= noise <= 25:
        raise Refused(f"{device.where}.noise_cv_percent: {noise} is not 0 to 25 %")
    plain = within(speed.median, bound)
    verdict = rate_verdict(noise_interval(speed.median, len(speed.rates), noise / 100), bound["at_least"].number())
    return replace(plain, verdict=INCONCLUSIVE if too_scattered(speed.rates, noise) else verdict)


# --- The inventory: what an acceptance owes, whatever a bundle says ------------------------------------------------

RECOMPUTED, JUDGED_AGAIN, AS_RECORDED = "recomputed", "judged again", "taken as recorded"
ALWAYS, SAMPLE_ONLY, DEVICE_ONLY = "always", "sample", "device"


@dataclass(frozen=True)
class Gate:
    """A gate of the suite's inventory (judge/gates.py, a self-test holds the two together) and how to judge it again.

    `basis` is RECOMPUTED where predictions or raw samples in the bundle decide, JUDGED_AGAIN where the recorded
    measurement is compared anew, AS_RECORDED where neither is possible.
    """

    id: str
    stage: str
    judge: Judge
    basis: str
    per_batch: bool = False
    where: str = ALWAYS


def _as_recorded(stage: str, *names: str, per_batch: bool = False) -> list[Gate]:
    return [Gate(f"{stage}.{name}", stage, made, AS_RECORDED, per_batch) for name in names]


def _accuracy(prefix: str, variant: str, *, per_batch: bool = False) -> list[Gate]:
    judges: dict[str, Judge] = {"ids": variant_ids(variant), "finite": rows(variant, "rows")}
    if prefix != "pth":
        judges |= {f"top{k}_drop_pp": drop(variant, k) for k in (1, 5)}
    found = [
        Gate(f"{prefix}.accuracy.{name}", "accuracy", judge, RECOMPUTED, per_batch) for name, judge in judges.items()
    ]
    if prefix != "pth":
        found += _agreement(prefix, variant, per_batch=per_batch)
    if prefix != "onnx":
        where = DEVICE_ONLY if prefix == "om" else ALWAYS
        found += [
            Gate(f"{prefix}.accuracy.top{k}_error_pp", "accuracy", published(variant, k), RECOMPUTED, per_batch, where)
            for k in (1, 5)
        ]
    return found


def _agreement(prefix: str, variant: str, *, per_batch: bool) -> list[Gate]:
    judges: tuple[tuple[str, Judge, str], ...] = (
        *((name, logits_apart(name, field_), JUDGED_AGAIN) for name, field_ in FROM_ALL_LOGITS.items()),
        ("flips_beyond_near_tie", flips_beyond, RECOMPUTED),
        ("top5_set_changed_percent", sets_changed, RECOMPUTED),
    )
    return [
        Gate(f"{prefix}.accuracy.{name}", "accuracy", of_variant(variant, judge), basis, per_batch)
        for name, judge, basis in judges
    ]


INVENTORY: tuple[Gate, ...] = (
    Gate("checkpoint.md5", "checkpoint", equals("checkpoint.md5", "md5", digest="checkpoint"), JUDGED_AGAIN),
    *_as_recorded("checkpoint", "loads"),
    Gate("checkpoint.keys", "checkpoint", none_of(as_many_as("checkpoint.finite")), JUDGED_AGAIN),
    *(
        Gate(f"checkpoint.{name}", "checkpoint", none_of(as_many_as("checkpoint.keys")), JUDGED_AGAIN)
        for name in ("shapes", "finite")
    ),
    Gate(
        "checkpoint.content_sha256",
        "checkpoint",
        equals("checkpoint.content_sha256", "sha256"),
        JUDGED_AGAIN,
        where=SAMPLE_ONLY,
    ),
    *_as_recorded("onnx", "export"),
    Gate("onnx.checker", "onnx", accepted, JUDGED_AGAIN),
    Gate("onnx.opset", "onnx", opset, JUDGED_AGAIN),
    Gate("onnx.input", "onnx", tensor("input"), JUDGED_AGAIN),
    Gate("onnx.output", "onnx", tensor("output"), JUDGED_AGAIN),
    Gate("onnx.weights", "onnx", none_of(), JUDGED_AGAIN),
    *(
        Gate(f"onnx.{name}", "onnx", bound_at("onnx", name), JUDGED_AGAIN)
        for name in ("logits_abs_error", "batch_invariance_abs_error")
    ),
    Gate("preprocessing.labels", "preprocessing", counted("labels"), RECOMPUTED),
    Gate("preprocessing.images", "preprocessing", counted("images"), RECOMPUTED),
    Gate("preprocessing.ids", "preprocessing", conserved, JUDGED_AGAIN),
    Gate("preprocessing.dataset_complete", "preprocessing", complete, JUDGED_AGAIN),
    Gate("preprocessing.bins", "preprocessing", conserved, JUDGED_AGAIN),
    Gate("preprocessing.info", "preprocessing", conserved, JUDGED_AGAIN),
    *(
        Gate(f"preprocessing.{name}", "preprocessing", none_of(all_images), JUDGED_AGAIN)
        for name in ("bin_size", "finite", "value_range")
    ),
    Gate("preprocessing.torchvision_parity", "preprocessing", none_of(parity_images), JUDGED_AGAIN),
    Gate("preprocessing.images_sha256", "preprocessing", pinned_images, JUDGED_AGAIN, where=SAMPLE_ONLY),
    *_as_recorded("om", "toolkit", "device"),
    Gate("om.compiled", "om", compiled, AS_RECORDED, per_batch=True),
    Gate("om.described", "om", none_of(lambda question: 1), JUDGED_AGAIN, per_batch=True),
    Gate("om.ran", "om", rows("om_bs{}", "outputs", needed=False), RECOMPUTED, per_batch=True),
    Gate("om.batch_invariance_abs_error", "om", batch_invariance, JUDGED_AGAIN),
    *_accuracy("pth", "pth"),
    *_accuracy("onnx", "onnx"),
    *_accuracy("om", "om_bs{}", per_batch=True),
    Gate("host.perf.onnx_to_torch", "perf", host_ratio, RECOMPUTED, per_batch=True),
    Gate("om.perf.reading", "perf", stated, RECOMPUTED, per_batch=True),
    Gate("om.perf.device_idle", "perf", idle, JUDGED_AGAIN, per_batch=True),
    Gate("om.perf.images_per_second_per_chip", "perf", chip_floor, RECOMPUTED, per_batch=True, where=DEVICE_ONLY),
    Gate("om.perf.plausible", "perf", plausible, RECOMPUTED, per_batch=True, where=DEVICE_ONLY),
)


def expected(spec: Node, *, on_device: bool) -> dict[str, tuple[Gate, int | None]]:
    """The full ids of all gates owed, in the order of the stages, each with its gate and batch size."""
    applies = {
        ALWAYS: True,
        SAMPLE_ONLY: spec["kind"].text() == "sample",
        DEVICE_ONLY: on_device and (spec["kind"].text() == "published" or bool(spec["devices"].items())),
    }
    return {
        gate.id if batch is None else f"{gate.id}[bs{batch}]": (gate, batch)
        for gate in INVENTORY
        if applies[gate.where]
        for batch in (spec_batches(spec) if gate.per_batch else (None,))
    }


# --- Judging a bundle ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """A gate's check after judging again, and what that rests on; `remark` says where the record said otherwise."""

    id: str
    stage: str
    check: Check
    basis: str
    remark: str = ""


def judge_gate(bundle: Bundle, spec: Node, name: str, gate: Gate, batch: int | None) -> Result | None:
    """Judge one gate by `spec`; None where it was not decided. NoEvidence for a decision that rests on nothing.

    A gate that the record leaves open but that the evidence fails is FAIL: a failure cannot be left out.
    """
    recorded = bundle.gates.get(name)
    question = Question(bundle, spec, -1 if batch is None else batch, recorded)
    if recorded is None or recorded.verdict == NOT_RUN:
        ours = _unasked(question, gate)
        if ours is not None and ours.verdict == FAIL:
            return Result(name, gate.stage, ours, RECOMPUTED, "the record leaves it open, its evidence fails it")
        return None if recorded is None else Result(name, gate.stage, recorded, AS_RECORDED)
    if _died(recorded):
        return Result(name, gate.stage, recorded, AS_RECORDED)
    ours = gate.judge(question)
    return (
        Result(name, gate.stage, recorded, AS_RECORDED) if ours is None else Result(name, gate.stage, ours, gate.basis)
    )


def _unasked(question: Question, gate: Gate) -> Check | None:
    """The check that the evidence alone gives, None where it gives none."""
    if gate.basis != RECOMPUTED:
        return None
    try:
        return gate.judge(question)
    except NoEvidence:
        return None


def _died(recorded: Check) -> bool:
    """The stage died with this gate's error: FAIL needs no proof."""
    return recorded.verdict == FAIL and recorded.threshold == MADE and recorded.measured == "failed"


def judge_gates(bundle: Bundle, spec: Node) -> list[Result]:
    """Every gate of the inventory, judged by `spec`."""
    results = []
    for name, (gate, batch) in expected(spec, on_device=bundle.on_device).items():
        try:
            result = judge_gate(bundle, spec, name, gate, batch)
        except NoEvidence as error:
            result = without_evidence(bundle, name, gate, error)
        if result is not None:
            results.append(result)
    return results


def without_evidence(bundle: Bundle, name: str, gate: Gate, error: NoEvidence) -> Result:
    """A decision that rests on nothing in the bundle: FAIL needs no proof, anything better is not counted.

    A stage that died takes the evidence of others with it, so this is a problem only where the run claims to be whole.
    """
    recorded = bundle.gates[name]
    if recorded.verdict == FAIL:
        return Result(name, gate.stage, recorded, AS_RECORDED)
    remark = f"{recorded.verdict} is recorded, but {error}"
    if bundle.record["verdict"]["word"].text() not in (REJECTED, INCOMPLETE):
        bundle.problems.append(f"gate {name}: {remark}")
    return Result(name, gate.stage, not_run(recorded.threshold, recorded.unit), AS_RECORDED, f"{remark}: not counted")


def compare_gates(bundle: Bundle, results: Iterable[Result]) -> None:
    """Hold the recorded checks against ours, and against the inventory."""
    owed = expected(bundle.own_spec, on_device=bundle.on_device)
    for name, node in bundle.gate_records.items():
        if name not in owed:
            bundle.problems.append(f"gate {name} is not in the inventory of this spec")
        elif node["stage"].text() != owed[name][0].stage:
            bundle.problems.append(f"gate {name}: stage {node['stage'].text()} recorded, it is {owed[name][0].stage}")
    for result in results:
        recorded = bundle.gates.get(result.id)
        if recorded is None or result.remark:
            continue
        for name in ("measured", "threshold", "unit", "verdict", "headroom", "source"):
            theirs, ours = getattr(recorded, name), getattr(result.check, name)
            unknown = name == "source" and ours is None
            if not unknown and not close(theirs, ours):
                bundle.problems.append(f"gate {result.id}: {name} {_short(theirs)} recorded, {_short(ours)} recomputed")


# --- Figures -------------------------------------------------------------------------------------------------------


def compare(bundle: Bundle, node: Node, ours: object) -> None:
    """One recorded figure against ours."""
    theirs = node.value
    if isinstance(theirs, list):
        theirs = tuple(theirs)
    if not close(theirs, ours):
        bundle.problems.append(f"{node.where}: {_short(node.value)} recorded, {_short(ours)} recomputed")


def check_figures(bundle: Bundle) -> None:
    """Recompute every figure that stands beside the gates."""
    check_identity(bundle)
    check_spec_files(bundle)
    check_times(bundle)
    if not bundle.record["machine"].absent:
        check_machine(bundle, bundle.record["machine"])
    if bundle.dataset is not None:
        check_dataset(bundle, bundle.dataset)
    for name, node in bundle.variant_records.items():
        check_variant(bundle, name, node)
    for node in bundle.host_records.values():
        compare(bundle, node["ratio"], sample_ratio(node))
    for batch, node in bundle.device_records.items():
        check_device_throughput(bundle, batch, node)
    for node in bundle.record["commands"].items():
        check_command(bundle, node)
    if bundle.on_device:
        check_no_simulator(bundle)


def check_identity(bundle: Bundle) -> None:
    """Spec and inputs are the same wherever they are named."""
    spec = bundle.record["spec"]
    compare(bundle, spec["kind"], bundle.own_spec["kind"].text())
    for name in ("path", "why"):  # nothing to compare them with, but the last lines quote them
        spec[name].text()
    for name, key in ((SPEC_JSON, "json_sha256"), (SPEC_YAML, "yaml_sha256")):
        compare(bundle, spec[key], bundle.files.digests.get(name))
    if bundle.target not in ("ascend", "simulator"):
        raise Refused(f"{bundle.record['target'].where}: {_short(bundle.target)} is no target")
    owners = {"pth": "checkpoint"}
    for name, node in bundle.variant_records.items():
        owner = owners.get(name, name)
        if owner not in bundle.digests:
            bundle.problems.append(f"{node.where}: no digest of {owner}, which predicted this")
        else:
            compare(bundle, node["model_sha256"], bundle.digests[owner]["sha256"].text())


def check_machine(bundle: Bundle, machine: Node) -> None:
    """What the toolchain says of itself fits what stands beside it."""
    said = {"target": bundle.target, "soc": machine["soc"].text(), "tool": machine["infer_tool"].text()}
    for name in machine["toolchain"].keys():  # noqa: SIM118 - a Node
        if name in said:
            compare(bundle, machine["toolchain"][name], said[name])
    devices = {device.whole() for device in machine["devices"].items()}
    for node in bundle.device_records.values():
        for run in node["runs"].items():
            compare(bundle, run["tool"], said["tool"])
            if run["device"].whole() not in devices:
                bundle.problems.append(
                    f"{run['device'].where}: device {run['device'].whole()} is none of the machine's"
                )


def check_times(bundle: Bundle) -> None:
    """The run ended after it began, and no step took less than no time."""
    try:
        began, ended = (datetime.fromisoformat(bundle.record[name].text()) for name in ("started_utc", "finished_utc"))
        backwards = ended < began
    except (ValueError, TypeError) as error:
        raise Refused(f"{bundle.record['started_utc'].where} or finished_utc is no time: {error}") from error
    if backwards:
        bundle.problems.append(f"{bundle.record['finished_utc'].where}: before the run began")
    for node in bundle.record["timings"].items():
        if node["seconds"].number() < 0:
            bundle.problems.append(f"{node['seconds'].where}: less than no time")


def check_spec_files(bundle: Bundle) -> None:
    """Every number of spec.json stands in spec.yaml: that one of them was altered shows without a YAML parser."""
    written = bundle.files.read(SPEC_YAML).decode("utf-8", "replace")
    numbers = {float(token) for token in re.findall(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", written)}
    for node in numbers_below(bundle.own_spec):
        if node.number() not in numbers:
            bundle.problems.append(f"{node.where}: {_short(node.value)} does not stand in {SPEC_YAML}")


def numbers_below(node: Node) -> Iterator[Node]:
    """Every number of a document."""
    if isinstance(node.value, dict):
        for name in node.keys():  # noqa: SIM118 - a Node
            yield from numbers_below(node[name])
    elif isinstance(node.value, list):
        for item in node.items():
            yield from numbers_below(item)
    elif isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
        yield node


def check_dataset(bundle: Bundle, node: Node) -> None:
    """Ids and labels are whole, and the record describes them."""
    ids, labels = bundle.ids, bundle.labels
    if len(set(ids)) != len(ids) or len(labels) != len(ids):
        raise Refused(f"{IDS} and {LABELS}: {len(ids)} ids, {len(set(ids))} different, {len(labels)} labels")
    classes = bundle.own_spec["dataset"]["classes"].whole()
    if min(labels) < 0 or max(labels) >= classes:
        bundle.problems.append(f"{LABELS}: a label outside 0..{classes - 1}")
    compare(bundle, node["images"], len(ids))
    if not node["limit"].absent:
        compare(bundle, node["limit"], len(ids))
    compare(bundle, node["ids_sha256"], hashlib.sha256("\n".join(ids).encode()).hexdigest())
    if bool(node["gap"].text()) != gap(bundle, bundle.own_spec):
        bundle.problems.append(f"{node['gap'].where}: {_short(node['gap'].text())} does not fit the ids and the spec")


def check_variant(bundle: Bundle, name: str, node: Node) -> None:
    """Accuracy, losses and agreement of one variant."""
    variant = bundle.variants[name]
    where = f"predictions of {name}"
    classes = bundle.own_spec["dataset"]["classes"].whole()
    bundle.problems += [f"{where}: {fault}" for fault in variant.faults(classes)]
    batch = re.fullmatch(r"om_bs([0-9]+)", name)
    compare(bundle, node["batch"], int(batch[1]) if batch else None)
    accuracy = node["accuracy"].items()
    if [entry["k"].whole() for entry in accuracy] != list(range(1, TOP + 1)):
        raise Refused(f"{node.where}.accuracy: not Top-1 to Top-5")
    for entry in accuracy:
        compare_top_k(bundle, entry, variant.top_k(entry["k"].whole()))
    if name == "pth":
        compare(bundle, node["losses"], ())
        compare(bundle, node["agreement"], None)
        return
    losses = node["losses"].items()
    if [entry["k"].whole() for entry in losses] != [1, TOP]:
        raise Refused(f"{node.where}.losses: not those of Top-1 and Top-5")
    for entry in losses:
        check_loss(bundle, name, entry)
    if not node["agreement"].absent:
        check_agreement(bundle, name, node["agreement"])


def compare_top_k(bundle: Bundle, node: Node, ours: TopK) -> None:
    """One accuracy with its interval."""
    for key in ("k", "right", "images", "percent"):
        compare(bundle, node[key], getattr(ours, key))
    compare_interval(bundle, node["interval_percent"], wilson_percent(ours.right, ours.images))


def compare_interval(bundle: Bundle, node: Node, ours: Interval) -> None:
    """Both limits and the confidence."""
    for key in ("low", "high", "confidence"):
        compare(bundle, node[key], getattr(ours, key))


def compare_check(bundle: Bundle, node: Node, ours: Check) -> None:
    """A check that stands beside a figure."""
    recorded = read_check(node)
    for key in ("measured", "threshold", "unit", "verdict", "headroom", "source"):
        theirs, value = getattr(recorded, key), getattr(ours, key)
        if not close(theirs, value):
            bundle.problems.append(f"{node.where}.{key}: {_short(theirs)} recorded, {_short(value)} recomputed")


def check_loss(bundle: Bundle, name: str, node: Node) -> None:
    """The paired comparison with the pth at one k."""
    k = node["k"].whole()
    try:
        table = bundle.table(name, k)
    except NoEvidence as error:
        bundle.problems.append(f"{node.where}: {error}")
        return
    ours = judge_loss(table, bundle.own_spec, k, strict=bundle.record["strict_accuracy"].flag())
    for key in TABLE_FIELDS:
        compare(bundle, node["table"][key], getattr(table, key))
    compare_top_k(bundle, node["pth"], bundle.variants["pth"].top_k(k))
    compare_top_k(bundle, node["candidate"], bundle.variants[name].top_k(k))
    compare(bundle, node["drop_pp"], table.drop_pp)
    compare_interval(bundle, node["interval_pp"], ours.interval)
    compare(bundle, node["mcnemar_p"], ours.p)
    compare(bundle, node["tight"], ours.tight)
    compare(bundle, node["images_needed"], ours.needed)
    if bool(node["warning"].text()) != (ours.tight == "EXCEEDED"):
        bundle.problems.append(f"{node['warning'].where}: it must warn exactly when the tight bound is exceeded")
    compare_check(bundle, node["check"], ours.check)


def check_agreement(bundle: Bundle, name: str, node: Node) -> None:
    """What the top five show of the agreement of logits; cosines and errors need all logits and stay as recorded."""
    found = bundle.flips(name)
    bounds = agreement_bounds(Question(bundle, bundle.own_spec, -1, None, variant=name))
    near_tie, images = bounds["near_tie_logits"]["value"].number(), len(bundle.ids)
    compare(bundle, node["images"], images)
    compare(bundle, node["near_tie_logits"], near_tie)
    compare(bundle, node["unusable"], ())
    compare(bundle, node["top5_set_changed_percent"], 100 * found.top5_set_changed / images)
    compare(bundle, node["flipped"], tuple(bundle.ids[row] for row in found.gaps))
    beyond = set(node["flipped_beyond_near_tie"].texts())
    surely, possibly = bundle.flips_beyond(name, near_tie)
    if not surely <= beyond <= possibly:
        bundle.problems.append(
            f"{node.where}.flipped_beyond_near_tie: {len(beyond)} recorded, {len(surely)} to {len(possibly)} recomputed"
        )
    unknown = set(node["worst"].texts()) - set(bundle.ids)
    if unknown:
        bundle.problems.append(f"{node.where}.worst: {_short(min(unknown))} is no image of the data set")


def check_device_throughput(bundle: Bundle, batch: int, node: Node) -> None:
    """Rates from the raw samples, card, published figure, floor and the judge's word."""
    speed = bundle.speeds[batch]
    device = spec_device(bundle.own_spec, speed.soc)
    entry = published_rate(device, batch)
    for run in node["runs"].items():
        check_run(bundle, run, batch, node["mode"].text())
    check_run_images(bundle, node["runs"])
    chips = node["chips_per_card"].whole()
    if device is not None:
        compare(bundle, node["chips_per_card"], device["chips_per_card"].whole())
    compare(bundle, node["soc"], bundle.record["machine"]["soc"].text())
    compare(bundle, node["images_per_second_per_chip"], speed.median)
    compare(bundle, node["images_per_second_per_card"], speed.median * chips)
    if device is None or entry is None or not bundle.on_device:
        for key in ("published_images_per_second_per_chip", "floor_images_per_second_per_chip", "judged"):
            compare(bundle, node[key], None)
        return
    figure, floor = entry["images_per_second_per_chip"], floor_bound(device, entry)
    compare(bundle, node["mode"], entry["mode"].text())
    compare(bundle, node["published_images_per_second_per_chip"], figure["value"].number())
    compare(bundle, node["floor_images_per_second_per_chip"], floor["at_least"].number())
    compare(bundle, node["figure_source"], figure["source"].text())
    check_judged_rate(bundle, node["judged"], speed, device, entry)


def check_run(bundle: Bundle, node: Node, batch: int, mode: str) -> None:
    """One reading: its batch and mode, and the official figure without the padding of the last batch."""
    compare(bundle, node["batch"], batch)
    compare(bundle, node["mode"], mode)
    images = node["images"].optional(Node.whole)
    share = 1.0
    if node["tool"].text() == "ais_bench" and images is not None:
        share = images / (math.ceil(images / batch) * batch)
    compare(bundle, node["images_per_second_per_chip"], node["reported_images_per_second"].number() * share)


def check_run_images(bundle: Bundle, runs: Node) -> None:
    """Runs are numbered from 1 on, and a run over the data set sees each image once, whatever the devices."""
    seen: dict[int, int] = {}
    for run in runs.items():
        images = run["images"].optional(Node.whole)
        seen[run["run"].whole()] = seen.get(run["run"].whole(), 0) + (images or 0)
        if (images is None) != (run["mode"].text() == "pure"):
            bundle.problems.append(f"{run['images'].where}: pure inference sees no images, a data-set run does")
    if sorted(seen) != list(range(1, len(seen) + 1)):
        bundle.problems.append(f"{runs.where}: runs are numbered {sorted(seen)}")
    for number, images in seen.items():
        if images and bundle.dataset is not None and images != len(bundle.ids):
            bundle.problems.append(f"{runs.where}: run {number} saw {images} images of {len(bundle.ids)}")


def check_judged_rate(bundle: Bundle, node: Node, speed: Speed, device: Node, entry: Node) -> None:
    """The judge's record of a throughput."""
    noise, floor = device["noise_cv_percent"]["value"].number(), floor_bound(device, entry)["at_least"].number()
    interval = noise_interval(speed.median, len(speed.rates), noise / 100)
    scattered = too_scattered(speed.rates, noise)
    open_ = rate_verdict(interval, floor) == INCONCLUSIVE and not scattered
    compare(bundle, node["runs"], speed.rates)
    compare(bundle, node["median"], speed.median)
    compare(bundle, node["spread_percent"], spread_percent(speed.rates))
    compare(bundle, node["noise_cv_percent"], noise)
    compare_interval(bundle, node["noise_interval"], interval)
    compare_interval(bundle, node["order_interval"], order_interval(speed.rates))
    needed = runs_needed(speed.median, len(speed.rates), floor, noise / 100) if open_ else None
    compare(bundle, node["runs_needed"], needed)
    compare_check(bundle, node["check"], judge_rate(speed, device, entry))


def check_command(bundle: Bundle, node: Node) -> None:
    """A tool's command line is the one in its log folder, and its streams are there."""
    folder = node["folder"].text()
    text = bundle.files.read(f"{folder}/command.txt").decode("utf-8", "replace")
    if text.split("\n")[1:-1] != list(node["argv"].texts()):
        bundle.problems.append(f"{node['argv'].where}: another command than in {folder}/command.txt")
    for stream in ("stdout.txt", "stderr.txt"):
        if f"{folder}/{stream}" not in bundle.files.digests:
            bundle.problems.append(f"{folder}/{stream} is missing")


def check_no_simulator(bundle: Bundle) -> None:
    """A device's bundle holds no trace of the simulator, which says on stderr what it is."""
    machine = bundle.record["machine"]
    if not machine.absent and "simulator" in machine["toolchain"].keys():  # noqa: SIM118 - a Node
        bundle.problems.append("target is ascend, but the toolchain is the simulator")
    for name in bundle.files.digests:
        if name.startswith("logs/") and b"[SIMULATOR]" in bundle.files.read(name):
            bundle.problems.append(f"target is ascend, but {name} was written by the simulator")


# --- The last word -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RunVerdict:
    """The last word with what qualifies it."""

    word: str
    simulated: bool
    sample: bool
    passed: int
    failed: tuple[str, ...]
    owed: tuple[str, ...]

    @property
    def banner(self) -> str:
        """The word with what its evidence was made on."""
        made_on = [word for word, so in ((SIMULATED, self.simulated), (SAMPLE, self.sample)) if so]
        others = [word for word in made_on if word != self.word]
        return f"{self.word} ({', '.join(others)})" if others else self.word


def judge_run(
    owed: Iterable[str], verdicts: dict[str, str], *, sample: bool, simulated: bool, interrupted: bool
) -> RunVerdict:
    """One FAIL is REJECTED, a gate that is owed makes it INCOMPLETE, only then follow SIMULATED, SAMPLE, ACCEPTED."""
    passed = {name for name, verdict in verdicts.items() if verdict == PASS}
    failed = tuple(name for name, verdict in verdicts.items() if verdict == FAIL)
    left = tuple(name for name in owed if name not in passed and name not in failed)
    if failed:
        word = REJECTED
    elif left or interrupted or not passed:
        word = INCOMPLETE
    elif simulated:
        word = SIMULATED
    else:
        word = SAMPLE if sample else ACCEPTED
    return RunVerdict(word, simulated, sample, len(passed), failed, left)


def is_sample(bundle: Bundle, spec: Node) -> bool:
    """Whether any part is the embedded sample's: its spec, its images, or by the record its checkpoint."""
    of_sample = bundle.dataset is not None and bundle.dataset["embedded_sample"].flag()
    return spec["kind"].text() == "sample" or of_sample or bundle.record["verdict"]["sample"].flag()


def is_simulated(bundle: Bundle) -> bool:
    """Whether offline models ran on the simulator."""
    return not bundle.on_device and any(name.startswith("om.") for name in bundle.gate_records)


def compare_verdict(bundle: Bundle) -> None:
    """The recorded last word against the one that the recorded gates allow."""
    ours = judge_run(
        expected(bundle.own_spec, on_device=bundle.on_device),
        {name: check.verdict for name, check in bundle.gates.items()},
        sample=is_sample(bundle, bundle.own_spec),
        simulated=is_simulated(bundle),
        interrupted=bool(bundle.record["interrupted"].text()),
    )
    for key in ("word", "simulated", "sample", "passed", "failed", "owed"):
        compare(bundle, bundle.record["verdict"][key], getattr(ours, key))


# --- Several bundles -----------------------------------------------------------------------------------------------

WORST_FIRST = (FAIL, INCONCLUSIVE, PASS, NOT_RUN)  # a gate that was not run says nothing: another bundle may pay it
NEEDS_ONNX = ("onnx", "om", "accuracy", "perf")


def identity(bundle: Bundle) -> dict[str, str | None]:
    """What bundles of one run agree on; None where this bundle does not say."""
    digests = {name: bundle.digests[name]["sha256"].text() for name in ("checkpoint", "onnx") if name in bundle.digests}
    machine, dataset = bundle.record["machine"], bundle.dataset
    names = [] if machine.absent else sorted(machine["toolchain"].keys())
    toolchain = ", ".join(f"{name} {machine['toolchain'][name].text()}" for name in names if name != "tool")
    oms = {name: entry["sha256"].text() for name, entry in bundle.digests.items() if name.startswith("om_bs")}
    return {
        **oms,
        "toolchain": None if machine.absent else toolchain,
        "spec": bundle.files.digests.get(SPEC_JSON),
        "target": bundle.target,
        "checkpoint": digests.get("checkpoint"),
        "onnx": digests.get("onnx"),
        "soc": None if machine.absent else machine["soc"].text(),
        "images": None if dataset is None else dataset["images_sha256"].text() + dataset["ids_sha256"].text(),
    }


def needed_identity(results: Iterable[Result]) -> set[str]:
    """What a bundle must say about itself, from the gates it pays."""
    passed = [result for result in results if result.check.verdict == PASS]
    stages = {result.stage for result in passed}
    needed = {"checkpoint"} if stages & {"checkpoint", *NEEDS_ONNX} else set()
    needed |= {"onnx"} if any(result.id.startswith(("onnx.", "om.", "host.")) for result in passed) else set()
    needed |= {"soc"} if any(result.id.startswith("om.") for result in passed) else set()
    return needed | ({"images"} if stages & {"preprocessing", "accuracy"} else set())


def disagreements(bundles: Sequence[Bundle], judged: Sequence[list[Result]]) -> list[str]:
    """Why these bundles are not parts of one run, each difference by name."""
    found = given_twice(bundles)
    identities = [identity(bundle) for bundle in bundles]
    for name in dict.fromkeys(name for identity in identities for name in identity):
        said = {bundle.name: identity.get(name) for bundle, identity in zip(bundles, identities, strict=True)}
        values = {value for value in said.values() if value is not None}
        if len(values) > 1:
            found.append(f"{name} differs: " + ", ".join(f"{who} {str(what)[:120]}" for who, what in said.items()))
    for bundle, own, results in zip(bundles, identities, judged, strict=True):
        found += [f"{bundle.name} does not say its {name}" for name in needed_identity(results) if own[name] is None]
    return sorted(found)


def given_twice(bundles: Sequence[Bundle]) -> list[str]:
    """The bundles that are one and the same, told by their records: a report that was made again changes nothing."""
    records: dict[str, list[str]] = {}
    for bundle in bundles:
        records.setdefault(bundle.files.digests[ACCEPTANCE], []).append(bundle.name)
    return [f"the same bundle given twice: {' and '.join(names)}" for names in records.values() if len(names) > 1]


def merge(spec: Node, judged: Sequence[list[Result]], *, on_device: bool) -> list[Result]:
    """One result a gate, the worst that any bundle gives: repeating a job until it passes pays nothing."""
    worst: dict[str, Result] = {}
    for result in (result for results in judged for result in results):
        known = worst.get(result.id)
        if known is None or _badness(result.check) < _badness(known.check):
            worst[result.id] = result
    return [worst[name] for name in expected(spec, on_device=on_device) if name in worst]


def _badness(check: Check) -> tuple[int, float]:
    """What sorts the worst answer first; of one verdict the one with the least headroom."""
    return WORST_FIRST.index(check.verdict), _headroom(check)


# --- Words ---------------------------------------------------------------------------------------------------------

WIDTHS = (44, 30, 30)
OWED_LINES = 12


def table(results: Sequence[Result]) -> list[str]:
    """The suite's own table: one line a gate, batches of one verdict share the line of the tightest."""
    lines = [_row("gate", "measured", "threshold", "verdict"), _row(*("-" * width for width in WIDTHS), "-------")]
    for name, group in groupby(results, key=lambda result: result.id.partition("[")[0]):
        lines += _batches(name, list(group))
    return lines


def _batches(name: str, results: Sequence[Result]) -> list[str]:
    lines = []
    for verdict in (PASS, INCONCLUSIVE, NOT_RUN):
        alike = [result for result in results if result.check.verdict == verdict]
        if alike:
            worst = min(alike, key=lambda result: _headroom(result.check))
            batches = " ".join(result.id.partition("[bs")[2].rstrip("]") for result in alike if "[" in result.id)
            lines.append(_line(f"{name}[bs {batches}]" if batches else name, worst.check))
    return lines + [_line(result.id, result.check) for result in results if result.check.verdict == FAIL]


def verdict_lines(verdict: RunVerdict) -> list[str]:
    """What is owed, then the last word."""
    owed = _owed(verdict.owed) if verdict.word in (INCOMPLETE, REJECTED) else []
    counts = f"{verdict.passed} passed, {len(verdict.failed)} failed, {len(verdict.owed)} owed"
    return [*owed, f"VERDICT: {verdict.banner} - {MEANING[verdict.word]} ({counts})"]


def basis_lines(results: Sequence[Result]) -> list[str]:
    """What the verdict rests on, so that nothing that could not be recomputed looks as if it had been."""
    lines = [f"{result.id}: {result.remark}" for result in results if result.remark]
    for basis in (RECOMPUTED, JUDGED_AGAIN, AS_RECORDED):
        names = [result.id for result in results if result.basis == basis]
        kinds = [name for name, _ in groupby(name.partition("[")[0] for name in names)]
        shown = f": {', '.join(kinds)}" if basis == AS_RECORDED and kinds else ""
        lines.append(f"{basis}: {len(names)} gates{shown}")
    return lines


def bundle_lines(bundle: Bundle) -> list[str]:
    """Which bundle this is: when and on what it was made, so that a stale one shows, and what ended it early."""
    machine, interrupted = bundle.record["machine"], bundle.record["interrupted"].text()
    chip = "" if machine.absent else f" {machine['soc'].text()}"
    made = f"finished {bundle.record['finished_utc'].text()}, target {bundle.target}{chip}"
    lines = [f"bundle {bundle.name}: {made}, manifest sha256 {bundle.files.manifest_sha256}"]
    return [*lines, f"bundle {bundle.name} was interrupted: {interrupted}"] if interrupted else lines


def spec_words(place: str, json_sha256: str) -> str:
    """Which spec judged: whether it is one that the suite ships or somebody's own, and whence it was taken, and why."""
    shipped = SHIPPED_SPECS.get(json_sha256)
    whose = "a spec of one's own" if shipped is None else f"the suite's {shipped}"
    return f"{whose}, {place}, sha256 {json_sha256}"


def recorded_spec(bundles: Sequence[Bundle]) -> str:
    """The one spec of all the bundles, with each place from which it was read."""
    records = [bundle.record["spec"] for bundle in bundles]
    places = dict.fromkeys(f"{record['path'].text()} ({record['why'].text()})" for record in records)
    return spec_words(" and ".join(places), records[0]["json_sha256"].text())


def _owed(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    kinds = [name for name, _ in groupby(name.partition("[")[0] for name in names)]
    rest = [f"  … and {len(kinds) - OWED_LINES} more"] if len(kinds) > OWED_LINES else []
    return [f"still owed ({len(names)}):", *(f"  {kind}" for kind in kinds[:OWED_LINES]), *rest]


def _line(name: str, check: Check) -> str:
    value = check.measured
    measured = f"{value:.6g} {check.unit}" if isinstance(value, float) else value
    return _row(name, measured, check.threshold, check.verdict)


def _headroom(check: Check) -> float:
    return math.inf if check.headroom is None else check.headroom


def _row(*cells: str) -> str:
    shown = [_cut(cell, width).ljust(width) for cell, width in zip(cells, WIDTHS, strict=False)]
    return "  ".join((*shown, cells[-1])).rstrip()


def _printable(line: str) -> str:
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in line)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


# --- The command ---------------------------------------------------------------------------------------------------

KNOWN = frozenset(
    (
        *("schema", "verdict", "gates", "inputs", "artifacts", "interrupted", "strict_accuracy", "started_utc"),
        *("finished_utc", "spec", "target", "machine", "digests", "dataset", "variants", "host_throughput"),
        *("device_throughput", "commands", "timings", "diagnoses", "host", "versions"),
    )
)


@dataclass(frozen=True)
class Outcome:
    """What is printed, the exit status, and the last word where one was given."""

    lines: list[str]
    status: int
    word: str | None = None

    def requiring(self, weakest: str) -> Outcome:
        """The outcome where a good word is not good enough when it is weaker than this one."""
        if self.word not in GOOD_WORDS or GOOD_WORDS.index(self.word) >= GOOD_WORDS.index(weakest):
            return self
        said = f"--require {weakest}: {self.word} is weaker"
        return replace(self, lines=[*self.lines[:-1], said, self.lines[-1]], status=NOT_GOOD_ENOUGH)

    @property
    def text(self) -> str:
        """The lines for a terminal: what a bundle says can neither begin a line of its own nor command the terminal."""
        return "\n".join(map(_printable, self.lines))


def open_files(folder: Path) -> Files:
    """The bundle's files; Refused, with the names of the first ten, when any is not what the manifest says."""
    files, problems = check_manifest(folder)
    if problems:
        raise Refused("; ".join(problems[:10]) + (f"; … {len(problems) - 10} more" if len(problems) > 10 else ""))
    return files


def read_bundle(name: str, files: Files) -> Bundle:
    """Read the record and the spec; Refused when they are not of this schema."""
    record = files.json(ACCEPTANCE)
    if record["schema"].whole() != SCHEMA:
        raise Refused(f"{ACCEPTANCE}: schema {record['schema'].whole()}, this judge knows {SCHEMA}")
    odd = set(record.keys()) ^ KNOWN
    if odd:
        raise Refused(f"{ACCEPTANCE}: {', '.join(sorted(odd))} missing or unknown")
    return Bundle(name, files, record, read_spec(files.read(SPEC_JSON), SPEC_JSON))


def judge_bundle(bundle: Bundle, other_spec: Node | None) -> list[Result]:
    """Hold a bundle against itself by its own spec; the results are by `other_spec` where one is given."""
    results = judge_gates(bundle, bundle.own_spec)
    compare_gates(bundle, results)
    check_figures(bundle)
    compare_verdict(bundle)
    return results if other_spec is None else judge_gates(bundle, other_spec)


def verify(sources: Sequence[tuple[str, Callable[[], Files]]], other: Node | None, told: str = "") -> Outcome:
    """Judge bundles, each a name and how to open its files, as one run; `other` is the spec to judge by instead, and
    `told` what the last lines say of it."""
    bundles: list[Bundle] = []
    judged: list[list[Result]] = []
    problems: list[str] = []
    for name, files in sources:
        try:
            bundle = read_bundle(name, files())
            judged.append(judge_bundle(bundle, other))
        except (Refused, NoEvidence, OSError) as error:
            problems.append(f"{name}: {error}")
            continue
        except (ArithmeticError, RecursionError) as error:
            problems.append(f"{name}: its numbers or its nesting are beyond what any run writes: {error}")
            continue
        bundles.append(bundle)
        problems += [f"{name}: {problem}" for problem in bundle.problems]
    if not problems and len(bundles) > 1:
        problems += disagreements(bundles, judged)
    if problems:
        return Outcome([*problems, f"VERDICT: NONE - the evidence does not hold ({len(problems)} problems)"], REFUSED)
    return last_word(bundles, judged, other, told or recorded_spec(bundles))


def last_word(bundles: Sequence[Bundle], judged: Sequence[list[Result]], other: Node | None, told: str) -> Outcome:
    """The table and the verdict over bundles that hold."""
    spec, on_device = other or bundles[0].own_spec, bundles[0].on_device
    results = merge(spec, judged, on_device=on_device)
    verdict = judge_run(
        expected(spec, on_device=on_device),
        {result.id: result.check.verdict for result in results},
        sample=any(is_sample(bundle, spec) for bundle in bundles),
        simulated=any(is_simulated(bundle) for bundle in bundles),
        interrupted=any(bundle.record["interrupted"].text() for bundle in bundles),
    )
    lines = [*table(results), "", *basis_lines(results)]
    lines += [line for bundle in bundles for line in bundle_lines(bundle)]
    status = OK if verdict.word in GOOD_WORDS else NOT_GOOD_ENOUGH
    return Outcome([*lines, f"judged by: {told}", "", *verdict_lines(verdict)], status, verdict.word)


def read_spec_file(path: Path) -> bytes:
    """The file of --spec."""
    if path.suffix in (".yaml", ".yml"):
        raise Refused(
            f"{path}: the standard library reads no YAML; run `python tools/spec_json.py {path} spec.json`, give that"
        )
    return read_whole(path)


def given_spec(path: Path | None) -> tuple[Node | None, str]:
    """The spec of --spec and the words for it; None and no words where none is given."""
    if path is None:
        return None, ""
    content = read_spec_file(path)
    return read_spec(content, str(path)), spec_words(f"{path} (as asked)", hashlib.sha256(content).hexdigest())


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the bundles named on the command line."""
    parser = argparse.ArgumentParser(description="Judge evidence bundles offline; several bundles count as one run.")
    parser.add_argument("bundles", metavar="BUNDLE", nargs="+", type=Path, help="a folder with MANIFEST.sha256")
    parser.add_argument("--spec", metavar="JSON", type=Path, help="judge by this spec (tools/spec_json.py makes it)")
    parser.add_argument(
        "--require",
        metavar="WORD",
        choices=GOOD_WORDS,
        default=GOOD_WORDS[0],
        help=f"exit with 1 unless the last word is at least this, the weakest first: {', '.join(GOOD_WORDS)}",
    )
    asked = parser.parse_args(arguments)
    sources = [(str(folder), partial(open_files, folder)) for folder in asked.bundles]
    try:
        outcome = verify(sources, *given_spec(asked.spec)).requiring(asked.require)
    except (Refused, OSError) as error:
        outcome = Outcome([f"error: {error}"], REFUSED)
    print(outcome.text)
    return outcome.status


if __name__ == "__main__":
    sys.exit(main())
