"""A file is whole or absent, whatever interrupts its writing, and digests are those of its bytes."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import resource
import signal
import tempfile
from pathlib import Path

import pytest

from tools.base.files import SCRATCH_LOCK, atomic, cpu_count, md5_of, scratch_folder, sha256_of


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


def test_cores_are_those_that_this_process_may_use() -> None:
    assert cpu_count() == len(os.sched_getaffinity(0))
