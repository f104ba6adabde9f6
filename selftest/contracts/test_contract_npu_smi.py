"""npu-smi: the table and the two lists, fact sheet section 4."""

from __future__ import annotations

import re
from pathlib import Path

from selftest.contracts.host import BENCHMARK, Host

FIRST_ROW = re.compile(
    r"^\|\s*\d+\s+(?:Ascend)?[39]10\w*\s*\|\s*(OK|Warning|Alarm|Critical|UNKNOWN)\s*\|", re.MULTILINE
)
SECOND_ROW = re.compile(r"^\|\s*\d+(?:\s+\d+)?\s*\|\s*(?:[0-9A-Fa-f:.]+|NA)\s*\|\s*\d+\s.*\d+\s*/\s*\d+", re.MULTILINE)


def test_the_table_has_two_rows_a_chip(host: Host, tmp_path: Path) -> None:
    done = host.run("npu-smi", "info", cwd=tmp_path)
    assert done.returncode == 0
    assert re.search(r"^\|\s*npu-smi\s+\S+\s+Version:\s+\S+", done.stdout, re.MULTILINE)
    assert re.search(r"^\|\s*NPU\s+Name\s*\|\s*Health\s*\|", done.stdout, re.MULTILINE)
    first, second = FIRST_ROW.findall(done.stdout), SECOND_ROW.findall(done.stdout)
    assert len(first) == len(second) > 0


def test_the_lists_name_cards_and_chips(host: Host, tmp_path: Path) -> None:
    cards = host.run("npu-smi", "info", "-l", cwd=tmp_path).stdout
    assert re.search(r"NPU ID\s*:\s*\d+", cards)
    assert re.search(r"Chip Count\s*:\s*\d+", cards)


def test_the_map_gives_every_chip_of_the_table_one_number(host: Host, tmp_path: Path) -> None:
    """Its columns differ by chip: 950 has no logical number and a slot, A3 and 950 have a physical one."""
    done = host.run("npu-smi", "info", "-m", cwd=tmp_path)
    head, *rows = (re.split(r"\s{2,}|\t", line.strip()) for line in done.stdout.splitlines() if line.strip())
    assert done.returncode == 0
    assert {"NPU ID", "Chip ID", "Chip Name"} < set(head)
    numbered = "Chip Logic ID" if "Chip Logic ID" in head else "Chip Phy-ID"
    chips = [dict(zip(head, row, strict=True)) for row in rows if row[-1].lower() != "mcu"]
    numbers = [int(row[numbered]) for row in chips]
    assert len(set(numbers)) == len(numbers)
    if numbered == "Chip Logic ID":
        assert sorted(numbers) == list(range(len(numbers)))
    table = host.run("npu-smi", "info", cwd=tmp_path).stdout
    assert len(chips) == len(FIRST_ROW.findall(table))


def test_a_board_is_named(host: Host, tmp_path: Path) -> None:
    cards = host.run("npu-smi", "info", "-l", cwd=tmp_path).stdout
    (first, *_) = re.findall(r"NPU ID\s*:\s*(\d+)", cards)
    board = host.run("npu-smi", "info", "-t", "board", "-i", first, cwd=tmp_path).stdout
    assert re.search(r"Serial Number\s*:\s*\S+", board)
    assert re.search(r"Software Version\s*:\s*\S+", board)


def test_one_of_the_inference_tools_is_there(host: Host, tmp_path: Path) -> None:
    assert host.has_ais_bench() or host.require(BENCHMARK)
