"""Which chip of npu-smi a device is: by its map, and by what ASCEND_RT_VISIBLE_DEVICES leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.judge.device_numbers import VISIBLE, MapRow, Numbering, Seat, number_devices, read_map
from tools.judge.npu_smi import UNKNOWN, Chip, NpuSmiError, chip_of, idle_memory_mb

MAP_310P = """\
        NPU ID                         Chip ID                        Chip Logic ID                  Chip Name
        8                              0                              0                              Ascend 310P3
        8                              1                              1                              Ascend 310P3
        8                              2                              -                              Mcu
"""
MAP_A3 = """\
        NPU ID          Chip ID         Chip Logic ID   Chip Phy-ID     Chip Name
        0               0               1               9               Ascend910
        0               1               0               8               Ascend910
        0               2               -               -               Mcu
"""
MAP_950 = """\
        NPU ID          Slot ID         Chip ID         Chip Phy-ID     Chip Name
        0               0               0               4               Ascend950PR
        -1              1               0               5               Ascend950PR
"""


def chip(npu: int, number: int, place: int, *, physical: int | None = None, trouble: str = "") -> Chip:
    """A chip that is idle and healthy; `place` is its number by the table."""
    return Chip(npu, number, place, "910", "OK", 0, 100 + npu, 1000, (), physical, trouble)


CARDS = tuple(chip(npu, 0, place) for place, npu in enumerate((3, 4, 5)))


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (MAP_310P, {(8, 0): MapRow(0, None), (8, 1): MapRow(1, None)}),
        (MAP_A3, {(0, 0): MapRow(1, 9), (0, 1): MapRow(0, 8)}),
        (MAP_950, {(0, 0): MapRow(None, 4)}),
        (MAP_A3.replace("Phy-ID", "Physical ID").replace("Logic ID", "Logical ID").replace("    ", "\t"), "as A3"),
        ("", {}),
        ("Error parameter of -m\n", {}),
        ("NPU ID Chip ID\n0 0\n1\n2 0 1\n", {(0, 0): MapRow(None, None)}),
        ("Chip Name Chip ID NPU ID Chip Logic ID\nAscend 910B3 0 4 2\r\n", {(4, 0): MapRow(2, None)}),
    ],
)
def test_a_map_is_read_by_the_words_of_its_header(text: str, rows: dict[tuple[int, int], MapRow] | str) -> None:
    assert read_map(text) == (read_map(MAP_A3) if rows == "as A3" else rows)


def test_a_map_that_lists_a_chip_twice_is_refused() -> None:
    with pytest.raises(NpuSmiError, match="npu-smi lists NPU 8 chip 1 twice"):
        read_map(MAP_310P + MAP_310P.splitlines()[2])


def seats(chips: Sequence[Chip], text: str = "", visible: str = "") -> dict[int, Seat]:
    """The seats by the tools' numbers."""
    return number_devices(chips, text, visible).seats


def test_without_a_map_the_order_of_the_table_counts() -> None:
    assert seats(CARDS) == {0: Seat(3, 0, 0, None), 1: Seat(4, 0, 1, None), 2: Seat(5, 0, 2, None)}


def test_the_map_wins_over_the_order_of_the_table() -> None:
    assert seats((chip(0, 0, 0), chip(0, 1, 1)), MAP_A3) == {0: Seat(0, 1, 0, 8), 1: Seat(0, 0, 1, 9)}


def test_a_map_without_logical_numbers_adds_the_physical_ones() -> None:
    assert seats((chip(0, 0, 0),), MAP_950) == {0: Seat(0, 0, 0, 4)}
    assert seats((chip(0, 0, 0, physical=7),)) == {0: Seat(0, 0, 0, 7)}


def test_chips_of_the_host_that_the_container_does_not_show_are_none_of_its() -> None:
    assert seats((chip(8, 1, 0),), MAP_310P.replace("  0                              Ascend", "  - Ascend")) == {
        1: Seat(8, 1, 1, None)
    }


def test_a_chip_without_logical_number_where_others_have_one_is_none_of_the_tools() -> None:
    text = MAP_A3.replace("1               9", "-               9")
    assert list(seats((chip(0, 0, 0), chip(0, 1, 1)), text).values()) == [Seat(0, 1, 0, 8)]


def test_two_chips_of_one_logical_number_are_refused() -> None:
    with pytest.raises(NpuSmiError, match="two chips the logical number 0"):
        seats((chip(0, 0, 0), chip(0, 1, 1)), MAP_A3.replace("1               9", "0               9"))


@given(st.lists(st.integers(0, 7), min_size=1, unique=True).map(sorted), st.permutations(range(8)))
def test_the_variable_counts_the_logical_numbers_that_it_lists_from_0(listed: list[int], logical: list[int]) -> None:
    chips = tuple(chip(10 + place, 0, place) for place in range(8))
    rows = [f"{10 + place} 0 {number} Ascend 910B3" for place, number in enumerate(logical)]
    text = "\n".join(["NPU ID  Chip ID  Chip Logic ID  Chip Name", *rows])
    found = number_devices(chips, text, ",".join(map(str, listed)))
    assert [seat.logical for seat in found.seats.values()] == listed
    assert list(found.seats) == list(range(len(listed)))
    for device, number in enumerate(listed):
        used = chip_of(found.of_tools(chips), device)
        assert used.npu_id == 10 + logical.index(number)
        assert idle_memory_mb(found.of_tools(chips))[device] == 100 + used.npu_id
    assert sum(one.device == UNKNOWN for one in found.of_tools(chips)) == 8 - len(listed)


@pytest.mark.parametrize(
    ("visible", "named"),
    [
        ("1,0", "does not ascend"),
        ("0,0", "does not ascend"),
        ("0,3", "names the logical number 3, which no chip has"),
        *(
            (text, "is no list of logical numbers")
            for text in ("0, 1", " 0", "0,", ",", "0-2", "0..2", "-1", "0,-1,1", "NPU-1", "all", "\u0660", "9" * 400)
        ),
    ],
)
def test_a_variable_that_cann_would_not_read_to_its_end_is_one_clear_error(visible: str, named: str) -> None:
    with pytest.raises(NpuSmiError) as caught:
        seats(CARDS, "", visible)
    said = str(caught.value)
    assert f"{VISIBLE} {named}" in said
    assert "allowed some of [0, 1, 2], each once, ascending" in said
    assert len(said) < 600


def test_a_device_that_is_not_visible_is_told_by_both_numbers() -> None:
    numbering = number_devices(CARDS, "", "1,2")
    assert numbering.require(1, CARDS) == Seat(5, 0, 2, None)
    with pytest.raises(NpuSmiError, match=r"found 2; allowed \[0, 1\].*device 0 \(NPU 4 chip 0, logical 1\)"):
        numbering.require(2, CARDS)


def test_a_later_table_in_another_order_or_with_fewer_chips_shows_the_same_chips() -> None:
    numbering = number_devices(CARDS, "", "")
    later = tuple(replace(one, device=place) for place, one in enumerate(reversed(CARDS[1:])))
    assert [(one.npu_id, one.device) for one in numbering.of_tools(later)] == [(5, 2), (4, 1)]


def test_a_row_that_cannot_be_read_is_the_trouble_of_its_own_chip() -> None:
    broken = chip(4, UNKNOWN, 1, trouble="line 8 cannot be read")
    rows = (CARDS[0], broken, CARDS[2])
    text = "NPU ID  Chip ID  Chip Logic ID  Chip Name\n3 0 0 x\n4 0 1 x\n5 0 2 x\n"
    for numbering in (number_devices(CARDS, "", ""), number_devices(rows, text, ""), number_devices(rows, "", "")):
        assert chip_of(numbering.of_tools(rows), 2).npu_id == 5
        with pytest.raises(NpuSmiError, match="device 1: line 8 cannot be read"):
            chip_of(numbering.of_tools(rows), 1)


@pytest.mark.parametrize(
    ("seat", "named"),
    [
        (Seat(0, 0, 0, None), "device 0"),
        (Seat(0, 0, 0, 0), "device 0"),
        (Seat(0, 0, 0, 5), "device 0 (NPU 0 chip 0, physical 5)"),
        (Seat(6, 0, 1, 6), "device 0 (NPU 6 chip 0, logical 1, physical 6)"),
    ],
)
def test_both_numbers_are_said_where_they_do_not_coincide(seat: Seat, named: str) -> None:
    assert Numbering({0: seat}).named(0) == named
    assert Numbering({}).named(7) == "device 7"


def refusal(number: int, numbering: Numbering, chips: Sequence[Chip]) -> str:
    """What is said of a device that is not there."""
    with pytest.raises(NpuSmiError) as caught:
        numbering.require(number, chips)
    return str(caught.value)


FIX = "Name devices of this machine with --device, by the tools' numbers: "


def test_what_the_devices_are_is_said_where_one_is_absent() -> None:
    assert refusal(5, number_devices(CARDS[:2], "", ""), CARDS[:2]) == (
        f"npu-smi info: no such device; found 5; allowed [0, 1]. {FIX}device 0 (NPU 3 chip 0), device 1 (NPU 4 chip 0)"
    )
    many = tuple(chip(place, 0, place) for place in range(18))
    numbering = number_devices(many, "", "")
    named = ", ".join(f"device {place}" for place in range(16))
    assert refusal(18, numbering, many).endswith(f". {FIX}{named} and 2 more")
    assert refusal(18, number_devices(many[:16], "", ""), many[:16]).endswith(f". {FIX}{named}")


def test_a_row_that_cannot_be_read_is_said_where_a_device_is_absent() -> None:
    broken = chip(9, UNKNOWN, 1, trouble="line 8 cannot be read")
    known = replace(CARDS[0], trouble="it has no memory")
    numbering = number_devices((known,), "", "")
    assert refusal(1, numbering, (known, broken, CARDS[1])).startswith(
        "npu-smi info: no such device; line 8 cannot be read; found 1; allowed [0]. "
    )


@pytest.mark.parametrize(
    ("visible", "what", "found"),
    [
        ("1,0", "does not ascend", "'1,0'"),
        ("1,1", "does not ascend", "'1,1'"),
        ("2,5,7", "names the logical number 5, which no chip has", "'2,5,7'"),
        ("99999", "names the logical number 99999, which no chip has", "'99999'"),
        ("123456", "is no list of logical numbers", "'123456'"),
        ("7,1", "does not ascend", "'7,1'"),
        ("x" * 200, "is no list of logical numbers", repr("x" * 100)),
    ],
)
def test_what_is_wrong_with_the_variable_is_said_to_the_letter(visible: str, what: str, found: str) -> None:
    with pytest.raises(NpuSmiError) as caught:
        seats(CARDS, "", visible)
    assert str(caught.value) == (
        f"ASCEND_RT_VISIBLE_DEVICES {what}: CANN stops reading there, and sees fewer devices; found {found}; allowed "
        "some of [0, 1, 2], each once, ascending, with commas and no spaces between. Correct it or unset it; --device "
        "then counts the devices that it lists from 0"
    )


def test_no_more_than_sixteen_numbers_are_said_to_be_allowed() -> None:
    many = tuple(chip(place, 0, place) for place in range(18))
    with pytest.raises(NpuSmiError, match=r"some of \[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\], each"):
        seats(many, "", "18")


def test_chips_that_share_a_number_are_said_to_the_letter() -> None:
    with pytest.raises(NpuSmiError) as caught:
        seats((chip(0, 0, 0), chip(0, 1, 1)), MAP_A3.replace("1               9", "0               9"))
    assert str(caught.value) == "npu-smi info -m: npu-smi gives two chips the logical number 0"
    with pytest.raises(NpuSmiError) as caught:
        read_map(MAP_310P + MAP_310P.splitlines()[2])
    assert str(caught.value) == "npu-smi info -m: npu-smi lists NPU 8 chip 1 twice"


HEAD = "NPU ID  Chip ID  Chip Logic ID  Chip Phy-ID  Chip Name\n"


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (f"{HEAD}0 2 3 4 MCU\n0 1 3 4 Mcu 2\n", {(0, 1): MapRow(3, 4)}),
        (f"{HEAD}123456789 1 3 4 x\n1234567890 1 3 4 x\n0 1234567890 3 4 x\n", {(123456789, 1): MapRow(3, 4)}),
        (f"{HEAD}0 0 - - a b c\n", {(0, 0): MapRow(None, None)}),
        (f"{HEAD}0 0 1 2\n", {}),
        ("0 0 1 2 x\n", {}),
        (f"{HEAD}0 0 1 2 x\nNPU ID 9\n1 0 3 4 x\n", {(0, 0): MapRow(1, 2), (1, 0): MapRow(3, 4)}),
        ("Chip Name  NPU ID  Chip ID\na b c 4 5\na 6 7\n", {(4, 5): MapRow(None, None), (6, 7): MapRow(None, None)}),
        ("NPU ID  Chip Name  Chip ID\n4 a b 5\n", {(4, 5): MapRow(None, None)}),
        ("NPU ID  Chip ID  Other\n4 5 6\n4 6 7 8\n", {(4, 5): MapRow(None, None)}),
        ("NPU ID  Chip Logic ID\n4 5\n", {}),
        (f"{HEAD}0 0 1 2 x\nNPU ID  Chip ID  Chip Phy ID\n3 4 5\n", {(0, 0): MapRow(1, 2), (3, 4): MapRow(None, 5)}),
        (f"{HEAD}0 0 1 2 x\r1 0 3 4 x\r\n", {(0, 0): MapRow(1, 2), (1, 0): MapRow(3, 4)}),
    ],
)
def test_rows_of_a_map_are_read_by_their_columns(text: str, rows: dict[tuple[int, int], MapRow]) -> None:
    assert read_map(text) == rows


def test_a_row_without_a_chip_is_the_only_one_of_its_npu_that_is_left() -> None:
    text = f"{HEAD}4 0 0 - x\n4 1 1 - x\n5 0 2 - x\n"
    whole, broken = chip(4, 0, 0), chip(4, UNKNOWN, 1, trouble="line 8 cannot be read")
    assert list(seats((whole, broken), text)) == [0, 1]
    assert seats((whole, broken), text)[1] == Seat(4, 1, 1, None)
    assert list(seats((chip(5, 0, 0), broken), text)) == [2], "which of two is not known"
    assert list(seats((whole, replace(broken, trouble="")), text)) == [0], "it is a chip of its own"
    assert list(seats((whole, replace(broken, npu_id=7)), text)) == [0]


def test_physical_numbers_are_the_maps_and_else_the_tables() -> None:
    cards = (chip(4, 0, 0, physical=9), chip(5, 0, 1, physical=8))
    assert [seat.physical for seat in seats(cards, f"{HEAD}4 0 0 3 x\n5 0 1 - x\n").values()] == [3, 8]
    assert list(seats(cards, f"{HEAD}4 0 1 3 x\n5 0 0 2 x\n")) == [0, 1], "in the order of the logical numbers"
    assert list(seats((chip(4, 0, UNKNOWN), cards[1]))) == [1]
