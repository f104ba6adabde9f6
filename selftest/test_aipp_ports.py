"""Whole runs of a port whose chip crops and normalises: pixels are written, described, run and judged, also offline."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from selftest.evidence.tampering import Forgery, contents_of
from selftest.faults.aipp_faults import FILE
from selftest.faults.world import small_port, with_batches
from selftest.ports.tiny import TinyPort, tiny_port
from selftest.test_tiny_ports import accepted, options, whole_run
from tools import get_info, imagenet_torch_preprocess
from tools.base.errors import SpecError
from tools.base.files import ROOT
from tools.data.bins import bin_bytes, read_bins
from tools.data.pixel_maker import PixelMaker
from tools.data.pixels import PixelStore, write_pixels
from tools.data.reference import torchvision_reference
from tools.evidence.record_file import read_acceptance
from tools.judge.acceptance import Acceptance
from tools.judge.aipp import aipp_text, file_name
from tools.judge.results import Word
from tools.judge.verify import REFUSED
from tools.ports.spec import load_port, load_spec, port_path

RECIPE = (
    "{resize_px: 36, crop_px: 32, interpolation: bilinear, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], "
    "channel_order: BGR, aipp: {crop: chip}, source: test}"
)


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> TinyPort:
    """A port of BGR pictures whose chip swaps, cuts and normalises."""
    return tiny_port(tmp_path_factory.mktemp("aipp") / "port", preprocessing=RECIPE)


@pytest.fixture(scope="module")
def record(port: TinyPort) -> Acceptance:
    """A whole run of it, which the offline judge has confirmed."""
    return accepted(whole_run(port))


def test_the_om_takes_the_pixels_of_the_size_before_the_cut(record: Acceptance) -> None:
    said = [[str(tensor) for tensor in om.described.inputs] for om in record.oms]
    assert said == [["image DT_UINT8 [1, 36, 36, 3]"], ["image DT_UINT8 [4, 36, 36, 3]"]]
    assert record.onnx is not None
    assert record.onnx.inputs == ("image float32 [-1, 3, 32, 32]",)


def test_the_aipp_file_is_evidence_and_named_in_atcs_command_line(port: TinyPort, record: Acceptance) -> None:
    assert record.aipp is not None
    assert record.aipp.text == aipp_text(port.spec.preprocessing)
    flags = [word for command in record.commands for word in command.argv if word.startswith("--insert_op_conf=")]
    assert {Path(flag).name for flag in flags} == {file_name(record.aipp.text)}
    assert len(flags) == 2


def test_gates_of_float_bins_are_not_asked(record: Acceptance) -> None:
    asked = {result.id for result in record.gates}
    assert {"om.aipp", "preprocessing.bin_size", "preprocessing.torchvision_parity"} <= asked
    assert asked.isdisjoint({"preprocessing.finite", "preprocessing.value_range"})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("load_start_pos_w : 2", "load_start_pos_w : 1", "om.aipp"),
        ("crop_size_w : 32", "crop_size_w :  32", "--insert_op_conf is"),
    ],
)
def test_another_aipp_file_in_the_record_is_told_offline(
    port: TinyPort, record: Acceptance, old: str, new: str, said: str
) -> None:
    forgery = Forgery(contents_of(Path(str(options(port)["evidence"]))))
    assert old in forgery.record["aipp"]["text"]
    forgery.record["aipp"]["text"] = forgery.record["aipp"]["text"].replace(old, new)
    outcome = forgery.outcome()
    assert outcome.status == REFUSED
    assert said in outcome.text


def test_a_file_that_is_handed_in_is_taken_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "port"
    folder.mkdir()
    (folder / "own.cfg").write_text(FILE, encoding="utf-8")
    recipe = RECIPE.replace("36", "72").replace("32", "40").replace(" channel_order: BGR,", "")
    recipe = recipe.replace("chip}", "chip, file: own.cfg}")
    found = accepted(whole_run(tiny_port(folder, preprocessing=recipe, batches="[1]")))
    assert found.aipp is not None
    assert found.aipp.text == FILE
    assert found.spec is not None
    assert "own.cfg" in found.spec.files


def test_a_handed_in_file_lies_beside_the_port(port: TinyPort, tmp_path: Path) -> None:
    text = port.port.read_text(encoding="utf-8").replace("{crop: chip}", "{crop: chip, file: own.cfg}")
    other = tmp_path / "tiny.yaml"
    other.write_text(text, encoding="utf-8")
    (tmp_path / "tiny_net.py").write_text("", encoding="utf-8")
    with pytest.raises(SpecError, match="there is no such AIPP file beside the port"):
        load_port(other)
    (tmp_path / "own.cfg").symlink_to(port.port)
    with pytest.raises(SpecError, match="there is no such AIPP file beside the port"):
        load_port(other)


def test_a_handed_in_file_is_bounded(port: TinyPort, tmp_path: Path) -> None:
    text = port.port.read_text(encoding="utf-8").replace("{crop: chip}", "{crop: chip, file: own.cfg}")
    (tmp_path / "tiny.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "tiny_net.py").write_text("", encoding="utf-8")
    (tmp_path / "own.cfg").write_text("#" * 2**21, encoding="utf-8")
    with pytest.raises(SpecError, match=r"the AIPP file beside the port cannot be read: .* too large"):
        load_port(tmp_path / "tiny.yaml")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{name: image}", "{name: image, dtype: float16}", "atc puts no AIPP before it"),
        ("batches:", "om: {atc_extra_args: ['--insert_op_conf=x.cfg']}\n  batches:", "say preprocessing.aipp"),
        ("resize_px: 36", "resize_px: 37", "say crop: host"),
    ],
)
def test_a_port_that_cannot_have_aipp_is_refused(port: TinyPort, tmp_path: Path, old: str, new: str, said: str) -> None:
    text = port.port.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "tiny.yaml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(SpecError, match=said):
        load_port(tmp_path / "tiny.yaml")


@pytest.mark.parametrize("size", [(41, 77), (78, 43), (36, 36), (37, 36), (36, 39), (129, 40)])
@pytest.mark.parametrize("crop", ["chip", "host"])
def test_what_the_network_gets_is_the_librarys_own(
    port: TinyPort, tmp_path: Path, size: tuple[int, int], crop: str
) -> None:
    text = port.port.read_text(encoding="utf-8").replace("{crop: chip}", f"{{crop: {crop}}}")
    port.port.with_name("other.yaml").write_text(text, encoding="utf-8")
    recipe = load_port(port.port.with_name("other.yaml")).spec.preprocessing
    image = tmp_path / "a.png"
    Image.fromarray(np.random.default_rng(2).integers(0, 256, (*size, 3), np.uint8)).save(image)
    write_pixels({"a": image}, tmp_path / "store", PixelMaker(recipe))
    made = PixelStore(tmp_path / "store", recipe).read(["a"])[0]
    assert made.tobytes() == torchvision_reference(recipe)(image).tobytes()


def test_the_commands_write_pixels_and_list_them_with_their_size(
    port: TinyPort, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = ["--port", str(port.port)]
    assert imagenet_torch_preprocess.main([str(port.images), str(tmp_path / "bins"), *named]) == 0
    assert "64 bins of 3888 bytes" in capsys.readouterr().out
    assert get_info.main(["bin", str(tmp_path / "bins"), str(tmp_path / "x.info"), *named]) == 0
    assert (tmp_path / "x.info").read_text().splitlines()[0].split()[2:] == ["36", "36"]
    recipe = port.spec.preprocessing
    assert bin_bytes(recipe, "uint8") == 36 * 36 * 3
    read = read_bins(tmp_path / "bins", ["tiny_001"], recipe, "uint8")[0]
    assert read.tobytes() == torchvision_reference(recipe)(port.images / "tiny_001.png").tobytes()


def test_the_ports_of_alexnet_with_aipp_differ_in_nothing_else() -> None:
    """What is measured and published by the way of floats holds for checkpoint and ONNX file, and for no OM."""
    plain, found = (load_spec(port_path(name)) for name in ("alexnet_sample", "alexnet_aipp_sample"))
    without = replace(found.preprocessing, aipp=None)
    assert replace(found, port=plain.port, preprocessing=without, agreement=plain.agreement) == plain
    published, found = (load_spec(port_path(name)) for name in ("alexnet", "alexnet_aipp"))
    assert found.preprocessing.pixels_size == (256, 256)
    assert (found.checkpoint, found.accuracy, found.dataset) == (
        published.checkpoint,
        published.accuracy,
        published.dataset,
    )
    assert not found.has_figures


@pytest.mark.nightly
def test_a_part_of_the_sample_goes_through_aipp(tmp_path: Path) -> None:
    text = with_batches(small_port(tmp_path / "small"), (1, 4))
    old = "    source: guide, imagenet_torch_preprocess.py"
    assert old in text
    (tmp_path / "port.yaml").write_text(text.replace(old, f"    aipp: {{crop: chip}}\n{old}"), encoding="utf-8")
    assert_green(tmp_path, "--sample", f"--port={tmp_path / 'port.yaml'}")


@pytest.mark.nightly
def test_the_whole_sample_goes_through_aipp(tmp_path: Path) -> None:
    assert_green(tmp_path, "--sample", "--port=alexnet_aipp_sample")


def assert_green(folder: Path, *arguments: str) -> None:
    """Every gate of the suite passes, with a cache and evidence of its own."""
    places = [f"--cache={folder / 'cache'}", f"--evidence={folder / 'evidence'}"]
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--target=simulator", *arguments, *places]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    record = read_acceptance(folder / "evidence")
    assert record.verdict.word is Word.SIMULATED
    assert {om.described.inputs[0].dtype for om in record.oms} == {"DT_UINT8"}
