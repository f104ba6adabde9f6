"""Collecting is light: nothing heavy is imported before a test needs it."""

from __future__ import annotations

import subprocess
import sys

from tools.base.files import ROOT

HEAVY = ("torch", "torchvision", "onnx", "onnxruntime", "numpy", "PIL", "scipy", "matplotlib")
LATE = ("jinja2", "tools.verify_bundle", "tools.report.html", "tools.diagnosis.diagnose")
"""The suite's own large parts, which only the end of a run or a failure needs."""
PROGRAM = """\
import sys
import pytest
status = pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider"])
print("IMPORTED", *sorted(name for name in {heavy!r} if name in sys.modules))
sys.exit(status)
"""


def run(program: str) -> str:
    """What the program prints in a child process."""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_collect_only_imports_nothing_heavy() -> None:
    printed = run(PROGRAM.format(heavy=HEAVY + LATE))
    assert "tests/test_perf.py" in printed
    assert printed.splitlines()[-1] == "IMPORTED"


def test_no_module_of_the_tools_imports_anything_heavy() -> None:
    folders = ("", "judge/", "engines/", "ascend/", "report/")
    paths = [path for folder in folders for path in (ROOT / "tools" / folder).glob("*.py")]
    names = sorted(".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths)
    assert len(names) > 50
    program = (
        f"import importlib, sys\nfor name in {names!r}:\n    importlib.import_module(name)\n"
        f"print('IMPORTED', *sorted(name for name in {HEAVY!r} if name in sys.modules))"
    )
    assert run(program).splitlines()[-1] == "IMPORTED"
