"""benchmark.<arch>: files, names and figures, fact sheet section 2."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from selftest.contracts import tiny_model
from selftest.contracts.conftest import MakeOm
from selftest.contracts.host import BENCHMARK, Host

NUMBER = r"([0-9.]+(?:e[+-]?[0-9]+)?)"
PERF = re.compile(
    rf"\[e2e\] throughputRate: {NUMBER}, latency: {NUMBER}\s+"
    rf"\[data read\] throughputRate: {NUMBER}, moduleLatency: {NUMBER}\s+"
    rf"\[preprocess\] throughputRate: {NUMBER}, moduleLatency: {NUMBER}\s+"
    rf"\[infer(?:ence)?\] throughputRate: {NUMBER}, Interface throughputRate: {NUMBER}, moduleLatency: {NUMBER}\s+"
    rf"\[post(?:process)?\] throughputRate: {NUMBER}, moduleLatency: {NUMBER}\s*"
)


def infer(host: Host, om: Path, bins: list[Path], folder: Path, batch: int, binary: str = "false") -> list[Path]:
    """Run the guide's command and return the dumps, sorted."""
    info = tiny_model.save_info(folder / "tiny.info", bins)
    args = (f"-batch_size={batch}", "-device_id=0", f"-om_path={om}", f"-input_text_path={info}")
    size = ("-input_width=8", "-input_height=8", "-useDvpp=false", f"-output_binary={binary}")
    done = host.run(BENCHMARK, "-model_type=vision", *args, *size, cwd=folder)
    assert done.returncode == 0, done.stdout
    return sorted((folder / "result" / "dumpOutput_device0").iterdir())


@pytest.mark.parametrize("om_batch", [1, 2])
def test_one_text_file_a_sample_with_six_decimals(
    host: Host, om: MakeOm, bins: list[Path], tmp_path: Path, om_batch: int
) -> None:
    dumps = infer(host, om(om_batch), bins, tmp_path, om_batch)
    assert [dump.name for dump in dumps] == [f"{path.stem}_1.txt" for path in bins]
    for dump in dumps:
        assert re.fullmatch(r"(-?[0-9]+\.[0-9]{6} ){10}\n", dump.read_text()), dump.read_text()
    found = np.array([[float(word) for word in dump.read_text().split()] for dump in dumps])
    assert np.abs(found - tiny_model.logits(tiny_model.images(3), fp16=False)).max() < 0.02


def test_binary_dumps_hold_raw_float32(host: Host, om: MakeOm, bins: list[Path], tmp_path: Path) -> None:
    dumps = infer(host, om(1), bins, tmp_path, 1, binary="True")
    assert [dump.name for dump in dumps] == [f"{path.stem}_1.bin" for path in bins]
    found = np.array([np.fromfile(dump, np.float32) for dump in dumps])
    assert found.shape == (3, 10)
    assert np.abs(found - tiny_model.logits(tiny_model.images(3), fp16=False)).max() < 0.02


def test_names_are_cut_at_the_last_dot(host: Host, om: MakeOm, bins: list[Path], tmp_path: Path) -> None:
    dotted = bins[0].rename(bins[0].with_name("img.v1.bin"))
    assert [dump.name for dump in infer(host, om(1), [dotted], tmp_path, 1)] == ["img.v1_1.txt"]


def test_dumps_of_an_earlier_run_stay(host: Host, om: MakeOm, bins: list[Path], tmp_path: Path) -> None:
    infer(host, om(1), bins[:1], tmp_path, 1)
    assert len(infer(host, om(1), bins[1:], tmp_path, 1)) == 3


@pytest.mark.parametrize("om_batch", [1, 2])
def test_the_perf_file_has_five_lines_that_agree(
    host: Host, om: MakeOm, bins: list[Path], tmp_path: Path, om_batch: int
) -> None:
    infer(host, om(om_batch), bins, tmp_path, om_batch)
    text = (tmp_path / "result" / f"perf_vision_batchsize_{om_batch}_device_0.txt").read_text()
    match = PERF.fullmatch(text)
    assert match, text
    e2e, wall_ms, read, read_ms, prepare, prepare_ms, rate, interface, _, post, post_ms = map(float, match.groups())
    assert e2e * wall_ms / 1000 == pytest.approx(3, rel=1e-4)
    assert interface >= rate
    assert rate / om_batch * 0.9 <= post <= rate * 1.1
    for per_second, milliseconds in ((read, read_ms), (prepare, prepare_ms), (post, post_ms)):
        assert per_second * milliseconds == pytest.approx(1000, rel=1e-4)


def test_pure_inference_reports_per_sample(host: Host, om: MakeOm, tmp_path: Path) -> None:
    done = host.run(BENCHMARK, "-round=5", f"-om_path={om(2)}", "-device_id=0", "-batch_size=2", cwd=tmp_path)
    assert done.returncode == 0
    assert "PureInfer Performance Summary" in done.stdout
    assert re.search(rf"\[INFO\] ave_throughputRate: {NUMBER}samples/s, ave_latency: {NUMBER}ms", done.stdout)
    text = (tmp_path / "result" / "PureInfer_perf_of_tiny_bs2_in_device_0.txt").read_text()
    match = re.fullmatch(rf"ave_throughputRate = {NUMBER}samples/s, ave_latency = {NUMBER}ms\s*", text)
    assert match, text
    assert float(match[1]) * float(match[2]) / 1000 == pytest.approx(1, abs=0.1)


def test_a_batch_that_is_not_the_oms_gives_no_dumps(host: Host, om: MakeOm, bins: list[Path], tmp_path: Path) -> None:
    info = tiny_model.save_info(tmp_path / "tiny.info", bins)
    args = ("-batch_size=4", "-device_id=0", f"-om_path={om(2)}", f"-input_text_path={info}")
    done = host.run(BENCHMARK, "-model_type=vision", *args, "-useDvpp=false", "-output_binary=false", cwd=tmp_path)
    assert "[ERROR]" in done.stdout + done.stderr
    assert not list((tmp_path / "result").glob("dumpOutput_device0/*"))
