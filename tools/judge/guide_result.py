"""result/result.json of a bundle: Top-1 to Top-5 of an OM in the form of the guide's vision_metric.py."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # vision_metric.py uses this with CANN's own Python, where the rest of the judge is not wanted
    from tools.judge.acceptance import Acceptance
    from tools.judge.prediction_records import VariantRecord
    from tools.judge.spec import Spec

TITLE = "Overall statistical evaluation"
FOLDER = "result"


def result_files(record: Acceptance, spec: Spec) -> dict[str, str]:
    """File of the bundle -> its text: one for each OM, and result.json, which is that of the smallest batch size."""
    named = [(one.name.batch, one) for one in record.variants if one.accuracy]
    oms = sorted(((batch, one) for batch, one in named if batch is not None), key=lambda pair: pair[0])
    files = {f"{FOLDER}/result_bs{batch}.json": _of(one, record, spec) for batch, one in oms}
    return {**files, **{f"{FOLDER}/result.json": _of(one, record, spec) for _, one in oms[:1]}}


def result_json(images: int, classes: int, accuracies: Sequence[float], made_on: str = "") -> str:
    """The guide's result: one JSON line without a line feed, every value a string.

    `classes` are the values of one output, a background class among them. `made_on` stands behind what the guide has,
    where that is not a device with the published model, so that no such figure is taken for one.
    """
    pairs = [("Number of images", str(images)), ("Number of classes", str(classes))]
    pairs += [(f"Top{rank} accuracy", percent(value)) for rank, value in enumerate(accuracies, start=1)]
    said = {"title": TITLE, "value": [{"key": key, "value": value} for key, value in pairs]}
    return json.dumps({**said, **({"made_on": made_on} if made_on else {})})


def percent(value: float) -> str:
    """At most two decimals and never padded, as the guide prints it: `56.53%`, `87.1%`, `90.0%`."""
    return f"{round(value, 2)}%"


def _of(variant: VariantRecord, record: Acceptance, spec: Spec) -> str:
    made_on = ", ".join(map(str, record.verdict.made_on))
    return result_json(variant.accuracy[0].images, spec.classes, [top.percent for top in variant.accuracy], made_on)
