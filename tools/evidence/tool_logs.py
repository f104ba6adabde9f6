"""What vendor tools printed and wrote, kept as evidence: scrubbed, each run of a tool in a folder of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tools.ascend.own_files import OWN
from tools.ascend.runs import AGAIN, TOOL_FILES
from tools.evidence.pieces import Pieces, plain
from tools.judge import records
from tools.judge.acceptance import CommandRecord
from tools.judge.layout import LOGS
from tools.judge.texts.op_summary import TABLE
from tools.judge.texts.told import STORED

COMMAND, STDOUT, STDERR, ENDING = "command.txt", "stdout.txt", "stderr.txt", "ending.json"


@dataclass(frozen=True)
class Ending:
    """How a vendor tool ended, as tools/base/process.py leaves it beside the streams."""

    returncode: int
    seconds: float
    ended_by: str = ""


def keep_logs(pieces: Pieces, name: str, logs: Path) -> dict[Path, Path]:
    """Copy the streams of vendor tools, scrubbed, every folder below `logs` that base/process.py has written, with
    the figures that a tool stored, the files that it wrote of its own accord, and how to run it again.

    Given back is where each folder will be in the bundle."""
    places: dict[Path, Path] = {}
    for command in sorted(logs.rglob(COMMAND)):
        below = "-".join(map(plain, command.parent.relative_to(logs).parts))
        folder = f"{LOGS}/{plain(name)}" + (f"/{below}" if below else "")
        places[command.parent] = pieces.place / folder
        for stream in _streams(command.parent):
            text = (command.parent / stream).read_bytes().decode("utf-8", "surrogateescape")
            pieces.write(f"{folder}/{stream}", pieces.scrub.text(text).encode("utf-8", "surrogateescape"))
        argv = tuple((pieces.folder / folder / COMMAND).read_text("utf-8", "replace").split("\n")[1:-1])
        pieces.put(_record(command.parent, folder, argv), folder.replace("/", "-"))
    return places


def _streams(of: Path) -> list[str]:
    """What is kept of a tool's folder, by name."""
    there = [name for name in (STDOUT, STDERR, AGAIN, *STORED.values()) if (of / name).is_file()]
    own = sorted(path.name for path in of.glob(f"{OWN}*") if path.is_file())
    return [COMMAND, *there, *own, *sorted(path.name for path in of.iterdir() if TABLE.fullmatch(path.name))]


def _record(of: Path, folder: str, argv: tuple[str, ...]) -> CommandRecord:
    ending = _ending(of / ENDING)
    return CommandRecord(
        argv=argv,
        folder=folder,
        returncode=None if ending is None else ending.returncode,
        seconds=None if ending is None else ending.seconds,
        files=_tool_files(of / TOOL_FILES),
        ended_by="" if ending is None else ending.ended_by,
    )


def _ending(path: Path) -> Ending | None:
    return records.read(Ending, json.loads(path.read_bytes())) if path.is_file() else None


def _tool_files(path: Path) -> dict[str, str]:
    found: dict[str, str] = records.read_as("dict[str, str]", json.loads(path.read_bytes())) if path.is_file() else {}
    return found
