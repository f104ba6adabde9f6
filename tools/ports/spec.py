"""Reading the spec: thresholds.yaml, or another YAML file of that shape, into the types of tools/judge/spec.py."""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path

import yaml

from tools.base.errors import SpecError
from tools.base.files import ROOT
from tools.base.reading import small_file
from tools.judge import records
from tools.judge.spec import Spec

PUBLISHED_SPEC = ROOT / "thresholds.yaml"
SAMPLE_SPEC = ROOT / "thresholds-sample.yaml"
MAX_SPEC_BYTES = 2**20
MAX_DEPTH = 20
MERGE_TAG = "tag:yaml.org,2002:merge"


def load_spec(path: Path) -> Spec:
    """Read a spec; every mistake is a SpecError that names file, line and path inside the file.

    YAML is read with the safe loader only; duplicate keys are refused because YAML would silently keep the last.
    """
    try:
        text = small_file(path, MAX_SPEC_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"cannot read the spec: {error}", where=path) from error
    root, document = _parsed(text, path)
    try:
        _refuse_doubtful_keys(root, path, "")
        return records.read(Spec, document)
    except records.RecordError as error:
        message = error.message
        unknown = re.search("unknown field `(.+)`", message)
        inside = f"{error.path}{'.' + unknown[1] if unknown else ''}".lstrip(".")
        line = _node_at(root, inside).start_mark.line + 1
        raise SpecError(f"{inside or 'top level'}: {message}", where=f"{path}:{line}") from error


def _parsed(text: str, path: Path) -> tuple[yaml.Node, object]:
    """The YAML as nodes, which know their lines, and as plain values."""
    try:
        _refuse_what_no_spec_needs(text, path)
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
        document = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = path if mark is None else f"{path}:{mark.line + 1}"
        words = [error.context, error.problem]
        raise SpecError(f"not valid YAML: {', '.join(filter(None, words))}", where=where) from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a month 13, a number of 5000 digits
        raise SpecError(f"not valid YAML: {' '.join(str(error).split())}", where=path) from error
    if root is None:
        raise SpecError("the spec is empty", where=path)
    return root, document


def _refuse_what_no_spec_needs(text: str, path: Path) -> None:
    """Aliases hide what is given twice; tags and great depth bring PyYAML to errors of its inside (`!!int ""`)."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        where = f"{path}:{event.start_mark.line + 1}" if event.start_mark else path
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent):
            raise SpecError("YAML aliases are not allowed in a spec", where=where)
        if isinstance(event, yaml.NodeEvent) and getattr(event, "tag", None) is not None:
            raise SpecError("YAML tags are not allowed in a spec", where=where)
        if depth > MAX_DEPTH:
            raise SpecError(f"nested deeper than {MAX_DEPTH} levels", where=where)


def _refuse_doubtful_keys(node: yaml.Node, path: Path, inside: str) -> None:
    if isinstance(node, yaml.SequenceNode):
        for index, child in enumerate(node.value):
            _refuse_doubtful_keys(child, path, f"{inside}[{index}]")
    if isinstance(node, yaml.MappingNode):
        seen: set[Hashable] = set()
        for key, child in node.value:
            where = f"{inside}.{key.value}".lstrip(".")
            if key.value in seen or key.tag == MERGE_TAG:
                reason = "merge keys are not allowed" if key.tag == MERGE_TAG else "key given twice"
                raise SpecError(f"{where}: {reason}", where=f"{path}:{key.start_mark.line + 1}")
            seen.add(key.value)
            _refuse_doubtful_keys(child, path, where)


def _node_at(node: yaml.Node, inside: str) -> yaml.Node:
    """The deepest YAML node on a path such as `devices[0].throughput[2].batch` (its parent where a key is absent)."""
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", inside):
        if name and isinstance(node, yaml.MappingNode):
            found = [child for key, child in node.value if key.value == name]
        elif index and isinstance(node, yaml.SequenceNode):
            found = node.value[int(index) : int(index) + 1]
        else:
            found = []
        if not found:
            break
        node = found[0]
    return node
