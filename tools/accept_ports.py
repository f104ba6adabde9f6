"""Judge many ports, a process each: `python tools/accept_ports.py ports/*.yaml --out DIR [-- pytest options]`.

Each port has DIR/<port>/ with its evidence and its log; DIR/ports.json holds all answers (docs/accept-ports.md). What
is judged already is not judged again unless something changed that its answer rests on, so the same command goes on
where it was interrupted.

Exit status, the worst of the ports': 0 every word is ACCEPTED, UNPINNED, SAMPLE or SIMULATED (and not weaker than
--require), 1 a port is REJECTED or INCOMPLETE, 2 a port has no evidence that holds (it does not load, has no
checkpoint, crashed, took too long) or the command line is refused, 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

if __package__ in (None, ""):  # run as a file: import the suite from the repository root, not from tools/
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from tools.base.interpreter import require

    require()

from filelock import FileLock, Timeout

from tools.ascend.target import TargetKind
from tools.base import cli
from tools.base.errors import SuiteError
from tools.base.files import PACKAGE, ROOT, scratch_folder
from tools.catalogue.asked import Asked, asked
from tools.catalogue.child import Due, Runner
from tools.catalogue.entry import Entry, entries
from tools.catalogue.matrix import MOST_JOBS, matrix
from tools.catalogue.plan import Kept, Step, lines, step
from tools.catalogue.rows import Row, State, table_lines, worst, write_table
from tools.catalogue.schedule import Schedule
from tools.catalogue.told import tell, told
from tools.judge import records
from tools.judge.results import Word
from tools.judge.verify import GOOD_WORDS
from tools.pipeline.option_values import device_numbers

LIMIT_SECONDS = 12 * 3600.0
"""torch on a CPU takes hours for a large network and 50,000 images; nothing takes half a day."""


def _parser() -> cli.Parser:
    parser = cli.Parser(
        description="Judge many ports, each in a process of its own; words behind -- go to each one's pytest.",
        usage="%(prog)s PORT [PORT ...] --out DIR [options] [-- pytest options]",
    )
    parser.add_argument("ports", metavar="PORT", nargs="+", help="a port's file, or the name of one of the suite's")
    parser.add_argument("--out", metavar="DIR", type=Path, help="where results are kept, a folder for each port")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--devices", metavar="LIST", help="devices, each of which judges one port at a time, e.g. 0,1")
    where.add_argument("--jobs", metavar="N", type=int, help="ports judged at a time on the simulator (default: 1)")
    parser.add_argument(
        "--prepare",
        metavar="N",
        type=int,
        help="ports that the host prepares ahead, at lowest priority (default: one a device, none on the simulator)",
    )
    parser.add_argument("--checkpoints", metavar="DIR", type=Path, help="folder of the checkpoints (default: this one)")
    parser.add_argument(
        "--time-limit", metavar="SECONDS", type=float, default=LIMIT_SECONDS, help="for a port (default: %(default)g)"
    )
    parser.add_argument("--again", action="store_true", help="judge also what is judged already")
    parser.add_argument(
        "--require",
        metavar="WORD",
        choices=[str(word) for word in GOOD_WORDS],
        default=str(GOOD_WORDS[0]),
        help="exit with 1 unless every word is at least this (tools/verify_bundle.py)",
    )
    parser.add_argument("--list-json", action="store_true", help="print the matrix for a CI system and judge nothing")
    return parser


def main() -> int:
    """Judge them all, or print the matrix."""
    parser, words = _parser(), sys.argv[1:]
    cut = words.index("--") if "--" in words else len(words)
    arguments, pytest_words = parser.parse_args(words[:cut]), words[cut + 1 :]
    given = asked(pytest_words, checkpoints=arguments.checkpoints, here=Path.cwd(), devices=arguments.devices)
    if arguments.list_json:
        return _print_matrix(arguments.ports, given)
    if arguments.out is None:
        parser.error("the following arguments are required: --out")
    if not PACKAGE and Path.cwd() != ROOT:
        raise SuiteError("the suite's pytest runs from its own folder", where=Path.cwd(), fix=f"cd {ROOT}")
    out = arguments.out.absolute()
    ports = entries(arguments.ports, out)
    places = _places(arguments, given)
    ahead = _ahead(arguments, given, len(places))
    out.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out / ".lock", timeout=0), scratch_folder("accept-ports-") as scratch, _cancelled_as_by_ctrl_c():
            runner = Runner(given, scratch, limit_seconds=_limit(arguments.time_limit), require=Word(arguments.require))
            steps = partial(step, asked=given, again=arguments.again)
            return _judge_all(ports, steps, runner, places, ahead, out)
    except Timeout as error:
        raise SuiteError(
            "another accept_ports.py is at work here", where=out, fix="wait, or name another --out"
        ) from error


@contextmanager
def _cancelled_as_by_ctrl_c() -> Iterator[None]:
    """A cancelled job (SIGTERM) ends like Ctrl-C, also where another command than this file began it."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _print_matrix(words: Sequence[str], given: Asked) -> int:
    made = matrix(entries(words, Path()), words, given)
    if len(made.include) > MOST_JOBS:
        tell(f"note: {len(made.include)} jobs, GitHub takes {MOST_JOBS} for a matrix: name fewer ports, or a --soc")
    print(json.dumps(records.plain(made)))
    return cli.EXIT_OK


def _places(arguments: argparse.Namespace, given: Asked) -> list[int | None]:
    """Where ports are judged: a device each, None for the one that the suite takes by itself."""
    if arguments.devices is not None:
        return list(device_numbers(arguments.devices, "--devices"))
    jobs = 1 if arguments.jobs is None else arguments.jobs
    if jobs < 1:
        raise SuiteError("--jobs must be at least 1", measured=jobs)
    if jobs > 1 and given.kind is TargetKind.ASCEND:
        raise SuiteError("a device judges one port at a time", measured=f"--jobs {jobs}", fix="name --devices instead")
    return [None] * jobs


def _ahead(arguments: argparse.Namespace, given: Asked, places: int) -> int:
    if arguments.prepare is None:
        return places if given.kind is TargetKind.ASCEND else 0
    if arguments.prepare < 0:
        raise SuiteError("--prepare must not be below 0", measured=arguments.prepare)
    return int(arguments.prepare)


def _limit(seconds: float) -> float:
    if not 0 < seconds < float("inf"):
        raise SuiteError("--time-limit must be a number of seconds above 0", measured=seconds)
    return seconds


def _judge_all(
    ports: Sequence[Entry],
    plan: Callable[[Entry], Step],
    runner: Runner,
    places: list[int | None],
    ahead: int,
    out: Path,
) -> int:
    """Plan, judge, and print the table; the file is written again after each answer."""
    rows = {port.name: Row(port.name, str(port.file), State.WAITING) for port in ports}
    due: deque[Due] = deque()
    interrupted = True
    try:
        for port in ports:
            found = plan(port)
            for line in lines(found):
                tell(line)
            if isinstance(found, Due):
                due.append(found)
            elif isinstance(found, Kept):
                rows[port.name] = runner.kept(found.entry, found.finished, found.evidence)
            else:
                rows[port.name] = found
        for line in dict.fromkeys(line for port in due for line in port.setup.warnings()):
            tell(line)  # once: it is the same for all of them, and a hundred reports say it too late
        total = len(due)
        schedule = Schedule(due, deque(places), ahead, runner.judge, runner.prepare, runner.stop)
        with closing(schedule.answers()) as answers:
            for row in told(answers, total):
                rows[row.port] = row
                write_table(list(rows.values()), out, interrupted=True)
        interrupted = False
    finally:
        place = write_table(list(rows.values()), out, interrupted=interrupted)
        cli.say(*table_lines(list(rows.values())))
        cli.say(f"table: {place}" + ("; the same command goes on where it was interrupted" if interrupted else ""))
    return worst(rows.values())


if __name__ == "__main__":
    sys.exit(cli.run(main))
