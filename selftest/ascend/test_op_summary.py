"""The profiler's tables and what follows from them: whole, found by header words, of this OM, back to its layers."""

from __future__ import annotations

import dataclasses

import pytest

from tools.judge.op_names import module_of, onnx_nodes
from tools.judge.op_profile import (
    EXECUTIONS,
    NodeName,
    OperatorProfile,
    hot_words,
    operator_lines,
    operator_profile,
    profile_check,
)
from tools.judge.results import Verdict
from tools.judge.texts.op_summary import ProfileTextError, read_tables

CONV, RELU, FIRST, SECOND = (
    *("/features/features.0/Conv", "/features/features.1/Relu"),
    *("/classifier/classifier.1/Gemm", "/classifier/classifier.4/Gemm"),
)
NODES = tuple(NodeName(name, name.rpartition("/")[2]) for name in (CONV, RELU, "/Flatten", FIRST, SECOND))
HEADER = "Device_id,Model ID,Op Name,OP Type,Task Type,Task Start Time(us),Task Duration(us),Input Shapes,Input Formats"
OPERATORS = (
    ("trans_TransData_0", "TransData", 2.0, "4,3,8,8", "NCHW"),
    (CONV + RELU, "Conv2D", 27.0, "4,1,8,8,16;4,49,16,16", "NC1HWC0;FRACTAL_Z"),
    (f"PartitionedCall_{FIRST}_MatMulV2_3", "MatMulV2", 41.0, "4,9216;4096,9216", "ND;ND"),
    (f"PartitionedCall_{SECOND}_add_4", "MatMulV2", 20.0, "4,4096;4096,4096", "ND;ND"),
)
STATISTIC = "Device_id,OP Type,Core Type,Count,Total Time(us)\n" + "".join(
    f"0,{kind},AI_CORE,{count},{total:.3f}\n"
    for kind, count, total in (("MatMulV2", 10, 305.0), ("Conv2D", 5, 135.0), ("TransData", 5, 10.0))
)


def row(name: str, kind: str, duration: float | str, shapes: str, form: str, *, model: int = 1) -> str:
    said = duration if isinstance(duration, str) else f"{duration:.3f}"
    return f'0,{model},{name},{kind},AI_CORE,17.25\t,{said},"""{shapes}""",{form}\n'


def summary(executions: int = EXECUTIONS, header: str = HEADER) -> str:
    return f"{header}\n" + "".join(row(*operator) for _ in range(executions) for operator in OPERATORS)


def profiled(text: str, *, name: str = "op_summary_20260101120000.csv", batch: int = 4) -> OperatorProfile:
    return operator_profile({name: text}, NODES, batch=batch, device=0)


def test_types_by_share_of_time_with_the_layers_that_run_them() -> None:
    found = profiled(summary())
    matrix = "MatMulV2 68 % (classifier.1, classifier.4), Conv2D 30 % (features.0)"
    assert hot_words(found) == f"{matrix}, TransData 2 % (trans_TransData_0)"
    assert operator_lines(found)[0] == "45.6 % MatMulV2 classifier.1, inputs 4,9216;4096,9216"
    assert (found.executions, found.unmeasured, found.strange) == (EXECUTIONS, 0, ())
    assert profile_check(found).verdict is Verdict.PASS
    assert [entry.nodes for entry in found.operators] == [(FIRST,), (CONV, RELU), (SECOND,), ()]


def test_columns_are_found_by_their_words_wherever_they_stand() -> None:
    order = [6, 3, 2, 8, 7]
    lines = [HEADER.split(",")] + [
        ["0", "1", name, kind, "AI_CORE", "1", f"{us}", f'"{shapes}"', form]
        for _ in range(EXECUTIONS)
        for name, kind, us, shapes, form in OPERATORS
    ]
    text = "".join(",".join(line[place] for place in order) + "\n" for line in lines)
    assert profiled(text).kinds == profiled(summary()).kinds


def test_both_tables_count_the_same_tasks_and_the_same_time() -> None:
    files = {"op_summary_20260101120000.csv": summary(), "op_statistic_20260101120000.csv": STATISTIC}
    assert read_tables(files).source == "op_summary"
    lost = {**files, "op_summary_20260101120000.csv": summary(EXECUTIONS - 1)}
    with pytest.raises(ProfileTextError, match=r"tasks of Conv2D were lost.*found 4; allowed 5"):
        read_tables(lost)
    other = {**files, "op_statistic_20260101120000.csv": STATISTIC.replace("135.000", "135.100")}
    with pytest.raises(ProfileTextError, match="durations of Conv2D do not add up"):
        read_tables(other)


@pytest.mark.parametrize("characters", [1, 40, 400, 900])
def test_a_table_cut_anywhere_is_refused(characters: int) -> None:
    with pytest.raises(ProfileTextError):
        profiled(summary()[:-characters])


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5])
def test_a_table_cut_between_rows_is_refused(rows: int) -> None:
    text = "".join(summary().splitlines(keepends=True)[:-rows])
    with pytest.raises(ProfileTextError, match="cut short: not every operator was executed as often"):
        profiled(text)


def test_a_warm_up_is_an_execution_too() -> None:
    assert profiled(summary(EXECUTIONS + 1)).executions == EXECUTIONS + 1


def test_another_network_is_strange() -> None:
    text = summary().replace("features.0", "layer1.0").replace("classifier.4", "fc")
    found = profile_check(profiled(text))
    assert found.verdict is Verdict.FAIL
    assert f"no operator of Conv {CONV}" in found.detail
    deeper = summary() + "".join(row("/layer9/Conv", "Conv2D", 3.0, "4,1,8,8,16", "NC1HWC0") for _ in range(EXECUTIONS))
    assert profiled(deeper).strange == ("Conv2D /layer9/Conv is of no node of the ONNX file",)


def test_another_batch_size_is_strange() -> None:
    assert profiled(summary(), batch=16).strange == (f"Conv2D {CONV}{RELU} has a batch of 4, not 16",)


def test_durations_that_are_not_told_are_counted() -> None:
    text = summary().replace(row(*OPERATORS[0]), row("trans_TransData_0", "TransData", "N/A", "N/A", "N/A"))
    found = profiled(text)
    assert (found.unmeasured, found.kinds["TransData"]) == (EXECUTIONS, 0.0)
    with pytest.raises(ProfileTextError, match="no task has a duration"):
        profiled(f"{HEADER}\n" + row(CONV, "Conv2D", "N/A", "N/A", "N/A"))


@pytest.mark.parametrize("bad", ["nan", "-1", "inf", "1_0", "0x1", "quick", "1e999", "1e300"])
def test_a_duration_that_is_no_number_is_refused(bad: str) -> None:
    with pytest.raises(ProfileTextError, match="is no duration"):
        profiled(f"{HEADER}\n" + row(CONV, "Conv2D", bad, "4,1", "NC1HWC0"))


def test_rows_of_two_models_or_two_devices_are_refused() -> None:
    with pytest.raises(ProfileTextError, match="rows of several: Model ID 1, 2"):
        profiled(summary() + row(CONV, "Conv2D", 1.0, "4,1", "NC1HWC0", model=2))
    with pytest.raises(ProfileTextError, match="rows of several: Device_id 0, 3"):
        profiled(summary() + row(CONV, "Conv2D", 1.0, "4,1", "NC1HWC0").replace("0,", "3,", 1))


@pytest.mark.parametrize("name", ["op_summary_{}_slice_{}.csv", "op_summary_slice_{1}_{0}.csv"])
def test_parts_are_put_together_and_one_that_is_missing_is_told(name: str) -> None:
    lines = summary().splitlines(keepends=True)
    parts = {name.format(7, 0): "".join(lines[:9]), name.format(7, 1): lines[0] + "".join(lines[9:])}
    whole = operator_profile(parts, NODES, batch=4, device=0)
    assert whole.kinds == profiled(summary()).kinds
    assert len(whole.files) == len(parts)
    with pytest.raises(ProfileTextError, match="parts of op_summary are missing"):
        read_tables({name.format(7, 0): summary(), name.format(7, 2): summary()})


def test_the_newest_of_several_exports_counts() -> None:
    files = {"op_summary_20250101000000.csv": "cut", "op_summary_20260101000000.csv": summary()}
    assert read_tables(files).files == ("op_summary_20260101000000.csv",)


def test_the_older_form_has_a_table_for_each_execution() -> None:
    files = {f"op_summary_0_1_{number}.csv": summary(1) for number in (1, 2, 10)}
    found = operator_profile(files, NODES, batch=4, device=0)
    assert (found.executions, found.files[-1]) == (3, "op_summary_0_1_10.csv")
    assert operator_profile({"op_summary_0_1.csv": summary(1)}, NODES, batch=4, device=0).executions == 1


def test_types_alone_name_operators_and_no_om() -> None:
    found = operator_profile({"op_statistic_1.csv": STATISTIC}, NODES, batch=4, device=0)
    assert hot_words(found) == "MatMulV2 68 %, Conv2D 30 %, TransData 2 %"
    assert profile_check(found).verdict is Verdict.INCONCLUSIVE


def test_nothing_of_a_profiler_is_refused() -> None:
    with pytest.raises(ProfileTextError, match=r"wrote neither op_summary_\*.csv nor op_statistic_\*.csv"):
        read_tables({"api_statistic_1.csv": "x\n", "notes.csv": ""})


@pytest.mark.parametrize(
    ("name", "nodes"),
    [
        ("LeakyRelu_54", ("LeakyRelu_54",)),
        ("PartitionedCall_Conv_112_Conv2D_32", ("Conv_112",)),
        ("PartitionedCall_/fc/Gemm_add_4", ("/fc/Gemm",)),
        ("trans_TransData_12", ()),
        ("Div_331Mul_333Add_335", ("Div_331", "Mul_333", "Add_335")),
        ("Div_331Mul_333unheard_of", ()),
        ("Conv_1Conv_112", ("Conv_1", "Conv_112")),
        ("x" * 100_000, ()),
    ],
)
def test_names_lead_back_to_nodes(name: str, nodes: tuple[str, ...]) -> None:
    known = ("LeakyRelu_54", "Conv_112", "Conv_1", "/fc/Gemm", "Div_331", "Mul_333", "Add_335")
    assert onnx_nodes(name, known) == nodes


@pytest.mark.parametrize(
    ("name", "known", "nodes"),
    [
        ("trans_Cast_5", ("trans",), ()),
        ("ab", ("a", "b"), ("a", "b")),
        ("ab", ("a", "b", "ab"), ("ab",)),
        ("abcd", ("a", "b", "cd", "abc", "d"), ("abc", "d")),
        ("abcx", ("a", "bc", "ab", "c", "x"), ("a", "bc", "x")),
        ("ab" * 2000, ("ab", "abc"), ("ab",) * 2000),
        ("ab" * 1999 + "abc", ("ab", "abc"), ()),
    ],
    ids=["inserted", "short", "whole", "fewest", "longest last", "as long as is taken apart", "longer"],
)
def test_a_fused_name_is_of_as_few_nodes_as_may_be(name: str, known: tuple[str, ...], nodes: tuple[str, ...]) -> None:
    assert onnx_nodes(name, known) == nodes


@pytest.mark.parametrize(
    ("node", "module"),
    [
        ("/features/features.0/Conv", "features.0"),
        ("/layer1/layer1.0/downsample/downsample.0/Conv", "layer1.0.downsample.0"),
        ("/layer1/layer1.0/conv1/Conv", "layer1.0.conv1"),
        ("/fc/Gemm", "fc"),
        ("/Flatten", ""),
        ("Conv_112", ""),
    ],
)
def test_nodes_lead_back_to_modules(node: str, module: str) -> None:
    assert module_of(node) == module


def test_a_profile_without_any_time_has_no_shares() -> None:
    found = profiled(summary())
    still = dataclasses.replace(found, operators=tuple(dataclasses.replace(o, total_us=0.0) for o in found.operators))
    assert "0 %" in hot_words(still)


def test_an_om_of_which_nobody_knows_the_nodes_is_not_judged() -> None:
    found = operator_profile({"op_summary_1.csv": summary()}, (), batch=4, device=0)
    assert (profile_check(found).verdict, found.strange) == (Verdict.NOT_JUDGED, ())
    assert hot_words(found).startswith("MatMulV2 68 %")
