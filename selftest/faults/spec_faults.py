"""Faults of the thresholds: those that a gate must see, and those that must end a run, or a review, before any gate."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from selftest.faults.fault import Catalogue

if TYPE_CHECKING:
    from selftest.faults.world import World

catalogue = Catalogue("onnx")
LOGITS = "logits_abs_error: {at_most: 1.0e-3,"
RATIO = "onnx_to_torch: {at_least: 0.5,"
MARGIN = "floor_margin_percent: {value: 5.0,"


class Door(enum.StrEnum):
    """Where a spec is refused before any gate is asked."""

    RUN = "the run does not start"
    DIFF = "tools/spec_diff.py"


@dataclass(frozen=True)
class SpecFault:
    """A wrong spec that no gate can see, because the gates are judged by it; `old` becomes `new` in a published spec.

    `says` must be in the one line with which the door refuses it.
    """

    name: str
    door: Door
    old: str
    new: str
    says: str


DROP = "top1_drop_pp: {at_most: 1.0,"
RATE = "images_per_second_per_chip: {value: 317.707,"


def _drop(name: str, typed: str, says: str) -> SpecFault:
    """The bound of the Top-1 drop, typed in another way."""
    return SpecFault(name, Door.RUN, DROP, f"top1_drop_pp: {{at_most: {typed},", f"accuracy.top1_drop_pp{says}")


def _loosened(name: str, old: str, new: str, says: str) -> SpecFault:
    """A change that makes a gate easier to pass and gives no reason."""
    return SpecFault(name, Door.DIFF, old, new, f"{says} (no reason given)")


REFUSED = (
    _drop("a threshold typed as text", "'1.0'", ".at_most: Expected `float`, got `str`"),
    _drop("a threshold left empty", "null", ".at_most: Expected `float`, got `null`"),
    _drop("a threshold that is no number", ".nan", ".at_most: Expected `float` >= 0.0"),
    _drop("an endless threshold", ".inf", ".at_most: Expected `float` <= 1e+18"),
    _drop("a threshold below 0", "-1.0", ".at_most: Expected `float` >= 0.0"),
    SpecFault("a threshold misspelt", Door.RUN, "top1_drop_pp:", "top1_dorp_pp:", "accuracy.top1_dorp_pp"),
    SpecFault("a threshold given twice", Door.RUN, "  top5_drop_pp:", "  top1_drop_pp:", "key given twice"),
    SpecFault("a published throughput of 0", Door.RUN, RATE, RATE.replace("317.707", "0.0"), "it must be positive"),
    SpecFault("a card's figure without the times 4", Door.RUN, "chips_per_card: 4", "chips_per_card: 1", "is not 1 x"),
    _loosened("a threshold loosened", DROP, DROP.replace("1.0", "5.0"), "top1_drop_pp.at_most: 1 pp -> at_most 5 pp"),
    _loosened("a floor loosened to 0", RATIO, RATIO.replace("0.5", "0.0"), "at_least: 0.5 ratio -> at_least 0 ratio"),
    _loosened("a floor's margin widened", MARGIN, MARGIN.replace("5.0", "9.0"), "5 percent -> value 9 percent"),
    _loosened("a batch size dropped", "batches: [1, 4, ", "batches: [4, ", "batches[1]: 1 -> gone"),
)


@catalogue.fault("a threshold of 0, which is a value and not `none`", "onnx.logits_abs_error")
def threshold_zero(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.edit_port(LOGITS, "logits_abs_error: {at_most: 0.0,")
