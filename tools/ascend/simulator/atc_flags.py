"""atc's flags: which there are, and what each does with a value that it cannot have or that is not simulated.

Names, values, codes and reasons are those of CANN's public compiler sources (atc_flags.cc, main_impl.cc and
option_utils.cc of 2026). Where they state no check, a value outside the documented ones is E10001.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from tools.ascend.simulator import flags
from tools.ascend.simulator.atc_error import AtcError, invalid, not_simulated

Rule = Callable[[str, str], None]
"""Raises AtcError for a name's value."""

BUFFERS = ("l1_optimize", "l2_optimize", "off_optimize", "l1_and_l2_optimize")
IMPLEMENTATIONS = (
    *("high_performance", "high_precision", "high_precision_for_all", "high_performance_for_all"),
    *("enable_float_32_execution", "enable_hi_float_32_execution"),
)
PRECISION_MODES = (
    *("force_fp16", "force_fp32", "cube_fp16in_fp32out", "allow_mix_precision", "allow_fp32_to_fp16"),
    *("must_keep_origin_dtype", "allow_mix_precision_fp16", "allow_mix_precision_bf16", "allow_fp32_to_bf16"),
)
PRECISION_MODES_V2 = (
    *("fp16", "origin", "cube_fp16in_fp32out", "mixed_float16", "mixed_bfloat16", "cube_hif8", "mixed_hif8"),
)
LOG_LEVELS = ("null", "debug", "info", "warning", "error")
NOT_IN_RANGE = "The current value is not within the valid range."


def anything(_name: str, _value: str) -> None:
    """Checked elsewhere, or nothing that could be wrong with it."""


def one_of(*values: str, reason: str = "", code: str = "E10001") -> Rule:
    """One of these words."""
    told = reason or f"{NOT_IN_RANGE} Valid values are: {{{', '.join(values)}}}."

    def check(name: str, value: str) -> None:
        if value not in values:
            raise invalid(name, value, told, code)

    return check


def unsimulated(name: str, value: str) -> None:
    """A flag that would change the model in a way that the simulator has no model of."""
    raise not_simulated(f"--{name}={value}")


def file_of(missing: str, code: str = "E10001") -> Rule:
    """A file that must exist, and what it says is not simulated."""

    def check(name: str, value: str) -> None:
        if not Path(value).is_file():
            raise invalid(name, value, missing, code)
        raise not_simulated(f"what the file of --{name} says")

    return check


def existing(missing: str, code: str = "E10001") -> Rule:
    """A file that must exist; what it says is looked at elsewhere."""

    def check(name: str, value: str) -> None:
        if not Path(value).is_file():
            raise invalid(name, value, missing, code)

    return check


def only(*simulated: str, of: Rule) -> Rule:
    """Values that pass `of`, of which only some are simulated."""

    def check(name: str, value: str) -> None:
        of(name, value)
        if value not in simulated:
            unsimulated(name, value)

    return check


def _whole(name: str, value: str) -> None:
    if not re.fullmatch(r"[0-9]+", value):
        raise invalid(name, value, "It is not a digit.")


def _log(name: str, value: str) -> None:
    if value not in LOG_LEVELS:
        raise AtcError("E10010", f"The log level [{value}] for [--{name}] is not one of {', '.join(LOG_LEVELS)}.")


def _discarded(name: str, value: str) -> None:
    raise invalid(name, value, "The tune function has been discarded. Use the AOE tool for tuning.")


def _dynamic_sizes(name: str, value: str) -> None:
    if not re.fullmatch(r"[0-9,; ]+", value):
        raise invalid(name, value, 'It can only contain digits, ",", " " and ";".', "E10003")


TRUE_FALSE = one_of("true", "false", reason="The value must be true or false.", code="E10005")
ZERO_ONE = one_of("0", "1", reason="The value must be 1 or 0.", code="E10006")
NO_FILE = file_of("The file does not exist or cannot be read.", "E10020")

FREE = frozenset(
    {"mode", "om", "json", "model", "output", "soc_version", "input_shape", "out_nodes", "output_type", "debug_dir"}
    | {"input_fp16_nodes", "optypelist_for_implmode", "op_compiler_cache_dir", "check_report", "mdl_bank_path"}
    | {
        "op_bank_path",
        "aicore_num",
        "enable_scope_fusion_passes",
        "weight",
        "insert_op_conf",
        "host_env_os",
        "host_env_cpu",
        "target",
    }
)
RULES: dict[str, Rule] = {
    **dict.fromkeys(sorted(FREE), anything),
    "framework": one_of("5", reason="The simulator converts ONNX (5) only."),
    "input_format": one_of("NCHW", "ND", "NCDHW", reason="ONNX models support NCHW, ND, NCDHW."),
    "log": _log,
    "precision_mode": one_of(*PRECISION_MODES),
    "precision_mode_v2": one_of(*PRECISION_MODES_V2),
    "is_weight_clip": ZERO_ONE,
    # What follows concerns speed, logs and by-products on a device: checked, and of no effect here.
    "auto_tune_mode": _discarded,
    "buffer_optimize": one_of(*BUFFERS, reason="The value must be l2_optimize or off_optimize."),
    "op_select_implmode": one_of(*IMPLEMENTATIONS, reason=f"The value must be {', '.join(IMPLEMENTATIONS[:4])}."),
    "op_debug_level": one_of("0", "1", "2", "3", "4"),
    "op_compiler_cache_mode": one_of("disable", "enable", "force"),
    "device_id": _whole,
    "enable_small_channel": ZERO_ONE,
    "enable_compress_weight": TRUE_FALSE,
    "enable_attr_compression": TRUE_FALSE,
    "enable_single_stream": TRUE_FALSE,
    "allow_hf32": TRUE_FALSE,
    **dict.fromkeys(("disable_reuse_memory", "status_check", "virtual_type", "dump_mode", "deterministic"), ZERO_ONE),
    **dict.fromkeys(("ac_parallel_enable", "tiling_schedule_optimize", "quant_dumpable"), ZERO_ONE),
    "atomic_clean_policy": ZERO_ONE,
    "deterministic_level": one_of("0", "1", "2"),
    "jit_compile": one_of("0", "1", "2"),
    "oo_level": one_of("O1", "O3"),
    "shape_generalized_build_mode": one_of("shape_precise", "shape_generalized"),
    # What follows would give another model than the simulator makes.
    "sparsity": only("0", of=ZERO_ONE),
    "external_weight": only("0", of=one_of("0", "1", "2", reason="The value must be 0, 1 or 2.", code="E10006")),
    "save_original_model": only("false", of=TRUE_FALSE),
    "display_model_info": only("0", of=ZERO_ONE),
    "core_type": only("AiCore", of=one_of("AiCore", "VectorCore")),
    **dict.fromkeys(("fusion_switch_file", "compress_weight_conf", "cal_conf", "op_name_map"), NO_FILE),
    **dict.fromkeys(("compression_optimize_conf", "customize_dtypes", "op_debug_config", "raw_ge_options"), NO_FILE),
    "keep_dtype": existing("File defined by keep_dtype is not found."),
    "op_precision_mode": existing("Path defined by op precision mode is not found."),
    "modify_mixlist": existing("The file does not exist or cannot be read.", "E10020"),
    **dict.fromkeys(("dynamic_batch_size", "dynamic_image_size", "dynamic_dims"), _dynamic_sizes),
    **dict.fromkeys(("input_shape_range", "input_hint_shape", "is_input_adjust_hw_layout"), unsimulated),
    **dict.fromkeys(("is_output_adjust_hw_layout", "singleop", "cluster_config"), unsimulated),
    **dict.fromkeys(("hccl_sub_comm_config", "optimization_switch", "static_model_ops_lower_limit"), unsimulated),
    **dict.fromkeys(("build_config", "raw_ge_options_ignore_unsupported"), unsimulated),
}
MIXED = ("allow_mix_precision", "allow_mix_precision_fp16", "allow_mix_precision_bf16", "mixed_float16")
MIXLIST_NEEDS = "modify_mixlist is assigned, Please ensure that precision_mode only can be assigned to a mixed one."
DYNAMIC = {"dynamic_batch_size": "E10031", "dynamic_image_size": "E10019", "dynamic_dims": "E10001"}


def read(argv: Sequence[str]) -> dict[str, str]:
    """The flags by name, those without a value left out as atc does; FlagError for what gflags refuses."""
    return {name: value for name, value in flags.parse(argv, RULES).items() if value}


def check(given: dict[str, str]) -> None:
    """AtcError for the first flag whose value is impossible, contradicts another flag's or is not simulated."""
    _check_together(given)
    for name, value in given.items():
        RULES[name](name, value)
    dynamic = [name for name in DYNAMIC if name in given]
    if dynamic:
        raise not_simulated(f"--{dynamic[0]}")


def _check_together(given: dict[str, str]) -> None:
    if "precision_mode" in given and "precision_mode_v2" in given:
        raise AtcError(
            "E10056", "Cannot config both parameters [precision_mode] and [precision_mode_v2] simultaneously."
        )
    if "optypelist_for_implmode" in given and "op_select_implmode" not in given:
        reason = "Parameters --op_select_implmode and --optypelist_for_implmode must be set at the same time."
        raise invalid("op_select_implmode", "", reason)
    mode = given.get("precision_mode") or given.get("precision_mode_v2")
    if "modify_mixlist" in given and mode not in MIXED:
        raise invalid("modify_mixlist", given["modify_mixlist"], MIXLIST_NEEDS)
    _check_dynamic(given)


def _check_dynamic(given: dict[str, str]) -> None:
    dynamic = [name for name in DYNAMIC if name in given]
    if len(dynamic) > 1:
        named = "], [--".join(DYNAMIC)
        raise AtcError("E10009", f"[--{named}] are mutually exclusive, only one of them can be set.")
    if dynamic and "-1" not in given.get("input_shape", ""):
        text = f"No dimension in [--input_shape] is -1, which [--{dynamic[0]}] needs."
        raise AtcError(DYNAMIC[dynamic[0]], text, solution="Set the dimension that varies to -1.")
