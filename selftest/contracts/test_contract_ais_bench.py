"""ais_bench and aclruntime: files, names, summary and exit status, fact sheet section 3."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from selftest.contracts import tiny_model
from selftest.contracts.conftest import MakeOm
from selftest.contracts.host import Host

KEYS = {"args", "NPU_compute_time", "H2D_latency", "D2H_latency", "throughput", "npu_compute_time_list", "pid"}
LINE = re.compile(r"^\[INFO\] throughput 1000\*batchsize\S*\(([0-9.]+)\)/NPU_compute_time\S*\(([0-9.]+)\): ([0-9.]+)$")
SESSION = """
import sys
import numpy as np
from ais_bench.infer.interface import InferSession
session = InferSession(0, sys.argv[1])
entry, result = session.get_inputs()[0], session.get_outputs()[0]
outputs = session.infer([np.load(sys.argv[2])])
np.save(sys.argv[3], outputs[0])
print("IO", entry.name, list(entry.shape), entry.realsize, list(result.shape), len(outputs))
"""


@pytest.fixture(autouse=True)
def _installed(host: Host) -> None:
    if not host.has_ais_bench():
        pytest.skip(f"{host.python} has no ais_bench; name another by ACCEPTANCE_AIS_BENCH_PYTHON")


def infer(host: Host, om: Path, folder: Path, *args: str | Path) -> subprocess.CompletedProcess[str]:
    """Run on device 0 with outputs in `out/run`; the folders obey AIT's path policy."""
    (folder / "out").mkdir(mode=0o750, exist_ok=True)
    where = ("--output", folder / "out", "--output_dirname", "run")
    return host.run("ais_bench", "--model", om, "--device", "0", *where, *args, cwd=folder)


def summary(folder: Path) -> dict[str, Any]:
    """The summary JSON beside the output folder."""
    document: dict[str, Any] = json.loads((folder / "out" / "run_summary.json").read_text(encoding="utf-8"))
    return document


def throughput_line(stdout: str) -> tuple[float, float, float]:
    """Batch, mean in ms and throughput of the last summary printed."""
    lines = [match for line in re.split(r"[\r\n]", stdout) if (match := LINE.match(line))]
    assert lines, stdout
    batch, mean, rate = map(float, lines[-1].groups())
    return batch, mean, rate


@pytest.mark.parametrize("om_batch", [1, 2])
def test_one_file_a_sample_and_no_padding(
    host: Host, om: MakeOm, bins: list[Path], tmp_path: Path, om_batch: int
) -> None:
    done = infer(host, om(om_batch), tmp_path, "--input", bins[0].parent, "--outfmt", "TXT")
    assert done.returncode == 0, done.stdout
    dumps = sorted((tmp_path / "out" / "run").iterdir())
    assert [dump.name for dump in dumps] == [f"{path.stem}_0.txt" for path in bins]
    for dump in dumps:
        assert re.fullmatch(r"(-?[0-9]+\.[0-9]{6} ){10}\n", dump.read_text()), dump.read_text()
    found = np.array([[float(word) for word in dump.read_text().split()] for dump in dumps])
    assert np.abs(found - tiny_model.logits(tiny_model.images(3), fp16=False)).max() < 0.02


def test_the_default_format_is_raw_float32(host: Host, om: MakeOm, bins: list[Path], tmp_path: Path) -> None:
    infer(host, om(2), tmp_path, "--input", bins[0].parent)
    dumps = sorted((tmp_path / "out" / "run").iterdir())
    assert [(dump.suffix, dump.stat().st_size) for dump in dumps] == [(".bin", 40)] * 3


def test_names_are_cut_at_the_first_dot(host: Host, om: MakeOm, bins: list[Path], tmp_path: Path) -> None:
    for index, path in enumerate(bins):
        path.rename(path.with_name(f"img.v{index}.bin"))
    infer(host, om(1), tmp_path, "--input", bins[0].parent)
    assert [dump.name for dump in (tmp_path / "out" / "run").iterdir()] == ["img_0.bin"]


def test_summary_and_console_agree(host: Host, om: MakeOm, bins: list[Path], tmp_path: Path) -> None:
    done = infer(host, om(2), tmp_path, "--input", bins[0].parent)
    found = summary(tmp_path)
    assert set(found) >= KEYS | {"filesinfo"}
    times, batch = found["npu_compute_time_list"], 2
    assert found["NPU_compute_time"]["count"] == len(times) == 2
    assert found["NPU_compute_time"]["mean"] == pytest.approx(sum(times) / len(times))
    assert found["throughput"] == pytest.approx(1000 * batch / found["NPU_compute_time"]["mean"])
    assert throughput_line(done.stdout) == pytest.approx((2, found["NPU_compute_time"]["mean"], found["throughput"]))


def test_a_wrong_batchsize_is_not_noticed(host: Host, om: MakeOm, tmp_path: Path) -> None:
    done = infer(host, om(2), tmp_path, "--loop", "5", "--batchsize", "8")
    assert done.returncode == 0
    batch, mean, rate = throughput_line(done.stdout)
    assert batch == 8
    assert rate == pytest.approx(8000 / mean)


def test_pure_inference_loops(host: Host, om: MakeOm, tmp_path: Path) -> None:
    infer(host, om(2), tmp_path, "--loop", "5")
    assert summary(tmp_path)["NPU_compute_time"]["count"] == 5
    assert [path.name for path in (tmp_path / "out" / "run").iterdir()] == ["pure_infer_data_0.bin"]


def test_a_file_of_another_size_ends_with_1(host: Host, om: MakeOm, bins: list[Path], tmp_path: Path) -> None:
    bins[0].write_bytes(bytes(100))
    done = infer(host, om(1), tmp_path, "--input", bins[0].parent)
    assert done.returncode == 1
    assert "[ERROR] arg0 tensorsize: 768 filesize: 100 not match" in done.stdout
    assert "RuntimeError" in done.stderr


def test_arguments_that_do_not_exist_end_with_2(host: Host, om: MakeOm, tmp_path: Path) -> None:
    assert infer(host, om(1), tmp_path, "--no_such_argument").returncode == 2
    assert host.run("ais_bench", cwd=tmp_path).returncode == 2


def test_a_missing_model_is_refused(host: Host, tmp_path: Path) -> None:
    assert infer(host, tmp_path / "none.om", tmp_path).returncode in (1, 2)


def test_sessions_infer_in_process(host: Host, om: MakeOm, tmp_path: Path) -> None:
    np.save(tmp_path / "in.npy", tiny_model.images(2))
    argv = [host.python, "-c", SESSION, str(om(2)), str(tmp_path / "in.npy"), str(tmp_path / "out.npy")]
    done = subprocess.run(argv, env=host.env, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"IO {tiny_model.INPUT} [2, 3, 8, 8] 1536 [2, 10] 1" in done.stdout
    found = np.load(tmp_path / "out.npy")
    assert np.abs(found - tiny_model.logits(tiny_model.images(2), fp16=False)).max() < 0.02


def test_copies_are_summarised_on_request(host: Host, om: MakeOm, bins: list[Path], tmp_path: Path) -> None:
    done = infer(host, om(1), tmp_path, "--input", bins[0].parent, "--display_all_summary", "true")
    for phase in ("H2D_latency", "NPU_compute_time", "D2H_latency"):
        assert re.search(rf"\[INFO\] {phase} \(ms\): min = .*percentile\(99%\) = ", done.stdout)
