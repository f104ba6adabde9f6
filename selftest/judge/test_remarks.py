"""What stands beside a verdict: how far checkpoint, images and recipe are known, what is of earlier runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tools.judge.acceptance import DatasetRecord, Reused
from tools.judge.facts import RecipeFacts
from tools.judge.remarks import remarks
from tools.judge.spec import Spec
from tools.ports.spec import PUBLISHED_SPEC, load_spec

SHA256 = "0" * 64
KNOWN = DatasetRecord(images=1, embedded_sample=False, limit=None, ids_sha256="", images_sha256="", gap="")
PREFIX = "the checkpoint is pinned by the first 8 digits of its sha256 alone"
NAMES = "the images are known by their names alone, no digest of the data set is pinned"


@pytest.fixture(scope="module")
def spec() -> Spec:
    """A port that pins all."""
    found = load_spec(PUBLISHED_SPEC)
    return replace(found, dataset=replace(found.dataset, content_sha256=SHA256))


def test_what_is_pinned_needs_no_remark(spec: Spec) -> None:
    assert remarks(spec, KNOWN, RecipeFacts("torchvision", ())) == ()
    assert remarks(spec, None, None) == ()


@pytest.mark.parametrize(
    ("digests", "said"),
    [
        ({"sha256_prefix": "0" * 8}, (PREFIX,)),
        ({"sha256_prefix": "0" * 8, "md5": "0" * 32}, ()),
        ({"sha256_prefix": "0" * 8, "sha256": SHA256}, ()),
        ({}, ()),  # whose verdict says UNPINNED
    ],
)
def test_a_checkpoint_pinned_by_a_prefix_alone_is_told(
    spec: Spec, digests: dict[str, str], said: tuple[str, ...]
) -> None:
    asked = replace(
        spec.checkpoint,
        md5=digests.get("md5"),
        sha256=digests.get("sha256"),
        sha256_prefix=digests.get("sha256_prefix"),
    )
    assert remarks(replace(spec, checkpoint=asked), KNOWN, None) == said


def test_images_known_by_names_are_told_once_all_are_there(spec: Spec) -> None:
    unpinned = replace(spec, dataset=replace(spec.dataset, content_sha256=None))
    assert remarks(unpinned, KNOWN, None) == (NAMES,)
    assert remarks(unpinned, replace(KNOWN, gap="1 missing"), None) == ()
    assert remarks(unpinned, None, None) == ()


def test_a_departure_from_the_stated_recipe_is_told_last(spec: Spec) -> None:
    departs = RecipeFacts("timm", ("mean [0.5], stated [0.4]",))
    unpinned = replace(spec, dataset=replace(spec.dataset, content_sha256=None))
    assert remarks(unpinned, KNOWN, departs) == (NAMES, departs.remark)
    assert departs.remark


def test_outputs_and_times_of_earlier_runs_are_told_by_their_oldest_date(spec: Spec) -> None:
    first, last = "2026-11-20T10:00:00+00:00", "2026-11-21T10:00:00+00:00"
    reused = (
        Reused("predictions-om/1", last),
        Reused("predictions-om/2", first),
        Reused("host-throughput/1", last),
        Reused("onnx/1", first),
        Reused("bins/1", last),
    )
    said = f"host-throughput made {last}; predictions-om made {first}; 2 other artifacts, the oldest made {first}"
    assert remarks(spec, KNOWN, None, reused) == (f"reused from earlier runs: {said}",)
    assert remarks(spec, KNOWN, None, reused[3:4])[0].endswith(f"runs: 1 other artifacts, the oldest made {first}")
