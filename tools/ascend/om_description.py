"""What an OM says of itself: chip, inputs and batch, by `atc --mode=1`, which writes the model as JSON.

The JSON is the model's definition: attributes as `{"key": …, "value": {"s": …}}` (soc_version, atc_cmdline), graphs
with operators of which those of type Data are the inputs (layout as read by Huawei's public msquickcmp).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tools.ascend.om_file import read_om_file
from tools.ascend.runs import Place, ending, private_folder, reproduce, require_file, run_kept, tail
from tools.base.errors import OmError
from tools.base.reading import small_file
from tools.judge.facts import OmDescription, OmInput
from tools.judge.ids import OM_DESCRIBED

_SOC_FLAG = re.compile(r"--soc_version[= ]\s{0,9}(\w+)")


def described_gate(batch: int) -> str:
    """The gate that the OM says of itself what was asked for."""
    return OM_DESCRIBED.at(batch)


def describe_om(
    om: Path,
    *,
    batch: int,
    env: Mapping[str, str],
    work: Path,
    logs: Path,
    timeout_seconds: float = 600,
) -> OmDescription:
    """Ask atc what `om` is, and read what stands in it; OmError when atc cannot tell. No device is needed."""
    gate = described_gate(batch)
    om = require_file(om, gate, "the OM")
    work = private_folder(work, gate)
    target, place = work / "om.json", Place(env, work, logs, timeout_seconds)
    argv = ["atc", "--mode=1", f"--om={om}", f"--json={target.name}"]
    try:
        done = run_kept(argv, place)
    except OSError as error:
        raise OmError(f"`atc` cannot be run: {error.strerror}", gate=gate, where=om) from error
    problem = ending(done, timeout_seconds)
    if problem is not None or not target.is_file():
        raise OmError(
            f"`atc --mode=1` {problem or 'wrote no JSON'}; output ends: {tail(done)}",
            gate=gate,
            where=om,
            fix=reproduce(argv, place),
        )
    try:
        stored = read_om_file(om, batch=batch)
        text = small_file(target).decode("utf-8", errors="replace")
    except OSError as error:
        raise OmError(f"cannot read the OM's description: {error.strerror}", gate=gate, where=om) from error
    soc, inputs = read_description(text, gate=gate, where=om)
    return OmDescription(soc, inputs, stored)


def read_description(text: str, *, gate: str, where: object) -> tuple[str | None, tuple[OmInput, ...]]:
    """Chip and inputs by the JSON of `atc --mode=1`; OmError when it is not whole or has no input with a shape."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise OmError(f"the OM's description is not whole JSON: {error}", gate=gate, where=where) from error
    try:
        inputs = tuple(_inputs(document))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise OmError(f"the OM's description has another layout: {error!r}", gate=gate, where=where) from error
    if not inputs:
        raise OmError("the OM's description has no input", gate=gate, where=where)
    soc, command = _text_attribute(document, "soc_version"), _text_attribute(document, "atc_cmdline")
    if soc is None and (flag := _SOC_FLAG.search(command or "")):
        soc = flag[1]
    return soc, inputs


def _inputs(document: Mapping[str, Any]) -> Iterator[OmInput]:
    for operator in document["graph"][0]["op"]:
        if operator["type"] == "Data":
            tensor = (operator.get("input_desc") or operator["output_desc"])[0]
            sizes = tuple(_size(size) for size in tensor["shape"]["dim"])
            yield OmInput(str(operator["name"]), str(tensor["dtype"]), sizes)


def _size(value: object) -> int:
    """A size given as a number or as text, -1 for a dynamic axis."""
    if isinstance(value, bool) or not re.fullmatch(r"-?[0-9]{1,12}", str(value)):
        raise ValueError(f"{str(value)[:40]!r} is no size")
    return int(str(value))


def _text_attribute(document: Mapping[str, Any], name: str) -> str | None:
    for entry in document.get("attr", []):
        if isinstance(entry, dict) and entry.get("key") == name and isinstance(entry.get("value"), dict):
            value = entry["value"].get("s")
            return value if isinstance(value, str) and value else None
    return None
