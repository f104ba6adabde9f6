"""What is measured on: real photographs where they are present, generated ones otherwise; dumps as the tools write."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tools.base.files import ROOT
from tools.sample.images import IMAGES_FOLDER, write_images

PHOTOS = ROOT.parent / "shared" / "data" / "photos" / "val"
GENERATED_IMAGES = 100


def source_images(scratch: Path) -> tuple[str, list[Path]]:
    """The image files to measure with, and what they are in words."""
    if PHOTOS.is_dir():
        files = sorted(PHOTOS.iterdir())
        return f"{len(files)} photographs", files
    write_images(scratch / "generated", GENERATED_IMAGES)
    files = sorted((scratch / "generated" / IMAGES_FOLDER).iterdir())
    return f"{len(files)} generated JPEGs of the embedded sample", files


def repeated(files: list[Path], count: int) -> dict[str, Path]:
    """`count` ids over fewer files: id -> file, each file about equally often."""
    return {f"ILSVRC2012_val_{number + 1:08d}": files[number % len(files)] for number in range(count)}


def linked(images: Mapping[str, Path], folder: Path) -> dict[str, Path]:
    """A flat folder of links with the names of a data set."""
    folder.mkdir(parents=True)
    links = {name: folder / f"{name}.JPEG" for name in images}
    for name, link in links.items():
        link.symlink_to(images[name])
    return links


def write_dumps(folder: Path, ids: list[str], classes: int = 1000) -> None:
    """Text dumps as `benchmark` writes them: one line, six decimals, a space behind each value; 64 texts in turn."""
    import numpy as np

    folder.mkdir(parents=True)
    values = np.random.default_rng(0).normal(0, 4, (64, classes))
    lines = ["".join(f"{value:.6f} " for value in row) + "\n" for row in values]
    for number, name in enumerate(ids):
        (folder / f"{name}_1.txt").write_text(lines[number % len(lines)])
