"""Every run has a folder of its own, which no other run takes; what is removed was asked to be, and is told."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import ExitStack
from datetime import UTC, datetime, tzinfo
from pathlib import Path

import pytest

from selftest.evidence.bundles import NO_SCRUBBING, Made
from selftest.evidence.bundles import World as SmallRun
from selftest.faults.world import World
from tools.base.files import ROOT
from tools.evidence.opening import open_staging
from tools.evidence.pieces import EvidenceError
from tools.evidence.place import RUN_FOLDER, Place, hold, own_place
from tools.evidence.prune import prune
from tools.evidence.record_file import read_acceptance
from tools.evidence.staging import Staging
from tools.judge.files import LATEST
from tools.judge.layout import FILE, SIGNATURE
from tools.judge.verify import main as judge
from tools.pipeline import begin, publish

SMALL = SmallRun(images=20, margin_pp=40.0, batches=(1,))
ONE_TEST = "tests/test_checkpoint.py::test_file_is_the_published_one"
MANY = 10**6


class Own:
    """A world whose runs are not told where to leave their evidence."""

    def __init__(self, world: World, pytester: pytest.Pytester) -> None:
        self.world, self._pytester, self.root = world, pytester, world.folder / "build" / "evidence"

    def run(self, *words: str) -> str:
        """Run the suite in this process; returns what it printed."""
        options = ["--sample", f"--port={self.world.port}", f"--cache={self.world.cache}", "--diagnose=never"]
        found = self._pytester.runpytest_inprocess(
            f"--rootdir={ROOT}", f"--config-file={ROOT / 'pytest.ini'}", "-p", "no:cacheprovider", *options, *words
        )
        return found.stdout.str() + found.stderr.str()

    @property
    def folders(self) -> list[Path]:
        """Those of runs, the oldest first; nothing else is there but the link."""
        names = {path.name for path in self.root.iterdir()} - {LATEST}
        assert all(map(RUN_FOLDER.fullmatch, names)), names
        return sorted((self.root / name for name in names), key=lambda path: path.stat().st_mtime_ns)

    @property
    def latest(self) -> Path:
        """Where the link leads, in one step and by a name alone: the whole folder may be moved."""
        return self.root / (self.root / LATEST).readlink()


@pytest.fixture
def own(world: World, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Own:
    """The small world, with a place of its own for what lies in build/."""
    monkeypatch.setattr(begin, "BUILD", world.folder / "build")
    monkeypatch.chdir(ROOT)
    return Own(world, pytester)


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_of_a_part_leaves_the_whole_ones_evidence_as_it_was(own: Own) -> None:
    text = own.run("-m", "checkpoint", "tests")
    (whole,) = own.folders
    before = bytes_of(whole)
    assert f"evidence: {whole} (open report.html" in text
    assert whole.name.endswith(f"-{read_acceptance(whole).run[:8]}")
    assert own.latest == whole
    own.run(ONE_TEST)
    assert bytes_of(whole) == before
    (part,) = (folder for folder in own.folders if folder != whole)
    assert len(read_acceptance(whole).gates) > len(read_acceptance(part).gates) == 1
    assert own.latest == part
    own.run("--collect-only", "tests")
    assert own.latest == part, "looking at what there is is no run"
    own.run("-k", "nosuch", "tests")
    assert not own.latest.exists(), "a run that left nothing is not represented by another one"
    assert own.folders == [whole, part]


@pytest.mark.parametrize("word", ["--help", "--markers"])
def test_asking_pytest_what_it_knows_is_no_run_at_either_place(
    own: Own, bundle: Path, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = own.root / f"20261128T120000Z-{0:08x}"
    shutil.copytree(bundle, place)
    (own.root / LATEST).symlink_to(place.name)
    before = bytes_of(own.root)
    if word == "--help":
        monkeypatch.setenv("ACCEPTANCE_EVIDENCE", str(place))
    own.run(word, ONE_TEST)
    assert own.latest == place
    assert bytes_of(own.root) == before


@pytest.mark.nightly
@pytest.mark.parametrize("word", ["--version", "--fixtures", "--fixtures-per-test", "--cache-show"])
def test_nor_is_any_other_question(own: Own, word: str) -> None:
    own.run("-p", "cacheprovider", word, ONE_TEST)
    assert not (own.root / LATEST).is_symlink()


class SetBack(datetime):
    """A clock that was set back while the run went on."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> SetBack:
        return cls(2001, 1, 1, tzinfo=tz)


def test_a_clock_that_is_set_back_costs_no_evidence(
    own: Own, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(publish, "datetime", SetBack)
    own.run(ONE_TEST)
    assert judge([str(own.latest)]) == 1, "INCOMPLETE, not refused"
    assert "VERDICT: INCOMPLETE" in capsys.readouterr().out


def test_the_command_that_runs_a_gate_again_names_no_place_of_evidence(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And every other option, also where a variable has said it, which another shell has not."""
    monkeypatch.setenv("ACCEPTANCE_INFER_TOOL", "benchmark")
    monkeypatch.setenv("ACCEPTANCE_KEEP", "5")
    monkeypatch.setenv("ACCEPTANCE_CACHE", "the option wins")
    world.edit_port("md5: ", f"md5: {'a' * 32} #")
    outcome = world.run("-m", "checkpoint", "--keep", "3")
    (again,) = {line.strip() for line in outcome.text.splitlines() if line.strip().startswith("again: ")}
    assert f"--cache={world.cache}" in again
    assert "the option wins" not in again
    assert "--infer-tool=benchmark" in again
    elsewhere = f"-c {ROOT / 'pytest.ini'} --rootdir={ROOT} {ROOT}/{ONE_TEST}"
    assert again.endswith(f" {elsewhere}"), "the run was started in another folder"
    assert "--evidence" not in again
    assert "--keep" not in again


@pytest.mark.nightly
def test_workers_put_their_pieces_into_the_one_folder_of_the_run(own: Own) -> None:
    own.run("-m", "checkpoint", "tests")
    (first,) = own.folders
    program = (
        "import sys; from pathlib import Path; import pytest; from tools.pipeline import begin; "
        "begin.BUILD = Path(sys.argv[1]); sys.exit(pytest.main(sys.argv[2:]))"
    )
    world = own.world
    options = ["--sample", f"--port={world.port}", f"--cache={world.cache}", f"--baseline={own.root / LATEST}"]
    words = ["-n", "2", "-p", "no:cacheprovider", "-m", "checkpoint", *options]
    done = subprocess.run(
        [sys.executable, "-c", program, str(own.root.parent), *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    (second,) = (folder for folder in own.folders if folder != first)
    assert read_acceptance(second).gates == read_acceptance(first).gates, done.stdout + done.stderr
    assert own.latest == second
    assert "BASELINE" in done.stdout


def test_a_bundle_of_the_time_before_runs_had_folders_is_moved_aside_whole(own: Own) -> None:
    Made(SMALL).write(own.root)
    before = bytes_of(own.root)
    text = own.run(ONE_TEST)
    (aside,) = own.root.parent.glob("evidence.earlier-*")
    assert f"earlier evidence, moved aside: {aside}" in text
    assert bytes_of(aside) == before
    assert own.latest == own.folders[0]


def test_a_folder_of_another_kind_by_the_name_of_the_link_is_refused(own: Own) -> None:
    (own.root / LATEST).mkdir(parents=True)
    assert "evidence cannot be written here" in own.run("-m", "checkpoint", "tests")
    assert (own.root / LATEST).is_dir()


# Without pytest: the moments of a run


def begun(root: Path, number: int) -> Staging:
    """A run that has begun, in a second of its own."""
    place = own_place(root, f"{number:032x}"[::-1], datetime(2026, 11, 28, 12, 0, number, tzinfo=UTC))
    return open_staging(place.folder, NO_SCRUBBING, latest=place.latest)


def test_two_runs_at_once_keep_both_and_the_link_leads_to_the_last_that_spoke(tmp_path: Path) -> None:
    one, other = begun(tmp_path, 1), begun(tmp_path, 2)
    assert (tmp_path / LATEST).is_symlink()
    assert not (tmp_path / LATEST).exists(), "nothing is whole yet"
    assert one.publish(Made(SMALL).acceptance()) == one.place
    assert (tmp_path / LATEST).resolve() == one.place
    other.publish(Made(SMALL).acceptance())
    assert (tmp_path / LATEST).resolve() == other.place
    assert {path.name for path in tmp_path.iterdir()} == {LATEST, one.place.name, other.place.name}


def test_a_killed_run_leaves_no_folder_that_is_taken_for_evidence_and_the_next_one_clears_it(tmp_path: Path) -> None:
    begun(tmp_path, 1).publish(Made(SMALL).acceptance())
    code = (
        "import os, signal, sys; from pathlib import Path; from selftest.evidence.test_own_folders import begun; "
        "from tools.evidence.host import host_record; begun(Path(sys.argv[1]), 2).put(host_record(), 'host'); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, cwd=ROOT)
    (left,) = tmp_path.glob(".*.partial")
    verifier = [sys.executable, "-IS", str(ROOT / "tools" / "verify_bundle.py")]
    for folder, why in ((left, "no whole bundle"), (tmp_path / LATEST, "goes on, or it has left no evidence")):
        said = subprocess.run([*verifier, str(folder)], capture_output=True, text=True, check=False)
        assert (said.returncode, why in said.stdout) == (2, True), said.stdout
    said = subprocess.run([*verifier, str(tmp_path)], capture_output=True, text=True, check=False)
    assert "runs have folders of their own in it: latest" in said.stdout
    begun(tmp_path, 3).discard()
    assert list(tmp_path.glob(".*.partial")) == []
    assert len([path for path in tmp_path.iterdir() if RUN_FOLDER.fullmatch(path.name)]) == 1


# --keep


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run's evidence, to be copied."""
    return Made(SMALL).write(tmp_path_factory.mktemp("bundle") / "evidence")


def runs(root: Path, bundle: Path, count: int) -> list[Path]:
    """Folders of that many runs, the oldest first."""
    names = [f"20261128T1200{number:02}Z-{number:08x}" for number in range(count)]
    return [Path(shutil.copytree(bundle, root / name)) for name in names]


def test_the_newest_are_kept_and_a_line_names_what_was_removed(tmp_path: Path, bundle: Path) -> None:
    folders = runs(tmp_path, bundle, 4)
    assert prune(Place(folders[-1]), 2, MANY) == [f"removed by --keep 2: {folders[1].name}, {folders[0].name}"]
    assert sorted(tmp_path.iterdir()) == folders[2:]
    assert prune(Place(folders[-1]), 2, MANY) == []


def test_what_is_no_evidence_or_in_use_or_more_is_left_and_the_line_says_why(tmp_path: Path, bundle: Path) -> None:
    noted, signed, used, read, foreign, fuller, ours = runs(tmp_path, bundle, 7)
    (noted / "notes.txt").write_text("mine")
    (signed / SIGNATURE).write_text("a signature")
    shutil.rmtree(foreign)
    foreign.mkdir()
    (tmp_path / "20261128T120000Z").mkdir()
    decided = len(read_acceptance(fuller).gates)
    with ExitStack() as reader:
        hold(used, reader)
        (said,) = prune(Place(ours), 1, 1, used=[read])
    assert said == (
        f"older than --keep 1 and left: {fuller.name} ({decided} gates, and this run decided 1), "
        f"{foreign.name} (no {FILE} with its MANIFEST.sha256), {read.name} (in use), {used.name} (in use), "
        f"{signed.name} (signed), {noted.name} (notes.txt is no file of the evidence)"
    )
    assert len(list(tmp_path.iterdir())) == 8
    prune(Place(ours), 1, MANY)
    assert {noted, signed, foreign, ours} < set(tmp_path.iterdir())
    assert not {used, read, fuller} & set(tmp_path.iterdir())


def test_a_run_that_goes_on_is_never_removed(tmp_path: Path, bundle: Path) -> None:
    (older,) = runs(tmp_path, bundle, 1)
    going_on, newest = begun(tmp_path, 1), begun(tmp_path, 2)
    newest.publish(Made(SMALL).acceptance())
    assert prune(Place(newest.place), 1, MANY) == [f"removed by --keep 1: {older.name}"]
    going_on.publish(Made(SMALL).acceptance())
    assert prune(Place(newest.place), 1, MANY) == [f"older than --keep 1 and left: {going_on.place.name} (in use)"]
    going_on.discard()
    assert prune(Place(newest.place), 1, MANY) == [f"removed by --keep 1: {going_on.place.name}"]


def test_at_a_named_place_those_that_were_moved_aside_from_it_are_counted(own: Own, bundle: Path) -> None:
    place = own.root / "job"
    for name in ("job.earlier-20261128T120000Z", "job.earlier-20261128T120000Z-2", "job2.earlier-20261128T120000Z"):
        shutil.copytree(bundle, own.root / name)
    shutil.copytree(bundle, place)
    gates = read_acceptance(bundle).gates
    text = own.run("-m", "checkpoint", "--keep=2", f"--evidence={place}", "tests")
    assert f"({len(gates)} gates, and this run decided" in text
    text = own.run("-m", "not perf", "-k", "nosuch", "--keep=2", f"--evidence={place}", "tests")
    assert "removed" not in text, "a run that left nothing removes nothing"
    assert [path.name for path in own.root.glob("job2*")] == ["job2.earlier-20261128T120000Z"]


def test_those_moved_aside_in_one_second_are_in_their_order(tmp_path: Path, bundle: Path) -> None:
    names = [f"job.earlier-20261128T120000Z{again}" for again in ("", "-2", "-10")]
    for name in names:
        shutil.copytree(bundle, tmp_path / name)
    assert prune(Place(tmp_path / "job"), 2, MANY) == [f"removed by --keep 2: {names[1]}, {names[0]}"]


def test_no_more_than_a_whole_number_of_at_least_one_is_kept(own: Own) -> None:
    assert "--keep (ACCEPTANCE_KEEP) is '0', it must be a whole number of at least 1" in own.run("--keep=0", "tests")
    assert not own.root.exists()


def test_a_place_that_cannot_be_linked_is_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / LATEST).mkdir()
    with pytest.raises(EvidenceError, match="evidence cannot be written here"):
        begun(tmp_path, 1)
