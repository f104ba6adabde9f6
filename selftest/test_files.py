"""A file is whole or absent, whatever interrupts its writing, and digests are those of its bytes."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import resource
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools.base.files import SCRATCH_LOCK, SETTLED_NS, atomic, cpu_count, md5_of, scratch_folder, sha256_of


def test_the_final_name_appears_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "new" / "result.json"
    with atomic(path) as partial:
        partial.write_bytes(b"whole")
        assert not path.exists()
    assert path.read_bytes() == b"whole"
    assert [entry.name for entry in path.parent.iterdir()] == ["result.json"]


def _break_off(path: Path, error: type[BaseException]) -> None:
    with atomic(path) as partial:
        partial.write_bytes(b"half")
        raise error


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_leaves_the_earlier_file_as_it_was(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "result.json"
    path.write_bytes(b"earlier")
    with pytest.raises(error):
        _break_off(path, error)
    assert {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()} == {"result.json": b"earlier"}


def test_a_block_that_writes_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic(tmp_path / "result.json"):
        pass
    assert list(tmp_path.iterdir()) == []


def _die_half_way(path: Path) -> None:
    with atomic(path) as partial:
        partial.write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_writer_leaves_nothing_under_the_final_name(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    writer = multiprocessing.get_context("fork").Process(target=_die_half_way, args=(path,))
    writer.start()
    writer.join()
    assert writer.exitcode == -signal.SIGKILL
    assert not path.exists()
    assert [entry.name for entry in tmp_path.iterdir()] == [f".result.json.{writer.pid}.partial"]


def _write_much(path: Path) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    try:
        with atomic(path) as partial:
            partial.write_bytes(bytes(5000))
    except OSError:
        os._exit(7)


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    writer = multiprocessing.get_context("fork").Process(target=_write_much, args=(tmp_path / "result.bin",))
    writer.start()
    writer.join()
    assert writer.exitcode == 7
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_scratch_folder_is_there_for_the_block_only(scratch: Path) -> None:
    with scratch_folder("dumps-") as folder:
        assert folder.parent == scratch
        (folder / "big").touch()
    assert list(scratch.iterdir()) == []


def _die_in_a_scratch_folder() -> None:
    with scratch_folder("dumps-") as folder:
        (folder / "big").touch()
        os.kill(os.getpid(), signal.SIGKILL)


def test_the_next_run_removes_what_a_killed_one_left_and_not_what_is_in_use(scratch: Path) -> None:
    owner = multiprocessing.get_context("fork").Process(target=_die_in_a_scratch_folder)
    owner.start()
    owner.join()
    (left,) = scratch.iterdir()
    (scratch / "dumps-of-the-user").mkdir()
    with scratch_folder("dumps-") as mine, scratch_folder("dumps-") as beside:
        assert not left.exists()
        assert mine.is_dir()
        assert beside.is_dir()
        assert (scratch / "dumps-of-the-user").is_dir()
        assert (mine / SCRATCH_LOCK).is_file()


def test_digests_are_those_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    content = bytes(range(256)) * 10_000
    path.write_bytes(content)
    assert md5_of(path) == hashlib.md5(content).hexdigest()
    assert sha256_of(path) == hashlib.sha256(content).hexdigest()


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files whose bytes were read for a digest, as time goes on."""
    names: list[str] = []
    right = hashlib.file_digest

    def counted(handle: Any, new: Callable[[], Any]) -> Any:  # noqa: ANN401 - hashlib's own
        names.append(Path(handle.name).name)
        return right(handle, new)

    monkeypatch.setattr(hashlib, "file_digest", counted)
    return names


def rested(path: Path, monkeypatch: pytest.MonkeyPatch, nanoseconds: int) -> None:
    """Let it be so long since the file was changed."""
    monkeypatch.setattr(time, "time_ns", lambda: path.stat().st_ctime_ns + nanoseconds)


def test_a_file_that_rests_is_read_once_for_each_kind_of_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: list[str]
) -> None:
    path, other = tmp_path / "file", tmp_path / "link"
    path.write_bytes(b"one")
    other.symlink_to(path)
    rested(path, monkeypatch, SETTLED_NS + 1)
    digests = [(sha256_of(name), md5_of(name)) for name in (path, other, path)]
    assert digests == [(hashlib.sha256(b"one").hexdigest(), hashlib.md5(b"one").hexdigest())] * 3
    assert taken == ["file", "file"]


@pytest.mark.parametrize("how", ["in place", "replaced", "by a link to it"])
def test_a_change_is_seen_though_size_and_modification_time_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    path, aside = tmp_path / "file", tmp_path / "aside"
    path.write_bytes(b"one")
    rested(path, monkeypatch, SETTLED_NS + 1)
    before = path.stat()
    assert sha256_of(path) == hashlib.sha256(b"one").hexdigest()
    if how == "by a link to it":
        aside.hardlink_to(path)
    (path if how == "in place" else aside).write_bytes(b"two")
    os.utime(path if how == "in place" else aside, ns=(before.st_atime_ns, before.st_mtime_ns))
    if how == "replaced":
        aside.replace(path)
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert sha256_of(path) == hashlib.sha256(b"two").hexdigest()


def test_a_file_that_was_just_written_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: list[str]
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    rested(path, monkeypatch, SETTLED_NS)
    assert sha256_of(path) == sha256_of(path)
    assert taken == ["file", "file"]


def test_cores_are_those_that_this_process_may_use() -> None:
    assert cpu_count() == len(os.sched_getaffinity(0))
