"""The line with which a run tells of a fault, without what differs from run to run: folders and digests."""

from __future__ import annotations

import re
import tempfile
from typing import TYPE_CHECKING

from tools.base.files import ROOT

if TYPE_CHECKING:
    from selftest.faults.world import Outcome

LONGEST = 160
_FOLDERS = rf"(?:{re.escape(tempfile.gettempdir())}|{re.escape(str(ROOT))}|<[a-z]+>)/(?:[^/\s:;,'\")]+/)*"
_VOLATILE = (
    (re.compile(_FOLDERS), ""),
    (re.compile(r"\.([\w.-]+)\.[0-9]+\.partial"), r"\1"),
    (re.compile(r"\b(?:[0-9a-f]{64}|[0-9a-f]{32})\b"), "<digest>"),
    (re.compile(r"measured [0-9.e-]+(?=, allowed .*\(ratio\))"), "measured <ratio>"),
)


def printed_message(outcome: Outcome, gate: str) -> str:
    """What the run printed when this gate went red; AssertionError when it printed nothing of the kind.

    That is `measured …, allowed …`, or the reason why a stage died, which the evidence has with its folders scrubbed.
    """
    check = outcome.check(gate)
    told = f"{gate} {check.verdict}: "
    line = next((line.partition(told)[2] for line in outcome.text.splitlines() if told in line), "")
    line = steady(line or check.detail.partition("\n")[0])
    assert line, "the gate has nothing to say"
    assert line in steady(outcome.text), f"the run does not say {line!r}:\n{outcome.text}"
    return shortened(line)


def steady(text: str) -> str:
    """The text on one line with names instead of whole paths, without digests, process ids and timed ratios."""
    text = " ".join(text.split())
    for pattern, instead in _VOLATILE:
        text = pattern.sub(instead, text)
    return text


def shortened(line: str) -> str:
    """A steady line of at most LONGEST characters."""
    text = steady(line)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
