"""A network small enough to compile in seconds: convolution, ReLU, flatten and a dense layer on 3 x 8 x 8 images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
INPUT, OUTPUT, CLASSES = "actual_input_1", "class", 10
IMAGE = (3, 8, 8)
WEIGHTED_NODES = ("conv", "fc")
IMAGE_BYTES = 4 * 3 * 8 * 8


def weights() -> dict[str, Array]:
    """The four weight tensors, the same at every call."""
    random = np.random.default_rng(20)
    shapes = {"conv.weight": (4, 3, 3, 3), "conv.bias": (4,), "fc.weight": (CLASSES, 256), "fc.bias": (CLASSES,)}
    return {name: random.uniform(-0.3, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}


def images(count: int) -> Array:
    """Images of values in -2..2, float32 (count, 3, 8, 8), the same at every call."""
    return np.random.default_rng(21).uniform(-2, 2, (count, *IMAGE)).astype(np.float32)


def save(path: Path, *, opset: int = 11, input_name: str = INPUT, op: str = "Relu", batch: int | None = None) -> Path:
    """Write the ONNX file; the batch is dynamic unless given, `op` replaces the activation."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("Conv", [input_name, "conv.weight", "conv.bias"], ["a"], "conv", pads=[1, 1, 1, 1]),
        helper.make_node(op, ["a"], ["b"], "activation"),
        helper.make_node("Flatten", ["b"], ["c"], "flatten"),
        helper.make_node("Gemm", ["c", "fc.weight", "fc.bias"], [OUTPUT], "fc", transB=1),
    ]
    first: Any = "-1" if batch is None else batch
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(input_name, TensorProto.FLOAT, [first, *IMAGE])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [first, CLASSES])],
        [numpy_helper.from_array(value, name) for name, value in weights().items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=6)
    onnx.save(model, path)
    return path


def save_bins(folder: Path, count: int) -> list[Path]:
    """`ILSVRC2012_val_00000001.bin` and so on, raw float32."""
    folder.mkdir(exist_ok=True)
    paths = [folder / f"ILSVRC2012_val_{index + 1:08d}.bin" for index in range(count)]
    for path, image in zip(paths, images(count), strict=True):
        path.write_bytes(image.tobytes())
    return paths


def save_info(path: Path, bins: list[Path]) -> Path:
    """The .info file of these bins."""
    path.write_text("".join(f"{index} {bin_path} 8 8\n" for index, bin_path in enumerate(bins)))
    return path


def logits(batch: Array, *, fp16: bool) -> npt.NDArray[np.float64]:
    """What the network yields, computed here in float64; with `fp16` every tensor between nodes is rounded."""

    def rounded(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        return values.astype(np.float16).astype(np.float64) if fp16 else values.astype(np.float64)

    tensors = {name: rounded(value) for name, value in weights().items()}
    padded = np.pad(rounded(batch), ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3))
    convolved = np.einsum("nchwij,ocij->nohw", windows, tensors["conv.weight"]) + tensors["conv.bias"][:, None, None]
    features = np.maximum(rounded(convolved), 0).reshape(len(batch), -1)
    return rounded(features @ tensors["fc.weight"].T + tensors["fc.bias"])
