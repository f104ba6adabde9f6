"""Ways to alter a bundle and to seal it again, in memory: what a careful forger does."""

from __future__ import annotations

import hashlib
import io
import json
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tools.judge import records
from tools.judge.bundle import read_bundle
from tools.judge.files import Files, Refused, read_npy
from tools.judge.gates import Asked, expected, judge
from tools.judge.layout import FILE, IDS, MANIFEST, SPEC_JSON
from tools.judge.results import GateResult
from tools.judge.run import judge_run
from tools.judge.verify import REFUSED, Outcome, verify

Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class Sealed(Files):
    """A bundle in memory, whose manifest fits."""

    contents: dict[str, bytes]

    def read(self, name: str) -> bytes:
        """As from a folder."""
        if name not in self.contents:
            raise Refused(f"{name} is missing")
        return self.contents[name]

    def rows(self, name: str, kinds: dict[str, str], columns: int) -> Iterator[array[Any]]:
        """As from a folder."""
        values = read_npy(self.read(name), name, kinds, columns)
        for start in range(0, len(values), columns):
            yield values[start : start + columns]


class Forgery:
    """A copy of a bundle's contents to be altered; `outcome` seals it and lets the verifier judge."""

    def __init__(self, contents: dict[str, bytes]) -> None:
        self.contents = dict(contents)
        self.record = json.loads(contents[FILE])
        self.spec = json.loads(contents[SPEC_JSON])

    def array(self, name: str) -> np.ndarray[Any, Any]:
        """One of the arrays, to be altered and given to `put_array`."""
        values: np.ndarray[Any, Any] = np.load(io.BytesIO(self.contents[name]))
        return values

    def put_array(self, name: str, values: np.ndarray[Any, Any]) -> None:
        """Replace an array."""
        out = io.BytesIO()
        np.lib.format.write_array(out, values, version=(1, 0))
        self.contents[name] = out.getvalue()

    def gate(self, name: str) -> dict[str, Any]:
        """The record of a gate."""
        return next(gate for gate in self.record["gates"] if gate["id"] == name)

    def handover(self, step: str) -> dict[str, Any]:
        """The record of a hand-over."""
        handed: dict[str, Any] = next(entry["handover"] for entry in self.record["handovers"] if entry["step"] == step)
        return handed

    def lose_a_bin(self) -> None:
        """A run that lost a bin: the gates behind it looked at one fewer."""
        handed, among = self.handover("bins"), self.record["bins"]["among"] - 1
        handed["missing"] = json.loads(self.contents[IDS])[:1]
        self.handover("info")["expected"] = self.record["bins"]["among"] = among
        gates = [gate["id"] for gate in self.record["gates"] if gate["id"].startswith("preprocessing.")]
        self.judge_again(*gates)

    def judge_again(self, *names: str) -> None:
        """Give these gates the answers that the forged evidence gives them, and the run the word that follows."""
        bundle = read_bundle("forged", self.sealed())
        for name in names:
            self.gate(name)["check"] = records.plain(judge(name, bundle))
        results = tuple(records.read(GateResult, entry) for entry in self.record["gates"])
        said = self.record["verdict"]
        missing = expected(Asked(bundle.spec, on_device=bundle.on_device))
        weak = {name: said[name] for name in ("sample", "simulated", "unpinned")}
        ours = judge_run(missing, results, **weak, remarks=said["remarks"])
        self.record["verdict"] = records.plain(ours)

    def sealed(self) -> Sealed:
        """The bundle with a manifest, and digests of the spec, that fit."""
        if self.spec != json.loads(self.contents[SPEC_JSON]):
            self.contents[SPEC_JSON] = json.dumps(self.spec).encode()
            self.record["spec"]["json_sha256"] = hashlib.sha256(self.contents[SPEC_JSON]).hexdigest()
        self.contents[FILE] = json.dumps(self.record).encode()
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in self.contents.items()}
        return Sealed(Path("bundle"), digests, "0" * 64, self.contents)

    def outcome(self) -> Outcome:
        """What the verifier says."""
        sealed = self.sealed()
        return verify([("bundle", lambda: sealed)], None)


def word_of(text: str) -> str:
    """The last word."""
    found = re.match(r"VERDICT: ([A-Z]+)", text.splitlines()[-1])
    assert found, text
    return found[1]


def assert_refused(outcome: Outcome, named: str) -> None:
    """Exit status 2, the problem named, and no verdict."""
    text = "\n".join(outcome.lines)
    assert outcome.status == REFUSED, text
    assert named in text, text
    assert word_of(text) == "NONE"


def contents_of(folder: Path) -> dict[str, bytes]:
    """Every file of a bundle but its manifest."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def leaves(document: Any, above: Path_ = ()) -> Iterator[tuple[Path_, Any]]:  # noqa: ANN401 - any JSON
    """Every value of a JSON document that is no list and no object, with the way to it."""
    if isinstance(document, dict):
        for name, value in document.items():
            yield from leaves(value, (*above, name))
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from leaves(value, (*above, index))
    else:
        yield above, document


def altered(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value * 1.02 + 0.003
    return "forged" if value is None else f"{value}0" if value else "forged"


def put(document: Any, path: Path_, value: Any) -> None:  # noqa: ANN401 - any JSON
    """Replace the value at `path`."""
    for step in path[:-1]:
        document = document[step]
    document[path[-1]] = value


def spelled(path: Path_) -> str:
    """A path as the verifier spells it, e.g. `.variants[0].accuracy[1].percent`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
