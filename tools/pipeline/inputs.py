"""Where a run finds port, checkpoint, images and labels: option, environment, the guide's places, else the sample."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.base.files import MADE_BELOW
from tools.base.variables import require_known
from tools.judge.basis import DeviceKind
from tools.pipeline.option_values import (
    InputError,
    bundle_folder,
    count_of,
    device_numbers,
    existing,
    files_of_list,
    given_value,
    one_of,
    option_name,
)
from tools.pipeline.options import VARIABLES
from tools.ports.spec import PUBLISHED_SPEC, SAMPLE_SPEC, load_spec, port_path

BUILD = MADE_BELOW / "build"
GUIDE_IMAGENET = Path("opt/npu/imagenet")
Given = Mapping[str, str | None]
"""Each option's value by its name, None where nothing was said."""


@dataclass(frozen=True)
class Ascend:
    """What was asked of the NPU's side: words that tools/ascend/target.py understands, and the devices to use."""

    target: str
    infer_tool: str
    devices: tuple[int, ...]
    soc: str | None
    ais_bench_python: Path | None
    tolerate_busy: bool


@dataclass(frozen=True)
class Inputs:
    """What a run works on; None stands for the embedded sample. The `why_…` texts go into the header.

    `onnx` and `oms` are files that are judged in place of the suite's own, empty where it makes them. `evidence` is
    None for a folder of the run's own, `keep` is how many runs' folders stay there, None for all.
    """

    checkpoint: Path | None
    why_checkpoint: str
    images: Path | None
    labels: Path | None
    why_data: str
    port: Path
    why_port: str
    cache: Path
    evidence: Path | None
    baseline: Path | None
    limit: int | None
    ascend: Ascend
    keep: int | None = None
    reference: Path | None = None
    reference_device: DeviceKind = DeviceKind.CPU
    onnx: tuple[Path, ...] = ()
    oms: tuple[Path, ...] = ()

    @property
    def sample_data(self) -> bool:
        """True when the images and labels are the embedded sample's."""
        return self.images is None

    @property
    def sample(self) -> bool:
        """True when any part of the run is the embedded sample's."""
        return self.checkpoint is None or self.sample_data


def resolve(
    options: Given, environment: Mapping[str, str], *, sample: bool, here: Path, filesystem: Path = Path("/")
) -> Inputs:
    """Decide every input; an option wins over its environment variable, that over the guide's place.

    `sample` forces the embedded sample, `here` is where the guide keeps the checkpoint, `filesystem` the root under
    which its other places are looked for. Where no port is named it follows the checkpoint: the sample's weights are
    never judged by the published AlexNet's numbers. InputError when a named thing does not exist or options contradict
    each other, SuiteError for a variable that the suite does not read.
    """
    require_known(environment)
    given = {name: given_value(name, options, environment) for name in VARIABLES}
    if sample:
        _require_nothing_named(given)
    named = existing(str(port_path(given["port"])), "port") if given["port"] else None
    checkpoint, why_checkpoint = _checkpoint(given, here, named or PUBLISHED_SPEC, sample=sample)
    images, labels, why_data = _data(given, filesystem, sample=sample)
    port, why_port = (named, "as asked") if named else _port_of(checkpoint)
    evidence = Path(os.path.realpath(given["evidence"])) if given["evidence"] else None  # a link stays one
    return Inputs(
        checkpoint=checkpoint,
        why_checkpoint=why_checkpoint,
        images=images,
        labels=labels,
        why_data=why_data,
        port=port,
        why_port=why_port,
        cache=Path(given["cache"] or BUILD / "cache").absolute(),
        evidence=evidence,
        baseline=bundle_folder(given["baseline"], "baseline") if given["baseline"] else None,
        limit=count_of(given, "limit"),
        ascend=_ascend(given),
        keep=count_of(given, "keep"),
        reference=_reference(given, evidence),
        reference_device=DeviceKind(one_of(given, "reference_device", tuple(map(str, DeviceKind)))),
        onnx=files_of_list(given["onnx"], "onnx"),
        oms=files_of_list(given["om"], "om"),
    )


def require_named_inputs(inputs: Inputs, *, on_device: bool, sample: bool) -> None:
    """On a machine that must have them, a missing checkpoint or data set is an error, never the embedded sample.

    InputError, unless the sample was asked for in so many words.
    """
    if on_device and not sample:
        missing = [inputs.why_checkpoint] if inputs.checkpoint is None else []
        missing += [inputs.why_data] if inputs.images is None else []
        if missing:
            raise InputError(
                f"on Ascend the real inputs are needed: {'; '.join(missing)}",
                fix="name them, or ask for the embedded sample with --sample (the verdict is then SAMPLE)",
            )


def _require_nothing_named(given: Given) -> None:
    own = [option_name(name) for name in ("checkpoint", "imagenet", "images", "labels") if given[name]]
    if own:
        raise InputError(f"--sample and {', '.join(own)} exclude each other", fix="drop one of them")


def _port_of(checkpoint: Path | None) -> tuple[Path, str]:
    """The port of a checkpoint for which none was named, and why it is this one."""
    return (SAMPLE_SPEC, "the embedded sample's") if checkpoint is None else (PUBLISHED_SPEC, "the default")


def _checkpoint(given: Given, here: Path, port: Path, *, sample: bool) -> tuple[Path | None, str]:
    if sample:
        return None, "--sample"
    if given["checkpoint"]:
        return existing(given["checkpoint"], "checkpoint"), "as asked"
    file = load_spec(port).checkpoint.file
    if (here / file).is_file():
        return here / file, "the guide's place"
    return None, f"no --checkpoint, no {VARIABLES['checkpoint']}, no ./{file}"


def _data(given: Given, filesystem: Path, *, sample: bool) -> tuple[Path | None, Path | None, str]:
    if sample:
        return None, None, "--sample"
    if given["imagenet"] and (given["images"] or given["labels"]):
        raise InputError(
            f"{option_name('imagenet')} names images and labels already",
            fix=f"drop it, or {option_name('images')} and {option_name('labels')}",
        )
    if bool(given["images"]) != bool(given["labels"]):
        raise InputError(
            f"{option_name('images')} and {option_name('labels')} go together", fix="name both, or --imagenet DIR"
        )
    if given["images"] and given["labels"]:
        return existing(given["images"], "images"), existing(given["labels"], "labels"), "as asked"
    if given["imagenet"]:
        images, labels = f"{given['imagenet']}/val", f"{given['imagenet']}/val_label.txt"
        return existing(images, "imagenet"), existing(labels, "imagenet"), "as asked"
    folder = filesystem / GUIDE_IMAGENET
    if (folder / "val").is_dir() and (folder / "val_label.txt").is_file():
        return folder / "val", folder / "val_label.txt", "the guide's place"
    return None, None, f"no --imagenet, no --images, nothing at {folder}"


def _reference(given: Given, evidence: Path | None) -> Path | None:
    """The bundle whose predictions are taken; the place of this run's own evidence is emptied, so it is none."""
    if not given["reference"]:
        return None
    if given["reference_device"]:
        raise InputError(
            f"{option_name('reference')} and {option_name('reference_device')} exclude each other",
            fix="drop one of them: predictions are taken or made",
        )
    found = bundle_folder(given["reference"], "reference")
    if found == evidence:
        raise InputError(
            f"{option_name('reference')} is the folder in which this run's evidence is written",
            where=found,
            fix="name another folder with --evidence",
        )
    return found


def _ascend(given: Given) -> Ascend:
    python = given["ais_bench_python"]
    return Ascend(
        target=one_of(given, "target", ("auto", "ascend", "simulator")),
        infer_tool=one_of(given, "infer_tool", ("auto", "benchmark", "ais_bench")),
        devices=device_numbers(given["device"] or "0", option_name("device")),
        soc=given["soc"],
        ais_bench_python=existing(python, "ais_bench_python") if python else None,
        tolerate_busy=one_of(given, "busy_device", ("refuse", "inconclusive")) == "inconclusive",
    )
