"""The words of the vendor's tools are read as the tools take them: every flag, the last of two, paths as file names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tools.judge.aipp import file_name
from tools.judge.atc_flags import by_name
from tools.judge.command_lines import Inference, atc_asked, atc_said, om_name, read_inference
from tools.ports.spec import PUBLISHED_SPEC, load_spec

SPEC = load_spec(PUBLISHED_SPEC)
AIS_BENCH = ["python3", "-m", "ais_bench"]
SHAPE = f"{SPEC.onnx.input.name}:4,3,224,224"


@pytest.mark.parametrize(
    ("argv", "asked"),
    [
        (
            [*AIS_BENCH, "--model", "/a/om_bs16.om", "--device", "1", "--batchsize", "16"],
            Inference("om_bs16", "1", "16"),
        ),
        ([*AIS_BENCH, "--model", "x.om", "--device", "0"], Inference("x", "0", None)),
        (AIS_BENCH, Inference("", "", None)),
        (["/a/msprof", "--application=python3 -m ais_bench --model /a/x.om --device 2"], Inference("x", "2", None)),
        (["msprof"], Inference("", "", "")),
        (["benchmark", "-om_path=/a/om_bs4.om", "-device_id=3", "-batch_size=4"], Inference("om_bs4", "3", "4")),
        (["benchmark", "-om_path=x.om", "-useDvpp=true"], Inference("x", "", "", decodes=True)),
        (["benchmark", "-om_path=x.om", "-useDvpp=false"], Inference("x", "", "")),
        (["-om_path=a.om", "-device_id=0"], Inference("", "0", "")),
        (["benchmark", "-m", "ais_bench"], Inference("", "", None)),
        (["benchmark"], Inference("", "", "")),
        (["benchmark", "-m", "x", "-om_path=/a/b.om"], Inference("b", "", "")),
    ],
)
def test_what_an_inference_tool_was_asked_to_run(argv: list[str], asked: Inference) -> None:
    assert read_inference(argv) == asked


def test_of_a_flag_given_twice_the_last_counts_and_its_value_may_hold_equals_signs() -> None:
    assert by_name(["--a=1", "--b", "--c=x=y", "--a=2"]) == {"--a": "2", "--b": "", "--c": "x=y"}


@pytest.mark.parametrize(
    ("path", "name"), [("/a.om/om_bs1.om", "om_bs1"), ("om_bs1", "om_bs1"), ("a.om.b", "a.om.b"), ("a.b.om", "a.b")]
)
def test_an_om_is_named_without_folder_and_suffix(path: str, name: str) -> None:
    assert om_name(path) == name


def test_what_atc_is_asked_for_follows_from_the_spec() -> None:
    own = {"--framework": "5", "--input_format": "NCHW", "--input_shape": SHAPE, "--output": "om_bs4"}
    extra = {name: value.rpartition("/")[2] for name, value in by_name(SPEC.om.atc_extra_args).items()}
    assert atc_asked(SPEC, 4, onnx=None, om="a/om_bs4.om", soc=None) == {**own, **extra}
    whole = {**own, "--model": "net.onnx", "--soc_version": "Ascend310", **extra}
    assert atc_asked(SPEC, 4, onnx="b/net.onnx", om="om_bs4.om", soc="Ascend310") == whole


def test_the_aipp_file_is_asked_for_by_what_it_holds() -> None:
    asked = atc_asked(SPEC, 4, onnx=None, om="x.om", soc=None, aipp="aipp_op {}")
    assert asked.pop("--insert_op_conf") == file_name("aipp_op {}")
    assert asked == atc_asked(SPEC, 4, onnx=None, om="x.om", soc=None)


def test_a_port_s_own_words_for_atc_are_asked_for_too() -> None:
    spec = replace(SPEC, om=replace(SPEC.om, atc_extra_args=("--op_precision_mode=op.ini", "--log=debug")))
    asked = atc_asked(spec, 4, onnx=None, om="x.om", soc=None)
    assert (asked["--op_precision_mode"], asked["--log"]) == ("op.ini", "debug")


def test_what_atc_was_asked_for_is_told_by_file_names_and_the_chip_by_its_one_name() -> None:
    argv = ["/bin/a=b", "--model=/x/net.onnx", "--output=y/om_bs4", f"--input_shape={SHAPE}", "--soc_version=310p3"]
    said = {"--model": "net.onnx", "--output": "om_bs4", "--input_shape": SHAPE}
    assert atc_said(argv) == {**said, "--soc_version": "Ascend310P3"}
    assert atc_said(argv[:-1]) == said
    assert atc_said([*argv, "--soc_version=no chip"]) == {**said, "--soc_version": "no chip"}


def test_an_input_whose_name_has_a_slash_is_asked_for_as_it_is_named() -> None:
    """A name such as /net/input is no folder: what was asked for by the spec is what was said."""
    named = replace(SPEC.onnx, input=replace(SPEC.onnx.input, name="net/input"))
    asked = atc_asked(replace(SPEC, onnx=named), 4, onnx=None, om="x.om", soc=None)
    assert asked["--input_shape"] == "net/input:4,3,224,224"
    assert atc_said(["atc", *(f"{name}={value}" for name, value in asked.items())]) == asked
