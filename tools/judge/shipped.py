"""Which specs are the suite's own, by their content, so that one edited in its place is not."""

from __future__ import annotations

SHIPPED_SPECS: dict[str, str] = {
    "35ce11508a8748f091d1dbe599d35a8c1206fa79a49b4acec373e1f1c84f52b5": "thresholds.yaml",
    "bf9ae30e4b251f33298ae3a90db65c122740bbb03274e513af22a1c6f5b98db7": "thresholds-sample.yaml",
}
"""sha256 of a spec's JSON (tools/spec_json.py) -> the file it was shipped in."""


def spec_words(place: str, json_sha256: str) -> str:
    """Which spec judged: whether it is one that the suite ships or somebody's own, and where it was read."""
    shipped = SHIPPED_SPECS.get(json_sha256)
    whose = "a spec of one's own" if shipped is None else f"the suite's {shipped}"
    return f"{whose}, {place}, sha256 {json_sha256}"
