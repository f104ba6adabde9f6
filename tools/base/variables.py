"""The environment variables of the suite: one that is none of them is refused, since nobody would ever read it.

A misspelt option ends a run; a misspelt variable would be passed over in silence, and the run be another one than was
asked for. Names that begin with ACCEPTANCE_ are the suite's own, so each of them is known or a mistake; of other names
only those are, which look like a known one: `ACCEPTENCE_PORT`, `acceptance_port`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from tools.base.errors import SuiteError
from tools.base.misspelt import nearest

BARE = "ACCEPTANCE"
PREFIX = f"{BARE}_"
OF_OPTIONS = (
    *("port", "checkpoint", "onnx", "om", "imagenet", "images", "labels", "limit", "cache", "evidence", "keep"),
    *("baseline", "reference", "reference-device", "target", "infer-tool", "device", "soc", "ais-bench-python"),
    *("busy-device", "lang"),
)
"""The options of a run that have a variable."""
OPTIONS_ALONE = ("diagnose", "remeasure", "profile", "strict-accuracy", "keep-reference", "sample")
"""Those that have none."""


def variable_of(option: str) -> str:
    """The variable of an option: ACCEPTANCE_INFER_TOOL of `infer-tool`."""
    return PREFIX + option.replace("-", "_").upper()


CONTRACT_LOGS, KILL_CAMPAIGN = variable_of("contract-logs"), variable_of("kill-campaign")
"""What the contract tests and the campaign of kills tell the processes that they start."""
KNOWN = frozenset({*map(variable_of, OF_OPTIONS), CONTRACT_LOGS, KILL_CAMPAIGN})
ALONE = {variable_of(option): f"--{option}" for option in OPTIONS_ALONE}
SHOWN = tuple(map(variable_of, OF_OPTIONS))
LEAST_LIKENESS = 0.85
"""How like the prefix the beginning of another name must be (difflib's ratio) to be a misspelt one."""


def require_known(names: Iterable[str]) -> None:
    """SuiteError for names of environment variables that are meant for the suite and that it does not read.

    Their values are never shown: nobody knows what stands in them.
    """
    strange = {name: _meant(name) for name in sorted(names) if name not in KNOWN}
    wrong = {name: near for name, near in strange.items() if near or name.startswith(PREFIX)}
    if not wrong:
        return
    said = [f"{name} (did you mean {near}?)" if near else name for name, near in wrong.items()]
    raise SuiteError(
        f"no environment variable of the suite: {', '.join(said)}",
        allowed=None if all(wrong.values()) else ", ".join(SHOWN),
        fix="rename it or unset it, it has no effect",
    )


def _meant(name: str) -> str:
    """The variable, or the option without one, that a name was probably meant to be; empty where it is like none."""
    upper = name.upper()
    if upper in ALONE:
        return ALONE[upper]
    head, _, rest = upper.partition("_") if not upper.startswith(BARE) else (BARE, "_", upper[len(BARE) :].strip("_"))
    if difflib.SequenceMatcher(None, f"{head}_", PREFIX).ratio() < LEAST_LIKENESS:
        return ""
    near = nearest(rest, (known[len(PREFIX) :] for known in SHOWN))
    return near and PREFIX + near
