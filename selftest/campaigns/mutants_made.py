"""The mutants of a module's text: mutmut's operators on every node that runs, module level and decorated code too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import libcst


@dataclass(frozen=True)
class Mutant:
    """One changed top-level statement of a module.

    `function` is the dotted name of the innermost function or class around the change; `body_of` that of the outermost
    function whose body holds it, None for a change that takes effect when the module is imported. `pieces` is the whole
    text of the module in three parts: what stands before the statement, the changed statement, what follows.
    """

    function: str
    body_of: str | None
    before: str
    pieces: tuple[str, str, str]

    @property
    def after(self) -> str:
        """The changed statement."""
        return self.pieces[1]

    @property
    def source(self) -> str:
        """The module with the change."""
        return "".join(self.pieces)


def mutants_of(source: str) -> Iterator[Mutant]:
    """Every mutant whose text differs from the module's."""
    import libcst

    tree = libcst.MetadataWrapper(libcst.parse_module(source)).module  # a copy in which no node occurs twice
    texts = [str(tree.code_for_node(statement)) for statement in tree.body]
    head = source.removesuffix("".join(texts))
    for number, statement in enumerate(tree.body):
        around = head + "".join(texts[:number]), "".join(texts[number + 1 :])
        for function, body_of, original in _nodes(statement, (), None):
            for mutated in _mutations(original):
                changed = statement.deep_replace(original, mutated)
                after = tree.code_for_node(changed) if isinstance(changed, libcst.CSTNode) else ""
                if after != texts[number]:
                    yield Mutant(function, body_of, texts[number], (around[0], after, around[1]))


def _mutations(node: libcst.CSTNode) -> Iterator[libcst.CSTNode]:
    """What mutmut puts in the node's place; not for calls that crash with any other arguments (as in mutmut)."""
    import libcst
    from mutmut.mutation.mutators import mutation_operators

    if isinstance(node, libcst.Call) and getattr(node.func, "value", "") in {"len", "isinstance"}:
        return
    for kind, operator in mutation_operators:
        if isinstance(node, kind):
            yield from operator(node)


def _nodes(
    node: libcst.CSTNode, outer: tuple[str, ...], body_of: str | None
) -> Iterator[tuple[str, str | None, libcst.CSTNode]]:
    """Every node that runs (no annotations, imports, decorators) with the two names of Mutant."""
    import libcst

    if isinstance(node, libcst.Annotation | libcst.Decorator | libcst.Import | libcst.ImportFrom):
        return
    if isinstance(node, libcst.If) and isinstance(node.test, libcst.Name) and node.test.value == "TYPE_CHECKING":
        if node.orelse is not None:
            yield from _nodes(node.orelse, outer, body_of)
        return
    if isinstance(node, libcst.FunctionDef | libcst.ClassDef):
        outer = (*outer, node.name.value)
    yield ".".join(outer) or "module", body_of, node
    for child in node.children:
        starts = body_of is None and isinstance(node, libcst.FunctionDef) and child is node.body
        yield from _nodes(child, outer, ".".join(outer) if starts else body_of)
