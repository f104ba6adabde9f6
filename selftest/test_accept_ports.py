"""Many ports in one command: what one does to itself costs one row, and what is judged already is not judged again."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from filelock import FileLock

import tools.accept_ports as command
from selftest.child import listening_to_ctrl_c
from selftest.messages.extract import english
from selftest.ports.tiny import tiny_port
from tools.ascend.target import Target, TargetKind
from tools.base import cli
from tools.base.files import ROOT
from tools.catalogue import basis
from tools.catalogue import told as told_module
from tools.catalogue.entry import Entry
from tools.catalogue.kept import Evidence, read_evidence
from tools.catalogue.rows import FILE, Row, State, worst
from tools.catalogue.schedule import Schedule
from tools.catalogue.unanswered import unanswered
from tools.evidence.record_file import read_acceptance
from tools.judge.acceptance import Acceptance
from tools.judge.machine_records import MachineRecord
from tools.judge.results import Word
from tools.judge.texts.reading import InferTool
from tools.judge.verify import NOT_GOOD_ENOUGH, OK, REFUSED
from tools.pipeline.setup import Setup

STUB = '''"""Stands for pytest: writes down what it was asked, and does what the port's `.does` file says."""

import faulthandler
import os
import shutil
import signal
import sys
from pathlib import Path

here = Path(__file__).parent
words = dict(word[2:].partition("=")[::2] for word in sys.argv if word.startswith("--"))
port, evidence = Path(words["port"]), Path(words["evidence"])
stage = sys.argv[-1] if sys.argv[-2] == "-m" else "all"
with (here / "calls").open("a") as calls:
    calls.write(f"{port.stem} {words.get('device', '-')} {os.nice(0)} {evidence.parent.name} {stage}\\n")
does = here / f"{port.stem}.does"
what = does.read_text() if does.exists() else "judge"
print("first line", "at work", sep="\\n", flush=True)
if what == "die":
    os.kill(os.getpid(), signal.SIGKILL)
if what == "fault":
    faulthandler.enable()
    os.kill(os.getpid(), signal.SIGSEGV)
if what == "hang":
    (here / "part").write_text(str(os.getpid()))
    (here / "part").rename(here / "pid")
    signal.pause()
if what == "full":
    sys.exit("NO EVIDENCE: [Errno 28] No space left on device\\n========= 4 passed in 1.00s =========")
if what == "refuse":
    sys.exit("ERROR: no such \\x1b[31moption")
if evidence.parent.name == port.stem:
    shutil.copytree(here / "bundles" / port.stem, evidence)
sys.exit(int(what) if what.isdecimal() else 0)
'''
SELECTED = ("-m", "checkpoint", "--target=simulator")


@dataclass(frozen=True)
class Told:
    """What the command printed, and how it ended."""

    status: int
    out: str
    err: str


@dataclass
class World:
    """Two ports with their checkpoints, judged once by real runs, and a stub in pytest's place for all that follows."""

    folder: Path
    words: tuple[str, ...]
    monkeypatch: pytest.MonkeyPatch = field(default_factory=pytest.MonkeyPatch)
    capsys: pytest.CaptureFixture[str] | None = None
    ports: list[str] = field(default_factory=lambda: ["a", "b"])

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def stub(self) -> Path:
        return self.folder / "stub"

    def port(self, name: str) -> Path:
        return self.folder / "ports" / f"{name}.yaml"

    def argv(self, *options: str) -> list[str]:
        files = [str(self.port(name)) for name in self.ports]
        named = [f"--out={self.out}", f"--checkpoints={self.folder / 'ports'}"]
        return ["accept_ports.py", *files, *named, *options, "--", *self.words]

    def run(self, *options: str) -> Told:
        """The command, in this process; its children are processes of their own."""
        assert self.capsys is not None
        self.monkeypatch.setattr("sys.argv", self.argv(*options))
        self.capsys.readouterr()
        status = cli.run(command.main)
        captured = self.capsys.readouterr()
        return Told(status, captured.out, captured.err)

    def does(self, name: str, what: str) -> None:
        (self.stub / f"{name}.does").write_text(what)

    def calls(self) -> list[list[str]]:
        """What the stub was asked: port, device, niceness, folder of its evidence, stages."""
        file = self.stub / "calls"
        return [line.split(maxsplit=4) for line in file.read_text().splitlines()] if file.exists() else []

    def forget_calls(self) -> None:
        (self.stub / "calls").unlink(missing_ok=True)

    def rows(self) -> dict[str, dict[str, Any]]:
        return {row["port"]: row for row in json.loads((self.out / FILE).read_bytes())["rows"]}


def _made(folder: Path) -> World:
    """Two tiny ports, and the command run over them with the real pytest."""
    tiny = tiny_port(folder / "made")
    ports = folder / "ports"
    ports.mkdir()
    shutil.copy(tiny.port.with_name("tiny_net.py"), ports)
    for name in ("a", "b"):
        text = tiny.port.read_text(encoding="utf-8")
        text = text.replace("name: tiny\n", f"name: {name}\n").replace("file: tiny.pth", f"file: {name}.pth")
        (ports / f"{name}.yaml").write_text(text, encoding="utf-8")
        shutil.copy(tiny.checkpoint, ports / f"{name}.pth")
    places = (f"--images={tiny.images}", f"--labels={tiny.labels}", f"--cache={folder / 'cache'}")
    world = World(folder, (*SELECTED, *places))
    done = subprocess.run(
        [sys.executable, f"tools/{world.argv()[0]}", *world.argv()[1:]], cwd=ROOT, capture_output=True, text=True
    )
    (folder / "told.json").write_text(json.dumps([done.returncode, done.stdout, done.stderr]))
    (folder / "words.json").write_text(json.dumps(world.words))
    return world


@pytest.fixture(scope="session")
def judged(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Made once for all workers."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder = shared / "accept-ports"
    with FileLock(shared / "accept-ports.lock"):
        if not (folder / "words.json").exists():
            folder.mkdir()
            return _made(folder)
    return World(folder, tuple(json.loads((folder / "words.json").read_bytes())))


@pytest.fixture
def world(judged: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> World:
    """A copy of it; the stub leaves the bundles that the real runs have made."""
    for name in ("ports", "out"):
        shutil.copytree(judged.folder / name, tmp_path / name)
    stub = tmp_path / "stub"
    stub.mkdir()
    (stub / "pytest.py").write_text(STUB)
    for name in ("a", "b"):
        shutil.copytree(judged.out / name / "evidence", stub / "bundles" / name)
    monkeypatch.setenv("PYTHONPATH", str(stub))
    monkeypatch.chdir(ROOT)
    return World(tmp_path, judged.words, monkeypatch, capsys)


# --- Real runs -----------------------------------------------------------------------------------------------------


def test_two_ports_have_evidence_log_and_a_row_each(judged: World) -> None:
    status, out, err = json.loads((judged.folder / "told.json").read_bytes())
    assert status == NOT_GOOD_ENOUGH, err  # of one stage
    rows = judged.rows()
    assert [(row["state"], row["status"], row["answer"]) for row in rows.values()] == [("judged", 1, "INCOMPLETE")] * 2
    for name, row in rows.items():
        assert f"{name}: to be judged: it was never judged\n" in err
        assert f"] {name}: INCOMPLETE, " in err
        record = json.loads((judged.out / row["evidence"] / "acceptance.json").read_bytes())
        assert (record["run"], record["spec"]["port"]) == (row["run"], name)
        assert "VERDICT: INCOMPLETE" in (judged.out / row["log"] / "stdout.txt").read_text()
    assert "1 to go, about " in err
    assert [line.split()[:3] for line in out.splitlines()[1:3]] == [["a", "INCOMPLETE", "1"], ["b", "INCOMPLETE", "1"]]
    table = json.loads((judged.out / FILE).read_bytes())
    assert (table["status"], table["interrupted"]) == (1, False)


@pytest.mark.nightly
def test_whole_runs_beside_preparation_pass_and_other_images_are_judged_again(judged: World, tmp_path: Path) -> None:
    shutil.copytree(judged.folder / "made" / "images", tmp_path / "images")
    places = (f"--images={tmp_path / 'images'}", f"--labels={judged.folder / 'made' / 'labels.txt'}")
    world = World(tmp_path, ("--target=simulator", *places, f"--cache={judged.folder / 'cache'}"))
    shutil.copytree(judged.folder / "ports", tmp_path / "ports")

    def run() -> tuple[int, str]:
        argv = world.argv("--prepare=1")
        done = subprocess.run([sys.executable, f"tools/{argv[0]}", *argv[1:]], cwd=ROOT, capture_output=True, text=True)
        return done.returncode, done.stderr

    assert run()[0] == OK
    assert "VERDICT: INCOMPLETE" in (tmp_path / "out" / "b" / "prepare" / "stdout.txt").read_text()
    assert not list((tmp_path / "out").rglob("*.partial"))
    status, err = run()
    assert (status, err.count("judged already, nothing changed")) == (OK, 2)
    image = next((tmp_path / "images").iterdir())
    shutil.copy(next(path for path in (tmp_path / "images").iterdir() if path != image), image)
    _, err = run()
    assert err.count("to be judged: changed: images and labels (") == 2


# --- What is judged already ----------------------------------------------------------------------------------------


def test_what_is_judged_already_is_kept_with_its_status(world: World) -> None:
    before = world.rows()
    told = world.run()
    assert (told.status, world.calls()) == (NOT_GOOD_ENOUGH, [])
    assert told.err == "a: judged already, nothing changed\nb: judged already, nothing changed\n"
    kept = world.rows()
    for name, row in before.items():
        assert kept[name]["state"] == "kept"
        assert {key: kept[name][key] for key in ("answer", "run", "seconds")} == {
            key: row[key] for key in ("answer", "run", "seconds")
        }
    assert "INCOMPLETE (kept)" in told.out
    assert len(world.run("--again").err.splitlines()) == 4
    assert [call[0] for call in world.calls()] == ["a", "b"]


def test_it_speaks_the_language_that_was_asked_for_and_judges_nothing_again_for_it(world: World) -> None:
    world.monkeypatch.setenv("ACCEPTANCE_LANG", "zh")
    kept = world.run()
    assert world.calls() == []
    assert kept.err == "a: 已验收过，没有变化\nb: 已验收过，没有变化\n"
    assert kept.out.splitlines()[0].split() == ["移植", "结论", "状态", "用时", "结果"]
    world.does("a", "3")
    again = world.run("--again")
    shown = [line for told in (kept, again) for line in (told.out + told.err).splitlines()]
    assert [line for line in shown if english(line)] == []


def append(path: Path, text: str) -> None:
    path.write_bytes(path.read_bytes() + text.encode())


def of_another_run(finished: Path) -> None:
    """Let the note be of a bundle that lies there no more."""
    noted = json.loads(finished.read_bytes())
    finished.write_text(json.dumps({**noted, "manifest_sha256": "0" * 64}))


def cut_short(folder: Path) -> Acceptance:
    return replace(read_acceptance(folder), interrupted="Ctrl-C")


def on_chips(*found: str) -> Callable[[World], object]:
    """The answer is of an Ascend310, and these are the chips of the devices that judge now."""

    def judged_on_a_310(folder: Path) -> Acceptance:
        machine = MachineRecord("Ascend310", "benchmark", (0,), "a test", {}, (), "")
        return replace(read_acceptance(folder), machine=machine)

    def make(world: World) -> None:
        target = Target(TargetKind.ASCEND, os.environ, InferTool.BENCHMARK, world.stub, "a test")
        chips = dict(enumerate(found))
        world.monkeypatch.setattr("tools.catalogue.kept.read_acceptance", judged_on_a_310)
        world.monkeypatch.setattr("tools.catalogue.basis.choose_target", lambda *_, **__: target)
        world.monkeypatch.setattr("tools.catalogue.basis.toolchain", lambda *_, **__: {})
        world.monkeypatch.setattr(
            "tools.catalogue.basis.describe_machine",
            lambda *_, devices, **__: SimpleNamespace(soc=chips[devices[0]]),
        )
        world.monkeypatch.setattr(Setup, "on_device", True)

    return make


CHANGES: dict[str, tuple[Callable[[World], object], str]] = {
    "port file": (lambda world: append(world.port("a"), "# a remark\n"), "changed: file a.yaml ("),
    "module beside it": (lambda world: append(world.port("tiny_net").with_suffix(".py"), "# more\n"), "changed: code "),
    "checkpoint": (lambda world: append(world.port("a").with_suffix(".pth"), "\0"), "changed: checkpoint ("),
    "options": (
        lambda world: setattr(world, "words", (*world.words, "--strict-accuracy")),
        "--strict-accuracy)",
    ),
    "variable": (
        lambda world: world.monkeypatch.setenv("ACCEPTANCE_LIMIT", "7"),
        "changed: variable ACCEPTANCE_LIMIT (none, now 7)",
    ),
    "suite": (
        lambda world: world.monkeypatch.setattr("tools.catalogue.basis._suite", lambda: "other"),
        "changed: suite (",
    ),
    "library": (
        lambda world: world.monkeypatch.setattr("tools.catalogue.basis._libraries", lambda: {"numpy": "0.1"}),
        "changed: library numpy (",
    ),
    "chip": (on_chips("Ascend310P3"), "changed: chip (Ascend310, now Ascend310P3)"),
    "evidence altered": (
        lambda world: append(world.out / "a" / "evidence" / "results.md", "better\n"),
        "its evidence does not hold: a: ",
    ),
    "half a note": (
        lambda world: (world.out / "a" / "finished.json").write_text('{"manifest_sha256": "'),
        "its evidence is of no run of this command that came to its end",
    ),
    "evidence of another run": (
        lambda world: of_another_run(world.out / "a" / "finished.json"),
        "its evidence is of no run of this command that came to its end",
    ),
    "run cut short": (
        lambda world: world.monkeypatch.setattr("tools.catalogue.kept.read_acceptance", cut_short),
        "its run was cut short: Ctrl-C",
    ),
    "evidence gone": (
        lambda world: shutil.rmtree(world.out / "a" / "evidence"),
        "an earlier run left no evidence",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_port_is_judged_again_where_something_changed_and_is_told_why(change: str, world: World) -> None:
    make, why = CHANGES[change]
    world.ports = ["a"]
    make(world)
    basis._chip.cache_clear()
    basis._toolkit.cache_clear()
    told = world.run()
    assert told.err.startswith("a: to be judged: "), told.err
    assert why in told.err.splitlines()[0]
    assert [call[0] for call in world.calls()] == ["a"]
    earlier = [path.name for path in (world.out / "a").glob("evidence.earlier-*")]
    assert len(earlier) == (0 if change == "evidence gone" else 1)


def test_of_several_devices_any_may_have_the_chip_that_judged(world: World) -> None:
    on_chips("Ascend310P3", "Ascend310")(world)
    basis._chip.cache_clear()
    basis._toolkit.cache_clear()
    assert world.run("--devices=0,1").err.count("judged already, nothing changed") == 2


# --- What a port does to itself ------------------------------------------------------------------------------------


def test_a_crash_costs_one_row_and_shows_the_end_of_its_log(world: World) -> None:
    world.does("a", "die")
    told = world.run("--again")
    rows = world.rows()
    assert (told.status, rows["a"]["status"], rows["b"]["status"]) == (REFUSED, REFUSED, NOT_GOOD_ENOUGH)
    assert (rows["a"]["state"], rows["a"]["answer"], rows["a"]["evidence"]) == ("died", "", "")
    assert rows["a"]["said"] == "it was ended by SIGKILL and left no evidence: at work"
    assert rows["a"]["tail"] == ["first line", "at work"]
    assert "  a: first line\n  a: at work\n" in told.out
    assert not (world.out / "a" / "evidence").exists()  # an earlier answer never stands for this run's
    world.does("a", "judge")
    assert "a: to be judged: an earlier run left no evidence\nb: judged already" in world.run().err


def test_a_crash_is_not_forgotten_when_the_next_call_names_other_ports(world: World) -> None:
    world.does("a", "die")
    world.run("--again")
    world.ports = ["b"]
    told = world.run()
    assert (told.status, list(world.rows())) == (NOT_GOOD_ENOUGH, ["b"])
    assert [(row.port, row.verdict) for row in unanswered([world.out])] == [("a", "NO EVIDENCE")]
    world.ports = ["a"]
    world.does("a", "die")
    world.run("--again")
    assert [row["port"] for row in json.loads((world.out / FILE).read_bytes())["earlier"]] == ["b"]
    world.ports = ["b"]
    shutil.rmtree(world.out / "a")
    world.run()
    assert unanswered([world.out]) == []


def test_a_fault_is_told_without_the_frames_that_the_handler_adds(world: World) -> None:
    world.does("a", "fault")
    world.ports = ["a"]
    world.run("--again")
    said = "it was ended by SIGSEGV and left no evidence: Fatal Python error: Segmentation fault"
    assert world.rows()["a"]["said"] == said


def test_a_full_disk_is_told_and_not_how_many_tests_had_passed(world: World) -> None:
    world.does("a", "full")
    world.ports = ["a"]
    assert world.run("--again").status == REFUSED
    said = "it ended with exit code 1 and left no evidence: NO EVIDENCE: [Errno 28] No space left on device"
    assert world.rows()["a"]["said"] == said


def test_the_time_that_is_left_is_told_by_ports_that_took_theirs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = itertools.count(0, 60)  # the beginning, and after each port that did not die
    monkeypatch.setattr(told_module, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    rows = [Row("port", "port.yaml", state) for state in (State.DIED, State.JUDGED, State.JUDGED)]
    assert list(told_module.told(iter(rows), 4)) == rows
    ends = [line.partition("; ")[2] for line in capsys.readouterr().err.splitlines()]
    assert ends == ["3 to go", "2 to go, about 2 min left", "1 to go, about 60 s left"]


def test_a_hang_costs_one_row_after_the_time_limit(world: World) -> None:
    world.does("a", "hang")
    world.ports = ["a"]
    told = world.run("--again", "--time-limit=1")
    assert told.status == REFUSED
    row = world.rows()["a"]
    assert (row["state"], row["said"]) == ("too long", "it did not end within the time limit of 1 s")
    assert json.loads((world.out / row["log"] / "ending.json").read_bytes())["ended_by"] == "the time limit of 1 s"


def good(entry: Entry, setup: Setup) -> Evidence:
    """The evidence as it would be if its word were a good one."""
    found = read_evidence(entry, setup)
    return replace(found, outcome=replace(found.outcome, status=OK, word=Word.SIMULATED))


@pytest.mark.parametrize(
    ("does", "status", "said"),
    [
        ("refuse", REFUSED, r"it ended with exit code 1 and left no evidence: ERROR: no such \x1b[31moption"),
        ("3", REFUSED, "it ended with exit code 3: at work"),
        ("1", NOT_GOOD_ENOUGH, "; its run says no"),
    ],
)
def test_an_exit_code_that_says_no_is_never_overruled(does: str, status: int, said: str, world: World) -> None:
    world.does("a", does)
    world.monkeypatch.setattr("tools.catalogue.child.read_evidence", good)
    if does == "refuse":
        shutil.rmtree(world.stub / "bundles" / "a")
    world.ports = ["a"]
    assert world.run("--again").status == status
    assert said in world.rows()["a"]["said"]
    finished = (world.out / "a" / "finished.json").stat().st_mtime_ns > (world.stub / "pytest.py").stat().st_mtime_ns
    assert finished is (does == "1")  # what did not come to its end is judged again


def test_a_word_that_is_too_weak_is_not_good_enough(world: World) -> None:
    world.monkeypatch.setattr("tools.catalogue.child.read_evidence", good)
    assert world.run("--again").status == OK
    assert world.run("--again", "--require=SAMPLE").status == NOT_GOOD_ENOUGH
    assert world.rows()["a"]["said"].endswith("; --require SAMPLE: SIMULATED is weaker")


def test_evidence_of_a_port_that_was_edited_meanwhile_is_none(world: World) -> None:
    world.ports = ["a"]
    world.port("a").write_text(world.port("a").read_text().replace("batches: [1, 4]", "batches: [1, 2]"))
    assert world.run().status == REFUSED  # the stub leaves the bundle of the port as it was
    assert world.rows()["a"]["said"].startswith("its evidence is of another port than was read")


def test_a_port_that_does_not_load_and_one_without_checkpoint_are_rows_of_their_own(world: World) -> None:
    append(world.port("a"), "nonsense: 1\n")
    world.port("b").with_suffix(".pth").unlink()
    shutil.copy(world.port("b"), world.port("c"))
    told = world.run()
    assert (told.status, world.calls()) == (REFUSED, [])
    rows = world.rows()
    assert [row["state"] for row in rows.values()] == ["refused", "refused"]
    assert "top level" in rows["a"]["said"] or "nonsense" in rows["a"]["said"]
    assert f"port b has no checkpoint: no b.pth in {world.folder / 'ports'}" in rows["b"]["said"]


def test_a_command_in_an_error_can_be_copied(world: World) -> None:
    folder = world.folder / "my ports"
    shutil.copytree(world.folder / "ports", folder)
    world.monkeypatch.setattr(World, "port", lambda _, name: folder / f"{name}.yaml")
    world.port("b").write_text(
        world.port("b").read_text().replace("file: b.pth", "file: b.pth, url: https://a.b/b.pth")
    )
    (world.folder / "ports" / "b.pth").unlink()
    world.ports = ["b"]
    world.run()
    command = f"python tools/fetch_checkpoint.py --port '{folder / 'b.yaml'}' {world.folder / 'ports' / 'b.pth'}"
    assert command in world.rows()["b"]["said"]


def test_a_folder_of_any_bytes_has_its_row(world: World) -> None:
    folder = world.folder / os.fsdecode(b"ports \xff")
    shutil.copytree(world.folder / "ports", folder)
    world.monkeypatch.setattr(World, "port", lambda _, name: folder / f"{name}.yaml")
    assert world.run("--again").status == NOT_GOOD_ENOUGH
    assert [Path(row["file"]) for row in world.rows().values()] == [folder / "a.yaml", folder / "b.yaml"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--out=OUT", "--jobs=0"], "--jobs must be at least 1; found 0"),
        (["--out=OUT", "--jobs=2", "--", "--target=ascend"], "a device judges one port at a time; found --jobs 2"),
        (["--out=OUT", "--devices=0,0"], "--devices is '0,0', it must be different numbers"),
        (["--out=OUT", "--time-limit=nan"], "--time-limit must be a number of seconds above 0; found nan"),
        (["--out=OUT", "--prepare=-1"], "--prepare must not be below 0; found -1"),
        (["--out=OUT", "--checkpoints=OUT/nothing"], "--checkpoints names no folder"),
        (["--out=OUT", "--", "--evidence=x"], "--evidence stands behind --, and this command gives it to each run"),
        (["--out=OUT", "--", "--onnx", "x"], "--onnx (ACCEPTANCE_ONNX) is of one port, and here are all of them"),
        (["OUT/nothing.yaml", "--out=OUT"], "nothing.yaml: there is no such port file"),
        (["ports/resnet50.yaml", "--out=OUT"], "two ports are called resnet50"),
        (["OUT/ports.json.yaml", "--out=OUT"], "and not ports.json"),
        ([], "the following arguments are required: --out"),
    ],
)
def test_a_command_line_that_cannot_be_followed_is_one_line(
    words: Sequence[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    given = [word.replace("OUT", str(tmp_path)) for word in words]
    (tmp_path / "ports.json.yaml").touch()
    monkeypatch.setattr("sys.argv", ["accept_ports.py", "resnet50", *given])
    assert cli.run(command.main) == cli.EXIT_BAD_INPUT
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert said in captured.err
    assert captured.err.count("\n") == 1


def test_what_will_make_every_port_fail_is_told_once_before_any_is_judged(world: World) -> None:
    cache = world.folder / "my cache"
    world.words = (*world.words, f"--cache={cache}")
    told = world.run("--again").err
    assert told.count(f"warning: --cache (ACCEPTANCE_CACHE) is '{cache}': the vendor's tools take no path") == 1
    assert told.index("warning: ") < told.index("[1/2]")


# --- Interruptions -------------------------------------------------------------------------------------------------


AS_INSTALLED = (
    "import sys; from tools import accept_ports; from tools.base import cli; sys.exit(cli.run(accept_ports.main))"
)
"""How npu-accept begins it: what only the file does that is run by its name, the installed command lacks."""


@contextmanager
def half_way(world: World, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The command in a process of its own, at the moment when the first port is judged and the second at work."""
    argv = [sys.executable, "-c", AS_INSTALLED, *world.argv(*options)[1:]]
    with (
        listening_to_ctrl_c(),
        subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child,
    ):
        assert child.stderr is not None
        while not (world.stub / "pid").exists() and child.poll() is None:
            if child.stderr.readline().startswith("[1/2] a: "):
                break
        while not (world.stub / "pid").exists() and child.poll() is None:
            threading.Event().wait(0.02)
        yield child


def ends(process: Path, seconds: float = 60) -> bool:
    """Whether a process comes to its end; one that nobody has waited for is a zombie."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if (process / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        threading.Event().wait(0.02)
    return False


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.nightly), signal.SIGKILL]
)
def test_an_interruption_keeps_what_is_judged_and_the_same_command_goes_on(
    number: signal.Signals, world: World
) -> None:
    world.does("b", "hang")
    shutil.rmtree(world.out)
    with half_way(world) as child:
        child.send_signal(number)
        out, err = child.communicate(timeout=60)
    assert child.returncode == (-number if number is signal.SIGKILL else 130), err
    assert ends(Path("/proc", (world.stub / "pid").read_text()))
    table = json.loads((world.out / FILE).read_bytes())
    assert table["interrupted"] is True
    assert [row["state"] for row in table["rows"]] == ["judged", "waiting"]
    if number is not signal.SIGKILL:
        assert "the same command goes on where it was interrupted" in out
    world.does("b", "judge")
    world.forget_calls()
    told = world.run()
    assert "a: judged already, nothing changed\nb: to be judged: an earlier run left no evidence\n" in told.err
    assert [call[0] for call in world.calls()] == ["b"]
    assert {row["state"] for row in world.rows().values()} == {"kept", "judged"}


def test_a_second_command_over_the_same_folder_is_refused(world: World) -> None:
    with FileLock(world.out / ".lock"):
        told = world.run()
    assert (told.status, told.err) == (
        2,
        f"error: {world.out}: another accept_ports.py is at work here. " + ("Wait, or name another --out\n"),
    )


# --- The order -----------------------------------------------------------------------------------------------------


def test_the_next_port_is_prepared_at_lowest_priority_and_leaves_no_bundle(world: World) -> None:
    world.run("--again", "--devices=3", "--prepare=1")
    by_port = {(call[0], call[4]): call for call in world.calls()}
    host = "checkpoint or onnx or preprocessing or reference"
    assert by_port.keys() == {("a", "all"), ("b", "all"), ("b", host)}
    assert [by_port[name, "all"][1] for name in "ab"] == ["3", "3"]
    _, device, nice, folder, _ = by_port["b", host]
    assert (device, nice) == ("-", "19")
    assert not list(world.folder.rglob(folder))
    assert (world.out / "b" / "prepare" / "stdout.txt").is_file()


class Floor:
    """Ports that take no time, whose events are written down; a port listed in `until` waits for an event."""

    def __init__(self, until: dict[str, str]) -> None:
        self.events: list[str] = []
        self.until = until
        self.changed = threading.Condition()
        self.busy: list[object] = []

    def note(self, event: str) -> None:
        with self.changed:
            self.events.append(event)
            self.changed.notify_all()

    def wait(self, event: str) -> None:
        awaited = self.until.get(event)
        with self.changed:
            assert awaited is None or self.changed.wait_for(lambda: awaited in self.events, timeout=30), awaited

    def judge(self, port: str, device: int) -> str:
        assert device not in self.busy, "two ports on one device"
        self.busy.append(device)
        self.note(f"judging {port}")
        self.wait(f"judge {port}")
        self.note(f"judged {port}")
        self.busy.remove(device)
        return port

    def prepare(self, port: str) -> None:
        self.note(f"preparing {port}")
        self.wait(f"prepare {port}")
        self.note(f"prepared {port}")

    def answers(self, ports: str, devices: int, ahead: int) -> list[str]:
        asked = Schedule(
            deque(ports), deque(range(devices)), ahead, self.judge, self.prepare, lambda: self.note("stopped")
        )
        return list(asked.answers())


def test_the_host_prepares_the_next_port_while_the_device_judges_the_one_before() -> None:
    floor = Floor({"judge a": "prepared b", "judge b": "prepared c"})  # would wait for ever in any other order
    assert floor.answers("abc", devices=1, ahead=1) == ["a", "b", "c"]
    assert "preparing a" not in floor.events  # the device would have waited for nothing
    assert "stopped" not in floor.events


def test_a_free_device_waits_for_the_port_that_is_being_prepared_for_it() -> None:
    floor = Floor({"judge a": "preparing b"})
    told: list[bool] = []

    def prepare(port: str) -> None:
        floor.note(f"preparing {port}")
        with floor.changed:
            floor.changed.wait_for(lambda: "judged a" in floor.events, timeout=30)
            if port == "b":  # time enough for a device that would not wait
                told.append(floor.changed.wait_for(lambda: "judging c" in floor.events, timeout=0.3))

    asked = Schedule(deque("abc"), deque([0]), 1, floor.judge, prepare, lambda: None)
    assert list(asked.answers()) == ["a", "b", "c"]
    assert told == [False]


def test_a_device_for_which_nothing_is_prepared_takes_the_next_port_as_it_is() -> None:
    floor = Floor({"prepare c": "judged d", "judge b": "judged d"})  # would wait for ever for c to be prepared
    assert sorted(floor.answers("abcd", devices=3, ahead=0)) == ["a", "b", "c", "d"]
    floor = Floor({"judge a": "preparing c", "prepare c": "judged d", "judge b": "preparing c"})
    assert sorted(floor.answers("abcd", devices=2, ahead=1)) == ["a", "b", "c", "d"]


def test_each_device_judges_one_port_at_a_time() -> None:
    floor = Floor({"judge a": "judging b", "judge b": "judging c"})
    assert sorted(floor.answers("abcdefgh", devices=3, ahead=2)) == list("abcdefgh")


def test_an_error_of_the_command_itself_ends_all_that_runs() -> None:
    floor = Floor({"judge b": "stopped"})

    def judge(port: str, device: int) -> str:
        if port == "a":
            raise RuntimeError("a defect")
        return floor.judge(port, device)

    asked = Schedule(deque("ab"), deque(range(2)), 0, judge, floor.prepare, lambda: floor.note("stopped"))
    with pytest.raises(RuntimeError, match="a defect"):
        list(asked.answers())
    assert floor.events[-1] == "judged b"


def test_an_impatient_ctrl_c_leaves_nothing_that_goes_on() -> None:
    """The second one comes while what runs is being ended: it must not keep that from being ended."""
    floor, stops = Floor({"judge a": "stopped"}), iter([KeyboardInterrupt, None])

    def judge(port: str, device: int) -> str:
        if port == "b":
            raise KeyboardInterrupt
        return floor.judge(port, device)

    def stop() -> None:
        if error := next(stops):
            raise error
        floor.note("stopped")

    with pytest.raises(KeyboardInterrupt):
        list(Schedule(deque("ab"), deque(range(2)), 0, judge, floor.prepare, stop).answers())
    assert floor.events[-1] == "judged a"


# --- The worst answer, and the matrix ------------------------------------------------------------------------------


@pytest.mark.parametrize(("statuses", "expected"), [([0, 0], 0), ([0, 1], 1), ([1, 2, 0], 2), ([0, None], 2)], ids=str)
def test_the_exit_code_is_the_worst_answers(statuses: list[int | None], expected: int) -> None:
    assert worst(Row("a", "a.yaml", State.JUDGED, status=status) for status in statuses) == expected


def test_the_matrix_has_a_job_for_each_port_and_chip(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "broken.yaml").write_text("schema: 2\n")
    words = ["alexnet", "ports/vit_b_16.yaml", str(tmp_path / "broken.yaml"), "--list-json", "--", "--sample"]
    monkeypatch.setattr("sys.argv", ["accept_ports.py", *words])
    monkeypatch.chdir(ROOT)
    assert cli.run(command.main) == OK
    jobs = json.loads(capsys.readouterr().out)["include"]
    assert [(job["name"], job["port"], job["chip"], job["options"]) for job in jobs] == [
        ("alexnet", "alexnet", "Ascend310", "--sample --soc=Ascend310"),
        ("alexnet", "alexnet", "Ascend310P3", "--sample --soc=Ascend310P3"),
        *[("vit_b_16", "ports/vit_b_16.yaml", job["chip"], job["options"]) for job in jobs[2:-1]],
        ("broken", str(tmp_path / "broken.yaml"), "", "--sample"),
    ]
    monkeypatch.setattr("sys.argv", ["accept_ports.py", "alexnet", "--list-json", "--", "--soc", "Ascend910B4"])
    assert cli.run(command.main) == OK
    (job,) = json.loads(capsys.readouterr().out)["include"]
    assert (job["chip"], job["options"]) == ("Ascend910B4", "--soc Ascend910B4")
