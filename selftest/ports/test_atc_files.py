"""Files that precision flags of atc name: of their kind, or refused with the port."""

from __future__ import annotations

import pytest

from tools.judge.atc_flags import BY_OPERATOR, KEEP, MIXLIST
from tools.ports.atc_files import problem


@pytest.mark.parametrize(
    ("flag", "content"),
    [
        (KEEP, b"Conv_0\n\n OpType::MatMulV2 \n"),
        (BY_OPERATOR, b"# why\n[ByOpType]\nGelu = high_precision\n[ByNodeName]\nConv_0=high_performance\n"),
        (MIXLIST, b'{"black-list": {"to-add": ["Cast"], "to-remove": ["Mul"]}, "white-list": {"to-add": ["Add"]}}'),
        (MIXLIST, b'{"gray-list": {}}'),
    ],
)
def test_files_of_their_kind(flag: str, content: bytes) -> None:
    assert problem(flag, content) == ""


@pytest.mark.parametrize(
    ("flag", "content", "said"),
    [
        (KEEP, b"", "it names no operator"),
        (KEEP, b"OpType::conv2d", "must be in PascalCase"),
        (KEEP, b"\xff", "can't decode byte"),
        (BY_OPERATOR, b"[ByOpType]\nGelu\n", "line 2 is no `operator=mode`"),
        (BY_OPERATOR, b"[ByOpType]\nGelu=high_preformance", "line 2: high_preformance is none of enable_float_32"),
        (BY_OPERATOR, b"[ByOpType]", "it names no operator"),
        (MIXLIST, b"{", "it is no JSON"),
        (MIXLIST, b"[]", "it must hold some of black-list"),
        (MIXLIST, b'{"blacklist": {}}', "it must hold some of black-list"),
        (MIXLIST, b'{"black-list": {"add": []}}', "black-list must hold to-add and to-remove"),
        (MIXLIST, b'{"black-list": {"to-add": "Cast"}}', "to-add must be a list of operator types"),
        (MIXLIST, b'{"black-list": {"to-add": [1]}}', "to-add must be a list of operator types"),
    ],
)
def test_files_that_are_none_of_their_kind(flag: str, content: bytes, said: str) -> None:
    assert said in problem(flag, content)


def test_a_file_of_a_form_that_is_not_known_is_taken_as_it_is() -> None:
    assert problem("--cal_conf", b"\xff") == ""
