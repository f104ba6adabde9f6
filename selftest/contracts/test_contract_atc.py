"""atc: console, exit status and files, fact sheet section 1."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest

from selftest.contracts import tiny_model
from selftest.contracts.conftest import atc_args
from selftest.contracts.host import Host

START = "ATC start working now, please wait for a moment."
SUCCESS = "ATC run success, welcome to the next use."
FAILURE = "ATC run failed, Please check the detail log, Try 'atc --help' for more information"
OLDER, NEWER = "8.1", "9.1"
CODE = re.compile(r"^(?:.*\()?((?:E|EZ|EI|EL|EH|EE)[0-9A-Z]{4,5})\)?:", re.MULTILINE)


@pytest.fixture(params=[OLDER, NEWER])
def speaking(request: pytest.FixtureRequest, host: Host) -> Host:
    """The host in both forms of messages where it is the simulator; a CANN that is installed has one."""
    release = str(request.param)
    if host.target == "simulator":
        return dataclasses.replace(host, env={**host.env, "ASCEND_SIMULATOR_CANN": release})
    if release == NEWER:
        pytest.skip("the CANN that is installed writes one form, which the first round has read")
    return host


def test_a_conversion_prints_both_lines_and_writes_the_om(host: Host, onnx_file: Path, tmp_path: Path) -> None:
    done = host.run("atc", *atc_args(onnx_file, tmp_path / "tiny", host.soc), cwd=tmp_path)
    assert done.returncode == 0
    assert START in done.stdout
    assert SUCCESS in done.stdout
    assert (tmp_path / "tiny.om").stat().st_size > 0
    assert {path.name for path in tmp_path.iterdir()} - {"tiny.om"} <= {
        "kernel_meta", "fusion_result.json", "check_result.json", "atc_data",
    }  # fmt: skip


def test_flags_may_be_given_as_two_words(host: Host, onnx_file: Path, tmp_path: Path) -> None:
    words = [part for flag in atc_args(onnx_file, tmp_path / "tiny", host.soc) for part in flag.split("=", 1)]
    assert host.run("atc", *words, cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"input_shape": "no_such_input:1,3,8,8"}, {"E10016"}),
        ({"input_shape": "actual_input_1"}, {"E10002"}),
        ({"input_shape": "actual_input_1:one,3,8,8"}, {"E10002", "E10011"}),
        ({"soc_version": "ASCEND310"}, {"E10001"}),
        ({"soc_version": "310"}, {"E10001"}),
        ({"framework": None}, {"E10007"}),
        ({"log": "loud"}, {"E10010"}),
        ({"model": "no_such_file.onnx"}, {"E10001", "E10020", "E10021", "E10022"}),
    ],
)
def test_a_wrong_command_line_is_refused_with_its_code(
    speaking: Host, onnx_file: Path, tmp_path: Path, changes: dict[str, str | None], codes: set[str]
) -> None:
    done = speaking.run("atc", *atc_args(onnx_file, tmp_path / "tiny", speaking.soc, **changes), cwd=tmp_path)
    assert done.returncode != 0
    assert FAILURE in done.stdout
    assert SUCCESS not in done.stdout
    assert codes & set(CODE.findall(done.stdout)), done.stdout
    assert not (tmp_path / "tiny.om").exists()


def test_a_newer_opset_has_no_parser(speaking: Host, tmp_path: Path) -> None:
    """No known release registers the operators of a classifier above opset 18; from CANN 8.5 on the code is E13010."""
    model = tiny_model.save(tmp_path / "new.onnx", opset=19)
    done = speaking.run("atc", *atc_args(model, tmp_path / "tiny", speaking.soc), cwd=tmp_path)
    assert done.returncode == 255
    assert {"E19010", "E13010"} & set(CODE.findall(done.stdout)), done.stdout


def test_an_unknown_flag_is_refused(host: Host, onnx_file: Path, tmp_path: Path) -> None:
    done = host.run("atc", *atc_args(onnx_file, tmp_path / "tiny", host.soc), "--out_node=x", cwd=tmp_path)
    assert done.returncode != 0
    assert "out_node" in done.stdout + done.stderr


def test_an_om_of_an_earlier_run_survives_a_failed_one(host: Host, onnx_file: Path, tmp_path: Path) -> None:
    (tmp_path / "tiny.om").write_bytes(b"earlier")
    args = atc_args(onnx_file, tmp_path / "tiny", host.soc, input_shape="no_such_input:1,3,8,8")
    host.run("atc", *args, cwd=tmp_path)
    assert (tmp_path / "tiny.om").read_bytes() == b"earlier"


def test_mode_1_tells_chip_and_command_line_of_an_om(host: Host, onnx_file: Path, tmp_path: Path) -> None:
    host.run("atc", *atc_args(onnx_file, tmp_path / "tiny", host.soc, 4), cwd=tmp_path)
    done = host.run("atc", "--mode=1", "--om=tiny.om", "--json=tiny.json", cwd=tmp_path)
    assert done.returncode == 0
    text = json.dumps(json.loads((tmp_path / "tiny.json").read_text(encoding="utf-8")))
    assert host.soc in text
    assert "actual_input_1:4,3,8,8" in text
