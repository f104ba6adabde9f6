"""Fuzz the parsers: `python -m selftest.campaigns.fuzz [TARGET ...] --cases 1000000`.

Each target runs in a process of its own under atheris (coverage guided), with a limit for the time of a case and one
for memory. A finding is an exception that the parser does not document, an error that quotes its input at length, a
hang, or too much memory; a target ends at its first one, whose input is kept. Results and corpora are kept in
build/fuzz/. When there is a result for every target, the kept cases are replayed under coverage.py, and the tables of
docs/fuzzing.md are written. Status 1 when anything was found.
"""

from __future__ import annotations

import hashlib
import importlib
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from selftest.campaigns import fuzz_page, fuzz_targets
from selftest.campaigns.fuzz_result import RESULT, Coverage, Result, read_coverage, read_results
from selftest.campaigns.fuzz_target import Target
from selftest.campaigns.fuzz_worker import COVERAGE, SLOWEST
from tools.base import cli
from tools.base.errors import SuiteError
from tools.base.files import ROOT, atomic

PLACE = ROOT / "build" / "fuzz"
FINDING_PREFIXES = ("crash-", "timeout-", "oom-")
FINDING_STATUSES = {77: "an exception that is not documented", 70: "a hang", 71: "too much memory"}
"""How libFuzzer under atheris ends: 77 for an uncaught exception, 70 for -timeout, 71 for -rss_limit_mb."""
_EXECUTED = re.compile(rb"stat::number_of_executed_units: +(\d+)")
_PEAK = re.compile(rb"stat::peak_rss_mb: +(\d+)")
_EXCEPTION = re.compile(r"=== Uncaught Python exception: ===\s+(.*)")


@dataclass(frozen=True)
class Limits:
    """How long a target runs and what one case may cost; `total_seconds` 0 means until all cases are run."""

    cases: int = 1_000_000
    case_seconds: int = 10
    memory_mb: int = 1024
    total_seconds: int = 0
    seed: int = 1

    def options(self, place: Path) -> list[str]:
        """libFuzzer's words for it."""
        return [
            f"-runs={self.cases}",
            f"-timeout={self.case_seconds}",
            f"-rss_limit_mb={self.memory_mb}",
            f"-max_total_time={self.total_seconds}",
            f"-seed={self.seed}",
            f"-artifact_prefix={place}/",
            "-print_final_stats=1",
            "-reload=0",
        ]


def main() -> int:
    """Fuzz the targets asked for, one after the other."""
    parser = cli.Parser(description="Fuzz the parsers of what tools and people write; status 1 when anything is found.")
    known = ", ".join(fuzz_targets.TARGETS)
    parser.add_argument("targets", metavar="TARGET", nargs="*", help=f"all by default: {known}")
    parser.add_argument(
        "--cases", type=int, default=Limits.cases, help="cases for each target (1,000,000); 0: the page only"
    )
    parser.add_argument(
        "--seconds", type=int, default=Limits.total_seconds, help="most seconds for a target (no limit)"
    )
    parser.add_argument("--seed", type=int, default=Limits.seed, help="seed of the mutations (1)")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.targets) - fuzz_targets.TARGETS.keys())
    if unknown:
        raise SuiteError(f"no such target: {unknown[0]}", allowed=known)
    limits = Limits(cases=arguments.cases, total_seconds=arguments.seconds, seed=arguments.seed)
    results = [fuzz(name, limits) for name in arguments.targets or fuzz_targets.TARGETS if limits.cases]
    _write_page()
    return cli.EXIT_FAILED if any(result.finding for result in results) else cli.EXIT_OK


def fuzz(name: str, limits: Limits, *, table: str = fuzz_targets.__name__, place: Path = PLACE) -> Result:
    """Run one target of `table` in its own process and keep its result; the corpus of earlier runs is built on."""
    folder = place / name
    folder.mkdir(parents=True, exist_ok=True)
    for old in _inputs_found(folder):
        old.unlink()
    log, began = folder / "log", time.monotonic()
    status = _worker("fuzz", table, name, folder, log, limits.options(folder))
    seconds, said = time.monotonic() - began, log.read_bytes()
    result = Result(
        name=name,
        cases=_stated(_EXECUTED, said),
        finding=_finding(status, folder, log),
        seconds=seconds,
        slowest_seconds=_seconds(folder / SLOWEST),
        peak_memory_mb=_stated(_PEAK, said),
        sources_sha256=_sources_sha256(_target(table, name)),
    )
    with atomic(folder / RESULT) as partial:
        partial.write_bytes(msgspec.json.encode(result))
    print(fuzz_page.line(result), flush=True)
    return result


def replay(name: str, *, table: str = fuzz_targets.__name__, place: Path = PLACE) -> dict[str, Coverage]:
    """What the kept cases of a target reach of its modules as they are now, by file; SuiteError when one fails."""
    folder = place / name
    log = folder / "replay.log"
    status = _worker("replay", table, name, folder, log, [])
    if status:
        said = log.read_text(encoding="utf-8", errors="replace")
        raise SuiteError(f"replay of {name} ended with status {status}: {said[-500:]}", where=log)
    return read_coverage(folder / COVERAGE)


def module_file(module: str) -> str:
    """A module's file, relative to the repository."""
    return f"{module.replace('.', '/')}.py"


def _target(table: str, name: str) -> Target:
    found: Target = importlib.import_module(table).TARGETS[name]
    return found


def _worker(action: str, table: str, name: str, folder: Path, log: Path, options: Sequence[str]) -> int:
    modules = ",".join(_target(table, name).modules)
    argv = [sys.executable, "-m", "selftest.campaigns.fuzz_worker", action, table, name, modules, str(folder), *options]
    with log.open("wb") as out:
        return subprocess.run(argv, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, check=False).returncode


def _finding(status: int, folder: Path, log: Path) -> str:
    """What was found, in words with the file that holds the input; SuiteError when the worker itself broke."""
    kept = _inputs_found(folder)
    if status == 0 and not kept:
        return ""
    said = log.read_text(encoding="utf-8", errors="replace")
    if status not in FINDING_STATUSES or not kept:
        raise SuiteError(f"the fuzzer ended with status {status} and no input: {said[-500:]}", where=log)
    exception = _EXCEPTION.search(said)
    return f"{FINDING_STATUSES[status]}{f' ({exception[1][:200]})' if exception else ''}: {kept[0].name}"


def _inputs_found(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name.startswith(FINDING_PREFIXES))


def _stated(pattern: re.Pattern[bytes], said: bytes) -> int:
    match = pattern.search(said)
    return int(match[1]) if match else 0


def _seconds(record: Path) -> float | None:
    return float(record.read_text(encoding="ascii")) if record.is_file() else None


def _sources_sha256(target: Target) -> str:
    digest = hashlib.sha256()
    for module in target.modules:
        digest.update((ROOT / module_file(module)).read_bytes())
    return digest.hexdigest()


def _write_page() -> None:
    """Replay every target's kept cases on the code as it is, and write the tables; nothing while one is missing."""
    results = read_results(PLACE, fuzz_targets.TARGETS)
    missing = sorted(fuzz_targets.TARGETS.keys() - results.keys())
    if missing:
        print(f"{fuzz_page.PAGE.name} is left as it is: no result of {', '.join(missing)}")
        return
    reached = {name: replay(name) for name in results}
    current = {name: _sources_sha256(target) for name, target in fuzz_targets.TARGETS.items()}
    stale = {name for name, result in results.items() if result.sources_sha256 != current[name]}
    with atomic(fuzz_page.PAGE) as partial:
        text = fuzz_page.PAGE.read_text(encoding="utf-8")
        partial.write_text(fuzz_page.written(text, list(results.values()), reached, stale), encoding="utf-8")
    print(fuzz_page.PAGE)


if __name__ == "__main__":
    sys.exit(cli.run(main))
