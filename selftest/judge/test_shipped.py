"""A spec is the suite's own by its content alone."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tools.judge.shipped import SHIPPED_FILES, SHIPPED_SPECS, files_digest, holds_sample, shipped_port, spec_words
from tools.ports.spec import PUBLISHED_SPEC, SAMPLE_SPEC, load_port, load_spec
from tools.ports.spec_json import spec_json


def test_the_pinned_specs_are_the_shipped_ones() -> None:
    """A shipped spec that is changed on purpose gets its new digest into SHIPPED_SPECS."""
    specs = [load_spec(path) for path in (PUBLISHED_SPEC, *sorted(SAMPLE_SPEC.parent.glob("*.yaml")))]
    digests = {hashlib.sha256(spec_json(spec)).hexdigest(): spec.port for spec in specs}
    lines = "".join(f"{digest}={name}\n" for digest, name in digests.items())
    assert digests == SHIPPED_SPECS, f"SHIPPED_SPECS must hold\n{lines}"


def digests_of(path: Path) -> dict[str, str]:
    """sha256 of a port's files by name."""
    return {name: hashlib.sha256(content).hexdigest() for name, content in load_port(path).files.items()}


def test_the_pinned_files_are_the_shipped_ones() -> None:
    """Shipped files that are changed on purpose, thresholds.yaml among them, get new digests into SHIPPED_FILES."""
    ports = (PUBLISHED_SPEC, *sorted(SAMPLE_SPEC.parent.glob("*.yaml")))
    digests = {files_digest(digests_of(path)): load_spec(path).port for path in ports}
    lines = "".join(f"{digest}={name}\n" for digest, name in digests.items())
    assert digests == SHIPPED_FILES, f"SHIPPED_FILES must hold\n{lines}"


def test_a_shipped_port_with_another_module_is_ones_own() -> None:
    path = SAMPLE_SPEC.parent / "efficientnet_lite0.yaml"
    digest, files = hashlib.sha256(spec_json(load_spec(path))).hexdigest(), digests_of(path)
    assert shipped_port(digest, files) == "efficientnet_lite0"
    assert shipped_port("0" * 64, files) is None
    assert shipped_port(digest, {**files, "efficientnet_lite0.py": "0" * 64}) is None


@pytest.mark.parametrize("digest", SHIPPED_SPECS)
def test_a_shipped_spec_is_told_by_its_digest(digest: str) -> None:
    assert spec_words("x.json", digest) == f"the suite's port {SHIPPED_SPECS[digest]}, x.json, sha256 {digest}"


def test_any_other_is_ones_own() -> None:
    assert spec_words("x.json", "0" * 64) == f"a port of one's own, x.json, sha256 {'0' * 64}"


def test_the_sample_is_known_by_content_under_any_port() -> None:
    sample = load_spec(SAMPLE_SPEC)
    assert holds_sample(sample.checkpoint.content_sha256, None)
    assert holds_sample(None, sample.dataset.content_sha256)
    assert not holds_sample("0" * 64, "0" * 64)
    assert not holds_sample(None, None)
