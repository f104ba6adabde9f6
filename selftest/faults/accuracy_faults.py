"""Faults of the predictions: lost, not a number, or no longer what the checkpoint says."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from selftest.faults.fault import Catalogue
from selftest.faults.preprocessing_faults import OWN, own_images
from selftest.faults.world import World
from tools.engines import predictions
from tools.engines.predictions import Predictions
from tools.store.content import images_content_sha256

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from tools.judge.ids import Variant

    Logits = NDArray[np.float32]

STAGE_5 = "accuracy and not (checkpoint or onnx or preprocessing or om)"
host, offline = Catalogue(STAGE_5), Catalogue(STAGE_5)


def edit_predictions(monkeypatch: pytest.MonkeyPatch, variant: str, edit: Callable[[Logits], Logits]) -> None:
    """Change a variant's logits of the whole data set as they come from the store: no engine need run for that."""
    right = predictions.load_predictions

    def edited(folder: Path, name: Variant) -> Predictions:
        predicted = right(folder, name)
        logits = edit(predicted.logits.copy()) if name == variant else predicted.logits
        return Predictions(name, predicted.ids, logits)

    monkeypatch.setattr(predictions, "load_predictions", edited)


def edit_computed(monkeypatch: pytest.MonkeyPatch, variant: str, edit: Callable[[Logits], Logits]) -> None:
    """Change a variant's logits of the whole data set, after the engine and before they are kept."""
    right = predictions.save_predictions

    def edited(predicted: Predictions, folder: Path) -> None:
        logits = edit(predicted.logits.copy()) if predicted.variant == variant else predicted.logits
        right(Predictions(predicted.variant, predicted.ids, logits), folder)

    monkeypatch.setattr(predictions, "save_predictions", edited)


def other_labels(world: World, change: Callable[[list[str]], list[str]]) -> None:
    """The sample's images and checkpoint as the user's own, and other labels than theirs in the label file."""
    folder, path = own_images(world)
    names, labels = zip(*(line.split() for line in path.read_text().splitlines()), strict=True)
    path.write_text("".join(f"{name} {label}\n" for name, label in zip(names, change(list(labels)), strict=True)))
    pinned = re.search(r"\n  dataset:\n.*?content_sha256: ([0-9a-f]{64})", world.port.read_text(), re.DOTALL)
    assert pinned is not None
    world.edit_port(pinned[1], images_content_sha256([*folder.iterdir(), path]))
    shutil.copyfile(world.clean.checkpoint, world.folder / "unused.pth")


def lose_one(monkeypatch: pytest.MonkeyPatch, variant: str) -> None:
    """Forget the last image of a variant when its predictions are read back."""
    right = predictions.load_predictions

    def shorter(folder: Path, name: Variant) -> Predictions:
        predicted = right(folder, name)
        if name != variant:
            return predicted
        return Predictions(name, predicted.ids[:-1], predicted.logits[:-1])

    monkeypatch.setattr(predictions, "load_predictions", shorter)


def poison(logits: Logits) -> Logits:
    """One NaN."""
    logits[5, 5] = float("nan")
    return logits


def wipe(logits: Logits) -> Logits:
    """One image whose output was never written."""
    logits[5] = 0
    return logits


@host.fault("one pth prediction lost", "pth.accuracy.ids")
def pth_lost(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    lose_one(monkeypatch, "pth")


@host.fault("one pth logit NaN", "pth.accuracy.finite", remade=("predictions-pth",))
def pth_nan(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    edit_computed(monkeypatch, "pth", poison)


@host.fault("labels shifted by one line", "pth.accuracy.above_chance", *OWN, sample=False)
def labels_of_the_next_line(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    other_labels(world, lambda labels: [*labels[1:], labels[0]])


@host.fault("labels counted from 1, none of them the last class", "pth.accuracy.above_chance", *OWN, sample=False)
def labels_one_too_high(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    other_labels(world, lambda labels: [str((int(label) + 1) % 999) for label in labels])


@host.fault("labels in another order of the classes", "pth.accuracy.above_chance", *OWN, sample=False)
def labels_in_devkit_order(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    other_labels(world, lambda labels: [str(7 * (int(label) + 1) % 1000) for label in labels])


@host.fault("labels of another data set", "pth.accuracy.above_chance", *OWN, sample=False)
def labels_of_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    other_labels(world, lambda labels: [str(place % 10) for place, _ in enumerate(labels)])


@host.fault(
    "seven of eight labels wrong in a part of the data set",
    "pth.accuracy.top1_error_pp",
    *(*OWN, "--limit=44"),
    sample=False,
)
def wrong_labels_in_a_part(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    other_labels(world, lambda labels: [one if place % 8 == 0 else "999" for place, one in enumerate(labels)])


@host.fault(
    "pth predictions in another order than the images",
    "pth.accuracy.top1_error_pp",
    beside=("pth.accuracy.above_chance",),
)
def pth_order(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    edit_predictions(monkeypatch, "pth", lambda logits: logits[::-1].copy())


@host.fault("the published Top-5 of another model", "pth.accuracy.top5_error_pp")
def other_top5(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.edit_port("pth_top5: {value: 75.0,", "pth_top5: {value: 79.068,")


@host.fault("one ONNX prediction lost", "onnx.accuracy.ids")
def onnx_lost(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    lose_one(monkeypatch, "onnx")


@host.fault("one ONNX logit NaN", "onnx.accuracy.finite", remade=("predictions-onnx",))
def onnx_nan(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    edit_computed(monkeypatch, "onnx", poison)


@host.fault("one image has nothing but zeros for ONNX logits", "onnx.accuracy.finite", remade=("predictions-onnx",))
def onnx_zeros(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    edit_computed(monkeypatch, "onnx", wipe)


@host.fault("ONNX logits shifted by one class", "onnx.accuracy.top1_drop_pp")
def onnx_shifted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    edit_predictions(monkeypatch, "onnx", shifted)


@host.fault("only the top class of the ONNX file is right", "onnx.accuracy.top5_drop_pp")
def onnx_top1_only(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    edit_predictions(monkeypatch, "onnx", keep_best)


def shifted(logits: Logits) -> Logits:
    """Every logit under the next class."""
    import numpy as np

    return np.roll(logits, 1, axis=1)


def keep_best(logits: Logits) -> Logits:
    """The best class stays, the rest is torn apart."""
    import numpy as np

    best = logits.argmax(1)
    rolled = np.roll(logits, 500, axis=1)
    rolled[np.arange(len(rolled)), best] = logits.max(1) + 1
    return rolled


def one_image_of_another(logits: Logits) -> Logits:
    """The first image has the second one's logits."""
    logits[0] = logits[1]
    return logits


def noise(relative: float) -> Callable[[Logits], Logits]:
    """Every logit off by a little, as coarser arithmetic would leave it."""

    def add(logits: Logits) -> Logits:
        import numpy as np

        generator = np.random.default_rng(1)
        noisy: Logits = logits + relative * logits.std() * generator.standard_normal(logits.shape, np.float32)
        return noisy

    return add


def one_logit(by: float) -> Callable[[Logits], Logits]:
    """One logit of a class that is far from the best, off by `by`."""

    def add(logits: Logits) -> Logits:
        logits[0, logits[0].argsort()[500]] += by
        return logits

    return add


def scaled(factor: float, images: slice = slice(None)) -> Callable[[Logits], Logits]:
    """These images' logits times a factor, which moves no direction; of one image the one with the smallest logits."""

    def scale(logits: Logits) -> Logits:
        import numpy as np

        logits[np.argsort(np.abs(logits).max(axis=1))[images]] *= np.float32(factor)
        return logits

    return scale


def raised(by: float, *, one_class: bool = False) -> Callable[[Logits], Logits]:
    """Every logit of all images, or of the class that is never near the best, off by the same amount."""

    def add(logits: Logits) -> Logits:
        logits[:, logits.max(axis=0).argmin() if one_class else slice(None)] += by
        return logits

    return add


def exchanged(rank: int, images: int) -> Callable[[Logits], Logits]:
    """The class of this rank and the next one change places, in the images where that moves the logits least."""

    def exchange(logits: Logits) -> Logits:
        import numpy as np

        order = np.argsort(-logits, axis=1)
        gaps = np.take_along_axis(logits, order, 1)[:, rank] - np.take_along_axis(logits, order, 1)[:, rank + 1]
        for row in np.argsort(gaps)[:images] if rank else np.argsort(-gaps)[:images]:
            here, there = order[row, rank], order[row, rank + 1]
            logits[row, [here, there]] = logits[row, [there, here]]
        return logits

    return exchange


def enter_agreement(variant: str, batch: str, small: float, logit: float, systematic: tuple[float, ...]) -> None:
    """What Top-1 hides, for one variant: `small` relative noise and one `logit` that only their own gates can see.

    `systematic`: a slope, an amount in all logits, one in a class, and the slope of two images of 48, as small.
    """
    prefix, saved = f"{variant}.accuracy", "om_bs4" if batch else variant
    gates = [f"{prefix}.{name}{batch}" for name in ("min_cosine", "mean_cosine_distance", "max_abs_error")]

    def enter(name: str, gate: str, edit: Callable[[Logits], Logits], beside: tuple[str, ...] = ()) -> None:
        def inject(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
            world.only_batches(4)
            edit_predictions(monkeypatch, saved, edit)

        (offline if batch else host).fault(f"{name} ({variant})", gate, beside=beside)(inject)

    enter("one image with another's logits", gates[0], one_image_of_another)
    enter("coarser arithmetic than stated", gates[1], noise(small))
    enter("one logit off", gates[2], one_logit(logit))
    enter("best classes changed places", f"{prefix}.flips_beyond_near_tie{batch}", exchanged(0, 1), tuple(gates))
    enter("fifth and sixth exchanged", f"{prefix}.top5_set_changed_percent{batch}", exchanged(4, 12), tuple(gates))

    of_all, shift, of_class, of_two = systematic
    enter("all logits times nearly 1", f"{prefix}.slope_error{batch}", scaled(of_all))
    enter("all logits a little too high", f"{prefix}.mean_error{batch}", raised(shift))
    enter("one class favoured", f"{prefix}.column_error{batch}", raised(of_class, one_class=True))
    enter("1 image in 24 scaled", f"{prefix}.image_slope_error{batch}", scaled(of_two, slice(2)))


enter_agreement("onnx", "", small=4e-4, logit=0.01, systematic=(1 + 4e-6, 5e-6, 5e-4, 1 + 2e-5))
enter_agreement("om", "[bs4]", small=8e-3, logit=0.3, systematic=(1.003, 5e-3, 0.12, 1.012))
