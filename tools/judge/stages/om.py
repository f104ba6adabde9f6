"""Gates of the offline models."""

from __future__ import annotations

from pathlib import PurePath

from tools.judge import ids
from tools.judge.aipp import KEYS, aipp_differences, file_name
from tools.judge.checks import made, none_of, within
from tools.judge.description import AIPP, description_mismatches
from tools.judge.evidence import Evidence
from tools.judge.gate import Inventory, Where
from tools.judge.results import Check

GATES = Inventory()


@GATES.take(ids.OM_TOOLKIT, "Is everything there that compiles and runs offline models?")
def _toolkit(evidence: Evidence, batch: int) -> Check:
    facts = evidence.toolkit()
    return made(f"{facts.target}, {facts.infer_tool}")


@GATES.take(ids.OM_DEVICE, "Is the device there, healthy, and of the chip that was asked for?")
def _device(evidence: Evidence, batch: int) -> Check:
    machine = evidence.machine()
    devices = ", ".join(board.seat.named(board.device) for board in machine.boards)
    return made(f"{machine.soc}, {devices}")


@GATES.take(ids.OM_AIPP, "Does the AIPP file say what the port's recipe says?", where=Where.AIPP)
def _aipp(evidence: Evidence, batch: int) -> Check:
    asked = evidence.spec.preprocessing
    found = aipp_differences(evidence.aipp().text, asked)
    return none_of(found, among=len(KEYS), unit="keys differing", source=asked.source)


@GATES.take(
    ids.OM_COMPILED, "Has atc said that it succeeded and made a fresh OM, or was one handed in?", per_batch=True
)
def _compiled(evidence: Evidence, batch: int) -> Check:
    name = PurePath(evidence.digest(ids.om(batch)).path).name
    own = evidence.handed_in(ids.om(batch))
    return made(name if own is None else f"{own.file}, handed in")


@GATES.take(ids.OM_DESCRIBED, "Does the OM say of itself the batch, input, chip and flags asked for?", per_batch=True)
def _described(evidence: Evidence, batch: int) -> Check:
    described = evidence.described(batch)
    found = description_mismatches(
        described,
        evidence.spec.om_inputs(batch),
        soc=evidence.machine().soc,
        flags=(*evidence.spec.om.atc_extra_args, *_aipp_flags(evidence)),
        handed_in=evidence.handed_in(ids.om(batch)) is not None,
    )
    return none_of(found, among=1, unit="mismatches", source=_read_by(described.stored.unread))


def _aipp_flags(evidence: Evidence) -> tuple[str, ...]:
    """The flag of the AIPP file, as an OM's command line shows it without folders."""
    return () if evidence.spec.preprocessing.aipp is None else (f"{AIPP}={file_name(evidence.aipp().text)}",)


def _read_by(unread: str) -> str:
    """Where the description was read."""
    return f"atc --mode=1 alone: {unread}" if unread else "atc --mode=1, and the file's own bytes"


@GATES.take(ids.OM_RAN, "Has the vendor's tool run the OM and given one output an image?", per_batch=True)
def _ran(evidence: Evidence, batch: int) -> Check:
    handed = evidence.handover(ids.om(batch))
    # whether they are all is the question of om.accuracy.ids
    outputs = handed.expected - len(handed.missing) + len(handed.extra)
    return made(f"{outputs} outputs")


@GATES.take(ids.OM_BATCH_INVARIANCE_ABS_ERROR, "Does every batch size give an image the same logits as the first one?")
def _om_batches(evidence: Evidence, batch: int) -> Check:
    return within(evidence.batch_errors().largest, evidence.spec.om.batch_bound(on_device=evidence.on_device))
