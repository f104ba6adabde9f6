"""What is held against a library's transforms: rare kinds of images always, the others by chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from selftest.odd_images import ODD, RECIPE, noise
from tools.data.parity_sample import KINDS, Header, Headers, draw, read_headers
from tools.store.facts import load_fact, save_fact

ORDINARY = Header("RGB", 500, 376, transparent=False, named_so=True)
RARE = {
    "grey": replace(ORDINARY, mode="L"),
    "CMYK": replace(ORDINARY, mode="CMYK"),
    "palette or alpha": replace(ORDINARY, transparent=True),
    "smaller than the network's input": replace(ORDINARY, width=300, height=200),
    "very tall": replace(ORDINARY, height=1000),
    "very wide": replace(ORDINARY, width=800),
    "of odd size": replace(ORDINARY, width=501, height=377),
    "of another format than its name says": replace(ORDINARY, named_so=False),
}
IDS = tuple(f"{number:05d}" for number in range(5000))


def headers(**rare: Header) -> Headers:
    return Headers({**dict.fromkeys(IDS, ORDINARY), **rare})


def test_every_kind_has_its_example() -> None:
    assert RARE.keys() == KINDS.keys()
    for name, image in RARE.items():
        assert [kind for kind, is_kind in KINDS.items() if is_kind(image, RECIPE)] == [name]
    assert not any(is_kind(ORDINARY, RECIPE) for is_kind in KINDS.values())


@pytest.mark.parametrize("seed", ["one", "another", "0"])
def test_the_only_image_of_each_kind_is_always_looked_at(seed: str) -> None:
    rare = dict(zip(IDS[7::600], RARE.values(), strict=False))
    drawn = draw(IDS, headers(**rare), RECIPE, 100, seed)
    assert len(rare) == len(KINDS)
    assert len(set(drawn)) == 100
    assert list(drawn) == sorted(drawn)
    assert set(rare) <= set(drawn)


def test_a_kind_that_is_not_rare_leaves_room_for_the_others() -> None:
    grey = dict.fromkeys(IDS[:4000], RARE["grey"])
    drawn = draw(IDS, headers(**grey), RECIPE, 100, "seed")
    assert 10 < sum(name not in grey for name in drawn) < 40


def test_runs_draw_others_and_workers_of_a_run_the_same() -> None:
    first, again, other = (draw(IDS, headers(), RECIPE, 100, seed) for seed in ("run", "run", "other"))
    assert first == again
    assert len(set(first) & set(other)) < 20


@pytest.mark.parametrize("count", [1, 3, 8, 20])
def test_few_are_as_many_as_asked_for(count: int) -> None:
    rare = dict(zip(IDS, RARE.values(), strict=False))
    assert len(set(draw(IDS, headers(**rare), RECIPE, count, "seed"))) == count


def test_all_are_looked_at_where_there_are_no_more() -> None:
    assert draw(IDS[:100], Headers({}), RECIPE, 100, "seed") == IDS[:100]


def test_images_without_a_header_can_be_drawn_too() -> None:
    assert len(draw(IDS, Headers({}), RECIPE, 100, "seed")) == 100


def saved_as(kind: str) -> Callable[[Path], None]:
    return lambda path: ODD[kind](path)


@pytest.mark.parametrize(
    ("write", "name", "kinds"),
    [
        (saved_as("JPEG 4:2:0"), "a.JPEG", {"of odd size"}),
        (saved_as("grey JPEG"), "a.jpg", {"grey"}),
        (saved_as("CMYK JPEG"), "a.JPEG", {"CMYK"}),
        (saved_as("palette"), "a.png", {"palette or alpha"}),
        (saved_as("RGBA"), "a.png", {"palette or alpha"}),
        (saved_as("RGB PNG with a transparent colour"), "a.png", {"palette or alpha"}),
        (saved_as("LA"), "a.png", {"grey", "palette or alpha"}),
        (saved_as("16 bits"), "a.png", {"grey"}),
        (saved_as("MPO"), "a.jpeg", set()),
        (saved_as("BMP"), "a.JPEG", {"of another format than its name says"}),
        (saved_as("GIF"), "a.JPEG", {"palette or alpha", "of another format than its name says"}),
    ],
)
def test_kinds_are_told_from_headers(write: Callable[[Path], None], name: str, kinds: set[str], tmp_path: Path) -> None:
    write(tmp_path / name)
    (header,) = read_headers({"a": tmp_path / name}).by_id.values()
    assert {kind for kind, is_kind in KINDS.items() if is_kind(header, RECIPE)} == kinds


def test_no_pixel_is_decoded_and_broken_files_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = {name: tmp_path / f"{name}.png" for name in "abc"}
    noise(30, 40).save(images["a"])
    images["b"].write_text("no image")
    monkeypatch.setattr(Image.Image, "load", lambda *words: pytest.fail("a pixel was decoded"))
    assert read_headers(images).by_id == {"a": Header("RGB", 30, 40, transparent=False, named_so=True)}


def test_headers_are_kept_as_a_fact(tmp_path: Path) -> None:
    found = Headers({"a": ORDINARY, "b": RARE["grey"]})
    save_fact(found, tmp_path)
    assert load_fact(tmp_path, Headers) == found
