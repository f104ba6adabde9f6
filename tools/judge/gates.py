"""The inventory of gates: what a run must decide is known before it starts, so that nothing can go missing unseen.

A gate's function (tools/judge/stages/) makes a check from evidence (tools/judge/evidence.py); a run and the offline
judge call the same one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.judge.agreement import CHECKS
from tools.judge.basis import MadeBy
from tools.judge.evidence import Evidence
from tools.judge.gate import Gate, Where
from tools.judge.ids import GateId, Variant
from tools.judge.results import Check
from tools.judge.spec import Spec
from tools.judge.stages import accuracy, checkpoint, om, onnx, perf, preprocessing, reference

if TYPE_CHECKING:
    from tools.judge.bundle import Bundle


@dataclass(frozen=True)
class Asked:
    """What a run is about: the spec, whether a device is there, who makes the checkpoint's predictions, and
    whether operators are to be profiled."""

    spec: Spec
    on_device: bool
    reference: MadeBy = MadeBy.CPU
    profile: bool = False


INVENTORY: tuple[Gate, ...] = (
    *checkpoint.GATES,
    *onnx.GATES,
    *preprocessing.GATES,
    *om.GATES,
    *reference.GATES,
    *accuracy.GATES,
    *perf.GATES,
)
"""Every gate, in the order of the stages."""
BY_ID = {gate.id: gate for gate in INVENTORY}
COMPARED = frozenset(("top1_drop_pp", "top5_drop_pp", *CHECKS))
"""Questions that hold a variant's predictions against the checkpoint's."""


def find(name: str) -> Gate:
    """The gate of a full id such as `om.accuracy.top1_drop_pp[bs16]`; KeyError when the inventory has none."""
    return BY_ID[GateId(name).gate]


def compared_variant(name: str) -> Variant | None:
    """The variant that a gate holds against the checkpoint, None for any other gate."""
    return GateId(name).variant if GateId(name).gate.rpartition(".")[2] in COMPARED else None


def applies(gate: Gate, asked: Asked) -> bool:
    """Whether this run asks the gate's question at all."""
    return {
        Where.ALWAYS: True,
        Where.MD5: asked.spec.checkpoint.md5 is not None,
        Where.SHA256: bool(asked.spec.checkpoint.sha256 or asked.spec.checkpoint.sha256_prefix),
        Where.GRAPH_STEP: asked.spec.onnx.graph_step is not None,
        Where.PROFILE: asked.profile,
        Where.TENSORS: asked.spec.checkpoint.content_sha256 is not None,
        Where.CONTENT: asked.spec.dataset.content_sha256 is not None,
        Where.LABELS_PINNED: asked.spec.dataset.labels_sha256 is not None,
        Where.FLOAT_BINS: asked.spec.preprocessing.aipp is None,
        Where.AIPP: asked.spec.preprocessing.aipp is not None,
        Where.BINS: not asked.spec.preprocessing.is_jpeg,
        Where.JPEG: asked.spec.preprocessing.is_jpeg,
        Where.SAME_PIXELS: not asked.spec.preprocessing.is_jpeg,
        Where.REFERENCE_TAKEN: asked.reference is MadeBy.OTHER_RUN,
        Where.REFERENCE_ELSEWHERE: asked.reference is not MadeBy.CPU,
        Where.DEVICE: asked.on_device and (asked.spec.kind == "published" or asked.spec.has_figures),
    }[gate.where]


def asked_of(spec: Spec, bundles: Sequence[Bundle]) -> Asked:
    """What bundles of one run are about together, judged by a spec: where one took its reference, all rest on it,
    and operators are profiled where one was to."""
    furthest = max((bundle.made_by for bundle in bundles), key=list(MadeBy).index)
    profile = any(bundle.record.profile for bundle in bundles)
    return Asked(spec, on_device=bundles[0].on_device, reference=furthest, profile=profile)


def expected(asked: Asked) -> tuple[GateId, ...]:
    """The full ids of every gate that an acceptance asks, in the order of the stages."""
    return tuple(
        gate.id.at(batch)
        for gate in INVENTORY
        if applies(gate, asked)
        for batch in (asked.spec.batches if gate.per_batch else (None,))
    )


def judge(name: str, evidence: Evidence) -> Check:
    """The answer of one gate, by its full id, from the evidence."""
    batch = GateId(name).batch
    return find(name).judge(evidence, 0 if batch is None else batch)


def in_order(names: Sequence[GateId]) -> list[GateId]:
    """Ids in the order of the inventory; those that it does not know come last."""
    order = {gate: place for place, gate in enumerate(BY_ID)}
    return sorted(names, key=lambda name: order.get(name.gate, len(order)))
