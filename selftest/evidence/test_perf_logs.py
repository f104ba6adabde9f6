"""A throughput in the record is that of the tool's own texts in the bundle: every way to make them differ is named.

Record, gates and manifest are forged with all that follows from them, as a careful forger does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from selftest.evidence.bundles import World, quickly_written
from selftest.evidence.tampering import Forgery, assert_refused, contents_of
from tools.judge import records
from tools.judge.bundle import read_bundle
from tools.judge.device import throughput_record
from tools.judge.perf_logs import check_perf_logs, log_name
from tools.judge.results import Word
from tools.judge.throughput_records import ThroughputRun

Forge = Callable[[Forgery], None]
WORLDS = {
    "ais_bench": World(images=60, margin_pp=20.0, tight_pp=19.0, logit_noise=0.002, batches=(16, 4), runs=5),
    "benchmark": World(
        images=60, margin_pp=20.0, tight_pp=19.0, logit_noise=0.002, batches=(16, 4), runs=5, ais_bench=False
    ),
}
STORED = {"ais_bench": "summary.json", "benchmark": "perf.txt"}
DATASET, PURE = 1, 0  # the record has batch 4 (pure inference) before batch 16 (over the data set)
GATES = ("reading", "device_idle", "images_per_second_per_chip", "plausible")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    """An accepted bundle of five runs at either batch size, by either tool."""
    folder = tmp_path_factory.mktemp("made")
    found = {tool: contents_of(quickly_written(world, folder / tool)) for tool, world in WORLDS.items()}
    assert all(Forgery(contents).outcome().word is Word.ACCEPTED for contents in found.values())
    return found


@pytest.fixture(params=WORLDS)
def contents(request: pytest.FixtureRequest, made: dict[str, dict[str, bytes]]) -> dict[str, bytes]:
    """The bundle of one tool."""
    return made[request.param]


def runs_of(forgery: Forgery, place: int) -> list[dict[str, Any]]:
    """The recorded runs of a batch size."""
    found: list[dict[str, Any]] = forgery.record["device_throughput"][place]["runs"]
    return found


def folder_of(run: dict[str, Any]) -> str:
    """Where a run's log is."""
    return f"logs/perf-bs{run['batch']}/{log_name(run['run'], run['mode'], run['device'])}"


def follow(forgery: Forgery, place: int) -> None:
    """Give record and gates of a batch size what its forged runs give them."""
    recorded = forgery.record["device_throughput"][place]
    runs = tuple(records.read(ThroughputRun, run) for run in recorded["runs"])
    bundle = read_bundle("forged", forgery.sealed())
    ours = throughput_record(runs, soc=recorded["soc"], simulated=False, busy=(), spec=bundle.spec)
    forgery.record["device_throughput"][place] = records.plain(ours)
    forgery.judge_again(*(f"om.perf.{name}[bs{recorded['batch']}]" for name in GATES))


def scale(run: dict[str, Any], factor: float) -> None:
    """A higher figure, the samples with it."""
    for name in ("reported_images_per_second", "images_per_second_per_chip"):
        run[name] *= factor
    run["seconds_per_image"] = [seconds / factor for seconds in run["seconds_per_image"]]


def rewrite(forgery: Forgery, name: str, change: Callable[[str], str]) -> None:
    """Change a log; the change must change it."""
    before = forgery.contents[name].decode()
    forgery.contents[name] = change(before).encode()
    assert forgery.contents[name].decode() != before


def copy_log(forgery: Forgery, source: str, target: str, *names: str) -> None:
    """Put files of one log in the place of another's."""
    for name in names:
        forgery.contents[f"{target}/{name}"] = forgery.contents[f"{source}/{name}"]


def faster(text: str) -> str:
    """The figures of a text 1.3 times as high, times as low; counts and indices stay."""

    def slower(match: re.Match[str]) -> str:
        return f"{match[1]}{float(match[2]) / 1.3:.6g}"

    def quicker(match: re.Match[str]) -> str:
        return f"{match[1]}{float(match[2]) * 1.3:.6g}"

    text = re.sub(r"((?:ave_latency|(?<!batchsize\.)mean)(?:\": | = |: |\())([0-9.]+)", slower, text)
    return re.sub(
        r"((?:Interface throughputRate|ave_throughputRate|\"throughput\")(?:\": | = |: ))([0-9.]+)", quicker, text
    )


@pytest.mark.parametrize("place", [DATASET, PURE])
def test_a_figure_higher_than_the_tool_said_is_named(place: int, contents: dict[str, bytes]) -> None:
    forgery = Forgery(contents)
    for run in runs_of(forgery, place):
        scale(run, 1.3)
    follow(forgery, place)
    folder = folder_of(runs_of(forgery, place)[4])
    assert_refused(forgery.outcome(), f"runs[4].images_per_second_per_chip, {folder}: ")


@pytest.mark.parametrize("place", [DATASET, PURE])
def test_samples_that_are_not_the_tools_are_named(place: int, contents: dict[str, bytes]) -> None:
    """By so little that the stated rate may still be theirs."""
    forgery = Forgery(contents)
    run = runs_of(forgery, place)[2]
    run["seconds_per_image"] = [seconds * 1.0005 for seconds in run["seconds_per_image"]]
    follow(forgery, place)
    outcome = forgery.outcome()
    assert_refused(outcome, f"device_throughput[{place}].runs[2].seconds_per_image[0]: ")
    assert f"from {folder_of(run)} (" in outcome.text


@pytest.mark.parametrize("place", [DATASET, PURE])
@pytest.mark.parametrize("altered", ["what it printed", "what it stored"])
def test_one_of_two_texts_of_a_run_altered_is_named(place: int, altered: str, contents: dict[str, bytes]) -> None:
    """Together with the record: the other text still says what was measured."""
    forgery = Forgery(contents)
    run = runs_of(forgery, place)[1]
    file = "stdout.txt" if altered == "what it printed" else STORED[run["tool"]]
    rewrite(forgery, f"{folder_of(run)}/{file}", faster)
    scale(run, 1.3)
    follow(forgery, place)
    outcome = forgery.outcome()
    assert_refused(outcome, f"runs[1]: {folder_of(run)}: ")
    assert "on the console" in outcome.text


@pytest.mark.parametrize("place", [DATASET, PURE])
def test_slow_runs_dropped_from_the_record_are_named(place: int, contents: dict[str, bytes]) -> None:
    forgery = Forgery(contents)
    dropped = runs_of(forgery, place)[1]
    del runs_of(forgery, place)[1:]
    follow(forgery, place)
    outcome = forgery.outcome()
    assert_refused(outcome, f"device_throughput[{place}].runs: 1 runs of a mode that is to be run 5 times")
    assert f"{folder_of(dropped)} is the log of a run that acceptance.json.device_throughput[{place}] leaves out" in (
        outcome.text
    )


@pytest.mark.parametrize("place", [DATASET, PURE])
def test_slow_runs_dropped_with_their_logs_are_named(place: int, contents: dict[str, bytes]) -> None:
    forgery = Forgery(contents)
    for run in runs_of(forgery, place)[1:]:
        for name in [name for name in forgery.contents if name.startswith(f"{folder_of(run)}/")]:
            del forgery.contents[name]
        forgery.record["commands"] = [
            command for command in forgery.record["commands"] if command["folder"] != folder_of(run)
        ]
    del runs_of(forgery, place)[1:]
    follow(forgery, place)
    assert_refused(forgery.outcome(), "1 runs of a mode that is to be run 5 times")


@pytest.mark.parametrize("place", [DATASET, PURE])
def test_a_run_without_its_log_is_named(place: int, contents: dict[str, bytes]) -> None:
    for file in ("stdout.txt", STORED[runs_of(Forgery(contents), place)[0]["tool"]]):
        forgery = Forgery(contents)
        missing = f"{folder_of(runs_of(forgery, place)[3])}/{file}"
        del forgery.contents[missing]
        assert_refused(forgery.outcome(), f"runs[3]: {folder_of(runs_of(forgery, place)[3])}: {missing} is missing")


@pytest.mark.parametrize("place", [DATASET, PURE])
def test_one_run_recorded_twice_is_named(place: int, contents: dict[str, bytes]) -> None:
    """The quickest in the place of a slow one, in the record and in the logs."""
    forgery = Forgery(contents)
    first, second = runs_of(forgery, place)[:2]
    files = ("command.txt", "stdout.txt", "stderr.txt", STORED[first["tool"]])
    copy_log(forgery, folder_of(first), folder_of(second), *files)
    number = second["run"]
    second.update(first, run=number)
    for command in forgery.record["commands"]:
        if command["folder"] == folder_of(second):
            command["argv"] = forgery.contents[f"{folder_of(first)}/command.txt"].decode().split("\n")[1:-1]
    follow(forgery, place)
    assert_refused(forgery.outcome(), f"{folder_of(second)} is the log of {folder_of(first).rpartition('/')[2]} again")


@pytest.mark.parametrize("place", [DATASET, PURE])
def test_another_run_of_the_same_texts_is_named(place: int, contents: dict[str, bytes]) -> None:
    """No two runs on a device take the same times to the last digit: a copy under the other's command."""
    forgery = Forgery(contents)
    first, second = runs_of(forgery, place)[:2]
    copy_log(forgery, folder_of(first), folder_of(second), "stdout.txt", STORED[first["tool"]])
    number = second["run"]
    second.update(first, run=number)
    follow(forgery, place)
    assert_refused(forgery.outcome(), f"{folder_of(second)} says what {folder_of(first).rpartition('/')[2]} has said")


def fewer_rounds(text: str) -> str:
    """Twenty of thirty rounds."""
    return re.sub(r"\[INFO\] Dataset number: 2\d finished cost \S+\n", "", text)


def test_fewer_rounds_than_asked_for_are_named(contents: dict[str, bytes]) -> None:
    forgery = Forgery(contents)
    run = runs_of(forgery, PURE)[0]
    folder = folder_of(run)
    if run["tool"] == "benchmark":
        rewrite(forgery, f"{folder}/stdout.txt", fewer_rounds)
        assert_refused(forgery.outcome(), f"runs[0]: {folder}: benchmark tells of 20 rounds, the last numbered 19")
        return
    rewrite(forgery, f"{folder}/summary.json", lambda text: text.replace('"count": 1000', '"count": 1'))
    assert_refused(forgery.outcome(), f"runs[0]: {folder}: in the summary ais_bench executed 1 times instead of 1000")


def test_as_many_runs_are_asked_for_as_the_mode_has(contents: dict[str, bytes]) -> None:
    """Batch 4 by pure inference, batch 16 over the data set."""
    for mode, place in (("dataset", DATASET), ("pure", PURE)):
        forgery = Forgery(contents)
        forgery.spec["om"]["throughput_runs"][mode] = 7
        said = f"device_throughput[{place}].runs: 5 runs of a mode that is to be run 7 times ({mode})"
        outcome = forgery.outcome()
        assert_refused(outcome, said)
        assert outcome.text.count("runs of a mode") == 1


def test_the_mode_is_that_of_the_figure_that_was_published_for_the_chip(contents: dict[str, bytes]) -> None:
    forgery = Forgery(contents)
    chip = next(entry for entry in forgery.spec["devices"] if entry["soc"] == "Ascend310")
    next(entry for entry in chip["throughput"] if entry["batch"] == 4)["mode"] = "dataset"
    forgery.spec["om"]["throughput_runs"]["dataset"] = 7
    said = f"device_throughput[{PURE}].runs: 5 runs of a mode that is to be run 7 times (dataset)"
    assert_refused(forgery.outcome(), said)


def test_a_log_that_is_left_out_may_lie_deep_in_its_folder(contents: dict[str, bytes]) -> None:
    forgery = Forgery(contents)
    forgery.contents["logs/perf-bs16/run-9-device0/deep/kept.txt"] = b""
    assert_refused(forgery.outcome(), "logs/perf-bs16/run-9-device0 is the log of a run that ")


def test_bytes_that_are_no_text_beside_the_figures_do_not_matter(contents: dict[str, bytes]) -> None:
    forgery = Forgery(contents)
    name = f"{folder_of(runs_of(forgery, DATASET)[0])}/stdout.txt"
    forgery.contents[name] = b"\xff\xfe\n" + forgery.contents[name]
    assert forgery.outcome().word is Word.ACCEPTED


def test_a_summary_that_is_no_json_is_named(contents: dict[str, bytes]) -> None:
    forgery = Forgery(contents)
    run = runs_of(forgery, PURE)[0]
    name = f"{folder_of(run)}/{STORED[run['tool']]}"
    rewrite(forgery, name, lambda text: text[: len(text) // 2])
    assert_refused(forgery.outcome(), f"runs[0]: {folder_of(run)}: ")


def test_what_another_log_holds_beside_the_streams_is_no_run(contents: dict[str, bytes]) -> None:
    """Tables of npu-smi lie in the same folder."""
    assert any(name.startswith("logs/perf-bs16/npu-smi-before-1") for name in contents)
    assert Forgery(contents).outcome().word is Word.ACCEPTED


@pytest.mark.parametrize(
    ("published", "asked"),
    [({}, "6 times (pure)"), ({"mode": "dataset"}, "4 times (dataset)")],
    ids=["the guide's mode", "the published figure's mode"],
)
def test_each_mode_is_run_as_often_as_the_spec_asks_for_it(
    published: dict[str, str], asked: str, contents: dict[str, bytes]
) -> None:
    forgery = Forgery(contents)
    forgery.spec["om"]["throughput_runs"] = {"dataset": 4, "pure": 6}
    for device in forgery.spec["devices"]:
        for figure in device["throughput"]:
            figure.update(published if figure["batch"] == 4 else {})
    bundle = read_bundle("forged", forgery.sealed())
    for recorded in bundle.record.device_throughput:
        check_perf_logs(bundle, f"bs{recorded.batch}", recorded)
    assert bundle.problems == [
        f"bs4.runs: 5 runs of a mode that is to be run {asked}",
        "bs16.runs: 5 runs of a mode that is to be run 4 times (dataset)",
    ]


def test_a_log_is_that_of_a_run_however_deep_it_lies(contents: dict[str, bytes]) -> None:
    forgery = Forgery(contents)
    forgery.contents["logs/perf-bs4/pure-9/below/stdout.txt"] = b""
    assert_refused(forgery.outcome(), "logs/perf-bs4/pure-9 is the log of a run that acceptance.json.device_throughput")


def test_bytes_that_are_no_text_are_read_past(contents: dict[str, bytes]) -> None:
    forgery = Forgery(contents)
    for run in runs_of(forgery, PURE):
        forgery.contents[f"{folder_of(run)}/stdout.txt"] += b"\xff\n"
    assert forgery.outcome().word is Word.ACCEPTED, forgery.outcome().text


@pytest.mark.parametrize("place", [DATASET, PURE])
@pytest.mark.parametrize("images", [0, -5])
def test_a_run_over_no_image_is_named(place: int, images: int, contents: dict[str, bytes]) -> None:
    """Before anything is divided by it."""
    forgery = Forgery(contents)
    runs_of(forgery, place)[2]["images"] = images
    assert_refused(forgery.outcome(), f"device_throughput[{place}].runs: a run over fewer than one image")


def test_a_run_over_the_data_set_saw_images_and_was_made_by_a_known_tool(contents: dict[str, bytes]) -> None:
    forgery = Forgery(contents)
    unseen, other = runs_of(forgery, DATASET)[1:3]
    unseen["images"], other["tool"] = None, "atc"
    bundle = read_bundle("forged", forgery.sealed())
    check_perf_logs(bundle, "bs16", bundle.record.device_throughput[DATASET])
    assert bundle.problems == [
        f"bs16.runs[1]: {folder_of(unseen)}: a run over the data set that saw no image",
        "bs16.runs[2].tool: 'atc' is no inference tool",
    ]
