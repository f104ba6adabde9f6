"""Faults of the checkpoint: other bytes, code in the pickle, other tensors."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from selftest.faults.fault import Catalogue
from selftest.faults.world import World
from tools.base.files import md5_of
from tools.sample import checkpoint as sample

if TYPE_CHECKING:
    import torch

catalogue = Catalogue("checkpoint")
OWN = "--checkpoint={folder}/own.pth"
SAMPLE_MD5 = "eb1234a7f806fe28f5b6a13da68ee288"


class _Code:
    """Unpickling this would run a command."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("true",)


def own_checkpoint(world: World, content: object) -> Path:
    """Save something as the checkpoint and make the spec expect its md5, so that only the content is wrong."""
    import torch

    path = world.folder / "own.pth"
    with path.open("wb") as handle:
        torch.save(content, handle)
    world.edit_port(SAMPLE_MD5, md5_of(path))
    return path


def clean_weights(world: World) -> dict[str, torch.Tensor]:
    """The sample's weights."""
    import torch

    weights: dict[str, torch.Tensor] = torch.load(world.clean.checkpoint, weights_only=True, mmap=True)
    return weights


def changed_weights(world: World, change: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    """The sample's weights after a change in place, as the checkpoint that the spec expects."""
    state_dict = clean_weights(world)
    change(state_dict)
    own_checkpoint(world, state_dict)


@catalogue.fault("one byte of the pth flipped", "checkpoint.md5", OWN, sample=False)
def flipped_byte(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    path = world.folder / "own.pth"
    content = bytearray(world.clean.checkpoint.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@catalogue.fault("the pth truncated", "checkpoint.md5", OWN, sample=False)
def truncated(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    path = world.folder / "own.pth"
    shutil.copyfile(world.clean.checkpoint, path)
    os.truncate(path, path.stat().st_size - 1)


@catalogue.fault("another sha256 than the port states", "checkpoint.sha256")
def other_sha256(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.edit_port("url: null\n", f"url: null\n    sha256: {'a' * 64}\n")


@catalogue.fault("other first digits of the sha256 than the port states", "checkpoint.sha256")
def other_sha256_prefix(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.edit_port("url: null\n", "url: null\n    sha256_prefix: '00000000'\n")


@catalogue.fault("code in the pickle", "checkpoint.loads", OWN, sample=False)
def code_in_pickle(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    own_checkpoint(world, {"features.0.weight": _Code()})


@catalogue.fault("a whole training state instead of a state_dict", "checkpoint.loads", OWN, sample=False)
def training_state(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    own_checkpoint(world, {"epoch": 90, "state_dict": {}})


@catalogue.fault("a layer's bias dropped", "checkpoint.keys", OWN, sample=False)
def missing_bias(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    changed_weights(world, lambda weights: weights.pop("features.3.bias"))


@catalogue.fault("names prefixed by DataParallel", "checkpoint.keys", OWN, sample=False)
def prefixed_names(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    own_checkpoint(world, {f"module.{name}": tensor for name, tensor in clean_weights(world).items()})


@catalogue.fault("a head for 1001 classes", "checkpoint.shapes", OWN, sample=False)
def other_classes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    changed_weights(world, lambda weights: weights.update({"classifier.6.bias": torch.zeros(1001)}))


@catalogue.fault("weights stored as float16", "checkpoint.shapes", OWN, sample=False)
def half_weights(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    own_checkpoint(world, {name: tensor.half() for name, tensor in clean_weights(world).items()})


@catalogue.fault("one weight NaN", "checkpoint.finite", OWN, sample=False)
def nan_weight(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    changed_weights(world, lambda weights: weights["classifier.1.weight"][7, 7].fill_(float("nan")))


@catalogue.fault("two conv filters swapped", "checkpoint.content_sha256", OWN, sample=False)
def swapped_filters(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def swap(weights: dict[str, torch.Tensor]) -> None:
        weights["features.6.weight"][[0, 1]] = weights["features.6.weight"][[1, 0]]

    changed_weights(world, swap)


@catalogue.fault("weights of another seed", "checkpoint.content_sha256", OWN, sample=False)
def other_seed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "WEIGHTS_SEED", sample.WEIGHTS_SEED + 50)
    own_checkpoint(world, sample.state_dict())
