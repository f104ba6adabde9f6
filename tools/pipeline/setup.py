"""What a run works on: inputs and spec, decided once at the start."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.ascend.target import TargetKind, target_kind
from tools.base.errors import SpecError
from tools.judge.acceptance import Acceptance
from tools.judge.bundle import spec_digest
from tools.judge.gates import Asked
from tools.judge.shipped import SHIPPED_SPECS, spec_words
from tools.judge.spec import Spec
from tools.pipeline.inputs import Inputs, folders_tools_cannot_take, require_named_inputs, resolve
from tools.ports.spec import SAMPLE_SPEC, load_spec
from tools.ports.spec_json import spec_json


@dataclass(frozen=True)
class Setup:
    """The inputs of a run, the spec it is judged by, and whether OMs run on a device or on the simulator.

    `spec_written` are the bytes that the spec was read from: the file may be edited while the run goes on.
    `environment` and `filesystem` are where traces of Ascend are looked for; `unfit` are warnings about folders.
    `baseline` is the record of the earlier run to be compared with, None where none was named.
    """

    inputs: Inputs
    spec: Spec
    spec_written: bytes
    kind: TargetKind
    environment: Mapping[str, str]
    filesystem: Path
    unfit: tuple[str, ...]
    baseline: Acceptance | None

    @property
    def on_device(self) -> bool:
        """True where OMs run on a device, and everything that an acceptance needs must be there."""
        return self.kind is TargetKind.ASCEND

    @property
    def sample(self) -> bool:
        """True when any part of the run is the embedded sample's, whoever wrote the spec that asks for it."""
        of_sample = self.spec.checkpoint.md5 == load_spec(SAMPLE_SPEC).checkpoint.md5
        return self.inputs.sample or self.spec.kind == "sample" or of_sample

    @property
    def asked(self) -> Asked:
        """What decides which gates exist."""
        return Asked(self.spec, on_device=self.on_device)

    def own_spec(self) -> list[str]:
        """A line for a spec that is none of the suite's own as they were shipped."""
        digest = spec_digest(spec_json(self.spec))
        words = spec_words(f"{self.inputs.spec} ({self.inputs.why_spec})", digest)
        return [] if digest in SHIPPED_SPECS else [f"judged by: {words}"]

    def lines(self) -> list[str]:
        """The run's inputs in words, which were chosen and why."""
        inputs = self.inputs
        limited = f", first {inputs.limit} images" if inputs.limit else ""
        return [
            f"checkpoint: {inputs.checkpoint or 'embedded sample'} ({inputs.why_checkpoint})",
            f"data: {inputs.images or 'embedded sample'} ({inputs.why_data}){limited}",
            f"spec: {inputs.spec} ({inputs.why_spec})",
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
    spec_expected: bytes | None = None,
) -> Setup:
    """Resolve inputs, read the spec and the baseline; SuiteError in one line for every mistake.

    `spec_expected` is what the process that reports has read, where this is one of its workers.
    """
    inputs = resolve(options, environment, sample=sample, here=here, filesystem=filesystem)
    kind = target_kind(inputs.ascend.target, environment, filesystem)
    on_device = kind is TargetKind.ASCEND
    require_named_inputs(inputs, on_device=on_device, sample=sample)
    unfit = folders_tools_cannot_take(inputs, Path(tempfile.gettempdir()), on_device=on_device)
    spec, written = _read_spec(inputs.spec, spec_expected)
    baseline = None if inputs.baseline is None else _read_baseline(inputs.baseline)
    return Setup(inputs, spec, written, kind, environment, filesystem, tuple(unfit), baseline)


def _read_baseline(folder: Path) -> Acceptance:
    from tools.report.bundle import read_bundle

    return read_bundle(folder)


def _read_spec(path: Path, expected: bytes | None) -> tuple[Spec, bytes]:
    """The spec and the bytes it was read from; SpecError when they are not those that the run began with."""
    spec, written = load_spec(path), path.read_bytes()
    if load_spec(path) != spec or expected not in (None, written):
        raise SpecError("the spec was edited while the run began", where=path, fix="run it again")
    return spec, written
