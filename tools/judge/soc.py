"""Names of Ascend chips: npu-smi prints `310P3`, `--soc_version` wants `Ascend310P3`, scripts write `P3`."""

from __future__ import annotations

import re

from tools.base.errors import SuiteError

_NAME = re.compile(r"(?:ascend)?(P[0-9]|[0-9]{3}(?:[A-Z]?[0-9]*(?:_[0-9]+)?|(?:Pro|Premium)[AB]))", re.IGNORECASE)
_EARLY_NAMES = {"Ascend710": "Ascend310P3"}
_FAMILY_NAMES = frozenset({"Ascend910"})
"""npu-smi prints no more than the family for these chips, so it cannot tell the members apart."""


def normalise_soc(name: str) -> str:
    """`310P3`, `Ascend310P3`, `ASCEND310p3` and `P3` are all `Ascend310P3`; SuiteError for anything unlike a chip."""
    match = _NAME.fullmatch(name.strip())
    if match is None:
        raise SuiteError("not the name of an Ascend chip", measured=repr(name[:80]), allowed="a name like Ascend310P3")
    chip = match[1]
    if chip[3:6].lower() in ("pro", "pre"):
        return f"Ascend{chip}"
    chip = chip.upper()
    return f"Ascend310{chip}" if chip.startswith("P") else f"Ascend{chip}"


def soc_mismatch(asked: str, present: str, *, what: str = "the device") -> str | None:
    """None when `asked` and `present`, the chip of `what`, are the same chip, else the reason in words.

    An OM built for one chip does not load on another. Ascend710 is the early name of Ascend310P3.
    """
    wanted, found = normalise_soc(asked), normalise_soc(present)
    if _EARLY_NAMES.get(wanted, wanted) == _EARLY_NAMES.get(found, found):
        return None
    if found in _FAMILY_NAMES and wanted.startswith(found):
        return None
    return f"asked for {wanted}, {what} is {found}: an OM built for one chip does not load on another"
