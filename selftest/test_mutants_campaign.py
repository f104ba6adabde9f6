"""The mutation campaign's own part: each survivor is judged once, by its lines, and its page keeps other rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from selftest.campaigns.mutants import (
    SURVIVORS,
    TESTS,
    Reason,
    Survivor,
    Tally,
    changed_lines,
    complain,
    read_judged,
    write_page,
)
from selftest.campaigns.mutants_made import mutants_of
from selftest.campaigns.mutants_run import DESELECTED, Calls, begin_with, make_shared
from tools.base.errors import SuiteError
from tools.base.files import ROOT

MODULE = "tools/data/labels.py"
SOURCE = "0123456789abcdef" * 4
ONE, OTHER = Survivor(MODULE, "f", "- a < b\n+ a <= b"), Survivor(MODULE, "f", "- x\n+ y")
ENTRY = """
- module: tools/data/labels.py
  function: f
  reason: equivalent
  why: a is never b
  mutants:
    - |-
      - a < b
      + a <= b
"""


def test_every_module_and_its_tests_are_there() -> None:
    assert {name for name in (*TESTS, *sum(TESTS.values(), ())) if not (ROOT / name).is_file()} == set()


@pytest.mark.parametrize("test", DESELECTED)
def test_every_test_that_takes_no_part_is_there(test: str) -> None:
    file, _, name = test.partition("::")
    assert f"\ndef {name}(" in (ROOT / file).read_text(encoding="utf-8")


def test_every_module_of_the_judge_takes_part() -> None:
    judge = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tools/judge").rglob("[!_]*.py")}
    assert judge - TESTS.keys() == set()


def test_a_module_without_a_mutant_has_a_row(tmp_path: Path) -> None:
    page = tmp_path / "mutation.md"
    write_page(page, Tally(MODULE, SOURCE, 0, 0, (), 1.0), {})
    text = page.read_text(encoding="utf-8")
    assert f"| `{MODULE}` | 0 | 0 | 0 | 0 | 0 | - |  | `{SOURCE[:8]}` |" in text
    assert text.endswith("| all | 0 | 0 | 0 | 0 | 0 | - | | |\n")


def test_every_judged_survivor_is_one_of_a_module_of_the_campaign() -> None:
    assert {survivor.module for survivor in read_judged(SURVIVORS)} <= TESTS.keys()


def test_what_the_type_checker_alone_reads_is_not_changed_but_its_other_side_is() -> None:
    pytest.importorskip("libcst")  # of requirements-nightly.txt
    source = "if TYPE_CHECKING:\n    Text = str\nelse:\n    Text = Rule(str, at_least=1)\n"
    found = {changed_lines(mutant.before, mutant.after) for mutant in mutants_of(source)}
    assert "- Text = Rule(str, at_least=1)\n+ Text = Rule(str, at_least=2)" in found
    assert not any(line == "- Text = str" for change in found for line in change.splitlines())
    assert list(mutants_of("if TYPE_CHECKING:\n    Text = str\n")) == []


def test_a_mutant_is_known_by_its_lines_wherever_they_stand() -> None:
    before = "def f():\n    if a < b:\n        return 1\n"
    assert changed_lines(before, before.replace("<", "<=")) == "- if a < b:\n+ if a <= b:"
    moved = f"\n\n{before}"
    assert changed_lines(moved, moved.replace("<", "<=")) == "- if a < b:\n+ if a <= b:"


def test_survivors_and_explanations_must_be_the_same_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "judged.yaml"
    path.write_text(ENTRY, encoding="utf-8")
    judged = read_judged(path)
    assert judged == {ONE: Reason.EQUIVALENT}
    assert complain([ONE], judged) == 0
    assert complain([ONE, OTHER], judged) == 1
    assert "    - |-\n      - x\n      + y\n1 survivors are not explained, 0 " in capsys.readouterr().out
    assert complain([], judged) == 1
    assert "judged, but does not survive: tools/data/labels.py f" in capsys.readouterr().out


@pytest.mark.parametrize("text", [ENTRY.replace("equivalent", "tired"), ENTRY.replace("why", "wy"), "a: [", "1"])
def test_a_file_that_judges_nothing_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "judged.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SuiteError, match="not a list of judged survivors"):
        read_judged(path)


def test_the_page_keeps_the_rows_of_other_modules(tmp_path: Path) -> None:
    page = tmp_path / "mutation.md"
    write_page(page, Tally(MODULE, SOURCE, 10, 1, (ONE,), 1.0), {ONE: Reason.EQUIVALENT})
    write_page(page, Tally("tools/data/info.py", SOURCE, 30, 0, (OTHER,), 1.0), {})
    text = page.read_text(encoding="utf-8")
    assert f"| `{MODULE}` | 10 | 8 | 1 | 1 | 1 | 90.0 % | 1 equivalent | `" in text
    assert "| `tools/data/info.py` | 30 | 29 | 0 | 1 | 0 | 96.7 % |  | `" in text
    assert "| `tools/ascend/dumps.py` | not run |" in text
    assert "| all | 40 | 37 | 1 | 2 | 1 | 95.0 % | | |" in text


SHARING = """
import pathlib
import pytest

NOTES = pathlib.Path(__file__).with_name("notes")

def note(what):
    with NOTES.open("a") as notes:
        notes.write(what)

@pytest.fixture(scope="module")
def shared():
    note("s")

@pytest.fixture
def own(tmp_path):
    note("o")
    return tmp_path

def test_one(shared, own):
    note(str(own.is_dir()))

def test_two(own, shared):
    note(str(own.is_dir()))
"""


def test_what_tests_share_is_made_before_the_forks_and_what_is_their_own_in_each(tmp_path: Path) -> None:
    (tmp_path / "test_sharing.py").write_text(SHARING, encoding="utf-8")
    notes = tmp_path / "notes"

    class Campaign:
        def pytest_runtestloop(self, session: pytest.Session) -> bool:
            make_shared(session)
            assert notes.read_text() == "soo"
            notes.unlink()
            begin_with(session, session.items[1])
            session.items.reverse()
            session.config.pluginmanager.unregister(self)
            session.config.hook.pytest_runtestloop(session=session)
            return True

    options = ("-q", "--noconftest", "-o", "addopts=", "--rootdir", str(tmp_path), "-p", "no:cacheprovider")
    assert pytest.main([*options, "-p", "no:xdist", str(tmp_path)], plugins=[Campaign()]) == 0
    assert notes.read_text() == "oTrueoTrue"


CALLING = """
import threading

def inner():
    return [number for number in range(2)]

class Some:
    def method(self):
        return (lambda: inner())()

def test_one():
    Some().method()

def test_two():
    thread = threading.Thread(target=inner)
    thread.start()
    thread.join()

def test_three():
    pass
"""


def test_a_mutant_meets_the_tests_that_call_its_function(tmp_path: Path) -> None:
    file = tmp_path / "test_calling.py"
    file.write_text(CALLING, encoding="utf-8")
    calls = Calls(tmp_path / "notes", file)
    assert calls.tests_by_function() == {}
    options = ("-q", "--noconftest", "-o", "addopts=", "--rootdir", str(tmp_path), "-p", "no:cacheprovider")
    assert pytest.main([*options, "-p", "no:xdist", str(tmp_path)], plugins=[calls]) == 0
    found = calls.tests_by_function()
    one, two, three = (f"test_calling.py::test_{number}" for number in ("one", "two", "three"))
    assert (found["inner"], found["Some.method"]) == ({one, two}, {one})
    assert [found[f"test_{number}"] for number in ("one", "two", "three")] == [{one}, {two}, {three}]
