"""Whole runs of a small port, in this process: what its file asks for is what is exported, compiled and judged."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from selftest.ports.tiny import TinyPort, tiny_port
from tools.base.errors import OnnxError
from tools.evidence.record_file import read_acceptance
from tools.judge.acceptance import Acceptance
from tools.judge.bundle import open_files
from tools.judge.ids import ONNX_GRAPH_STEP_ABS_ERROR, PREPROCESSING_TORCHVISION_PARITY
from tools.judge.results import Verdict, Word
from tools.judge.verify import OK, verify
from tools.pipeline.run import open_run

OPSET = "opset: {exactly: 11, unit: opset, source: test}"
ENDS = "input: {name: image}, output: {name: class}"
KEPT = """
import onnx


def step(source, target):
    model = onnx.load(str(source))
    model.producer_name = "step"
    onnx.save(model, str(target))
"""
SPOILS = """
import onnx
from onnx import numpy_helper


def step(source, target):
    model = onnx.load(str(source))
    bias = next(tensor for tensor in model.graph.initializer if tensor.name == "head.bias")
    bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias) + 0.01, bias.name))
    onnx.save(model, str(target))
"""


def options(port: TinyPort, evidence: str = "evidence") -> dict[str, str | None]:
    """The options of a run, whose cache and evidence lie beside the port's folder."""
    beside = port.port.parent.parent
    return {
        **port.options,
        "cache": str(beside / "cache"),
        "evidence": str(beside / evidence),
        "target": "simulator",
    }


def whole_run(port: TinyPort) -> Acceptance:
    """The record of a run of all gates; the offline judge says of it what the run said."""
    named = options(port)
    with open_run(named) as run:
        run.judge_all()
        published = run.publish()
    bundle = Path(str(named["evidence"]))
    outcome = verify([("bundle", partial(open_files, bundle))], None)
    assert (outcome.status, outcome.word) == (OK, published.verdict.word), outcome.text
    return read_acceptance(bundle)


def failed(record: Acceptance) -> dict[str, str]:
    """The gates that did not pass, with what they say, but for those that nobody published a figure for."""
    return {result.id: f"{result.check}" for result in record.gates if result.check.hinders}


def accepted(record: Acceptance) -> Acceptance:
    """The record, of which every gate passed on the simulator."""
    assert failed(record) == {}
    assert record.verdict.word is Word.SIMULATED
    return record


def test_a_file_for_each_batch_size_and_labels_behind_a_background_class(tmp_path: Path) -> None:
    port = tiny_port(tmp_path / "port", label_offset=1, onnx=f"{{{OPSET}, {ENDS}, batch: static}}")
    record = accepted(whole_run(port))
    assert record.onnx is not None
    assert record.onnx.inputs == ("image float32 [1, 3, 32, 32]", "image float32 [4, 3, 32, 32]")
    assert record.onnx.outputs == ("class float32 [1, 101]", "class float32 [4, 101]")
    assert [digest.name for digest in record.digests] == ["checkpoint", "om_bs1", "om_bs4", "onnx", "onnx_bs1"]
    assert record.verdict.banner == "SIMULATED"
    assert record.spec is not None  # of a port outside the checkout
    assert set(record.spec.files) == {"thresholds.yaml", "tiny.yaml", "tiny_net.py"}
    assert record.spec.code["code tiny_net.py"] == record.spec.files["tiny_net.py"]


def test_float16_at_both_ends_three_classes_and_nobodys_checkpoint(tmp_path: Path) -> None:
    half = "input: {name: image, dtype: float16}, output: {name: class, dtype: float16}"
    port = tiny_port(
        tmp_path / "port",
        classes=3,
        onnx=f"{{{OPSET}, {half}}}",
        checkpoint="{file: tiny.pth, source: nobody says whose}",
    )
    record = accepted(whole_run(port))
    assert record.onnx is not None
    assert (record.onnx.inputs, record.onnx.outputs) == (("image float16 [-1, 3, 32, 32]",), ("class float16 [-1, 3]",))
    assert {om.described.inputs[0].dtype for om in record.oms} == {"DT_FLOAT16"}
    assert record.bins is not None
    assert record.bins.wrong_size == ()
    assert record.verdict.banner == "SIMULATED (UNPINNED)"
    assert not [result for result in record.gates if result.id in ("checkpoint.md5", "checkpoint.sha256")]
    kept = [np.load(tmp_path / "evidence" / variant.top5_file).shape for variant in record.variants]
    assert kept == [(64, 3)] * 4


def test_of_two_outputs_the_second_is_judged_at_a_newer_opset(tmp_path: Path) -> None:
    port = tiny_port(
        tmp_path / "port",
        arguments={"outputs": 2},
        onnx=f"{{{OPSET.replace('11', '17')}, {ENDS}, outputs: [features, class]}}",
    )
    record = accepted(whole_run(port))
    assert record.onnx is not None
    assert record.onnx.opsets == ("ai.onnx 17",)
    assert record.onnx.outputs == ("features float32 [-1, 128]", "class float32 [-1, 100]")


@pytest.mark.nightly
@pytest.mark.parametrize(
    "said",
    [
        {"classes": 1000, "label_offset": 1},
        {"classes": 3, "label_offset": 1},
        {"onnx": f"{{{OPSET}, input: {{name: image, dtype: float16}}, output: {{name: class}}, batch: static}}"},
        {"onnx": f"{{{OPSET}, input: {{name: image}}, output: {{name: class, dtype: float16}}}}"},
        {"onnx": f"{{{OPSET}, {ENDS}, outputs: [class, features]}}"},
    ],
)
def test_other_ports_pass(said: dict[str, object], tmp_path: Path) -> None:
    onnx = str(said.get("onnx", ""))
    first = "outputs: [class, features]" in onnx
    port = tiny_port(tmp_path / "port", arguments={"outputs": 2} if first else {}, **said)  # type: ignore[arg-type]
    if first:
        source = port.port.parent / "tiny_net.py"
        text = source.read_text(encoding="utf-8")
        swapped = text.replace("(torch.flatten(features, 1), logits)", "(logits, torch.flatten(features, 1))")
        assert swapped != text
        source.write_text(swapped, encoding="utf-8")
    accepted(whole_run(port))


# --- The port's own code -------------------------------------------------------------------------------------------


def made_anew(port: TinyPort) -> set[str]:
    """The kinds of artifacts that a run makes up to the ONNX file and torch's logits beside it."""
    with open_run(options(port)) as run:
        run.logit_errors()
        lines = [line.split() for line in run.context.log]
    return {name.partition("/")[0] for origin, name, *_ in lines if origin == "miss"}


def test_a_changed_line_of_the_network_or_of_what_it_imports_makes_the_file_anew(tmp_path: Path) -> None:
    port = tiny_port(tmp_path / "port")
    network, sibling = port.port.parent / "tiny_net.py", port.port.parent / "tiny_scale.py"
    sibling.write_text("TWICE = 2.0\n", encoding="utf-8")
    network.write_text(f"import tiny_scale\n{network.read_text(encoding='utf-8')}", encoding="utf-8")
    assert {"onnx", "onnx-logit-errors"} <= made_anew(port)
    assert made_anew(port) == set()
    for path in (network, sibling):
        path.write_text(f"{path.read_text(encoding='utf-8')}\n# a line more\n", encoding="utf-8")
        assert made_anew(port) == {"checkpoint-facts", "onnx", "onnx-logit-errors"}
        assert made_anew(port) == set()


def with_step(folder: Path, code: str) -> TinyPort:
    """A port with a graph step."""
    (folder / "port").mkdir()
    (folder / "port" / "surgery.py").write_text(code, encoding="utf-8")
    return tiny_port(folder / "port", onnx=f"{{{OPSET}, {ENDS}, graph_step: 'python:surgery.py:step'}}")


def test_a_graph_step_that_keeps_the_logits_passes_and_its_file_is_what_is_compiled(tmp_path: Path) -> None:
    with open_run(options(with_step(tmp_path, KEPT))) as run:
        check = run.judge(ONNX_GRAPH_STEP_ABS_ERROR)
        before, after = run.onnx_step.exported(), run.onnx_step.file()
        assert run.digest("onnx").sha256 == after.sha256
        assert run.weights().offenders == ()
        assert "surgery.py" in str(run.setup.code)
    assert (check.verdict, check.measured) == (Verdict.PASS, 0.0)
    assert before.sha256 != after.sha256


def test_a_graph_step_that_spoils_the_logits_fails(tmp_path: Path) -> None:
    with open_run(options(with_step(tmp_path, SPOILS))) as run:
        check = run.judge(ONNX_GRAPH_STEP_ABS_ERROR)
    assert check.verdict is Verdict.FAIL
    assert check.measured == pytest.approx(0.01, abs=1e-4)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def step(source, target):\n    pass\n", "the port's graph step failed: it wrote no file"),
        ("def step(source, target):\n    target.touch()\n", "the port's graph step failed: it wrote no file"),
        ("def step(source, target):\n    {}['no node']\n", "the port's graph step failed: KeyError: 'no node'"),
    ],
)
def test_a_graph_step_that_fails_is_its_gates_error(code: str, said: str, tmp_path: Path) -> None:
    with open_run(options(with_step(tmp_path, code))) as run, pytest.raises(OnnxError) as caught:
        run.judge(ONNX_GRAPH_STEP_ABS_ERROR)
    assert caught.value.gate == ONNX_GRAPH_STEP_ABS_ERROR
    assert str(caught.value) == f"python:surgery.py:step: {said}"


@pytest.mark.nightly
def test_the_whole_run_of_a_port_with_a_graph_step(tmp_path: Path) -> None:
    record = accepted(whole_run(with_step(tmp_path, KEPT)))
    assert record.onnx_graph_step is not None
    assert record.onnx_graph_step.largest == 0.0


# --- The recipe ----------------------------------------------------------------------------------------------------


def test_a_port_that_departs_from_the_stated_recipe_says_so_beside_the_word(tmp_path: Path) -> None:
    port = tiny_port(tmp_path / "port")
    port.edit("python:tiny_net.py:network", "torchvision:squeezenet1_1")
    port.edit("file: tiny.pth", "file: squeezenet1_1-b8a52dc0.pth")
    with open_run(options(port)) as run:
        run.recipe()
        verdict = run.publish().verdict
    (said,) = [line for line in verdict.remarks if line.startswith("preprocessing departs")]
    assert "SqueezeNet1_1_Weights.IMAGENET1K_V1 states: resize_px 32, stated 256; crop_px [32, 32], stated" in said
    outcome = verify([("bundle", partial(open_files, tmp_path / "evidence"))], None)
    assert f"note: {said}" in outcome.lines
    assert outcome.word is Word.INCOMPLETE


def test_images_decoded_as_a_library_does_are_held_against_it(tmp_path: Path) -> None:
    with open_run(options(tiny_port(tmp_path / "port"))) as run:
        assert run.judge(PREPROCESSING_TORCHVISION_PARITY).verdict is Verdict.PASS
        assert len(run.parity().looked_at) == len(run.data.dataset().ids)
