"""The machine is what npu-smi says: present, healthy, of one chip, the one that was asked for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.ascend import toolchain
from tools.ascend.machine import Machine, describe_machine
from tools.ascend.target import Target, TargetKind, choose_target
from tools.base.errors import OmError
from tools.base.files import sha256_of
from tools.judge.device_numbers import VISIBLE, Seat
from tools.judge.machine_records import UNKNOWN, BoardRecord
from tools.judge.texts.reading import InferTool

from .stubs import executable

TRANSCRIPTS = Path(__file__).parent / "transcripts"
TABLE_310 = (TRANSCRIPTS / "npu_smi_310.txt").read_text()
A3 = (TRANSCRIPTS / "npu_smi_a3_container_phy5_6.txt").read_text()


class Runner:
    """A host whose npu-smi prints what a test says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "root"
        self.root.mkdir()
        self.variables: dict[str, str] = {}

    def describe(self, body: str, *, soc: str | None = None, devices: tuple[int, ...] = (0,)) -> Machine:
        """Describe the machine, npu-smi being this program."""
        env = {**executable(self.folder / "bin", "npu-smi", body), **self.variables}
        target = Target(TargetKind.ASCEND, env, InferTool.BENCHMARK, self.folder / "bin" / "npu-smi", "test")
        return describe_machine(
            target, soc=soc, devices=devices, root=self.root, logs=self.folder / "logs", run="run-1"
        )

    def refused(self, body: str, *, soc: str | None = None, devices: tuple[int, ...] = (0,)) -> str:
        """The words with which it is refused."""
        with pytest.raises(OmError) as caught:
            self.describe(body, soc=soc, devices=devices)
        assert caught.value.gate == "om.device"
        return str(caught.value)


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """A host without driver and toolkit files."""
    return Runner(tmp_path)


def prints(text: str) -> str:
    """A program that prints this."""
    return f"print({text!r})"


def test_chip_devices_and_versions(runner: Runner) -> None:
    (runner.root / "usr/local/Ascend/driver").mkdir(parents=True)
    (runner.root / "usr/local/Ascend/driver/version.info").write_text("Version=22.0.2\n")
    found = runner.describe(prints(TABLE_310), devices=(2, 0))
    assert (found.soc, found.devices, found.simulated) == ("Ascend310", (2, 0), False)
    assert found.toolchain == {
        "target": "ascend",
        "soc": "Ascend310",
        "tool": "benchmark",
        "program": sha256_of(runner.folder / "bin" / "npu-smi"),
        "npu-smi": sha256_of(runner.folder / "bin" / "npu-smi"),
        "cann": "unknown, run run-1",
        "driver": "22.0.2",
        "chip": "310",
    }
    assert found.boards[0].driver == "22.0.2"
    assert (runner.folder / "logs" / "stdout.txt").read_text().strip() == TABLE_310.strip()


def test_a_simulator_is_no_device_whatever_its_path(runner: Runner) -> None:
    said = runner.refused(f"print('[SIMULATOR] npu-smi', file=sys.stderr); {prints(TABLE_310)}")
    assert "npu-smi is the simulator's" in said


BOARD = """
\tNPU ID                         : 1
\tSerial Number                  : 033EHS10M2000017
\tSoftware Version               : 22.0.4
\tFirmware Version               : {firmware}
"""


def asked_for_boards(board: str) -> str:
    """A program that prints the table, or in answer to the query for the board of NPU 1 a text or what else it does."""
    return f"print({TABLE_310!r}) if sys.argv[1:] == ['info'] else {board}"


def test_a_board_is_known_by_serial_number_bus_firmware_and_driver(runner: Runner) -> None:
    text = BOARD.format(firmware="1.84.15.1.310")
    answer = f"print({text!r} if sys.argv[2:] == ['-t', 'board', '-i', '1'] else 'no such NPU')"
    found = runner.describe(asked_for_boards(answer), devices=(1, 0))
    serial = "033EHS10M2000017"
    assert found.boards == (
        BoardRecord(1, serial, "0000:02:00.0", "1.84.15.1.310", "22.0.4", Seat(1, 1, 1, None)),
        BoardRecord(0, serial, "0000:01:00.0", "1.84.15.1.310", "22.0.4", Seat(1, 0, 0, None)),
    )
    words = f"serial number {serial}, bus 0000:01:00.0, firmware 1.84.15.1.310, driver 22.0.4"
    assert found.about["board 0"] == words
    assert "board" not in found.about


@pytest.mark.parametrize(
    "answer",
    [
        f"(print({BOARD.format(firmware='NA')!r}), sys.exit(1))",
        "print('Error parameter of -t')",
        "print('Serial Number : NA')",
        "print('Serial Number : <b>x</b>')",
        "os.kill(os.getpid(), signal.SIGKILL)",
    ],
)
def test_what_npu_smi_does_not_say_of_a_board_is_unknown_and_no_failure(runner: Runner, answer: str) -> None:
    (board,) = runner.describe(asked_for_boards(answer)).boards
    assert board == BoardRecord(0, UNKNOWN, "0000:01:00.0", UNKNOWN, UNKNOWN, Seat(1, 0, 0, None))
    assert board.known


def test_of_a_board_that_nobody_can_name_nothing_is_reused(runner: Runner) -> None:
    found = runner.describe(prints(re.sub(r"0000:\d\d:00\.0", "NA          ", TABLE_310)))
    assert not found.boards[0].known
    assert found.about["board"] == "unknown, run run-1"


@pytest.mark.parametrize(("table", "soc"), [("310p3", "Ascend310P3"), ("duo", "Ascend310P3"), ("910b", "Ascend910B3")])
def test_each_chip_is_spelt_as_atc_does(runner: Runner, table: str, soc: str) -> None:
    assert runner.describe(prints((TRANSCRIPTS / f"npu_smi_{table}.txt").read_text())).soc == soc


@pytest.mark.parametrize("soc", ["Ascend310", "310", "ascend310"])
def test_a_chip_that_was_asked_for_and_is_there(runner: Runner, soc: str) -> None:
    assert runner.describe(prints(TABLE_310), soc=soc).soc == "Ascend310"


def test_a_chip_that_was_asked_for_and_is_not_there(runner: Runner) -> None:
    said = runner.refused(prints(TABLE_310), soc="Ascend310P3")
    assert "Ascend310P3" in said
    assert re.search(r"Ascend310\b", said)


def test_an_unhealthy_device_is_refused_by_its_number_and_state(runner: Runner) -> None:
    assert re.search(r"device 3 \(NPU 1 chip 3\) is \w+", runner.refused(prints(TABLE_310), devices=(0, 3)))


def test_an_unhealthy_device_that_is_not_used_is_nobodys_business(runner: Runner) -> None:
    assert runner.describe(prints(TABLE_310), devices=(0, 1)).devices == (0, 1)


def test_an_absent_device_is_refused_with_those_that_are_there(runner: Runner) -> None:
    assert "no such device; found 7; allowed [0, 1, 2, 3]" in runner.refused(prints(TABLE_310), devices=(7,))


def test_chips_of_two_kinds_are_refused(runner: Runner) -> None:
    table = (TRANSCRIPTS / "npu_smi_duo.txt").read_text()
    mixed = table.replace("310P3", "310  ", 1)
    assert "devices are of several kinds" in runner.refused(prints(mixed), devices=(0, 1))


def test_a_chip_of_unknown_kind_is_refused(runner: Runner) -> None:
    said = runner.refused(prints(TABLE_310.replace("| 1       310 ", "| 1       X99 ", 1)))
    assert "npu-smi shows a chip of unknown kind" in said


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("print('dcmi module initialize failed. ret is -8005')", "ret is -8005"),
        ("sys.exit(3)", "npu-smi printed nothing"),
        (f"{prints(TABLE_310)}; sys.exit(3)", "exit code 3"),
        (prints("\n".join(TABLE_310.splitlines()[:7])), "cut short"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "npu-smi printed nothing"),
    ],
)
def test_an_npu_smi_that_cannot_answer_is_no_idle_device(runner: Runner, body: str, named: str) -> None:
    assert named in runner.refused(body)


def test_no_npu_smi_at_all_says_what_to_do(runner: Runner) -> None:
    env = {"PATH": str(runner.folder)}
    target = Target(TargetKind.ASCEND, env, InferTool.BENCHMARK, Path("benchmark"), "test")
    with pytest.raises(OmError, match=r"`npu-smi` is not on PATH.*[Ii]nstall the Ascend driver") as caught:
        describe_machine(target, soc=None, devices=(0,), root=runner.root, logs=runner.folder / "logs", run="run-1")
    assert caught.value.gate == "om.device"


def test_devices_are_those_that_the_variable_leaves_and_npu_smi_is_asked_by_its_own_numbers(runner: Runner) -> None:
    runner.variables[VISIBLE] = "1,2"
    answer = "print('Serial Number : ' + '-'.join(sys.argv[1:]))"
    found = runner.describe(asked_for_boards(answer), devices=(0, 1))
    assert (found.devices, found.visible) == ((0, 1), "1,2")
    assert [board.bus_id for board in found.boards] == ["0000:02:00.0", "0000:03:00.0"]
    assert [board.seat for board in found.boards] == [Seat(1, 1, 1, None), Seat(1, 2, 2, None)]


def test_a_device_beyond_those_that_the_variable_leaves_is_refused_with_both_numbers(runner: Runner) -> None:
    runner.variables[VISIBLE] = "2,3"
    said = runner.refused(prints(TABLE_310), devices=(2,))
    assert "no such device; found 2; allowed [0, 1]" in said
    assert "device 0 (NPU 1 chip 2, logical 2), device 1 (NPU 1 chip 3, logical 3)" in said


def test_the_health_that_counts_is_that_of_the_chip_really_used(runner: Runner) -> None:
    runner.variables[VISIBLE] = "0,3"
    assert runner.describe(prints(TABLE_310), devices=(0,)).devices == (0,)
    said = runner.refused(prints(TABLE_310), devices=(1,))
    assert "device 1 (NPU 1 chip 3, logical 3) is Warning" in said


@pytest.mark.parametrize("visible", ["NPU-1", "0, 1", "1,0"])
def test_a_variable_at_which_cann_stops_reading_is_refused(runner: Runner, visible: str) -> None:
    runner.variables[VISIBLE] = visible
    assert f"{VISIBLE} " in runner.refused(prints(TABLE_310), devices=(0,))


MAP_A3 = """\
\tNPU ID            Chip ID            Chip Logic ID            Chip Phy-ID      Chip Name
\t2            1            1            5            Ascend910
\t2            2            -            -            Mcu
\t3            0            0            6            Ascend910
"""


def test_in_a_container_the_map_says_which_chip_a_device_is(runner: Runner) -> None:
    program = f"print({{'info': {A3!r}, 'info -m': {MAP_A3!r}}}.get(' '.join(sys.argv[1:]), ''))"
    found = runner.describe(program, soc="Ascend910_9391", devices=(0,))
    assert found.boards[0].seat == Seat(3, 0, 0, 6)
    assert found.boards[0].bus_id == "0000:95:00.0"


@pytest.mark.parametrize("answer", ["sys.exit(1)", "print('Error parameter of -m')", "os.kill(os.getpid(), 9)"])
def test_a_map_that_is_not_to_be_had_leaves_the_order_of_the_table(runner: Runner, answer: str) -> None:
    found = runner.describe(f"{answer} if sys.argv[2:] == ['-m'] else print({A3!r})", soc="Ascend910_9391")
    assert found.boards[0].seat == Seat(2, 1, 0, 5)


def test_the_simulators_results_depend_on_its_programs(
    runner: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    target = choose_target("simulator", "auto", {"PATH": "/usr/bin:/bin"}, runner.root)
    found = describe_machine(target, soc=None, devices=(0,), root=runner.root, logs=runner.folder / "logs", run="run-1")
    assert found.simulated
    assert "cann" not in found.toolchain
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "atc").write_text("changed")
    monkeypatch.setattr(toolchain, "SIMULATOR", tmp_path / "other")
    again = describe_machine(target, soc=None, devices=(0,), root=runner.root, logs=runner.folder / "more", run="run-2")
    assert again.toolchain["simulator"] != found.toolchain["simulator"]


BOARD_A3 = "NPU ID : 2\nNPU Name : 9392\nChip ID : 1\nChip Name : Ascend910\n"
BOARD_950 = "NPU ID : 0\nNPU Name : 9579\nChip Name : Ascend950PR\n"


def answers(table: str, board: str, asked: str) -> str:
    """A program that prints the board for this question alone."""
    return (
        f"said = ' '.join(sys.argv[1:])\nprint({board!r} if said == {asked!r} else '' if '-t' in said else {table!r})"
    )


def test_the_name_of_a_family_is_made_whole_from_its_board(runner: Runner) -> None:
    found = runner.describe(answers(A3, BOARD_A3, "info -t board -i 2 -c 1"))
    assert (found.soc, found.toolchain["soc"]) == ("Ascend910_9392", "Ascend910_9392")
    table = (TRANSCRIPTS / "npu_smi_950.txt").read_text()
    assert runner.describe(answers(table, BOARD_950, "info -t board -i 0")).soc == "Ascend950PR_9579"


def test_a_family_alone_asks_for_the_chip_before_atc_is_asked_with_a_guess(runner: Runner) -> None:
    said = runner.refused(answers(A3, "", "never"))
    assert (
        "npu-smi shows the family Ascend910 alone, which atc does not take: name the chip, --soc Ascend910_9392" in said
    )
    assert runner.describe(answers(A3, "", "never"), soc="Ascend910_9391").soc == "Ascend910_9391"


def test_another_chip_than_the_board_says_is_refused(runner: Runner) -> None:
    said = runner.refused(answers(A3, BOARD_A3, "info -t board -i 2 -c 1"), soc="Ascend910_9391")
    assert "asked for Ascend910_9391, the device is Ascend910_9392" in said
