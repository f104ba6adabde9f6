"""Flags of atc that a port may give: those that say how wide an OM computes, and those whose value is a file.

Names and meanings are those of CANN's public compiler sources (atc_flags.cc and the pages of its options).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

MODES = ("--precision_mode", "--precision_mode_v2")
IMPLEMENTATION, OPERATORS = "--op_select_implmode", "--optypelist_for_implmode"
KEEP, BY_OPERATOR, MIXLIST = "--keep_dtype", "--op_precision_mode", "--modify_mixlist"
OUTPUT_TYPE = "--output_type"
PRECISION = frozenset(
    {*MODES, IMPLEMENTATION, OPERATORS, KEEP, BY_OPERATOR, MIXLIST, OUTPUT_TYPE, "--customize_dtypes", "--allow_hf32"}
)
"""What changes the numbers that an OM gives."""
DEFAULTS = frozenset(
    {"--precision_mode=force_fp16", "--precision_mode_v2=fp16", "--op_select_implmode=high_performance"}
)
"""Words that ask for what atc does anyway."""
FILES = frozenset(
    {KEEP, BY_OPERATOR, MIXLIST, "--customize_dtypes", "--fusion_switch_file", "--compress_weight_conf", "--cal_conf"}
    | {"--op_name_map", "--compression_optimize_conf", "--op_debug_config", "--raw_ge_options", "--build_config"}
    | {"--singleop", "--cluster_config"}
)
"""Whose value is a file, which lies beside the port's."""
OUTPUT_TYPES = {"FP32": "float32", "FP16": "float16"}
WIDE = ("force_fp32", "must_keep_origin_dtype", "cube_fp16in_fp32out", "origin")
"""Modes that keep float32 in more places than fp16 does."""
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def by_name(words: Sequence[str]) -> dict[str, str]:
    """`--name=value` by name; of a name that is given twice the last one, as the tools take it."""
    return {name: value for name, _, value in (word.partition("=") for word in words)}


def named_files(words: Sequence[str]) -> dict[str, str]:
    """The files that these flags name, by flag."""
    return {flag: name for flag, name in by_name(words).items() if flag in FILES}


def output_type(words: Sequence[str]) -> str | None:
    """The type of all outputs that is asked for, None where the ONNX file's own holds."""
    asked = by_name(words).get(OUTPUT_TYPE)
    return None if asked is None else OUTPUT_TYPES[asked]


def check_flags(words: Sequence[str]) -> None:
    """ValueError for flags that a port cannot give."""
    given = Counter(word.partition("=")[0] for word in words)
    for flag, times in given.items():
        if times > 1:
            raise ValueError(f"atc_extra_args gives {flag} {times} times, of which atc takes the last")
    for flag, name in named_files(words).items():
        if not _PLAIN.fullmatch(name):
            raise ValueError(f"atc_extra_args: {flag} is {name!r}, it must be the name of a file beside the port's")
    asked = by_name(words).get(OUTPUT_TYPE, "FP32")
    if asked not in OUTPUT_TYPES:
        told = f"{OUTPUT_TYPE} is {asked!r}: logits are judged as {' or '.join(OUTPUT_TYPES)}, said for all outputs"
        raise ValueError(f"atc_extra_args: {told}")


def precision_remark(words: Sequence[str], *, on_device: bool, fp16_bounds: bool = True) -> str:
    """How the OM was asked to compute, in words for beside the verdict; empty where the port leaves that to atc.

    `fp16_bounds` is false where logits are held within wider ones, which say themselves what they are.
    """
    given = by_name(words)
    said = [given[flag] for flag in MODES if flag in given]
    if IMPLEMENTATION in given:
        operators = given.get(OPERATORS, "")
        said.append(f"{given[IMPLEMENTATION]} for {operators or 'what its own list names'}")
    others = sorted(PRECISION.intersection(given) - {*MODES, IMPLEMENTATION, OPERATORS})
    said += [f"{flag[2:]} {given[flag]}" for flag in others]
    if not said:
        return ""
    remark = f"precision: {', '.join(said)}"
    if fp16_bounds and any(given.get(flag) in WIDE for flag in MODES):
        remark += "; logits are held within the bounds of fp16, which are wider than this needs"
    if not on_device and {IMPLEMENTATION, BY_OPERATOR}.intersection(given):
        remark += "; the simulator computes every implementation of an operator alike"
    return remark
