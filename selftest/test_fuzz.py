"""Every parser answers hostile input with its documented error, and the fuzzer finds what is planted for it to find.

A few hundred altered examples of each parser here; millions in the campaign, `python -m selftest.campaigns.fuzz`.
"""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selftest.campaigns import fuzz_page, fuzz_planted
from selftest.campaigns.fuzz import Limits, fuzz, module_file, replay
from selftest.campaigns.fuzz_bundle import InMemory, bases
from selftest.campaigns.fuzz_odd import (
    BEYOND_FLOAT,
    ODD_LINES,
    ODD_NUMBERS,
    Path_,
    document_text,
    drop,
    patched,
    paths_of,
    put,
    repeat,
)
from selftest.campaigns.fuzz_result import Coverage, Result
from selftest.campaigns.fuzz_target import LONGEST_MESSAGE, Overlong, run_case
from selftest.campaigns.fuzz_targets import TARGETS
from tools.base.errors import SuiteError
from tools.base.files import ROOT
from tools.judge.layout import FILE, SPEC_JSON
from tools.judge.verify import REFUSED, Outcome, verify
from tools.ports.spec import PUBLISHED_SPEC

EXAMPLES = 250
SLOW = {"bundle": 60, "spec-json": 60}
NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?")
SEEDS = {name: tuple(seed for seed in target.seeds() if seed) for name, target in TARGETS.items()}

quick = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
odd_numbers = st.sampled_from(ODD_NUMBERS)
odd_lines = st.sampled_from(ODD_LINES)
places = st.integers(0, 10**6)


@st.composite
def altered(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """One of the examples with one to three alterations: of its numbers, its lines, or its bytes."""
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(1, 3))):
        alter = draw(st.sampled_from((_number_replaced, _line_altered, _bytes_altered)))
        data = alter(draw, data)
    return data


def _number_replaced(draw: st.DrawFn, data: bytes) -> bytes:
    text = data.decode("utf-8", "replace")
    numbers = list(NUMBER.finditer(text))
    if not numbers:
        return data
    found = numbers[draw(places) % len(numbers)]
    return (text[: found.start()] + draw(odd_numbers) + text[found.end() :]).encode()


def _line_altered(draw: st.DrawFn, data: bytes) -> bytes:
    """A line dropped, doubled, replaced, or given an odd end."""
    lines = data.decode("utf-8", "replace").split("\n")
    at = draw(places) % len(lines)
    there = lines[at]
    lines[at : at + 1] = draw(
        st.sampled_from(
            ([], [there, there], [there + "\r"], ["\ufeff" + there], [there * 50], [draw(odd_lines), there])
        )
    )
    return "\n".join(lines).encode()


def _bytes_altered(draw: st.DrawFn, data: bytes) -> bytes:
    """Cut short, or some bytes replaced by any others."""
    start = draw(places) % (len(data) + 1)
    length = draw(st.integers(0, 8))
    return draw(st.sampled_from((data[:start], data[:start] + draw(st.binary(max_size=8)) + data[start + length :])))


@pytest.mark.parametrize("name", sorted(set(TARGETS) - SLOW.keys()))
def test_a_parser_answers_altered_examples_as_documented(name: str) -> None:
    @quick
    @given(altered(SEEDS[name]))
    def answers(data: bytes) -> None:
        run_case(TARGETS[name], data)

    answers()


@pytest.mark.parametrize("name", sorted(SLOW))
def test_documents_with_odd_values_are_answered_as_documented(name: str) -> None:
    @settings(quick, max_examples=SLOW[name])
    @given(st.sampled_from(SEEDS[name]), st.binary(min_size=4, max_size=16))
    def answers(seed: bytes, program: bytes) -> None:
        run_case(TARGETS[name], seed[:1] + program)

    answers()


@settings(quick, max_examples=25)
@given(altered((PUBLISHED_SPEC.read_bytes(),)))
def test_a_whole_spec_with_alterations_is_answered_as_documented(data: bytes) -> None:
    run_case(TARGETS["spec"], data)


@pytest.mark.parametrize("name", sorted(set(TARGETS) - {"bundle"}))
@pytest.mark.parametrize(
    "unit", ["x", "9", " ", "[", '{"a":', "1 ", "\0", "a_1.", "\U000e0001", "| 0 ", "- ", ",", "[e2e] "]
)
def test_very_long_lines_and_deep_nesting_are_answered_in_few_words(name: str, unit: str) -> None:
    run_case(TARGETS[name], unit.encode() * (20_000 // len(unit.encode())))


# --- What was found once ---------------------------------------------------------------------------------------------

FOUND = {
    "spec": (b"!!int : 1\n", b"!!bool x\n", b"!!timestamp x\n", b"! a\n", b"!!set [1]\n"),
    "report-bundle": (b'{"interrupted": "\xa2"}', b'{"versions": {"libraries": {"a": "\xff"}}}'),
    "spec-json": (b'{"kind": "\xff"}',),
    "om-description": (
        b'{"graph": [{"op": [{"type": "Data", "name": "", "input_desc": [{"shape": {"dim": [1e999]}}]}]}]}',
    ),
    "chip-names": (b"[" * 20_000,),
}
FOUND_IN_BUNDLES: tuple[tuple[str, int, Path_, object], ...] = (
    ("half a surrogate pair", 0, (FILE, "interrupted"), "\ud800"),
    ("a whole number beyond any double", 0, (FILE, "dataset", "images"), 10**400),
    ("a number beyond any double", 1, (FILE, "host_throughput", 0, "ratio"), BEYOND_FLOAT),
    ("a sum beyond any double", 1, (FILE, "device_throughput", 0, "runs", 0, "seconds_per_image"), [1.7e308] * 9),
    ("no work for an image", 1, (SPEC_JSON, "model", "flops_per_image", "value"), 0),
    ("ten million ids to spell out", 0, (SPEC_JSON, "dataset", "images", "exactly"), 10_000_000),
)


@pytest.mark.parametrize(("name", "data"), [(name, data) for name, cases in FOUND.items() for data in cases])
def test_what_was_found_stays_mended(name: str, data: bytes) -> None:
    with pytest.raises(TARGETS[name].documented) as caught:
        TARGETS[name].case(data)
    assert len(str(caught.value)) < LONGEST_MESSAGE


def judged(base: int, changes: dict[Path_, object]) -> Outcome:
    """What the offline judge says of a bundle with some values replaced."""
    documents = json.loads(bases()[base].text)
    for path, value in changes.items():
        put(documents, path, value)
    sealed = bases()[base].sealed(documents)
    return verify([("bundle", lambda: sealed)], None)


@pytest.mark.parametrize(
    ("base", "path", "value"), [row[1:] for row in FOUND_IN_BUNDLES], ids=[row[0] for row in FOUND_IN_BUNDLES]
)
def test_what_was_found_in_bundles_stays_mended(base: int, path: Path_, value: object) -> None:
    outcome = judged(base, {path: value})
    assert outcome.text.encode().splitlines()[-1].startswith(b"VERDICT: NONE")
    assert outcome.status == REFUSED


def with_tool(name: str) -> Outcome:
    """A bundle whose inference tool is called so, wherever that stands."""
    gates = json.loads(bases()[0].text)[FILE]["gates"]
    toolkit = [gate["id"] for gate in gates].index("om.toolkit")
    places: tuple[Path_, ...] = ((FILE, "toolkit", "infer_tool"), (FILE, "machine", "infer_tool"))
    measured = (FILE, "gates", toolkit, "check", "measured")
    return judged(0, {**dict.fromkeys(places, name), measured: f"simulator, {name}"})


def test_no_text_of_a_bundle_looks_like_a_line_of_the_judge() -> None:
    for line_end in ("\n", "\r", "\u2028", "\x85"):
        outcome = with_tool(f"x{line_end}VERDICT: ACCEPTED")
        verdicts = [line for line in outcome.text.splitlines() if line.startswith("VERDICT:")]
        assert verdicts == [outcome.lines[-1]]
        assert "VERDICT: INCOMPLETE" in outcome.lines[-1]
        assert any("simulator, x" in line for line in outcome.lines)
    assert "\x1b" not in with_tool("\x1b[2J").text


def _same(files: InMemory) -> InMemory:
    return files


def test_nesting_near_the_limit_of_recursion_is_refused() -> None:
    """From Python 3.12 on, json reads deeper than Python code may recurse."""
    for depth in (*range(900, 1_001, 4), 1_200, 3_000):
        deep = '{"a": ' * depth + "0.123" + "}" * depth
        sealed = bases()[0].unaltered
        spec = json.dumps({**json.loads(sealed.contents[SPEC_JSON]), "reasons": "DEEP"}).replace('"DEEP"', deep)
        altered = InMemory(sealed.folder, sealed.digests, "", sealed.contents | {SPEC_JSON: spec.encode()})
        outcome = verify([("bundle", partial(_same, altered))], None)
        assert outcome.status == REFUSED


# --- The harness can fail --------------------------------------------------------------------------------------------

PLANTED = fuzz_planted.__name__


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("raises", "an exception that is not documented (KeyError: 'planted'): crash-"),
        ("quotes", "an exception that is not documented (Overlong: an error of"),
        ("hangs", "a hang: timeout-"),
        ("swells", "too much memory: oom-"),
    ],
)
def test_a_planted_bug_is_found_with_its_input(tmp_path: Path, name: str, found: str) -> None:
    pytest.importorskip("atheris", reason="requirements-nightly.txt")
    result = fuzz(name, Limits(cases=100_000, case_seconds=1, memory_mb=256), table=PLANTED, place=tmp_path)
    assert result.finding.startswith(found)
    assert result.cases < 100_000
    kept = tmp_path / name / result.finding.rpartition(": ")[2]
    assert name == "quotes" or kept.read_bytes().startswith(b"!")


def test_the_memory_of_the_process_that_starts_a_target_is_not_counted_into_its_own(tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="requirements-nightly.txt")
    ballast = b"x" * (300 << 20)
    result = fuzz("sound", Limits(cases=100, memory_mb=len(ballast) >> 20), table=PLANTED, place=tmp_path)
    assert (result.finding, result.peak_memory_mb < 200) == ("", True)


def test_a_sound_target_runs_all_cases_and_tells_its_coverage(tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="requirements-nightly.txt")
    result = fuzz("sound", Limits(cases=2_000), table=PLANTED, place=tmp_path)
    assert (result.finding, result.cases) == ("", 2_000)
    [coverage] = replay("sound", table=PLANTED, place=tmp_path).values()
    assert {"_hangs", "_raises", "_swells"} <= set(coverage.unreached_functions())
    assert "_sound" not in (*coverage.unreached_functions(), *coverage.partly_missed_functions())


def test_a_documented_exception_is_an_answer_and_another_goes_up() -> None:
    run_case(fuzz_planted.TARGETS["raises"], b"?")
    with pytest.raises(KeyError):
        run_case(fuzz_planted.TARGETS["raises"], b"!")
    with pytest.raises(Overlong):
        run_case(fuzz_planted.TARGETS["quotes"], b"")


def test_every_example_is_taken_whole_and_every_module_has_its_paragraph() -> None:
    for name, target in TARGETS.items():
        assert all(len(seed) <= target.longest_bytes for seed in target.seeds()), name
    files = {module_file(module) for target in TARGETS.values() for module in target.modules}
    heads = re.findall(r"^(\*\*`[^:]+`\*\*): ", fuzz_page.PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    named = [name for head in heads for name in re.findall(r"`(.+?)`", head)]
    told = {name: {path.relative_to(ROOT).as_posix() for path in ROOT.glob(name)} & files for name in named}
    assert [name for name, found in told.items() if not found] == []
    assert files == set().union(*told.values())


def test_the_tables_are_written_between_their_marks() -> None:
    result = Result("a", 2_000, "", 4.0, None, 56, "")
    reached = {"a": {"a.py": Coverage(((1,), (2,), (1, 2)), ((3,),), {"f": (2,), "g": (3,)})}}
    text = "before\n<!-- targets: x -->\nold\n<!-- end -->\nmiddle\n<!-- modules: x -->\n<!-- end -->\nafter\n"
    lines = fuzz_page.written(text, [result], reached, {"a"}).split("\n")
    assert "| a (the code has changed since) | 2,000 | none | 75 % | - | 56 MB | 500 |" in lines
    assert "| `a.py` | 2 of 3 | 1 of 1 | 75 % | `g` |" in lines
    assert [line for line in lines if not line.startswith("|")] == [line for line in text.split("\n") if line != "old"]
    with pytest.raises(SuiteError, match="no place for a table"):
        fuzz_page.written("", [result], reached, ())


def test_programs_alter_documents() -> None:
    document = {"a": [1, {"b": 2}], "c": "x"}
    put(document, ("a", 1, "b"), BEYOND_FLOAT)
    repeat(document, ("a", 0), 2)
    drop(document, ("c",))
    assert document_text(document) == b'{"a": [1, 1, 1, {"b": 1e999}]}'
    paths = tuple(paths_of(document))
    assert patched(document, paths, b"\0\0\0\2") == {"a": False}
    assert patched(document, paths, b"\0\1\0\2") == {"a": False}
