"""Gates of a reference that this run's CPU has not computed: does it belong here, and does this CPU say the same?"""

from __future__ import annotations

from tools.judge.basis import ASPECTS, PTH_REFERENCE_FITS, PTH_REFERENCE_PROBE, misfits
from tools.judge.checks import none_of, within
from tools.judge.evidence import Evidence
from tools.judge.gate import Inventory, Where
from tools.judge.results import Check

GATES = Inventory()


@GATES.take(
    PTH_REFERENCE_FITS,
    "Are the checkpoint's predictions of another run made from this checkpoint, network, recipe and these images?",
    where=Where.REFERENCE_TAKEN,
)
def _fits(evidence: Evidence, batch: int) -> Check:
    taken = evidence.taken_reference()
    odd = misfits(taken.basis, evidence.reference_basis())
    return none_of(odd, among=max(ASPECTS, len(odd)), unit="differences", source=f"what run {taken.run} was made from")


@GATES.take(
    PTH_REFERENCE_PROBE,
    "Are the checkpoint's predictions those of this machine's CPU, on images drawn by chance?",
    where=Where.REFERENCE_ELSEWHERE,
)
def _probe(evidence: Evidence, batch: int) -> Check:
    found = evidence.reference_probe()
    return within(found.largest, evidence.spec.accuracy.reference_abs_error, detail=f"see {found.image}")
