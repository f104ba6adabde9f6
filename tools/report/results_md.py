"""results.md: the guide's two tables in Markdown, ready to be pasted into a model's README.

In another language all of it is said in that but the first line, which the judge reads, and the guide's own form, which
stands there in English and Chinese for whichever README it goes into.
"""

from __future__ import annotations

from collections.abc import Iterable

from tools.base.messages import ENGLISH, Catalogue
from tools.judge.acceptance import Acceptance
from tools.judge.lines import MEANING
from tools.judge.remarks import OM_THROUGHPUT
from tools.judge.results import Verdict
from tools.judge.spec import Spec
from tools.report import words
from tools.report.guide_form import guide_form
from tools.report.markdown import escaped, table
from tools.report.operators import operator_words
from tools.report.tables import (
    AccuracyRow,
    ThroughputRow,
    accuracy_rows,
    not_measured_here,
    references,
    throughput_rows,
)

NOTHING = str(words.NOTHING)


def results_markdown(acceptance: Acceptance, spec: Spec | None, language: Catalogue = ENGLISH) -> str:
    """The verdict in the first line with what qualifies it, then what was judged, then both tables."""
    verdict = acceptance.verdict
    lines = [f"**{verdict.banner}**: {MEANING[verdict.word]}.", ""]
    lines += [] if language is ENGLISH else [f"**{verdict.banner}**{language.say(f': {MEANING[verdict.word]}.')}", ""]
    lines += [f"> **{word}**: {language.say(words.BANNER[word])}\n" for word in verdict.made_on]
    notes = [f"Note: {remark}" for remark in verdict.remarks]
    notes += [f"Not judged, nobody published a figure: {', '.join(verdict.not_judged)}"] if verdict.not_judged else []
    notes += [f"{language.head(name)}: {value}" for name, value in _judged(acceptance, spec)]
    lines += _listed(notes, language)
    lines += [
        *_headed("Accuracy", language),
        *_accuracy(acceptance, spec, language),
        *_headed("Throughput", language),
        *_throughput(acceptance, spec, language),
        *_reused(acceptance, language),
        *_operators(acceptance, language),
        *guide_form(acceptance, spec),
    ]
    return "\n".join(lines) + "\n"


def _headed(heading: str, language: Catalogue) -> list[str]:
    return ["", f"### {language.head(heading)}", ""]


def _listed(texts: Iterable[str], language: Catalogue) -> list[str]:
    """Texts as the items of a list."""
    return [f"- {escaped(language.say(text))}" for text in texts]


def _judged(acceptance: Acceptance, spec: Spec | None) -> list[tuple[str, str]]:
    checkpoint = next((digest for digest in acceptance.digests if digest.name == "checkpoint"), None)
    machine, data, versions = acceptance.machine, acceptance.dataset, acceptance.versions
    facts = [
        ("Model", spec.model.name if spec else None),
        ("Checkpoint md5", checkpoint.md5 if checkpoint else None),
        ("Images", f"{data.images}" + (f" ({data.gap})" if data.gap else "") if data else None),
        ("Target", f"{acceptance.target}, {machine.soc}" if machine else acceptance.target or None),
        ("Tool", machine.infer_tool if machine else None),
        *((name.upper(), machine.toolchain[name]) for name in ("cann",) if machine and name in machine.toolchain),
        ("Judged by", words.judged_by(acceptance.spec) if acceptance.spec else None),
        ("Date", acceptance.finished_utc or None),
        ("Suite", versions.suite_words if versions else None),
    ]
    return [(name, value) for name, value in facts if value is not None]


def _accuracy(acceptance: Acceptance, spec: Spec | None, language: Catalogue) -> list[str]:
    rows = [
        (
            row.name,
            *(f"{top.percent:.3f}" for top in row.record.accuracy),
            *(_loss(row, k) for k in (1, 5)),
            _accuracy_word(row),
        )
        if row.record
        else (row.name, *[NOTHING] * 7, str(Verdict.NOT_RUN))
        for row in accuracy_rows(acceptance, spec)
    ]
    rows += [
        (entry.name, _percent(entry.top1), *[NOTHING] * 3, _percent(entry.top5), *[NOTHING] * 3)
        for entry in references(acceptance, spec)
    ]
    tops = [f"Top-{k} %" for k in range(1, 6)]
    return table(("variant", *tops, "Top-1 drop pp (95 %)", "Top-5 drop pp (95 %)", "verdict"), rows, language)


def _loss(row: AccuracyRow, k: int) -> str:
    loss = row.loss(k)
    if loss is None:
        return NOTHING
    return f"{loss.drop_pp:+.3f} ({loss.interval_pp.low:+.3f} to {loss.interval_pp.high:+.3f})"


def _accuracy_word(row: AccuracyRow) -> str:
    word = "reference" if row.verdict is None else str(row.verdict)
    return f"{word}, WARN" if row.warned else word


def _percent(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.3f}"


def _throughput(acceptance: Acceptance, spec: Spec | None, language: Catalogue) -> list[str]:
    titles = (
        *("batch", "mode", "images/s per chip", "images/s per card (chip × chips)", "published per chip"),
        *("floor per chip", "verdict"),
    )
    return table(
        titles,
        [
            _throughput_row(row, known_chip=bool(spec and row.record and spec.device(row.record.soc)))
            for row in throughput_rows(acceptance, spec)
        ],
        language,
    )


def _reused(acceptance: Acceptance, language: Catalogue) -> list[str]:
    """The rates above that this run has not measured itself."""
    said = not_measured_here(acceptance, OM_THROUGHPUT)
    return ["", *_listed(said, language)] if said else []


def _throughput_row(row: ThroughputRow, *, known_chip: bool) -> tuple[str, ...]:
    record = row.record
    if record is None:
        return f"bs{row.batch}", *[NOTHING] * 5, str(Verdict.NOT_RUN)
    return (
        f"bs{row.batch}",
        record.mode,
        _rate(record.images_per_second_per_chip),
        f"{_rate(record.images_per_second_per_card)} (× {record.chips_per_card})" if known_chip else NOTHING,
        _rate(record.published_images_per_second_per_chip),
        _rate(record.floor_images_per_second_per_chip),
        str(row.verdict) if row.verdict else "no floor applies",
    )


def _operators(acceptance: Acceptance, language: Catalogue) -> list[str]:
    """Where the chip's time goes, where anybody has looked."""
    said = operator_words(acceptance)
    return [*_headed("Hot operators", language), *_listed(said, language)] if said else []


def _rate(value: float | None) -> str:
    """Seven digits, as the guide prints its card figures (1270.828)."""
    return NOTHING if value is None else f"{value:.7g}"
