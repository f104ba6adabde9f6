"""Nothing is unpickled before its md5 was found right, and then only a plain state_dict, without running code."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tools.base.errors import CheckpointError, SpecError
from tools.judge.spec import Checkpoint
from tools.model.checkpoint import build_model, compare_with_network, load_state_dict
from tools.model.torchvision_ops import import_torchvision

NETWORK = "squeezenet1_1"
SMALL = {"a.weight": torch.arange(10.0), "a.bias": torch.ones(2, 2)}


class Touch:
    """Unpickling this makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, int]]:
        return os.mknod, (self.path, 0o600)


def bytes_of(content: object, *, zipped: bool = True) -> bytes:
    """What torch.save writes."""
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


def published(content: bytes) -> Checkpoint:
    """A spec that expects exactly these bytes."""
    md5 = hashlib.md5(content).hexdigest()
    return Checkpoint(file="own.pth", url=None, md5=md5, content_sha256=None, source="test")


def load(folder: Path, content: bytes, expected: bytes | None = None) -> dict[str, torch.Tensor]:
    """Load a file of these bytes, while the spec expects `expected`."""
    path = folder / "own.pth"
    path.write_bytes(content)
    return load_state_dict(path, published(content if expected is None else expected))


def refused(folder: Path, content: bytes, gate: str, expected: bytes | None = None) -> str:
    """The words with which these bytes are refused."""
    with pytest.raises(CheckpointError) as caught:
        load(folder, content, expected)
    assert caught.value.gate == gate
    assert str(caught.value).startswith(str(folder / "own.pth"))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_a_state_dict_is_loaded_as_it_was_saved(tmp_path: Path, zipped: bool) -> None:
    loaded = load(tmp_path, bytes_of(SMALL, zipped=zipped))
    assert list(loaded) == list(SMALL)
    assert all(torch.equal(loaded[name], SMALL[name]) for name in SMALL)


def test_another_md5_is_refused_before_torch_sees_a_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "load", None)
    content = bytes_of(SMALL)
    message = refused(tmp_path, content[:-1], "checkpoint.md5", expected=content)
    assert f"found md5 {hashlib.md5(content[:-1]).hexdigest()} ({len(content) - 1} bytes)" in message
    assert f"allowed md5 {hashlib.md5(content).hexdigest()}" in message


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_code_in_the_pickle_is_never_run(tmp_path: Path, zipped: bool) -> None:
    content = bytes_of({"a": Touch(tmp_path / "touched")}, zipped=zipped)
    message = refused(tmp_path, content, "checkpoint.loads")
    assert "not a plain state_dict of tensors" in message
    assert not (tmp_path / "touched").exists()


OTHERS: dict[str, tuple[object, str]] = {
    "a training state": ({"epoch": 90, "state_dict": {}}, "entry 'epoch' is not a named dense tensor"),
    "a tensor alone": (torch.ones(3), "it holds a Tensor"),
    "a list": ([torch.ones(3)], "it holds a list"),
    "nothing": ({}, "it holds a dict"),
    "a number for a name": ({1: torch.ones(3)}, "entry '1' is not"),
    "a sparse tensor": ({"a": torch.eye(3).to_sparse()}, "entry 'a' is not"),
    "a tensor without memory": ({"a": torch.empty(3, device="meta")}, "entry 'a' is not"),
}


@pytest.mark.parametrize("other", OTHERS)
def test_what_is_no_state_dict_is_named(tmp_path: Path, other: str) -> None:
    content, named = OTHERS[other]
    assert named in refused(tmp_path, bytes_of(content), "checkpoint.loads")


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.5, 0.9])
def test_no_cut_file_passes_even_with_the_right_md5(tmp_path: Path, zipped: bool, share: float) -> None:
    content = bytes_of(SMALL, zipped=zipped)
    refused(tmp_path, content[: int(len(content) * share)], "checkpoint.loads")


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_no_damaged_file_ends_in_anything_but_a_refusal(tmp_path: Path) -> None:
    content = bytes_of(SMALL, zipped=False)
    for position in range(0, len(content), 3):
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        try:
            load(tmp_path, bytes(damaged))
        except CheckpointError as error:
            assert error.gate == "checkpoint.loads"  # noqa: PT017 - a flipped weight loads, and is the digest's to see


@pytest.mark.parametrize("kind", ["nothing", "a folder"])
def test_what_is_no_file_is_named_with_the_remedy(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "own.pth"
    if kind == "a folder":
        path.mkdir()
    with pytest.raises(CheckpointError, match=r"no such checkpoint file.*fetch_checkpoint\.py"):
        load_state_dict(path, published(b""))


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    (tmp_path / "own.pth").touch()
    with pytest.raises(CheckpointError, match="cannot read the checkpoint: Permission denied") as caught:
        load_state_dict(tmp_path / "own.pth", published(b""))
    assert caught.value.gate == "checkpoint.md5"


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    """The network's own random weights."""
    return dict(import_torchvision().models.get_model(NETWORK, weights=None).state_dict())


def test_the_networks_own_weights_fit(weights: dict[str, torch.Tensor]) -> None:
    facts = compare_with_network(weights, NETWORK)
    assert facts.expected == len(weights)
    assert (facts.missing, facts.unexpected, facts.misshapen, facts.not_finite) == ((), (), (), ())


def test_every_difference_is_found_under_its_own_name(weights: dict[str, torch.Tensor]) -> None:
    missing, other_shape, other_type, broken, *_ = weights
    spoiled = dict(weights)
    del spoiled[missing]
    spoiled["extra"] = torch.ones(1)
    spoiled[other_shape] = spoiled[other_shape][:1]
    spoiled[other_type] = spoiled[other_type].half()
    spoiled[broken] = torch.full_like(spoiled[broken], float("-inf"))
    facts = compare_with_network(spoiled, NETWORK)
    assert (facts.missing, facts.unexpected, facts.not_finite) == ((missing,), ("extra",), (broken,))
    assert [entry.partition(":")[0] for entry in facts.misshapen] == sorted([other_shape, other_type])
    assert "torch.float16" in " ".join(facts.misshapen)


def test_the_model_computes_and_does_not_drop_at_random(weights: dict[str, torch.Tensor]) -> None:
    model = build_model(weights, NETWORK)
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())
    images = torch.ones(1, 3, 64, 64)
    assert torch.equal(model(images), model(images))


def test_weights_that_do_not_fit_are_an_error_of_the_checkpoint() -> None:
    with pytest.raises(CheckpointError, match=f"do not fit {NETWORK}") as caught:
        build_model(SMALL, NETWORK)
    assert caught.value.gate == "checkpoint.keys"


def test_a_network_that_torchvision_does_not_have_is_an_error_of_the_spec() -> None:
    with pytest.raises(SpecError, match=r"model\.factory: torchvision has no such network; found alexnett"):
        build_model(SMALL, "alexnett")
