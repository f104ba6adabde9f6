"""A record that rests on a vendor tool's run has its log, and the log says the same: each way in which it may not.

Digests are recomputed, so that nothing but the logs speaks against the forger.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from selftest.evidence.bundles import World, quickly_written
from selftest.evidence.made_logs import IDLE, MAP_310, loaded
from selftest.evidence.tampering import Forgery, assert_refused, contents_of
from tools.base.errors import Stage
from tools.judge.aipp import file_name
from tools.judge.bundle import read_bundle
from tools.judge.facts import AippFacts
from tools.judge.files import short
from tools.judge.handed_in import HandedIn
from tools.judge.layout import FILE
from tools.judge.logs import MAP_LOGS, check_logs
from tools.judge.op_profile import OperatorProfile
from tools.judge.records import plain
from tools.judge.results import Word

SMALL = World(images=60, margin_pp=20.0, tight_pp=19.0, logit_noise=0.002, batches=(4, 16), runs=2)
BENCHMARK = World(images=60, margin_pp=20.0, tight_pp=19.0, logit_noise=0.002, batches=(4, 16), ais_bench=False)
ATC, PREDICTED, MEASURED = "logs/atc-bs16", "logs/predict-bs16/run-1-device0", "logs/perf-bs16/run-2-device0"
BEFORE, AFTER = "logs/perf-bs16/npu-smi-before-2", "logs/perf-bs16/npu-smi-after-2"
Forge = Callable[[Forgery], None]


def accepted(world: World, folder: Path) -> dict[str, bytes]:
    """The files of an accepted bundle."""
    found = contents_of(quickly_written(world, folder / "bundle"))
    assert Forgery(found).outcome().word is Word.ACCEPTED
    return found


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """By ais_bench."""
    return accepted(SMALL, tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def by_benchmark(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """By the other inference tool."""
    return accepted(BENCHMARK, tmp_path_factory.mktemp("made"))


def prints(folder: str, text: str | bytes, stream: str = "stdout.txt") -> Forge:
    """A tool that printed something else."""

    def forge(forgery: Forgery) -> None:
        forgery.contents[f"{folder}/{stream}"] = text if isinstance(text, bytes) else text.encode()

    return forge


def runs(folder: str, old: str, new: str) -> Forge:
    """A tool that was started with other words, in the log and in the record."""

    def forge(forgery: Forgery) -> None:
        command = next(entry for entry in forgery.record["commands"] if entry["folder"] == folder)
        words = [word.replace(old, new) for word in command["argv"]]
        assert words != command["argv"], command["argv"]
        command["argv"] = [word for word in words if word]
        forgery.contents[f"{folder}/command.txt"] = "\n".join(("cwd: x", *command["argv"], "")).encode()

    return forge


def ended(folder: str, returncode: int | None) -> Forge:
    """A tool that ended otherwise."""

    def forge(forgery: Forgery) -> None:
        for command in forgery.record["commands"]:
            if command["folder"].startswith(folder):
                command["returncode"] = returncode

    return forge


def lost(folder: str, *, commands: bool = True) -> Forge:
    """Logs that were removed, with the record of their commands."""

    def forge(forgery: Forgery) -> None:
        forgery.contents = {name: text for name, text in forgery.contents.items() if not name.startswith(folder)}
        if commands:
            kept = [entry for entry in forgery.record["commands"] if not entry["folder"].startswith(folder)]
            forgery.record["commands"] = kept

    return forge


def unrecorded(forgery: Forgery) -> None:
    """Logs of which the record does not speak."""
    forgery.record["commands"] = []


def recorded_twice(forgery: Forgery) -> None:
    """Two commands with one log."""
    forgery.record["commands"].append(forgery.record["commands"][0])


def elsewhere(forgery: Forgery) -> None:
    """A log among the files of the port."""
    for stream in ("command", "stdout", "stderr"):
        forgery.contents[f"report/{stream}.txt"] = forgery.contents.pop(f"{PREDICTED}/{stream}.txt")
    next(entry for entry in forgery.record["commands"] if entry["folder"] == PREDICTED)["folder"] = "report"


def called_busy(forgery: Forgery) -> None:
    """A device that is said to have been busy: an excuse that npu-smi does not give."""
    forgery.record["device_throughput"][1]["busy"] = ["device 0 (NPU 1 chip 0): AI core at 87 %"]


def records(**changes: object) -> Callable[[Forgery], None]:
    """Numbers of the machine's board that are not those of the map."""
    return lambda forgery: forgery.record["machine"]["boards"][0]["seat"].update(changes)


def recorded_variable(forgery: Forgery) -> None:
    """A variable with which device 0 would have been another chip."""
    forgery.record["machine"]["visible_devices"] = "2,3"


def fewer_samples(forgery: Forgery) -> None:
    """A device that was looked at once."""
    for number in (1, 2):
        lost(f"{BEFORE}-sample{number}")(forgery)


def ended_with(folder: str, returncode: int | None) -> str:
    """How a bad end is told."""
    return f"{folder}: om_bs16 rests on a command whose returncode is {returncode}"


def of_another_file(folder: str, role: str) -> Forge:
    """A tool that read or made the file of another batch size under the right name."""

    def forge(forgery: Forgery) -> None:
        known = {entry["name"]: entry["sha256"] for entry in forgery.record["digests"]}
        command = next(entry for entry in forgery.record["commands"] if entry["folder"] == folder)
        command["files"][role] = known["om_bs4"]

    return forge


BUSY = "acceptance.json.device_throughput[1].busy: "
FORGED: dict[str, tuple[Forge, str]] = {
    "all logs removed": (lost("logs/"), f"{ATC} is missing: om_bs16 rests on it"),
    "all logs removed, the commands left": (lost("logs/", commands=False), "command.txt is missing"),
    "commands forgotten": (unrecorded, f"{ATC}: a log of which no command is recorded"),
    "a log of two commands": (recorded_twice, "is another command's too"),
    "a log that is none": (elsewhere, "'report' does not lie below logs/"),
    "the log of npu-smi removed": (lost("logs/npu-smi"), "logs/npu-smi is missing: the machine rests on it"),
    "the log of atc removed": (lost(ATC), f"{ATC} is missing: om_bs16 rests on it"),
    "the log of the predictions removed": (lost(PREDICTED), f"{PREDICTED} is missing: om_bs16 rests on it"),
    "the log of a throughput run removed": (lost(MEASURED), f"{MEASURED} is missing: om_bs16 rests on it"),
    "npu-smi before a run removed": (
        lost(BEFORE),
        f"{BEFORE}-sample0 is missing: whether the device was idle rests on it",
    ),
    "npu-smi after a run removed": (
        lost(AFTER),
        f"{AFTER}-sample0 is missing: whether the device was idle rests on it",
    ),
    "two samples of npu-smi removed": (fewer_samples, f"{BEFORE}: 1 samples, 3 are taken of a device"),
    "every return code -9": (ended("logs/", -9), ended_with(ATC, -9)),
    "atc ended with 1": (ended(ATC, 1), ended_with(ATC, 1)),
    "atc never ended": (ended(ATC, None), ended_with(ATC, None)),
    "predictions ended with 137": (
        ended(PREDICTED, 137),
        ended_with(PREDICTED, 137),
    ),
    "a throughput run ended with 1": (
        ended(MEASURED, 1),
        ended_with(MEASURED, 1),
    ),
    "npu-smi ended with 255": (ended(BEFORE, 255), ended_with(f"{BEFORE}-sample0", 255)),
    "ATC run failed": (prints(ATC, "ATC run failed, Please check\n"), f"{ATC}: atc says `ATC run failed`"),
    "ATC run failed after a success": (
        prints(ATC, "ATC run failed\n", "stderr.txt"),
        f"{ATC}: atc says `ATC run failed`",
    ),
    "atc said nothing": (prints(ATC, ""), f"{ATC}: atc never says `ATC run success`"),
    "another input shape": (runs(ATC, ":16,3", ":4,3"), f"{ATC}: --input_shape is 'actual_input_1:4,3,224,224'"),
    "another chip": (runs(ATC, "Ascend310", "Ascend310P3"), f"{ATC}: --soc_version is 'Ascend310P3', om_bs16 needs"),
    "no chip": (runs(ATC, "Ascend310", "x"), f"{ATC}: --soc_version is 'x', om_bs16 needs"),
    "another ONNX file": (runs(ATC, "/onnx", "/other.onnx"), f"{ATC}: --model is 'other.onnx', om_bs16 needs"),
    "another OM from atc": (runs(ATC, "/om_bs16", "/om_bs4"), f"{ATC}: --output is 'om_bs4', om_bs16 needs 'om_bs16'"),
    "another framework": (runs(ATC, "=5", "=3"), f"{ATC}: --framework is '3', om_bs16 needs '5'"),
    "predictions of the OM of another batch": (
        runs(PREDICTED, "om_bs16", "om_bs4"),
        f"{PREDICTED}: ran 'om_bs4', om_bs16 is 'om_bs16'",
    ),
    "atc read another ONNX file": (of_another_file(ATC, "onnx"), f"{ATC}: files.onnx is "),
    "atc made another OM": (of_another_file(ATC, "om"), f"{ATC}: files.om is "),
    "predictions of another OM of the same name": (of_another_file(PREDICTED, "om"), f"{PREDICTED}: files.om is "),
    "throughput of another OM of the same name": (of_another_file(MEASURED, "om"), f"{MEASURED}: files.om is "),
    "predictions at another batch size": (runs(PREDICTED, "16", "4"), f"{PREDICTED}: ran with batch size '4'"),
    "predictions at no batch size": (
        runs(PREDICTED, "--batchsize", "--loop"),
        f"{PREDICTED}: ran with batch size None instead of 16",
    ),
    "throughput of the OM of another batch": (
        runs(MEASURED, "om_bs16", "om_bs4"),
        f"{MEASURED}: ran 'om_bs4', om_bs16 is 'om_bs16'",
    ),
    "predictions of another device": (runs(PREDICTED, "0", "3"), f"{PREDICTED}: ran on device '3' instead of 0"),
    "predictions with an error": (
        prints(PREDICTED, "50 %\r[ERROR] batch 3 dropped\n"),
        f"{PREDICTED}: om_bs16 rests on a run that reported '[ERROR] batch 3 dropped'",
    ),
    "throughput with an error": (
        prints(MEASURED, "[ERROR] x\n", "stderr.txt"),
        f"{MEASURED}: om_bs16 rests on a run that reported '[ERROR] x'",
    ),
    "a device at 87 % before the run": (
        prints(f"{BEFORE}-sample2", loaded(87)),
        f"{BUSY}'idle' recorded, npu-smi's tables say 'device 0 (NPU 1 chip 0): AI core at 87 %'",
    ),
    "a device at 87 % again after the run": (
        prints(f"{AFTER}-sample1", loaded(87)),
        f"{BUSY}'idle' recorded, npu-smi's tables say 'device 0 (NPU 1 chip 0): AI core at 87 %'",
    ),
    "a device that was idle called busy": (called_busy, f"{BUSY}'device 0 (NPU 1 chip 0): AI core at 87 %' recorded"),
    "an unhealthy device": (
        prints("logs/npu-smi", IDLE.replace("| OK   ", "| Alarm", 1)),
        "logs/npu-smi: device 0 (NPU 1 chip 0) is Alarm",
    ),
    "a device of another chip": (
        prints("logs/npu-smi", IDLE.replace("310  ", "310P3", 1)),
        "logs/npu-smi: asked for Ascend310, the device is Ascend310P3",
    ),
    "no map of the chips": (lost(f"logs/npu-smi/{MAP_LOGS}"), "logs/npu-smi/map is missing: which chips the devices"),
    "a map of other numbers": (
        prints(f"logs/npu-smi/{MAP_LOGS}", MAP_310.replace("1  0  0 ", "1  0  1 ").replace("1  1  1 ", "1  1  0 ")),
        "boards[0].seat: device 0 (NPU 1 chip 0) recorded, npu-smi's map says device 0 (NPU 1 chip 1)",
    ),
    "a map that lists a chip twice": (
        prints(f"logs/npu-smi/{MAP_LOGS}", f"{MAP_310}\n1 2 3 x"),
        "logs/npu-smi/map: npu-smi info -m: npu-smi lists NPU 1 chip 2 twice",
    ),
    "another question for the map": (runs(f"logs/npu-smi/{MAP_LOGS}", "-m", "-l"), "is not `npu-smi info -m`"),
    "another chip than the map says": (
        records(chip=2),
        "boards[0].seat: device 0 (NPU 1 chip 2) recorded, npu-smi's map says device 0 (NPU 1 chip 0)",
    ),
    "a physical number that nobody said": (records(physical=4), "boards[0].seat: device 0 (NPU 1 chip 0, physical 4)"),
    "another variable than the devices were numbered by": (
        recorded_variable,
        "recorded, npu-smi's map says device 0 (NPU 1 chip 2, logical 2)",
    ),
    "no device": (prints("logs/npu-smi", "\n".join(IDLE.splitlines()[:4])), "logs/npu-smi: npu-smi printed no table"),
    "another question to npu-smi": (runs("logs/npu-smi", "info", "-v"), "'npu-smi -v' is not `npu-smi info`"),
    "a table that cannot be read": (
        prints(f"{BEFORE}-sample0", IDLE.replace("2621 / 8192", "NA")),
        f"{BEFORE}: npu-smi info: device 0: line 8 of the npu-smi table cannot be read",
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_log_that_says_otherwise_is_told(name: str, contents: dict[str, bytes]) -> None:
    forge, named = FORGED[name]
    forgery = Forgery(contents)
    forge(forgery)
    assert_refused(forgery.outcome(), named)


@pytest.mark.parametrize(
    ("forge", "named"),
    [
        (runs(PREDICTED, "om_bs16", "om_bs4"), f"{PREDICTED}: ran 'om_bs4', om_bs16 is 'om_bs16'"),
        (runs(PREDICTED, "-batch_size=16", "-batch_size=4"), f"{PREDICTED}: ran with batch size '4' instead of 16"),
        (runs(PREDICTED, "-device_id=0", "-device_id=1"), f"{PREDICTED}: ran on device '1' instead of 0"),
    ],
)
def test_the_words_of_benchmark_are_read_too(forge: Forge, named: str, by_benchmark: dict[str, bytes]) -> None:
    forgery = Forgery(by_benchmark)
    forge(forgery)
    assert_refused(forgery.outcome(), named)


def test_a_port_s_words_for_atc_were_given(contents: dict[str, bytes]) -> None:
    forgery = Forgery(contents)
    forgery.spec["om"]["atc_extra_args"] = ["--mdl_bank_path=/a/bank"]
    assert_refused(forgery.outcome(), f"{ATC}: --mdl_bank_path is None, om_bs16 needs 'bank'")
    runs(ATC, "--log=error", "--mdl_bank_path=<home>/b/bank")(forgery)
    runs("logs/atc-bs4", "--log=error", "--mdl_bank_path=<home>/b/bank")(forgery)
    for om in forgery.record["oms"]:
        om["described"]["stored"]["flags"].append("--mdl_bank_path=bank")
    assert forgery.outcome().word is Word.ACCEPTED


def test_a_figure_that_lags_after_the_own_run_is_no_other_job(contents: dict[str, bytes]) -> None:
    forgery = Forgery(contents)
    prints(f"{AFTER}-sample0", loaded(87))(forgery)
    assert_refused(forgery.outcome(), f"{AFTER}: 3 samples, 4 are taken of a device")
    for stream in ("command", "stdout", "stderr"):
        forgery.contents[f"{AFTER}-sample3/{stream}.txt"] = forgery.contents[f"{AFTER}-sample2/{stream}.txt"]
    known = next(entry for entry in forgery.record["commands"] if entry["folder"] == f"{AFTER}-sample2")
    forgery.record["commands"].append({**known, "folder": f"{AFTER}-sample3"})
    assert forgery.outcome().word is Word.ACCEPTED


@pytest.mark.parametrize("stages", [(Stage.PERF,), (Stage.ACCURACY,), (Stage.CHECKPOINT, Stage.ONNX)])
def test_a_part_of_the_stages_needs_its_own_logs_alone(
    stages: tuple[Stage, ...], tmp_path_factory: pytest.TempPathFactory
) -> None:
    part = World(images=60, margin_pp=20.0, tight_pp=19.0, logit_noise=0.002, batches=(4, 16), runs=2, stages=stages)
    forgery = Forgery(contents_of(quickly_written(part, tmp_path_factory.mktemp("made") / "bundle")))
    unneeded = {"logs/perf-": Stage.PERF, "logs/predict-": Stage.ACCURACY}
    for folder, stage in unneeded.items():
        if stage not in stages:
            lost(folder)(forgery)
    if Stage.CHECKPOINT in stages:  # a host without a vendor's tool
        lost("logs/")(forgery)
        forgery.record.update(machine=None, toolkit=None)
        forgery.record["digests"] = [entry for entry in forgery.record["digests"] if "om" not in entry["name"]]
    assert forgery.outcome().word is Word.INCOMPLETE


def problems(forgery: Forgery, *forges: Forge) -> list[str]:
    """What the logs alone speak against, of a bundle so forged."""
    for forge in forges:
        forge(forgery)
    bundle = read_bundle("forged", forgery.sealed())
    check_logs(bundle)
    return bundle.problems


def test_logs_that_fit_speak_against_nothing(contents: dict[str, bytes], by_benchmark: dict[str, bytes]) -> None:
    assert problems(Forgery(contents)) == problems(Forgery(by_benchmark)) == []


def test_a_log_of_two_commands_is_told_with_the_place_of_the_first(contents: dict[str, bytes]) -> None:
    forgery = Forgery(contents)
    folder = forgery.record["commands"][0]["folder"]
    assert problems(forgery, recorded_twice) == [
        f"acceptance.json.commands[0].folder: {folder!r} is another command's too"
    ]


def test_every_device_is_looked_at_though_one_cannot_be_read(contents: dict[str, bytes]) -> None:
    """The second of the four is in trouble; the last one's health is Warning."""
    forgery = Forgery(contents)
    forgery.record["machine"]["devices"] = [1, 0, 3]
    table = IDLE.replace("0000:02:00.0    | 0                 2621", "0000:02:00.0    | NA                2621")
    found = [line for line in problems(forgery, prints("logs/npu-smi", table)) if line.startswith("logs/npu-smi: ")]
    assert [line.partition(" cannot be read")[0] for line in found] == [
        "logs/npu-smi: npu-smi info: device 1: line 11 of the npu-smi table",
        "logs/npu-smi: device 3 (NPU 1 chip 3) is Warning",
    ]


def test_the_onnx_file_of_a_batch_size_is_what_atc_was_given(contents: dict[str, bytes]) -> None:
    forgery = Forgery(contents)
    known = next(entry for entry in forgery.record["digests"] if entry["name"] == "onnx")
    own = {"name": "onnx_bs16", "path": "<tmp>/net_bs16.onnx", "sha256": "0" * 64}
    forgery.record["digests"].append({**known, **own})
    command = next(entry for entry in forgery.record["commands"] if entry["folder"] == ATC)
    given = command["files"]["onnx"]
    assert problems(forgery) == [
        f"{ATC}: files.onnx is {short(given)}, onnx_bs16 is {short('0' * 64)}",
        f"{ATC}: --model is {short(known['path'].rpartition('/')[2])}, om_bs16 needs 'net_bs16.onnx'",
    ]
    forgery.record["digests"] = [entry for entry in forgery.record["digests"] if "onnx" not in entry["name"]]
    assert problems(forgery) == []


def test_where_no_machine_is_recorded_the_logs_say_which_devices_ran(contents: dict[str, bytes]) -> None:
    forgery = Forgery(contents)
    forgery.record.update(machine=None, device_throughput=[])
    assert problems(forgery) == []
    folder = PREDICTED[:-1] + "7"
    known = next(entry for entry in forgery.record["commands"] if entry["folder"] == PREDICTED)
    forgery.record["commands"].append({**known, "folder": folder})
    assert problems(forgery) == [f"{folder}: ran on device '0' instead of 7"]
    assert problems(forgery, lost("logs/predict-bs16/run-1")) == [f"{PREDICTED} is missing: om_bs16 rests on it"]


def test_a_device_of_the_machine_that_did_not_run_is_told(contents: dict[str, bytes]) -> None:
    forgery = Forgery(contents)
    forgery.record["machine"]["devices"] = [0, 2]
    assert f"{PREDICTED[:-1]}2 is missing: om_bs16 rests on it" in problems(forgery)


def watched(base: str, *tables: str) -> Forge:
    """A watch of so many tables."""

    def forge(forgery: Forgery) -> None:
        lost(base)(forgery)
        argv = ["npu-smi", "info"]
        for number, table in enumerate(tables):
            folder = f"{base}-sample{number}"
            entry = {"argv": argv, "folder": folder, "returncode": 0, "seconds": 1.0, "files": {}}
            known = next(one for one in forgery.record["commands"] if one["folder"] == "logs/npu-smi")
            forgery.record["commands"].append({**known, **{name: entry[name] for name in entry if name in known}})
            texts = {"command": "\n".join(("cwd: x", *argv, "")), "stdout": table, "stderr": ""}
            forgery.contents |= {f"{folder}/{name}.txt": text.encode() for name, text in texts.items()}

    return forge


WORKS, HELD = loaded(87), IDLE.replace("0                 2621 / 8192", "0                 7000 / 8192", 1)
BOTH = loaded(87).replace("2621 / 8192", "7000 / 8192", 1)
FIRST = "logs/perf-bs16/npu-smi-first-2"
AI_CORE, MEMORY = "AI core at 87 %", "7000 MB of 8192 MB in use, idle is at most 3133 MB"


def said_busy(*reasons: str) -> str:
    """What is told where the record calls the device idle."""
    shown = short("; ".join(f"device 0 (NPU 1 chip 0): {reason}" for reason in reasons))
    return f"{BUSY}'idle' recorded, npu-smi's tables say {shown}"


@pytest.mark.parametrize(
    ("base", "tables", "told"),
    [
        (BEFORE, [IDLE] * 3, []),
        (BEFORE, [WORKS, IDLE, IDLE], [said_busy(AI_CORE)]),
        (FIRST, [WORKS, IDLE, IDLE], [said_busy(AI_CORE)]),
        (FIRST, [IDLE] * 3, []),
        (AFTER, [*[WORKS] * 5, *[IDLE] * 3], []),
        (AFTER, [*[WORKS] * 6, *[IDLE] * 2], [said_busy(AI_CORE)]),
        (BEFORE, [IDLE, HELD, IDLE], [said_busy(MEMORY)]),
        (AFTER, [BOTH, IDLE, IDLE], [said_busy(AI_CORE, MEMORY)]),
        (BEFORE, [IDLE, "npu-smi: failed\n", IDLE], [f"{BEFORE}-sample1: npu-smi printed no table of chips"]),
    ],
)
def test_what_a_watch_shows_is_told_and_nothing_else(
    base: str, tables: list[str], told: list[str], contents: dict[str, bytes]
) -> None:
    assert problems(Forgery(contents), watched(base, *tables)) == told


def test_where_a_watch_is_missing_nothing_is_said_of_what_was_recorded(contents: dict[str, bytes]) -> None:
    assert problems(Forgery(contents), lost(BEFORE), called_busy) == [
        f"{BEFORE}-sample0 is missing: whether the device was idle rests on it"
    ]


def test_a_record_of_work_that_no_table_shows_is_told_in_its_words(contents: dict[str, bytes]) -> None:
    forgery = Forgery(contents)
    forgery.record["device_throughput"][1]["busy"] = ["device 0: a", "device 0: b"]
    assert problems(forgery) == [f"{BUSY}'device 0: a; device 0: b' recorded, npu-smi's tables say 'idle'"]


def test_one_table_is_enough_of_a_simulated_device(contents: dict[str, bytes]) -> None:
    forgery = Forgery(contents)
    forgery.record["target"] = "simulator"
    assert problems(forgery, watched(BEFORE, IDLE)) == []


@pytest.mark.parametrize(
    ("stdout", "stderr"), [(b"50 %", b"[ERROR] x\n"), (b"\xff\n[ERROR] x", b""), (b"50 %\r[ERROR] x\r\n", b"")]
)
def test_an_error_is_found_in_either_stream(stdout: bytes, stderr: bytes, contents: dict[str, bytes]) -> None:
    spoilt = (prints(PREDICTED, stdout), prints(PREDICTED, stderr, "stderr.txt"))
    assert problems(Forgery(contents), *spoilt) == [f"{PREDICTED}: om_bs16 rests on a run that reported '[ERROR] x'"]


def test_a_question_about_the_board_may_go_unanswered(contents: dict[str, bytes]) -> None:
    forgery = Forgery(contents)
    whole = next(one for one in forgery.record["commands"] if one["folder"] == "logs/npu-smi")
    argv = ["npu-smi", "info", "-t", "board", "-i", "1"]
    forgery.record["commands"].append({**whole, "argv": argv, "folder": "logs/npu-smi/board0", "returncode": 1})
    forgery.contents["logs/npu-smi/board0/command.txt"] = "\n".join(["cwd: x", *argv, ""]).encode()
    forgery.contents |= {f"logs/npu-smi/board0/{stream}.txt": b"" for stream in ("stdout", "stderr")}
    assert forgery.outcome().word is Word.ACCEPTED
    whole["returncode"] = 1
    assert_refused(forgery.outcome(), "logs/npu-smi: the machine rests on a command whose returncode is 1")


@pytest.mark.parametrize("folder", ["logs/atc-bs16", "logs/npu-smi/map"])
def test_a_command_that_ended_well_was_not_ended_by_anybody(contents: dict[str, bytes], folder: str) -> None:
    forgery = Forgery(contents)
    command = next(one for one in forgery.record["commands"] if one["folder"] == folder)
    command["ended_by"] = "the time limit of 3 s"
    assert_refused(forgery.outcome(), f"{folder}: its command has ended with 0, and by 'the time limit of 3 s'")


# --- Parts that not every port has ---------------------------------------------------------------------------------

PROFILED = "logs/profile-bs16/collect"
PROFILE = OperatorProfile(16, 0, "op_summary", (), 5, 0, 0, (), ())


def profiled(argv: Sequence[str], *, device: int = 0) -> Forge:
    """A profile of the OM, with the logs of the tool that made it where there are words of it."""

    def forge(forgery: Forgery) -> None:
        forgery.record["profiles"] = [plain(replace(PROFILE, device=device))]
        known = next(entry for entry in forgery.record["commands"] if entry["folder"] == PREDICTED)
        if argv:
            forgery.record["commands"].append({**known, "argv": list(argv), "folder": PROFILED})
            texts = {"command": "\n".join(("cwd: x", *argv, "")), "stdout": "", "stderr": ""}
            forgery.contents |= {f"{PROFILED}/{name}.txt": text.encode() for name, text in texts.items()}

    return forge


def by_msprof(om: str = "om_bs16") -> list[str]:
    """The profiler around an inference that takes its batch size from the OM."""
    return ["msprof", "--output=<tmp>/x", f"--application=python3 -m ais_bench --model <tmp>/{om}.om --device 0"]


@pytest.mark.parametrize(
    ("forges", "told"),
    [
        ([profiled(by_msprof())], []),
        ([profiled([])], [f"{PROFILED} is missing: om_bs16 rests on it"]),
        (
            [profiled(by_msprof()), ended(PROFILED, 1)],
            [f"{PROFILED}: the profile of om_bs16 rests on a command whose returncode is 1"],
        ),
        ([profiled(by_msprof("om_bs4"))], [f"{PROFILED}: ran 'om_bs4', om_bs16 is 'om_bs16'"]),
        ([profiled(by_msprof(), device=1)], [f"{PROFILED}: ran on device '0' instead of 1"]),
    ],
)
def test_a_profile_rests_on_the_profilers_run_of_this_om(
    forges: list[Forge], told: list[str], contents: dict[str, bytes]
) -> None:
    assert problems(Forgery(contents), *forges) == told


def given_file(sha256: str | None, own: str | None) -> Forge:
    """A port whose flag names a file beside its own, and what atc was given for it at batch size 16."""

    def forge(forgery: Forgery) -> None:
        flag = "--fusion_switch_file=fusion.cfg"
        forgery.spec["om"]["atc_extra_args"] = [flag]
        for command in forgery.record["commands"]:
            if command["folder"].startswith("logs/atc-"):
                command["argv"] += [flag]
                command["files"]["fusion_switch_file"] = sha256 if command["folder"] == ATC else own
                forgery.contents[f"{command['folder']}/command.txt"] = "\n".join(("x", *command["argv"], "")).encode()
                command["files"] = {role: digest for role, digest in command["files"].items() if digest}
        if own is not None:
            forgery.record["spec"]["files"]["fusion.cfg"] = own

    return forge


FUSION, OTHER_FUSION = "1" * 64, "2" * 64
FLAG = f"{ATC}: the file of --fusion_switch_file is"


@pytest.mark.parametrize(
    ("given", "own", "told"),
    [
        (FUSION, FUSION, []),
        (OTHER_FUSION, FUSION, [f"{FLAG} {short(OTHER_FUSION)}, the port's fusion.cfg {short(FUSION)}"]),
        (None, FUSION, [f"{FLAG} None, the port's fusion.cfg {short(FUSION)}"]),
        (FUSION, None, [f"{FLAG} {short(FUSION)}, the port's fusion.cfg None"]),
        (None, None, [f"{FLAG} None, the port's fusion.cfg None"]),
    ],
)
def test_atc_was_given_the_very_files_of_the_ports_flags(
    given: str | None, own: str | None, told: list[str], contents: dict[str, bytes]
) -> None:
    found = problems(Forgery(contents), given_file(given, own))
    assert [line for line in found if line.startswith(ATC)] == told


def test_a_record_without_a_port_has_no_file_for_a_flag(contents: dict[str, bytes]) -> None:
    forgery = Forgery(contents)
    given_file(FUSION, FUSION)(forgery)
    sealed = forgery.sealed()
    forgery.record["spec"] = None
    bundle = read_bundle(
        "forged", replace(sealed, contents={**sealed.contents, FILE: json.dumps(forgery.record).encode()})
    )
    check_logs(bundle)
    assert f"{FLAG} {short(FUSION)}, the port's fusion.cfg None" in bundle.problems


def test_atc_was_given_the_preprocessing_of_the_record(contents: dict[str, bytes]) -> None:
    forgery, text = Forgery(contents), "aipp_op { aipp_mode: static }"
    forgery.record["aipp"] = plain(AippFacts(text))
    name = file_name(text)
    assert problems(forgery) == [
        f"logs/atc-bs{batch}: --insert_op_conf is None, om_bs{batch} needs {name!r}" for batch in (4, 16)
    ]


def test_an_om_that_was_handed_in_rests_on_no_run_of_atc(contents: dict[str, bytes]) -> None:
    forgery = Forgery(contents)
    forgery.record["handed_in"] = [plain(HandedIn("om_bs16", "own.om", "0" * 64, 1))]
    assert problems(forgery, lost(ATC)) == []
    assert problems(forgery, lost("logs/atc-bs4")) == ["logs/atc-bs4 is missing: om_bs4 rests on it"]


def decoding(forgery: Forgery) -> None:
    """An inference that asked the chip to decode JPEG files."""
    command = next(entry for entry in forgery.record["commands"] if entry["folder"] == PREDICTED)
    command["argv"] += ["-useDvpp=true"]
    forgery.contents[f"{PREDICTED}/command.txt"] = "\n".join(("x", *command["argv"], "")).encode()


def of_jpegs(forgery: Forgery) -> None:
    """A port whose images the chip decodes."""
    forgery.spec["preprocessing"].update(aipp={"input": "jpeg", "crop": "chip"}, resize_px=[256, 256])


@pytest.mark.parametrize(
    ("forges", "what"),
    [([decoding], "bins"), ([of_jpegs], "JPEG files"), ([decoding, of_jpegs], ""), ([], "")],
)
def test_the_inference_tool_was_given_what_the_port_gives(
    forges: list[Forge], what: str, by_benchmark: dict[str, bytes]
) -> None:
    said = f"{PREDICTED}: was not asked to read {what}, which the port gives (-useDvpp)"
    found = [line for line in problems(Forgery(by_benchmark), *forges) if line.startswith(PREDICTED)]
    assert found == ([said] if what else [])


# --- Which chip a device is ----------------------------------------------------------------------------------------

MAP_FOLDER = f"logs/npu-smi/{MAP_LOGS}"


def without_watches(forgery: Forgery) -> Forgery:
    """A record of no throughput, so that the machine's own table alone is read."""
    forgery.record["device_throughput"] = []
    return forgery


def test_where_the_map_is_missing_nothing_more_is_said_of_the_devices(contents: dict[str, bytes]) -> None:
    assert problems(without_watches(Forgery(contents)), lost(MAP_FOLDER)) == [
        f"{MAP_FOLDER} is missing: which chips the devices are rests on it"
    ]


def test_a_device_that_npu_smi_does_not_list_is_told_once(contents: dict[str, bytes]) -> None:
    forgery = without_watches(Forgery(contents))
    forgery.record["machine"]["devices"] = [0, 9]
    found = [line for line in problems(forgery) if line.startswith("logs/npu-smi")]
    assert len(found) == 1
    assert found[0].startswith(f"{MAP_FOLDER}: npu-smi info: no such device; found 9; allowed [0, 1, 2, 3]"), found


def test_a_board_of_no_device_is_told(contents: dict[str, bytes]) -> None:
    forgery = without_watches(Forgery(contents))
    forgery.record["machine"]["boards"][0]["device"] = 3
    assert problems(forgery) == [
        "acceptance.json.machine.boards[0].seat: device 3 (NPU 1 chip 0, logical 0) recorded, "
        "npu-smi's map says no such device"
    ]


def test_another_question_than_for_the_map_is_told_in_its_words(contents: dict[str, bytes]) -> None:
    assert problems(Forgery(contents), runs(MAP_FOLDER, "-m", "-l")) == [
        f"{MAP_FOLDER}: 'npu-smi info -l' is not `npu-smi info -m`"
    ]


def test_a_map_that_could_not_be_had_numbers_nothing(contents: dict[str, bytes]) -> None:
    """On drivers without it npu-smi prints an error, or half a map, and the order of its table holds."""
    swapped = MAP_310.replace("1  0  0 ", "1  0  1 ").replace("1  1  1 ", "1  1  0 ")
    assert problems(Forgery(contents), prints(MAP_FOLDER, swapped), ended(MAP_FOLDER, 1)) == []
