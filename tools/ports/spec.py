"""From YAML to the resolved port: what all ports share, the port's own facts, and its overrides of policy.

A port file holds `port:` (facts, of which none is ever inherited from another port), `policy:` (overrides of what
thresholds.yaml shares, each with a reason) and `reasons:`. A file with a `shared:` section of its own, such as
thresholds.yaml, takes nothing from anywhere else. The result is one tree of YAML nodes, each with its file and line.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from tools.base.errors import SpecError, reason
from tools.base.files import ROOT
from tools.base.misspelt import nearest
from tools.base.reading import small_file
from tools.judge import records
from tools.judge.atc_flags import named_files
from tools.judge.spec import Spec
from tools.ports import atc_files
from tools.ports.document import (
    MAX_SPEC_BYTES,
    child,
    keys,
    mapping,
    node_at,
    parse_document,
    place,
    read_document,
    text,
    value_of,
)

PUBLISHED_SPEC = ROOT / "thresholds.yaml"
PORTS_FOLDER = "ports"
PORTS = ROOT / PORTS_FOLDER
SAMPLE_SPEC = PORTS / "alexnet_sample.yaml"
SUFFIX = ".yaml"
TOP = ("schema", "shared", "port", "policy", "reasons")
PORT = (
    *("name", "kind", "model", "checkpoint", "onnx", "dataset", "preprocessing", "batches"),
    *("accuracy", "agreement", "host_perf", "om", "published", "chips"),
)
LISTS = ("datasets", "chips")
"""What the shared section holds besides policies."""
NUMBERS = frozenset(("value", "at_most", "at_least"))
"""What a policy that is a number is said by; an exact number is a fact."""
SCHEMA = "2"


@dataclass(frozen=True)
class Port:
    """A resolved port: what it is judged by, the file that it is, and the files that say so, name to bytes."""

    path: Path
    spec: Spec
    files: dict[str, bytes]
    tree: yaml.MappingNode


KNOWN = "one of those that `python tools/show_port.py --list` prints"


def port_path(name: str) -> Path:
    """The file of a port that is named (`resnet50`), or given as a path (anything with a `/` or `.yaml`)."""
    if "/" in name or name.endswith((SUFFIX, ".yml")):
        return Path(os.path.expanduser(name))  # noqa: PTH111 - pathlib's raises for a user who does not exist
    if name == "alexnet":
        return PUBLISHED_SPEC
    if name not in port_names():
        near = nearest(name, port_names())
        raise SpecError(
            "there is no port of this name",
            measured=name,
            allowed=KNOWN,
            fix=f"did you mean {near}? Or name a file, ./mine.yaml" if near else "or name a file, ./mine.yaml",
        )
    return PORTS / f"{name}{SUFFIX}"


def port_names() -> list[str]:
    """The names of all ports of the suite."""
    return sorted(["alexnet", *(path.stem for path in PORTS.glob(f"*{SUFFIX}"))])


def load_spec(path: Path) -> Spec:
    """What a port is judged by; errors as `load_port`."""
    return load_port(path).spec


def load_port(path: Path, shared_from: Path = PUBLISHED_SPEC) -> Port:
    """Read and resolve a port; every mistake is a SpecError that names file, line and path inside the spec."""
    return _port(path, *read_document(path), shared_from)


def edited_port(path: Path, content: bytes) -> Port:
    """The port that a file would be if it held these bytes; errors as `load_port`."""
    return _port(path, parse_document(content, path), content, PUBLISHED_SPEC)


def _port(path: Path, root: yaml.MappingNode, content: bytes, shared_from: Path) -> Port:
    files = {path.name: content}
    _schema(root)
    _only(root, TOP, "")
    if child(root, "shared") is not None:
        shared = _section(root, "shared")
    else:
        if path.name == shared_from.name:
            raise SpecError(
                f"a {path.name} needs a `shared` section", where=path, fix="give the port another file name"
            )
        others, files[shared_from.name] = read_document(shared_from)
        shared = _section(others, "shared")
    tree = _resolved(root, shared, path)
    spec = _read(tree)
    return Port(path, spec, files | _code(spec, tree, path), tree)


def _read(tree: yaml.MappingNode) -> Spec:
    try:
        return records.read(Spec, value_of(tree))
    except records.RecordError as error:
        unknown = re.search("unknown field `(.+)`", error.message)
        inside = f"{error.path}{'.' + unknown[1] if unknown else ''}".lstrip(".")
        allowed = ", ".join(error.allowed) or None
        message = f"{inside or 'top level'}: {error.message}"
        fix = "write it in quotes" if error.message.startswith("Expected `str`, got") else None
        raise SpecError(message, where=place(node_at(tree, inside)), allowed=allowed, fix=fix) from error


def _resolved(root: yaml.MappingNode, shared: yaml.MappingNode, path: Path) -> yaml.MappingNode:
    """One tree in the shape of tools/judge/spec.py; each section is the shared policy and the port's own facts."""
    port = _section(root, "port")
    _only(port, PORT, "port.")
    policies = _overridden(shared, child(root, "policy"), child(root, "reasons"))
    sections: dict[str, yaml.Node] = dict(policies)
    for name, node in (
        (key.value, value) for key, value in port.value if key.value not in ("name", "published", "chips")
    ):
        shared_node = sections.get(name)
        if shared_node is None or not isinstance(node, yaml.MappingNode):
            sections[name] = node
        else:
            sections[name] = _joined(name, shared_node, node)
    sections["schema"] = _schema(root)
    sections["port"] = _name(port, path)
    sections.setdefault("kind", text("published", port))
    if isinstance(sections.get("dataset"), yaml.ScalarNode):
        sections["dataset"] = _dataset(sections["dataset"], shared)
    sections["devices"] = _devices(port, shared)
    if (reasons := child(root, "reasons")) is not None:
        sections["reasons"] = reasons
    return mapping(port, [(text(name, node), node) for name, node in sections.items()])


def _schema(root: yaml.MappingNode) -> yaml.Node:
    found = child(root, "schema")
    if found is None or found.value != SCHEMA:
        where = root if found is None else found
        raise SpecError(f"schema: it must be {SCHEMA}", where=place(where), fix="see docs/ports.md")
    return found


def _name(port: yaml.Node, path: Path) -> yaml.Node:
    """The port's name, which is its file's, so that a copied file does not go on under the name of another port."""
    found = child(port, "name")
    if found is None:
        raise SpecError("port: Object missing required field `name`", where=place(port))
    if path.parent == PORTS and found.value != path.stem:
        raise SpecError(
            "port.name: it must be the file's name", where=place(found), measured=found.value, allowed=path.stem
        )
    return found


def _section(root: yaml.Node, name: str) -> yaml.MappingNode:
    found = child(root, name)
    if found is None:
        raise SpecError(f"top level: Object missing required field `{name}`", where=place(root), allowed=", ".join(TOP))
    if not isinstance(found, yaml.MappingNode):
        raise SpecError(f"{name}: Expected `object`", where=place(found))
    return found


def _only(node: yaml.Node, allowed: tuple[str, ...], inside: str) -> None:
    for key in keys(node):
        if key not in allowed:
            where = place(node_at(node, key))
            raise SpecError(
                f"{inside}{key}: Object contains unknown field `{key}`", where=where, allowed=", ".join(allowed)
            )


def _joined(name: str, shared: yaml.Node, own: yaml.MappingNode) -> yaml.MappingNode:
    """The policy of a section and the port's facts; a port changes a policy in its `policy` section only."""
    for key, value in own.value:
        if child(shared, key.value) is not None:
            raise SpecError(
                f"port.{name}.{key.value} is a policy that all ports share",
                where=place(value),
                fix=f"write it as policy: {name}: {key.value}, with a reason",
            )
    return mapping(own, [*shared.value, *own.value])


def _overridden(
    shared: yaml.MappingNode, policy: yaml.Node | None, reasons: yaml.Node | None
) -> Iterator[tuple[str, yaml.Node]]:
    """The shared policies, with the port's overrides in their places."""
    names = tuple(name for name in keys(shared) if name not in LISTS)
    if policy is not None:
        if not isinstance(policy, yaml.MappingNode):
            raise SpecError("policy: Expected `object`", where=place(policy), allowed=", ".join(names))
        _only(policy, names, "policy.")
    for name, base in ((key.value, value) for key, value in shared.value if key.value in names):
        other = child(policy, name)
        yield name, base if other is None else _override(base, other, name, reasons)


def _override(base: yaml.Node, other: yaml.Node, inside: str, reasons: yaml.Node | None) -> yaml.Node:
    if not isinstance(base, yaml.MappingNode) or NUMBERS & set(keys(base)):
        _require_reason(other, inside, reasons)
        return other
    if not isinstance(other, yaml.MappingNode):
        raise SpecError(f"policy.{inside}: Expected `object`", where=place(other))
    _only(other, tuple(keys(base)), f"policy.{inside}.")
    pairs = []
    for key, value in base.value:
        own = child(other, key.value)
        pairs.append((key, value if own is None else _override(value, own, f"{inside}.{key.value}", reasons)))
    return mapping(base, pairs)


def _require_reason(node: yaml.Node, inside: str, reasons: yaml.Node | None) -> None:
    said = child(node, "reason") if isinstance(node, yaml.MappingNode) else reasons and child(reasons, inside)
    if said is None or not any(map(str.isalnum, str(said.value))):
        fix = "add `reason:` to it" if isinstance(node, yaml.MappingNode) else f"add `reasons: {{{inside}: …}}`"
        raise SpecError(f"policy.{inside}: a policy is overridden without a reason", where=place(node), fix=fix)


def _dataset(name: yaml.Node, shared: yaml.Node) -> yaml.Node:
    sets = child(shared, "datasets")
    found = child(sets, name.value)
    if found is None:
        known = ", ".join(keys(sets)) or "none"
        raise SpecError("port.dataset: no data set of this name", where=place(name), measured=name.value, allowed=known)
    return found


def _devices(port: yaml.Node, shared: yaml.Node) -> yaml.SequenceNode:
    """Every known chip, with what was published for the port on it."""
    chips = _by_soc({"shared.chips": child(shared, "chips"), "port.chips": child(port, "chips")})
    figures = _by_soc({"port.published": child(port, "published")})
    for soc, node in figures.items():
        if soc not in chips:
            raise SpecError(
                "port.published: nothing is known about this chip",
                where=place(node),
                measured=soc,
                allowed=", ".join(chips),
                fix="describe it under port: chips:",
            )
    joined = [_with_figures(chip, figures.get(soc)) for soc, chip in chips.items()]
    where = child(port, "published") or port
    return yaml.SequenceNode("tag:yaml.org,2002:seq", joined, where.start_mark)


def _by_soc(lists: dict[str, yaml.Node | None]) -> dict[str, yaml.Node]:
    """The entries of these lists by their chip; one that is given twice would hide the first."""
    found: dict[str, yaml.Node] = {}
    for inside, node in lists.items():
        for index, item in enumerate(_items(node, inside)):
            soc = child(item, "soc")
            if not isinstance(soc, yaml.ScalarNode):
                raise SpecError(f"{inside}[{index}]: Object missing required field `soc`", where=place(item))
            if soc.value in found:
                raise SpecError(f"{inside}: {soc.value} is given twice", where=place(item))
            found[soc.value] = item
    return found


def _items(found: yaml.Node | None, inside: str) -> list[yaml.Node]:
    if found is None:
        return []
    if not isinstance(found, yaml.SequenceNode):
        raise SpecError(f"{inside}: Expected `array`", where=place(found))
    items: list[yaml.Node] = found.value
    return items


def _with_figures(chip: yaml.Node, figures: yaml.Node | None) -> yaml.Node:
    if figures is None:
        return chip
    own = mapping(figures, [(key, value) for key, value in figures.value if key.value != "soc"])
    return _joined("published", chip, own)


def _code(spec: Spec, tree: yaml.Node, path: Path) -> dict[str, bytes]:
    """The port's own modules, its AIPP file and those of its flags of atc, by their names beside its file."""
    places = {
        "model.source": spec.model.source,
        "onnx.graph_step": spec.onnx.graph_step,
        "preprocessing.function": spec.preprocessing.function,
    }
    own = {inside: found.split(":")[1] for inside, found in places.items() if found and found.startswith("python:")}
    files = {inside: (name, "module") for inside, name in own.items() if name.endswith(".py")}
    if spec.preprocessing.aipp is not None and spec.preprocessing.aipp.file is not None:
        files["preprocessing.aipp.file"] = spec.preprocessing.aipp.file, "AIPP file"
    found = {
        name: _beside(name, what, path, place(node_at(tree, inside))) for inside, (name, what) in sorted(files.items())
    }
    return found | _files_of_flags(spec, path, place(node_at(tree, "om.atc_extra_args")))


def _files_of_flags(spec: Spec, path: Path, where: str) -> dict[str, bytes]:
    """The files that flags of atc name; one that the compiler would refuse, or read otherwise than it says, is refused
    here."""
    found = {}
    for flag, name in named_files(spec.om.atc_extra_args).items():
        found[name] = _beside(name, f"file of {flag}", path, where)
        if wrong := atc_files.problem(flag, found[name]):
            raise SpecError(f"the file of {flag} cannot be taken: {wrong}", where=path.parent / name)
    return found


def _beside(name: str, what: str, path: Path, where: str) -> bytes:
    file = path.parent / name
    inside = os.path.realpath(file).startswith(os.path.realpath(path.parent) + os.sep)
    if not inside or not file.is_file():
        fix = "name a file below the port's folder"
        raise SpecError(f"there is no such {what} beside the port", where=where, measured=name, fix=fix)
    try:
        return small_file(file, MAX_SPEC_BYTES)
    except OSError as error:
        raise SpecError(
            f"the {what} beside the port cannot be read: {reason(error)}", where=where, measured=name
        ) from error
