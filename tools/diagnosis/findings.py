"""What a diagnosis has found: the nodes at fault, the images that suffer most, and what the OM adds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.diagnosis.node_errors import Channel, Compared, Errors, beyond_fp16

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]


WHOLE_GRAPH_RELATIVE_L2 = 1e-4
"""The graph as a whole, optimised by onnxruntime, may differ from its nodes run one by one only by fp32 rounding that
grew on the way: measured 1e-6 on AlexNet's logits."""


@dataclass(frozen=True)
class NodeDiagnosis:
    """One node that the pixels reach, and what it is in torch; `index` is its place among those.

    `module` is the torch module whose work the node ends, alone or with the nodes before it (`together` lists their
    names); it is the module that it is inside of where `own` and the other errors are None. `between` are all torch
    operations that lie on the way, more than one where some were folded into one.

    `own`: the nodes fed with torch's input against torch's output. `accumulated`: the graph up to here against torch up
    to here. `fp16_own`: the nodes in emulated fp16 against themselves in fp32, both fed with torch's input rounded to
    fp16. `fp16_accumulated`: the fp16 graph up to here against the fp32 graph up to here, the error to expect of an OM.
    `channel` is where a diverging node is worst.
    """

    index: int
    name: str
    operator: str
    module: str
    together: tuple[str, ...]
    between: tuple[str, ...]
    output_shape: tuple[int, ...]
    diverges: bool
    own: Compared | None
    accumulated: Compared | None
    fp16_own: Compared | None
    fp16_accumulated: Compared | None
    channel: Channel | None


@dataclass(frozen=True)
class OmDiagnosis:
    """An OM's logits against both references, and whether fp16 explains their distance to the ONNX's."""

    to_pth: Compared
    to_onnx: Compared
    fp16_expected: Compared

    @property
    def diverges(self) -> bool:
        """Whether the error exceeds FP16_MARGIN times the fp16 emulation's."""
        return beyond_fp16(self.to_onnx, self.fp16_expected)


@dataclass(frozen=True)
class ImageError:
    """One probe image's logits, candidate against pth."""

    id: str
    errors: Compared


@dataclass(frozen=True)
class Diagnosis:
    """All nodes in order; `first_diverging` and `ranked` (largest own error first) are their indices.

    `whole_graph` holds the graph as onnxruntime runs it (optimised) against its nodes run one by one. `worst` are the
    probe images whose logits lie farthest from pth's, for the OM where one was given, else for the ONNX.
    """

    ids: tuple[str, ...]
    nodes: tuple[NodeDiagnosis, ...]
    first_diverging: int | None
    ranked: tuple[int, ...]
    whole_graph: Compared
    om: OmDiagnosis | None
    worst: tuple[ImageError, ...]

    @property
    def whole_graph_diverges(self) -> bool:
        """Whether onnxruntime's optimised graph computes something else than its nodes."""
        return not isinstance(self.whole_graph, Errors) or self.whole_graph.relative_l2_error > WHOLE_GRAPH_RELATIVE_L2

    @property
    def diverges(self) -> bool:
        """Whether anything was found."""
        om = self.om is not None and self.om.diverges
        return self.first_diverging is not None or self.whole_graph_diverges or om
