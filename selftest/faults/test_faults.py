"""Every fault of the catalogue turns its own gate red, and no gate before it; a clean world is green."""

from __future__ import annotations

import dataclasses
import functools
import os
import tempfile
from collections.abc import Callable

import pytest

from selftest.faults.catalogue import FAULTS, PAGE, clean_lines, expected, page, read_page, shown
from selftest.faults.fault import Fault
from selftest.faults.message import printed_message, shortened
from selftest.faults.om_faults import COMPILED
from selftest.faults.quick import QUICK
from selftest.faults.spec_faults import REFUSED, Door, SpecFault
from selftest.faults.world import Outcome, UpTo, World
from tools import spec_diff
from tools.ascend import npu_smi
from tools.base import cli
from tools.base.errors import Stage
from tools.base.files import ROOT
from tools.engines import om_engine
from tools.judge.bundle import open_files
from tools.judge.checks import made
from tools.judge.gates import INVENTORY
from tools.judge.ids import CHECKPOINT_MD5
from tools.judge.numbers import AtLeast
from tools.judge.results import GateResult, Verdict, Word
from tools.judge.throughput import judge_throughput
from tools.judge.verify import verify
from tools.ports.spec import PUBLISHED_SPEC

WHERE, MESSAGE = "fault", "fault_message"
"""Properties that selftest/campaigns/faults.py reads from a fault's report."""

ASKED_FOR = {
    "a byte flipped in the pth": ("one byte of the pth flipped",),
    "two conv weights swapped": ("two conv filters swapped", "two conv filters swapped in the export"),
    "a layer's bias dropped": ("a layer's bias dropped", "a layer's bias lost in the export"),
    "weights of another seed": ("weights of another seed",),
    "export with opset 12": ("opset 12",),
    "export with the default exporter": ("torch's default exporter, which silently writes opset 18",),
    "export in train mode": ("exported in train mode",),
    "export with a fixed batch": ("a fixed batch",),
    "export with renamed io": ("the exporter's default names", "the output renamed"),
    "softmax appended": ("softmax appended",),
    "constant-folded wrong pad": (
        "a convolution's padding folded wrong, the shape kept",
        "a pool with another padding",
    ),
    "AIPP: mean and std swapped": ("mean and std of an AIPP file that changed places",),
    "AIPP: crop off by 16": ("the crop of an AIPP file off by 16",),
    "AIPP: channels swapped": ("channels that an AIPP file swaps",),
    "AIPP file ignored": ("an AIPP file that atc ignores",),
    "AIPP fed with normalised floats": ("normalised floats for an OM that takes pixels",),
    "BGR": ("BGR instead of RGB",),
    "no mean": ("no mean subtracted",),
    "no std": ("no division by the standard deviation",),
    "no /255": ("no division by 255",),
    "resize 224 without crop": ("resized to 224 x 224 without a crop", "short side resized to 224"),
    "bicubic": ("bicubic instead of bilinear",),
    "crop off by one": ("crop off by one pixel",),
    "HWC bins": ("HWC instead of CHW",),
    "float64 or big-endian bins": ("bins of float64", "big-endian bins"),
    "one bin truncated": ("one bin truncated",),
    "one bin duplicated": ("the first image preprocessed twice, under two names",),
    "one bin missing": ("one bin missing",),
    "two bins swapped": ("two bins swapped",),
    "labels shifted by one": ("labels shifted by one line",),
    "one label missing": ("one label missing",),
    "1-based labels": ("labels counted from 1", "labels counted from 1, none of them the last class"),
    "OM of another batch or chip": ("the OM is of another batch", "the OM is of another chip"),
    "OM from a stale ONNX": ("an OM from a stale ONNX file", "atc leaves the OM of an earlier run"),
    "int8-like rounding": ("weights rounded to 8 bits",),
    "one output NaN or Inf": ("one output NaN", "one output infinite"),
    "dump truncated": ("a dump truncated",),
    "dump of another image": ("a dump of another image", "two dumps swapped"),
    "dumps of an earlier run left behind": ("dumps of an earlier run left behind",),
    "order permuted": ("outputs of the OM in another order than the images",),
    "--batchsize wrong by 4": ("--batchsize of ais_bench wrong by 4", "-batch_size of benchmark wrong by 4"),
    "batches counted as images": ("batches counted as images",),
    "x4 forgotten": ("a card's chips forgotten: a quarter of the throughput", "a card's figure without the times 4"),
    "x4 doubled": ("a card's throughput taken for a chip's",),
    "throughput 1 % under the floor": ("throughput 1 % under the floor",),
    "device busy half-way": ("the device becomes busy half-way",),
    "perf file of another batch": ("the perf text of another batch",),
    "threshold typed as text": ("a threshold typed as text",),
    "threshold 0": ("a threshold of 0, which is a value and not `none`", "a floor loosened to 0"),
    "threshold loosened": ("a threshold loosened",),
    "tool that exits 0 with an error text": ("the tool exits 0 with an error text", "atc exits 0 with an error text"),
    "tool that exits 1 after a good result": (
        "the tool exits 1 after a good result",
        "atc exits 1 after a good result",
    ),
    "tool that hangs": ("the tool hangs", "atc hangs", "npu-smi hangs"),
    "tool that is missing": ("the inference tool is missing", "atc is missing"),
    "npu-smi absent": ("npu-smi is missing",),
}


def test_the_clean_world_passes(world: World) -> None:
    outcome = world.run()
    assert outcome.exit_code == 0, outcome.text
    assert outcome.acceptance.verdict.word is Word.SIMULATED, outcome.text
    assert outcome.acceptance.verdict.banner == "SIMULATED (SAMPLE)"
    evidence = world.folder / "evidence"
    offline = verify([("the clean world", lambda: open_files(evidence))], None)
    assert offline.word is Word.SIMULATED, offline.text


@pytest.mark.parametrize("tool", ["benchmark", pytest.param("ais_bench", marks=pytest.mark.nightly)])
def test_the_logs_of_a_clean_run_carry_its_throughput(tool: str, world: World) -> None:
    """The run for accuracy, which is the first over the data set, has its log among the others."""
    world.forget("predictions-om", "throughput-om")
    outcome = world.run(f"--infer-tool={tool}", "-m=npu and not accuracy")
    evidence = world.folder / "evidence"
    judged = verify([(tool, functools.partial(open_files, evidence))], None)
    assert judged.word is outcome.acceptance.verdict.word, judged.text
    assert {folder.name for folder in (evidence / "logs").glob("perf-bs*/*") if "npu-smi" not in folder.name} == {
        *("run-1-device0", "pure-1", "pure-2")
    }


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, id=fault.name.replace(" ", "-"), marks=() if fault.name in QUICK else pytest.mark.nightly)
        for fault in FAULTS
    ],
)
def test_the_fault_turns_its_gate_red(
    fault: Fault, world: World, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    record_property(WHERE, fault.name)
    world.forget(*fault.remade)
    fault.inject(world, monkeypatch)
    arguments = [argument.format(folder=world.folder) for argument in fault.arguments]
    outcome = world.run(*arguments, sample=fault.sample, plugins=[UpTo(fault.gate)])
    unexpected = [gate for gate in outcome.failed if gate not in fault.beside]
    assert unexpected[:1] == ([fault.gate] if fault.verdict is Verdict.FAIL else []), outcome.text
    assert outcome.check(fault.gate).verdict is fault.verdict, outcome.text
    assert outcome.exit_code == 1, outcome.text
    assert outcome.acceptance.verdict.word is (Word.REJECTED if outcome.failed else Word.INCOMPLETE)
    record_property(MESSAGE, printed_message(outcome, fault.gate))


def _umask_of_a_group(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    before = os.umask(0o002)
    monkeypatch.setenv("ASCEND_SIMULATOR_AIS_BENCH", "ait")
    return lambda: os.umask(before)


def _lagging_figure(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    monkeypatch.setenv("ASCEND_SIMULATOR_FAULT", "device:aicore-lags")
    monkeypatch.setattr(om_engine, "watch", functools.partial(npu_smi.watch, pause_seconds=0))
    return lambda: 0


@pytest.mark.parametrize("surroundings", [_umask_of_a_group, _lagging_figure])
def test_a_good_port_stays_green(
    surroundings: Callable[[pytest.MonkeyPatch], Callable[[], int]], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASCEND_SIMULATOR_STATE", str(world.folder))
    world.only_batches(4)
    world.forget(*COMPILED)
    undo = surroundings(monkeypatch)
    try:
        outcome = world.run("-m", "perf and npu", "--infer-tool=ais_bench")
    finally:
        undo()
    assert outcome.failed == [], outcome.text
    assert outcome.exit_code == 0, outcome.text


@pytest.mark.parametrize("fault", REFUSED, ids=lambda fault: fault.name.replace(" ", "-"))
def test_the_spec_is_refused(
    fault: SpecFault,
    world: World,
    pytester: pytest.Pytester,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    record_property(WHERE, fault.name)
    world.port.write_text(PUBLISHED_SPEC.read_text(encoding="utf-8"), encoding="utf-8")
    world.edit_port(fault.old, fault.new)
    if fault.door is Door.RUN:
        options = (f"--rootdir={ROOT}", f"--config-file={ROOT / 'pytest.ini'}", "--sample", f"--port={world.port}")
        result = pytester.runpytest_inprocess(*options, str(ROOT / "tests"))
        assert result.ret is pytest.ExitCode.USAGE_ERROR
        lines = result.stderr.lines
    else:
        monkeypatch.setattr("sys.argv", ["spec_diff.py", str(PUBLISHED_SPEC), str(world.port)])
        assert cli.run(spec_diff.main) == cli.EXIT_FAILED
        lines = capsys.readouterr().out.splitlines()
    said = [line for line in lines if fault.says in line]
    assert said, lines
    record_property(MESSAGE, shortened(said[0]))


def test_every_gate_has_a_fault_that_trips_it() -> None:
    tripped = {fault.gate.partition("[")[0] for fault in FAULTS}
    assert {gate.id for gate in INVENTORY} - tripped == set()


def test_every_gate_has_a_fault_in_make_test() -> None:
    tripped = {fault.gate.partition("[")[0] for fault in FAULTS if fault.name in QUICK}
    assert {gate.id for gate in INVENTORY} - tripped == set()
    assert QUICK - {fault.name for fault in FAULTS} == set()


def test_every_fault_names_a_gate_of_the_inventory() -> None:
    assert {fault.gate.partition("[")[0] for fault in FAULTS} <= {gate.id for gate in INVENTORY}


def test_no_two_faults_have_one_name() -> None:
    assert len(expected()) == len(FAULTS) + len(REFUSED)


def test_every_fault_that_was_asked_for_is_in_the_catalogue() -> None:
    named = {name for names in ASKED_FOR.values() for name in names}
    assert named - expected().keys() == set()


def test_the_page_is_the_catalogue_with_a_message_for_each_gate() -> None:
    text = PAGE.read_text(encoding="utf-8")
    messages, clean_runs = read_page(text)
    how = "python -m selftest.campaigns.faults writes it anew"
    assert messages.keys() == shown(), how
    assert all(messages.values()), how
    assert page(messages, clean_runs) == text, how


def test_a_message_survives_the_table() -> None:
    lines = clean_lines([("warm", "VERDICT: X"), ("cold", "VERDICT: X"), ("other", "VERDICT: Y")])
    messages, clean_runs = read_page(page(dict.fromkeys(expected(), "`a` | b* <c>"), lines))
    assert messages == dict.fromkeys(shown(), "`a` | b* <c>")
    assert clean_runs == lines == ["VERDICT: X: warm; cold", "VERDICT: Y: other"]


def test_a_message_holds_nothing_of_one_run_alone() -> None:
    line = f"{ROOT}/build/.x.om.71.partial: found {'0' * 32}, see {tempfile.gettempdir()}/a/b.txt: in /usr/local"
    assert shortened(line) == "x.om: found <digest>, see b.txt: in /usr/local"
    assert shortened("measured 0.03, allowed >= 0.5 (ratio)") == "measured <ratio>, allowed >= 0.5 (ratio)"
    assert len(shortened("x" * 500)) == 160


def test_one_percent_under_the_floor_is_settled_by_more_runs() -> None:
    floor = AtLeast(at_least=1000.0, unit="images/s", source="test")
    verdicts = {k: judge_throughput([990.0] * k, floor=floor, noise_cv_percent=1.0) for k in (1, 3, 5, 7, 9)}
    assert {k: found.check.verdict for k, found in verdicts.items()} == {
        **dict.fromkeys((1, 3, 5), Verdict.INCONCLUSIVE),
        **dict.fromkeys((7, 9), Verdict.FAIL),
    }
    assert verdicts[5].runs_needed == 7


def test_a_message_that_was_not_printed_is_no_message(world: World) -> None:
    outcome = world.run("-m", "checkpoint")
    with pytest.raises(AssertionError, match="nothing to say"):
        printed_message(outcome, "checkpoint.md5")
    died = GateResult(id=CHECKPOINT_MD5, stage=Stage.CHECKPOINT, check=made("unheard of", failed=True))
    acceptance = dataclasses.replace(outcome.acceptance, gates=(died,))
    with pytest.raises(AssertionError, match="the run does not say 'unheard of'"):
        printed_message(Outcome(1, outcome.text, acceptance), "checkpoint.md5")
