"""The logs of vendor tools against the record: what it rests on is there, ended well, and says the same.

Of what a tool did nothing is as raw as its own streams. The figures of a throughput run are judged elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from tools.base.errors import SuiteError
from tools.judge import ids
from tools.judge.acceptance import CommandRecord, InputDigest
from tools.judge.atc_flags import named_files
from tools.judge.bundle import Bundle
from tools.judge.command_lines import atc_asked, atc_said, om_name, read_inference
from tools.judge.device_numbers import Numbering, number_devices
from tools.judge.files import Refused, short
from tools.judge.layout import FILE, LOGS
from tools.judge.machine_records import MachineRecord
from tools.judge.npu_smi import (
    IDLE_SAMPLES,
    MAP,
    MOST_LAGGING,
    Chip,
    busy_over,
    chip_of,
    idle_memory_mb,
    lag,
    parse_info,
)
from tools.judge.op_profile import OperatorProfile
from tools.judge.soc import soc_mismatch
from tools.judge.throughput_records import DeviceThroughput
from tools.judge.tool_texts import ATC_FAILURE, ATC_SUCCESS, error_lines

NPU_SMI, MAP_LOGS = "npu-smi", "map"
COLLECT = "collect"
"""Below the logs of a profile: the run that was profiled, with the tables that came of it."""
STREAMS = ("stdout.txt", "stderr.txt")


def atc_logs(batch: int) -> str:
    """The name of the folder below logs/ that holds what atc said when it compiled for a batch size."""
    return f"atc-bs{batch}"


def prediction_logs(batch: int) -> str:
    """Where the run over all images is that predictions of a batch size come from."""
    return f"predict-bs{batch}"


def throughput_logs(batch: int) -> str:
    """Where the runs are that throughput at a batch size was measured by."""
    return f"perf-bs{batch}"


def profile_logs(batch: int) -> str:
    """Where the vendor's profiler and what it wrote are, of a batch size."""
    return f"profile-bs{batch}"


def check_logs(bundle: Bundle) -> None:
    """Collect in `bundle.problems` what logs and record say otherwise of each other."""
    logs = _Logs(bundle)
    logs.folders()
    record = bundle.record
    if record.machine is not None:
        logs.machine(record.machine)
    for batch in bundle.spec.batches:
        if ids.om(batch) in bundle.digests and bundle.handed_in(ids.om(batch)) is None:
            logs.compiled(batch)
        if ids.om(batch) in bundle.variants:
            logs.predicted(batch)
    for place, entry in enumerate(record.device_throughput):
        logs.measured(entry)
        logs.idle(f"{FILE}.device_throughput[{place}].busy", entry)
    for profile in record.profiles:
        logs.profiled(profile)


class _Logs:
    """The log folders of one bundle by name, each with the command that wrote it."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._commands = {command.folder: command for command in bundle.record.commands}
        self._idle_mb: dict[int, int] = {}
        self._numbering = Numbering({})

    def folders(self) -> None:
        """Each command has a folder of its own below logs/, and each folder its command."""
        for place, command in enumerate(self._bundle.record.commands):
            where = f"{FILE}.commands[{place}].folder"
            if not command.folder.startswith(f"{LOGS}/"):
                self._problem(f"{where}: {short(command.folder)} does not lie below {LOGS}/")
            if self._commands[command.folder] is not command:
                self._problem(f"{where}: {short(command.folder)} is another command's too")
        names = (name for name in self._bundle.files.digests if name.startswith(f"{LOGS}/"))
        for folder in sorted({str(PurePosixPath(name).parent) for name in names} - set(self._commands)):
            self._problem(f"{folder}: a log of which no command is recorded")

    def machine(self, machine: MachineRecord) -> None:
        """npu-smi has shown each device, healthy and of the recorded chip."""
        folder = f"{LOGS}/{NPU_SMI}"
        self._ended_well(NPU_SMI, "the machine")
        chips = self._table(folder, "the machine")
        if chips is None or not self._numbered(machine, chips, folder):
            return
        for device in machine.devices:
            try:
                chip = chip_of(self._numbering.of_tools(chips), device)
                wrong = soc_mismatch(machine.soc, chip.name)
            except SuiteError as error:
                self._problem(f"{folder}: {error}")
                continue
            problems = [] if chip.healthy else [f"{self._numbering.named(device)} is {chip.health}"]
            for problem in [*problems, *([wrong] if wrong else [])]:
                self._problem(f"{folder}: {problem}")

    def compiled(self, batch: int) -> None:
        """atc has said that it succeeded, and was asked for this OM."""
        bundle, name = self._bundle, ids.om(batch)
        folder = f"{LOGS}/{atc_logs(batch)}"
        self._ended_well(atc_logs(batch), name)
        command = self._command(folder, name)
        if command is None:
            return
        said = self._said(folder)
        if ATC_SUCCESS not in said or ATC_FAILURE in said:
            what = f"says `{ATC_FAILURE}`" if ATC_FAILURE in said else f"never says `{ATC_SUCCESS}`"
            self._problem(f"{folder}: atc {what}, but {name} was made")
        onnx = bundle.digests.get(f"onnx_bs{batch}", bundle.digests.get("onnx"))
        machine = bundle.record.machine
        asked = atc_asked(
            bundle.spec,
            batch,
            onnx=None if onnx is None else onnx.path,
            om=bundle.digests[name].path,
            soc=None if machine is None else machine.soc,
            aipp=None if bundle.record.aipp is None else bundle.record.aipp.text,
        )
        self._files(command, onnx=onnx, om=bundle.digests[name])
        self._files_of_flags(command)
        words = atc_said(command.argv)
        for flag, value in asked.items():
            if words.get(flag) != value:
                self._problem(f"{folder}: {flag} is {short(words.get(flag))}, {name} needs {short(value)}")

    def predicted(self, batch: int) -> None:
        """The inference tool has run this OM over the images on each device."""
        base, machine = f"{LOGS}/{prediction_logs(batch)}/run-1-device", self._bundle.record.machine
        self._ended_well(prediction_logs(batch), ids.om(batch))
        there = (folder[len(base) :] for folder in self._commands if folder.startswith(base))
        devices = sorted(there) if machine is None else map(str, machine.devices)
        for device in list(devices) or ["0"]:
            self._inference(f"{base}{device}", batch, device, pure=False)

    def measured(self, entry: DeviceThroughput) -> None:
        """Each recorded reading has its run of this OM on its device."""
        self._ended_well(throughput_logs(entry.batch), ids.om(entry.batch))
        for run in entry.runs:
            pure = run.mode == "pure"
            name = f"pure-{run.run}" if pure else f"run-{run.run}-device{run.device}"
            folder = f"{LOGS}/{throughput_logs(entry.batch)}/{name}"
            self._inference(folder, entry.batch, str(run.device), pure=pure)

    def profiled(self, profile: OperatorProfile) -> None:
        """The profiler has run this OM on its device by the inference tool."""
        name = profile_logs(profile.batch)
        self._ended_well(name, f"the profile of {ids.om(profile.batch)}")
        self._inference(f"{LOGS}/{name}/{COLLECT}", profile.batch, str(profile.device), pure=True)

    def idle(self, where: str, entry: DeviceThroughput) -> None:
        """Whether a device was busy follows from npu-smi's tables before and after each run."""
        reasons: dict[str, None] = {}
        self._idle_mb = idle_memory_mb(self._numbering.of_tools(self._first_table()))
        whole, base = True, f"{LOGS}/{throughput_logs(entry.batch)}/{NPU_SMI}"
        devices = self._bundle.machine().devices
        for number in sorted({run.run for run in entry.runs}):
            for when, lagging in (("first", 0), ("before", 0), ("after", MOST_LAGGING)):
                samples = self._samples(f"{base}-{when}-{number}", needed=when != "first")
                whole = whole and samples is not None
                for device in devices if samples else ():
                    found = self._busy(f"{base}-{when}-{number}", samples or [], device, lagging)
                    reasons.update(dict.fromkeys(f"{self._numbering.named(device)}: {reason}" for reason in found))
        if whole and set(reasons) != set(entry.busy):
            said = short("; ".join(reasons) or "idle")
            self._problem(f"{where}: {short('; '.join(entry.busy) or 'idle')} recorded, npu-smi's tables say {said}")

    def _first_table(self) -> tuple[Chip, ...]:
        """npu-smi's table at the start of the run; that it is missing is said of the machine."""
        try:
            return parse_info(self._text(f"{LOGS}/{NPU_SMI}/stdout.txt"))
        except (SuiteError, Refused):
            return ()

    def _busy(self, where: str, samples: list[tuple[Chip, ...]], device: int, lagging: int) -> tuple[str, ...]:
        idle_mb = self._idle_mb.get(device)
        try:
            found = busy_over(samples, device, lagging=lagging, idle_mb=idle_mb)
        except SuiteError as error:
            self._problem(f"{where}: {error}")
            return ()
        enough = lag(samples, device, lagging=lagging, idle_mb=idle_mb) + (
            IDLE_SAMPLES if self._bundle.on_device else 1
        )
        if len(samples) < enough:
            self._problem(f"{where}: {len(samples)} samples, {enough} are taken of a device")
        return found

    def _samples(self, base: str, *, needed: bool) -> list[tuple[Chip, ...]] | None:
        """The tables of one watch in their order; None where one is missing or cannot be read."""
        folders = list(self._sample_folders(base))
        if not folders and needed:
            self._command(f"{base}-sample0", "whether the device was idle")
            return None
        tables = [self._table(folder, "whether the device was idle") for folder in folders]
        read = [self._numbering.of_tools(table) for table in tables if table is not None]
        return read if len(read) == len(tables) else None

    def _sample_folders(self, base: str) -> Iterator[str]:
        number = 0
        while f"{base}-sample{number}" in self._commands:
            yield f"{base}-sample{number}"
            number += 1

    def _numbered(self, machine: MachineRecord, chips: tuple[Chip, ...], folder: str) -> bool:
        """Which chip each device is, by npu-smi's map; False, and a problem, where that cannot be told.

        The record says the same of each board.
        """
        command = self._command(f"{folder}/{MAP_LOGS}", "which chips the devices are")
        if command is None:
            return False
        if command.argv != MAP:
            self._problem(f"{command.folder}: {short(' '.join(command.argv))} is not `{' '.join(MAP)}`")
        try:
            listed = self._text(f"{command.folder}/stdout.txt") if command.returncode == 0 else ""
            self._numbering = number_devices(chips, listed, machine.visible_devices)
            found = {device: self._numbering.require(device, chips) for device in machine.devices}
        except SuiteError as error:
            self._problem(f"{command.folder}: {error}")
            return False
        for place, board in enumerate(machine.boards):
            seat = found.get(board.device)
            if board.seat != seat:
                said = "no such device" if seat is None else seat.named(board.device)
                where = f"{FILE}.machine.boards[{place}].seat"
                self._problem(f"{where}: {board.seat.named(board.device)} recorded, npu-smi's map says {said}")
        return True

    def _table(self, folder: str, what: str) -> tuple[Chip, ...] | None:
        """npu-smi's table; None, and a problem, where there is none."""
        command = self._command(folder, what)
        if command is None:
            return None
        if command.argv != ("npu-smi", "info"):
            self._problem(f"{folder}: {short(' '.join(command.argv))} is not `npu-smi info`")
        try:
            return parse_info(self._text(f"{folder}/stdout.txt"))
        except SuiteError as error:
            self._problem(f"{folder}: {error}")
            return None

    def _inference(self, folder: str, batch: int, device: str, *, pure: bool) -> None:
        """One run of an inference tool: this OM, this batch size, this device, and no error."""
        name, bundle = ids.om(batch), self._bundle
        command = self._command(folder, name)
        if command is None:
            return
        said, digest = read_inference(command.argv), bundle.digests.get(name)
        if digest is not None and said.om != om_name(digest.path):
            self._problem(f"{folder}: ran {short(said.om)}, {name} is {short(om_name(digest.path))}")
        self._files(command, om=digest)
        if said.batch != str(batch) and not (pure and said.batch is None):
            self._problem(f"{folder}: ran with batch size {short(said.batch)} instead of {batch}")
        if said.device != device:
            self._problem(f"{folder}: ran on device {short(said.device)} instead of {device}")
        if not pure and said.decodes != bundle.spec.preprocessing.is_jpeg:
            asked = "JPEG files" if bundle.spec.preprocessing.is_jpeg else "bins"
            self._problem(f"{folder}: was not asked to read {asked}, which the port gives (-useDvpp)")
        errors = error_lines(self._said(folder))
        if errors:
            self._problem(f"{folder}: {name} rests on a run that reported {short(errors[0])}")

    def _files(self, command: CommandRecord, **known: InputDigest | None) -> None:
        """The tool has read and made the very files that the record names."""
        for role, digest in known.items():
            sha256 = command.files.get(role)
            if digest is not None and sha256 != digest.sha256:
                self._problem(
                    f"{command.folder}: files.{role} is {short(sha256)}, {digest.name} is {short(digest.sha256)}"
                )

    def _files_of_flags(self, command: CommandRecord) -> None:
        """atc was given the very files that the port's flags name."""
        spec = self._bundle.record.spec
        for flag, name in named_files(self._bundle.spec.om.atc_extra_args).items():
            given, own = command.files.get(flag[2:]), None if spec is None else spec.files.get(name)
            if given is None or given != own:
                self._problem(f"{command.folder}: the file of {flag} is {short(given)}, the port's {name} {short(own)}")

    def _command(self, folder: str, what: str) -> CommandRecord | None:
        """The command of a folder; None, and a problem, where there is none."""
        command = self._commands.get(folder)
        if command is None:
            self._problem(f"{folder} is missing: {what} rests on it")
        return command

    def _ended_well(self, step: str, what: str) -> None:
        """Every command of a step has ended with 0: a run takes nothing from one that did not.

        Questions about a board, below the machine's own table, may go unanswered, as in a container.
        """
        for folder, command in self._commands.items():
            if not f"{folder}/".startswith(f"{LOGS}/{step}/"):
                continue
            asked = folder.startswith(f"{LOGS}/{NPU_SMI}/")
            if command.returncode != 0 and not asked:
                self._problem(f"{folder}: {what} rests on a command whose returncode is {command.returncode}")
            elif command.returncode == 0 and command.ended_by:
                self._problem(f"{folder}: its command has ended with 0, and by {short(command.ended_by)}")

    def _said(self, folder: str) -> str:
        """Both streams, of those that are there (that one is missing is told of the command)."""
        names = (f"{folder}/{stream}" for stream in STREAMS)
        return "\n".join(self._text(name) for name in names if name in self._bundle.files.digests)

    def _text(self, name: str) -> str:
        return self._bundle.files.read(name).decode("utf-8", "replace")

    def _problem(self, problem: str) -> None:
        self._bundle.problems.append(problem)
