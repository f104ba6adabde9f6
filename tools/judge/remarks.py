"""What stands beside a verdict without changing it: how far the checkpoint, the images and the recipe are known."""

from __future__ import annotations

from tools.judge.acceptance import DatasetRecord
from tools.judge.facts import RecipeFacts
from tools.judge.operators import OperatorFacts
from tools.judge.spec import Spec


def remarks(
    spec: Spec, dataset: DatasetRecord | None, recipe: RecipeFacts | None, operators: OperatorFacts | None
) -> tuple[str, ...]:
    """The remarks in words; the same from a run's own records and from a bundle's."""
    return (*_checkpoint(spec), *_images(spec, dataset), *_said(recipe), *_said(operators))


def _checkpoint(spec: Spec) -> tuple[str, ...]:
    asked = spec.checkpoint
    if asked.sha256 or asked.md5 or asked.sha256_prefix is None:
        return ()
    return (f"the checkpoint is pinned by the first {len(asked.sha256_prefix)} digits of its sha256 alone",)


def _images(spec: Spec, dataset: DatasetRecord | None) -> tuple[str, ...]:
    if dataset is None or dataset.gap or spec.dataset.content_sha256 is not None:
        return ()
    return ("the images are known by their names alone, no digest of the data set is pinned",)


def _said(facts: RecipeFacts | OperatorFacts | None) -> tuple[str, ...]:
    return () if facts is None or not facts.remark else (facts.remark,)
