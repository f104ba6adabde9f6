"""A spec survives the way into JSON and back."""

from __future__ import annotations

import subprocess
import sys

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


def test_the_command_writes_what_the_verifier_reads() -> None:
    words = [sys.executable, str(ROOT / "tools" / "show_port.py"), "--json", str(PUBLISHED_SPEC)]
    done = subprocess.run(words, check=True, cwd="/", capture_output=True)
    assert done.stdout == spec_json(load_spec(PUBLISHED_SPEC))
