"""Are accuracy, losses and agreement what the predictions come to?"""

from __future__ import annotations

import math

from tools.base.errors import SuiteError
from tools.judge.agreement import Agreement
from tools.judge.bundle import Bundle
from tools.judge.evidence import OWNER, variant_record
from tools.judge.files import short
from tools.judge.ids import PTH, om
from tools.judge.kept_scores import apart, beyond, contradictions, further
from tools.judge.layout import FILE
from tools.judge.prediction_records import VariantRecord
from tools.judge.predictions import TopFive


def check_predictions(bundle: Bundle) -> None:
    """Collect in `bundle.problems` what a variant's predictions do not come to."""
    for place, variant in enumerate(bundle.record.variants):
        _variant(bundle, f"{FILE}.variants[{place}]", variant)


def _variant(bundle: Bundle, where: str, recorded: VariantRecord) -> None:
    """Accuracy, losses and agreement of one variant."""
    name, owner = recorded.name, OWNER.get(recorded.name, recorded.name)
    top = bundle.top_five(name)
    faults = list(top.faults(bundle.spec.classes))
    bundle.problems += [f"{where}, predictions of {name}: {fault}" for fault in faults]
    if owner not in bundle.digests:
        bundle.problems.append(f"{where}: no digest of {owner}, which predicted this")
        return
    try:
        ours = variant_record(bundle, name, bundle.digests[owner].sha256)
    except SuiteError as error:
        bundle.problems.append(f"{where}: {error}")
        return
    bundle.compare(where, recorded, ours)
    if recorded.agreement is not None:
        unknown = set(recorded.agreement.worst) - set(bundle.ids)
        if unknown:
            bundle.problems.append(f"{where}.agreement.worst: {short(min(unknown))} is no image of the data set")
        if not faults:
            _agreement(bundle, f"{where}.agreement", recorded.agreement, top)


def _agreement(bundle: Bundle, where: str, recorded: Agreement, top: TopFive) -> None:
    """What was measured over all logits is possible beside the five best scores of each image."""
    pth, error = bundle.top_five(PTH), recorded.max_abs_error_logits
    if error is not None:
        found = apart(pth, top)
        wrong = beyond(found, error, bundle.ids[found.row])
        bundle.problems += [f"{where}.max_abs_error_logits: {text}" for text in wrong]
    bundle.problems += [f"{where}.{text}" for text in contradictions(recorded, pth, top, bundle.spec.classes)]
    if recorded.systematic is not None and recorded.systematic.image not in bundle.ids:
        unknown = short(recorded.systematic.image)
        bundle.problems.append(f"{where}.systematic.image: {unknown} is no image of the data set")


def check_batches(bundle: Bundle) -> None:
    """The OM of no batch size lies further from the first, in scores or in its error, than their comparison says."""
    if bundle.record.om_batch_errors is None:
        return
    largest, kept = bundle.record.om_batch_errors.largest, bundle.variants
    where = f"{FILE}.om_batch_errors.largest"
    first, *others = map(om, bundle.spec.batches)
    for other in others if first in kept else ():
        if other in kept:
            found = apart(bundle.top_five(first), bundle.top_five(other))
            errors = [_largest_error(kept[name]) for name in (first, other)]
            wrong = [*beyond(found, largest, bundle.ids[found.row]), *further(errors, largest)]
            bundle.problems += [f"{where}, {first} and {other}: {text}" for text in wrong]


def _largest_error(variant: VariantRecord) -> float:
    error = None if variant.agreement is None else variant.agreement.max_abs_error_logits
    return math.nan if error is None else error
