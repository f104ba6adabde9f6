"""Each part of the consistency check alone, on one bundle that was read once: what it names, and what it lets pass.

The parts together, on bundles sealed anew: selftest/evidence/test_consistency.py.
"""

from __future__ import annotations

import hashlib
import math
from array import array
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from selftest.evidence.bundles import PORT_FILE, World, quickly_written
from selftest.evidence.tampering import Sealed, contents_of
from tools.base.errors import Stage
from tools.judge.acceptance import CommandRecord, Reused, Timing
from tools.judge.bundle import Bundle, read_bundle
from tools.judge.consistency.dataset import check_dataset
from tools.judge.consistency.everything import check_figures
from tools.judge.consistency.machine import check_machine
from tools.judge.consistency.model import check_model
from tools.judge.consistency.on_device import check_on_device
from tools.judge.consistency.predictions import check_batches, check_predictions
from tools.judge.consistency.preprocessing import check_preprocessing
from tools.judge.consistency.spec import _numbers_below, check_spec
from tools.judge.consistency.throughput import check_device_throughput, check_host_throughput, check_outputs
from tools.judge.facts import AippFacts, JpegFacts, ParityFacts, RecipeFacts, RunOutputs
from tools.judge.files import Refused, short
from tools.judge.ids import PTH, Variant
from tools.judge.kept_scores import apart
from tools.judge.layout import IDS, LABELS, PORT, SPEC_JSON
from tools.judge.operators import UnregisteredNode
from tools.judge.shipped import SHIPPED_FILES, SHIPPED_SPECS, files_digest
from tools.judge.spec_data import AippInput

RECORD = "acceptance.json"
ONES = "1" * 64
Changes = Mapping[str, Any]
Check = Callable[[Bundle], None]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle in which everything fits."""
    world = World(images=40, margin_pp=20.0, tight_pp=19.0, logit_noise=0.002, batches=(1, 16), runs=2)
    contents = contents_of(quickly_written(world, tmp_path_factory.mktemp("made") / "bundle"))
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    return read_bundle("bundle", Sealed(tmp_path_factory.getbasetemp(), digests, "0" * 64, contents))


def changed(value: Any, way: list[str], new: object) -> Any:  # noqa: ANN401 - any record
    """A copy in which `new` stands at the end of the way, such as ["runs", "0", "device"]."""
    if not way:
        return new
    step, *rest = way
    if isinstance(value, tuple):
        place = int(step)
        return (*value[:place], changed(value[place], rest, new), *value[place + 1 :])
    if isinstance(value, dict):
        return {**value, step: changed(value.get(step), rest, new)}
    return replace(value, **{step: changed(getattr(value, step), rest, new)})


def altered(
    bundle: Bundle, record: Changes | None = None, spec: Changes | None = None, files: Changes | None = None
) -> Bundle:
    """The same bundle with other values in its record and spec, and other files (None: it is not there)."""
    new_record, new_spec = bundle.record, bundle.spec
    for place, value in (record or {}).items():
        new_record = changed(new_record, place.split("."), value)
    for place, value in (spec or {}).items():
        new_spec = changed(new_spec, place.split("."), value)
    assert isinstance(bundle.files, Sealed)
    contents = {
        name: content for name, content in {**bundle.files.contents, **(files or {})}.items() if content is not None
    }
    other = files or {}
    digests = {
        **bundle.files.digests,
        **{name: hashlib.sha256(text or b"").hexdigest() for name, text in other.items()},
    }
    sealed = replace(bundle.files, contents=contents, digests={name: digests[name] for name in contents})
    return Bundle(bundle.name, sealed, new_record, new_spec)


def problems(check: Check, bundle: Bundle) -> list[str]:
    """What one part finds."""
    check(bundle)
    return bundle.problems


def said(where: str, recorded: object, ours: object) -> str:
    """How a difference is told."""
    return f"{RECORD}.{where}: {short(recorded)} recorded, {short(ours)} recomputed"


PARTS: tuple[Check, ...] = (
    *(
        check_figures,
        check_spec,
        check_machine,
        check_model,
        check_dataset,
        check_preprocessing,
        check_predictions,
        check_batches,
    ),
    *(check_host_throughput, check_device_throughput, check_outputs, check_on_device),
)


@pytest.mark.parametrize("check", PARTS)
def test_where_everything_fits_nothing_is_said(check: Check, good: Bundle) -> None:
    assert problems(check, altered(good)) == []


# --- The machine ---------------------------------------------------------------------------------------------------

MACHINE: dict[str, tuple[Changes, list[str]]] = {
    "no machine": ({"machine": None, "device_throughput.0.runs.0.tool": "x"}, []),
    "a toolchain that fits": (
        {"machine.toolchain": {"target": "ascend", "soc": "Ascend310", "tool": "ais_bench", "cann": "8.1"}},
        [],
    ),
    "a toolchain of which nothing fits": (
        {"machine.toolchain": {"cann": "8.1", "target": "simulator", "soc": "Ascend710", "tool": "x"}},
        [
            said("machine.toolchain.target", "simulator", "ascend"),
            said("machine.toolchain.soc", "Ascend710", "Ascend310"),
            said("machine.toolchain.tool", "x", "ais_bench"),
        ],
    ),
    "a board of another device": (
        {"machine.boards.0.device": 1},
        [said("machine.boards, their devices[0]", 1, 0)],
    ),
    "runs of another device and by another tool": (
        {"device_throughput.1.runs.1.tool": "x", "device_throughput.0.runs.1.device": 7},
        [
            f"{RECORD}.device_throughput[0].runs[1].device: device 7 is none of the machine's",
            said("device_throughput[1].runs[1].tool", "x", "ais_bench"),
        ],
    ),
}


@pytest.mark.parametrize("name", MACHINE)
def test_the_machine_fits_what_was_measured_on_it(name: str, good: Bundle) -> None:
    changes, expected = MACHINE[name]
    assert problems(check_machine, altered(good, changes)) == expected


# --- The model -----------------------------------------------------------------------------------------------------

WEIGHTS = f"{RECORD}.onnx_weights"
OPSETS = f"{RECORD}.onnx_operators.fitting_opsets"
ELSEWHERE = UnregisteredNode("/a", "ai.onnx::11::Einsum", (12, 13), standard=True)
NOWHERE = UnregisteredNode("/b", "mine::1::Thing", (), standard=False)
NOT_FITTING = f"{OPSETS}: every node is registered at opset 11, which does not fit"
FITTING = f"{OPSETS}: opset 11 fits, but some node is registered at others"

MODEL: dict[str, tuple[Changes, list[str]]] = {
    "no facts about either": ({"checkpoint": None, "onnx_operators": None}, []),
    "another count of tensors": (
        {"checkpoint.tensors": 17, "onnx_weights.among": 17, "onnx_weights.exact": 17},
        [said("checkpoint.tensors", 17, 16)],
    ),
    "tensors that are missing and others beside": (
        {
            "checkpoint.expected": 18,
            "checkpoint.missing": ("a", "b", "c"),
            "checkpoint.unexpected": ("d",),
        },
        [],
    ),
    "tensors that were not looked for": (
        {"onnx_weights.among": 15, "onnx_weights.exact": 15},
        [said("onnx_weights.among, less foreign", 15, 16)],
    ),
    "tensors without use, each named once": (
        {"onnx_weights.among": 14, "onnx_weights.exact": 14, "onnx_weights.unused": ("a", "b", "a")},
        [],
    ),
    "constants of the file's own": (
        {"onnx_weights.among": 18, "onnx_weights.exact": 18, "onnx_weights.foreign": 2},
        [],
    ),
    "some computed again": ({"onnx_weights.exact": 12, "onnx_weights.recomputed": 4}, []),
    "some declared, each once": ({"onnx_weights.exact": 14, "onnx_weights.declared": ("a", "b", "a")}, []),
    "one named for several": ({"onnx_weights.exact": 14, "onnx_weights.offenders": ("a",)}, []),
    "as many named": ({"onnx_weights.exact": 14, "onnx_weights.offenders": ("a", "b")}, []),
    "more named than are wrong": (
        {"onnx_weights.exact": 15, "onnx_weights.offenders": ("a", "b")},
        [f"{WEIGHTS}: 1 of 16 are not right, 2 are named"],
    ),
    "wrong ones that are not named": (
        {"onnx_weights.exact": 15},
        [f"{WEIGHTS}: 1 of 16 are not right, 0 are named"],
    ),
    "fewer than none exact": (
        {"onnx_weights.exact": -1, "onnx_weights.recomputed": 17},
        [f"{WEIGHTS}: 0 of 16 are not right, 0 are named"],
    ),
    "fewer than none computed again": (
        {"onnx_weights.exact": 17, "onnx_weights.recomputed": -1},
        [f"{WEIGHTS}: 0 of 16 are not right, 0 are named"],
    ),
    "fewer than no foreign ones": (
        {"onnx_weights.among": 15, "onnx_weights.exact": 15, "onnx_weights.foreign": -1},
        [f"{WEIGHTS}: 0 of 15 are not right, 0 are named"],
    ),
    "another count of nodes": ({"onnx_operators.nodes": 4}, [said("onnx_operators.nodes", 4, 3)]),
    "nodes without the file": ({"onnx_operators.nodes": 4, "onnx": None}, []),
    "one opset that does not fit": ({"onnx_operators.fitting_opsets": (12,)}, [NOT_FITTING]),
    "a node of another opset": (
        {"onnx_operators.unregistered": (NOWHERE, ELSEWHERE), "onnx_operators.fitting_opsets": (12,)},
        [],
    ),
    "a node of another opset, which fits": ({"onnx_operators.unregistered": (NOWHERE, ELSEWHERE)}, [FITTING]),
    "a node that no opset has": ({"onnx_operators.unregistered": (NOWHERE,)}, []),
    "another release": (
        {"machine.toolchain": {"cann": "6.0"}},
        [said("onnx_operators.release", "8.1", "6.0")],
    ),
    "a release that nobody stated": ({"machine.toolchain": {"cann": "6.0"}, "onnx_operators.release": ""}, []),
    "a release without a machine": ({"machine": None}, []),
}


@pytest.mark.parametrize("name", MODEL)
def test_tensors_and_nodes_fit_each_other(name: str, good: Bundle) -> None:
    changes, expected = MODEL[name]
    assert problems(check_model, altered(good, changes)) == expected


@pytest.mark.parametrize("flow", ["If", "Loop", "Scan"])
def test_nodes_inside_of_nodes_are_not_counted(flow: str, good: Bundle) -> None:
    changes = {"onnx.operators": ("Conv", flow), "onnx_operators.nodes": 9}
    assert problems(check_model, altered(good, changes)) == []


# --- The data set --------------------------------------------------------------------------------------------------

DATASET = f"{RECORD}.dataset"
SECOND, THIRD, FOURTH, FIFTH = (f"ILSVRC2012_val_{number:08d}" for number in (2, 3, 4, 5))
GROUPS = f"{DATASET}.byte_equal: not groups of two and more images of the data set"

DATA: dict[str, tuple[Changes, Changes, list[str]]] = {
    "no data set": ({"dataset": None}, {}, []),
    "another count": ({"dataset.images": 41}, {}, [said("dataset.images", 41, 40)]),
    "a limit that was reached": ({"dataset.limit": 40}, {}, []),
    "another limit": ({"dataset.limit": 0}, {}, [said("dataset.limit", 0, 40)]),
    "another count of foreign images": ({"dataset.foreign_ids": 1}, {}, [said("dataset.foreign_ids", 1, 0)]),
    "labels by the checkpoint": (
        {"dataset.labels_by_reference": "made"},
        {},
        [f"{DATASET}.labels_by_reference: only a sample is labelled by its own checkpoint"],
    ),
    "labels by the checkpoint of a sample": ({"dataset.labels_by_reference": "made"}, {"kind": "sample"}, []),
    "a gap that is none": ({"dataset.gap": "lost"}, {}, [f"{DATASET}.gap: 'lost' does not fit the ids and the port"]),
    "a gap by content": (
        {},
        {"dataset.content_sha256": ONES},
        [f"{DATASET}.gap: '' does not fit the ids and the port"],
    ),
    "a gap by content that is told": ({"dataset.gap": "other content"}, {"dataset.content_sha256": ONES}, []),
    "equal images": ({"dataset.byte_equal": ((SECOND, THIRD), (FOURTH, FIFTH))}, {}, []),
    "an image equal to two others apart": ({"dataset.byte_equal": ((SECOND, THIRD), (THIRD, FIFTH))}, {}, [GROUPS]),
    "an image equal to none": ({"dataset.byte_equal": ((SECOND, THIRD), (FOURTH,))}, {}, [GROUPS]),
    "an image equal to an unknown one": ({"dataset.byte_equal": ((SECOND, "other"),)}, {}, [GROUPS]),
}


def test_images_that_are_pinned_and_all_alike_fit_too(good: Bundle) -> None:
    data = good.dataset()
    bundle = altered(good, {"dataset.byte_equal": (good.ids,)}, {"dataset.content_sha256": data.images_sha256})
    assert problems(check_dataset, bundle) == []


@pytest.mark.parametrize("name", DATA)
def test_the_data_set_is_the_recorded_one(name: str, good: Bundle) -> None:
    changes, spec, expected = DATA[name]
    assert problems(check_dataset, altered(good, changes, spec)) == expected


def with_labels(bundle: Bundle, first: int, offset: int = 0) -> Bundle:
    """The same bundle with another label of its first image; all labels moved by `offset`, as a port may state."""
    found = altered(bundle, spec={"model.label_offset": offset})
    found.__dict__["labels"] = [first, *(label + offset for label in bundle.labels[1:])]
    return found


@pytest.mark.parametrize("label", [-1, 20])
def test_a_label_outside_the_classes_is_named(label: int, good: Bundle) -> None:
    assert f"{LABELS}: a label outside 0..19" in problems(check_dataset, with_labels(good, label))


@pytest.mark.parametrize("label", [0, 19])
def test_the_first_and_the_last_class_are_labels(label: int, good: Bundle) -> None:
    assert not [line for line in problems(check_dataset, with_labels(good, label)) if line.startswith(LABELS)]


def test_labels_are_recorded_as_the_label_file_has_them_without_the_ports_offset(good: Bundle) -> None:
    found = problems(check_dataset, with_labels(good, good.labels[0] + 1, offset=1))
    assert not [line for line in found if not line.startswith(LABELS)]
    assert problems(check_dataset, altered(good, {"dataset.labels_sha256": ONES})) == [
        said("dataset.labels_sha256", ONES, good.record.dataset and good.record.dataset.labels_sha256)
    ]


def test_the_ids_are_those_of_the_digest(good: Bundle) -> None:
    ours = hashlib.sha256("\n".join(good.ids).encode()).hexdigest()
    changes = {"dataset.ids_sha256": ONES}
    assert problems(check_dataset, altered(good, changes)) == [said("dataset.ids_sha256", ONES, ours)]


@pytest.mark.parametrize(("twice", "labels"), [(True, 40), (False, 39), (False, 41)])
def test_an_image_twice_or_without_its_label_is_refused(twice: bool, labels: int, good: Bundle) -> None:
    bundle = altered(good)
    bundle.__dict__["ids"] = (good.ids[1], *good.ids[1:]) if twice else good.ids
    bundle.__dict__["labels"] = [0] * labels
    with pytest.raises(Refused) as caught:
        check_dataset(bundle)
    assert str(caught.value) == f"{IDS} and {LABELS}: 40 ids, {40 - twice} different, {labels} labels"


# --- Preprocessing -------------------------------------------------------------------------------------------------

STATED = "torchvision 0.28.0 ResNet50_Weights.IMAGENET1K_V2"
DEPARTURES = ("interpolation bilinear, stated bicubic",)


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        (None, []),
        (
            RecipeFacts(STATED, ()),
            [f"{RECORD}.recipe.library: {short(STATED)} does not fit parity.against, 'made up'"],
        ),
        (RecipeFacts("", DEPARTURES), [f"{RECORD}.recipe.departures: from the recipe of no library"]),
    ],
)
def test_a_recipe_is_one_that_is_stated_and_held_against(
    recipe: RecipeFacts | None, expected: list[str], good: Bundle
) -> None:
    assert problems(check_preprocessing, altered(good, {"recipe": recipe})) == expected


def test_a_departure_is_one_from_a_library_that_states_something(good: Bundle) -> None:
    parity = ParityFacts((), (), "")
    bundle = altered(good, {"recipe": RecipeFacts(STATED, DEPARTURES), "parity": parity})
    assert problems(check_preprocessing, bundle) == []


OWN_FILE = {f"{PORT}/mine.cfg": b"aipp_op {}"}
HOST, OWN = AippInput("host"), AippInput("host", "mine.cfg")
AIPP: dict[str, tuple[AippInput | None, list[str]]] = {
    "none": (None, [f"{RECORD}.aipp: the port has no AIPP"]),
    "written by the suite": (HOST, []),
    "the port's own": (OWN, [f"{RECORD}.aipp.text: another file than {PORT}/mine.cfg"]),
}


@pytest.mark.parametrize("name", AIPP)
def test_the_aipp_file_is_the_one_that_the_port_hands_in(name: str, good: Bundle) -> None:
    asked, expected = AIPP[name]
    changes = {"aipp": AippFacts("aipp_op { of the suite }")}
    assert problems(check_preprocessing, altered(good, changes, {"preprocessing.aipp": asked}, OWN_FILE)) == expected


def test_an_aipp_file_of_the_ports_own_is_the_recorded_one(good: Bundle) -> None:
    bundle = altered(good, {"aipp": AippFacts("aipp_op {}")}, {"preprocessing.aipp": OWN}, OWN_FILE)
    assert problems(check_preprocessing, bundle) == []


JPEG = AippInput("chip", None, "jpeg")
UNKNOWN = f"{RECORD}.jpegs: 'other' is no image of the data set"
JPEGS: dict[str, tuple[JpegFacts, list[str]]] = {
    "images": (JpegFacts(40, (f"{SECOND} (CMYK (four) channels)",), (THIRD,), (FOURTH,)), []),
    "one unfit that is none": (JpegFacts(40, ("other (CMYK)", f"{SECOND} (CMYK)"), (), ()), [UNKNOWN]),
    "one of another size that is none": (JpegFacts(40, (), ("z", "other"), ()), [UNKNOWN]),
    "one turned that is none": (JpegFacts(40, (), (), ("other", FIFTH)), [UNKNOWN]),
}


@pytest.mark.parametrize("name", JPEGS)
def test_jpeg_files_are_images_of_the_data_set(name: str, good: Bundle) -> None:
    facts, expected = JPEGS[name]
    spec = {"preprocessing": replace(good.spec.preprocessing, resize_px=(256, 256), aipp=JPEG)}
    assert problems(check_preprocessing, altered(good, {"jpegs": facts}, spec)) == expected
    assert problems(check_preprocessing, altered(good, {"jpegs": facts, "dataset": None}, spec)) == []
    not_asked = f"{RECORD}.jpegs: the port gives no JPEG files to the tool"
    assert problems(check_preprocessing, altered(good, {"jpegs": facts})) == [not_asked, *expected]


# --- Speed ---------------------------------------------------------------------------------------------------------

TIMES, RUNS = f"{RECORD}.device_throughput[0]", f"{RECORD}.device_throughput[0].runs"
RATE = "images_per_second_per_chip"


def of_the_record(lines: list[str]) -> list[str]:
    """Without what the logs of the runs say."""
    return [line for line in lines if "logs/" not in line]


@pytest.mark.parametrize("place", [0, 1])
def test_the_ratio_of_the_host_follows_from_its_samples(place: int, good: Bundle) -> None:
    (line,) = problems(check_host_throughput, altered(good, {f"host_throughput.{place}.ratio": 5.0}))
    assert line.startswith(f"{RECORD}.host_throughput[{place}].ratio: 5.0 recorded, ")


@pytest.mark.parametrize("changes", [{"runs": ()}, {f"runs.1.{RATE}": 0.0}, {f"runs.0.{RATE}": -0.5}])
def test_a_batch_size_without_a_positive_rate_is_refused(changes: Changes, good: Bundle) -> None:
    bundle = altered(good, {f"device_throughput.0.{place}": value for place, value in changes.items()})
    with pytest.raises(Refused) as caught:
        check_device_throughput(bundle)
    assert str(caught.value) == f"{RUNS}: no run, or a rate that is not positive"


@pytest.mark.parametrize("images", [0, -1])
def test_a_run_over_no_image_is_refused(images: int, good: Bundle) -> None:
    with pytest.raises(Refused) as caught:
        check_device_throughput(altered(good, {"device_throughput.0.runs.1.images": images}))
    assert str(caught.value) == f"{RUNS}: a run over fewer than one image"
    check_device_throughput(altered(good, {"device_throughput.0.runs.1.images": 1}))


def test_a_rate_below_1_is_a_rate(good: Bundle) -> None:
    found = problems(check_device_throughput, altered(good, {f"device_throughput.0.runs.1.{RATE}": 0.5}))
    assert found[0].startswith(f"{RUNS}[1].{RATE}: 0.5 recorded, ")


SPEED: dict[str, tuple[Changes, list[str]]] = {
    "another batch": ({"runs.1.batch": 2}, [said("device_throughput[0].runs[1].batch", 2, 1)]),
    "another mode": (
        {"runs.1.mode": "pure"},
        [
            said("device_throughput[0].runs[1].mode", "pure", "dataset"),
            f"{RUNS}[1].images: pure inference sees no images, a data-set run does",
        ],
    ),
    "a run of fewer images": ({"runs.1.images": 39}, [f"{RUNS}: run 2 saw 39 images of 40"]),
    "a run of another number": ({"runs.1.run": 3}, [f"{RUNS}: runs are numbered [1, 3]"]),
    "two of one number": (
        {"runs.1.run": 1},
        [f"{RUNS}: run 1 saw 80 images of 40", f"{RUNS}: 1 runs of a mode that is to be run 2 times"],
    ),
    "a number before the first": ({"runs.0.run": 0, "runs.1.run": 1}, [f"{RUNS}: runs are numbered [0, 1]"]),
    "a run over the data set that counts none": (
        {"runs.1.images": None},
        [f"{RUNS}[1].images: pure inference sees no images, a data-set run does"],
    ),
}
FOLLOWING = tuple(f"{TIMES}.{name}" for name in (RATE, "images_per_second_per_card", "judged"))


@pytest.mark.parametrize("name", SPEED)
def test_the_speed_of_a_batch_size_follows_from_its_runs(name: str, good: Bundle) -> None:
    changes, expected = SPEED[name]
    bundle = altered(good, {f"device_throughput.0.{place}": value for place, value in changes.items()})
    lines = of_the_record(problems(check_device_throughput, bundle))
    found = [line for line in lines if not line.startswith(FOLLOWING)]
    assert len(found) == len(expected), found
    for line, beginning in zip(found, expected, strict=True):
        assert line.startswith(beginning)


def test_what_follows_from_the_runs_is_counted_again(good: Bundle) -> None:
    bundle = altered(good, {"device_throughput.1.images_per_second_per_card": 1.0})
    (line,) = problems(check_device_throughput, bundle)
    assert line.startswith(f"{RECORD}.device_throughput[1].images_per_second_per_card: 1.0 recorded, ")


def test_a_chip_is_measured_as_its_figures_were_published_and_by_a_tool_that_is_known(good: Bundle) -> None:
    found = problems(check_device_throughput, altered(good, {"machine.soc": "Ascend310P3"}))
    assert said("device_throughput[0].runs[1].mode", "dataset", "pure") in found
    found = problems(check_device_throughput, altered(good, {"device_throughput.0.runs.1.tool": "x"}))
    assert f"{RUNS}[1].tool: 'x' is no inference tool" in found


def test_without_a_data_set_nobody_knows_how_many_images_a_run_sees(good: Bundle) -> None:
    bundle = altered(good, {"device_throughput.0.runs.1.images": 39, "dataset": None})
    assert of_the_record(problems(check_device_throughput, bundle)) == []


@pytest.mark.parametrize(("tool", "images", "share"), [("ais_bench", 40, 40 / 48), ("benchmark", 40, 1.0)])
def test_images_that_fill_up_the_last_batch_count_for_nothing_where_the_tool_counts_them(
    tool: str, images: int, share: float, good: Bundle
) -> None:
    run = good.record.device_throughput[1].runs[1]
    changes = {"tool": tool, "images": images, RATE: run.reported_images_per_second * share}
    place = "device_throughput.1.runs.1"
    of_rate = f"{RECORD}.device_throughput[1].runs[1].{RATE}: "
    bundle = altered(good, {f"{place}.{name}": value for name, value in changes.items()})
    assert not [line for line in problems(check_device_throughput, bundle) if line.startswith(of_rate)]
    bundle = altered(bundle, {f"{place}.{RATE}": run.reported_images_per_second * share * 1.01})
    assert [line for line in problems(check_device_throughput, bundle) if line.startswith(of_rate)]


def test_pure_inference_has_no_last_batch(good: Bundle) -> None:
    run = good.record.device_throughput[1].runs[1]
    pure = replace(run, mode="pure", images=None, images_per_second_per_chip=run.reported_images_per_second)
    found = problems(check_device_throughput, altered(good, {"device_throughput.1.runs.1": pure}))
    assert not [line for line in found if f"runs[1].{RATE}: " in line or "sees no images" in line]


def test_a_rate_needs_the_machines_published_figure_and_no_simulator(good: Bundle) -> None:
    bundle = altered(good, {"target": "simulator"})
    found = [line.partition(": ")[0] for line in problems(check_device_throughput, bundle)]
    assert f"{TIMES}.published_images_per_second_per_chip" in found
    bundle = altered(good, {"device_throughput.0.busy": ("device 0: AI core at 9 %",)})
    assert problems(check_device_throughput, bundle) == []
    other = problems(check_device_throughput, altered(good, {"device_throughput.1.soc": "Ascend310P3"}))
    assert said("device_throughput[1].soc", "Ascend310P3", "Ascend310") in other


@pytest.mark.parametrize(
    ("differing", "largest", "fits"),
    [
        *((0, 0.0, True), (1, 0.5, True), (40, 0.5, True), (1, math.nan, True)),
        *((-1, 0.5, False), (41, 0.5, False), (0, 0.5, False), (1, 0.0, False)),
    ],
)
def test_outputs_that_differ_do_so_by_something(differing: int, largest: float, fits: bool, good: Bundle) -> None:
    run = RunOutputs(2, 40, differing, largest)
    text = f"{RECORD}.throughput_outputs[1].runs[1]: {differing} of 40 differ, by at most {largest:g}"
    expected = [] if fits else [text]
    assert problems(check_outputs, altered(good, {"throughput_outputs.1.runs.1": run})) == expected


# --- Predictions ---------------------------------------------------------------------------------------------------

FIRST = "ILSVRC2012_val_00000001"
BATCHES = f"{RECORD}.om_batch_errors.largest"


def place_of(bundle: Bundle, name: str) -> int:
    """Where a variant stands in the record."""
    return [str(entry.name) for entry in bundle.record.variants].index(name)


def of_variant(bundle: Bundle, name: str, changes: Changes) -> Bundle:
    """The same bundle with other values in the record of a variant."""
    return altered(bundle, {f"variants.{place_of(bundle, name)}.{key}": value for key, value in changes.items()})


def test_a_variant_needs_the_digest_of_what_predicted_it(good: Bundle) -> None:
    bundle = altered(good, {"digests": ()})
    owners = {"pth": "checkpoint", "onnx": "onnx", "om_bs1": "om_bs1", "om_bs16": "om_bs16"}
    assert sorted(problems(check_predictions, bundle)) == sorted(
        f"{RECORD}.variants[{place_of(good, name)}]: no digest of {owner}, which predicted this"
        for name, owner in owners.items()
    )


def test_a_variant_without_its_comparison_is_told_and_the_next_is_looked_at(good: Bundle) -> None:
    bundle = of_variant(of_variant(good, "om_bs1", {"agreement": None}), "om_bs16", {"model_sha256": ONES})
    first, second = (f"{RECORD}.variants[{place_of(good, name)}]" for name in ("om_bs1", "om_bs16"))
    found = problems(check_predictions, bundle)
    assert found[0] == f"{first}: no agreement of om_bs1 was recorded"
    assert [line.startswith(f"{second}.model_sha256: ") for line in found[1:]] == [True]


AGREEMENT: dict[str, tuple[Changes, list[str]]] = {
    "an unknown image among the worst": (
        {"worst": ("z", FIRST, "other")},
        ["worst: 'other' is no image of the data set"],
    ),
    "no error at all": ({"max_abs_error_logits": None}, []),
    "an unknown image of the worst slope": (
        {"systematic.image": "other"},
        ["systematic.image: 'other' is no image of the data set"],
    ),
    "nothing systematic": ({"systematic": None}, []),
}


@pytest.mark.parametrize("name", AGREEMENT)
def test_what_was_measured_over_all_logits_speaks_of_images_that_are_there(name: str, good: Bundle) -> None:
    changes, expected = AGREEMENT[name]
    bundle = of_variant(good, "om_bs16", {f"agreement.{key}": value for key, value in changes.items()})
    where = f"{RECORD}.variants[{place_of(good, 'om_bs16')}].agreement"
    assert problems(check_predictions, bundle) == [f"{where}.{text}" for text in expected]


def test_an_error_below_that_of_the_kept_scores_is_told(good: Bundle) -> None:
    found = apart(good.top_five(PTH), good.top_five(Variant("onnx")))
    bundle = of_variant(good, "onnx", {"agreement.max_abs_error_logits": 1e-9})
    where = f"{RECORD}.variants[{place_of(good, 'onnx')}].agreement"
    text = f"1e-09 recorded, but the kept scores of {short(good.ids[found.row])} lie {found.least:.6g} apart"
    lines = problems(check_predictions, bundle)
    assert lines[0] == f"{where}.max_abs_error_logits: {text}"
    assert found.row != 0
    bundle = of_variant(good, "onnx", {"agreement.systematic.classes": 21})
    column = good.variants[Variant("onnx")].agreement.systematic.column  # type: ignore[union-attr] # it is there
    assert problems(check_predictions, bundle) == [f"{where}.systematic: class {column} of 21, the port has 20"]


def test_predictions_that_no_engine_makes_are_told_and_compared_no_further(good: Bundle) -> None:
    bundle = of_variant(good, "onnx", {"agreement.max_abs_error_logits": 1e-9, "agreement.worst": ("other",)})
    found = bundle.top_five(Variant("onnx"))
    rows = [list(column) for column in found.columns]
    rows[4][0] = 20
    bundle._top_fives[Variant("onnx")] = replace(found, columns=tuple(array("q", row) for row in rows))
    where = f"{RECORD}.variants[{place_of(good, 'onnx')}]"
    lines = [line for line in problems(check_predictions, bundle) if "recomputed" not in line]
    assert lines == [
        f"{where}, predictions of onnx: a class outside 0..19",
        f"{where}.agreement.worst: 'other' is no image of the data set",
    ]


def test_oms_of_two_batch_sizes_lie_no_further_apart_than_recorded(good: Bundle) -> None:
    bundle = of_variant(good, "om_bs16", {"agreement.max_abs_error_logits": 9.0})
    error = good.variants[Variant("om_bs1")].agreement.max_abs_error_logits  # type: ignore[union-attr] # it is there
    text = f"0 recorded, but their largest errors are {error:.6g} and 9"
    assert problems(check_batches, bundle) == [f"{BATCHES}, om_bs1 and om_bs16: {text}".replace(": 0 ", ": 0.0 ")]
    assert problems(check_batches, altered(bundle, {"om_batch_errors": None})) == []
    assert problems(check_batches, altered(bundle, {"om_batch_errors.largest": 9.0})) == []


@pytest.mark.parametrize(("name", "value"), [("om_bs1", None), ("om_bs16", None), ("om_bs1", "error")])
def test_an_error_that_is_not_known_contradicts_none(name: str, value: str | None, good: Bundle) -> None:
    changes = {"agreement": None} if value is None else {"agreement.max_abs_error_logits": None}
    assert problems(check_batches, of_variant(good, name, changes)) == []


def test_the_kept_scores_of_two_batch_sizes_lie_no_further_apart(good: Bundle) -> None:
    bundle = altered(good, {"om_batch_errors.largest": 0.0})
    found = bundle.top_five(Variant("om_bs16"))
    scores = array("f", found.scores)
    scores[3 * found.places] += 1.0
    bundle._top_fives[Variant("om_bs16")] = replace(found, scores=scores)
    (line,) = problems(check_batches, bundle)
    assert line.startswith(f"{BATCHES}, om_bs1 and om_bs16: 0.0 recorded, but the kept scores of {short(FOURTH)} lie ")


@pytest.mark.parametrize("left_out", ["om_bs1", "om_bs16"])
def test_a_batch_size_without_predictions_is_not_compared(left_out: str, good: Bundle) -> None:
    kept = tuple(entry for entry in good.record.variants if entry.name != left_out)
    assert problems(check_batches, altered(good, {"variants": kept, "om_batch_errors.largest": 0.0})) == []


def test_every_batch_size_is_held_against_the_first(good: Bundle) -> None:
    bundle = of_variant(good, "om_bs16", {"agreement.max_abs_error_logits": 9.0})
    assert len(problems(check_batches, altered(bundle, spec={"batches": (1, 4, 16)}))) == 1


# --- The device ----------------------------------------------------------------------------------------------------

LOG = "logs/npu-smi/stdout.txt"


@pytest.mark.parametrize("kind", ["predictions-om", "throughput-om", "profile-om", "om-described"])
def test_what_a_device_gave_is_made_in_the_run_itself(kind: str, good: Bundle) -> None:
    reused = tuple(Reused(f"{name}/1", "2026") for name in ("onnx", "predictions-onnx", kind))
    expected = [f"{RECORD}.reused[2]: {short(f'{kind}/1')} on a device is made in the run itself"]
    assert problems(check_on_device, altered(good, {"reused": reused})) == expected
    assert problems(check_on_device, altered(good, {"reused": reused, "target": "simulator"})) == []


def test_a_device_is_no_simulator(good: Bundle) -> None:
    traces = {LOG: b"said [SIMULATOR]", "report.html": b"[SIMULATOR]"}
    changes = {"machine.toolchain": {"simulator": "1"}}
    told = f"target is ascend, but {LOG} was written by the simulator"
    toolchain = "target is ascend, but the toolchain is the simulator"
    assert problems(check_on_device, altered(good, changes, files=traces)) == [toolchain, told]
    assert problems(check_on_device, altered(good, {"machine": None}, files=traces)) == [told]
    assert problems(check_on_device, altered(good, {**changes, "target": "simulator"}, files=traces)) == []


# --- The port ------------------------------------------------------------------------------------------------------

YAML = f"{PORT}/{PORT_FILE}"
PORTS: dict[str, tuple[Changes, list[str]]] = {
    "another kind": ({"spec.kind": "sample"}, [said("spec.kind", "sample", "published")]),
    "another port": ({"spec.port": "mine"}, [said("spec.port", "mine", "alexnet")]),
    "another target": ({"toolkit.target": "simulator"}, [said("toolkit.target", "simulator", "ascend")]),
    "another tool": ({"toolkit.infer_tool": "x"}, [said("toolkit.infer_tool", "x", "ais_bench")]),
    "another reason": ({"toolkit.why": "x"}, [said("toolkit.why", "x", "asked for")]),
    "another tool without a machine": ({"toolkit.infer_tool": "x", "toolkit.why": "x", "machine": None}, []),
    "no toolkit": ({"toolkit": None}, []),
}


@pytest.mark.parametrize("name", PORTS)
def test_the_port_is_the_same_wherever_it_is_named(name: str, good: Bundle) -> None:
    changes, expected = PORTS[name]
    assert problems(check_spec, altered(good, changes)) == expected


def test_the_digests_of_the_port_are_those_of_its_files(good: Bundle) -> None:
    bundle = altered(good, {"spec.json_sha256": ONES, "spec.files": {PORT_FILE: ONES}})
    assert problems(check_spec, bundle) == [
        said("spec.json_sha256", ONES, good.files.digests[SPEC_JSON]),
        said(f"spec.files.{PORT_FILE}", ONES, good.files.digests[YAML]),
    ]


def test_a_record_without_a_port_is_refused(good: Bundle) -> None:
    with pytest.raises(Refused) as caught:
        check_spec(altered(good, {"spec": None}))
    assert str(caught.value) == f"{RECORD}.spec: the record does not say by which port it was judged"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        *((b"4321", 4321), (b"+4321.", 4321), (b"4.321e3", 4321), (b"4.321E+03", 4321), (b"43210e-1", 4321)),
        *((b"x4321,", 4321), (b"\xff 4321", 4321), (b".4321", 0.4321), (b"0.4321", 0.4321), (b"-4.5", -4.5)),
        *((b"43.21e-2", 0.4321), (b"12.345", 12.345)),
    ],
)
def test_every_number_of_the_spec_stands_in_a_file_of_the_port(written: bytes, value: float, good: Bundle) -> None:
    spec = {"preprocessing.mean": (0.485, value, 0.406)}
    where = f"{SPEC_JSON}.preprocessing.mean[1]"
    missing = f"{where}: {short(value)} does not stand in a file of the port"
    assert problems(check_spec, altered(good, spec=spec)) == [missing]
    assert isinstance(good.files, Sealed)
    for name in (YAML, f"{PORT}/more.yml"):
        files = {name: good.files.contents.get(name, b"") + b"\n# " + written + b"\n"}
        assert not [line for line in problems(check_spec, altered(good, spec=spec, files=files)) if where in line]
    files = {f"{PORT}/graph.py": written}
    assert missing in problems(check_spec, altered(good, spec=spec, files=files))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_no_offset_and_a_scale_of_1_need_not_be_written(value: float, good: Bundle) -> None:
    assert isinstance(good.files, Sealed)
    spec, files = {"preprocessing.mean": (value, value, value)}, {YAML: b"\n"}
    found = problems(check_spec, altered(good, spec=spec, files=files))
    assert not [line for line in found if "preprocessing.mean" in line]
    assert [line for line in found if f"{SPEC_JSON}.preprocessing.std[0]: 0.229" in line]


def test_truth_is_no_number(good: Bundle) -> None:
    assert isinstance(good.files, Sealed)
    assert [*_numbers_below({"a": [True, {"b": 2}], "c": "3", "d": None, "e": 4.5}, "x")] == [
        ("x.a[1].b", 2),
        ("x.e", 4.5),
    ]


def test_the_files_of_the_suites_own_port_come_to_its_own_spec(good: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = files_digest({PORT_FILE: good.files.digests[YAML]})
    monkeypatch.setitem(SHIPPED_FILES, digest, "the-port")
    text = f"{SPEC_JSON}: not what {PORT}/ comes to, the files of the suite's port the-port"
    assert problems(check_spec, altered(good)) == [text]
    monkeypatch.setitem(SHIPPED_SPECS, good.files.digests[SPEC_JSON], "another")
    assert problems(check_spec, altered(good)) == [text]
    monkeypatch.setitem(SHIPPED_SPECS, good.files.digests[SPEC_JSON], "the-port")
    assert problems(check_spec, altered(good)) == []


# --- Times and commands --------------------------------------------------------------------------------------------

TOLD: dict[str, tuple[Changes, list[str]]] = {
    "nothing": ({}, []),
    "an end at the beginning": ({"finished_utc": "2026-01-01T00:00:00+00:00"}, []),
    "an end before the beginning": (
        {"finished_utc": "2025-12-31T23:59:59+00:00"},
        [f"{RECORD}.finished_utc: before the run began"],
    ),
    "steps of less than no time": (
        {"timings": tuple(Timing(Stage.OM, "x", value) for value in (0.0, -0.5, math.nan, 0.5))},
        [f"{RECORD}.timings[{place}].seconds: less than no time" for place in (1, 2)],
    ),
}


@pytest.mark.parametrize("name", TOLD)
def test_a_run_ended_after_it_began(name: str, good: Bundle) -> None:
    changes, expected = TOLD[name]
    assert problems(check_figures, altered(good, changes)) == expected


@pytest.mark.parametrize("text", ["soon", "2026-01-01T00:00:00"])
@pytest.mark.parametrize("field", ["started_utc", "finished_utc"])
def test_a_run_of_no_time_is_refused(field: str, text: str, good: Bundle) -> None:
    with pytest.raises(Refused, match=r"^acceptance\.json\.started_utc or finished_utc is no time: \S"):
        check_figures(altered(good, {field: text}))


COMMAND = "logs/predict-bs1/run-1-device0"


@pytest.mark.parametrize("stream", ["stdout.txt", "stderr.txt"])
def test_both_streams_of_a_command_are_there(stream: str, good: Bundle) -> None:
    assert problems(check_figures, altered(good, files={f"{COMMAND}/{stream}": None})) == [
        f"{COMMAND}/{stream} is missing"
    ]


def command_of(bundle: Bundle) -> tuple[int, CommandRecord]:
    """The command whose log lies there, and its place."""
    return next((place, one) for place, one in enumerate(bundle.record.commands) if one.folder == COMMAND)


@pytest.mark.parametrize(("before", "left_out"), [(b"x\n", 0), (b"", 1)])
def test_a_command_is_the_one_in_its_log(before: bytes, left_out: int, good: Bundle) -> None:
    place, _ = command_of(good)
    name = f"{COMMAND}/command.txt"
    text = good.files.read(name)
    found = problems(check_figures, altered(good, files={name: before + text[: len(text) - left_out]}))
    assert f"{RECORD}.commands[{place}].argv: another command than in {name}" in found


def test_a_command_that_is_no_text_is_read_all_the_same(good: Bundle) -> None:
    place, command = command_of(good)
    name = f"{COMMAND}/command.txt"
    changes = {f"commands.{place}.argv": (*command.argv, "\ufffd")}
    found = problems(check_figures, altered(good, changes, files={name: good.files.read(name) + b"\xff\n"}))
    assert not [line for line in found if ".argv: another command" in line]
