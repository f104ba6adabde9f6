"""A small world to break: an acceptance of 48 sample images, whole and green, run in this process in seconds."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.base.files import ROOT
from tools.evidence.record_file import read_acceptance
from tools.judge import gates
from tools.judge.acceptance import Acceptance
from tools.judge.ids import GateId
from tools.judge.layout import FILE
from tools.judge.results import Check, Verdict
from tools.ports.spec import PUBLISHED_SPEC, SAMPLE_SPEC
from tools.sample.images import IMAGES_FOLDER, LABEL_FILE, write_images
from tools.store.artifacts import FILES, MANIFEST
from tools.store.content import images_content_sha256

IMAGES = 48
BATCHES = (1, 4)
"""What a clean world is judged by: the single image, whose throughput is that of the data set, and one that is not."""
# what 48 images cannot prove or take too long to prove: the margin, and the rounds of a timing
RELAXED = {
    "images: {exactly: 1000,": f"images: {{exactly: {IMAGES},",
    "top1_drop_pp: {at_most: 1.0,": "top1_drop_pp: {at_most: 15.0,",
    "top5_drop_pp: {at_most: 1.0,": "top5_drop_pp: {at_most: 15.0,",
    "value: 56.6,": "value: 52.083333,",
    "value: 77.7,": "value: 75.0,",
    "probe_images: 32": "probe_images: 16",
    "rounds: 5": "rounds: 3",
    "min_images_per_round: 16": "min_images_per_round: 4",
}
PINNED_IMAGES = "520adc42898895ae990baa6ce9df3f2f1efe1418970dee87a560034e3556679d"


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its exit code, what it printed, and what it wrote as evidence."""

    exit_code: int
    text: str
    acceptance: Acceptance

    @property
    def failed(self) -> list[str]:
        """Ids of the gates that failed, in the order of the inventory."""
        return [result.id for result in self.acceptance.gates if result.check.verdict is Verdict.FAIL]

    def check(self, gate: str) -> Check:
        """The result of one gate."""
        return next(result.check for result in self.acceptance.gates if result.id == gate)


@dataclass(frozen=True)
class Clean:
    """A run in which nothing was wrong: its port, and the folders of the artifacts that it used, `<kind>/<key>`."""

    port_text: str
    artifacts: tuple[Path, ...]

    def files(self, kind: str) -> Path:
        """The files of the only artifact of a kind; they are not to be changed."""
        (folder,) = (place for place in self.artifacts if place.parent.name == kind)
        return folder / FILES

    @property
    def checkpoint(self) -> Path:
        """The sample's checkpoint."""
        return next(self.files("sample-checkpoint").iterdir())


def clean_run(folder: Path, cache: Path) -> Clean:
    """Run the acceptance on the small world's port; what `folder` has of an earlier call counts."""
    port, evidence = folder / "port.yaml", folder / "evidence"
    if not (evidence / FILE).is_file():
        shutil.rmtree(folder, ignore_errors=True)
        port.write_text(with_batches(small_port(folder / "small"), BATCHES), encoding="utf-8")
        options = ["--sample", f"--port={port}", f"--cache={cache}", f"--evidence={evidence}", "-q"]
        words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    used = (line.split()[1] for line in read_acceptance(evidence).artifacts)
    folders = {next(cache.glob(f"{name}*")) for name in used}
    return Clean(port.read_text(encoding="utf-8"), tuple(sorted(folders)))


class UpTo:
    """A plugin that leaves out the gates which the inventory has after a given one: no fault is told by those."""

    def __init__(self, gate: str) -> None:
        self._last = GateId(gate).gate

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave them out."""
        order = [gate.id for gate in gates.INVENTORY]
        behind = frozenset(order[order.index(self._last) + 1 :])
        left_out = [item for item in items if any(mark.args[0] in behind for mark in item.iter_markers("gate"))]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


class World:
    """A folder of its own with the port, and a cache that starts as the clean run's: own manifests, links to files."""

    def __init__(self, folder: Path, clean: Clean, pytester: pytest.Pytester) -> None:
        self.folder, self.clean, self._pytester = folder, clean, pytester
        self.cache, self.port = folder / "cache", folder / "port.yaml"
        self.port.write_text(clean.port_text, encoding="utf-8")
        for place in clean.artifacts:
            own = self.cache / place.parent.name / place.name
            own.mkdir(parents=True)
            shutil.copyfile(place / MANIFEST, own / MANIFEST)
            (own / FILES).symlink_to(place / FILES)

    def forget(self, *kinds: str) -> None:
        """Drop artifacts of these kinds (prefixes), so that they are made again under the fault."""
        for place in self.cache.iterdir():
            if place.name.startswith(kinds):
                shutil.rmtree(place)

    def edit_port(self, old: str, new: str) -> None:
        """Replace a piece of the port, or of what all ports share, which must be there."""
        text = self.port.read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in the port"
        self.port.write_text(text.replace(old, new), encoding="utf-8")

    def only_batches(self, *batches: int) -> None:
        """Judge these batch sizes only, to be quick."""
        text = self.port.read_text(encoding="utf-8")
        self.port.write_text(with_batches(text, batches), encoding="utf-8")

    def run(self, *arguments: str, sample: bool = True, plugins: Sequence[object] = ()) -> Outcome:
        """Run the suite itself (its own tests/, its own conftest) on this world, in this process."""
        evidence = self.folder / "evidence"
        shutil.rmtree(evidence, ignore_errors=True)
        options = [
            f"--port={self.port}",
            f"--cache={self.cache}",
            f"--evidence={evidence}",
            "-p",
            "no:cacheprovider",
            "--tb=line",
            "--diagnose=never",
        ]
        result = self._pytester.runpytest_inprocess(
            f"--rootdir={ROOT}",
            f"--config-file={ROOT / 'pytest.ini'}",
            *options,
            *(["--sample"] if sample else []),
            *arguments,
            str(ROOT / "tests"),
            plugins=plugins,
        )
        text = result.stdout.str() + result.stderr.str()
        assert (evidence / "acceptance.json").is_file(), f"the run left no evidence:\n{text}"
        return Outcome(int(result.ret), text, read_acceptance(evidence))


def small_port(folder: Path) -> str:
    """The sample's port for 48 images, with their own content digest; whole in one text, so that all can be edited."""
    write_images(folder, IMAGES)
    digest = images_content_sha256([*(folder / IMAGES_FOLDER).iterdir(), folder / LABEL_FILE])
    text = whole_port(SAMPLE_SPEC)
    for old, new in {**RELAXED, PINNED_IMAGES: digest}.items():
        assert old in text, f"{old!r} is not in {SAMPLE_SPEC}"
        text = text.replace(old, new)
    return text


def whole_port(path: Path) -> str:
    """A shipped port in one text with what all ports share, which then takes nothing from anywhere else."""
    shared, _, _ = PUBLISHED_SPEC.read_text(encoding="utf-8").partition("\nport:\n")
    own = path.read_text(encoding="utf-8").partition("\nport:\n")[2]
    return f"{shared}\nport:\n{own}"


def with_batches(text: str, batches: Sequence[int]) -> str:
    """A port's text with other batch sizes."""
    return re.sub(r"(?m)^  batches: .*$", f"  batches: {list(batches)}", text)
