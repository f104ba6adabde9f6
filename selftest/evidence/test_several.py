"""Several bundles as one run: what they must agree on, and whose answer counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from selftest.evidence.bundles import CODE, DIGEST, Made, World, quickly_written
from selftest.evidence.tampering import Forgery, contents_of
from tools.judge.again import Judged
from tools.judge.basis import MadeBy
from tools.judge.bundle import Bundle, read_bundle
from tools.judge.gate import Basis
from tools.judge.gates import Asked, expected, find
from tools.judge.ids import GateId
from tools.judge.results import Check, GateResult, Verdict
from tools.judge.several import disagreements, identity, merge, needed_identity

WORLD = World(images=20, margin_pp=60.0, tight_pp=50.0, batches=(1, 4), runs=1)
ONES = "1" * 64


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a made-up bundle."""
    return contents_of(quickly_written(WORLD, tmp_path_factory.mktemp("made") / "bundle"))


def opened(contents: dict[str, bytes], name: str = "a", **changes: object) -> Bundle:
    """A bundle whose record says something else."""
    forgery = Forgery(contents)
    forgery.record.update(changes)
    return read_bundle(name, forgery.sealed())


def judged(name: str, verdict: Verdict = Verdict.PASS, room: float | None = None) -> Judged:
    """A gate with an answer."""
    check = Check("x", "y", "z", verdict, headroom=room)
    return Judged(GateResult(id=GateId(name), stage=find(name).stage, check=check), Basis.RECOMPUTED, "")


# --- What a bundle says about itself -------------------------------------------------------------------------------


def test_a_bundle_says_of_what_run_it_is_a_part(contents: dict[str, bytes]) -> None:
    machine = Forgery(contents).record["machine"]
    machine["toolchain"] = {"tool": "ais_bench", "driver": "23", "cann": "8.0"}
    found = opened(contents, machine=machine)
    dataset = found.record.dataset
    host = found.record.host
    assert dataset is not None
    assert host is not None
    files = ("checkpoint", "onnx", "om_bs1", "om_bs4")
    assert identity(found) == {
        **{name: found.digests[name].sha256 for name in files},
        **CODE,
        "toolchain": "cann 8.0, driver 23",
        "host": f"{host.machine}, {host.cpu_model}",
        "suite": DIGEST,
        "spec": found.files.digests["spec.json"],
        "target": "ascend",
        "soc": "Ascend310",
        "board": "NPU 1 chip 0: 033EHS10M2000017 0000:05:00.0",
        "images": dataset.images_sha256 + dataset.ids_sha256,
        "reference": "this run, on the CPU",
    }


def test_what_a_bundle_does_not_say_is_none(contents: dict[str, bytes]) -> None:
    found = opened(contents, machine=None, dataset=None, digests=[], host=None, versions=None)
    known = {**CODE, "spec": found.files.digests["spec.json"], "target": "ascend", "reference": "this run, on the CPU"}
    assert identity(found) == {
        **dict.fromkeys(("toolchain", "host", "suite", "checkpoint", "onnx", "soc", "board", "images")),
        **known,
    }
    assert not identity(opened(contents, spec=None)).keys() & CODE.keys()


@pytest.mark.parametrize(
    ("gate", "needed"),
    [
        ("checkpoint.md5", {"checkpoint"}),
        ("onnx.opset", {"checkpoint", "onnx"}),
        ("preprocessing.bins", {"images"}),
        ("om.compiled[bs1]", {"checkpoint", "onnx", "soc", "host", "om_bs1"}),
        ("om.device", {"checkpoint", "onnx", "soc", "host"}),
        ("pth.accuracy.ids", {"checkpoint", "images"}),
        ("onnx.accuracy.ids", {"checkpoint", "onnx", "images"}),
        ("om.accuracy.ids[bs1]", {"checkpoint", "onnx", "soc", "host", "om_bs1", "images"}),
        ("host.perf.onnx_to_torch[bs1]", {"checkpoint", "onnx"}),
        ("om.perf.reading[bs1]", {"checkpoint", "onnx", "soc", "host", "om_bs1"}),
    ],
)
def test_a_gate_that_passed_needs_to_say_what_it_is_about(gate: str, needed: set[str]) -> None:
    assert needed_identity([judged(gate)]) == needed
    assert needed_identity([judged(gate, Verdict.FAIL), judged(gate, Verdict.NOT_RUN)]) == set()


def test_bundles_of_one_run_agree(contents: dict[str, bytes]) -> None:
    other = opened(contents, "b", digests=[], inputs=["x"])
    answers = [[judged("onnx.opset")], [judged("preprocessing.bins")]]
    assert disagreements([opened(contents), other], answers) == []


DIFFERENT: dict[str, Any] = {
    "target": "simulator",
    "host.cpu_model": "another",
    "versions.suite_sha256": ONES,
    "machine.soc": "Ascend310P3",
    "machine.toolchain": {"cann": "8.0"},
    "machine.boards.0.serial_number": ONES,
    "machine.boards.0.bus_id": "0000:06:00.0",
    "dataset.images_sha256": ONES,
    "dataset.ids_sha256": ONES,
    "digests.0.sha256": ONES,
    "digests.1.sha256": ONES,
    "digests.2.sha256": ONES,
    "digests.3.sha256": ONES,
}
NAMES = dict(
    zip(
        DIFFERENT,
        ("target", "host", "suite", "soc", "toolchain", "board", "board", "images", "images"),
        strict=False,
    )
)


@pytest.mark.parametrize("place", DIFFERENT)
def test_each_difference_is_told_with_both_sides(place: str, contents: dict[str, bytes]) -> None:
    record = Forgery(contents).record
    *above, last = place.split(".")
    part = record
    for step in above:
        part = part[int(step) if step.isdigit() else step]
    part[last] = DIFFERENT[place]
    name = NAMES.get(place) or part["name"]
    one, other = opened(contents), opened(contents, "b", **record)
    ours, theirs = str(identity(one)[name]), str(identity(other)[name])
    assert disagreements([one, other], [[], []]) == [f"{name} differs: a {ours[:120]}, b {theirs[:120]}"]


def test_parts_made_with_other_code_of_the_network_are_not_of_one_run(contents: dict[str, bytes]) -> None:
    """The spec names a file of the port's own, and says nothing of what is in it."""
    spec = Forgery(contents).record["spec"]
    bundles = [
        opened(contents, name, spec={**spec, "code": {**spec["code"], "code net.py": digest, "version torch": torch}})
        for name, digest, torch in (("a", ONES, "2.4+cpu"), ("b", "2" * 64, "2.4+cu121"))
    ]
    assert disagreements(bundles, [[], []]) == [f"code net.py differs: a {ONES}, b {'2' * 64}"]


def test_parts_with_another_file_of_a_fixed_batch_size_are_not_of_one_run(contents: dict[str, bytes]) -> None:
    digests = Forgery(contents).record["digests"]
    own = next(entry for entry in digests if entry["name"] == "onnx")
    bundles = [
        opened(contents, name, digests=[*digests, {**own, "name": "onnx_bs1", "sha256": digest}])
        for name, digest in (("a", ONES), ("b", "2" * 64))
    ]
    assert disagreements(bundles, [[], []]) == [f"onnx_bs1 differs: a {ONES}, b {'2' * 64}"]


def test_boards_of_which_one_is_not_known_are_no_difference(contents: dict[str, bytes]) -> None:
    record = Forgery(contents).record
    record["machine"]["boards"][0].update(serial_number="unknown", bus_id="unknown")
    assert disagreements([opened(contents), opened(contents, "b", **record)], [[], []]) == []


def test_what_one_of_three_does_not_say_is_no_difference_and_is_told(contents: dict[str, bytes]) -> None:
    digests = [{**entry, "sha256": ONES} for entry in Forgery(contents).record["digests"] if entry["name"] == "onnx"]
    bundles = [opened(contents), opened(contents, "b", machine=None), opened(contents, "c", digests=digests)]
    answers = [[judged("om.ran[bs1]")] for _ in bundles]
    digest = bundles[0].digests["onnx"].sha256
    assert disagreements(bundles, answers) == [
        "b does not say its soc",
        "c does not say its checkpoint",
        "c does not say its om_bs1",
        f"onnx differs: a {digest}, b {digest}, c {ONES}",
    ]


def test_a_bundle_given_twice_is_named_once(contents: dict[str, bytes]) -> None:
    twice = [opened(contents), opened(contents, "b")]
    assert disagreements(twice, [[], []]) == ["the same bundle given twice: a and b"]
    bundles = [opened(contents), opened(contents, "b"), opened(contents, "c", inputs=["x"]), opened(contents, "d")]
    assert disagreements(bundles, [[], [], [], []]) == ["the same bundle given twice: a and b and d"]


def test_boards_are_told_one_after_the_other(contents: dict[str, bytes]) -> None:
    machine = Forgery(contents).record["machine"]
    (first,) = machine["boards"]
    machine["boards"].append({**first, "device": 1, "serial_number": "x", "seat": {**first["seat"], "chip": 1}})
    assert identity(opened(contents, machine=machine))["board"] == (
        "NPU 1 chip 0: 033EHS10M2000017 0000:05:00.0, NPU 1 chip 1: x 0000:05:00.0"
    )


def test_predictions_of_another_run_are_told_by_its_name_and_manifest(contents: dict[str, bytes]) -> None:
    record = Forgery(contents).record
    device = {"kind": "cuda", "name": "x", "torch": "2", "cuda": "12", "settings": []}
    basis = dict.fromkeys(("checkpoint_sha256", "ids_sha256", "images_sha256", "pixels"), DIGEST)
    numbers = {"output": 0, "classes": 10, "images": 20}
    taken = {
        **{name: record[name] for name in ("host", "versions")},
        "run": "other",
        "finished_utc": "2026-11-20T10:00:00+00:00",
        "manifest_sha256": ONES,
        "logits_sha256": DIGEST,
        "device": device,
        "basis": {**basis, **numbers, "network": {}, "recipe": {}},
    }
    for other, whose in ((None, "this run, on a GPU"), (taken, f"run other, {ONES}")):
        bundles = [opened(contents), opened(contents, "b", reference={"device": device, "taken": other})]
        assert identity(bundles[1])["reference"] == whose
        assert disagreements(bundles, [[], []]) == [f"reference differs: a this run, on the CPU, b {whose}"]


# --- Whose answer counts -------------------------------------------------------------------------------------------

GATE = "om.perf.images_per_second_per_chip[bs1]"
WORST_FIRST = [
    judged(GATE, Verdict.FAIL, -2.0),
    judged(GATE, Verdict.FAIL, -1.0),
    judged(GATE, Verdict.INCONCLUSIVE, -1.0),
    judged(GATE, Verdict.INCONCLUSIVE, 1.0),
    judged(GATE, Verdict.PASS, 0.5),
    judged(GATE, Verdict.PASS, 1.0),
    judged(GATE, Verdict.PASS),
    judged(GATE, Verdict.NOT_RUN),
]


@pytest.mark.parametrize("worse", range(len(WORST_FIRST) - 1))
def test_of_one_gate_the_worst_answer_counts_in_any_order(worse: int) -> None:
    spec = Made(WORLD).spec
    for better in range(worse + 1, len(WORST_FIRST)):
        pair = [[WORST_FIRST[worse]], [WORST_FIRST[better]]]
        assert merge(Asked(spec, on_device=True), pair) == merge(Asked(spec, on_device=True), pair[::-1]) == pair[0]


def test_of_two_equal_answers_the_first_counts() -> None:
    first, second = judged(GATE, Verdict.PASS, 1.0), judged(GATE, Verdict.PASS, 1.0)
    (found,) = merge(Asked(Made(WORLD).spec, on_device=True), [[first], [second]])
    assert found is first


@pytest.mark.parametrize("on_device", [True, False])
def test_answers_stand_in_the_order_of_the_inventory_and_strangers_are_left_out(on_device: bool) -> None:
    spec = Made(WORLD).spec
    names = expected(Asked(spec, on_device=on_device))
    every = expected(Asked(spec, on_device=True))
    split = [[judged(name) for name in every[1::2]], [judged(name) for name in every[::2]], [judged("om.ran[bs64]")]]
    assert tuple(entry.id for entry in merge(Asked(spec, on_device=on_device), split)) == names
    assert merge(Asked(spec, on_device=True), split[:1]) == split[0]


@pytest.mark.parametrize("reference", MadeBy)
def test_gates_of_a_reference_count_where_it_was_made_elsewhere(reference: MadeBy) -> None:
    spec = Made(WORLD).spec
    names = [judged(name) for name in expected(Asked(spec, on_device=True, reference=MadeBy.OTHER_RUN))]
    for asked in (Asked(spec, on_device=True, reference=reference), Asked(spec, on_device=True)):
        assert tuple(entry.id for entry in merge(asked, [names])) == expected(asked)


def test_gates_of_a_profile_count_where_one_was_asked_for() -> None:
    spec = Made(WORLD).spec
    names = [judged(name) for name in expected(Asked(spec, on_device=True, profile=True))]
    plain = [entry for entry in names if not entry.id.startswith("om.perf.operators")]
    assert len(plain) < len(names)
    assert merge(Asked(spec, on_device=True, profile=True), [names]) == names
    assert merge(Asked(spec, on_device=True, profile=False), [names]) == plain


def test_a_bundle_is_told_by_its_own_name(contents: dict[str, bytes], tmp_path: Path) -> None:
    one, other = opened(contents, str(tmp_path)), opened(contents, "b", target="simulator")
    assert disagreements([one, other], [[], []]) == [f"target differs: {tmp_path} ascend, b simulator"]
