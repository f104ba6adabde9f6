"""Gates of the published weights."""

from __future__ import annotations

from dataclasses import replace

from tools.judge import ids
from tools.judge.checks import made, none_of, same
from tools.judge.evidence import Evidence
from tools.judge.facts import OtherType
from tools.judge.gate import Inventory, Where
from tools.judge.handover import first_few
from tools.judge.results import Check

GATES = Inventory()
MOST_NAMED = 3
LONGEST_PREFIX = 60
LIBRARY = "what torchvision itself gives the network for this file"
NARROWER = ("float16", "bfloat16")
CONVERT = "torch.save({name: tensor.float() for name, tensor in weights.items()}, 'float32.pth')"


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


@GATES.take(ids.CHECKPOINT_KEYS, "Does it hold exactly the tensors of the network, made as these weights need it?")
def _keys(evidence: Evidence, batch: int) -> Check:
    facts = evidence.checkpoint()
    if facts.missing_arguments:
        said = f"write under `arguments`: {'; '.join(facts.missing_arguments)}"
        return replace(none_of(facts.missing_arguments, among=1, unit="arguments missing", source=LIBRARY), detail=said)
    if facts.foreign_arguments:
        said = f"with these the library's own weights give other logits: {'; '.join(facts.foreign_arguments)}"
        return replace(none_of(facts.foreign_arguments, among=1, unit="arguments foreign", source=LIBRARY), detail=said)
    check = _tensors(evidence, facts.missing + facts.unexpected, "tensors odd")
    if check.passed or not facts.expected:
        return check
    apart = f"{len(facts.missing)} missing, {len(facts.unexpected)} unexpected of {facts.expected}"
    return replace(check, measured=apart, detail=keys_in_words(facts.missing, facts.unexpected, facts.tensors))


def keys_in_words(missing: tuple[str, ...], unexpected: tuple[str, ...], tensors: int) -> str:
    """Names that differ, each side apart, and what would mend them where that can be seen; empty when none do."""
    sides = ((missing, "missing"), (unexpected, "unexpected"))
    said = [f"{len(names)} {word}: {first_few(names, MOST_NAMED)}" for names, word in sides if names]
    prefix = _common_prefix(missing, unexpected, tensors)
    if prefix and prefix.isprintable() and len(prefix) <= LONGEST_PREFIX:
        said.append(f"all {tensors} names begin with `{prefix}`: write `strip_prefix: {prefix}` into the port")
    return "; ".join(said)


def _common_prefix(missing: tuple[str, ...], unexpected: tuple[str, ...], tensors: int) -> str:
    """What a wrapper such as DataParallel has put before every name, without which names are the network's."""
    if not unexpected or len(unexpected) != tensors:
        return ""
    prefix = unexpected[0].partition(".")[0] + "."
    if not all(name.startswith(prefix) for name in unexpected):
        return ""
    return prefix if {name[len(prefix) :] for name in unexpected} & set(missing) else ""


@GATES.take(ids.CHECKPOINT_SHAPES, "Has each tensor the network's shape and dtype?")
def _shapes(evidence: Evidence, batch: int) -> Check:
    facts = evidence.checkpoint()
    shapes = [entry.rpartition(": ")[0] for entry in facts.misshapen]
    odd = {*shapes, *(name for kind in facts.other_types for name in kind.tensors)}
    check = _tensors(evidence, tuple(sorted(odd)), "tensors misshapen")
    return replace(check, detail=shapes_in_words(facts.misshapen, facts.other_types)) if odd else check


def shapes_in_words(misshapen: tuple[str, ...], other_types: tuple[OtherType, ...]) -> str:
    """Tensors of another shape, then those of another type, with what would mend them; empty when there are none."""
    said = [f"{len(misshapen)} of another shape: {first_few(misshapen, MOST_NAMED)}"] if misshapen else []
    return "; ".join(said + [_type_in_words(kind) for kind in other_types])


def _type_in_words(kind: OtherType) -> str:
    """Where a conversion keeps every value, how to make it; integers in the place of weights are quantised ones."""
    names, count = first_few(kind.tensors, MOST_NAMED), len(kind.tensors)
    many = "1 tensor is" if count == 1 else f"{count} tensors are"
    said = f"{many} {kind.found}, the network's are {kind.expected} ({names})"
    if kind.expected == "float32" and kind.found in NARROWER:
        return f"{said}: convert them once, {CONVERT}, and state the new file's digest"
    if kind.expected == "float32" and kind.found.startswith(("int", "uint")):
        return f"{said}: quantised weights, name the float32 checkpoint that they were made from"
    return said


@GATES.take(ids.CHECKPOINT_FINITE, "Is every weight a finite number?")
def _finite_weights(evidence: Evidence, batch: int) -> Check:
    return _tensors(evidence, evidence.checkpoint().not_finite, "tensors not finite")


@GATES.take(
    ids.CHECKPOINT_CONTENT_SHA256,
    "Are the tensors, whatever the file format, the pinned ones?",
    where=Where.TENSORS,
)
def _content(evidence: Evidence, batch: int) -> Check:
    asked = evidence.spec.checkpoint
    measured = evidence.checkpoint().content_sha256
    return same(measured, str(asked.content_sha256), unit="sha256", source=asked.source)
