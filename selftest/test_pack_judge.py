"""The packed judge and the checkout's say the same, on every Python from 3.8 on that this machine has."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from selftest.evidence.bundles import Made, World
from selftest.evidence.tampering import Forgery, contents_of
from tools.base.files import ROOT
from tools.evidence.manifest import write_manifest
from tools.judge.layout import FILE, MANIFEST, SPEC_JSON
from tools.pack_judge import PACKED, STARTED_FIRST, judge_files, pack

SCRIPT = ROOT / "tools" / "verify_bundle.py"
SMALL = World(images=60, margin_pp=20.0, tight_pp=19.0, logit_noise=0.002, batches=(1,), runs=2)
JUDGES, TOO_OLD = range(8, 16), ("2.7", "3.6", "3.7")
LARGEST = 300_000
"""What the packed file may take, in bytes."""


def pythons(versions: list[str]) -> list[str]:
    """The interpreters of these versions that this machine has, wherever pyenv or the system keeps them."""
    kept = Path.home() / ".pyenv" / "versions"
    found = [str(path) for version in versions for path in sorted(kept.glob(f"{version}.*/bin/python"))]
    found += [place for version in versions if (place := shutil.which(f"python{version}"))]
    return list(dict.fromkeys(name for place in found if (name := _name_of_its_own(place))))


def _name_of_its_own(python: str) -> str:
    """What the interpreter calls itself, empty where it does not run: pyenv puts a script in the place of each."""
    done = subprocess.run([python, "-c", "import sys; print(sys.executable)"], capture_output=True, check=False)
    return "" if done.returncode else str(Path(done.stdout.decode().strip()).resolve())


NEW_PYTHONS = [sys.executable, *pythons([f"3.{minor}" for minor in JUDGES])]


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packed judge, in a folder where a package lies that is called as the suite's is."""
    place = tmp_path_factory.mktemp("packed") / PACKED.name
    pack(place)
    (place.parent / "tools").mkdir()
    (place.parent / "tools" / "__init__.py").write_text("raise SystemExit('not the judge')\n")
    return place


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of bundles: good, rejected, of two jobs, forged, damaged, old, and none."""
    folder = tmp_path_factory.mktemp("bundles")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        Made(SMALL).write(folder / "good")
        Made(replace(SMALL, logit_noise=1.5, margin_pp=1.0, tight_pp=0.1)).write(folder / "rejected")
        Made(replace(SMALL, stages=("checkpoint", "onnx", "preprocessing", "om", "accuracy"))).write(folder / "files")
        Made(replace(SMALL, stages=("perf",))).write(folder / "perf")
        for name, alter in {"forged": _forge, "damaged": _damage, "old": _age}.items():
            shutil.copytree(folder / "good", folder / name)
            alter(folder / name)
        yield folder


def _forge(folder: Path) -> None:
    forgery = Forgery(contents_of(folder))
    forgery.record["checkpoint"]["missing"] = ["x"]
    for name, content in forgery.sealed().contents.items():
        (folder / name).write_bytes(content)
    write_manifest(folder)


def _damage(folder: Path) -> None:
    (folder / "predictions/labels.npy").write_bytes(b"x")


def _age(folder: Path) -> None:
    """What the suite wrote before there were facts."""
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / FILE).write_text(json.dumps({"schema": 1, "verdict": {"word": "ACCEPTED"}, "gates": []}))
    write_manifest(folder)


CASES: dict[str, tuple[list[str], int]] = {
    "good": (["good"], 0),
    "good, and required to be": (["good", "--port", f"good/{SPEC_JSON}", "--require", "ACCEPTED"], 0),
    "good by a port that nobody named": (["good", "--require", "ACCEPTED"], 1),
    "rejected": (["rejected"], 1),
    "half of a run": (["files"], 1),
    "both jobs of a run": (["files", "perf"], 0),
    "by a spec": (["good", "--port", f"good/{SPEC_JSON}"], 0),
    "given twice": (["good", "good"], 2),
    "forged": (["forged"], 2),
    "damaged": (["damaged"], 2),
    "of an older suite": (["old"], 2),
    "of another place": (["nowhere"], 2),
}


def said(
    python: str, judge: Path, words: list[str], here: Path, *, options: tuple[str, ...] = ("-S", "-I")
) -> tuple[int, str]:
    """Exit status, and all that was said, of a judge in another folder and without site packages."""
    done = subprocess.run([python, *options, str(judge), *words], capture_output=True, text=True, check=False, cwd=here)
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


@pytest.mark.parametrize("case", CASES)
def test_the_packed_judge_says_what_the_checkouts_says(case: str, packed: Path, bundles: Path) -> None:
    words, status = CASES[case]
    ours = said(sys.executable, SCRIPT, words, bundles)
    assert ours[0] == status, ours[1]
    assert said(sys.executable, packed, words, bundles) == ours


@pytest.mark.parametrize(
    "python",
    [pytest.param(name, marks=() if place < 2 else pytest.mark.nightly) for place, name in enumerate(NEW_PYTHONS)],
)
def test_every_python_from_3_8_on_says_the_same(python: str, packed: Path, bundles: Path) -> None:
    for name in ("good", "rejected", "both jobs of a run", "by a spec", "forged", "of an older suite"):
        words, status = CASES[name]
        ours = said(sys.executable, packed, words, bundles)
        assert ours[0] == status, name
        assert said(python, packed, words, bundles) == ours, name
    assert said(python, SCRIPT, *CASES["good"][:1], bundles)[0] == 0


def test_an_older_python_says_so_in_one_line(packed: Path) -> None:
    for python in pythons(list(TOO_OLD)):
        for judge in (packed, SCRIPT):
            done = subprocess.run([python, str(judge), "x"], capture_output=True, text=True, check=False, cwd="/")
            assert (done.returncode, done.stdout) == (3, ""), python
            assert done.stderr.startswith("error: this needs Python 3.8 or newer, this is ")
            assert done.stderr.count("\n") == 1


def test_the_line_for_an_older_python_is_said_before_anything_is_imported() -> None:
    """As an older Python would: told that it is one, this one must come to the line too."""
    code = (
        "import runpy, sys; sys.version_info = (3, 7, 16, 'final', 0); "
        f"runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-S", "-I", "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (3, "error: this needs Python 3.8 or newer, this is 3.7\n")


NEWER_THAN_2_7 = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Nonlocal, ast.AsyncFunctionDef, ast.YieldFrom)


@pytest.mark.parametrize("name", ["tools/__init__.py", "tools/verify_bundle.py", STARTED_FIRST])
def test_what_an_older_python_reads_first_it_can_read(name: str, packed: Path) -> None:
    source = zipfile.ZipFile(packed).read(name)
    assert source.isascii(), "Python 2 asks for the encoding of anything else"
    for node in ast.walk(ast.parse(source)):
        assert not isinstance(node, NEWER_THAN_2_7)
        assert not (
            isinstance(node, ast.FunctionDef) and (node.returns or node.args.kwonlyargs or node.args.posonlyargs)
        )
        assert not (isinstance(node, ast.arg) and node.annotation)


def test_nothing_beside_the_packed_judge_is_taken_for_it(packed: Path, bundles: Path) -> None:
    """Not even where Python looks into the folder that it was started in."""
    assert said(sys.executable, packed, [str(bundles / "good")], packed.parent, options=("-S",))[0] == 0


def test_the_same_code_gives_the_same_bytes(packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    pack(tmp_path / "again.pyz")
    assert (tmp_path / "again.pyz").read_bytes() == packed.read_bytes()


def test_the_judge_and_what_it_imports_are_packed_and_nothing_else(packed: Path) -> None:
    names = zipfile.ZipFile(packed).namelist()
    assert names == [STARTED_FIRST, *judge_files()]
    judge = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tools" / "judge").rglob("*.py")}
    assert judge <= set(names), "a module of the judge that it does not use"
    others = set(names) - judge - {STARTED_FIRST, "tools/__init__.py", "tools/verify_bundle.py"}
    assert all(name.startswith("tools/base/") for name in others), others
    assert packed.stat().st_size < LARGEST


def test_make_judge_writes_it_where_nothing_is_installed(tmp_path: Path) -> None:
    place = tmp_path / "judge.pyz"
    command = [sys.executable, "-S", "-I", str(ROOT / "tools" / "pack_judge.py"), str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{place}: {place.stat().st_size} bytes\n"), done.stderr


def test_an_old_bundle_is_refused_in_one_line(bundles: Path) -> None:
    assert said(sys.executable, SCRIPT, ["old"], bundles) == (
        2,
        f"old: {FILE}: schema 1, this judge reads schema 5: judge it with the suite that wrote it\n"
        "VERDICT: NONE - the evidence does not hold (1 problem)\n",
    )
    assert (bundles / "old" / MANIFEST).is_file()
    command = [sys.executable, str(ROOT / "tools" / "report_bundle.py"), "old"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=bundles)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "schema 1, this judge reads schema 5" in done.stderr
