"""What the checkpoint's predictions follow from, by digests, so that those of another machine can take the place of
one's own: two of one basis differ by rounding, and by how much is looked at on a probe of images."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.base.text_enum import TextEnum
from tools.judge import records
from tools.judge.ids import PTH

if TYPE_CHECKING:
    from tools.judge.spec import Preprocessing

PTH_REFERENCE_FITS = PTH.gate("reference_fits")
PTH_REFERENCE_PROBE = PTH.gate("reference_probe_abs_error")
WITHOUT_INFLUENCE = frozenset(("parity_images", "byte_equal_percent", "source"))
"""Fields of a recipe that no pixel depends on."""
DIGITS = 16
"""As much of a digest as a message shows."""
_BUILD = re.compile(r"\+(?:cpu|cu\d+|rocm[\d.]+)")
"""What tells the builds of one release of torch's libraries apart: the code of a network is the same in all."""
_DIGEST = re.compile(r"[0-9a-f]{64}")


class MadeBy(TextEnum):
    """Who has computed the checkpoint's predictions, the nearest first."""

    CPU = "this run, on the CPU"
    CUDA = "this run, on a GPU"
    OTHER_RUN = "another run"


class DeviceKind(TextEnum):
    """What torch can compute on."""

    CPU = "cpu"
    CUDA = "cuda"


@dataclass(frozen=True)
class ReferenceDevice:
    """Where torch computes the checkpoint's predictions: a device by its name, torch's version, CUDA's (empty on a
    CPU), and with which settings."""

    kind: DeviceKind
    name: str
    torch: str
    cuda: str
    settings: tuple[str, ...]

    def __str__(self) -> str:
        cuda = f", CUDA {self.cuda}" if self.cuda else ""
        return f"device {self.kind} {self.name} (torch {self.torch}{cuda})"


@dataclass(frozen=True)
class ReferenceBasis:
    """What the checkpoint's predictions follow from.

    `network` is its source, arguments, and the code that it is: files by their sha256, libraries by their version;
    `recipe` the parts of the recipe that pixels depend on; `output` which of the network's outputs is judged.
    `images_sha256` is over the image files by id, without labels, `pixels` names the values that come out of them.
    """

    checkpoint_sha256: str
    network: dict[str, str]
    output: int
    classes: int
    recipe: dict[str, str]
    images: int
    ids_sha256: str
    images_sha256: str
    pixels: str


@dataclass(frozen=True)
class ReferenceProbe:
    """Predictions that this run's CPU has not made, held against those that it makes: the ids that were computed again,
    the largest absolute difference of a logit (NaN where one is no number), and the image that shows it."""

    ids: tuple[str, ...]
    largest: float
    image: str


def recipe_words(recipe: Preprocessing) -> dict[str, str]:
    """The parts of a recipe that pixels depend on, as texts."""
    plain: dict[str, object] = records.plain(recipe)
    return {name: str(value) for name, value in plain.items() if name not in WITHOUT_INFLUENCE}


def probe_seed(run: str, manifest_sha256: str = "") -> str:
    """What the chance of the probe begins with: the name of the run that judges, and the digest of what was taken.

    Either alone could be tried out beforehand: a digest by whoever makes the bundle, until the images that are not
    right are none of those drawn.
    """
    return f"{run} {manifest_sha256}".strip()


def drawn(ids: Sequence[str], seed: str, count: int) -> tuple[str, ...]:
    """The ids of the probe in their order, all where there are no more than `count`.

    By chance and yet the same for whoever judges: whoever made the predictions could not know which would be looked at.
    """
    lots = {name: hashlib.sha256(f"{seed} {name}".encode("utf-8", "surrogateescape")).hexdigest() for name in ids}
    chosen = frozenset(sorted(ids, key=lots.__getitem__)[:count])
    return tuple(name for name in ids if name in chosen)


def misfits(reference: ReferenceBasis, own: ReferenceBasis) -> tuple[str, ...]:
    """Why predictions of one basis are none of another, each difference with both values; empty where they are.

    What only follows from a difference that is named already is left out: other images have other pixels.
    """
    of_images = tuple(_of_images(reference, own))
    of_recipe = tuple(_of_entries("recipe", reference.recipe, own.recipe))
    return (
        *_of_values("checkpoint, sha256", reference.checkpoint_sha256, own.checkpoint_sha256),
        *_of_entries("network", released(reference.network), released(own.network)),
        *_of_values("judged output", str(reference.output), str(own.output)),
        *_of_values("classes", str(reference.classes), str(own.classes)),
        *of_recipe,
        *of_images,
        *(
            ()
            if of_images or of_recipe
            else _of_values("pixels of the same images (another decoder?)", reference.pixels, own.pixels)
        ),
    )


ASPECTS = 7
"""How many things a basis is held against: checkpoint, network, output, classes, recipe, images, pixels."""


def _of_images(reference: ReferenceBasis, own: ReferenceBasis) -> Iterator[str]:
    if reference.images != own.images:
        yield from _of_values("images", str(reference.images), str(own.images))
    elif reference.ids_sha256 != own.ids_sha256:
        yield from _of_values("ids of the images, sha256", reference.ids_sha256, own.ids_sha256)
    else:
        yield from _of_values("content of the images, sha256", reference.images_sha256, own.images_sha256)


def _of_entries(what: str, reference: Mapping[str, str], own: Mapping[str, str]) -> Iterator[str]:
    for name in dict.fromkeys((*reference, *own)):
        yield from _of_values(f"{what}, {name}", reference.get(name, "none"), own.get(name, "none"))


def _of_values(what: str, reference: str, own: str) -> Iterator[str]:
    if reference != own:
        yield f"{what}: {_shown(reference)} in the reference, {_shown(own)} in this run"


def _shown(value: str) -> str:
    return _DIGEST.sub(lambda found: f"{found[0][:DIGITS]}…", value)


def released(network: Mapping[str, str]) -> dict[str, str]:
    """The network with its libraries' versions as released, whatever device they were built for."""
    return {name: _BUILD.sub("", value) if name.startswith("version ") else value for name, value in network.items()}
