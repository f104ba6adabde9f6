"""What stands beside a verdict without changing it: how far the checkpoint, the images and the recipe are known, and
what was made before the run."""

from __future__ import annotations

from collections.abc import Sequence

from tools.judge.acceptance import DatasetRecord, Reused
from tools.judge.facts import RecipeFacts
from tools.judge.spec import Spec

MEASURED = ("predictions-", "host-throughput", "throughput-om")
"""Kinds of artifacts that are outputs or times, with what they begin."""


def remarks(
    spec: Spec, dataset: DatasetRecord | None, recipe: RecipeFacts | None, reused: Sequence[Reused] = ()
) -> tuple[str, ...]:
    """The remarks in words; the same from a run's own records and from a bundle's."""
    return (*_checkpoint(spec), *_images(spec, dataset), *_recipe(recipe), *_reused(reused))


def _checkpoint(spec: Spec) -> tuple[str, ...]:
    asked = spec.checkpoint
    if asked.sha256 or asked.md5 or asked.sha256_prefix is None:
        return ()
    return (f"the checkpoint is pinned by the first {len(asked.sha256_prefix)} digits of its sha256 alone",)


def _images(spec: Spec, dataset: DatasetRecord | None) -> tuple[str, ...]:
    if dataset is None or dataset.gap or spec.dataset.content_sha256 is not None:
        return ()
    return ("the images are known by their names alone, no digest of the data set is pinned",)


def _reused(reused: Sequence[Reused]) -> tuple[str, ...]:
    """What this run has not made itself: outputs and times by kind with the date of the oldest, the others counted."""
    oldest: dict[str, str] = {}
    for entry in sorted(reused, key=lambda entry: entry.made_utc, reverse=True):
        kind = entry.name.partition("/")[0]
        oldest[kind if kind.startswith(MEASURED) else ""] = entry.made_utc
    others = sum(not entry.name.startswith(MEASURED) for entry in reused)
    words = [f"{kind} made {oldest[kind]}" for kind in sorted(oldest) if kind]
    words += [f"{others} other artifacts, the oldest made {oldest['']}"] if others else []
    return (f"reused from earlier runs: {'; '.join(words)}",) if words else ()


def _recipe(recipe: RecipeFacts | None) -> tuple[str, ...]:
    return () if recipe is None or not recipe.remark else (recipe.remark,)
