"""Streaming: the predictions that the bins give, in bounded memory, and an end at once when something breaks."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bench.photographs import Photographs
from selftest.odd_images import RECIPE, image_tensor, noise
from selftest.torch_models import SMALL, SMALL_SIDE_PX, network, random_weights
from tools.base.errors import AccuracyError, PreprocessingError
from tools.data.bins import read_bins, write_bins
from tools.data.pixel_maker import PixelMaker
from tools.data.pixels import PixelStore, write_pixels
from tools.data.preprocess import UnreadableImageError, image_pixels
from tools.engines import streaming
from tools.engines.streaming import stream
from tools.engines.torch_engine import TorchEngine
from tools.judge.spec import Preprocessing

Tensor = NDArray[np.float32]
TINY = dataclasses.replace(RECIPE, crop_px=2)


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
def prepared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the image files that were decoded."""
    sizes: list[int] = []

    def counted(content: bytes, recipe: Preprocessing) -> bytes:
        sizes.append(len(content))
        return image_pixels(content, recipe)

    monkeypatch.setattr("bench.photographs.image_pixels", counted)
    return sizes


@dataclass(frozen=True)
class Numbered:
    """Tiny images: the number that is the id in every place."""

    ids: tuple[str, ...]
    seen: list[str] = field(default_factory=list)
    recipe: Preprocessing = TINY

    def fill(self, name: str, tensor: Tensor) -> None:
        """See Source.fill."""
        tensor.fill(int(name))
        self.seen.append(name)


def numbered(count: int) -> Numbered:
    """So many, the numbers not in order."""
    return Numbered(tuple(str(number * 7 % count) for number in range(count)))


class Adding:
    """Logits that say which image they are of; `at_once` is the most calls under way at one time."""

    name = "adding"

    def __init__(self, during: Callable[[], object] = lambda: None) -> None:
        self.at_once, self._now, self._lock, self._during = 0, 0, threading.Lock(), during

    def logits(self, images: Tensor) -> Tensor:
        """See Engine.logits: a view of the images, which the next batch overwrites."""
        with self._lock:
            self._now += 1
            self.at_once = max(self.at_once, self._now)
        self._during()
        with self._lock:
            self._now -= 1
        return images[:, 0, 0]


class OnHost(Adding):
    """The same on the cores that prepare the images."""

    def __init__(self, during: Callable[[], object] = lambda: None) -> None:
        super().__init__(during)
        self.blocks = 0

    @contextmanager
    def on_one_core(self) -> Iterator[Adding]:
        """See HostEngine.on_one_core."""
        self.blocks += 1
        yield self


def assert_threads_are_gone() -> None:
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("stream")]


@pytest.mark.parametrize("batch", [1, 4, 11, 16])
def test_the_predictions_are_those_of_the_bins_to_the_bit(batch: int, images: dict[str, Path], tmp_path: Path) -> None:
    write_bins(images, tmp_path / "bins", PixelMaker(RECIPE))
    write_pixels(images, tmp_path / "store", PixelMaker(RECIPE))
    network, ids = Network(), tuple(images)
    parts = [ids[start : start + batch] for start in range(0, len(ids), batch)]
    expected = np.concatenate([network.logits(read_bins(tmp_path / "bins", part, RECIPE)) for part in parts])
    network.batches.clear()
    for source in (Photographs(images, RECIPE), PixelStore(tmp_path / "store", RECIPE)):
        found = stream(network, source, batch)
        assert (found.variant, found.ids) == ("pth", ids)
        assert found.logits.tobytes() == expected.tobytes()
    assert sorted(network.batches) == sorted(2 * [len(part) for part in parts])


@pytest.mark.parametrize("engine", [Adding, OnHost])
@pytest.mark.parametrize(("count", "batch"), [(1, 1), (1, 4), (8, 4), (9, 4), (100, 1), (100, 7)])
def test_every_id_is_prepared_once_and_has_its_own_row(count: int, batch: int, engine: type[Adding]) -> None:
    source = numbered(count)
    found = stream(engine(), source, batch)
    assert sorted(source.seen) == sorted(source.ids)
    assert found.logits[:, 0].tolist() == [int(name) for name in found.ids] == [int(name) for name in source.ids]


def test_a_device_is_asked_once_at_a_time_and_a_host_engine_by_every_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "cpu_count", lambda: 2)
    together = threading.Barrier(2)
    device, host = Adding(during=lambda: time.sleep(0.001)), OnHost(during=lambda: together.wait(timeout=60))
    stream(host, numbered(40), 4)
    stream(device, numbered(40), 1)
    assert (host.at_once, host.blocks, device.at_once) == (2, 1, 1)


def test_torch_takes_one_core_for_each_call_and_all_of_them_afterwards() -> None:
    threads = set[int]()

    class Noting(TorchEngine):
        def logits(self, images: Tensor) -> Tensor:
            threads.add(torch.get_num_threads())
            return super().logits(images)

    source = Numbered(tuple("12345678"), recipe=dataclasses.replace(RECIPE, crop_px=SMALL_SIDE_PX))
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        stream(Noting(network(random_weights(SMALL), SMALL)), source, 1)
        assert (threads, torch.get_num_threads()) == ({1}, 3)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("count", [40, 400])
def test_memory_is_bounded_whatever_the_number_of_images(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device's images lie in as many arrays as there are cores, and two."""
    monkeypatch.setattr(streaming, "cpu_count", lambda: 2)
    arrays: set[int] = set()

    class Noting(Adding):
        def logits(self, images: Tensor) -> Tensor:
            arrays.add(images.ctypes.data)
            return super().logits(images)

    stream(Noting(), numbered(count), 8)
    assert len(arrays) <= 2 + 2


def test_an_image_that_cannot_be_had_ends_it(images: dict[str, Path], tmp_path: Path, prepared: list[int]) -> None:
    bad = tmp_path / "bad.JPEG"
    bad.write_text("<html>503</html>")
    many = {"bad": bad} | {f"{name}-{copy}": path for copy in range(20) for name, path in images.items()}
    with pytest.raises(UnreadableImageError, match="cannot identify"):
        stream(Network(), Photographs(many, RECIPE), 1)
    assert len(prepared) < 50
    assert_threads_are_gone()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("device lost")])
def test_an_error_of_the_engine_and_ctrl_c_end_it_at_once(
    error: BaseException, images: dict[str, Path], prepared: list[int]
) -> None:
    many = {f"{name}-{copy}": path for copy in range(20) for name, path in images.items()}
    with pytest.raises(type(error)):
        stream(Breaking(error), Photographs(many, RECIPE), 2)
    assert len(prepared) < 50
    assert_threads_are_gone()


@pytest.mark.parametrize("loses_in", ["every batch", "the first", "the last"])
def test_an_engine_that_loses_a_row_is_refused(
    loses_in: str, images: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    network, first = Network(), image_tensor(images["image00"], RECIPE)
    right = network.logits

    def losing(batch: Tensor) -> Tensor:
        is_first, is_last = bool((batch[0] == first).all()), len(batch) == 3
        loses = {"every batch": True, "the first": is_first, "the last": is_last}[loses_in]
        return right(batch)[:1] if loses else right(batch)

    monkeypatch.setattr(network, "logits", losing)
    rows = 3 if loses_in == "the last" else 4
    with pytest.raises(
        AccuracyError, match=rf"pth gave other than one row .* shape \[1, 10\]; allowed {rows} rows"
    ) as caught:
        stream(network, Photographs(images, RECIPE), 4)
    assert caught.value.gate == "pth.accuracy.ids"


def test_no_images_are_refused() -> None:
    with pytest.raises(PreprocessingError, match="no image"):
        stream(Network(), Photographs({}, RECIPE), 4)


def test_a_device_works_while_images_are_prepared() -> None:
    """A device that waits until a later image is being prepared would wait for ever without the overlap."""
    prepared = threading.Event()

    @dataclass(frozen=True)
    class Noting(Numbered):
        def fill(self, name: str, tensor: Tensor) -> None:
            if name == "2":
                prepared.set()
            super().fill(name, tensor)

    class Waiting(Adding):
        def logits(self, images: Tensor) -> Tensor:
            assert prepared.wait(timeout=60)
            return super().logits(images)

    stream(Waiting(), Noting(("0", "1", "2", "3")), 1)
