"""Files that the porter hands in, each found for what the suite would have made, and taken into the store."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from tools.ascend import handed_in as own_oms
from tools.base.errors import OmError, OnnxError
from tools.base.files import sha256_of
from tools.evidence.records import input_digest
from tools.judge import ids
from tools.judge.acceptance import InputDigest
from tools.judge.handed_in import HandedIn
from tools.judge.ids import OM_COMPILED, ONNX_EXPORT
from tools.model import handed_in as own_onnx
from tools.pipeline.context import Context
from tools.store.artifacts import Recipe

ONNX_FILE = "model.onnx"


def onnx_file(context: Context, size: int | None, name: str) -> tuple[Path, str, HandedIn]:
    """The ONNX file that was handed in for a batch size (None: with the dynamic batch axis), where it is now, its
    sha256 there, and its record, which is put into the evidence; OnnxError when there is none."""
    path = _onnx_of(context.inputs.onnx, size, context.spec.onnx_batches)
    found = own_onnx.look(path, name)
    about = {"onnx": found.sha256, **{f"data {file.name}": file.sha256 for file in found.data}, "name": name}
    recipe = Recipe("onnx-handed-in", about, code=(own_onnx,))
    artifact = context.build(recipe, lambda folder: own_onnx.take_in(path, found, folder / ONNX_FILE))
    taken = artifact.path / ONNX_FILE
    return taken, artifact.files[ONNX_FILE], context.staging.put_handed_in(found, taken)


def _onnx_of(files: Sequence[Path], size: int | None, wanted: Sequence[int | None]) -> Path:
    """The file of a batch size. OnnxError when there is none or several, and when any is of a size that is not wanted:
    it would be named among what was handed in, and nobody would judge it."""
    if size is None:
        if len(files) > 1:
            raise OnnxError(
                f"{len(files)} ONNX files were handed in, this port has one for all batch sizes",
                gate=ONNX_EXPORT,
                where=files[1],
                fix="name one, or write onnx: {batch: static} into the port",
            )
        return files[0]
    sizes = {path: own_onnx.batch_of(path) for path in files}
    fitting = [path for path, batch in sizes.items() if batch == size]
    extra = [path for path, batch in sizes.items() if batch not in wanted]
    there = ", ".join(f"{path.name} of {batch or 'any'}" for path, batch in sizes.items())
    if len(fitting) != 1:
        what = "no ONNX file" if not fitting else f"{len(fitting)} ONNX files"
        raise OnnxError(
            f"{what} of batch size {size} handed in",
            gate=ONNX_EXPORT,
            measured=there,
            allowed="one for each batch size",
        )
    if extra:
        raise OnnxError(
            f"{extra[0].name} was handed in, of a batch size that the port does not ask for",
            gate=ONNX_EXPORT,
            measured=there,
            allowed=", ".join(map(str, wanted)),
            fix="leave it out",
        )
    return fitting[0]


def om_file(context: Context, batches: Callable[[], dict[Path, int]], batch: int) -> tuple[Path, InputDigest, HandedIn]:
    """The OM that was handed in for a batch size, where it is now, with its records; OmError when there is none, or
    when another was handed in that the port does not ask for."""
    gate, name = OM_COMPILED.at(batch), ids.om(batch)
    path = own_oms.choose(batches(), context.spec.batches, batch)
    sha256, target = sha256_of(path), f"handed_in_bs{batch}.om"

    def copy_into(folder: Path) -> None:
        shutil.copyfile(path, folder / target)
        if sha256_of(folder / target) != sha256:
            raise OmError("the OM that was handed in was replaced while it was worked with", gate=gate, where=path)

    artifact = context.build(Recipe("om-handed-in", {"om": sha256, "batch": str(batch)}), copy_into)
    taken = artifact.path / target
    digest = input_digest(name, taken, sha256=artifact.files[target], md5=None)
    found = HandedIn(name, path.name, sha256, digest.size_bytes)
    return taken, digest, context.staging.put_handed_in(found, taken)
