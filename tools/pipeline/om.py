"""Step om: one OM a batch size, and what the vendor's tools make of the images with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tools.ascend import atc, om_description, om_file
from tools.ascend import handed_in as own_oms
from tools.ascend.runs import Outputs
from tools.engines import om_engine, predictions
from tools.engines.om_engine import Offline, OmEngine, ToolReport
from tools.engines.predictions import Predictions
from tools.evidence.records import input_digest
from tools.evidence.tool_logs import keep_logs
from tools.judge import ids
from tools.judge.acceptance import InputDigest
from tools.judge.facts import BatchErrors, OmDescription, OmFacts, OmInput
from tools.judge.handed_in import HandedIn
from tools.judge.logs import atc_logs, prediction_logs
from tools.pipeline.atc_words import AtcWords
from tools.pipeline.context import Context
from tools.pipeline.data import DataStep
from tools.pipeline.handed_in import om_file as handed_in_om
from tools.pipeline.machine import MachineStep
from tools.pipeline.once import once
from tools.pipeline.onnx import OnnxFile, OnnxStep
from tools.store.artifacts import Recipe


@dataclass(frozen=True)
class Om:
    """An OM and what it was made from."""

    path: Path
    batch: int
    digest: InputDigest

    @property
    def sha256(self) -> str:
        """Of its bytes."""
        return self.digest.sha256


class OmStep:
    """Offline models: compiled, described, and run over the images."""

    def __init__(self, context: Context, onnx: OnnxStep, data: DataStep) -> None:
        self._context, self._onnx, self._data = context, onnx, data
        self.machine, self.atc = MachineStep(context), AtcWords(context)
        self._reports: dict[int, ToolReport] = {}

    @once
    def om(self, batch: int) -> Om:
        """The ONNX file compiled for a batch size, or the OM that was handed in for it."""
        if self._context.inputs.oms:
            return self._of_others(batch)
        machine, onnx, asked = self.machine.found(), self._onnx.file(batch), self._context.spec
        name = f"{onnx.path.stem}_bs{batch}.om"
        recipe = Recipe(
            "om",
            {
                "onnx": onnx.sha256,
                "input": str(asked.input()),
                "batch": str(batch),
                "soc": machine.soc,
                **self.atc.about(),
                **machine.about,
            },
            code=(atc,),
        )

        artifact = self._context.build(recipe, lambda folder: self._compile(onnx, batch, folder / name))
        if not machine.simulated:
            om_file.refuse_other_formats(artifact.path / name, gate=ids.OM_COMPILED.at(batch))
        digest = input_digest(ids.om(batch), artifact.path / name, sha256=artifact.files[name], md5=None)
        keep_logs(self._context.staging, atc_logs(batch), artifact.path / "logs")
        return Om(artifact.path / name, batch, self._context.staging.put(digest, digest.name))

    def _compile(self, onnx: OnnxFile, batch: int, om: Path) -> None:
        machine, asked, logs = self.machine.found(), self._context.spec, om.parent / "logs"
        request = atc.AtcRequest(
            onnx=onnx.path,
            om=om,
            input_name=asked.onnx.input.name,
            image_shape=asked.input().shape[1:],
            batch=batch,
            soc=machine.soc,
            extra_args=self.atc.words(),
        )
        work = self._context.scratch(f"atc_bs{batch}")
        with self._context.keeping_logs(atc_logs(batch), logs):
            atc.compile_om(request, env=machine.target.env, work=work, logs=logs)

    @once
    def handed_in(self, batch: int) -> HandedIn | None:
        """What was handed in for a batch size, None where the suite compiles the OM itself."""
        return self._taken_in(batch)[2] if self._context.inputs.oms else None

    @once
    def _taken_in(self, batch: int) -> tuple[Path, InputDigest, HandedIn]:
        return handed_in_om(self._context, lambda: self._batches(batch), batch)

    def _of_others(self, batch: int) -> Om:
        """The OM that was handed in; an ONNX file stands between checkpoint and OM all the same."""
        machine = self.machine.found()
        self._onnx.file(batch)
        path, digest, _ = self._taken_in(batch)
        if not machine.simulated:
            om_file.refuse_other_formats(path, gate=ids.OM_COMPILED.at(batch))
        return Om(path, batch, self._context.staging.put(digest, digest.name))

    def _batches(self, asked: int) -> dict[Path, int]:
        """The batch size of each OM that was handed in, by its own words."""

        def describe(path: Path) -> tuple[OmInput, ...]:
            work, logs = self._context.scratch("handed-in"), self._context.scratch("logs")
            env = self.machine.found().target.env
            return om_description.describe_om(path, batch=asked, env=env, work=work, logs=logs).inputs

        return {path: own_oms.batch_of(path, describe, asked=asked) for path in self._context.inputs.oms}

    @once
    def described(self, batch: int) -> OmDescription:
        """What the OM says of itself."""
        om, machine = self.om(batch), self.machine.found()
        about = {"om": om.sha256, **machine.about}
        recipe = Recipe("om-described", about, code=(om_description,), of_this_run=not machine.simulated)

        def describe() -> OmDescription:
            work, logs = self._context.scratch(f"describe_bs{batch}"), self._context.scratch("logs")
            env = machine.target.env
            with self._context.keeping_logs(f"describe-bs{batch}", logs):
                return om_description.describe_om(om.path, batch=batch, env=env, work=work, logs=logs)

        found = self._context.remember(recipe, OmDescription, describe)
        self._context.staging.put(OmFacts(batch, found), f"bs{batch}")
        return found

    def offline(self, batch: int) -> Offline:
        """The OM with the images that it is to see."""
        asked, jpeg = self._context.spec, self._context.spec.preprocessing.is_jpeg
        folder = self._data.fit_jpegs().folder if jpeg else self._data.bins().folder
        return Offline(
            self.om(batch).path,
            batch,
            folder,
            self._data.dataset().ids,
            asked.preprocessing,
            asked.classes,
            asked.om_output_type,
            Outputs(len(asked.onnx.all_outputs), asked.onnx.judged_output),
            self._data.jpegs().rows if jpeg else (),
        )

    def engine(self, logs: Path) -> OmEngine:
        """What runs OMs and keeps the tools' streams in a folder; all runs over this cache take turns on a device."""
        return OmEngine(self.machine.found(), logs, self._context.locks)

    def report(self, batch: int) -> ToolReport | None:
        """What the tool reported of a run that this process has made for accuracy: it need not be made again."""
        return self._reports.get(batch)

    def report_logs(self, batch: int) -> Path:
        """The streams of that run: whoever counts it keeps them beside those of the others."""
        return self._predicted(batch) / "logs"

    def about(self, batch: int) -> dict[str, str]:
        """What results of running the OM over the images depend on; the file's name stands in what the tools print."""
        fed, machine, om = self._fed(), self.machine.found(), self.om(batch)
        return {
            "om": om.sha256,
            "file": om.path.name,
            **fed,
            "output": f"{self._context.spec.output(batch)} of {' '.join(self._context.spec.onnx.all_outputs)}",
            "devices": str(machine.devices),
            **machine.about,
        }

    def _fed(self) -> dict[str, str]:
        """What the vendor's tool reads the images from."""
        if self._context.spec.preprocessing.is_jpeg:
            return {"jpegs": self._data.fit_jpegs().content}
        return {"bins": self._data.bins().content}

    @once
    def predictions(self, batch: int) -> Predictions:
        """The OM's logits for every image, see _predicted."""
        folder = self._predicted(batch)
        keep_logs(self._context.staging, prediction_logs(batch), folder / "logs")
        return predictions.load_predictions(folder, ids.om(batch))

    @once
    def _predicted(self, batch: int) -> Path:
        """The artifact with the logits and the tools' streams: on a device made in this very run, whatever it gave
        before; on the simulator from the store where the same OM has seen the images."""

        def run(folder: Path) -> None:
            offline = self.offline(batch)
            with self._context.keeping_logs(prediction_logs(batch), folder / "logs"):
                done = self.engine(folder / "logs").run(offline)
            if offline.jpegs:
                self._data.require_unchanged()
            predictions.save_predictions(done.predictions, folder)
            self._reports[batch] = done.report

        anew = not self.machine.found().simulated
        recipe = Recipe("predictions-om", self.about(batch), code=(om_engine,), of_this_run=anew)
        return self._context.build(recipe, run).path

    @once
    def batch_errors(self) -> BatchErrors:
        """The largest difference of a logit between the first batch size and any other.

        Asked for from the last batch size on: another worker of `pytest -n` runs the tests of each batch size in their
        order, so the two meet halfway instead of waiting for each other's lock at the first.
        """
        batches = self._context.spec.batches
        *others, first = (self.predictions(batch) for batch in reversed(batches))
        largest = predictions.largest_difference(first, others)
        found = BatchErrors(batches=batches, images=len(first.ids), largest=largest)
        return self._context.staging.put(found, "om")
