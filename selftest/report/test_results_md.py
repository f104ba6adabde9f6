"""results.md: the guide's tables, and nothing in the data that turns them into something else."""

from __future__ import annotations

import dataclasses
import re

import pytest

from selftest.report.bundles import HOSTILE
from selftest.report.conftest import Written
from tools.judge.ids import om
from tools.judge.results import Verdict
from tools.judge.shipped import SHIPPED_SPECS
from tools.report.html import read_spec
from tools.report.markdown import escaped
from tools.report.results_md import results_markdown


def markdown(written: Written) -> str:
    return (written.folder / "results.md").read_text(encoding="utf-8")


def cells(text: str, start: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"| {start} |"))
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def test_the_first_line_is_the_verdict_with_what_it_was_made_on(simulated: Written, rejected: Written) -> None:
    assert markdown(simulated).startswith("**SIMULATED (SAMPLE)**: ")
    assert markdown(rejected).startswith("**REJECTED**: at least one gate failed.\n")


def test_the_accuracy_table_has_the_records_figures(accepted: Written) -> None:
    text = markdown(accepted)
    by_name = {variant.name: variant for variant in accepted.run.variants}
    for variant in by_name.values():
        row = cells(text, escaped(variant.name.replace("_", " ")))
        assert row[1:6] == [f"{top.percent:.3f}" for top in variant.accuracy]
    assert cells(text, "om bs16")[6].startswith(f"{by_name[om(16)].losses[0].drop_pp:+.3f} (")
    spec = read_spec(accepted.folder, accepted.run)
    assert spec is not None
    assert spec.accuracy.pth_top1 is not None
    assert cells(text, "pth, published")[1] == f"{spec.accuracy.pth_top1.value:.3f}"


def test_the_throughput_table_has_chip_card_published_and_floor(accepted: Written) -> None:
    row = cells(markdown(accepted), "bs16")
    chip = accepted.run.device_throughput[3].images_per_second_per_chip
    assert row[1:] == ["dataset", f"{chip:.7g}", f"{4 * chip:.7g} (× 4)", "1891.73", "1797.144", "PASS"]


def test_what_did_not_run_says_so(incomplete: Written) -> None:
    assert cells(markdown(incomplete), "om bs8")[-1] == "NOT RUN"
    assert cells(markdown(incomplete), "bs8")[-1] == "NOT RUN"


def test_a_variant_has_the_weaker_word_of_its_two_losses_and_the_mark_of_the_tight_bound(rejected: Written) -> None:
    top1, top5 = next(variant.losses for variant in rejected.run.variants if variant.name == "om_bs16")
    assert (top1.check.verdict, top5.check.verdict) == (Verdict.INCONCLUSIVE, Verdict.PASS)
    assert cells(markdown(rejected), "om bs16")[-1] == "INCONCLUSIVE, WARN"
    assert cells(markdown(rejected), "onnx")[-1] == "PASS"


def test_every_row_of_a_table_has_the_same_number_of_cells(rejected: Written) -> None:
    for block in re.findall(r"(?:^\|.*\n)+", markdown(rejected), re.MULTILINE):
        assert len({line.replace(r"\|", "").count("|") for line in block.splitlines()}) == 1


def test_the_spec_is_named_and_whose_it_is(accepted: Written) -> None:
    spec = accepted.run.spec
    assert spec is not None
    own = f"a port of one's own, {spec.path} (made up), sha256 {spec.json_sha256}"
    assert f"- Judged by: {escaped(own)}" in markdown(accepted).splitlines()
    (digest,) = (digest for digest, name in SHIPPED_SPECS.items() if name == "alexnet")
    shipped = dataclasses.replace(spec, path="thresholds.yaml", json_sha256=digest)
    text = results_markdown(dataclasses.replace(accepted.run, spec=shipped), None)
    assert f"- Judged by: the suite's port alexnet, thresholds.yaml (made up), sha256 {digest}" in text.splitlines()


def test_hostile_texts_stay_on_their_line_and_mean_nothing(accepted: Written) -> None:
    assert accepted.run.dataset is not None
    dataset = dataclasses.replace(accepted.run.dataset, gap=HOSTILE)
    run = dataclasses.replace(accepted.run, dataset=dataset, finished_utc=HOSTILE)
    text = results_markdown(run, read_spec(accepted.folder, run))
    stamped = len(markdown(accepted).splitlines())  # the page in the bundle ends with the digest of its record
    assert len(text.splitlines()) == stamped - 1
    assert not re.search(r"(?<!\\)[<>]", text.partition("\n")[2])
    assert "\\<script\\>" in text


@pytest.mark.parametrize(("raw", "plain"), [("a|b", r"a\|b"), ("om_bs1", r"om\_bs1"), ("a\n\n# b", "a # b")])
def test_escaping(raw: str, plain: str) -> None:
    assert escaped(raw) == plain
