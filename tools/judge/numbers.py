"""The numbers of a spec, each with its unit and source, and the rules that simple values must satisfy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Union

from tools.judge.records import Rule

LARGEST = 1e18
"""No figure of a spec comes near; with it no product of a few of them leaves the range of a double."""

if TYPE_CHECKING:
    Text = str
    Md5 = str
    Sha256 = str
    Sha256Prefix = str
    PlainName = str
    TensorName = str
    Place = str
    Positive = int
    ProbeImages = int
    Rounds = int
    NotNegative = float
    Deviation = float
else:  # rules of tools/judge/records.py, by which a spec is read
    Text = Rule(str, not_empty=True)
    Md5 = Rule(str, pattern="^[0-9a-f]{32}$")
    Sha256 = Rule(str, pattern="^[0-9a-f]{64}$")
    Sha256Prefix = Rule(str, pattern="^[0-9a-f]{8,63}$")
    PlainName = Rule(str, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    TensorName = Rule(str, pattern=r"^[A-Za-z0-9_.][A-Za-z0-9_./-]*$")
    Place = Rule(str, pattern=r"^python:(?:[A-Za-z0-9_-]+/)*[A-Za-z0-9_.-]+:[A-Za-z_][A-Za-z0-9_]*$")
    Positive = Rule(int, at_least=1, at_most=1_000_000)
    ProbeImages = Rule(int, at_least=16)
    Rounds = Rule(int, at_least=3)
    NotNegative = Rule(float, at_least=0, at_most=LARGEST)
    Deviation = Rule(float, more_than=0)


class Entry:
    """Every part of the spec."""


class Number(Entry):
    """A number always says its unit and where it comes from; one that was loosened says why (tools/spec_diff.py)."""

    unit: str
    source: str
    reason: str | None


@dataclass(frozen=True)
class Fact(Number):
    """A published or measured figure that bounds are derived from or that is shown beside a measurement."""

    value: NotNegative
    unit: Text
    source: Text
    reason: Text | None = None


@dataclass(frozen=True)
class Exactly(Number):
    """The measured value must equal this."""

    exactly: NotNegative
    unit: Text
    source: Text
    reason: Text | None = None


@dataclass(frozen=True)
class AtMost(Number):
    """The measured value may not exceed this."""

    at_most: NotNegative
    unit: Text
    source: Text
    reason: Text | None = None


@dataclass(frozen=True)
class AtLeast(Number):
    """The measured value may not fall below this."""

    at_least: NotNegative
    unit: Text
    source: Text
    reason: Text | None = None


Bound = Union[Exactly, AtMost, AtLeast]


def check_unique(values: Sequence[int] | Sequence[str], name: str) -> None:
    """ValueError, with the list's name, for a value that stands there twice."""
    repeated = [value for value, count in Counter(values).items() if count > 1]
    if repeated:
        raise ValueError(f"{name} holds {repeated[0]} more than once")
