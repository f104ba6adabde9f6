"""Writing a port: drafted from what is stated, tried, read again, and only then under its name."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tools.base.errors import SpecError, SuiteError
from tools.base.files import atomic, md5_of, sha256_of
from tools.model.library.opsets import lowest_opset
from tools.model.network import Network
from tools.ports.draft import draft
from tools.ports.spec import SUFFIX, Port, load_port
from tools.ports.stated import Stated


def require_free(out: Path, *, force: bool) -> None:
    """SuiteError when the file is there already, or could be no port."""
    if out.suffix != SUFFIX:
        raise SuiteError("a port's file ends in .yaml", where=out)
    if out.exists() and not force:
        raise SuiteError(
            "it is there already and is not overwritten",
            where=out,
            fix="name another file with --out, or overwrite this one with --force",
        )


def tried(stated: Stated, out: Path) -> Stated:
    """The port at the lowest opset at which its network exports."""
    with draft_port(stated, out) as port:
        return replace(stated, exported=lowest_opset(Network(port.spec.model, out.parent), port.spec))


def pinned(stated: Stated, checkpoint: Path) -> Stated:
    """The port of this file of weights, by its whole digests; SuiteError when the library means another file."""
    weights, sha256 = stated.weights, sha256_of(checkpoint)
    prefix = weights.sha256_prefix or ""
    if not sha256.startswith(prefix):
        raise SuiteError(
            "this is not the file that the library names",
            where=checkpoint,
            measured=f"sha256 {sha256}",
            allowed=f"{prefix}...",
            fix="name its own weights with --weights, or describe the network as python:FILE.py:FUNCTION",
        )
    file = weights.file if weights.sha256_prefix else checkpoint.name
    source = f"{weights.source}; digests taken from the file" if weights.url else "digests taken from the file"
    known = replace(weights, file=file, source=source, sha256_prefix=None, sha256=sha256, md5=md5_of(checkpoint))
    return replace(stated, weights=replace(known, doubt=""))


@contextmanager
def draft_port(stated: Stated, out: Path, policy: str = "") -> Iterator[Port]:
    """The port as a file that goes again: beside `out` where its network's own module lies there."""
    own = stated.source.startswith("python:")
    with tempfile.TemporaryDirectory(prefix="port-") as temporary:
        folder = out.parent if own else Path(temporary)
        path = folder / f"{out.stem}-draft-{os.getpid()}{SUFFIX}"
        try:
            path.write_text(draft(replace(stated, name=path.stem)) + policy, encoding="utf-8")
            yield _read(path)
        finally:
            path.unlink(missing_ok=True)


def write_port(stated: Stated, out: Path, policy: str = "") -> Port:
    """The port under its name, with overrides of policy as text; read again before it takes the place of another."""
    with draft_port(stated, out, policy):
        pass  # what cannot be read takes no name
    with atomic(out) as partial:
        partial.write_text(draft(stated) + policy, encoding="utf-8")
    return _read(out)


def _read(path: Path) -> Port:
    """Whatever is wrong with a draft is a mistake of this suite's, not of whoever asked for it."""
    try:
        return load_port(path)
    except SpecError as error:
        raise AssertionError(f"the drafted port cannot be read: {error}") from error
