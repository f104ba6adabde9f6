"""An engine's predictions of every image, kept by all that they depend on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

from tools.data import pixels as pixel_store
from tools.engines import Engine, predictions, streaming
from tools.engines.predictions import Predictions
from tools.judge.ids import Variant
from tools.pipeline.context import Context
from tools.pipeline.data import DataStep
from tools.store.artifacts import Recipe

BATCH = 32


def streamed(
    context: Context,
    data: DataStep,
    variant: Variant,
    engine: Callable[[], Engine],
    *,
    code: tuple[ModuleType, ...],
    about: Mapping[str, str],
) -> Predictions:
    """The engine's logits for every image, from the store where they were computed before."""
    pixels = data.pixels()
    recipe = Recipe(
        f"predictions-{variant}",
        {**about, "pixels": pixels.content, "batch": str(BATCH)},
        code=(streaming, pixel_store, predictions, *code),
    )

    def run(folder: Path) -> None:
        predictions.save_predictions(streaming.stream(engine(), pixels.store, BATCH), folder)

    return predictions.load_predictions(context.build(recipe, run).path, variant)
