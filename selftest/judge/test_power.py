"""The power of the gates as docs/statistics.md states it: computed by bench/power.py, held against textbooks."""

from __future__ import annotations

import pytest

from bench.coverage import PAGE
from bench.power import CLASSES, MARKERS, SPREAD, drawn, found_with, report, smallest_found
from tools.ports.spec import PUBLISHED_SPEC, load_spec

DEVICE = load_spec(PUBLISHED_SPEC).agreement.om_on_device.distances


@pytest.mark.parametrize("images", [48, 1_000, 50_000])
@pytest.mark.parametrize("power", [0.05, 0.5, 0.95])
def test_the_smallest_effect_is_found_as_often_as_it_says(images: int, power: float) -> None:
    effect = smallest_found(0.12, 0.0066, images, among=CLASSES, power=power)
    assert found_with(effect, 0.12, 0.0066, images, among=CLASSES) == pytest.approx(power, abs=1e-6)
    assert found_with(0.12, 0.12, 0.0066, images, among=1) < 1e-4


@pytest.mark.parametrize("images", [48, 1_000, 50_000])
def test_what_an_attacker_tried_is_found_at_any_number_of_images(images: int) -> None:
    for name, effect, among in (("slope_error", 0.02, 1), ("column_error", 0.45, CLASSES)):
        assert found_with(effect, DEVICE[name], SPREAD[name], images, among=among) > 0.999


@pytest.mark.parametrize(("images", "damaged"), [(1_000, 2), (1_000, 100), (50_000, 100), (50_000, 1), (100, 60)])
def test_a_drawn_image_is_hypergeometric(images: int, damaged: int) -> None:
    from scipy import stats

    assert drawn(images, damaged, 52) == pytest.approx(1 - stats.hypergeom.pmf(0, images, damaged, 52), rel=1e-6)


def test_the_page_holds_what_is_computed() -> None:
    assert f"{MARKERS[0]}\n\n{report()}\n\n{MARKERS[1]}" in PAGE.read_text(encoding="utf-8")
