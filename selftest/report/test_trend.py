"""Earlier runs beside this one: which they are, what is shown of them, and what is never said of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from selftest.report.bundles import HOSTILE
from selftest.report.conftest import Written
from selftest.report.page import Page
from tools.evidence.record_file import write_acceptance
from tools.judge.acceptance import Acceptance
from tools.judge.layout import FILE
from tools.report.html import write_report
from tools.report.trend import MOST_SHOWN, Earlier, TrendRow, earlier_runs, trend_rows

Beside = Callable[..., Path]


def on_day(run: Acceptance, day: int) -> Acceptance:
    return dataclasses.replace(run, finished_utc=f"2025-12-{day:02d}T00:10:00+00:00")


@pytest.fixture
def beside(tmp_path: Path) -> Beside:
    """Write the record of another run into a folder of its own."""

    def write(name: str, run: Acceptance) -> Path:
        (tmp_path / name).mkdir()
        write_acceptance(tmp_path / name, run)
        return tmp_path / name

    return write


def names(found: Earlier) -> list[str]:
    return [name for name, _ in found.runs]


def shown(run: Acceptance, *earlier: Acceptance) -> list[TrendRow]:
    return list(trend_rows(run, Earlier(tuple((f"run {number}", entry) for number, entry in enumerate(earlier)))))


def test_earlier_runs_of_the_same_port_and_chip_the_newest_first(accepted: Written, beside: Beside) -> None:
    run = accepted.run
    assert run.spec is not None
    assert run.machine is not None
    old = on_day(run, 3)
    folders = [
        beside("first", on_day(run, 1)),
        beside("second", on_day(run, 2)),
        beside("later", dataclasses.replace(run, finished_utc="2027-01-01T00:00:00+00:00")),
        beside("same-moment", run),
        beside("port", dataclasses.replace(old, spec=dataclasses.replace(run.spec, port="another"))),
        beside("chip", dataclasses.replace(old, machine=dataclasses.replace(run.machine, soc="Ascend310P3"))),
        beside("simulated", dataclasses.replace(old, target="simulator")),
        beside("sample", dataclasses.replace(old, verdict=dataclasses.replace(run.verdict, sample=True))),
    ]
    found = earlier_runs(folders, run)
    assert (names(found), found.unreadable) == (["second", "first"], ())


def test_runs_of_other_ports_and_of_single_gates_hide_none(accepted: Written, beside: Beside) -> None:
    run = accepted.run
    assert run.spec is not None
    other = dataclasses.replace(on_day(run, 2), spec=dataclasses.replace(run.spec, port="another"))
    bare = dataclasses.replace(on_day(run, 3), variants=(), device_throughput=())
    simulated = dataclasses.replace(on_day(run, 3), variants=(), target="simulator")
    newer = [other] * 12 + [bare] * 6
    folders = [beside(f"newer-{number}", found) for number, found in enumerate(newer)]
    old = beside("old", on_day(run, 1))
    assert names(earlier_runs([*folders, old], run)) == ["old"]
    now = dataclasses.replace(run, target="simulator")
    assert names(earlier_runs([beside("rates", simulated)], now)) == [], "a simulator's rates are none"


def test_what_cannot_be_read_is_named(accepted: Written, beside: Beside, tmp_path: Path) -> None:
    broken = beside("broken", on_day(accepted.run, 1))
    (broken / FILE).write_bytes((broken / FILE).read_bytes()[:-9])
    (tmp_path / "nothing").mkdir()
    undated = beside("undated", dataclasses.replace(accepted.run, finished_utc=""))
    found = earlier_runs([broken, tmp_path / "nothing", undated], accepted.run)
    assert (found.runs, found.unreadable) == ((), ("broken", "nothing", "undated"))


def test_a_time_without_zone_is_utc(accepted: Written, beside: Beside) -> None:
    naive = beside("naive", dataclasses.replace(accepted.run, finished_utc="2025-12-31T23:59:59"))
    assert names(earlier_runs([naive], accepted.run)) == ["naive"]


def test_no_more_than_a_few_are_shown(accepted: Written, beside: Beside) -> None:
    folders = [beside(f"run-{day}", on_day(accepted.run, day)) for day in range(1, MOST_SHOWN + 3)]
    assert len(earlier_runs(folders, accepted.run).runs) == MOST_SHOWN


def test_a_row_has_the_largest_drop_and_the_rates_of_a_device(rejected: Written, simulated: Written) -> None:
    run = rejected.run
    now, before = shown(run, on_day(run, 1))
    worst = max(loss.drop_pp for variant in run.variants for loss in variant.losses if loss.k == 1 and variant.batch)
    assert now.losses[1].drop_pp == worst
    assert now.rates == {entry.batch: entry.images_per_second_per_chip for entry in run.device_throughput}
    assert (
        now.gates
        == f"{run.verdict.passed} passed, {len(run.verdict.failed)} failed, {len(run.verdict.missing)} missing"
    )
    assert dataclasses.replace(before, name=now.name, finished_utc=now.finished_utc) == now
    assert [row.rates for row in shown(simulated.run, simulated.run)] == [{}, {}]


def test_a_row_says_in_what_the_run_was_another(accepted: Written) -> None:
    run = accepted.run
    assert run.versions is not None
    assert run.machine is not None
    other = dataclasses.replace(
        on_day(run, 1),
        versions=dataclasses.replace(run.versions, suite_sha256="0" * 64),
        machine=dataclasses.replace(run.machine, toolchain={"cann": "9.1"}),
        digests=tuple(dataclasses.replace(entry, sha256="0" * 64) for entry in run.digests if entry.name != "onnx"),
    )
    assert [row.other for row in shown(run, other)] == [(), ("checkpoint", "toolkit", "suite's code")]


def test_the_page_shows_them_and_repeats_no_word_of_theirs(
    accepted: Written, rejected: Written, tmp_path: Path
) -> None:
    def page(earlier: Earlier) -> str:
        write_report(tmp_path, dataclasses.replace(accepted.run, variants=(), spec=None), earlier=earlier)
        return Page(tmp_path / "report.html").text

    assert "Earlier runs" not in page(Earlier())
    text = page(Earlier((("20251201T000000Z-0000000a", on_day(rejected.run, 1)),), ("broken",)))
    assert "20251201T000000Z-0000000a 2025-12-01T00:10:00+00:00" in text
    assert f"{len(rejected.run.verdict.failed)} failed" in text
    assert "Not read: broken." in text
    assert "REJECTED" not in text  # a bundle's page has no last word but its own (tools/judge/pages.py)


def test_hostile_names_and_times_stay_text(accepted: Written, tmp_path: Path) -> None:
    old = dataclasses.replace(accepted.run, finished_utc=HOSTILE)
    write_report(
        tmp_path,
        dataclasses.replace(accepted.run, variants=(), spec=None),
        earlier=Earlier(((HOSTILE, old),), (HOSTILE,)),
    )
    page = Page(tmp_path / "report.html")
    assert page.source.count("</script>") == page.source.count("</style>") == 1
    assert page.attributes("img", "src") == []
