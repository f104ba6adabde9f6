"""Flags of atc that say how wide an OM computes: what a port may give, and what stands beside the verdict."""

from __future__ import annotations

import pytest

from tools.judge.atc_flags import (
    DEFAULTS,
    FILES,
    KEEP,
    PRECISION,
    by_name,
    check_flags,
    named_files,
    output_type,
    precision_remark,
)

WIDER = "; logits are held within the bounds of fp16, which are wider than this needs"
ALIKE = "; the simulator computes every implementation of an operator alike"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--precision_mode=force_fp16", "--precision_mode=force_fp32"), "gives --precision_mode 2 times"),
        (("--keep_dtype=/etc/passwd",), "--keep_dtype is '/etc/passwd', it must be the name of a file beside"),
        (("--op_precision_mode=../op.ini",), "it must be the name of a file beside the port's"),
        (("--fusion_switch_file=",), "it must be the name of a file beside the port's"),
        (("--output_type=UINT8",), "logits are judged as FP32 or FP16"),
        (("--output_type=fc:0:FP16",), "said for all outputs"),
    ],
)
def test_flags_that_a_port_cannot_give(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_flags(words)


def test_what_atc_itself_refuses_is_left_to_it() -> None:
    check_flags(("--precision_mode=banana", "--keep_dtype=keep.cfg", "--output_type=FP16", "--no_such_flag=1"))


def test_files_and_output_types() -> None:
    assert named_files(("--keep_dtype=a.cfg", "--log=b", "--cal_conf=c")) == {KEEP: "a.cfg", "--cal_conf": "c"}
    assert [output_type(words) for words in ((), ("--output_type=FP16",), ("--output_type=FP32",))] == [
        *(None, "float16", "float32")
    ]


@pytest.mark.parametrize(
    ("words", "on_device", "said"),
    [
        ((), True, ""),
        (("--enable_small_channel=1", "--log=error"), False, ""),
        (("--precision_mode=allow_mix_precision",), True, "precision: allow_mix_precision"),
        (("--precision_mode_v2=origin",), True, f"precision: origin{WIDER}"),
        (
            (
                "--op_select_implmode=high_performance",
                "--optypelist_for_implmode=Gelu",
                "--precision_mode=must_keep_origin_dtype",
            ),
            True,
            f"precision: must_keep_origin_dtype, high_performance for Gelu{WIDER}",
        ),
        (
            ("--op_select_implmode=high_precision",),
            False,
            f"precision: high_precision for what its own list names{ALIKE}",
        ),
        (
            ("--output_type=FP16", "--op_precision_mode=op.ini", "--keep_dtype=k.cfg"),
            False,
            f"precision: keep_dtype k.cfg, op_precision_mode op.ini, output_type FP16{ALIKE}",
        ),
    ],
)
def test_what_is_said_beside_the_verdict(words: tuple[str, ...], on_device: bool, said: str) -> None:
    assert precision_remark(words, on_device=on_device) == said


NAMES_A_FILE = (
    *("--keep_dtype", "--op_precision_mode", "--modify_mixlist", "--customize_dtypes", "--fusion_switch_file"),
    *("--compress_weight_conf", "--cal_conf", "--op_name_map", "--compression_optimize_conf", "--op_debug_config"),
    *("--raw_ge_options", "--build_config", "--singleop", "--cluster_config"),
)
CHANGES_NUMBERS = (
    *("--precision_mode", "--precision_mode_v2", "--op_select_implmode", "--optypelist_for_implmode"),
    *("--keep_dtype", "--op_precision_mode", "--modify_mixlist", "--output_type", "--customize_dtypes"),
    "--allow_hf32",
)


@pytest.mark.parametrize("flag", NAMES_A_FILE)
def test_a_flag_whose_value_is_a_file_takes_a_plain_name(flag: str) -> None:
    assert named_files((f"{flag}=own.cfg",)) == {flag: "own.cfg"}
    check_flags((f"{flag}=Own_1.cfg-2",))
    for name in ("../own.cfg", "/etc/passwd", ".hidden", "-x", "a b", "own=1", "owñ", ""):
        with pytest.raises(ValueError, match=r"it must be the name of a file beside the port's$") as caught:
            check_flags((f"{flag}={name}",))
        assert str(caught.value).startswith(f"atc_extra_args: {flag} is {name!r}, ")


def test_no_other_flag_names_a_file_or_changes_numbers() -> None:
    assert frozenset(NAMES_A_FILE) == FILES
    assert frozenset(CHANGES_NUMBERS) == PRECISION
    assert {
        "--precision_mode=force_fp16",
        "--precision_mode_v2=fp16",
        "--op_select_implmode=high_performance",
    } == DEFAULTS


def test_a_value_may_hold_the_sign_that_parts_it_from_its_name() -> None:
    assert by_name(("--input_shape=a:1=2", "--log=error", "--flag")) == {
        "--input_shape": "a:1=2",
        "--log": "error",
        "--flag": "",
    }
    with pytest.raises(ValueError, match="gives --input_shape 2 times, of which atc takes the last"):
        check_flags(("--input_shape=a=1", "--input_shape=b=1"))
    check_flags(())


@pytest.mark.parametrize("mode", ["force_fp32", "must_keep_origin_dtype", "cube_fp16in_fp32out", "origin"])
@pytest.mark.parametrize("flag", ["--precision_mode", "--precision_mode_v2"])
def test_a_mode_that_keeps_float32_is_held_within_wider_bounds_than_it_needs(flag: str, mode: str) -> None:
    words = (f"{flag}={mode}",)
    assert precision_remark(words, on_device=True) == f"precision: {mode}{WIDER}"
    assert precision_remark(words, on_device=True, fp16_bounds=False) == f"precision: {mode}"
