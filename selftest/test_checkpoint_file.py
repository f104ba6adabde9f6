"""Nothing is unpickled before its digests were found right, and then only plain tensors, without running code."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from selftest.checkpoint_files import bytes_of, load, pinned, refused, same, weights
from tools.base.errors import CheckpointError
from tools.judge.spec import Checkpoint
from tools.model.checkpoint import load_state_dict

SMALL = {"a.weight": torch.arange(10.0), "a.bias": torch.ones(2, 2)}
UNPINNED = Checkpoint(file="own.pth", source="test")


class Touch:
    """Unpickling this makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, int]]:
        return os.mknod, (self.path, 0o600)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_a_state_dict_is_loaded_as_it_was_saved(tmp_path: Path, zipped: bool) -> None:
    assert same(load(tmp_path, bytes_of(weights(), zipped=zipped)), weights())


def test_without_a_network_names_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "own.pth").write_bytes(bytes_of(SMALL))
    loaded = load_state_dict(tmp_path / "own.pth", UNPINNED)
    assert list(loaded) == list(SMALL)
    assert same(loaded, SMALL)


def stated(content: bytes, *which: str) -> Checkpoint:
    """A port that states some of the digests of these bytes."""
    sha256 = hashlib.sha256(content).hexdigest()
    known = {"md5": hashlib.md5(content).hexdigest(), "sha256": sha256, "sha256_prefix": sha256[:8]}
    return dataclasses.replace(UNPINNED, **{name: known[name] for name in which})


EVERY_WAY = [(), ("md5",), ("sha256",), ("sha256_prefix",), ("md5", "sha256"), ("md5", "sha256", "sha256_prefix")]


@pytest.mark.parametrize("which", EVERY_WAY, ids=lambda which: "+".join(which) or "unpinned")
def test_a_file_is_loaded_under_whatever_digests_are_stated(tmp_path: Path, which: tuple[str, ...]) -> None:
    content = bytes_of(weights())
    assert same(load(tmp_path, content, stated(content, *which)), weights())


@pytest.mark.parametrize("which", EVERY_WAY[1:], ids="+".join)
def test_another_digest_is_refused_before_torch_sees_a_byte(
    tmp_path: Path, which: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "load", None)
    content = bytes_of(weights())
    algorithm = "md5" if which[0] == "md5" else "sha256"
    said = refused(tmp_path, content[:-1], f"checkpoint.{algorithm}", stated(content, *which))
    found = hashlib.new(algorithm, content[:-1]).hexdigest()
    assert f"found {algorithm} {found} ({len(content) - 1} bytes)" in said
    assert f"allowed {algorithm} {hashlib.new(algorithm, content).hexdigest()[:8]}" in said


def test_another_md5_is_refused_before_torch_sees_a_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "load", None)
    content = bytes_of(weights())
    said = refused(tmp_path, content[:-1], "checkpoint.md5", pinned(content))
    assert f"allowed md5 {hashlib.md5(content).hexdigest()}" in said


def test_the_second_digest_counts_where_the_first_is_right(tmp_path: Path) -> None:
    content = bytes_of(weights())
    refused(tmp_path, content, "checkpoint.sha256", pinned(content, sha256_prefix="0" * 8))


def test_what_is_loaded_is_what_was_digested_whoever_writes_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, torch_load = bytes_of(weights()), torch.load

    def written_to(*args: object, **how: object) -> object:
        (tmp_path / "own.pth").write_bytes(bytes_of(weights(1)))
        with pytest.raises(PermissionError), Path(str(args[0])).open("r+b") as sealed:
            sealed.write(b"other")
        return torch_load(*args, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(torch, "load", written_to)
    assert same(load(tmp_path, content), weights())


def test_a_file_that_was_replaced_since_it_was_looked_at_is_refused_though_nobody_pinned_it(tmp_path: Path) -> None:
    path, content = tmp_path / "own.pth", bytes_of(weights())
    path.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    assert same(dict(load_state_dict(path, UNPINNED, sha256=digest)), weights())
    path.write_bytes(bytes_of(weights(1)))
    with pytest.raises(CheckpointError, match="was replaced while it was worked with"):
        load_state_dict(path, UNPINNED, sha256=digest)


def test_the_tensors_outlive_the_file_and_the_loading(tmp_path: Path) -> None:
    loaded = load(tmp_path, bytes_of(weights()))
    (tmp_path / "own.pth").unlink()
    loaded["0.weight"].add_(1)
    assert torch.equal(loaded["0.weight"], weights()["0.weight"] + 1)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_code_in_the_pickle_is_never_run(tmp_path: Path, zipped: bool) -> None:
    content = bytes_of({"a": Touch(tmp_path / "touched")}, zipped=zipped)
    said = refused(tmp_path, content, "checkpoint.loads")
    assert "not a plain state_dict of tensors: its pickle asks for posix.mknod" in said
    assert not (tmp_path / "touched").exists()


OTHERS: dict[str, tuple[object, str]] = {
    "a training state": ({"epoch": 90, "state_dict": {}}, "entry 'epoch' is not a named dense tensor (int)"),
    "a tensor alone": (torch.ones(3), "it holds a Tensor"),
    "a list": ([torch.ones(3)], "it holds a list"),
    "nothing": ({}, "it holds nothing, a dict"),
    "a number for a name": ({1: torch.ones(3)}, "entry '1' is not"),
    "a sparse tensor": (
        {"a": torch.eye(3).to_sparse()},
        "entry 'a' is not a named dense tensor (a tensor, sparse_coo)",
    ),
    "a tensor without memory": ({"a": torch.empty(3, device="meta")}, "entry 'a' is not"),
    "a command to the terminal": ({"\x1b[2Ja\nb": 1}, r"entry '\x1b[2Ja\nb' is not"),
    "a name without end": ({"a" * 100_000: 1}, "entry 'aaaa"),
}


@pytest.mark.parametrize("other", OTHERS)
def test_what_is_no_state_dict_is_named(tmp_path: Path, other: str) -> None:
    content, named = OTHERS[other]
    said = refused(tmp_path, bytes_of(content), "checkpoint.loads")
    assert named in said
    assert len(said) < 5000


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.5, 0.9])
def test_no_cut_file_passes_even_with_the_right_md5(tmp_path: Path, zipped: bool, share: float) -> None:
    content = bytes_of(SMALL, zipped=zipped)
    said = refused(tmp_path, content[: int(len(content) * share)], "checkpoint.loads")
    assert ("empty" if share == 0 else "cut short" if share > 0.1 else "") in said


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_no_damaged_file_ends_in_anything_but_a_refusal(tmp_path: Path, zipped: bool) -> None:
    content = bytes_of(SMALL, zipped=zipped)
    path = tmp_path / "own.pth"
    for position in range(0, len(content), 3):
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        with contextlib.suppress(CheckpointError):  # a flipped weight loads, and is the digest's to see
            load_state_dict(path, UNPINNED)


def test_a_file_larger_than_memory_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.model.formats.sealed.memory_bytes", lambda: 100)
    (tmp_path / "own.pth").write_bytes(bytes(101))
    with pytest.raises(CheckpointError, match="cannot read the checkpoint: 101 bytes are more than this machine's mem"):
        load_state_dict(tmp_path / "own.pth", UNPINNED)


@pytest.mark.parametrize("kind", ["nothing", "a folder"])
@pytest.mark.parametrize(("which", "gate"), [(("md5",), "md5"), (("sha256_prefix",), "sha256"), ((), "loads")])
def test_what_is_no_file_is_named_with_the_remedy(tmp_path: Path, kind: str, which: tuple[str, ...], gate: str) -> None:
    path = tmp_path / "own.pth"
    if kind == "a folder":
        path.mkdir()
    with pytest.raises(CheckpointError, match=r"no such checkpoint file.*fetch_checkpoint\.py") as caught:
        load_state_dict(path, stated(b"", *which))
    assert caught.value.gate == f"checkpoint.{gate}"


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *args: object, **how: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    (tmp_path / "own.pth").touch()
    with pytest.raises(CheckpointError, match="cannot read the checkpoint: Permission denied") as caught:
        load_state_dict(tmp_path / "own.pth", pinned(b""))
    assert caught.value.gate == "checkpoint.md5"
