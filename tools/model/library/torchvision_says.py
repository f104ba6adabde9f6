"""What torchvision states of a classifier and its weights."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from tools.base.errors import SuiteError
from tools.model.library.forced import forced_arguments
from tools.model.library.names import refuse_unknown
from tools.model.library.recipes import drafted_recipe
from tools.model.torchvision_ops import import_torchvision
from tools.ports.stated import Said, Stated, StatedWeights

GIGA = 1e9
DIGITS = re.compile(r"-([0-9a-f]{8,})\.pth$")
"""torchvision's files carry the first digits of their sha256 in their names, and its downloads check them."""


def torchvision_states(name: str, weights: str | None) -> Stated:
    """A classifier with these weights, the library's default ones where none are named."""
    entries = _entries(name)
    entry = _entry(entries, weights)
    if not entry.meta["categories"]:
        raise SuiteError(f"{entry} is not a classifier's: these weights have no classes", fix="name others, --weights")
    whose, version = f"torchvision, {entry}", import_torchvision().__version__.partition("+")[0]
    accuracy, meta = entry.meta["_metrics"].get("ImageNet-1K", {}), entry.meta
    file = _file(entry, whose)
    return Stated(
        name=name,
        title=entries.__name__.removesuffix("_Weights"),
        source=f"torchvision:{name}",
        whose=f"what torchvision {version} states of {entry}",
        weights=file,
        recipe=drafted_recipe(f"torchvision:{name}", file.file, f"{whose}.transforms()"),
        classes=len(meta["categories"]),
        arguments=forced_arguments(name, entry),
        flops_per_image=Said(2 * meta["_ops"] * GIGA, f"{whose}: 2 x {meta['_ops']} G multiply-adds"),
        parameters=Said(meta["num_params"], whose),
        top1=Said(accuracy["acc@1"], whose) if "acc@1" in accuracy else None,
        top5=Said(accuracy["acc@5"], whose) if "acc@5" in accuracy else None,
        others=tuple(_words(other, entry, f"torchvision:{name}") for other in entries if other is not entry),
    )


def _entries(name: str) -> Any:  # noqa: ANN401 - an enumeration of torchvision's
    models = import_torchvision().models
    classifiers = models.list_models(module=models)
    if name in models.list_models() and name not in classifiers:
        kind = "a quantized network" if name.startswith("quantized_") else "for another task"
        raise SuiteError(f"torchvision:{name} is not a classifier in float32: it is {kind}", fix="name a classifier")
    refuse_unknown("torchvision", name, classifiers)
    return models.get_model_weights(name)


def _entry(entries: Any, weights: str | None) -> Any:  # noqa: ANN401
    if weights is None:
        return entries.DEFAULT
    refuse_unknown(entries.__name__, weights, [*(entry.name for entry in entries), "DEFAULT"])
    return entries[weights]


def _file(entry: Any, whose: str) -> StatedWeights:  # noqa: ANN401
    file = PurePosixPath(urlsplit(entry.url).path).name
    digits = DIGITS.search(file)
    said = f"{whose}; the digits stand in the file's name"
    return StatedWeights(file, said if digits else whose, entry.url, digits[1] if digits else None)


def _words(other: Any, taken: Any, source: str) -> str:  # noqa: ANN401
    """Other weights of the network: what they reach, and where their recipe is another."""
    mine, theirs = (drafted_recipe(source, _file(entry, "").file, "") for entry in (taken, other))
    fields = ("resize_px", "crop_px", "interpolation", "mean", "std")
    differ = [f"{name} {getattr(theirs, name)}" for name in fields if getattr(theirs, name) != getattr(mine, name)]
    accuracy = other.meta["_metrics"].get("ImageNet-1K", {})
    figures = f"Top-1 {accuracy['acc@1']}" if accuracy else "no figures"
    return f"{other.name}: {figures}, {', '.join(differ) or 'the same recipe'}"
