"""Names beside class indices: ImageNet's where the images are its own, and none that nobody has given."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from selftest.report.conftest import Written
from tools.judge.acceptance import Acceptance
from tools.judge.spec import Spec
from tools.report.class_names import ClassNamesError, class_names, read_class_names
from tools.report.html import read_spec


@pytest.fixture
def imagenet(accepted: Written) -> tuple[Acceptance, Spec]:
    """A run over ImageNet's own images, and its port."""
    spec = read_spec(accepted.folder, accepted.run)
    assert spec is not None
    return accepted.run, dataclasses.replace(spec, dataset=dataclasses.replace(spec.dataset, classes=1000))


def test_imagenet_is_known_by_the_names_and_the_number_of_its_images(imagenet: tuple[Acceptance, Spec]) -> None:
    names = class_names(*imagenet)
    assert len(names) == 1000
    assert (names[0], names[282], names[999]) == ("tench", "tiger cat", "toilet tissue")


def test_a_background_class_moves_them(imagenet: tuple[Acceptance, Spec]) -> None:
    run, spec = imagenet
    names = class_names(run, dataclasses.replace(spec, model=dataclasses.replace(spec.model, label_offset=1)))
    assert (len(names), names[0], names[1], names[1000]) == (1001, "background", "tench", "toilet tissue")


def test_other_data_and_the_sample_have_numbers_alone(imagenet: tuple[Acceptance, Spec]) -> None:
    run, spec = imagenet
    data = spec.dataset
    assert run.dataset is not None
    for other in (dataclasses.replace(data, classes=100), dataclasses.replace(data, id_format="flower_{:05d}")):
        assert class_names(run, dataclasses.replace(spec, dataset=other)) == {}
    for record in (
        dataclasses.replace(run.dataset, embedded_sample=True),
        dataclasses.replace(run.dataset, foreign_ids=1),
    ):
        assert class_names(dataclasses.replace(run, dataset=record), spec) == {}
    assert class_names(run, dataclasses.replace(spec, kind="sample")) == {}
    assert class_names(run, None) == class_names(dataclasses.replace(run, dataset=None), spec) == {}


def test_a_file_of_names_serves_any_data(imagenet: tuple[Acceptance, Spec], tmp_path: Path) -> None:
    run, spec = imagenet
    few = dataclasses.replace(spec, dataset=dataclasses.replace(spec.dataset, classes=2))
    (tmp_path / "names.txt").write_text("rose \ntulip\n", encoding="utf-8")
    given = read_class_names(tmp_path / "names.txt")
    assert class_names(run, few, given) == {0: "rose", 1: "tulip"}
    with pytest.raises(ClassNamesError, match=r"not the names of the port's classes.*2 names.*1000 classes"):
        class_names(run, spec, given)


def test_blank_lines_at_the_end_are_no_names_and_a_file_without_any_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "names.txt"
    file.write_bytes(b"\xef\xbb\xbfrose\r\ntulip\r\n\r\n")
    assert read_class_names(file) == ("rose", "tulip")
    file.write_text("\n \n", encoding="utf-8")
    with pytest.raises(ClassNamesError, match="the file holds no names of classes"):
        read_class_names(file)


def test_a_file_of_names_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "picture").write_bytes(b"\xff\xd8")
    for path in (tmp_path / "picture", tmp_path / "nothing"):
        with pytest.raises(ClassNamesError, match="cannot read the names of classes"):
            read_class_names(path)
