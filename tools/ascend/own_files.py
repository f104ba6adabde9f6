"""The files that a vendor tool writes of its own accord, kept beside its streams: figures, reports, its own log.

Kept are texts by their names, each up to a size and a run's together up to another; what was cut or left out is said in
a list beside them. Dumps and models are none of these.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

OWN = "own-"
"""What the names of the kept files begin with."""
OWN_LIST = f"{OWN}files.txt"
LOG_FOLDER = "ascend-log"
LOG_VARIABLE = "ASCEND_PROCESS_LOG_PATH"
"""Where CANN's libraries write the log of a process: before `ASCEND_WORK_PATH` and the user's `~/ascend/log`."""
MOST_FILE_BYTES, MOST_BYTES, MOST_FILES = 256 * 2**10, 2**20, 40
NAMES = re.compile(
    r"perf_\w+\.txt|PureInfer_perf_of_\S+\.txt|\S*summ?ary\S*\.json|\S*result\S*\.json|fusion_\S+\.json"
    r"|\S+\.log|\S+\.csv",
)
FOLDERS = frozenset(("kernel_meta", LOG_FOLDER))
"""Below these every text is the tool's own, whatever its name."""
_TEXTS = frozenset((".json", ".txt", ".log", ".csv", ".info", ""))


def keep_own_files(work: Path, logs: Path) -> None:
    """Copy a tool's own files from its working folder to `logs`; a file that cannot be read is said to be so."""
    lines, room, kept = [], MOST_BYTES, 0
    for path in _own(work):
        name = path.relative_to(work).as_posix()
        if kept == MOST_FILES or room <= 0:
            lines.append(f"left out, there are too many or they are too large: {name}")
            continue
        try:
            content = _bounded(path, min(room, MOST_FILE_BYTES))
            size = path.stat().st_size
        except OSError as error:
            lines.append(f"left out, {error.strerror}: {name}")
            continue
        if content is None:
            lines.append(f"left out, it is no text: {name}")
            continue
        target = f"{OWN}{kept + 1}-{re.sub(r'[^A-Za-z0-9._-]+', '-', name)[-150:]}"
        (logs / target).write_bytes(content)
        kept, room = kept + 1, room - len(content)
        cut = "" if len(content) == size else f", of {size} bytes the beginning and the end"
        lines.append(f"{target}{cut}: {name}")
    if lines:
        text = "".join(f"{line}\n" for line in lines[:1000])
        (logs / OWN_LIST).write_text(text, encoding="utf-8", errors="surrogateescape")


def log_folder(work: Path) -> Path:
    """A folder for the log of the tool's libraries, which they would else write into the user's home."""
    folder = work / LOG_FOLDER
    folder.mkdir(mode=0o750, exist_ok=True)
    return folder


def _own(work: Path) -> list[Path]:
    """The tool's own files below its working folder, by name; links are none. Dumps may be as many as there are images,
    so that names are looked at before files."""
    found: list[Path] = []
    for folder, _, names in os.walk(work):
        inside = not FOLDERS.isdisjoint(Path(folder).relative_to(work).parts)
        for name in names:
            if NAMES.fullmatch(name) or (inside and Path(name).suffix in _TEXTS):
                found.append(Path(folder, name))
    return sorted(path for path in found if path.is_file() and not path.is_symlink())


def _bounded(path: Path, most: int) -> bytes | None:
    """A text, of a longer one the beginning and the end with a word between them; None for what is no text."""
    size = path.stat().st_size
    with path.open("rb") as handle:
        if size <= most:
            content = handle.read(most)
        else:
            first = handle.read(most // 2)
            handle.seek(size - most // 2)
            content = first + f"\n… {size - 2 * (most // 2)} bytes left out …\n".encode() + handle.read(most // 2)
    return None if b"\0" in content else content
