"""Where a chip spends its time: the vendor's profile of an OM, operator by operator, and whether it is of this OM."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.judge.checks import none_of, not_judged
from tools.judge.op_names import module_of, onnx_nodes
from tools.judge.results import Check, Verdict
from tools.judge.texts.op_summary import STATISTIC, ProfileTextError, Task, read_tables

EXECUTIONS = 5
"""How often a profiled run executes: enough to see an execution that is not whole; the tool may warm up beside it."""
WEIGHTED = ("Conv", "Gemm")
"""ONNX operators that every compiler keeps by name: each of their nodes is in the profile of its OM."""
MATRIX = ("conv", "matmul", "gemm", "fullyconnection")
"""How the chip's own types of such operators are called, in small letters, among other words."""
MOST_DIGITS = 10
BATCH_FIRST = ("NCHW", "NHWC", "NC1HWC0")
SOURCE = "a profile of another OM, or of a part of one, blames the wrong operators"
KINDS_SHOWN, LAYERS_SHOWN, OPERATORS_SHOWN = 3, 3, 5


@dataclass(frozen=True)
class NodeName:
    """A node of the ONNX file: its name, empty where it has none, and its operator."""

    name: str
    kind: str


@dataclass(frozen=True)
class OnnxNames:
    """The nodes of the ONNX file in their order, for the names of operators to be held against."""

    nodes: tuple[NodeName, ...]


@dataclass(frozen=True)
class OperatorTime:
    """One operator of the OM over all executions: its type on the chip, its name, the core that ran it, how many tasks,
    microseconds, the shapes of its inputs as the profiler prints them; of which ONNX nodes and modules it was made."""

    kind: str
    name: str
    core: str
    count: int
    total_us: float
    shapes: str
    nodes: tuple[str, ...]
    modules: tuple[str, ...]

    @property
    def layer(self) -> str:
        """The module, else the node, else the operator's own name."""
        return (*self.modules, *self.nodes, self.name)[0]


@dataclass(frozen=True)
class OperatorProfile:
    """The profile of one batch size on one device: `operators` with the longest first, `source` the table they are from
    (op_summary, or op_statistic, which knows types alone) and its `files`.

    `executions` is None where the table does not tell; `unmeasured` counts tasks without a duration;
    `known_nodes` the names of ONNX nodes that operators were held against. `strange` says
    what is not of this OM: nodes that are not there, operators of no node, shapes of another batch size.
    """

    batch: int
    device: int
    source: str
    files: tuple[str, ...]
    executions: int | None
    unmeasured: int
    known_nodes: int
    operators: tuple[OperatorTime, ...]
    strange: tuple[str, ...]

    @property
    def total_us(self) -> float:
        """All durations of all executions."""
        return math.fsum(entry.total_us for entry in self.operators)

    @property
    def kinds(self) -> dict[str, float]:
        """Microseconds by the operators' type, the longest first."""
        found: dict[str, float] = {}
        for entry in self.operators:
            found[entry.kind] = found.get(entry.kind, 0.0) + entry.total_us
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    def percent(self, microseconds: float) -> float:
        """A share of all time."""
        return 100 * microseconds / self.total_us if self.total_us > 0 else 0.0

    def layers(self, kind: str) -> tuple[str, ...]:
        """What runs operators of a type, the longest first."""
        names = (entry.layer for entry in self.operators if entry.kind == kind)
        return tuple(name for name in dict.fromkeys(names) if name)


def operator_profile(
    files: Mapping[str, str], nodes: Sequence[NodeName], *, batch: int, device: int
) -> OperatorProfile:
    """The profile from the profiler's tables, as texts by name; ProfileTextError when they do not hold."""
    table = read_tables(files)
    known = frozenset(node.name for node in nodes if node.name)
    executions = None
    if table.source != STATISTIC:
        executions = _executions(table.tasks, table.iterations)
    operators = [_operator(task, known) for task in table.tasks]
    return OperatorProfile(
        batch=batch,
        device=device,
        source=table.source,
        files=table.files,
        executions=executions,
        unmeasured=sum(task.unmeasured for task in table.tasks),
        operators=tuple(sorted(operators, key=lambda entry: (-entry.total_us, entry.name, entry.kind))),
        known_nodes=len(known),
        strange=() if table.source == STATISTIC or not known else _strange(operators, table.tasks, nodes, batch),
    )


def _executions(tasks: Sequence[Task], iterations: int | None) -> int:
    """How often the OM was executed: every operator has run as often, or a multiple of it."""
    fewest = min(task.count for task in tasks)
    least = EXECUTIONS if iterations is None else iterations
    odd = next((task for task in tasks if task.count % fewest), None)
    if odd is not None or fewest < least:
        few = next(task for task in tasks if task.count == fewest)
        beside = "" if odd is None else f", {odd.name} {odd.count}"
        raise ProfileTextError(
            "cut short: not every operator was executed as often as the OM",
            measured=f"{few.name} {few.count} times{beside}",
            allowed=f"each at least {least} times, and equally often",
        )
    return fewest


def _operator(task: Task, known: frozenset[str]) -> OperatorTime:
    nodes = onnx_nodes(task.name, known)
    modules = tuple(dict.fromkeys(module for module in map(module_of, nodes) if module))
    return OperatorTime(task.kind, task.name, task.core, task.count, task.total_us, task.shapes, nodes, modules)


def _strange(
    operators: Sequence[OperatorTime], tasks: Sequence[Task], nodes: Sequence[NodeName], batch: int
) -> tuple[str, ...]:
    """What says that this is a profile of another OM."""
    seen = {node for entry in operators for node in entry.nodes}
    gone = [node for node in nodes if node.kind in WEIGHTED and node.name and node.name not in seen]
    foreign = [entry for entry in operators if not entry.nodes and _is_matrix(entry.kind)]
    other = [(task, first) for task in tasks if (first := _first_size(task)) not in (None, batch)]
    return (
        *(f"no operator of {node.kind} {node.name}" for node in gone),
        *(f"{entry.kind} {entry.name} is of no node of the ONNX file" for entry in foreign),
        *(f"{task.kind} {task.name} has a batch of {first}, not {batch}" for task, first in other),
    )


def _is_matrix(kind: str) -> bool:
    return any(word in kind.lower() for word in MATRIX)


def _first_size(task: Task) -> int | None:
    """The batch that a convolution's first input shows, None where it shows none."""
    size = task.shapes.partition(";")[0].partition(",")[0].strip()
    shown = task.formats.partition(";")[0].strip() in BATCH_FIRST and "conv" in task.kind.lower()
    return int(size) if shown and size.isascii() and size.isdigit() and len(size) < MOST_DIGITS else None


def profile_check(profile: OperatorProfile) -> Check:
    """Nothing in the profile is of another OM; INCONCLUSIVE where the table names no operator, NOT JUDGED where nobody
    knows what the nodes of the ONNX file are called."""
    if not profile.known_nodes:
        return not_judged("the names in the ONNX file of this OM are not known", unit="operators", source=SOURCE)
    check = none_of(profile.strange, among=len(profile.operators), unit="operators", source=SOURCE)
    if profile.source == STATISTIC:
        detail = f"{', '.join(profile.files)} names types alone: of which OM they are nobody can tell"
        return Check("-", check.threshold, check.unit, Verdict.INCONCLUSIVE, detail=detail, source=SOURCE)
    return check


def hot_words(profile: OperatorProfile) -> str:
    """The longest types by their share of time with the layers that run them: `MatMulV2 61 % (classifier.1, …)`."""
    said = []
    for kind, microseconds in list(profile.kinds.items())[:KINDS_SHOWN]:
        layers = profile.layers(kind)
        more = [f"{len(layers) - LAYERS_SHOWN} more"] if len(layers) > LAYERS_SHOWN else []
        where = f" ({', '.join([*layers[:LAYERS_SHOWN], *more])})" if layers else ""
        said.append(f"{kind} {profile.percent(microseconds):.0f} %{where}")
    return ", ".join(said)


def operator_lines(profile: OperatorProfile) -> list[str]:
    """The longest operators, a line each, with their shapes."""
    return [
        f"{profile.percent(entry.total_us):.1f} % {entry.kind} {entry.layer}"
        + (f", inputs {entry.shapes}" if entry.shapes else "")
        for entry in profile.operators[:OPERATORS_SHOWN]
    ]
