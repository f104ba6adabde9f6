"""Will atc read this ONNX file: the command, and what the gate onnx.operators judges by."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tools.base.errors import OnnxError
from tools.base.files import ROOT
from tools.judge.operators import Coverage, OperatorFacts
from tools.judge.results import Check, Verdict
from tools.judge.stages.onnx import GATES
from tools.model.operators import operator_facts, registered

JUDGE = next(gate.judge for gate in GATES if gate.id == "onnx.operators")
Node = tuple[str, str]
"""Name and operator, as `/features/0/Relu`, `com.mine::Sobel`."""
PLAIN: Sequence[Node] = (("/features/0/Relu", "Relu"), ("/head/Flatten", "Flatten"))


def onnx_file(folder: Path, nodes: Sequence[Node] = PLAIN, opset: int = 11, inside: bool = False) -> Path:
    """A chain of nodes without attributes, `inside` an If's branch or plain."""
    import onnx
    from onnx import helper

    made, last = [], "image"
    for place, (name, operator) in enumerate(nodes):
        domain, _, kind = operator.rpartition("::")
        made.append(helper.make_node(kind, [last], [f"made{place}"], name, domain=domain))
        last = f"made{place}"
    graph = helper.make_graph(
        made,
        "main",
        [helper.make_tensor_value_info("image", 1, [1, 4])],
        [helper.make_tensor_value_info(last, 1, [1, 4])],
    )
    if inside:
        node = helper.make_node("If", ["image"], ["out"], "/choose", then_branch=graph, else_branch=graph)
        graph = helper.make_graph([node], "outer", list(graph.input), [helper.make_tensor_value_info("out", 1, [1, 4])])
    domains = {operator.rpartition("::")[0] for _, operator in nodes} - {""}
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in sorted(domains))]
    path = folder / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets), str(path))
    return path


class Evidence:
    """Evidence of which only the operators are known."""

    def __init__(self, facts: OperatorFacts) -> None:
        self.facts = facts

    def operators(self) -> OperatorFacts:
        """See tools/judge/evidence.py."""
        return self.facts


def judged(path: Path, version: str = "9.1") -> Check:
    """The gate's answer to a file."""
    return JUDGE(Evidence(operator_facts(path, version)), 0)  # type: ignore[arg-type]


def check_onnx(*words: object) -> subprocess.CompletedProcess[str]:
    """The command."""
    script = [sys.executable, str(ROOT / "tools" / "check_onnx.py"), *map(str, words)]
    return subprocess.run(script, capture_output=True, text=True, check=False, cwd="/")


def test_a_file_that_atc_parses(tmp_path: Path) -> None:
    assert judged(onnx_file(tmp_path)).verdict is Verdict.PASS
    done = check_onnx(onnx_file(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert "model.onnx: ai.onnx 11, 2 nodes\n  input image float32 [1, 4]\n" in done.stdout
    assert "atc's parser knows every node: CANN 9.1" in done.stdout


def test_an_opset_too_new_names_every_node_and_the_opsets_that_do(tmp_path: Path) -> None:
    path = onnx_file(tmp_path, opset=20)
    check = judged(path)
    assert (check.verdict, check.measured) == (Verdict.FAIL, "2 of 2")
    assert check.detail.startswith("/features/0/Relu (ai.onnx::20::Relu: registered at opset 8 to 18), /head/Flatten")
    assert check.source.endswith("; opset that would do: 8 to 18")
    done = check_onnx(path)
    assert done.returncode == 1
    assert "  ai.onnx::20::Relu: registered at opset 8 to 18; 1 node, the first /features/0/Relu\n" in done.stdout
    assert done.stdout.endswith("register; opset that would do: 8 to 18\n")


def test_an_operator_that_came_with_a_later_opset(tmp_path: Path) -> None:
    nodes = [*PLAIN, ("/norm/LayerNormalization", "LayerNormalization")]
    check = judged(onnx_file(tmp_path, nodes))
    assert check.verdict is Verdict.FAIL
    assert check.detail == "/norm/LayerNormalization (ai.onnx::11::LayerNormalization: registered at opset 17, 18)"
    assert check.source.endswith("; opset that would do: 17, 18")


def test_an_operator_of_onnx_that_cann_has_no_parser_for(tmp_path: Path) -> None:
    check = judged(onnx_file(tmp_path, [("/q", "DynamicQuantizeLinear")]))
    assert (check.verdict, check.detail) == (
        Verdict.FAIL,
        "/q (ai.onnx::11::DynamicQuantizeLinear: registered at no opset)",
    )
    assert check.source.endswith("; opset that would do: none")


def test_a_node_of_a_branch_and_one_without_a_name_are_found(tmp_path: Path) -> None:
    check = judged(onnx_file(tmp_path, [("", "DynamicQuantizeLinear")], inside=True))
    assert check.detail.startswith("/choose > node 0, which makes made0 (ai.onnx::11::DynamicQuantizeLinear")


def test_a_plugin_of_ones_own_is_a_warning_and_no_pass(tmp_path: Path) -> None:
    path = onnx_file(tmp_path, [*PLAIN, ("/edge", "com.mine::Sobel")])
    check = judged(path)
    assert (check.verdict, check.hinders) == (Verdict.NOT_JUDGED, False)
    assert check.detail.endswith("need a plugin of one's own: /edge (com.mine::1::Sobel: registered at no opset)")
    done = check_onnx(path)
    assert done.returncode == 1
    assert "com.mine::1::Sobel: not registered, nor ONNX's: it needs a plugin of your own" in done.stdout
    assert "several domains: ai.onnx 11, com.mine 1; atc takes one (E16005)" in done.stdout


@pytest.mark.parametrize(
    ("version", "coverage", "opset", "verdict"),
    [
        ("5.0.1", Coverage.OLDER, 11, Verdict.PASS),
        ("5.0.1", Coverage.OLDER, 12, Verdict.FAIL),
        ("5.0.4.6", Coverage.OLDER, 13, Verdict.PASS),
        ("5.0.1", Coverage.OLDER, 10, Verdict.FAIL),
        ("6.0.1", Coverage.OLDER, 14, Verdict.FAIL),
        ("6.0.1", Coverage.OLDER, 9, Verdict.PASS),
        ("6.0.1", Coverage.OLDER, 8, Verdict.FAIL),
        ("7.0.0", Coverage.COVERED, 18, Verdict.PASS),
        ("8.0.RC2", Coverage.COVERED, 19, Verdict.FAIL),
        ("8.5.0", Coverage.COVERED, 18, Verdict.PASS),
        ("9.1.0", Coverage.COVERED, 7, Verdict.FAIL),
        ("9.2.0", Coverage.NEWER, 18, Verdict.PASS),
        ("10.0", Coverage.NEWER, 20, Verdict.NOT_JUDGED),
        ("20.2.rc1", Coverage.UNKNOWN, 11, Verdict.PASS),
        ("", Coverage.UNKNOWN, 18, Verdict.PASS),
        ("", Coverage.UNKNOWN, 20, Verdict.FAIL),
    ],
)
def test_releases(version: str, coverage: Coverage, opset: int, verdict: Verdict, tmp_path: Path) -> None:
    """What is not of this very release is never a silent pass: the facts have a remark for beside the verdict."""
    facts = operator_facts(onnx_file(tmp_path, opset=opset), version)
    assert (facts.coverage, facts.remark == "") == (coverage, coverage is Coverage.COVERED)
    assert JUDGE(Evidence(facts), 0).verdict is verdict  # type: ignore[arg-type]


def test_the_release_at_hand_is_asked_for(tmp_path: Path) -> None:
    done = check_onnx(onnx_file(tmp_path, opset=14), "--cann", "6.0.1")
    assert done.returncode == 1
    assert "ai.onnx::14::Relu: registered at opset 9 to 13;" in done.stdout


@pytest.mark.parametrize("content", [b"", b"no onnx", b"\x08\x06:\xff"])
def test_what_is_no_model_is_refused_in_one_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    done = check_onnx(path)
    assert done.returncode in (1, 2)  # no byte at all is an empty message of protobuf, which the checker refuses
    assert "Traceback" not in done.stdout + done.stderr


def test_arguments_are_refused_in_one_line(tmp_path: Path) -> None:
    done = check_onnx(onnx_file(tmp_path), "--cann", "newest")
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr
        == "error: --cann: not a CANN version that the table knows; found 'newest'; allowed such as 6.0.1, 8.0.RC2\n"
    )
    with pytest.raises(OnnxError, match="not a readable ONNX file"):
        operator_facts(tmp_path / "absent.onnx", "9.1")


def test_the_table_is_read_whole() -> None:
    """Rows of every kind, and the operators that people's networks are made of."""
    assert len(registered()) == 262
    assert registered()["ai.onnx::Conv"] == frozenset(range(8, 19))
    assert registered()["ai.onnx::Upsample"] == frozenset((8, 9, *range(11, 17)))
    assert {"Erf", "LayerNormalization", "HardSigmoid", "Resize", "Constant", "If", "Loop"} <= {
        name.partition("::")[2] for name in registered()
    }
