"""AIPP as nodes before a compiled graph: from uint8 pixels, NHWC, to what the network takes, with fp16 arithmetic.

Parameters and each result are rounded to fp16; between them float32 holds sums and products of fp16 numbers exactly.
YUV420SP comes as a row and a half of bytes for each row: those of brightness, then pairs of colours for two rows and
columns each. How a device rounds RGB to bytes, and that it repeats colours, is not public: here it is to the nearest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.ascend.simulator.atc_error import AtcError
from tools.ascend.simulator.offline_model import TensorSpec

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import onnx

    from tools.ascend.simulator.aipp_config import Aipp

CHANNELS = 3


def fitted(aipp: Aipp, inputs: tuple[TensorSpec, ...]) -> Aipp:
    """AIPP with the sizes of a model's input; AtcError where the two do not fit."""
    spec = inputs[0]
    if spec.dtype == "float16":
        raise AtcError("E10034", f"Nodes (for example, {spec.name}) connected to AIPP must not be of type fp16.")
    if len(inputs) != 1 or len(spec.shape) != 4 or spec.shape[1] != CHANNELS or spec.dtype != "float32":
        raise AtcError(
            "E10052", f"The AIPP configuration is invalid. Reason: [{spec.name}] is no picture of 3 channels."
        )
    return aipp.fitted(*spec.shape[2:])


def insert(model: onnx.ModelProto, spec: TensorSpec, aipp: Aipp) -> TensorSpec:
    """Put AIPP before the graph's input, in place; the input as it is from now on."""
    from onnx import TensorProto

    made = f"{spec.name}/aipp"
    for node in model.graph.node:
        node.input[:] = [made if name == spec.name else name for name in node.input]
    steps = _Steps(spec.name)
    if aipp.matrix:
        steps.yuv(aipp, spec.shape[0])
        steps.colours(aipp)
    else:
        steps.pixels(aipp)
        steps.planes()
    steps.normalise(aipp)
    steps.pad(aipp, spec.shape[0])
    steps.add("Identity", [], made)
    own = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*steps.nodes, *own])
    model.graph.initializer.extend(steps.constants)
    (height, width), batch = aipp.source, spec.shape[0]
    shape = (batch, height * 3 // 2, width, 1) if aipp.matrix else (batch, height, width, CHANNELS)
    tensor = next(value for value in model.graph.input if value.name == spec.name).type.tensor_type
    tensor.elem_type = TensorProto.UINT8
    for dimension, size in zip(tensor.shape.dim, shape, strict=True):
        dimension.dim_value = size
    return TensorSpec(spec.name, "uint8", shape)


class _Steps:
    """Nodes in a row, each on what the one before made."""

    def __init__(self, name: str) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._input, self._last = name, name

    def add(self, operator: str, others: list[str], output: str = "", **attributes: int | list[int]) -> None:
        """A node on the last one's output and other tensors."""
        output = output or f"{self._input}/aipp{len(self.nodes)}"
        self.nodes.append(_node(operator, [self._last, *others], output, attributes))
        self._last = output

    def constant(self, values: npt.ArrayLike, dtype: type[np.generic]) -> str:
        """The name of a new constant."""
        import numpy as np
        from onnx import numpy_helper

        name = f"{self._input}/aipp_constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def pixels(self, aipp: Aipp) -> None:
        """Swap channels and cut, still as bytes, NHWC."""
        import numpy as np

        if aipp.swap:
            self.add("Gather", [self.constant([2, 1, 0], np.int64)], axis=3)
        for axis in range(2 if aipp.crop else 0):
            kept = range(aipp.start[axis], aipp.start[axis] + aipp.size[axis])
            self.add("Gather", [self.constant(list(kept), np.int64)], axis=axis + 1)

    def planes(self) -> None:
        """Bytes, NHWC, to float32, NCHW."""
        from onnx import TensorProto

        self.add("Cast", [], to=TensorProto.FLOAT)
        self.add("Transpose", [], perm=[0, 3, 1, 2])

    def yuv(self, aipp: Aipp, batch: int) -> None:
        """Cut, and give every pixel its colours: YUV as float32, NCHW."""
        import numpy as np

        height, width = aipp.source
        rows, columns = (np.arange(start, start + size) for start, size in zip(aipp.start, aipp.size, strict=True))
        self.planes()
        whole = self._last
        self._gather(rows, axis=2)
        self._gather(columns, axis=3)
        brightness, self._last = self._last, whole
        self._gather(np.arange(height, height * 3 // 2), axis=2)
        pairs = self.constant([batch, height // 2, width // 2, 2], np.int64)
        self.add("Reshape", [pairs])
        self.add("Transpose", [], perm=[0, 3, 1, 2])
        self._gather(rows // 2, axis=2)
        self._gather(columns // 2, axis=3)
        colours, self._last = self._last, brightness
        self.add("Concat", [colours], axis=1)

    def colours(self, aipp: Aipp) -> None:
        """matrix x (YUV - bias) / 256, to the nearest byte."""
        import numpy as np

        self.add("Sub", [self.constant(np.reshape(aipp.bias, (1, CHANNELS, 1, 1)), np.float32)])
        self.add("Conv", [self.constant(np.reshape(aipp.matrix, (CHANNELS, CHANNELS, 1, 1)), np.float32)])
        self.add("Mul", [self.constant(1 / 256, np.float32)])
        self.add("Add", [self.constant(0.5, np.float32)])
        self.add("Floor", [])
        self.add("Max", [self.constant(0, np.float32)])
        self.add("Min", [self.constant(255, np.float32)])

    def _gather(self, places: npt.NDArray[np.int64], *, axis: int) -> None:
        import numpy as np

        self.add("Gather", [self.constant(places, np.int64)], axis=axis)

    def normalise(self, aipp: Aipp) -> None:
        """(pixel - mean - min) x factor of each channel, NCHW."""
        import numpy as np
        from onnx import TensorProto

        for operator, values in (("Sub", aipp.mean), ("Sub", aipp.least), ("Mul", aipp.factor)):
            half = np.asarray(values, np.float16).reshape(1, CHANNELS, 1, 1)
            self.add(operator, [self.constant(half, np.float32)])
            self.add("Cast", [], to=TensorProto.FLOAT16)
            self.add("Cast", [], to=TensorProto.FLOAT)

    def pad(self, aipp: Aipp, batch: int) -> None:
        """Rows and columns of one value around the picture."""
        import numpy as np

        top, bottom, left, right = aipp.padding
        height, width = aipp.size
        value = np.float32(np.float16(aipp.padding_value))
        for axis, before, after in ((2, top, bottom), (3, left, right)):
            if before or after:
                shape = [batch, CHANNELS, height, width]
                sides = [np.full([*shape[:axis], n, *shape[axis + 1 :]], value) for n in (before, after)]
                names = [self.constant(side, np.float32) for side in sides]
                middle, self._last = self._last, names[0]
                self.add("Concat", [middle, names[1]], axis=axis)
                height += before + after if axis == 2 else 0


def _node(operator: str, inputs: list[str], output: str, attributes: dict[str, int | list[int]]) -> onnx.NodeProto:
    from onnx import helper

    node = helper.make_node(operator, inputs, [output])
    node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
    return node
