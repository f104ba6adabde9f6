"""Logs of vendor tools as a run leaves them, for made-up bundles: atc, npu-smi around each run, the inference tool."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tools.judge.command_lines import om_name
from tools.judge.evidence import Evidence
from tools.judge.ids import om
from tools.judge.logs import MAP_LOGS, NPU_SMI, atc_logs, prediction_logs, throughput_logs
from tools.judge.npu_smi import IDLE_SAMPLES, MAP
from tools.judge.texts.told import STORED, Asked, Told

TABLE = Path(__file__).parents[1] / "ascend" / "transcripts" / "npu_smi_310.txt"
IDLE = TABLE.read_text(encoding="utf-8")
MAP_310 = "\n".join(
    ["NPU ID  Chip ID  Chip Logic ID  Chip Name", *(f"1  {chip}  {chip}  Ascend 310" for chip in range(4))]
)


def loaded(aicore_percent: int, soc: str = "Ascend310") -> str:
    """The table of a machine of these chips: the first device's AI core works, and nothing else speaks of it."""
    table = IDLE.replace("| 0                 2621", f"| {aicore_percent:<18}2621", 1)
    return table.replace("310     ", f"{soc.removeprefix('Ascend'):<8}")


@dataclass(frozen=True)
class Said:
    """One tool's run: below which folder its streams lie, its command line, what it printed, and the file it left."""

    folder: str
    argv: Sequence[str]
    stdout: str = ""
    stored: tuple[str, str] | None = None
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class MadeLogs:
    """The logs of a run; `told` is what the tool left of each throughput run, by batch size. Before each of those the
    first AI core is at `aicore_percent`."""

    evidence: Evidence
    told: Mapping[int, Sequence[tuple[Asked, Told]]]
    ais_bench: bool = True
    aicore_percent: int = 0

    def machine(self) -> Iterator[Said]:
        """npu-smi for what the machine is, and which chips its devices are."""
        yield Said("", ("npu-smi", "info"), loaded(0, self.evidence.machine().soc))
        yield Said(MAP_LOGS, MAP, MAP_310)

    def compiled(self, batch: int) -> Iterator[Said]:
        """atc."""
        asked, soc = self.evidence.spec.input(batch), self.evidence.machine().soc
        onnx, made = (self.evidence.digest(name).path for name in ("onnx", om(batch)))
        words = (
            *("atc", f"--model={onnx}", "--framework=5", f"--output=<tmp>/{om_name(made)}", "--input_format=NCHW"),
            *(f"--input_shape={asked.name}:{','.join(map(str, asked.shape))}", "--log=error", f"--soc_version={soc}"),
            *self.evidence.spec.om.atc_extra_args,
        )
        digests = {"onnx": self.evidence.digest("onnx").sha256, "om": self.evidence.digest(om(batch)).sha256}
        yield Said("", words, "ATC run success, welcome to the next use.\n", files=digests)

    def predicted(self, batch: int) -> Iterator[Said]:
        """The run over all images."""
        yield from self._run(batch, 1, Said("", self._argv(batch, pure=False), "[INFO] done\n"), pure=False)

    def measured(self, batch: int) -> Iterator[Said]:
        """The runs that throughput was measured by."""
        for number, (asked, left) in enumerate(self.told[batch], 1):
            pure = asked.images is None
            said = Said("", self._argv(batch, pure=pure), left.console, (STORED[asked.tool], left.stored))
            yield from self._run(batch, number, said, pure=pure)

    def _run(self, batch: int, number: int, said: Said, *, pure: bool) -> Iterator[Said]:
        for when in ("before", "after"):
            table = loaded(self.aicore_percent if when == "before" else 0, self.evidence.machine().soc)
            for sample in range(IDLE_SAMPLES):
                yield Said(f"npu-smi-{when}-{number}/sample{sample}", ("npu-smi", "info"), table)
        name = f"pure-{number}" if pure else f"run-{number}/device0"
        yield replace(said, folder=name, files={"om": self.evidence.digest(om(batch)).sha256})

    def _argv(self, batch: int, *, pure: bool) -> tuple[str, ...]:
        path = self.evidence.digest(om(batch)).path
        if self.ais_bench:
            words = ("python3", "-m", "ais_bench", "--model", path, "--device", "0")
            return words if pure else (*words, "--batchsize", str(batch))
        return ("benchmark.x86_64", f"-batch_size={batch}", "-device_id=0", f"-om_path={path}")

    def named(self) -> Iterator[tuple[str, Iterator[Said]]]:
        """All of them, each with the name of its folder."""
        yield NPU_SMI, self.machine()
        for batch in self.told:
            yield atc_logs(batch), self.compiled(batch)
            yield prediction_logs(batch), self.predicted(batch)
            yield throughput_logs(batch), self.measured(batch)


def write(said: Said, folder: Path, stderr: str) -> None:
    """The files that a tool's run leaves."""
    (folder / said.folder).mkdir(parents=True, exist_ok=True)
    files = {
        "command.txt": "\n".join((f"cwd: <tmp>/{folder.name}/{said.folder}", *said.argv)) + "\n",
        "stdout.txt": said.stdout,
        "stderr.txt": stderr,
        "ending.json": json.dumps({"returncode": 0, "seconds": 1.5}),
        "files.json": json.dumps(dict(said.files)),
    }
    for name, text in [*files.items(), *([said.stored] if said.stored else [])]:
        (folder / said.folder / name).write_text(text, encoding="utf-8")
