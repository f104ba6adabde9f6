"""Fuzz targets for specs and evidence bundles, whose readers judge what they read."""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path

from selftest.campaigns.fuzz_bundle import InMemory, bases, small
from selftest.campaigns.fuzz_odd import Path_, document_text, patched, paths_of
from selftest.campaigns.fuzz_target import Target, scratch_file, scratch_folder
from tools.base.errors import SuiteError
from tools.base.files import ROOT
from tools.judge import records
from tools.judge.acceptance import Acceptance
from tools.judge.accuracy import PLACES
from tools.judge.bundle_record import CLASS_CODES, SCORE_CODES
from tools.judge.documents import read_spec
from tools.judge.files import Refused, check_manifest, read_json, read_npy
from tools.judge.layout import FILE, MANIFEST, SPEC_JSON
from tools.judge.verify import verify
from tools.ports.spec import PUBLISHED_SPEC, load_spec
from tools.ports.spec_json import spec_json
from tools.report import html
from tools.report.bundle import read_bundle

ANOTHER_SPEC, TOGETHER = 6, 7
"""A good bundle judged by an altered spec, and an altered bundle judged together with the good one."""
SPEC = tuple(f"tools.judge.{name}" for name in ("spec", "spec_data", "spec_model", "spec_onnx", "spec_policies"))
JUDGE = (
    *(f"tools.judge.{name}" for name in ("again", "differences", "documents", "evidence")),
    *(f"tools.judge.{path.stem}" for path in sorted((ROOT / "tools/judge").glob("bundle*.py"))),
    *(f"tools.judge.consistency.{path.stem}" for path in sorted((ROOT / "tools/judge/consistency").glob("[!_]*.py"))),
    *(f"tools.judge.{name}" for name in ("gates", "records", "several", "verify")),
    *SPEC,
)
"""The modules that hold a bundle against itself and judge it."""
JSON_WORDS = ("1e999", "9" * 400, "9" * 5000, "NaN", "null", "true", "[[[[", '{"a":', "\\ud800", "\ufeff", "\0")


def _bundle(data: bytes) -> None:
    """The first byte picks the bundle, and how it is judged; the rest alters it. What is printed is checked too."""
    kind, base = divmod(data[0] if data else 0, len(bases()))
    altered, other = bases()[base].altered(data[1:]), bases()[base].unaltered
    sources = [("bundle", lambda: altered), ("other", lambda: other)]
    spec = read_spec(altered.read(SPEC_JSON), SPEC_JSON) if kind % 8 == ANOTHER_SPEC else None
    bundles = sources if kind % 8 == TOGETHER else sources[1:] if spec is not None else sources[:1]
    printed = verify(bundles, spec).text.encode().decode().splitlines()
    said = [line for line in printed if line.startswith("VERDICT:")]
    assert said == printed[-1:], f"a verdict that the judge did not give: {said}"


def _bundle_bytes(data: bytes) -> None:
    """acceptance.json of arbitrary bytes in a bundle whose manifest fits."""
    contents = {FILE: data}
    digests = {FILE: hashlib.sha256(data).hexdigest()}
    sealed = InMemory(Path("bundle"), digests, "0" * 64, contents)
    read_json(data, FILE)
    verify([("bundle", lambda: sealed)], None)


def _manifest(data: bytes) -> None:
    folder = scratch_folder("manifest")
    (folder / "a.txt").write_bytes(b"a")
    (folder / MANIFEST).write_bytes(data)
    files, problems = check_manifest(folder)
    assert all(".." not in name.split("/") and not name.startswith("/") for name in files.digests)
    if not problems:
        assert files.read("a.txt") == b"a"


def _npy(data: bytes) -> None:
    if data[:1] == b"s":
        assert len(read_npy(data[1:], "x.npy", SCORE_CODES, PLACES)) % PLACES == 0
    else:
        read_npy(data[1:], "x.npy", CLASS_CODES, None)


def _report(data: bytes) -> None:
    """The record that report_bundle.py reads, and the spec beside it."""
    folder = scratch_folder("report")
    (folder / FILE).write_bytes(data)
    (folder / MANIFEST).write_text(f"{hashlib.sha256(data).hexdigest()}  {FILE}\n", encoding="utf-8")
    read_bundle(folder)


def _spec_json(data: bytes) -> None:
    """The spec of a bundle as the report reads it: raw bytes, or the published one altered."""
    folder = scratch_folder("spec json")
    if data[:1] == b"{":
        content = data
    else:
        text, paths = _published()
        content = document_text(patched(json.loads(text), paths, data[1:]))
    (folder / SPEC_JSON).write_bytes(content)
    spec = html.read_spec(folder, _any_record())
    assert spec is not None
    for device in spec.devices:
        for entry in device.throughput:
            device.floor(entry)
            device.ceiling(entry.batch, spec.model.flops_per_image)


@functools.cache
def _published() -> tuple[str, tuple[Path_, ...]]:
    text = spec_json(small(load_spec(PUBLISHED_SPEC))).decode()
    return text, tuple(paths_of(json.loads(text)))


@functools.cache
def _any_record() -> Acceptance:
    return records.read(Acceptance, json.loads(bases()[0].contents[FILE]))


def _spec(data: bytes) -> None:
    load_spec(scratch_file("spec.yaml", data))


def _spec_pieces() -> tuple[bytes, ...]:
    lines = PUBLISHED_SPEC.read_bytes().split(b"\n")
    pieces = [b"\n".join(lines[start : start + 3]) + b"\n" for start in range(0, len(lines), 3)]
    odd = (b"schema: 2\n", b"a: &x 1\nb: *x\n", b"<<: {a: 1}\n", b"? [1, 2]\n: 3\n", b"[" * 30, b"2001-13-01\n")
    return (*(piece[:200] for piece in pieces), *odd)


def _arrays() -> tuple[bytes, ...]:
    contents = bases()[-1].contents
    scores, labels = contents["predictions/pth.scores.npy"], contents["predictions/labels.npy"]
    return b"s" + scores, b"l" + labels


def _programs() -> tuple[bytes, ...]:
    return tuple(
        bytes([kind * len(bases()) + base]) for kind in (0, ANOTHER_SPEC, TOGETHER) for base in range(len(bases()))
    )


def _records() -> tuple[bytes, ...]:
    return tuple(_small_record(base.contents[FILE]) for base in bases()[:2])


def _small_record(content: bytes) -> bytes:
    """The record with two gates only, one digest and two runs: small enough for many cases a second."""
    record = json.loads(content)
    record["gates"], record["digests"] = record["gates"][:2], record["digests"][:1]
    record["verdict"]["missing"] = record["verdict"]["missing"][:2]
    for entry in record["device_throughput"]:
        entry["runs"] = entry["runs"][:2]
    return json.dumps(record).encode()


def _manifests() -> tuple[bytes, ...]:
    digest = hashlib.sha256(b"a").hexdigest()
    return f"{digest}  a.txt\n".encode(), f"{digest}  a.txt\n{digest}  logs/b.txt\n".encode()


TARGETS = (
    Target(
        name="spec",
        case=_spec,
        documented=(SuiteError,),
        modules=("tools.ports.spec", "tools.ports.document"),
        seeds=_spec_pieces,
        longest_bytes=200,
        words=(
            "&a ",
            "*a",
            "<<: ",
            "!!int ",
            "!!python/name:",
            "? ",
            "- ",
            "{",
            "[",
            ": ",
            "|\n",
            "%YAML 9.9\n",
            "---\n",
        ),
    ),
    Target(
        name="spec-json",
        case=_spec_json,
        documented=(SuiteError,),
        modules=("tools.ports.spec", *SPEC, "tools.judge.records", "tools.report.html"),
        seeds=lambda: (b"p", b"p\0\0\0\0", b"{}", _published()[0].encode()[:500]),
        longest_bytes=500,
        words=JSON_WORDS,
    ),
    Target(
        name="bundle-manifest",
        case=_manifest,
        documented=(Refused, OSError),
        modules=("tools.judge.files",),
        seeds=_manifests,
        longest_bytes=300,
        words=("../", "  ", "/", "MANIFEST.sha256", "\n", "\0", "\ud7ff"),
    ),
    Target(
        name="bundle-arrays",
        case=_npy,
        documented=(Refused,),
        modules=("tools.judge.files",),
        seeds=_arrays,
        longest_bytes=400,
        words=(
            "'descr'",
            "'<f4'",
            "'<i2'",
            "'fortran_order'",
            "False",
            "'shape'",
            "(9,)",
            "((((",
            "-9",
            "1e9",
            "~",
            "\0",
        ),
    ),
    Target(
        name="bundle-bytes",
        case=_bundle_bytes,
        documented=(Refused,),
        modules=("tools.judge.files", "tools.judge.strict_json"),
        seeds=_records,
        longest_bytes=12000,
        words=JSON_WORDS,
    ),
    Target(
        name="bundle",
        case=_bundle,
        documented=(Refused,),
        modules=JUDGE,
        seeds=_programs,
        longest_bytes=17,
    ),
    Target(
        name="report-bundle",
        case=_report,
        documented=(SuiteError,),
        modules=("tools.report.bundle", "tools.judge.prediction_records"),
        seeds=_records,
        longest_bytes=12000,
        words=JSON_WORDS,
    ),
)
