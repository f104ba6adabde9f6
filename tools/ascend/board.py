"""Which board a chip is: `npu-smi info -t board` names serial number, firmware and driver, the table the bus.

Nothing of it is certain to be there: a container hides the query, firmware is NA for a user who is not root, a chip
that is soldered on has no bus. What is not said is `unknown`, and of an unknown board nothing is reused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from tools.base import process
from tools.judge.device_numbers import Seat
from tools.judge.machine_records import UNKNOWN, BoardRecord
from tools.judge.npu_smi import Chip

QUERY_SECONDS = 30.0
NPU_NAME = "npu name"
_MEMBER = re.compile(r"[0-9][0-9A-Za-z]{0,15}")
SERIAL, FIRMWARE, DRIVER = "serial number", "firmware version", "software version"
_LINE = re.compile(r"\s*([A-Za-z][A-Za-z ]{0,40}?)\s*:\s*(\S+)\s*")
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,63}")
_NOT_SAID = frozenset(("na", "n/a", "unknown", "-"))


def read_board(env: Mapping[str, str], chip: Chip, seat: Seat, logs: Path, *, driver: str | None) -> BoardRecord:
    """Ask for the board of a chip at its `seat`; `driver` is the version that a file of the driver states, if any.

    The output is kept in `logs`. A query that fails in any way says nothing, and is no failure.
    """
    said = _fields(env, chip, logs)
    return BoardRecord(
        device=chip.device,
        serial_number=_plain(said.get(SERIAL, "")),
        bus_id=_plain(chip.bus_id),
        firmware=_plain(said.get(FIRMWARE, "")),
        driver=_plain(said.get(DRIVER) or driver or ""),
        seat=seat,
    )


def member_of_family(env: Mapping[str, str], chip: Chip, logs: Path) -> str:
    """What is behind the family's name in the name that atc takes, such as `9392`; empty where no query says it.

    A3 boards say it of a chip (`-c`), 950 boards of the card (vendor's --soc_version page).
    """
    for place, words in enumerate((("-c", str(chip.chip_id)), ())):
        found = _fields(env, chip, logs / f"query{place}", *words).get(NPU_NAME, "")
        if _MEMBER.fullmatch(found):
            return found
    return ""


def _fields(env: Mapping[str, str], chip: Chip, logs: Path, *words: str) -> dict[str, str]:
    """The query's lines `name : value` by name in small letters, none where it did not end well."""
    argv = ["npu-smi", "info", "-t", "board", "-i", str(chip.npu_id), *words]
    try:
        logs.mkdir(parents=True, exist_ok=True)
        done = process.run(argv, cwd=logs, logs=logs, timeout_seconds=QUERY_SECONDS, env=env)
    except OSError:
        return {}
    if done.timed_out or done.returncode:
        return {}
    found = (_LINE.fullmatch(line) for line in done.stdout.splitlines())
    return {match[1].lower(): match[2] for match in found if match}


def _plain(text: str) -> str:
    """A value of plain characters as it is; `unknown` for another one, and for words that say nothing."""
    return text if _PLAIN.fullmatch(text) and text.lower() not in _NOT_SAID else UNKNOWN
