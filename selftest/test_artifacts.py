"""The store gives back what was made from the same things, whole, or makes it again; it never trusts a half one."""

from __future__ import annotations

import dataclasses
import errno
import multiprocessing
import os
import resource
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from multiprocessing.context import ForkContext
from multiprocessing.queues import SimpleQueue
from pathlib import Path

import msgspec
import pytest

from tools.base import errors, reading
from tools.base.errors import OnnxError
from tools.store import dependencies, facts
from tools.store.artifacts import MANIFEST, Artifact, Manifest, Origin, Recipe, Store, StoreError

FORK: ForkContext = multiprocessing.get_context("fork")
RECIPE = Recipe("onnx", {"checkpoint": "abc", "opset": "11"}, (errors,))
NOBODY = 65534


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "cache", "run-1")


class Builder:
    """A build that counts how often it ran."""

    def __init__(self, content: bytes = b"made") -> None:
        self.content, self.times = content, 0

    def __call__(self, folder: Path) -> None:
        """Write two files, one in a folder of its own."""
        self.times += 1
        (folder / "model.onnx").write_bytes(self.content)
        (folder / "logs").mkdir()
        (folder / "logs" / "out.txt").write_text("log")


def files_of(artifact: Artifact) -> dict[str, bytes]:
    """Every file of an artifact by its relative path."""
    found = (path for path in artifact.path.rglob("*") if path.is_file())
    return {str(path.relative_to(artifact.path)): path.read_bytes() for path in found}


def in_child(body: Callable[[], None]) -> int:
    """Run this in a child process; its exit code, 0 when nothing was raised."""
    child = FORK.Process(target=body)
    child.start()
    child.join()
    assert child.exitcode is not None
    return child.exitcode


def _discard(result: object) -> None:
    """For a lambda that must return nothing."""


def test_what_was_made_once_is_found_again(store: Store) -> None:
    build = Builder()
    first, second = store.get(RECIPE, build), store.get(RECIPE, build)
    assert (first.origin, first.why) == (Origin.MISS, "no onnx was made yet")
    assert (second.origin, second.why) == (Origin.HIT, "")
    assert build.times == 1
    assert first.path == second.path
    assert files_of(second) == {"model.onnx": b"made", "logs/out.txt": b"log"}


def test_nobody_else_may_write_what_the_store_keeps(store: Store) -> None:
    before = os.umask(0o000)
    try:
        made = store.get(RECIPE, Builder())
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o022 for path in made.path.rglob("*") if path.is_file()} == {0}


def test_another_run_finds_it_too(store: Store) -> None:
    store.get(RECIPE, Builder())
    assert Store(store.root, "run-2").get(RECIPE, Builder()).origin is Origin.HIT


def test_what_another_run_made_is_said_with_its_date(store: Store) -> None:
    made = store.get(RECIPE, Builder())
    again = Store(store.root, "run-2").get(RECIPE, Builder())
    assert [made.reused, again.reused] == [False, True]
    assert again.made_utc == made.made_utc
    assert abs((datetime.now(UTC) - datetime.fromisoformat(made.made_utc)).total_seconds()) < 600


def test_what_must_be_of_this_run_is_made_again_by_the_next(store: Store) -> None:
    moment = dataclasses.replace(RECIPE, of_this_run=True)
    assert [store.get(moment, Builder()).origin for _ in range(2)] == [Origin.MISS, Origin.HIT]
    again = Store(store.root, "run-2").get(moment, Builder())
    assert (again.origin, again.why, again.reused) == (Origin.MISS, "it was made in another run", False)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (Recipe("onnx", {"checkpoint": "abc", "opset": "12"}, (errors,)), "changed: opset"),
        (Recipe("onnx", {"checkpoint": "x", "opset": "12"}, (errors,)), "changed: checkpoint, opset"),
        (Recipe("onnx", {"checkpoint": "abc"}, (errors,)), "changed: opset"),
        (Recipe("onnx", {**RECIPE.inputs, "more": ""}, (errors,)), "changed: more"),
        (Recipe("onnx", RECIPE.inputs, (errors, reading)), "changed: code tools.base.reading"),
        (Recipe("om", RECIPE.inputs, (errors,)), "no om was made yet"),
    ],
)
def test_whatever_changed_is_the_reason_of_a_miss(store: Store, changed: Recipe, why: str) -> None:
    store.get(RECIPE, Builder())
    artifact = store.get(changed, Builder(b"other"))
    assert (artifact.origin, artifact.why) == (Origin.MISS, why)
    assert files_of(store.get(RECIPE, Builder()))["model.onnx"] == b"made"


def test_another_version_of_a_library_is_a_miss(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe("onnx", {"checkpoint": "abc"}, (facts,))
    store.get(recipe, Builder())
    monkeypatch.setattr(dependencies, "version", lambda library: "0.0.1")
    assert store.get(recipe, Builder()).why == "changed: version msgspec"


def test_the_nearest_of_several_explains_a_miss(store: Store) -> None:
    for inputs in ({"a": "1", "b": "1", "c": "1"}, {"a": "2", "b": "2", "c": "2"}):
        store.get(Recipe("onnx", inputs), Builder())
    assert store.get(Recipe("onnx", {"a": "2", "b": "2", "c": "3"}), Builder()).why == "changed: c"


def _flip(place: Path) -> None:
    (place / "files" / "model.onnx").write_bytes(b"mad3")


def _same_size_and_time(place: Path) -> None:
    path = place / "files" / "model.onnx"
    before = path.stat()
    path.write_bytes(b"mdae")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _emptied(place: Path) -> None:
    shutil.rmtree(place / "files")
    (place / "files").mkdir()
    manifest = msgspec.json.decode((place / MANIFEST).read_bytes(), type=Manifest)
    (place / MANIFEST).write_bytes(msgspec.json.encode(msgspec.structs.replace(manifest, files={})))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "a byte changed": _flip,
    "a byte changed, size and time the same": _same_size_and_time,
    "a file missing": lambda place: (place / "files" / "logs" / "out.txt").unlink(),
    "a stray file": lambda place: (place / "files" / "stray").touch(),
    "a file renamed": lambda place: (place / "files" / "model.onnx").rename(place / "files" / "other.onnx"),
    "all files missing": lambda place: shutil.rmtree(place / "files"),
    "no manifest": lambda place: (place / MANIFEST).unlink(),
    "an empty manifest": lambda place: (place / MANIFEST).write_bytes(b""),
    "no files at all, and a manifest that says so": _emptied,
    "half a manifest": lambda place: os.truncate(place / MANIFEST, 30),
    "a manifest that is a list": lambda place: (place / MANIFEST).write_bytes(b"[]"),
    "a manifest that is no text": lambda place: (place / MANIFEST).write_bytes(b'{"layout": "\xff"}'),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_artifact_is_made_again(store: Store, damage: str) -> None:
    first = store.get(RECIPE, Builder())
    DAMAGE[damage](first.path.parent)
    build = Builder()
    again = store.get(RECIPE, build)
    assert (again.origin, build.times) == (Origin.DAMAGED, 1)
    assert str(first.path.parent) in again.why
    assert files_of(again) == {"model.onnx": b"made", "logs/out.txt": b"log"}
    assert store.get(RECIPE, build).origin is Origin.HIT


@pytest.mark.parametrize("field", ["layout", "inputs"])
def test_a_manifest_of_another_layout_or_of_other_inputs_is_not_believed(store: Store, field: str) -> None:
    path = store.get(RECIPE, Builder()).path.parent / MANIFEST
    manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    other = {"layout": manifest.layout + 1} if field == "layout" else {"inputs": {"checkpoint": "of another"}}
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(manifest, **other)))
    assert store.get(RECIPE, Builder()).origin is Origin.DAMAGED


def test_half_files_of_the_build_are_not_published(store: Store) -> None:
    def build(folder: Path) -> None:
        (folder / "a").touch()
        (folder / ".b.123.partial").write_bytes(b"half")

    assert files_of(store.get(RECIPE, build)) == {"a": b""}


def test_a_build_that_makes_nothing_is_an_error(store: Store) -> None:
    with pytest.raises(StoreError, match="the build made nothing"):
        store.get(RECIPE, lambda folder: None)
    assert store.get(RECIPE, Builder()).origin is Origin.MISS


def _refuse(folder: Path) -> None:
    raise OnnxError("torch could not export", gate="onnx.export", where="model.onnx", measured=0, fix="try again")


def test_a_failure_is_remembered_in_its_run_and_not_in_the_next(store: Store) -> None:
    with pytest.raises(OnnxError) as first:
        store.get(RECIPE, _refuse)
    build = Builder()
    with pytest.raises(OnnxError) as second:
        Store(store.root, "run-1").get(RECIPE, build)
    assert build.times == 0
    assert (str(second.value), second.value.gate) == (str(first.value), "onnx.export")
    assert Store(store.root, "run-2").get(RECIPE, build).origin is Origin.MISS


def test_a_failure_blocks_no_other_artifact(store: Store) -> None:
    with pytest.raises(OnnxError):
        store.get(RECIPE, _refuse)
    assert store.get(Recipe("onnx", {"checkpoint": "other"}), Builder()).origin is Origin.MISS


def test_an_error_of_the_program_is_not_remembered(store: Store) -> None:
    def defect(folder: Path) -> None:
        (folder / "half").touch()
        raise AssertionError("a defect")

    with pytest.raises(AssertionError):
        store.get(RECIPE, defect)
    assert files_of(store.get(RECIPE, Builder())) == {"model.onnx": b"made", "logs/out.txt": b"log"}


def _get_often(root: Path, count: int, log: Path, together: object) -> None:
    def build(folder: Path) -> None:
        with log.open("a") as lines:
            lines.write("built\n")
        (folder / "a").write_bytes(b"x" * 100_000)

    together.wait()  # type: ignore[attr-defined]
    for number in range(count):
        Store(root, "run-1").get(Recipe("onnx", {"number": str(number)}), build)


def test_several_processes_build_each_artifact_once(tmp_path: Path) -> None:
    together, log = FORK.Barrier(3), tmp_path / "log"
    workers = [FORK.Process(target=_get_often, args=(tmp_path / "cache", 10, log, together)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert log.read_text().splitlines() == ["built"] * 10


def _wait_for(queue: SimpleQueue[str], store: Store, recipe: Recipe) -> None:
    queue.put(str(store.get(recipe, Builder()).origin))


def test_another_key_is_not_kept_waiting(store: Store) -> None:
    queue: SimpleQueue[str] = FORK.SimpleQueue()

    def build(folder: Path) -> None:
        other = FORK.Process(target=_wait_for, args=(queue, store, Recipe("onnx", {"checkpoint": "other"})))
        other.start()
        (folder / "origin").write_text(queue.get())
        other.join()

    assert files_of(store.get(RECIPE, build)) == {"origin": b"miss"}


def _die(how: str) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        (folder / "first.bin").write_bytes(b"whole")
        (folder / ".second.bin.77.partial").write_bytes(b"half")
        if how == "exit":
            os._exit(9)
        os.kill(os.getpid(), signal.SIGKILL)

    return build


@pytest.mark.parametrize("how", ["exit", "kill"])
@pytest.mark.parametrize("resumable", [False, True], ids=["fresh", "resumable"])
def test_a_crash_leaves_nothing_trusted_and_no_lock(store: Store, how: str, resumable: bool) -> None:
    recipe = Recipe("bins", {"images": "abc"}, resumable=resumable)
    assert in_child(lambda: _discard(store.get(recipe, _die(how)))) == (9 if how == "exit" else -signal.SIGKILL)
    seen: list[str] = []

    def build(folder: Path) -> None:
        seen.extend(sorted(path.name for path in folder.iterdir()))
        (folder / "second.bin").write_bytes(b"whole")

    artifact = store.get(recipe, build)
    assert artifact.origin is Origin.MISS
    assert seen == ([".second.bin.77.partial", "first.bin"] if resumable else [])
    assert sorted(files_of(artifact)) == (["first.bin", "second.bin"] if resumable else ["second.bin"])


def test_an_interrupt_is_resumed_from(store: Store) -> None:
    recipe = Recipe("bins", {}, resumable=True)

    def interrupted(folder: Path) -> None:
        (folder / "first.bin").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.get(recipe, interrupted)
    artifact = store.get(recipe, lambda folder: (folder / "second.bin").touch())
    assert sorted(files_of(artifact)) == ["first.bin", "second.bin"]


def _fill_the_disk(store: Store, recipe: Recipe) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
    try:
        store.get(recipe, lambda folder: _discard((folder / "big.bin").write_bytes(bytes(100_000))))
    except StoreError as error:
        assert "cannot use the store" in str(error)  # noqa: PT017 - in a child process
        assert "--cache" in str(error)  # noqa: PT017
        os._exit(7)


def test_a_full_disk_is_one_clear_error_and_nothing_is_trusted(store: Store) -> None:
    assert in_child(lambda: _fill_the_disk(store, RECIPE)) == 7
    artifact = store.get(RECIPE, Builder())
    assert (artifact.origin, sorted(files_of(artifact))) == (Origin.MISS, ["logs/out.txt", "model.onnx"])


def _write_as_torch_does(folder: Path) -> None:
    try:
        raise OSError(errno.ENOSPC, "No space left on device")
    except OSError:
        raise RuntimeError("[enforce fail at inline_container.cc:672] unexpected pos")  # noqa: B904 - as torch does


def test_a_full_disk_behind_a_librarys_own_error_is_told_as_one(store: Store) -> None:
    with pytest.raises(StoreError, match=r"cannot use the store: .*No space left"):
        store.get(RECIPE, _write_as_torch_does)


def test_a_librarys_own_error_stays_one(store: Store) -> None:
    def fail(folder: Path) -> None:
        raise RuntimeError("a defect")

    with pytest.raises(RuntimeError, match="a defect"):
        store.get(RECIPE, fail)


def test_a_file_that_vanishes_under_the_build_is_named_and_not_blamed_on_the_store(
    store: Store, tmp_path: Path
) -> None:
    with pytest.raises(StoreError, match="cannot make onnx: No such file") as raised:
        store.get(RECIPE, lambda folder: _discard((tmp_path / "gone.jpg").read_bytes()))
    assert raised.value.where == str(tmp_path / "gone.jpg")


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that other users can reach, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        path.chmod(0o755)
        yield path


def _as_nobody(store: Store) -> None:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    try:
        store.get(RECIPE, Builder())
    except StoreError as error:
        os._exit(7 if "Permission denied" in str(error) else 8)


def test_a_read_only_cache_is_one_clear_error(shared_folder: Path) -> None:
    cache = shared_folder / "cache"
    cache.mkdir()
    cache.chmod(0o555)
    assert in_child(lambda: _as_nobody(Store(cache, "run-1"))) == 7
    assert list(cache.iterdir()) == []


def test_a_file_in_the_caches_place_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    with pytest.raises(StoreError, match="cannot use the store"):
        Store(tmp_path / "cache", "run-1").get(RECIPE, Builder())
