"""Which specs are the suite's own, told by their content, so that one edited in its place is not."""

from __future__ import annotations

SHIPPED_SPECS: dict[str, str] = {
    "4ba46c930b8bd4d3eadeafe0d704d36e6783c677279eb79a5b5c48c39216a30a": "thresholds.yaml",
    "e43ed654d3dcf976f145d514cd8a603a925fd5bdc18bc7af647686587be790d1": "thresholds-sample.yaml",
}
"""sha256 of a spec's JSON (tools/spec_json.py) -> the file it was shipped in."""


def spec_words(place: str, json_sha256: str) -> str:
    """Which spec judged: whether it is one that the suite ships or somebody's own, and where it was read."""
    shipped = SHIPPED_SPECS.get(json_sha256)
    whose = "a spec of one's own" if shipped is None else f"the suite's {shipped}"
    return f"{whose}, {place}, sha256 {json_sha256}"
