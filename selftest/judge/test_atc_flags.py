"""Flags of atc that say how wide an OM computes: what a port may give, and what stands beside the verdict."""

from __future__ import annotations

import pytest

from tools.judge.atc_flags import KEEP, check_flags, named_files, output_type, precision_remark

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
