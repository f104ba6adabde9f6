"""Tables of npu-smi as some driver might print them: other chips, columns, words, widths and gaps than any seen."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from tools.judge.npu_smi import Chip, Process

NAMES = ("310", "310P3", "310B4", "910B2C", "910B4-1", "Ascend910", "Ascend950PR", "930X")
WORDS = ("OK", "Warning", "Alarm", "Critical", "UNKNOWN")


@dataclass(frozen=True)
class Layout:
    """What a driver chooses: columns of the second row, extra columns, words, the gaps between two in a cell."""

    numbered: str  # "Device", "Phy-ID" or neither
    card_is_chip: bool
    load: str
    memory: tuple[str, ...]
    extra_first: tuple[str, ...]
    extra_second: tuple[str, ...]
    in_container: bool
    gap: int
    wide: int


layouts = st.builds(
    Layout,
    numbered=st.sampled_from(["Device", "Phy-ID", ""]),
    card_is_chip=st.booleans(),
    load=st.sampled_from(["AICore(%)", "NPU Util(%)"]),
    memory=st.sampled_from([("Memory-Usage(MB)",), ("Memory-Usage(MB)", "HBM-Usage(MB)"), ("HBM-Usage(MB)",)]),
    extra_first=st.sampled_from([(), ("Hugepages-Usage(page)",), ("Fan(%)", "Hugepages-Usage(page)")]),
    extra_second=st.sampled_from([(), ("Cube(%)",)]),
    in_container=st.booleans(),
    gap=st.integers(1, 9),
    wide=st.integers(0, 40),
).map(lambda layout: replace(layout, numbered="") if layout.card_is_chip else layout)
processes = st.lists(
    st.builds(
        Process,
        pid=st.one_of(st.none(), st.integers(1, 10**6)),
        name=st.sampled_from(["python3.11", "VLLMWorker_TP", ""]),
        memory_mb=st.one_of(st.none(), st.integers(0, 10**5)),
    ),
    max_size=3,
)


@st.composite
def machines(draw: st.DrawFn) -> tuple[Layout, tuple[Chip, ...]]:
    """A layout and the chips that it shows."""
    layout, number = draw(layouts), draw(st.integers(1, 4))
    npus = draw(st.lists(st.integers(0, 40000), min_size=number, max_size=number, unique=True))
    chips = [
        Chip(
            npu_id=npu,
            chip_id=0 if layout.card_is_chip else draw(st.integers(0, 3)),
            device=draw(st.integers(0, 9)) * 10 + place if layout.numbered == "Device" else place,
            name=draw(st.sampled_from(NAMES)),
            health=draw(st.sampled_from(WORDS)),
            aicore_percent=draw(st.integers(0, 100)),
            memory_used_mb=draw(st.integers(0, 10**5)),
            memory_total_mb=draw(st.integers(0, 10**5)),
            processes=tuple(draw(processes)) if draw(st.booleans()) else None,
            physical=draw(st.integers(0, 15)) if layout.numbered == "Phy-ID" else None,
        )
        for place, npu in enumerate(npus)
    ]
    return layout, tuple(chips)


def table(layout: Layout, chips: tuple[Chip, ...]) -> str:
    """The text of the table."""
    load = [layout.load, *layout.extra_second, *layout.memory]
    second = [] if layout.card_is_chip else [["Chip", *([layout.numbered] if layout.numbered else [])]]
    second += [[], []] if layout.card_is_chip else []
    head = [["NPU ID"], ["Name"]] if layout.card_is_chip else [["NPU", "Name"]]
    rows = [
        [*head, ["Health"], ["Power(W)", "Temp(C)", *layout.extra_first]],
        [*second, ["Bus-Id"], load],
        *(row for chip in chips for row in _rows(layout, chip)),
        *_process_rows(layout, chips),
    ]
    return "\n".join(_line(layout, row) for row in rows)


def _rows(layout: Layout, chip: Chip) -> list[list[list[str]]]:
    extra = {"Fan(%)": "NA", "Hugepages-Usage(page)": "15    / 15"}
    ids = [[str(chip.npu_id)], [chip.name]] if layout.card_is_chip else [[str(chip.npu_id), chip.name]]
    number = {"Device": chip.device, "Phy-ID": chip.physical}.get(layout.numbered)
    second = [[], []] if layout.card_is_chip else [[str(chip.chip_id), *([] if number is None else [str(number)])]]
    own = f"{chip.memory_used_mb}/ {chip.memory_total_mb}"
    memory = ["0    / 0", own] if len(layout.memory) > 1 else [own]
    load = [str(chip.aicore_percent), *("-" for _ in layout.extra_second), *memory]
    return [
        [*ids, [chip.health], ["NA", "41", *(extra[name] for name in layout.extra_first)]],
        [*second, ["NA"], load],
    ]


def _process_rows(layout: Layout, chips: tuple[Chip, ...]) -> list[list[list[str]]]:
    """The second table, where anything is said of processes."""
    if all(chip.processes is None for chip in chips):
        return []
    where = [["NPU ID"]] if layout.card_is_chip else [["NPU", "Chip"]]
    last = [["Process id in container"]] if layout.in_container else []
    rows = [[*where, ["Process id"], ["Process name"], ["Process memory(MB)"], *last]]
    for chip in chips:
        if chip.processes == ():
            rows.append([[f"No running processes found in NPU {chip.npu_id}"]])
        for process in chip.processes or ():
            ids = [str(chip.npu_id), *([] if layout.card_is_chip else [str(chip.chip_id)])]
            pid, memory = ("NA" if value is None else str(value) for value in (process.pid, process.memory_mb))
            rows.append([ids, [pid], [process.name], [memory], *([["NA"]] if last else [])])
    return rows


def _line(layout: Layout, cells: list[list[str]]) -> str:
    return "|" + "|".join(f" {(' ' * layout.gap).join(words)}{' ' * layout.wide} " for words in cells) + "|"
