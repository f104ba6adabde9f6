"""Will atc read this ONNX file? Asked of any file, without port, toolkit or device: `python tools/check_onnx.py FILE`.

Exit status 0 when its parser knows every node, 1 when it refuses the file or nobody can say, 2 for an unreadable file.
"""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

if __package__ in (None, ""):  # run as a file: import the suite from the repository root, not from tools/
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from tools.base.interpreter import require

    require()

from tools.base.cli import EXIT_FAILED, EXIT_OK, Parser, run, say
from tools.base.errors import SuiteError
from tools.base.printable import one_line
from tools.judge.facts import OnnxFacts
from tools.judge.operators import Coverage, OperatorFacts, UnregisteredNode, release_of, spans
from tools.model.onnx_model import ACCEPTED, checker_facts, inspect_model
from tools.model.operators import TABLE_NAME, operator_facts

NEWEST = "9.1"


def main() -> int:
    """Print what the file is and whether atc's parser takes it."""
    parser = Parser(description="Say whether atc's parser knows every node of an ONNX file, and which opset would do.")
    parser.add_argument("file", metavar="FILE", type=Path, help="an ONNX file")
    parser.add_argument("--cann", default=NEWEST, metavar="VERSION", help="the CANN that will read it (default: 9.1)")
    asked = parser.parse_args()
    if release_of(asked.cann).coverage is Coverage.UNKNOWN:
        raise SuiteError(
            "not a CANN version that the table knows",
            where="--cann",
            measured=repr(asked.cann),
            allowed="such as 6.0.1, 8.0.RC2",
        )
    facts, found = inspect_model(asked.file), operator_facts(asked.file, asked.cann)
    refusals = [*_domains(facts), *_checker(asked.file), *_nodes(found.refused)]
    doubts = _nodes([node for node in found.unregistered if node not in found.refused])
    say(*_about(asked.file, facts, found), *refusals, *doubts, _answer(found, refusals))
    return EXIT_FAILED if refusals or doubts else EXIT_OK


def _about(path: Path, facts: OnnxFacts, found: OperatorFacts) -> list[str]:
    ends = [f"input {one_line(name)}" for name in facts.inputs] + [f"output {one_line(name)}" for name in facts.outputs]
    return [f"{path}: {', '.join(facts.opsets)}, {found.nodes} nodes", *(f"  {end}" for end in ends)]


def _domains(facts: OnnxFacts) -> list[str]:
    """Atc takes a model of one domain (E16005)."""
    several = ", ".join(facts.opsets)
    return [f"  several domains: {several}; atc takes one (E16005)"] if len(facts.opsets) > 1 else []


def _checker(path: Path) -> list[str]:
    answer = checker_facts(path).answer
    return [] if answer == ACCEPTED else [f"  onnx.checker: {one_line(answer)}"]


def _nodes(nodes: tuple[UnregisteredNode, ...] | list[UnregisteredNode]) -> list[str]:
    """A line an operator: how many nodes, and the path of the first."""
    lines = []
    for operator, group in groupby(sorted(nodes, key=lambda node: node.operator), key=lambda node: node.operator):
        same = list(group)
        known = f"registered at opset {spans(same[0].registered_at)}" if same[0].registered_at else "not registered"
        known += "" if same[0].standard or same[0].registered_at else ", nor ONNX's: it needs a plugin of your own"
        count = "1 node" if len(same) == 1 else f"{len(same)} nodes"
        lines.append(f"  {one_line(operator)}: {known}; {count}, the first {one_line(same[0].name)}")
    return lines


def _answer(found: OperatorFacts, refusals: list[str]) -> str:
    release = f"CANN {found.release}, by {TABLE_NAME}"
    doubt = f" ({found.coverage})" if found.coverage is not Coverage.COVERED else ""
    if refusals:
        would_do = f"; opset that would do: {spans(found.fitting_opsets) or 'none'}" if found.refused else ""
        return f"atc will refuse this file: {release}{doubt}{would_do}"
    if found.unregistered:
        return f"atc alone can tell: {release}{doubt}"
    return f"atc's parser knows every node: {release}{doubt}. Whether the chip compiles them, atc alone can tell"


if __name__ == "__main__":
    sys.exit(run(main))
