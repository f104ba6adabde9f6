"""A small port with a network, weights, images and labels of its own, in any folder: a whole run takes seconds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.judge.spec import Spec
from tools.model.network import Network
from tools.ports.spec import load_spec

if TYPE_CHECKING:
    import torch

NETWORK = '''"""A convolution, a depthwise one, each with batch normalisation, and a linear layer."""

import torch
from torch import nn


class Tiny(nn.Module):
    def __init__(self, classes, scale=1.0, outputs=1):
        super().__init__()
        self.scale, self.outputs = scale, outputs
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.depthwise = nn.Sequential(nn.Conv2d(16, 16, 3, 1, 1, groups=16), nn.BatchNorm2d(16), nn.ReLU())
        self.pointwise = nn.Sequential(nn.Conv2d(16, 32, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU())
        self.pool, self.head = nn.AdaptiveAvgPool2d(2), nn.Linear(128, classes)

    def forward(self, images):
        features = self.pool(self.pointwise(self.depthwise(self.stem(images * self.scale))))
        logits = self.head(torch.flatten(features, 1))
        return logits if self.outputs == 1 else (torch.flatten(features, 1), logits)


def network(**arguments):
    return Tiny(**arguments)
'''
IMAGES = 64
REASON = 'reason: "64 images"'


@dataclass(frozen=True)
class TinyPort:
    """The files of a port: what `pytest --port FILE --checkpoint … --images … --labels …` is given."""

    port: Path
    checkpoint: Path
    images: Path
    labels: Path

    @property
    def options(self) -> dict[str, str | None]:
        """The options of a run, by the names of tools/pipeline/options.py."""
        places = {"port": self.port, "checkpoint": self.checkpoint, "images": self.images, "labels": self.labels}
        return {name: str(path) for name, path in places.items()}

    @property
    def spec(self) -> Spec:
        """What the port is judged by."""
        return load_spec(self.port)

    def edit(self, old: str, new: str) -> None:
        """Replace a piece of the port's file, which must be there."""
        text = self.port.read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in the port"
        self.port.write_text(text.replace(old, new), encoding="utf-8")


def tiny_port(
    folder: Path,
    *,
    classes: int = 100,
    label_offset: int = 0,
    arguments: Mapping[str, object] | None = None,
    suffix: str = ".png",
    **sections: str,
) -> TinyPort:
    """Write it; `sections` replace lines of the port's YAML by their key, such as `onnx` or `preprocessing`, `suffix`
    says the images' format."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tiny_net.py").write_text(NETWORK, encoding="utf-8")
    files = TinyPort(folder / "tiny.yaml", folder / "tiny.pth", folder / "images", folder / "labels.txt")
    given = {"classes": classes + label_offset, **(arguments or {})}
    _write_images(files.images, suffix)
    files.port.write_text(_yaml(given, classes, label_offset, ("0" * 64, "0" * 32), sections), encoding="utf-8")
    _write_weights(files, background=bool(label_offset))
    content = files.checkpoint.read_bytes()
    digests = hashlib.sha256(content).hexdigest(), hashlib.md5(content, usedforsecurity=False).hexdigest()
    files.port.write_text(_yaml(given, classes, label_offset, digests, sections), encoding="utf-8")
    return files


def _yaml(
    arguments: Mapping[str, object],
    classes: int,
    label_offset: int,
    digests: tuple[str, str],
    sections: Mapping[str, str],
) -> str:
    said = ", ".join(f"{name}: {value}" for name, value in arguments.items())
    source = "name: Tiny, source: 'python:tiny_net.py:network'"
    lines = {
        "model": f"{{{source}, arguments: {{{said}}}, label_offset: {label_offset}}}",
        "checkpoint": f"{{file: tiny.pth, sha256: '{digests[0]}', md5: '{digests[1]}', source: made for a test}}",
        "onnx": "{opset: {exactly: 11, unit: opset, source: test}, input: {name: image}, output: {name: class}}",
        "dataset": f'{{images: {{exactly: {IMAGES}, unit: images, source: test}}, id_format: "tiny_{{:03d}}", '
        f"classes: {classes}, source: test}}",
        "preprocessing": "{resize_px: 32, crop_px: 32, interpolation: bilinear, mean: [0.5, 0.5, 0.5], "
        "std: [0.25, 0.25, 0.25], source: test}",
        "batches": "[1, 4]",
    } | dict(sections)
    port = "".join(f"  {name}: {value}\n" for name, value in lines.items())
    return f"""schema: 2
port:
  name: tiny
{port}policy:
  accuracy:
    top1_drop_pp: {{at_most: 10.0, unit: pp, source: test, {REASON}}}
    top5_drop_pp: {{at_most: 10.0, unit: pp, source: test, {REASON}}}
    tight_drop_pp: {{at_most: 10.0, unit: pp, source: test, {REASON}}}
  agreement:
    om_on_simulator:
      top5_set_changed_percent: {{at_most: 15.0, unit: percent, source: test, {REASON}}}
    om_on_device:
      top5_set_changed_percent: {{at_most: 30.0, unit: percent, source: test, {REASON}}}
  host_perf:
    rounds: 3
    onnx_to_torch: {{at_least: 0.01, unit: ratio, source: test, reason: "calls of microseconds"}}
  om:
    throughput_runs: {{dataset: 1, pure: 1}}
reasons:
  host_perf.rounds: a test
  om.throughput_runs.dataset: a test
  om.throughput_runs.pure: a test
"""


def _write_images(folder: Path, suffix: str) -> None:
    """Noise over patches of colour, of different sizes."""
    import numpy as np
    from PIL import Image

    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(3)
    for number in range(1, IMAGES + 1):
        patches = random.integers(0, 256, (4, 4, 3), np.uint8)
        size = (int(random.integers(33, 70)), int(random.integers(33, 70)))
        image = Image.fromarray(patches).resize(size, Image.Resampling.NEAREST)
        image.save(folder / f"tiny_{number:03d}{suffix}")


def _write_weights(files: TinyPort, *, background: bool) -> None:
    """Random weights whose batch normalisation fits the images, and the labels that the network itself gives."""
    import numpy as np
    import torch

    from tools.data.images import list_images
    from tools.data.preprocess import image_pixels, normalised

    spec = files.spec
    torch.manual_seed(5)
    model = Network(spec.model, files.port.parent).make()
    recipe, images = spec.preprocessing, list_images(files.images)
    made = np.stack([normalised(image_pixels(path.read_bytes(), recipe), recipe) for path in images.values()])
    batch = torch.from_numpy(made)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = None
                module.weight.uniform_(0.5, 1.5)
                module.bias.uniform_(-0.5, 0.5)
        model.train()(batch)
        model.eval()
        head = model.get_submodule("head")
        head.get_parameter("weight").mul_(3 / _logits(model(batch)).std())
        if background:
            head.get_parameter("bias")[0] = -100.0
        best = _logits(model(batch)).argmax(dim=1).tolist()
    torch.save(model.state_dict(), files.checkpoint)
    offset = spec.model.label_offset
    lines = [f"{path.name} {label - offset}\n" for path, label in zip(images.values(), best, strict=True)]
    files.labels.write_text("".join(lines), encoding="utf-8")


def _logits(made: torch.Tensor | tuple[torch.Tensor, ...]) -> torch.Tensor:
    return made[-1] if isinstance(made, tuple) else made
