"""One network of selftest/campaigns/classifiers.py, in a process of its own: prints its row as one line of JSON."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tools.base.errors import SuiteError
from tools.base.files import md5_of, sha256_of
from tools.judge.ids import ONNX, om
from tools.model.library.facts import stated
from tools.model.library.new_port import tried
from tools.model.network import Network
from tools.model.random_weights import calibrated
from tools.pipeline.run import Run, open_run
from tools.ports.draft import draft
from tools.ports.measured_policy import Measurement, policy_text
from tools.ports.spec import load_port, load_spec, port_path

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

IMAGES = 8
BATCHES = [1, 2]
ROW = "ROW "
SHARED, MEASURED = "shared", "measured"
OF_PORT = "port:"
"""Before the name of a port that is shipped, where a row is not of a library's network alone."""
ID_FORMAT = "ILSVRC2012_val_{:08d}"
FEW = f'reason: "{IMAGES} images"'
POLICY = f"""
  accuracy:
    top1_drop_pp: {{at_most: 99.0, unit: pp, source: a campaign, {FEW}}}
    top5_drop_pp: {{at_most: 99.0, unit: pp, source: a campaign, {FEW}}}
    tight_drop_pp: {{at_most: 99.0, unit: pp, source: a campaign, {FEW}}}
  host_perf: {{rounds: 3, min_images_per_round: 1}}
  om: {{throughput_runs: {{dataset: 1, pure: 1}}}}
reasons:
  host_perf.rounds: a campaign
  host_perf.min_images_per_round: a campaign
  om.throughput_runs.dataset: a campaign
  om.throughput_runs.pure: a campaign
"""


@dataclass(frozen=True)
class Row:
    """What came of one network; `reason` says why it did not pass, empty where it did."""

    source: str
    millions: float = 0.0
    opset: int = 0
    passed: int = 0
    failed: int = 0
    cosine_distance: float = 0.0
    largest_error: float = 0.0
    bounds: str = ""
    seconds: float = 0.0
    reason: str = ""

    @property
    def passed_all(self) -> bool:
        """Whether every gate that was asked passed."""
        return self.passed > 0 and not self.reason

    def line(self) -> str:
        """The row in Markdown."""
        numbers = f"{self.millions:.1f} | {self.opset} | {self.passed} | {self.failed} | {self.cosine_distance:.1e}"
        rest = f"{self.largest_error:.2g} | {self.bounds} | {self.seconds:.0f} | {self.reason.replace('|', '/')}"
        return f"| {self.source} | {numbers} | {rest} |"

    @staticmethod
    def of_line(line: str) -> Row:
        """The row of a line of the page."""
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        source, millions, opset, passed, failed, cosine, error, bounds, seconds, reason = cells
        whole = int(opset), int(passed), int(failed)
        return Row(source, float(millions), *whole, float(cosine), float(error), bounds, float(seconds), reason)


def read_row(printed: str) -> Row | None:
    """The row in what the process printed, None when it came to none."""
    found = [line for line in printed.splitlines() if line.startswith(ROW)]
    return Row(**json.loads(found[-1].removeprefix(ROW))) if found else None


def judged(source: str, shared: Path) -> Row:
    """Draft, weigh, measure and judge one network in a folder of its own below `shared`, which holds the images."""
    began, folder = time.monotonic(), shared / source.replace(":", "-")
    folder.mkdir()
    try:
        row = _judged(source, shared / "imagenet", folder)
    except SuiteError as error:
        row = Row(source, reason=str(error)[:300])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return replace(row, seconds=time.monotonic() - began)


def _judged(source: str, imagenet: Path, folder: Path) -> Row:
    out = folder / "port.yaml"
    port = _shipped(source, folder) if source.startswith(OF_PORT) else _drafted(source, out)
    labels = folder / "labels.txt"
    labels.write_text((imagenet / "val_label.txt").read_text(encoding="utf-8"), encoding="utf-8")
    checkpoint = folder / port["checkpoint"]["file"]
    pixels, network = _pixels(port, folder, imagenet, labels, checkpoint)
    _write_weights(network, pixels, checkpoint, imagenet, labels, port["model"].get("label_offset", 0))
    _write_port(port, out, checkpoint, "")
    with _run(out, checkpoint, imagenet, labels) as run:
        measured = Measurement(run.agreement(ONNX), run.agreement(om(BATCHES[-1])), IMAGES, "calibrated random weights")
    policy = policy_text(measured, load_spec(out).agreement)
    _write_port(port, out, checkpoint, policy)
    with _run(out, checkpoint, imagenet, labels) as run:
        return _row(run, source, measured, widened="policy:" in policy)


def _drafted(source: str, out: Path) -> dict[str, Any]:
    """The facts of a port as tools/new_port.py drafts it."""
    return _facts(draft(tried(stated(source, None, out), out)), stated(source, None, out).classes)


def _shipped(source: str, folder: Path) -> dict[str, Any]:
    """The facts of a port that is shipped, less those about its own weights; its modules are put into the folder."""
    port = load_port(port_path(source.removeprefix(OF_PORT)))
    for name, content in port.files.items():
        if name.endswith(".py"):
            (folder / name).write_bytes(content)
    return _facts(port.path.read_text(encoding="utf-8"), port.spec.dataset.classes)


def _facts(text: str, classes: int) -> dict[str, Any]:
    """A port's facts, for the generated images and with nothing that was published of its weights."""
    port: dict[str, Any] = yaml.safe_load(text)["port"]
    for name in ("accuracy", "published", "kind"):
        port.pop(name, None)
    images = {"exactly": IMAGES, "unit": "images", "source": "generated"}
    port["dataset"] = {"images": images, "id_format": ID_FORMAT, "classes": classes, "source": "generated"}
    return port | {"batches": BATCHES}


def _row(run: Run, source: str, measured: Measurement, *, widened: bool) -> Row:
    results = run.judge_all()
    open_ones = [result for result in results if result.check.hinders]
    said = "; ".join(
        f"{result.id} {result.check.verdict}: {result.check.measured}, {result.check.detail}" for result in open_ones
    )
    fact = run.spec.model.parameters
    return Row(
        source=source,
        millions=0.0 if fact is None else fact.value / 1e6,
        opset=int(run.spec.onnx.opset.exactly),
        passed=sum(result.check.passed for result in results),
        failed=len(open_ones),
        cosine_distance=1 - float(measured.om.min_cosine or 0.0),
        largest_error=float(measured.om.max_abs_error_logits or 0.0),
        bounds=MEASURED if widened else SHARED,
        reason=said[:400],
    )


def _pixels(
    port: dict[str, Any], folder: Path, imagenet: Path, labels: Path, checkpoint: Path
) -> tuple[NDArray[np.float32], Network]:
    """The images as the network takes them; nobody can read them before some file of weights is named."""
    checkpoint.touch()
    _write_port(port, folder / "port.yaml", checkpoint, "")
    with _run(folder / "port.yaml", checkpoint, imagenet, labels) as run:
        return run.data.pixels().read(IMAGES), Network(run.spec.model, folder)


def _write_weights(
    network: Network, pixels: NDArray[np.float32], checkpoint: Path, imagenet: Path, labels: Path, offset: int
) -> None:
    import torch

    state_dict = calibrated(network, pixels)
    torch.save(state_dict, checkpoint)
    with torch.inference_mode():
        best = network.build(state_dict)(torch.from_numpy(pixels)).argmax(dim=1).tolist()
    names = sorted(path.name for path in (imagenet / "val").iterdir())
    lines = (f"{name} {max(0, label - offset)}\n" for name, label in zip(names, best, strict=True))
    labels.write_text("".join(lines), encoding="utf-8")


def _write_port(port: dict[str, Any], out: Path, checkpoint: Path, policy: str) -> None:
    """The port of this file of weights; `policy` holds bounds that were measured."""
    own = {"file": checkpoint.name, "sha256": sha256_of(checkpoint), "md5": md5_of(checkpoint), "source": "made"}
    document = {"schema": 2, "port": port | {"name": out.stem, "checkpoint": own}}
    measured = policy if "policy:" in policy else f"{policy}\npolicy:"
    out.write_text(yaml.safe_dump(document, sort_keys=False) + measured.rstrip() + POLICY, encoding="utf-8")


@contextmanager
def _run(port: Path, checkpoint: Path, imagenet: Path, labels: Path) -> Iterator[Run]:
    folder = port.parent
    options = {
        "port": str(port),
        "checkpoint": str(checkpoint),
        "images": str(imagenet / "val"),
        "labels": str(labels),
        "cache": str(folder / "cache"),
        "evidence": str(folder / "evidence"),
        "target": "simulator",
    }
    own = {name: value for name, value in os.environ.items() if not name.startswith("ACCEPTANCE_")}
    with open_run(options, environment=own) as run:
        yield run


if __name__ == "__main__":
    print(ROW + json.dumps(asdict(judged(sys.argv[1], Path(sys.argv[2])))))
