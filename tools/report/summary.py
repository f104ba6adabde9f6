"""The first screen: the word, why, and what it was said about."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from tools.judge.acceptance import Acceptance
from tools.judge.accuracy import Loss
from tools.judge.layout import LOGS
from tools.judge.lines import MEANING
from tools.judge.pages import CHINESE_WORD
from tools.judge.prediction_records import VariantRecord
from tools.judge.results import Verdict, Word
from tools.judge.spec import Spec
from tools.judge.throughput_records import DeviceThroughput
from tools.report import words
from tools.report.arithmetic import aipp, precision
from tools.report.gate_rows import LINKS_AT_MOST, GateRow, StageGates

UNKNOWN = "not known in this run"
BATCHES_SHOWN = 5
FIRST_WORDS = 160
LONGEST_VERSION = 40


@dataclass(frozen=True)
class Reason:
    """One question of which `gates` gates failed or are missing, with a line for each batch that says so.

    `logs` are the files of the bundle in which tools say more about it.
    """

    question: str
    id: str
    gates: int
    lines: tuple[str, ...]
    logs: tuple[str, ...]


@dataclass(frozen=True)
class Warned:
    """A tight bound exceeded, in a sentence, and the gates (batches of one arithmetic often say the same) it is of."""

    text: str
    gates: tuple[str, ...]


@dataclass(frozen=True)
class Tile:
    """One figure to see first: its name in two languages, the value, and what it stands beside."""

    name: str
    chinese: str
    value: Markup
    note: str


@dataclass(frozen=True)
class Fact:
    """One line of what was judged."""

    name: str
    chinese: str
    value: str


@dataclass(frozen=True)
class Summary:
    """Everything on the first screen; `made_on` are SIMULATED, SAMPLE and UNPINNED where so.

    `glance` says in a few words what was judged: chip, precision, AIPP, code, date.
    """

    word: Word
    chinese_word: str
    meaning: str
    chinese_meaning: str
    made_on: tuple[Word, ...]
    failed: tuple[Reason, ...]
    missing: tuple[Reason, ...]
    not_judged: tuple[Reason, ...]
    remarks: tuple[str, ...]
    warnings: tuple[Warned, ...]
    glance: tuple[str, ...]
    tiles: tuple[Tile, ...]
    facts: tuple[Fact, ...]

    @property
    def missing_first(self) -> bool:
        """Whether what is missing is the reason for the word, and stands before everything else."""
        return self.word is Word.INCOMPLETE


def summarise(acceptance: Acceptance, spec: Spec | None, stages: Sequence[StageGates]) -> Summary:
    """Gather the first screen; `stages` are the run's gates."""
    verdict = acceptance.verdict
    rows = [row for stage in stages for question in stage.questions for row in question.rows]
    missing = set(verdict.missing)
    return Summary(
        word=verdict.word,
        chinese_word=CHINESE_WORD[verdict.word],
        meaning=MEANING[verdict.word],
        chinese_meaning=words.CHINESE_MEANING[verdict.word],
        made_on=verdict.made_on,
        failed=_reasons([row for row in rows if row.verdict is Verdict.FAIL], stages),
        missing=_reasons([row for row in rows if row.id in missing], stages),
        not_judged=_reasons([row for row in rows if row.verdict is Verdict.NOT_JUDGED], stages),
        remarks=verdict.remarks,
        warnings=_warnings(rows),
        glance=_glance(acceptance, spec),
        tiles=(_gates_tile(acceptance), *_loss_tiles(acceptance.variants), *_rate_tile(acceptance)),
        facts=_facts(acceptance, spec),
    )


def _reasons(rows: Sequence[GateRow], stages: Sequence[StageGates]) -> tuple[Reason, ...]:
    texts = {question.id: question.text for stage in stages for question in stage.questions}
    return tuple(
        Reason(texts[kind], kind, len(group), _lines(group), _logs(group))
        for kind, group in ((kind, list(found)) for kind, found in groupby(rows, key=lambda row: row.id.gate))
    )


def _logs(rows: Sequence[GateRow]) -> tuple[str, ...]:
    """What tools printed, as far as some gates rest on it, each file once."""
    files = dict.fromkeys(file for row in rows for file in row.evidence if file.startswith(f"{LOGS}/"))
    return tuple(files)[:LINKS_AT_MOST]


def _warnings(rows: Sequence[GateRow]) -> tuple[Warned, ...]:
    """One entry for each sentence, with the gates that it stands for."""
    said = dict.fromkeys(row.warning for row in rows if row.warning)
    return tuple(Warned(text, tuple(row.id for row in rows if row.warning == text)) for text in said)


def _lines(rows: Sequence[GateRow]) -> tuple[str, ...]:
    """One line a batch; batches that say the same share a line."""
    said = [(row.batch, _said(row)) for row in rows]
    alike = {text: [batch for batch, other in said if other == text] for _, text in said}
    lines = [f"{', '.join(filter(None, batches))}: {text}".removeprefix(": ") for text, batches in alike.items()]
    more = len(lines) - BATCHES_SHOWN
    return (*lines[:BATCHES_SHOWN], f"… {more} more") if more > 0 else tuple(lines)


def _said(row: GateRow) -> str:
    check = row.check
    if check is None or row.verdict in (Verdict.NOT_RUN, Verdict.NOT_JUDGED):
        return _begun(row.detail)
    number = f"{check.measured:.6g}" if isinstance(check.measured, float) else _begun(check.measured)
    text = f"{row.verdict}: measured {number}, allowed {check.threshold} ({check.unit})"
    return f"{text}; {_begun(row.detail)}" if row.detail else text


def _begun(text: str) -> str:
    """The beginning of a text that the gate's own row shows at length."""
    return text if len(text) <= FIRST_WORDS else f"{text[:FIRST_WORDS]} …"


def _gates_tile(acceptance: Acceptance) -> Tile:
    verdict = acceptance.verdict
    total = verdict.passed + len(verdict.failed) + len(verdict.missing)
    note = f"{len(verdict.failed)} failed, {len(verdict.missing)} missing"
    note += f", {len(verdict.not_judged)} not judged" if verdict.not_judged else ""
    return Tile("Gates passed", "关卡", Markup("{} <small>of {}</small>").format(verdict.passed, total), note)


def _loss_tiles(variants: Sequence[VariantRecord]) -> list[Tile]:
    """The largest drop at Top-1 and Top-5: of the OMs where there are any, else of the ONNX file."""
    judged = [variant for variant in variants if variant.losses]
    last = [variant for variant in judged if variant.batch is not None] or judged
    tiles = []
    for k in (1, 5):
        losses = [(variant, loss) for variant in last for loss in variant.losses if loss.k == k]
        if losses:
            variant, loss = max(losses, key=lambda pair: pair[1].drop_pp)
            tiles.append(_loss_tile(words.variant_name(variant.name), loss))
    return tiles


def _loss_tile(name: str, loss: Loss) -> Tile:
    note = f"{name}: {loss.candidate.percent:.3f} %, pth {loss.pth.percent:.3f} %"
    value = Markup("{} <small>pp</small>").format(words.signed(loss.drop_pp))
    return Tile(f"Largest Top-{loss.k} drop", f"Top-{loss.k} 最大下降", value, note)


def _rate_tile(acceptance: Acceptance) -> list[Tile]:
    """The chip's best rate; a simulator's is invented, and no headline."""
    measured = acceptance.device_throughput
    if not measured or acceptance.verdict.simulated:
        return []
    best = max(measured, key=lambda entry: entry.images_per_second_per_chip)
    return [
        Tile(
            "Best throughput, one chip",
            "单芯片最高吞吐",
            Markup("{} <small>images/s</small>").format(words.rate(best.images_per_second_per_chip)),
            f"bs{best.batch} {best.mode}, {best.soc}{_nearest(measured)}",
        )
    ]


def _nearest(measured: Sequence[DeviceThroughput]) -> str:
    """How near the batch nearest to its floor is."""
    shares = [
        (100 * (entry.images_per_second_per_chip / floor - 1), entry.batch)
        for entry in measured
        if (floor := entry.floor_images_per_second_per_chip) is not None
    ]
    share, batch = min(shares, default=(math.nan, 0))
    return f"; nearest floor: bs{batch} {f'{share:+.1f}'.replace('-', words.MINUS)} %" if shares else ""


def _glance(acceptance: Acceptance, spec: Spec | None) -> tuple[str, ...]:
    """What the word below the verdict is about, as far as it is known; the facts say it at length."""
    versions, machine = acceptance.versions, acceptance.machine
    known = (
        acceptance.spec.port if acceptance.spec else "",
        machine.soc if machine else acceptance.target,
        precision(acceptance, spec).partition(":")[0],
        aipp(spec).partition(":")[0] if spec else "",
        f"suite {versions.suite_words}" if versions else "",
        acceptance.finished_utc[:10],
    )
    return tuple(filter(None, known))


def _facts(acceptance: Acceptance, spec: Spec | None) -> tuple[Fact, ...]:
    checkpoint = next((digest for digest in acceptance.digests if digest.name == "checkpoint"), None)
    seen = f"{checkpoint.path}, md5 {checkpoint.md5 or 'not taken'}" if checkpoint else UNKNOWN
    return (
        Fact("Model", "模型", spec.model.name if spec else UNKNOWN),
        Fact("Checkpoint", "权重", seen),
        Fact("Data", "数据集", _data(acceptance)),
        Fact("Target", "目标设备", _target(acceptance)),
        Fact("Precision", "精度模式", precision(acceptance, spec) or UNKNOWN),
        Fact("AIPP", "图像预处理", aipp(spec) if spec else UNKNOWN),
        Fact("Port", "移植文件", _spec(acceptance)),
        Fact("Date", "日期", _date(acceptance)),
        Fact("Code", "代码版本", _code(acceptance)),
    )


def _data(acceptance: Acceptance) -> str:
    data = acceptance.dataset
    if data is None:
        return UNKNOWN
    limit = f", the first {data.limit} by --limit" if data.limit is not None else ""
    gap = f"; not what the port asks for: {data.gap}" if data.gap else ""
    return f"{data.images:,} labelled images{' of the embedded sample' if data.embedded_sample else ''}{limit}{gap}"


def _target(acceptance: Acceptance) -> str:
    machine = acceptance.machine
    if machine is None:
        return acceptance.target or UNKNOWN
    devices = ", ".join(board.seat.named(board.device) for board in machine.boards)
    versions = ", ".join(
        f"{name} {machine.toolchain[name]}" for name in ("cann", "driver") if name in machine.toolchain
    )
    return f"{acceptance.target}: {machine.soc}, {devices}, {machine.infer_tool}" + (
        f", {versions}" if versions else ""
    )


def _spec(acceptance: Acceptance) -> str:
    spec = acceptance.spec
    strict = ", strict accuracy" if acceptance.strict_accuracy else ""
    return f"{words.judged_by(spec)}, kind {spec.kind}{strict}" if spec else UNKNOWN


def _code(acceptance: Acceptance) -> str:
    """The suite's version and digest, and what the network is made of."""
    versions, spec = acceptance.versions, acceptance.spec
    suite = UNKNOWN if versions is None else versions.suite_words
    code = spec.code if spec else {}
    libraries = [name for name in code if name.startswith("version ")]
    network = [f"network {code['model']}"] if "model" in code else []
    network += [f"{name.removeprefix('version ')} {code[name][:LONGEST_VERSION]}" for name in libraries]
    return "; ".join((f"suite {suite}", ", ".join(network))) if network else f"suite {suite}"


def _date(acceptance: Acceptance) -> str:
    if not acceptance.started_utc:
        return UNKNOWN
    return f"{acceptance.started_utc} to {acceptance.finished_utc or '?'}"
