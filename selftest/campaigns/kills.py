"""Kill acceptance runs at random moments, see what is left: `python -m selftest.campaigns.kills --kills 200 --seed 1`.

Each victim is the real command line in a process of its own, on 48 sample images, from a cold cache or from one that
lacks some steps. A chain of kills hits one cache, so that later kills find what earlier ones left; at its end a clean
run must say what the undisturbed reference run says, with the same artifacts. Half of the moments are uniform over
the time that the run still needs, the others uniform within one step, chosen among those that are still to be done.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from bench.page import replace_part
from selftest.campaigns import kills_checks as checks
from selftest.faults.world import small_port, with_batches
from tools.base import cli
from tools.base.errors import SuiteError
from tools.base.files import ROOT
from tools.base.process import GUARD

PAGE = ROOT / "docs" / "crash-safety.md"
NOT_NEEDED = ("info -m", "info -t board")
"""Questions to npu-smi that some drivers and containers do not answer: a run says less, and goes on."""
RUN_LIMIT_SECONDS, ORPHAN_LIMIT_SECONDS, POLL_SECONDS = 300.0, 20.0, 0.01
WHOLE_GROUP, MAIN_ONLY, ONE_CHILD = "all processes", "pytest alone", "one tool"
HOW, WEIGHTS = (WHOLE_GROUP, MAIN_ONLY, ONE_CHILD), (45, 45, 10)
START, BETWEEN, PUBLISH, AFTER = "start", "between steps", "publishing the evidence", "after publishing"
COLD_SHARE, OLD_EVIDENCE_SHARE, ANY_MOMENT_SHARE, FORGOTTEN_AT_MOST = 0.2, 0.5, 0.4, 4
PUBLISH_SECONDS, PUBLISH_SHARE = 0.5, 0.1
MODEL_TOOLS = ("om", "om-described", "predictions-om")
FAILED = (1,)


@dataclass(frozen=True)
class Step:
    """An artifact that the reference run made: its lock's name, and when it was begun and done (seconds)."""

    lock: str
    begun: float
    done: float

    @property
    def kind(self) -> str:
        """The folder of its kind."""
        return self.lock[:-33]

    def made(self, cache: Path) -> bool:
        """Whether it lies in a cache under its final name."""
        return (cache / self.kind / self.lock[-32:]).exists()


@dataclass
class Tally:
    """What the campaign counts; every problem is also a line of the log."""

    kills: int = 0
    clean_runs: int = 0
    how: Counter[str] = field(default_factory=Counter)
    stages: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    evidence: Counter[str] = field(default_factory=Counter)
    slowest_orphan: float = 0.0


@dataclass
class Place:
    """The folders of one chain."""

    folder: Path
    port: Path

    @property
    def cache(self) -> Path:
        """Where the runs keep artifacts."""
        return self.folder / "cache"

    @property
    def evidence(self) -> Path:
        """Where they publish."""
        return self.folder / "evidence"


class Run:
    """One acceptance run in a session of its own; every process of it carries `mark`."""

    def __init__(self, place: Place, mark: str) -> None:
        self.place, self.mark, self.began = place, mark, time.monotonic()
        scratch = place.folder / "tmp"
        scratch.mkdir(parents=True, exist_ok=True)
        options = [f"--port={place.port}", f"--cache={place.cache}", f"--evidence={place.evidence}"]
        self.log = place.folder / f"{mark}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pytest", "--sample", *options, "-q", "-p", "no:cacheprovider"],
                cwd=ROOT,
                env={**os.environ, checks.MARK: mark, "TMPDIR": str(scratch)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def seconds(self) -> float:
        """Since its start."""
        return time.monotonic() - self.began

    def wait_for(self, reached: Callable[[], bool]) -> bool:
        """Wait until something is true; False when the run ended before."""
        while not reached():
            if self.process.poll() is not None:
                return False
            if self.seconds > RUN_LIMIT_SECONDS:
                raise SuiteError("the run does not end", where=self.log)
            time.sleep(POLL_SECONDS)
        return True

    def end(self) -> int | None:
        """Its exit code, None when it does not end: then all of it is killed."""
        try:
            return self.process.wait(RUN_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill_all()
            return None

    def kill_all(self) -> None:
        """Kill every process of the run, until none is left."""
        self.process.kill()
        while found := checks.processes(self.mark):
            for pid in found:
                _kill(pid)
        self.process.wait()

    def stage(self, bundle_before: str) -> str:
        """What it is doing now, told from the lock it holds or from its evidence."""
        held = checks.held_locks(self.place.cache)
        if held:
            step = Step(held[0].removesuffix(".lock"), 0.0, 0.0)
            return f"{step.kind} (check)" if step.made(self.place.cache) else step.kind
        if self.publishing():
            return PUBLISH
        staging = self.place.folder / f".evidence.{self.process.pid}.partial"
        if not staging.exists():
            return START if _bundle(self.place.evidence) == bundle_before else AFTER
        return BETWEEN

    def publishing(self) -> bool:
        """Whether its record is written, and not yet under its final name."""
        return (self.place.folder / f".evidence.{self.process.pid}.partial" / "acceptance.json").exists()

    def tools(self) -> list[int]:
        """The vendor tools that run for it and whose answer it needs."""
        found = checks.processes(self.mark)
        return [
            pid
            for pid, command in found.items()
            if pid != self.process.pid and GUARD.name not in command and "simulator" in command
            if not any(question in command for question in NOT_NEEDED)
        ]


class Campaign:
    """The reference run that all others are held against, and the tally."""

    def __init__(self, work: Path, seed: int, log: Callable[[str], None]) -> None:
        self.work, self.seed, self.log, self.tally = work, seed, log, Tally()
        self.digests, self.lock = checks.Digests(), threading.Lock()
        self.port = work / "port.yaml"
        self.port.write_text(campaign_port(work / "sample"), encoding="utf-8")
        self.reference = Place(work / "reference", self.port)
        self.steps, self.cold_seconds = self._measure_reference()
        self.contents = checks.contents(self.reference.cache, self.digests)
        self.figures = checks.figures(self.reference.evidence)

    def _measure_reference(self) -> tuple[list[Step], float]:
        """The undisturbed cold run, with the time of each step."""
        run, times = Run(self.reference, "reference"), dict[str, tuple[float, float]]()

        def look() -> bool:
            for path in (self.reference.cache / ".partial").glob("*"):
                begun, _ = times.get(path.name, (run.seconds, 0.0))
                times[path.name] = begun, run.seconds
            return False

        run.wait_for(look)
        if run.end() != 0:
            raise SuiteError("the undisturbed run fails", where=run.log)
        steps = sorted((Step(name, *span) for name, span in times.items()), key=lambda step: step.begun)
        self.log(f"reference: {run.seconds:.1f} s, steps: " + ", ".join(f"{s.kind} {s.begun:.1f}" for s in steps))
        return steps, run.seconds

    def finish(self) -> None:
        """The reference's artifacts, shared by hard links with every chain, must be as they were."""
        problems = [("partial artifact", text) for text in checks.cache_problems(self.reference.cache, self.digests)]
        self.tell("at the end: the reference's artifacts", problems)

    def tell(self, line: str, problems: Sequence[tuple[str, str]]) -> None:
        """Count problems, and write them and the line."""
        with self.lock:
            for kind, text in problems:
                self.tally.problems[kind] += 1
                self.log(f"PROBLEM {kind}: {text}")
            self.log(f"{line}, {f'{len(problems)} PROBLEMS' if problems else 'nothing wrong'}")


class Chain:
    """Several kills on one cache and one place of evidence, then a clean run; all choices follow seed and number."""

    def __init__(self, campaign: Campaign, number: int) -> None:
        self.campaign, self.number, self.tally = campaign, number, campaign.tally
        self.random = random.Random(f"{campaign.seed}-{number}")
        self.place = Place(campaign.work / f"chain{number}", campaign.port)
        self.runs, self.verified = 0, ""

    def run(self, kills: int) -> None:
        """Kill so many runs, then judge an undisturbed one."""
        self._prepare()
        while kills:
            kills -= self._strike()
        clean = self._start()
        self._judge_clean(clean, clean.end())
        shutil.rmtree(self.place.folder)

    def _start(self) -> Run:
        self.runs += 1
        return Run(self.place, f"{self.number}-{self.runs}")

    def _prepare(self) -> None:
        """A cold cache, or the reference's without some of its steps; with or without an earlier bundle."""
        self.place.folder.mkdir(parents=True)
        reference = self.campaign.reference
        if self.random.random() >= COLD_SHARE:
            for kind in sorted(path for path in reference.cache.iterdir() if not path.name.startswith(".")):
                shutil.copytree(kind, self.place.cache / kind.name, copy_function=_link)
            self._forget(*self._some_steps())
        if self.random.random() < OLD_EVIDENCE_SHARE:
            shutil.copytree(reference.evidence, self.place.evidence)

    def _some_steps(self) -> list[Step]:
        some = self.random.sample(self.campaign.steps, self.random.randint(1, FORGOTTEN_AT_MOST))
        return [self._rarest(self.campaign.steps), *some]

    def _rarest(self, steps: Sequence[Step]) -> Step:
        """One of those in which the fewest kills have fallen."""
        return min(steps, key=lambda step: (self.tally.stages[step.kind], self.random.random()))

    def _missing(self) -> list[Step]:
        return [step for step in self.campaign.steps if not step.made(self.place.cache)]

    def _forget(self, *steps: Step) -> None:
        """Remove artifacts, so that runs have something to do."""
        for step in steps:
            shutil.rmtree(self.place.cache / step.kind / step.lock[-32:], ignore_errors=True)

    def _strike(self) -> bool:
        """Kill one run and look at what is left; False when it ended before its moment."""
        how = self.random.choices(HOW, WEIGHTS)[0]
        if how == ONE_CHILD:
            self._forget(self.random.choice([step for step in self.campaign.steps if step.kind in MODEL_TOOLS]))
        elif not self._missing():
            self._forget(*self._some_steps())
        run, missing = self._start(), self._missing()
        before = _bundle(self.place.evidence)
        killed, aim = self._kill_a_tool(run) if how == ONE_CHILD else self._at_a_moment(run, missing)
        stage, seconds = run.stage(before), run.seconds
        if killed and how == WHOLE_GROUP:
            run.kill_all()
        elif killed and how == MAIN_ONLY:
            run.process.kill()
        if not killed or (how != ONE_CHILD and run.end() != -signal.SIGKILL):
            self._judge_clean(run, run.end())  # it was quicker
            return False
        self._record(run, f"{seconds:.2f} s (aim: {aim}), {how}", how, stage, before)
        return True

    def _at_a_moment(self, run: Run, missing: list[Step]) -> tuple[bool, str]:
        """Wait for a random moment: of the whole run, or of one of its steps."""
        if self.random.random() < ANY_MOMENT_SHARE:
            needed = self.campaign.steps[0].begun + sum(step.done - step.begun for step in missing) + 1.0
            moment = self.random.uniform(0, min(needed, self.campaign.cold_seconds))
            return run.wait_for(lambda: run.seconds >= moment), "any moment"
        step = None if self.random.random() < PUBLISH_SHARE else self._rarest(missing)
        share = self.random.random()
        aim, lasts = (PUBLISH, PUBLISH_SECONDS) if step is None else (step.kind, step.done - step.begun)
        if not run.wait_for(lambda: run.publishing() if step is None else _building(self.place.cache, step)):
            return False, aim
        moment = run.seconds + share * lasts
        return run.wait_for(lambda: run.seconds >= moment), aim

    def _kill_a_tool(self, run: Run) -> tuple[bool, str]:
        """Kill one vendor tool that surely runs, at a random moment of its life; False when none was met."""
        skipped = self.random.randrange(3)
        while run.wait_for(lambda: bool(run.tools())):
            until = run.seconds + self.random.uniform(0, 0.5)
            run.wait_for(lambda until=until: run.seconds >= until)  # type: ignore[misc]
            if skipped:
                skipped -= 1
                run.wait_for(lambda: not run.tools())
            elif any(_stopped_and_killed(pid) for pid in run.tools()[:1]):
                return True, "a tool"
        return False, "a tool"

    def _record(self, run: Run, line: str, how: str, stage: str, before: str) -> None:
        """Count a kill, look at what it left, and write its line."""
        code, tally = run.end(), self.tally
        problems = [] if how != ONE_CHILD or code in FAILED else [("wrong verdict", f"a tool was killed: exit {code}")]
        problems += self._left_behind(run, code)
        evidence = self._evidence_state(before)
        with self.campaign.lock:
            tally.kills += 1
            tally.how[how] += 1
            tally.stages[stage] += 1
            tally.evidence[evidence] += 1
            line = f"kill {tally.kills} of chain {self.number}: {line}, stage {stage}"
        self.campaign.tell(f"{line}: exit code {code}, evidence {evidence}", problems)

    def _left_behind(self, run: Run, code: int | None) -> list[tuple[str, str]]:
        """What no run may leave, killed or not."""
        cache, digests = self.place.cache, self.campaign.digests
        found = {
            "blocked run": ["it does not end"] if code is None else [],
            "orphan": self._wait_for_orphans(run),
            "partial artifact": checks.cache_problems(cache, digests),
            "broken evidence": self._evidence_problems(),
            "blocked lock": checks.held_locks(cache),
        }
        return [(kind, text) for kind, texts in found.items() for text in texts]

    def _evidence_problems(self) -> list[str]:
        """What is wrong with the bundle; the same files are not verified twice."""
        files = sorted(path for path in self.place.evidence.rglob("*") if path.is_file())
        told = "\n".join(f"{path} {path.stat().st_ino} {path.stat().st_mtime_ns}" for path in files)
        if told == self.verified:
            return []
        self.verified = told
        return checks.evidence_problems(self.place.evidence)

    def _evidence_state(self, before: str) -> str:
        if not self.place.evidence.exists():
            return "moved aside" if list(self.place.folder.glob("evidence.earlier-*")) else "none yet"
        return "the earlier one" if _bundle(self.place.evidence) == before else "a new one"

    def _wait_for_orphans(self, run: Run) -> list[str]:
        """Commands of processes that outlive the run for too long."""
        began = time.monotonic()
        while (found := checks.processes(run.mark)) and time.monotonic() - began < ORPHAN_LIMIT_SECONDS:
            time.sleep(POLL_SECONDS)
        self.tally.slowest_orphan = max(self.tally.slowest_orphan, time.monotonic() - began)
        for pid in found:
            _kill(pid)
        return list(found.values())

    def _judge_clean(self, run: Run, code: int | None) -> None:
        """Hold an undisturbed run against the reference."""
        campaign, evidence = self.campaign, self.place.evidence
        problems = self._left_behind(run, code)
        found = checks.figures(evidence) if evidence.exists() else {}
        problems += [("wrong verdict", name) for name in checks.differences(campaign.figures, found)]
        if code != 0:
            problems.append(("wrong verdict", f"exit code {code}, see {run.log.read_text(errors='replace')[-2000:]}"))
        made = checks.contents(self.place.cache, campaign.digests)
        problems += [("other artifact", name) for name, _ in sorted(made ^ campaign.contents)]
        with campaign.lock:
            self.tally.clean_runs += 1
        campaign.tell(f"clean run of chain {self.number}: {run.seconds:.1f} s, exit code {code}", problems)


def campaign_port(folder: Path) -> str:
    """The small world's port with two batch sizes, and without a demand on speed: the machine is shared."""
    text = with_batches(small_port(folder), (1, 16))
    return text.replace("onnx_to_torch: {at_least: 0.5,", "onnx_to_torch: {at_least: 0.01,")


def table(tally: Tally, commit: str, seed: int) -> str:
    """The result as Markdown."""
    problems = ("wrong verdict", "partial artifact", "other artifact", "broken evidence", "orphan", "blocked lock")
    rows = [
        ("runs killed", str(tally.kills)),
        *((f"… {how}", str(tally.how[how])) for how in HOW),
        ("undisturbed runs after them, held against the reference", str(tally.clean_runs)),
        *((f"{name}s", str(tally.problems[name])) for name in problems),
        ("runs that did not end", str(tally.problems["blocked run"])),
        ("longest life of a process after its run (s)", f"{tally.slowest_orphan:.2f}"),
        *((f"evidence after a kill: {state}", str(count)) for state, count in sorted(tally.evidence.items())),
    ]
    lines = [f"Commit {commit}, seed {seed}.", "", "| what | count |", "|---|---|"]
    lines += [f"| {name} | {count} |" for name, count in rows]
    lines += ["", "| stage at the kill | kills |", "|---|---|"]
    return "\n".join([*lines, *(f"| {stage} | {count} |" for stage, count in tally.stages.most_common())])


def main(argv: Sequence[str] | None = None) -> int:
    """The command: 0 when nothing was wrong, 1 when a kill was not survived."""
    parser = cli.Parser(prog="python -m selftest.campaigns.kills", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=200, help="how many runs to kill (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the random choices (default: %(default)s)")
    parser.add_argument("--chain", type=int, default=5, help="kills before each clean run (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=1, help="chains at the same time (default: %(default)s)")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "kills", help="a folder for the runs, emptied")
    parser.add_argument("--print", action="store_true", dest="only_print", help=f"leave {PAGE.name} alone")
    chosen = parser.parse_args(argv)
    return _campaign(chosen)


def _campaign(chosen: argparse.Namespace) -> int:
    if chosen.work.exists():
        shutil.rmtree(chosen.work)
    chosen.work.mkdir(parents=True)
    with (chosen.work / "kills.log").open("w", buffering=1, encoding="utf-8") as lines:

        def log(line: str) -> None:
            print(line, flush=True)
            lines.write(f"{time.strftime('%H:%M:%S')} {line}\n")

        campaign = Campaign(chosen.work.absolute(), chosen.seed, log)
        sizes = [min(chosen.chain, chosen.kills - done) for done in range(0, chosen.kills, chosen.chain)]
        with ThreadPoolExecutor(chosen.jobs) as pool:
            for _ in pool.map(lambda number: Chain(campaign, number).run(sizes[number]), range(len(sizes))):
                continue
        campaign.finish()
        text = table(campaign.tally, _commit(), chosen.seed)
        log(text)
    if not chosen.only_print:
        replace_part(PAGE, "kills", text)
    return cli.EXIT_FAILED if campaign.tally.problems else cli.EXIT_OK


def _commit() -> str:
    """The tree's commit, and whether it was changed."""
    words = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def _bundle(evidence: Path) -> str:
    """A bundle's manifest, empty where there is none."""
    manifest = evidence / "MANIFEST.sha256"
    return manifest.read_text(encoding="utf-8") if manifest.is_file() else ""


def _building(cache: Path, step: Step) -> bool:
    """Whether somebody makes this artifact now."""
    lock = cache / ".locks" / f"{step.lock}.lock"
    return lock.exists() and checks.is_held(lock)


def _stopped_and_killed(pid: int) -> bool:
    """Kill a process that surely was alive: a kill that comes too late would prove nothing."""
    try:
        os.kill(pid, signal.SIGSTOP)
        while (state := _state(pid)) not in "TZX":
            time.sleep(POLL_SECONDS)
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state == "T"


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _link(source: str, target: str) -> None:
    Path(target).hardlink_to(source)


if __name__ == "__main__":
    sys.exit(cli.run(main))
