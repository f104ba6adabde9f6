"""What a library says of a network and its weights, as plain data: the facts that a port file is drafted from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Argument = bool | int | float | str | None


@dataclass(frozen=True)
class Said:
    """A number, and who says it."""

    value: float
    source: str


@dataclass(frozen=True)
class DraftedRecipe:
    """From image file to input as the library does it; the fields are those of Preprocessing in tools/judge/spec.py.

    `doubt` is what a person must look at, empty where the library says it all.
    """

    resize_px: int | tuple[int, int] | None
    crop_px: int | tuple[int, int] | None
    interpolation: str | None
    mean: tuple[float, ...]
    std: tuple[float, ...]
    source: str
    doubt: str = ""


@dataclass(frozen=True)
class StatedWeights:
    """The file of the weights, as far as anybody says what it is; `doubt` is what a person must fill in."""

    file: str
    source: str
    url: str | None = None
    sha256_prefix: str | None = None
    sha256: str | None = None
    md5: str | None = None
    doubt: str = ""


@dataclass(frozen=True)
class Exported:
    """How a network exports: the opset, and why its batch size must be fixed (empty where it need not)."""

    opset: Said
    why_static: str = ""


@dataclass(frozen=True)
class PublishedRate:
    """Images per second of one chip at a batch size; `mode` is that of DeviceBatch in tools/judge/machine_class.py."""

    batch: int
    mode: Literal["dataset", "pure"]
    rate: Said


@dataclass(frozen=True)
class PublishedChip:
    """What somebody published that an OM reaches on a chip."""

    soc: str
    top1: Said | None = None
    top5: Said | None = None
    rates: tuple[PublishedRate, ...] = ()

    @property
    def figures(self) -> int:
        """How many there are."""
        return (self.top1 is not None) + (self.top5 is not None) + len(self.rates)


@dataclass(frozen=True)
class Publication:
    """Figures of a published table, and what of it was left out and why, a line each.

    `drafted_by` takes the place of the usual second line; `aipp` is where the cut is made if the chip normalises.
    """

    drafted_by: str
    chips: tuple[PublishedChip, ...] = ()
    left_out: tuple[str, ...] = ()
    aipp: Literal["chip", "host"] | None = None
    atc_extra_args: tuple[str, ...] = ()
    batches: tuple[int, ...] = ()


@dataclass(frozen=True)
class Stated:
    """Everything that is known of a port before anybody measured it.

    `whose` says in the file's first line who said so; `others` are the weights that were not taken, a line each;
    `doubt` is what a person must look at before the network can be judged at all. `judged_output` is the place of the
    logits among the `outputs`.
    """

    name: str
    title: str
    source: str
    whose: str
    weights: StatedWeights
    recipe: DraftedRecipe
    classes: int
    arguments: dict[str, Argument] = field(default_factory=dict)
    label_offset: Literal[0, 1] = 0
    flops_per_image: Said | None = None
    parameters: Said | None = None
    top1: Said | None = None
    top5: Said | None = None
    exported: Exported = Exported(Said(11, "the guide's, not tried; the newest that atc of CANN 5.0.1 parses"))
    others: tuple[str, ...] = ()
    doubt: str = ""
    publication: Publication | None = None
    outputs: int = 1
    judged_output: int = 0
