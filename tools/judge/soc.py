"""Names of Ascend chips: npu-smi prints `310P3`, `--soc_version` wants `Ascend310P3`, scripts write `P3`.

The vendor's list is open: any word of its kind is taken as it is written, and atc judges it. Known names are brought to
the spelling of the platform files of CANN 8.1 and newer.
"""

from __future__ import annotations

import re

from tools.base.errors import SuiteError

_NAME = re.compile(r"(?:ascend)?(P[0-9]|[0-9]{3}[A-Z0-9]{0,20}(?:[_-][A-Z0-9]{1,20}){0,3})", re.IGNORECASE | re.ASCII)
_OTHER_LINE = re.compile(r"(?:AS31|BS9SX|MC61|Hi37|SD34)[A-Z0-9]{0,20}", re.IGNORECASE | re.ASCII)
"""Chips of the vendor that are not called Ascend."""
_SPELLED = {
    name.lower(): name
    for name in (
        *("310B1", "310B2", "310B3", "310B4", "310P1", "310P3", "310P5", "310P7", "610Lite", "950PR", "950DT"),
        *("910A", "910B", "910PremiumA", "910ProA", "910ProB", "910B1", "910B2", "910B2C", "910B3", "910B4", "910B4-1"),
    )
}
"""Known names with letters, however they are written."""
_EARLY_NAMES = {"Ascend710": "Ascend310P3"}
FAMILIES = {"Ascend910": "Ascend910_9392", "Ascend950PR": "Ascend950PR_9579", "Ascend950DT": "Ascend950DT_9582"}
"""npu-smi prints no more than this for A3 and 950 boards, which atc does not take; and a member of each."""


def normalise_soc(name: str) -> str:
    """`310P3`, `Ascend310P3`, `ASCEND310p3` and `P3` are all `Ascend310P3`; SuiteError for anything unlike a chip."""
    word = name.strip()
    if _OTHER_LINE.fullmatch(word):
        return word
    match = _NAME.fullmatch(word)
    if match is None:
        raise SuiteError("not the name of an Ascend chip", measured=repr(name[:80]), allowed="a name like Ascend310P3")
    chip = f"310{match[1]}" if match[1][0] in "Pp" else match[1]
    return f"Ascend{_SPELLED.get(chip.lower(), chip)}"


def soc_mismatch(asked: str, present: str, *, what: str = "the device") -> str | None:
    """None when `asked` and `present`, the chip of `what`, are the same chip, else the reason in words.

    An OM built for one chip does not load on another. Ascend710 is the early name of Ascend310P3; a member of a family
    is written with `_` after it, so that Ascend910B3 is none of Ascend910.
    """
    wanted, found = normalise_soc(asked), normalise_soc(present)
    if _EARLY_NAMES.get(wanted, wanted) == _EARLY_NAMES.get(found, found):
        return None
    if found in FAMILIES and wanted.startswith(f"{found}_"):
        return None
    return f"asked for {wanted}, {what} is {found}: an OM built for one chip does not load on another"
