"""Faults that somebody meant: inputs made to exhaust the machine or to lead out of their folder."""

from __future__ import annotations

import os
import struct
import zlib
from typing import TYPE_CHECKING

import pytest

from selftest.faults.fault import Catalogue
from selftest.faults.preprocessing_faults import FIRST, OWN, SECOND, edit_labels, own_images
from tools.base.reading import MAX_TEXT_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from selftest.faults.world import World

catalogue = Catalogue("preprocessing")
BOMB_SIDE_PX = 30_000


def write_png_bomb(path: Path, side_px: int = BOMB_SIDE_PX) -> None:
    """A PNG of one bit a pixel: half a megabyte, which Pillow would decode to one byte a pixel, as RGB to three."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    row, pack = bytes(1 + side_px // 8), zlib.compressobj(1)
    rows = b"".join((*(pack.compress(row) for _ in range(side_px)), pack.flush()))
    header = struct.pack(">IIBBBBB", side_px, side_px, 1, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))


@catalogue.fault("a decompression bomb among the images", "preprocessing.images", *OWN, sample=False)
def image_bomb(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _ = own_images(world)
    write_png_bomb(folder / f"{SECOND}.JPEG")


@catalogue.fault("a label line that leads out of the folder", "preprocessing.labels", *OWN, sample=False)
def label_with_a_path(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    edit_labels(world, lambda lines: [f"../{FIRST}.JPEG 7\n", *lines[1:]])


@catalogue.fault("a label file of 1 GB", "preprocessing.labels", *OWN, sample=False)
def huge_label_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _, labels = own_images(world)
    os.truncate(labels, 16 * MAX_TEXT_BYTES)


@catalogue.fault("a named pipe among the images", "preprocessing.images", *OWN, sample=False)
def pipe_among_images(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _ = own_images(world)
    (folder / f"{SECOND}.JPEG").unlink()
    os.mkfifo(folder / f"{SECOND}.JPEG")
