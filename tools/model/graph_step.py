"""A port's own step between export and atc, such as onnxsim or graph surgery: from one ONNX file to another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tools.base.errors import OnnxError, SuiteError
from tools.judge.ids import ONNX_GRAPH_STEP_ABS_ERROR
from tools.model.code import code_digests, load_function


@dataclass(frozen=True)
class GraphStep:
    """The function `python:FILE-or-module:FUNCTION`, called with the paths of the file to read and of that to write."""

    function: str
    folder: Path

    @property
    def about(self) -> dict[str, str]:
        """What its result depends on besides the file: the code that it is."""
        return {"step": self.function, **code_digests(self.function, self.folder)}

    def run(self, source: Path, target: Path) -> None:
        """Write `target`, in a private folder; OnnxError with the function's own error, or when it wrote nothing."""
        function = load_function(self.function, self.folder)
        try:
            function(source, target)
        except SuiteError:
            raise
        except Exception as error:
            raise self._failed(f"{type(error).__name__}: {' '.join(str(error).split())}") from error
        if not target.is_file() or target.stat().st_size == 0:
            raise self._failed("it wrote no file")

    def _failed(self, reason: str) -> OnnxError:
        return OnnxError(f"the port's graph step failed: {reason}", gate=ONNX_GRAPH_STEP_ABS_ERROR, where=self.function)
