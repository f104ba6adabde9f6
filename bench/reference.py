"""The reference scripts' way of doing each step, in our words: what every ratio of this benchmark is taken against.

Sources: the guide's imagenet_torch_preprocess.py and vision_metric.py; one process, one file after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tools.data.bins import read_bins
from tools.engines import Engine
from tools.judge.spec import Preprocessing
from tools.model.torchvision_ops import import_torchvision


def with_one_thread(step: Callable[[], object]) -> None:
    """Run a step with one thread in torch: quicker than its default where others use the cores."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        step()
    finally:
        torch.set_num_threads(threads)


def preprocessing_loop(recipe: Preprocessing) -> Callable[[Mapping[str, Path], Path], None]:
    """PIL and torchvision's Compose, then tofile: images and folder in, one bin an image out."""
    import numpy as np
    from PIL import Image

    transforms = import_torchvision().transforms
    compose = transforms.Compose(
        [
            transforms.Resize(recipe.resize_px),
            transforms.CenterCrop(recipe.crop_px),
            transforms.ToTensor(),
            transforms.Normalize(recipe.mean, recipe.std),
        ]
    )

    def loop(images: Mapping[str, Path], folder: Path) -> None:
        for name, path in images.items():
            tensor = compose(Image.open(path).convert("RGB"))
            np.array(tensor.numpy()).astype(np.float32).tofile(folder / f"{name}.bin")

    return loop


def predict_bins(engine: Engine, folder: Path, ids: Sequence[str], recipe: Preprocessing, batch: int) -> None:
    """Read a batch of bins, run the engine, read the next."""
    for start in range(0, len(ids), batch):
        engine.logits(read_bins(folder, ids[start : start + batch], recipe))


def score_dumps(folder: Path, labels: Mapping[str, int]) -> list[int]:
    """Read each dump's first line, turn each word into a float32, sort all scores; hits of the first five ranks."""
    import numpy as np

    hits = [0] * 5
    for path in folder.iterdir():
        with path.open() as handle:
            words = handle.readline().strip().split(" ")
        scores = np.zeros(len(words), np.float32)
        for index, word in enumerate(words):
            scores[index] = np.float32(word)
        ranked = np.argsort(-scores)
        label = labels[path.name.rpartition("_")[0]]
        for rank in range(5):
            if str(label) == str(ranked[rank]):
                hits[rank] += 1
                break
    return hits
