"""What acceptance.json keeps of machines: the chip's boards and toolchain, the host and its software."""

from __future__ import annotations

from dataclasses import dataclass

from tools.judge.device_numbers import Seat

UNKNOWN = "unknown"


@dataclass(frozen=True)
class BoardRecord:
    """The board behind a device, each field `unknown` where npu-smi does not say it.

    `device` is the number that the tools take, `seat` what npu-smi, driver and host call the same chip.
    """

    device: int
    serial_number: str
    bus_id: str
    firmware: str
    driver: str
    seat: Seat

    @property
    def known(self) -> bool:
        """Whether it can be told from another board at all."""
        return (self.serial_number, self.bus_id) != (UNKNOWN, UNKNOWN)

    def __str__(self) -> str:
        serial = f"serial number {self.serial_number}, bus {self.bus_id}"
        return f"{serial}, firmware {self.firmware}, driver {self.driver}"


@dataclass(frozen=True)
class MachineRecord:
    """Where OMs were compiled and run: `devices` are the numbers that the tools take, `why` says how it was chosen.

    `toolchain` names the versions of CANN and driver (or the digest of the simulator), as tools/ascend/machine.py
    found them. `boards` are those of the devices, in their order. `visible_devices` is the value of
    ASCEND_RT_VISIBLE_DEVICES, over which the tools count their numbers anew; empty where it was not set.
    """

    soc: str
    infer_tool: str
    devices: tuple[int, ...]
    why: str
    toolchain: dict[str, str]
    boards: tuple[BoardRecord, ...]
    visible_devices: str


@dataclass(frozen=True)
class HostRecord:
    """The machine the suite ran on; it has no name here."""

    system: str
    machine: str
    cpu_model: str
    cores: int
    memory_bytes: int


@dataclass(frozen=True)
class Versions:
    """The interpreter, every installed library by name, the digest of the suite's own code, and its version and commit
    in words (empty where they are not known)."""

    python: str
    libraries: dict[str, str]
    suite_sha256: str
    suite: str = ""

    @property
    def suite_words(self) -> str:
        """Which suite it was, for people."""
        code = f"code {self.suite_sha256[:12]}"
        return f"{self.suite}, {code}" if self.suite else code
