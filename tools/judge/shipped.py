"""Which ports are the suite's own, by their resolved content, so that one edited in its place is not."""

from __future__ import annotations

SHIPPED_SPECS: dict[str, str] = {
    "7172f51d13c0652cd07ba12df70b3c84359fb3466b7e6a1897f3a24cfaa53637": "alexnet",
    "1fd297fed38636f2c1f73bf97a4c8cc639d940b286aaed4f442320ac228eea91": "alexnet_sample",
}
"""sha256 of a resolved port as JSON (tools/show_port.py --json) -> its name."""


def spec_words(place: str, json_sha256: str) -> str:
    """Which spec judged: whether it is a port that the suite ships or somebody's own, and where it was read."""
    shipped = SHIPPED_SPECS.get(json_sha256)
    whose = "a port of one's own" if shipped is None else f"the suite's port {shipped}"
    return f"{whose}, {place}, sha256 {json_sha256}"
