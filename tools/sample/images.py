"""The sample's images, of which each class is a code of 16 integers.

An image is the code of its class plus jitter, painted as 16 coloured plane waves and grain; its label is the class that
was jittered, so no network has a say in the truth.

Every step is integer arithmetic or rounds once, so the same bytes come out on another processor: sums hold only
integers, and no BLAS is involved.
"""

from __future__ import annotations

import functools
import io
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.base.errors import SuiteError
from tools.base.files import atomic, cpu_count
from tools.base.progress import progress
from tools.sample.raw_integers import bell_curve, random_integers

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float32]

IMAGE_NAME = "ILSVRC2012_val_{:08d}.JPEG"
IMAGES_FOLDER, LABEL_FILE = "val", "val_label.txt"
DEFAULT_IMAGES = 1000
MOST_IMAGES = 50_000  # as many as the ILSVRC2012 validation set; above it a typo is likelier than a wish

CLASSES = 1000
CODE_LENGTH = 16

# Difficulty: chosen so that the fp32 accuracy comes out near the published AlexNet's (56.5 / 79.1 %).
HARD_SHARE = 0.22
EASY_JITTER, HARD_JITTER = 0.58, 1.17  # jitter in units of the codes' own standard deviation

# Both orientations, and short sides below and above 256, so that the reference resize enlarges and reduces.
SIZES_WIDTH_HEIGHT = ((400, 300), (300, 400), (384, 288), (240, 320))
GREYSCALE_EVERY = 64  # ImageNet has greyscale files too; they exercise the conversion to RGB
JPEG_QUALITY = 90
GRAIN_SHIFTS = 128
GRAIN_SIDE = max(max(size) for size in SIZES_WIDTH_HEIGHT) + GRAIN_SHIFTS
WAVE_AMPLITUDE = 127
WAVE_SCALE = 2.0**-11  # a power of two: scaling the integer sums down to grey levels rounds nothing
OPPONENT_COLOURS = ((1, 1, 1), (1, 0, -1), (-1, 2, -1))  # (R, G, B): brightness, red-blue, green-purple

# Every use of random integers has a PCG64 seed of its own.
GRAIN_SEED, WAVES_SEED, CODEBOOK_SEED = 3, 4, 5
TRAINING_SET, VALIDATION_SET = 1, 2


@dataclass(frozen=True)
class ImageSet:
    """Labels int64 (N,), codes int64 (N, 16) and grain offsets uint8 (N, 2); a smaller set is a prefix of a larger."""

    labels: Integers
    codes: Integers
    grain_shifts: npt.NDArray[np.uint8]

    def jpeg(self, index: int) -> bytes:
        """The JPEG file of one image; its size and mode depend on the index alone."""
        from PIL import Image

        image = Image.fromarray(self._pixels(index))
        if index % GREYSCALE_EVERY == GREYSCALE_EVERY - 1:
            image = image.convert("L")
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=JPEG_QUALITY)
        return buffer.getvalue()

    def _pixels(self, index: int) -> npt.NDArray[np.uint8]:
        """Paint uint8 (height, width, 3). All float32 values here are integers below 2**24 until the scaling: exact."""
        import numpy as np

        width, height = SIZES_WIDTH_HEIGHT[index % len(SIZES_WIDTH_HEIGHT)]
        top, left = self.grain_shifts[index].tolist()
        amplitudes = (self.codes[index] * _wave_colours()).astype(np.float32)
        # Not `@`: BLAS would start threads of its own under each of ours and be slower.
        planes = np.einsum("cw,wp->cp", amplitudes, _plane_waves(width, height)).reshape(3, height, width)
        planes *= np.float32(WAVE_SCALE)
        planes += _grain()[:, top : top + height, left : left + width]
        planes += 128
        np.clip(np.rint(planes, out=planes), 0, 255, out=planes)
        pixels: npt.NDArray[np.uint8] = planes.astype(np.uint8).transpose(1, 2, 0)
        return pixels


def image_set(seed: int, count: int) -> ImageSet:
    """Draw the labels and codes of `count` images; `seed` is TRAINING_SET or VALIDATION_SET."""
    import numpy as np

    labels = random_integers(10 * seed + 1, (count,), "<u4").astype(np.int64) % CLASSES
    hard = random_integers(10 * seed + 2, (count,), "<u2") < HARD_SHARE * 2**16
    jitter = np.where(hard, HARD_JITTER, EASY_JITTER)[:, np.newaxis]
    deviations = np.rint(bell_curve(10 * seed + 3, (count, CODE_LENGTH)) * jitter).astype(np.int64)
    shifts = random_integers(10 * seed + 4, (count, 2), "u1") // (2**8 // GRAIN_SHIFTS)
    return ImageSet(labels=labels, codes=codebook()[labels] + deviations, grain_shifts=shifts)


@functools.cache
def codebook(classes: int = CLASSES) -> Integers:
    """The code of each class, int64 (classes, 16); fewer classes have the first ones of more."""
    return bell_curve(CODEBOOK_SEED, (classes, CODE_LENGTH))


def class_of(labels: Integers, classes: int) -> Integers:
    """The sample's thousand classes in as many as a port has: fewer take those whose codes lie nearest to theirs."""
    if classes >= CLASSES:
        return labels
    codes, anchors = codebook(CLASSES), codebook(classes)
    distance = (anchors**2).sum(axis=1) - 2 * codes @ anchors.T
    nearest: Integers = distance.argmin(axis=1)[labels]
    return nearest


def write_images(folder: Path, count: int) -> None:
    """Write `folder/val/ILSVRC2012_val_%08d.JPEG` and `folder/val_label.txt` ("name label" per line).

    Both appear under their names only when whole, the labels last. SuiteError when the count is out of range or one
    of the two is there already.
    """
    if not 1 <= count <= MOST_IMAGES:
        raise SuiteError("the sample cannot have that many images", measured=count, allowed=f"1..{MOST_IMAGES}")
    _refuse_existing(folder / LABEL_FILE)
    images = image_set(VALIDATION_SET, count)
    write_labelled(folder, images, range(count), images.labels.tolist())


def write_labelled(folder: Path, images: ImageSet, rows: Sequence[int], labels: Sequence[int]) -> None:
    """Write these rows of a set of images under names that count from 1, and their labels, as `write_images` does."""
    names = [IMAGE_NAME.format(index + 1) for index in range(len(rows))]
    with _new_folder(folder / IMAGES_FOLDER) as private:
        _write_jpegs(private, names, images, rows)
    with atomic(folder / LABEL_FILE) as partial:
        lines = (f"{name} {label}\n" for name, label in zip(names, labels, strict=True))
        partial.write_text("".join(lines), encoding="ascii", newline="\n")


def _write_jpegs(folder: Path, names: Sequence[str], images: ImageSet, rows: Sequence[int]) -> None:
    """Threads suffice: numpy and Pillow let others run while they compute, and each image is computed alone."""

    def write(index: int) -> None:
        (folder / names[index]).write_bytes(images.jpeg(rows[index]))

    with ThreadPoolExecutor(cpu_count()) as pool:
        try:
            for _ in progress(pool.map(write, range(len(names))), what="images", total=len(names)):
                pass
        finally:
            pool.shutdown(cancel_futures=True)  # after Ctrl-C or a full disk nobody waits for the rest


@contextmanager
def _new_folder(path: Path) -> Iterator[Path]:
    """Yield a private folder beside `path`; it takes the final name only when the block ends without an error."""
    _refuse_existing(path)
    private = path.with_name(f".{path.name}.{os.getpid()}.partial")
    private.mkdir(parents=True)
    try:
        yield private
        private.rename(path)
    finally:
        if private.exists():
            shutil.rmtree(private)


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise SuiteError("it is there already and is not overwritten", where=path, fix="Name a new folder")


@functools.cache
def _wave_colours() -> Integers:
    """The colour direction of each wave, int64 (3, 16): the three opponent directions in turn."""
    import numpy as np

    return np.array([OPPONENT_COLOURS[wave % 3] for wave in range(CODE_LENGTH)], np.int64).T


@functools.cache
def _grain() -> Floats:
    """Integers -32..31 as float32 (3, side, side); each image uses a window of it."""
    import numpy as np

    noise = random_integers(GRAIN_SEED, (GRAIN_SIDE, GRAIN_SIDE, 3), "i1") >> 2
    return np.ascontiguousarray(noise.transpose(2, 0, 1), np.float32)


@functools.cache
def _plane_waves(width: int, height: int) -> Floats:
    """Integers -127..127 as float32 (16, height · width): one plane wave per number of the code.

    Frequencies run from 1 to 7 cycles per shorter side, three waves (one a colour) at each; phases are tied to the
    centre, so that resizing and centre-cropping keep them. Rounding to integers removes the last-bit differences that
    cosines may have on other processors.
    """
    import numpy as np

    random = random_integers(WAVES_SEED, (CODE_LENGTH, 2), "<u2") / 2**16
    angle, phase = np.pi * random[:, 0, np.newaxis, np.newaxis], random[:, 1, np.newaxis, np.newaxis]
    cycles = 1 + 6 * (np.arange(CODE_LENGTH) // 3) / ((CODE_LENGTH - 1) // 3)
    shorter = min(width, height)
    x = (np.arange(width) - (width - 1) / 2) / shorter
    y = (np.arange(height) - (height - 1) / 2)[:, np.newaxis] / shorter
    along = np.cos(angle) * x + np.sin(angle) * y
    waves = np.cos(2 * np.pi * (cycles[:, np.newaxis, np.newaxis] * along + phase))
    integers: Floats = np.rint(WAVE_AMPLITUDE * waves).astype(np.float32)
    return integers.reshape(CODE_LENGTH, -1)
