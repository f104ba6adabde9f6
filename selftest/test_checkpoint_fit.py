"""Weights held against the network: every difference apart, names of older releases renamed as the network does."""

from __future__ import annotations

import re
from collections import OrderedDict
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import torch

from selftest.checkpoint_files import SOURCE, bytes_of, load, network, pinned, port_file, refused, same, weights
from tools import pth2onnx
from tools.base.errors import CheckpointError, SpecError
from tools.judge import gates
from tools.judge.evidence import Evidence
from tools.judge.facts import OtherType
from tools.judge.results import Check
from tools.judge.spec import Model
from tools.model.checkpoint import compare_with_network, load_state_dict
from tools.model.network import Network
from tools.model.torchvision_ops import import_torchvision

STATE = weights()
COUNTER = "1.num_batches_tracked"


def check(folder: Path, state_dict: dict[str, torch.Tensor], gate: str) -> Check:
    """What a gate says of these weights, which are saved, loaded and compared."""
    facts = compare_with_network(load(folder, bytes_of(state_dict)), network(folder))
    spec = SimpleNamespace(model=network(folder).model)
    return gates.judge(f"checkpoint.{gate}", cast(Evidence, SimpleNamespace(spec=spec, checkpoint=lambda: facts)))


def test_the_networks_own_weights_fit(tmp_path: Path) -> None:
    facts = compare_with_network(STATE, network(tmp_path))
    assert facts.tensors == facts.expected == len(STATE)
    assert (facts.missing, facts.unexpected, facts.misshapen, facts.not_finite, facts.other_types) == ((),) * 5
    for gate in ("loads", "keys", "shapes", "finite"):
        assert check(tmp_path, STATE, gate).passed, gate


def test_every_difference_is_found_under_its_own_name(tmp_path: Path) -> None:
    spoiled = {**STATE, "extra": torch.ones(1), "0.bias": torch.ones(3), "1.bias": STATE["1.bias"].half()}
    spoiled["4.bias"] = torch.full((5,), float("-inf"))
    del spoiled["4.weight"]
    facts = compare_with_network(spoiled, network(tmp_path))
    assert (facts.missing, facts.unexpected, facts.not_finite) == (("4.weight",), ("extra",), ("4.bias",))
    assert facts.misshapen == ("0.bias: [3], not [2]",)
    assert facts.other_types == (OtherType("float16", "float32", ("1.bias",)),)


def test_missing_and_unexpected_names_are_told_apart(tmp_path: Path) -> None:
    other = {name: tensor for name, tensor in STATE.items() if not name.startswith("4.")} | {"fc.w": torch.ones(1)}
    found = check(tmp_path, other, "keys")
    assert (found.measured, found.passed) == ("2 missing, 1 unexpected of 9", False)
    assert found.detail == "2 missing: 4.bias, 4.weight; 1 unexpected: fc.w"
    assert check(tmp_path, STATE, "keys").measured == "0 of 9"


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "backbone."])
def test_a_prefix_before_all_names_is_told_with_the_port_line_that_takes_it_off(tmp_path: Path, prefix: str) -> None:
    found = check(tmp_path, {f"{prefix}{name}": tensor for name, tensor in STATE.items()}, "keys")
    assert f"all 9 names begin with `{prefix}`: write `strip_prefix: {prefix}` into the port" in found.detail


@pytest.mark.parametrize("names", [["module.other", "module.another"], ["module.0.bias", "fc.weight"], []])
def test_of_other_networks_no_prefix_is_told(tmp_path: Path, names: list[str]) -> None:
    others = {name: torch.ones(1) for name in names} or {"0.bias": STATE["0.bias"]}
    assert "strip_prefix" not in check(tmp_path, others, "keys").detail


@pytest.mark.parametrize(
    ("dtype", "words"),
    [
        (torch.float16, "8 tensors are float16, the network's are float32 (0.bias, 0.weight, 1.bias, … 5 more): conv"),
        (torch.bfloat16, "convert them once, torch.save({name: tensor.float() for"),
        (torch.int8, "8 tensors are int8, the network's are float32"),
        (torch.int8, "quantised weights, name the float32 checkpoint that they were made from"),
        (torch.float64, "8 tensors are float64, the network's are float32"),
    ],
)
def test_weights_of_another_type_are_told_with_the_remedy(tmp_path: Path, dtype: torch.dtype, words: str) -> None:
    found = check(tmp_path, {name: tensor.to(dtype) for name, tensor in STATE.items()}, "shapes")
    assert (found.measured, found.passed) == ("8 of 9", False)
    assert words in found.detail


def test_shapes_and_types_are_told_apart(tmp_path: Path) -> None:
    odd = {**STATE, "0.bias": torch.ones(3).half(), "1.bias": STATE["1.bias"].half()}
    found = check(tmp_path, odd, "shapes")
    assert found.measured == "2 of 9"
    assert found.detail.startswith("1 of another shape: 0.bias: [3], not [2]; 2 tensors are float16")


@pytest.mark.filterwarnings("ignore:.*quantize_per_tensor", "ignore:TypedStorage is deprecated")
def test_quantised_tensors_are_refused_as_such(tmp_path: Path) -> None:
    quantised = torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)
    said = refused(tmp_path, bytes_of({**STATE, "0.bias": quantised}), "checkpoint.loads")
    assert "the weights are quantised (entry '0.bias')" in said


@pytest.mark.parametrize("versions", [True, False])
def test_an_old_checkpoint_without_counters_is_whole(tmp_path: Path, versions: bool) -> None:
    old = OrderedDict((name, tensor) for name, tensor in STATE.items() if name != COUNTER)
    if versions:
        old._metadata = {"": {"version": 1}, "1": {"version": 2}}  # type: ignore[attr-defined]
    loaded = load(tmp_path, bytes_of(old))
    assert same(loaded, {**STATE, COUNTER: torch.tensor(0)})
    facts = compare_with_network(loaded, network(tmp_path))
    assert (facts.missing, facts.tensors) == ((), 9)
    assert same(network(tmp_path).build(old).state_dict(), loaded)


def test_a_counter_is_nothing_without_its_normalisation(tmp_path: Path) -> None:
    facts = compare_with_network({name: STATE[name] for name in ("0.bias", "0.weight")}, network(tmp_path))
    assert COUNTER in facts.missing
    assert facts.tensors == 2


def test_a_counter_that_was_cast_with_all_the_weights_is_taken(tmp_path: Path) -> None:
    assert same(load(tmp_path, bytes_of({**STATE, COUNTER: torch.tensor(7.0)})), STATE)


def test_names_that_command_the_terminal_do_not_reach_it(tmp_path: Path) -> None:
    hostile = {"\x1b[2J\n" + "x" * 1000: torch.full((1,), float("nan"))}
    for gate in ("keys", "finite"):
        detail = check(tmp_path, hostile, gate).detail
        assert detail.isprintable()
        assert "\\x1b[2J\\nxxx" in detail
        assert len(detail) < 1000


def test_the_model_computes_and_does_not_learn(tmp_path: Path) -> None:
    model = network(tmp_path).build(STATE)
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert same(dict(model.state_dict()), STATE)
    images = torch.ones(1, 3, 8, 8)
    assert torch.equal(model(images), model(images))


def test_weights_that_do_not_fit_are_an_error_of_the_gate_that_asks_for_it(tmp_path: Path) -> None:
    spoiled = {
        "keys": {**{name: tensor for name, tensor in STATE.items() if name != "0.bias"}, "x": torch.ones(1)},
        "shapes": {**STATE, "0.bias": torch.ones(3)},
    }
    words = {"keys": "1 missing: 0.bias; 1 unexpected: x", "shapes": "1 of another shape: 0.bias: [3], not [2]"}
    for gate, state_dict in spoiled.items():
        with pytest.raises(CheckpointError, match=re.escape(f"do not fit {SOURCE}: {words[gate]}")) as caught:
            network(tmp_path).build(state_dict)
        assert caught.value.gate == f"checkpoint.{gate}"


def test_half_weights_end_at_the_checkpoint_and_not_in_an_export(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.pth").write_bytes(bytes_of({"model": {f"m.{name}": t.half() for name, t in STATE.items()}}))
    port = port_file(tmp_path, "state_dict_key: model\nstrip_prefix: m.")
    monkeypatch.setattr(pth2onnx, "export_onnx", None)
    with pytest.raises(CheckpointError, match="8 tensors are float16") as caught:
        pth2onnx.main([str(tmp_path / "own.pth"), str(tmp_path / "own.onnx"), "--port", str(port)])
    assert caught.value.gate == "checkpoint.shapes"


def test_a_network_that_torchvision_does_not_have_is_an_error_of_the_port(tmp_path: Path) -> None:
    unknown = Network(Model(name="x", source="torchvision:alexnett"), tmp_path)
    with pytest.raises(SpecError, match=r"torchvision has no such network; found alexnett"):
        unknown.build(STATE)


# Names of older releases


def of_torchvision(name: str, folder: Path) -> tuple[Network, OrderedDict[str, torch.Tensor]]:
    """A network of torchvision's, and weights of it with the versions that torch keeps beside them."""
    import_torchvision()
    found = Network(Model(name=name, source=f"torchvision:{name}"), folder)
    own = cast("OrderedDict[str, torch.Tensor]", found.empty().state_dict())  # its initialisation would take seconds
    for place, (name, tensor) in enumerate(own.items()):
        own[name] = torch.full(tensor.shape, place if tensor.dim() else 0, dtype=tensor.dtype)
    return found, own


def loaded_by(found: Network, folder: Path, state_dict: object) -> dict[str, torch.Tensor]:
    """The weights after a round through a file."""
    content = bytes_of(state_dict)
    (folder / "own.pth").write_bytes(content)
    return dict(load_state_dict(folder / "own.pth", pinned(content), found))


def test_the_published_densenets_names_are_todays(tmp_path: Path) -> None:
    found, state_dict = of_torchvision("densenet121", tmp_path)
    old = OrderedDict(
        (re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", name), tensor)
        for name, tensor in state_dict.items()
        if not name.endswith("num_batches_tracked")
    )
    assert any(".norm.1.weight" in name for name in old)
    loaded = loaded_by(found, tmp_path, old)
    assert same(loaded, state_dict)
    assert same(found.build(old).state_dict(), state_dict)


TRANSFORMER = """
from torchvision.models.vision_transformer import VisionTransformer

def network():
    return VisionTransformer(
        image_size=32, patch_size=16, num_layers=2, num_heads=2, hidden_dim=8, mlp_dim=16, num_classes=5
    )
"""


@pytest.mark.parametrize("versions", [True, False])
def test_the_published_vision_transformers_names_are_todays(tmp_path: Path, versions: bool) -> None:
    import_torchvision()
    (tmp_path / "vit.py").write_text(TRANSFORMER)
    found = Network(Model(name="vit", source="python:vit.py:network"), tmp_path)
    state_dict = found.make().state_dict()
    old = OrderedDict(
        (name.replace(".mlp.0.", ".mlp.linear_1.").replace(".mlp.3.", ".mlp.linear_2."), tensor)
        for name, tensor in state_dict.items()
    )
    assert any("linear_2" in name for name in old)
    if versions:
        old._metadata = {"": {"version": 1}}  # type: ignore[attr-defined]
    assert same(loaded_by(found, tmp_path, old), state_dict)
    assert same(found.build(old).state_dict(), state_dict)


@pytest.mark.parametrize("versions", [True, False])
def test_a_network_that_insists_on_a_version_gets_its_own(tmp_path: Path, versions: bool) -> None:
    found, state_dict = of_torchvision("mnasnet0_5", tmp_path)
    content = state_dict if versions else dict(state_dict)
    assert same(loaded_by(found, tmp_path, content), state_dict)
    assert same(found.build(content).state_dict(), state_dict)


STUBBORN = """
import torch

class Stubborn(torch.nn.Linear):
    def _load_from_state_dict(self, *args):
        raise ValueError("\\x1b[31mnot\\nthese")

def network():
    return Stubborn(2, 2)
"""


def test_what_a_networks_own_loading_says_is_one_printable_line(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(STUBBORN)
    with pytest.raises(CheckpointError) as caught:
        Network(Model(name="net", source=SOURCE), tmp_path).build({"weight": torch.ones(2, 2)})
    assert str(caught.value).endswith(r"own loading refused them (ValueError: \x1b[31mnot these)")


# Weights under the names of JAX

READER = """
import numpy
import torch

class Net(torch.nn.Sequential):
    def load_pretrained(self, path, prefix=""):
        stored = numpy.load(path)
        with torch.no_grad():
            self[0].weight.copy_(torch.from_numpy(stored["Dense_0/kernel"].T))
            self[0].bias.copy_(torch.from_numpy(stored["Dense_0/bias"]))
            if "head/kernel" in stored:
                self[1].weight.copy_(torch.from_numpy(stored["head/kernel"].T))

def network():
    return Net(torch.nn.Linear(2, 3), torch.nn.Linear(3, 4, bias=False))
"""


def jax(folder: Path, code: str, **arrays: object) -> dict[str, torch.Tensor]:
    """What is loaded of an .npz of these arrays by a network with this code."""
    import numpy as np

    (folder / "net.py").write_text(code)
    np.savez(folder / "own.npz", **arrays)  # type: ignore[arg-type]
    content = (folder / "own.npz").read_bytes()
    return dict(load_state_dict(folder / "own.npz", pinned(content), Network(Model(name="n", source=SOURCE), folder)))


def arrays() -> dict[str, object]:
    """A dense layer as JAX keeps it, its weights transposed."""
    return {
        "Dense_0/kernel": torch.arange(6.0).reshape(2, 3).numpy(),
        "Dense_0/bias": torch.ones(3).numpy(),
        "head/kernel": torch.ones(3, 4).numpy(),
    }


def test_names_of_jax_are_read_by_the_networks_own_reader(tmp_path: Path) -> None:
    loaded = jax(tmp_path, READER, **arrays())
    assert list(loaded) == ["0.weight", "0.bias", "1.weight"]
    assert torch.equal(loaded["0.weight"], torch.arange(6.0).reshape(2, 3).T)


def test_what_the_reader_passed_over_is_missing_and_not_random(tmp_path: Path) -> None:
    loaded = jax(tmp_path, READER, **{name: array for name, array in arrays().items() if name != "head/kernel"})
    assert list(loaded) == ["0.weight", "0.bias"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (READER, "the network's reader: KeyError"),
        (READER.replace("load_pretrained", "other"), "the network has no reader for names of JAX"),
    ],
)
def test_names_that_nobody_knows_are_one_refusal(tmp_path: Path, code: str, words: str) -> None:
    with pytest.raises(CheckpointError, match=re.escape(f"none of the 1 names is the network's (x/y): {words}")):
        jax(tmp_path, code, **{"x/y": torch.ones(1).numpy()})
