"""Is what was judged by the port that lies in the bundle, and the same wherever it is named?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tools.judge import records
from tools.judge.bundle import Bundle
from tools.judge.files import Refused, short
from tools.judge.layout import FILE, PORT, SPEC_JSON
from tools.judge.shipped import SHIPPED_FILES, SHIPPED_SPECS, files_digest


def check_spec(bundle: Bundle) -> None:
    """Collect in `bundle.problems` what does not fit of the port."""
    _identity(bundle)
    _spec_files(bundle)


def _identity(bundle: Bundle) -> None:
    """Spec and inputs are the same wherever they are named."""
    recorded = bundle.record.spec
    if recorded is None:
        raise Refused(f"{FILE}.spec: the record does not say by which port it was judged")
    where = f"{FILE}.spec"
    bundle.compare(f"{where}.kind", recorded.kind, bundle.spec.kind)
    bundle.compare(f"{where}.json_sha256", recorded.json_sha256, bundle.files.digests[SPEC_JSON])
    bundle.compare(f"{where}.port", recorded.port, bundle.spec.port)
    bundle.compare(f"{where}.files", recorded.files, _port_files(bundle))
    toolkit, machine = bundle.record.toolkit, bundle.record.machine
    if toolkit is not None:
        bundle.compare(f"{FILE}.toolkit.target", toolkit.target, bundle.record.target)
    if toolkit is not None and machine is not None:
        bundle.compare(f"{FILE}.toolkit.infer_tool", toolkit.infer_tool, machine.infer_tool)
        bundle.compare(f"{FILE}.toolkit.why", toolkit.why, machine.why)


_BY_DEFAULT = frozenset((0.0, 1.0))
"""What a port need not write: no label offset."""
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


def _spec_files(bundle: Bundle) -> None:
    """What was judged by is what the port's files say, as far as that shows without a YAML parser.

    Every number of spec.json stands in one of them, and the suite's own files come to the suite's own port.
    """
    written_as = SHIPPED_FILES.get(files_digest(_port_files(bundle)))
    if written_as is not None and SHIPPED_SPECS.get(bundle.files.digests[SPEC_JSON]) != written_as:
        bundle.problems.append(f"{SPEC_JSON}: not what {PORT}/ comes to, the files of the suite's port {written_as}")
    files = (bundle.files.read(f"{PORT}/{name}") for name in _port_files(bundle) if name.endswith((".yaml", ".yml")))
    written = (token for content in files for token in _NUMBER.findall(content.decode(errors="replace")))
    numbers = {*map(float, written), *_BY_DEFAULT}
    for where, value in _numbers_below(records.plain(bundle.spec), SPEC_JSON):
        if value not in numbers:
            bundle.problems.append(f"{where}: {short(value)} does not stand in a file of the port")


def _port_files(bundle: Bundle) -> dict[str, str]:
    """sha256 of what lies in port/, by name."""
    below = f"{PORT}/"
    return {name[len(below) :]: sha256 for name, sha256 in bundle.files.digests.items() if name.startswith(below)}


def _numbers_below(value: Any, where: str) -> Iterator[tuple[str, float]]:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _numbers_below(item, f"{where}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _numbers_below(item, f"{where}[{index}]")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield where, value
