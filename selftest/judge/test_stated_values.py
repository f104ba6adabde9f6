"""Every value that a port states is asked by a gate, refused where it makes no sense, or declared to be no demand."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

import pytest

from selftest.evidence.bundles import Made, World
from selftest.evidence.tampering import Forgery, altered, contents_of, leaves, put
from tools.base.errors import SuiteError
from tools.judge import records
from tools.judge.bundle import Bundle, read_bundle
from tools.judge.gates import Asked, expected, judge
from tools.judge.results import Check
from tools.judge.spec import Spec

WORDS = re.compile(r"\.(?:source|unit|reason)$|^reasons|^port$|^model\.name$|^schema$")
"""What goes with a value: it is shown and judges nothing."""
STATED: dict[str, object] = {
    "checkpoint.sha256": "0" * 64,
    "checkpoint.sha256_prefix": "0" * 8,
    "checkpoint.content_sha256": "0" * 64,
    "dataset.content_sha256": "0" * 64,
    "dataset.labels_sha256": "0" * 64,
    "onnx.graph_step": "python:surgery.py:step",
    "preprocessing.function": "python:own.py:pixels",
    "preprocessing.aipp": {"crop": "host", "file": None, "input": "pixels"},
    "om.soc": "Ascend310P3",
}
"""What a port may state where the bundle's own states nothing."""
NO_DEMAND = {
    "agreement.device_error_multiple.value": "what a device's bounds follow by; those that do not are refused on load",
    **dict.fromkeys(("checkpoint.file", "checkpoint.url"), "a name and an address, of a file that its digests tell"),
    "model.parameters.value": "shown beside the network, whose tensors checkpoint.keys and shapes count",
    **dict.fromkeys(
        ("preprocessing.mean[]", "preprocessing.std[]", "preprocessing.resize_px"),
        "what pixels are made by; preprocessing.torchvision_parity holds the bins against them when they are made",
    ),
    **dict.fromkeys(
        tuple(
            f"agreement.{kind}.near_tie_logits.value" for kind in ("onnx", "om_on_simulator", "om_on_device", "int8")
        ),
        "says which flips count, which are counted when the logits are there",
    ),
    **dict.fromkeys(
        ("host_perf.rounds", "host_perf.min_images_per_round", "om.throughput_runs.dataset", "om.throughput_runs.pure"),
        "how often the run measures",
    ),
    **dict.fromkeys(
        ("accuracy.reference_probe_images", "accuracy.reference_abs_error.at_most"),
        "asked of predictions that the run's own CPU has not made, see selftest/test_taken_reference.py",
    ),
    **dict.fromkeys(("om.dataset_batches[]", "om.soc"), "how OMs are compiled and measured"),
}
"""Values that no gate asks about after the run, and what becomes of each."""


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> list[Bundle]:
    """Whole runs, so that each bound has something to hold: near a floor, without figures, on the simulator."""
    worlds = (
        World(images=120, batches=(1, 16), runs=1, strict=True),
        World(images=40, batches=(1, 16), runs=1, rate_over_published=0.94),
        World(images=40, batches=(1, 16), runs=1, figures=False),
        World(kind="sample", images=40, batches=(1, 16), runs=1, on_device=False, figures=False),
        World(images=40, batches=(1, 16), runs=1, int8=True),
    )
    found = []
    for number, world in enumerate(worlds):
        folder = Made(world).write(tmp_path_factory.mktemp("made") / str(number))
        found.append(read_bundle(str(number), Forgery(contents_of(folder)).sealed()))
    return found


def answers(bundle: Bundle, spec: Spec) -> dict[str, Check | str]:
    """What each gate answers by a spec; the error where the bundle holds no evidence of it."""
    judged, found = bundle.judged_by(spec), dict[str, Check | str]()
    for name in expected(Asked(spec, on_device=bundle.on_device)):
        try:
            found[name] = judge(name, judged)
        except SuiteError as error:
            found[name] = str(error)
    return found


def name_of(path: tuple[str | int, ...]) -> str:
    """The place of a value, the same for all entries of a list."""
    return "".join("[]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def is_asked(bundle: Bundle, path: tuple[str | int, ...], value: object, before: dict[str, Check | str]) -> bool:
    """Whether another value is refused, or gets another answer of a gate."""
    document: Any = deepcopy(records.plain(bundle.spec))
    put(document, path, STATED[name_of(path)] if value is None else altered(value))
    try:
        return answers(bundle, records.read(Spec, document)) != before
    except ValueError:
        return True


def test_each_stated_value_is_asked_or_declared_to_be_no_demand(bundles: list[Bundle]) -> None:
    asked, seen = set(), set()
    for bundle in bundles:
        before = answers(bundle, bundle.spec)
        for path, value in leaves(records.plain(bundle.spec)):
            name = name_of(path)
            if WORDS.search(name) or name in asked or (value is None and name not in STATED):
                continue
            seen.add(name)
            if is_asked(bundle, path, value, before):
                asked.add(name)
    assert seen - asked <= NO_DEMAND.keys(), "stated, read and asked by nobody"
    assert NO_DEMAND.keys() <= seen, "no value of a port"


@pytest.mark.parametrize("name", sorted(STATED.keys() - NO_DEMAND.keys()))
def test_what_a_published_port_may_state_besides_is_asked(name: str, bundles: list[Bundle]) -> None:
    published = bundles[0]
    assert published.spec.kind == "published"
    assert is_asked(published, tuple(name.split(".")), None, answers(published, published.spec))
