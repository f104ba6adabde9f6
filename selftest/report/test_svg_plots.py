"""The plots: every mark stands where its figure says."""

from __future__ import annotations

import dataclasses
import re
import xml.etree.ElementTree as ElementTree

import pytest

from selftest.report.bundles import HOSTILE
from selftest.report.conftest import Written
from tools.report.html import read_spec
from tools.report.svg_plots import WIDTH, loss_plot, throughput_plot, time_plot
from tools.report.tables import accuracy_rows, throughput_rows


def drawn(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def numbers(svg: str, tag: str, kind: str, name: str) -> list[float]:
    found = [shape for shape in drawn(svg).iter(tag) if shape.get("class", "").startswith(kind)]
    return [float(shape.attrib[name]) for shape in found]


def test_bars_are_as_high_as_the_rates(accepted: Written) -> None:
    rows = throughput_rows(accepted.run, read_spec(accepted.folder, accepted.run))
    svg = throughput_plot(rows)
    heights = numbers(svg, "rect", "bar", "height")[:-1]  # the last one is the legend's
    rates = [entry.images_per_second_per_chip for entry in accepted.run.device_throughput]
    assert [height / heights[-1] for height in heights] == pytest.approx([rate / rates[-1] for rate in rates], abs=0.01)


def test_floor_and_published_are_drawn_where_there_are_any(accepted: Written, simulated: Written) -> None:
    with_floor = throughput_plot(throughput_rows(accepted.run, read_spec(accepted.folder, accepted.run)))
    without = throughput_plot(throughput_rows(simulated.run, read_spec(simulated.folder, simulated.run)))
    assert with_floor.count('class="floor"') == with_floor.count('class="published"') == 5 + 1
    assert 'class="floor"' not in without
    assert 'class="published"' not in without


def test_a_bar_under_its_floor_is_marked(rejected: Written) -> None:
    rows = throughput_rows(rejected.run, read_spec(rejected.folder, rejected.run))
    assert throughput_plot(rows).count('class="bar fail"') == len(rows)


def test_losses_stand_on_the_scale_of_their_lines(rejected: Written) -> None:
    spec = read_spec(rejected.folder, rejected.run)
    rows = accuracy_rows(rejected.run, spec)
    svg = loss_plot(rows, spec)
    zero, margin = numbers(svg, "line", "zero", "x1")[0], numbers(svg, "line", "margin", "x1")[0]
    losses = [loss for row in rows if row.record for loss in row.record.losses]
    assert numbers(svg, "circle", "dot", "cx") == pytest.approx(
        [zero + loss.drop_pp * (margin - zero) for loss in losses], abs=0.2
    )
    assert numbers(svg, "line", "whisker", "x2") == pytest.approx(
        [zero + loss.interval_pp.high * (margin - zero) for loss in losses], abs=0.2
    )
    assert all(0 <= x <= WIDTH for x in numbers(svg, "line", "", "x1"))


def test_time_bars_add_up(accepted: Written) -> None:
    svg = time_plot(accepted.run.timings)
    widths = sum(numbers(svg, "rect", "step", "width"))
    seconds = sum(timing.seconds for timing in accepted.run.timings)
    accuracy = sum(timing.seconds for timing in accepted.run.timings if timing.stage == "accuracy")
    longest = WIDTH - 92 - 6
    assert widths == pytest.approx(longest * seconds / accuracy, rel=0.05)
    assert "accuracy" in svg


def test_nothing_measured_is_no_plot(incomplete: Written) -> None:
    assert throughput_plot([]) == ""
    assert loss_plot([], None) == ""
    assert time_plot([]) == ""


def test_hostile_names_stay_text(accepted: Written) -> None:
    timing = dataclasses.replace(accepted.run.timings[0], step=HOSTILE)
    svg = time_plot([timing])
    titles = [title.text or "" for title in drawn(svg).iter("title")]
    assert "<script>" in titles[0]
    assert not re.search(r"<script|[\x07\u202e]", svg)


def test_no_time_at_all_is_still_a_plot(accepted: Written) -> None:
    timing = dataclasses.replace(accepted.run.timings[0], seconds=0.0)
    assert drawn(time_plot([timing])).tag == "svg"
