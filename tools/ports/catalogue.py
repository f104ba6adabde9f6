"""The page of all shipped ports: what each is, what was published for it, and what of a zoo's table was left out."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from tools.judge.machine_class import Device
from tools.judge.numbers import Fact
from tools.judge.spec import Spec
from tools.ports.published_slips import Refusal
from tools.ports.published_table import Table
from tools.ports.spec import load_spec, port_names, port_path

NOTHING = "–"
WIDTH = 120
WHENCE = (
    "Figures of chips are those of {}; in the ports each names its README. Ports that the table has no row for were "
    "drafted by `tools/new_port.py` or by hand."
)
MEANING = """\
`reference` is the checkpoint's published Top-1 / Top-5, the columns of chips are the OM's, with the best published
images per second of one chip. A checkpoint that is not pinned has no published digest: its run is never ACCEPTED until
it is pinned (`tools/new_port.py --checkpoint FILE`). Where nothing was published, or nothing that is of the port's
weights, recipe and graph, the gates that need it are NOT JUDGED."""


def catalogue(table: Table, left_out: Mapping[str, Sequence[Refusal]], refused: Sequence[Refusal]) -> str:
    """The page in Markdown; `left_out` is by port, `refused` of rows without a port."""
    specs = [spec for spec in (load_spec(port_path(name)) for name in port_names()) if spec.kind == "published"]
    command = (
        f"python tools/import_ports.py ports/published/{table.path.name} --write ports --catalogue docs/catalogue.md"
    )
    lines = [
        "# The ports that are here",
        "",
        "Written by",
        "",
        f"```\n{command}\n```",
        "",
        *textwrap.wrap(WHENCE.format(table.origin), WIDTH, break_long_words=False, break_on_hyphens=False),
        "",
        MEANING,
        "",
        *_ports(specs),
        "",
        "## What was left out of the ports",
        "",
        *_by_port(left_out),
        "## Rows that have no port",
        "",
        *_without(table),
        "",
        "Of these rows the rules refuse:",
        "",
        *(f"- {_plain(refusal.line)}" for refusal in refused),
    ]
    return "\n".join(lines) + "\n"


def _ports(specs: Sequence[Spec]) -> Iterator[str]:
    chips = sorted({device.soc for spec in specs for device in spec.devices})
    yield f"| port | network | checkpoint | reference | {' | '.join(chips)} |"
    yield "|---" * (4 + len(chips)) + "|"
    for spec in specs:
        checkpoint = spec.checkpoint
        pinned = [name for name in ("sha256", "sha256_prefix", "md5") if getattr(checkpoint, name)]
        file = f"{checkpoint.file}, {' and '.join(pinned) or 'not pinned'}"
        reference = _pair(spec.accuracy.pth_top1, spec.accuracy.pth_top5)
        figures = " | ".join(_device(spec.device(chip)) for chip in chips)
        yield f"| {spec.port} | {spec.model.source} | {file} | {reference} | {figures} |"


def _pair(top1: Fact | None, top5: Fact | None) -> str:
    if top1 is None and top5 is None:
        return NOTHING
    return " / ".join(NOTHING if fact is None else f"{fact.value:g}" for fact in (top1, top5))


def _device(device: Device | None) -> str:
    if device is None:
        return NOTHING
    accuracy = _pair(device.om_top1, device.om_top5)
    if not device.throughput:
        return accuracy
    best = max(device.throughput, key=lambda entry: entry.images_per_second_per_chip.value)
    rate = f"{best.images_per_second_per_chip.value:g} at batch {best.batch}"
    return rate if accuracy == NOTHING else f"{accuracy}, {rate}"


def _by_port(left_out: Mapping[str, Sequence[Refusal]]) -> Iterator[str]:
    for name, refused in sorted(left_out.items()):
        if refused:
            yield f"**{name}**"
            yield ""
            yield from (f"- {_plain(refusal.line)}" for refusal in refused)
            yield ""


def _without(table: Table) -> Iterator[str]:
    """One line for each reason."""
    reasons: dict[str, list[str]] = {}
    for row in table.rows:
        if row["no_port"]:
            reasons.setdefault(row["no_port"], []).append(row.name)
    for reason, names in reasons.items():
        yield f"- {_plain(reason)}: {_plain(', '.join(names))}"


def _plain(text: str) -> str:
    """Text that Markdown leaves as it is."""
    return "".join(f"\\{sign}" if sign in "*_[]<>|`#" else sign for sign in text)
