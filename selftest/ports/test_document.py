"""A port's YAML as nodes that know their line: what is found in them, and what no port needs is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tools.base.errors import SpecError
from tools.ports.document import (
    MAX_DEPTH,
    MAX_SPEC_BYTES,
    child,
    keys,
    mapping,
    node_at,
    place,
    read_document,
    text,
    value_of,
)

PORT = """\
name: net
list:
- a: 1
  b: 2
- - x
  - z
empty: []
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a port is written."""
    return tmp_path / "port.yaml"


def read(path: Path, content: str | bytes) -> yaml.MappingNode:
    """The port's nodes."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_document(path)[0]


def refusal(path: Path, content: str | bytes) -> str:
    """What the port is refused with, and where."""
    with pytest.raises(SpecError) as caught:
        read(path, content)
    return f"{str(caught.value.where).removeprefix(str(path))} {caught.value.what}"


def test_a_document_comes_with_its_bytes(path: Path) -> None:
    root = read(path, PORT)
    assert read_document(path)[1] == PORT.encode()
    assert value_of(root) == {"name": "net", "list": [{"a": 1, "b": 2}, ["x", "z"]], "empty": []}
    assert value_of(read(path, "größe: 'é'")) == {"größe": "é"}


@pytest.mark.parametrize(
    ("inside", "line"),
    [
        ("", 1),
        ("name", 1),
        ("list", 3),
        ("list[0]", 3),
        ("list[0].a", 3),
        ("list[0].b", 4),
        ("list[1]", 5),
        ("list[1][0]", 5),
        ("list[1][1]", 6),
        ("list[0].absent", 3),
        ("list[0].b.deeper", 4),
        ("list[0][0]", 3),
        ("list.a", 3),
        ("list[1][1][0].x", 6),
        ("list[9]", 3),
        ("list[9].a", 3),
        ("empty", 7),
        ("empty[0]", 7),
        ("absent.name", 1),
        ("absent.empty", 1),
        ("list[0].absent.b", 3),
        ("list.absent[1]", 3),
    ],
)
def test_a_path_leads_to_its_line_or_to_that_of_the_last_part_that_is_there(path: Path, inside: str, line: int) -> None:
    assert place(node_at(read(path, PORT), inside)) == f"{path}:{line}"


def test_a_path_that_leads_nowhere_ends_at_the_node_itself(path: Path) -> None:
    root = read(path, PORT)
    assert node_at(root, "absent.list[1]") is root
    assert node_at(root, "[0]") is root
    assert node_at(root, "list.name") is child(root, "list")


def test_a_mapping_has_keys_and_children_and_nothing_else_has(path: Path) -> None:
    root = read(path, PORT)
    name = child(root, "name")
    assert name is not None
    assert keys(root) == ["name", "list", "empty"]
    assert keys(name) == []
    assert (name.value, child(root, "absent"), child(name, "name")) == ("net", None, None)


def test_what_is_made_stands_where_another_node_does(path: Path) -> None:
    like = node_at(read(path, PORT), "list[0].b")
    made = text("7", like)
    whole = mapping(like, [(text("count", like), made)])
    assert place(made) == place(whole) == place(like)
    assert (made.end_mark, whole.end_mark) == (like.end_mark, like.end_mark)
    assert value_of(whole) == {"count": "7"}


DEEPEST = "a: " + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)


def test_twenty_levels_are_read_and_one_more_is_not(path: Path) -> None:
    assert MAX_DEPTH == 20
    assert keys(read(path, DEEPEST)) == ["a"]
    beside = "\n".join(f"{name}: [[]]" for name in "abcdefghijklmnopqrstuvwxyz")
    assert len(keys(read(path, beside))) == 26
    assert refusal(path, "\n" + DEEPEST.replace("[]", "[[]]")) == ":2 nested deeper than 20 levels"


def test_a_mebibyte_is_read_and_a_byte_more_is_not(path: Path) -> None:
    head = "a: 1\n"
    whole = head + "#" * (2**20 - len(head))
    assert len(whole) == MAX_SPEC_BYTES
    assert keys(read(path, whole)) == ["a"]
    assert refusal(path, whole + "#").startswith(" cannot read the port: ")


REFUSED: dict[str, tuple[str | bytes, str]] = {
    "nothing": ("", " the port is empty"),
    "a comment": ("# nothing", " the port is empty"),
    "a list": ("\n- a", ":2 Expected `object`: a port is keys and values"),
    "a word": ("word", ":1 Expected `object`: a port is keys and values"),
    "a key twice": ("a: 1\nb: 2\na: 3", ":3 a: key given twice"),
    "a key twice, inside": ("x:\n- a: {b: 1, b: 2}", ":2 x[0].a.b: key given twice"),
    "a key twice in a second entry": ("x:\n- 1\n- a: 1\n  a: 2", ":4 x[1].a: key given twice"),
    "a key of a dot twice": (".a: 1\n.a: 2", ":2 .a: key given twice"),
    "a key twice in a list of ports": ("- a: 1\n  a: 2", ":2 [0].a: key given twice"),
    "a merge key": ("x:\n  <<: {a: 1}", ":2 x.<<: merge keys are not allowed"),
    "a list as key": ("? [a]\n: 1", ":1 top level: a key is a plain word"),
    "a mapping as key": ("x:\n  ? {a: 1}\n  : 1", ":2 x: a key is a plain word"),
    "an alias": ("a: &x 1\nb: *x", ":2 YAML aliases are not allowed in a port"),
    "a tag": ("a: 1\nb: !!str 2", ":2 YAML tags are not allowed in a port"),
    "a tag of a list": ("a: !!seq []", ":1 YAML tags are not allowed in a port"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_no_port_needs_is_refused_with_its_line(path: Path, what: str) -> None:
    content, words = REFUSED[what]
    assert refusal(path, content) == words


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ("a: 1\nb: [", 3, "not valid YAML: while parsing a flow node, did not find expected node content"),
        ("a: 1\nb: %", 2, "not valid YAML: while scanning for the next token, found character that cannot start any"),
        ("a: 1\n--- \nb: 2", 2, "not valid YAML: expected a single document in the stream, but found another document"),
    ],
)
def test_what_is_no_yaml_is_refused_in_the_readers_words(path: Path, content: str, line: int, words: str) -> None:
    assert refusal(path, content).startswith(f":{line} {words}")


def test_bytes_that_are_no_text_are_refused(path: Path) -> None:
    assert refusal(path, b"a: \xff").startswith(" cannot read the port: 'utf-8' codec can't decode byte 0xff")
    control = " not valid YAML: unacceptable character #x0007: control characters are not allowed in "
    assert refusal(path, "a: \x07").startswith(control)
    path.unlink()
    with pytest.raises(SpecError, match="cannot read the port: No such file or directory"):
        read_document(path)


@pytest.mark.parametrize(
    ("content", "line"),
    [("a: 2024-13-01", 1), ("b: 1\na:\n- 1\n- 2024-13-01", 4), ("b: 1\na:\n  c: 1\n  d: 2024-13-01", 4)],
)
def test_a_month_13_is_named_by_its_own_line(path: Path, content: str, line: int) -> None:
    root = read(path, content)
    with pytest.raises(SpecError) as caught:
        value_of(root)
    assert caught.value.where == f"{path}:{line}"
    assert re.fullmatch(r"not valid YAML: month must be in 1\.\.12", caught.value.what)
