"""The offline judge says what the suite's judge says, and finds what was altered."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import itertools
import json
import math
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from selftest.evidence.bundles import PORT_FILE, RUN, Made, World
from selftest.evidence.tampering import (
    Forgery,
    Path_,
    altered,
    assert_refused,
    contents_of,
    leaves,
    put,
    spelled,
    word_of,
)
from selftest.test_rooms import imports
from tools.base.errors import Stage
from tools.base.files import ROOT
from tools.evidence.record_file import read_acceptance
from tools.judge import gates
from tools.judge import lines as terminal
from tools.judge.bundle import open_files
from tools.judge.ids import Variant
from tools.judge.layout import FILE, IDS, LABELS, MANIFEST, PORT, SPEC_JSON
from tools.judge.results import Verdict, Word
from tools.judge.verify import OK, REFUSED, Outcome, main
from tools.judge.verify import verify as judge
from tools.pack_judge import judge_files
from tools.ports.spec import PUBLISHED_SPEC, load_spec
from tools.ports.spec_json import spec_json

SCRIPT = ROOT / "tools" / "verify_bundle.py"
SMALL = World(images=60, margin_pp=20.0, tight_pp=19.0, logit_noise=0.002, batches=(1,), runs=2)
BAD_WORDS = (Word.REJECTED, Word.INCOMPLETE)


@pytest.fixture(autouse=True, scope="module")
def _no_waiting_for_the_disk() -> Iterator[None]:
    """Durability is not what is tested here, and fsync is most of the time of writing a bundle."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An accepted bundle."""
    return Made(SMALL).write(tmp_path_factory.mktemp("accepted") / "bundle")


@pytest.fixture(scope="module")
def contents(folder: Path) -> dict[str, bytes]:
    """Its files."""
    return contents_of(folder)


def words_of(*folders: Path, spec: Path | None = None, require: Word | None = None) -> list[str]:
    """A command line."""
    words = [*map(str, folders), *(["--port", str(spec)] if spec else [])]
    return [*words, "--require", require] if require else words


def verify(*folders: Path, spec: Path | None = None, require: Word | None = None) -> tuple[int, str]:
    """Exit status and output of a command line, in this process."""
    said, complaints = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complaints):
        status = main(words_of(*folders, spec=spec, require=require))
    assert not complaints.getvalue()
    return status, said.getvalue()


def verify_on_its_own(*folders: Path) -> tuple[int, str]:
    """Run the verifier as it is meant to be run: on a bare Python."""
    words = [sys.executable, "-S", "-I", str(SCRIPT), *words_of(*folders)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd="/")
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


# --- What a run says, the judge says again ---------------------------------------------------------------------------


def test_it_imports_the_standard_library_only() -> None:
    imported = {
        name.partition(".")[0]
        for file in judge_files()
        if file.endswith(".py")
        for name in imports((ROOT / file).read_text(encoding="utf-8"))
        if not name.startswith("tools.")
    }
    assert imported <= set(sys.stdlib_module_names)


@pytest.mark.parametrize(
    "world",
    [SMALL, dataclasses.replace(SMALL, seed=5, logit_noise=0.5), dataclasses.replace(SMALL, stages=("accuracy",))],
    ids=["accepted", "rejected", "incomplete"],
)
def test_table_and_verdict_are_the_terminals(world: World, tmp_path: Path) -> None:
    place = Made(world).write(tmp_path / "bundle")
    recorded = read_acceptance(place)
    status, text = verify_on_its_own(place)
    assert verify(place) == (status, text)
    lines = text.splitlines()
    last = terminal.verdict_lines(recorded.verdict, recorded.gates)
    assert lines[: len(terminal.table(recorded.gates))] == terminal.table(recorded.gates)
    assert lines[-len(last) :] == last
    assert status == (1 if recorded.verdict.word in BAD_WORDS else 0)


def random_world(seed: int) -> World:
    """A run of any kind: passing, failing, undecided, cut short, on part of the data."""
    draw = random.Random(seed)
    images = draw.choice([5, 20, 60, 120])
    margin = draw.choice([0.5, 5.0, 30.0])
    stages = draw.choice([tuple(Stage), tuple(Stage), ("accuracy",), ("perf", "om"), ("checkpoint", "onnx")])
    busy = draw.choice([(), (), (), ("device 0 (NPU 1 chip 0): AI core at 50 %",)])
    return World(
        seed=seed,
        kind=draw.choice(["published", "sample"]),
        on_device=draw.random() < 0.5,
        images=images,
        missing_images=draw.choice([0, 0, 2]),
        batches=draw.choice([(1,), (1, 4), (16, 64)]) if draw.random() < 0.5 else (1, 16),
        logit_noise=draw.choice([1e-6, 1e-3, 0.05, 1.0]),
        margin_pp=margin,
        tight_pp=margin / draw.choice([1, 10]),
        strict=draw.random() < 0.3,
        rate_over_published=draw.uniform(0.9, 1.2),
        rate_noise=draw.choice([0.0, 0.005, 0.05]),
        runs=draw.randint(1, 4),
        ais_bench=draw.random() < 0.5,
        reported_over_samples=draw.choice([1.0, 1.0, 1.0005, 1.002, 0.5]),
        busy=busy,
        tolerate_busy=draw.random() < 0.5,
        stages=stages,
    )


@pytest.mark.parametrize(
    "seeds", [range(30), pytest.param(range(30, 250), marks=pytest.mark.nightly)], ids=["by day", "at night"]
)
def test_random_runs_are_judged_offline_as_they_were_judged(seeds: range, tmp_path: Path) -> None:
    words = set()
    for seed in seeds:
        world = random_world(seed)
        if set(world.batches) - {1, 4, 8, 16, 32}:
            world = dataclasses.replace(world, batches=(8, 32))
        place = Made(world).write(tmp_path / str(seed))
        recorded = read_acceptance(place).verdict
        outcome = outcome_of(place)
        assert outcome.lines[-1] == terminal.verdict_lines(recorded, ())[-1], "\n".join([str(world), *outcome.lines])
        assert outcome.status == (1 if recorded.word in BAD_WORDS else 0)
        words.add(recorded.word)
        shutil.rmtree(place)
    assert words >= {Word.REJECTED, Word.INCOMPLETE}


def outcome_of(*places: Path) -> Outcome:
    """Judge bundles on disk, in this process."""
    return judge([(str(place), partial(open_files, place)) for place in places], None)


# --- Altered files, the manifest left alone ------------------------------------------------------------------------


def test_every_flipped_byte_is_named(folder: Path, contents: dict[str, bytes], tmp_path: Path) -> None:
    for name, content in contents.items():
        if content:
            copy = tmp_path / name.replace("/", "-")
            shutil.copytree(folder, copy)
            place = len(content) // 2
            (copy / name).write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            assert_refused(outcome_of(copy), f"{name} was changed")


def test_every_missing_file_is_named(folder: Path, contents: dict[str, bytes], tmp_path: Path) -> None:
    for name in contents:
        copy = tmp_path / name.replace("/", "-")
        shutil.copytree(folder, copy)
        (copy / name).unlink()
        assert_refused(outcome_of(copy), f"{name} is missing")


def _extra(copy: Path) -> None:
    (copy / "logs" / "note.txt").write_text("x")


def _link(copy: Path) -> None:
    (copy / "report.html").symlink_to("/etc/hostname")


def _no_manifest(copy: Path) -> None:
    (copy / MANIFEST).unlink()


def _cut_manifest(copy: Path) -> None:
    (copy / MANIFEST).write_text((copy / MANIFEST).read_text().rpartition("\n")[0])


def _drop_manifest_line(copy: Path) -> None:
    (copy / MANIFEST).write_text("".join((copy / MANIFEST).read_text().splitlines(keepends=True)[1:]))


def _outside(copy: Path) -> None:
    with (copy / MANIFEST).open("a") as handle:
        handle.write(f"{'0' * 64}  ../secret\n")


def _twice(copy: Path) -> None:
    line = (copy / MANIFEST).read_text().splitlines(keepends=True)[0]
    (copy / MANIFEST).write_text((copy / MANIFEST).read_text() + line)


def _binary_manifest(copy: Path) -> None:
    (copy / MANIFEST).write_bytes(b"\xff\xfe\n")


@pytest.mark.parametrize(
    ("alter", "named"),
    [
        (_extra, "logs/note.txt is not in the manifest"),
        (_link, "report.html is no plain file"),
        (_no_manifest, f"{MANIFEST} is missing"),
        (_cut_manifest, "cut short"),
        (_drop_manifest_line, f"{FILE} is not in the manifest"),
        (_outside, "../secret"),
        (_twice, "each file once"),
        (_binary_manifest, "no text"),
    ],
)
def test_altered_folders_are_refused(alter: Callable[[Path], None], named: str, folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    alter(copy)
    assert_refused(outcome_of(copy), named)


# --- Altered and sealed again --------------------------------------------------------------------------------------

UNKNOWABLE = re.compile(
    r"""record(
        \.(inputs|artifacts|diagnoses)\[\d+\]
      | \.spec\.(path|why) | \.dataset\.images_sha256
      | \.spec\.code\..*                            # of files and libraries that are not in the bundle
      | \.digests\[\d+\]\.(size_bytes|md5)           # of files that are not in the bundle
      | \.digests\[0\]\.path                         # of the checkpoint: the names of ONNX file and OMs are judged
      | \.tolerate_busy                             # nothing was busy
      | \.checkpoint\.content_sha256                # of a file that is not in the bundle, and not pinned by this spec
      | \.parity\.against                          # the words for transforms where no library's recipe is followed
      | \.onnx\.operators\[\d+\]                    # of a file that is not in the bundle: how many they are is judged
      | \.onnx_operators\.(release|table)           # of a simulated toolchain, which states none
      | \.handovers\[2\]\.handover\.(giver|taker)   # of the images: the words on both sides, the ids are counted
      | \.host_throughput\[\d+\]\.(candidate|reference)
      | \.host_throughput\[\d+\]\.(candidate|reference)_seconds_per_image\[\d+\]  # a median hides most samples
      | \.commands\[\d+\]\.seconds
      | \.commands\[2\]\.returncode               # of `npu-smi info -m`, which a container may leave unanswered
      | \.variants\[\d+\]\.agreement\.systematic\.column  # which class it was, where the kept scores leave it open
      | \.(host|versions)\..*
      | \.machine\.boards\[\d+\]\.(serial_number|bus_id|firmware|driver)
      | \.(started|finished)_utc | \.run
    )$""",
    re.VERBOSE,
)
"""What nothing in a bundle contradicts."""
SAID_BY = {
    "onnx_logit_errors": "gate onnx.",
    "onnx_operators": "gate onnx.operators",
    "onnx_weights": "gate onnx.weights",
    "bins": "gate preprocessing.bin_size",
    "om_batch_errors": "gate om.batch_invariance_abs_error",
    "throughput_outputs": "gate om.perf.outputs_abs_error",
}
"""The gate that names a fact which was altered."""
STEPS = {"labels": "ids", "images": "images", "bins": "bins", "info": "info"}


def said_by(contents: dict[str, bytes], place: Path_) -> str:
    """The gate that says that the number at this place was altered, empty where the number is named itself."""
    record = Forgery(contents).record
    if place[0] == "gates":
        return str(record["gates"][place[1]]["id"])
    if place[0] == "handovers":
        step = record["handovers"][place[1]]["step"]
        return f"gate preprocessing.{STEPS[step]}" if step in STEPS else f"gate {Variant(step).gate('ids')}"
    return SAID_BY.get(str(place[0]), "")


@pytest.mark.parametrize(
    "every", [5, pytest.param(1, marks=pytest.mark.nightly)], ids=["a fifth by day", "each at night"]
)
def test_every_altered_figure_of_the_record_is_found(every: int, contents: dict[str, bytes]) -> None:
    found, hidden = 0, []
    for path, value in itertools.islice(leaves(json.loads(contents[FILE])), 0, None, every):
        forgery = Forgery(contents)
        put(forgery.record, path, altered(value))
        outcome = forgery.outcome()
        where = spelled(path)
        if outcome.status == REFUSED:
            number = isinstance(value, (int, float)) and not isinstance(value, bool) and path[0] != "machine"
            gate = said_by(contents, path)
            named = {gate or str(path[0]), spelled(path[:2]), str(path[-1]).removesuffix("_logits")}
            named |= {str(path[-2])} if "systematic" in path else set()
            assert not number or any(word in "\n".join(outcome.lines) for word in named), (where, outcome.lines)
            found += 1
        elif not UNKNOWABLE.fullmatch(f"record{where}"):
            hidden.append(where)
    assert hidden == []
    assert found > 500 // every


def test_every_altered_number_of_the_spec_is_found(contents: dict[str, bytes]) -> None:
    hidden = []
    for path, value in leaves(json.loads(contents[SPEC_JSON])):
        if isinstance(value, (int, float)):
            forgery = Forgery(contents)
            put(forgery.spec, path, value * 1.37 + 3.0517)
            if forgery.outcome().status != REFUSED:
                hidden.append(spelled(path))
    assert hidden == []


def flip(verdict: str) -> Callable[[Forgery], None]:
    """Give the run another last word."""

    def forge(forgery: Forgery) -> None:
        forgery.record["verdict"]["word"] = verdict

    return forge


def _swap_predictions(forgery: Forgery) -> None:
    for kind in ("top5", "scores"):
        name = f"predictions/onnx.{kind}.npy"
        rows = forgery.array(name)
        rows[[0, 1]] = rows[[1, 0]]
        forgery.put_array(name, rows)


def _swap_variants(forgery: Forgery) -> None:
    first, second = "predictions/pth.top5.npy", "predictions/om_bs1.top5.npy"
    rows = forgery.array(second)
    rows[:, [0, 1]] = rows[:, [1, 0]]
    forgery.put_array(first, rows)


def _other_label(forgery: Forgery) -> None:
    labels, best = forgery.array(LABELS), forgery.array("predictions/pth.top5.npy")[:, 0]
    row = int(np.flatnonzero(labels == best)[0])
    labels[row] = (labels[row] + 1) % 20
    forgery.put_array(LABELS, labels)


def _label_out_of_range(forgery: Forgery) -> None:
    labels = forgery.array(LABELS)
    labels[0] = 20
    forgery.put_array(LABELS, labels)


def _ids(change: Callable[[list[str]], list[str]]) -> Callable[[Forgery], None]:
    def forge(forgery: Forgery) -> None:
        forgery.contents[IDS] = json.dumps(change(json.loads(forgery.contents[IDS]))).encode()

    return forge


def _scores(change: Callable[[np.ndarray], None]) -> Callable[[Forgery], None]:
    def forge(forgery: Forgery) -> None:
        scores = forgery.array("predictions/pth.scores.npy")
        change(scores)
        forgery.put_array("predictions/pth.scores.npy", scores)

    return forge


def _nan(scores: np.ndarray) -> None:
    scores[3, 2] = math.nan


def _rising(scores: np.ndarray) -> None:
    scores[3, 4] = scores[3, 0] + 1


def _repeated_class(forgery: Forgery) -> None:
    rows = forgery.array("predictions/onnx.top5.npy")
    rows[0, 4] = rows[0, 3]
    forgery.put_array("predictions/onnx.top5.npy", rows)


def _npy(change: Callable[[bytes], bytes]) -> Callable[[Forgery], None]:
    def forge(forgery: Forgery) -> None:
        forgery.contents[LABELS] = change(forgery.contents[LABELS])

    return forge


def _drop(gate: str, *, count_again: bool) -> Callable[[Forgery], None]:
    """Leave a gate out, and make the last word fit."""

    def forge(forgery: Forgery) -> None:
        forgery.record["gates"] = [entry for entry in forgery.record["gates"] if entry["id"] != gate]
        if count_again:
            forgery.record["verdict"]["passed"] -= 1

    return forge


def _twice_a_gate(forgery: Forgery) -> None:
    forgery.record["gates"].append(forgery.record["gates"][0])


def _unknown_gate(forgery: Forgery) -> None:
    forgery.gate("om.toolkit")["id"] = "om.toolkits"


def _raise_threshold(forgery: Forgery) -> None:
    forgery.spec["accuracy"]["top1_drop_pp"]["at_most"] = 50.0


def _lower_floor(forgery: Forgery) -> None:
    forgery.spec["devices"][0]["floor_margin_percent"]["value"] = 90.0


def _fewer_images(forgery: Forgery) -> None:
    forgery.spec["dataset"]["images"]["exactly"] = 59.0


def _drop_variant(forgery: Forgery) -> None:
    forgery.record["variants"] = [entry for entry in forgery.record["variants"] if entry["name"] != "onnx"]


def _drop_samples(forgery: Forgery) -> None:
    forgery.record["device_throughput"] = []


def _drop_host_samples(forgery: Forgery) -> None:
    forgery.record["host_throughput"] = []


def _no_dataset(forgery: Forgery) -> None:
    forgery.record["dataset"] = None


def _simulator_log(forgery: Forgery) -> None:
    forgery.contents["logs/atc-bs1/stderr.txt"] = b"[SIMULATOR] atc: a simulation\n"


def _other_command(forgery: Forgery) -> None:
    forgery.contents["logs/atc-bs1/command.txt"] = b"cwd: x\natc\n--model=y.onnx\n"


def _no_stream(forgery: Forgery) -> None:
    del forgery.contents["logs/atc-bs1/stdout.txt"]


def _unknown_field(forgery: Forgery) -> None:
    forgery.record["note"] = "trust me"


def _missing_field(forgery: Forgery) -> None:
    del forgery.record["timings"]


def _other_schema(forgery: Forgery) -> None:
    forgery.record["schema"] = 1


def _double_batch(forgery: Forgery) -> None:
    for run in forgery.record["device_throughput"][0]["runs"]:
        run["reported_images_per_second"] *= 4
        run["images_per_second_per_chip"] *= 4


def _no_md5(forgery: Forgery) -> None:
    next(entry for entry in forgery.record["digests"] if entry["name"] == "checkpoint")["md5"] = "0" * 32


def _no_om(forgery: Forgery) -> None:
    forgery.record["digests"] = [entry for entry in forgery.record["digests"] if entry["name"] != "om_bs1"]


def _verdict(**fields: object) -> Callable[[Forgery], None]:
    """Other words beside the last one."""

    def forge(forgery: Forgery) -> None:
        forgery.record["verdict"].update(fields)

    return forge


def _record_spec(**fields: object) -> Callable[[Forgery], None]:
    """Other words about the port."""

    def forge(forgery: Forgery) -> None:
        forgery.record["spec"].update(fields)

    return forge


def _port_file(change: Callable[[bytes], bytes]) -> Callable[[Forgery], None]:
    """Another content of the port's file, sealed by the manifest only."""

    def forge(forgery: Forgery) -> None:
        name = f"{PORT}/{PORT_FILE}"
        forgery.contents[name] = change(forgery.contents[name])

    return forge


def _no_port_file(forgery: Forgery) -> None:
    del forgery.contents[f"{PORT}/{PORT_FILE}"]


def _more_port_files(forgery: Forgery) -> None:
    """A file that would let any number stand in the port."""
    forgery.contents[f"{PORT}/more.yaml"] = b"50.0\n"


def _port_number_altered(forgery: Forgery) -> None:
    """The file says another accuracy than spec.json, and its digest is fitted."""
    name, figure = f"{PORT}/{PORT_FILE}", str(forgery.spec["accuracy"]["pth_top1"]["value"]).encode()
    forgery.contents[name] = forgery.contents[name].replace(figure, b"12.34")
    forgery.record["spec"]["files"][PORT_FILE] = hashlib.sha256(forgery.contents[name]).hexdigest()


def _answered(gate: str, verdict: str) -> Callable[[Forgery], None]:
    """Another answer of a gate, and the verdict's lists fitted."""

    def forge(forgery: Forgery) -> None:
        forgery.gate(gate)["check"]["verdict"] = verdict
        said = forgery.record["verdict"]
        said["not_judged"] = [gate]
        said["passed"] -= 1

    return forge


FORGERIES: dict[str, tuple[Callable[[Forgery], None], str]] = {
    "the word REJECTED": (flip("REJECTED"), "verdict.word"),
    "the word SAMPLE": (flip("SAMPLE"), "verdict.word"),
    "two predictions swapped": (_swap_predictions, "variants[2]"),
    "predictions of another variant": (_swap_variants, "pth"),
    "one label changed": (_other_label, "variants[0].accuracy"),
    "a label out of range": (_label_out_of_range, "label outside"),
    "an id renamed": (_ids(lambda ids: ["other", *ids[1:]]), "ids_sha256"),
    "an id twice": (_ids(lambda ids: [ids[1], *ids[1:]]), "different"),
    "an id dropped": (_ids(lambda ids: ids[1:]), "rows"),
    "two ids swapped": (_ids(lambda ids: [ids[1], ids[0], *ids[2:]]), "ids_sha256"),
    "a score that is no number": (_scores(_nan), "no finite number"),
    "a score out of order": (_scores(_rising), "scores that rise"),
    "a class twice": (_repeated_class, "twice"),
    "an array of another version": (_npy(lambda content: content.replace(b"\x01\x00", b"\x02\x00", 1)), "version 1.0"),
    "an array of floats": (_npy(lambda content: content.replace(b"'<i2'", b"'<f2'", 1)), LABELS),
    "an array cut short": (_npy(lambda content: content[:-2]), LABELS),
    "an array of objects": (_npy(lambda content: content.replace(b"'<i2'", b"'|O8'", 1)), LABELS),
    "an array that is none": (_npy(lambda content: b"hello"), LABELS),
    "an array with code for a header": (_npy(lambda content: content.replace(b"{'desc", b"__impor", 1)), LABELS),
    "a gate left out": (_drop("om.accuracy.top1_drop_pp[bs1]", count_again=False), "verdict"),
    "a gate left out and counted": (_drop("om.accuracy.top1_drop_pp[bs1]", count_again=True), "verdict.missing"),
    "a gate twice": (_twice_a_gate, "checkpoint.md5"),
    "a gate of another name": (_unknown_gate, "om.toolkits"),
    "a margin raised": (_raise_threshold, "onnx.accuracy.top1_drop_pp"),
    "a floor lowered": (_lower_floor, "om.perf.images_per_second_per_chip"),
    "fewer images asked for": (_fewer_images, "preprocessing.dataset_complete"),
    "a variant left out": (_drop_variant, "no predictions of onnx"),
    "device samples left out": (_drop_samples, "no throughput samples of batch 1"),
    "host samples left out": (_drop_host_samples, "no host samples of batch 1"),
    "the data set left out": (_no_dataset, "no record of the data set"),
    "the simulator called a device": (_simulator_log, "written by the simulator"),
    "another command": (_other_command, "another command"),
    "a stream left out": (_no_stream, "stdout.txt is missing"),
    "a field added": (_unknown_field, "note"),
    "a field left out": (_missing_field, "timings"),
    "another schema": (_other_schema, "schema 1"),
    "images counted four times": (_double_batch, "om.perf.reading"),
    "another checkpoint": (_no_md5, "checkpoint.md5"),
    "an OM without digest": (_no_om, "om_bs1"),
    "the word UNPINNED": (flip("UNPINNED"), "verdict.word"),
    "weights said to be unpinned": (_verdict(unpinned=True), "verdict.unpinned"),
    "a gate said to be not judged": (_verdict(not_judged=["om.perf.idle"]), "verdict.not_judged"),
    "a port file altered": (_port_file(lambda content: content + b"# x\n"), "spec.files"),
    "a port file left out": (_no_port_file, "spec.files"),
    "a port file added": (_more_port_files, "spec.files"),
    "a number altered in the port file alone": (
        _port_number_altered,
        "spec.json.accuracy.pth_top1.value: 6",
    ),
    "another name of the port": (_record_spec(port="other"), "spec.port"),
    "another kind of port": (_record_spec(kind="sample"), "spec.kind"),
    "a passed gate called not judged": (
        _answered("onnx.logits_abs_error", "NOT JUDGED"),
        "gate onnx.logits_abs_error: verdict",
    ),
    "a passed floor called not judged": (
        _answered("om.perf.images_per_second_per_chip[bs1]", "NOT JUDGED"),
        "gate om.perf.images_per_second_per_chip[bs1]: verdict",
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forgery_is_named(name: str, contents: dict[str, bytes]) -> None:
    forge, named = FORGERIES[name]
    forgery = Forgery(contents)
    forge(forgery)
    assert_refused(forgery.outcome(), named)


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"null", b'{"a":1,"a":2}', b'{"schema":NaN}', b"[" * 100_000])
@pytest.mark.parametrize("name", [FILE, SPEC_JSON, IDS])
def test_a_broken_document_is_refused(name: str, content: bytes, contents: dict[str, bytes]) -> None:
    sealed = Forgery(contents).sealed()
    broken = dataclasses.replace(sealed, contents={**sealed.contents, name: content})
    assert_refused(judge([("bundle", lambda: broken)], None), name)


# --- A failure cannot be left out ----------------------------------------------------------------------------------


def test_a_failed_gate_that_is_left_out_still_fails(tmp_path: Path) -> None:
    failing = dataclasses.replace(SMALL, logit_noise=1.5, margin_pp=1.0, tight_pp=0.1)
    forgery = Forgery(contents_of(Made(failing).write(tmp_path / "failing")))
    verdict = forgery.record["verdict"]
    failed = set(verdict["failed"])
    assert "om.accuracy.top1_drop_pp[bs1]" in failed
    forgery.record["gates"] = [entry for entry in forgery.record["gates"] if entry["id"] not in failed]
    order = gates.expected(gates.Asked(Made(failing).spec, on_device=True))
    passed = {entry["id"] for entry in forgery.record["gates"] if entry["check"]["verdict"] == Verdict.PASS}
    verdict.update(word="INCOMPLETE", failed=[], missing=[name for name in order if name not in passed])
    outcome = forgery.outcome()
    text = "\n".join(outcome.lines)
    assert outcome.status == 1
    assert word_of(text) == "REJECTED"
    assert "om.accuracy.top1_drop_pp[bs1]: the record leaves it open, its evidence fails it" in text


def test_a_stage_that_died_takes_evidence_with_it(contents: dict[str, bytes]) -> None:
    """pth lost a prediction, so nothing was scored: REJECTED, and what passed without evidence is not counted."""
    forgery = Forgery(contents)
    ids = forgery.gate("pth.accuracy.ids")["check"]
    ids.update(measured="59 ids", verdict="FAIL")
    forgery.record["variants"] = []
    forgery.record["verdict"].update(word="REJECTED", failed=["pth.accuracy.ids"])
    forgery.record["verdict"]["passed"] -= 1
    outcome = forgery.outcome()
    text = "\n".join(outcome.lines)
    assert (outcome.status, word_of(text)) == (1, "REJECTED")
    assert "onnx.accuracy.ids: PASS is recorded, but no predictions of onnx: not counted" in text


def test_lost_bins_do_not_contradict_the_gates_behind_them(contents: dict[str, bytes]) -> None:
    forgery = Forgery(contents)
    forgery.lose_a_bin()
    assert forgery.gate("preprocessing.bins")["check"]["measured"] == "1 missing in bins (ILSVRC2012_val_00000001)"
    assert forgery.gate("preprocessing.bin_size")["check"]["measured"] == "0 of 59"
    assert forgery.record["verdict"]["failed"] == ["preprocessing.bins"]
    outcome = forgery.outcome()
    assert (outcome.status, outcome.word) == (1, Word.REJECTED), outcome.text


def test_an_interrupted_run_is_incomplete_at_best(contents: dict[str, bytes]) -> None:
    forgery = Forgery(contents)
    forgery.record["interrupted"] = "KeyboardInterrupt"
    assert_refused(forgery.outcome(), "verdict.word")
    forgery.record["verdict"]["word"] = "INCOMPLETE"
    outcome = forgery.outcome()
    assert (outcome.status, word_of("\n".join(outcome.lines))) == (1, "INCOMPLETE")


# --- Several bundles -----------------------------------------------------------------------------------------------

FILES_AND_ACCURACY = ("checkpoint", "onnx", "preprocessing", "om", "accuracy")


def part(world: World, stages: tuple[str, ...], place: Path) -> Path:
    """The bundle of a job that ran some stages of a run."""
    return Made(dataclasses.replace(world, stages=stages)).write(place)


def test_two_jobs_give_the_verdict_of_one_run(tmp_path: Path) -> None:
    accuracy, perf = part(SMALL, FILES_AND_ACCURACY, tmp_path / "a"), part(SMALL, ("perf",), tmp_path / "p")
    whole = Made(SMALL).write(tmp_path / "whole")
    assert verify(accuracy)[0] == verify(perf)[0] == 1
    status, text = verify(accuracy, perf)
    assert status == OK
    assert text.splitlines()[-1] == verify(whole)[1].splitlines()[-1]
    assert word_of(text) == "ACCEPTED"


def test_a_failure_in_one_job_rejects_both(tmp_path: Path) -> None:
    slow = dataclasses.replace(SMALL, rate_over_published=0.8)
    status, text = verify(part(SMALL, tuple(Stage), tmp_path / "a"), part(slow, ("perf",), tmp_path / "p"))
    assert (status, word_of(text)) == (1, "REJECTED")


UNDECIDED = dataclasses.replace(SMALL, rate_over_published=0.951, rate_noise=0.005)


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (2, 1, 0)], ids=str)
def test_a_job_repeated_until_it_passes_gains_nothing(order: tuple[int, ...], tmp_path: Path) -> None:
    accuracy = part(SMALL, FILES_AND_ACCURACY, tmp_path / "accuracy")
    undecided, lucky = part(UNDECIDED, ("perf",), tmp_path / "undecided"), part(SMALL, ("perf",), tmp_path / "lucky")
    assert outcome_of(accuracy, lucky).status == OK
    jobs = (accuracy, undecided, lucky)
    outcome = outcome_of(*(jobs[place] for place in order))
    assert (outcome.status, outcome.word) == (1, "INCOMPLETE")
    (line,) = (line for line in outcome.lines if line.startswith("om.perf.images_per_second_per_chip"))
    assert line.endswith("INCONCLUSIVE")


def test_a_gate_that_was_not_run_is_decided_by_another_bundle(contents: dict[str, bytes]) -> None:
    whole, blocked = Forgery(contents), Forgery(contents)
    gate = blocked.gate("om.compiled[bs1]")
    gate["check"].update(measured="nothing", verdict="NOT RUN", detail="blocked by: something else")
    verdict = blocked.record["verdict"]
    verdict.update(word="INCOMPLETE", missing=[gate["id"]], passed=verdict["passed"] - 1)
    sealed = (blocked.sealed(), whole.sealed())
    alone = judge([("blocked", lambda: sealed[0])], None)
    assert alone.word == "INCOMPLETE", alone.text
    outcome = judge([("blocked", lambda: sealed[0]), ("whole", lambda: sealed[1])], None)
    assert (outcome.status, outcome.word) == (OK, "ACCEPTED"), outcome.text


def test_one_interrupted_bundle_makes_all_incomplete(contents: dict[str, bytes]) -> None:
    forgery = Forgery(contents)
    forgery.record["interrupted"] = "KeyboardInterrupt"
    forgery.record["verdict"]["word"] = "INCOMPLETE"
    whole, cut = Forgery(contents).sealed(), forgery.sealed()
    outcome = judge([("whole", lambda: whole), ("cut", lambda: cut)], None)
    assert (outcome.status, outcome.word) == (1, "INCOMPLETE"), outcome.text
    assert "bundle cut was interrupted: KeyboardInterrupt" in outcome.lines


def test_the_same_bundle_twice_is_refused_in_one_line(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    for again in (folder, copy):
        status, text = verify(folder, again)
        assert status == REFUSED
        assert text.splitlines()[:-1] == [f"the same bundle given twice: {folder} and {again}"]
        assert word_of(text) == "NONE"


def _checkpoint(forgery: Forgery) -> None:
    next(entry for entry in forgery.record["digests"] if entry["name"] == "checkpoint")["sha256"] = "1" * 64


def _read_by_tools(forgery: Forgery, kind: str) -> None:
    """Every tool has read another ONNX file or OM too."""
    for command in forgery.record["commands"]:
        command["files"].update({kind: "1" * 64} if kind in command["files"] else {})


def _onnx(forgery: Forgery) -> None:
    next(entry for entry in forgery.record["digests"] if entry["name"] == "onnx")["sha256"] = "1" * 64
    _read_by_tools(forgery, "onnx")


def _om(forgery: Forgery) -> None:
    for entry in forgery.record["digests"]:
        entry["sha256"] = "1" * 64 if entry["name"].startswith("om_bs") else entry["sha256"]
    _read_by_tools(forgery, "om")


def _cann(forgery: Forgery) -> None:
    forgery.record["machine"]["toolchain"]["cann"] = "another"


def _soc(forgery: Forgery) -> None:
    forgery.record["machine"]["soc"] = forgery.record["machine"]["toolchain"]["soc"] = "Ascend310P3"
    forgery.record["device_throughput"] = []
    forgery.record["gates"] = [entry for entry in forgery.record["gates"] if not entry["id"].startswith("om.")]


def _no_onnx(forgery: Forgery) -> None:
    forgery.record["digests"] = [entry for entry in forgery.record["digests"] if entry["name"] != "onnx"]


def _images(forgery: Forgery) -> None:
    forgery.record["dataset"]["images_sha256"] = "1" * 64


@pytest.mark.parametrize(
    ("alter", "named"),
    [
        (_checkpoint, "checkpoint differs"),
        (_onnx, "onnx differs"),
        (_no_onnx, "does not say its onnx"),
        (_images, "images differs"),
        (_om, "differs"),
        (_cann, "toolchain differs"),
    ],
)
def test_jobs_of_different_runs_are_refused(alter: Callable[[Forgery], None], named: str, tmp_path: Path) -> None:
    accuracy = Forgery(contents_of(part(SMALL, FILES_AND_ACCURACY, tmp_path / "a"))).sealed()
    forgery = Forgery(contents_of(part(SMALL, ("perf",), tmp_path / "p")))
    alter(forgery)
    perf = forgery.sealed()
    assert_refused(judge([("a", lambda: accuracy), ("p", lambda: perf)], None), named)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"margin_pp": 21.0}, "spec differs"),
        ({"on_device": False}, "target differs"),
        ({"missing_images": 1}, "images differs"),
    ],
)
def test_jobs_of_other_settings_are_refused(change: dict[str, float], named: str, tmp_path: Path) -> None:
    other = dataclasses.replace(SMALL, **change)  # type: ignore[arg-type]
    accuracy = part(SMALL, FILES_AND_ACCURACY, tmp_path / "a")
    assert_refused(outcome_of(accuracy, part(other, ("perf",), tmp_path / "p")), named)


# --- What stands beside the verdict --------------------------------------------------------------------------------


def test_a_spec_of_ones_own_is_named_beside_the_verdict(folder: Path) -> None:
    recorded = read_acceptance(folder).spec
    assert recorded is not None
    said = f"a port of one's own, {recorded.path} (made up), sha256 {recorded.json_sha256}"
    assert f"judged by: {said}" in verify(folder)[1].splitlines()


@pytest.mark.parametrize("edit", ["", "at_most"], ids=["as shipped", "edited in place"])
def test_a_shipped_spec_is_told_by_what_it_says(edit: str, folder: Path, tmp_path: Path) -> None:
    spec = json.loads(spec_json(load_spec(PUBLISHED_SPEC)))
    path = tmp_path / "thresholds.json"
    path.write_bytes(spec_json(load_spec(PUBLISHED_SPEC)))
    if edit:
        spec["accuracy"]["top1_drop_pp"][edit] = 2.0
        path.write_text(json.dumps(spec))
    whose = "a port of one's own" if edit else "the suite's port alexnet"
    assert f"judged by: {whose}, {path} (as asked), sha256 " in verify(folder, spec=path)[1]


def test_several_bundles_name_each_place_of_their_spec_once(tmp_path: Path) -> None:
    accuracy, perf = part(SMALL, FILES_AND_ACCURACY, tmp_path / "a"), part(SMALL, ("perf",), tmp_path / "p")
    (line,) = (line for line in outcome_of(accuracy, perf).lines if line.startswith("judged by: "))
    places = [read_acceptance(place).spec for place in (accuracy, perf)]
    read_from = " and ".join(f"{spec.path} (made up)" for spec in places if spec)
    assert line.startswith(f"judged by: a port of one's own, {read_from}, sha256 ")


def test_when_and_on_what_each_bundle_was_made(tmp_path: Path) -> None:
    on_device = part(SMALL, FILES_AND_ACCURACY, tmp_path / "device")
    simulated = part(dataclasses.replace(SMALL, on_device=False), FILES_AND_ACCURACY, tmp_path / "simulator")
    for place, target in ((on_device, "ascend"), (simulated, "simulator")):
        made = f"run {RUN}, finished 2026-01-01T00:10:00+00:00, target {target} Ascend310, manifest sha256 "
        assert f"bundle {place}: {made}" in verify(place)[1]


REACHED = {
    Word.ACCEPTED: SMALL,
    Word.UNPINNED: dataclasses.replace(SMALL, pinned=False),
    Word.SAMPLE: dataclasses.replace(SMALL, kind="sample"),
    Word.SIMULATED: dataclasses.replace(SMALL, on_device=False),
    Word.INCOMPLETE: dataclasses.replace(SMALL, stages=("accuracy",)),
}
GOOD_ENOUGH = {
    Word.ACCEPTED: {Word.ACCEPTED},
    Word.UNPINNED: {Word.ACCEPTED, Word.UNPINNED},
    Word.SAMPLE: {Word.ACCEPTED, Word.UNPINNED, Word.SAMPLE},
    Word.SIMULATED: {Word.ACCEPTED, Word.UNPINNED, Word.SAMPLE, Word.SIMULATED},
}


@pytest.mark.parametrize("reached", REACHED, ids=str)
def test_a_word_weaker_than_required_is_not_good_enough(reached: Word, tmp_path: Path) -> None:
    place = Made(REACHED[reached]).write(tmp_path / "bundle")
    outcome = outcome_of(place)
    assert outcome.word == reached, outcome.text
    for required, enough in GOOD_ENOUGH.items():
        judged = dataclasses.replace(outcome, own_port=False).requiring(required)
        assert judged.status == (OK if reached in enough else 1)
        assert judged.lines[-1] == outcome.lines[-1]


FLOOR, OM_TOP1 = "om.perf.images_per_second_per_chip[bs1]", "om.accuracy.top1_error_pp[bs1]"


@pytest.fixture(scope="module")
def unpublished(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of an accepted bundle of a port for which nobody published a device's figures."""
    return contents_of(Made(dataclasses.replace(SMALL, figures=False)).write(tmp_path_factory.mktemp("none") / "b"))


def test_what_nobody_published_is_named_and_hinders_no_acceptance(unpublished: dict[str, bytes]) -> None:
    outcome = Forgery(unpublished).outcome()
    assert (outcome.status, outcome.word) == (OK, Word.ACCEPTED), outcome.text
    assert FLOOR in Forgery(unpublished).record["verdict"]["not_judged"]
    assert "not judged, for want of a published figure" in outcome.text


@pytest.mark.parametrize("gate", [FLOOR, OM_TOP1])
def test_what_nobody_published_cannot_be_recorded_as_passed(gate: str, unpublished: dict[str, bytes]) -> None:
    forgery = Forgery(unpublished)
    forgery.gate(gate)["check"].update(verdict="PASS", detail="")
    said = forgery.record["verdict"]
    said["not_judged"] = [name for name in said["not_judged"] if name != gate]
    said["passed"] += 1
    assert_refused(forgery.outcome(), f"gate {gate}: verdict")


def test_weights_that_nobody_pinned_cannot_be_forged_into_accepted_ones(tmp_path: Path) -> None:
    unpinned = contents_of(Made(REACHED[Word.UNPINNED]).write(tmp_path / "unpinned"))
    for fields in ({"word": "ACCEPTED"}, {"unpinned": False}, {"word": "ACCEPTED", "unpinned": False}):
        forgery = Forgery(unpinned)
        forgery.record["verdict"].update(fields)
        assert_refused(forgery.outcome(), f"verdict.{min(fields)}")
    honest = Forgery(unpinned).outcome()
    assert honest.requiring(Word.ACCEPTED).status == 1
    assert honest.requiring(Word.ACCEPTED).lines[-2] == "--require ACCEPTED: UNPINNED is weaker"


def test_an_md5_pinned_in_the_spec_alone_is_a_gate_that_nobody_decided(tmp_path: Path) -> None:
    forgery = Forgery(contents_of(Made(REACHED[Word.UNPINNED]).write(tmp_path / "unpinned")))
    forgery.spec["checkpoint"]["md5"] = "0" * 32
    forgery.record["verdict"].update(word="ACCEPTED", unpinned=False)
    assert_refused(forgery.outcome(), "verdict.missing")


def test_require_on_the_command_line(folder: Path, tmp_path: Path) -> None:
    simulated = Made(REACHED[Word.SIMULATED]).write(tmp_path / "simulated")
    assert verify(folder, spec=folder / SPEC_JSON, require=Word.ACCEPTED)[0] == OK
    assert verify(simulated, require=Word.SIMULATED)[0] == verify(simulated)[0] == OK
    status, text = verify(simulated, require=Word.ACCEPTED)
    assert (status, word_of(text)) == (1, "SIMULATED")
    assert text.splitlines()[-2] == "--require ACCEPTED: SIMULATED is weaker"


def test_a_port_of_ones_own_is_accepted_for_the_one_that_names_it(folder: Path) -> None:
    assert verify(folder)[0] == OK
    status, text = verify(folder, require=Word.ACCEPTED)
    assert (status, word_of(text)) == (1, "ACCEPTED")
    assert (
        text.splitlines()[-2] == "--require ACCEPTED: not by a port of one's own, unless you name it with --port FILE"
    )
    assert "what was judged by is spec.json; YAML is not read here" in text
    assert verify(folder, spec=folder / SPEC_JSON, require=Word.ACCEPTED)[0] == OK


def test_the_suites_own_files_beside_a_looser_spec_are_refused(contents: dict[str, bytes]) -> None:
    forgery = Forgery(contents)
    del forgery.contents[f"{PORT}/{PORT_FILE}"]
    written = PUBLISHED_SPEC.read_bytes()
    forgery.contents[f"{PORT}/{PUBLISHED_SPEC.name}"] = written
    forgery.record["spec"]["files"] = {PUBLISHED_SPEC.name: hashlib.sha256(written).hexdigest()}
    assert_refused(forgery.outcome(), "spec.json: not what port/ comes to, the files of the suite's port alexnet")


# --- Another spec, and the command line ----------------------------------------------------------------------------


def test_another_spec_judges_anew(folder: Path, contents: dict[str, bytes], tmp_path: Path) -> None:
    spec = json.loads(contents[SPEC_JSON])
    spec["onnx"]["logits_abs_error"]["at_most"] = 1e-9
    path = tmp_path / "stricter.json"
    path.write_text(json.dumps(spec))
    status, text = verify(folder, spec=path)
    assert (status, word_of(text)) == (1, "REJECTED")
    assert "onnx.logits_abs_error                         2e-05 logit                     <= 1e-09" in text
    assert f"judged by: a port of one's own, {path} (as asked), sha256 " in text


@pytest.mark.parametrize(
    ("field", "asked", "gate"),
    [
        ("batches", [1, 16], "om.batch_invariance_abs_error"),
        ("onnx.probe_images", 50, "onnx.logits_abs_error"),
        ("preprocessing.parity_images", 30, "preprocessing.torchvision_parity"),
    ],
)
def test_what_another_spec_asks_beyond_the_run_is_owed(
    field: str, asked: object, gate: str, folder: Path, contents: dict[str, bytes], tmp_path: Path
) -> None:
    spec = json.loads(contents[SPEC_JSON])
    put(spec, tuple(field.split(".")), asked)
    path = tmp_path / "more.json"
    path.write_text(json.dumps(spec))
    status, text = verify(folder, spec=path)
    assert (status, word_of(text)) == (1, "INCOMPLETE")
    assert re.search(rf"^{re.escape(gate)}: PASS is recorded, but .*: not counted$", text, re.MULTILINE), text


def test_a_yaml_spec_is_refused_with_the_way_out(folder: Path) -> None:
    status, text = verify(folder, spec=PUBLISHED_SPEC)
    assert status == REFUSED
    assert "tools/show_port.py --json" in text


def test_no_such_bundle(tmp_path: Path) -> None:
    status, text = verify(tmp_path / "nowhere")
    assert status == REFUSED
    assert "no such folder" in text


def test_manifest_is_what_sha256sum_writes(folder: Path) -> None:
    for line in (folder / MANIFEST).read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


@pytest.mark.slow
@pytest.mark.nightly
def test_fifty_thousand_images_and_seven_variants(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    place = Made(World(images=50_000, batches=(1, 4, 8, 16, 32), logit_noise=0.002)).write(tmp_path / "bundle")
    started = time.process_time()
    outcome = outcome_of(place)
    record_property("cpu_seconds", time.process_time() - started)
    assert word_of("\n".join(outcome.lines)) == "ACCEPTED", outcome.lines
