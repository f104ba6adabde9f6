"""Every fault of the catalogue, then clean runs: `python -m selftest.campaigns.faults` (`make faults`).

Prints fault | gate | message as it goes and writes docs/faults.md; exit status 1 when a fault is not caught by its
gate, or a clean run is not clean. `--part` runs one of the two, `--only WORDS` some faults; what did not run
keeps its place on the page.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from selftest.faults.catalogue import PAGE, clean_lines, expected, page, read_page, shown
from selftest.faults.test_faults import MESSAGE, WHERE
from selftest.faults.world import IMAGES, small_port, with_batches
from tools.base.files import ROOT, atomic
from tools.sample.checkpoint import write_checkpoint
from tools.sample.images import write_images
from tools.store.content import images_content_sha256

FAULT_TESTS = "turns_its_gate_red or the_spec_is_refused"
TAIL_LINES = 15


class Recorder:
    """Collects the fault and its message from each test's report, and prints the row at once."""

    def __init__(self) -> None:
        self.messages: dict[str, str] = {}
        self.missed: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take a report; properties come from another process where xdist is used."""
        told = dict(report.user_properties)
        if report.failed:
            self._miss(str(told.get(WHERE, report.nodeid)), report)
        elif report.when == "call" and WHERE in told:
            name = str(told[WHERE])
            self.messages[name] = str(told[MESSAGE])
            say(f"{name} | {expected()[name]} | {told[MESSAGE]}")

    def _miss(self, name: str, report: pytest.TestReport) -> None:
        self.missed[name] = report.longreprtext
        last = "\n    ".join(report.longreprtext.splitlines()[-TAIL_LINES:])
        say(f"{name} | NOT CAUGHT by {expected().get(name, 'its test')}\n    {last}")


def say(line: str) -> None:
    """A line on the real standard output, past pytest's own report."""
    print(line, file=sys.__stdout__, flush=True)


def run_faults(recorder: Recorder, workers: str, only: str) -> None:
    """Run the catalogue's tests, those that the expression `only` picks."""
    words = ["-n", workers, "--dist", "worksteal", "-p", "no:cacheprovider", "-q"]
    words += ["-o", "tmp_path_retention_policy=failed"]  # a world holds some hundred megabytes
    picked = ["-k", f"({FAULT_TESTS}) and ({only})" if only else FAULT_TESTS]
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main([f"--rootdir={ROOT}", *words, *picked, str(ROOT / "selftest" / "faults")], plugins=[recorder])


@dataclass(frozen=True)
class Place:
    """Where a clean run takes place: `warm` is a cache that is kept from run to run, `own` a folder of this run's."""

    port: Path
    warm: Path
    own: Path
    seed: int

    @property
    def cold(self) -> str:
        """A cache that does not exist yet."""
        return f"--cache={self.own / 'cache'}"

    @property
    def cold_elsewhere(self) -> str:
        """Another one, with characters in its name that benchmark takes (ais_bench's path policy refuses them)."""
        return f"--cache={self.own / '缓存-é'}"

    def batches(self, *sizes: int) -> str:
        """The port with other batch sizes."""
        return self._with(with_batches(self.port.read_text(encoding="utf-8"), sizes))

    def images_in_another_order(self) -> list[str]:
        """The sample as the user's own: files made and labels listed in a random order, the port's digest to match."""
        folder, labels = self.own / "val", self.own / "val_label.txt"
        made = self.own / "made"
        write_images(made, IMAGES)
        names, lines = sorted((made / "val").iterdir()), (made / "val_label.txt").read_text().splitlines(keepends=True)
        order = random.Random(self.seed)
        order.shuffle(names)
        order.shuffle(lines)
        folder.mkdir()
        for name in names:
            name.rename(folder / name.name)
        labels.write_text("".join(lines), encoding="utf-8")
        write_checkpoint(self.own / "own.pth")
        text = self.port.read_text(encoding="utf-8")
        pinned = re.search(r"\n  dataset:\n.*?content_sha256: ([0-9a-f]{64})", text, re.DOTALL)
        assert pinned is not None
        digest = images_content_sha256([*folder.iterdir(), labels])
        own = [f"--images={folder}", f"--labels={labels}", f"--checkpoint={self.own / 'own.pth'}"]
        return [*own, self._with(text.replace(pinned[1], digest))]

    def _with(self, text: str) -> str:
        path = self.own / "port.yaml"
        path.write_text(text, encoding="utf-8")
        return f"--port={path}"


@dataclass(frozen=True)
class Clean:
    """A run in which nothing is wrong: what differs, its arguments, its environment, and its last word."""

    differs: str
    arguments: Callable[[Place], list[str]] = lambda place: []
    environment: tuple[tuple[str, str], ...] = ()
    verdict: str = "VERDICT: SIMULATED (SAMPLE)"


SHUFFLED = ("-p", "random_order", "--random-order-bucket=global")
CLEAN = (
    Clean("cold: an empty cache", lambda place: [place.cold_elsewhere]),
    Clean("warm: everything is in the cache"),
    Clean("tests in random order", lambda place: [*SHUFFLED, f"--random-order-seed={place.seed}"]),
    Clean("tests in another random order", lambda place: [*SHUFFLED, f"--random-order-seed={place.seed}"]),
    Clean(
        "tests in random order, an empty cache",
        lambda place: [*SHUFFLED, f"--random-order-seed={place.seed}", place.cold],
    ),
    Clean("two workers", lambda place: ["-n", "2"]),
    Clean("two workers, an empty cache", lambda place: ["-n", "2", place.cold]),
    Clean("two workers, each test where there is room", lambda place: ["-n", "2", "--dist", "worksteal"]),
    Clean("batch 1 alone", lambda place: [place.batches(1)]),
    Clean("batches from the largest to the smallest", lambda place: [place.batches(32, 16, 8, 4, 1)]),
    Clean("batches 4 and 16", lambda place: [place.batches(4, 16)]),
    Clean("own images and labels in another order", lambda place: place.images_in_another_order()),
    Clean("own images and labels in a third order", lambda place: place.images_in_another_order()),
    Clean("ais_bench instead of benchmark", lambda place: ["--infer-tool=ais_bench"]),
    Clean("ais_bench, an empty cache", lambda place: ["--infer-tool=ais_bench", place.cold]),
    Clean("two devices", lambda place: ["--device=0,1"]),
    Clean("throughput measured anew", lambda place: ["--remeasure"]),
    Clean("diagnosis asked for", lambda place: ["--diagnose=always"]),
    Clean("another locale and time zone", environment=(("LC_ALL", "C"), ("TZ", "Asia/Kolkata"))),
    Clean("another seed of hashes", environment=(("PYTHONHASHSEED", "4711"),)),
)


def run_clean(runs: tuple[Clean, ...], base: Path) -> list[tuple[str, str]]:
    """Run them all and print each; returns what differed and how each ended, where a false alarm says so."""
    port = base / "port.yaml"
    port.write_text(small_port(base / "small"), encoding="utf-8")
    ended = []
    for number, clean in enumerate(runs, start=1):
        own = base / f"run{number}"
        own.mkdir()
        problem = _run_one(clean, Place(port, base / "cache", own, seed=number))
        ended.append((clean.differs, problem or clean.verdict))
        say(f"clean run {number} of {len(runs)} | {clean.differs}: {ended[-1][1]}")
        shutil.rmtree(own)
    return ended


def _run_one(clean: Clean, place: Place) -> str:
    """Empty for a clean end, else FALSE ALARM with the last lines."""
    given = clean.arguments(place)
    defaults = [f"--port={place.port}", f"--cache={place.warm}", f"--evidence={place.own / 'evidence'}"]
    named = {word.partition("=")[0] for word in given}
    words = [word for word in defaults if word.partition("=")[0] not in named]
    words += [] if "--checkpoint" in named else ["--sample"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *words, *given],
        cwd=ROOT,
        env={**os.environ, **dict(clean.environment)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0 and clean.verdict in done.stdout:
        return ""
    return f"FALSE ALARM, exit status {done.returncode}\n" + "\n".join(done.stdout.splitlines()[-60:]) + done.stderr


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="WORDS", help="only these faults, as pytest's -k: 'atc or slow'")
    parser.add_argument("--part", choices=("faults", "clean"), help="only the catalogue, or only the clean runs")
    parser.add_argument("-n", dest="workers", default="2", help="faults at a time (default: 2)")
    return parser.parse_args()


def main() -> int:
    """Run faults and clean runs, write the page, give the sum."""
    arguments = _arguments()
    known, lines = read_page(PAGE.read_text(encoding="utf-8")) if PAGE.is_file() else ({}, [])
    recorder = Recorder()
    if arguments.part != "clean":
        run_faults(recorder, arguments.workers, arguments.only)
    clean_runs = () if arguments.only or arguments.part == "faults" else CLEAN
    if clean_runs:
        with tempfile.TemporaryDirectory(prefix="clean-") as base:
            lines = clean_lines(run_clean(clean_runs, Path(base)))
    messages = known | recorder.messages
    alarms = sum(line.count("FALSE ALARM") for line in lines)
    lacking = shown() - messages.keys()
    if not recorder.missed and not lacking and not alarms:
        with atomic(PAGE) as partial:
            partial.write_text(page(messages, lines), encoding="utf-8")
    ran = len(recorder.messages.keys() | recorder.missed.keys())
    say(
        f"{ran} faults, {len(recorder.messages)} caught by the named gate; "
        f"{len(clean_runs)} clean runs, {alarms} false alarms"
    )
    if lacking:
        say(f"without a message, the page was not written: {', '.join(sorted(lacking))}")
    return 1 if recorder.missed or alarms or lacking or not ran + len(clean_runs) else 0


if __name__ == "__main__":
    sys.exit(main())
