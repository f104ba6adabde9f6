"""A bundle is whole or absent, holds nothing private, and never replaces what is no bundle."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from selftest.evidence.bundles import CODE, DIGEST, NO_SCRUBBING, PORT_FILE, Made, World
from tools.base.files import ROOT
from tools.evidence.host import host_record
from tools.evidence.manifest import write_manifest
from tools.evidence.opening import open_staging
from tools.evidence.pieces import EvidenceError
from tools.evidence.record_file import read_acceptance
from tools.evidence.scrub import Scrubber
from tools.evidence.staging import Staging
from tools.evidence.tool_logs import keep_logs
from tools.evidence_schema import SCHEMA_FILE, acceptance_schema
from tools.judge.acceptance import Acceptance, InputDigest, SpecRecord
from tools.judge.evidence import variant_record
from tools.judge.ids import PTH, GateId
from tools.judge.image_records import DatasetRecord
from tools.judge.layout import FILE, IDS, LABELS, MANIFEST, PORT, SPEC_JSON
from tools.judge.results import RunVerdict, Word
from tools.ports.spec import PUBLISHED_SPEC, SAMPLE_SPEC, load_port, load_spec
from tools.ports.spec_json import spec_json

SMALL = World(images=20, margin_pp=40.0, batches=(1,))


def empty(word: Word = Word.INCOMPLETE, *, interrupted: str = "") -> Acceptance:
    """A run that came to nothing."""
    verdict = RunVerdict(
        word=word,
        simulated=False,
        sample=False,
        unpinned=False,
        passed=0,
        failed=(),
        missing=(GateId("checkpoint.md5"),),
        not_judged=(),
    )
    return Acceptance(verdict=verdict, gates=(), inputs=(), artifacts=(), interrupted=interrupted)


@pytest.fixture
def staging(tmp_path: Path) -> Staging:
    """The evidence of a run that has just begun."""
    return open_staging(tmp_path / "evidence", NO_SCRUBBING)


def test_the_bundle_holds_everything(tmp_path: Path) -> None:
    place = Made(SMALL).write(tmp_path / "evidence")
    names = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}
    arrays = {f"predictions/{name}.{kind}.npy" for name in ("pth", "onnx", "om_bs1") for kind in ("top5", "scores")}
    record = read_acceptance(place)
    logs = {f"{one.folder}/{name}.txt" for one in record.commands for name in ("command", "stdout", "stderr")}
    logs |= {f"logs/perf-bs1/run-{run}-device0/summary.json" for run in range(1, SMALL.runs + 1)}
    assert {"logs/atc-bs1/command.txt", "logs/npu-smi/stdout.txt", "logs/predict-bs1/run-1-device0/stderr.txt"} < logs
    assert names == {FILE, MANIFEST, f"{PORT}/{PORT_FILE}", SPEC_JSON, IDS, LABELS, *arrays, *logs}
    assert [variant.name for variant in record.variants] == ["pth", "om_bs1", "onnx"]
    assert record.commands[0].argv[:2] == ("atc", "--model=<cache>/onnx")
    assert record.commands[0].returncode == 0


def test_predictions_read_back(tmp_path: Path) -> None:
    made = Made(SMALL)
    place = made.write(tmp_path / "evidence")
    top5, scores = (np.load(place / f"predictions/pth.{kind}.npy") for kind in ("top5", "scores"))
    assert top5.dtype == "<i2"
    assert scores.dtype == "<f4"
    assert np.array_equal(top5, np.argsort(-made.pth.logits, axis=1, kind="stable")[:, :5])
    assert np.array_equal(scores, np.take_along_axis(made.pth.logits, top5.astype(int), axis=1))
    assert json.loads((place / IDS).read_bytes()) == list(made.ids)


def test_the_port_is_carried_as_written_and_as_understood(tmp_path: Path) -> None:
    place = Made(SMALL).write(tmp_path / "evidence")
    assert (place / SPEC_JSON).read_bytes() == spec_json(load_spec(place / PORT / PORT_FILE))


def test_every_file_of_a_port_lies_in_the_bundle_and_is_named_with_its_digest(staging: Staging) -> None:
    port = load_port(SAMPLE_SPEC)
    staging.put_port(port, "as asked", code=CODE)
    files = {path.name: path.read_bytes() for path in (staging.folder / PORT).iterdir()}
    assert files == port.files == {path.name: path.read_bytes() for path in (PUBLISHED_SPEC, SAMPLE_SPEC)}
    (recorded,) = staging.pieces(SpecRecord)
    assert recorded.files == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    assert (recorded.port, recorded.kind, recorded.why) == ("alexnet_sample", "sample", "as asked")
    assert (recorded.path, recorded.code) == (str(SAMPLE_SPEC), CODE)


def test_a_new_bundle_takes_the_place_of_the_old_one_whole(tmp_path: Path) -> None:
    place = tmp_path / "evidence"
    Made(SMALL).write(place)
    (place.with_suffix(".work")).rename(tmp_path / "first.work")
    staging = open_staging(place, NO_SCRUBBING)
    staging.publish(empty())
    assert {path.name for path in place.iterdir()} == {FILE, MANIFEST}
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_nothing_is_there_before_it_is_whole(staging: Staging) -> None:
    staging.put(InputDigest(name="onnx", path="x", sha256=DIGEST, md5=None, size_bytes=1), "onnx")
    assert not staging.place.exists()


def test_a_run_that_dies_leaves_the_old_bundle(tmp_path: Path) -> None:
    place = tmp_path / "evidence"
    open_staging(place, NO_SCRUBBING).publish(empty())
    before = (place / FILE).read_bytes()
    code = (
        "import os, signal, sys; from pathlib import Path; from tools.evidence.opening import open_staging; "
        "from tools.evidence.scrub import Scrubber; from tools.evidence.host import host_record; "
        "open_staging(Path(sys.argv[1]), Scrubber((), (), '')).put(host_record(), 'host'); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(place)], check=False, cwd=ROOT)
    assert len(list(tmp_path.glob(".evidence.*.partial"))) == 1
    (aside,) = tmp_path.glob("evidence.earlier-*")
    assert (aside / FILE).read_bytes() == before
    open_staging(place, NO_SCRUBBING).discard()
    assert list(tmp_path.glob(".evidence.*.partial")) == []


def test_a_run_that_decided_nothing_leaves_nothing(staging: Staging) -> None:
    staging.put(host_record(), "host")
    staging.discard()
    assert not staging.folder.exists()
    assert not staging.place.exists()


def test_workers_share_the_folder_of_the_process_that_reports(staging: Staging) -> None:
    assert open_staging(staging.place, NO_SCRUBBING, os.getpid()).folder == staging.folder


def test_a_reporters_file_is_sealed_too(staging: Staging) -> None:
    def report(folder: Path, acceptance: Acceptance) -> None:
        (folder / "report.html").write_text(str(acceptance.verdict.word))

    place = staging.publish(empty(), [report])
    assert "  report.html\n" in (place / MANIFEST).read_text()


def test_a_folder_of_other_files_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(EvidenceError, match="holds files but no"):
        open_staging(tmp_path, NO_SCRUBBING)


def test_a_file_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("x")
    with pytest.raises(EvidenceError, match="this is a file"):
        open_staging(tmp_path / "evidence", NO_SCRUBBING)


def test_predictions_of_other_images_are_refused(staging: Staging) -> None:
    made = Made(SMALL)
    record = DatasetRecord(
        images=20,
        embedded_sample=False,
        limit=None,
        ids_sha256=DIGEST,
        images_sha256=DIGEST,
        labels_sha256=DIGEST,
        foreign_ids=0,
        byte_equal=(),
        gap="",
    )
    staging.put_dataset(record, made.labels)
    variant = variant_record(made, PTH, DIGEST)
    with pytest.raises(EvidenceError, match="not those of the data set"):
        staging.put_variant(variant, made.ids[::-1], made.pth.top5, made.pth.top5_scores)


@pytest.mark.parametrize("word", [Word.ACCEPTED, Word.SIMULATED, Word.SAMPLE])
def test_an_interrupted_run_claims_nothing(word: Word, staging: Staging) -> None:
    with pytest.raises(ValueError, match="interrupted"):
        staging.publish(empty(word, interrupted="Ctrl-C"))


def test_an_interrupted_run_says_so(staging: Staging) -> None:
    place = staging.publish(empty(interrupted="KeyboardInterrupt"))
    assert read_acceptance(place).interrupted == "KeyboardInterrupt"


def test_logs_and_records_are_scrubbed(tmp_path: Path) -> None:
    scrub = Scrubber((("/home/ann/port", "repository"),), ("s3cr3t-token",), "build-host-7")
    staging = open_staging(tmp_path / "evidence", scrub)
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "command.txt").write_text("cwd: /home/ann/port/x\natc\n--log=/home/ann/port/y\n")
    (logs / "stdout.txt").write_bytes(b"build-host-7 used s3cr3t-token \xff\n")
    (logs / "stderr.txt").write_text("see /home/ann/.cache\n")
    keep_logs(staging, "atc bs1", logs)
    staging.put(InputDigest(name="onnx", path="/home/ann/port/m.onnx", sha256=DIGEST, md5=None, size_bytes=1), "onnx")
    place = staging.publish(empty())
    everything = b"".join(path.read_bytes() for path in place.rglob("*") if path.is_file())
    for private in (b"/home/", b"ann", b"s3cr3t", b"build-host"):
        assert private not in everything
    assert (place / "logs/atc-bs1/stdout.txt").read_bytes() == b"<host> used <secret> \xff\n"
    record = read_acceptance(place)
    assert record.commands[0].argv == ("atc", "--log=<repository>/y")
    assert record.commands[0].returncode is None
    assert record.digests[0].path == "<repository>/m.onnx"


@pytest.mark.parametrize("name", ["..", "", "/"])
def test_a_piece_needs_a_plain_name(name: str, staging: Staging) -> None:
    with pytest.raises(EvidenceError, match="plain name"):
        staging.put(InputDigest(name=name, path="x", sha256=DIGEST, md5=None, size_bytes=1), name)


def test_pieces_come_in_the_order_of_their_numbers(staging: Staging) -> None:
    for batch in (16, 1, 4):
        digest = InputDigest(name=f"om_bs{batch}", path="x", sha256=DIGEST, md5=None, size_bytes=1)
        staging.put(digest, digest.name)
    assert [piece.name for piece in staging.pieces(InputDigest)] == ["om_bs1", "om_bs4", "om_bs16"]


def test_sha256sum_checks_the_manifest(staging: Staging) -> None:
    place = staging.publish(empty())
    done = subprocess.run(["sha256sum", "--check", "--strict", MANIFEST], cwd=place, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_manifest_does_not_list_itself(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    write_manifest(tmp_path)
    assert write_manifest(tmp_path).read_text().count("\n") == 1


def test_a_full_disk_leaves_the_old_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "evidence"
    open_staging(place, NO_SCRUBBING).publish(empty())
    before = sorted(path.name for path in place.iterdir())
    staging = open_staging(place, NO_SCRUBBING)

    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space left"):
        staging.publish(empty())
    assert staging.earlier is not None
    assert sorted(path.name for path in staging.earlier.iterdir()) == before


def test_the_schema_that_is_checked_in_is_the_records() -> None:
    """Made by `python tools/evidence_schema.py`."""
    assert SCHEMA_FILE.read_bytes() == acceptance_schema()


def test_worlds_are_deterministic(tmp_path: Path) -> None:
    first, second = (Made(dataclasses.replace(SMALL)).write(tmp_path / name / "x") for name in ("a", "b"))
    assert read_acceptance(first).variants == read_acceptance(second).variants


def test_a_foreign_file_in_an_old_bundle_is_not_deleted(tmp_path: Path) -> None:
    place = tmp_path / "evidence"
    place.mkdir()
    for name in ("acceptance.json", "thesis.txt"):
        (place / name).write_text("{}")
    with pytest.raises(EvidenceError, match=r"is no file of the evidence"):
        open_staging(place, NO_SCRUBBING)
    assert (place / "thesis.txt").exists()
