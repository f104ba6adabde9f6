"""An ONNX file that the porter has made, taken in: looked at first, then written as one file of the suite's own.

Whatever names, graph and weights it has is judged by the gates of an own export. Here is refused what is no ONNX file
that could be judged at all, and what its tensors kept in other files must not be: outside of its folder, or too much.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tools.base.errors import OnnxError
from tools.base.files import sha256_of
from tools.judge.handed_in import DataFile, HandedIn
from tools.judge.ids import ONNX_EXPORT, ONNX_INPUT, ONNX_OUTPUT
from tools.model.export import require_eval_mode
from tools.model.formats.reading import HEAD_BYTES, foreign
from tools.model.onnx_model import inspect_model

if TYPE_CHECKING:
    import onnx

MOST_BYTES = 2**31 - 1
"""Of a protobuf message, and so of the one file that is made of it."""


def look(path: Path, name: str) -> HandedIn:
    """What was handed in, by its digests; OnnxError, in a line, for what cannot be judged."""
    content = _content(path)
    model = _parsed(content, path)
    _require_tensors(model, path)
    data = tuple(_data_file(path, place) for place in sorted({*_places(model, path)}))
    total = len(content) + sum(file.size_bytes for file in data)
    if total > MOST_BYTES:
        raise _refused("it is too large with its data", path, measured=f"{total} bytes", allowed=f"{MOST_BYTES}")
    return HandedIn(name, path.name, hashlib.sha256(content).hexdigest(), len(content), data)


def batch_of(path: Path) -> int | None:
    """The batch size of its input, None where that is a dynamic axis; OnnxError as `look`."""
    model = _parsed(_content(path), path)
    _require_tensors(model, path)
    weights = {tensor.name for tensor in model.graph.initializer}
    axes = next(value for value in model.graph.input if value.name not in weights).type.tensor_type.shape.dim
    return next((axis.dim_value or None for axis in axes), None)


def take_in(path: Path, found: HandedIn, target: Path) -> None:
    """Write it, byte for byte or with its tensors inside; OnnxError when it is not what was looked at."""
    import onnx

    if found.data:
        onnx.save(_with_data(path), str(target))
    else:
        target.write_bytes(_content(path))
    if look(path, found.name) != found or (not found.data and sha256_of(target) != found.sha256):
        raise _refused("it was replaced while it was worked with", path)
    require_eval_mode(inspect_model(target))


def _content(path: Path) -> bytes:
    """All bytes of a file that begins like none of another kind."""
    try:
        if not path.is_file():
            raise _refused("it is no regular file", path)
        if (size := path.stat().st_size) > MOST_BYTES:
            raise _refused("it is too large", path, measured=f"{size} bytes", allowed=f"{MOST_BYTES}")
        content = path.read_bytes()
    except OSError as error:
        raise _refused(f"it cannot be read: {error.strerror}", path) from error
    if not content:
        raise _refused("it is empty", path)
    if (other := foreign(content[:HEAD_BYTES])) is not None:
        raise _refused(other[0], path, fix=other[1])
    return content


def _parsed(content: bytes, path: Path) -> onnx.ModelProto:
    import onnx
    from google.protobuf.message import DecodeError

    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except DecodeError as error:
        raise _refused(f"it is no ONNX file: it begins with {content[:12]!r}", path) from error
    if not (model.ir_version and model.opset_import and model.graph.node):
        raise _refused("it is no ONNX file: it has no version, no opset or no graph", path)
    if model.ir_version > onnx.IR_VERSION:
        raise _refused(
            "it is of a newer ONNX than the one that reads it",
            path,
            measured=f"IR version {model.ir_version}",
            allowed=f"{onnx.IR_VERSION} at most (onnx {onnx.__version__})",
            fix="save it with an older ir_version",
        )
    return model


def _require_tensors(model: onnx.ModelProto, path: Path) -> None:
    """Inputs and outputs are tensors of a known type, and there is one of each."""
    import onnx

    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    for what, values, gate in (("input", inputs, ONNX_INPUT), ("output", model.graph.output, ONNX_OUTPUT)):
        known = [value.type.tensor_type.elem_type in onnx.helper.get_all_tensor_dtypes() for value in values]
        if not known or not all(known):
            reason = f"an {what} of it is no tensor" if known else f"it has no {what}"
            raise OnnxError(f"the ONNX file that was handed in: {reason}", gate=gate, where=path)


def _with_data(path: Path) -> onnx.ModelProto:
    """The model with the tensors that lie in other files, which were looked at before."""
    import onnx

    try:
        return onnx.load(str(path))
    except (onnx.checker.ValidationError, ValueError, OSError) as error:
        raise _refused(f"a file with its tensors is not what it says: {error}", path) from error


def _places(model: onnx.ModelProto, path: Path) -> Iterator[str]:
    """Where the file says that its tensors lie, each a file below its own folder."""
    from onnx.external_data_helper import uses_external_data

    nodes = [node for function in model.functions for node in function.node]
    for tensor in (*_tensors(model.graph), *_of_nodes(nodes)):
        if uses_external_data(tensor):
            said = {entry.key: entry.value for entry in tensor.external_data}
            place = said.get("location", "")
            _require_inside(place, path)
            yield place


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    yield from _of_nodes(graph.node)


def _of_nodes(nodes: Iterable[onnx.NodeProto]) -> Iterator[onnx.TensorProto]:
    for attribute in (attribute for node in nodes for attribute in node.attribute):
        yield from (attribute.t, *attribute.tensors)
        for graph in (attribute.g, *attribute.graphs):
            yield from _tensors(graph)


def _require_inside(place: str, path: Path) -> None:
    """The file's own folder holds it, whatever links lead there; absolute paths and `..` are refused as such."""
    folder = os.path.realpath(path.parent)
    plain = bool(place) and place.isprintable() and not Path(place).is_absolute() and ".." not in place.split("/")
    inside = plain and os.path.realpath(path.parent / place).startswith(folder + os.sep)
    if not inside:
        raise _refused(
            "a tensor is said to lie outside of the file's folder",
            path,
            measured=repr(place),
            allowed=f"a file below {folder}",
            fix="copy the data beside it, links resolved (cp -L)",
        )
    if not (path.parent / place).is_file():
        raise _refused("a file with its tensors is missing", path, measured=repr(place), fix="put it beside the file")


def _data_file(path: Path, place: str) -> DataFile:
    file = path.parent / place
    try:
        return DataFile(place, sha256_of(file), file.stat().st_size)
    except OSError as error:
        raise _refused(f"the file with its tensors cannot be read: {error.strerror}", file) from error


def _refused(
    what: str, path: Path, *, measured: str | None = None, allowed: str | None = None, fix: str | None = None
) -> OnnxError:
    said = f"the ONNX file that was handed in: {what}"
    return OnnxError(said, gate=ONNX_EXPORT, where=path, measured=measured, allowed=allowed, fix=fix)
