"""What a gate is made of: the words that a reader of the inventory meets, and what `take` puts into it."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from tools.base.errors import Stage
from tools.judge import ids
from tools.judge.checks import made
from tools.judge.evidence import Evidence
from tools.judge.gate import Basis, Gate, Inventory, Where
from tools.judge.results import Check


def answer(evidence: Evidence, batch: int) -> Check:
    """A judge that is content with anything."""
    return made("anything")


def test_it_says_in_which_runs_it_exists() -> None:
    assert {where.name: str(where) for where in Where} == {
        "ALWAYS": "in every run",
        "CONTENT": "where the port pins the images and their label file",
        "LABELS_PINNED": "where the port pins the labels",
        "TENSORS": "where the port pins the tensors of the checkpoint",
        "MD5": "where the port states the checkpoint's md5",
        "SHA256": "where the port states the checkpoint's sha256, or how it begins",
        "FLOAT_BINS": "where bins hold normalised values",
        "AIPP": "where the chip normalises (AIPP)",
        "GRAPH_STEP": "where the port has a graph step",
        "PROFILE": "where operators are to be profiled (--profile)",
        "BINS": "where the vendor's tool reads bins",
        "JPEG": "where the vendor's tool is given JPEG files (DVPP)",
        "SAME_PIXELS": "where the OM sees the very pixels that the checkpoint sees: not where the chip decodes",
        "REFERENCE_TAKEN": "where the checkpoint's predictions are another run's (--reference)",
        "REFERENCE_ELSEWHERE": "where the checkpoint's predictions were not made by this run on its CPU",
        "DEVICE": "on a device, but for a sample without published figures: a simulator can say nothing",
    }


def test_it_says_what_an_offline_word_rests_on() -> None:
    assert [str(basis) for basis in Basis] == ["recomputed", "judged again", "taken as recorded"]


def test_it_is_judged_again_once_in_every_run_unless_said_otherwise() -> None:
    taken = Inventory()
    assert taken.take(ids.OM_TOOLKIT, "Is it?")(answer) is answer
    assert taken == [Gate(ids.OM_TOOLKIT, Stage.OM, "Is it?", answer, Basis.JUDGED_AGAIN, False, Where.ALWAYS)]
    taken.take(ids.OM_DEVICE, "And?", basis=Basis.RECOMPUTED, per_batch=True, where=Where.DEVICE)(answer)
    assert taken[1] == Gate(ids.OM_DEVICE, Stage.OM, "And?", answer, Basis.RECOMPUTED, True, Where.DEVICE)


def test_it_cannot_be_changed() -> None:
    taken = Inventory()
    taken.take(ids.OM_TOOLKIT, "Is it?")(answer)
    with pytest.raises(FrozenInstanceError):
        taken[0].question = "Is it not?"  # type: ignore[misc]
