"""What stands beside a verdict: how far checkpoint, images and recipe are known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tools.judge.acceptance import DatasetRecord
from tools.judge.facts import RecipeFacts
from tools.judge.operators import OperatorFacts
from tools.judge.remarks import remarks
from tools.judge.spec import Spec
from tools.ports.spec import PUBLISHED_SPEC, load_spec

SHA256 = "0" * 64
KNOWN = DatasetRecord(images=1, embedded_sample=False, limit=None, ids_sha256="", images_sha256="", gap="")
PREFIX = "the checkpoint is pinned by the first 8 digits of its sha256 alone"
COVERED = OperatorFacts("8.1", "the table", 1, (), (11,))
NAMES = "the images are known by their names alone, no digest of the data set is pinned"


@pytest.fixture(scope="module")
def spec() -> Spec:
    """A port that pins all."""
    found = load_spec(PUBLISHED_SPEC)
    return replace(found, dataset=replace(found.dataset, content_sha256=SHA256))


def test_what_is_pinned_needs_no_remark(spec: Spec) -> None:
    assert remarks(spec, KNOWN, RecipeFacts("torchvision", ()), COVERED) == ()
    assert remarks(spec, None, None, None) == ()


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
    assert remarks(replace(spec, checkpoint=asked), KNOWN, None, None) == said


def test_images_known_by_names_are_told_once_all_are_there(spec: Spec) -> None:
    unpinned = replace(spec, dataset=replace(spec.dataset, content_sha256=None))
    assert remarks(unpinned, KNOWN, None, None) == (NAMES,)
    assert remarks(unpinned, replace(KNOWN, gap="1 missing"), None, None) == ()
    assert remarks(unpinned, None, None, None) == ()


def test_a_departure_from_the_stated_recipe_is_told_last(spec: Spec) -> None:
    departs = RecipeFacts("timm", ("mean [0.5], stated [0.4]",))
    unpinned = replace(spec, dataset=replace(spec.dataset, content_sha256=None))
    assert remarks(unpinned, KNOWN, departs, None) == (NAMES, departs.remark)
    assert departs.remark


@pytest.mark.parametrize("release", ["", "6.0.1", "10.0"])
def test_a_table_of_another_release_is_said(release: str, spec: Spec) -> None:
    (said,) = remarks(spec, None, None, replace(COVERED, release=release))
    coverage = replace(COVERED, release=release).coverage
    assert said == f"onnx.operators was judged by a table {coverage} (CANN {release or 'unknown'}): the table"
