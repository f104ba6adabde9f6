"""What a gate is: one assertion of the suite, with its question and the function that answers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, List

from tools.base.errors import Stage
from tools.base.text_enum import TextEnum
from tools.judge.evidence import Evidence
from tools.judge.ids import GateId
from tools.judge.results import Check

Judge = Callable[[Evidence, int], Check]
"""From evidence and the batch size (0 where the gate has none) to a check."""


class Where(TextEnum):
    """In which runs a gate exists."""

    ALWAYS = "in every run"
    MD5 = "where the port states the checkpoint's md5"
    SHA256 = "where the port states the checkpoint's sha256, or how it begins"
    TENSORS = "where the port pins the tensors of the checkpoint"
    CONTENT = "where the port pins the images and their label file"
    LABELS_PINNED = "where the port pins the labels"
    GRAPH_STEP = "where the port has a graph step"
    PROFILE = "where operators are to be profiled (--profile)"
    FLOAT_BINS = "where bins hold normalised values"
    BINS = "where the vendor's tool reads bins"
    AIPP = "where the chip normalises (AIPP)"
    JPEG = "where the vendor's tool is given JPEG files (DVPP)"
    SAME_PIXELS = "where the OM sees the very pixels that the checkpoint sees: not where the chip decodes"
    REFERENCE_TAKEN = "where the checkpoint's predictions are another run's (--reference)"
    REFERENCE_ELSEWHERE = "where the checkpoint's predictions were not made by this run on its CPU"
    DEVICE = "on a device, but for a sample without published figures: a simulator can say nothing"


class Basis(TextEnum):
    """What an offline judge's word on a gate rests on."""

    RECOMPUTED = "recomputed"
    JUDGED_AGAIN = "judged again"
    AS_RECORDED = "taken as recorded"


@dataclass(frozen=True)
class Gate:
    """One assertion of the suite: a stable id, its stage, the question it answers, and the function that answers it.

    `per_batch` gates exist once for every batch size of the spec, as `id[bs16]`; `where` says in which runs the
    question is asked at all; `basis` is RECOMPUTED where the bundle holds the predictions or raw samples that decide,
    JUDGED_AGAIN where it holds the facts that were measured.
    """

    id: GateId
    stage: Stage
    question: str
    judge: Judge
    basis: Basis
    per_batch: bool
    where: Where


class Inventory(List[Gate]):
    """The gates of one stage, in the order in which their functions stand."""

    def take(
        self,
        name: GateId,
        question: str,
        *,
        basis: Basis = Basis.JUDGED_AGAIN,
        per_batch: bool = False,
        where: Where = Where.ALWAYS,
    ) -> Callable[[Judge], Judge]:
        """Take a function into the inventory as what judges a gate."""

        def taken(judge: Judge) -> Judge:
            self.append(Gate(name, name.stage, question, judge, basis, per_batch, where))
            return judge

        return taken
