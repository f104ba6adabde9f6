"""What a network makes of the generated images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.base.progress import progress
from tools.judge.spec import Spec
from tools.model.outputs import every_output
from tools.sample.generated_pixels import GeneratedPixels

if TYPE_CHECKING:
    import torch

BATCH = 16


@dataclass(frozen=True)
class OnImages:
    """A network in evaluation mode, the port that says which output is judged, and the images."""

    model: torch.nn.Module
    spec: Spec
    pixels: GeneratedPixels

    def inputs(self, seed: int, indices: Sequence[int]) -> torch.Tensor:
        """Float32 (N, 3, height, width) of some images of a set."""
        import torch

        return torch.from_numpy(self.pixels.of(seed, indices))

    def logits(self, seed: int, indices: Sequence[int]) -> torch.Tensor:
        """The judged output for some images of a set, float32 (N, outputs)."""
        import torch

        with torch.no_grad():
            return every_output(self.model(self.inputs(seed, indices)))[self.spec.onnx.judged_output]


def batches(count: int, what: str) -> Iterator[range]:
    """The first `count` images in batches, with a line of progress that says what they are."""
    starts = range(0, count, BATCH)
    for start in progress(starts, what=what, total=len(starts), unit="batch"):
        yield range(start, min(start + BATCH, count))
