"""What the answer about a port rests on, now and in a bundle: what differs is why a port is judged again.

Nothing is digested here that the evidence does not carry already: the port's files and code, the suite, the libraries,
the checkpoint, the images, the toolkit, the chip.
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import re
from collections.abc import Mapping
from pathlib import Path

from tools.ascend.machine import describe_machine
from tools.ascend.target import Target, choose_target
from tools.ascend.toolchain import toolchain
from tools.base.files import ROOT, scratch_folder, sha256_of
from tools.data.dataset import dataset_digests, read_dataset
from tools.evidence.host import suite_sha256
from tools.judge.acceptance import Acceptance
from tools.judge.documents import spec_digest
from tools.pipeline import run as pipeline_run
from tools.pipeline.setup import Setup
from tools.ports.spec_json import spec_json
from tools.store.content import digests_sha256
from tools.store.dependencies import dependencies

OF_THE_CHIP = ("chip", "soc")
"""What a run adds to the toolkit's own versions; the chip is looked at by itself."""
SHOWN = 12
ABSENT = "absent"
Basis = dict[str, str]
Sides = tuple[Basis, Basis]
"""Then and now."""
_NO_LETTER = re.compile(r"[-_.]+")


def changes(setup: Setup, record: Acceptance) -> list[str]:
    """What a run would work on now and `record` was not made of, each with both values; empty where nothing changed.

    What the recorded run did not come to (images in a run of one stage) its answer does not rest on. What takes long to
    look at comes last, and only where nothing else differs. SuiteError where toolkit or images cannot be looked at.
    """
    looked_at = (_of_port, _of_checkpoint, _of_toolkit, _of_chip, _of_images)
    return next((found for look in looked_at if (found := _unlike(*look(setup, record)))), [])


def _of_port(setup: Setup, record: Acceptance) -> Sides:
    return _recorded(record), _now(setup)


def _of_checkpoint(setup: Setup, record: Acceptance) -> Sides:
    then = next((digest.sha256 for digest in record.digests if digest.name == "checkpoint"), None)
    if then is None or setup.inputs.checkpoint is None:
        return {}, {}
    return {"checkpoint": then}, {"checkpoint": sha256_of(setup.inputs.checkpoint)}


def _of_toolkit(setup: Setup, record: Acceptance) -> Sides:
    if record.machine is None:
        return {}, {}
    then = {name: value for name, value in record.machine.toolchain.items() if name not in OF_THE_CHIP}
    asked = setup.inputs.ascend
    now = _toolkit(asked.target, asked.infer_tool, asked.ais_bench_python, setup.filesystem)
    return _named("toolkit", then), _named("toolkit", now)


def _of_chip(setup: Setup, record: Acceptance) -> Sides:
    """A folder of results may have come from another machine; any of the devices may be the one that judges."""
    if record.machine is None or not setup.on_device:
        return {}, {}
    asked, then = setup.inputs.ascend, record.machine.soc
    target = asked.target, asked.infer_tool, asked.ais_bench_python
    chips = {_chip(*target, asked.soc or setup.spec.om.soc, device, setup.filesystem) for device in asked.devices}
    return {"chip": then}, {"chip": then if then in chips else ", ".join(sorted(chips))}


def _of_images(setup: Setup, record: Acceptance) -> Sides:
    inputs, classes = setup.inputs, setup.spec.dataset.classes
    if record.dataset is None or inputs.images is None or inputs.labels is None:
        return {}, {}
    now = _images(inputs.images, inputs.labels, classes, inputs.limit)
    return {"images and labels": record.dataset.images_sha256}, {"images and labels": now}


def _recorded(record: Acceptance) -> Basis:
    spec, versions = record.spec, record.versions
    if spec is None or versions is None:
        return {}
    libraries = {_plain(name): value for name, value in versions.libraries.items()}
    return {
        "the resolved port": spec.json_sha256,
        **_named("file", spec.files),
        **spec.code,
        "suite": versions.suite_sha256,
        "Python": versions.python,
        **{f"library {name}": libraries.get(_plain(name), "not installed") for name in _libraries()},
        "target": record.target,
    }


def _now(setup: Setup) -> Basis:
    return {
        "the resolved port": spec_digest(spec_json(setup.spec)),
        **_named("file", {name: hashlib.sha256(content).hexdigest() for name, content in setup.port.files.items()}),
        **setup.code,
        "suite": _suite(),
        "Python": platform.python_version(),
        **{f"library {name}": value for name, value in _libraries().items()},
        "target": str(setup.kind),
    }


@functools.cache
def _suite() -> str:
    return suite_sha256(ROOT)


@functools.cache
def _libraries() -> Mapping[str, str]:
    """Every library that a run's code imports, and its version: another one that is installed changes no answer."""
    named = dependencies((pipeline_run,))
    return {name.partition(" ")[2]: value for name, value in named.items() if name.startswith("version ")}


@functools.cache
def _toolkit(target: str, infer_tool: str, ais_bench_python: Path | None, root: Path) -> Basis:
    return toolchain(_target(target, infer_tool, ais_bench_python, root), root, run="")


@functools.cache
def _chip(target: str, infer_tool: str, ais_bench_python: Path | None, soc: str | None, device: int, root: Path) -> str:
    """The chip of a device, as a run would call it."""
    chosen = _target(target, infer_tool, ais_bench_python, root)
    with scratch_folder("npu-smi-") as folder:
        return describe_machine(chosen, soc=soc, devices=(device,), root=root, logs=folder / "logs", run="").soc


def _target(target: str, infer_tool: str, ais_bench_python: Path | None, root: Path) -> Target:
    return choose_target(target, infer_tool, os.environ, root, ais_bench_python=ais_bench_python)


@functools.cache
def _images(images: Path, labels: Path, classes: int, limit: int | None) -> str:
    """The digest of a data set, taken once for all ports."""
    return digests_sha256(dataset_digests(read_dataset(images, labels, classes=classes, limit=limit), classes=classes))


def _named(what: str, values: Mapping[str, str]) -> Basis:
    return {f"{what} {name}": value for name, value in values.items()}


def _unlike(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    names = sorted(name for name in {*then, *now} if then.get(name) != now.get(name))
    return [f"{name} ({_short(then.get(name, ABSENT))}, now {_short(now.get(name, ABSENT))})" for name in names]


def _short(value: str) -> str:
    return value if len(value) <= 2 * SHOWN else f"{value[:SHOWN]}…"


def _plain(name: str) -> str:
    """A distribution's name as all its spellings have it."""
    return _NO_LETTER.sub("-", name).lower()
