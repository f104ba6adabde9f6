"""What a run was made on is told in full, and without its name."""

from __future__ import annotations

import json
import socket
from pathlib import Path

from tools.evidence.host import host_record, suite_sha256, versions
from tools.judge import records


def test_the_host_has_no_name() -> None:
    record = host_record()
    assert socket.gethostname() not in json.dumps(records.plain(record))
    assert record.cores >= 1
    assert record.memory_bytes > 1 << 20
    assert record.cpu_model


def test_a_host_that_does_not_tell_its_model(tmp_path: Path) -> None:
    assert host_record(tmp_path / "nowhere").cpu_model


def test_an_arm_host_tells_its_part(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor : 0\nCPU part\t: 0xd01\n")
    assert host_record(tmp_path / "cpuinfo").cpu_model == "0xd01"


def test_every_library_is_listed() -> None:
    assert {"msgspec", "numpy", "pytest"} <= versions().libraries.keys()


def test_the_suites_digest_follows_its_code(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "a.py").write_text("x = 1\n")
    before = suite_sha256(tmp_path)
    (tmp_path / "tools" / "a.py").write_text("x = 2\n")
    assert suite_sha256(tmp_path) != before
