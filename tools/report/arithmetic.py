"""In what numbers an OM computes and what it takes as input, in words for the head of a report."""

from __future__ import annotations

from collections.abc import Sequence

from tools.judge.acceptance import Acceptance
from tools.judge.atc_flags import MODES, PRECISION, by_name
from tools.judge.ids import om
from tools.judge.spec import Spec

DEFAULT = "fp16"


def precision(acceptance: Acceptance, spec: Spec | None) -> str:
    """How the OMs compute, the short word before the first colon; empty where no port says it.

    An OM that was handed in is told by the flags in its own bytes, any other by what the port gives atc.
    """
    if spec is None:
        return ""
    ends = f"input {spec.bin_type}, output {spec.om_output_type}"
    if spec.is_int8("om"):
        return f"OM int8: quantised before it was handed in, {ends}"
    flags, whose = _flags(acceptance, spec)
    if flags is None:
        return f"OM of unknown precision: {whose}, {ends}"
    given = by_name(flags)
    mode = " ".join(given[flag] for flag in MODES if flag in given)
    others = "".join(f", {flag[2:]} {given[flag]}" for flag in sorted(PRECISION.intersection(given) - {*MODES}))
    said = f"{whose} that{others}" if mode else f"atc's own choice, {whose} no precision mode{others}"
    return f"OM {mode or DEFAULT}: {said}, {ends}"


def aipp(spec: Spec) -> str:
    """Who normalises the pixels, the short word before the first colon."""
    asked = spec.preprocessing.aipp
    if asked is None:
        return f"no AIPP: the host normalises, bins are {spec.bin_type}"
    height, width = spec.preprocessing.pixels_size
    work = ["decodes", "resizes"] if spec.preprocessing.is_jpeg else []
    work += ["crops"] if asked.crop == "chip" else []
    said = f"the chip {', '.join(work)}{' and ' if work else ''}normalises"
    if spec.preprocessing.is_jpeg:
        return f"static AIPP, JPEG input: {said}; {height} x {width} YUV420SP"
    return f"static AIPP: {said}; uint8 pixels of {height} x {width}"


def _flags(acceptance: Acceptance, spec: Spec) -> tuple[Sequence[str] | None, str]:
    """The flags of atc that made the OMs, None where nobody knows them, and in words who gave them."""
    handed_in = {entry.name for entry in acceptance.handed_in}
    stored = [entry.described.stored.flags for entry in acceptance.oms if om(entry.batch) in handed_in]
    if stored and not all(stored):
        return None, "an OM that was handed in does not tell its flags"
    if stored:
        return stored[0], "the flags in the handed-in OM give"
    return spec.om.atc_extra_args, "the port gives atc"
