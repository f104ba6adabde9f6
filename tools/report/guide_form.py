"""The guide's own two tables, to be pasted into a model's README in either language: accuracy, and card throughput."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from tools.judge.acceptance import Acceptance
from tools.judge.ids import PTH
from tools.judge.prediction_records import VariantRecord
from tools.judge.results import Word
from tools.judge.spec import Spec
from tools.report import words
from tools.report.markdown import escaped, table
from tools.report.tables import AccuracyRow, ThroughputRow, accuracy_rows, throughput_rows

NOTHING = str(words.NOTHING)
GUIDE_PLACES = 3
"""As many as the guide's figures have: 317.707."""


@dataclass(frozen=True)
class Texts:
    """What the tables say in one language; `banner` is what must stand beside figures of no device, or no model."""

    heading: str
    verdict: str
    titles: tuple[str, ...]
    throughput: str
    per_chip: str
    not_measured: str
    simulated: str
    busy: str
    banner: Mapping[Word, str]


ENGLISH = Texts(
    heading="In the guide's form",
    verdict="Verdict of the run",
    titles=(
        *("Model", "Batch", "pth Top-1 %", "pth Top-5 %", "OM Top-1 %", "OM Top-5 %"),
        *("Top-1 drop pp", "Top-5 drop pp", "Verdict"),
    ),
    throughput="Throughput, one chip x chips of a card = card:",
    per_chip="per chip (the port does not say how many chips a card has)",
    not_measured="not measured",
    simulated="simulated, of no device",
    busy="while something else used the device",
    banner=words.BANNER,
)
CHINESE = Texts(
    heading="指南格式",
    verdict="验收结论",
    titles=(
        *("模型", "Batch", "pth Top-1 (%)", "pth Top-5 (%)", "OM Top-1 (%)", "OM Top-5 (%)"),
        *("Top-1 下降（百分点）", "Top-5 下降（百分点）", "结论"),
    ),
    throughput="吞吐率，单芯片 x 每卡芯片数 = 单卡：",
    per_chip="单芯片（移植文件未写明每卡芯片数）",
    not_measured="未测",
    simulated="模拟器结果，不代表任何设备",
    busy="测量时设备被其他任务占用",
    banner=words.CHINESE_BANNER,
)


def guide_form(acceptance: Acceptance, spec: Spec | None) -> list[str]:
    """Both tables in both languages, as Markdown; nothing where the run came to no port, or to neither table."""
    if spec is None or not (acceptance.variants or acceptance.device_throughput):
        return []
    return [line for texts in (ENGLISH, CHINESE) for line in _in(texts, acceptance, spec)]


def _in(texts: Texts, acceptance: Acceptance, spec: Spec) -> list[str]:
    lines = ["", f"### {texts.heading}", "", f"{texts.verdict}: **{acceptance.verdict.banner}**", ""]
    lines += [f"> {texts.banner[word]}\n" for word in acceptance.verdict.made_on]
    if acceptance.variants:
        lines += [*table(texts.titles, _accuracy(texts, acceptance, spec)), ""]
    if acceptance.device_throughput:
        rates = [_rate(texts, row, acceptance, spec) for row in throughput_rows(acceptance, spec)]
        lines += [texts.throughput, "", *(f"- {escaped(line)}" for line in rates), ""]
    return lines


def _accuracy(texts: Texts, acceptance: Acceptance, spec: Spec) -> list[tuple[str, ...]]:
    """A row for each OM, beside the checkpoint that was measured on the same images."""
    rows = [row for row in accuracy_rows(acceptance, spec) if row.batch is not None]
    pth = next((one for one in acceptance.variants if one.name == PTH), None)
    return [(spec.model.name, f"bs{row.batch}", *_tops(pth), *_of_om(texts, row)) for row in rows]


def _of_om(texts: Texts, row: AccuracyRow) -> tuple[str, ...]:
    losses = [row.loss(k) for k in (1, 5)]
    drops = [NOTHING if loss is None else f"{loss.drop_pp:+.3f}" for loss in losses]
    return *_tops(row.record), *drops, NOTHING if row.verdict is None else str(row.verdict)


def _tops(record: VariantRecord | None) -> tuple[str, ...]:
    found = {top.k: f"{top.percent:.3f}" for top in record.accuracy} if record else {}
    return tuple(found.get(k, NOTHING) for k in (1, 5))


def _rate(texts: Texts, row: ThroughputRow, acceptance: Acceptance, spec: Spec) -> str:
    """`bs1: 317.707 x 4 = 1270.828 fps`: the product is that of the figure which stands there."""
    record = row.record
    if record is None:
        return f"bs{row.batch}: {texts.not_measured}"
    chip = Decimal(str(round(record.images_per_second_per_chip, GUIDE_PLACES)))
    known = spec.device(record.soc) is not None
    product = f"{_plain(chip)} x {record.chips_per_card} = {_plain(chip * record.chips_per_card)} fps"
    notes = [texts.simulated] if acceptance.verdict.simulated else []
    notes += [texts.busy] if record.busy else []
    said = product if known else f"{_plain(chip)} fps {texts.per_chip}"
    return f"bs{row.batch}: {said}" + (f" ({'; '.join(notes)})" if notes else "")


def _plain(value: Decimal) -> str:
    """Without exponent and without zeros behind the last digit that says something: 974.27."""
    return f"{value.normalize():f}"
