"""Streaming: the predictions that the bins give, in bounded memory, and an end at once when something breaks."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from selftest.odd_images import RECIPE, noise
from tools.bins import write_bins
from tools.engines import streaming
from tools.engines.predictions import predict
from tools.engines.streaming import prepared_batches, stream_predict, stream_stored
from tools.errors import AccuracyError, PreprocessingError
from tools.pixels import PixelStore, write_pixels
from tools.preprocess import image_pixels
from tools.spec import Preprocessing

Tensor = NDArray[np.float32]


class Network:
    """A small network in torch: enough arithmetic that a wrong order, batch or pixel shows."""

    name = "pth"

    def __init__(self) -> None:
        torch.manual_seed(0)
        self._layers = torch.nn.Sequential(
            torch.nn.Conv2d(3, 8, 11, stride=8), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.LazyLinear(10)
        )
        self.batches: list[int] = []

    def logits(self, images: Tensor) -> Tensor:
        """See Engine.logits."""
        self.batches.append(len(images))
        with torch.inference_mode():
            output: Tensor = self._layers(torch.from_numpy(images)).numpy()
        return output


class Breaking(Network):
    """It ends its third batch with an error."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error

    def logits(self, images: Tensor) -> Tensor:
        """See Engine.logits."""
        if len(self.batches) == 2:
            raise self._error
        return super().logits(images)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Eleven small images."""
    folder = tmp_path_factory.mktemp("val")
    found = {f"image{number:02d}": folder / f"image{number:02d}.JPEG" for number in range(11)}
    for seed, path in enumerate(found.values()):
        noise(250 + seed, 270 - seed, seed).save(path, "JPEG")
    return found


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The images that were decoded."""
    names: list[str] = []

    def counted(path: Path, recipe: Preprocessing) -> object:
        names.append(path.stem)
        return image_pixels(path, recipe)

    monkeypatch.setattr(streaming, "image_pixels", counted)
    return names


def assert_threads_are_gone() -> None:
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("prepare")]


@pytest.mark.parametrize("batch", [1, 4, 11, 16])
def test_the_predictions_are_those_of_the_bins_to_the_bit(batch: int, images: dict[str, Path], tmp_path: Path) -> None:
    write_bins(images, tmp_path / "bins", RECIPE)
    write_pixels(images, tmp_path / "store", RECIPE)
    network = Network()
    expected = predict(network, tmp_path / "bins", tuple(images), RECIPE, batch)
    sizes, network.batches = network.batches, []
    streamed = stream_predict(network, images, RECIPE, batch)
    assert network.batches == sizes
    stored = stream_stored(network, PixelStore(tmp_path / "store", RECIPE), batch)
    for found in (streamed, stored):
        assert (found.variant, found.ids) == (expected.variant, expected.ids)
        assert found.logits.tobytes() == expected.logits.tobytes()


@pytest.mark.parametrize(("count", "batch"), [(1, 1), (1, 4), (8, 4), (9, 4), (100, 1), (100, 7)])
def test_every_id_is_prepared_once_and_arrives_in_its_place(count: int, batch: int) -> None:
    ids = [str(number) for number in range(count)]

    def fill(name: str, tensor: Tensor) -> None:
        tensor.fill(int(name))

    seen = [array[:, 0, 0, 0].tolist() for array in prepared_batches(ids, fill, 2, batch)]
    assert [len(part) for part in seen[:-1]] == [batch] * (len(seen) - 1)
    assert [value for part in seen for value in part] == list(range(count))


@pytest.mark.parametrize("count", [40, 400])
def test_memory_is_bounded_whatever_the_number_of_images(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two batches are prepared ahead of the engine and no more; the arrays are always the same three."""
    monkeypatch.setattr(streaming, "cpu_count", lambda: 2)
    filled, buffers, furthest = [0], set(), 0

    def fill(name: str, tensor: Tensor) -> None:
        filled[0] += 1

    for done, array in enumerate(prepared_batches([str(number) for number in range(count)], fill, 2, 8), start=1):
        buffers.add(array.ctypes.data)
        furthest = max(furthest, filled[0] - 8 * done)
    assert filled[0] == count
    assert furthest <= 2 * 8
    assert len(buffers) == 3


def test_an_unreadable_image_ends_it_and_is_named(images: dict[str, Path], tmp_path: Path, prepared: list[str]) -> None:
    bad = tmp_path / "bad.JPEG"
    bad.write_text("<html>503</html>")
    many = {"bad": bad} | {f"{name}-{copy}": path for copy in range(20) for name, path in images.items()}
    with pytest.raises(PreprocessingError, match=r"bad\.JPEG: cannot be read: cannot identify") as caught:
        stream_predict(Network(), many, RECIPE, 1)
    assert caught.value.gate == "preprocessing.images"
    assert len(prepared) < 50
    assert_threads_are_gone()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("device lost")])
def test_an_error_of_the_engine_and_ctrl_c_end_it_at_once(
    error: BaseException, images: dict[str, Path], prepared: list[str]
) -> None:
    many = {f"{name}-{copy}": path for copy in range(20) for name, path in images.items()}
    with pytest.raises(type(error)):
        stream_predict(Breaking(error), many, RECIPE, 2)
    assert len(prepared) < 50
    assert_threads_are_gone()


def test_an_engine_that_loses_a_row_is_refused(images: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network()
    right = network.logits
    monkeypatch.setattr(network, "logits", lambda batch: right(batch)[: 4 if len(network.batches) == 1 else 1])
    with pytest.raises(
        AccuracyError, match=r"pth gave other than one row .* shape \[1, 10\]; allowed 4 rows"
    ) as caught:
        stream_predict(network, images, RECIPE, 4)
    assert caught.value.gate == "pth.accuracy.ids"


def test_no_images_are_refused() -> None:
    with pytest.raises(PreprocessingError, match="no image"):
        stream_predict(Network(), {}, RECIPE, 4)


def test_the_engine_works_while_images_are_prepared(images: dict[str, Path]) -> None:
    """An engine that waits until a later image is being prepared would wait for ever without the overlap."""
    started, ids = threading.Event(), tuple(str(number) for number in range(8))

    def fill(name: str, tensor: Tensor) -> None:
        if name == "4":
            started.set()

    batches = prepared_batches(ids, fill, 2, 2)
    next(batches)
    assert started.wait(timeout=60)
    batches.close()
