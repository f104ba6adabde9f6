"""A new port's bounds of agreement from a measurement: what fp16 does to this network, as the simulator does it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tools.base.errors import SuiteError
from tools.base.files import md5_of, sha256_of
from tools.data.images import list_images
from tools.judge.agreement import Agreement
from tools.judge.ids import ONNX, om
from tools.model.library.new_port import draft_port
from tools.model.network import Network
from tools.model.random_weights import calibrated
from tools.pipeline.run import Run, open_run
from tools.ports.measured_policy import Measurement, policy_text
from tools.ports.stated import Stated

IMAGES_TO_CALIBRATE = 64


@dataclass(frozen=True)
class Measuring:
    """What is measured on; without a checkpoint with calibrated random weights."""

    images: Path
    labels: Path | None
    checkpoint: Path | None

    @staticmethod
    def asked(images: Path | None, labels: Path | None, checkpoint: Path | None, random: bool) -> Measuring | None:
        """From the options of a command; SuiteError where they do not go together."""
        if images is None:
            if labels or random:
                raise SuiteError("--labels and --random-weights are for --measure IMAGES")
            return None
        if checkpoint is None and not random:
            fix = "name the weights with --checkpoint FILE, or measure random ones with --random-weights"
            raise SuiteError("--measure needs weights", fix=fix)
        if checkpoint is not None and random:
            raise SuiteError("--checkpoint and --random-weights exclude each other")
        return Measuring(images, labels, checkpoint)


def measured_policy(stated: Stated, out: Path, asked: Measuring) -> str:
    """The `policy` section of the port, with bounds where the shared ones are tighter than this network needs."""
    with tempfile.TemporaryDirectory(prefix="measure-") as temporary:
        folder = Path(temporary)
        labels = asked.labels or _any_labels(asked.images, folder / "labels.txt")
        checkpoint, whose = asked.checkpoint, "its own weights"
        if checkpoint is None:
            checkpoint, whose = folder / "random.pth", "calibrated random weights"
            _write_random(stated, out, asked.images, labels, checkpoint)
            stated = _of_file(stated, checkpoint)
        with _run(stated, out, checkpoint, asked.images, labels, folder) as run:
            return policy_text(_measured(run, whose), run.spec.agreement)


def _measured(run: Run, whose: str) -> Measurement:
    found: tuple[Agreement, Agreement] = run.agreement(ONNX), run.agreement(om(run.spec.om.dataset_batches[-1]))
    return Measurement(onnx=found[0], om=found[1], images=found[0].images, whose=whose)


def _write_random(stated: Stated, out: Path, images: Path, labels: Path, path: Path) -> None:
    """Calibrated on the port's own images, which nobody can read before some file of weights is named."""
    import torch

    path.touch()
    with _run(stated, out, path, images, labels, path.parent) as run:
        pixels = run.data.pixels().read(IMAGES_TO_CALIBRATE)
        weights = calibrated(Network(run.spec.model, out.parent), pixels)
    torch.save(weights, path)


def _of_file(stated: Stated, path: Path) -> Stated:
    weights = replace(stated.weights, sha256_prefix=None, sha256=sha256_of(path), md5=md5_of(path))
    return replace(stated, weights=weights)


def _any_labels(images: Path, path: Path) -> Path:
    """No figure of agreement depends on a label, but no run does without."""
    path.write_text("".join(f"{image.name} 0\n" for image in list_images(images).values()), encoding="utf-8")
    return path


@contextmanager
def _run(stated: Stated, out: Path, checkpoint: Path, images: Path, labels: Path, folder: Path) -> Iterator[Run]:
    """A run of the drafted port on the simulator, which leaves nothing behind and minds no variable of other runs."""
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("ACCEPTANCE_")}
    with draft_port(stated, out) as port:
        options = {
            "port": str(port.path),
            "checkpoint": str(checkpoint),
            "images": str(images),
            "labels": str(labels),
            "cache": str(folder / "cache"),
            "evidence": str(folder / "evidence"),
            "target": "simulator",
        }
        with open_run(options, environment=surroundings) as run:
            yield run
