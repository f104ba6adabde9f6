"""Small good bundles in memory, to be altered and sealed again: made-up runs of selftest/evidence/bundles.py."""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selftest.campaigns.fuzz_odd import Path_, document_text, patched, paths_of, put
from selftest.campaigns.fuzz_target import scratch_folder
from selftest.evidence.bundles import Made, World
from selftest.evidence.tampering import contents_of
from tools.judge import records
from tools.judge.files import Files, Refused
from tools.judge.layout import FILE, IDS, SPEC_JSON
from tools.judge.spec import Spec

CHANGED = (FILE, SPEC_JSON, IDS)
"""The files that are altered; their paths begin with the file's name."""
WORLDS = (
    World(images=3, batches=(1,), on_device=False, kind="sample", stages=("checkpoint", "onnx", "preprocessing", "om")),
    World(images=3, batches=(1,), runs=3, rate_noise=0.05, stages=("perf",)),
    World(images=3, batches=(1,), logit_noise=3.0, margin_pp=100.0, stages=("accuracy",)),
)
"""Files and data on the simulator; throughput of a device that scatters; accuracy with images that change class."""


@dataclass(frozen=True)
class InMemory(Files):
    """A bundle in memory whose manifest fits."""

    contents: dict[str, bytes]

    def read(self, name: str) -> bytes:
        """As from a folder."""
        if name not in self.contents:
            raise Refused(f"{name} is missing")
        return self.contents[name]


@dataclass(frozen=True)
class Base:
    """A bundle to be altered: its files, and of its JSON files the text of all together and every path."""

    contents: dict[str, bytes]
    digests: dict[str, str]
    text: str
    paths: tuple[Path_, ...]

    @functools.cached_property
    def unaltered(self) -> InMemory:
        """The bundle as it is."""
        return self.altered(b"")

    def altered(self, program: bytes) -> InMemory:
        """The bundle as `program` alters it."""
        return self.sealed(patched(json.loads(self.text), self.paths, program))

    def sealed(self, documents: Any) -> InMemory:  # noqa: ANN401 - any JSON
        """A bundle of these JSON files and the base's others, sealed again as a forger would."""
        contents, digests = dict(self.contents), dict(self.digests)
        spec = document_text(documents.get(SPEC_JSON))
        _seal(documents, hashlib.sha256(spec).hexdigest())
        for name in CHANGED:
            contents[name] = spec if name == SPEC_JSON else document_text(documents.get(name))
            digests[name] = hashlib.sha256(contents[name]).hexdigest()
        return InMemory(Path("bundle"), digests, "0" * 64, contents)


@functools.cache
def bases() -> tuple[Base, ...]:
    """One bundle for each of WORLDS."""
    return tuple(_base(f"base{index}", world) for index, world in enumerate(WORLDS))


def small(spec: Spec) -> Spec:
    """The spec with one device that has one figure, and every source a single letter: many cases a second."""
    document = records.plain(spec)
    for device in document["devices"][:1]:
        device["throughput"] = device["throughput"][:1]
    document["devices"] = document["devices"][:1]
    for path in [path for path in paths_of(document) if path[-1] == "source" and path != ("model", "source")]:
        put(document, path, "s")
    return records.read(Spec, document)


class _Small(Made):
    def _spec(self) -> Spec:
        return small(super()._spec())


def _base(name: str, world: World) -> Base:
    contents = contents_of(_Small(world).write(scratch_folder("bases") / name))
    documents = {file: json.loads(contents[file]) for file in CHANGED}
    digests = {file: hashlib.sha256(content).hexdigest() for file, content in contents.items()}
    return Base(contents, digests, json.dumps(documents), tuple(paths_of(documents)))


def _seal(documents: Any, spec_sha256: str) -> None:  # noqa: ANN401 - any JSON
    """Let the record name the spec that lies beside it, as long as it has a place for that."""
    record = documents.get(FILE)
    entry = record.get("spec") if isinstance(record, dict) else None
    if isinstance(entry, dict) and isinstance(entry.get("json_sha256"), str):
        entry["json_sha256"] = spec_sha256
