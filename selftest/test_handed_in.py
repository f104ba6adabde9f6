"""Whole runs of a small port with files that the porter has made: what is handed in is what is judged, and said."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from selftest.ports.int8 import in_plain_operators, quantised, with_other_scale
from selftest.ports.tiny import TinyPort, tiny_port
from selftest.test_tiny_ports import ENDS, OPSET, failed, options
from tools.base.errors import OmError, OnnxError, SuiteError
from tools.engines.onnx_engine import OnnxEngine
from tools.evidence.record_file import read_acceptance
from tools.judge.acceptance import Acceptance
from tools.judge.bundle import open_files
from tools.judge.handed_in import FOLDER
from tools.judge.ids import (
    OM_COMPILED,
    OM_DESCRIBED,
    ONNX_CHECKER,
    ONNX_EXPORT,
    ONNX_LOGITS_ABS_ERROR,
    ONNX_OPERATORS,
    ONNX_WEIGHTS,
)
from tools.judge.results import Verdict, Word
from tools.judge.verify import REFUSED, verify
from tools.model.network import Network
from tools.pipeline.option_values import InputError
from tools.pipeline.run import Run, open_run

if TYPE_CHECKING:
    import onnx

    Edit = Callable[[onnx.ModelProto], None]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[TinyPort, Path, dict[int, Path]]:
    """A port, the suite's own export of it, and its own OMs."""
    port = tiny_port(tmp_path_factory.mktemp("made") / "port")
    with open_run(options(port)) as run:
        oms = {batch: run.om.om(batch).path for batch in port.spec.batches}
        return port, run.onnx_step.file().path, oms


@pytest.fixture
def port(made: tuple[TinyPort, Path, dict[int, Path]], tmp_path: Path) -> TinyPort:
    """The port in a folder of its own, with the cache of the module."""
    shutil.copytree(made[0].port.parent, tmp_path / "port")
    names = (made[0].port, made[0].checkpoint, made[0].images, made[0].labels)
    return TinyPort(*(tmp_path / "port" / path.name for path in names))


@pytest.fixture
def own(made: tuple[TinyPort, Path, dict[int, Path]], tmp_path: Path) -> Callable[[Edit], Path]:
    """Writes the export with a change as the porter's own file."""

    def write(edit: Edit) -> Path:
        import onnx

        model = onnx.load(str(made[1]))
        edit(model)
        onnx.save(model, str(tmp_path / "mine.onnx"))
        return tmp_path / "mine.onnx"

    return write


def array(model: onnx.ModelProto, name: str) -> np.ndarray:
    """An initializer's elements."""
    from onnx import numpy_helper

    return next(numpy_helper.to_array(one) for one in model.graph.initializer if one.name == name)


def put(model: onnx.ModelProto, name: str, values: np.ndarray) -> None:
    """Other elements of an initializer."""
    from onnx import numpy_helper

    tensor = next(one for one in model.graph.initializer if one.name == name)
    tensor.CopyFrom(numpy_helper.from_array(values, name))


def rename(model: onnx.ModelProto) -> None:
    """Other names of nodes, of initializers and of all tensors between the ends."""
    ends = {value.name for value in (*model.graph.input, *model.graph.output)}

    def other(name: str) -> str:
        return name if name in ends or not name else f"own_{name.replace('/', '_').replace('.', '_')}"

    for node in model.graph.node:
        node.name = f"step_{node.name}"
        node.input[:] = map(other, node.input)
        node.output[:] = map(other, node.output)
    for tensor in model.graph.initializer:
        tensor.name = other(tensor.name)
    del model.graph.value_info[:]
    model.producer_name = "by hand"


def as_node(model: onnx.ModelProto) -> None:
    """A Constant node in the place of an initializer."""
    import onnx

    head = array(model, "head.bias")
    kept = [one for one in model.graph.initializer if one.name != "head.bias"]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    value = onnx.numpy_helper.from_array(head)
    model.graph.node.insert(0, onnx.helper.make_node("Constant", [], ["head.bias"], value=value))


def handed(port: TinyPort, **given: object) -> dict[str, str | None]:
    """The options of a run with files that are handed in."""
    return {**options(port), **{name: str(value) for name, value in given.items()}}


def whole(named: dict[str, str | None]) -> Acceptance:
    """The record of a whole run; the offline judge says of it what the run said."""
    with open_run(named) as run:
        run.judge_all()
        word = run.publish().verdict.word
    bundle = Path(str(named["evidence"]))
    outcome = verify([("bundle", partial(open_files, bundle))], None)
    assert outcome.word is word, outcome.text
    return read_acceptance(bundle)


def red(run: Run, gate: str) -> str:
    """What a gate says, which is red."""
    check = run.judge(gate)
    assert check.verdict is Verdict.FAIL
    return check.detail + str(check.measured)


# --- ONNX ----------------------------------------------------------------------------------------------------------


def test_a_file_made_by_hand_is_what_is_judged_and_is_said(port: TinyPort, own: Callable[[Edit], Path]) -> None:
    def change(model: onnx.ModelProto) -> None:
        as_node(model)
        rename(model)

    path = own(change)
    record = whole(handed(port, onnx=path))
    assert failed(record) == {}
    assert record.verdict.word is Word.SIMULATED
    (file,) = record.handed_in
    digest = next(one for one in record.digests if one.name == "onnx")
    assert (file.name, file.file, file.sha256, file.size_bytes) == (
        "onnx",
        "mine.onnx",
        digest.sha256,
        path.stat().st_size,
    )
    assert file.kept == f"{FOLDER}/onnx.onnx"
    assert (Path(str(options(port)["evidence"])) / file.kept).read_bytes() == path.read_bytes()
    assert f"handed in, not made by the suite: onnx (mine.onnx, sha256 {file.sha256[:12]})" in record.verdict.remarks
    assert any(line.startswith("onnx: ") and line.endswith("/mine.onnx (handed in)") for line in record.inputs)


def unfused(port: TinyPort, path: Path) -> None:
    """The network with its normalisations as nodes of their own, which the suite's export folds."""
    import torch

    model = Network(port.spec.model, port.port.parent).make().eval()
    model.load_state_dict(torch.load(port.checkpoint, weights_only=True))
    torch.onnx.export(
        model,
        (torch.zeros(1, 3, 32, 32),),
        str(path),
        dynamo=False,
        opset_version=11,
        training=torch.onnx.TrainingMode.PRESERVE,
        do_constant_folding=False,
        input_names=["image"],
        output_names=["class"],
        dynamic_axes={"image": {0: "-1"}, "class": {0: "-1"}},
    )


def fuse(path: Path) -> int:
    """Each normalisation into the convolution before it, in float32; how many there were."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(str(path))
    convolutions = {node.output[0]: node for node in model.graph.node if node.op_type == "Conv"}
    fused = [node for node in model.graph.node if node.op_type == "BatchNormalization"]
    for place, node in enumerate(fused):
        gamma, beta, mean, variance = (array(model, name) for name in node.input[1:])
        convolution = convolutions[node.input[0]]
        scale = gamma / np.sqrt(variance + np.float32(1e-5))
        bias = array(model, convolution.input[2]) if len(convolution.input) > 2 else np.zeros_like(mean)
        made = (array(model, convolution.input[1]) * scale[:, None, None, None], (bias - mean) * scale + beta)
        names = [f"fused{place}_{part}" for part in ("weight", "bias")]
        for name, values in zip(names, made, strict=True):
            model.graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), name))
        convolution.input[1:] = names
        convolution.output[0] = node.output[0]
        model.graph.node.remove(node)
    read = {name for node in model.graph.node for name in node.input}
    kept = [tensor for tensor in model.graph.initializer if tensor.name in read]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    onnx.save(model, str(path))
    return len(fused)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_normalisations_fused_by_hand_or_left_are_the_checkpoints(port: TinyPort, tmp_path: Path) -> None:
    path = tmp_path / "mine.onnx"
    unfused(port, path)
    with open_run(handed(port, onnx=path)) as run:
        assert run.judge(ONNX_WEIGHTS).verdict is Verdict.PASS
        assert run.weights().recomputed == 0
    assert fuse(path) == 3
    with open_run(handed(port, onnx=path)) as run:
        assert run.judge(ONNX_WEIGHTS).verdict is Verdict.PASS
        assert run.judge("onnx.logits_abs_error").verdict is Verdict.PASS
        assert run.weights().recomputed > 0


def test_tensors_in_a_file_beside_it_are_taken_in(port: TinyPort, own: Callable[[Edit], Path]) -> None:
    import onnx

    path = own(rename)
    onnx.save(onnx.load(str(path)), str(path), save_as_external_data=True, location="mine.data", size_threshold=0)
    with open_run(handed(port, onnx=path)) as run:
        assert run.judge(ONNX_WEIGHTS).verdict is Verdict.PASS
        found = run.handed_in("onnx")
        assert found is not None
        assert [file.name for file in found.data] == ["mine.data"]
        first = run.onnx_step.file().sha256
    beside = path.with_name("mine.data")
    content = bytearray(beside.read_bytes())
    content[3] ^= 0x40
    beside.write_bytes(content)
    with open_run(handed(port, onnx=path)) as run:
        assert run.onnx_step.file().sha256 != first
        assert run.judge(ONNX_WEIGHTS).verdict is Verdict.FAIL


def test_a_layer_of_another_is_named(port: TinyPort, own: Callable[[Edit], Path]) -> None:
    def swap(model: onnx.ModelProto) -> None:
        put(model, "head.weight", np.ascontiguousarray(array(model, "head.weight")[::-1]))

    with open_run(handed(port, onnx=own(swap))) as run:
        assert "head.weight differs" in red(run, ONNX_WEIGHTS)


def test_another_network_is_called_so(port: TinyPort, own: Callable[[Edit], Path]) -> None:
    def other(model: onnx.ModelProto) -> None:
        random = np.random.default_rng(1)
        for name in [one.name for one in model.graph.initializer if one.data_type == 1]:
            put(model, name, random.normal(size=array(model, name).shape).astype(np.float32))

    with open_run(handed(port, onnx=own(other))) as run:
        assert "none of the checkpoint's tensors is in the file" in red(run, ONNX_WEIGHTS)


DIFFER = "handed_in: {weights_differ: ['head.*'], reason: rounded by hand}"


def rounded(model: onnx.ModelProto) -> None:
    """A layer's weights a little off."""
    noise = np.random.default_rng(2).normal(0, 1e-8, array(model, "head.weight").shape)
    put(model, "head.weight", (array(model, "head.weight") + noise).astype(np.float32))


def test_a_difference_that_the_port_declares_is_said_beside_the_word(
    port: TinyPort, own: Callable[[Edit], Path]
) -> None:
    path = own(rounded)
    with open_run(handed(port, onnx=path)) as run:
        assert "head.weight differs" in red(run, ONNX_WEIGHTS)
    port.edit("onnx: {", f"onnx: {{{DIFFER}, ")
    record = whole(handed(port, onnx=path))
    assert failed(record) == {}
    assert record.onnx_weights is not None
    assert record.onnx_weights.declared == ("head.weight",)
    assert (
        "1 weight is not the checkpoint's, the outputs alone are judged (head.weight): rounded by hand"
        in record.verdict.remarks
    )


def test_what_is_not_declared_and_what_the_suite_exports_itself_is_not_excused(
    port: TinyPort, own: Callable[[Edit], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    port.edit("onnx: {", f"onnx: {{{DIFFER}, ")

    def more(model: onnx.ModelProto) -> None:
        rounded(model)
        name = next(one.name for one in model.graph.initializer if len(one.dims) == 4)
        put(model, name, array(model, name) * np.float32(1.01))

    with open_run(handed(port, onnx=own(more))) as run:
        assert "folded" in red(run, ONNX_WEIGHTS)
    with open_run(options(port)) as run:
        assert run.weights().declared == ()
        assert run.handed_in("onnx") is None


def _lfs(path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n", encoding="utf-8")


def _newer(path: Path) -> None:
    import onnx

    model = onnx.load(str(path))
    model.ir_version = 99
    path.write_bytes(model.SerializeToString())


def _external(location: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        import onnx

        onnx.save(onnx.load(str(path)), str(path), save_as_external_data=True, location="mine.data", size_threshold=0)
        model = onnx.load(str(path), load_external_data=False)
        for tensor in model.graph.initializer:
            for entry in tensor.external_data:
                entry.value = location if entry.key == "location" else entry.value
        path.write_bytes(model.SerializeToString())

    return change


def _link(path: Path) -> None:
    _external("mine.data")(path)
    (path.parent.parent / "elsewhere.data").write_bytes(path.with_name("mine.data").read_bytes())
    path.with_name("mine.data").unlink()
    path.with_name("mine.data").symlink_to(path.parent.parent / "elsewhere.data")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_lfs, "it is a pointer of git-lfs to the file, not the file"),
        (lambda path: path.write_bytes(b""), "it is empty"),
        (lambda path: path.write_bytes(b"no model at all"), "it is no ONNX file"),
        (lambda path: path.write_bytes(path.read_bytes()[:-5000]), "it is no ONNX file"),
        (_newer, "it is of a newer ONNX than the one that reads it"),
        (_external("../mine.data"), "a tensor is said to lie outside of the file's folder"),
        (_external("/etc/passwd"), "a tensor is said to lie outside of the file's folder"),
        (_external("absent.data"), "a file with its tensors is missing"),
        (_link, "a tensor is said to lie outside of the file's folder"),
    ],
    ids=["pointer", "empty", "text", "cut", "newer", "parent", "absolute", "absent", "link"],
)
def test_what_cannot_be_judged_is_refused_in_one_line(
    change: Callable[[Path], None], said: str, port: TinyPort, own: Callable[[Edit], Path]
) -> None:
    path = own(rename)
    inside = path.parent / "own" / path.name
    inside.parent.mkdir()
    path.rename(inside)
    change(inside)
    with open_run(handed(port, onnx=inside)) as run, pytest.raises(OnnxError, match=said) as caught:
        run.judge(ONNX_EXPORT)
    assert caught.value.gate == ONNX_EXPORT


def no_attribute(model: onnx.ModelProto) -> None:
    import onnx

    model.graph.node.insert(0, onnx.helper.make_node("Constant", [], ["own"]))
    model.graph.node.insert(0, onnx.helper.make_node("Identity", [], ["own too"]))


def cut_short(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].raw_data = model.graph.initializer[0].raw_data[:-4]


def unknown_type(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].data_type = 99


def of_no_type(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].data_type = 0


def more_elements(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].dims[0] = 2**40


def second_input(model: onnx.ModelProto) -> None:
    import onnx

    model.graph.input.append(onnx.helper.make_tensor_value_info("second", onnx.TensorProto.FLOAT, [1]))


def no_shape_of_it(model: onnx.ModelProto) -> None:
    """A node that fails when it is run."""
    import onnx

    end = model.graph.output[0].name
    for node in model.graph.node:
        node.output[:] = ["before" if name == end else name for name in node.output]
    shape = onnx.numpy_helper.from_array(np.array([7, 100], np.int64), "seven")
    model.graph.initializer.append(shape)
    model.graph.node.append(onnx.helper.make_node("Reshape", ["before", "seven"], [end]))


@pytest.mark.parametrize(
    "edit", [no_attribute, cut_short, unknown_type, of_no_type, more_elements, second_input, no_shape_of_it]
)
def test_what_is_wrong_within_a_file_is_red_and_no_traceback(
    edit: Edit, port: TinyPort, own: Callable[[Edit], Path]
) -> None:
    named, red_gates = handed(port, onnx=own(edit)), []
    for gate in (ONNX_CHECKER, ONNX_WEIGHTS, ONNX_LOGITS_ABS_ERROR):
        with open_run(named) as run:
            try:
                verdict = run.judge(gate).verdict
            except OnnxError:
                verdict = Verdict.FAIL
        red_gates += [gate] if verdict is Verdict.FAIL else []
    assert red_gates


def test_workers_of_one_run_judge_one_file(port: TinyPort, own: Callable[[Edit], Path]) -> None:
    """A file that is replaced between the looks of two workers would have some of its gates judged in each."""
    path = own(rename)
    with open_run(handed(port, onnx=path)) as run:
        assert run.judge(ONNX_EXPORT).verdict is Verdict.PASS
        other = Run(run.setup, run.context.staging, run=run.context.run, strict=False, remeasure=False)
        own(as_node)
        with pytest.raises(SuiteError, match="onnx was replaced while the run went on"):
            other.judge(ONNX_EXPORT)
        other.close()


def test_another_image_than_the_ports_is_told_at_the_input(port: TinyPort, own: Callable[[Edit], Path]) -> None:
    def other(model: onnx.ModelProto) -> None:
        model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 3

    with open_run(handed(port, onnx=own(other))) as run:
        assert run.judge("onnx.input").verdict is Verdict.FAIL
        with pytest.raises(OnnxError, match="the file takes another image than the port's"):
            run.judge(ONNX_WEIGHTS)


def test_a_file_of_a_port_of_fixed_batch_sizes_is_told_by_its_batch(tmp_path: Path) -> None:
    port = tiny_port(tmp_path / "port", onnx=f"{{{OPSET}, {ENDS}, batch: static}}")
    with open_run(options(port)) as run:
        files = [run.onnx_step.file(batch).path for batch in port.spec.batches]
    for batch, path in zip(port.spec.batches, files, strict=True):
        shutil.copyfile(path, tmp_path / f"mine{batch}.onnx")
    both = ",".join(str(tmp_path / f"mine{batch}.onnx") for batch in (4, 1))
    with open_run(handed(port, onnx=both)) as run:
        assert run.judge("onnx.input").verdict is Verdict.PASS
        assert run.onnx_step.file(1).sha256 != run.onnx_step.file(4).sha256
    with (
        open_run(handed(port, onnx=tmp_path / "mine4.onnx")) as run,
        pytest.raises(OnnxError, match=r"no ONNX file of batch size 1 handed in; found mine4\.onnx of 4"),
    ):
        run.judge(ONNX_EXPORT)
    with_batch(tmp_path / "mine1.onnx", tmp_path / "mine8.onnx", 8)
    with (
        open_run(handed(port, onnx=f"{both},{tmp_path / 'mine8.onnx'}")) as run,
        pytest.raises(OnnxError, match=r"mine8\.onnx was handed in, of a batch size that the port does not ask for"),
    ):
        run.judge(ONNX_EXPORT)


def with_batch(path: Path, target: Path, batch: int) -> None:
    """The file with another fixed batch size at its input."""
    import onnx

    model = onnx.load(str(path))
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = batch
    onnx.save(model, str(target))


def test_a_graph_step_and_a_file_that_is_handed_in_exclude_each_other(
    port: TinyPort, own: Callable[[Edit], Path]
) -> None:
    (port.port.parent / "surgery.py").write_text("def step(source, target):\n    pass\n", encoding="utf-8")
    port.edit("onnx: {", "onnx: {graph_step: 'python:surgery.py:step', ")
    with (
        pytest.raises(InputError, match="--onnx hands a file in, but the graph_step of port tiny"),
        open_run(handed(port, onnx=own(rename))),
    ):
        pass


# --- OM ------------------------------------------------------------------------------------------------------------


def test_oms_made_elsewhere_are_what_is_judged(
    port: TinyPort, made: tuple[TinyPort, Path, dict[int, Path]], tmp_path: Path
) -> None:
    (tmp_path / "oms").mkdir()
    for batch, path in made[2].items():
        shutil.copyfile(path, tmp_path / "oms" / f"model{9 - batch}.om")
    record = whole(handed(port, om=tmp_path / "oms"))
    assert failed(record) == {}
    assert [(file.name, file.file) for file in record.handed_in] == [("om_bs1", "model8.om"), ("om_bs4", "model5.om")]
    assert not [command for command in record.commands if command.folder.startswith("logs/atc")]
    said = next(line for line in record.verdict.remarks if line.startswith("handed in, not made by the suite"))
    assert "om_bs1 (model8.om, sha256" in said
    assert "om_bs4 (model5.om, sha256" in said
    check = next(result.check for result in record.gates if result.id == OM_COMPILED.at(4))
    assert check.measured == "model5.om, handed in"


@pytest.mark.nightly  # four whole runs
def test_the_suites_own_oms_handed_in_over_one_cache_leave_evidence_that_holds(port: TinyPort) -> None:
    """What is kept of runs of the same bytes under another name speaks of that name."""
    with open_run(options(port)) as run:
        oms = [run.om.om(batch).path for batch in port.spec.batches]
    assert whole(options(port)).handed_in == ()
    record = whole(handed(port, om=",".join(map(str, oms))))
    assert [file.name for file in record.handed_in] == ["om_bs1", "om_bs4"]
    assert whole(options(port)).handed_in == ()


@pytest.mark.parametrize(
    ("batches", "asked", "said"),
    [
        ((1,), 4, "no OM of batch size 4"),
        ((1, 4, 8), 1, "bs8.om of batch size 8, which is none of the port's"),
        ((1, 4, 4), 1, "both of batch size 4"),
    ],
)
def test_the_oms_are_held_against_the_port_as_a_set(
    batches: tuple[int, ...],
    asked: int,
    said: str,
    port: TinyPort,
    made: tuple[TinyPort, Path, dict[int, Path]],
    tmp_path: Path,
) -> None:
    oms = dict(made[2])
    if 8 in batches:
        port.edit("batches: [1, 4]", "batches: [1, 4, 8]")
        with open_run(options(port)) as run:
            oms[8] = run.om.om(8).path
        port.edit("batches: [1, 4, 8]", "batches: [1, 4]")
    paths = [tmp_path / f"{place}_bs{batch}.om" for place, batch in enumerate(batches)]
    for batch, path in zip(batches, paths, strict=True):
        shutil.copyfile(oms[batch], path)
    with open_run(handed(port, om=",".join(map(str, paths)))) as run, pytest.raises(OmError, match=said) as caught:
        run.judge(OM_COMPILED.at(asked))
    assert caught.value.gate == OM_COMPILED.at(asked)


def test_an_om_made_with_flags_that_the_port_does_not_state_is_told(port: TinyPort) -> None:
    port.edit("batches: [1, 4]", "om: {atc_extra_args: ['--precision_mode=force_fp32']}\n  batches: [1]")
    with open_run(options(port)) as run:
        path = run.om.om(1).path
    with open_run(handed(port, om=path)) as run:
        assert run.judge(OM_DESCRIBED.at(1)).verdict is Verdict.PASS
    port.edit("om: {atc_extra_args: ['--precision_mode=force_fp32']}\n", "om: {}\n")
    with open_run(handed(port, om=path)) as run:
        assert "made with --precision_mode=force_fp32, which the port does not state" in red(run, OM_DESCRIBED.at(1))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\n", "it is a pointer of git-lfs"),
        (b"", "it is empty"),
    ],
)
def test_what_is_no_om_is_refused_in_one_line(content: bytes, said: str, port: TinyPort, tmp_path: Path) -> None:
    (tmp_path / "mine.om").write_bytes(content)
    with open_run(handed(port, om=tmp_path / "mine.om")) as run, pytest.raises(OmError, match=said):
        run.judge(OM_COMPILED.at(1))


def test_an_om_that_is_no_regular_file_is_not_waited_for(port: TinyPort, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.om")
    (tmp_path / "folder.om").mkdir()
    kept_open = os.open(tmp_path / "pipe.om", os.O_RDWR)
    os.write(kept_open, b"IMOD" + bytes(5000))  # what waits for the pipe gets something and goes on
    for given in (tmp_path / "pipe.om", Path("/dev/zero"), tmp_path):
        with (
            open_run(handed(port, om=given)) as run,
            pytest.raises(OmError, match="was handed in: it is no regular file"),
        ):
            run.judge(OM_COMPILED.at(1))
    os.close(kept_open)


def test_a_node_that_atc_does_not_know_matters_to_no_om_that_is_handed_in(
    port: TinyPort, own: Callable[[Edit], Path], made: tuple[TinyPort, Path, dict[int, Path]]
) -> None:

    def unknown(model: onnx.ModelProto) -> None:
        node = next(node for node in model.graph.node if node.op_type == "Relu")
        node.op_type = "QuantizeLinear"

    path = own(unknown)
    with open_run(handed(port, onnx=path)) as run:
        assert "QuantizeLinear" in red(run, ONNX_OPERATORS)
    with open_run(handed(port, onnx=path, om=",".join(map(str, made[2].values())))) as run:
        check = run.judge(ONNX_OPERATORS)
        assert check.verdict is Verdict.NOT_JUDGED
        assert check.detail.startswith("OMs were handed in, atc need not read this file: ")


def test_a_folder_without_oms_and_a_file_twice_are_mistakes(port: TinyPort, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.om").write_bytes(b"IMOD")
    for given, said in (("empty", "a folder without any .om file"), (f"a.om,{tmp_path}/a.om", "names a file twice")):
        with pytest.raises(SuiteError, match=said), open_run(handed(port, om=tmp_path / given)):
            pass


# --- What a bundle says of them ------------------------------------------------------------------------------------


def test_a_record_of_a_file_that_nobody_handed_in_does_not_hold(
    port: TinyPort, own: Callable[[Edit], Path], tmp_path: Path
) -> None:
    import json

    from tools.evidence.manifest import write_manifest

    with open_run(handed(port, onnx=own(rename))) as run:
        for gate in (ONNX_EXPORT, ONNX_WEIGHTS):
            run.answers(gate)
        run.publish()
    bundle = tmp_path / "evidence"
    record = json.loads((bundle / "acceptance.json").read_text(encoding="utf-8"))
    for changed, said in (
        ({"sha256": "0" * 64}, "another file than onnx of the digests"),
        ({"name": "onnx_bs7"}, "'onnx_bs7' is no file that this run rests on"),
        ({"kept": "spec.json"}, "'spec.json' is not onnx of the digests"),
    ):
        other = {**record, "handed_in": [{**record["handed_in"][0], **changed}]}
        (bundle / "acceptance.json").write_text(json.dumps(other), encoding="utf-8")
        write_manifest(bundle)
        outcome = verify([("bundle", partial(open_files, bundle))], None)
        assert outcome.status == REFUSED
        assert said in outcome.text, outcome.text


# --- int8 ----------------------------------------------------------------------------------------------------------

INT8 = "arithmetic: int8, handed_in: {weights_differ: ['*'], reason: quantised by min and max}"


@pytest.fixture
def qdq(port: TinyPort, made: tuple[TinyPort, Path, dict[int, Path]], tmp_path: Path) -> Path:
    """The quantised file of a port that says so."""
    port.edit("onnx: {", f"onnx: {{{INT8}, ")
    return quantised(made[1], port, tmp_path / "int8.onnx")


def test_an_int8_port_is_green_by_its_own_bounds_and_said(port: TinyPort, qdq: Path, tmp_path: Path) -> None:
    plain = in_plain_operators(qdq, tmp_path / "plain.onnx")
    with open_run(handed(port, onnx=plain)) as run:
        assert run.judge(ONNX_OPERATORS).verdict is Verdict.PASS
        oms = ",".join(str(run.om.om(batch).path) for batch in port.spec.batches)
    record = whole(handed(port, onnx=qdq, om=oms))
    assert failed(record) == {}
    said = [line for line in record.verdict.remarks if line.startswith("int8: ")]
    assert said == ["int8: the ONNX file and the OMs against the float checkpoint, by the bounds of agreement.int8"]
    assert [result.id for result in record.gates if result.check.verdict is Verdict.NOT_JUDGED][:1] == [ONNX_OPERATORS]


def test_a_quantised_file_is_computed_as_it_says_on_every_cpu(
    port: TinyPort, made: tuple[TinyPort, Path, dict[int, Path]], qdq: Path, tmp_path: Path
) -> None:
    """Integer kernels saturate where a CPU has no VNNI, and round otherwise where it has."""
    plain, recipe = in_plain_operators(qdq, tmp_path / "plain.onnx"), port.spec.preprocessing
    images = np.random.default_rng(3).normal(0, 2, (16, 3, *recipe.size)).astype(np.float32)
    asked = port.spec.onnx
    ours, expected = (OnnxEngine(path, asked).logits(images) for path in (qdq, plain))
    assert float(np.abs(ours - expected).max()) < 1e-4
    assert float(np.abs(ours - OnnxEngine(made[1], asked).logits(images)).max()) > 1e-2


def test_quantise_linear_is_refused_as_atc_refuses_it(port: TinyPort, qdq: Path) -> None:
    with open_run(handed(port, onnx=qdq)) as run:
        assert "DequantizeLinear: registered at no opset" in red(run, ONNX_OPERATORS)


def test_a_wrong_scale_is_red(port: TinyPort, qdq: Path) -> None:
    with_other_scale(qdq, "head.weight_scale", 1.25)
    with open_run(handed(port, onnx=qdq)) as run:
        assert "slope" in red(run, "onnx.accuracy.slope_error")


def test_int8_that_nobody_has_handed_in_is_a_mistake(port: TinyPort) -> None:
    port.edit("onnx: {", "onnx: {arithmetic: int8, ")
    with pytest.raises(InputError, match="port tiny says arithmetic: int8, and nothing"), open_run(options(port)):
        pass
