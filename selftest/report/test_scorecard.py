"""One page over many bundles: rows, runs made of jobs, what changed, and what a release asks for."""

from __future__ import annotations

import csv
import dataclasses
import errno
import functools
import html
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from selftest.messages.extract import english
from selftest.report.page import Page
from selftest.report.scorecards import PLAIN, Card, altered, port_file, write_card
from selftest.report.test_html_validity import parse_strictly
from tools import scorecard
from tools.base.cli import run
from tools.base.files import ROOT
from tools.catalogue import rows as ports
from tools.evidence.aside import set_aside
from tools.evidence.record_file import read_acceptance
from tools.judge.results import Word
from tools.judge.spec import Spec
from tools.report.scorecard import page as page_module
from tools.report.scorecard import runs as runs_module
from tools.report.scorecard.changes import Direction, changes_between
from tools.report.scorecard.found import bundle_folders
from tools.report.scorecard.plots import plots
from tools.report.scorecard.reading import Reading, read
from tools.report.scorecard.runs import Runs, judge_all

replace = dataclasses.replace
ON_P3 = replace(PLAIN, soc="Ascend310P3")
FILES_AND_ACCURACY = ("checkpoint", "onnx", "preprocessing", "om", "accuracy")
HOSTILE = "=1+\"'</script><script>alert(1)</script><img src=x onerror=alert(2)>|[a](javascript:alert(3)) \u202e\x1b[31m"
CARDS = {
    "first": Card(),
    "second": Card(day=2, world=replace(PLAIN, rate_over_published=1.085)),  # 1.4 % slower, at 1 % noise
    "slow": Card(day=3, world=replace(PLAIN, rate_over_published=0.8)),
    "quicker": Card(day=4, cann="9.1", world=replace(PLAIN, rate_over_published=1.2)),
    "wrong": Card(day=4, cann="9.1", wrong=12),
    "p3": Card("resnet50", world=ON_P3),
    "simulated": Card(day=9, world=replace(PLAIN, on_device=False)),
    "sample": Card(day=9, world=replace(PLAIN, kind="sample")),
    "accuracy": Card("jobs", day=1, world=replace(PLAIN, stages=FILES_AND_ACCURACY)),
    "perf": Card("jobs", day=2, world=replace(PLAIN, stages=("perf",))),
    "slow perf": Card("jobs", day=2, world=replace(PLAIN, stages=("perf",), rate_over_published=0.8)),
    "perf again": Card("jobs", day=3, world=replace(PLAIN, stages=("perf",))),
    "perf of another CANN": Card("jobs", cann="9.1", day=2, world=replace(PLAIN, stages=("perf",))),
    "unbelievable": Card("fast", world=replace(PLAIN, rate_over_published=9.0)),
    "underscores": Card("a_b.c_d"),
    "hostile": Card("hostile", cann=HOSTILE),
    "unpinned": Card(day=5, world=replace(PLAIN, pinned=False)),
    "cut short": Card(day=6, world=replace(PLAIN, stages=FILES_AND_ACCURACY, interrupted="Ctrl-C")),
    "untold": Card(day=7, cann="", world=replace(PLAIN, rate_over_published=0.8)),
    "images missing": Card(day=7, world=replace(PLAIN, stages=("checkpoint", "preprocessing"), missing_images=1)),
}
Bundles = Callable[..., list[Path]]


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Bundles:
    """The bundles of some of CARDS, each made once; `pages` gives them their reports."""
    place = tmp_path_factory.mktemp("cards")

    @functools.cache
    def one(name: str, pages: bool) -> Path:
        return write_card(place / f"{name.replace(' ', '-')}-{pages}", CARDS[name], pages=pages)

    return lambda *names, pages=False: [one(name, pages) for name in names]


@pytest.fixture(scope="module", autouse=True)
def judged_once() -> Iterator[None]:
    """What the judge makes of a bundle is the same in every test."""
    known: dict[object, Reading] = {}

    def remembered(folders: tuple[Path, ...], ports: Mapping[str, Spec]) -> Reading:
        key = folders, tuple((name, id(ports[name])) for name in ports)
        found = known.setdefault(key, known.get(key) or read(folders, ports))
        kept.append(ports)
        return found

    kept: list[object] = []  # so that no other spec gets the id of one that is gone
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs_module, "read", remembered)
        yield


def judged(folders: list[Path]) -> Runs:
    """The runs of bundles."""
    return judge_all(folders, {}, jobs=1)


@dataclass(frozen=True)
class Done:
    """What the command left: exit status, both streams, its rows, and where it wrote."""

    status: int
    out: str
    err: str
    place: Path

    @property
    def rows(self) -> list[dict[str, str]]:
        """The lines of the CSV file by column."""
        return list(csv.DictReader(io.StringIO((self.place / "scorecard.csv").read_text(encoding="utf-8"))))

    def read(self, name: str) -> str:
        """A file that it wrote."""
        return (self.place / name).read_text(encoding="utf-8")


Command = Callable[..., Done]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run tools/scorecard.py in this process, by default without a page."""

    def call(*words: object, page: bool = False) -> Done:
        place = tmp_path / "out"
        fixed = ["--out", str(place), "--jobs", "1", *([] if page else ["--no-html"])]
        monkeypatch.setattr(sys, "argv", ["scorecard.py", *map(str, words), *fixed])
        status = run(scorecard.main)
        out, err = capsys.readouterr()
        return Done(status, out, err, place)

    return call


def links_of(done: Done) -> list[str]:
    """Where the page leads to, but to itself."""
    links = Page(done.place / "scorecard.html").attributes("a", "href")
    return [link for link in links if not link.startswith("#")]


def words_of(rows: list[dict[str, str]]) -> list[tuple[str, str, str]]:
    return [(row["port"], row["chip"], row["verdict"]) for row in rows]


# --- Rows ----------------------------------------------------------------------------------------------------------


def test_a_row_holds_what_the_bundle_proves(bundles: Bundles, command: Command) -> None:
    (folder,) = bundles("first")
    done = command(folder)
    (row,) = done.rows
    record = read_acceptance(folder)
    best = max(record.device_throughput, key=lambda entry: entry.images_per_second_per_chip)
    om = next(variant for variant in record.variants if variant.name == "om_bs1")
    assert done.status == 0
    assert (row["port"], row["chip"], row["verdict"]) == ("alexnet", "Ascend310", "ACCEPTED")
    assert float(row["om_top1_percent"]) == om.accuracy[0].percent
    assert float(row["top1_drop_pp"]) == om.losses[0].drop_pp
    assert float(row["top1_drop_high_pp"]) == om.losses[0].interval_pp.high
    assert float(row["best_batch"]) == best.batch
    assert float(row["images_per_second_per_chip"]) == best.images_per_second_per_chip
    assert float(row["images_per_second_per_card"]) == 4 * best.images_per_second_per_chip
    assert best.published_images_per_second_per_chip is not None
    share = 100 * best.images_per_second_per_chip / best.published_images_per_second_per_chip
    assert float(row["share_of_published_percent"]) == share
    assert float(row["ms_per_image"]) == 1000 / best.images_per_second_per_chip
    assert (row["finished_utc"], row["toolkit"]) == (record.finished_utc, "8.1")
    assert row["why"] == "judged by a port of one's own"
    assert f"| {best.images_per_second_per_chip:,.1f} |" in done.read("scorecard.md")


def test_the_newest_run_is_the_row_and_older_ones_the_trend(bundles: Bundles) -> None:
    runs = judged(bundles("slow", "first", "second", "p3"))
    assert [(str(place), len(found)) for place, found in runs.of_place.items()] == [
        ("alexnet on Ascend310", 3),
        ("resnet50 on Ascend310P3", 1),
    ]
    words = [reading.verdict.word for reading in next(iter(runs.of_place.values())) if reading.verdict]
    assert words == [Word.REJECTED, Word.ACCEPTED, Word.ACCEPTED]
    title, trend = plots(runs)["trend"]
    dates = trend["data"][0]["x"] if isinstance(trend["data"][0]["x"][0], str) else trend["data"][0]["x"][0]
    assert title.startswith("Trend")
    assert [date[:10] for date in dates] == ["2026-01-01", "2026-01-02", "2026-01-03"]


@pytest.mark.parametrize("weaker", ["simulated", "sample"])
def test_a_weaker_kind_of_run_takes_the_place_of_none_on_the_device(
    weaker: str, bundles: Bundles, command: Command
) -> None:
    rows = command(*bundles("first", weaker)).rows
    assert [row["verdict"] for row in rows if row["chip"] == "Ascend310" and "SAMPLE" not in row["verdict"]] == [
        "ACCEPTED"
    ]
    assert {row["verdict"] for row in rows} == {"ACCEPTED", weaker.upper()}


def test_a_made_sample_is_not_said_to_be_a_port_of_ones_own(bundles: Bundles, command: Command) -> None:
    rows = {row["verdict"]: row["why"] for row in command(*bundles("first", "sample")).rows}
    assert rows == {"ACCEPTED": "judged by a port of one's own", "SAMPLE": ""}


def test_a_simulators_throughput_is_no_headline(bundles: Bundles, command: Command) -> None:
    done = command(*bundles("simulated"), page=True)
    (row,) = done.rows
    assert (row["chip"], row["verdict"]) == ("Ascend310 (simulator)", "SIMULATED")
    figures = [row[name] for name in row if "per_second" in name or name in ("best_batch", "ms_per_image")]
    assert figures == [""] * 4
    assert row["no_throughput"] == "the simulator says nothing about a device's throughput"
    for name in ("scorecard.md", "scorecard.html"):
        assert "the simulator says nothing about a device" in done.read(name).replace("&#39;", "'")
    assert not any(name.startswith(("throughput", "utilisation")) for name in plots(judged(bundles("simulated"))))


def test_a_rate_that_no_chip_reaches_is_no_headline(bundles: Bundles, command: Command) -> None:
    (row,) = command(*bundles("unbelievable")).rows
    assert row["verdict"] == "REJECTED"
    assert (row["images_per_second_per_chip"], row["best_batch"]) == ("", "")
    assert row["no_throughput"] == "no figure: om.perf.plausible[bs1] speaks against it"


# --- Jobs, copies, links -------------------------------------------------------------------------------------------


def test_an_accuracy_and_a_perf_job_are_one_run(bundles: Bundles, command: Command) -> None:
    (row,) = command(*bundles("accuracy", "perf")).rows
    assert (row["verdict"], row["earlier_runs"]) == ("ACCEPTED", "0")
    assert "" not in (row["om_top1_percent"], row["images_per_second_per_chip"])
    assert len(row["bundles"].split(":")) == 2


def test_jobs_of_two_toolkits_are_two_runs_that_are_not_whole(bundles: Bundles, command: Command) -> None:
    rows = command(*bundles("accuracy", "perf of another CANN")).rows
    assert [(row["verdict"], row["toolkit"], row["earlier_runs"]) for row in rows] == [("INCOMPLETE", "9.1", "1")]


def test_a_job_that_was_repeated_leaves_its_first_answer_among_the_earlier_runs(bundles: Bundles) -> None:
    runs = judged(bundles("accuracy", "slow perf", "perf again"))
    ((_, found),) = runs.of_place.items()
    assert [reading.verdict.word for reading in found if reading.verdict] == [Word.ACCEPTED, Word.REJECTED]
    assert [len(reading.folders) for reading in found] == [2, 2]


def test_copies_links_and_unfinished_runs_add_nothing(bundles: Bundles, tmp_path: Path) -> None:
    (folder,) = bundles("first")
    place = tmp_path / "evidence"
    altered(folder, place / "run", lambda record: None)
    altered(folder, place / "deep" / "copy", lambda record: None)
    altered(folder, place / ".run.12.partial", lambda record: None)
    (place / "latest").symlink_to(place / "run", target_is_directory=True)
    found = bundle_folders([place, place / "run"])
    assert found == [place / "deep" / "copy", place / "run"]
    assert [len(of_place) for of_place in judged(found).of_place.values()] == [1]


@pytest.mark.parametrize("place", ["nowhere", "empty"])
def test_a_folder_without_bundles_is_refused(place: str, tmp_path: Path, command: Command) -> None:
    (tmp_path / "empty").mkdir()
    done = command(tmp_path / place)
    assert (done.status, done.out) == (2, "")
    assert f"error: {tmp_path / place}: no " in done.err


def test_a_folder_that_cannot_be_looked_into_is_refused(
    bundles: Bundles, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest run may lie there."""
    altered(bundles("first")[0], tmp_path / "set" / "run", lambda record: None)
    locked = tmp_path / "set" / "locked"
    locked.mkdir()
    scandir = os.scandir

    def look(place: Any) -> Any:  # noqa: ANN401 - as os.scandir
        if Path(place) == locked:
            raise PermissionError(errno.EACCES, "Permission denied", str(place))
        return scandir(place)

    monkeypatch.setattr(os, "scandir", look)
    done = command(tmp_path / "set")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith(f"error: {locked}: cannot look into this folder: Permission denied. Make it readable")


def test_folders_of_any_name_are_led_to(bundles: Bundles, tmp_path: Path, command: Command) -> None:
    """A file system takes any bytes but / and NUL."""
    (folder,) = bundles("first", pages=True)
    for name in (os.fsdecode(b"bytes\xff"), "n\nl", "a#b?c&d 'e\" <b>|](f"):
        shutil.copytree(folder, tmp_path / name / "run")
        done = command(tmp_path / name, page=True)
        (link,) = set(links_of(done))
        assert (done.place / unquote(link, errors="surrogateescape")).samefile(tmp_path / name / "run" / "report.html")
        assert f"({link})" in done.read("scorecard.md")


def test_a_scorecard_is_written_into_no_bundle(bundles: Bundles, tmp_path: Path, command: Command) -> None:
    altered(bundles("first")[0], tmp_path / "out", lambda record: None)
    done = command(tmp_path / "out")
    assert (done.status, "--out lies in a bundle" in done.err) == (2, True)
    assert command(*bundles("p3"), "--against", tmp_path / "out").status == 2
    assert not list((tmp_path / "out").glob("scorecard*"))


def test_two_networks_of_one_name_have_a_row_each(bundles: Bundles, tmp_path: Path, command: Command) -> None:
    other = write_card(tmp_path / "other", Card(day=5, source="torchvision:vgg11"))
    done = command(*bundles("slow"), other)
    found = {(row["verdict"], row["earlier_runs"], row["why"].rpartition("; ")[2]) for row in done.rows}
    said = "one of 2 networks of this name: torchvision"
    assert found == {("REJECTED", "0", f"{said}:alexnet"), ("ACCEPTED", "0", f"{said}:vgg11")}
    assert {change.detail for change in changes_between(judged(bundles("slow")), judged([other]))} == {
        "only in the old set",
        "only in the new set",
    }


# --- What does not verify ------------------------------------------------------------------------------------------


def claim(word: str) -> Callable[[dict[str, Any]], None]:
    return lambda record: record["verdict"].update(word=word, failed=[])


def test_a_forged_bundle_is_a_row_that_says_so(bundles: Bundles, tmp_path: Path, command: Command) -> None:
    (slow,) = bundles("slow")
    forged = altered(slow, tmp_path / "forged", claim("ACCEPTED"))
    done = command(*bundles("first"), forged, page=True)
    assert words_of(done.rows) == [
        ("alexnet", "Ascend310", "NOT VERIFIED"),
        ("alexnet", "Ascend310", "ACCEPTED"),
    ]
    row = done.rows[0]
    assert "verdict" in row["why"]
    assert [row[name] for name in ("om_top1_percent", "images_per_second_per_chip", "finished_utc")] == ["", "", ""]
    assert f"not verified: {forged}: " in done.out
    badges = [str(found["class"]) for tag, found in Page(done.place / "scorecard.html").tags if tag == "span"]
    assert "badge not-verified" in badges


@pytest.mark.parametrize("content", [b"", b"[" * 100_000, b'{"spec": 3, "machine": []}', b"\xff"])
def test_a_bundle_that_cannot_be_read_is_a_row_of_no_port(
    content: bytes, bundles: Bundles, tmp_path: Path, command: Command
) -> None:
    altered(bundles("first")[0], tmp_path / "odd", lambda record: None)
    (tmp_path / "odd" / "acceptance.json").write_bytes(content)
    done = command(tmp_path / "odd")
    assert (done.status, words_of(done.rows)) == (0, [("", "", "NOT VERIFIED")])


def test_a_refused_bundle_has_no_link_to_a_page_that_nobody_vouches_for(
    bundles: Bundles, tmp_path: Path, command: Command
) -> None:
    (folder,) = bundles("first", pages=True)
    altered(folder, tmp_path / "forged", claim("REJECTED"))
    done = command(tmp_path / "forged", page=True)
    assert links_of(done) == []
    assert "report.html)" not in done.read("scorecard.md")


# --- Ports that left no evidence -----------------------------------------------------------------------------------


def asked_ports(place: Path) -> None:
    """The table of a command that was interrupted at its fourth port; alexnet has a bundle of an earlier day."""
    told = [
        ports.Row("alexnet", "alexnet.yaml", ports.State.DIED, 2, said="it was ended by SIGSEGV", log="alexnet/log"),
        ports.Row("odd", "odd.yaml", ports.State.REFUSED, 2, said=HOSTILE),
        ports.Row("kept", "kept.yaml", ports.State.KEPT, 0, answer="ACCEPTED", evidence="kept/evidence"),
        ports.Row("late", "late.yaml", ports.State.WAITING),
        ports.Row("../out", "out.yaml", ports.State.DIED, 2, said="it died"),
        ports.Row("since", "since.yaml", ports.State.DIED, 2, said="it died"),
    ]
    ports.write_table(told, place, interrupted=True)


def test_a_port_that_left_no_bundle_is_a_row_beside_its_older_run(
    bundles: Bundles, tmp_path: Path, command: Command
) -> None:
    altered(bundles("first")[0], tmp_path / "set" / "alexnet" / "evidence.earlier-1", lambda record: None)
    altered(bundles("p3")[0], tmp_path / "set" / "since" / "evidence", lambda record: None)
    asked_ports(tmp_path / "set")
    os.mkfifo(tmp_path / "set" / "since" / "ports.json")  # which nobody writes into: to read it would never end
    done = command(tmp_path / "set")
    assert [(row["port"], row["verdict"]) for row in done.rows] == [
        ("../out", "NO EVIDENCE"),
        ("alexnet", "NO EVIDENCE"),
        ("alexnet", "ACCEPTED"),
        ("late", "NO EVIDENCE"),
        ("odd", "NO EVIDENCE"),
        ("resnet50", "ACCEPTED"),
    ]
    assert done.rows[1]["why"].startswith("it was ended by SIGSEGV; says ports.json, written 20")
    assert [done.rows[1][name] for name in ("om_top1_percent", "images_per_second_per_chip", "chip")] == ["", "", ""]
    assert "6 rows: 2 ACCEPTED, 4 NO EVIDENCE\nno evidence: ../out: it died\n" in done.out
    assert "no evidence: late: it was not come to yet\n" in done.out
    assert "\x1b" not in done.out


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 100_000, b"\xff", b'{"schema": 1, "rows": 3}'])
def test_a_table_of_ports_that_cannot_be_read_is_said_and_hides_no_bundle(
    content: bytes, bundles: Bundles, tmp_path: Path, command: Command
) -> None:
    altered(bundles("first")[0], tmp_path / "run", lambda record: None)
    (tmp_path / "ports.json").write_bytes(content)
    done = command(tmp_path)
    assert [(row["port"], row["verdict"]) for row in done.rows] == [("", "NO EVIDENCE"), ("alexnet", "ACCEPTED")]
    assert f"no evidence: (no port): {tmp_path}/ports.json is no table of ports: " in done.out


def test_each_row_leads_to_its_report(bundles: Bundles, command: Command) -> None:
    (folder,) = bundles("first", pages=True)
    done = command(folder, page=True)
    (link,) = links_of(done)
    assert (done.place / link).resolve() == folder / "report.html"
    assert f"[ACCEPTED]({link})" in done.read("scorecard.md")


@pytest.mark.usefixtures("no_libraries")
def test_a_long_name_breaks_behind_its_underscores_and_is_found_as_a_whole(bundles: Bundles, command: Command) -> None:
    page = command(*bundles("underscores"), page=True).read("scorecard.html")
    assert re.findall('<th scope="row".*</th>', page) == [
        '<th scope="row" data-search="a_b.c_d" data-order="a_b.c_d">a_<wbr>b.c_<wbr>d</th>'
    ]


# --- Hostile texts -------------------------------------------------------------------------------------------------


@pytest.fixture
def no_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages without five megabytes of scripts, which a parser in Python takes half a minute to read."""
    monkeypatch.setattr(scorecard, "read_scripts", lambda: page_module.Scripts("plotly()", "tables()", "p {}"))


@pytest.mark.usefixtures("no_libraries")
def test_no_text_of_a_bundle_is_markup_script_or_formula(bundles: Bundles, tmp_path: Path, command: Command) -> None:
    def change(record: dict[str, Any]) -> None:
        record["spec"]["port"] = record["machine"]["soc"] = HOSTILE[:80]

    forged = altered(bundles("first")[0], tmp_path / "forged", change)
    done = command(*bundles("hostile"), forged, "--against", *bundles("hostile"), forged, page=True)
    page = Page(done.place / "scorecard.html")
    parse_strictly(page.source)
    assert page.attributes("img", "src") == []
    assert [found for _, found in page.tags if any(name.startswith("on") for name in found)] == []
    executed = [found for tag, found in page.tags if tag == "script" and found.get("type") != "application/json"]
    assert executed == [{"type": "text/plain", "id": "plotly"}, {"type": "module"}]
    assert "<script>alert(1)" in page.text
    assert "\x1b" not in page.source
    cells = [cell for row in done.rows for cell in row.values() if "alert" in cell]
    assert cells
    assert not any(cell.startswith(("=", "+", "@")) for cell in cells)
    assert "<script" not in done.read("scorecard.md").replace("\\<script", "")
    assert all(line.isprintable() for line in done.out.splitlines())


def test_the_page_runs_its_libraries_and_asks_nobody(bundles: Bundles, command: Command) -> None:
    done = command(*bundles("first", "p3"), page=True)
    source = done.read("scorecard.html")
    page = Page(done.place / "scorecard.html")
    scripts = page_module.read_scripts()
    for script in (scripts.plotly, scripts.tables):
        assert source.count(f">{script}</script>") == 1
        assert re.search(r"<(!--|/?script)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", script, re.IGNORECASE) is None
    (policy,) = [found["content"] for tag, found in page.tags if tag == "meta" and "http-equiv" in found]
    assert policy == scripts.policy
    assert "'unsafe-inline'" not in str(policy).partition("style-src")[0]
    assert "http" not in str(policy)
    places = [(tag, name) for tag in ("script", "link", "img", "iframe") for name in ("src", "href")]
    assert [found for tag, name in places for found in page.attributes(tag, name)] == ["data:,"]


@pytest.mark.parametrize("missing", ["plotly", "itables"])
def test_a_library_that_is_missing_is_one_clear_line(
    missing: str, bundles: Bundles, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "find_spec", lambda name: None if name == missing else name)
    done = command(*bundles("first"), page=True)
    assert (done.status, done.out, done.place.exists()) == (2, "", False)
    assert done.err.startswith(f"error: the page needs {missing} (")
    assert "pip install -e '.[scorecard]'" in done.err
    assert command(*bundles("first")).status == 0


# --- Plots ---------------------------------------------------------------------------------------------------------


def test_plots_show_what_the_rows_say(bundles: Bundles) -> None:
    runs = judged(bundles("first", "p3"))
    found = plots(runs)
    assert [title for title, _ in found.values()][:2] == [
        f"Throughput by batch size on {chip}, images/s per chip" for chip in ("Ascend310", "Ascend310P3")
    ]
    record = read_acceptance(bundles("first")[0])
    (line,) = found["throughput-0"][1]["data"]
    rates = [round(entry.images_per_second_per_chip, 2) for entry in record.device_throughput]
    assert (line["name"], line["x"], line["y"]) == ("alexnet", [1, 4], rates)
    loss = record.variants[-1].losses[0]
    whiskers = found["drop"][1]["data"][0]
    assert (whiskers["x"], whiskers["orientation"]) == ([loss.drop_pp], "h")
    assert whiskers["error_x"]["array"] == [round(loss.interval_pp.high - loss.drop_pp, 4)]
    bar = found["utilisation"][1]["data"][0]
    figures = next(iter(runs.newest.values())).figures
    assert figures is not None
    assert figures.flops_per_image is not None
    assert bar["x"] == [round(100 * rates[-1] * figures.flops_per_image / 11e12, 2)]
    for _, figure in found.values():
        assert page_module.checked(figure)["layout"]


# --- Two sets ------------------------------------------------------------------------------------------------------


def moved(old: list[Path], new: list[Path]) -> dict[str, Direction]:
    return {change.figure: change.direction for change in changes_between(judged(old), judged(new))}


RATES = ["images/s per chip, bs 1", "images/s per chip, bs 4"]


@pytest.mark.parametrize(("old", "new"), [("first", "second"), ("second", "first")])
def test_what_noise_explains_is_no_change(old: str, new: str, bundles: Bundles) -> None:
    found = moved(bundles(old), bundles(new))
    figures = [*RATES, "OM Top-1, bs 1 4", "OM Top-5, bs 1 4"]
    assert found == dict.fromkeys(figures, Direction.UNCHANGED)


@pytest.mark.parametrize(("old", "new", "way"), [("first", "quicker", "BETTER"), ("quicker", "first", "WORSE")])
def test_throughput_beyond_noise_in_both_directions(old: str, new: str, way: str, bundles: Bundles) -> None:
    found = moved(bundles(old), bundles(new))
    assert [found[name] for name in RATES] == [Direction(way)] * 2
    assert found["OM Top-1, bs 1 4"] is Direction.UNCHANGED


@pytest.mark.parametrize(("old", "new", "way"), [("first", "wrong", "WORSE"), ("wrong", "first", "BETTER")])
def test_accuracy_beyond_noise_in_both_directions(old: str, new: str, way: str, bundles: Bundles) -> None:
    changes = changes_between(judged(bundles(old)), judged(bundles(new)))
    top1 = next(change for change in changes if change.figure == "OM Top-1, bs 1 4")
    lost = "12 images lost and 0 gained" if way == "WORSE" else "0 images lost and 12 gained"
    assert (top1.direction, top1.detail.endswith(lost)) == (Direction(way), True)
    verdict = next(change for change in changes if change.figure == "verdict")
    assert verdict.direction is Direction(way)


@pytest.mark.parametrize(
    ("old", "new", "way"),
    [
        ("unpinned", "cut short", "WORSE"),
        ("cut short", "unpinned", "BETTER"),
        ("first", "unpinned", "WORSE"),
        ("slow", "cut short", "NOT COMPARED"),
        ("cut short", "slow", "NOT COMPARED"),
    ],
)
def test_a_word_is_better_than_weaker_ones_alone(old: str, new: str, way: str, bundles: Bundles) -> None:
    assert moved(bundles(old), bundles(new))["verdict"] is Direction(way)


def test_a_loss_that_chance_explains_is_no_change(bundles: Bundles, tmp_path: Path) -> None:
    few = write_card(tmp_path / "few", Card(day=5, wrong=3))
    assert moved(bundles("first"), [few])["OM Top-1, bs 1 4"] is Direction.UNCHANGED


def test_what_cannot_be_compared_says_why(bundles: Bundles, tmp_path: Path) -> None:
    others = replace(PLAIN, images=59, runs=3, busy=("device 0 (NPU 1 chip 0): AI core at 40 %",))
    other = write_card(tmp_path / "other", Card(day=5, world=others))
    changes = changes_between(judged(bundles("first", "p3")), judged([other]))
    silent = {change.figure: change.detail for change in changes if change.direction is Direction.NOT_COMPARED}
    assert silent["accuracy"] == "other images or labels"
    assert silent["run"] == "only in the old set"
    assert silent[RATES[0]] == "only in the old set"  # a busy device's rate is no figure


def test_changes_stand_on_the_page_and_in_markdown(bundles: Bundles, command: Command) -> None:
    done = command(*bundles("quicker"), "--against", *bundles("first"), page=True)
    assert "changes: 2 BETTER, 0 WORSE, 2 UNCHANGED, 0 NOT COMPARED" in done.out
    assert "2 figures within noise." in done.read("scorecard.md")
    assert "BETTER" in Page(done.place / "scorecard.html").text


def test_the_scorecard_speaks_chinese_and_its_data_stay_as_they_are(
    bundles: Bundles, command: Command, tmp_path: Path
) -> None:
    names = ("quicker", "slow", "first", "p3", "simulated", "sample", "accuracy", "unbelievable")
    forged = altered(bundles("first")[0], tmp_path / "forged", claim("REJECTED"))
    asked = (*bundles(*names), forged, "--against", *bundles("first", "perf"))
    plain = command(*asked)
    data, word = plain.read("scorecard.csv"), plain.out
    done = command(*asked, "--lang=zh", page=True)
    source = done.read("scorecard.html")
    assert done.read("scorecard.csv") == data
    assert done.out != word
    shown = re.sub(r"<(script|style)\b.*?</\1>", "", source, flags=re.DOTALL)
    pieces = html.unescape(re.sub(r"<[^>]*>", "\n", shown)).splitlines()
    plotted = [text for found in re.findall(r'-data">(.*?)</script>', source) for text in texts_of(json.loads(found))]
    assert "最佳 batch" in pieces
    assert {"允许", "Top-1 下降"} <= set(plotted)
    cells = [cell for line in done.read("scorecard.md").splitlines() for cell in line.split("|")]
    lines = [*pieces, *plotted, *cells, *done.out.splitlines()]
    assert [line for line in lines if english(line.replace("alexnet on Ascend310", ""))] == []
    scripts = page_module.read_scripts()
    assert f">{scripts.plotly}</script>" in source
    assert f">{scripts.tables}</script>" in source


def texts_of(part: object) -> list[str]:
    """Every text of a figure."""
    below = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return [part] if isinstance(part, str) else [text for one in below for text in texts_of(one)]


# --- A release -----------------------------------------------------------------------------------------------------


@pytest.fixture
def release(command: Command, tmp_path: Path) -> Callable[..., Done]:
    """Ask for a release of some lines over some bundles."""

    def call(lines: list[str], folders: list[Path], *more: object, toolkit: str = "8.1") -> Done:
        path = tmp_path / "ports.txt"
        path.write_text("# the release\n" + "\n".join(lines) + "\n", encoding="utf-8")
        return command(*folders, "--require", path, "--toolkit", toolkit, *more)

    return call


Release = Callable[..., Done]


def test_a_release_of_accepted_ports_holds(bundles: Bundles, release: Release) -> None:
    first, p3 = bundles("first", "p3")
    done = release([f"{port_file(first)} Ascend310  # by its own file", str(port_file(p3))], [first, p3])
    assert (done.status, done.out.splitlines()[-1]) == (0, "RELEASE: HELD (2 ports, toolkit 8.1)")


@pytest.mark.parametrize(
    ("names", "chip", "toolkit", "problem"),
    [
        ((), "", "8.1", "alexnet: no bundle of toolkit 8.1 on a device; there is none of any"),
        (("simulated",), "", "8.1", "no bundle of toolkit 8.1 on a device; there is alexnet on Ascend310 (simulator)"),
        (("sample",), "", "8.1", "no bundle of toolkit 8.1 on a device; there is alexnet on Ascend310 (sample)"),
        (("first",), "", "9.1", "alexnet: no bundle of toolkit 9.1 on a device; there is alexnet on Ascend310: "),
        (("first",), "Ascend310P3", "8.1", "alexnet on Ascend310P3: no bundle of toolkit 8.1 on a device"),
        (("first", "slow"), "", "8.1", "alexnet on Ascend310: REJECTED, not ACCEPTED ("),
    ],
)
def test_a_port_that_may_not_be_released_is_named(
    names: tuple[str, ...], chip: str, toolkit: str, problem: str, bundles: Bundles, release: Release
) -> None:
    line = f"{port_file(bundles('first')[0])} {chip}"
    done = release([line], bundles("p3", *names), toolkit=toolkit)
    assert done.status == 1
    assert problem in done.out
    assert done.out.splitlines()[-1] == f"RELEASE: REFUSED - 1 problems (1 ports, toolkit {toolkit})"


def test_an_older_toolkits_run_counts_for_its_own_toolkit(bundles: Bundles, release: Release) -> None:
    line = str(port_file(bundles("first")[0]))
    folders = bundles("first", "wrong")
    assert release([line], folders).status == 0
    done = release([line], folders, toolkit="9.1")
    assert (done.status, "alexnet on Ascend310: REJECTED" in done.out) == (1, True)


def test_a_port_is_judged_by_the_policy_of_the_list_and_not_by_its_own(
    bundles: Bundles, release: Release, tmp_path: Path
) -> None:
    first = bundles("first")
    loose = port_file(first[0]).read_text(encoding="utf-8")
    strict = tmp_path / "strict.yaml"
    strict.write_text(loose.replace("at_most: 30.0", "at_most: 5.0").replace("at_most: 20.0", "at_most: 0.1"))
    done = release([str(strict)], first)
    assert done.status == 1
    assert "alexnet on Ascend310: INCOMPLETE, not ACCEPTED" in done.out
    assert "om.accuracy.top1_drop_pp[bs1 4]" in done.out


def test_the_suites_port_is_asked_for_by_its_name(bundles: Bundles, release: Release) -> None:
    done = release(["alexnet"], bundles("first"))
    assert (done.status, "alexnet on Ascend310: INCOMPLETE" in done.out or "REJECTED" in done.out) == (1, True)


def test_what_was_lost_against_the_earlier_set_is_held_against_the_policy(
    bundles: Bundles, release: Release, tmp_path: Path
) -> None:
    first, quicker = bundles("first"), bundles("quicker")
    line = [str(port_file(first[0]))]
    lost = release(line, first, "--against", *quicker)
    assert lost.status == 1
    assert "alexnet on Ascend310: more lost than its policy allows: bs1 dataset: lost 8." in lost.out
    assert release(line, quicker, "--against", *first, toolkit="9.1").status == 0
    other = write_card(tmp_path / "other", Card(day=1, world=replace(PLAIN, images=59)))
    assert release(line, first, "--against", other).status == 0  # what was not accepted can lose nothing


def test_what_cannot_be_compared_holds_no_release(bundles: Bundles, release: Release, tmp_path: Path) -> None:
    def change(record: dict[str, Any]) -> None:
        record["dataset"]["images_sha256"] = "1" * 64

    first = bundles("first")
    other = altered(first[0], tmp_path / "other", change)
    done = release([str(port_file(first[0]))], first, "--against", other)
    assert done.status == 1
    assert "alexnet on Ascend310: cannot be held against" in done.out
    assert "another data set" in done.out


def test_a_bundle_that_does_not_verify_holds_no_release(bundles: Bundles, release: Release, tmp_path: Path) -> None:
    first, p3 = bundles("first", "p3")
    forged = altered(bundles("slow")[0], tmp_path / "forged", claim("ACCEPTED"))
    done = release([str(port_file(first))], [first, forged])
    assert (done.status, f"alexnet: a bundle does not verify: {forged}: " in done.out) == (1, True)
    assert release([str(port_file(p3))], [p3, forged]).status == 0
    of_no_chip = altered(bundles("slow")[0], tmp_path / "of-no-chip", lambda record: record.update(machine=None))
    done = release([f"{port_file(first)} Ascend310"], [first, of_no_chip])
    assert (done.status, f"alexnet on Ascend310: a bundle does not verify: {of_no_chip}: " in done.out) == (1, True)
    renamed = altered(bundles("slow")[0], tmp_path / "renamed", lambda record: record["spec"].update(port="other"))
    done = release([str(port_file(first))], [first, renamed])
    assert (done.status, f"a bundle of no known port does not verify: {renamed}: " in done.out) == (1, True)
    (forged / "acceptance.json").write_bytes(b"")
    done = release([str(port_file(p3))], [p3, forged])
    assert (done.status, f"a bundle of no known port does not verify: {forged}: " in done.out) == (1, True)


def test_a_rejected_run_that_says_no_toolkit_may_be_of_this_one(bundles: Bundles, release: Release) -> None:
    line = [f"{port_file(bundles('first')[0])} Ascend310"]
    done = release(line, bundles("first", "untold"))
    assert (done.status, "alexnet on Ascend310: REJECTED, newer, and does not say its toolkit (" in done.out) == (
        1,
        True,
    )
    assert release(line, bundles("quicker", "untold"), toolkit="9.1").status == 1
    assert release(line, bundles("second", "simulated")).status == 0


def test_a_rejected_run_that_met_no_device_may_be_of_this_chip(
    bundles: Bundles, release: Release, tmp_path: Path
) -> None:
    line = [f"{port_file(bundles('first')[0])} Ascend310"]
    host = altered(bundles("images missing")[0], tmp_path / "host", lambda record: record.update(machine=None))
    done = release(line, [*bundles("first"), host])
    assert (done.status, "alexnet on no chip: REJECTED, newer, and does not say its chip (" in done.out) == (1, True)


def test_a_run_that_is_yet_to_come_holds_no_release(
    bundles: Bundles, release: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be the newest for ever, whatever the next ones say."""
    ahead = write_card(tmp_path / "ahead", Card(year=9998))
    done = release([str(port_file(ahead))], [ahead, *bundles("first")])
    assert (done.status, "it ended 9998-01-01T00:10:00+00:00, which is yet to come" in done.out) == (1, True)


def test_a_run_after_which_another_left_no_evidence_holds_no_release(
    bundles: Bundles, release: Release, command: Command, tmp_path: Path
) -> None:
    """As tools/accept_ports.py leaves a port whose later run crashed."""
    (first,) = bundles("first")
    line = [str(port_file(first))]
    shutil.copytree(first, tmp_path / "set" / "evidence")
    earlier = set_aside(tmp_path / "set" / "evidence")
    assert earlier is not None
    (row,) = command(tmp_path / "set").rows
    assert row["why"].startswith("a later run in its place left no evidence")
    done = release(line, [tmp_path / "set"])
    assert (done.status, f"a later run in its place left no evidence ({earlier}); run it again" in done.out) == (
        1,
        True,
    )
    shutil.copytree(bundles("second")[0], tmp_path / "set" / "evidence")
    assert release(line, [tmp_path / "set"]).status == 0


def test_of_two_runs_of_one_moment_the_worse_one_counts(bundles: Bundles, release: Release, tmp_path: Path) -> None:
    line = [str(port_file(bundles("slow")[0]))]
    for name in ("a", "z"):
        same = write_card(tmp_path / name, Card(day=3))
        assert release(line, [same, *bundles("slow")]).status == 1


def test_a_port_with_a_very_long_name_is_judged_by_the_list_too(release: Release, tmp_path: Path) -> None:
    folder = write_card(tmp_path / "long", Card("long" * 30))
    strict = tmp_path / "strict.yaml"
    strict.write_text(port_file(folder).read_text().replace("30.0", "5.0").replace("20.0", "0.1"))
    assert release([str(strict)], [folder]).status == 1


def test_an_earlier_set_against_which_nothing_was_held_is_no_green(
    bundles: Bundles, release: Release, tmp_path: Path
) -> None:
    line = [str(port_file(bundles("first")[0]))]
    done = release(line, bundles("first"), "--against", *bundles("p3"))
    assert (done.status, "--against has no bundle of a listed port" in done.out) == (1, True)
    old = altered(bundles("first")[0], tmp_path / "old", lambda record: record.update(schema=3))
    done = release(line, bundles("first"), "--against", old)
    assert (done.status, f"cannot be held against {old}, which does not verify: " in done.out) == (1, True)
    done = release(line, bundles("first"), "--against", *bundles("slow"))
    said = "RELEASE: HELD (1 ports, toolkit 8.1; 0 of 1 runs held against an accepted one of the earlier set)"
    assert (done.status, done.out.splitlines()[-1]) == (0, said)


def test_a_list_may_begin_with_a_byte_order_mark(bundles: Bundles, command: Command, tmp_path: Path) -> None:
    (tmp_path / "ports.txt").write_bytes(f"\ufeff{port_file(bundles('first')[0])}\r\n".encode())
    assert command(*bundles("first"), "--require", tmp_path / "ports.txt", "--toolkit", "8.1").status == 0


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "ports.txt: the list names no port"),
        (["no_such_port"], "ports.txt:2: there is no port of this name; found no_such_port"),
        (["./none.yaml"], "ports.txt:2: "),
        (["alexnet", "alexnet"], "ports.txt:3: alexnet stands on line 2 too"),
        (["alexnet", "alexnet Ascend310"], "ports.txt:3: alexnet on Ascend310 stands on line 2 too"),
        (["alexnet a b"], "ports.txt:2: more than a port and a chip"),
    ],
)
def test_a_list_that_is_none_is_refused(lines: list[str], said: str, bundles: Bundles, release: Release) -> None:
    done = release(lines, bundles("first"))
    assert (done.status, done.out) == (2, "")
    assert said in done.err


def test_a_release_names_its_toolkit(bundles: Bundles, command: Command, tmp_path: Path) -> None:
    (tmp_path / "ports.txt").write_text("alexnet\n", encoding="utf-8")
    done = command(*bundles("first"), "--require", tmp_path / "ports.txt")
    assert (done.status, done.place.exists()) == (2, False)
    assert "--require needs --toolkit" in done.err
    assert "8.1" in done.err


# --- The command ---------------------------------------------------------------------------------------------------


def test_the_command_judges_on_several_processes(bundles: Bundles, tmp_path: Path) -> None:
    program = [sys.executable, "tools/scorecard.py", *map(str, bundles("first", "p3")), "--out", str(tmp_path)]
    done = subprocess.run([*program, "--no-html", "--jobs", "2"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"2 rows: 2 ACCEPTED\nwrote {tmp_path}/scorecard.md\n"), done.stderr


BROWSERS = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")


def shown_in_browser(page: Path, profile: Path, height_px: int) -> str:
    """The page as Chromium has it when all that is due in a window of this height has run."""
    browser = next((path for path in BROWSERS if Path(path).exists()), None)
    if browser is None:
        pytest.skip("no Chromium on this machine")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
    options += [f"--window-size=1400,{height_px}", "--virtual-time-budget=9000", "--dump-dom"]
    words = [browser, *options, page.as_uri()]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=300).stdout


@pytest.mark.nightly
def test_a_browser_shows_tables_at_once_and_plots_where_they_come_onto_the_screen(
    bundles: Bundles, command: Command, tmp_path: Path
) -> None:
    done = command(*bundles("first", "second", "p3", "hostile"), "--against", *bundles("quicker"), page=True)
    tall, small = (shown_in_browser(done.place / "scorecard.html", tmp_path / "p", px) for px in (12_000, 300))
    assert min(tall.count("dt-search"), small.count("dt-search")) >= 3
    figures = plots(judged(bundles("first", "second", "p3", "hostile")))
    assert len(figures) == 5
    assert tall.count('<svg class="main-svg"') >= len(figures)
    assert small.count('<svg class="main-svg"') == 0
    assert 'id="earlier-table"' in tall
