"""The suite's own errors: one clear message that says what, where, measured against allowed, and how to mend it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

from tools.base.printable import bounded, one_line
from tools.base.text_enum import TextEnum


class Stage(TextEnum):
    """The stages of a port in the order in which data walks through them; each is a marker, a module and an error."""

    CHECKPOINT = "checkpoint"
    ONNX = "onnx"
    PREPROCESSING = "preprocessing"
    OM = "om"
    ACCURACY = "accuracy"
    PERF = "perf"


@dataclass(frozen=True)
class ErrorRecord:
    """An error as plain data, so that another worker of the same run can raise it again in the same words."""

    type: str
    what: str
    where: str | None
    measured: str | None
    allowed: str | None
    fix: str | None
    gate: str | None


class SuiteError(Exception):
    """Anything the suite refuses; commands print it as one line on stderr and exit with status 2.

    `what` is the finding, `where` the file (and line) it was found in, `measured` and `allowed` the two sides of the
    comparison, `fix` the next thing to do, `gate` the id of the gate that this turns red (stage errors only).
    """

    def __init__(
        self,
        what: str,
        *,
        where: object = None,
        measured: object = None,
        allowed: object = None,
        fix: str | None = None,
        gate: str | None = None,
    ) -> None:
        self.what, self.fix, self.gate = what, fix, gate
        self.where, self.measured, self.allowed = map(_text, (where, measured, allowed))
        super().__init__(what)

    def __str__(self) -> str:
        """One printable line of bounded length: parts of it are often text of other programs."""
        what, where, measured, allowed, fix = (
            None if part is None else bounded(one_line(part))
            for part in (self.what, self.where, self.measured, self.allowed, self.fix)
        )
        text = f"{where}: {what}" if where is not None else str(what)
        if measured is not None:
            text += f"; found {measured}"
        if allowed is not None:
            text += f"; allowed {allowed}"
        return f"{text}. {fix[:1].upper()}{fix[1:]}" if fix else text

    def moved(self, places: Mapping[Path, Path]) -> None:
        """Name files and folders where they lie now: `places` maps folders, the inner ones win."""
        for old, new in sorted(places.items(), key=lambda place: len(str(place[0])), reverse=True):
            name = re.compile(rf"(?<![\w.-]){re.escape(str(old))}(?![\w.-])")
            there = str(new).replace("\\", r"\\")
            self.where = None if self.where is None else name.sub(there, self.where)
            self.fix = None if self.fix is None else name.sub(there, self.fix)

    def record(self) -> ErrorRecord:
        """The error as plain data."""
        return ErrorRecord(
            type=type(self).__name__,
            what=self.what,
            where=self.where,
            measured=self.measured,
            allowed=self.allowed,
            fix=self.fix,
            gate=_text(self.gate),
        )

    @staticmethod
    def from_record(record: ErrorRecord) -> SuiteError:
        """The error again, of its own class where that is one of this module's."""
        classes: tuple[type[SuiteError], ...] = (SpecError, *StageError.__subclasses__())
        known = {cls.__name__: cls for cls in classes}
        fields = asdict(record)
        return known.get(fields.pop("type"), SuiteError)(**fields)


class SpecError(SuiteError):
    """thresholds.yaml (or another spec) is not what the schema asks for."""


class StageError(SuiteError):
    """A stage cannot deliver what the next one needs; always raised with `gate`."""

    stage: ClassVar[Stage]

    def __init__(
        self,
        what: str,
        *,
        gate: str | None,
        where: object = None,
        measured: object = None,
        allowed: object = None,
        fix: str | None = None,
    ) -> None:
        if gate is None:
            raise TypeError("a StageError names the gate that it turns red")
        super().__init__(what, where=where, measured=measured, allowed=allowed, fix=fix, gate=gate)


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


def reason(error: BaseException) -> str:
    """What an error says, without the number and the name of the file that Python puts around the system's words: the
    file is told as `where`."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
