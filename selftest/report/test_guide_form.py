"""The guide's own tables at the end of results.md, in either language, and result/ beside it."""

from __future__ import annotations

import dataclasses
import json
import re
from decimal import Decimal

import pytest

from selftest.report.conftest import Written
from tools.judge.acceptance import Acceptance
from tools.judge.throughput_records import DeviceThroughput
from tools.report.guide_form import CHINESE, ENGLISH, Texts
from tools.report.html import read_spec
from tools.report.results_md import results_markdown

LANGUAGES = pytest.mark.parametrize("texts", [ENGLISH, CHINESE], ids=["English", "Chinese"])


def section(text: str, texts: Texts) -> list[str]:
    """The lines below the heading of one language."""
    return text.partition(f"\n### {texts.heading}\n")[2].partition("\n### ")[0].splitlines()


def of(written: Written, texts: Texts, run: Acceptance | None = None) -> list[str]:
    """The section of a bundle's page, or of a changed record."""
    return section(results_markdown(run or written.run, read_spec(written.folder, written.run)), texts)


def measured(run: Acceptance, **changes: object) -> Acceptance:
    """The record with its first throughput changed."""
    first, *rest = run.device_throughput
    changed: DeviceThroughput = dataclasses.replace(first, **changes)  # type: ignore[arg-type]
    return dataclasses.replace(run, device_throughput=(changed, *rest))


@LANGUAGES
def test_each_oms_row_has_the_checkpoints_figures_and_its_own(accepted: Written, texts: Texts) -> None:
    lines = of(accepted, texts)
    assert f"| {' | '.join(texts.titles)} |" in lines
    pth, *_, om = accepted.run.variants
    tops = [f"{variant.accuracy[place].percent:.3f}" for variant in (pth, om) for place in (0, 4)]
    drops = [f"{loss.drop_pp:+.3f}" for loss in om.losses]
    assert f"| AlexNet | bs32 | {' | '.join([*tops, *drops])} | PASS |" in lines
    assert len([line for line in lines if line.startswith("| AlexNet | bs")]) == 5


@LANGUAGES
def test_each_batch_size_has_the_guides_line(accepted: Written, texts: Texts) -> None:
    assert "- bs1: 317.707 x 4 = 1270.828 fps" in of(
        accepted, texts, measured(accepted.run, images_per_second_per_chip=317.707)
    )
    lines = re.findall(r"(?m)^- bs\d+: (\S+) x (\d+) = (\S+) fps$", "\n".join(of(accepted, texts)))
    assert len(lines) == 5
    assert all(Decimal(chip) * int(chips) == Decimal(card) for chip, chips, card in lines)


@LANGUAGES
def test_rates_of_a_simulator_say_so_in_every_line(simulated: Written, texts: Texts) -> None:
    lines = of(simulated, texts)
    rates = [line for line in lines if line.startswith("- bs")]
    assert len(rates) == 5
    assert all(line.endswith(f" fps ({texts.simulated})") for line in rates)
    assert {f"> {texts.banner[word]}" for word in simulated.run.verdict.made_on} <= set(lines)


@LANGUAGES
def test_what_qualifies_a_rate_stands_beside_it(accepted: Written, texts: Texts) -> None:
    busy = measured(accepted.run, images_per_second_per_chip=300.0, busy=("AI core at 50 %",))
    assert f"- bs1: 300 x 4 = 1200 fps ({texts.busy})" in of(accepted, texts, busy)
    unknown = measured(accepted.run, images_per_second_per_chip=300.5, soc="Ascend910B3")
    assert f"- bs1: 300.5 fps {texts.per_chip}" in of(accepted, texts, unknown)


@LANGUAGES
def test_the_runs_word_stands_above_and_what_did_not_run_is_no_figure(
    incomplete: Written, rejected: Written, texts: Texts
) -> None:
    assert f"{texts.verdict}: **REJECTED**" in of(rejected, texts)
    lines = of(incomplete, texts)
    assert [line.rpartition("| NOT RUN |")[1] for line in lines if "| bs8 |" in line] == ["| NOT RUN |"]
    assert not [line for line in lines if " fps" in line]
    one = dataclasses.replace(rejected.run, device_throughput=rejected.run.device_throughput[:1])
    assert f"- bs4: {texts.not_measured}" in of(rejected, texts, one)


def test_both_languages_have_the_same_columns() -> None:
    assert len(ENGLISH.titles) == len(CHINESE.titles)
    texts = [field.name for field in dataclasses.fields(Texts)]
    assert all(getattr(ENGLISH, name) and getattr(CHINESE, name) for name in texts)


def test_the_result_of_each_om_is_the_guides_and_result_json_the_smallest_batchs(
    accepted: Written, simulated: Written, incomplete: Written
) -> None:
    folder = accepted.folder / "result"
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["result.json", *(f"result_bs{batch}.json" for batch in (1, 4, 8, 16, 32))]
    )
    said = json.loads((folder / "result.json").read_text())
    top1 = next(one.accuracy[0] for one in accepted.run.variants if one.name == "om_bs1")
    assert list(said) == ["title", "value"]
    assert said["value"][0] == {"key": "Number of images", "value": "2000"}
    assert said["value"][2] == {"key": "Top1 accuracy", "value": f"{round(top1.percent, 2)}%"}
    assert (folder / "result.json").read_bytes() == (folder / "result_bs1.json").read_bytes()
    assert json.loads((simulated.folder / "result" / "result.json").read_text())["made_on"] == "SIMULATED, SAMPLE"
    assert not (incomplete.folder / "result" / "result_bs8.json").exists()
