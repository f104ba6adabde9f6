"""Is an OM, by its own words, what was asked for?"""

from __future__ import annotations

from tools.judge.facts import OmDescription, OmInput
from tools.judge.soc import soc_mismatch

OM_DTYPES = {"float32": "DT_FLOAT", "float16": "DT_FLOAT16"}
"""How atc names the types."""


def description_mismatches(
    found: OmDescription, *, input_name: str, dtype: str, shape: tuple[int, ...], soc: str
) -> tuple[str, ...]:
    """How the OM differs from what was asked for (input `input_name` of `dtype` and `shape`, chip `soc`), in words."""
    wanted = OmInput(input_name, OM_DTYPES[dtype], shape)
    differing = []
    if found.inputs != (wanted,):
        differing.append(f"inputs are {_shown(found.inputs)}, asked for was {_shown((wanted,))}")
    if found.soc is not None and (reason := soc_mismatch(soc, found.soc, what="the OM")):
        differing.append(reason)
    return tuple(differing)


def _shown(inputs: tuple[OmInput, ...]) -> str:
    return ", ".join(map(str, inputs))
