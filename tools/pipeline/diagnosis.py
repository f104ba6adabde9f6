"""When accuracy fails, where: the nodes at which ONNX file or OM leave the checkpoint."""

from __future__ import annotations

from tools.judge.ids import Variant
from tools.pipeline.checkpoint import CheckpointStep
from tools.pipeline.context import Context
from tools.pipeline.data import DataStep
from tools.pipeline.om import OmStep
from tools.pipeline.once import once
from tools.pipeline.onnx import OnnxStep

BY_JPEG = (
    "the OM: no diagnosis, because the chip's own decoder makes its pixels and its arithmetic is not known; the same "
    "port without `input: jpeg` shows what the OM makes of pixels that are known"
)


class DiagnosisStep:
    """The diagnosis of a variant, made once."""

    def __init__(
        self, context: Context, checkpoint: CheckpointStep, onnx: OnnxStep, data: DataStep, om: OmStep
    ) -> None:
        self._context, self._checkpoint, self._onnx, self._data, self._om = context, checkpoint, onnx, data, om

    @once
    def lines(self, variant: Variant) -> tuple[str, ...]:
        """Lines for terminal and report: of the ONNX file, or of an OM and how it was localised."""
        if variant.batch is None:
            return self._of_onnx()
        return (BY_JPEG,) if self._context.spec.preprocessing.is_jpeg else self._of_om(variant.batch)

    def _of_onnx(self) -> tuple[str, ...]:
        from tools.diagnosis import diagnose
        from tools.diagnosis.render import render

        pixels = self._data.pixels()
        found = diagnose.diagnose(
            self._onnx.file().path,
            self._checkpoint.model(),
            pixels.read(diagnose.PROBE_IMAGES),
            ids=pixels.store.ids[: diagnose.PROBE_IMAGES],
        )
        return tuple(render(found))

    def _of_om(self, batch: int) -> tuple[str, ...]:
        from tools.ascend.turns import device_turn
        from tools.diagnosis import diagnose, diagnose_om, om_parts
        from tools.diagnosis.render import render

        pixels, bins, machine = self._data.pixels(), self._data.bins(), self._om.machine.found()
        ids, images = pixels.store.ids[: diagnose.PROBE_IMAGES], pixels.read(diagnose.PROBE_IMAGES)
        logits = self._om.predictions(batch).logits[: len(ids)]
        onnx = self._onnx.file().path
        found = diagnose.diagnose(onnx, self._checkpoint.model(), images, logits, ids=ids)
        folder = self._context.scratch(f"diagnosis_bs{batch}")
        runner = diagnose_om.AscendRunner(
            target=machine.target,
            bins=bins.folder,
            ids=ids,
            image_shape=self._context.spec.input().shape[1:],
            soc=machine.soc,
            work=folder / "work",
            logs=folder / "logs",
            device=machine.devices[0],
            extra_args=self._om.atc.words(),
            pixels_size=bins.recipe.pixels_size,
        )
        one = diagnose.align(onnx, self._checkpoint.model(), images[:1])
        with device_turn(machine, self._context.locks):
            parts = om_parts.diagnose_parts(one, runner.packed, folder)
            lines = (*render(found), *om_parts.render_parts(parts))
            if any(part.diverges for part in parts):
                return lines
            localised = diagnose_om.localise(onnx, images, runner, folder, rounded=diagnose.rounded_nodes(one))
        explained = found.om is not None and not found.om.diverges
        return (*lines, *diagnose_om.render(localised, om_explained=explained))
