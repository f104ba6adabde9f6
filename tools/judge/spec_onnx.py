"""The ONNX file of a spec: its input and outputs, and how closely it must follow the checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.judge.numbers import AtMost, Entry, Exactly, Place, ProbeImages, TensorName, Text, check_unique

if TYPE_CHECKING:
    from typing import Literal


@dataclass(frozen=True)
class TensorSpec(Entry):
    """An input or output of the ONNX file, as the port states it; its shape follows from recipe and classes."""

    name: TensorName
    dtype: Literal["float32", "float16"] = "float32"


@dataclass(frozen=True)
class Tensor:
    """An input or output with its shape; -1 marks the dynamic batch axis."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name} {self.dtype} [{', '.join(map(str, self.shape))}]"


@dataclass(frozen=True)
class DeclaredWeights(Entry):
    """Which weights of a file that is handed in are not the checkpoint's, and why: it was quantised, or operated on.

    `weights_differ` are names, or patterns such as `features.*.weight`, of the checkpoint's tensors or of the file's.
    """

    weights_differ: tuple[Text, ...]
    reason: Text

    def __post_init__(self) -> None:
        if not self.weights_differ:
            raise ValueError("weights_differ is empty")
        check_unique(self.weights_differ, "weights_differ")
        if not any(map(str.isalnum, self.reason)):
            raise ValueError("reason says nothing")


@dataclass(frozen=True)
class Onnx(Entry):
    """What the exported file must be and how closely it must follow the checkpoint.

    `batch` is dynamic (one file, batch axis -1) or static (a file for each batch size). `outputs` names all outputs in
    their order where there are several, of which `output` is judged. `graph_step` is a function of the port's module
    between export and atc: `python:FILE-or-module:FUNCTION`, from the path of a file to that of another. `handed_in`
    says what a file that is handed in (--onnx) has of its own; `arithmetic` is int8 where it, and so each OM,
    was quantised.
    """

    opset: Exactly
    input: TensorSpec
    output: TensorSpec
    probe_images: ProbeImages
    logits_abs_error: AtMost
    batch_invariance_abs_error: AtMost
    batch: Literal["dynamic", "static"] = "dynamic"
    outputs: tuple[TensorName, ...] = ()
    graph_step: Place | None = None
    handed_in: DeclaredWeights | None = None
    arithmetic: Literal["float", "int8"] = "float"

    def __post_init__(self) -> None:
        if not 7 <= self.opset.exactly <= 25 or self.opset.exactly % 1:
            raise ValueError(f"opset is {self.opset.exactly}, it must be a whole number in 7..25")
        check_unique(self.outputs, "outputs")
        if self.outputs and self.output.name not in self.outputs:
            raise ValueError(f"output {self.output.name} is none of outputs {', '.join(self.outputs)}")

    @property
    def weights_differ(self) -> tuple[str, ...]:
        """The names and patterns of weights that a file that is handed in need not have of the checkpoint."""
        return () if self.handed_in is None else self.handed_in.weights_differ

    @property
    def all_outputs(self) -> tuple[str, ...]:
        """The names of all outputs, in the file's order."""
        return self.outputs or (self.output.name,)

    @property
    def judged_output(self) -> int:
        """The place of the judged output among all."""
        return self.all_outputs.index(self.output.name)
