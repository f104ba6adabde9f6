"""Every gate of the inventory, decided or missing, by stage and question, with the files that its word rests on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from tools.base.errors import Stage
from tools.judge.acceptance import Acceptance, CommandRecord
from tools.judge.command_lines import MSPROF
from tools.judge.gates import BY_ID, in_order
from tools.judge.ids import (
    OM_COMPILED,
    OM_DESCRIBED,
    OM_DEVICE,
    OM_PERF_DEVICE_IDLE,
    OM_PERF_OPERATORS,
    OM_RAN,
    OM_TOOLKIT,
    PTH,
    GateId,
)
from tools.judge.layout import FILE, IDS, LABELS
from tools.judge.logs import NPU_SMI
from tools.judge.results import Check, GateResult, Verdict

ATC = "atc"
NOT_REACHED = "this run did not come to it"
UNKNOWN_QUESTION = "(this suite's inventory has no such gate)"
LINKS_AT_MOST = 4


@dataclass(frozen=True)
class GateRow:
    """One gate: `batch` is empty where it has none, `check` None where the run did not come to it."""

    id: GateId
    batch: str
    verdict: Verdict
    check: Check | None
    detail: str
    warning: str
    evidence: tuple[str, ...]

    @property
    def remark(self) -> str:
        """What there is to say beside the figures: why it is not a plain PASS."""
        detail = "" if self.verdict is Verdict.PASS else self.detail
        return "\n".join(filter(None, (self.warning, detail)))


@dataclass(frozen=True)
class Question:
    """One kind of gate with its rows, one a batch size; `source` is that of the threshold."""

    id: GateId
    text: str
    rows: tuple[GateRow, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """The different sources of the thresholds, in order."""
        return tuple(dict.fromkeys(row.check.source for row in self.rows if row.check and row.check.source))


@dataclass(frozen=True)
class StageGates:
    """The questions of one stage and how many gates ended how."""

    stage: Stage
    questions: tuple[Question, ...]

    def count(self, *verdicts: Verdict) -> int:
        """How many gates of this stage ended so."""
        return sum(row.verdict in verdicts for question in self.questions for row in question.rows)

    @property
    def warnings(self) -> int:
        """How many gates carry a warning."""
        return sum(bool(row.warning) for question in self.questions for row in question.rows)


def gates_by_stage(acceptance: Acceptance, folder: Path) -> tuple[StageGates, ...]:
    """All gates decided or missing; evidence names files that lie in `folder`."""
    decided = {result.id: result for result in acceptance.gates}
    names = [*decided, *(name for name in acceptance.verdict.missing if name not in decided)]
    warnings = loss_warnings(acceptance)
    rows = [_row(name, decided.get(name), warnings.get(name, ""), acceptance, folder) for name in in_order(names)]
    questions = [
        Question(id=kind, text=BY_ID[kind].question if kind in BY_ID else UNKNOWN_QUESTION, rows=tuple(group))
        for kind, group in groupby(rows, key=lambda row: row.id.gate)
    ]
    stages = {kind: _stage(kind, decided) for kind in (question.id for question in questions)}
    return tuple(
        StageGates(stage, tuple(question for question in questions if stages[question.id] is stage))
        for stage in Stage
        if stage in stages.values()
    )


def loss_warnings(acceptance: Acceptance) -> dict[GateId, str]:
    """Gate id -> the sentence about a tight bound that was exceeded."""
    return {
        variant.name.gate(f"top{loss.k}_drop_pp"): loss.warning
        for variant in acceptance.variants
        for loss in variant.losses
        if loss.warning
    }


def _row(name: GateId, result: GateResult | None, warning: str, acceptance: Acceptance, folder: Path) -> GateRow:
    return GateRow(
        id=name,
        batch="" if name.batch is None else f"bs{name.batch}",
        verdict=result.check.verdict if result else Verdict.NOT_RUN,
        check=result.check if result else None,
        detail=result.check.detail if result else NOT_REACHED,
        warning=warning,
        evidence=_evidence(name, acceptance, folder) if result else (),
    )


def _stage(kind: GateId, decided: dict[GateId, GateResult]) -> Stage:
    if kind in BY_ID:
        return BY_ID[kind].stage
    said = (result.stage for name, result in decided.items() if name.gate == kind)
    return next(said, list(Stage)[-1])  # of another suite's gate that is missing nobody knows the stage


def _evidence(name: GateId, acceptance: Acceptance, folder: Path) -> tuple[str, ...]:
    """Files of the bundle that the gate's word rests on; acceptance.json holds the figures of them all."""
    files = [*_prediction_files(name, acceptance), *_logs(name, acceptance.commands)]
    there = [file for file in files if is_plain(file) and (folder / file).is_file()]
    return (FILE, *there[:LINKS_AT_MOST])


def is_plain(file: str) -> bool:
    """A relative path that stays inside the bundle."""
    return not file.startswith("/") and ".." not in Path(file).parts


def _prediction_files(name: GateId, acceptance: Acceptance) -> list[str]:
    variant = name.variant
    if variant is None:
        return []
    question = name.gate.rpartition(".")[2]
    if question == "ids":
        return [IDS]
    own = [record.top5_file for record in acceptance.variants if record.name == variant]
    pth = [record.top5_file for record in acceptance.variants if record.name == PTH and variant != PTH]
    return [*own, *pth, LABELS] if question.startswith("top") else own


def _logs(name: GateId, commands: Sequence[CommandRecord]) -> list[str]:
    """What the tools printed: atc for compiling, npu-smi for the device, the inference tool for the rest of om."""
    kind = name.gate
    if not kind.startswith((OM_COMPILED, OM_DESCRIBED, OM_RAN, OM_TOOLKIT, OM_DEVICE, "om.perf")):
        return []
    batch = None if name.batch is None else f"bs{name.batch}"
    ours = [command for command in commands if batch is None or batch in re.findall(r"bs\d+", command.folder)]
    asks_npu_smi = kind in (OM_TOOLKIT, OM_DEVICE, OM_PERF_DEVICE_IDLE)
    program = {OM_COMPILED: ATC, OM_PERF_OPERATORS: MSPROF}.get(kind, NPU_SMI if asks_npu_smi else None)
    return [f"{command.folder}/stdout.txt" for command in _by(program, ours)]


def _by(program: str | None, commands: Iterable[CommandRecord]) -> list[CommandRecord]:
    """The runs of one program; None for the inference tools, which are what is none of the others."""
    named = [(Path(command.argv[0]).name if command.argv else "", command) for command in commands]
    if program is not None:
        return [command for name, command in named if name == program]
    return [command for name, command in named if name not in (ATC, NPU_SMI, MSPROF)]
