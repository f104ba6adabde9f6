"""Small faults in whole networks, and whether the diagnosis names them: `python -m selftest.campaigns.diagnosis`.

Each network of torchvision gets random weights whose batch normalisation is calibrated, and is exported as the suite
does. One fault at a time goes into a copy of the ONNX file (the checkpoint stays right), and into what the simulated
atc compiles of the right file. The table goes into docs/diagnosis.md; networks that were not asked for are kept.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selftest.perturbations import Perturbation, Perturbed, Perturber
from selftest.simulator_runner import simulator_runner
from selftest.torch_models import export_model
from tools.base.files import ROOT
from tools.diagnosis.alignment import Alignment
from tools.diagnosis.diagnose import align, channel_of
from tools.diagnosis.node_errors import Channel
from tools.diagnosis.om_parts import diagnose_parts
from tools.diagnosis.onnx_nodes import NodeGraph
from tools.model.network import Network
from tools.model.random_weights import calibrated
from tools.ports.spec import PUBLISHED_SPEC, load_spec

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

PAGE = ROOT / "docs" / "diagnosis.md"
BEGIN, END = "<!-- table -->", "<!-- end of table -->"
HEADER = "| network | fault | put into | ONNX: named | worst channel (median) | OM: named | worst channel (median) |"
NETWORKS: dict[str, tuple[dict[str, Any], int]] = {
    "resnet18": ({}, 224),
    "mobilenet_v2": ({}, 224),
    "densenet121": ({}, 224),
    "inception_v3": ({"transform_input": True, "aux_logits": True, "init_weights": False}, 299),
    "swin_t": ({}, 224),
}
"""Arguments and side of the image in pixels."""
NOTHING = "nothing"


def main(argv: Sequence[str] | None = None) -> int:
    """0 when every fault was named at its module, and nothing where there is none."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help="default: all")
    missed = 0
    for name in parser.parse_args(argv).networks or NETWORKS:
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="diagnosis-") as folder:
            rows = _Rows(name, Path(folder)).rows()
        missed += sum("**" in row for row in rows)
        print("\n".join(rows), f"{name}: {time.monotonic() - started:.0f} s", sep="\n", flush=True)
        _write(name, rows)
    return int(missed > 0)


@dataclass(frozen=True)
class _Named:
    """A module that was accused, and where its output is worst."""

    module: str
    channel: Channel | None


class _Rows:
    """One network's rows of the table."""

    def __init__(self, name: str, folder: Path) -> None:
        self._name, self._folder, (arguments, side_px) = name, folder, NETWORKS[name]
        spec = load_spec(PUBLISHED_SPEC)
        asked = dataclasses.replace(spec.model, source=f"torchvision:{name}", arguments=arguments)
        network = Network(asked, PUBLISHED_SPEC.parent)
        self._model = network.build(_no_two_alike(calibrated(network, _images(4, side_px))))
        self._clean = export_model(self._model, folder / "clean.onnx", side_px=side_px)
        self._image = _images(5, side_px)[4:]
        self._one = align(self._clean, self._model, self._image)

    def rows(self) -> list[str]:
        """One for the clean network, one for each kind of fault that it can have."""
        perturber, rows = Perturber(self._clean, self._model), [self._row("none", None)]
        for kind in Perturbation:
            made = perturber.apply(kind, self._folder / "perturbed.onnx")
            rows += [self._row(str(kind), made)] if made else [f"| {self._name} | {kind} | there is none | | | | |"]
        return rows

    def _row(self, fault: str, made: Perturbed | None) -> str:
        module = "" if made is None else made.module
        onnx, om = self._onnx(made), self._om(made)
        cells = [self._name, fault, module, *_cells(onnx, module), *_cells(om, module)]
        return f"| {' | '.join(cells)} |"

    def _onnx(self, made: Perturbed | None) -> list[_Named]:
        found = self._one
        if made is not None:
            found = Alignment(NodeGraph(made.path), self._one.torch, self._image)
        wrong = [found.regions[index] for index in sorted(found.regions) if found.regions[index].diverges]
        return [_Named(region.module, channel_of(found, region)) for region in wrong]

    def _om(self, made: Perturbed | None) -> list[_Named]:
        fault = {} if made is None else {"FAULT": "atc:other-weights", "WEIGHTS": str(made.path)}
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            runner = simulator_runner(Path(folder), self._image, **fault)
            parts = diagnose_parts(self._one, runner.packed, Path(folder))
        return [_Named(part.module, part.channel) for part in parts if part.diverges]


def _cells(found: list[_Named], module: str) -> tuple[str, str]:
    """Who is named (in bold where that is wrong), and how far off the worst channel of the first is."""
    named = ", ".join(one.module for one in found) or NOTHING
    right = named == NOTHING if not module else len(found) == 1 and module in named.split(" + ")
    channel = found[0].channel if found else None
    error = "" if channel is None else f"{channel.error:.1e} ({channel.typical:.0e})"
    return (named if right else f"**{named}**"), error


def _images(count: int, side_px: int) -> NDArray[np.float32]:
    import numpy as np

    return np.random.default_rng(7).normal(size=(count, 3, side_px, side_px)).astype(np.float32)


def _no_two_alike(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Biases and scales as training leaves them: no tensor is all zeros or ones, which an exporter would store once."""
    import torch

    generator = torch.Generator().manual_seed(3)
    for name, tensor in weights.items():
        if tensor.ndim == 1 and name.endswith(("weight", "bias")):
            tensor += (torch.rand(tensor.shape, generator=generator) - 0.5) * 0.2
    return weights


def _write(name: str, rows: list[str]) -> None:
    """Put a network's rows into the page."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    table, _, after = rest.partition(END)
    kept = [row for row in table.splitlines() if row.startswith("| ") and not row.startswith("| network |")]
    every = [row for row in kept if not row.startswith(f"| {name} |")] + rows
    order = list(NETWORKS)
    every.sort(key=lambda row: order.index(row.split(" | ")[0].strip("| ")))
    lines = "\n".join([HEADER, "|---|---|---|---|---|---|---|", *every])
    PAGE.write_text(f"{before}{BEGIN}\n{lines}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
