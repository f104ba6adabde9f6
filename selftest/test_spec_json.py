"""A spec survives the way into JSON and back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools.base.files import ROOT
from tools.judge import records, strict_json
from tools.judge.spec import Spec
from tools.ports.spec import PUBLISHED_SPEC, load_spec, port_names, port_path
from tools.ports.spec_json import spec_json


@pytest.mark.parametrize("name", port_names())
def test_nothing_is_lost(name: str) -> None:
    path = port_path(name)
    assert records.read(Spec, strict_json.parse(spec_json(load_spec(path)))) == load_spec(path)


def test_the_command_writes_what_the_verifier_reads(tmp_path: Path) -> None:
    out = tmp_path / "spec.json"
    words = [sys.executable, str(ROOT / "tools" / "spec_json.py"), str(PUBLISHED_SPEC), str(out)]
    assert subprocess.run(words, check=False, cwd="/").returncode == 0
    assert out.read_bytes() == spec_json(load_spec(PUBLISHED_SPEC))


def test_the_command_refuses_what_is_no_spec(tmp_path: Path) -> None:
    words = [sys.executable, str(ROOT / "tools" / "spec_json.py"), str(tmp_path / "x.yaml"), str(tmp_path / "out")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
