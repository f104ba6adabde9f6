"""Figures of a chip from a first accepted run: what is pinned, what is refused, and what a later run is held to."""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import yaml

from selftest.evidence.bundles import PORT_FILE, Made, World, written
from selftest.evidence.tampering import Forgery, contents_of
from selftest.faults.device_faults import pretend_ascend
from selftest.ports.tiny import TinyPort, tiny_port
from tools.base.errors import SuiteError
from tools.base.files import ROOT
from tools.evidence.manifest import write_manifest
from tools.judge import logs
from tools.judge.bundle import open_files
from tools.judge.consistency import on_device
from tools.judge.layout import FILE
from tools.judge.results import Verdict, Word
from tools.judge.verify import verify
from tools.pin_floors import main
from tools.pipeline.run import open_run
from tools.ports.draft import PUBLISHED
from tools.ports.spec import PORTS, load_spec

FLOORS = [f"om.perf.images_per_second_per_chip[bs{batch}]" for batch in (1, 4)]
UNPUBLISHED = World(images=20, margin_pp=60.0, tight_pp=50.0, batches=(1, 4), runs=3, figures=False)
REMARKS = "# what nobody else knows\nschema: 2  # a schema\n"


# --- A whole round, on the simulator that passes for a device ------------------------------------------------------


@dataclass(frozen=True)
class Round:
    """A port of which nobody published anything, and the evidence of its first accepted run."""

    port: TinyPort
    first: Path

    def options(self, evidence: str) -> dict[str, str | None]:
        """The options of a run, whose evidence lies beside the first one's."""
        beside = self.first.parent
        places = {"cache": str(beside / "cache"), "evidence": str(beside / evidence), "target": "ascend"}
        return {**self.port.options, **places}


@pytest.fixture(scope="module")
def device() -> Iterator[pytest.MonkeyPatch]:
    """A machine whose simulator passes for an Ascend310, here and before the offline judge."""
    with pytest.MonkeyPatch.context() as patch:
        pretend_ascend(patch)
        patch.setattr(logs, "IDLE_SAMPLES", 1)  # as many as the pretended device was asked for
        patch.setattr(on_device, "SIMULATOR_SAYS", b"what no tool says")
        yield patch


@pytest.fixture(scope="module")
def accepted(tmp_path_factory: pytest.TempPathFactory, device: pytest.MonkeyPatch) -> Round:
    """The first run."""
    folder = tmp_path_factory.mktemp("round")
    found = Round(tiny_port(folder / "port"), folder / "first")
    with open_run(found.options("first")) as run:
        run.judge_all()
        assert run.publish().verdict.word is Word.ACCEPTED
    return found


def test_a_first_accepted_run_is_what_the_next_is_held_to_and_a_slower_chip_is_red_by_name(
    accepted: Round, device: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    port = accepted.port.port
    port.write_text(port.read_text(encoding="utf-8").replace("schema: 2\n", REMARKS), encoding="utf-8")
    before = port.read_text(encoding="utf-8").splitlines()
    assert main([str(accepted.first), "--port", str(port), "--write"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:3] == [
        "Ascend310 om_top1: 100 percent",
        "Ascend310 om_top5: 100 percent",
        "Ascend310 batch 1, dataset: 311.353 images/s",
    ]
    assert "Ascend310 batch 1: floor 295.785 images/s per chip" in said
    changed = list(difflib.ndiff(before, port.read_text(encoding="utf-8").splitlines()))
    assert [line for line in changed if line[:2] in ("- ", "? ")] == []
    assert sum(line.startswith("+ ") for line in changed) == 8
    chip = load_spec(port).device("Ascend310")
    assert chip is not None
    assert [(entry.batch, entry.mode) for entry in chip.throughput] == [(1, "dataset"), (4, "pure")]
    source = chip.throughput[0].images_per_second_per_chip.source
    assert all(
        word in source for word in ("measured in run ", " cores, CANN 8.1.RC1, driver 21.0.2, benchmark; bundle")
    )
    with device.context() as patch:
        patch.setenv("ASCEND_SIMULATOR_RATE_FACTOR", "0.88")
        assert judged(accepted, "slower") == [Verdict.FAIL, Verdict.FAIL]
    outcome = verify([("slower", partial(open_files, accepted.first.parent / "slower"))], None)
    assert outcome.verdict is not None
    assert (outcome.word, list(outcome.verdict.failed)) == (Word.REJECTED, FLOORS)
    with pytest.raises(SuiteError, match=r"figures of Ascend310 stand there already; found om_top1 100 percent"):
        main([str(accepted.first), "--port", str(port)])


def judged(found: Round, evidence: str) -> list[Verdict]:
    """The floors' gates of another run of the port as it is now."""
    with open_run(found.options(evidence)) as run:
        answers = [run.judge(gate).verdict for gate in FLOORS]
        run.publish()
    return answers


# --- Bundles without a model ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kept:
    """A made-up bundle, and its port as a file of its own."""

    bundle: Path
    port: Path

    def pin(self, *words: str) -> int:
        """The command."""
        return main([str(self.bundle), "--port", str(self.port), *words])


def made(world: World, folder: Path) -> Kept:
    """Write it; the port's chips come without the figures that they have not."""
    folder.mkdir(exist_ok=True)
    run = Made(world)
    port = written(run.spec, folder / PORT_FILE)
    said = yaml.safe_load(port.read_text(encoding="utf-8"))
    for chip in said["port"]["chips"]:
        if not world.figures:
            del chip["om_top1"], chip["om_top5"], chip["throughput"]
    port.write_text(yaml.safe_dump(said, sort_keys=False), encoding="utf-8")
    return Kept(run.write(folder / "bundle"), port)


@pytest.fixture(scope="module")
def unpublished(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """A run that was accepted on a device, for which nothing was published; not to be changed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        return made(UNPUBLISHED, tmp_path_factory.mktemp("unpublished"))


@pytest.fixture
def kept(tmp_path: Path, unpublished: Kept) -> Kept:
    """The same, with a port's file of its own."""
    port = Path(shutil.copy(unpublished.port, tmp_path))
    return dataclasses.replace(unpublished, port=port)


def test_without_write_the_lines_are_printed_and_nothing_changes(
    kept: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    before = kept.port.read_bytes()
    assert kept.pin() == 0
    said = capsys.readouterr().out
    assert "- soc: Ascend310\n" in said
    assert said.endswith(f"not written, --write does: {kept.port}\n")
    assert kept.port.read_bytes() == before


def test_the_port_is_the_one_that_the_evidence_names(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    """Which is alexnet here, with figures of its own and other images."""
    with pytest.raises(SuiteError, match=r"thresholds.yaml: this is not the port that was judged: port\.dataset"):
        main([str(kept.bundle)])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"on_device": False}, "nothing is pinned of this evidence; found SIMULATED; allowed ACCEPTED"),
        ({"kind": "sample"}, "found SAMPLE; allowed ACCEPTED"),
        ({"pinned": False}, "found UNPINNED; allowed ACCEPTED"),
        ({"logit_noise": 3.0}, "found REJECTED; allowed ACCEPTED"),
        ({"stages": ("checkpoint", "onnx", "om", "perf")}, "found INCOMPLETE; allowed ACCEPTED"),
        ({"runs": 5, "rate_noise": 0.2}, r"would not pass by its own figures; found om\.perf\.images_per_second"),
    ],
)
def test_only_an_accepted_run_is_pinned(
    change: dict[str, object], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)
    kept = made(dataclasses.replace(UNPUBLISHED, **change), tmp_path)  # type: ignore[arg-type]
    before = kept.port.read_bytes()
    with pytest.raises(SuiteError, match=said):
        kept.pin("--write")
    assert kept.port.read_bytes() == before


def test_evidence_that_was_altered_or_takes_an_earlier_runs_times_is_refused(kept: Kept, tmp_path: Path) -> None:
    kept = dataclasses.replace(kept, bundle=shutil.copytree(kept.bundle, tmp_path / "bundle"))
    record = Forgery(contents_of(kept.bundle))
    reused = [{"name": "throughput-om/1", "made_utc": "2025-01-01T00:00:00+00:00", "made_on": "", "batch": 1}]
    record.record["reused"] = reused
    (kept.bundle / FILE).write_bytes(record.sealed().contents[FILE])
    with pytest.raises(SuiteError, match=r"acceptance.json was changed after the manifest was written"):
        kept.pin()
    write_manifest(kept.bundle)
    with pytest.raises(SuiteError, match="'throughput-om/1' on a device is made in the run itself"):
        kept.pin()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("aed0662f397a0507305ac94ea5519309", "a" * 32, r"port\.checkpoint\.md5"),
        ("crop_px: 224", "crop_px: 192", r"port\.preprocessing\.crop_px"),
        ("name: alexnet", "name: other", r"port\.port"),
    ],
)
def test_another_port_or_checkpoint_is_named_by_what_differs(kept: Kept, old: str, new: str, said: str) -> None:
    text = kept.port.read_text(encoding="utf-8")
    assert old in text
    kept.port.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(SuiteError, match=f"this is not the port that was judged: {said}"):
        kept.pin("--write")


def test_a_chip_that_nobody_described_is_named_with_where_to_describe_it(kept: Kept) -> None:
    said = yaml.safe_load(kept.port.read_text(encoding="utf-8"))
    said["port"]["chips"] = [chip for chip in said["port"]["chips"] if chip["soc"] != "Ascend310"]
    kept.port.write_text(yaml.safe_dump(said, sort_keys=False), encoding="utf-8")
    with pytest.raises(SuiteError, match=r"nothing is known about this chip.*found Ascend310.*port: chips:"):
        kept.pin("--write")


@pytest.mark.parametrize("soc", ["Ascend310B4", "Ascend910B3"])
def test_the_page_describes_chips_as_a_port_takes_them_with_the_margins_of_the_others(soc: str, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "first-run.md").read_text(encoding="utf-8")
    port = with_chips(tmp_path / PORT_FILE, page.partition("```yaml\n  chips:\n")[2].partition("```")[0])
    chip, other = (load_spec(port).device(name) for name in (soc, "Ascend310"))
    assert chip is not None
    assert other is not None
    for name in ("floor_margin_percent", "ceiling_margin_percent", "noise_cv_percent"):
        assert getattr(chip, name).value == getattr(other, name).value
    cores, clock = map(int, re.findall(r"\d+(?= AI core| MHz)", chip.peak_fp16_tflops_per_chip.source))
    assert chip.peak_fp16_tflops_per_chip.value == pytest.approx(cores * clock * 8192 / 1e6, rel=0.001)


def with_chips(path: Path, chips: str) -> Path:
    """A shipped port with these chips."""
    text = (PORTS / "resnet18.yaml").read_text(encoding="utf-8")
    path.write_text(text.replace("\nport:\n", f"\nport:\n  chips:\n{chips}"), encoding="utf-8")
    return path


def test_figures_that_stand_are_replaced_on_demand_alone_and_what_is_gone_is_said(
    kept: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    rate = "{value: 1, unit: images/s, source: old}"
    others = "\n".join(
        f"  - {{soc: {soc}, throughput: [{{batch: 64, mode: pure, images_per_second_per_chip: {rate}}}]}}  # {soc}"
        for soc in ("Ascend310", "Ascend310P3")
    )
    text = kept.port.read_text(encoding="utf-8").rstrip("\n")
    kept.port.write_text(f"{text}\n  published:  # by others\n{others}\n# the end\n", encoding="utf-8")
    with pytest.raises(SuiteError, match=r"stand there already; found batch 64, pure 1 images/s .old.. --replace"):
        kept.pin("--write")
    assert kept.pin("--write", "--replace") == 0
    assert "Ascend310 batch 64, pure: gone, this run has not measured it; it was 1" in capsys.readouterr().out
    now = kept.port.read_text(encoding="utf-8")
    assert now.startswith(text)
    assert now.endswith("# Ascend310P3\n# the end\n")
    assert "# by others\n  - soc: Ascend310\n" in now
    again = kept.port.read_bytes()
    assert kept.pin("--write", "--replace") == 0
    assert kept.port.read_bytes() == again


def test_a_new_chip_goes_behind_the_last_and_a_drafts_blank_gives_way(kept: Kept) -> None:
    text = kept.port.read_text(encoding="utf-8").rstrip("\n")
    other = "  published:\n    - soc: Ascend310P3\n      om_top1: {value: 1, unit: percent, source: old}  # theirs"
    kept.port.write_text(f"{text}\n{other}\npolicy: {{}}\n", encoding="utf-8")
    assert kept.pin("--write") == 0
    now = kept.port.read_text(encoding="utf-8")
    assert "# theirs\n    - soc: Ascend310\n" in now
    assert now.endswith("\npolicy: {}\n")
    kept.port.write_text(f"{text}\n{PUBLISHED}\n", encoding="utf-8")
    assert kept.pin("--write") == 0
    now = kept.port.read_text(encoding="utf-8")
    assert now.startswith(f"{text}\n  published:\n    - soc: Ascend310\n")
    assert "TO FILL IN" not in now


@pytest.mark.parametrize("section", ["  published: []\n", "  published: [{soc: Ascend310P3}]\n"])
def test_a_file_that_cannot_be_edited_is_left_and_the_lines_are_there_to_be_copied(kept: Kept, section: str) -> None:
    kept.port.write_text(kept.port.read_text(encoding="utf-8") + section, encoding="utf-8")
    before = kept.port.read_bytes()
    with pytest.raises(SuiteError, match=r"is left as it is. Run without --write"):
        kept.pin("--write")
    assert kept.port.read_bytes() == before
    assert kept.pin() == 0


def test_line_ends_and_rights_of_the_file_stay(kept: Kept) -> None:
    kept.port.write_bytes(kept.port.read_bytes().replace(b"\n", b"\r\n"))
    kept.port.chmod(0o640)
    assert kept.pin("--write") == 0
    now = kept.port.read_bytes()
    assert now.count(b"\n") == now.count(b"\r\n")
    assert kept.port.stat().st_mode & 0o777 == 0o640


def test_an_accuracy_job_and_a_perf_job_are_pinned_as_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)
    accuracy = ("checkpoint", "onnx", "preprocessing", "om", "accuracy")
    first = made(dataclasses.replace(UNPUBLISHED, stages=accuracy), tmp_path / "accuracy")
    second = made(dataclasses.replace(UNPUBLISHED, stages=("om", "perf")), tmp_path / "perf")
    words = ["--port", str(first.port), "--write"]
    with pytest.raises(SuiteError, match="found INCOMPLETE"):
        main([str(first.bundle), *words])
    assert main([str(first.bundle), str(second.bundle), *words]) == 0
    chip = load_spec(first.port).device("Ascend310")
    assert chip is not None
    assert [entry.batch for entry in chip.throughput] == [1, 4]
    assert chip.om_top1 is not None
