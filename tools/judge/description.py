"""Is an OM, by its own words, what was asked for?"""

from __future__ import annotations

from tools.judge.facts import OmDescription, OmInput
from tools.judge.soc import soc_mismatch

OM_DTYPES = {"float32": "DT_FLOAT", "float16": "DT_FLOAT16"}
"""How atc names the types."""


AIPP, FP16_NODES = "--insert_op_conf", "--input_fp16_nodes"
"""Flags of atc that change the type of an input, which the OM's own words show."""


def description_mismatches(
    found: OmDescription,
    *,
    input_name: str,
    dtype: str,
    shape: tuple[int, ...],
    soc: str,
    extra_args: tuple[str, ...] = (),
) -> tuple[str, ...]:
    """How the OM differs from what was asked for (input `input_name` of `dtype` and `shape`, chip `soc`, further flags
    of atc), in words."""
    wanted = OmInput(input_name, OM_DTYPES[dtype], shape)
    differing = []
    if found.inputs != (wanted,):
        differing.append(f"inputs are {_shown(found.inputs)}, asked for was {_shown((wanted,))}")
    if found.soc is not None and (reason := soc_mismatch(soc, found.soc, what="the OM")):
        differing.append(reason)
    differing += [f"it was compiled without {flag}" for flag in found.flags_missing or ()]
    differing += [f"its input shows nothing of {flag}" for flag in extra_args if not _shows(flag, found)]
    return tuple(differing)


def _shows(flag: str, found: OmDescription) -> bool:
    """Whether an OM that this flag was not ignored for would describe itself so; True for flags that cannot be seen."""
    name, _, value = flag.partition("=")
    if name == AIPP:
        return any(tensor.dtype == "DT_UINT8" for tensor in found.inputs)
    if name == FP16_NODES:
        asked = value.split(";")
        return all(tensor.dtype == "DT_FLOAT16" for tensor in found.inputs if tensor.name in asked)
    return True


def _shown(inputs: tuple[OmInput, ...]) -> str:
    return ", ".join(map(str, inputs))
