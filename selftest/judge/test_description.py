"""Where an OM's own words and its command line depart from the port, to the letter; what an OM that was handed in may
say beyond that. How the words are got is in selftest/ascend/test_om_description.py."""

from __future__ import annotations

import pytest

from tools.judge.description import description_mismatches
from tools.judge.facts import OmDescription, OmInput, StoredOm
from tools.judge.spec import Tensor

SHAPE = (4, 3, 224, 224)
FLOAT, HALF, BYTES = (OmInput("image", dtype, SHAPE) for dtype in ("DT_FLOAT", "DT_FLOAT16", "DT_UINT8"))
SOC = "--soc_version=Ascend310"


def mismatches(
    *stored: str,
    flags: tuple[str, ...] = (),
    of: OmInput = FLOAT,
    dtypes: tuple[str, ...] = ("float32",),
    handed_in: bool = False,
) -> tuple[str, ...]:
    """What is said of an OM whose command line is `stored`, of a port with these flags."""
    found = OmDescription("Ascend310", (of,), StoredOm("Ascend310", (of,), stored, ""))
    asked = tuple(Tensor("image", dtype, SHAPE) for dtype in dtypes)
    return description_mismatches(found, asked, soc="310", flags=flags, handed_in=handed_in)


def unasked(flag: str) -> str:
    return f"the file was made with {flag}, which the port does not state (om: atc_extra_args)"


def without(flag: str) -> str:
    return f"the file was made without {flag}, which the port asks for"


def test_any_of_the_inputs_that_were_asked_for_will_do() -> None:
    assert mismatches(dtypes=("float16", "float32")) == mismatches(dtypes=("float32",)) == ()
    wanted = "asked for was image DT_FLOAT16 [4, 3, 224, 224] or image DT_UINT8 [4, 3, 224, 224]"
    assert mismatches(dtypes=("float16", "uint8")) == (
        f"inputs are image DT_FLOAT [4, 3, 224, 224], {wanted}",
        f"inputs in the file are image DT_FLOAT [4, 3, 224, 224], {wanted}",
    )


def test_several_inputs_are_never_the_one() -> None:
    found = OmDescription("Ascend310", (FLOAT, HALF), StoredOm("Ascend310", (), (), ""))
    (said,) = description_mismatches(found, (Tensor("image", "float32", SHAPE),), soc="310", flags=())
    assert said.startswith("inputs are image DT_FLOAT [4, 3, 224, 224], image DT_FLOAT16 [4, 3, 224, 224], asked for")


@pytest.mark.parametrize(
    ("chips", "what"),
    [
        (("Ascend910B3", "Ascend310", "310"), "the OM"),
        (("310", "Ascend910B3", "Ascend310"), "the OM's file"),
        ((None, None, "Ascend910B3"), "atc's command line"),
    ],
)
def test_a_chip_is_named_with_who_says_it(chips: tuple[str | None, str | None, str], what: str) -> None:
    own, stored, told = chips
    flags = (f"--soc_version={told}", "--enable_small_channel=1")
    found = OmDescription(own, (FLOAT,), StoredOm(stored, (FLOAT,), flags, ""))
    assert description_mismatches(found, (Tensor("image", "float32", SHAPE),), soc="310", flags=()) == (
        f"asked for Ascend310, {what} is Ascend910B3: an OM built for one chip does not load on another",
    )


def test_each_chip_of_the_command_line_is_looked_at() -> None:
    assert mismatches(SOC) == ()
    assert len(mismatches(SOC, "--soc_version=Ascend910B3")) == 1


ORDINARY = ("--mode=0", "--model=/a/m.onnx", "--framework=5", "--output=/a/m", "--input_format=NCHW", "--log=error")


@pytest.mark.parametrize("flag", [*ORDINARY, "--input_shape=image:4,3,224,224", SOC])
def test_flags_of_every_om_are_no_departure_of_one_that_was_handed_in(flag: str) -> None:
    assert mismatches(SOC, flag, handed_in=True) == ()


def test_other_flags_of_an_om_that_was_handed_in_are_the_ports_to_state() -> None:
    assert mismatches(SOC, "--enable_small_channel=1", handed_in=True) == (unasked("--enable_small_channel=1"),)
    assert mismatches(SOC, "--enable_small_channel=1") == ()
    stated = ("--enable_small_channel=1",)
    assert mismatches(SOC, "--enable_small_channel=1", flags=stated, handed_in=True) == ()
    assert mismatches(SOC, flags=stated, handed_in=True) == (without("--enable_small_channel=1"),)


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("--precision_mode=force_fp32", True),
        ("--precision_mode=force_fp16", False),
        ("--precision_mode_v2=fp16", False),
        ("--op_select_implmode=high_performance", False),
        ("--op_select_implmode=high_precision", True),
        ("--customize_dtypes=/a/b=c.cfg", True),
        ("--allow_hf32", True),
        ("--enable_small_channel=1", False),
    ],
)
def test_flags_that_change_numbers_are_the_ports_to_state_but_for_what_atc_does_anyway(flag: str, said: bool) -> None:
    assert mismatches(SOC, flag) == ((unasked(flag),) if said else ())


def test_a_flag_that_was_not_given_is_told_where_the_command_line_is_ours() -> None:
    flag = "--keep_dtype=/work/of=us/keep.cfg"
    assert mismatches(SOC, flags=(flag,)) == (without("--keep_dtype=keep.cfg"),)
    assert mismatches(SOC, "--keep_dtype=keep.cfg", flags=(flag,)) == ()
    assert mismatches("--mode=0", flags=(flag,)) == (), "another tool has written it"


def test_an_aipp_file_of_any_name_is_that_of_an_om_that_was_handed_in() -> None:
    flag, pixels = "--insert_op_conf=/store/aipp_1.cfg", {"of": BYTES, "dtypes": ("uint8",)}
    theirs = "--insert_op_conf=their=own.cfg"
    assert mismatches(SOC, theirs, flags=(flag,), handed_in=True, **pixels) == ()  # type: ignore[arg-type]
    assert mismatches(SOC, flags=(flag,), handed_in=True, **pixels) == (without("--insert_op_conf="),)  # type: ignore[arg-type]
    assert mismatches(SOC, theirs, flags=(flag,), **pixels) == (without("--insert_op_conf=aipp_1.cfg"),)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("flag", "of", "dtype", "shown"),
    [
        ("--insert_op_conf=a.cfg", BYTES, "uint8", True),
        ("--insert_op_conf=a.cfg", FLOAT, "float32", False),
        ("--insert_op_conf=a=b.cfg", FLOAT, "float32", False),
        ("--input_fp16_nodes=image", HALF, "float16", True),
        ("--input_fp16_nodes=image", FLOAT, "float32", False),
        ("--input_fp16_nodes=other;image", FLOAT, "float32", False),
        ("--input_fp16_nodes=other", FLOAT, "float32", True),
        ("--log=error", FLOAT, "float32", True),
    ],
)
def test_a_flag_shows_in_the_input_that_it_changes(flag: str, of: OmInput, dtype: str, shown: bool) -> None:
    found = mismatches(flags=(flag,), of=of, dtypes=(dtype,))
    assert found == (() if shown else (f"its input shows nothing of {flag}",))
