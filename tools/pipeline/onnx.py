"""Step onnx: the exported file and what is really in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tools.engines import Engine, compare, onnx_engine, torch_engine
from tools.evidence.records import input_digest
from tools.judge.acceptance import InputDigest
from tools.judge.facts import CheckerFacts, LogitErrors, OnnxFacts, WeightFacts
from tools.model import checkpoint as checkpoints
from tools.model import export, onnx_model, weights
from tools.pipeline.checkpoint import CheckpointStep
from tools.pipeline.context import Context
from tools.pipeline.data import DataStep
from tools.pipeline.once import once
from tools.store.artifacts import Recipe

FILE = "model.onnx"


@dataclass(frozen=True)
class OnnxFile:
    """The exported file."""

    path: Path
    digest: InputDigest

    @property
    def sha256(self) -> str:
        """Of its bytes."""
        return self.digest.sha256


class OnnxStep:
    """The checkpoint exported as the spec asks, in onnxruntime and beside torch."""

    def __init__(self, context: Context, checkpoint: CheckpointStep, data: DataStep) -> None:
        self._context, self._checkpoint, self._data = context, checkpoint, data

    @once
    def file(self) -> OnnxFile:
        """The checkpoint exported to ONNX."""
        asked, factory = self._context.spec.onnx, self._context.spec.model.factory
        self._checkpoint.facts()
        recipe = Recipe(
            "onnx",
            {
                **self._checkpoint.about,
                "opset": str(asked.opset.exactly),
                "input": str(asked.input),
                "output": str(asked.output),
            },
            code=(export, checkpoints),
        )

        def make(folder: Path) -> None:
            model = checkpoints.build_model(self._checkpoint.load(), factory)
            export.export_onnx(model, folder / FILE, asked)

        artifact = self._context.build(recipe, make)
        digest = input_digest("onnx", artifact.path / FILE, sha256=artifact.files[FILE], md5=None)
        return OnnxFile(artifact.path / FILE, self._context.staging.put(digest, "onnx"))

    @once
    def facts(self) -> OnnxFacts:
        """What was read back from the file."""
        recipe = Recipe("onnx-facts", {"onnx": self.file().sha256}, code=(onnx_model,))
        found = self._context.remember(recipe, OnnxFacts, lambda: onnx_model.inspect_model(self.file().path))
        return self._context.staging.put(found, "onnx")

    @once
    def checker(self) -> CheckerFacts:
        """What onnx.checker says of the file."""
        self.facts()
        recipe = Recipe("onnx-checker", {"onnx": self.file().sha256}, code=(onnx_model,))
        found = self._context.remember(recipe, CheckerFacts, lambda: onnx_model.checker_facts(self.file().path))
        return self._context.staging.put(found, "onnx")

    @once
    def weights(self) -> WeightFacts:
        """The file's constants held against the checkpoint."""
        self.facts()
        about = {**self._checkpoint.about, "onnx": self.file().sha256}
        recipe = Recipe("onnx-weights", about, code=(weights, checkpoints))
        found = self._context.remember(recipe, WeightFacts, self._compare_weights)
        return self._context.staging.put(found, "onnx")

    def _compare_weights(self) -> WeightFacts:
        state_dict = self._checkpoint.load()
        model = checkpoints.build_model(state_dict, self._context.spec.model.factory)
        return weights.compare_weights(self.file().path, state_dict, model)

    @once
    def torch_engine(self) -> Engine:
        """The checkpoint in torch."""
        return torch_engine.TorchEngine(self._checkpoint.load(), self._context.spec.model.factory)

    @once
    def onnx_engine(self) -> Engine:
        """The exported file in onnxruntime."""
        return onnx_engine.OnnxEngine(self.file().path, self._context.spec.onnx)

    @once
    def logit_errors(self) -> LogitErrors:
        """How far onnxruntime's logits lie from torch's, and batch 16 from batch 1, on the probe images."""
        self.facts()
        images = self._context.spec.onnx.probe_images
        about = {
            **self._checkpoint.about,
            "onnx": self.file().sha256,
            "pixels": self._data.pixels().content,
            "images": str(images),
        }
        found = self._context.remember(
            Recipe("onnx-logit-errors", about, code=(compare, onnx_engine, torch_engine, checkpoints)),
            LogitErrors,
            lambda: compare.compare_engines(self.torch_engine(), self.onnx_engine(), self._data.pixels().read(images)),
        )
        return self._context.staging.put(found, "onnx")
