"""Faults of the predictions: lost, not a number, or no longer what the checkpoint says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from selftest.faults.fault import Catalogue
from selftest.faults.world import World
from tools.engines import Engine, predictions
from tools.engines.predictions import Predictions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    Logits = NDArray[np.float32]

catalogue = Catalogue("accuracy", remade=("predictions",))


def edit_predictions(monkeypatch: pytest.MonkeyPatch, variant: str, edit: Callable[[Logits], Logits]) -> None:
    """Change a variant's logits of the whole data set, after the engine and before they are kept."""
    right = predictions.predict

    def edited(engine: Engine, *words: object) -> Predictions:
        predicted = right(engine, *words)  # type: ignore[arg-type]
        if predicted.variant != variant:
            return predicted
        return Predictions(variant, predicted.ids, edit(predicted.logits.copy()))

    monkeypatch.setattr(predictions, "predict", edited)


def lose_one(monkeypatch: pytest.MonkeyPatch, variant: str) -> None:
    """Forget the last image of a variant when its predictions are read back."""
    right = predictions.load_predictions

    def shorter(folder: Path, name: str) -> Predictions:
        predicted = right(folder, name)
        if name != variant:
            return predicted
        return Predictions(name, predicted.ids[:-1], predicted.logits[:-1])

    monkeypatch.setattr(predictions, "load_predictions", shorter)


def poison(logits: Logits) -> Logits:
    """One NaN."""
    logits[5, 5] = float("nan")
    return logits


@catalogue.fault("one pth prediction lost", "pth.accuracy.ids")
def pth_lost(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    lose_one(monkeypatch, "pth")


@catalogue.fault("one pth logit NaN", "pth.accuracy.finite")
def pth_nan(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    edit_predictions(monkeypatch, "pth", poison)


@catalogue.fault("pth predictions in another order than the images", "pth.accuracy.top1_error_pp")
def pth_order(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    edit_predictions(monkeypatch, "pth", lambda logits: logits[::-1].copy())


@catalogue.fault("the published Top-5 of another model", "pth.accuracy.top5_error_pp")
def other_top5(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.edit_spec("pth_top5: {value: 75.0,", "pth_top5: {value: 79.068,")


@catalogue.fault("one ONNX prediction lost", "onnx.accuracy.ids")
def onnx_lost(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    lose_one(monkeypatch, "onnx")


@catalogue.fault("one ONNX logit NaN", "onnx.accuracy.finite")
def onnx_nan(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    edit_predictions(monkeypatch, "onnx", poison)


@catalogue.fault("ONNX logits shifted by one class", "onnx.accuracy.top1_drop_pp")
def onnx_shifted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    edit_predictions(monkeypatch, "onnx", lambda logits: np.roll(logits, 1, axis=1))


@catalogue.fault("only the top class of the ONNX file is right", "onnx.accuracy.top5_drop_pp")
def onnx_top1_only(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    def keep_best(logits: Logits) -> Logits:
        best = logits.argmax(1)
        rolled = np.roll(logits, 500, axis=1)
        rolled[np.arange(len(rolled)), best] = logits.max(1) + 1
        return rolled

    edit_predictions(monkeypatch, "onnx", keep_best)
