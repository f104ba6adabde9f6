"""The embedded sample: `python -m tools.sample.generate OUT_DIR [--images N]` makes labelled JPEGs and a checkpoint.

A class is a code: 16 integers. An image is the code of its class plus jitter, painted as 16 coloured plane waves and
grain; its label is the class that was jittered, so the network has no say in the truth. The checkpoint is a
torchvision AlexNet: random up to its last but one layer, then a last layer that reads the 16 numbers back (the fitted
head of `fit.py`, shipped as a table of integers) and scores all 1000 codes by their distance.

Every step is integer arithmetic or rounds once, so the same bytes come out on another processor: sums hold only
integers, no BLAS is involved, and random integers are taken from the raw PCG64 stream, which numpy guarantees.
"""

from __future__ import annotations

import functools
import io
import math
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.base import cli
from tools.base.errors import SuiteError, reason
from tools.base.files import atomic, cpu_count, md5_of
from tools.base.progress import progress
from tools.store.content import checkpoint_content_sha256, images_content_sha256

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

    Integers = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float32]

CHECKPOINT_NAME = "alexnet-sample.pth"
IMAGE_NAME = "ILSVRC2012_val_{:08d}.JPEG"
IMAGES_FOLDER, LABEL_FILE = "val", "val_label.txt"
HEAD_TABLE = Path(__file__).with_name("sample_head.npz")
REGENERATE_HEAD = "`python -m tools.sample.fit --write` makes it anew"
DEFAULT_IMAGES = 1000
MOST_IMAGES = 50_000  # as many as the ILSVRC2012 validation set; above it a typo is likelier than a wish

CLASSES = 1000
CODE_LENGTH = 16
HIDDEN = 4096  # outputs of AlexNet's last but one layer

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
WEIGHTS_SEED, BIASES_SEED = 100, 200

FROZEN_LAYERS: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("features.0", (64, 3, 11, 11)),
    ("features.3", (192, 64, 5, 5)),
    ("features.6", (384, 192, 3, 3)),
    ("features.8", (256, 384, 3, 3)),
    ("features.10", (256, 256, 3, 3)),
    ("classifier.1", (HIDDEN, 9216)),
    ("classifier.4", (HIDDEN, HIDDEN)),
)
HEAD_LAYER = "classifier.6"
INT8_VARIANCE = (256**2 - 1) / 12
BIAS_LIMIT = 0.3  # comparable to the activations: a lost bias or a lost division by 255 then shows in the accuracy


@dataclass(frozen=True)
class Head:
    """The fitted map code = matrix · hidden + offset, int8 (16, 4096) and int32 (16,)."""

    matrix: npt.NDArray[np.int8]
    offset: npt.NDArray[np.int32]


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

    labels = _random_integers(10 * seed + 1, (count,), "<u4").astype(np.int64) % CLASSES
    hard = _random_integers(10 * seed + 2, (count,), "<u2") < HARD_SHARE * 2**16
    jitter = np.where(hard, HARD_JITTER, EASY_JITTER)[:, np.newaxis]
    deviations = np.rint(_bell_curve(10 * seed + 3, (count, CODE_LENGTH)) * jitter).astype(np.int64)
    shifts = _random_integers(10 * seed + 4, (count, 2), "u1") // (2**8 // GRAIN_SHIFTS)
    return ImageSet(labels=labels, codes=codebook()[labels] + deviations, grain_shifts=shifts)


def write_images(folder: Path, count: int) -> None:
    """Write `folder/val/ILSVRC2012_val_%08d.JPEG` and `folder/val_label.txt` ("name label" per line).

    Both appear under their names only when whole, the labels last. SuiteError when the count is out of range or one
    of the two is there already.
    """
    if not 1 <= count <= MOST_IMAGES:
        raise SuiteError("the sample cannot have that many images", measured=count, allowed=f"1..{MOST_IMAGES}")
    _refuse_existing(folder / LABEL_FILE)
    images = image_set(VALIDATION_SET, count)
    names = [IMAGE_NAME.format(index + 1) for index in range(count)]
    with _new_folder(folder / IMAGES_FOLDER) as private:
        _write_jpegs(private, names, images)
    with atomic(folder / LABEL_FILE) as partial:
        lines = (f"{name} {label}\n" for name, label in zip(names, images.labels.tolist(), strict=True))
        partial.write_text("".join(lines), encoding="ascii", newline="\n")


def frozen_layers() -> dict[str, torch.Tensor]:
    """The float32 weights and biases of every layer but the last, in torchvision's names and order."""
    import numpy as np
    import torch

    state: dict[str, torch.Tensor] = {}
    for index, (name, shape) in enumerate(
        progress(FROZEN_LAYERS, what="weights", total=len(FROZEN_LAYERS), unit="layer")
    ):
        weights = _random_integers(WEIGHTS_SEED + index, shape, "i1").reshape(shape[0], -1)
        # 2 / inputs is the variance that keeps ReLU layers at one scale; the first sees wide-ranging pixels: a quarter.
        gain = 0.5 if index == 0 else 2.0
        biases = _random_integers(BIASES_SEED + index, shape[:1], "i1").astype(np.float64) * (BIAS_LIMIT / 128)
        state[f"{name}.weight"] = torch.from_numpy(_zero_mean_filters(weights, gain).reshape(shape))
        state[f"{name}.bias"] = torch.from_numpy(biases.astype(np.float32))
    return state


def load_head(path: Path = HEAD_TABLE) -> Head:
    """Read the shipped table; SuiteError when it is not the two integer arrays of the right shape."""
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as table:
            head = Head(matrix=table["matrix"], offset=table["offset"])
    except (OSError, ValueError, KeyError) as error:
        raise SuiteError(f"cannot read the head table: {reason(error)}", where=path, fix=REGENERATE_HEAD) from error
    found = [(array.dtype.name, array.shape) for array in (head.matrix, head.offset)]
    allowed = [("int8", (CODE_LENGTH, HIDDEN)), ("int32", (CODE_LENGTH,))]
    if found != allowed:
        raise SuiteError("not the head table", where=path, measured=found, allowed=allowed, fix=REGENERATE_HEAD)
    return head


def state_dict() -> dict[str, torch.Tensor]:
    """The sample's AlexNet as name -> float32 tensor, 1000 outputs."""
    return {**frozen_layers(), **head_layer(load_head())}


def head_layer(head: Head) -> dict[str, torch.Tensor]:
    """Fold "read the code, then score each class by its distance to it" into the last layer; both steps are linear.

    logit of class c = (p_c · code - |p_c|² / 2) / 2**15 with the mean over the classes taken off the second term. All
    of it is integer arithmetic up to the division by a power of two.
    """
    import numpy as np
    import torch

    codes = codebook()
    norms = (codes**2).sum(axis=1)
    weight = codes @ head.matrix.astype(np.int64) / 2**15
    bias = (2 * codes @ head.offset.astype(np.int64) - norms + int(norms.sum()) // CLASSES) / 2**16
    return {
        f"{HEAD_LAYER}.weight": torch.from_numpy(weight.astype(np.float32)),
        f"{HEAD_LAYER}.bias": torch.from_numpy(bias.astype(np.float32)),
    }


def write_checkpoint(path: Path) -> None:
    """Write the state_dict as a .pth; the bytes do not depend on the file's name.

    torch is given an open file because it writes a path's own name into the archive. The same torch gives the same
    bytes; across versions of torch only `checkpoint_content_sha256` is the same.
    """
    import torch

    with atomic(path) as partial, partial.open("wb") as handle:
        torch.save(state_dict(), handle)


def main(argv: Sequence[str] | None = None) -> int:
    """The command: 0 when the sample was written, 2 with one line when the folder or the count is refused."""
    parser = cli.Parser(description="Make the embedded sample: labelled JPEGs and an AlexNet for them.")
    parser.add_argument("out_dir", metavar="OUT_DIR", type=Path, help="a new or empty folder")
    parser.add_argument(
        "--images", metavar="N", type=int, default=DEFAULT_IMAGES, help="how many (default: %(default)s)"
    )
    arguments = parser.parse_args(argv)
    out_dir: Path = arguments.out_dir
    if out_dir.exists() and any(out_dir.iterdir()):
        raise SuiteError("the folder is not empty", where=out_dir, fix="Name a new one, or empty it")
    write_images(out_dir, arguments.images)
    write_checkpoint(out_dir / CHECKPOINT_NAME)
    _print_digests(out_dir)
    return cli.EXIT_OK


def _print_digests(out_dir: Path) -> None:
    """Read back what was written and say what it is, in the terms of the sample's spec."""
    import torch

    checkpoint, images = out_dir / CHECKPOINT_NAME, sorted((out_dir / IMAGES_FOLDER).iterdir())
    content = checkpoint_content_sha256(torch.load(checkpoint, map_location="cpu", weights_only=True))
    print(f"{checkpoint}: md5 {md5_of(checkpoint)}, content_sha256 {content}")
    print(
        f"{out_dir / IMAGES_FOLDER} and {LABEL_FILE}: {len(images)} images, "
        f"content_sha256 {images_content_sha256([*images, out_dir / LABEL_FILE])}"
    )


def _write_jpegs(folder: Path, names: Sequence[str], images: ImageSet) -> None:
    """Threads suffice: numpy and Pillow let others run while they compute, and each image is computed alone."""

    def write(index: int) -> None:
        (folder / names[index]).write_bytes(images.jpeg(index))

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


def _random_integers(seed: int, shape: tuple[int, ...], dtype: str) -> npt.NDArray[Any]:
    """Little-endian integers straight from PCG64's raw stream, uniform over the dtype's whole range."""
    import numpy as np

    count, words = math.prod(shape), -(-math.prod(shape) * np.dtype(dtype).itemsize // 8)
    return np.random.PCG64(seed).random_raw(words).astype("<u8").view(dtype)[:count].reshape(shape)


def _bell_curve(seed: int, shape: tuple[int, ...]) -> Integers:
    """Integers with mean 0 and standard deviation 148: sums of four int8, whose mean is -1/2 each."""
    import numpy as np

    sums: Integers = _random_integers(seed, (*shape, 4), "i1").astype(np.int64).sum(axis=-1)
    return sums + 2


@functools.cache
def codebook(classes: int = CLASSES) -> Integers:
    """The code of each class, int64 (classes, 16); fewer classes have the first ones of more."""
    return _bell_curve(CODEBOOK_SEED, (classes, CODE_LENGTH))


@functools.cache
def _wave_colours() -> Integers:
    """The colour direction of each wave, int64 (3, 16): the three opponent directions in turn."""
    import numpy as np

    return np.array([OPPONENT_COLOURS[wave % 3] for wave in range(CODE_LENGTH)], np.int64).T


@functools.cache
def _grain() -> Floats:
    """Integers -32..31 as float32 (3, side, side); each image uses a window of it."""
    import numpy as np

    noise = _random_integers(GRAIN_SEED, (GRAIN_SIDE, GRAIN_SIDE, 3), "i1") >> 2
    return np.ascontiguousarray(noise.transpose(2, 0, 1), np.float32)


@functools.cache
def _plane_waves(width: int, height: int) -> Floats:
    """Integers -127..127 as float32 (16, height · width): one plane wave per number of the code.

    Frequencies run from 1 to 7 cycles per shorter side, three waves (one a colour) at each; phases are tied to the
    centre, so that resizing and centre-cropping keep them. Rounding to integers removes the last-bit differences that
    cosines may have on other processors.
    """
    import numpy as np

    random = _random_integers(WAVES_SEED, (CODE_LENGTH, 2), "<u2") / 2**16
    angle, phase = np.pi * random[:, 0, np.newaxis, np.newaxis], random[:, 1, np.newaxis, np.newaxis]
    cycles = 1 + 6 * (np.arange(CODE_LENGTH) // 3) / ((CODE_LENGTH - 1) // 3)
    shorter = min(width, height)
    x = (np.arange(width) - (width - 1) / 2) / shorter
    y = (np.arange(height) - (height - 1) / 2)[:, np.newaxis] / shorter
    along = np.cos(angle) * x + np.sin(angle) * y
    waves = np.cos(2 * np.pi * (cycles[:, np.newaxis, np.newaxis] * along + phase))
    integers: Floats = np.rint(WAVE_AMPLITUDE * waves).astype(np.float32)
    return integers.reshape(CODE_LENGTH, -1)


def _zero_mean_filters(integers: npt.NDArray[np.int8], gain: float) -> Floats:
    """Take each filter's mean off int8 (filters, inputs) and scale to the variance gain / inputs.

    Zero-mean filters cancel the mean that ReLU leaves in common on all their inputs. Filter by filter, because the
    whole layer in float64 would need 600 MB.
    """
    import numpy as np

    scale = math.sqrt(gain / (integers.shape[1] * INT8_VARIANCE))
    filters = np.empty(integers.shape, np.float32)
    for row, source in zip(filters, integers, strict=True):
        row[:] = (source.astype(np.float64) - source.sum(dtype=np.int64) / source.size) * scale
    return filters


if __name__ == "__main__":
    sys.exit(cli.run(main))
