"""What a bundle answers of things that only some runs have: a graph step, JPEG files, files that were handed in,
predictions of another run, a profile. A run that has none of them is in selftest/evidence/test_bundle.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from selftest.evidence.bundles import CODE, DIGEST, SPECS, World, quickly_written
from selftest.evidence.tampering import Forgery, contents_of
from tools.judge import records
from tools.judge.basis import (
    DeviceKind,
    MadeBy,
    ReferenceBasis,
    ReferenceDevice,
    ReferenceProbe,
    drawn,
    probe_seed,
    recipe_words,
)
from tools.judge.bundle import Bundle, read_bundle
from tools.judge.evidence import NoEvidence
from tools.judge.facts import AippFacts, BatchErrors, GraphStepFacts, JpegFacts, LogitErrors
from tools.judge.files import Refused
from tools.judge.handed_in import HandedIn
from tools.judge.machine_records import HostRecord, Versions
from tools.judge.op_profile import OperatorProfile
from tools.judge.prediction_records import ReferenceRecord, TakenReference

WORLD = World(images=20, batches=(1, 4), runs=2)
IDS = tuple(f"ILSVRC2012_val_{number:08d}" for number in range(1, 21))
RECORD = "acceptance.json"
CPU = ReferenceDevice(DeviceKind.CPU, "a CPU", "2.13.0", "", ())
GPU = ReferenceDevice(DeviceKind.CUDA, "a GPU", "2.13.0", "12.6", ())
BASIS = ReferenceBasis(
    checkpoint_sha256=DIGEST,
    network=CODE,
    output=0,
    classes=20,
    recipe=recipe_words(SPECS["published"].preprocessing),
    images=20,
    ids_sha256=DIGEST,
    images_sha256=DIGEST,
    pixels="made up",
)
TAKEN = TakenReference(
    run="1" * 32,
    finished_utc="2026-01-01T00:00:00+00:00",
    manifest_sha256="2" * 64,
    logits_sha256="3" * 64,
    host=HostRecord("Linux", "x86_64", "a CPU", 2, 1),
    versions=Versions(python="3.11.7", libraries={}, suite_sha256=DIGEST),
    device=GPU,
    basis=BASIS,
)


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A bundle that has none of them."""
    return contents_of(quickly_written(WORLD, tmp_path_factory.mktemp("made") / "bundle"))


@pytest.fixture
def forgery(contents: dict[str, bytes]) -> Forgery:
    """A copy of it to be altered."""
    return Forgery(contents)


def opened(forgery: Forgery, **changes: object) -> Bundle:
    """As the judge opens it, where these fields of the record are others."""
    forgery.record.update({name: records.plain(value) for name, value in changes.items()})
    return read_bundle("a bundle", forgery.sealed())


def missing(call: Callable[[], object]) -> str:
    """Why there is no evidence."""
    with pytest.raises(NoEvidence) as caught:
        call()
    return str(caught.value)


def twice(call: Callable[[], object]) -> str:
    """Which entries stand there twice."""
    with pytest.raises(Refused) as caught:
        call()
    return str(caught.value).removesuffix(" stands there twice")


# --- Facts ---------------------------------------------------------------------------------------------------------

FACTS: dict[str, tuple[Callable[[Bundle], Any], object, str]] = {
    "onnx_graph_step": (Bundle.graph_step, GraphStepFacts(20, 0.5), "no comparison of the graph step"),
    "aipp": (Bundle.aipp, AippFacts("aipp_op {}"), "no AIPP file"),
    "jpegs": (Bundle.jpegs, JpegFacts(20, ("a (why)",), (), ()), "no facts about the JPEG files"),
    "reference_basis": (
        Bundle.reference_basis,
        BASIS,
        "no word on what the checkpoint's predictions follow from",
    ),
}


@pytest.mark.parametrize("field", FACTS)
def test_a_fact_is_as_recorded_or_no_evidence(field: str, forgery: Forgery) -> None:
    ask, fact, said = FACTS[field]
    assert missing(lambda: ask(opened(forgery))) == said
    assert ask(opened(forgery, **{field: fact})) == fact


def test_a_recipe_that_is_not_recorded_is_no_evidence(forgery: Forgery) -> None:
    assert opened(forgery).recipe() == WORLD.recipe
    said = "no word on the recipe that a library states"
    assert missing(lambda: opened(forgery, recipe=None).recipe()) == said


@pytest.mark.parametrize("probe_images", [16, 500])
def test_the_graph_step_is_looked_at_on_as_many_images_as_are_asked_for_or_there(
    probe_images: int, forgery: Forgery
) -> None:
    forgery.spec["onnx"]["probe_images"] = probe_images
    wanted = min(probe_images, 20)
    assert opened(forgery, onnx_graph_step=GraphStepFacts(wanted, 0.0)).graph_step().images == wanted
    for other in (wanted - 1, wanted + 1):
        found = opened(forgery, onnx_graph_step=GraphStepFacts(other, 0.0))
        assert missing(found.graph_step) == f"{other} were looked at, not {wanted}"


@pytest.mark.parametrize(
    ("field", "fact"),
    [
        ("onnx_logit_errors", LogitErrors(1, 0.0, 0.0)),
        ("onnx_graph_step", GraphStepFacts(1, 0.0)),
        ("om_batch_errors", BatchErrors((1, 4), 1, 0.0)),
    ],
)
def test_a_largest_error_over_no_image_is_none(field: str, fact: object, forgery: Forgery) -> None:
    """Also where no data set is recorded, of which all or some would have to be looked at."""
    object.__setattr__(fact, "images", 0)
    with pytest.raises(Refused, match=rf"^{RECORD}\.{field}: a largest error over 0 images, must be at least 1$"):
        opened(forgery, dataset=None, **{field: fact})


def test_every_jpeg_file_is_looked_at(forgery: Forgery) -> None:
    for other in (19, 21):
        found = opened(forgery, jpegs=JpegFacts(other, (), (), ()))
        assert missing(found.jpegs) == f"{other} were looked at, not 20"


def test_an_image_that_was_looked_at_twice_counts_once(forgery: Forgery) -> None:
    forgery.spec["preprocessing"]["parity_images"] = 3
    forgery.record["parity"]["looked_at"] = [IDS[0], IDS[0], IDS[1]]
    assert missing(opened(forgery).parity) == "2 were looked at, not 3"
    forgery.record["parity"]["looked_at"] = [IDS[0], IDS[0], IDS[1], IDS[2]]
    assert len(opened(forgery).parity().looked_at) == 4


def test_pixels_of_a_function_of_the_ports_own_are_held_against_none(forgery: Forgery) -> None:
    one_step = {"function": "python:pixels.py:pixels", "resize_px": None, "interpolation": None, "crop_px": 224}
    forgery.spec["preprocessing"].update(one_step)
    forgery.record["parity"].update(looked_at=[], against="")
    assert opened(forgery).parity().looked_at == ()


def test_which_images_are_foreign_is_found_out_again_by_the_spec_that_judges(forgery: Forgery) -> None:
    forgery.record["dataset"]["foreign_ids"] = 7
    found = opened(forgery)
    assert found.record.dataset is not None
    assert found.dataset() == replace(found.record.dataset, foreign_ids=0)
    forgery.spec["dataset"]["images"]["exactly"] = 15.0
    assert opened(forgery).dataset().foreign_ids == 5


def test_what_was_handed_in_is_found_by_the_name_of_its_digest(forgery: Forgery) -> None:
    files = [HandedIn(name, f"{name}.bin", DIGEST, 1) for name in ("onnx", "om_bs1")]
    found = opened(forgery, handed_in=files)
    assert [found.handed_in(name) for name in ("onnx", "om_bs1", "om_bs4")] == [*files, None]
    again = opened(forgery, handed_in=[*files, files[1]])
    assert twice(lambda: again.handed_in("onnx")) == f"{RECORD}.handed_in: 'om_bs1'"


def test_what_was_recorded_differently_becomes_a_problem_with_its_place(forgery: Forgery) -> None:
    found = opened(forgery)
    found.compare("a", GraphStepFacts(20, 0.5), GraphStepFacts(20, 0.5))
    assert found.problems == []
    found.compare("b", GraphStepFacts(20, 0.5), GraphStepFacts(21, 0.5))
    found.compare("c", (1,), (2,))
    assert found.problems == ["b.images: 20 recorded, 21 recomputed", "c[0]: 1 recorded, 2 recomputed"]


# --- The checkpoint's predictions ----------------------------------------------------------------------------------

NOT_TAKEN = "no word on whose predictions were taken"


def test_who_has_made_the_predictions_follows_from_device_and_run(forgery: Forgery) -> None:
    assert opened(forgery).made_by is MadeBy.CPU, "a run that says nothing"
    for device, taken, made_by in (
        (CPU, None, MadeBy.CPU),
        (GPU, None, MadeBy.CUDA),
        (GPU, TAKEN, MadeBy.OTHER_RUN),
        (CPU, replace(TAKEN, device=CPU), MadeBy.OTHER_RUN),
    ):
        assert opened(forgery, reference=ReferenceRecord(device, taken)).made_by is made_by


def test_whose_predictions_were_taken_is_as_recorded_or_no_evidence(forgery: Forgery) -> None:
    assert missing(opened(forgery).taken_reference) == NOT_TAKEN
    assert missing(opened(forgery, reference=ReferenceRecord(GPU, None)).taken_reference) == NOT_TAKEN
    assert opened(forgery, reference=ReferenceRecord(GPU, TAKEN)).taken_reference() == TAKEN


def probe_of(run: str, manifest_sha256: str, count: int = 17) -> ReferenceProbe:
    """A probe of the images that chance draws."""
    ids = drawn(IDS, probe_seed(run, manifest_sha256), count)
    return ReferenceProbe(ids, 0.5, ids[0])


@pytest.mark.parametrize(("taken", "manifest"), [(None, ""), (TAKEN, TAKEN.manifest_sha256)])
def test_a_probe_is_of_the_images_that_the_run_and_what_was_taken_draw(
    taken: TakenReference | None, manifest: str, forgery: Forgery
) -> None:
    forgery.spec["accuracy"]["reference_probe_images"] = 17
    run, reference = forgery.record["run"], ReferenceRecord(GPU, taken)
    said = "no comparison of the checkpoint's predictions with the CPU's"
    assert missing(opened(forgery, reference=reference).reference_probe) == said
    right = probe_of(run, manifest)
    assert opened(forgery, reference_probe=right).reference_probe() == right
    others = [
        probe_of(run, "2" * 64 if taken is None else ""),
        probe_of("4" * 32, manifest),
        probe_of(run, manifest, count=16),
        probe_of(run, manifest, count=18),
    ]
    for probe in others:
        said = f"the {len(probe.ids)} images that were computed again are not those that chance draws"
        assert missing(opened(forgery, reference_probe=probe).reference_probe) == said
    found = opened(forgery, reference_probe=right, dataset=None)
    assert missing(found.reference_probe) == "no record of the data set"


# --- Speed ---------------------------------------------------------------------------------------------------------


def test_throughput_runs_gave_as_many_outputs_as_they_are_said_to_have_seen_images(forgery: Forgery) -> None:
    honest = json.dumps(forgery.record["throughput_outputs"])
    found = opened(forgery)
    assert [run.images for run in found.throughput_outputs(1).runs] == [20, 20]
    assert found.throughput_outputs(4).runs == (), "pure inference gives no outputs"
    assert missing(lambda: found.throughput_outputs(8)) == "no word on the outputs of throughput runs of batch 8"
    said = "outputs of batch 1 are not those of its throughput runs over the data set"
    first, second = (dict(run) for run in forgery.record["throughput_outputs"][0]["runs"])
    for runs in ([first], [first, second | {"run": 3}], [first | {"images": 19}, second], [first, second, second]):
        forgery.record["throughput_outputs"] = json.loads(honest)
        forgery.record["throughput_outputs"][0]["runs"] = runs
        assert missing(lambda: opened(forgery).throughput_outputs(1)) == said
    forgery.record["throughput_outputs"].append(forgery.record["throughput_outputs"][1])
    assert twice(lambda: opened(forgery).throughput_outputs(1)) == f"{RECORD}.throughput_outputs: 'an entry'"


def test_a_profile_is_found_by_its_batch(forgery: Forgery) -> None:
    profiles = [OperatorProfile(batch, 0, "op_summary", ("a.csv",), 5, 0, 3, (), ()) for batch in (1, 4)]
    found = opened(forgery, profiles=profiles)
    assert [found.profile(batch) for batch in (1, 4)] == profiles
    assert missing(lambda: found.profile(8)) == "no profile of batch 8"
    again = opened(forgery, profiles=[*profiles, profiles[1]])
    assert twice(lambda: again.profile(1)) == f"{RECORD}.profiles: 'an entry'"
