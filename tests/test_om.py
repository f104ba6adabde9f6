"""Stage om: offline models are compiled as asked, run on the machine, and agree with each other."""

from __future__ import annotations

from fixtures.gates import Judged, gate


@gate("om.toolkit")
def test_toolkit_is_complete(judged: Judged) -> None:
    assert judged.passed


@gate("om.device")
def test_device_is_there(judged: Judged) -> None:
    assert judged.passed


@gate("om.aipp")
def test_aipp_file_says_what_the_recipe_says(judged: Judged) -> None:
    assert judged.passed


@gate("om.compiled")
def test_om_compiles(judged: Judged) -> None:
    assert judged.passed


@gate("om.described")
def test_om_is_what_was_asked_for(judged: Judged) -> None:
    assert judged.passed


@gate("om.ran")
def test_om_runs(judged: Judged) -> None:
    assert judged.passed


@gate("om.batch_invariance_abs_error")
def test_every_batch_gives_the_same_logits(judged: Judged) -> None:
    assert judged.passed
