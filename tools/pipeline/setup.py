"""What a run works on: inputs and port, decided once at the start."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.ascend.target import TargetKind, target_kind
from tools.base.errors import SpecError
from tools.judge.acceptance import Acceptance
from tools.judge.documents import spec_digest
from tools.judge.gates import Asked
from tools.judge.shipped import SHIPPED_SPECS, spec_words
from tools.judge.spec import Spec
from tools.model.code import code_digests
from tools.model.network import Network
from tools.pipeline.inputs import (
    InputError,
    Inputs,
    folders_tools_cannot_take,
    require_named_inputs,
    resolve,
    will_use_ais_bench,
)
from tools.ports.spec import SAMPLE_SPEC, Port, load_port, load_spec
from tools.ports.spec_json import spec_json


@dataclass(frozen=True)
class Setup:
    """The inputs of a run, the port that is judged, and whether OMs run on a device or on the simulator.

    The port holds the bytes that it was read from: its files may be edited while the run goes on.
    `environment` and `filesystem` are where traces of Ascend are looked for; `unfit` are warnings about folders.
    `baseline` is the record of the earlier run to be compared with, None where none was named; `profile` asks in which
    operators the chip spends its time.
    """

    inputs: Inputs
    port: Port
    kind: TargetKind
    environment: Mapping[str, str]
    filesystem: Path
    unfit: tuple[str, ...]
    baseline: Acceptance | None
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
        return self.inputs.sample or self.spec.kind == "sample"

    @property
    def asked(self) -> Asked:
        """What decides which gates exist."""
        return Asked(self.spec, on_device=self.on_device, profile=self.profile)

    def own_port(self) -> list[str]:
        """A line for a port that is none of the suite's own as they were shipped."""
        digest = spec_digest(spec_json(self.spec))
        words = spec_words(f"{self.inputs.port} ({self.inputs.why_port})", digest)
        return [] if digest in SHIPPED_SPECS else [f"judged by: {words}"]

    def lines(self) -> list[str]:
        """The run's inputs in words, which were chosen and why."""
        inputs = self.inputs
        limited = f", first {inputs.limit} images" if inputs.limit else ""
        return [
            f"checkpoint: {inputs.checkpoint or 'embedded sample'} ({inputs.why_checkpoint})",
            f"data: {inputs.images or 'embedded sample'} ({inputs.why_data}){limited}",
            f"port: {self.spec.port}, {inputs.port} ({inputs.why_port})",
            f"target: {self.kind} (--target {inputs.ascend.target})",
            f"cache: {inputs.cache}",
        ]


def prepare(
    options: Mapping[str, str | None],
    environment: Mapping[str, str],
    *,
    sample: bool,
    here: Path,
    filesystem: Path = Path("/"),
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
    port = _read_port(inputs.port, port_expected)
    _require_weights(inputs, port)
    baseline = None if inputs.baseline is None else _read_baseline(inputs.baseline)
    return Setup(inputs, port, kind, environment, filesystem, tuple(unfit), baseline, profile)


def _read_baseline(folder: Path) -> Acceptance:
    from tools.report.bundle import read_bundle

    return read_bundle(folder)


def _require_weights(inputs: Inputs, port: Port) -> None:
    """The embedded sample is AlexNet's; another network without a checkpoint has nothing to be judged."""
    asked = port.spec
    if inputs.checkpoint is None and asked.model.source != load_spec(SAMPLE_SPEC).model.source:
        fix = f"name it with --checkpoint, or put {asked.checkpoint.file} into this folder"
        fix += f" (python tools/fetch_checkpoint.py --port {asked.port})" if asked.checkpoint.url else ""
        raise InputError(f"port {asked.port} has no checkpoint: {inputs.why_checkpoint}", fix=fix)


def _read_port(path: Path, expected: Mapping[str, bytes] | None) -> Port:
    """The port; SpecError when its files are not those that the run began with."""
    port = load_port(path)
    if load_port(path).files != port.files or expected not in (None, port.files):
        raise SpecError("the port was edited while the run began", where=path, fix="run it again")
    return port
