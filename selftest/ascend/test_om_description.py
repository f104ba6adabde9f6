"""What an OM says of itself is compared with what was asked for; a description that cannot be read is an error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.ascend.om_description import describe_om, read_description
from tools.base.errors import OmError
from tools.judge.description import description_mismatches
from tools.judge.facts import OmDescription, OmInput

from .stubs import executable

DATA = {"name": "actual_input_1", "type": "Data"}
TENSOR = {"dtype": "DT_FLOAT", "shape": {"dim": [4, 3, 224, 224]}}
DOCUMENT = {
    "name": "alexnet",
    "attr": [{"key": "atc_cmdline", "value": {"s": "atc --framework=5 --soc_version=Ascend310 --log=error"}}],
    "graph": [{"name": "alexnet", "op": [DATA | {"input_desc": [TENSOR]}, {"name": "c", "type": "Conv2D"}]}],
}
INPUT = OmInput("actual_input_1", "DT_FLOAT", (4, 3, 224, 224))


def _read(document: object) -> OmDescription:
    return read_description(json.dumps(document), gate="om.described[bs4]", where="om.json")


def test_input_and_chip_are_read() -> None:
    assert _read(DOCUMENT) == OmDescription("Ascend310", (INPUT,), ())


def test_the_stored_chip_goes_before_the_command_line() -> None:
    document = DOCUMENT | {"attr": [{"key": "soc_version", "value": {"s": "Ascend310P3"}}]}
    assert _read(document).soc == "Ascend310P3"
    assert _read(DOCUMENT | {"attr": []}).soc is None


def test_sizes_as_text_and_an_input_described_by_its_output() -> None:
    tensor = {"dtype": "DT_FLOAT", "shape": {"dim": ["4", "3", "224", "224"]}}
    document = DOCUMENT | {"graph": [{"op": [DATA | {"output_desc": [tensor]}]}]}
    assert _read(document).inputs == (INPUT,)


def test_flags_that_the_own_record_of_the_command_line_lacks_are_named() -> None:
    asked = ("--precision_mode=force_fp32", "--log=error", "--log=err")
    found = read_description(json.dumps(DOCUMENT), gate="g", where="om.json", extra_args=asked)
    assert found.flags_missing == ("--precision_mode=force_fp32", "--log=err")
    assert "it was compiled without --precision_mode=force_fp32" in mismatches(found)
    silent = read_description(json.dumps(DOCUMENT | {"attr": []}), gate="g", where="om.json", extra_args=asked)
    assert (silent.flags_missing, mismatches(silent)) == (None, ())


@pytest.mark.parametrize("flag", ["--insert_op_conf=/aipp.cfg", "--input_fp16_nodes=x;actual_input_1"])
def test_a_flag_that_was_ignored_shows_in_the_input(flag: str) -> None:
    assert mismatches(OmDescription("Ascend310", (INPUT,)), flags=(flag,)) == (f"its input shows nothing of {flag}",)
    half = OmDescription("Ascend310", (OmInput(INPUT.name, "DT_FLOAT16", INPUT.shape),))
    assert bool(mismatches(half, dtype="float16", flags=(flag,))) is ("fp16" not in flag)


def mismatches(
    found: OmDescription, *, dtype: str = "float32", soc: str = "310", flags: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """How the OM differs from what was asked for."""
    return description_mismatches(
        found, input_name=INPUT.name, dtype=dtype, shape=INPUT.shape, soc=soc, extra_args=flags
    )


@pytest.mark.parametrize(
    ("found", "named"),
    [
        (OmDescription("Ascend310", (OmInput("actual_input_1", "DT_FLOAT", (8, 3, 224, 224)),)), "[8, 3, 224, 224]"),
        (OmDescription("Ascend310", (OmInput("x", "DT_FLOAT", INPUT.shape),)), "inputs are x"),
        (OmDescription("Ascend310", (OmInput("actual_input_1", "DT_UINT8", INPUT.shape),)), "DT_UINT8"),
        (OmDescription("Ascend310", (INPUT, INPUT)), f"inputs are {INPUT}, {INPUT}, asked"),
        (OmDescription("Ascend310P3", (INPUT,)), "the OM is Ascend310P3"),
    ],
)
def test_each_difference_is_named(found: OmDescription, named: str) -> None:
    (reason,) = mismatches(found)
    assert named in reason


@pytest.mark.parametrize("soc", ["Ascend310", None])
def test_an_om_as_asked_for_has_no_difference(soc: str | None) -> None:
    assert mismatches(OmDescription(soc, (INPUT,)), soc="Ascend310") == ()


def test_an_input_of_another_type_than_the_port_asks_for_is_named() -> None:
    half = OmDescription("Ascend310", (OmInput("actual_input_1", "DT_FLOAT16", INPUT.shape),))
    assert mismatches(half, dtype="float16") == ()
    assert "asked for was actual_input_1 DT_FLOAT [" in mismatches(half)[0]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (json.dumps(DOCUMENT)[:-3], "not whole JSON"),
        ("[" * 100_000, "not whole JSON"),
        ("[]", "another layout"),
        ("{}", "another layout"),
        ('{"graph": []}', "another layout"),
        ('{"graph": [{"op": [{"type": "Data", "name": "x", "input_desc": [{}]}]}]}', "another layout"),
        ('{"graph": [{"op": []}]}', "has no input"),
    ],
)
def test_an_unreadable_description_is_refused(text: str, named: str) -> None:
    with pytest.raises(OmError, match=named) as caught:
        read_description(text, gate="om.described[bs4]", where="om.json")
    assert caught.value.gate == "om.described[bs4]"


def _describe(folder: Path, body: str) -> OmDescription:
    (folder / "a.om").write_bytes(b"om")
    env = executable(folder / "bin", "atc", body)
    return describe_om(folder / "a.om", batch=4, env=env, work=folder / "work", logs=folder / "logs")


def test_atc_is_asked_with_mode_1(tmp_path: Path) -> None:
    body = f'assert args["mode"] == "1"\nPath(args["json"]).write_text({json.dumps(DOCUMENT)!r})\n'
    assert _describe(tmp_path, body).inputs == (INPUT,)


@pytest.mark.parametrize(
    ("body", "named"), [("sys.exit(255)\n", "exit code 255"), ("print('E10001: mode')\n", "wrote no JSON")]
)
def test_a_failing_atc_is_named(tmp_path: Path, body: str, named: str) -> None:
    with pytest.raises(OmError, match=named):
        _describe(tmp_path, body)
