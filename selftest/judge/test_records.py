"""What a verdict keeps: records that nobody can change, closed sets of words, and no field that nobody declared."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tools.base.text_enum import TextEnum
from tools.judge import (
    acceptance,
    accuracy,
    agreement,
    device,
    facts,
    handover,
    image_records,
    layout,
    machine_records,
    paired,
    prediction_records,
    records,
    results,
    throughput,
    throughput_records,
)
from tools.judge.acceptance import CommandRecord, Reused
from tools.judge.basis import DeviceKind, MadeBy, ReferenceDevice
from tools.judge.device_numbers import Seat
from tools.judge.ids import om
from tools.judge.results import Check, RunVerdict, Verdict, Word

MODULES = (
    *(acceptance, image_records, machine_records, prediction_records, throughput_records),
    *(accuracy, agreement, device, facts, handover, paired, results, throughput),
)
RECORDS = sorted(
    {
        value
        for module in MODULES
        for value in vars(module).values()
        if isinstance(value, type) and dataclasses.is_dataclass(value) and value.__module__.startswith("tools.judge")
    },
    key=lambda record: record.__name__,
)


def test_every_record_is_looked_at() -> None:
    named = {record.__name__ for record in RECORDS}
    assert {"Agreement", "Check", "GateResult", "Interval", "Loss", "Measured", "Rates", "RunVerdict", "TopK"} <= named
    assert {"Acceptance", "BinFacts", "Handover", "OmDescription", "VariantRecord"} <= named


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_a_record_cannot_be_changed_and_takes_no_unknown_field(record: Any) -> None:  # noqa: ANN401 - a dataclass
    assert record.__dataclass_params__.frozen
    with pytest.raises(records.RecordError, match=r"^Object contains unknown field `stray`$"):
        records.read(record, {"stray": 0})


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_every_annotation_of_a_record_can_be_read(record: Any) -> None:  # noqa: ANN401 - a dataclass
    with pytest.raises(records.RecordError):
        records.read(record, dict.fromkeys((field.name for field in dataclasses.fields(record)), object()))


def test_the_words_that_evidence_and_reports_keep() -> None:
    assert [str(word) for word in Verdict] == ["PASS", "FAIL", "INCONCLUSIVE", "NOT RUN", "NOT JUDGED"]
    assert [str(word) for word in Word] == ["ACCEPTED", "REJECTED", "INCOMPLETE", "SIMULATED", "SAMPLE", "UNPINNED"]
    assert issubclass(Verdict, TextEnum)
    assert issubclass(Word, TextEnum)


def test_a_comparison_without_distance_detail_or_source_says_none() -> None:
    check = Check(measured=0.0, threshold="<= 1", unit="pp", verdict=Verdict.PASS)
    assert (check.headroom, check.detail, check.source) == (None, "", "")


def test_what_a_run_has_not_come_to_is_none_or_empty() -> None:
    verdict = RunVerdict(
        Word.INCOMPLETE,
        simulated=False,
        sample=False,
        unpinned=False,
        passed=0,
        failed=(),
        missing=(),
        not_judged=(),
    )
    run = acceptance.Acceptance(verdict, gates=(), inputs=("i",), artifacts=("a",))
    onnx = ("onnx", "onnx_checker", "onnx_operators", "onnx_weights", "onnx_logit_errors", "onnx_graph_step")
    reference = ("reference", "reference_basis", "reference_probe")
    unknown = ("spec", "toolkit", "machine", "checkpoint", *onnx, *reference, "recipe", "aipp", "jpegs")
    empty = (
        "reused",
        "throughput_outputs",
        "digests",
        "handed_in",
        "handovers",
        "oms",
        "variants",
        "host_throughput",
        "device_throughput",
        "commands",
        "timings",
    )
    assert records.plain(run) == {
        "verdict": records.plain(verdict),
        "gates": [],
        "inputs": ["i"],
        "artifacts": ["a"],
        "schema": 5,
        **dict.fromkeys(("run", "interrupted", "started_utc", "finished_utc", "target"), ""),
        **dict.fromkeys(("strict_accuracy", "tolerate_busy", "profile"), False),
        **dict.fromkeys((*unknown, "dataset", "bins", "parity", "om_batch_errors", "onnx_names", "host", "versions")),
        **{name: [] for name in (*empty, "diagnoses", "profiles")},
    }
    assert all(getattr(run, name) == () for name in empty)


def test_the_files_of_a_bundle_keep_their_names() -> None:
    assert (layout.FILE, layout.MANIFEST, layout.LOGS) == ("acceptance.json", "MANIFEST.sha256", "logs")
    assert (layout.SIGNATURE, layout.PORT, layout.SPEC_JSON) == ("MANIFEST.sha256.sig", "port", "spec.json")
    assert (layout.IDS, layout.LABELS) == ("predictions/ids.json", "predictions/labels.npy")
    assert layout.REFERENCE_LOGITS == "predictions/pth.logits.npy"
    found = prediction_records.VariantRecord(om(16), 16, "", accuracy=(), losses=(), agreement=None)
    assert (found.top5_file, found.scores_file) == ("predictions/om_bs16.top5.npy", "predictions/om_bs16.scores.npy")


@pytest.mark.parametrize(
    ("serial_number", "bus_id", "known"),
    [("a", "b", True), ("a", "unknown", True), ("unknown", "b", True), ("unknown", "unknown", False)],
)
def test_a_board_is_known_by_its_serial_number_or_its_bus(serial_number: str, bus_id: str, known: bool) -> None:
    board = machine_records.BoardRecord(0, serial_number, bus_id, "1.84", "22.0", Seat(1, 0, 0, None))
    assert board.known is known
    assert str(board) == f"serial number {serial_number}, bus {bus_id}, firmware 1.84, driver 22.0"


def test_a_suite_is_told_by_its_version_where_that_is_known_and_by_its_code() -> None:
    versions = machine_records.Versions("3.11.7", {}, suite_sha256="0123456789abcdef")
    assert (versions.suite, versions.suite_words) == ("", "code 0123456789ab")
    assert dataclasses.replace(versions, suite="2.0").suite_words == "2.0, code 0123456789ab"


@pytest.mark.parametrize(
    ("kind", "taken", "made_by"),
    [("cpu", False, MadeBy.CPU), ("cuda", False, MadeBy.CUDA), ("cpu", True, MadeBy.OTHER_RUN)],
)
def test_who_made_the_checkpoints_predictions(kind: str, taken: bool, made_by: MadeBy) -> None:
    device = ReferenceDevice(DeviceKind(kind), "a chip", "2.13.0", "", ())
    other: Any = object() if taken else None
    assert prediction_records.ReferenceRecord(device, other).made_by is made_by


def test_the_labels_of_a_data_set_are_its_own_unless_it_says_so() -> None:
    data = image_records.DatasetRecord(1, False, None, "", "", "", foreign_ids=0, byte_equal=(), gap="")
    assert data.labels_by_reference == ""


def test_a_largest_error_is_over_at_least_one_image() -> None:
    errors = {"images": 1, "to_reference": 0.0, "between_batches": 0.0}
    assert records.read(facts.LogitErrors, errors) == facts.LogitErrors(1, 0.0, 0.0)
    with pytest.raises(records.RecordError, match=r"^a largest error over 0 images, must be at least 1"):
        records.read(facts.LogitErrors, {**errors, "images": 0})
    assert facts.GraphStepFacts(1, 0.0).images == facts.BatchErrors((1, 4), 1, 0.0).images == 1


def test_a_tool_that_nobody_ended_and_an_artifact_of_an_unknown_host_say_so_by_nothing() -> None:
    command = {"argv": ["atc"], "folder": "logs/atc", "returncode": 0, "seconds": 1.0, "files": {}}
    assert records.read(CommandRecord, command) == CommandRecord(("atc",), "logs/atc", 0, 1.0, {}, ended_by="")
    reused = records.read(Reused, {"name": "om/1", "made_utc": "2026-11-29T00:00:00+00:00"})
    assert (reused.made_on, reused.batch) == ("", None)


def test_facts_that_name_nothing_beyond_say_none() -> None:
    checkpoint = facts.CheckpointFacts(1, 1, (), (), (), (), content_sha256="")
    assert (checkpoint.other_types, checkpoint.missing_arguments, checkpoint.foreign_arguments) == ((), (), ())
    assert facts.WeightFacts((), 1, exact=1, recomputed=0, foreign=0, unused=()).declared == ()
