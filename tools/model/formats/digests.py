"""The digests that a port states of its checkpoint: every one of them is checked, whichever they are."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from tools.base.errors import CheckpointError
from tools.base.files import md5_of, sha256_of
from tools.judge.ids import CHECKPOINT_LOADS, CHECKPOINT_MD5, CHECKPOINT_SHA256, GateId
from tools.judge.spec import Checkpoint

GATES = {"md5": CHECKPOINT_MD5, "sha256": CHECKPOINT_SHA256}


def stated(published: Checkpoint) -> dict[str, str]:
    """Algorithm -> the digest's hex digits, or the first of them where no more are known; empty when not pinned."""
    found = {"md5": published.md5, "sha256": published.sha256 or published.sha256_prefix}
    return {algorithm: digits for algorithm, digits in found.items() if digits}


def file_gate(published: Checkpoint) -> GateId:
    """The gate of a file that is not there or cannot be read: the first that asks for its bytes."""
    return next((GATES[algorithm] for algorithm in stated(published)), CHECKPOINT_LOADS)


def new_digests(published: Checkpoint, *others: str) -> dict[str, hashlib._Hash]:
    """What to feed bytes to, for every digest that is stated, and for others that are asked for."""
    return {name: hashlib.new(name, usedforsecurity=False) for name in sorted({*stated(published), *others})}


def file_digests(path: Path, published: Checkpoint) -> dict[str, str]:
    """Every digest that is stated, of a file."""
    known = {"md5": md5_of, "sha256": sha256_of}
    return {algorithm: known[algorithm](path) for algorithm in stated(published)}


def unlike(measured: Mapping[str, str], published: Checkpoint) -> str | None:
    """The first algorithm by which the file is another than the stated one; None where all say that it is the one."""
    wanted = stated(published)
    return next((name for name, digits in wanted.items() if not measured[name].startswith(digits)), None)


def in_words(algorithm: str, digits: str) -> str:
    """A digest as people read it; what is shorter than a digest says so."""
    whole = len(digits) == hashlib.new(algorithm, usedforsecurity=False).digest_size * 2
    return f"{algorithm} {digits}" if whole else f"{algorithm} {digits}…"


def require_digests(path: Path, measured: Mapping[str, str], size_bytes: int, published: Checkpoint) -> None:
    """CheckpointError unless every stated digest is the one that was measured on the file."""
    wrong = unlike(measured, published)
    if wrong is not None:
        raise CheckpointError(
            "this is not the published checkpoint, it is not unpickled",
            gate=GATES[wrong],
            where=path,
            measured=f"{wrong} {measured[wrong]} ({size_bytes} bytes)",
            allowed=in_words(wrong, stated(published)[wrong]),
            fix="download it again, or name the port of your own checkpoint with --port",
        )
