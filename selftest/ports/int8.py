"""A small port quantised: by onnxruntime, whose nodes atc's parser does not know, and in operators that it knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from selftest.ports.tiny import TinyPort


def quantised(float_file: Path, port: TinyPort, target: Path) -> Path:
    """A static QDQ model of the port, calibrated on its own images."""
    from onnxruntime import quantization

    from tools.data.images import list_images
    from tools.data.preprocess import image_pixels, normalised

    recipe = port.spec.preprocessing
    images = [normalised(image_pixels(path.read_bytes(), recipe), recipe) for path in list_images(port.images).values()]

    class Images(quantization.CalibrationDataReader):  # type: ignore[misc]
        """All images in one batch."""

        def __init__(self) -> None:
            self.left = iter([{"image": np.stack(images)}])

        def get_next(self) -> Any:  # noqa: ANN401 - None at the end, which the base class does not say
            """The next batch."""
            return next(self.left, None)

    quantization.quantize_static(
        str(float_file),
        str(target),
        Images(),
        quant_format=quantization.QuantFormat.QDQ,
        activation_type=quantization.QuantType.QInt8,
        weight_type=quantization.QuantType.QInt8,
    )
    return target


def in_plain_operators(qdq: Path, target: Path) -> Path:
    """The same arithmetic in operators that atc's parser knows: a scaled value is rounded, clipped and scaled back."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(str(qdq))
    graph = model.graph
    known = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    nodes = []

    def constant(name: str, value: float) -> str:
        graph.initializer.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    for node in graph.node:
        made = node.output[0]
        if node.op_type == "QuantizeLinear":
            scale, zero = (known[name].item() for name in node.input[1:])
            names = [constant(f"{made}_{end}", limit - zero) for end, limit in (("low", -128), ("high", 127))]
            nodes += [
                helper.make_node("Div", [node.input[0], constant(f"{made}_step", scale)], [f"{made}_steps"]),
                helper.make_node("Round", [f"{made}_steps"], [f"{made}_nearest"]),
                helper.make_node("Clip", [f"{made}_nearest", *names], [made]),
            ]
        elif node.op_type == "DequantizeLinear" and node.input[0] in known:
            weight, scale, zero = (known[name].astype(np.float32) for name in node.input)
            graph.initializer.append(numpy_helper.from_array((weight - zero) * scale, made))
        elif node.op_type == "DequantizeLinear":
            scale = known[node.input[1]].item()
            nodes.append(helper.make_node("Mul", [node.input[0], constant(f"{made}_step", scale)], [made]))
        else:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    read = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.initializer[:], graph.value_info[:]
    graph.initializer.extend(kept)
    onnx.save(model, str(target))
    return target


def with_other_scale(path: Path, name: str, times: float) -> None:
    """One scale of a quantised file times a factor."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(str(path))
    tensor = next(one for one in model.graph.initializer if one.name == name)
    scale = numpy_helper.to_array(tensor) * np.float32(times)
    tensor.CopyFrom(numpy_helper.from_array(np.asarray(scale, np.float32), name))
    onnx.save(model, str(path))
