"""A fact is read back as it was found out, NaN included, and never as something else."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import pytest

from tools.engines.throughput import Paired
from tools.judge.facts import BinFacts, LogitErrors
from tools.store.facts import FILE, load_fact, save_fact

FACTS = (
    Paired(4, (0.1 + 0.2, 1e-300), (1 / 3, 5e-324)),
    BinFacts(among=3, wrong_size=("a",), not_finite=(), out_of_range=("b", "c")),
    "text with ü and \n",
    0,
    1.5,
)


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: type(fact).__name__)
def test_a_fact_survives(tmp_path: Path, fact: object) -> None:
    save_fact(fact, tmp_path)
    assert load_fact(tmp_path, type(fact)) == fact


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_stays_so_and_can_fail_its_gate(tmp_path: Path, value: float) -> None:
    save_fact(LogitErrors(images=3, to_reference=value, between_batches=0.0), tmp_path)
    again = load_fact(tmp_path, LogitErrors)
    assert str(again.to_reference) == str(value)


@pytest.mark.parametrize("content", ["null", "[]", '{"images": 3}', '{"images": 1, "to_reference": "0"}'])
def test_a_fact_of_another_type_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(msgspec.ValidationError):
        load_fact(tmp_path, LogitErrors)
