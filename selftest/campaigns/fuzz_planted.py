"""Targets with planted bugs, which the harness must find: an exception for some byte, a hang, a memory blow-up."""

from __future__ import annotations

import time

from selftest.campaigns.fuzz_target import Target
from tools.base.errors import SuiteError

MODULE = "selftest.campaigns.fuzz_planted"


def _raises(data: bytes) -> None:
    if data[:1] == b"!":
        raise KeyError("planted")
    raise SuiteError("documented")


def _hangs(data: bytes) -> None:
    """Waits for ever, and does not count: atheris keeps something of each comparison."""
    while data[:1] == b"!":
        time.sleep(1)


def _swells(data: bytes) -> None:
    kept = []
    while data[:1] == b"!":
        kept.append(bytearray(1 << 20))


def _quotes(data: bytes) -> None:
    quoted = repr(data) * 2000  # each part of a message is cut to a bounded length, and these are three
    raise SuiteError(quoted, where=quoted, measured=quoted)


def _sound(data: bytes) -> None:
    if data:
        raise SuiteError("documented")


TARGETS: dict[str, Target] = {
    case.__name__.strip("_"): Target(
        name=case.__name__.strip("_"),
        case=case,
        documented=(SuiteError,),
        modules=(MODULE,),
        seeds=lambda: (b"good",),
        longest_bytes=4,
        words=("!",),
    )
    for case in (_raises, _hangs, _swells, _quotes, _sound)
}
