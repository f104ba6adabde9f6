"""Whole runs of a port whose chip decodes JPEG files: they are listed, described, run and judged, also offline."""

from __future__ import annotations

import dataclasses
import getpass
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from PIL import Image

from selftest.evidence.tampering import Forgery, contents_of
from selftest.faults.jpeg_faults import DROP, RECIPE
from selftest.ports.tiny import TinyPort, tiny_port
from selftest.test_tiny_ports import accepted, options, whole_run
from tools import get_info, imagenet_torch_preprocess
from tools.base.errors import PreprocessingError, SpecError, SuiteError
from tools.base.files import ROOT
from tools.evidence.record_file import read_acceptance
from tools.judge.acceptance import Acceptance
from tools.judge.facts import JpegFacts
from tools.judge.gates import COMPARED
from tools.judge.remarks import remarks
from tools.judge.results import Verdict, Word
from tools.judge.verify import REFUSED
from tools.pipeline.option_values import InputError
from tools.pipeline.run import open_run
from tools.ports.spec import load_port, load_spec, port_path

DROPS = {"top1_drop_pp", "top5_drop_pp"}


def jpeg_port(folder: Path) -> TinyPort:
    """A port of JPEG files that the chip decodes, resizes, cuts, converts and normalises."""
    made = tiny_port(folder, preprocessing=RECIPE, suffix=".jpg")
    made.edit(*DROP)
    return made


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> TinyPort:
    """One for all tests that change nothing of it."""
    return jpeg_port(tmp_path_factory.mktemp("jpeg") / "port")


@pytest.fixture(scope="module")
def record(port: TinyPort) -> Acceptance:
    """A whole run of it, which the offline judge has confirmed."""
    return accepted(whole_run(port))


def test_the_oms_are_judged_by_the_drop_alone_and_the_run_says_so(record: Acceptance) -> None:
    asked = {result.id.gate for result in record.gates}
    assert {"preprocessing.jpeg", "preprocessing.info_size", "preprocessing.info", "om.aipp", "om.described"} <= asked
    assert asked.isdisjoint({"preprocessing.bins", "preprocessing.bin_size", "preprocessing.finite"})
    assert {gate.rpartition(".")[2] for gate in asked if gate.startswith("om.accuracy.")} & COMPARED == DROPS
    assert {gate.rpartition(".")[2] for gate in asked if gate.startswith("onnx.accuracy.")} & COMPARED == COMPARED
    said = [line for line in record.verdict.remarks if line.startswith("JPEG input: ")]
    assert len(said) == 1
    assert "arithmetic that is not known" in said[0]
    assert "the simulator stands for it with Pillow" in said[0]


def test_the_tool_is_asked_to_have_the_chip_decode(record: Acceptance) -> None:
    runs = [command for command in record.commands if "-useDvpp=true" in command.argv]
    assert {command.folder.split("/")[1] for command in runs} == {"predict-bs1", "predict-bs4", "perf-bs1"}
    assert {"-input_width=48", "-input_height=32", "-output_binary=true"} <= set(runs[0].argv)
    assert record.jpegs == JpegFacts(64, (), (), ())
    assert [om.described.inputs[0].shape for om in record.oms] == [(1, 48, 48, 1), (4, 48, 48, 1)]


def test_the_simulator_says_what_stands_for_the_decoder(port: TinyPort, record: Acceptance) -> None:
    logs = Path(str(options(port)["evidence"])) / "logs" / "predict-bs1" / "run-1-device0"
    assert "DVPP's own arithmetic is unknown" in (logs / "stderr.txt").read_text(encoding="utf-8")
    assert "tools/get_info.py jpg" in (logs / "again.txt").read_text(encoding="utf-8")


def test_the_run_is_made_again_by_its_line(port: TinyPort, record: Acceptance, tmp_path: Path) -> None:
    evidence = Path(str(options(port)["evidence"]))
    line = (evidence / "logs" / "predict-bs4" / "run-1-device0" / "again.txt").read_text(encoding="utf-8")
    places = {"<repository>": str(ROOT), "<cache>": str(evidence.parent / "cache"), "<tmp>": tempfile.gettempdir()}
    places["pytest-of-<user>"] = f"pytest-of-{getpass.getuser()}"
    for name, place in places.items():
        line = line.replace(name, place)
    done = subprocess.run(
        ["bash", "-c", f"{line.strip()} && ls result/dumpOutput_device0 | wc -l"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].strip() == "64"


@pytest.mark.parametrize(
    ("place", "old", "new", "said"),
    [
        ("aipp", "matrix_r0c2 : 359", "matrix_r0c2 : 409", "om.aipp"),
        ("commands", "-useDvpp=true", "-useDvpp=false", "was not asked to read JPEG files"),
    ],
)
def test_another_record_is_told_offline(
    port: TinyPort, record: Acceptance, place: str, old: str, new: str, said: str
) -> None:
    forgery = Forgery(contents_of(Path(str(options(port)["evidence"]))))
    if place == "aipp":
        forgery.record["aipp"]["text"] = forgery.record["aipp"]["text"].replace(old, new)
    else:
        for command in forgery.record["commands"]:
            command["argv"] = [new if word == old else word for word in command["argv"]]
    outcome = forgery.outcome()
    assert outcome.status == REFUSED
    assert said in outcome.text


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (None, "no facts about the JPEG files"),
        ({"among": 63}, "63 were looked at, not 64"),
        ({"turned": ["nobody"]}, "'nobody' is no image of the data set"),
        ({"unfit": ["tiny_001 (progressive)"]}, "preprocessing.jpeg"),
        ({"wrong_size": ["tiny_001"]}, "preprocessing.info_size"),
    ],
)
def test_other_facts_about_the_files_are_told_offline(
    port: TinyPort, record: Acceptance, facts: dict[str, object] | None, said: str
) -> None:
    forgery = Forgery(contents_of(Path(str(options(port)["evidence"]))))
    if facts is None:
        forgery.record["jpegs"] = None
    else:
        forgery.record["jpegs"].update(facts)
    outcome = forgery.outcome()
    assert outcome.status == REFUSED
    assert said in outcome.text


def saved_anew(path: Path, **how: object) -> None:
    """The same picture in another file."""
    with Image.open(path) as image:
        image.load()
    image.save(path, **how)  # type: ignore[arg-type]


def test_an_image_that_the_decoder_does_not_take_is_one_line_and_no_run_of_the_tool(tmp_path: Path) -> None:
    port = jpeg_port(tmp_path / "port")
    saved_anew(port.images / "tiny_003.jpg", format="PNG")
    with open_run(options(port)) as run:
        answers = run.answers("om.ran[bs1]")
        listed = run.answers("preprocessing.jpeg")
    (said,) = (answer.check.detail for answer in answers if answer.id == "preprocessing.jpeg")
    assert "1 of 64 images are none that the chip's decoder takes: tiny_003 (no JPEG file)" in said
    assert listed[0].check.verdict is Verdict.FAIL
    assert "tiny_003 (no JPEG file)" in listed[0].check.detail


def test_what_turns_a_picture_for_the_chip_alone_is_said_beside_the_verdict(tmp_path: Path) -> None:
    port = jpeg_port(tmp_path / "port")
    orientation = Image.Exif()
    orientation[0x0112] = 3
    saved_anew(port.images / "tiny_002.jpg", format="JPEG", exif=orientation)
    with open_run(options(port)) as run:
        facts = run.data.jpegs().facts
    assert facts.turned == ("tiny_002",)
    said = [line for line in remarks(port.spec, None, None, jpegs=facts) if "EXIF" in line]
    assert said == [
        "1 images have an EXIF orientation, which the chip's decoder obeys and the recipe does not: tiny_002"
    ]


@pytest.mark.parametrize("tool", ["ais_bench", "auto"])
def test_ais_bench_is_refused_by_name(port: TinyPort, tmp_path: Path, tool: str) -> None:
    """It has no flag for it; `auto` would choose it on a device without the tool of CANN 5."""
    place = {"infer_tool": tool, "target": "simulator" if tool == "ais_bench" else "ascend"}
    named = {**port.options, "evidence": str(tmp_path / "e"), "cache": str(tmp_path / "c"), **place}
    with pytest.raises(InputError, match="which ais_bench cannot ask for"), open_run(named, environment={"PATH": ""}):
        raise AssertionError("it was not refused")


def test_commands_that_are_about_bins_are_refused(port: TinyPort, tmp_path: Path) -> None:
    named = ["--port", str(port.port)]
    with pytest.raises(SuiteError, match="this port has no bins"):
        imagenet_torch_preprocess.main([str(port.images), str(tmp_path / "bins"), *named])
    with pytest.raises(SuiteError, match="this port has no bins"):
        get_info.main(["bin", str(port.images), str(tmp_path / "x.info"), *named])


def test_get_info_refuses_what_the_decoder_does_not_take(tmp_path: Path) -> None:
    for name, how in {"a": {}, "b": {"progressive": True}}.items():
        Image.new("RGB", (40, 50)).save(tmp_path / f"{name}.jpg", format="JPEG", **how)
    with pytest.raises(PreprocessingError, match=r"1 of 2 images are none .*: b \(progressive\)"):
        get_info.main(["jpg", str(tmp_path), str(tmp_path / "x.info")])
    assert not (tmp_path / "x.info").exists()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("resize_px: [32, 48]", "resize_px: [32, 56]", "32..4096 columns, a multiple of 16, not 56"),
        ("resize_px: [32, 48]", "resize_px: [33, 48]", "6..4096 rows, a multiple of 2, not 33"),
        ("crop_px: [28, 44]", "crop_px: [29, 44]", "YUV420SP is cut at even pixels"),
        ("crop_px: [28, 44]", "crop_px: [30, 44]", "YUV420SP is cut at even pixels"),
        ("crop: chip, input: jpeg", "crop: host, input: jpeg", "nothing is cut on the host"),
        ("resize_px: [32, 48], ", "resize_px: null, ", "interpolation go together"),
        ("input: jpeg", "input: png", "input"),
    ],
)
def test_a_port_that_the_decoder_cannot_serve_is_refused(
    port: TinyPort, tmp_path: Path, old: str, new: str, said: str
) -> None:
    text = port.port.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "tiny.yaml").write_text(text.replace(old, new), encoding="utf-8")
    (tmp_path / "tiny_net.py").write_text("", encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        load_port(tmp_path / "tiny.yaml")
    assert said in str(caught.value)


def test_the_ports_of_alexnet_with_jpeg_differ_in_nothing_else() -> None:
    for name in ("alexnet", "alexnet_sample"):
        other = "alexnet_aipp" if name == "alexnet" else "alexnet_aipp_sample"
        aipp, found = (load_spec(port_path(port)) for port in (other, other.replace("aipp", "jpeg")))
        assert found.preprocessing.is_jpeg
        assert found.preprocessing.pixels_size == (256, 256)
        without = dataclasses.replace(found.preprocessing, aipp=aipp.preprocessing.aipp)
        squeezed = (256, 256) if name == "alexnet_sample" else 256  # the sample has no accuracy to lose by that
        assert found.preprocessing.resize_px == squeezed
        assert dataclasses.replace(without, resize_px=256, source=aipp.preprocessing.source) == aipp.preprocessing
        assert (found.checkpoint, found.dataset, found.onnx) == (aipp.checkpoint, aipp.dataset, aipp.onnx)
        assert not found.has_figures


@pytest.mark.nightly
def test_the_whole_sample_goes_through_the_decoder(tmp_path: Path) -> None:
    places = [f"--cache={tmp_path / 'cache'}", f"--evidence={tmp_path / 'evidence'}"]
    asked = ["--target=simulator", "--sample", "--port=alexnet_jpeg_sample"]
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *asked, *places]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    record = read_acceptance(tmp_path / "evidence")
    assert record.verdict.word is Word.SIMULATED
    assert {om.described.inputs[0].shape[1:] for om in record.oms} == {(384, 256, 1)}
