"""The table of gates and the lines of the last word, letter by letter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tools.base.errors import Stage
from tools.base.printable import printable
from tools.judge.ids import GateId
from tools.judge.lines import MEANING, headroom, table, value, verdict_lines
from tools.judge.missing import LONGEST_REASON, MOST_REASONS, NOT_ASKED, missing_lines, named
from tools.judge.results import Check, GateResult, RunVerdict, Verdict, Word

HEAD = [
    "gate                                          measured                        threshold"
    "                       verdict",
    "--------------------------------------------  ------------------------------"
    "  ------------------------------  -------",
]


def result(name: str, verdict: Verdict, room: float | None = None, measured: float | str = 0.25) -> GateResult:
    """A gate with its check."""
    check = Check(measured, "<= 1", "pp", verdict, headroom=room)
    return GateResult(id=GateId(name), stage=Stage.OM, check=check)


def undecided(name: str, verdict: Verdict, why: str) -> GateResult:
    """A gate without an answer, and why."""
    return GateResult(id=GateId(name), stage=Stage.OM, check=Check("-", "-", "-", verdict, detail=why))


def row(name: str, measured: str, verdict: str, threshold: str = "<= 1") -> str:
    """A line of the table."""
    return f"{name:<44}  {measured:<30}  {threshold:<30}  {verdict}"


def test_an_empty_table_is_its_head() -> None:
    assert table([]) == HEAD


def test_batches_of_one_verdict_share_a_line_and_those_that_failed_do_not() -> None:
    results = [
        result("om.a[bs16]", Verdict.PASS, 0.5, 0.5),
        result("om.a[bs1]", Verdict.PASS, 0.75),
        result("om.a[bs4]", Verdict.PASS, None, 0.125),
        result("om.a[bs32]", Verdict.FAIL, -1.0, 2.0),
        result("om.a[bs8]", Verdict.FAIL, -2.0, 3.0),
        result("om.a[bs64]", Verdict.NOT_RUN, None, "-"),
        result("om.a[bs128]", Verdict.INCONCLUSIVE, None, 0.875),
        result("om.b", Verdict.PASS, None, "accepted"),
        result("om.a[bs1]", Verdict.FAIL),
    ]
    assert table(results)[2:] == [
        row("om.a[bs 1 4 16]", "0.5 pp", "PASS"),
        row("om.a[bs 128]", "0.875 pp", "INCONCLUSIVE"),
        row("om.a[bs 64]", "-", "NOT RUN"),
        row("om.a[bs8]", "3 pp", "FAIL"),
        row("om.a[bs32]", "2 pp", "FAIL"),
        row("om.b", "accepted", "PASS"),
        row("om.a[bs1]", "0.25 pp", "FAIL"),
    ]


@pytest.mark.parametrize(
    ("name", "measured", "shown"),
    [
        ("n" * 44, "m" * 30, row("n" * 44, "m" * 30, "PASS")),
        ("n" * 45, "m" * 31, row("n" * 43 + "…", "m" * 29 + "…", "PASS")),
        ("n", 1 / 3, row("n", "0.333333 pp", "PASS")),
    ],
)
def test_a_cell_that_is_too_long_is_cut(name: str, measured: float | str, shown: str) -> None:
    assert table([result(name, Verdict.PASS, None, measured)])[2:] == [shown]


def test_a_number_has_six_digits_and_a_text_stays() -> None:
    check = result("a", Verdict.PASS, None, 1234567.0).check
    assert (value(check), value(result("a", Verdict.PASS, None, "x").check)) == ("1.23457e+06", "x")


def test_where_there_is_no_distance_there_is_all_the_room() -> None:
    assert headroom(result("a", Verdict.PASS, 0.0).check) == 0.0
    assert headroom(result("a", Verdict.PASS).check) == float("inf")


def last(word: Word, missing: int = 0, failed: int = 0, not_judged: int = 0, remarks: Sequence[str] = ()) -> RunVerdict:
    """A run that ended with this word."""
    owed = tuple(GateId(f"om.gate{index // 2}[bs{1 + index % 2}]") for index in range(missing))
    return RunVerdict(
        word,
        simulated=False,
        sample=False,
        unpinned=False,
        passed=7,
        failed=tuple(GateId(f"f{index}") for index in range(failed)),
        missing=owed,
        not_judged=tuple(GateId(f"n{index}") for index in range(not_judged)),
        remarks=tuple(remarks),
    )


@pytest.mark.parametrize("word", list(Word))
def test_the_last_line_says_the_word_what_it_means_and_how_many(word: Word) -> None:
    assert verdict_lines(last(word, missing=0, failed=2), ()) == [
        f"VERDICT: {word} - {MEANING[word]} (7 passed, 2 failed, 0 missing)"
    ]


def test_every_word_has_a_meaning_of_its_own() -> None:
    assert MEANING == {
        Word.ACCEPTED: "every gate passed on a real device, with the checkpoint and the full data set of the port",
        Word.REJECTED: "at least one gate failed",
        Word.INCOMPLETE: "no gate failed, but gates are missing or the run was cut short",
        Word.SIMULATED: "every gate passed, on the simulator: nothing is said about a device",
        Word.UNPINNED: "every gate passed on a device, but no digest tells whose weights these are",
        Word.SAMPLE: "every gate passed, on sample data: nothing is said about the published model",
    }


def test_what_is_missing_stands_before_it_and_says_why_a_line_a_reason() -> None:
    verdict = last(Word.INCOMPLETE, missing=8)
    found = [
        undecided("om.gate0[bs1]", Verdict.INCONCLUSIVE, "3 lost of 50\nmore"),
        undecided("om.gate0[bs2]", Verdict.INCONCLUSIVE, "4 lost of 50"),
        undecided("om.gate1[bs1]", Verdict.NOT_RUN, "blocked by: om"),
        undecided("om.gate1[bs2]", Verdict.NOT_RUN, "w" * 300),
    ]
    assert verdict_lines(verdict, found)[:-1] == [
        "still missing (8):",
        "  om.gate0[bs 1 2]: INCONCLUSIVE: 3 lost of 50 more",
        "  om.gate1[bs 1 2]: NOT RUN: blocked by: om",
        f"  om.gate2[bs 1 2], om.gate3[bs 1 2]: {NOT_ASKED}",
    ]
    (line,) = verdict_lines(last(Word.INCOMPLETE, missing=1), [undecided("om.gate0[bs1]", Verdict.NOT_RUN, "w" * 300)])[
        1:-1
    ]
    assert line == f"  om.gate0[bs 1]: NOT RUN: {'w' * (LONGEST_REASON - 10)}…"


def test_gates_of_many_kinds_are_counted_by_stage_and_many_reasons_end_in_a_count() -> None:
    assert verdict_lines(last(Word.INCOMPLETE, missing=9), ())[1:-1] == [f"  9 gates (om 9): {NOT_ASKED}"]
    names = [GateId(f"om.gate{index // 2}[bs{1 + index % 2}]") for index in range(30)]
    found = [undecided(name, Verdict.NOT_RUN, name.gate) for name in names]
    lines = verdict_lines(last(Word.INCOMPLETE, missing=30), found)[:-1]
    assert lines[0] == "still missing (30):"
    *reasons, rest = lines[1:]
    assert sum(line.partition("]")[0].count(" ") - 2 for line in reasons) + int(rest.split()[2]) == 30
    assert len(lines) == 2 + MOST_REASONS == 14


def test_three_kinds_are_named_and_four_are_counted() -> None:
    names = [GateId(name) for name in ("om.a[bs1]", "om.a[bs4]", "onnx.b", "perf.c", "om.d")]
    assert named(names[:4]) == "om.a[bs 1 4], onnx.b, perf.c"
    assert named(names) == "5 gates (om 3, onnx 1, perf 1)"


@pytest.mark.parametrize(("length", "shown"), [(200, "w" * 200), (201, "w" * 199 + "…")])
def test_a_reason_of_two_lines_is_whole_and_a_longer_one_is_cut(length: int, shown: str) -> None:
    said = "w" * (length - len("NOT RUN: "))
    (_, line) = missing_lines([GateId("om.a")], [undecided("om.a", Verdict.NOT_RUN, said)])
    assert line == f"  om.a: NOT RUN: {shown[len('NOT RUN: ') :]}"


def test_what_nobody_asked_is_said_so() -> None:
    assert missing_lines([GateId("om.a")], []) == [
        "still missing (1):",
        "  om.a: not asked in this run, or not reached",
    ]
    assert missing_lines([], []) == []


def test_what_was_not_judged_and_what_must_be_known_beside_it_stand_before_the_last_line() -> None:
    assert verdict_lines(last(Word.ACCEPTED, not_judged=2, remarks=("the one", "the other")), ()) == [
        "not judged, for want of a published figure (2):",
        "  n0",
        "  n1",
        "note: the one",
        "note: the other",
        f"VERDICT: ACCEPTED - {MEANING[Word.ACCEPTED]} (7 passed, 0 failed, 0 missing, 2 not judged)",
    ]


def test_batches_of_a_gate_that_is_not_judged_share_a_line() -> None:
    names = tuple(map(GateId, ("om.a[bs1]", "om.a[bs4]", "om.b", "om.c[bs1]")))
    lines = verdict_lines(replace(last(Word.ACCEPTED), not_judged=names), ())
    assert lines[1:-1] == ["  om.a[bs 1 4]", "  om.b", "  om.c[bs 1]"]


def test_a_line_of_a_bundle_can_neither_end_a_line_nor_command_a_terminal() -> None:
    assert printable("a\nb\x1b[2Jü\u202e") == "a\\nb\\x1b[2Jü\\u202e"
