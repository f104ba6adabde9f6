"""Which ports are the suite's own, by their resolved content, so that one edited in its place is not."""

from __future__ import annotations

SHIPPED_SPECS: dict[str, str] = {
    "bc554dcde8c3ce2babb25974e2ac7c2ae3129ed4430f306ff36937e0f12e4eeb": "alexnet",
    "2e84185f381a8b503724ab8ee62f6cc011353951f4842dda74f27a2ae4a9ad20": "alexnet_sample",
}
"""sha256 of a resolved port as JSON (tools/spec_json.py) -> its name."""


def spec_words(place: str, json_sha256: str) -> str:
    """Which spec judged: whether it is a port that the suite ships or somebody's own, and where it was read."""
    shipped = SHIPPED_SPECS.get(json_sha256)
    whose = "a port of one's own" if shipped is None else f"the suite's port {shipped}"
    return f"{whose}, {place}, sha256 {json_sha256}"
