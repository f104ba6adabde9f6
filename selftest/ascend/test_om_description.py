"""What an OM says of itself is compared with what was asked for; a description that cannot be read is an error."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tools.ascend.om_description import describe_om, read_description
from tools.base.errors import OmError
from tools.judge.description import description_mismatches
from tools.judge.facts import OmDescription, OmInput, StoredOm
from tools.judge.spec import Tensor

from .stubs import executable

DATA = {"name": "actual_input_1", "type": "Data"}
TENSOR = {"dtype": "DT_FLOAT", "shape": {"dim": [4, 3, 224, 224]}}
DOCUMENT = {
    "name": "alexnet",
    "attr": [{"key": "atc_cmdline", "value": {"s": "atc --framework=5 --soc_version=Ascend310 --log=error"}}],
    "graph": [{"name": "alexnet", "op": [DATA | {"input_desc": [TENSOR]}, {"name": "c", "type": "Conv2D"}]}],
}
INPUT = OmInput("actual_input_1", "DT_FLOAT", (4, 3, 224, 224))


STORED = StoredOm("Ascend310", (INPUT,), ("--soc_version=Ascend310", "--precision_mode=force_fp16"), "")


def described(*inputs: OmInput, soc: str | None = "Ascend310", stored: StoredOm = STORED) -> OmDescription:
    """An OM by atc's words and its own."""
    return OmDescription(soc, inputs, stored)


def _read(document: object) -> tuple[str | None, tuple[OmInput, ...]]:
    return read_description(json.dumps(document), gate="om.described[bs4]", where="om.json")


def test_input_and_chip_are_read() -> None:
    assert _read(DOCUMENT) == ("Ascend310", (INPUT,))


def test_the_stored_chip_goes_before_the_command_line() -> None:
    document = DOCUMENT | {"attr": [{"key": "soc_version", "value": {"s": "Ascend310P3"}}]}
    assert _read(document)[0] == "Ascend310P3"
    assert _read(DOCUMENT | {"attr": []})[0] is None


def test_sizes_as_text_and_an_input_described_by_its_output() -> None:
    tensor = {"dtype": "DT_FLOAT", "shape": {"dim": ["4", "3", "224", "224"]}}
    document = DOCUMENT | {"graph": [{"op": [DATA | {"output_desc": [tensor]}]}]}
    assert _read(document)[1] == (INPUT,)


@pytest.mark.parametrize("flag", ["--insert_op_conf=/aipp.cfg", "--input_fp16_nodes=x;actual_input_1"])
def test_a_flag_that_was_ignored_shows_in_the_input(flag: str) -> None:
    assert f"its input shows nothing of {flag}" in mismatches(described(INPUT), flags=(flag,))
    asked = OmInput(INPUT.name, "DT_FLOAT16", INPUT.shape)
    half = described(asked, stored=replace(STORED, inputs=(asked,)))
    shown = [said for said in mismatches(half, dtype="float16", flags=(flag,)) if said.startswith("its input")]
    assert bool(shown) is ("fp16" not in flag)


def mismatches(
    found: OmDescription, *, dtype: str = "float32", soc: str = "310", flags: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """How the OM differs from what was asked for."""
    asked = Tensor("actual_input_1", dtype, INPUT.shape)
    return description_mismatches(found, (asked,), soc=soc, flags=flags)


@pytest.mark.parametrize(
    ("found", "named"),
    [
        (described(OmInput("actual_input_1", "DT_FLOAT", (8, 3, 224, 224))), "[8, 3, 224, 224]"),
        (described(OmInput("x", "DT_FLOAT", INPUT.shape)), "inputs are x"),
        (described(OmInput("actual_input_1", "DT_UINT8", INPUT.shape)), "DT_UINT8"),
        (described(INPUT, INPUT), f"inputs are {INPUT}, {INPUT}, asked"),
        (described(INPUT, soc="Ascend310P3"), "the OM is Ascend310P3"),
    ],
)
def test_each_difference_is_named(found: OmDescription, named: str) -> None:
    (reason,) = mismatches(found)
    assert named in reason


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"soc": "Ascend910B"}, "the OM's file is Ascend910B"),
        ({"inputs": (OmInput("actual_input_1", "DT_UINT8", (4, 224, 224, 3)),)}, "inputs in the file are"),
        (
            {"flags": (*STORED.flags, "--precision_mode_v2=mixed_float16")},
            "made with --precision_mode_v2=mixed_float16, which the port does not state",
        ),
        ({"flags": ("--soc_version=Ascend310",)}, "made without --precision_mode=force_fp16, which the port asks for"),
    ],
)
def test_a_file_that_says_otherwise_is_named(changes: dict[str, Any], named: str) -> None:
    (reason,) = mismatches(
        described(INPUT, stored=replace(STORED, **changes)), soc="Ascend310", flags=("--precision_mode=force_fp16",)
    )
    assert named in reason


def test_flags_are_held_against_a_command_line_that_is_ours_alone() -> None:
    flags = ("--mdl_bank_path=/home/me/bank",)
    kept = replace(STORED, flags=("--soc_version=Ascend310", "--mdl_bank_path=bank"))
    unread = StoredOm(None, (), (), "the OM is encrypted")
    assert mismatches(described(INPUT, stored=kept), soc="Ascend310", flags=flags) == ()
    assert mismatches(described(INPUT, stored=unread), soc="Ascend310", flags=flags) == ()
    assert mismatches(described(INPUT, stored=replace(STORED, flags=("--x=1",))), soc="Ascend310", flags=flags) == ()


@pytest.mark.parametrize("soc", ["Ascend310", None])
def test_an_om_as_asked_for_has_no_difference(soc: str | None) -> None:
    assert mismatches(described(INPUT, soc=soc), soc="Ascend310") == ()


def test_an_input_of_another_type_than_the_port_asks_for_is_named() -> None:
    asked = OmInput("actual_input_1", "DT_FLOAT16", INPUT.shape)
    half = described(asked, stored=replace(STORED, inputs=(asked,)))
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


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ("--insert_op_conf=mine.config", ()),
        ("--x=1", ("the file was made without --insert_op_conf=, which the port asks for",)),
    ],
)
def test_the_aipp_file_of_an_om_that_was_handed_in_has_any_name(stored: str, said: tuple[str, ...]) -> None:
    pixels = OmInput("actual_input_1", "DT_UINT8", INPUT.shape)
    flags = ("--soc_version=Ascend310", stored)
    found = described(pixels, stored=replace(STORED, inputs=(pixels,), flags=flags))

    def mismatches_of(*, handed_in: bool) -> tuple[str, ...]:
        return description_mismatches(
            found,
            (Tensor(pixels.name, "uint8", pixels.shape),),
            soc="Ascend310",
            flags=("--insert_op_conf=/store/aipp_0123.cfg",),
            handed_in=handed_in,
        )

    assert tuple(one for one in mismatches_of(handed_in=True) if "--x=1" not in one) == said
    assert "made without --insert_op_conf=aipp_0123.cfg" in mismatches_of(handed_in=False)[0]
