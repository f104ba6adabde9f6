"""Which images are held against a library's transforms: every rare kind first, the rest at random, new for each run.

Where a data set goes wrong is seldom its ordinary photographs. Kinds are told from the files' headers, which are read
once for a data set: no pixel is decoded.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tools.base.files import cpu_count
from tools.base.progress import progress
from tools.data.preprocess import FORMATS
from tools.judge.spec import Preprocessing

LONG = 2
"""From this ratio of its sides on an image counts as very tall or very wide."""
EXTENSIONS = {"JPEG": (".jpg", ".jpeg"), "PNG": (".png",), "BMP": (".bmp",), "WEBP": (".webp",)}


@dataclass(frozen=True)
class Header:
    """What a file says of its image before a pixel is decoded; `named_so` is whether its extension says the same."""

    mode: str
    width: int
    height: int
    transparent: bool
    named_so: bool


@dataclass(frozen=True)
class Headers:
    """Header of each image by its id; a file without one is left out."""

    by_id: dict[str, Header]


Kind = Callable[[Header, Preprocessing], bool]
KINDS: dict[str, Kind] = {
    "grey": lambda image, _: image.mode in ("1", "L", "I", "I;16", "F", "LA"),
    "CMYK": lambda image, _: image.mode in ("CMYK", "YCbCr", "LAB", "HSV"),
    "palette or alpha": lambda image, _: image.transparent or image.mode in ("P", "PA", "LA", "RGBA", "RGBa"),
    "smaller than the network's input": lambda image, recipe: (
        image.height < recipe.size[0] or image.width < recipe.size[1]
    ),
    "very tall": lambda image, _: image.height >= LONG * image.width,
    "very wide": lambda image, _: image.width >= LONG * image.height,
    "of odd size": lambda image, _: image.width % 2 == 1 and image.height % 2 == 1,
    "of another format than its name says": lambda image, _: not image.named_so,
}


def read_headers(images: Mapping[str, Path]) -> Headers:
    """The headers of all images, on all cores."""
    with ThreadPoolExecutor(cpu_count()) as pool:
        found = progress(pool.map(_header, images.values()), what="headers", total=len(images))
        return Headers({name: header for name, header in zip(images, found, strict=True) if header is not None})


def draw(ids: Sequence[str], headers: Headers, recipe: Preprocessing, count: int, seed: str) -> tuple[str, ...]:
    """`count` of the ids in their order, or all where there are fewer.

    Half of them are for the rare kinds, with an equal share each. What is drawn depends on the seed alone.
    """
    if len(ids) <= count:
        return tuple(ids)
    chance, chosen = random.Random(seed), set[str]()  # noqa: S311 - a sample, no secret
    share = max(1, count // (2 * len(KINDS)))
    for is_kind in KINDS.values():
        of_kind = [name for name in ids if name in headers.by_id and is_kind(headers.by_id[name], recipe)]
        chosen.update(chance.sample(of_kind, min(share, len(of_kind), count - len(chosen))))
    others = [name for name in ids if name not in chosen]
    chosen.update(chance.sample(others, count - len(chosen)))
    return tuple(name for name in ids if name in chosen)


def _header(path: Path) -> Header | None:
    """None for what Pillow cannot open, which is refused where it is decoded."""
    from PIL import Image

    try:
        with Image.open(path, formats=FORMATS) as image:
            return Header(
                mode=image.mode,
                width=image.width,
                height=image.height,
                transparent="transparency" in image.info,
                named_so=path.suffix.lower()
                in EXTENSIONS.get("JPEG" if image.format == "MPO" else str(image.format), ()),
            )
    except Exception:  # noqa: BLE001 - Pillow's readers raise what they like on broken files
        return None
