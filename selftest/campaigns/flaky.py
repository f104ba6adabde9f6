"""Do the fast self-tests pass in any order and anywhere? `python -m selftest.campaigns.flaky --runs 50`

A first run times every test of the chosen paths; the fast ones then run again and again in random order, alone and on
two workers, under other locales, time zones, folders and hash seeds, with an empty home. Stops at the first failure
with the seed, the environment and the test; exit status 1 then.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.base.files import ROOT, atomic

DURATIONS = ROOT / "build" / "selftest" / "durations.json"
SLOW_PATHS = frozenset(
    (
        *("faults", "contracts", "ascend_simulator", "campaigns", "evidence"),
        *("test_bench.py", "test_collect_only.py", "test_diagnose.py", "test_diagnose_om.py", "test_engines.py"),
        *("test_fuzz.py", "test_parallel.py", "test_pth2onnx.py", "test_sample.py", "test_verify_bundle.py"),
    )
)
"""Whole acceptances, networks, or a process in every test: not even timed, and not what is run 50 times."""
LOCALES = ("C", "C.UTF-8", "POSIX", "zh_CN.UTF-8")
TIME_ZONES = ("UTC", "Asia/Kolkata", "America/St_Johns")
TIMER = "selftest.campaigns.flaky_timer"


@dataclass(frozen=True)
class Run:
    """One run's seed, workers, and what its environment is set to."""

    number: int
    seed: int
    workers: int
    environment: dict[str, str]

    def __str__(self) -> str:
        words = " ".join(f"{name}={value}" for name, value in self.environment.items() if name != "HOME")
        return f"run {self.number}: seed {self.seed}, -n {self.workers}, {words}"


def planned(runs: int, seed: int, home: Path) -> Iterator[Run]:
    """The runs: workers in turn, the rest drawn from the seed."""
    draw = random.Random(seed)
    for number in range(1, runs + 1):
        environment = {
            "LC_ALL": draw.choice(_locales()),
            "TZ": draw.choice(TIME_ZONES),
            "PYTHONHASHSEED": str(draw.randrange(2**32)),
            "HOME": str(home),
        }
        yield Run(number, draw.randrange(10**6), 2 * (number % 2), environment)


def _locales() -> list[str]:
    """Those that this machine has."""
    known = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=False).stdout.lower().split()
    return [name for name in LOCALES if name.lower().replace("utf-8", "utf8") in known or name in ("C", "POSIX")]


def pytest_command(*words: str) -> list[str]:
    """pytest on this repository, wherever it is started."""
    return [sys.executable, "-m", "pytest", f"--rootdir={ROOT}", f"--config-file={ROOT / 'pytest.ini'}", "-q", *words]


def durations(paths: Sequence[Path], measure: bool) -> dict[str, float]:
    """Seconds of each test, set-up included; from the file where it exists and nothing else was asked."""
    if measure or not DURATIONS.is_file():
        words = ["-p", "no:cacheprovider", "-p", TIMER, *map(str, paths)]
        with atomic(DURATIONS) as partial:
            environment = {**os.environ, "SELFTEST_DURATIONS": str(partial)}
            done = subprocess.run(pytest_command(*words), cwd=ROOT, env=environment, check=False)
            if done.returncode:
                raise SystemExit(f"the tests fail in their own order, exit status {done.returncode}")
    found: dict[str, float] = json.loads(DURATIONS.read_text(encoding="utf-8"))
    return found


def run_once(run: Run, selected: Path, cwd: Path) -> tuple[int, str]:
    """Exit status and output."""
    order = ["--random-order", "--random-order-bucket=global", f"--random-order-seed={run.seed}"]
    words = ["-p", "no:cacheprovider", "-x", "-n", str(run.workers), *order, f"@{selected}"]
    environment = {**os.environ, **run.environment}
    done = subprocess.run(
        pytest_command(*words), cwd=cwd, env=environment, capture_output=True, text=True, check=False, errors="replace"
    )
    return done.returncode, done.stdout + done.stderr


def main() -> int:
    """Time once, then run and tell each run on a line."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it, and so would tests
    arguments = _arguments()
    paths = arguments.paths or [
        path for path in sorted((ROOT / "selftest").glob("*")) if path.name not in SLOW_PATHS and _has_tests(path)
    ]
    seconds = durations(paths, arguments.measure)
    fast = sorted(name for name, spent in seconds.items() if spent < arguments.below_seconds)
    print(f"{len(fast)} tests of {len(seconds)} take less than {arguments.below_seconds:g} s", flush=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="flaky-") as name:
        cwd, home = Path(name, "somewhere else"), Path(name, "home")
        cwd.mkdir()
        home.mkdir()
        selected = Path(name, "selected")
        selected.write_text("\n".join(f"{ROOT}/{test}" for test in fast), encoding="utf-8")
        for run in planned(arguments.runs, arguments.seed, home):
            begun = time.monotonic()
            status, text = run_once(run, selected, cwd)
            last = text.rstrip().rpartition("\n")[2]
            print(f"{run}: {last} ({time.monotonic() - begun:.0f} s)", flush=True)
            if status:
                print(f"FAILED with exit status {status}\n{text[-6000:]}", flush=True)
                return 1
    each = (time.monotonic() - started) / arguments.runs
    print(f"{arguments.runs} runs of {len(fast)} tests of {len(seconds)}, 0 failures, {each:.0f} s a run")
    return 0


def _has_tests(path: Path) -> bool:
    return path.match("test_*.py") or any(path.glob("test_*.py"))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1, help="of the plan: orders, locales, time zones (default: 1)")
    parser.add_argument("--below-seconds", type=float, default=1.0, help="which tests are fast (default: 1)")
    parser.add_argument("--measure", action="store_true", help=f"time the tests anew (kept in {DURATIONS.name})")
    parser.add_argument("paths", nargs="*", type=Path, help="default: selftest/ but for its slow folders")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
