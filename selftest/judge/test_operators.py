"""What is known of a CANN release's parser, and what follows for a file's nodes. Real files are in
selftest/test_check_onnx.py."""

from __future__ import annotations

import pytest

from tools.judge.operators import ANY_OPSET, Coverage, OperatorFacts, Release, UnregisteredNode, release_of, spans

REFUSED = UnregisteredNode("/a/Relu", "ai.onnx::20::Relu", (8, 9, 10), standard=True)
NOWHERE = UnregisteredNode("/q", "ai.onnx::11::DynamicQuantizeLinear", (), standard=True)
CANNS = UnregisteredNode("/n", "ai.onnx::20::NPUOp", (11,), standard=False)
PLUGIN = UnregisteredNode("/edge", "com.mine::1::Sobel", (), standard=False)


@pytest.mark.parametrize(
    ("version", "coverage", "opsets"),
    [
        ("5.0", Coverage.OLDER, (11, 11)),
        ("5.0.3", Coverage.OLDER, (11, 11)),
        ("5.0.4", Coverage.OLDER, (9, 13)),
        ("5.1", Coverage.OLDER, (9, 13)),
        ("6.4.9", Coverage.OLDER, (9, 13)),
        ("3.3.0", Coverage.OLDER, (11, 11)),
        ("7.0", Coverage.COVERED, (1, 22)),
        ("9.1.9", Coverage.COVERED, (1, 22)),
        ("9.2", Coverage.NEWER, (1, 22)),
        ("10.0.1", Coverage.NEWER, (1, 22)),
        ("19.9", Coverage.NEWER, (1, 22)),
        ("20.0", Coverage.UNKNOWN, (1, 22)),
        ("21.0.2", Coverage.UNKNOWN, (1, 22)),
        ("no version", Coverage.UNKNOWN, (1, 22)),
        ("", Coverage.UNKNOWN, (1, 22)),
    ],
)
def test_a_release_takes_these_opsets(version: str, coverage: Coverage, opsets: tuple[int, int]) -> None:
    assert release_of(version) == Release(coverage, range(opsets[0], opsets[1] + 1))
    assert (ANY_OPSET[0], ANY_OPSET[-1]) == (1, 22)


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("8.1", ""),
        ("6.0.1", "newer than this release, of which the opsets alone are known (CANN 6.0.1): T"),
        ("9.2", "older than this release (CANN 9.2): T"),
        ("", "of a release that may be another: no CANN version is stated that it knows (CANN unknown): T"),
    ],
)
def test_what_the_table_does_not_say_stands_beside_the_verdict(version: str, said: str) -> None:
    remark = OperatorFacts(version, "T", 1, (), (11,)).remark
    assert remark == (f"onnx.operators was judged by a table {said}" if said else "")


def test_coverage_in_words() -> None:
    assert str(Coverage.COVERED) == "of this release"


def test_a_node_says_where_its_operator_is_known() -> None:
    assert str(REFUSED) == "/a/Relu (ai.onnx::20::Relu: registered at opset 8 to 10)"
    assert str(NOWHERE) == "/q (ai.onnx::11::DynamicQuantizeLinear: registered at no opset)"


def test_what_atc_refuses_is_known_to_onnx_or_to_cann() -> None:
    assert OperatorFacts("8.1", "T", 4, (REFUSED, NOWHERE, CANNS, PLUGIN), ()).refused == (REFUSED, NOWHERE, CANNS)


@pytest.mark.parametrize(
    ("version", "unregistered", "for_atc", "doubt"),
    [
        ("8.1", (), True, ""),
        ("9.2", (), True, ""),
        ("8.1", (), False, ""),
        ("8.1", (REFUSED,), True, ""),
        ("8.1", (REFUSED, PLUGIN), True, ""),
        ("6.0.1", (NOWHERE,), True, ""),
        ("", (NOWHERE,), True, ""),
        ("9.2", (NOWHERE,), True, f"CANN 9.2 is newer than the table: {NOWHERE}"),
        ("8.1", (NOWHERE,), False, f"OMs were handed in, atc need not read this file: {NOWHERE}"),
        ("9.2", (NOWHERE, PLUGIN), False, f"OMs were handed in, atc need not read this file: {NOWHERE}, {PLUGIN}"),
        ("8.1", (PLUGIN,), True, f"operators of neither ONNX nor CANN, which need a plugin of one's own: {PLUGIN}"),
        ("9.2", (PLUGIN,), False, f"operators of neither ONNX nor CANN, which need a plugin of one's own: {PLUGIN}"),
    ],
)
def test_when_only_atc_itself_can_tell(
    version: str, unregistered: tuple[UnregisteredNode, ...], for_atc: bool, doubt: str
) -> None:
    assert OperatorFacts(version, "T", 3, unregistered, (), for_atc).doubt == doubt
    if for_atc:
        assert OperatorFacts(version, "T", 3, unregistered, ()).doubt == doubt, "atc is to read it, unless it is said"


def test_numbers_in_words() -> None:
    assert (spans(()), spans((17, 18)), spans((8, 9, 11))) == ("", "17, 18", "8, 9, 11")
    assert spans((8, 9, 10, 12)) == "8 to 10, 12"
    assert spans((8, 9, 10, 11)) == "8 to 11"
