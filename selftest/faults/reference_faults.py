"""Faults of a reference that was made elsewhere: of something else, of another network, or rounded on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from selftest.faults.fault import Catalogue
from selftest.faults.port_faults import OWN, own_port, save, weights_of
from selftest.faults.world import World
from selftest.ports.tiny import TinyPort
from tools.engines.torch_engine import TorchEngine
from tools.judge.ids import PTH
from tools.pipeline.run import open_run

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TAKEN = (*OWN, "--reference={folder}/reference")
reference = Catalogue("reference")


def make_reference(
    world: World, port: TinyPort, computed: Callable[[NDArray[np.float32]], NDArray[np.float32]] | None = None
) -> None:
    """The bundle that the run takes, made where `computed` is what becomes of the logits; it holds in itself."""
    places = {"cache": str(world.folder / "elsewhere"), "evidence": str(world.folder / "reference")}
    right = TorchEngine.logits
    with pytest.MonkeyPatch.context() as elsewhere:
        if computed is not None:
            elsewhere.setattr(TorchEngine, "logits", lambda engine, images: computed(right(engine, images)))
        with open_run({**port.options, **places, "target": "simulator"}, keep_reference=True) as run:
            run.judge(PTH.gate("ids"))
            run.publish()


@reference.fault("reference predictions of another checkpoint", "pth.accuracy.reference_fits", *TAKEN, sample=False)
def of_another_checkpoint(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    port = own_port(world)
    make_reference(world, port)
    weights = weights_of(port)
    weights["head.bias"] += 0.01
    save(port, dict(weights))


@reference.fault("reference predictions by another recipe", "pth.accuracy.reference_fits", *TAKEN, sample=False)
def by_another_recipe(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    port = own_port(world)
    make_reference(world, port)
    port.edit("interpolation: bilinear", "interpolation: bicubic")


@reference.fault(
    "reference predictions of another network behind the right digests",
    "pth.accuracy.reference_probe_abs_error",
    *TAKEN,
    sample=False,
)
def of_another_network(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    make_reference(world, own_port(world), lambda logits: logits[:, ::-1].copy())


@reference.fault(
    "reference predictions rounded to bfloat16", "pth.accuracy.reference_probe_abs_error", *TAKEN, sample=False
)
def rounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    def to_bfloat16(logits: NDArray[np.float32]) -> NDArray[np.float32]:
        return (logits.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)

    make_reference(world, own_port(world), to_bfloat16)
