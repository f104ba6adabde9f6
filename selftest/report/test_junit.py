"""A gate's figures as CI shows them."""

from __future__ import annotations

import pytest

from tools.base.errors import Stage
from tools.judge.checks import within
from tools.judge.ids import GateId
from tools.judge.numbers import AtMost
from tools.judge.results import Check, GateResult, Verdict
from tools.report.junit import junit_properties

BOUND = AtMost(at_most=1.0, unit="pp", source="guide")


def test_a_number_with_its_threshold() -> None:
    result = GateResult(id=GateId("om.accuracy.top1_drop_pp[bs16]"), stage=Stage.ACCURACY, check=within(0.012, BOUND))
    assert junit_properties(result) == [
        ("measured", "0.012"),
        ("threshold", "<= 1"),
        ("unit", "pp"),
        ("verdict", "PASS"),
        ("headroom", "0.988"),
    ]


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_text_without_a_distance(verdict: Verdict) -> None:
    check = Check(measured="-", threshold="the same ids", unit="ids", verdict=verdict)
    result = GateResult(id=GateId("onnx.accuracy.ids"), stage=Stage.ACCURACY, check=check)
    assert junit_properties(result)[-1] == ("verdict", str(verdict))
    assert ("measured", "-") in junit_properties(result)
