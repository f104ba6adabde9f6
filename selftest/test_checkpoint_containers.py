"""Weights under a key or behind a prefix are found where the port says, and a port that does not say is told where."""

from __future__ import annotations

import argparse
import re
import runpy
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch

from selftest.checkpoint_files import bytes_of, load, network, pinned, refused, same, weights
from tools.model.checkpoint import load_state_dict

STATE = weights()
DEEP = {"model": {"module": STATE}, "epoch": 3}
TRAINING = {"epoch": 90, "state_dict": STATE, "optimizer": {"state": {0: {"m": torch.ones(1)}}, "param_groups": []}}
DATA_PARALLEL = {f"module.{name}": tensor for name, tensor in STATE.items()}


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (TRAINING, "state_dict"),
        ({"model": STATE}, "model"),
        ({"ema_state_dict": OrderedDict(STATE), "state_dict": weights(1)}, "ema_state_dict"),
        (DEEP, "model.module"),
        ({"model.module": STATE}, "model.module"),
        ({"a": {"b.c": {"d": STATE}}}, "a.b.c.d"),
        ({"a": {"b.x": STATE}}, "a.b.x"),
    ],
)
def test_the_weights_are_taken_from_under_the_key(tmp_path: Path, content: object, key: str) -> None:
    saved = bytes_of(content)
    assert same(load(tmp_path, saved, pinned(saved, state_dict_key=key)), STATE)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (TRAINING, "the weights lie under `state_dict` (9 tensors), beside them epoch (int), optimizer (dict)"),
        (TRAINING, "Write `state_dict_key: state_dict` into the port"),
        (DEEP, "the weights lie under `model.module` (9 tensors), beside them epoch (int). Write"),
        ({"model": STATE, "ema": STATE}, "Write `state_dict_key: model` or `state_dict_key: ema` into the port"),
        ({"\x1b[2J": STATE}, r"the weights lie under `\x1b[2J` (9 tensors). Write"),
    ],
)
def test_without_the_key_the_refusal_says_where_the_weights_lie(tmp_path: Path, content: object, words: str) -> None:
    assert words in refused(tmp_path, bytes_of(content), "checkpoint.loads")


@pytest.mark.parametrize(
    ("content", "key", "words"),
    [
        (
            TRAINING,
            "model",
            "says state_dict_key: model, but there is epoch (int), state_dict (dict), optimizer (dict)",
        ),
        (TRAINING, "model", "Write `state_dict_key: state_dict` into the port"),
        (TRAINING, "epoch", "it holds a int"),
        (TRAINING, "epoch.deeper", "says state_dict_key: epoch.deeper, but there is a int"),
        (DEEP, "model", "the weights lie under `model.module` (9 tensors). Write `state_dict_key: model.module`"),
        (STATE, "state_dict", "The file is a plain state_dict: drop `state_dict_key`"),
        ({"epoch": 1}, "state_dict", "Name the key of the weights in the port"),
    ],
)
def test_a_key_that_is_not_there_is_refused_with_what_is(tmp_path: Path, content: object, key: str, words: str) -> None:
    saved = bytes_of(content)
    assert words in refused(tmp_path, saved, "checkpoint.loads", pinned(saved, state_dict_key=key))


def test_a_prefix_is_taken_from_every_name_also_under_a_key(tmp_path: Path) -> None:
    saved = bytes_of({"state_dict": DATA_PARALLEL})
    asked = pinned(saved, state_dict_key="state_dict", strip_prefix="module.")
    assert same(load(tmp_path, saved, asked), STATE)


def test_the_versions_of_modules_lose_the_prefix_too(tmp_path: Path) -> None:
    model = torch.nn.Module()
    model.module = network(tmp_path).make()
    saved = bytes_of(model.state_dict())
    (tmp_path / "own.pth").write_bytes(saved)
    loaded = load_state_dict(tmp_path / "own.pth", pinned(saved, strip_prefix="module."))
    assert loaded._metadata["1"] == {"version": 2}  # type: ignore[attr-defined]
    assert "module" not in "".join(loaded._metadata)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (STATE, "says strip_prefix: module., with which no name begins (0.weight, 0.bias, 1.weight, … 6 more)"),
        ({**DATA_PARALLEL, "fc.weight": torch.ones(1)}, "1 of 10 names do not begin with the port's strip_prefix"),
        ({**DATA_PARALLEL, "fc.weight": torch.ones(1)}, "module.: fc.weight."),
    ],
)
def test_a_name_without_the_prefix_is_refused_by_name(tmp_path: Path, content: object, words: str) -> None:
    saved = bytes_of(content)
    assert words in refused(tmp_path, saved, "checkpoint.loads", pinned(saved, strip_prefix="module."))


def test_a_prefix_that_lacks_its_dot_is_told(tmp_path: Path) -> None:
    saved = bytes_of(DATA_PARALLEL)
    said = refused(tmp_path, saved, "checkpoint.loads", pinned(saved, strip_prefix="module"))
    assert "every name begins with a dot. Write `strip_prefix: module.` into the port" in said


HARMLESS = {
    "a namespace": (argparse.Namespace(lr=0.1), "argparse.Namespace"),
    "a number of numpy": (np.float64(0.7), "numpy._core.multiarray.scalar"),
    "both": ([np.float32(0.7), np.int64(3), argparse.Namespace()], "argparse.Namespace"),
}


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("beside", HARMLESS)
def test_what_is_no_tensor_is_named_and_the_command_that_is_told_leaves_it_out(
    tmp_path: Path, beside: str, zipped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    thing, name = HARMLESS[beside]
    said = refused(tmp_path, bytes_of({"state_dict": STATE, "args": thing}, zipped=zipped), "checkpoint.loads")
    assert "beside tensors it holds" in said
    assert name in said
    (script,) = re.findall('python -c "(.*)"$', said)
    (tmp_path / "told.py").write_text(script)
    monkeypatch.chdir(tmp_path)
    with torch.serialization.safe_globals([]):
        runpy.run_path(str(tmp_path / "told.py"))
    torch.serialization.clear_safe_globals()
    assert same(load(tmp_path, (tmp_path / "plain.pth").read_bytes()), STATE)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_a_whole_pickled_model_is_refused_as_one(tmp_path: Path, zipped: bool) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(2, 2))
    said = refused(tmp_path, bytes_of(model, zipped=zipped), "checkpoint.loads")
    assert "it is a whole pickled model, which is code (torch.nn.modules.container.Sequential" in said
    assert "torch.save(model.state_dict(), 'plain.pth')" in said


def test_parameters_are_plain_tensors_afterwards(tmp_path: Path) -> None:
    loaded = load(tmp_path, bytes_of({name: torch.nn.Parameter(t, t.is_floating_point()) for name, t in STATE.items()}))
    assert same(loaded, STATE)
    assert {type(tensor) for tensor in loaded.values()} == {torch.Tensor}
