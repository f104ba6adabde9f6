"""MANIFEST.sha256, which seals a folder of evidence."""

from __future__ import annotations

from pathlib import Path

from tools.base.files import atomic, sha256_of
from tools.judge.layout import MANIFEST, SIGNATURE


def write_manifest(folder: Path) -> Path:
    """Write MANIFEST.sha256 over every other file, as sha256sum writes it, so that `sha256sum -c` checks it too."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in (MANIFEST, SIGNATURE))
    lines = [f"{sha256_of(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    with atomic(folder / MANIFEST) as partial:
        partial.write_text("".join(lines), encoding="utf-8")
    return folder / MANIFEST
