"""A resolved port as text: every value where it was read, what was overridden, and what follows from it all."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.base.files import ROOT
from tools.judge import records
from tools.judge.numbers import Number
from tools.pipeline.setup import prepare
from tools.ports.show import shown
from tools.ports.spec import load_port, load_spec, port_names, port_path
from tools.ports.spec_json import spec_json

ORIGIN = re.compile(r"^( *)(?:- )?(# instead of|[\w.]+:)( .*?)? +# (\S+):(\d+)$")


def show_port(*words: object) -> subprocess.CompletedProcess[str]:
    """The command."""
    script = [sys.executable, str(ROOT / "tools" / "show_port.py"), *map(str, words)]
    return subprocess.run(script, capture_output=True, text=True, check=False, cwd="/")


def printed(*words: object) -> str:
    """What it prints."""
    done = show_port(*words)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def leaves(value: object) -> int:
    """How many values a port has; a number with its unit is one."""
    plain = records.plain(value)
    if isinstance(value, Number) or not plain or not isinstance(plain, (dict, list)):
        return 1
    if isinstance(plain, dict):
        items = value.values() if isinstance(value, dict) else [getattr(value, name) for name in plain]
        return sum(map(leaves, items))
    return sum(map(leaves, value)) if isinstance(plain[0], dict) else 1  # type: ignore[call-overload]


@pytest.mark.parametrize("name", port_names())
def test_every_value_stands_in_the_line_that_it_is_said_to_come_from(name: str) -> None:
    text = shown(load_port(port_path(name)), None)
    found = [match for line in text.splitlines() if (match := ORIGIN.match(line))]
    assert len(found) + text.count("# by default") == leaves(load_spec(port_path(name))) + text.count("# instead of")
    for match in found:
        line = (ROOT / match[4]).read_text(encoding="utf-8").splitlines()[int(match[5]) - 1]
        key = "name:" if match[2] == "port:" else match[2]
        assert key.startswith("#") or key in line, match[0]


def test_an_override_shows_its_reason_and_what_all_ports_share() -> None:
    lines = printed("alexnet_sample").splitlines()
    start = next(place for place, line in enumerate(lines) if "pth_top1_error_pp: {at_most: 0.2" in line)
    assert lines[start].endswith("# ports/alexnet_sample.yaml:51")
    assert lines[start + 2].strip() == "reason: 1000 images, where one image is 0.1 pp"
    assert "# instead of {at_most: 0.1, unit: pp}" in lines[start + 3]
    assert "# thresholds.yaml:" in lines[start + 3]
    plain = next(place for place, line in enumerate(lines) if line.strip().startswith("dataset: 1 "))
    assert lines[plain + 1].strip().startswith("# reason: simulated times say nothing")
    assert lines[plain + 2].strip().startswith("# instead of 3 ")


def test_what_follows_is_said_at_the_end() -> None:
    end = printed("resnet18").rpartition("\n\n")[2]
    assert "image float32 [-1, 3, 224, 224], of the OMs [1 | 4 | 8 | 16 | 32, 3, 224, 224]" in end
    assert "class float32 [-1, 1000]" in end
    assert "om_bs1, om_bs4, om_bs8, om_bs16, om_bs32" in end
    assert re.search(r"NOT JUDGED, Ascend310P3: +om\.accuracy\.top1_error_pp\[bs\*\]", end)
    assert "yes, by sha256_prefix" in end
    assert "the suite's port resnet18, as resolved here, sha256 " in " ".join(end.rpartition("whose:")[2].split())
    assert "NOT JUDGED, Ascend310:" not in printed("alexnet")


def test_json_is_the_resolved_port() -> None:
    assert json.loads(printed("alexnet_sample", "--json")) == records.plain(load_spec(port_path("alexnet_sample")))


@pytest.mark.parametrize("name", ["alexnet_sample", "resnet18"])
def test_a_port_has_one_digest_wherever_it_is_named(name: str, tmp_path: Path) -> None:
    """In the header of a run, in the bundle and its pages (the digest of spec.json), and here in both forms."""
    digest = hashlib.sha256(printed(name, "--json").encode()).hexdigest()
    assert " ".join(printed(name).split()).endswith(f"the suite's port {name}, as resolved here, sha256 {digest}")
    sample = name == "alexnet_sample"
    port = None if sample else name
    files = {"checkpoint": tmp_path / "a.pth", "images": tmp_path, "labels": tmp_path / "labels.txt"}
    for path in (files["checkpoint"], files["labels"]):
        path.touch()
    given = {} if sample else {key: str(path) for key, path in files.items()}
    options = {"port": port, "target": "simulator", **given}
    setup = prepare(options, {}, sample=sample, here=tmp_path, filesystem=tmp_path)
    assert next(line for line in setup.lines() if line.startswith("port: ")).endswith(f", sha256 {digest}")
    assert hashlib.sha256(spec_json(setup.spec)).hexdigest() == digest


def test_the_list_names_every_port() -> None:
    lines = printed("--list").splitlines()
    assert [line.split()[0] for line in lines[1:]] == port_names()
    assert "pth Top-1 56.527" in next(line for line in lines if line.startswith("alexnet "))


def test_only_a_terminal_cuts_long_texts() -> None:
    assert max(map(len, printed().splitlines())) > 150
    assert "…" not in printed("resnet18")
    main, other = pty.openpty()
    script = [sys.executable, str(ROOT / "tools" / "show_port.py"), "resnet18"]
    with subprocess.Popen(script, stdout=other, env={**os.environ, "COLUMNS": "110"}) as process:
        os.close(other)
        text = b""
        while chunk := _read(main):
            text += chunk
    assert process.returncode == 0
    lines = text.decode().replace("\r", "").partition("\n\n")[0].splitlines()
    assert max(map(len, lines)) <= 110
    assert any("…" in line for line in lines)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the other end is closed
        return b""


def test_a_port_of_ones_own_is_shown_by_its_place(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        port_path("resnet18").read_text(encoding="utf-8").replace("name: resnet18", "name: mine", 1), "utf-8"
    )
    assert f"# {path}:" in printed(path)


@pytest.mark.parametrize("word", ["no-such-port", "./no-such-file.yaml"])
def test_a_port_that_is_not_there_is_refused_in_one_line(word: str) -> None:
    done = show_port(word)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_an_input_of_pixels_is_shown_as_oms_take_it() -> None:
    (line,) = (line for line in printed("alexnet_aipp").splitlines() if line.startswith("input:"))
    assert line.endswith("float32 [-1, 3, 224, 224], of the OMs uint8 [1 | 4 | 8 | 16 | 32, 256, 256, 3]")
