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
    chips = host.run("npu-smi", "info", "-m", cwd=tmp_path).stdout
    assert re.search(r"NPU ID\s+Chip ID\s+Chip Logic ID\s+Chip Name", chips)


def test_a_board_is_named(host: Host, tmp_path: Path) -> None:
    cards = host.run("npu-smi", "info", "-l", cwd=tmp_path).stdout
    (first, *_) = re.findall(r"NPU ID\s*:\s*(\d+)", cards)
    board = host.run("npu-smi", "info", "-t", "board", "-i", first, cwd=tmp_path).stdout
    assert re.search(r"Serial Number\s*:\s*\S+", board)
    assert re.search(r"Software Version\s*:\s*\S+", board)


def test_one_of_the_inference_tools_is_there(host: Host, tmp_path: Path) -> None:
    assert host.has_ais_bench() or host.require(BENCHMARK)
