"""What happens to real runs: kills, full disks, shared caches, edited files. A right verdict or one clear error.

The kill campaign (selftest/campaigns/kills.py) does the same at random moments; its checks are shown to fail here.
"""

from __future__ import annotations

import dataclasses
import errno
import fcntl
import itertools
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from selftest.campaigns import kills_checks as checks
from selftest.child import listening_to_ctrl_c
from selftest.evidence.bundles import NO_SCRUBBING, Made
from selftest.evidence.bundles import World as SmallRun
from selftest.faults.preprocessing_faults import OWN, own_images
from selftest.faults.world import Outcome, World
from tools.base.errors import SpecError
from tools.base.files import ROOT, sha256_of
from tools.base.process import GUARD
from tools.evidence.opening import open_staging
from tools.evidence.record_file import read_acceptance, write_acceptance
from tools.evidence.staging import Staging
from tools.judge.layout import PORT
from tools.judge.results import Verdict, Word
from tools.pipeline import publish as publishing
from tools.pipeline.setup import _read_port
from tools.store import artifacts, content
from tools.store.artifacts import MANIFEST, Recipe, Store, StoreError

SMALL = SmallRun(images=20, margin_pp=40.0, batches=(1,))
NO_SPACE = OSError(errno.ENOSPC, "No space left on device")
KINDS = {
    "checkpoint": ("sample-checkpoint", "checkpoint-facts"),
    "onnx": ("onnx", "onnx-facts", "onnx-checker", "onnx-weights", "onnx-logit-errors"),
    "preprocessing": ("sample-images", "recipe-facts", "pixels", "bins", "bins-facts", "bins-parity"),
    "om": ("om", "om-described", "predictions-om"),
    "accuracy and not npu": ("predictions-pth", "predictions-onnx"),
    "perf and npu": ("throughput-om",),
    "perf and not npu": ("host-throughput",),
}
"""What each part of the suite makes."""
BY_DAY = frozenset(("sample-checkpoint", "onnx-facts", "pixels", "om", "predictions-pth", "throughput-om"))
"""One of each stage; the others are tried at night."""
DIGESTS = checks.Digests()
DEAD = 2**22 + 1
"""No process has this number: Linux counts to 2**22 at most."""


# A full disk


@contextmanager
def full_disk(most_bytes: int) -> Iterator[None]:
    """No file can grow beyond so many bytes, whoever writes it: Python, a C++ library or a child process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def fill_the_disk_for(kind: str, monkeypatch: pytest.MonkeyPatch, most_bytes: int) -> None:
    """Let the disk be full while artifacts of one kind are built and published."""
    right = Store._build

    def build(self: Store, recipe: Recipe, *rest: object) -> None:
        with full_disk(most_bytes if recipe.kind == kind else resource.RLIM_INFINITY):
            right(self, recipe, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "_build", build)


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        pytest.param(part, kind, marks=() if kind in BY_DAY else pytest.mark.nightly)
        for part, kinds in KINDS.items()
        for kind in kinds
    ],
)
def test_a_disk_that_is_full_at_any_artifact_is_an_error_and_nothing_of_it_is_trusted(
    part: str, kind: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.only_batches(1)
    world.forget(kind)
    fill_the_disk_for(kind, monkeypatch, 16)
    outcome = world.run("-m", part)
    assert outcome.exit_code == 1, outcome.text
    assert outcome.acceptance.verdict.word in (Word.INCOMPLETE, Word.REJECTED)
    assert "too large" in outcome.text or "cannot use the store" in outcome.text, outcome.text
    assert not list((world.cache / kind).glob("*")) if (world.cache / kind).exists() else True
    assert checks.cache_problems(world.cache, DIGESTS) == []


def test_a_run_after_a_full_disk_is_right(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.only_batches(1)
    world.forget("pixels", "bins", "predictions-pth")
    with monkeypatch.context() as patch:
        fill_the_disk_for("pixels", patch, 300_000)
        assert world.run("-m", "not perf").exit_code == 1
    outcome = world.run("-m", "not perf")
    assert outcome.exit_code == 0, outcome.text
    assert outcome.acceptance.verdict.word is Word.INCOMPLETE, "perf is still missing"


@pytest.mark.parametrize("resumable", [False, True])
def test_a_disk_that_is_full_at_any_step_of_the_store_is_an_error_and_nothing_half_is_published(
    resumable: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe("bins", {"images": "abc"}, resumable=resumable)
    for number in itertools.count():
        store = Store(tmp_path / str(number), "run")
        with monkeypatch.context() as patch:
            fail_at(number, patch)
            try:
                store.get(recipe, write_files)
            except StoreError as error:
                assert "No space left" in str(error)  # noqa: PT017 - the loop ends where nothing is raised
            else:
                break
        assert checks.cache_problems(store.root, checks.Digests()) == []
        assert len(store.get(recipe, write_files).files) == 4
    assert number > 8, "folders, files, manifest and the final name"


def write_files(folder: Path) -> None:
    """Build something of four files."""
    (folder / "logs").mkdir(exist_ok=True)
    for name in ("a.bin", "b.bin", "logs/out.txt", "logs/err.txt"):
        (folder / name).write_bytes(b"x" * 100)


def fail_at(number: int, patch: pytest.MonkeyPatch) -> None:
    """Let the disk be full when something is written, made or renamed for this time."""
    calls = itertools.count()
    for name in ("write_bytes", "mkdir", "rename"):
        right = getattr(Path, name)

        def call(self: Path, *words: object, right: Callable[..., object] = right, **options: object) -> object:
            fail_or_pass(NO_SPACE if next(calls) == number else None)
            return right(self, *words, **options)

        patch.setattr(Path, name, call)


@pytest.mark.parametrize(
    "every", [5, pytest.param(1, marks=pytest.mark.nightly)], ids=["a fifth by day", "each at night"]
)
def test_a_disk_that_is_full_at_any_write_of_the_evidence_leaves_the_earlier_bundle(
    every: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "evidence"
    Made(SMALL).write(place)
    before = bundle_bytes(place)
    for number in itertools.count(0, every):
        shutil.rmtree(place.with_suffix(".work"), ignore_errors=True)
        writes = iter([*itertools.repeat(None, number), NO_SPACE])
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", lambda _, writes=writes: fail_or_pass(next(writes, None)))
            try:
                Made(SMALL).write(place)
            except OSError as error:
                assert error is NO_SPACE  # noqa: PT017 - the loop ends where nothing is raised
            else:
                break
        assert not place.exists()
        (aside,) = tmp_path.glob("evidence.earlier-*")
        assert bundle_bytes(aside) == before
    assert number > 15, "one write for each file, and for each piece"


def fail_or_pass(error: OSError | None) -> None:
    """Raise it where there is one."""
    if error is not None:
        raise error


def bundle_bytes(place: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}


@pytest.mark.parametrize("written", ["acceptance.json", "report.html", "MANIFEST.sha256"])
def test_a_run_that_cannot_publish_fails_and_says_so(
    written: str, world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pytester: pytest.Pytester
) -> None:
    world.run("-m", "checkpoint")
    earlier = bundle_bytes(world.folder / "evidence")
    (world.folder / "evidence").rename(tmp_path / "earlier")
    right = Staging.publish

    def publish(self: Staging, *words: object) -> Path:
        (tmp_path / "earlier").rename(self.place)
        (self.folder / written).mkdir()  # what cannot be replaced by a file cannot be written
        return right(self, *words)  # type: ignore[arg-type]

    monkeypatch.setattr(Staging, "publish", publish)
    outcome = world.run("-m", "checkpoint")
    assert "NO EVIDENCE: " in outcome.text
    assert outcome.exit_code == 1
    assert bundle_bytes(world.folder / "evidence") == earlier
    assert list(world.folder.glob(".evidence.*")) == []


# A cache that cannot be used, or that others use


def test_a_read_only_cache_is_an_error_of_the_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(artifacts, "FileLock", refuse)
    outcome = world.run("-m", "checkpoint")
    assert outcome.exit_code == 1
    assert outcome.acceptance.verdict.word is Word.INCOMPLETE
    assert "cannot use the store: [Errno 30] Read-only file system" in outcome.text
    assert "--cache" in outcome.text


def start(world: World, name: str, *words: str, **variables: str) -> subprocess.Popen[bytes]:
    """Start the acceptance on a world as a process of its own, marked by `name`, with evidence beside the world's."""
    options = [f"--port={world.port}", f"--cache={world.cache}", f"--evidence={world.folder / name}"]
    with (world.folder / f"{name}.log").open("wb") as log, listening_to_ctrl_c():
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", "--sample", "-v", "-p", "no:cacheprovider", *options, *words],
            cwd=ROOT,
            env={**os.environ, checks.MARK: f"{world.folder}/{name}", **variables},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def test_two_runs_on_one_cache_build_each_artifact_once_and_agree(world: World) -> None:
    world.only_batches(1)
    forgotten = ("sample-images", "pixels", "bins-facts")
    world.forget(*forgotten)
    runs = {name: start(world, name, "-m", "preprocessing") for name in ("one", "other")}
    assert [run.wait() for run in runs.values()] == [0, 0]
    texts = [(world.folder / f"{name}.log").read_text() for name in runs]
    for kind in forgotten:
        assert sorted(text.count(f"miss {kind}/") for text in texts) == [0, 1], kind
    one, other = (checks.figures(world.folder / name) for name in runs)
    assert checks.differences(one, other) == []
    assert checks.cache_problems(world.cache, DIGESTS) == []


@pytest.mark.parametrize("change", ["layout", "library"])
def test_a_cache_of_an_older_version_is_not_believed(
    change: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in world.cache.glob(f"checkpoint-*/*/{MANIFEST}"):
        manifest = json.loads(path.read_bytes())
        if change == "layout":
            manifest["layout"] -= 1
        else:
            manifest["inputs"] |= {name: "0.0.1" for name in manifest["inputs"] if name.startswith("version ")}
        path.unlink()
        path.write_text(json.dumps(manifest))
    outcome = world.run("-m", "checkpoint", "-v")
    assert outcome.exit_code == 0, outcome.text
    assert "damaged checkpoint-facts/" in outcome.text
    assert "hit " not in "\n".join(line for line in outcome.text.splitlines() if "checkpoint-" in line)


def test_a_clock_that_goes_backwards_changes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    future = time.time() + 10 * 365 * 24 * 3600
    for path in world.cache.rglob("*"):
        if not path.is_symlink() and path.name in (MANIFEST, "files"):
            os.utime(path, (future, future))
    past = itertools.count(int(time.time()), -3600)
    monkeypatch.setattr(time, "time", lambda: float(next(past)))
    outcome = world.run("-m", "not perf", "-v")
    assert outcome.exit_code == 0, outcome.text
    assert "miss " not in outcome.text
    assert "damaged " not in outcome.text
    assert verified(world.folder / "evidence") == 1, "INCOMPLETE, and whole: perf is missing"


def verified(evidence: Path) -> int:
    """What verify_bundle.py ends with: 0 accepted (or simulated), 1 not accepted, 2 damaged."""
    words = [sys.executable, "-IS", str(ROOT / "tools" / "verify_bundle.py"), str(evidence)]
    return subprocess.run(words, check=False, capture_output=True).returncode


# Files that are edited under the run


def repaint(folder: Path) -> None:
    """Put another photograph in the place of the first one."""
    first, second, *_ = sorted(folder.iterdir())
    first.write_bytes(second.read_bytes())


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_image_edited_between_its_digest_and_the_end_is_seen_and_once_restored_forgotten(
    when: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = own_images(world)
    first = min(folder.iterdir())
    content = first.read_bytes()
    world.forget("pixels", "bins")
    right = Store._build

    def build(self: Store, recipe: Recipe, *rest: object) -> None:
        if recipe.kind == "pixels" and when == "before":
            repaint(folder)
        right(self, recipe, *rest)  # type: ignore[arg-type]
        if recipe.kind == "pixels" and when == "after":
            repaint(folder)

    monkeypatch.setattr(Store, "_build", build)
    outcome = run_on_own(world, "preprocessing")
    assert "preprocessing.images" in outcome.failed, outcome.text
    assert outcome.exit_code == 1
    monkeypatch.setattr(Store, "_build", right)
    first.write_bytes(content)
    again = run_on_own(world, "preprocessing")
    assert again.exit_code == 0, again.text


def test_labels_edited_after_they_were_read_are_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _, labels = own_images(world)
    right = content.file_digests

    def digest(files: list[Path]) -> dict[str, str]:
        lines = labels.read_text().splitlines()
        labels.write_text("\n".join([lines[0].split()[0] + " 7", *lines[1:]]) + "\n")
        return right(files)

    monkeypatch.setattr(content, "file_digests", digest)
    outcome = run_on_own(world, "preprocessing")
    assert "preprocessing.labels" in outcome.failed, outcome.text


def run_on_own(world: World, stage: str) -> Outcome:
    """Run a stage on the world's own images."""
    return world.run("-m", stage, *(word.format(folder=world.folder) for word in OWN), sample=False)


def test_a_port_edited_under_the_run_is_in_the_bundle_as_it_was_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = world.port.read_bytes()
    right = publishing.publish

    def publish(*words: Any) -> publishing.Published:  # noqa: ANN401 - whatever is published
        world.edit_port("opset: {exactly: 11", "opset: {exactly: 12")
        return right(*words)

    monkeypatch.setattr("fixtures.collector.publish", publish)
    outcome = world.run("-m", "checkpoint")
    assert outcome.exit_code == 0, outcome.text
    assert (world.folder / "evidence" / PORT / world.port.name).read_bytes() == read
    assert verified(world.folder / "evidence") == 1


def test_a_worker_that_reads_another_port_refuses_to_judge_by_it(world: World) -> None:
    read = {world.port.name: world.port.read_bytes()}
    assert _read_port(world.port, read, sample=False).files == read
    world.edit_port("opset: {exactly: 11", "opset: {exactly: 12")
    with pytest.raises(SpecError, match="edited while the run began"):
        _read_port(world.port, read, sample=False)


def test_a_checkpoint_replaced_between_its_md5_and_its_loading_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = next(world.cache.glob("sample-checkpoint/*/files/*.pth"))
    own = world.folder / "own.pth"
    own.hardlink_to(found)

    def replace(path: Path) -> str:
        own.unlink()
        own.write_bytes(b"another checkpoint")
        return sha256_of(path)

    monkeypatch.setattr("tools.pipeline.checkpoint.sha256_of", replace)
    outcome = world.run("-m", "checkpoint", f"--checkpoint={own}", sample=False)
    assert outcome.failed[:1] == ["checkpoint.md5"], outcome.text
    assert "this is not the published checkpoint" in outcome.text


# Signals


@pytest.mark.parametrize(
    "number", [pytest.param(signal.SIGINT, marks=pytest.mark.nightly), signal.SIGTERM, signal.SIGKILL]
)
def test_a_run_that_is_ended_while_a_tool_hangs_leaves_no_process_and_says_interrupted(
    number: signal.Signals, world: World
) -> None:
    world.only_batches(1)
    world.forget("om")
    run = start(world, "ended", "-m", "not perf", ASCEND_SIMULATOR_FAULT="atc:hang")
    while run.poll() is None and not hanging(world):
        wait_a_little(run)
    os.kill(run.pid, number)
    run.wait()
    while left := checks.processes(f"{world.folder}/ended"):
        assert all(GUARD.name in command or "atc" in command for command in left.values())
        os.sched_yield()
    assert checks.held_locks(world.cache) == []
    assert checks.cache_problems(world.cache, DIGESTS) == []
    evidence = world.folder / "ended"
    if number is signal.SIGKILL:
        assert not evidence.exists()
        return
    assert run.returncode == pytest.ExitCode.INTERRUPTED
    record = read_acceptance(evidence)
    assert (record.verdict.word, bool(record.interrupted)) == (Word.INCOMPLETE, True)
    assert {gate.check.verdict for gate in record.gates if gate.id.startswith("checkpoint.")} == {Verdict.PASS}
    assert verified(evidence) == 1


def wait_a_little(run: subprocess.Popen[bytes]) -> None:
    """Leave the cores to the run; an end of it is noticed at once."""
    with suppress(subprocess.TimeoutExpired):
        run.wait(0.05)


def hanging(world: World) -> bool:
    """Whether atc has begun to speak: it will not end by itself."""
    told = (world.cache / ".partial").glob("om-*/files/logs/std*.txt")
    return any(path.stat().st_size > 0 for path in told)


# The moments of publishing


def test_a_bundle_that_cannot_take_its_place_leaves_the_earlier_one_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "evidence"
    Made(SMALL).write(place)
    before, right = bundle_bytes(place), Path.rename
    shutil.rmtree(place.with_suffix(".work"))

    def rename(path: Path, target: Path) -> Path:
        if path.suffix == ".partial" and target == place:
            raise NO_SPACE
        return right(path, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OSError, match="No space left"):
        Made(SMALL).write(place)
    (aside,) = tmp_path.glob("evidence.earlier-*")
    assert bundle_bytes(aside) == before


def test_pieces_of_a_killed_run_with_our_own_pid_are_not_ours(tmp_path: Path) -> None:
    """In a container every run may be process 7, and the folder outlives it."""
    leftover = tmp_path / f".evidence.{os.getpid()}.partial"
    (leftover / "pieces" / "VariantRecord").mkdir(parents=True)
    assert open_staging(tmp_path / "evidence", NO_SCRUBBING).folder == leftover
    assert list(leftover.iterdir()) == []


# The campaign's own checks can fail


RECIPE = Recipe("bins", {"images": "abc"})
SPOILED: dict[str, Callable[[Path], object]] = {
    "cut short": lambda place: os.truncate(place / "files" / "a.bin", 10),
    "is an unfinished file": lambda place: (place / "files" / ".b.bin.7.partial").touch(),
    "no manifest": lambda place: (place / MANIFEST).unlink(),
    "half a manifest": lambda place: os.truncate(place / MANIFEST, 20),
    "a file lost": lambda place: (place / "files" / "a.bin").unlink(),
}


@pytest.mark.parametrize("how", SPOILED)
def test_the_campaign_sees_an_artifact_that_is_not_whole(how: str, tmp_path: Path) -> None:
    made = Store(tmp_path, "run").get(RECIPE, lambda folder: print_into(folder / "a.bin"))
    assert checks.cache_problems(tmp_path, checks.Digests()) == []
    SPOILED[how](made.path.parent)
    assert checks.cache_problems(tmp_path, checks.Digests()) != []


def print_into(path: Path) -> None:
    """Write something to cut."""
    path.write_bytes(b"x" * 100)


def test_the_campaign_sees_a_store_that_does_not_check_digests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = made_after_damage(tmp_path / "sound")
    monkeypatch.setattr(Store, "_why_not", lambda self, place, *rest: "" if place.exists() else "absent")
    found = made_after_damage(tmp_path / "trusting")
    assert checks.differences({"contents": expected}, {"contents": found}) == ["contents"]
    assert checks.cache_problems(tmp_path / "sound", checks.Digests()) == []
    assert checks.cache_problems(tmp_path / "trusting", checks.Digests()) != []


def made_after_damage(cache: Path) -> set[tuple[str, str]]:
    """The contents of a cache whose only artifact was cut short and then asked for again."""
    for run in ("first", "second"):
        made = Store(cache, run).get(RECIPE, lambda folder: print_into(folder / "a.bin"))
        if run == "first":
            os.truncate(made.path / "a.bin", 10)
    return checks.contents(cache, checks.Digests())


def test_the_campaign_sees_a_store_that_publishes_before_it_is_done(tmp_path: Path) -> None:
    """As if builds wrote under the final name: a killed one is there for the next run."""
    place = tmp_path / "bins" / "key" / "files"
    place.mkdir(parents=True)
    print_into(place / "a.bin")
    assert len(checks.cache_problems(tmp_path, checks.Digests())) == 1


def test_the_campaign_sees_a_lock_that_is_held(tmp_path: Path) -> None:
    (tmp_path / ".locks").mkdir()
    with (tmp_path / ".locks" / "om-key.lock").open("wb") as handle:
        assert checks.held_locks(tmp_path) == []
        fcntl.flock(handle, fcntl.LOCK_EX)
        assert checks.held_locks(tmp_path) == ["om-key.lock"]


def test_the_campaign_sees_a_process_whose_parent_is_gone(tmp_path: Path) -> None:
    body = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'input()'], stdin=int(sys.argv[1]))"
    reading, writing = os.pipe()
    subprocess.run(
        [sys.executable, "-c", body, str(reading)],
        env={**os.environ, checks.MARK: str(tmp_path)},
        pass_fds=[reading],
        check=True,
    )
    assert ["input()" in command for command in checks.processes(str(tmp_path)).values()] == [True]
    os.close(writing)
    os.close(reading)
    while checks.processes(str(tmp_path)):
        os.sched_yield()


def test_the_campaign_sees_evidence_that_is_not_whole(tmp_path: Path) -> None:
    place = Made(SMALL).write(tmp_path / "evidence")
    assert checks.evidence_problems(tmp_path / "none") == []
    assert checks.evidence_problems(place) == []
    (place / "predictions" / "labels.npy").unlink()
    assert "labels.npy" in checks.evidence_problems(place)[0]


def test_the_campaign_sees_other_figures(tmp_path: Path) -> None:
    place = Made(SMALL).write(tmp_path / "evidence")
    expected = checks.figures(place)
    record = read_acceptance(place)
    first, *others = record.gates
    check = dataclasses.replace(first.check, verdict=Verdict.FAIL)
    changed = dataclasses.replace(record, gates=(dataclasses.replace(first, check=check), *others))
    write_acceptance(place, changed)
    assert checks.differences(expected, checks.figures(place)) == [f"gates: {first.id}"]
    (place / "predictions" / "labels.npy").write_bytes(b"others")
    assert "labels.npy: sha256" in checks.differences(expected, checks.figures(place))
