"""Everything in a bundle fits everything else: what each figure is held against, and how a difference is told.

That any figure altered alone is found by the whole judge: selftest/test_verify_bundle.py.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from selftest.evidence.bundles import PORT_FILE, World, quickly_written
from selftest.evidence.tampering import Forgery, contents_of, put
from tools.judge.bundle import read_bundle
from tools.judge.consistency.everything import check_figures
from tools.judge.evidence import NoEvidence
from tools.judge.files import Refused, short
from tools.judge.layout import IDS, LABELS, PORT

WORLD = World(images=60, margin_pp=20.0, tight_pp=19.0, logit_noise=0.002, batches=(1, 16), runs=2)
RECORD = "acceptance.json"
PORT_YAML = f"{PORT}/{PORT_FILE}"
Changes = dict[str, Any]


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """An accepted bundle, which holds no contradiction."""
    found = contents_of(quickly_written(WORLD, tmp_path_factory.mktemp("made") / "bundle"))
    assert problems(Forgery(found)) == []
    return found


@pytest.fixture
def forgery(contents: dict[str, bytes]) -> Forgery:
    """A copy of it to be altered."""
    return Forgery(contents)


def alter(document: Any, changes: Changes) -> None:  # noqa: ANN401 - any JSON
    """Put each value to its place, such as `machine.devices.0`."""
    for place, value in changes.items():
        put(document, tuple(int(step) if step.isdigit() else step for step in place.split(".")), value)


def problems(forgery: Forgery) -> list[str]:
    """What does not fit."""
    bundle = read_bundle("bundle", forgery.sealed())
    check_figures(bundle)
    return bundle.problems


def refusal(forgery: Forgery) -> str:
    """Why nothing can be judged."""
    with pytest.raises(Refused) as caught:
        problems(forgery)
    return str(caught.value)


def said(where: str, recorded: object, ours: object) -> str:
    """How a difference is told."""
    return f"{RECORD}.{where}: {short(recorded)} recorded, {short(ours)} recomputed"


def place_of(forgery: Forgery, name: str) -> int:
    """Where a variant stands in the record."""
    return [entry["name"] for entry in forgery.record["variants"]].index(name)


ONES = "1" * 64
NO_DATA = [f"{RECORD}.variants[{place}]: no record of the data set" for place in (1, 2, 3)]
FIRST = "ILSVRC2012_val_00000001"
DEVICE = "device_throughput.0.runs.1."
RUNS = f"{RECORD}.device_throughput[0].runs"
SECOND = "logs/perf-bs1/run-2-device0"


def unlogged(name: str) -> list[str]:
    """What is said when the second run has a log of another name."""
    return [
        f"{SECOND} is the log of a run that {RECORD}.device_throughput[0] leaves out",
        f"{RUNS}[1]: logs/perf-bs1/{name}: logs/perf-bs1/{name}/stdout.txt is missing",
        f"logs/perf-bs1/{name} is missing: om_bs1 rests on it",
    ]


ODD: dict[str, tuple[Changes, list[str]]] = {
    "nothing": ({}, []),
    "another kind": ({"spec.kind": "sample"}, [said("spec.kind", "sample", "published")]),
    "another target": ({"toolkit.target": "simulator"}, [said("toolkit.target", "simulator", "ascend")]),
    "another tool": ({"toolkit.infer_tool": "x"}, [said("toolkit.infer_tool", "x", "ais_bench")]),
    "another reason": ({"toolkit.why": "x"}, [said("toolkit.why", "x", "asked for")]),
    "no toolkit": ({"toolkit": None}, []),
    "no machine": ({"machine": None, "device_throughput": []}, []),
    "a toolchain of the machine": (
        {"machine.toolchain": {"target": "ascend", "soc": "Ascend310", "tool": "ais_bench", "cann": "8.1"}},
        [],
    ),
    "operators looked up for another release": (
        {"machine.toolchain": {"cann": "6.0"}},
        [said("onnx_operators.release", "8.1", "6.0")],
    ),
    "a toolchain of another chip": (
        {"machine.toolchain.soc": "Ascend310P3"},
        [said("machine.toolchain.soc", "Ascend310P3", "Ascend310")],
    ),
    "a toolchain of another target": (
        {"machine.toolchain.target": "simulator"},
        [said("machine.toolchain.target", "simulator", "ascend")],
    ),
    "a toolchain of another tool": (
        {"machine.toolchain.tool": "x"},
        [said("machine.toolchain.tool", "x", "ais_bench")],
    ),
    "a simulator as toolchain": (
        {"machine.toolchain.simulator": "1"},
        ["target is ascend, but the toolchain is the simulator"],
    ),
    "a run by another tool": (
        {f"{DEVICE}tool": "x"},
        [said("device_throughput[0].runs[1].tool", "x", "ais_bench"), f"{RUNS}[1].tool: 'x' is no inference tool"],
    ),
    "a run on another device": (
        {f"{DEVICE}device": 3},
        [f"{RUNS}[1].device: device 3 is none of the machine's", *unlogged("run-2-device3")],
    ),
    "an end at the beginning": ({"finished_utc": "2026-01-01T00:00:00+00:00"}, []),
    "an end before the beginning": (
        {"finished_utc": "2025-12-31T23:59:59+00:00"},
        [f"{RECORD}.finished_utc: before the run began"],
    ),
    "a step of no time": ({"timings": [{"stage": "om", "step": "x", "seconds": 0.0}]}, []),
    "a step of less than no time": (
        {"timings": [{"stage": "om", "step": "x", "seconds": value} for value in (0.0, -0.5, "nan")]},
        [f"{RECORD}.timings[{place}].seconds: less than no time" for place in (1, 2)],
    ),
    "another tensor": (
        {"checkpoint.tensors": 17},
        [said("checkpoint.tensors", 17, 16), said("onnx_weights.among, less foreign", 16, 17)],
    ),
    "tensors that are told": (
        {"checkpoint.expected": 18, "checkpoint.missing": ["a", "b", "c"], "checkpoint.unexpected": ["d"]},
        [],
    ),
    "another tensor without a comparison": (
        {"checkpoint.tensors": 17, "onnx_weights": None},
        [said("checkpoint.tensors", 17, 16)],
    ),
    "no checkpoint": ({"checkpoint": None}, []),
    "another count of images": ({"dataset.images": 61}, [said("dataset.images", 61, 60)]),
    "all the images asked for": ({"dataset.limit": 60}, []),
    "fewer images asked for": ({"dataset.limit": 7}, [said("dataset.limit", 7, 60)]),
    "a gap that is none": (
        {"dataset.gap": "lost"},
        [f"{RECORD}.dataset.gap: 'lost' does not fit the ids and the port"],
    ),
    "no data set": ({"dataset": None}, NO_DATA),
    "another host ratio": (
        {"host_throughput.0.ratio": 5.0, "host_throughput.1.ratio": 1.0},
        [f"{RECORD}.host_throughput[0].ratio: 5.0", f"{RECORD}.host_throughput[1].ratio: 1.0"],
    ),
    "another batch": (
        {f"{DEVICE}batch": 2},
        [said("device_throughput[0].runs[1].batch", 2, 1), f"{RUNS}[1]: {SECOND}: ais_bench took 1 files a batch"],
    ),
    "another mode": (
        {f"{DEVICE}mode": "pure"},
        [
            said("device_throughput[0].runs[1].mode", "pure", "dataset"),
            f"{RUNS}[1].images: pure inference sees no images, a data-set run does",
            *unlogged("pure-2"),
        ],
    ),
    "a run over the data set without images": (
        {f"{DEVICE}images": None},
        [
            f"{RUNS}[1].images: pure inference sees no images, a data-set run does",
            f"{RUNS}[1]: {SECOND}: a run over the data set that saw no image",
        ],
    ),
    "a run of another number": (
        {f"{DEVICE}run": 3},
        [
            f"{RUNS}: runs are numbered [1, 3]",
            *unlogged("run-3-device0"),
            "logs/perf-bs1/npu-smi-before-3-sample0 is missing: whether the device was idle rests on it",
            "logs/perf-bs1/npu-smi-after-3-sample0 is missing: whether the device was idle rests on it",
        ],
    ),
    "a run of fewer images": (
        {f"{DEVICE}images": 59},
        [f"{RUNS}: run 2 saw 59 images of 60", f"{RUNS}[1]: {SECOND}: on the console ais_bench executed 60 times, 59"],
    ),
    "a run of fewer images without a data set": (
        {f"{DEVICE}images": 59, "dataset": None},
        [
            *NO_DATA,
            f"{RUNS}[1]: {SECOND}: on the console ais_bench executed 60 times, 59 images in batches of 1 need 59",
        ],
    ),
    "another card": (
        {"device_throughput.1.images_per_second_per_card": 1.0},
        [f"{RECORD}.device_throughput[1].images_per_second_per_card: 1.0"],
    ),
    "another rate": (
        {"device_throughput.1.runs.0.reported_images_per_second": 1.0},
        [
            f"{RECORD}.device_throughput[1].runs[0].images_per_second_per_chip: ",
            f"{RECORD}.device_throughput[1].runs[0].reported_images_per_second, logs/perf-bs16/run-1-device0: 1.0",
        ],
    ),
    "another command": (
        {"commands.2.argv": ["npu-smi"]},
        [
            f"{RECORD}.commands[2].argv: another command than in logs/npu-smi/command.txt",
            "logs/npu-smi: 'npu-smi' is not `npu-smi info`",
        ],
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_what_does_not_fit_is_named_and_nothing_else(name: str, forgery: Forgery) -> None:
    changes, expected = ODD[name]
    alter(forgery.record, changes)
    found = problems(forgery)
    assert len(found) == len(expected), found
    for line, beginning in zip(found, expected, strict=True):
        assert line.startswith(beginning)


@pytest.mark.parametrize(
    ("name", "way"), [("spec.json", ("spec", "json_sha256")), (PORT_YAML, ("spec", "files", PORT_FILE))]
)
def test_the_digests_of_the_port_are_those_of_its_files(name: str, way: tuple[str, ...], forgery: Forgery) -> None:
    put(forgery.record, way, ONES)
    ours = hashlib.sha256(forgery.contents[name]).hexdigest()
    assert problems(forgery) == [said(".".join(way), ONES, ours)]


def test_two_runs_of_one_number_see_every_image_twice(forgery: Forgery) -> None:
    forgery.record["device_throughput"][0]["runs"][1]["run"] = 1
    assert f"{RUNS}: run 1 saw 120 images of 60" in problems(forgery)


def test_several_devices_share_the_images_of_one_run(forgery: Forgery) -> None:
    (first, second), machine = forgery.record["device_throughput"][0]["runs"], forgery.record["machine"]
    machine["devices"] = [0, 1]
    first["images"], second["images"], second["run"], second["device"] = 20, 40, 1, 1
    assert not [line for line in problems(forgery) if "images of 60" in line or ".device:" in line]


REFUSED: dict[str, tuple[Changes, str]] = {
    "no spec": ({"spec": None}, f"{RECORD}.spec: the record does not say by which port it was judged"),
    "no time": ({"started_utc": "soon"}, f"{RECORD}.started_utc or finished_utc is no time: "),
    "a time without its zone": (
        {"started_utc": "2026-01-01T00:00:00"},
        f"{RECORD}.started_utc or finished_utc is no time: ",
    ),
    "no run": ({"device_throughput.0.runs": []}, f"{RUNS}: no run, or a rate that is not positive"),
    "a rate of 0": (
        {f"{DEVICE}images_per_second_per_chip": 0.0},
        f"{RUNS}: no run, or a rate that is not positive",
    ),
    "a log without a command": ({"commands.0.folder": "logs/x"}, "logs/x/command.txt is missing"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_nothing_can_be_held_against_is_refused(name: str, forgery: Forgery) -> None:
    changes, expected = REFUSED[name]
    alter(forgery.record, changes)
    assert refusal(forgery).startswith(expected)


def test_a_rate_below_1_is_a_rate(forgery: Forgery) -> None:
    forgery.record["device_throughput"][0]["runs"][1]["images_per_second_per_chip"] = 0.5
    assert f"{RUNS}[1].images_per_second_per_chip: 0.5 recorded" in "\n".join(problems(forgery))


def test_a_batch_is_measured_as_its_figure_was_published(forgery: Forgery) -> None:
    published = forgery.spec["devices"][0]["throughput"]
    next(entry for entry in published if entry["batch"] == 1)["mode"] = "pure"
    assert problems(forgery) == [
        said(f"device_throughput[0].runs[{place}].mode", "dataset", "pure") for place in (0, 1)
    ]


def test_a_rate_is_no_evidence_without_the_machine(forgery: Forgery) -> None:
    forgery.record["machine"] = None
    with pytest.raises(NoEvidence, match="no record of the machine"):
        problems(forgery)


# --- The spec's two files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "value", "where"),
    [
        ("preprocessing.parity_images", 4321, "preprocessing.parity_images"),
        ("preprocessing.mean.1", 0.4321, "preprocessing.mean[1]"),
        ("devices.0.throughput.1.images_per_second_per_chip.source", "another guide", ""),
    ],
)
def test_every_number_of_the_spec_stands_in_both_its_files(
    place: str, value: object, where: str, forgery: Forgery
) -> None:
    alter(forgery.spec, {place: value})
    expected = [f"spec.json.{where}: {value} does not stand in a file of the port"] if where else []
    assert [line for line in problems(forgery) if line.startswith("spec.json")] == expected


@pytest.mark.parametrize(
    "written", [b"4321", b"+4321.", b"4.321e3", b"4.321E+03", b"43210e-1", b"x4321,", b"\xff 4321"]
)
def test_a_number_may_be_written_in_any_way(written: bytes, forgery: Forgery) -> None:
    forgery.spec["preprocessing"]["parity_images"] = 4321
    forgery.contents[PORT_YAML] += b"# " + written + b"\n"
    forgery.record["spec"]["files"][PORT_FILE] = hashlib.sha256(forgery.contents[PORT_YAML]).hexdigest()
    assert problems(forgery) == []


def test_a_number_without_a_digit_before_its_point_is_one(forgery: Forgery) -> None:
    forgery.spec["preprocessing"]["mean"][1] = 0.4321
    forgery.contents[PORT_YAML] += b"# .4321\n"
    assert not [line for line in problems(forgery) if line.startswith("spec.json")]


# --- Images and predictions ----------------------------------------------------------------------------------------


def _put_ids(forgery: Forgery, change: Callable[[list[str]], list[str]]) -> None:
    forgery.contents[IDS] = json.dumps(change(json.loads(forgery.contents[IDS]))).encode()


def test_an_id_twice_is_refused(forgery: Forgery) -> None:
    _put_ids(forgery, lambda ids: [ids[1], *ids[1:]])
    assert refusal(forgery) == f"{IDS} and {LABELS}: 60 ids, 59 different, 60 labels"


def test_labels_of_fewer_images_are_refused(forgery: Forgery) -> None:
    forgery.put_array(LABELS, forgery.array(LABELS)[1:])
    assert refusal(forgery) == f"{IDS} and {LABELS}: 60 ids, 60 different, 59 labels"


@pytest.mark.parametrize("pinned", [True, False])
def test_images_that_are_pinned_are_those_of_the_data_set(pinned: bool, forgery: Forgery) -> None:
    forgery.spec["dataset"]["content_sha256"] = forgery.record["dataset"]["images_sha256"] if pinned else ONES
    expected = [] if pinned else [f"{RECORD}.dataset.gap: '' does not fit the ids and the port"]
    assert problems(forgery) == expected


def test_other_ids_have_another_digest_and_leave_a_gap(forgery: Forgery) -> None:
    recorded = forgery.record["dataset"]["ids_sha256"]
    _put_ids(forgery, lambda ids: [*ids[:-1], "other"])
    ours = hashlib.sha256("\n".join(json.loads(forgery.contents[IDS])).encode()).hexdigest()
    found = problems(forgery)
    assert found[0] == said("dataset.ids_sha256", recorded, ours)
    assert said("dataset.foreign_ids", 0, 1) in found
    assert f"{RECORD}.dataset.gap: '' does not fit the ids and the port" in found


def test_another_label_has_another_digest(forgery: Forgery) -> None:
    labels = forgery.array(LABELS)
    labels[0] = (labels[0] + 1) % 20
    forgery.put_array(LABELS, labels)
    assert problems(forgery)[0].startswith(f"{RECORD}.dataset.labels_sha256: ")


@pytest.mark.parametrize("groups", [[["other", FIRST]], [[FIRST]], [[FIRST, FIRST]], [[]]])
def test_byte_equal_images_are_images_of_the_data_set(groups: list[list[str]], forgery: Forgery) -> None:
    forgery.record["dataset"]["byte_equal"] = groups
    where = f"{RECORD}.dataset.byte_equal"
    assert f"{where}: not groups of two and more images of the data set" in problems(forgery)


@pytest.mark.parametrize("label", [-1, 20])
def test_a_label_outside_the_classes_is_named(label: int, forgery: Forgery) -> None:
    labels = forgery.array(LABELS)
    labels[0] = label
    forgery.put_array(LABELS, labels)
    assert problems(forgery)[0] == f"{LABELS}: a label outside 0..19"


@pytest.mark.parametrize("label", [0, 19])
def test_the_first_and_the_last_class_are_labels(label: int, forgery: Forgery) -> None:
    labels = forgery.array(LABELS)
    labels[0] = label
    forgery.put_array(LABELS, labels)
    assert not [line for line in problems(forgery) if line.startswith(LABELS)]


@pytest.mark.parametrize("worst", [["other"], ["z", "y", "x"]])
def test_the_worst_images_are_images_of_the_data_set(worst: list[str], forgery: Forgery) -> None:
    place = place_of(forgery, "om_bs16")
    known = forgery.record["variants"][place]["agreement"]["worst"]
    alter(forgery.record, {f"variants.{place}.agreement.worst": [known[0], *worst]})
    where = f"{RECORD}.variants[{place}].agreement.worst"
    assert problems(forgery) == [f"{where}: {min(worst)!r} is no image of the data set"]


@pytest.mark.parametrize(
    ("variant", "field", "value"),
    [("pth", "accuracy.0.right", 1), ("onnx", "model_sha256", ONES), ("om_bs1", "losses.1.table.lost", 9)],
)
def test_a_figure_of_a_variant_is_counted_again(variant: str, field: str, value: object, forgery: Forgery) -> None:
    place = place_of(forgery, variant)
    alter(forgery.record, {f"variants.{place}.{field}": value})
    (line,) = problems(forgery)
    assert line.startswith(f"{RECORD}.variants[{place}].")
    assert f": {short(value)} recorded, " in line


def test_a_variant_needs_the_digest_of_what_predicted_it(forgery: Forgery) -> None:
    forgery.record["digests"] = [entry for entry in forgery.record["digests"] if entry["name"] == "onnx"]
    owners = {"pth": "checkpoint", "om_bs1": "om_bs1", "om_bs16": "om_bs16"}
    assert sorted(problems(forgery)) == sorted(
        f"{RECORD}.variants[{place_of(forgery, variant)}]: no digest of {owner}, which predicted this"
        for variant, owner in owners.items()
    )


def test_a_variant_that_was_not_compared_is_told(forgery: Forgery) -> None:
    place = place_of(forgery, "onnx")
    alter(forgery.record, {f"variants.{place}.agreement": None})
    assert problems(forgery) == [f"{RECORD}.variants[{place}]: no agreement of onnx was recorded"]


def test_predictions_that_no_engine_makes_are_told(forgery: Forgery) -> None:
    name = "predictions/onnx.top5.npy"
    rows = forgery.array(name)
    rows[0, 4] = 20
    forgery.put_array(name, rows)
    where = f"{RECORD}.variants[{place_of(forgery, 'onnx')}]"
    assert f"{where}, predictions of onnx: a class outside 0..19" in problems(forgery)


# --- Padding of the last batch -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ais_bench", "share"), [(True, 60 / 64), (False, 1.0)])
def test_images_that_only_fill_the_last_batch_do_not_count_where_the_tool_counts_them(
    ais_bench: bool, share: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    forgery = Forgery(
        contents_of(quickly_written(replace(WORLD, ais_bench=ais_bench), tmp_path_factory.mktemp("made") / "bundle"))
    )
    assert problems(forgery) == []
    run = forgery.record["device_throughput"][1]["runs"][0]
    assert run["images_per_second_per_chip"] == pytest.approx(run["reported_images_per_second"] * share)
    run["images_per_second_per_chip"] *= 1.001
    assert "device_throughput[1].runs[0].images_per_second_per_chip" in problems(forgery)[0]


@pytest.mark.parametrize("images", [60, None])
def test_pure_inference_has_no_last_batch(images: int | None, forgery: Forgery) -> None:
    runs = forgery.record["device_throughput"][1]["runs"]
    for run in runs:
        run.update(mode="pure", images=images, reported_images_per_second=run["images_per_second_per_chip"])
    found = problems(forgery)
    rates = [line for line in found if "images_per_second_per_chip" in line]
    assert bool(rates) is (images is not None)
    assert bool([line for line in found if "pure inference sees no images" in line]) is (images is not None)


# --- Logs ----------------------------------------------------------------------------------------------------------

LOG = "logs/perf-bs16/npu-smi-before-1-sample1/"


def command_of(forgery: Forgery, folder: str) -> dict[str, Any]:
    """The record of the command whose log lies there."""
    found: dict[str, Any] = next(entry for entry in forgery.record["commands"] if entry["folder"] == folder.rstrip("/"))
    return found


@pytest.mark.parametrize("stream", ["stdout.txt", "stderr.txt"])
def test_both_streams_of_a_command_are_there(stream: str, forgery: Forgery) -> None:
    folder = "logs/predict-bs1/run-1-device0/"
    del forgery.contents[folder + stream]
    assert problems(forgery) == [f"{folder}{stream} is missing"]


@pytest.mark.parametrize("text", [b"cwd: x\nnpu-smi\n", b"npu-smi\ninfo\n", b"cwd: x\nnpu-smi\ninfo", b""])
def test_a_command_is_the_one_in_its_log_to_the_last_word(text: bytes, forgery: Forgery) -> None:
    forgery.contents[f"{LOG}command.txt"] = text
    place = forgery.record["commands"].index(command_of(forgery, LOG))
    assert problems(forgery) == [f"{RECORD}.commands[{place}].argv: another command than in {LOG}command.txt"]


def test_a_command_that_is_no_text_is_read_all_the_same(forgery: Forgery) -> None:
    folder = "logs/atc-bs1/"
    words = forgery.contents[f"{folder}command.txt"].replace(b"--log=error", b"--log=\xff")
    forgery.contents[f"{folder}command.txt"] = words
    command_of(forgery, folder)["argv"] = words.decode("utf-8", "replace").split("\n")[1:-1]
    assert problems(forgery) == []


def test_a_trace_of_the_simulator_in_a_log_of_a_device_is_told(forgery: Forgery) -> None:
    forgery.contents[f"{LOG}stdout.txt"] += b"said [SIMULATOR]\n"
    forgery.contents["report.html"] = b"[SIMULATOR]"
    assert problems(forgery) == [f"target is ascend, but {LOG}stdout.txt was written by the simulator"]


def test_a_bundle_of_the_simulator_may_say_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    world = World(images=20, margin_pp=40.0, batches=(1,), runs=1, on_device=False)
    forgery = Forgery(contents_of(quickly_written(world, tmp_path_factory.mktemp("made") / "bundle")))
    forgery.record["machine"]["toolchain"]["simulator"] = "1"
    assert any(b"[SIMULATOR]" in content for name, content in forgery.contents.items() if name.startswith("logs/"))
    assert problems(forgery) == []


def test_scores_that_are_no_numbers_are_told(forgery: Forgery) -> None:
    name = "predictions/om_bs1.scores.npy"
    scores = forgery.array(name)
    scores[3, 2] = np.nan
    forgery.put_array(name, scores)
    where = f"{RECORD}.variants[{place_of(forgery, 'om_bs1')}]"
    assert problems(forgery)[0] == f"{where}, predictions of om_bs1: a score that is no finite number"
