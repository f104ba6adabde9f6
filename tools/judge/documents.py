"""The documents of a bundle, read strictly: its record, its spec, its lists of texts."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any, TypeVar

from tools.judge import records
from tools.judge.acceptance import SCHEMA, Acceptance
from tools.judge.differences import differences
from tools.judge.files import Refused, read_json
from tools.judge.layout import FILE
from tools.judge.spec import Spec

T = TypeVar("T")


def read_acceptance(document: Any) -> Acceptance:  # noqa: ANN401 - any JSON
    """A record from its JSON; Refused for one of another schema, and for any field too many, too few or of another
    type."""
    schema = document.get("schema") if isinstance(document, dict) else None
    if isinstance(schema, int) and schema != SCHEMA:
        raise Refused(
            f"{FILE}: schema {schema}, this judge reads schema {SCHEMA}: judge it with the suite that wrote it"
        )
    odd = set(document if isinstance(document, dict) else ()) ^ {field.name for field in dataclasses.fields(Acceptance)}
    if odd:
        raise Refused(f"{FILE}: {', '.join(sorted(odd))} missing or unknown")
    record = _of_type(Acceptance, document, FILE)
    for line in differences(document, records.plain(record), FILE):
        raise Refused(line)  # a field that has a default may not be left out either
    return record


def read_spec(content: bytes, where: str) -> Spec:
    """A spec as JSON (tools/show_port.py --json writes it); Refused when it is none."""
    return _of_type(Spec, read_json(content, where), where)


def texts(document: Any, where: str) -> tuple[str, ...]:  # noqa: ANN401 - any JSON
    """A list of texts."""
    try:
        found: tuple[str, ...] = records.read_as("tuple[str, ...]", document)
    except records.RecordError as error:
        raise Refused(f"{where}{error.path}: {error.message}") from error
    return found


def spec_digest(content: bytes) -> str:
    """What tells one spec from another."""
    return hashlib.sha256(content).hexdigest()


def _of_type(kind: type[T], document: Any, where: str) -> T:  # noqa: ANN401 - any JSON
    try:
        return records.read(kind, document)
    except records.RecordError as error:
        raise Refused(
            f"{where}.{error.path}: {error.message}" if error.path else f"{where}: {error.message}"
        ) from error
