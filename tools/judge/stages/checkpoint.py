"""Gates of the published weights."""

from __future__ import annotations

from tools.judge import ids
from tools.judge.checks import made, none_of, same
from tools.judge.evidence import Evidence
from tools.judge.gate import Inventory, Where
from tools.judge.results import Check

GATES = Inventory()


@GATES.take(
    ids.CHECKPOINT_MD5,
    "Is the file the published one, byte for byte, before anything is unpickled?",
    where=Where.MD5,
)
def _md5(evidence: Evidence, batch: int) -> Check:
    published = evidence.spec.checkpoint
    return same(str(evidence.digest("checkpoint").md5), str(published.md5), unit="md5", source=published.source)


@GATES.take(
    ids.CHECKPOINT_SHA256,
    "Is the file the published one by its sha256, or by as many of its digits as were published?",
    where=Where.SHA256,
)
def _sha256(evidence: Evidence, batch: int) -> Check:
    published = evidence.spec.checkpoint
    stated = published.sha256 or str(published.sha256_prefix)
    measured = evidence.digest("checkpoint").sha256[: len(stated)]
    return same(measured, stated, unit=f"sha256, {len(stated)} digits", source=published.source)


@GATES.take(ids.CHECKPOINT_LOADS, "Is it a plain state_dict that loads without running code?")
def _loads(evidence: Evidence, batch: int) -> Check:
    return made(f"{evidence.checkpoint().tensors} tensors")


def _tensors(evidence: Evidence, offenders: tuple[str, ...], unit: str) -> Check:
    return none_of(offenders, among=evidence.checkpoint().expected, unit=unit, source=evidence.spec.model.name)


@GATES.take(ids.CHECKPOINT_KEYS, "Does it hold exactly the tensors of the network?")
def _keys(evidence: Evidence, batch: int) -> Check:
    facts = evidence.checkpoint()
    return _tensors(evidence, facts.missing + facts.unexpected, "tensors odd")


@GATES.take(ids.CHECKPOINT_SHAPES, "Has each tensor the network's shape and dtype?")
def _shapes(evidence: Evidence, batch: int) -> Check:
    return _tensors(evidence, evidence.checkpoint().misshapen, "tensors misshapen")


@GATES.take(ids.CHECKPOINT_FINITE, "Is every weight a finite number?")
def _finite_weights(evidence: Evidence, batch: int) -> Check:
    return _tensors(evidence, evidence.checkpoint().not_finite, "tensors not finite")


@GATES.take(
    ids.CHECKPOINT_CONTENT_SHA256,
    "Are the sample's tensors, whatever the file format, the pinned ones?",
    where=Where.SAMPLE,
)
def _content(evidence: Evidence, batch: int) -> Check:
    asked = evidence.spec.checkpoint
    measured = evidence.checkpoint().content_sha256
    return same(measured, str(asked.content_sha256), unit="sha256", source=asked.source)
