"""Step reference: the checkpoint's own predictions, made here or taken from another run, and held against this CPU."""

from __future__ import annotations

import math
from pathlib import Path

from tools.base.errors import AccuracyError
from tools.engines import Engine, predictions, torch_engine
from tools.engines.predictions import Predictions
from tools.judge.basis import (
    PTH_REFERENCE_FITS,
    DeviceKind,
    ReferenceBasis,
    ReferenceProbe,
    drawn,
    misfits,
    probe_seed,
    recipe_words,
)
from tools.judge.handover import first_few
from tools.judge.ids import PTH
from tools.model import checkpoint as checkpoints
from tools.pipeline.checkpoint import CheckpointStep
from tools.pipeline.context import Context
from tools.pipeline.data import DataStep
from tools.pipeline.once import once
from tools.pipeline.onnx import OnnxStep
from tools.pipeline.streamed import BATCH, streamed
from tools.pipeline.taken import Taken, reference_device
from tools.store import content
from tools.store.artifacts import Recipe


class ReferenceStep:
    """What every other variant is held against."""

    def __init__(self, context: Context, checkpoint: CheckpointStep, onnx: OnnxStep, data: DataStep) -> None:
        self._context, self._checkpoint, self._onnx, self._data = context, checkpoint, onnx, data

    @once
    def predictions(self) -> Predictions:
        """The checkpoint's logits for every image; AccuracyError where those of another run are not of this one's."""
        basis, taken = self.basis(), self._context.taken
        if taken is None:
            return self._made()
        odd = misfits(taken.record.basis, basis)
        if odd:
            raise AccuracyError(
                f"the reference predictions are not of this run: {first_few(odd)}",
                gate=PTH_REFERENCE_FITS,
                where=taken.folder,
                fix="name a bundle made from the same, or leave --reference out",
            )
        return self._taken(taken)

    def _made(self) -> Predictions:
        about, on_cpu = self._checkpoint.about, self._context.inputs.reference_device is DeviceKind.CPU
        return streamed(
            self._context,
            self._data,
            PTH,
            self._onnx.torch_engine if on_cpu else self._gpu,
            code=(torch_engine, checkpoints),
            about=about if on_cpu else {**about, "device": repr(reference_device(DeviceKind.CUDA))},
        )

    def _gpu(self) -> Engine:
        return torch_engine.CudaEngine(self._checkpoint.model(), self._context.spec.onnx.judged_output)

    def _taken(self, taken: Taken) -> Predictions:
        """A copy in this run's own store, which believes nothing whose digests it has not checked."""

        def copy(folder: Path) -> None:
            logits = taken.logits(self._context.scratch("reference"))
            predictions.save_predictions(Predictions(PTH, taken.ids, logits), folder)

        recipe = Recipe(
            "reference-taken",
            {"manifest": taken.record.manifest_sha256, "logits": taken.record.logits_sha256},
            code=(predictions,),
        )
        return predictions.load_predictions(self._context.build(recipe, copy).path, PTH)

    @once
    def basis(self) -> ReferenceBasis:
        """What these predictions follow from, for the evidence and for whoever takes them."""
        spec, data = self._context.spec, self._data.dataset()
        found = ReferenceBasis(
            checkpoint_sha256=self._checkpoint.file().sha256,
            network=self._context.network.about,
            output=spec.onnx.judged_output,
            classes=spec.classes,
            recipe=recipe_words(spec.preprocessing),
            images=len(data.ids),
            ids_sha256=data.ids_sha256,
            images_sha256=content.digests_sha256(self._data.image_digests()),
            pixels=self._data.pixels().content,
        )
        staging = self._context.staging
        return staging.put(staging.scrub.record(found), "basis")

    @once
    def probe(self) -> ReferenceProbe:
        """Some of the predictions computed again on this CPU: which ones, whoever made them could not know."""
        predicted, taken = self.predictions(), self._context.taken
        seed = probe_seed(self._context.run, "" if taken is None else taken.record.manifest_sha256)
        asked = drawn(predicted.ids, seed, self._context.spec.accuracy.reference_probe_images)
        found = self._errors(predicted, asked)
        worst = max(asked, key=lambda name: math.inf if math.isnan(found[name]) else found[name])
        return self._context.staging.put(ReferenceProbe(asked, found[worst], worst), "probe")

    def _errors(self, predicted: Predictions, asked: tuple[str, ...]) -> dict[str, float]:
        """The largest absolute difference of a logit to the CPU's, by image."""
        import numpy as np

        row = {name: number for number, name in enumerate(predicted.ids)}
        found: dict[str, float] = {}
        for start in range(0, len(asked), BATCH):
            part = asked[start : start + BATCH]
            here = self._onnx.torch_engine().logits(self._data.pixels().store.read(part))
            there = predicted.logits[[row[name] for name in part]]
            found.update(zip(part, np.abs(here - there).max(axis=1).tolist(), strict=True))
        return found
