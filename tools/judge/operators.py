"""Whether atc's parser knows every node of an ONNX file, by a dated table and the CANN release that will read it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tools.base.text_enum import TextEnum
from tools.judge.handover import first_few

_VERSION = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})(?:\.([0-9]{1,4}))?")


class Coverage(TextEnum):
    """How far a table of registered operators speaks of the CANN release at hand."""

    COVERED = "of this release"
    OLDER = "newer than this release, of which the opsets alone are known"
    NEWER = "older than this release"
    UNKNOWN = "of a release that may be another: no CANN version is stated that it knows"


@dataclass(frozen=True)
class Release:
    """A CANN release as far as the table speaks of it: which opsets its parser takes at all."""

    coverage: Coverage
    opsets: range


ANY_OPSET = range(1, 23)
NEWEST_KNOWN = (9, 1)
FIRST_BY_YEAR = 20
"""Releases before 5.0 were named by year (20.2, 21.0): older than any page on opsets, and not newer than the table."""


def release_of(version: str) -> Release:
    """What is known of a version such as `8.0.RC2`: 5.0.1 took opset 11 alone (the guide), 5.0.4 to 6 took 9 to 13.

    Sources: the vendor's ONNX operator pages of 5.0.4, 6.0.1, 7.0.0, 9.0.0 and 9.1.0.
    """
    found = _VERSION.match(version)
    if found is None:
        return Release(Coverage.UNKNOWN, ANY_OPSET)
    major, minor, patch = (int(part or 0) for part in found.groups())
    if major >= FIRST_BY_YEAR:
        return Release(Coverage.UNKNOWN, ANY_OPSET)
    if (major, minor) > NEWEST_KNOWN:
        return Release(Coverage.NEWER, ANY_OPSET)
    if major >= 7:
        return Release(Coverage.COVERED, ANY_OPSET)
    return Release(Coverage.OLDER, range(9, 14) if (major, minor, patch) >= (5, 0, 4) else range(11, 12))


@dataclass(frozen=True)
class UnregisteredNode:
    """A node that atc's parser does not know at the file's opset.

    `name` is its path in the network, `operator` the key that is looked up (domain::opset::operator), `registered_at`
    the opsets at which the parser knows the operator, empty where at none; `standard` says whether it is ONNX's own.
    """

    name: str
    operator: str
    registered_at: tuple[int, ...]
    standard: bool

    def __str__(self) -> str:
        known = f"registered at opset {spans(self.registered_at)}" if self.registered_at else "registered at no opset"
        return f"{self.name} ({self.operator}: {known})"


@dataclass(frozen=True)
class OperatorFacts:
    """The file's nodes held against the operators that a CANN release registers.

    `release` is the toolkit's own text, empty where nothing states it; `table` what was looked up. `fitting_opsets` are
    those at which every operator of the file is registered that is registered at all. `for_atc` is false where OMs were
    handed in, so that no atc is to read the file.
    """

    release: str
    table: str
    nodes: int
    unregistered: tuple[UnregisteredNode, ...]
    fitting_opsets: tuple[int, ...]
    for_atc: bool = True

    @property
    def coverage(self) -> Coverage:
        """How far the table speaks of this release."""
        return release_of(self.release).coverage

    @property
    def refused(self) -> tuple[UnregisteredNode, ...]:
        """Those that atc refuses; an operator of neither ONNX nor CANN may have a parser of the user's own."""
        return tuple(node for node in self.unregistered if node.standard or node.registered_at)

    @property
    def doubt(self) -> str:
        """Why only atc itself can tell, empty where the table decides."""
        nodes = first_few([str(node) for node in self.unregistered])
        if self.refused and not self.for_atc:
            return f"OMs were handed in, atc need not read this file: {nodes}"
        if self.refused and self.coverage is Coverage.NEWER:
            return f"CANN {self.release} is newer than the table: {nodes}"
        if self.unregistered and not self.refused:
            return f"operators of neither ONNX nor CANN, which need a plugin of one's own: {nodes}"
        return ""

    @property
    def remark(self) -> str:
        """What must be read beside the verdict, empty where the table is of this very release."""
        if self.coverage is Coverage.COVERED:
            return ""
        return f"onnx.operators was judged by a table {self.coverage} (CANN {self.release or 'unknown'}): {self.table}"


def spans(numbers: Sequence[int]) -> str:
    """Ascending numbers in words: `8 to 16, 18`."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][-1] + 1:
            found[-1].append(number)
        else:
            found.append([number])
    words = ([f"{run[0]} to {run[-1]}"] if len(run) > 2 else [str(number) for number in run] for run in found)
    return ", ".join(word for run in words for word in run)
