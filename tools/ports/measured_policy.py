"""From a measured agreement to the `policy` section of a port: a stated factor over the worst that was seen.

A bound is written only where the shared one is tighter than that, so none gets looser than needed and none tighter
than what all ports share. The device's bounds keep their shared distance from the simulator's.
"""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from tools.judge import agreement, spec

FACTOR = 4
NEAR_TIE_FACTOR = 2
"""Over the measured error: two logits may each move by it (the rule of the shared near_tie_logits)."""
DIGITS = 2
REASON = "this network's logits lie further apart than those that the shared bound was measured on"
WIDTH = 120
FIELDS = {
    "min_cosine": ("at_least", "cosine"),
    "mean_cosine_distance": ("at_most", "1 - cosine"),
    "max_abs_error": ("at_most", "logit"),
    "near_tie_logits": ("value", "logit"),
    "top5_set_changed_percent": ("at_most", "percent"),
    "slope_error": ("at_most", "slope"),
    "mean_error": ("at_most", "logit"),
    "column_error": ("at_most", "logit"),
    "image_slope_error": ("at_most", "slope"),
}


@dataclass(frozen=True)
class Measurement:
    """How far ONNX file and simulated OM lie from the checkpoint; `whose` weights these are."""

    onnx: agreement.Agreement
    om: agreement.Agreement
    images: int
    whose: str


@dataclass(frozen=True)
class Bound:
    """A bound as a distance, so that more is always looser; `why` is its source text."""

    name: str
    distance: float
    why: str


def policy_text(measured: Measurement, shared: spec.Agreement) -> str:
    """The section as it is appended to a draft; a comment where the shared bounds suffice."""
    said = f"on {measured.images} images with {measured.whose}"
    onnx = tuple(_loosened(measured.onnx, shared.onnx, said))
    simulated = tuple(_loosened(measured.om, shared.om_on_simulator, f"{said}, fp16 of the simulator"))
    device = tuple(_on_device(simulated, shared))
    sections = {"onnx": onnx, "om_on_simulator": simulated, "om_on_device": device}
    lines = [line for name, bounds in sections.items() if bounds for line in _lines(name, bounds)]
    summary = f"agreement measured {said}: ONNX {_words(measured.onnx)}; OM in fp16 {_words(measured.om)}"
    if not lines:
        return "\n".join(["", *_comment(f"{summary}; {FACTOR} times that is within the shared bounds."), ""])
    return "\n".join(["", *_comment(summary), "policy:", *_probe_lines(onnx), "  agreement:", *lines, ""])


def _probe_lines(onnx: tuple[Bound, ...]) -> Iterator[str]:
    """What the probe images may show of the ONNX file's logits is what all images may."""
    for bound in onnx:
        if bound.name == "max_abs_error":
            yield "  onnx:"
            yield f"    logits_abs_error: {_number(bound)}"


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="# ", subsequent_indent="#   ")


def _loosened(measured: agreement.Agreement, shared: spec.LogitAgreement, said: str) -> Iterator[Bound]:
    for name, value in _distances(measured).items():
        factor = NEAR_TIE_FACTOR if name == "near_tie_logits" else FACTOR
        needed = _up(factor * value)
        if needed > shared.distances[name]:
            shown = f"1 - {value:.2g}" if name == "min_cosine" else f"{value:.2g}"
            yield Bound(name, needed, f"{factor} times the measured {shown}, {said}")


def _on_device(simulated: tuple[Bound, ...], shared: spec.Agreement) -> Iterator[Bound]:
    for bound in simulated:
        of_device = shared.om_on_device.distances[bound.name]
        ratio = of_device / shared.om_on_simulator.distances[bound.name]
        needed = _up(ratio * bound.distance)
        if needed > of_device:
            yield Bound(bound.name, needed, f"{ratio:g} times the simulator's bound: device_error_multiple")


def _distances(measured: agreement.Agreement) -> dict[str, float]:
    systematic = measured.systematic
    assert systematic is not None
    figures = (
        1 - _known(measured.min_cosine),
        _known(measured.mean_cosine_distance),
        _known(measured.max_abs_error_logits),
        _known(measured.max_abs_error_logits),
        _known(measured.top5_set_changed_percent),
        abs(systematic.slope_error.value),
        abs(systematic.mean_error.value),
        abs(systematic.column_error.value),
        systematic.image_slope_error,
    )
    return dict(zip(FIELDS, figures, strict=True))


def _known(figure: float | None) -> float:
    """Where no image was usable the run has ended with an error before."""
    assert figure is not None
    return figure


def _up(value: float) -> float:
    """Rounded up to a few digits."""
    if value <= 0:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(value)) + 1 - DIGITS)
    return float(f"{math.ceil(value / step - 1e-9) * step:.{DIGITS}g}")


def _lines(section: str, bounds: tuple[Bound, ...]) -> Iterator[str]:
    yield f"    {section}:"
    yield from (f"      {bound.name}: {_number(bound)}" for bound in bounds)


def _number(bound: Bound) -> str:
    field, unit = FIELDS[bound.name]
    why, reason = json.dumps(bound.why), json.dumps(REASON)
    return f"{{{field}: {_value(bound)}, unit: {unit}, source: {why}, reason: {reason}}}"


def _value(bound: Bound) -> str:
    if bound.name == "min_cosine":
        return f"{max(0.0, 1 - bound.distance):.12g}"
    most = 100.0 if bound.name == "top5_set_changed_percent" else math.inf
    return f"{min(bound.distance, most):.12f}".rstrip("0").rstrip(".")


def _words(measured: agreement.Agreement) -> str:
    distances = _distances(measured)
    return (
        f"worst cosine 1 - {distances['min_cosine']:.2g}, worst error {distances['max_abs_error']:.2g}, "
        f"{distances['top5_set_changed_percent']:.2g} % changed top fives, "
        f"slope off by {distances['slope_error']:.2g}, worst class by {distances['column_error']:.2g}"
    )
