"""The JSON Schema says of a record what the reader of records says: read here by a few lines of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from selftest.evidence.bundles import Made, World
from selftest.evidence.tampering import leaves, put
from tools.evidence.json_schema import json_schema
from tools.evidence_schema import SCHEMA_FILE
from tools.judge import records
from tools.judge.acceptance import Acceptance
from tools.judge.layout import FILE

SMALL = World(images=20, margin_pp=40.0, batches=(1,), logit_noise=2.0)
JSON: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "null": lambda value: value is None,
}


def fits(value: Any, schema: dict[str, Any], everything: dict[str, Any]) -> bool:  # noqa: ANN401 - any JSON
    """Whether a value is what the schema says, by the words of JSON Schema that the suite's own schema uses."""
    unknown = schema.keys() - {
        *("$schema", "$ref", "$defs", "description", "type", "properties", "required", "additionalProperties"),
        *("items", "anyOf", "enum", "const"),
    }
    assert not unknown
    if "$ref" in schema:
        return fits(value, everything["$defs"][schema["$ref"].rpartition("/")[2]], everything)
    if "anyOf" in schema:
        return any(fits(value, one, everything) for one in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        return value in schema.get("enum", [schema.get("const")])
    if not JSON[schema["type"]](value):
        return False
    if schema["type"] == "array":
        return all(fits(item, schema["items"], everything) for item in value)
    return schema["type"] != "object" or _object_fits(value, schema, everything)


def _object_fits(value: dict[str, Any], schema: dict[str, Any], everything: dict[str, Any]) -> bool:
    known, others = schema.get("properties", {}), schema["additionalProperties"]
    if not value.keys() >= set(schema.get("required", ())):
        return False
    beyond = (
        others is not False and fits(item, others, everything) for name, item in value.items() if name not in known
    )
    return all(beyond) and all(fits(value[name], one, everything) for name, one in known.items())


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The record of a made-up run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        place: Path = Made(SMALL).write(tmp_path_factory.mktemp("bundle") / "evidence")
        record = json.loads((place / FILE).read_bytes())
        record["gates"], record["variants"] = record["gates"][:2], record["variants"][:2]  # the others are alike
        yield record


def read(document: object) -> bool:
    """Whether the reader of records takes it."""
    try:
        records.read(Acceptance, document)
    except records.RecordError:
        return False
    return True


def objects(value: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any JSON
    """Every object in a document."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(item)


def test_schema_and_reader_agree_on_values_of_other_types(document: Any) -> None:  # noqa: ANN401 - any JSON
    schema = json.loads(SCHEMA_FILE.read_bytes())
    assert fits(document, schema, schema)
    others: tuple[Any, ...] = ("a text", "nan", 1, 1.5, True, None, [], {})
    refused = 0
    seen: set[tuple[str, ...]] = {("schema",)}
    for path, value in leaves(document):
        kind = tuple(step for step in path if isinstance(step, str))
        if kind in seen:
            continue
        seen.add(kind)
        for other in others:
            put(document, path, other)
            assert fits(document, schema, schema) == read(document), (path, other)
            refused += not read(document)
        put(document, path, value)
    assert refused > 500


def test_a_field_more_or_less_fits_no_schema(document: Any) -> None:  # noqa: ANN401 - any JSON
    schema = json.loads(SCHEMA_FILE.read_bytes())
    free = [document["versions"]["libraries"], document["machine"]["toolchain"]]
    free += [document["spec"]["files"], document["spec"]["code"]]
    free += [command["files"] for command in document["commands"]]
    for entry in objects(document):
        if any(entry is one for one in free):
            continue
        entry["note"] = "trust me"
        assert not fits(document, schema, schema)
        del entry["note"]
        name, value = next(iter(entry.items()))
        del entry[name]
        assert not fits(document, schema, schema)
        entry[name] = value
    assert fits(document, schema, schema)
    document["schema"] = 1
    assert not fits(document, schema, schema)


def test_an_annotation_that_no_record_has_is_refused() -> None:
    with pytest.raises(TypeError, match="no type of a record"):
        json_schema(bytes)
