"""A rerun redoes what depends on the one thing that changed, and nothing else: the list of hits and misses says so."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from selftest.faults.device_faults import pretend_device
from selftest.faults.preprocessing_faults import FIRST, OWN, SECOND, own_images
from selftest.faults.world import Outcome, World
from tools.evidence.host import host_words
from tools.judge.remarks import TIMED
from tools.judge.shipped import SAMPLE_TENSORS_SHA256
from tools.sample import images as sample
from tools.store.content import checkpoint_content_sha256

NOT_TIMED = ("-m", "not perf")
RECIPE = {"recipe-facts"}
READ_IMAGES = {"pixels", "bins", "bins-facts", "bins-parity", "onnx-logit-errors"}
PREDICTIONS = {"predictions-pth", "predictions-onnx", "predictions-om"}
FROM_CHECKPOINT = {
    "checkpoint-facts",
    "onnx",
    "onnx-facts",
    "onnx-checker",
    "onnx-operators",
    "onnx-weights",
    "onnx-logit-errors",
}
OMS = {"om", "om-described"}


def redone(outcome: Outcome) -> set[str]:
    """The kinds of artifacts that were made in a run; each line is `hit kind/key` or `miss kind/key (why)`."""
    lines = [line.split(maxsplit=2) for line in outcome.acceptance.artifacts]
    assert {line[0] for line in lines} <= {"hit", "miss"}, lines
    return {name.partition("/")[0] for origin, name, *_ in lines if origin == "miss"}


def own_inputs(world: World) -> tuple[list[str], Path]:
    """The sample as the user's own files, whose content the cache knows; returns the options and the image folder."""
    folder, _ = own_images(world)
    shutil.copyfile(world.clean.checkpoint, world.folder / "unused.pth")
    world.only_batches(4)
    return [word.format(folder=world.folder) for word in OWN], folder


def test_nothing_changed_nothing_is_redone(world: World) -> None:
    assert redone(world.run(*NOT_TIMED)) == set()


def test_a_threshold_changed_is_judged_again_and_nothing_redone(world: World) -> None:
    world.edit_port("top1_drop_pp: {at_most: 15.0,", "top1_drop_pp: {at_most: 14.0,")
    outcome = world.run(*NOT_TIMED)
    assert outcome.exit_code == 0, outcome.text
    assert redone(outcome) == set()
    assert outcome.check("onnx.accuracy.top1_drop_pp").threshold.startswith("<= 14")


MEAN = ("mean: [0.485, 0.456, 0.406]", "mean: [0.485, 0.456, 0.5]")
STD = ("std: [0.229, 0.224, 0.225]", "std: [0.229, 0.224, 0.25]")


@pytest.mark.parametrize(
    ("change", "select", "behind"),
    [
        (MEAN, "preprocessing or onnx", set()),
        pytest.param(MEAN, "not perf", PREDICTIONS, marks=pytest.mark.nightly),
        pytest.param(STD, "not perf", PREDICTIONS, marks=pytest.mark.nightly),
    ],
)
def test_another_normalisation_decodes_nothing_again(
    world: World, change: tuple[str, str], select: str, behind: set[str]
) -> None:
    world.only_batches(4)
    world.edit_port(*change)
    assert redone(world.run("-m", select)) == (READ_IMAGES | RECIPE | behind) - {"pixels"}


OF_OTHER_STEPS = (
    ("batch_invariance_abs_error: {at_most: ", "batch_invariance_abs_error: {at_most: 1"),
    ("logits_abs_error: {at_most: ", "logits_abs_error: {at_most: 1"),
    ("throughput_runs: {dataset: 1", "throughput_runs: {dataset: 3"),
    ("source: guide, imagenet_torch_preprocess.py", "source: guide"),
)
LOOKED_AT = ("parity_images: 100", "parity_images: 10")


@pytest.mark.parametrize(
    ("edits", "again"),
    [
        ((*OF_OTHER_STEPS, LOOKED_AT), {"bins-parity", "image-headers"}),
        *(pytest.param((edit,), set(), marks=pytest.mark.nightly) for edit in OF_OTHER_STEPS),
    ],
)
def test_what_a_step_does_not_use_does_not_redo_it(
    world: World, edits: tuple[tuple[str, str], ...], again: set[str]
) -> None:
    for before, after in edits:
        world.edit_port(before, after)
    assert redone(world.run(*NOT_TIMED)) == again


def test_a_batch_size_less_redoes_nothing_and_one_forgotten_its_own_om_only(world: World) -> None:
    world.only_batches(4)
    assert redone(world.run(*NOT_TIMED)) == set()
    world.forget("predictions-om")
    assert redone(world.run(*NOT_TIMED)) == {"predictions-om"}


def test_bins_that_were_deleted_to_save_disk_are_made_again_and_nothing_else(world: World) -> None:
    world.only_batches(4)
    shutil.rmtree(world.cache / "bins")
    assert redone(world.run(*NOT_TIMED)) == {"bins"}


def test_the_same_images_in_another_folder_are_the_same(world: World) -> None:
    options, _ = own_inputs(world)
    assert redone(world.run(*options, *NOT_TIMED, sample=False)) == set()


def test_one_image_changed_redoes_what_reads_images_and_no_model(world: World) -> None:
    options, folder = own_inputs(world)
    (folder / f"{SECOND}.JPEG").write_bytes((folder / f"{FIRST}.JPEG").read_bytes())
    assert redone(world.run(*options, *NOT_TIMED, sample=False)) == READ_IMAGES | PREDICTIONS


def test_a_label_changed_is_judged_again_and_nothing_redone(world: World) -> None:
    options, folder = own_inputs(world)
    labels = folder.parent / sample.LABEL_FILE
    first, *others = labels.read_text().splitlines()
    labels.write_text("\n".join([f"{first.split()[0]} 7", *others, "", ""]))
    outcome = world.run(*options, *NOT_TIMED, sample=False)
    assert redone(outcome) == set()
    assert outcome.acceptance.dataset is not None


def test_another_number_of_classes_is_asked_of_the_dumps_again(world: World) -> None:
    world.only_batches(4)
    world.edit_port("classes: 1000", "classes: 1001")
    outcome = world.run(*NOT_TIMED)
    assert outcome.failed == ["onnx.output", "om.accuracy.finite[bs4]"], outcome.text


@pytest.mark.parametrize(
    ("select", "behind"),
    [("checkpoint or onnx", set()), pytest.param("not perf", PREDICTIONS | OMS, marks=pytest.mark.nightly)],
)
def test_the_checkpoint_changed_redoes_what_is_made_from_it_and_no_image(
    world: World, select: str, behind: set[str]
) -> None:
    import torch

    options, _ = own_inputs(world)
    path = world.folder / "unused.pth"
    before = hashlib.md5(path.read_bytes()).hexdigest()
    state = torch.load(path, weights_only=True)
    state["classifier.6.bias"][0] += 0.001
    torch.save(state, path)
    world.edit_port(before, hashlib.md5(path.read_bytes()).hexdigest())
    world.edit_port(SAMPLE_TENSORS_SHA256, checkpoint_content_sha256(state))
    outcome = world.run(*options, "-m", select, sample=False)
    assert redone(outcome) == FROM_CHECKPOINT | behind, outcome.text


def test_what_a_device_gives_is_asked_of_it_in_every_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_device(world, monkeypatch)
    asked = ("-m", "om or (accuracy and npu)")
    assert world.run(*asked).exit_code == 0
    again = world.run(*asked)
    assert redone(again) == {"predictions-om", "om-described"}
    assert {entry.name.partition("/")[0] for entry in again.acceptance.reused} >= {"om", "predictions-pth"}


def test_what_is_reused_is_said_beside_the_verdict_with_its_date(world: World) -> None:
    world.only_batches(1)
    outcome = world.run()
    (said,) = [line for line in outcome.acceptance.verdict.remarks if line.startswith("reused from earlier runs: ")]
    assert f"note: {said}" in outcome.text
    made = {entry.name.partition("/")[0]: entry.made_utc for entry in outcome.acceptance.reused}
    for kind in ("host-throughput", "predictions-om", "predictions-onnx", "predictions-pth", "throughput-om"):
        where = f" on a host with {host_words()}" if kind in TIMED else ""
        assert f"{kind} made {made[kind]}{where}" in said
    page = (world.folder / "evidence" / "report.html").read_text(encoding="utf-8")
    for kind in TIMED:
        assert f"bs1: not measured in this run, taken from the cache: measured {made[kind]} on {host_words()}" in page
    assert "Measured in turn in this run" not in page
    tables = (world.folder / "evidence" / "results.md").read_text(encoding="utf-8")
    assert "- bs1: not measured in this run, taken from the cache" in tables


@pytest.mark.nightly
def test_what_is_measured_anew_is_said_to_be_of_this_run(world: World) -> None:
    world.only_batches(1)
    outcome = world.run("--remeasure", "-m", "perf")
    assert not [entry for entry in outcome.acceptance.reused if entry.name.startswith(TIMED)]
    page = (world.folder / "evidence" / "report.html").read_text(encoding="utf-8")
    assert "Measured in turn in this run" in page
    assert "taken from the cache" not in page
