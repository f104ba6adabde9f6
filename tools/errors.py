"""The suite's own errors: one clear message that says what, where, measured against allowed, and how to mend it."""

from __future__ import annotations

import enum
from typing import ClassVar


class Stage(enum.StrEnum):
    """The stages of a port in the order in which data walks through them; each is a marker, a module and an error."""

    CHECKPOINT = "checkpoint"
    ONNX = "onnx"
    PREPROCESSING = "preprocessing"
    OM = "om"
    ACCURACY = "accuracy"
    PERF = "perf"


class SuiteError(Exception):
    """Anything the suite refuses; commands print it as one line on stderr and exit with status 2.

    `what` is the finding, `where` the file (and line) it was found in, `measured` and `allowed` the two sides of the
    comparison, `fix` the next thing to do.
    """

    def __init__(
        self,
        what: str,
        *,
        where: object = None,
        measured: object = None,
        allowed: object = None,
        fix: str | None = None,
    ) -> None:
        self.what, self.where, self.measured, self.allowed, self.fix = what, where, measured, allowed, fix
        super().__init__(what)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where is not None else self.what
        if self.measured is not None or self.allowed is not None:
            text += f"; found {self.measured}, allowed {self.allowed}"
        return f"{text}. {self.fix}" if self.fix else text


class SpecError(SuiteError):
    """thresholds.yaml (or another spec) is not what the schema asks for."""


class StageError(SuiteError):
    """A stage cannot deliver what the next one needs; `gate` is the id of the gate that this turns red."""

    stage: ClassVar[Stage]

    def __init__(
        self,
        what: str,
        *,
        gate: str,
        where: object = None,
        measured: object = None,
        allowed: object = None,
        fix: str | None = None,
    ) -> None:
        super().__init__(what, where=where, measured=measured, allowed=allowed, fix=fix)
        self.gate = gate


class CheckpointError(StageError):
    """The checkpoint is missing, not the published one, or not a plain state_dict."""

    stage = Stage.CHECKPOINT


class OnnxError(StageError):
    """The ONNX file could not be exported or is not a valid model."""

    stage = Stage.ONNX


class PreprocessingError(StageError):
    """Images, labels or bins are missing, unreadable or do not belong together."""

    stage = Stage.PREPROCESSING


class OmError(StageError):
    """An offline model could not be compiled or does not match what was asked for."""

    stage = Stage.OM


class AccuracyError(StageError):
    """Predictions could not be made, or their ids are not those of the labels."""

    stage = Stage.ACCURACY


class PerfError(StageError):
    """A throughput could not be measured, or a reading contradicts itself."""

    stage = Stage.PERF
