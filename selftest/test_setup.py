"""What a run says and refuses before any work: folders that the vendor's tools cannot take."""

from __future__ import annotations

import subprocess
import sys

import pytest

from selftest.faults.world import World
from tools.base.files import ROOT
from tools.pipeline.options import misspelt_markers


def test_white_space_in_the_cache_is_told_at_the_start_and_stops_nothing_but_the_om(world: World) -> None:
    world.cache = world.cache.rename(world.folder / "my cache")
    outcome = world.run("-m", "checkpoint")
    assert outcome.exit_code == 0, outcome.text
    header, _, _ = outcome.text.partition("collected ")
    warning = (
        f"warning: --cache (ACCEPTANCE_CACHE) is '{world.cache}': the vendor's tools take no path with white space"
    )
    assert header.count(warning) == 1
    assert "warning: " not in "".join(outcome.acceptance.inputs)


@pytest.mark.parametrize("option", ["--limit", "--device"])
def test_thousands_of_digits_are_a_usage_error(option: str) -> None:
    done = collect(f"{option}={'9' * 5000}")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert done.stderr.startswith(f"ERROR: {option} (ACCEPTANCE_")
    assert len(done.stderr) < 300


def test_on_a_device_white_space_in_the_cache_is_a_usage_error() -> None:
    done = collect("--target=ascend", "--cache=/my cache")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert done.stderr.startswith("ERROR: --cache (ACCEPTANCE_CACHE) is '/my cache': the vendor's tools take no path")


def test_a_misspelt_marker_names_the_one_that_was_meant_before_anything_begins() -> None:
    done = collect("-m", "acuracy and not npu")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert done.stderr == "ERROR: -m asks for 'acuracy', which is no marker. Did you mean accuracy?\n\n"


@pytest.mark.parametrize(
    ("expression", "meant"),
    [
        ("om or accuracy", {}),
        ("not (ohm or acuracy)", {"ohm": "om", "acuracy": "accuracy"}),
        ("Accuracy", {"Accuracy": "accuracy"}),
        ("gate(id='acuracy')", {}),
        ("xyzzy and True", {}),
        ("", {}),
    ],
)
def test_words_of_an_expression_that_are_no_markers(expression: str, meant: dict[str, str]) -> None:
    assert misspelt_markers(expression, {"accuracy", "om", "gate", "npu"}) == meant


def collect(*options: str) -> subprocess.CompletedProcess[str]:
    """Begin a run that goes no further than its inputs."""
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--sample", "--collect-only", *options]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
