"""What a profile says of an OM, value by value: executions, what is strange, the words and lines of it.
The tables that it is read from are in selftest/judge/test_op_tables.py."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tools.judge.op_profile import (
    EXECUTIONS,
    NodeName,
    OperatorProfile,
    OperatorTime,
    hot_words,
    operator_lines,
    operator_profile,
    profile_check,
)
from tools.judge.results import Check, Verdict
from tools.judge.texts.op_summary import ProfileTextError

HEAD = "Op Name,OP Type,Task Type,Task Duration(us),Input Shapes,Input Formats\n"
NODES = (NodeName("/c/Conv", "Conv"), NodeName("/g/Gemm", "Gemm"), NodeName("/r/Relu", "Relu"), NodeName("", "Conv"))
CONV = '/c/Conv/r/Relu,Conv2D,AI_CORE,27.5,"4,3,8,8;7,3,1,1",NCHW;NCHW\n'
GEMM = '/g/Gemm,MatMulV2,AI_CORE,41.0,"4,9216",ND\n'
SOURCE = "a profile of another OM, or of a part of one, blames the wrong operators"


def profiled(*rows: str, nodes: tuple[NodeName, ...] = NODES, batch: int = 4) -> OperatorProfile:
    """The profile of an OM of which each execution has these rows."""
    return operator_profile({"op_summary_1.csv": HEAD + "".join(rows) * EXECUTIONS}, nodes, batch=batch, device=3)


def refusal(rows: str, name: str = "op_summary_1.csv", **more: str) -> str:
    """What is said of a table that is refused."""
    with pytest.raises(ProfileTextError) as caught:
        operator_profile({name: HEAD + rows, **more}, NODES, batch=4, device=0)
    return str(caught.value)


def test_each_value_of_a_profile() -> None:
    assert EXECUTIONS == 5
    assert profiled(CONV, GEMM) == OperatorProfile(
        batch=4,
        device=3,
        source="op_summary",
        files=("op_summary_1.csv",),
        executions=5,
        unmeasured=0,
        known_nodes=3,
        operators=(
            OperatorTime("MatMulV2", "/g/Gemm", "AI_CORE", 5, 205.0, "4,9216", ("/g/Gemm",), ("g",)),
            OperatorTime(
                "Conv2D", "/c/Conv/r/Relu", "AI_CORE", 5, 137.5, "4,3,8,8;7,3,1,1", ("/c/Conv", "/r/Relu"), ("c", "r")
            ),
        ),
        strange=(),
    )


def test_operators_of_one_time_stand_by_name_and_by_type() -> None:
    rows = [f"{name},{kind},AI_CORE,1,,\n" for name, kind in (("b", "X"), ("a", "Z"), ("a", "Y"), ("c", "X"))]
    found = profiled(*rows, nodes=())
    assert [(entry.name, entry.kind) for entry in found.operators] == [("a", "Y"), ("a", "Z"), ("b", "X"), ("c", "X")]
    assert list(found.kinds) == ["X", "Y", "Z"]
    assert list(profiled("a,Z,AI_CORE,1,,\n", "b,Y,AI_CORE,1,,\n", nodes=()).kinds) == ["Y", "Z"]


def test_a_layer_is_a_module_else_a_node_else_the_operators_own_name() -> None:
    entry = OperatorTime("K", "name", "", 1, 1.0, "", ("node",), ("module",))
    layers = [entry, replace(entry, modules=()), replace(entry, modules=(), nodes=())]
    assert [one.layer for one in layers] == ["module", "node", "name"]
    assert replace(layers[-1], name="").layer == ""
    found = replace(profiled(CONV, GEMM), operators=(*layers, entry, replace(layers[-1], name="")))
    assert found.layers("K") == ("module", "node", "name")
    assert found.layers("L") == ()


def test_shares_are_of_all_time() -> None:
    found = profiled(CONV, GEMM)
    assert (found.total_us, found.percent(34.25)) == (342.5, 10.0)
    assert replace(found, operators=()).percent(1.0) == 0.0
    tiny = replace(found, operators=(replace(found.operators[0], total_us=0.5),))
    assert tiny.percent(0.5) == 100.0


# --- Executions ----------------------------------------------------------------------------------------------------

EACH = "each at least 5 times, and equally often"


def test_each_operator_is_executed_as_often_as_the_om_or_a_multiple_of_it() -> None:
    assert profiled(CONV, GEMM, GEMM).executions == 5
    few = "cut short: not every operator was executed as often as the OM"
    conv, gemm = "/c/Conv/r/Relu", "/g/Gemm"
    assert refusal(CONV * 5 + GEMM * 6) == f"{few}; found {conv} 5 times, {gemm} 6; allowed {EACH}"
    assert refusal(CONV * 12 + GEMM * 5) == f"{few}; found {gemm} 5 times, {conv} 12; allowed {EACH}"
    assert refusal(CONV * 4 + GEMM * 4) == f"{few}; found {conv} 4 times; allowed {EACH}"


def test_tables_of_the_older_form_say_how_often() -> None:
    files = {f"op_summary_0_1_{number}.csv": HEAD + CONV + GEMM for number in (1, 2)}
    assert operator_profile(files, NODES, batch=4, device=0).executions == 2
    files["op_summary_0_1_2.csv"] = HEAD + CONV
    with pytest.raises(ProfileTextError, match="found /g/Gemm 1 times; allowed each at least 2 times, and equally"):
        operator_profile(files, NODES, batch=4, device=0)


# --- What is of another OM -----------------------------------------------------------------------------------------


def strange(*rows: str, nodes: tuple[NodeName, ...] = NODES, batch: int = 4) -> tuple[str, ...]:
    """What is said to be of another OM."""
    return profiled(*rows, nodes=nodes, batch=batch).strange


def test_each_weighted_node_that_has_a_name_is_there() -> None:
    assert strange(GEMM) == ("no operator of Conv /c/Conv",)
    assert strange(CONV) == ("no operator of Gemm /g/Gemm",)
    assert strange(CONV, GEMM, nodes=(*NODES, NodeName("/m/MatMul", "MatMul"))) == (), "compilers fold others away"


@pytest.mark.parametrize("kind", ["Conv2D", "DepthwiseConv2D", "BatchMatMulV2", "GemmX", "FullyConnection", "MATMUL"])
def test_what_multiplies_matrices_is_of_a_node(kind: str) -> None:
    row = f"/x,{kind},AI_CORE,1,,\n"
    assert strange(CONV, GEMM, row) == (f"{kind} /x is of no node of the ONNX file",)
    assert strange(CONV, GEMM, "/x,Relu,AI_CORE,1,,\n") == ()


@pytest.mark.parametrize(
    ("shapes", "formats", "batch"),
    [
        ("16,3;4", "NCHW;ND", 16),
        ("16,3;4", " NHWC ;ND", 16),
        (" 16 ,1", "NC1HWC0", 16),
        ("16", "NCHW", 16),
        ("16;4,3", "NCHW;ND", 16),
        ("4,3;16", "NCHW;NCHW", None),
        ("16,3", "ND", None),
        ("16,3", "ND;NCHW", None),
        ("16,3", "", None),
        ("", "NCHW", None),
        ("x,3", "NCHW", None),
        ("²,3", "NCHW", None),
        ("1234567890,3", "NCHW", None),
        ("123456789,3", "NCHW", 123456789),
    ],
)
def test_the_first_input_of_a_convolution_shows_the_batch(shapes: str, formats: str, batch: int | None) -> None:
    row = f'/c/Conv,Conv2D,AI_CORE,27.5,"{shapes}",{formats}\n'
    said = () if batch is None else (f"Conv2D /c/Conv has a batch of {batch}, not 4",)
    assert strange(row, GEMM) == said
    other = f'/c/Conv,Relu,AI_CORE,1,"{shapes}",{formats}\n'
    assert strange(other, GEMM) == (), "no other type shows it there"


def test_types_alone_are_of_no_om_that_anybody_can_tell() -> None:
    found = operator_profile(
        {"op_statistic_1.csv": "OP Type,Count,Total Time(us)\nConv2D,3,1\n"}, NODES, batch=4, device=0
    )
    assert (found.executions, found.strange, found.known_nodes) == (None, (), 3)
    assert profile_check(found) == Check(
        measured="-",
        threshold="== 0",
        unit="operators",
        verdict=Verdict.INCONCLUSIVE,
        detail="op_statistic_1.csv names types alone: of which OM they are nobody can tell",
        source=SOURCE,
    )
    two = profile_check(replace(found, files=("a", "b")))
    assert two.detail.startswith("a, b names types alone")


def test_the_answer_of_the_gate() -> None:
    assert profile_check(profiled(CONV, GEMM)) == Check(
        measured="0 of 2", threshold="== 0", unit="operators", verdict=Verdict.PASS, source=SOURCE
    )
    check = profile_check(profiled(CONV))
    assert (check.verdict, check.measured, check.detail) == (Verdict.FAIL, "1 of 1", "no operator of Gemm /g/Gemm")
    assert profile_check(profiled(CONV, nodes=(NodeName("", "Conv"),))) == Check(
        measured="-",
        threshold="-",
        unit="operators",
        verdict=Verdict.NOT_JUDGED,
        detail="the names in the ONNX file of this OM are not known",
        source=SOURCE,
    )


# --- In words ------------------------------------------------------------------------------------------------------


def test_the_longest_types_are_said_with_the_layers_that_run_them() -> None:
    entries = [OperatorTime("Conv2D", f"c{place}", "", 1, 10.0 - place, "", (), ()) for place in range(5)]
    entries += [OperatorTime(kind, "", "", 1, time, "", (), ()) for kind, time in (("A", 30), ("B", 20), ("C", 10))]
    found = replace(profiled(CONV, GEMM), operators=tuple(entries))
    assert hot_words(found) == "Conv2D 40 % (c0, c1, c2, 2 more), A 30 %, B 20 %"
    fewer = replace(found, operators=tuple(entries[:3]))
    assert hot_words(fewer) == "Conv2D 100 % (c0, c1, c2)"


def test_the_longest_operators_are_a_line_each() -> None:
    entries = [OperatorTime("K", f"o{place}", "", 1, 10.0, "4,3" if place else "", (), ()) for place in range(6)]
    lines = operator_lines(replace(profiled(CONV, GEMM), operators=tuple(entries)))
    assert lines == ["16.7 % K o0", *(f"16.7 % K o{place}, inputs 4,3" for place in range(1, 5))]
