"""The images of a run are those of the spec, or it is said why not."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from tools.judge.dataset import (
    all_by_name,
    byte_equal,
    byte_equal_percent,
    foreign_ids,
    incompleteness,
    labels_sha256,
    other_images,
    ports_own,
)
from tools.judge.image_records import DatasetRecord
from tools.judge.numbers import Exactly
from tools.judge.shipped import SAMPLE_IMAGES_SHA256
from tools.judge.spec import Dataset
from tools.ports.spec import PUBLISHED_SPEC, load_spec

SPEC = load_spec(PUBLISHED_SPEC)
PINNED = "1" * 64
THREE = Exactly(exactly=3.0, unit="images", source="made up")
IDS = ("a_01", "a_02", "a_03")
OTHERS = {
    "an id renamed": (("a_01", "a_02", "b_03"), "1 missing in this one (a_03), 1 not in the port's data set (b_03)"),
    "an image missing": (IDS[:2], "1 missing in this one (a_03)"),
    "an image too many": ((*IDS, "b_04"), "1 not in the port's data set (b_04)"),
}


def asked(content_sha256: str | None = None) -> Dataset:
    """Three images, by their ids and maybe by content."""
    return Dataset(THREE, "a_{:02d}", classes=2, content_sha256=content_sha256, source="made up")


@pytest.mark.parametrize("pinned", [None, PINNED])
@pytest.mark.parametrize("ids", [IDS, IDS[::-1]])
def test_the_images_of_the_spec_are_no_others_in_any_order(ids: tuple[str, ...], pinned: str | None) -> None:
    assert not other_images(ids, PINNED, asked(pinned))
    assert incompleteness(ids, PINNED, asked(pinned)) == ""


@pytest.mark.parametrize("name", OTHERS)
def test_other_ids_are_other_images(name: str) -> None:
    ids, why = OTHERS[name]
    assert other_images(ids, PINNED, asked())
    assert incompleteness(ids, PINNED, asked()) == why


def test_other_content_is_other_images_only_where_it_is_pinned() -> None:
    assert other_images(IDS, "2" * 64, asked(PINNED))
    assert incompleteness(IDS, "2" * 64, asked(PINNED)) == f"the content is {'2' * 64}, not {PINNED}"
    assert not other_images(IDS, "2" * 64, asked())


@pytest.mark.parametrize(
    ("ids", "count"),
    [
        (IDS, 0),
        (IDS[:1], 0),
        (("a_00", "a_04", "a_1", "a_001", "b_01", "a_", "a_-1", "a_" + "1" * 5000, "a_٠١", "a_²"), 10),
    ],
)
def test_an_id_is_the_specs_or_foreign(ids: tuple[str, ...], count: int) -> None:
    assert foreign_ids(ids, asked()) == count


@pytest.mark.parametrize("id_format", ["{:d}", "a{:d}", "a_{:024d}", "a{:099d}"])
def test_an_id_may_be_as_wide_as_its_format_says(id_format: str) -> None:
    spec = Dataset(Exactly(exactly=11.0, unit="images", source="made up"), id_format, classes=2, source="made up")
    assert foreign_ids(spec.ids(), spec) == 0
    assert foreign_ids([f"{name}0" for name in spec.ids()[1:]], spec) == 10


def test_labels_have_one_digest_in_any_order() -> None:
    labels = {"a_01": 1, "a_02": 0}
    expected = hashlib.sha256(b"a_01 1\na_02 0\n").hexdigest()
    assert labels_sha256(labels) == labels_sha256(dict(reversed(labels.items()))) == expected
    assert labels_sha256({"a_01": 0, "a_02": 1}) != expected


def test_byte_equal_images_come_in_groups() -> None:
    assert byte_equal({"c": "1", "a": "1", "b": "2", "d": "3", "e": "3"}) == (("a", "c"), ("d", "e"))
    assert byte_equal({"a": "1", "b": "2"}) == ()


def recorded(images: int = 3, content: str = PINNED, **changes: Any) -> DatasetRecord:  # noqa: ANN401 - of the record
    """What a run has recorded of its images: those of the spec."""
    whole = DatasetRecord(images, False, None, "i" * 64, content, "l" * 64, 0, (), "")
    return replace(whole, **changes)


@pytest.mark.parametrize(
    ("images", "foreign", "all_there"), [(3, 0, True), (2, 0, False), (4, 0, False), (3, 1, False)]
)
def test_all_images_are_there_by_number_and_name(images: int, foreign: int, all_there: bool) -> None:
    assert all_by_name(recorded(images, foreign_ids=foreign), asked()) is all_there


OTHER = "2" * 64


@pytest.mark.parametrize(
    ("pinned", "data", "own"),
    [
        (None, recorded(), True),
        (None, recorded(foreign_ids=1), False),
        (PINNED, recorded(), True),
        (PINNED, recorded(content=OTHER), False),
        (PINNED, recorded(2, OTHER), True),
        (PINNED, recorded(2, OTHER, foreign_ids=1), False),
        (None, recorded(content=OTHER), True),
    ],
)
def test_a_ports_figures_speak_of_its_images_or_a_part_of_them(
    pinned: str | None, data: DatasetRecord, own: bool
) -> None:
    assert ports_own(data, replace(SPEC, dataset=asked(pinned))) is own


@pytest.mark.parametrize("data", [recorded(embedded_sample=True), recorded(content=SAMPLE_IMAGES_SHA256)])
def test_the_samples_images_are_a_samples_own_and_no_ports(data: DatasetRecord) -> None:
    spec = replace(SPEC, dataset=asked())
    assert ports_own(data, replace(spec, kind="sample")) is True
    assert ports_own(data, spec) is False


@pytest.mark.parametrize(
    ("groups", "images", "percent"),
    [
        *(((), 3, 0.0), ((), 0, 0.0)),
        *(((("a", "b"),), 4, 25.0), ((("a", "b"), ("c", "d", "e")), 10, 30.0), ((("a", "b"),), 1, 100.0)),
    ],
)
def test_the_first_of_equal_images_is_no_copy(groups: tuple[tuple[str, ...], ...], images: int, percent: float) -> None:
    assert byte_equal_percent(recorded(images, byte_equal=groups)) == percent
