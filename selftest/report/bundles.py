"""Bundles to report on: made-up runs of selftest/evidence/bundles.py, with times, tool runs, faults, hostile texts."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from selftest.evidence.bundles import Made, World
from tools.base.errors import Stage
from tools.evidence.manifest import write_manifest
from tools.evidence.record_file import read_acceptance, write_acceptance
from tools.judge import gates, records
from tools.judge.acceptance import Acceptance, CommandRecord, Timing
from tools.judge.accuracy import TightBound
from tools.judge.checks import made
from tools.judge.layout import IDS
from tools.judge.prediction_records import VariantRecord
from tools.judge.results import GateResult, Verdict, Word
from tools.judge.run import judge_run
from tools.report.flips import SHOWN_AT_MOST, Flips, find_flips
from tools.report.html import read_spec, write_report
from tools.report.predictions import read_predictions

HOSTILE = (
    "\"'></style></title><script>alert(1)</script><img src=x onerror=alert(2)> &lt;b&gt; {{7*7}} "
    "javascript:alert(3) \x07\x1b[31m \u202egnp.exe \u200b 文件 \n|x|"
)
IDENTIFIERS = ("name", "folder", "target", "soc", "mode")  # what leads to files and to figures of the spec
WORDS = {str(word) for kind in (Verdict, Word, Stage, TightBound) for word in kind}

Change = Callable[[Acceptance], Acceptance]


def write_bundle(place: Path, world: World, *changes: Change, images: Mapping[str, Path] | None = None) -> Acceptance:
    """Write the bundle of a made-up run, its record changed in turn, reports included."""
    Made(world).write(place)
    run = _with_work(place, read_acceptance(place))
    for change in changes:
        run = change(run)
    write_acceptance(place, run)
    write_report(place, run, images)
    write_manifest(place)
    return run


def failed(name: str, why: str) -> Change:
    """A gate that its stage's error turned red."""

    def change(run: Acceptance) -> Acceptance:
        results = [
            dataclasses.replace(result, check=made(why, failed=True)) if result.id == name else result
            for result in run.gates
        ]
        return _judged_again(run, results)

    return change


def without(*parts: str) -> Change:
    """A run that did not come to some gates (told by a part of their id), nor to the records behind them."""

    def change(run: Acceptance) -> Acceptance:
        batches = [int(part[3:-1]) for part in parts if part.startswith("[bs")]
        run = dataclasses.replace(
            run,
            variants=tuple(variant for variant in run.variants if variant.batch not in batches),
            device_throughput=tuple(entry for entry in run.device_throughput if entry.batch not in batches),
        )
        return _judged_again(run, [result for result in run.gates if not any(part in result.id for part in parts)])

    return change


def hostile(run: Acceptance) -> Acceptance:
    """The record with HOSTILE behind every text that is no word of the suite and leads to no file."""
    return records.read(Acceptance, _hostile("", records.plain(run)))


def hostile_ids(place: Path, run: Acceptance) -> None:
    """Give every image of a bundle a hostile id."""
    ids: list[str] = json.loads((place / IDS).read_bytes())
    (place / IDS).write_text(json.dumps([name + HOSTILE for name in ids]), encoding="utf-8")
    write_report(place, run)


def flips_in(folder: Path, variants: Sequence[VariantRecord], most: int = SHOWN_AT_MOST) -> Flips | None:
    """The flipped images of a bundle; None without the pth's predictions."""
    predictions = read_predictions(folder, variants)
    return None if predictions is None else find_flips(predictions, most)


def pictures(folder: Path, ids: Sequence[str], side: int = 96) -> dict[str, Path]:
    """A JPEG of noise for each id, by default as large as a thumbnail: nothing compresses worse."""
    from PIL import Image

    random = np.random.default_rng(3)
    found = {name: folder / f"{name}.JPEG" for name in ids}
    for path in found.values():
        Image.fromarray(random.integers(0, 256, (side, side, 3), dtype=np.uint8)).save(path)
    return found


def _judged_again(run: Acceptance, results: list[GateResult]) -> Acceptance:
    expected = gates.in_order([*(result.id for result in run.gates), *run.verdict.missing])
    verdict = judge_run(expected, results, sample=run.verdict.sample, simulated=run.verdict.simulated)
    return dataclasses.replace(run, gates=tuple(results), verdict=verdict)


def _with_work(place: Path, run: Acceptance) -> Acceptance:
    """The run with a time for each step and the runs of the vendor's tools for each batch size."""
    spec = read_spec(place, run)
    assert spec is not None
    commands = [CommandRecord(argv=("npu-smi", "info"), folder="logs/npu-smi", returncode=0, seconds=0.4, files={})]
    timings = [
        Timing(stage=Stage.CHECKPOINT, step="load", seconds=1.9),
        Timing(stage=Stage.ONNX, step="export", seconds=6.1),
        Timing(stage=Stage.PREPROCESSING, step="bins", seconds=412.0),
        Timing(stage=Stage.ACCURACY, step="pth predictions", seconds=1310.0),
    ]
    for batch in spec.batches:
        commands += _tool_runs(batch)
        timings.append(Timing(stage=Stage.OM, step=f"compile bs{batch}", seconds=31.5))
        timings.append(Timing(stage=Stage.ACCURACY, step=f"om bs{batch} predictions", seconds=210.0))
        timings.append(Timing(stage=Stage.PERF, step=f"throughput bs{batch}", seconds=95.0))
    for command in commands:
        (place / command.folder).mkdir(parents=True, exist_ok=True)
        for stream in ("stdout.txt", "stderr.txt"):
            (place / command.folder / stream).write_text(f"{command.argv[0]}\n", encoding="utf-8")
    return dataclasses.replace(run, commands=tuple(commands), timings=tuple(timings))


def _tool_runs(batch: int) -> list[CommandRecord]:
    """atc, and an inference tool that was still running when the suite was ended."""
    compiler = (
        *("atc", "--model=alexnet.onnx", "--framework=5", f"--output=alexnet_bs{batch}", "--input_format=NCHW"),
        *(f"--input_shape=actual_input_1:{batch},3,224,224", "--log=error", "--soc_version=Ascend310"),
    )
    tool = ("python3", "-m", "ais_bench", "--model", f"a b_bs{batch}.om")
    return [
        CommandRecord(argv=compiler, folder=f"logs/om_bs{batch}-atc", returncode=0, seconds=31.5, files={}),
        CommandRecord(argv=tool, folder=f"logs/om_bs{batch}-run", returncode=None, seconds=None, files={}),
    ]


def _hostile(key: str, value: object) -> object:
    if isinstance(value, str):
        return value if key in IDENTIFIERS or value in WORDS else value + HOSTILE
    if isinstance(value, dict):
        return {name: _hostile(name, item) for name, item in value.items()}
    return [_hostile(key, item) for item in value] if isinstance(value, list) else value
