"""What the runners of all inference tools share: a private folder, one way to fail, and dumps that are conserved."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.ascend.again import again
from tools.ascend.own_files import LOG_VARIABLE, keep_own_files, log_folder
from tools.base import process
from tools.base.errors import OmError, PerfError, StageError
from tools.base.files import sha256_of
from tools.base.process import Completed
from tools.judge.handover import handover
from tools.judge.ids import OM_PERF_READING, OM_RAN
from tools.judge.texts.perf_texts import PerfTextError
from tools.judge.texts.reading import ThroughputReading
from tools.judge.texts.told import STORED, Asked, Told, read_told
from tools.judge.tool_texts import error_lines, is_error

OUT_OF_MEMORY_EXIT_CODES = (137, -signal.SIGKILL)
"""128 + SIGKILL from a shell wrapper, or SIGKILL itself: what the kernel's out-of-memory killer leaves."""
TOOL_FILES = "files.json"
AGAIN = "again.txt"
"""Beside a run's streams: the line by which it is made again."""
DRIVER_LIBRARY = "libascend_hal.so"
LOADER = re.compile(r"(?:^|\s)([A-Za-z0-9_+-]{1,80}\.so[0-9.]{0,20}): cannot open")
"""What the dynamic loader says of a library that it does not find; a line that merely names one is no failure."""
TAIL_LINES, TAIL_CHARACTERS, TAIL_SOURCE_CHARACTERS = 15, 3000, 100_000


def ran_gate(batch: int) -> str:
    """The gate that an inference tool ran the OM and delivered one dump an image."""
    return OM_RAN.at(batch)


def reading_gate(batch: int) -> str:
    """The gate that the tool delivered a throughput reading that is whole and does not contradict itself."""
    return OM_PERF_READING.at(batch)


@dataclass(frozen=True)
class Place:
    """Where and how a tool runs: the child's environment, a private folder, where its streams are kept, a limit.

    `images` are shell words that print the paths of the images it is to see, for who makes the run again by hand.
    """

    env: Mapping[str, str]
    work: Path
    logs: Path
    timeout_seconds: float
    images: str = ""


@dataclass(frozen=True)
class DatasetRun:
    """A data-set run whose dumps are complete: `dumps` holds one file an image and nothing else.

    Dumps and reading stand for themselves: a bad perf text blocks the throughput and not the accuracy.
    """

    dumps: Path
    completed: Completed
    outcome: ThroughputReading | PerfError

    @property
    def reading(self) -> ThroughputReading:
        """The throughput reading; raises the PerfError that says why there is none."""
        if isinstance(self.outcome, PerfError):
            raise self.outcome
        return self.outcome


def private_folder(work: Path, gate: str, *, beside: Path | None = None) -> Path:
    """Make `work`, which must not exist or be empty (but for `beside`, which was made for this run): the tools never
    clear old results, and would count them."""
    require_plain(work, gate, "the working folder")
    try:
        work.mkdir(parents=True, exist_ok=True)
        left = sorted(entry.name for entry in work.iterdir() if entry != beside)
    except OSError as error:
        raise OmError(f"cannot make the working folder: {error.strerror}", gate=gate, where=work) from error
    if left:
        raise OmError(
            "the working folder holds files of an earlier run",
            gate=gate,
            where=work,
            measured=", ".join(left[:5]),
            allowed="an empty folder",
        )
    return work.resolve()


def require_plain(path: Path, gate: str, what: str) -> None:
    """Refuse a path with white space: the vendor's wrapper script and the .info format split at it."""
    if any(character.isspace() for character in str(path.absolute())):
        raise OmError(
            f"{what} has white space in its path, at which the vendor's tools split",
            gate=gate,
            where=repr(str(path.absolute())),
            fix="use a path without white space",
        )


def require_file(path: Path, gate: str, what: str) -> Path:
    """The absolute path of a file that exists, is not empty and has no white space in its path."""
    require_plain(path, gate, what)
    if not path.is_file() or path.stat().st_size == 0:
        raise OmError(f"{what} is missing or empty", gate=gate, where=path)
    return path.absolute()


def run_tool(
    argv: Sequence[str | Path],
    place: Place,
    *,
    error: type[StageError],
    gate: str,
    where: Path | None = None,
    prepare: Sequence[str] = (),
) -> Completed:
    """Run a vendor tool in `place.work` to a clean end, else raise `error` of the gate, with how to reproduce it.

    Not clean: no such program, no end within the limit, killed, exit code not 0, or an `[ERROR]` line (benchmark
    drops a batch after one and still exits 0). `prepare` are command lines that make anew what the tool reads in its
    folder.
    """
    how = reproduce(argv, place, prepare)
    name = str(argv[2]) if argv[1] == "-m" else Path(argv[0]).name
    try:
        done = run_kept(argv, place, prepare)
    except OSError as broken:
        what = f"`{argv[0]}` cannot be run: {broken.strerror}"
        raise error(what, gate=gate, where=where, fix=how) from broken
    problem = ending(done, place.timeout_seconds)
    errors = error_lines(done.stdout) + error_lines(done.stderr)
    if problem is None and errors:
        problem = "reported an error although its exit code is 0"
    if problem is not None:
        said = f"; it says: {' / '.join(errors[:5])}" if errors else ""
        raise error(f"`{name}` {problem}{said}; output ends: {tail(done)}", gate=gate, where=where, fix=how)
    return done


def run_kept(argv: Sequence[str | Path], place: Place, prepare: Sequence[str] = ()) -> Completed:
    """Run a vendor tool in `place.work`; beside its streams are kept, however it ends, the files that it writes of its
    own accord, its libraries' log among them, and how to run it again."""
    place.logs.mkdir(parents=True, exist_ok=True)
    line = f"{again(argv, place.env, prepare)}\n"
    (place.logs / AGAIN).write_text(line, encoding="utf-8", errors="surrogateescape")
    env = {**place.env, LOG_VARIABLE: str(log_folder(place.work))}
    try:
        return process.run(argv, cwd=place.work, logs=place.logs, timeout_seconds=place.timeout_seconds, env=env)
    finally:
        keep_own_files(place.work, place.logs)


def note_files(logs: Path, **files: Path) -> None:
    """Keep beside a tool's streams which file it read or made, by sha256: a name says nothing of what is in it."""
    logs.mkdir(parents=True, exist_ok=True)
    digests = {name: sha256_of(path) for name, path in files.items()}
    (logs / TOOL_FILES).write_text(json.dumps(digests), encoding="utf-8")


def reproduce(argv: Sequence[str | Path], place: Place, prepare: Sequence[str] = ()) -> str:
    """How to run the same by hand, and where both streams of this run are."""
    return f"reproduce with: {again(argv, place.env, prepare)}; both streams: {place.logs}"


def ending(done: Completed, timeout_seconds: float) -> str | None:
    """None for a child that ended with exit code 0, else what happened to it in words."""
    if done.timed_out:
        return f"did not end within {timeout_seconds:g} s and was ended (hang)"
    if done.returncode and (lost := LOADER.search(done.stdout + done.stderr)):
        where = "on a host without driver add the toolkit's <arch>-linux/devlib to LD_LIBRARY_PATH"
        source = "source the toolkit's set_env.sh in this shell"
        return f"cannot load {lost[1]}: {where if lost[1] == DRIVER_LIBRARY else source}"
    if done.returncode in OUT_OF_MEMORY_EXIT_CODES:
        return f"was killed (exit code {done.returncode}), most likely out of memory"
    if done.returncode < 0:
        return f"was ended by signal {-done.returncode}"
    return f"ended with exit code {done.returncode}" if done.returncode else None


def tail(done: Completed) -> str:
    """The last lines of a tool's output on one line, stdout before stderr; of a progress bar only its last state."""
    text = f"{done.stdout[-TAIL_SOURCE_CHARACTERS:]}\n{done.stderr[-TAIL_SOURCE_CHARACTERS:]}"
    lines: list[str] = []
    for line in filter(None, map(str.strip, re.split(r"[\r\n]", text))):
        if lines and _letters(lines[-1]) == _letters(line) and not is_error(line):
            lines.pop()
        lines.append(line)
    return " / ".join(lines[-TAIL_LINES:])[-TAIL_CHARACTERS:] or "(nothing printed)"


def _letters(line: str) -> str:
    """What two states of one progress bar have in common."""
    return re.sub(r"[^A-Za-z]", "", line)


@dataclass(frozen=True)
class Outputs:
    """How many outputs an OM has, and the place of the judged one among them; each is dumped for every image."""

    count: int = 1
    judged: int = 0

    def numbers(self, first: int) -> range:
        """The numbers in the names of the dumps, where the tool begins to count at `first`."""
        return range(first, first + self.count)

    def take(
        self, dumps: Path, names: Callable[[int], Iterable[str]], first: int, *, batch: int, completed: Completed
    ) -> None:
        """Require the dumps of all outputs, see check_dumps, and remove those of the others, which nothing reads.

        `names` gives those of an output by its number."""
        expected = (name for number in self.numbers(first) for name in names(number))
        check_dumps(dumps, expected, batch=batch, completed=completed)
        for number in self.numbers(first):
            if number != first + self.judged:
                for name in names(number):
                    (dumps / name).unlink()


ONE_OUTPUT = Outputs()


def check_dumps(dumps: Path, expected_names: Iterable[str], *, batch: int, completed: Completed) -> None:
    """`dumps` must hold exactly these file names, none of them empty; OmError names what is missing or extra."""
    found = sorted(entry.name for entry in dumps.iterdir()) if dumps.is_dir() else []
    compared = handover("the input", expected_names, "the dumps", found)
    if not compared.conserved:
        raise OmError(
            f"the dumps are not those of the input: {compared}; output ends: {tail(completed)}",
            gate=ran_gate(batch),
            where=dumps,
        )
    empty = [name for name in found if (dumps / name).stat().st_size == 0]
    if empty:
        raise OmError(f"{len(empty)} dumps are empty ({', '.join(empty[:5])})", gate=ran_gate(batch), where=dumps)


def outcome(
    stored: Callable[[], str], done: Completed, asked: Asked, *, place: Place, where: Path
) -> ThroughputReading | PerfError:
    """The reading, or the PerfError that says why there is none."""
    try:
        return reading(stored, done, asked, place=place, where=where)
    except PerfError as error:
        return error


def reading(
    stored: Callable[[], str], done: Completed, asked: Asked, *, place: Place, where: Path
) -> ThroughputReading:
    """What the tool measured; PerfError with its gate when its text is refused.

    The text that the tool `stored` is kept beside its streams, for the judge of the evidence to read again.
    """
    try:
        text = stored()
        (place.logs / STORED[asked.tool]).write_text(text, encoding="utf-8", errors="surrogateescape")
        return read_told(Told(done.stdout, text), asked)
    except (PerfTextError, OSError) as error:
        raise PerfError(str(error), gate=reading_gate(asked.batch), where=where) from error
