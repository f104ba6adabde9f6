"""What an atc command line asks for, checked as far as possible without opening the model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.ascend.simulator import aipp_config, atc_flags
from tools.ascend.simulator.atc_error import AtcError, invalid
from tools.ascend.simulator.chips import SOC_VERSIONS
from tools.ascend.simulator.numerics import Numerics
from tools.ascend.simulator.operator_lists import NONE, Operators, blacklisted, kept


@dataclass(frozen=True)
class Request:
    """A conversion: `shapes` by input name with the batch first, `target` the OM with its suffix.

    Three fields are texts as given: nodes whose outputs become the model's, types of outputs, fp16 inputs; `aipp` is
    what goes before the input. `listed` (--keep_dtype) and `blacklisted` (--modify_mixlist) operators keep float32.
    """

    model: Path
    target: Path
    shapes: dict[str, tuple[int, ...]]
    soc: str
    command_line: str
    numerics: Numerics = Numerics.FP16
    clip_weights: bool = True
    out_nodes: str = ""
    output_type: str = ""
    input_fp16_nodes: str = ""
    aipp: aipp_config.Aipp | None = None
    listed: Operators = NONE
    blacklisted: Operators = NONE


def check(given: dict[str, str], argv: Sequence[str]) -> Request:
    """The conversion that the flags ask for; AtcError for the first thing that is wrong with them."""
    for name in ("model", "framework", "output", "soc_version"):
        if name not in given:
            raise AtcError("E10007", f"[--{name}] is required.", solution="Set this parameter.")
    if given["soc_version"] not in SOC_VERSIONS:
        raise invalid("soc_version", given["soc_version"], "The value is not in the support list.")
    atc_flags.check(given)
    return Request(
        model=_model(given["model"]),
        target=_target(given["output"]),
        shapes=parse_shapes(given.get("input_shape", "")),
        soc=given["soc_version"],
        command_line=" ".join(("atc", *argv)),
        numerics=Numerics.asked(given),
        clip_weights=given.get("is_weight_clip", "1") == "1",
        out_nodes=given.get("out_nodes", ""),
        output_type=given.get("output_type", ""),
        input_fp16_nodes=given.get("input_fp16_nodes", ""),
        aipp=aipp_config.read(given["insert_op_conf"]) if "insert_op_conf" in given else None,
        listed=kept(given["keep_dtype"]) if "keep_dtype" in given else NONE,
        blacklisted=blacklisted(given["modify_mixlist"]) if "modify_mixlist" in given else NONE,
    )


def _model(text: str) -> Path:
    if not Path(text).is_file():
        raise AtcError("E10020", f"Path [{text}] for parameter [--model] does not exist or cannot be read.")
    return Path(text)


def _target(text: str) -> Path:
    target = Path(f"{text}.om")
    if text.endswith("/") or not target.parent.is_dir():
        raise AtcError("E10022", f"Directory [{target.parent}] for parameter [--output] does not exist.")
    return target


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
