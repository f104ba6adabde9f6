"""Weights that need another network than the library makes without them: a port that does not say so is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tools.judge.evidence import Evidence
from tools.judge.facts import CheckpointFacts
from tools.judge.gates import judge
from tools.judge.ids import CHECKPOINT_KEYS
from tools.judge.results import Verdict
from tools.judge.spec import Model, Spec
from tools.model import network as networks
from tools.model.library import foreign
from tools.model.library.forced import missing_arguments
from tools.model.network import Network
from tools.ports.spec import load_spec, port_path


@pytest.fixture(scope="module")
def inception() -> Spec:
    """A port whose weights force arguments."""
    return load_spec(port_path("inception_v3"))


def test_a_port_that_states_them_misses_none(inception: Spec) -> None:
    assert missing_arguments(inception.model, inception.checkpoint.file) == ()


def test_one_that_was_forgotten_is_named_with_the_weights(inception: Spec) -> None:
    model = replace(inception.model, arguments={})
    (said,) = missing_arguments(model, inception.checkpoint.file)
    assert said == "transform_input: true, as Inception_V3_Weights.IMAGENET1K_V1 forces it"


def test_of_another_file_nothing_is_known(inception: Spec) -> None:
    assert missing_arguments(replace(inception.model, arguments={}), "my_own.pth") == ()
    published = load_spec(port_path("alexnet"))
    assert missing_arguments(published.model, published.checkpoint.file) == ()


def test_the_gate_says_what_to_write() -> None:
    said = ("transform_input: true, as W forces it",)
    facts = CheckpointFacts(4, 4, (), (), (), (), "0" * 64, missing_arguments=said)
    check = judge(CHECKPOINT_KEYS, cast("Evidence", SimpleNamespace(checkpoint=lambda: facts)))
    assert check.verdict is Verdict.FAIL
    assert check.detail == "write under `arguments`: transform_input: true, as W forces it"


def pooled(name: str, arguments: dict[str, Any]) -> Any:  # noqa: ANN401 - a network
    """A network as timm makes it: how it pools is an argument that changes no tensor, and so is a dropout."""
    import torch

    pool = torch.nn.AdaptiveMaxPool2d(1) if arguments.get("global_pool") == "max" else torch.nn.AdaptiveAvgPool2d(1)
    dropout = torch.nn.Dropout(arguments.get("drop_rate", 0.0))
    return torch.nn.Sequential(pool, torch.nn.Flatten(), dropout, torch.nn.Linear(3, arguments.get("num_classes", 10)))


@pytest.mark.parametrize(
    ("arguments", "published", "said"),
    [
        ({"num_classes": 10, "global_pool": "max"}, True, ('global_pool: "max"',)),
        ({"num_classes": 10, "global_pool": "max"}, False, ()),
        ({"num_classes": 10, "global_pool": "avg", "drop_rate": 0.5}, True, ()),
        ({"num_classes": 10}, True, ()),
        ({"num_classes": 7, "global_pool": "max"}, True, ()),  # whose weights do not fit, as another gate says
    ],
)
def test_an_argument_that_makes_another_network_of_the_same_tensors_is_named(
    arguments: dict[str, Any], published: bool, said: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(networks, "_timm", pooled)
    recipe = SimpleNamespace(size=(8, 8)) if published else None
    monkeypatch.setattr(foreign, "stated_recipe", lambda *words: recipe)
    network = Network(Model("pooled", "timm:pooled", arguments=arguments), Path())
    weights = pooled("pooled", {}).state_dict()
    assert foreign.foreign_arguments(network, weights, "model.safetensors") == said


def test_the_gate_names_arguments_that_the_library_does_not_give() -> None:
    facts = CheckpointFacts(4, 4, (), (), (), (), "0" * 64, foreign_arguments=('global_pool: "max"',))
    check = judge(CHECKPOINT_KEYS, cast("Evidence", SimpleNamespace(checkpoint=lambda: facts)))
    assert check.verdict is Verdict.FAIL
    assert check.detail == 'with these the library\'s own weights give other logits: global_pool: "max"'
