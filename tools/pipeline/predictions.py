"""Step accuracy: what each variant predicts for every image, and how that compares."""

from __future__ import annotations

from array import array

from tools.base.errors import AccuracyError
from tools.engines import onnx_engine
from tools.engines.agreement import agree
from tools.engines.predictions import Predictions
from tools.judge.agreement import Agreement
from tools.judge.handover import Handover, handover
from tools.judge.ids import PTH, Variant
from tools.judge.predictions import TopFive, top_five
from tools.pipeline.checkpoint import CheckpointStep
from tools.pipeline.context import Context
from tools.pipeline.data import DataStep
from tools.pipeline.om import OmStep
from tools.pipeline.once import once
from tools.pipeline.onnx import OnnxStep
from tools.pipeline.reference import ReferenceStep
from tools.pipeline.streamed import streamed


class PredictionStep:
    """Every variant's predictions of the same images."""

    def __init__(
        self, context: Context, checkpoint: CheckpointStep, onnx: OnnxStep, data: DataStep, om: OmStep
    ) -> None:
        self._context, self._onnx, self._data, self._om = context, onnx, data, om
        self.reference = ReferenceStep(context, checkpoint, onnx, data)

    @once
    def predictions(self, variant: Variant) -> Predictions:
        """A variant's logits for every image."""
        if variant.batch is not None:
            return self._om.predictions(variant.batch)
        if variant == PTH:
            return self.reference.predictions()
        about = {"onnx": self._onnx.file().sha256}
        return streamed(self._context, self._data, variant, self._onnx.onnx_engine, code=(onnx_engine,), about=about)

    @once
    def handed_over(self, variant: Variant) -> Handover:
        """Labels against predictions, by id."""
        labels = self._data.dataset().labels
        found = handover("labels", labels, f"{variant.kind} predictions", self.predictions(variant).ids)
        return self._context.staging.put_handover(variant, found)

    @once
    def top_five(self, variant: Variant) -> TopFive:
        """The five best classes of every image, with the labels.

        AccuracyError when the ids are not those of the labels in their order: rows and labels are paired by place.
        """
        predicted, labels = self.predictions(variant), self._data.targets()
        if predicted.ids != tuple(labels):
            raise AccuracyError(
                f"{variant} did not predict the labelled images in their order: {self.handed_over(variant)}",
                gate=variant.gate("ids"),
            )
        return top_five(
            variant,
            array("q", predicted.top5.astype("<i8").tobytes()),
            array("f", predicted.top5_scores.astype("<f4").tobytes()),
            array("q", labels.values()),
        )

    @once
    def agreement(self, variant: Variant) -> Agreement:
        """The variant's logits held against the checkpoint's."""
        bounds = self._context.spec.agreement_bounds(variant.kind, on_device=self._context.on_device)
        near_tie = bounds.near_tie_logits.value
        return agree(self.predictions(PTH), self.predictions(variant), near_tie_logits=near_tie)
