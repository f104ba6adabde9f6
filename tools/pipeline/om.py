"""Step om: the machine, one OM a batch size, and what the vendor's tools make of the images with it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from tools.ascend import atc, om_description, om_file
from tools.ascend import handed_in as own_oms
from tools.ascend.machine import Machine, describe_machine
from tools.ascend.runs import Outputs
from tools.ascend.target import Target, choose_target
from tools.base.errors import OmError, reason
from tools.base.files import sha256_of
from tools.base.reading import small_file
from tools.engines import om_engine, predictions
from tools.engines.om_engine import Offline, OmEngine, ToolReport
from tools.engines.predictions import Predictions
from tools.evidence.records import input_digest
from tools.evidence.tool_logs import keep_logs
from tools.judge import ids
from tools.judge.acceptance import InputDigest
from tools.judge.aipp import MOST_BYTES, aipp_text, file_name
from tools.judge.atc_flags import FILES
from tools.judge.facts import AippFacts, BatchErrors, OmDescription, OmFacts, OmInput, ToolkitFacts
from tools.judge.handed_in import HandedIn
from tools.judge.logs import NPU_SMI, atc_logs, prediction_logs
from tools.judge.machine_records import MachineRecord
from tools.judge.spec import AIPP_FLAG
from tools.pipeline.context import Context
from tools.pipeline.data import DataStep
from tools.pipeline.handed_in import om_file as handed_in_om
from tools.pipeline.once import once
from tools.pipeline.onnx import OnnxStep
from tools.ports.document import MAX_SPEC_BYTES
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
        self._reports: dict[int, ToolReport] = {}

    @once
    def target(self) -> Target:
        """Where OMs are compiled and run."""
        asked, context = self._context.inputs.ascend, self._context
        return choose_target(
            asked.target,
            asked.infer_tool,
            context.environment,
            context.filesystem,
            ais_bench_python=asked.ais_bench_python,
        )

    @once
    def toolkit(self) -> ToolkitFacts:
        """The target in words, for the evidence."""
        target = self.target()
        found = ToolkitFacts(target=str(target.kind), infer_tool=str(target.infer_tool), why=target.why)
        return self._context.staging.put(found, "toolkit")

    @once
    def machine(self) -> Machine:
        """The devices and their chip."""
        context, logs = self._context, self._context.scratch("npu-smi")
        self.toolkit()
        with context.keeping_logs(NPU_SMI, logs):
            found = describe_machine(
                self.target(),
                soc=context.inputs.ascend.soc or context.spec.om.soc,
                devices=context.inputs.ascend.devices,
                root=context.filesystem,
                logs=logs,
                run=context.run,
            )
        keep_logs(context.staging, NPU_SMI, logs)
        return found

    @once
    def machine_record(self) -> MachineRecord:
        """The machine, for the evidence."""
        machine = self.machine()
        found = MachineRecord(
            soc=machine.soc,
            infer_tool=str(machine.target.infer_tool),
            devices=machine.devices,
            why=machine.target.why,
            toolchain=dict(machine.toolchain),
            boards=machine.boards,
            visible_devices=machine.visible,
        )
        return self._context.staging.put(found, "machine")

    @once
    def aipp_facts(self) -> AippFacts:
        """The AIPP file: written from the recipe, or the one beside the port; OmError where that cannot be read."""
        recipe = self._context.spec.preprocessing
        if recipe.aipp is None or recipe.aipp.file is None:
            return self._context.staging.put(AippFacts(aipp_text(recipe)), "aipp")
        path = self._context.inputs.port.parent / recipe.aipp.file
        try:
            text = small_file(path, MOST_BYTES).decode()
        except (OSError, UnicodeDecodeError) as error:
            raise OmError(f"the AIPP file cannot be read: {reason(error)}", gate=ids.OM_AIPP, where=path) from error
        return self._context.staging.put(AippFacts(text), "aipp")

    @once
    def atc_args(self) -> tuple[str, ...]:
        """What the port asks of atc beyond the suite's own flags, the AIPP file in the store among it."""
        spec = self._context.spec
        words = tuple(map(self._with_file, spec.om.atc_extra_args))
        if spec.preprocessing.aipp is None:
            return words
        text = self.aipp_facts().text
        name, recipe = file_name(text), Recipe("aipp", {"text": text})
        made = self._context.build(recipe, lambda folder: _write(folder / name, text))
        return (*words, f"{AIPP_FLAG}={made.path / name}")

    def _with_file(self, word: str) -> str:
        """A flag as atc gets it: a file beside the port is copied into the store, whose path every tool can take."""
        flag, name = word.partition("=")[::2]
        if flag not in FILES:
            return word
        path = self._context.inputs.port.parent / name
        try:
            content = small_file(path, MAX_SPEC_BYTES)
        except OSError as error:
            gate = ids.OM_COMPILED.at(self._context.spec.batches[0])
            raise OmError(f"the file of {flag} cannot be read: {reason(error)}", gate=gate, where=path) from error
        recipe = Recipe("atc-file", {"name": name, "sha256": hashlib.sha256(content).hexdigest()})
        made = self._context.build(recipe, lambda folder: _write_bytes(folder / name, content))
        return f"{flag}={made.path / name}"

    @once
    def om(self, batch: int) -> Om:
        """The ONNX file compiled for a batch size, or the OM that was handed in for it."""
        if self._context.inputs.oms:
            return self._of_others(batch)
        machine, onnx, asked = self.machine(), self._onnx.file(batch), self._context.spec
        given, name = self.atc_args(), f"{onnx.path.stem}_bs{batch}.om"
        recipe = Recipe(
            "om",
            {
                "onnx": onnx.sha256,
                "input": str(asked.input()),
                "batch": str(batch),
                "soc": machine.soc,
                "extra args": repr(asked.om.atc_extra_args),
                "files of extra args": repr({role: sha256_of(at) for role, at in atc.named_files(given).items()}),
                **self._aipp_words(),
                **machine.about,
            },
            code=(atc,),
        )

        def compile_into(folder: Path) -> None:
            request = atc.AtcRequest(
                onnx=onnx.path,
                om=folder / name,
                input_name=asked.onnx.input.name,
                image_shape=asked.input().shape[1:],
                batch=batch,
                soc=machine.soc,
                extra_args=given,
            )
            work = self._context.scratch(f"atc_bs{batch}")
            with self._context.keeping_logs(atc_logs(batch), folder / "logs"):
                atc.compile_om(request, env=machine.target.env, work=work, logs=folder / "logs")

        artifact = self._context.build(recipe, compile_into)
        if not machine.simulated:
            om_file.refuse_other_formats(artifact.path / name, gate=ids.OM_COMPILED.at(batch))
        digest = input_digest(ids.om(batch), artifact.path / name, sha256=artifact.files[name], md5=None)
        keep_logs(self._context.staging, atc_logs(batch), artifact.path / "logs")
        return Om(artifact.path / name, batch, self._context.staging.put(digest, digest.name))

    def _aipp_words(self) -> dict[str, str]:
        """What an OM depends on where the chip normalises."""
        return {} if self._context.spec.preprocessing.aipp is None else {"aipp": self.aipp_facts().text}

    @once
    def handed_in(self, batch: int) -> HandedIn | None:
        """What was handed in for a batch size, None where the suite compiles the OM itself."""
        return self._taken_in(batch)[2] if self._context.inputs.oms else None

    @once
    def _taken_in(self, batch: int) -> tuple[Path, InputDigest, HandedIn]:
        return handed_in_om(self._context, lambda: self._batches(batch), batch)

    def _of_others(self, batch: int) -> Om:
        """The OM that was handed in; an ONNX file stands between checkpoint and OM all the same."""
        machine = self.machine()
        self._onnx.file(batch)
        path, digest, _ = self._taken_in(batch)
        if not machine.simulated:
            om_file.refuse_other_formats(path, gate=ids.OM_COMPILED.at(batch))
        return Om(path, batch, self._context.staging.put(digest, digest.name))

    def _batches(self, asked: int) -> dict[Path, int]:
        """The batch size of each OM that was handed in, by its own words."""

        def describe(path: Path) -> tuple[OmInput, ...]:
            work, logs = self._context.scratch("handed-in"), self._context.scratch("logs")
            env = self.machine().target.env
            return om_description.describe_om(path, batch=asked, env=env, work=work, logs=logs).inputs

        return {path: own_oms.batch_of(path, describe, asked=asked) for path in self._context.inputs.oms}

    @once
    def described(self, batch: int) -> OmDescription:
        """What the OM says of itself."""
        om, machine = self.om(batch), self.machine()
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
        return OmEngine(self.machine(), logs, self._context.locks)

    def report(self, batch: int) -> ToolReport | None:
        """What the tool reported of a run that this process has made for accuracy: it need not be made again."""
        return self._reports.get(batch)

    def report_logs(self, batch: int) -> Path:
        """The streams of that run: whoever counts it keeps them beside those of the others."""
        return self._predicted(batch) / "logs"

    def about(self, batch: int) -> dict[str, str]:
        """What results of running the OM over the images depend on; the file's name stands in what the tools print."""
        fed, machine, om = self._fed(), self.machine(), self.om(batch)
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

        anew = not self.machine().simulated
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


def _write(path: Path, text: str) -> None:
    _write_bytes(path, text.encode())


def _write_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)
