"""What the command lines of the vendor's tools ask for, read from their words alone."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from tools.base.errors import SuiteError
from tools.judge.aipp import file_name
from tools.judge.atc_flags import by_name
from tools.judge.soc import normalise_soc
from tools.judge.spec import AIPP_FLAG, Spec

INPUT_SHAPE = "--input_shape"
MSPROF, APPLICATION = "msprof", "--application"
"""The vendor's profiler, and its flag for the command line that it runs, in one word with blanks."""


@dataclass(frozen=True)
class Inference:
    """What an inference tool was asked to run: the OM's file name without .om, the device, and the batch size.

    `batch` is None where the tool takes it from the OM (pure inference by ais_bench). Words as they were given, empty
    where the command line does not say. `decodes` is whether the chip was to decode JPEG files.
    """

    om: str
    device: str
    batch: str | None
    decodes: bool = False


def read_inference(argv: Sequence[str]) -> Inference:
    """The words of benchmark (`-om_path=x`) or of ais_bench (`--model x`), by itself or under the profiler."""
    if argv and PurePosixPath(argv[0]).name == MSPROF:
        argv = by_name(argv[1:]).get(APPLICATION, "").split(" ")
    if tuple(argv[1:3]) == ("-m", "ais_bench"):
        said = dict(zip(argv[3::2], argv[4::2]))
        return Inference(om_name(said.get("--model", "")), said.get("--device", ""), said.get("--batchsize"))
    said = by_name(argv[1:])
    om, device, batch = (said.get(name, "") for name in ("-om_path", "-device_id", "-batch_size"))
    return Inference(om_name(om), device, batch, said.get("-useDvpp") == "true")


def om_name(path: str) -> str:
    """An OM's file name without its suffix."""
    file = PurePosixPath(path)
    return file.stem if file.suffix == ".om" else file.name


def atc_asked(
    spec: Spec, batch: int, *, onnx: str | None, om: str, soc: str | None, aipp: str | None = None
) -> dict[str, str]:
    """What atc must have been asked for, by flag, paths as file names; `onnx`, `soc` and the text of the AIPP file are
    None where not known."""
    asked = spec.input(batch)
    own = {
        "--framework": "5",
        "--input_format": "NCHW",
        INPUT_SHAPE: f"{asked.name}:{','.join(map(str, asked.shape))}",
        "--output": om_name(om),
    }
    if onnx is not None:
        own["--model"] = PurePosixPath(onnx).name
    if soc is not None:
        own["--soc_version"] = soc
    if aipp is not None:
        own[AIPP_FLAG] = file_name(aipp)
    return {**own, **_by_file_names(spec.om.atc_extra_args)}


def atc_said(argv: Sequence[str]) -> dict[str, str]:
    """What atc was asked for, by flag, with paths as file names: folders differ from machine to machine."""
    said = _by_file_names(argv[1:])
    if "--soc_version" in said:
        with contextlib.suppress(SuiteError):  # no chip's name stays as it is, and is told as another than asked for
            said["--soc_version"] = normalise_soc(said["--soc_version"])
    return said


def _by_file_names(words: Sequence[str]) -> dict[str, str]:
    """Flags without the folders of their files; a slash in the name of a network's input is no folder."""
    said = by_name(words).items()
    return {name: value if name == INPUT_SHAPE else PurePosixPath(value).name for name, value in said}
