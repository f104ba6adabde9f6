"""Weights that need another network than the library makes without them: a port that does not say so is refused."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from tools.judge.evidence import Evidence
from tools.judge.facts import CheckpointFacts
from tools.judge.gates import judge
from tools.judge.ids import CHECKPOINT_KEYS
from tools.judge.results import Verdict
from tools.judge.spec import Spec
from tools.model.library.forced import missing_arguments
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
