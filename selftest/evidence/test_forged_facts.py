"""Facts that were forged: each is held against ids, digests, spec and the other facts, and its gate against it.

That any figure altered alone is found: selftest/test_verify_bundle.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from selftest.evidence.bundles import World, quickly_written
from selftest.evidence.tampering import Forgery, assert_refused, contents_of
from tools.judge.results import Word

SMALL = World(images=60, margin_pp=20.0, tight_pp=19.0, logit_noise=0.002, batches=(1, 4), runs=2)
Forge = Callable[[Forgery], None]


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of an accepted bundle."""
    return contents_of(quickly_written(SMALL, tmp_path_factory.mktemp("accepted") / "bundle"))


def alter(fact: str, gates: dict[str, str], **fields: object) -> Forge:
    """Other fields of a fact, and what its gates say they measured; they pass all the same."""

    def forge(forgery: Forgery) -> None:
        forgery.record[fact].update(fields)
        for gate, measured in gates.items():
            forgery.gate(gate)["check"]["measured"] = measured

    return forge


def handed(step: str, *gates: str, measured: str = "59 ids", **fields: object) -> Forge:
    """A hand-over of other ids, its gates passed."""

    def forge(forgery: Forgery) -> None:
        forgery.handover(step).update(fields or {"expected": 59})
        for gate in gates:
            forgery.gate(gate)["check"]["measured"] = measured

    return forge


def described(**fields: object) -> Forge:
    """Another input of the first OM."""

    def forge(forgery: Forgery) -> None:
        forgery.record["oms"][0]["described"]["inputs"][0].update(fields)

    return forge


def stored(**fields: object) -> Forge:
    """Other words in the first OM's own bytes."""

    def forge(forgery: Forgery) -> None:
        forgery.record["oms"][0]["described"]["stored"].update(fields)

    return forge


def _soc(forgery: Forgery) -> None:
    forgery.record["oms"][0]["described"]["soc"] = "Ascend310P3"


def _of_another_batch(forgery: Forgery) -> None:
    first, second = forgery.record["oms"]
    first["described"], second["described"] = second["described"], first["described"]


def _batch_renamed(forgery: Forgery) -> None:
    forgery.record["oms"][0]["batch"] = 8


def _om_twice(forgery: Forgery) -> None:
    forgery.record["oms"].append(forgery.record["oms"][0])


def _other_tool(forgery: Forgery) -> None:
    forgery.record["toolkit"]["infer_tool"] = forgery.record["machine"]["infer_tool"] = "benchmark"
    forgery.judge_again("om.toolkit")


def _other_target(forgery: Forgery) -> None:
    forgery.record["toolkit"]["target"] = "simulator"
    forgery.judge_again("om.toolkit")


def _other_om(forgery: Forgery) -> None:
    digest = next(entry for entry in forgery.record["digests"] if entry["name"] == "om_bs1")
    digest.update(sha256="1" * 64, path="<cache>/other.om")
    forgery.judge_again("om.compiled[bs1]")


def _other_md5(forgery: Forgery) -> None:
    digest = next(entry for entry in forgery.record["digests"] if entry["name"] == "checkpoint")
    digest["md5"] = "1" * 32
    forgery.gate("checkpoint.md5")["check"].update(measured="1" * 32, threshold=f"== {'1' * 32}")


def _other_opset(forgery: Forgery) -> None:
    forgery.record["onnx"]["opsets"] = ["ai.onnx 13"]
    forgery.gate("onnx.opset")["check"].update(measured="ai.onnx 13", threshold="== ai.onnx 13")


def _more_tensors(forgery: Forgery) -> None:
    forgery.record["checkpoint"].update(tensors=17, expected=17)
    names = ("loads", "keys", "shapes", "finite")
    forgery.judge_again(*(f"checkpoint.{name}" for name in names))


def _repeated(ids: list[Any]) -> list[Any]:
    return [ids[1], *ids[1:]]


def _looked_at(change: Callable[[list[Any]], list[Any]]) -> Forge:
    """Other ids that were compared with torchvision, the count fitted."""

    def forge(forgery: Forgery) -> None:
        facts = forgery.record["parity"]
        facts["looked_at"] = change(facts["looked_at"])
        forgery.gate("preprocessing.torchvision_parity")["check"]["measured"] = f"0 of {len(facts['looked_at'])}"

    return forge


def _other_outputs(**fields: object) -> Forge:
    """Another second throughput run of the first batch size."""

    def forge(forgery: Forgery) -> None:
        forgery.record["throughput_outputs"][0]["runs"][1].update(fields)

    return forge


FIRST = "ILSVRC2012_val_00000001"
NODE = {"name": "n", "operator": "ai.onnx::11::Mish", "registered_at": [18], "standard": True}
BIN_GATES = ("bin_size", "finite", "value_range")
FORGERIES: dict[str, tuple[Forge, str]] = {
    "a checkpoint of more tensors than it has": (
        alter("checkpoint", {"checkpoint.loads": "17 tensors"}, tensors=17),
        "checkpoint.tensors",
    ),
    "a network of more tensors, its gates fitted": (_more_tensors, "onnx_weights.among"),
    "a missing tensor, its gate passed": (
        alter("checkpoint", {"checkpoint.keys": "1 missing, 0 unexpected of 16"}, missing=["x"], tensors=15),
        "gate checkpoint.keys: verdict",
    ),
    "a tensor of another shape": (alter("checkpoint", {}, misshapen=["x"]), "gate checkpoint.shapes: verdict"),
    "a tensor that is not finite": (alter("checkpoint", {}, not_finite=["x"]), "gate checkpoint.finite: verdict"),
    "another md5, threshold and all": (_other_md5, "gate checkpoint.md5: threshold"),
    "another opset, threshold and all": (_other_opset, "gate onnx.opset: threshold"),
    "an operator set beside the one": (
        alter("onnx", {"onnx.opset": "ai.onnx 11, com.x 1"}, opsets=["ai.onnx 11", "com.x 1"]),
        "gate onnx.opset: verdict",
    ),
    "a second input": (alter("onnx", {}, inputs=["a float32 [-1]", "b float32 [-1]"]), "gate onnx.input: verdict"),
    "another output": (alter("onnx", {}, outputs=["a float32 [-1]"]), "gate onnx.output: verdict"),
    "fewer nodes": (alter("onnx", {}, operators=["Conv"]), "gate onnx.export: measured"),
    "a complaint of the checker": (
        alter("onnx_checker", {"onnx.checker": "no shape"}, answer="no shape"),
        "gate onnx.checker: verdict",
    ),
    "a node that atc does not know": (
        alter("onnx_operators", {"onnx.operators": "1 of 3"}, unregistered=[NODE], fitting_opsets=[17]),
        "gate onnx.operators: verdict",
    ),
    "a node that atc does not know at an opset that fits": (
        alter("onnx_operators", {"onnx.operators": "1 of 3"}, unregistered=[NODE]),
        "onnx_operators.fitting_opsets: opset 11 fits, but some node is registered at others",
    ),
    "no opset that fits, and every node registered": (
        alter("onnx_operators", {}, fitting_opsets=[]),
        "onnx_operators.fitting_opsets: every node is registered at opset 11, which does not fit",
    ),
    "fewer nodes looked up": (alter("onnx_operators", {"onnx.operators": "0 of 2"}, nodes=2), "onnx_operators.nodes"),
    "a weight that differs": (
        alter("onnx_weights", {"onnx.weights": "1 of 16"}, offenders=["x differs"]),
        "gate onnx.weights: verdict",
    ),
    "a weight that differs, called right": (
        alter("onnx_weights", {"onnx.weights": "1 of 16"}, offenders=["x differs"]),
        "onnx_weights: 0 of 16 are not right, 1 are named",
    ),
    "a weight that is not right and not named": (
        alter("onnx_weights", {}, exact=15),
        "onnx_weights: 1 of 16 are not right, 0 are named",
    ),
    "weights called unused": (
        alter("onnx_weights", {}, unused=["x"]),
        "onnx_weights.among",
    ),
    "a constant of no tensor, uncounted": (alter("onnx_weights", {}, foreign=1), "onnx_weights.among"),
    "fewer weights compared": (
        alter("onnx_weights", {"onnx.weights": "0 of 15"}, among=15),
        "onnx_weights.among",
    ),
    "an error of logits above its bound": (
        alter("onnx_logit_errors", {"onnx.logits_abs_error": "0.5"}, to_reference=0.5),
        "gate onnx.logits_abs_error: verdict",
    ),
    "a logit that is no number": (
        alter("onnx_logit_errors", {"onnx.logits_abs_error": "nan"}, to_reference="nan"),
        "gate onnx.logits_abs_error: verdict",
    ),
    "fewer probe images": (
        alter("onnx_logit_errors", {}, images=1),
        "gate onnx.logits_abs_error: PASS is recorded, but 1 were looked at, not 32",
    ),
    "labels of fewer ids": (handed("labels", "preprocessing.ids"), "gate preprocessing.ids: PASS is recorded"),
    "fewer images": (handed("images", "preprocessing.images", measured="59 images"), "gate preprocessing.images: PASS"),
    "fewer bins": (handed("bins", "preprocessing.bins"), "gate preprocessing.bins: PASS is recorded"),
    "a list of fewer bins": (handed("info", "preprocessing.info"), "gate preprocessing.info: PASS is recorded"),
    "predictions of fewer ids by the checkpoint": (
        handed("pth", "pth.accuracy.ids"),
        "gate pth.accuracy.ids: PASS is recorded, but 59 ids were handed over, 60 are there",
    ),
    "predictions of fewer ids by the ONNX file": (
        handed("onnx", "onnx.accuracy.ids"),
        "gate onnx.accuracy.ids: PASS is recorded",
    ),
    "predictions of fewer ids by an OM": (handed("om_bs4", "om.accuracy.ids[bs4]"), "gate om.accuracy.ids[bs4]: PASS"),
    "fewer outputs of an OM": (handed("om_bs1", "om.ran[bs1]", measured="59 outputs"), "gate om.ran[bs1]: PASS"),
    "a prediction that is missing": (
        handed("onnx", measured="60 ids", missing=[FIRST]),
        "gate onnx.accuracy.ids: verdict",
    ),
    "an id that nobody asked for": (handed("bins", extra=["x"]), "gate preprocessing.bins: verdict"),
    "an id twice": (handed("info", duplicated=[FIRST]), "gate preprocessing.info: verdict"),
    "fewer bins looked at": (
        alter("bins", {f"preprocessing.{name}": "0 of 59" for name in BIN_GATES}, among=59),
        "gate preprocessing.bin_size: PASS is recorded, but 59 were looked at, not 60",
    ),
    "a bin of another size": (
        alter("bins", {"preprocessing.bin_size": "1 of 60"}, wrong_size=[FIRST]),
        "gate preprocessing.bin_size: verdict",
    ),
    "a bin that is not finite": (alter("bins", {}, not_finite=[FIRST]), "gate preprocessing.finite: verdict"),
    "a bin out of range": (alter("bins", {}, out_of_range=[FIRST]), "gate preprocessing.value_range: verdict"),
    "a bin that is not torchvision's": (
        alter("parity", {"preprocessing.torchvision_parity": "1 of 60"}, differing=[FIRST]),
        "gate preprocessing.torchvision_parity: verdict",
    ),
    "fewer bins held against torchvision's": (
        _looked_at(lambda ids: ids[:5]),
        "gate preprocessing.torchvision_parity: PASS is recorded, but 5 were looked at, not 60",
    ),
    "one bin held against torchvision's twice": (
        _looked_at(_repeated),
        "gate preprocessing.torchvision_parity: PASS is recorded, but 59 were looked at, not 60",
    ),
    "a bin of no image held against torchvision's": (
        _looked_at(lambda ids: ["other", *ids[1:]]),
        "gate preprocessing.torchvision_parity: PASS is recorded, but 'other' was looked at",
    ),
    "a toolkit of another tool": (_other_tool, "device_throughput[0].runs[0].tool"),
    "a toolkit of another target": (_other_target, "toolkit.target"),
    "another OM": (_other_om, "variants[1].model_sha256"),
    "an OM of another batch": (described(shape=[4, 3, 224, 224]), "gate om.described[bs1]: verdict"),
    "an OM of another type": (described(dtype="DT_FLOAT16"), "gate om.described[bs1]: verdict"),
    "an OM of another input": (described(name="x"), "gate om.described[bs1]: verdict"),
    "an OM of another chip": (_soc, "gate om.described[bs1]: verdict"),
    "an OM of another chip by its own bytes": (stored(soc="Ascend310P3"), "gate om.described[bs1]: verdict"),
    "an OM of other inputs by its own bytes": (
        stored(inputs=[{"name": "x", "dtype": "DT_UINT8", "shape": [1, 224, 224, 3]}]),
        "gate om.described[bs1]: verdict",
    ),
    "an OM whose own bytes were not read, unsaid": (stored(unread="zip"), "gate om.described[bs1]: source"),
    "descriptions of two OMs swapped": (_of_another_batch, "gate om.described[bs4]: verdict"),
    "the description of no OM": (_batch_renamed, "gate om.described[bs1]: PASS is recorded"),
    "an OM described twice": (_om_twice, "oms: 'an entry' stands there twice"),
    "batches that lie apart": (
        alter("om_batch_errors", {"om.batch_invariance_abs_error": "0.2"}, largest=0.2),
        "gate om.batch_invariance_abs_error: verdict",
    ),
    "batches not all compared": (
        alter("om_batch_errors", {}, batches=[1]),
        "gate om.batch_invariance_abs_error: PASS is recorded, but batches (1,) were compared over 60 images, not all",
    ),
    "a throughput run of other outputs": (
        _other_outputs(differing=60, largest=0.2),
        "gate om.perf.outputs_abs_error: verdict",
    ),
    "a throughput run whose outputs are no numbers": (
        _other_outputs(differing=1, largest="nan"),
        "gate om.perf.outputs_abs_error: verdict",
    ),
    "a throughput run of other outputs, called none": (
        _other_outputs(largest=0.01),
        "throughput_outputs[0].runs[1]: 0 of 60 differ, by at most 0.01",
    ),
    "outputs of a throughput run that were not all compared": (
        _other_outputs(images=59),
        "gate om.perf.outputs_abs_error: PASS is recorded, but outputs of batch 1 are not those",
    ),
    "outputs of another run": (
        _other_outputs(run=3),
        "gate om.perf.outputs_abs_error: PASS is recorded, but outputs of batch 1 are not those",
    ),
    "a device's predictions of an earlier run": (
        lambda forgery: forgery.record.update(
            reused=[{"name": "predictions-om/1", "made_utc": "2025-01-01T00:00:00+00:00", "made_on": "", "batch": None}]
        ),
        "reused[0]: 'predictions-om/1' on a device is made in the run itself",
    ),
    "batches compared over fewer images": (
        alter("om_batch_errors", {}, images=1),
        "gate om.batch_invariance_abs_error: PASS is recorded, but batches (1, 4) were compared over 1 images, not all",
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_fact_is_named(name: str, contents: dict[str, bytes]) -> None:
    forge, named = FORGERIES[name]
    forgery = Forgery(contents)
    forge(forgery)
    assert_refused(forgery.outcome(), named)


LEFT_OUT = {
    "toolkit": "om.toolkit: PASS is recorded, but no record of the toolkit",
    "machine": "bundle: no record of the machine",
    "digests": "om.compiled[bs4]: PASS is recorded, but no digest of om_bs4",
    "checkpoint": "checkpoint.keys: PASS is recorded, but no facts about the checkpoint",
    "onnx": "onnx.opset: PASS is recorded, but no facts about the ONNX file",
    "onnx_checker": "onnx.checker: PASS is recorded, but no answer of onnx.checker",
    "onnx_operators": "onnx.operators: PASS is recorded, but no comparison with what atc parses",
    "onnx_weights": "onnx.weights: PASS is recorded, but no comparison of weights",
    "onnx_logit_errors": "onnx.logits_abs_error: PASS is recorded, but no comparison of onnxruntime with torch",
    "dataset": "preprocessing.labels: PASS is recorded, but no record of the data set",
    "handovers": "preprocessing.bins: PASS is recorded, but no hand-over of bins",
    "bins": "preprocessing.finite: PASS is recorded, but no facts about the bins",
    "parity": "preprocessing.torchvision_parity: PASS is recorded, but no comparison of bins with torchvision",
    "oms": "om.described[bs1]: PASS is recorded, but no description of the OM of batch 1",
    "om_batch_errors": "om.batch_invariance_abs_error: PASS is recorded, but no comparison of the batch sizes",
}
"""What a bundle is told that lacks these facts while their gates pass."""


def leave_out(forgery: Forgery, fact: str) -> None:
    """Take a fact out of the record."""
    forgery.record[fact] = [] if isinstance(forgery.record[fact], list) else None


@pytest.mark.parametrize("fact", LEFT_OUT)
def test_a_gate_does_not_pass_without_its_facts(fact: str, contents: dict[str, bytes]) -> None:
    forgery = Forgery(contents)
    leave_out(forgery, fact)
    assert_refused(forgery.outcome(), LEFT_OUT[fact])


@pytest.mark.parametrize("fact", ["checkpoint", "onnx_weights", "handovers", "bins", "oms", "om_batch_errors"])
def test_what_a_cut_run_says_without_facts_is_not_counted(fact: str, contents: dict[str, bytes]) -> None:
    """A run that was cut short may have lost them: it is INCOMPLETE in any case, and these gates are missing too."""
    forgery = Forgery(contents)
    forgery.record["interrupted"] = "KeyboardInterrupt"
    forgery.record["verdict"]["word"] = "INCOMPLETE"
    leave_out(forgery, fact)
    outcome = forgery.outcome()
    assert (outcome.status, outcome.word) == (1, Word.INCOMPLETE), outcome.text
    assert f"{LEFT_OUT[fact]}: not counted" in outcome.text


FAILING: dict[str, tuple[Forge, str]] = {
    "a missing tensor": (alter("checkpoint", {}, missing=["x"], tensors=15), "checkpoint.keys"),
    "a bin out of range": (alter("bins", {}, out_of_range=[FIRST]), "preprocessing.value_range"),
    "an OM of another chip": (_soc, "om.described[bs1]"),
    "batches that lie apart": (alter("om_batch_errors", {}, largest=0.2), "om.batch_invariance_abs_error"),
}


@pytest.mark.parametrize("name", FAILING)
def test_a_failed_gate_cannot_be_left_out_while_its_facts_are_there(name: str, contents: dict[str, bytes]) -> None:
    forge, gate = FAILING[name]
    forgery = Forgery(contents)
    forge(forgery)
    tensors = forgery.record["checkpoint"]["tensors"]
    forgery.record["onnx_weights"].update(among=tensors, exact=tensors)
    forgery.record["gates"] = [entry for entry in forgery.record["gates"] if entry["id"] != gate]
    loads = ("checkpoint.loads", "onnx.weights")
    forgery.judge_again(*loads)
    outcome = forgery.outcome()
    assert (outcome.status, outcome.word) == (1, Word.REJECTED), outcome.text
    assert f"{gate}: the record leaves it open, its evidence fails it" in outcome.text


def test_an_old_om_does_not_say_its_chip(contents: dict[str, bytes]) -> None:
    """Releases of CANN that store no chip in the OM are believed: nothing contradicts them."""
    forgery = Forgery(contents)
    forgery.record["oms"][0]["described"]["soc"] = None
    outcome = forgery.outcome()
    assert outcome.word is Word.ACCEPTED, outcome.text
