"""All ports of the suite in a table: what they are and what was published for them."""

from __future__ import annotations

from tools.judge.spec import Spec
from tools.ports.spec import load_spec, port_names, port_path

HEAD = ("port", "network", "checkpoint", "published")


def overview() -> str:
    """A line for each port."""
    rows = [HEAD, *(_row(load_spec(port_path(name))) for name in port_names())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(lines)


def _row(spec: Spec) -> tuple[str, str, str, str]:
    pth = spec.accuracy.pth_top1
    said = [f"pth Top-1 {pth.value:g}"] if pth else []
    for device in spec.devices:
        figures = [f"Top-1 {device.om_top1.value:g}"] if device.om_top1 else []
        figures += [f"{len(device.throughput)} throughputs"] if device.throughput else []
        said += [f"{device.soc} {', '.join(figures)}"] if figures else []
    pinned = "pinned" if spec.checkpoint.pinned else "not pinned"
    return spec.port, spec.model.source, pinned, "; ".join(said) or "nothing"
