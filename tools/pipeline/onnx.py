"""Step onnx: the exported file, or the one handed in, and what is really in it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tools.ascend.toolkit import RELEASE_VARIABLE, SIMULATED_RELEASE, cann_version
from tools.base.errors import OnnxError
from tools.base.files import sha256_of
from tools.engines import Engine, compare, onnx_engine, torch_engine
from tools.evidence.records import input_digest
from tools.judge.acceptance import InputDigest
from tools.judge.facts import CheckerFacts, GraphStepFacts, LogitErrors, OnnxFacts, WeightFacts
from tools.judge.handed_in import HandedIn
from tools.judge.ids import ONNX_INPUT
from tools.judge.operators import OperatorFacts
from tools.model import checkpoint as checkpoints
from tools.model import export, graph_step, onnx_model, operators
from tools.model import network as networks
from tools.model.weights import compare as weights
from tools.pipeline.checkpoint import CheckpointStep
from tools.pipeline.context import Context
from tools.pipeline.data import DataStep
from tools.pipeline.handed_in import onnx_file
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
    """The checkpoint exported as the port asks, in onnxruntime and beside torch.

    A port asks for one file with a dynamic batch axis, or for a file for each batch size. What is said about "the" file
    without a batch size is said about the one of the largest.
    """

    def __init__(self, context: Context, checkpoint: CheckpointStep, data: DataStep) -> None:
        self._context, self._checkpoint, self._data = context, checkpoint, data

    def file(self, batch: int | None = None) -> OnnxFile:
        """The file that is compiled for a batch size: the exported one, or what the port's graph step made of it."""
        return self._file(self._size(batch))

    def exported(self, batch: int | None = None) -> OnnxFile:
        """The file as torch exported it, or as it was handed in."""
        return self._exported(self._size(batch))

    def onnx_engine(self, batch: int | None = None) -> Engine:
        """The file of a batch size in onnxruntime."""
        return self._engine(self._size(batch))

    @once
    def torch_engine(self) -> Engine:
        """The checkpoint in torch."""
        return torch_engine.TorchEngine(self._checkpoint.model(), self._context.spec.onnx.judged_output)

    @once
    def facts(self) -> OnnxFacts:
        """What was read back from the files."""
        every = [self._facts(size) for size in self._sizes]
        found = OnnxFacts(
            opsets=tuple(dict.fromkeys(opset for facts in every for opset in facts.opsets)),
            inputs=tuple(name for facts in every for name in facts.inputs),
            outputs=tuple(name for facts in every for name in facts.outputs),
            operators=every[-1].operators,
        )
        return self._context.staging.put(found, "onnx")

    @once
    def checker(self) -> CheckerFacts:
        """What onnx.checker says of the files: the first complaint where there is one."""
        self.facts()
        answers = [self._checker(size).answer for size in self._sizes]
        refused = next((answer for answer in answers if answer != onnx_model.ACCEPTED), onnx_model.ACCEPTED)
        return self._context.staging.put(CheckerFacts(refused), "onnx")

    @once
    def operators(self) -> OperatorFacts:
        """The files' nodes against what atc's parser knows; the first file with a node that it does not know counts."""
        self.facts()
        every = [self._operators(size) for size in self._sizes]
        found = next((facts for facts in every if facts.unregistered), every[-1])
        return self._context.staging.put(found, "onnx")

    @once
    def weights(self) -> WeightFacts:
        """The exported files' initializers held against the checkpoint; the first file that has an offender counts."""
        self.facts()
        every = [self._weights(size) for size in self._sizes]
        found = next((facts for facts in every if facts.offenders), every[-1])
        return self._context.staging.put(found, "onnx")

    @once
    def logit_errors(self) -> LogitErrors:
        """How far onnxruntime's logits lie from torch's, and batches from one image alone, on the probe images."""
        self.facts()
        every = [self._logit_errors(size) for size in self._sizes]
        found = LogitErrors(
            images=every[-1].images,
            to_reference=worst(facts.to_reference for facts in every),
            between_batches=worst(facts.between_batches for facts in every),
        )
        return self._context.staging.put(found, "onnx")

    @once
    def graph_step(self) -> GraphStepFacts:
        """How far the graph step moved any logit, on the probe images."""
        self.facts()
        every = [self._moved(size) for size in self._sizes]
        found = GraphStepFacts(images=every[-1].images, largest=worst(facts.largest for facts in every))
        return self._context.staging.put(found, "onnx")

    @property
    def _sizes(self) -> tuple[int | None, ...]:
        return self._context.spec.onnx_batches

    def _size(self, batch: int | None) -> int | None:
        """Which file is meant: None for the one with the dynamic batch axis."""
        sizes = [size for size in self._sizes if size is not None]
        return (batch or max(sizes)) if sizes else None

    @once
    def handed_in(self, batch: int | None = None) -> HandedIn | None:
        """What was handed in, None where the suite exports the checkpoint itself."""
        return self._taken_in(self._size(batch))[2] if self._context.inputs.onnx else None

    @once
    def _exported(self, size: int | None) -> OnnxFile:
        if self._context.inputs.onnx:
            path, sha256, _ = self._taken_in(size)
            return OnnxFile(path, input_digest(_named("exported", size), path, sha256=sha256, md5=None))
        asked = self._context.spec
        self._checkpoint.facts()
        recipe = Recipe(
            "onnx",
            {
                **self._checkpoint.about,
                "opset": str(asked.onnx.opset.exactly),
                "input": str(asked.input(size)),
                "output": str(asked.output(size)),
                "outputs": " ".join(asked.onnx.all_outputs),
            },
            code=(export, checkpoints, networks),
        )
        artifact = self._context.build(
            recipe, lambda folder: export.export_onnx(self._checkpoint.model(), folder / FILE, asked, size)
        )
        digest = input_digest(_named("exported", size), artifact.path / FILE, sha256=artifact.files[FILE], md5=None)
        return OnnxFile(artifact.path / FILE, digest)

    @once
    def _taken_in(self, size: int | None) -> tuple[Path, str, HandedIn]:
        """What was handed in for a batch size; the checkpoint that it belongs to is looked at first."""
        self._checkpoint.facts()
        return onnx_file(self._context, size, self._label(size))

    def _label(self, size: int | None) -> str:
        """The name of a file's digest: that of the largest batch size, or of all, is `the` file."""
        return "onnx" if size == self._size(None) else _named("onnx", size)

    @once
    def _file(self, size: int | None) -> OnnxFile:
        made, name = self._exported(size), self._context.spec.onnx.graph_step
        path, sha256 = made.path, made.sha256
        if name is not None:
            step = graph_step.GraphStep(name, self._context.inputs.port.parent)
            recipe = Recipe("onnx-step", {"onnx": made.sha256, **step.about}, code=(graph_step,))
            artifact = self._context.build(recipe, lambda folder: step.run(made.path, folder / FILE))
            path, sha256 = artifact.path / FILE, artifact.files[FILE]
        label = self._label(size)
        digest = input_digest(label, path, sha256=sha256, md5=None)
        return OnnxFile(path, self._context.staging.put(digest, label))

    @once
    def _engine(self, size: int | None) -> Engine:
        return onnx_engine.OnnxEngine(self._file(size).path, self._context.spec.onnx, batch=size)

    @once
    def _facts(self, size: int | None) -> OnnxFacts:
        file = self._file(size)
        recipe = Recipe("onnx-facts", {"onnx": file.sha256}, code=(onnx_model,))
        return self._context.remember(recipe, OnnxFacts, lambda: onnx_model.inspect_model(file.path))

    @once
    def _checker(self, size: int | None) -> CheckerFacts:
        file = self._file(size)
        recipe = Recipe("onnx-checker", {"onnx": file.sha256}, code=(onnx_model,))
        return self._context.remember(recipe, CheckerFacts, lambda: onnx_model.checker_facts(file.path))

    @once
    def _operators(self, size: int | None) -> OperatorFacts:
        file, release = self._file(size), cann_release(self._context)
        for_atc = not self._context.inputs.oms
        about = {"onnx": file.sha256, "release": release, "table": sha256_of(operators.TABLE), "atc": str(for_atc)}
        recipe = Recipe("onnx-operators", about, code=(operators,))
        return self._context.remember(
            recipe, OperatorFacts, lambda: operators.operator_facts(file.path, release, for_atc=for_atc)
        )

    @once
    def _weights(self, size: int | None) -> WeightFacts:
        file = self._exported(size)
        declared = self._context.spec.onnx.weights_differ if self._context.inputs.onnx else ()
        about = {"onnx": file.sha256, "declared": repr(declared), **self._checkpoint.about}
        self._require_own_image(size)
        return self._context.remember(
            Recipe("onnx-weights", about, code=(weights, checkpoints, networks)),
            WeightFacts,
            lambda: weights.compare_weights(file.path, self._checkpoint.load(), self._checkpoint.model(), declared),
        )

    def _require_own_image(self, size: int | None) -> None:
        """Weights are told by a run of the network on the file's image, which another network's may not be."""
        asked, found = self._context.spec.input(size), self._facts(size).inputs
        image = [text.partition("[")[2].rpartition("]")[0].split(", ")[1:] for text in found]
        if image != [[str(axis) for axis in asked.shape[1:]]]:
            raise OnnxError(
                "the file takes another image than the port's",
                gate=ONNX_INPUT,
                where=self._exported(size).path,
                measured="; ".join(found),
                allowed=str(asked),
            )

    @once
    def _logit_errors(self, size: int | None) -> LogitErrors:
        images = self._context.spec.onnx.probe_images
        about = {
            **self._checkpoint.about,
            "onnx": self._file(size).sha256,
            "pixels": self._data.pixels().content,
            "images": str(images),
        }
        return self._context.remember(
            Recipe("onnx-logit-errors", about, code=(compare, onnx_engine, torch_engine, checkpoints, networks)),
            LogitErrors,
            lambda: compare.compare_engines(self.torch_engine(), self._engine(size), self._data.pixels().read(images)),
        )

    @once
    def _moved(self, size: int | None) -> GraphStepFacts:
        asked, pixels = self._context.spec.onnx, self._data.pixels()
        before, after = self._exported(size), self._file(size)
        about = {"before": before.sha256, "after": after.sha256, "pixels": pixels.content}

        def compare_both() -> GraphStepFacts:
            first = onnx_engine.OnnxEngine(before.path, asked, batch=size)
            images = pixels.read(asked.probe_images)
            return GraphStepFacts(len(images), compare.largest_difference(first, self._engine(size), images))

        recipe = Recipe("onnx-step-errors", {**about, "images": str(asked.probe_images)}, code=(compare, onnx_engine))
        return self._context.remember(recipe, GraphStepFacts, compare_both)


def cann_release(context: Context) -> str:
    """The release whose atc will read the file, empty where nothing states it; without Ascend, the simulator's."""
    if context.on_device:
        return cann_version(context.filesystem, context.environment) or ""
    return context.environment.get(RELEASE_VARIABLE) or SIMULATED_RELEASE


def _named(what: str, size: int | None) -> str:
    return what if size is None else f"{what}_bs{size}"


def worst(errors: Iterable[float]) -> float:
    """The largest; NaN where there is one, which max() would lose."""
    found = list(errors)
    return math.nan if any(math.isnan(error) for error in found) else max(found)
