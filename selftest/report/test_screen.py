"""The last screen of a run: figures of every variant and batch size, what failed, why something is missing."""

from __future__ import annotations

import pytest

from selftest.report.conftest import Written
from tools.judge.lines import verdict_lines
from tools.report.html import read_spec
from tools.report.screen import WIDTH, screen

ROWS_OF_A_SCREEN = 40


def shown(written: Written, *, every_gate: bool = False) -> list[str]:
    """What a run of this record ends with."""
    spec = read_spec(written.folder, written.run)
    assert spec is not None
    last = verdict_lines(written.run.verdict, written.run.gates)
    return [*screen(written.run, spec, every_gate=every_gate), *last]


def row(lines: list[str], start: str) -> list[str]:
    """The words of the first line that begins so, without the beginning."""
    return next(line for line in lines if line.startswith(start)).removeprefix(start).split()


@pytest.mark.parametrize("kind", ["accepted", "simulated", "rejected", "incomplete"])
def test_it_fits_a_screen_of_a_hundred_columns(kind: str, request: pytest.FixtureRequest) -> None:
    lines = shown(request.getfixturevalue(kind))
    tables = lines[: next(number for number, line in enumerate(lines) if line.startswith("gates passed"))]
    assert max(map(len, tables)) <= WIDTH == 100
    assert sum(-(-max(len(line), 1) // WIDTH) for line in lines) <= ROWS_OF_A_SCREEN


def test_every_variant_has_its_top_1_and_top_5_with_the_drop_and_batches_alike_share_a_row(accepted: Written) -> None:
    lines = shown(accepted)
    pth, *_, om = accepted.run.variants
    top1, top5 = (f"{pth.accuracy[place].percent:.3f}" for place in (0, 4))
    assert row(lines, "pth ") == [top1, top5, "reference"]
    low, high = om.losses[0].interval_pp.low, om.losses[0].interval_pp.high
    drop = [f"{om.losses[0].drop_pp:+.3f}", f"[{low:.2f},", f"{high:.2f}]"]
    assert row(lines, "om bs 1 4 8 16 32 ")[:4] == [f"{om.accuracy[0].percent:.3f}", *drop]
    assert row(lines, "om bs 1 4 8 16 32 ")[-1] == "PASS"
    assert f"pth, published {top1} and {top5}; om, published for Ascend310 {top1} and {top5}" in lines


def test_every_batch_size_has_images_a_second_of_the_chip_and_of_the_host(accepted: Written) -> None:
    device, host = accepted.run.device_throughput[3], accepted.run.host_throughput[3]
    assert (device.batch, host.batch) == (16, 16)
    chip = [device.images_per_second_per_chip, device.images_per_second_per_card]
    found = row(shown(accepted), "bs16 dataset ")
    assert found[:4] == [*(f"{rate:.2f}" for rate in chip), "1797.14", "PASS"]
    assert found[-2:] == [f"{host.ratio:.3f}", "PASS"]


def test_the_rates_of_a_simulator_are_said_to_be_simulated(simulated: Written, accepted: Written) -> None:
    assert "one chip (simulated)" in "\n".join(shown(simulated))
    assert "simulated" not in "\n".join(shown(accepted))


def test_a_gate_that_failed_has_a_row_with_all_its_batch_sizes_and_the_worst_figure(rejected: Written) -> None:
    lines = shown(rejected)
    assert row(lines, "om.perf.images_per_second_per_chip[bs 1 4 8 16 32] ")[1:] == ["images/s", ">=", "2076.8615"]
    assert row(lines, "om.compiled[bs 32] ")[0] == "failed"


def test_an_undecided_gate_says_why_and_so_do_those_that_were_not_asked(rejected: Written, incomplete: Written) -> None:
    (why,) = [line for line in shown(rejected) if line.startswith("  om.accuracy.top1_drop_pp[bs 1 4 8 16 32")]
    assert "]: INCONCLUSIVE: 17 lost and 2 gained of 2000 images" in why
    assert "  62 gates (om 6, accuracy 30, perf 26): not asked in this run, or not reached" in shown(incomplete)


def test_what_the_run_did_not_come_to_is_no_figure(incomplete: Written) -> None:
    assert row(shown(incomplete), "om bs8 ") == ["-", "-", "NOT", "RUN"]
    assert not [line for line in shown(incomplete) if line.startswith("images/s")]


def test_who_asks_for_every_gate_gets_every_gate_and_the_samples(accepted: Written) -> None:
    lines = shown(accepted, every_gate=True)
    kinds = {result.id.gate for result in accepted.run.gates}
    assert {kind for kind in kinds if any(line.startswith((f"{kind} ", f"{kind}[")) for line in lines)} == kinds
    rates = sorted(one.images_per_second_per_chip for one in accepted.run.device_throughput[0].runs)
    assert row(lines, "om bs1 dataset, runs ") == [*(f"{rate:.2f}" for rate in rates), "3"]
    assert not any(line.startswith("onnxruntime bs1") for line in shown(accepted))
