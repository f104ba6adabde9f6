"""What a bundle answers, and when it has no answer: no evidence, or nothing that anyone can judge."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from selftest.evidence.bundles import Made, World, quickly_written
from selftest.evidence.tampering import Forgery, contents_of
from tools.judge.accuracy import judge_loss
from tools.judge.bundle import Bundle, open_files, read_bundle
from tools.judge.differences import close, differences
from tools.judge.documents import read_acceptance, read_spec, spec_digest
from tools.judge.evidence import NoEvidence, variant_record
from tools.judge.files import Files, Refused
from tools.judge.ids import ONNX, PTH, Variant, om
from tools.judge.layout import IDS, LABELS, MANIFEST
from tools.judge.predictions import pair
from tools.judge.results import Verdict

WORLD = World(images=40, margin_pp=60.0, tight_pp=50.0, logit_noise=0.4, batches=(1, 4), runs=1)
RECORD = "acceptance.json"


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A bundle in which some images change class."""
    return contents_of(quickly_written(WORLD, tmp_path_factory.mktemp("made") / "bundle"))


@pytest.fixture
def forgery(contents: dict[str, bytes]) -> Forgery:
    """A copy of it to be altered."""
    return Forgery(contents)


def opened(forgery: Forgery) -> Bundle:
    """As the judge opens it."""
    return read_bundle("a bundle", forgery.sealed())


def refusal(call: Callable[[], object]) -> str:
    """Why nothing can be judged."""
    with pytest.raises(Refused) as caught:
        call()
    return str(caught.value)


def missing(call: Callable[[], object]) -> str:
    """Why there is no evidence."""
    with pytest.raises(NoEvidence) as caught:
        call()
    return str(caught.value)


# --- The bundle ----------------------------------------------------------------------------------------------------


def test_what_a_run_was_asked_is_as_recorded(forgery: Forgery) -> None:
    forgery.record.update(strict_accuracy=True, tolerate_busy=False)
    found = opened(forgery)
    assert (found.name, found.on_device, found.strict, found.tolerate_busy) == ("a bundle", True, True, False)
    forgery.record.update(strict_accuracy=False, tolerate_busy=True, target="simulator")
    found = opened(forgery)
    assert (found.on_device, found.strict, found.tolerate_busy, found.problems) == (False, False, True, [])


def test_another_target_is_none(forgery: Forgery) -> None:
    forgery.record["target"] = "a phone"
    assert refusal(lambda: opened(forgery)) == f"{RECORD}.target: 'a phone' is no target"


def test_a_bundle_is_judged_by_another_spec_with_problems_of_its_own(forgery: Forgery) -> None:
    found = opened(forgery)
    found.problems.append("x")
    other = dataclasses.replace(found.spec, kind="sample")
    again = found.judged_by(other)
    assert (again.name, again.files, again.record, again.spec) == (found.name, found.files, found.record, other)
    assert again.problems == []


# --- Ids, labels and predictions -----------------------------------------------------------------------------------


def test_ids_are_texts(forgery: Forgery) -> None:
    assert opened(forgery).ids == Made(WORLD).ids
    for document, said in (({}, f"{IDS}: Expected `array`"), (["a", 1], f"{IDS}[1]: Expected `str`, got `int`")):
        forgery.contents[IDS] = json.dumps(document).encode()
        assert refusal(lambda: opened(forgery).ids).startswith(said)


@pytest.mark.parametrize("dtype", ["<i2", "<i4"])
def test_labels_are_whole_numbers_of_16_or_32_bits(dtype: str, forgery: Forgery) -> None:
    labels = forgery.array(LABELS)
    labels[0] = -1
    forgery.put_array(LABELS, labels.astype(dtype))
    assert list(opened(forgery).labels) == labels.tolist()
    forgery.put_array(LABELS, labels.astype("<i8"))
    assert refusal(lambda: opened(forgery).labels).startswith(f"{LABELS}: {{'descr': '<i8'")


def test_the_predictions_of_a_variant_are_read_once(forgery: Forgery) -> None:
    found = opened(forgery)
    top = found.top_five(ONNX)
    assert found.top_five(ONNX) is top
    assert (top.variant, top.labels) == (ONNX, found.labels)
    assert np.array_equal(np.array(top.columns).T, forgery.array("predictions/onnx.top5.npy"))
    assert top.scores[5:10].tolist() == forgery.array("predictions/onnx.scores.npy")[1].tolist()  # type: ignore[attr-defined]
    assert missing(lambda: found.top_five(om(64))) == "no predictions of om_bs64"


def test_a_variant_that_no_run_computes_is_refused(forgery: Forgery) -> None:
    forgery.record["variants"][0]["name"] = "../pth"
    assert refusal(lambda: opened(forgery).top_five(Variant("../pth"))) == "'../pth' is no name of a variant"


@pytest.mark.parametrize("name", ["onnx.top5", "onnx.scores", "both", "labels", "ids"])
def test_predictions_have_a_row_for_each_image(name: str, forgery: Forgery) -> None:
    rows = {"onnx.top5": (39, 40, 40), "onnx.scores": (40, 39, 40), "both": (39, 39, 40)}.get(name, (40, 40, 40))
    arrays = ("onnx.top5", "onnx.scores") if name == "both" else (name,)
    if name == "ids":
        forgery.contents[IDS] = json.dumps(json.loads(forgery.contents[IDS])[1:]).encode()
        rows = (40, 40, 39)
    else:
        for one in arrays:
            forgery.put_array(f"predictions/{one}.npy", forgery.array(f"predictions/{one}.npy")[1:])
    said = f"onnx: {rows[0]} and {rows[1]} rows for {rows[2]} ids"
    assert refusal(lambda: opened(forgery).top_five(ONNX)) == said


@pytest.mark.parametrize("name", ["predictions/onnx.top5.npy", "predictions/onnx.scores.npy"])
def test_a_damaged_array_is_named(name: str, forgery: Forgery) -> None:
    forgery.contents[name] = b"hello"
    assert refusal(lambda: opened(forgery).top_five(ONNX)) == f"{name}: not an .npy file of version 1.0"


def test_flips_are_looked_at_once(forgery: Forgery) -> None:
    found = opened(forgery)
    assert found.flips(ONNX) is found.flips(ONNX)
    assert found.flips(om(1)).gaps, "some images of this world change class"
    assert found.flips(om(1)).top5_set_changed > len(found.flips(om(1)).gaps) // 2
    assert found.flips(ONNX).gaps == {}


@pytest.mark.parametrize("on_device", [True, False])
def test_what_follows_from_the_predictions_is_counted_again(on_device: bool, tmp_path: Path) -> None:
    world = dataclasses.replace(WORLD, on_device=on_device)
    forgery = Forgery(contents_of(quickly_written(world, tmp_path / "bundle")))
    honest = {name: entry.agreement for name, entry in opened(forgery).variants.items()}
    for entry in forgery.record["variants"]:
        if entry["agreement"]:
            changed = {"images": 1, "near_tie_logits": 9.0, "top5_set_changed_percent": 99.0, "flipped": ["x"]}
            entry["agreement"].update(changed, unusable=[{"id": "x", "reason": "zeros"}])
    found = opened(forgery)
    for name in (ONNX, om(1), om(4)):
        assert found.agreement(name) == honest[name], name
    beyond = honest[om(1)]
    assert beyond is not None
    assert 0 < len(beyond.flipped_beyond_near_tie) <= len(beyond.flipped)


@pytest.mark.parametrize(("target", "near_tie"), [("ascend", 0.5), ("simulator", 0.25)])
def test_a_near_tie_is_what_the_spec_calls_one_where_the_variant_ran(
    target: str, near_tie: float, forgery: Forgery
) -> None:
    asked = forgery.spec["agreement"]
    asked["onnx"]["near_tie_logits"]["value"] = 0.125
    asked["om_on_device"]["near_tie_logits"]["value"] = 0.5
    asked["om_on_simulator"]["near_tie_logits"]["value"] = 0.25
    forgery.record["target"] = target
    found = opened(forgery)
    assert [found.agreement(name).near_tie_logits for name in (ONNX, om(1))] == [0.125, near_tie]


def test_where_five_scores_leave_a_near_tie_open_the_record_decides(forgery: Forgery) -> None:
    """The image's new class is none of the five best of the checkpoint, all of which lie within a near tie."""
    scores, classes = forgery.array("predictions/pth.scores.npy"), forgery.array("predictions/onnx.top5.npy")
    scores[0] = [1.0, 0.99999, 0.99998, 0.99997, 0.99996]
    classes[0, 0] = (set(range(20)) - set(forgery.array("predictions/pth.top5.npy")[0].tolist())).pop()
    forgery.put_array("predictions/pth.scores.npy", scores)
    forgery.put_array("predictions/onnx.top5.npy", classes)
    first, second = json.loads(forgery.contents[IDS])[:2]
    recorded = next(entry for entry in forgery.record["variants"] if entry["name"] == "onnx")["agreement"]
    for said, counted in (([first, second], (first,)), ([second], ()), ([], ())):
        recorded["flipped_beyond_near_tie"] = said
        found = opened(forgery).agreement(ONNX)
        assert (found.flipped, found.flipped_beyond_near_tie) == ((first,), counted)


def test_a_variant_that_was_not_compared_has_no_agreement(forgery: Forgery) -> None:
    assert missing(lambda: opened(forgery).agreement(PTH)) == "no agreement of pth was recorded"


# --- What follows from it: tools/judge/evidence.py, for a run and a bundle alike -----------------------------------


@pytest.mark.parametrize("strict", [True, False])
def test_a_loss_is_judged_once_by_the_bounds_of_its_k(strict: bool, forgery: Forgery) -> None:
    asked = forgery.spec["accuracy"]
    asked["top1_drop_pp"]["at_most"], asked["top5_drop_pp"]["at_most"], asked["tight_drop_pp"]["at_most"] = 30, 20, 10
    forgery.record["strict_accuracy"] = strict
    found = opened(forgery)
    bounds = {1: found.spec.accuracy.top1_drop_pp, 5: found.spec.accuracy.top5_drop_pp}
    for k, margin in bounds.items():
        table = pair(found.top_five(PTH), found.top_five(om(1)), k)
        expected = judge_loss(table, k=k, margin=margin, tight=found.spec.accuracy.tight_drop_pp, strict=strict)
        assert found.loss(om(1), k) == expected
        assert found.loss(om(1), k) is found.loss(om(1), k)
    assert found.loss(ONNX, 1) != found.loss(om(1), 1)
    assert [found.loss(om(1), k).check.threshold.partition(",")[0] for k in bounds] == ["<= 30", "<= 20"]


def test_the_machine_class_is_that_of_the_machines_chip(forgery: Forgery) -> None:
    found = opened(forgery)
    assert found.device_class() == next(one for one in found.spec.devices if one.soc == "Ascend310")
    forgery.record["machine"]["soc"] = "Ascend999"
    assert opened(forgery).device_class() is None


def test_the_record_of_a_variant_is_what_a_run_would_write(forgery: Forgery) -> None:
    found = opened(forgery)
    for name in (PTH, ONNX, om(4)):
        recorded = found.variants[name]
        assert variant_record(found, name, recorded.model_sha256) == recorded
    assert (found.variants[PTH].losses, found.variants[PTH].agreement) == ((), None)
    assert [loss.k for loss in found.variants[om(4)].losses] == [1, 5]
    again = variant_record(found, om(4), "x")
    assert (again.name, again.batch, again.model_sha256) == (om(4), 4, "x")


# --- Facts ---------------------------------------------------------------------------------------------------------

FACTS: dict[str, tuple[Callable[[Bundle], Any], str]] = {
    "checkpoint": (Bundle.checkpoint, "no facts about the checkpoint"),
    "onnx": (Bundle.onnx, "no facts about the ONNX file"),
    "onnx_checker": (Bundle.checker, "no answer of onnx.checker"),
    "onnx_operators": (Bundle.operators, "no comparison with what atc parses"),
    "onnx_weights": (Bundle.weights, "no comparison of weights"),
    "onnx_logit_errors": (Bundle.logit_errors, "no comparison of onnxruntime with torch"),
    "dataset": (Bundle.dataset, "no record of the data set"),
    "bins": (Bundle.bins, "no facts about the bins"),
    "parity": (Bundle.parity, "no comparison of bins with torchvision"),
    "toolkit": (Bundle.toolkit, "no record of the toolkit"),
    "machine": (Bundle.machine, "no record of the machine"),
    "om_batch_errors": (Bundle.batch_errors, "no comparison of the batch sizes"),
}


@pytest.mark.parametrize("field", FACTS)
def test_a_fact_is_as_recorded_or_no_evidence(field: str, forgery: Forgery) -> None:
    ask, said = FACTS[field]
    found = opened(forgery)
    assert ask(found) == getattr(found.record, field) is not None
    forgery.record[field] = None
    assert missing(lambda: ask(opened(forgery))) == said


def test_entries_are_found_by_their_name_or_batch(forgery: Forgery) -> None:
    found = opened(forgery)
    assert found.digest("om_bs4").name == "om_bs4"
    assert missing(lambda: found.digest("om_bs8")) == "no digest of om_bs8"
    assert found.described(4).inputs[0].shape[0] == 4
    assert missing(lambda: found.described(8)) == "no description of the OM of batch 8"
    assert (found.host_throughput(4).batch, found.device_throughput(4).batch) == (4, 4)
    assert missing(lambda: found.host_throughput(8)) == "no host samples of batch 8"
    assert missing(lambda: found.device_throughput(8)) == "no throughput samples of batch 8"
    assert found.gates["om.compiled[bs4]"].verdict is Verdict.PASS


TWICE: dict[str, tuple[Callable[[Bundle], Any], str]] = {
    "digests": (lambda found: found.digest("onnx"), "'om_bs1'"),
    "variants": (lambda found: found.top_five(PTH), "'om_bs1'"),
    "gates": (lambda found: found.gates, "'checkpoint.loads'"),
    "handovers": (lambda found: found.handover("bins"), "'an entry'"),
    "oms": (lambda found: found.described(4), "'an entry'"),
    "host_throughput": (lambda found: found.host_throughput(4), "'an entry'"),
    "device_throughput": (lambda found: found.device_throughput(4), "'an entry'"),
}


@pytest.mark.parametrize("field", TWICE)
def test_an_entry_stands_there_once(field: str, forgery: Forgery) -> None:
    ask, who = TWICE[field]
    forgery.record[field].append(forgery.record[field][1])
    assert refusal(lambda: ask(opened(forgery))) == f"{RECORD}.{field}: {who} stands there twice"


@pytest.mark.parametrize("verdict", ["PASS", "FAIL", "INCONCLUSIVE", "NOT RUN"])
def test_a_gate_that_passed_explains_nothing(verdict: str, forgery: Forgery) -> None:
    forgery.record["gates"][2]["check"].update(detail="trust me", verdict=verdict)
    if verdict == "PASS":
        said = f"{RECORD}.gates[2].check.detail: 'trust me' explains a PASS, which needs no excuse"
        assert refusal(lambda: opened(forgery).gates) == said
    else:
        assert opened(forgery).gates["checkpoint.keys"].detail == "trust me"


# --- How many were looked at ---------------------------------------------------------------------------------------


def _probe(forgery: Forgery, images: int) -> Callable[[Bundle], Any]:
    forgery.record["onnx_logit_errors"]["images"] = images
    return Bundle.logit_errors


def _bins(forgery: Forgery, images: int) -> Callable[[Bundle], Any]:
    forgery.record["bins"]["among"] = images
    return Bundle.bins


def _parity(forgery: Forgery, images: int) -> Callable[[Bundle], Any]:
    ids = json.loads(forgery.contents[IDS])
    forgery.record["parity"]["looked_at"] = [*ids, *(f"x{index}" for index in range(images))][:images]
    return Bundle.parity


@pytest.mark.parametrize(
    ("alter", "asked", "wanted"),
    [
        (_probe, ("onnx", "probe_images", 16), 16),
        (_probe, ("onnx", "probe_images", 500), 40),
        (_bins, None, 40),
        (_parity, ("preprocessing", "parity_images", 10), 10),
        (_parity, ("preprocessing", "parity_images", 500), 40),
    ],
)
def test_as_many_are_looked_at_as_are_asked_for_or_there(
    alter: Callable[[Forgery, int], Callable[[Bundle], Any]],
    asked: tuple[str, str, int] | None,
    wanted: int,
    forgery: Forgery,
) -> None:
    if asked is not None:
        forgery.spec[asked[0]][asked[1]] = asked[2]
    ask = alter(forgery, wanted)
    assert ask(opened(forgery)) is not None
    for other in (wanted - 1, wanted + 1):
        ask = alter(forgery, other)
        assert missing(lambda: ask(opened(forgery))) == f"{other} were looked at, not {wanted}"  # noqa: B023
    if alter is not _parity:
        forgery.record["dataset"] = None
        assert ask(opened(forgery)) is not None


def test_where_a_bin_was_lost_the_gates_behind_it_are_not_blamed(forgery: Forgery) -> None:
    _bins(forgery, 39)
    forgery.handover("bins")["missing"] = ["x"]
    forgery.handover("info")["expected"] = 39
    found = opened(forgery)
    assert not found.bins_whole
    assert (found.bins().among, found.handover("info").expected) == (39, 39)


def test_a_bin_of_no_image_was_not_looked_at(forgery: Forgery) -> None:
    looked_at = forgery.record["parity"]["looked_at"]
    looked_at[:2] = ["z", "y"]
    said = "'y' was looked at, which is no image of the data set"
    assert missing(lambda: opened(forgery).parity()) == said
    forgery.record["dataset"] = None
    assert opened(forgery).parity().looked_at == tuple(looked_at)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"batches": [1]}, "batches (1,) were compared over 40 images, not all"),
        ({"images": 39}, "batches (1, 4) were compared over 39 images, not all"),
    ],
)
def test_all_batches_are_compared_over_all_images(change: dict[str, object], said: str, forgery: Forgery) -> None:
    forgery.record["om_batch_errors"].update(change)
    assert missing(lambda: opened(forgery).batch_errors()) == said
    forgery.record["dataset"] = None
    if "images" in change:
        assert opened(forgery).batch_errors().images == 39
    else:
        assert missing(lambda: opened(forgery).batch_errors()) == said


# --- Hand-overs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["labels", "images", "bins", "info", "pth", "onnx", "om_bs4"])
def test_a_handover_counts_as_many_ids_as_there_are(step: str, forgery: Forgery) -> None:
    assert opened(forgery).handover(step).expected == 40
    forgery.handover(step)["expected"] = 39
    said = "39 ids were handed over, 40 are there"
    assert missing(lambda: opened(forgery).handover(step)) == said
    forgery.record["dataset"]["limit"] = 40
    if step == "labels":
        assert opened(forgery).handover(step).expected == 39
    else:
        assert missing(lambda: opened(forgery).handover(step)) == said
    forgery.record["dataset"] = None
    assert opened(forgery).handover(step).expected == 39


def test_a_handover_that_lost_ids_is_its_own_answer(forgery: Forgery) -> None:
    forgery.handover("info").update(expected=39, missing=["x"])
    assert not opened(forgery).handover("info").conserved


def test_a_step_that_is_not_there_is_named_for_what_it_is(forgery: Forgery) -> None:
    forgery.record["handovers"] = []
    found = opened(forgery)
    assert missing(lambda: found.handover("info")) == "no hand-over of info"
    assert missing(lambda: found.handover("om_bs4")) == "no predictions of om_bs4"
    assert found.bins_whole


def test_whether_there_is_a_gap_is_found_out_again_and_its_words_are_the_records(forgery: Forgery) -> None:
    forgery.record["dataset"]["gap"] = "lost some"
    assert opened(forgery).gap() == ""
    forgery.spec["dataset"]["content_sha256"] = forgery.record["dataset"]["images_sha256"]
    assert opened(forgery).gap() == ""
    forgery.spec["dataset"]["images"]["exactly"] = 41.0
    assert opened(forgery).gap() == "lost some"
    forgery.record["dataset"]["gap"] = ""
    assert opened(forgery).gap() == "these are not the images that this port asks for"


# --- Opening and reading -------------------------------------------------------------------------------------------


def test_a_folder_is_refused_with_its_first_ten_problems(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / MANIFEST).write_text(f"{hashlib.sha256(b'a').hexdigest()}  a\n")
    assert open_files(tmp_path).digests == {"a": hashlib.sha256(b"a").hexdigest()}
    for index in range(10):
        (tmp_path / f"b{index}").touch()
    named = "; ".join(f"b{index} is not in the manifest" for index in range(10))
    assert refusal(lambda: open_files(tmp_path)) == named
    for more in (1, 2):
        (tmp_path / f"c{more}").touch()
        assert refusal(lambda: open_files(tmp_path)) == f"{named}; … {more} more"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": 1}, ": schema 1, this judge reads schema 5: judge it with the suite that wrote it"),
        ({"schema": "2"}, ".schema: Expected `int`, got `str`"),
        ({"a note": 1, "b": 2}, ": a note, b missing or unknown"),
        ({"interrupted": 7}, ".interrupted: Expected `str`, got `int`"),
    ],
)
def test_a_record_of_another_shape_is_refused(change: dict[str, object], said: str, forgery: Forgery) -> None:
    forgery.record.update(change)
    assert refusal(lambda: opened(forgery)) == f"{RECORD}{said}"


@pytest.mark.parametrize("document", [[], None, "x", 2])
def test_what_is_no_record_lacks_every_field(document: object) -> None:
    said = refusal(lambda: read_acceptance(document))
    assert said.startswith(f"{RECORD}: aipp, artifacts, bins, ")
    assert said.endswith(" missing or unknown")


def test_a_field_that_has_a_default_may_not_be_left_out(forgery: Forgery) -> None:
    del forgery.record["gates"][0]["check"]["detail"]
    assert refusal(lambda: opened(forgery)).startswith(f"{RECORD}.gates[0].check: {{")
    forgery.record["gates"] = forgery.record["gates"][1:]
    del forgery.record["timings"]
    assert refusal(lambda: opened(forgery)) == f"{RECORD}: timings missing or unknown"


def test_a_spec_that_is_none_is_refused_with_its_place(contents: dict[str, bytes]) -> None:
    spec = json.loads(contents["spec.json"])
    assert read_spec(contents["spec.json"], "x").kind == "published"
    assert refusal(lambda: read_spec(b"[]", "x.json")) == "x.json: Expected `object`, got `array`"
    assert refusal(lambda: read_spec(b"{", "x.json")).startswith("x.json: not the JSON of a bundle: ")
    spec["dataset"]["classes"] = 0
    assert (
        refusal(lambda: read_spec(json.dumps(spec).encode(), "x.json")) == "x.json.dataset.classes: Expected `int` >= 1"
    )


def test_the_digest_of_a_spec_is_that_of_its_bytes() -> None:
    assert spec_digest(b"x") == hashlib.sha256(b"x").hexdigest()


def test_a_bundle_needs_its_record_and_its_spec(forgery: Forgery, tmp_path: Path) -> None:
    assert refusal(lambda: read_bundle("x", Files(tmp_path, {}, ""))) == f"{RECORD} is missing"
    forgery.spec["model"] = None
    assert refusal(lambda: opened(forgery)) == "spec.json.model: Expected `object`, got `null`"


# --- Differences ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recorded", "ours", "alike"),
    [
        (1.0, 1.0 + 0.9e-9, True),
        (1.0, 1.0 + 1.1e-9, False),
        (-1e6, -1e6 - 0.9e-3, True),
        (-1e6, -1e6 - 1.1e-3, False),
        (1e6 + 0.9e-3, 1e6, True),
        (0.0, 0.9e-12, True),
        (0.0, 1e-12, True),
        (0.0, 1.1e-12, False),
        (0.0, -1.1e-12, False),
        (2, 2.0, True),
        ("inf", "inf", True),
        ("inf", 1.0, False),
        (True, 1, False),
        (1, True, False),
        (True, True, True),
        (True, False, False),
        ("a", "a", True),
        ("1", 1, False),
        (None, None, True),
        (None, 0, False),
    ],
)
def test_figures_are_close_up_to_their_last_digits_and_nothing_else_is(
    recorded: object, ours: object, alike: bool
) -> None:
    assert close(recorded, ours) is alike
    assert (differences([recorded], [ours], "x") == []) is alike


def test_differences_are_told_with_the_way_to_them() -> None:
    assert differences({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, "x") == ["x.a[1].b: 2 recorded, 3 recomputed"]
    assert differences({"a": 1}, {"b": 1}, "x") == ["x: {'a': 1} recorded, {'b': 1} recomputed"]
    assert differences([1], [1, 2], "x") == ["x: [1] recorded, [1, 2] recomputed"]
    assert differences([1], {"a": 1}, "x") == ["x: [1] recorded, {'a': 1} recomputed"]
    assert differences({"a": 1}, [1], "x") == ["x: {'a': 1} recorded, [1] recomputed"]
    assert differences({"a": 1, "b": 2}, {"a": 3, "b": 4}, "x") == [
        "x.a: 1 recorded, 3 recomputed",
        "x.b: 2 recorded, 4 recomputed",
    ]
