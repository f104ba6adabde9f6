"""The page: what it must say, that its figures are the record's, and that nothing in the data can harm it."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from selftest.evidence.bundles import CLASSES, World
from selftest.report.bundles import failed, flips_in, hostile, hostile_ids, pictures, write_bundle
from selftest.report.conftest import Written
from selftest.report.page import Page
from tools.base.files import ROOT
from tools.judge.acceptance import Acceptance
from tools.judge.prediction_records import VariantRecord
from tools.judge.results import Verdict
from tools.report.flips import SHOWN_AT_MOST
from tools.report.html import ReportError, read_spec, render, write_report


def figures_of(run: Acceptance) -> Iterator[float]:
    """Every figure of the record that the page must show."""
    for variant in run.variants:
        yield from accuracy_of(variant)
    for entry in run.device_throughput:
        yield entry.images_per_second_per_chip
        yield entry.images_per_second_per_card
        for figure in (entry.published_images_per_second_per_chip, entry.floor_images_per_second_per_chip):
            yield from () if figure is None else (figure,)
    yield from (entry.ratio for entry in run.host_throughput)
    for result in run.gates:
        yield from (result.check.measured,) if isinstance(result.check.measured, float) else ()
        yield from () if result.check.headroom is None else (result.check.headroom,)


def accuracy_of(variant: VariantRecord) -> Iterator[float]:
    for top in variant.accuracy:
        yield from (top.percent, top.interval_percent.low, top.interval_percent.high)
    for loss in variant.losses:
        yield from (loss.drop_pp, loss.interval_pp.low, loss.interval_pp.high)


def test_the_first_screen_says_whose_spec_judged(accepted: Written) -> None:
    spec = accepted.run.spec
    assert spec is not None
    assert (
        f"a port of one's own, {spec.path} (made up), sha256 {spec.json_sha256}, kind published" in accepted.page.text
    )


def test_precision_aipp_and_code_stand_below_the_verdict(accepted: Written) -> None:
    versions = accepted.run.versions
    assert versions is not None
    code = versions.suite_sha256[:12]
    first = accepted.page.text.partition("At a glance")[0]
    assert f"alexnet Ascend310 OM fp16 no AIPP suite code {code} 2026-01-01" in first
    assert "Precision 精度模式 OM fp16: atc's own choice" in first
    assert f"suite code {code}; network torchvision:alexnet, torchvision 0.28.0" in first


@pytest.mark.parametrize("name", ["accepted", "simulated", "rejected", "incomplete"])
def test_on_a_phone_each_figure_says_of_which_column_it_is(name: str, request: pytest.FixtureRequest) -> None:
    found: Written = request.getfixturevalue(name)
    tables = re.findall(r'<table class="figures[^"]*">(.*?)</table>', found.page.source, re.DOTALL)
    seen = 0
    for head, body in (table.split("</thead>") for table in tables):
        columns = re.findall(r"<th [^>]*>(.*?)</th>", head)
        for row in body.split("<tr")[1:]:
            cells = re.findall(r"<(th|td)( [^>]*)>", row)
            wide = [int(width) for width in re.findall(r'<td[^>]* colspan="(\d+)"', row)]
            labels = [re.findall(r'data-label="([^"]*)"', attributes) for _, attributes in cells]
            if not wide:
                assert labels == [
                    [] if kind == "th" else [column] for (kind, _), column in zip(cells, columns, strict=True)
                ]
            assert len(cells) - len(wide) + sum(wide) == len(columns)
            seen += len(cells)
    assert seen > 40


def test_the_one_script_is_the_suites_own_and_the_policy_allows_no_other(rejected: Written) -> None:
    (script,) = re.findall(r"<script[^>]*>(.*?)</script>", rejected.page.source, re.DOTALL)
    assert script == (ROOT / "tools" / "report" / "search.js").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = (
        str(attributes["content"])
        for tag, attributes in rejected.page.tags
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    )
    allowed = dict(entry.split(" ", 1) for entry in policy.split("; "))
    assert allowed["default-src"] == "'none'"
    assert allowed["script-src"] == f"'sha256-{digest}'"


def test_gates_can_be_shown_by_how_they_ended(rejected: Written) -> None:
    verdict = rejected.run.verdict
    counts = (
        f"all {len(rejected.run.gates)} failed {len(verdict.failed)} undecided {len(set(verdict.missing))} not judged"
    )
    assert counts in " ".join(rejected.page.text.split())
    kinds = {name for name in rejected.page.attributes("input", "id") if name.startswith("show-")} - {"show-all"}
    assert kinds == {"show-failed", "show-undecided", "show-not-judged", "show-warned", "show-passed"}
    style = rejected.page.source
    hidden = {
        "rows": r"\(#%s:checked\) :is\(\.gate, \.detail\):not",
        "rest": r"\(#%s:checked\) :is\(tbody, details\):not",
    }
    assert all(re.search(rule % kind, style) for kind in kinds for rule in hidden.values())
    shown = [kind for kind in rejected.page.attributes("tr", "class") if kind.startswith("gate ")]
    assert sum("fail" in kind.split() for kind in shown) == len(verdict.failed)


def test_a_failure_and_a_throughput_run_lead_to_what_the_tool_printed(rejected: Written) -> None:
    first = rejected.page.source.partition("At a glance")[0]
    assert 'href="./logs/om_bs32-atc/stdout.txt"' in first
    throughput = rejected.page.source.partition('id="throughput"')[2].partition("</section>")[0]
    links = re.findall(r'href="\./(logs/perf-bs[^"]*)"', throughput)
    assert len(links) == sum(len(entry.runs) for entry in rejected.run.device_throughput)
    assert all((rejected.folder / link).is_file() for link in links)


def test_classes_that_lost_most_are_named(rejected: Written) -> None:
    text = rejected.page.text.partition("Accuracy by class")[2]
    assert re.match(r" 各类别精度 \d+ of 20 classes have fewer images right by om bs1 than by the checkpoint", text)
    assert "class images pth % om bs1 % loss pp lost, gained" in text
    assert "Every class, those that lost most first" in text


def test_a_flip_shows_the_names_of_its_classes(simulated: Written, tmp_path: Path) -> None:
    flips = flips_in(simulated.folder, simulated.run.variants)
    assert flips is not None
    flip = flips.shown[0]
    names = [f"<b>kind {index}" for index in range(CLASSES)]
    spec = read_spec(simulated.folder, simulated.run)
    (tmp_path / "page.html").write_text(render(simulated.folder, simulated.run, spec, {}, None, names=names))
    shown = Page(tmp_path / "page.html").text
    was, now = flip.pth[0].index, flip.candidate[0].index
    assert f"label {flip.label} <b>kind {flip.label} {was} <b>kind {was} → {now} <b>kind {now}" in shown


@pytest.mark.parametrize("name", ["accepted", "simulated", "rejected", "incomplete"])
def test_the_figures_in_the_page_are_those_of_the_record(name: str, request: pytest.FixtureRequest) -> None:
    found: Written = request.getfixturevalue(name)
    shown = {value for value, _ in found.page.figures}
    assert [figure for figure in figures_of(found.run) if figure not in shown] == []


def test_what_is_shown_of_a_figure_is_its_value_rounded(rejected: Written) -> None:
    for value, text in rejected.page.figures:
        shown = float(text.replace("−", "-").replace(",", ""))
        assert shown == pytest.approx(value, rel=6e-3, abs=6e-4), text


def test_the_page_needs_nothing_but_itself(rejected: Written) -> None:
    tags = {tag for tag, _ in rejected.page.tags}
    assert not tags & {"iframe", "object", "embed", "base", "form"}
    assert rejected.page.attributes("script", "src") == []
    addresses = [value for tag in ("img", "link", "a") for name in ("src", "href") for value in
                 rejected.page.attributes(tag, name)]  # fmt: skip
    assert all(address.startswith(("data:", "./", "#")) for address in addresses)
    assert not re.search(r"url\(|@import|https?:", rejected.page.source)


@pytest.mark.parametrize(
    ("name", "word", "chinese"),
    [
        ("accepted", "ACCEPTED", "验收通过"),
        ("rejected", "REJECTED", "验收不通过"),
        ("incomplete", "INCOMPLETE", "验收未完成"),
        ("simulated", "SIMULATED", "仅为模拟运行"),
    ],
)
def test_the_first_heading_is_the_verdict(name: str, word: str, chinese: str, request: pytest.FixtureRequest) -> None:
    found: Written = request.getfixturevalue(name)
    assert re.search(rf"<h1>{word} <span [^>]*>{chinese}</span></h1>", found.page.source)


def test_a_simulated_run_of_the_sample_says_so_before_anything_else(simulated: Written) -> None:
    assert simulated.page.text.startswith("SIMULATED · SAMPLE Offline models ran on the simulator")
    assert "离线模型在模拟器上运行" in simulated.page.text
    assert "published for" not in simulated.page.text


def test_a_run_on_a_device_has_no_banner(accepted: Written) -> None:
    assert "SIMULATED" not in accepted.page.text
    assert "SAMPLE" not in accepted.page.text


def test_the_first_screen_says_why_in_words(rejected: Written) -> None:
    first = rejected.page.text.partition("At a glance")[0]
    assert "Has atc said that it succeeded and made a fresh OM, or was one handed in? om.compiled" in first
    assert "atc ended with E40021" in first
    assert "Is one chip as quick as the floor of its machine class?" in first
    assert "aed0662f397a0507305ac94ea5519309" in first


def test_gates_that_a_run_did_not_come_to_are_owed_in_words(incomplete: Written) -> None:
    assert "bs8, bs32: this run did not come to it" in incomplete.page.text
    assert "om bs8 not run" in incomplete.page.text
    assert "bs8 not measured" in incomplete.page.text


def test_what_is_missing_is_counted_in_gates_wherever_it_is_counted(incomplete: Written) -> None:
    missing = incomplete.run.verdict.missing
    assert f"Still missing: {len(missing)} gates" in incomplete.page.text
    kinds = [(kind, len(list(group))) for kind, group in groupby(missing, key=lambda name: name.gate)]
    assert len(kinds) > 8
    left = sum(count for _, count in kinds[8:])
    assert f"… and {len(kinds) - 8} more questions ({left} gates), see Gates" in incomplete.page.text


def test_a_simulators_rate_is_no_headline(simulated: Written, accepted: Written) -> None:
    assert "Best throughput" in accepted.page.text
    assert simulated.run.device_throughput
    assert "Best throughput" not in simulated.page.text


def test_the_ratio_of_the_hosts_engines_names_its_statistic(accepted: Written) -> None:
    assert accepted.run.host_throughput
    assert "torch images/s median ratio of a round floor" in accepted.page.text
    assert "which need not be the ratio of the two rates" in accepted.page.text


@pytest.mark.parametrize("name", ["accepted", "rejected", "incomplete"])
def test_every_gate_stands_in_the_page_with_its_verdict(name: str, request: pytest.FixtureRequest) -> None:
    found: Written = request.getfixturevalue(name)
    rows = sum(kind.split()[0] == "gate" for kind in found.page.attributes("tr", "class"))
    decided = {result.id for result in found.run.gates}
    assert rows == len(decided | set(found.run.verdict.missing))
    for kind in {name.partition("[")[0] for name in decided}:
        assert kind in found.page.text


def test_a_loss_beyond_the_tight_bound_is_a_warning(rejected: Written, accepted: Written) -> None:
    assert any(loss.warning for variant in rejected.run.variants for loss in variant.losses)
    assert "Beyond the tight bound" in rejected.page.text.partition("At a glance")[0]
    assert '<span class="badge warn">WARN</span>' in rejected.page.source
    assert '<span class="badge warn">WARN</span>' not in accepted.page.source


def test_evidence_links_lead_to_files_of_the_bundle(rejected: Written) -> None:
    links = [link for link in rejected.page.attributes("a", "href") if link.startswith("./")]
    assert len(links) > 100
    assert [link for link in links if not (rejected.folder / link).is_file()] == []


def test_the_published_figures_stand_beside_the_measured(accepted: Written) -> None:
    spec = read_spec(accepted.folder, accepted.run)
    assert spec is not None
    device = spec.device("Ascend310")
    assert device is not None
    shown = {value for value, _ in accepted.page.figures}
    published = [spec.accuracy.pth_top1, device.om_top1, device.om_top5]
    assert {fact.value for fact in published if fact is not None} <= shown
    assert None not in published


def test_a_chip_that_the_spec_does_not_know_has_no_card_figures_and_one_sentence_says_why(tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    run = write_bundle(folder, World())
    reason = "No card figures: the spec does not say how many chips a card of"
    assert reason not in Page(folder / "report.html").text
    write_report(folder, dataclasses.replace(run, spec=None))
    page = Page(folder / "report.html")
    assert page.text.count(reason) == 1
    assert "derived" not in page.text


@pytest.mark.parametrize("missing", ["host", "machine", "dataset", "versions", "spec"])
def test_what_a_run_does_not_know_is_not_made_up(missing: str, tmp_path: Path) -> None:
    run = write_bundle(tmp_path / "evidence", World(images=60))
    nothing: dict[str, Any] = {missing: None}
    bare = dataclasses.replace(run, **nothing)
    write_report(tmp_path / "evidence", bare)
    assert "None" not in Page(tmp_path / "evidence" / "report.html").text


def test_a_run_that_recorded_nothing_still_has_a_page(tmp_path: Path, incomplete: Written) -> None:
    write_report(tmp_path, Acceptance(verdict=incomplete.run.verdict, gates=(), inputs=(), artifacts=()))
    text = Page(tmp_path / "report.html").text
    assert "recorded no predictions" in text
    assert "measured no throughput" in text
    assert "not known in this run" in text
    assert "This run decided no gate." not in text
    nothing = dataclasses.replace(incomplete.run.verdict, missing=())
    write_report(tmp_path, Acceptance(verdict=nothing, gates=(), inputs=(), artifacts=()))
    assert "This run decided no gate." in Page(tmp_path / "report.html").text


def test_an_interrupted_run_says_so_first(tmp_path: Path, incomplete: Written) -> None:
    run = dataclasses.replace(incomplete.run, interrupted="Ctrl-C in stage om")
    write_report(incomplete.folder, run)
    assert "Interrupted: Ctrl-C in stage om" in Page(incomplete.folder / "report.html").text
    write_report(incomplete.folder, incomplete.run)


def test_hostile_data_stays_text(tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    run = write_bundle(folder, World(images=300, logit_noise=0.5), hostile)
    hostile_ids(folder, dataclasses.replace(run, interrupted=run.inputs[0]))
    page = Page(folder / "report.html")
    assert [attributes for tag, attributes in page.tags if tag == "script"] == [{"type": "module"}]
    assert page.source.count("</script>") == 1
    assert page.attributes("img", "src") == []
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert page.text.count("<script>alert(1)</script>") > 300
    assert "{{7*7}}" in page.text
    assert page.source.count("</style>") == 1
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\u200b]", page.source)
    assert "\\u202egnp.exe" in page.text


def test_a_hostile_folder_of_a_command_is_no_link(tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    run = write_bundle(folder, World(images=60))
    (tmp_path / "stdout.txt").write_text("outside")
    commands = tuple(
        dataclasses.replace(run.commands[0], folder=place)
        for place in ("..", "//evil.example/x", "javascript:alert(1)", str(tmp_path))
    )
    write_report(folder, dataclasses.replace(run, commands=commands))
    assert all(link.startswith(("./", "#")) for link in Page(folder / "report.html").attributes("a", "href"))
    assert not [link for link in Page(folder / "report.html").attributes("a", "href") if ".." in link]


def test_a_long_text_is_cut_and_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    run = write_bundle(folder, World(images=60), failed("om.ran[bs16]", "x" * 200_000))
    write_report(folder, run)
    page = Page(folder / "report.html")
    assert len(page.source) < 400_000
    assert "198500 more characters in acceptance.json" in page.text


@pytest.mark.nightly
def test_fifty_thousand_images_and_two_hundred_flips_stay_under_three_megabytes(tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    run = write_bundle(folder, World(images=50_000, logit_noise=0.03))
    flips = flips_in(folder, run.variants)
    assert flips is not None
    assert flips.images > SHOWN_AT_MOST == len(flips.shown)
    write_report(folder, run, pictures(tmp_path, [flip.id for flip in flips.shown]))
    page = Page(folder / "report.html")
    assert len(page.attributes("img", "src")) == SHOWN_AT_MOST
    assert f"{flips.images:,} images changed class" in page.text
    assert "the 200 worst are shown" in page.text
    assert len(page.source.encode()) < 3_000_000


def test_a_flip_shows_both_lists_and_why_it_has_no_picture(simulated: Written, tmp_path: Path) -> None:
    flips = flips_in(simulated.folder, simulated.run.variants)
    assert flips is not None
    assert flips.shown
    flip, *others = flips.shown
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no image")
    write_report(simulated.folder, simulated.run, {flip.id: broken})
    page = Page(simulated.folder / "report.html")
    assert "cannot identify image file" in page.text
    assert page.text.count("image not given") == len(others)
    assert page.text.count("✓ the label") == 1
    shown = {value for value, _ in page.figures}
    assert {place.score for place in (*flip.pth, *flip.candidate)} <= shown
    assert all(place.index < CLASSES for place in flip.pth)


def test_a_damaged_spec_is_refused_and_leaves_the_earlier_page(tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    run = write_bundle(folder, World(images=60))
    before = (folder / "report.html").read_bytes()
    (folder / "spec.json").write_text('{"schema": 1}')
    with pytest.raises(ReportError, match="cannot read the bundle's port"):
        write_report(folder, run)
    assert (folder / "report.html").read_bytes() == before
    assert not list(folder.glob(".*partial"))


def test_undecided_gates_keep_their_word(rejected: Written) -> None:
    undecided = [result for result in rejected.run.gates if result.check.verdict is Verdict.INCONCLUSIVE]
    assert undecided
    assert "INCONCLUSIVE" in rejected.page.text.partition("At a glance")[0]
