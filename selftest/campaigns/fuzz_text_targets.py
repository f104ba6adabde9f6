"""Fuzz targets for what tools and people write as text: perf texts, tables, lists, labels, dumps."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

from selftest.campaigns.fuzz_target import Target, scratch_file, text_of
from tools.ascend.atc import atc_errors
from tools.ascend.dumps import read_dump
from tools.ascend.om_description import read_description
from tools.base.errors import AccuracyError, PreprocessingError, SuiteError
from tools.base.files import ROOT
from tools.data.info import read_info
from tools.data.labels import read_labels
from tools.judge.description import description_mismatches
from tools.judge.facts import OmDescription, StoredOm
from tools.judge.npu_smi import UNKNOWN, NpuSmiError, busy_reasons, parse_info
from tools.judge.soc import normalise_soc, soc_mismatch
from tools.judge.spec import Tensor
from tools.judge.texts.perf_texts import (
    PerfTextError,
    ais_reading,
    read_ais_json,
    read_ais_output,
    read_dataset_perf,
    read_pure_perf,
)
from tools.judge.texts.reading import Mode, ThroughputReading

TRANSCRIPTS = ROOT / "selftest" / "ascend" / "transcripts"
CLASSES = 4
GATE = "fuzz"
PURE = b"ave_throughputRate = 974.27samples/s, ave_latency = 1.02917ms\n"
SUMMARY = {
    "NPU_compute_time": {"min": 1.5, "max": 1.7, "mean": 1.6, "median": 1.6, "percentile(99%)": 1.698, "count": 2},
    "throughput": 10000.0,
    "npu_compute_time_list": [1.5, 1.7],
}
DATA = {"name": "x", "type": "Data"}
TENSOR = {"dtype": "DT_FLOAT", "shape": {"dim": [4, "3", 8, 8]}}
DESCRIPTION = {
    "attr": [{"key": "atc_cmdline", "value": {"s": "atc --framework=5 --soc_version=Ascend310 --log=error"}}],
    "graph": [{"name": "a", "op": [DATA | {"input_desc": [TENSOR]}, {"name": "c", "type": "Conv2D"}]}],
}
STORED_CHIP = DESCRIPTION | {"attr": [{"key": "soc_version", "value": {"s": "Ascend310P3"}}]}
BY_OUTPUT = DESCRIPTION | {"graph": [{"op": [DATA | {"output_desc": [TENSOR]}]}]}
HUGE = DESCRIPTION | {"graph": [{"op": [DATA | {"input_desc": [TENSOR | {"shape": {"dim": [10**300, 1e300]}}]}]}]}
NUMBER_WORDS = ("nan", "inf", "1e999", "-1", "1e-320", "0", "9" * 400, "\u0661", "\uff11", "\0", "\ufeff", "\r\n")
JSON_WORDS = (*NUMBER_WORDS, "NaN", "Infinity", "null", "true", "[[[[", "{", "}", '"', '":', "\\ud800")


PERF_READERS: tuple[Callable[[str], ThroughputReading], ...] = (
    lambda text: read_dataset_perf(text, batch=16, device=0, images=50000),
    lambda text: read_pure_perf(text, batch=4, device=0),
    lambda text: ais_reading(read_ais_output(text), mode=Mode.PURE, batch=16, device=0, images=None),
)


def _perf_texts(data: bytes) -> None:
    """Every reader sees the same text, which is at most one tool's: the last error is the answer."""
    text = text_of(data)
    refused = None
    for read in PERF_READERS:
        try:
            _hold(read(text))
        except PerfTextError as error:
            refused = error
    if refused is not None:
        raise refused


def _summary(data: bytes) -> None:
    summary = read_ais_json(text_of(data))
    for mode, images in ((Mode.DATASET, 30), (Mode.PURE, None)):
        _hold(ais_reading(summary, mode=mode, batch=16, device=0, images=images))


def _hold(reading: ThroughputReading) -> None:
    rates = (reading.images_per_second_per_chip, reading.reported_images_per_second, *reading.seconds_per_image)
    assert all(math.isfinite(rate) and rate > 0 for rate in rates), f"an impossible reading was taken: {reading}"


def _npu_smi(data: bytes) -> None:
    chips = parse_info(text_of(data))
    assert chips
    numbers = [chip.device for chip in chips if chip.device != UNKNOWN]
    assert len(set(numbers)) == len(numbers)
    for chip in chips:
        busy_reasons(chip)


def _om_description(data: bytes) -> None:
    soc, inputs = read_description(text_of(data), gate=GATE, where="om.json")
    assert inputs
    found = OmDescription(soc, inputs, StoredOm(soc, inputs, (), ""))
    description_mismatches(found, (Tensor("x", "float32", (4, 3, 8, 8)),), soc="Ascend310P3", flags=())


def _atc(data: bytes) -> None:
    text = text_of(data)
    for found in atc_errors(text):
        assert found.code.isascii()
        str(found)


def _soc(data: bytes) -> None:
    name = normalise_soc(text_of(data))
    assert name.startswith("Ascend")
    assert normalise_soc(name) == name
    assert soc_mismatch(name, name) is None
    soc_mismatch("Ascend910B4", name)


def _info(data: bytes) -> None:
    rows = read_info(scratch_file("x.info", data))
    assert [row.index for row in rows] == list(range(len(rows)))
    assert len({row.id for row in rows}) == len(rows)


def _labels(data: bytes) -> None:
    labels = read_labels(scratch_file("val_label.txt", data), classes=1000)
    assert labels
    assert all(0 <= label < 1000 and "/" not in name for name, label in labels.items())


def _dump(name: str, data: bytes) -> None:
    scores = read_dump(scratch_file(name, data), classes=CLASSES, gate=GATE)
    assert scores.shape == (CLASSES,)
    assert all(map(math.isfinite, scores.tolist()))


def _kept(*names: str) -> tuple[bytes, ...]:
    return tuple((TRANSCRIPTS / name).read_bytes() for name in names)


def _tables() -> tuple[bytes, ...]:
    return _kept(*(f"npu_smi_{name}.txt" for name in ("310", "310p3", "duo", "910b", "a3")))


def _json(*documents: object) -> tuple[bytes, ...]:
    return tuple(json.dumps(document).encode() for document in documents)


TARGETS = (
    Target(
        name="perf-texts",
        case=_perf_texts,
        documented=(PerfTextError,),
        modules=("tools.judge.texts.perf_texts", "tools.judge.texts.reading"),
        seeds=lambda: (*_kept("guide_bs1.txt", "guide_bs16.txt", "ais_console.txt"), PURE),
        longest_bytes=2000,
        words=(
            *("[e2e]", "[infer]", "[post]", "[data read]", "throughputRate", "moduleLatency", "latency", "Interface "),
            *("ave_throughputRate", "ave_latency", "samples/s", "ms", "\uff1a", "\uff0c", "throughput 1000*batchsize"),
            *("NPU_compute_time", "mean = ", "batchsize(", "compute_time.mean(", "Performance Summary", *NUMBER_WORDS),
        ),
    ),
    Target(
        name="summary",
        case=_summary,
        documented=(PerfTextError,),
        modules=("tools.judge.texts.perf_texts", "tools.judge.texts.reading"),
        seeds=lambda: _json(SUMMARY, {"NPU_compute_time": {"mean": 10**400}, "throughput": 10000.0}),
        longest_bytes=600,
        words=("NPU_compute_time", "npu_compute_time_list", "throughput", "mean", "count", *JSON_WORDS),
    ),
    Target(
        name="npu-smi",
        case=_npu_smi,
        documented=(NpuSmiError,),
        modules=("tools.judge.npu_smi",),
        seeds=_tables,
        longest_bytes=3000,
        words=(
            *("| NPU ", "| Chip ", "| Device ", "Process id", "HBM-Usage", "No running processes found in NPU 0"),
            *("ret is -8005", "initialize failed", " | ", " |\n", " / ", *NUMBER_WORDS),
        ),
    ),
    Target(
        name="om-description",
        case=_om_description,
        documented=(SuiteError,),
        modules=("tools.ascend.om_description", "tools.judge.soc"),
        seeds=lambda: _json(DESCRIPTION, STORED_CHIP, BY_OUTPUT, HUGE),
        longest_bytes=700,
        words=("attr", "graph", "op", "type", "Data", "input_desc", "output_desc", "shape", "dim", *JSON_WORDS),
    ),
    Target(
        name="atc-messages",
        case=_atc,
        documented=(),
        modules=("tools.ascend.atc",),
        seeds=lambda: _kept("atc_ec0010.txt", "atc_ez3003.txt"),
        longest_bytes=2000,
        words=("EZ3003: ", "E10001", "W11001", "Possible Cause:", "Solution:", "TraceBack ", "[PID: 1] ", "\n        "),
    ),
    Target(
        name="chip-names",
        case=_soc,
        documented=(SuiteError,),
        modules=("tools.judge.soc",),
        seeds=lambda: (b"310P3", b"Ascend910B4", b"Ascend910ProA", b"Ascend910_9391", b"p3", b"910", b"710"),
        longest_bytes=60,
        words=("Ascend", "310", "910", "Pro", "Premium", "P3", "\u0661", "\u0130"),
    ),
    Target(
        name="info",
        case=_info,
        documented=(PreprocessingError,),
        modules=("tools.data.info", "tools.base.reading"),
        seeds=lambda: (b"0 ./bins/a.bin 224 224\n1 ./bins/b.bin 224 224\n",),
        longest_bytes=400,
        words=("0 ", "1 ", " 224 224\n", "./", "../", *NUMBER_WORDS),
    ),
    Target(
        name="labels",
        case=_labels,
        documented=(PreprocessingError,),
        modules=("tools.data.labels", "tools.base.reading"),
        seeds=lambda: (b"ILSVRC2012_val_00000001.JPEG 65\nILSVRC2012_val_00000002.JPEG 970\n\n", b"a b.JPEG 0\n"),
        longest_bytes=400,
        words=(".JPEG ", "../", "/", "\\", " 999", " 1000", " -1", *NUMBER_WORDS),
    ),
    Target(
        name="txt-dumps",
        case=lambda data: _dump("a_1.txt", data),
        documented=(AccuracyError,),
        modules=("tools.ascend.dumps",),
        seeds=lambda: (b"1.000000 -2.500000 3.25e0 4 \n", b"1\n2\n3\n4", b"0 0 0 0"),
        longest_bytes=300,
        words=(*NUMBER_WORDS, ",", "]", "[", "1_0", "-nan(ind)", "1e39"),
    ),
    Target(
        name="bin-dumps",
        case=lambda data: _dump("a_1.bin", data),
        documented=(AccuracyError,),
        modules=("tools.ascend.dumps",),
        seeds=lambda: (bytes(4 * CLASSES), b"\x00\x00\x80\x3f" * CLASSES, b"\x00\x00\xc0\x7f" * CLASSES),
        longest_bytes=40,
    ),
)
