"""What a run works on: inputs and port, decided once at the start."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tools.ascend.target import TargetKind, target_kind
from tools.base.errors import SpecError
from tools.judge.acceptance import Acceptance
from tools.judge.basis import ReferenceDevice
from tools.judge.documents import spec_digest
from tools.judge.gates import Asked
from tools.judge.prediction_records import ReferenceRecord
from tools.judge.shipped import SHIPPED_SPECS, spec_words
from tools.judge.spec import Spec
from tools.model.code import code_digests
from tools.model.network import Network
from tools.pipeline.inputs import Inputs, require_named_inputs, resolve
from tools.pipeline.option_values import InputError
from tools.pipeline.taken import Taken, read_taken, reference_device
from tools.pipeline.tool_folders import folders_tools_cannot_take, will_use_ais_bench
from tools.ports.sample_port import POLICY, TURNED, sample_port
from tools.ports.spec import SAMPLE_SPEC, Port, load_port, load_spec
from tools.ports.spec_json import spec_json

WHOSE = (
    "made for this port: random weights, the last layer fitted to generated images; where that reads too "
    "little of them, the labels are its own predictions, said beside the verdict"
)


@dataclass(frozen=True)
class Setup:
    """The inputs of a run, the port that is judged, and whether OMs run on a device or on the simulator.

    The port holds the bytes that it was read from: its files may be edited while the run goes on.
    `environment` and `filesystem` are where traces of Ascend are looked for; `unfit` are warnings about folders.
    `made_sample` says that weights and labels are made for the port, which ships no sample of its own.
    `baseline` is the record of the earlier run to be compared with, None where none was named; `taken` the run whose
    predictions of the checkpoint are taken, and `reference_device` what has computed them or will; with
    `keep_reference` every logit of the checkpoint goes into the evidence, for another run to take. `profile`
    asks in which operators the chip spends its time.
    """

    inputs: Inputs
    port: Port
    kind: TargetKind
    environment: Mapping[str, str]
    filesystem: Path
    unfit: tuple[str, ...]
    baseline: Acceptance | None
    taken: Taken | None
    reference_device: ReferenceDevice
    keep_reference: bool
    made_sample: bool = False
    profile: bool = False

    @property
    def spec(self) -> Spec:
        """What the port is judged by."""
        return self.port.spec

    @property
    def network(self) -> Network:
        """The port's network; its own code lies below the folder of the port's file."""
        return Network(self.spec.model, self.inputs.port.parent)

    @property
    def code(self) -> dict[str, str]:
        """What the network and the port's functions are made of: files by their sha256, libraries by their version."""
        folder, functions = self.inputs.port.parent, (self.spec.preprocessing.function, self.spec.onnx.graph_step)
        known = {name: value for place in functions if place for name, value in code_digests(place, folder).items()}
        return known | self.network.about

    @property
    def on_device(self) -> bool:
        """True where OMs run on a device, and everything that an acceptance needs must be there."""
        return self.kind is TargetKind.ASCEND

    @property
    def sample(self) -> bool:
        """True when the embedded sample was asked for; what is its by content shows later (tools/judge/shipped.py)."""
        return _is_sample(self.inputs, self.port)

    @property
    def asked(self) -> Asked:
        """What decides which gates exist."""
        return Asked(self.spec, on_device=self.on_device, reference=self.reference.made_by, profile=self.profile)

    @property
    def reference(self) -> ReferenceRecord:
        """Whose predictions of the checkpoint count, for the evidence."""
        return ReferenceRecord(self.reference_device, None if self.taken is None else self.taken.record)

    @property
    def port_sha256(self) -> str:
        """The one digest of what the run is judged by: of the bundle's spec.json, and of `show_port.py --json`."""
        return spec_digest(spec_json(self.spec))

    def own_port(self) -> list[str]:
        """A line for a port that is none of the suite's own as they were shipped."""
        words = spec_words(f"{self.inputs.port} ({self.inputs.why_port})", self.port_sha256)
        return [] if self.port_sha256 in SHIPPED_SPECS else [f"judged by: {words}"]

    def lines(self) -> list[str]:
        """The run's inputs in words, which were chosen and why."""
        inputs = self.inputs
        taken = [] if self.taken is None else [f"reference: {self.taken.folder}, run {self.taken.record.run}"]
        whose = WHOSE if self.made_sample else "embedded sample"
        limited = f", first {inputs.limit} images" if inputs.limit else ""
        return [
            f"checkpoint: {inputs.checkpoint or whose} ({inputs.why_checkpoint})",
            f"data: {inputs.images or 'embedded sample'} ({inputs.why_data}){limited}",
            f"port: {self.spec.port}, {inputs.port} ({inputs.why_port}), sha256 {self.port_sha256}",
            *([f"onnx: {_names(inputs.onnx)} (handed in)"] if inputs.onnx else []),
            *([f"om: {_names(inputs.oms)} (handed in)"] if inputs.oms else []),
            f"target: {self.kind} (--target {inputs.ascend.target})",
            *taken,
            f"cache: {inputs.cache}",
        ]

    def warnings(self) -> list[str]:
        """What is known before anything is run to make gates fail for no fault of the port's."""
        return [f"warning: {words}; gates of the vendor's tools will fail, name another folder" for words in self.unfit]


def prepare(
    options: Mapping[str, str | None],
    environment: Mapping[str, str],
    *,
    sample: bool,
    here: Path,
    filesystem: Path = Path("/"),
    keep_reference: bool = False,
    port_expected: Mapping[str, bytes] | None = None,
    profile: bool = False,
) -> Setup:
    """Resolve inputs, read the port and the baseline; SuiteError in one line for every mistake.

    `port_expected` is what the process that reports has read, where this is one of its workers.
    """
    inputs = resolve(options, environment, sample=sample, here=here, filesystem=filesystem)
    kind = target_kind(inputs.ascend.target, environment, filesystem)
    on_device = kind is TargetKind.ASCEND
    require_named_inputs(inputs, on_device=on_device, sample=sample)
    ais_bench = will_use_ais_bench(inputs.ascend.infer_tool, environment, on_device=on_device)
    temporary = Path(tempfile.gettempdir())
    unfit = folders_tools_cannot_take(inputs, temporary, on_device=on_device, ais_bench=ais_bench)
    port = _read_port(inputs.port, port_expected, sample=sample)
    made = POLICY.name in port.files
    if made:
        inputs = replace(inputs, why_port=f"{inputs.why_port}, {TURNED}")
    else:
        _require_weights(inputs, port)
    _require_decoder(port, ais_bench=ais_bench)
    _require_one_maker(inputs, port)
    _require_quantised(inputs, port)
    baseline = None if inputs.baseline is None else _read_baseline(inputs.baseline)
    if keep_reference and inputs.reference is not None:
        fix = "drop one of them: whoever wants these predictions takes them from where they were made"
        raise InputError("--keep-reference and --reference exclude each other", fix=fix)
    taken = None if inputs.reference is None else read_taken(inputs.reference, sample=_is_sample(inputs, port))
    device = reference_device(inputs.reference_device) if taken is None else taken.record.device
    known = (tuple(unfit), baseline, taken, device, keep_reference, made, profile)
    return Setup(inputs, port, kind, environment, filesystem, *known)


def _is_sample(inputs: Inputs, port: Port) -> bool:
    return inputs.sample or port.spec.kind == "sample"


def _read_baseline(folder: Path) -> Acceptance:
    from tools.report.bundle import read_bundle

    return read_bundle(folder)


def _require_weights(inputs: Inputs, port: Port) -> None:
    """The embedded sample is AlexNet's; another network without a checkpoint has nothing to be judged."""
    asked = port.spec
    if inputs.checkpoint is None and asked.model.source != load_spec(SAMPLE_SPEC).model.source:
        fix = f"name it with --checkpoint, or put {asked.checkpoint.file} into this folder"
        fix += f" (python tools/fetch_checkpoint.py --port {asked.port})" if asked.checkpoint.url else ""
        fix += "; --sample tries the whole path without it"
        raise InputError(f"port {asked.port} has no checkpoint: {inputs.why_checkpoint}", fix=fix)


def _require_decoder(port: Port, *, ais_bench: bool) -> None:
    """Of the vendor's tools the one of CANN 5 alone can have the chip decode."""
    if port.spec.preprocessing.is_jpeg and ais_bench:
        raise InputError(
            f"port {port.spec.port} has the chip decode JPEG files (aipp: input: jpeg), which ais_bench cannot ask for",
            fix="--infer-tool benchmark, the tool of CANN 5, or aipp without `input: jpeg`",
        )


def _require_one_maker(inputs: Inputs, port: Port) -> None:
    """A file that is handed in is final: a step of the port's after the suite's export has no place then."""
    if inputs.onnx and port.spec.onnx.graph_step is not None:
        raise InputError(
            f"--onnx hands a file in, but the graph_step of port {port.spec.port} works on the suite's own export",
            fix="drop one of them",
        )


def _require_quantised(inputs: Inputs, port: Port) -> None:
    """The suite quantises nothing: what a port calls int8 is handed in, or the loose bounds would be a float file's."""
    spec = port.spec
    needed = {"onnx": inputs.onnx} if spec.is_int8("onnx") else {"om": inputs.oms} if spec.is_int8("om") else {}
    for option, files in needed.items():
        if not files:
            raise InputError(
                f"port {spec.port} says arithmetic: int8, and nothing quantised was handed in",
                fix=f"name it with --{option}",
            )


def _names(files: tuple[Path, ...]) -> str:
    return ", ".join(map(str, files))


def _read_port(path: Path, expected: Mapping[str, bytes] | None, *, sample: bool) -> Port:
    """The port, as its sample where that is asked for; SpecError when its files are others than the run began with."""

    def read() -> Port:
        return sample_port(load_port(path)) if sample else load_port(path)

    port = read()
    if read().files != port.files or expected not in (None, port.files):
        raise SpecError("the port was edited while the run began", where=path, fix="run it again")
    return port
