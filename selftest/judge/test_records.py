"""What a verdict keeps: records that nobody can change, closed sets of words, and no field that nobody declared."""

from __future__ import annotations

import pytest

from tools.judge import accuracy, agreement, device, paired, results, throughput
from tools.judge.results import Check, Record, Verdict, Word

MODULES = (accuracy, agreement, device, paired, results, throughput)
RECORDS = sorted(
    {
        value
        for module in MODULES
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Record)
    },
    key=lambda record: record.__name__,
)


def test_every_record_is_looked_at() -> None:
    assert {"Agreement", "Check", "GateResult", "Interval", "Loss", "Measured", "Rates", "RunVerdict", "TopK"} <= {
        record.__name__ for record in RECORDS
    }


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_a_record_cannot_be_changed_and_takes_no_unknown_field(record: type[Record]) -> None:
    config = record.__struct_config__
    assert (config.frozen, config.forbid_unknown_fields) == (True, True)


def test_the_words_that_evidence_and_reports_keep() -> None:
    assert [str(word) for word in Verdict] == ["PASS", "FAIL", "INCONCLUSIVE", "NOT RUN"]
    assert [str(word) for word in Word] == ["ACCEPTED", "REJECTED", "INCOMPLETE", "SIMULATED", "SAMPLE"]


def test_a_comparison_without_distance_detail_or_source_says_none() -> None:
    check = Check(measured=0.0, threshold="<= 1", unit="pp", verdict=Verdict.PASS)
    assert (check.headroom, check.detail, check.source) == (None, "", "")
