"""Gates by stage: all of them, in the order of the inventory, each with the files its word rests on."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from selftest.evidence.bundles import World
from selftest.report.bundles import write_bundle
from selftest.report.conftest import Written
from tools.base.errors import Stage
from tools.judge import gates
from tools.judge.ids import GateId
from tools.judge.results import GateResult, Verdict
from tools.report.gate_rows import GateRow, gates_by_stage
from tools.report.html import write_report


def rows(written: Written) -> dict[str, GateRow]:
    stages = gates_by_stage(written.run, written.folder)
    return {row.id: row for stage in stages for question in stage.questions for row in question.rows}


def test_stages_and_gates_stand_in_the_order_of_the_inventory(accepted: Written) -> None:
    assert [stage.stage for stage in gates_by_stage(accepted.run, accepted.folder)] == list(Stage)
    kinds = list(dict.fromkeys(GateId(name).gate for name in rows(accepted)))
    order = [gate.id for gate in gates.INVENTORY]
    assert kinds == sorted(kinds, key=lambda kind: (list(Stage).index(gates.find(kind).stage), order.index(kind)))
    assert len(rows(accepted)) == len(accepted.run.gates)


@pytest.mark.parametrize(
    ("gate", "files"),
    [
        ("checkpoint.md5", ()),
        ("pth.accuracy.ids", ("predictions/ids.json",)),
        ("pth.accuracy.top1_error_pp", ("predictions/pth.top5.npy", "predictions/labels.npy")),
        (
            "om.accuracy.top1_drop_pp[bs16]",
            ("predictions/om_bs16.top5.npy", "predictions/pth.top5.npy", "predictions/labels.npy"),
        ),
        ("om.compiled[bs1]", ("logs/om_bs1-atc/stdout.txt",)),
        ("om.compiled[bs16]", ("logs/om_bs16-atc/stdout.txt",)),
        ("om.device", ("logs/npu-smi/stdout.txt",)),
        ("om.perf.reading[bs4]", ("logs/om_bs4-run/stdout.txt",)),
    ],
)
def test_a_gate_names_its_evidence(gate: str, files: tuple[str, ...], accepted: Written) -> None:
    assert rows(accepted)[gate].evidence[0] == "acceptance.json"
    assert set(files) <= set(rows(accepted)[gate].evidence)
    others = [file for file in rows(accepted)[gate].evidence if "om_bs" in file and file not in files]
    assert [file for file in others if f"om_{gate.partition('[')[2][:-1]}" not in re.split(r"[-./]", file)] == []


def test_only_files_that_are_there_are_evidence(tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    run = write_bundle(folder, World(images=60))
    (folder / "logs/npu-smi/stdout.txt").unlink()
    found = gates_by_stage(run, folder)
    device = next(row for stage in found for question in stage.questions for row in question.rows
                  if row.id == "om.device")  # fmt: skip
    assert device.evidence == ("acceptance.json",)


def test_owed_gates_are_rows_too(incomplete: Written) -> None:
    row = rows(incomplete)["om.compiled[bs8]"]
    assert (row.verdict, row.check, row.evidence) == (Verdict.NOT_RUN, None, ())
    assert row.remark == "this run did not come to it"


def test_a_gate_of_another_suite_is_shown_without_its_question(accepted: Written) -> None:
    strange = GateResult(id=GateId("om.older_gate[bs1]"), stage=Stage.OM, check=accepted.run.gates[0].check)
    run = dataclasses.replace(accepted.run, gates=(*accepted.run.gates, strange))
    om = next(stage for stage in gates_by_stage(run, accepted.folder) if stage.stage is Stage.OM)
    assert om.questions[-1].id == "om.older_gate"
    assert "no such gate" in om.questions[-1].text


def test_an_owed_gate_of_another_suite_stands_at_the_end(accepted: Written, tmp_path: Path) -> None:
    missing = dataclasses.replace(accepted.run.verdict, missing=(GateId("om.older_gate[bs1]"),))
    run = dataclasses.replace(accepted.run, verdict=missing)
    assert gates_by_stage(run, accepted.folder)[-1].questions[-1].id == "om.older_gate"
    write_report(tmp_path, dataclasses.replace(run, spec=None, variants=()))
    assert "om.older_gate" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_warnings_belong_to_the_gates_of_their_variant(rejected: Written) -> None:
    warned = [row.id for row in rows(rejected).values() if row.warning]
    assert warned == [f"om.accuracy.top1_drop_pp[bs{batch}]" for batch in (1, 4, 8, 16, 32)]
