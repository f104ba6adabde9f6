"""The artifact store: what a stage made, filed under a digest of all that it depends on, whole or absent.

Freshness is never judged by existence or mtime: a key covers inputs, options, library versions and the producing
code, and a hit is believed only after every file's digest was checked. Runs and `pytest -n` workers share one store.
"""

from __future__ import annotations

import enum
import errno
import hashlib
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import msgspec
from filelock import FileLock

from tools.base.errors import ErrorRecord, SuiteError
from tools.base.files import atomic, cpu_count, owner_writes_only, sha256_of
from tools.store.dependencies import dependencies

MANIFEST, FILES, LOCKS = "artifact.json", "files", ".locks"
LAYOUT = 2
OTHER_RUN = "it was made in another run"


class Origin(enum.StrEnum):
    """Where an artifact came from in this run."""

    HIT = "hit"
    MISS = "miss"
    DAMAGED = "damaged"


class Manifest(msgspec.Struct, frozen=True):
    """What lies beside an artifact's files: what it was made from, the sha256 of each file (relative path), by which
    run it was made, when (ISO 8601, UTC), and on what host (in words, empty where nobody said)."""

    layout: int
    inputs: dict[str, str]
    files: dict[str, str]
    run: str
    made_utc: str
    made_on: str = ""


@dataclass(frozen=True)
class Recipe:
    """All that an artifact depends on: a kind (its folder), inputs and options as text, and the modules that make it,
    with all that they import. What is `of_this_run` depends on the moment too: another run's does not count."""

    kind: str
    inputs: Mapping[str, str]
    code: tuple[ModuleType, ...] = ()
    resumable: bool = False
    of_this_run: bool = False

    def resolved(self) -> dict[str, str]:
        """Every dependency by name, as the manifest keeps it."""
        return {**self.inputs, **dependencies(self.code)}


@dataclass(frozen=True)
class Artifact:
    """A published folder; `key` names all it was made from, `why` explains a miss, `files` are names and sha256.

    `made_utc` and `made_on` say when and on what host it was made, `reused` whether another run has made it.
    """

    path: Path
    key: str
    origin: Origin
    why: str
    files: Mapping[str, str]
    made_utc: str
    reused: bool
    made_on: str

    @property
    def content(self) -> str:
        """Digest of the files' names and bytes, journals (hidden) left out, for keys of what is made from them."""
        visible = sorted(f"{name} {sha256}" for name, sha256 in self.files.items() if not name.startswith("."))
        return hashlib.sha256("\n".join(visible).encode()).hexdigest()


class StoreError(SuiteError):
    """The store's folder cannot be used (space, permissions), or a build made nothing."""


class Store:
    """A folder of artifacts: `<root>/<kind>/<key>/files/` with their manifest, locks and unfinished work hidden beside.

    `run` names this run for all its workers: a build that failed is not repeated by the next worker, it fails again
    with the first one's words. `made_on` are words for this host, to stand beside what it makes.
    """

    def __init__(self, root: Path, run: str, made_on: str = "") -> None:
        self.root, self._run, self._made_on = root, run, made_on

    def get(self, recipe: Recipe, build: Callable[[Path], None]) -> Artifact:
        """Return the artifact, building it into a private folder first when the store has no sound one.

        `build` writes into the folder it is given; only for a resumable recipe may that hold what an interrupted
        build of the same key left. The folder is published by one rename under a lock that only this key takes.
        """
        inputs = recipe.resolved()
        key = _key(recipe.kind, inputs)
        place = self.root / recipe.kind / key
        try:
            with self._lock(recipe.kind, key):
                why = self._why_not(place, recipe, inputs)
                origin = Origin.HIT
                if why:
                    self._refuse_known_failure(key)
                    origin = Origin.DAMAGED if place.exists() and why != OTHER_RUN else Origin.MISS
                    self._build(recipe, build, place, inputs)
                made = _manifest(place)
        except (OSError, RuntimeError) as error:
            system = _system_error(error)
            if system is None:
                raise
            raise self._refused(recipe.kind, system) from error
        reused = made.run != self._run
        return Artifact(place / FILES, key, origin, why, made.files, made.made_utc, reused, made.made_on)

    def _refused(self, kind: str, error: OSError) -> StoreError:
        """The system's error in words: of the store itself, or of a file elsewhere that the build needed."""
        named = error.filename
        if isinstance(named, str) and not Path(named).is_relative_to(self.root):
            return StoreError(f"cannot make {kind}: {error.strerror}", where=named)
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        return StoreError(
            f"cannot use the store: {error}",
            where=self.root,
            fix=f"{'free some space or ' if full else ''}name another folder with --cache; nothing unfinished will be "
            "trusted",
        )

    def _build(self, recipe: Recipe, build: Callable[[Path], None], place: Path, inputs: Mapping[str, str]) -> None:
        partial = self.root / ".partial" / f"{recipe.kind}-{place.name}"
        for leftover in (place,) if recipe.resumable else (place, partial):
            if leftover.exists():
                shutil.rmtree(leftover)
        (partial / FILES).mkdir(parents=True, exist_ok=True)
        try:
            build(partial / FILES)
        except SuiteError as error:
            self._remember_failure(place.name, error)
            raise
        self._publish(partial, place, inputs)

    def _why_not(self, place: Path, recipe: Recipe, inputs: Mapping[str, str]) -> str:
        """Why the artifact at `place` cannot be used, empty when it can."""
        if not place.exists():
            return self._nearest_difference(recipe.kind, inputs)
        manifest = _read_manifest(place)
        if manifest is None or manifest.layout != LAYOUT or manifest.inputs != dict(inputs) or not manifest.files:
            return f"{place} has no manifest of this layout"
        if _digests(place / FILES) != manifest.files:
            return f"files of {place} were changed since they were made"
        return OTHER_RUN if recipe.of_this_run and manifest.run != self._run else ""

    def _nearest_difference(self, kind: str, inputs: Mapping[str, str]) -> str:
        """Which dependency changed since the most similar artifact of this kind was made."""
        manifests = map(_read_manifest, sorted((self.root / kind).glob("*")))
        changed = [_differences(inputs, known.inputs) for known in manifests if known is not None]
        fewest = min(map(len, changed), default=0)
        nearest = next((names for names in changed if len(names) == fewest), None)
        return f"no {kind} was made yet" if nearest is None else f"changed: {', '.join(nearest)}"

    def _publish(self, partial: Path, place: Path, inputs: Mapping[str, str]) -> None:
        for leftover in partial.rglob(".*.partial"):
            leftover.unlink()
        manifest = Manifest(
            layout=LAYOUT,
            inputs=dict(inputs),
            files=_digests(partial / FILES),
            run=self._run,
            made_utc=datetime.now(UTC).isoformat(timespec="seconds"),
            made_on=self._made_on,
        )
        if not manifest.files:
            raise StoreError("the build made nothing", where=partial)
        for name in manifest.files:
            owner_writes_only(partial / FILES / name)
        (partial / MANIFEST).write_bytes(msgspec.json.encode(manifest))
        place.parent.mkdir(parents=True, exist_ok=True)
        partial.rename(place)

    def _lock(self, kind: str, key: str) -> FileLock:
        folder = self.root / LOCKS
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / f"{kind}-{key}.lock")

    def _failure_file(self, key: str) -> Path:
        return self.root / ".failed" / self._run / f"{key}.json"

    def _remember_failure(self, key: str, error: SuiteError) -> None:
        path = self._failure_file(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic(path) as partial:
            partial.write_bytes(msgspec.json.encode(error.record()))

    def _refuse_known_failure(self, key: str) -> None:
        path = self._failure_file(key)
        if path.exists():
            raise SuiteError.from_record(msgspec.json.decode(path.read_bytes(), type=ErrorRecord))


def _system_error(error: BaseException | None) -> OSError | None:
    """The system's error behind this one: on a full disk torch.save complains of its own file position."""
    while error is not None and not isinstance(error, OSError):
        error = error.__cause__ or error.__context__
    return error


def _differences(mine: Mapping[str, str], theirs: Mapping[str, str]) -> list[str]:
    return sorted(name for name in {*mine, *theirs} if mine.get(name) != theirs.get(name))


def _key(kind: str, inputs: Mapping[str, str]) -> str:
    text = "\n".join([f"layout {LAYOUT}", kind, *(f"{name}={value}" for name, value in sorted(inputs.items()))])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _manifest(place: Path) -> Manifest:
    return msgspec.json.decode((place / MANIFEST).read_bytes(), type=Manifest)


def _read_manifest(place: Path) -> Manifest | None:
    try:
        return _manifest(place)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    with ThreadPoolExecutor(cpu_count()) as pool:
        return {
            str(path.relative_to(folder)): digest
            for path, digest in zip(files, pool.map(sha256_of, files), strict=True)
        }
