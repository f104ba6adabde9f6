"""A YAML file as nodes that know their file and line, with everything refused that no port needs."""

from __future__ import annotations

import io
import re
from collections.abc import Hashable
from pathlib import Path

import yaml

from tools.base.errors import SpecError, reason
from tools.base.reading import small_file

MAX_SPEC_BYTES = 2**20
MAX_DEPTH = 20
MERGE_TAG = "tag:yaml.org,2002:merge"
MAP_TAG = "tag:yaml.org,2002:map"
NAME = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


class _Named(io.StringIO):
    """A text that tells the YAML reader which file it came from."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text)
        self.name = name


def read_document(path: Path) -> tuple[yaml.MappingNode, bytes]:
    """A file's mapping, and its bytes; SpecError with file and line for every mistake."""
    try:
        content = small_file(path, MAX_SPEC_BYTES)
    except OSError as error:
        raise SpecError(f"cannot read the port: {reason(error)}", where=path) from error
    return parse_document(content, path), content


def parse_document(content: bytes, path: Path) -> yaml.MappingNode:
    """The mapping that a file's bytes hold; errors as `read_document`.

    YAML is read with the safe loader only; duplicate keys are refused because YAML would silently keep the last.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise SpecError(f"cannot read the port: {reason(error)}", where=path) from error
    root = _parsed(text, path)
    _refuse_doubtful_keys(root, "")
    if not isinstance(root, yaml.MappingNode):
        raise SpecError("Expected `object`: a port is keys and values", where=place(root))
    return root


def value_of(node: yaml.Node) -> object:
    """The plain values of a node; SpecError for what YAML itself cannot make of a scalar (a month 13)."""
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_document(node)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a month 13, a number of 5000 digits
        for _, inside in node.value if isinstance(node, yaml.MappingNode) else ():
            value_of(inside)  # it names the scalar's own line
        for inside in node.value if isinstance(node, yaml.SequenceNode) else ():
            value_of(inside)
        raise SpecError(f"not valid YAML: {' '.join(str(error).split())}", where=place(node)) from error
    finally:
        loader.dispose()


def place(node: yaml.Node) -> str:
    """File and line of a node."""
    return f"{node.start_mark.name}:{node.start_mark.line + 1}"


def child(node: yaml.Node | None, name: str) -> yaml.Node | None:
    """The value of a key, None where the node has none, as one that is not there."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for key, value in pairs if key.value == name), None)


def keys(node: yaml.Node | None) -> list[str]:
    """The keys of a mapping, in order; none of anything else."""
    return [key.value for key, _ in node.value] if isinstance(node, yaml.MappingNode) else []


def mapping(like: yaml.Node, pairs: list[tuple[yaml.Node, yaml.Node]]) -> yaml.MappingNode:
    """A mapping of these nodes, which stands where another node does."""
    return yaml.MappingNode(MAP_TAG, pairs, like.start_mark, like.end_mark)


def text(value: str, like: yaml.Node) -> yaml.ScalarNode:
    """A text, which stands where another node does."""
    return yaml.ScalarNode("tag:yaml.org,2002:str", value, like.start_mark, like.end_mark)


def node_at(node: yaml.Node, inside: str) -> yaml.Node:
    """The deepest YAML node on a path such as `devices[0].throughput[2].batch` (its parent where a key is absent)."""
    for name, index in NAME.findall(inside):
        found = child(node, name) if name else _item(node, int(index))
        if found is None:
            break
        node = found
    return node


def _item(node: yaml.Node, index: int) -> yaml.Node | None:
    items = node.value if isinstance(node, yaml.SequenceNode) else []
    return next(iter(items[index:]), None)


def _parsed(content: str, path: Path) -> yaml.Node:
    try:
        _refuse_what_no_port_needs(content, path)
        root = yaml.compose(_Named(content, str(path)), Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = path if mark is None else f"{path}:{mark.line + 1}"
        words = [error.context, error.problem]
        raise SpecError(f"not valid YAML: {', '.join(filter(None, words))}", where=where) from error
    except yaml.YAMLError as error:
        raise SpecError(f"not valid YAML: {' '.join(str(error).split())}", where=path) from error
    if root is None:
        raise SpecError("the port is empty", where=path)
    return root


def _refuse_what_no_port_needs(content: str, path: Path) -> None:
    """Aliases hide what is given twice; tags and great depth bring PyYAML to errors of its inside (`!!int ""`)."""
    depth = 0
    for event in yaml.parse(content, Loader=yaml.CSafeLoader):
        where = f"{path}:{event.start_mark.line + 1}" if event.start_mark else path
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent):
            raise SpecError("YAML aliases are not allowed in a port", where=where)
        if getattr(event, "tag", None) is not None:
            raise SpecError("YAML tags are not allowed in a port", where=where)
        if depth > MAX_DEPTH:
            raise SpecError(f"nested deeper than {MAX_DEPTH} levels", where=where)


def _refuse_doubtful_keys(node: yaml.Node, inside: str) -> None:
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _refuse_doubtful_keys(item, f"{inside}[{index}]")
    if isinstance(node, yaml.MappingNode):
        seen: set[Hashable] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise SpecError(f"{inside or 'top level'}: a key is a plain word", where=place(key))
            where = f"{inside}.{key.value}" if inside else key.value
            if key.value in seen or key.tag == MERGE_TAG:
                reason = "merge keys are not allowed" if key.tag == MERGE_TAG else "key given twice"
                raise SpecError(f"{where}: {reason}", where=place(key))
            seen.add(key.value)
            _refuse_doubtful_keys(value, where)
