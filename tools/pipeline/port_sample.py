"""The sample of the run's port, where --sample was asked for with a port that ships none: made once, then kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tools.data import pixel_maker, preprocess
from tools.model import network as networks
from tools.pipeline.context import Context
from tools.pipeline.once import once
from tools.sample import any_port
from tools.sample import images as sample
from tools.store.artifacts import Recipe
from tools.store.dependencies import version
from tools.store.facts import load_fact, save_fact


@dataclass(frozen=True)
class PortSample:
    """Where the checkpoint, the images and the label file lie, and how the labels came about."""

    checkpoint: Path
    images: Path
    labels: Path
    made: any_port.SampleMade


class SampleStep:
    """Made from the network's source, the recipe, the classes and the libraries, nothing else: a key of the store."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @once
    def sample(self) -> PortSample | None:
        """The port's sample; None where the run has weights and images of another kind."""
        if not self._context.made_sample:
            return None
        asked, network = self._context.spec, self._context.network
        file = asked.checkpoint.file
        maker = pixel_maker.PixelMaker(asked.preprocessing, network.folder)
        about = {
            **network.about,
            **maker.about,
            "normalisation": asked.preprocessing.normalisation,
            "outputs": f"{asked.dataset.classes} classes, offset {asked.model.label_offset}",
            "judged output": str(asked.onnx.judged_output),
            "images": str(int(asked.dataset.images.exactly)),
            "version torch": version("torch"),
            "drop": f"{asked.accuracy.top1_drop_pp.at_most} pp",
            "file": file,
        }
        recipe = Recipe("port-sample", about, code=(any_port, networks, pixel_maker, preprocess))

        def make(folder: Path) -> None:
            save_fact(any_port.make(asked, network, folder), folder)

        path = self._context.build(recipe, make).path
        labelled = (path / sample.IMAGES_FOLDER, path / sample.LABEL_FILE)
        return PortSample(path / file, *labelled, load_fact(path, any_port.SampleMade))
