"""The end of a run: its last word, and the bundle with all that only the reporting process knows."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tools.base.errors import Stage
from tools.base.messages import ENGLISH, Catalogue
from tools.data.images import list_images
from tools.evidence.host import host_record, versions
from tools.evidence.place import Place
from tools.evidence.prune import prune
from tools.evidence.staging import Staging
from tools.judge.acceptance import Acceptance, Reused, Timing
from tools.judge.basis import ReferenceProbe
from tools.judge.facts import CheckpointFacts, JpegFacts, ParityFacts, RecipeFacts, WeightFacts
from tools.judge.gates import expected
from tools.judge.handed_in import HandedIn
from tools.judge.ids import PTH
from tools.judge.image_records import DatasetRecord
from tools.judge.operators import OperatorFacts
from tools.judge.prediction_records import VariantRecord
from tools.judge.remarks import remarks
from tools.judge.results import GateResult, RunVerdict, Verdict, Word
from tools.judge.run import judge_run
from tools.judge.shipped import holds_sample
from tools.pipeline.setup import Setup
from tools.report.baseline import BaselineError, Comparison, baseline_lines, compare
from tools.report.operators import operator_words


@dataclass(frozen=True)
class RunFacts:
    """What the process that reports knows of a run, besides the pieces that steps have put into the evidence.

    `run` is the run's name, `images` the folder of the images, for the report's thumbnails, None where the run did not
    come to it; `seconds` the time spent by stage and step.
    """

    run: str
    gates: tuple[GateResult, ...]
    strict: bool
    artifacts: tuple[str, ...]
    started: datetime
    images: Path | None = None
    diagnoses: tuple[str, ...] = ()
    interrupted: str = ""
    seconds: Mapping[tuple[Stage, str], float] | None = None


@dataclass(frozen=True)
class Published:
    """The last word and the lines that follow it; `passed` unless a baseline was named and was better."""

    verdict: RunVerdict
    lines: tuple[str, ...]
    passed: bool


def run_verdict(setup: Setup, staging: Staging, results: Sequence[GateResult], *, interrupted: str) -> RunVerdict:
    """The last word over everything the spec asks for, whatever was selected."""
    ran_om = any(result.id.startswith("om.") for result in results)
    return judge_run(
        expected(setup.asked),
        results,
        sample=setup.sample or _by_content(staging),
        simulated=ran_om and (not setup.on_device or staging.simulated()),
        unpinned=not setup.spec.checkpoint.pinned,
        remarks=remarks(
            setup.spec,
            staging.piece(DatasetRecord),
            staging.piece(RecipeFacts),
            staging.piece(ParityFacts),
            next((found for found in staging.pieces(VariantRecord) if found.name == PTH), None),
            staging.piece(OperatorFacts),
            staging.pieces(Reused),
            staging.pieces(HandedIn),
            staging.piece(WeightFacts),
            jpegs=staging.piece(JpegFacts),
            made=staging.scrub.record(setup.reference),
            probe=staging.piece(ReferenceProbe),
            on_device=setup.on_device,
        ),
        interrupted=bool(interrupted),
    )


def _by_content(staging: Staging) -> bool:
    """Whether weights or images are the embedded sample's, whatever the port calls them."""
    checkpoint, dataset = staging.piece(CheckpointFacts), staging.piece(DatasetRecord)
    return (dataset is not None and dataset.embedded_sample) or holds_sample(
        None if checkpoint is None else checkpoint.content_sha256, None if dataset is None else dataset.images_sha256
    )


def unpublished(setup: Setup, staging: Staging, facts: RunFacts, verdict: RunVerdict) -> Acceptance:
    """The record of the run before it is published, for what is said of it at its end."""
    return staging.gathered(_acceptance(setup, facts, verdict))


def publish(
    setup: Setup, staging: Staging, facts: RunFacts, verdict: RunVerdict, words: Catalogue = ENGLISH
) -> Published:
    """Give the bundle its report, in the language of `words`, and its name; compare it with the baseline where one was
    named.

    A baseline that does not fit costs the comparison and not the evidence.
    """
    from tools.report.html import write_report
    from tools.report.trend import earlier_runs

    staging.put_port(setup.port, setup.inputs.why_port, code=setup.code)
    staging.put(host_record(), "host")
    staging.put(versions(), "versions")
    staging.put(setup.reference, "reference")
    acceptance = _acceptance(setup, facts, verdict)
    compared = _compared(setup, staging.gathered(acceptance))
    lines = operator_words(staging.gathered(acceptance))
    comparison = compared if isinstance(compared, Comparison) else None
    images = list_images(facts.images) if facts.images else {}
    beside = Place(staging.place).others()
    pages = [
        lambda folder, run: write_report(folder, run, images, comparison, earlier_runs(beside, run), language=words)
    ]
    place = staging.publish(acceptance, pages)
    again = " ".join(("python tools/verify_bundle.py", shlex.quote(str(place)), "--run-id", facts.run))
    lines += [f"evidence: {place} (open report.html, or judge it again: {again})"]
    lines += _pruned(setup, staging, len(facts.gates))
    lines += _baseline_lines(setup.baseline, compared)
    passed = compared is None or (comparison is not None and comparison.verdict is Verdict.PASS)
    return Published(verdict, tuple(lines), passed)


def _pruned(setup: Setup, staging: Staging, gates: int) -> list[str]:
    """What --keep has removed, in words."""
    used = tuple(path for path in (setup.inputs.baseline, setup.inputs.reference) if path is not None)
    keep = setup.inputs.keep
    return [] if keep is None else prune(Place(staging.place), keep, gates, used)


def _acceptance(setup: Setup, facts: RunFacts, verdict: RunVerdict) -> Acceptance:
    order = list(Stage)
    timings = [Timing(stage=stage, step=step, seconds=spent) for (stage, step), spent in (facts.seconds or {}).items()]
    return Acceptance(
        verdict=verdict,
        gates=facts.gates,
        run=facts.run,
        inputs=tuple(setup.lines()),
        artifacts=facts.artifacts,
        diagnoses=facts.diagnoses,
        interrupted=facts.interrupted,
        timings=tuple(sorted(timings, key=lambda timing: order.index(timing.stage))),
        strict_accuracy=facts.strict,
        tolerate_busy=setup.inputs.ascend.tolerate_busy,
        profile=setup.profile,
        target=str(setup.kind),
        started_utc=facts.started.isoformat(timespec="seconds"),
        finished_utc=max(datetime.now(UTC), facts.started).isoformat(timespec="seconds"),  # a clock may be set back
    )


def _compared(setup: Setup, run: Acceptance) -> Comparison | BaselineError | None:
    """The run beside its baseline, or why the two say nothing about each other; None where no baseline was named."""
    try:
        return compare(setup.baseline, run, setup.spec) if setup.baseline else None
    except BaselineError as error:
        return error


def _baseline_lines(baseline: Acceptance | None, compared: Comparison | BaselineError | None) -> list[str]:
    """The word over both runs; a baseline that was itself not accepted proves less, so the same line says so."""
    if baseline is None or compared is None:
        return []
    if isinstance(compared, BaselineError):
        return [f"BASELINE: not comparable: {compared}"]
    first, *rest = baseline_lines(compared)
    weak = baseline.verdict.word in (Word.INCOMPLETE, Word.REJECTED)
    return [f"{first}; the baseline itself was {baseline.verdict.word}" if weak else first, *rest]
