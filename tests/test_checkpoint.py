"""Stage checkpoint: the weights are the published ones, and whole."""

from __future__ import annotations

from fixtures.gates import Judged, gate


@gate("checkpoint.md5")
def test_file_is_the_published_one(judged: Judged) -> None:
    assert judged.passed


@gate("checkpoint.sha256")
def test_the_file_has_the_stated_sha256(judged: Judged) -> None:
    assert judged.passed


@gate("checkpoint.loads")
def test_state_dict_loads_without_running_code(judged: Judged) -> None:
    assert judged.passed


@gate("checkpoint.keys")
def test_tensors_are_those_of_the_network(judged: Judged) -> None:
    assert judged.passed


@gate("checkpoint.shapes")
def test_tensors_have_the_shapes_of_the_network(judged: Judged) -> None:
    assert judged.passed


@gate("checkpoint.finite")
def test_every_weight_is_finite(judged: Judged) -> None:
    assert judged.passed


@gate("checkpoint.content_sha256")
def test_tensors_are_the_pinned_ones(judged: Judged) -> None:
    assert judged.passed
