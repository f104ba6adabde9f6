"""Is an OM, by its own words, what was asked for?"""

from __future__ import annotations

from tools.judge.atc_flags import DEFAULTS, PRECISION
from tools.judge.facts import OmDescription, OmInput, StoredOm
from tools.judge.soc import soc_mismatch
from tools.judge.spec import AIPP_FLAG, Tensor

OM_DTYPES = {"float32": "DT_FLOAT", "float16": "DT_FLOAT16", "uint8": "DT_UINT8"}
"""How atc names the types."""
SOC_FLAG = "--soc_version="


EVERY_OMS = frozenset(
    ("--mode", "--model", "--framework", "--output", "--input_format", "--input_shape", "--log", "--soc_version")
)
"""Flags of atc that any OM is made with; what they say shows elsewhere or changes nothing of it."""
AIPP, FP16_NODES = AIPP_FLAG, "--input_fp16_nodes"
"""Flags of atc that change the type of an input, which the OM's own words show."""


def description_mismatches(
    found: OmDescription,
    inputs: tuple[Tensor, ...],
    *,
    soc: str,
    flags: tuple[str, ...],
    handed_in: bool = False,
) -> tuple[str, ...]:
    """How the OM differs from what was asked for (one input, any of `inputs`, chip `soc`, the port's own flags of atc),
    in words: by atc, and by what stands in the file. One that was `handed_in` may have been made with flags that nobody
    asked for, and with an AIPP file of any name."""
    right = tuple((OmInput(one.name, OM_DTYPES[one.dtype], one.shape),) for one in inputs)
    wanted, stored = " or ".join(map(_shown, right)), found.stored
    differing = []
    if found.inputs not in right:
        differing.append(f"inputs are {_shown(found.inputs)}, asked for was {wanted}")
    if stored.inputs and stored.inputs not in right:
        differing.append(f"inputs in the file are {_shown(stored.inputs)}, asked for was {wanted}")
    told = [flag[len(SOC_FLAG) :] for flag in stored.flags if flag.startswith(SOC_FLAG)]
    chips = [(found.soc, "the OM"), (stored.soc, "the OM's file"), *((said, "atc's command line") for said in told)]
    for said, what in chips:
        if said is not None and (reason := soc_mismatch(soc, said, what=what)):
            differing.append(reason)
    differing += [f"its input shows nothing of {flag}" for flag in flags if not _shows(flag, found)]
    if handed_in:
        flags = tuple(f"{AIPP}={_told(stored, AIPP)}" if flag.startswith(f"{AIPP}=") else flag for flag in flags)
    return (*differing, *_flags_ignored(stored, flags), *_flags_unasked(stored, flags, handed_in=handed_in))


def _told(stored: StoredOm, name: str) -> str:
    """What the command line says of a flag, empty where it does not have it: a porter's AIPP file has any name."""
    return next((value for flag, _, value in (said.partition("=") for said in stored.flags) if flag == name), "")


def _flags_ignored(stored: StoredOm, flags: tuple[str, ...]) -> tuple[str, ...]:
    """Flags of the port that atc was not given; none where the file does not hold the command line as we write it."""
    as_written = any(flag.startswith(SOC_FLAG) for flag in stored.flags)
    missing = [flag for flag in map(without_folders, flags) if as_written and flag not in stored.flags]
    return tuple(f"the file was made without {flag}, which the port asks for" for flag in missing)


def _flags_unasked(stored: StoredOm, flags: tuple[str, ...], *, handed_in: bool) -> tuple[str, ...]:
    """Flags on atc's command line that the port does not state: what changes the arithmetic; of an OM that was handed
    in, all but those that every OM is made with."""
    asked = {*map(without_folders, flags)}
    others = {flag: flag.partition("=")[0] for flag in stored.flags if flag not in asked}
    told = [
        flag
        for flag, name in others.items()
        if (handed_in and name not in EVERY_OMS) or (name in PRECISION and flag not in DEFAULTS)
    ]
    return tuple(f"the file was made with {flag}, which the port does not state (om: atc_extra_args)" for flag in told)


def without_folders(flag: str) -> str:
    """`--name=value` with a path's last part alone."""
    name, equals, value = flag.partition("=")
    return f"{name}{equals}{value.rpartition('/')[2]}"


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
