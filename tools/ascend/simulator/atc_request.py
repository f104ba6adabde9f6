"""What an atc command line asks for, checked as far as possible without opening the model."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.ascend.simulator import flags
from tools.ascend.simulator.chips import SOC_VERSIONS

FLAGS = frozenset(
    [
        "mode",
        "om",
        "json",
        "model",
        "weight",
        "framework",
        "output",
        "input_format",
        "input_shape",
        "log",
        "soc_version",
        "out_nodes",
        "output_type",
        "op_select_implmode",
        "optypelist_for_implmode",
        "fusion_switch_file",
        "dynamic_dims",
        "dynamic_batch_size",
        "dynamic_image_size",
        "precision_mode",
        "precision_mode_v2",
        "input_fp16_nodes",
        "input_shape_range",
        "op_precision_mode",
        "keep_dtype",
        "buffer_optimize",
        "enable_small_channel",
        "modify_mixlist",
        "insert_op_conf",
        "auto_tune_mode",
        "debug_dir",
        "op_compiler_cache_mode",
        "op_compiler_cache_dir",
        "check_report",
        "op_debug_level",
        "device_id",
    ]
)
LOG_LEVELS = ("null", "debug", "info", "warning", "error")
INPUT_FORMATS = ("NCHW", "ND", "NCDHW")
ONNX_FRAMEWORK = "5"


class AtcError(Exception):
    """A refusal: `code` and the text as in the vendor's error tables."""

    def __init__(self, code: str, text: str, cause: str = "", solution: str = "") -> None:
        self.code, self.text, self.cause, self.solution = code, text, cause, solution
        super().__init__(f"{code}: {text}")


@dataclass(frozen=True)
class Request:
    """A conversion: `shapes` by input name with the batch first, `target` the OM with its suffix."""

    model: Path
    target: Path
    shapes: dict[str, tuple[int, ...]]
    soc: str
    command_line: str


def read_flags(argv: Sequence[str]) -> dict[str, str]:
    """The flags by name; FlagError for what gflags refuses."""
    return flags.parse(argv, FLAGS)


def check(given: dict[str, str], argv: Sequence[str]) -> Request:
    """The conversion that the flags ask for; AtcError for the first thing that is wrong with them."""
    for name in ("model", "framework", "output", "soc_version"):
        if name not in given:
            raise AtcError("E10007", f"[--{name}] is required.", solution="Set this parameter.")
    _check_choices(given)
    model = Path(given["model"])
    if not model.is_file():
        raise AtcError("E10020", f"Path [{model}] for parameter [--model] does not exist or cannot be read.")
    target = Path(f"{given['output']}.om")
    if given["output"].endswith("/") or not target.parent.is_dir():
        raise AtcError("E10022", f"Directory [{target.parent}] for parameter [--output] does not exist.")
    return Request(
        model=model,
        target=target,
        shapes=parse_shapes(given.get("input_shape", "")),
        soc=given["soc_version"],
        command_line=" ".join(("atc", *argv)),
    )


def _check_choices(given: dict[str, str]) -> None:
    if given["soc_version"] not in SOC_VERSIONS:
        raise _invalid("soc_version", given["soc_version"], "The value is not in the support list")
    if given["framework"] != ONNX_FRAMEWORK:
        raise _invalid("framework", given["framework"], "The simulator converts ONNX (5) only")
    if given.get("input_format", "NCHW") not in INPUT_FORMATS:
        raise _invalid("input_format", given["input_format"], f"ONNX models support {', '.join(INPUT_FORMATS)}")
    if given.get("log", "null") not in LOG_LEVELS:
        raise AtcError("E10010", f"The log level [{given['log']}] for [--log] is not one of {', '.join(LOG_LEVELS)}.")


def _invalid(name: str, value: str, reason: str) -> AtcError:
    return AtcError("E10001", f"Value [{value}] for parameter [--{name}] is invalid. Reason: {reason}.")


def parse_shapes(text: str) -> dict[str, tuple[int, ...]]:
    """`name:1,3,224,224;other:1,8` as shapes by name; E10002 for the form, E10011 for a dimension."""
    shapes: dict[str, tuple[int, ...]] = {}
    for part in filter(None, text.split(";")):
        name, colon, dimensions = part.rpartition(":")
        if not colon or not name or not dimensions:
            raise AtcError(
                "E10002",
                f'Value [{text}] for parameter [--input_shape] is invalid. Reason: it is not "name:n,c,h,w".',
                cause="The shape is malformed or was split at a space.",
            )
        numbers = [dimension.strip() for dimension in dimensions.split(",")]
        if not all(re.fullmatch(r"[0-9]+", number) and int(number) > 0 for number in numbers):
            raise AtcError(
                "E10011",
                f"Value [{dimensions}] of [{name}] in parameter [--input_shape] is invalid. Reason: "
                "every dimension must be a positive integer in a static shape.",
            )
        shapes[name] = tuple(int(number) for number in numbers)
    return shapes


def elements(shape: tuple[int, ...]) -> int:
    """Values of one sample: the product of all dimensions but the batch."""
    return math.prod(shape[1:])
