"""What must hold after a run was killed: the cache, the evidence, processes and locks, looked at from outside.

Nothing here uses the store's own code to judge the store.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.base.files import ROOT

MARK = "ACCEPTANCE_KILL_CAMPAIGN"
"""The variable that every process of a run inherits, so that it is found again whoever its parent is."""
TIMED_KINDS = ("host-throughput", "throughput-om", "om", "om-described")
"""Artifacts that differ from run to run: they hold timings, or (an OM) the command line that made them."""
REUSED = "reused from earlier runs"
"""How the remark begins that dates what a run has found in its cache."""
TIMED_GATES = ("host.perf.", "om.perf.")
VERIFIED = (0, 1)
"""What verify_bundle.py ends with for a whole bundle, accepted or not; 2 is a damaged one."""


@dataclass
class Digests:
    """sha256 of files, each computed once for an inode, size and time of change ."""

    known: dict[tuple[int, int, int], str] = field(default_factory=dict)

    def of(self, path: Path) -> str:
        """Hex sha256 of a file."""
        status = path.stat()
        key = (status.st_ino, status.st_size, status.st_mtime_ns)
        if key not in self.known:
            self.known[key] = _sha256(path)
        return self.known[key]


def cache_problems(cache: Path, digests: Digests) -> list[str]:
    """What a later run would trust although it is not whole: artifacts under their final name, file by file."""
    return [problem for place in _artifacts(cache) for problem in _artifact_problems(place, digests)]


def contents(cache: Path, digests: Digests) -> set[tuple[str, str]]:
    """(kind/file, sha256) of every file whose bytes do not depend on time: no logs, journals or timings.

    Keys are left out, because those of predictions name the OM.
    """
    return {
        (f"{place.parent.name}/{path.relative_to(place / 'files')}", digests.of(path))
        for place in _artifacts(cache)
        if place.parent.name not in TIMED_KINDS
        for path in (place / "files").rglob("*")
        if path.is_file() and not path.name.startswith(".") and "logs" not in path.relative_to(place).parts
    }


def figures(evidence: Path) -> dict[str, Any]:
    """What a verdict says and rests on, without times: word, gates, digests, data set, each variant's predictions."""
    record = json.loads((evidence / "acceptance.json").read_bytes())
    record["verdict"]["remarks"] = [said for said in record["verdict"]["remarks"] if not said.startswith(REUSED)]
    timed = {gate["id"]: gate["check"]["verdict"] for gate in record["gates"] if gate["id"].startswith(TIMED_GATES)}
    gates = {gate["id"]: gate["check"] for gate in record["gates"] if gate["id"] not in timed}
    predictions = {path.name: {"sha256": _sha256(path)} for path in sorted((evidence / "predictions").iterdir())}
    kept = {name: record[name] for name in ("verdict", "interrupted", "dataset", "spec")}
    sums = {entry["name"]: entry["sha256"] for entry in record["digests"] if not entry["name"].startswith("om_")}
    variants = {variant["name"]: {**variant, "model_sha256": None} for variant in record["variants"]}
    return {**kept, "gates": gates, "timed gates": timed, "digests": sums, "variants": variants, **predictions}


def differences(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Names under which two records differ, one level deep."""
    names: list[str] = []
    for name in sorted({*expected, *found}):
        mine, theirs = expected.get(name), found.get(name)
        if isinstance(mine, dict) and isinstance(theirs, dict):
            names += [f"{name}: {key}" for key in sorted({*mine, *theirs}) if mine.get(key) != theirs.get(key)]
        elif mine != theirs:
            names.append(name)
    return names


def evidence_problems(evidence: Path) -> list[str]:
    """Why the folder of a bundle is not one whole bundle, in the words of verify_bundle.py; empty without a folder."""
    if not evidence.exists():
        return []
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "verify_bundle.py"), str(evidence)],
        capture_output=True,
        text=True,
        check=False,
        env={name: value for name, value in os.environ.items() if name != MARK},
    )
    last = " / ".join((done.stdout + done.stderr).splitlines()[-3:])
    return [] if done.returncode in VERIFIED else [f"verify_bundle: {last}"]


def held_locks(cache: Path) -> list[str]:
    """Names of locks that somebody holds now."""
    return [path.name for path in sorted((cache / ".locks").glob("*.lock")) if is_held(path)]


def processes(mark: str) -> dict[int, str]:
    """pid -> command of every living process that carries this mark in its environment (zombies have none)."""
    found: dict[int, str] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and int(folder.name) != os.getpid():
            try:
                if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                    found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
            except OSError:  # it has ended meanwhile, or is another user's
                continue
    return found


def _artifacts(cache: Path) -> list[Path]:
    """Folders under a final name: `<kind>/<key>`; hidden ones are nobody's results."""
    kinds = (kind for kind in sorted(cache.glob("[!.]*")) if kind.is_dir())
    return [place for kind in kinds for place in sorted(kind.iterdir())]


def _artifact_problems(place: Path, digests: Digests) -> list[str]:
    name = f"{place.parent.name}/{place.name[:12]}"
    try:
        promised: dict[str, str] = json.loads((place / "artifact.json").read_bytes())["files"]
    except (OSError, ValueError, KeyError) as error:
        return [f"{name}: no manifest: {error!r}"]
    files = place / "files"
    found = {str(path.relative_to(files)): digests.of(path) for path in sorted(files.rglob("*")) if path.is_file()}
    partial = [f"{name}: {path} is an unfinished file" for path in found if path.endswith(".partial")]
    changed = sorted(path for path in {*promised, *found} if promised.get(path) != found.get(path))
    return partial + [f"{name}: {path} is not what the manifest says" for path in changed]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def is_held(path: Path) -> bool:
    """Whether somebody holds this lock now."""
    with path.open("rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
