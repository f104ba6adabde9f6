"""The inference tool of CANN 6 and later, `python3 -m ais_bench` (TOOLS and AIT flavours): data-set and pure runs.

What it does not check is checked here: it reckons throughput with whatever `--batchsize` it is given, cuts names at
the first dot and overwrites on a collision, counts the padding of the last batch as work, and reuses an existing
output folder. AIT refuses links, files that others may write, and unusual characters in paths.
"""

from __future__ import annotations

import functools
import json
import os
import re
import stat
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from tools.ascend.runs import (
    ONE_OUTPUT,
    DatasetRun,
    Outputs,
    Place,
    outcome,
    private_folder,
    ran_gate,
    reading,
    reading_gate,
    require_file,
    run_tool,
)
from tools.base.errors import OmError, PerfError
from tools.base.process import Completed
from tools.base.reading import small_file
from tools.judge.handover import handover
from tools.judge.texts.reading import InferTool, ThroughputReading
from tools.judge.texts.told import FILES_PER_BATCH, PURE_EXECUTIONS, Asked

PURE_LOOPS = PURE_EXECUTIONS[InferTool.AIS_BENCH]
OUTPUT_FOLDER_MODE = 0o750

LONGEST_NAME, LONGEST_PATH = 255, 4096
_PLAIN = re.compile(r"[A-Za-z0-9_/.\-]+")
_SUMMARY = "dumps_summary.json"
_DUMPS, _OUT = "dumps", "out"
NEW_FOLDERS = f"mkdir -m 750 {_OUT}"


def fits_path_policy(path: Path) -> bool:
    """Whether AIT takes this path by its characters and its length alone."""
    text = str(path.absolute())
    short = len(text) <= LONGEST_PATH and all(len(part) <= LONGEST_NAME for part in path.parts)
    return short and _PLAIN.fullmatch(text) is not None


def path_policy_problems(path: Path) -> tuple[str, ...]:
    """Why AIT would refuse this file or folder: a link, writable by group or others, not ours, unusual characters."""
    text = str(path.absolute())
    found = [] if _PLAIN.fullmatch(text) else [f"{text!r} has characters other than letters, digits and _ / . -"]
    if path.is_symlink():
        found.append(f"{text} is a symbolic link")
        return tuple(found)
    try:
        status = path.stat()
    except OSError as error:
        return (*found, f"{text}: {error.strerror}")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        found.append(f"{text} is writable by group or others (chmod g-w,o-w)")
    if os.getuid() != 0 and status.st_uid != os.getuid() and status.st_gid not in {os.getgid(), *os.getgroups()}:
        found.append(f"{text} belongs to another user and group")
    return tuple(found)


def run_dataset(
    *,
    om: Path,
    bins: Path,
    batch: int,
    device: int,
    python: Path,
    place: Place,
    expected_ids: Iterable[str],
    outputs: Outputs = ONE_OUTPUT,
) -> DatasetRun:
    """Run the OM over the folder `bins`, which holds `<id>.bin` for exactly the expected ids and nothing else.

    Dumps are `<id>_0.bin` in the OM's output type (an id that the tool cut at its first dot is made whole again). The
    batch is cross-checked with the tool's own count of files per execution and of executions, because it never
    compares `--batchsize` with the OM. OmError when the tool fails, an image has no dump, or the OM has another batch;
    a bad summary shows in the run's `reading`.
    """
    gate = ran_gate(batch)
    ids = tuple(expected_ids)
    cut = _cut_names(ids, gate)
    om = _checked_om(om, gate)
    _check_bins(bins, ids, gate)
    output = output_folder(private_folder(place.work, gate, beside=bins))
    read = bins.name if bins.parent == place.work else str(bins.absolute())
    argv = [*_argv(python, om, device, output), "--input", read, "--outfmt", "BIN", "--batchsize", str(batch)]
    copied = f"{place.images} | xargs -d '\\n' cp -t {bins.name} && chmod 640 {bins.name}/*"
    prepare = [f"{NEW_FOLDERS} {bins.name}", copied] if place.images else [NEW_FOLDERS]
    done = run_tool(argv, place, error=OmError, gate=gate, where=om, prepare=prepare)
    _part_summary_from_dumps(output)
    _check_files_per_batch(done, batch, om)
    dumps, summary = output / _DUMPS, output / _SUMMARY
    outputs.take(dumps, lambda number: [_dump(name, number) for name in cut], 0, batch=batch, completed=done)
    for image, name in zip(ids, cut, strict=True):
        (dumps / _dump(name, outputs.judged)).rename(dumps / _dump(image, outputs.judged))
    asked = Asked(InferTool.AIS_BENCH, batch, device, images=len(ids), executions=0)
    stored = functools.partial(_stored, summary)
    return DatasetRun(dumps, done, outcome(stored, done, asked, place=place, where=summary))


def run_pure(
    *,
    om: Path,
    batch: int,
    device: int,
    python: Path,
    place: Place,
    tells_own_batch: bool = True,
    loop: int = PURE_LOOPS,
) -> ThroughputReading:
    """Executions alone. `--batchsize` is left out, so that the tool takes the batch from the OM; the one that it then
    prints must be `batch`. The first generation reads no OM: it is told the batch, which it multiplies by."""
    gate = reading_gate(batch)
    if loop < 1:
        raise PerfError("--loop must be at least 1", gate=gate, measured=loop, allowed=">= 1")
    om = _checked_om(om, ran_gate(batch))
    output = output_folder(private_folder(place.work, ran_gate(batch)))
    argv = pure_argv(python, om, device, output, loop, None if tells_own_batch else batch)
    done = run_tool(argv, place, error=PerfError, gate=gate, where=om, prepare=[NEW_FOLDERS])
    _part_summary_from_dumps(output)
    asked = Asked(InferTool.AIS_BENCH, batch, device, images=None, executions=loop)
    stored = functools.partial(_stored, output / _SUMMARY)
    return reading(stored, done, asked, place=place, where=output / _SUMMARY)


def pure_argv(python: Path, om: Path, device: int, output: Path, loop: int, own_batch: int | None) -> list[str]:
    """The command of executions alone; `own_batch` is told to a generation that reads no OM."""
    argv = [*_argv(python, om, device, output), "--loop", str(loop)]
    return argv if own_batch is None else [*argv, "--batchsize", str(own_batch)]


def _argv(python: Path, om: Path, device: int, output: Path) -> list[str]:
    tool = [str(python), "-m", "ais_bench", "--model", str(om), "--device", str(device)]
    return [*tool, "--output", output.name, "--output_dirname", _DUMPS]


def _dump(name: str, output: int) -> str:
    return f"{name}_{output}.bin"


def _cut_names(ids: Sequence[str], gate: str) -> list[str]:
    """The ids as the tool names dumps after them."""
    cut = [image.split(".", 1)[0] for image in ids]
    twice = [name for name, count in Counter(cut).items() if count > 1]
    if twice:
        colliding = [image for image in ids if image.split(".", 1)[0] == twice[0]]
        raise OmError(
            f"ais_bench cuts names at the first dot, so {' and '.join(colliding[:3])} would overwrite each other",
            gate=gate,
            fix="rename the images",
        )
    return cut


def _checked_om(om: Path, gate: str) -> Path:
    om = require_file(om, gate, "the OM")
    problems = path_policy_problems(om)
    if om.suffix != ".om":
        problems = (*problems, f"{om} does not end in .om")
    _refuse_problems(problems, gate)
    return om


def _check_bins(bins: Path, ids: Sequence[str], gate: str) -> None:
    found = sorted(entry.name for entry in bins.iterdir()) if bins.is_dir() else []
    compared = handover("the data set", (f"{image}.bin" for image in ids), "the input folder", found)
    if not compared.conserved:
        raise OmError(f"the input folder does not hold exactly the data set: {compared}", gate=gate, where=bins)
    looked_at = (bins, *(bins / name for name in found))
    _refuse_problems([problem for path in looked_at for problem in path_policy_problems(path)], gate)


def _refuse_problems(problems: Sequence[str], gate: str) -> None:
    if problems:
        more = f", and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise OmError(f"ais_bench's path policy refuses: {'; '.join(problems[:3])}{more}", gate=gate)


def output_folder(work: Path) -> Path:
    """`<work>/out`; the folder inside it is left to the tool, whose early versions refuse one that exists."""
    output = work / _OUT
    output.mkdir()
    output.chmod(OUTPUT_FOLDER_MODE)
    return output


def _part_summary_from_dumps(output: Path) -> None:
    """Versions of 2022 write `sumary.json` (their spelling) among the dumps; give it the later versions' place."""
    inside = output / _DUMPS / "sumary.json"
    if inside.is_file() and not (output / _SUMMARY).exists():
        inside.rename(output / _SUMMARY)


def _check_files_per_batch(done: Completed, batch: int, om: Path) -> None:
    """The tool prints how many files fill the OM's input: the batch of the OM itself."""
    found = {int(number) for number in FILES_PER_BATCH.findall(done.stdout)}
    if found - {batch}:
        raise OmError(
            "the OM has another batch size than asked for",
            gate=ran_gate(batch),
            where=om,
            measured=f"batch {sorted(found)[0]}",
            allowed=f"batch {batch}",
        )


def _stored(summary: Path) -> str:
    """The summary file without its list of files in and out, which is as long as the data set and says no figure."""
    text = small_file(summary).decode("utf-8", errors="replace")
    try:
        document = json.loads(text)
        return json.dumps({name: value for name, value in document.items() if name != "filesinfo"})
    except (ValueError, AttributeError, RecursionError):  # whoever reads it says what is wrong
        return text
