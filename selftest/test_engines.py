"""Engines are timed in turn, every image keeps its id, and a logit that is no number is refused."""

from __future__ import annotations

import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest
import torch

from selftest.torch_models import SMALL, export, images, network, random_weights
from tools.base.errors import AccuracyError, OnnxError, SuiteError
from tools.engines import Engine, HostEngine, predictions
from tools.engines.compare import compare_engines
from tools.engines.onnx_engine import OnnxEngine
from tools.engines.predictions import Predictions, load_predictions, save_predictions
from tools.engines.throughput import Paired, measure_in_turn
from tools.engines.torch_engine import TorchEngine
from tools.judge.ids import ONNX, PTH, Variant, om
from tools.judge.spec import Onnx
from tools.judge.throughput import images_per_second
from tools.ports.spec import PUBLISHED_SPEC, load_spec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Logits = NDArray[np.float32]

CLASSES = 10


class Fake:
    """An engine whose logits are the image's first value plus the class; it notes each call."""

    def __init__(self, name: str = "fake", calls: list[tuple[str, int]] | None = None) -> None:
        self.name, self.calls = name, [] if calls is None else calls

    def logits(self, images: Logits) -> Logits:
        """See Engine.logits."""
        self.calls.append((self.name, len(images)))
        return (images[:, 0, 0, 0, None] + np.arange(CLASSES)).astype(np.float32)


class Clock:
    """A clock that engines move on: so many seconds an image."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)


class Timed(Fake):
    """An engine that takes a stated time."""

    def __init__(self, clock: Clock, seconds_per_image: float, name: str, calls: list[tuple[str, int]]) -> None:
        super().__init__(name, calls)
        self._clock, self._seconds = clock, seconds_per_image

    def logits(self, images: Logits) -> Logits:
        """See Engine.logits."""
        self._clock.now += self._seconds * len(images)
        return super().logits(images)


def blank(count: int) -> Logits:
    """Images of zeros."""
    return np.zeros((count, 3, 2, 2), np.float32)


def test_engines_are_measured_in_turn_with_a_warm_up_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, int]] = []
    clock = Clock(monkeypatch)
    fast, slow = Timed(clock, 0.25, "fast", calls), Timed(clock, 0.5, "slow", calls)
    paired = measure_in_turn(fast, slow, blank(4), rounds=3, images_per_round=10)
    one_round = [("fast", 4)] * 3 + [("slow", 4)] * 3
    assert calls == [("fast", 4), ("slow", 4), *one_round * 3]
    assert paired == Paired(4, (0.25,) * 3, (0.5,) * 3)
    assert paired.ratio == 2.0


def test_the_ratio_is_taken_inside_each_round() -> None:
    assert Paired(1, (1.0, 10.0, 1.0), (2.0, 20.0, 2.0)).ratio == 2.0
    assert Paired(1, (1.0, 1.0, 1.0), (2.0, 90.0, 2.0)).ratio == 2.0


def test_rounds_of_two_lengths_have_no_ratio() -> None:
    with pytest.raises(SuiteError, match="not pairs of positive times"):
        _ = Paired(1, (1.0,), (1.0, 2.0)).ratio


def test_the_rate_is_images_over_time() -> None:
    assert images_per_second((0.5, 0.125)) == pytest.approx(2 / 0.625)


def test_a_batch_larger_than_a_round_is_run_once_a_round() -> None:
    engine = Fake()
    measure_in_turn(engine, engine, blank(32), rounds=3, images_per_round=16)
    assert len(engine.calls) == 2 + 3 * 2


def some(variant: Variant = PTH, count: int = 4) -> Predictions:
    """Finite logits of a few images."""
    logits = np.random.default_rng(3).normal(size=(count, CLASSES)).astype(np.float32)
    return Predictions(variant, tuple(f"image{number}" for number in range(count)), logits)


def test_predictions_are_read_back_bit_for_bit(tmp_path: Path) -> None:
    save_predictions(some(), tmp_path)
    again = load_predictions(tmp_path, PTH)
    assert again.ids == some().ids
    assert np.array_equal(again.logits, some().logits)
    assert again.logits.dtype == np.float32


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_logit_that_is_no_number_is_refused_with_its_image(tmp_path: Path, value: float) -> None:
    broken = some()
    broken.logits[2, 5] = value
    with pytest.raises(AccuracyError, match="1 images: image2") as caught:
        save_predictions(broken, tmp_path)
    assert caught.value.gate == "pth.accuracy.finite"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("zero", [0.0, -0.0])
@pytest.mark.parametrize("row", [0, predictions.IMAGES_AT_ONCE, predictions.IMAGES_AT_ONCE + 2])
def test_an_output_that_was_never_written_is_refused_with_its_image(tmp_path: Path, row: int, zero: float) -> None:
    """No gate of agreement looks at a row of zeros: it has no direction."""
    broken = some(om(4), predictions.IMAGES_AT_ONCE + 3)
    broken.logits[row] = zero
    broken.logits[1, 1:] = 0  # one class that is not zero is enough
    with pytest.raises(
        AccuracyError, match=rf"infinite or nothing but zero logits for 1 images: image{row}$"
    ) as caught:
        save_predictions(broken, tmp_path)
    assert caught.value.gate == "om.accuracy.finite[bs4]"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("rows", [slice(0, 3), [0, 1, 2, 3, 3]], ids=["lost", "invented"])
def test_other_than_one_row_an_image_is_refused(tmp_path: Path, rows: slice | list[int]) -> None:
    whole = some()
    with pytest.raises(AccuracyError, match="other than one row of logits an image") as caught:
        save_predictions(Predictions(ONNX, whole.ids, whole.logits[rows]), tmp_path)
    assert caught.value.gate == "onnx.accuracy.ids"


def test_the_largest_difference_is_over_all_images_and_variants() -> None:
    first, second, third = some(om(1)), some(om(4)), some(om(8))
    third.logits[1, 1] += 0.5
    assert predictions.largest_difference(first, [second]) == 0.0
    assert predictions.largest_difference(first, [second, third]) == pytest.approx(0.5)


@pytest.mark.parametrize("row", [0, predictions.IMAGES_AT_ONCE, predictions.IMAGES_AT_ONCE + 2])
def test_a_nan_is_the_largest_difference_wherever_it_is(row: int) -> None:
    first, second, third = (some(om(batch), predictions.IMAGES_AT_ONCE + 3) for batch in (1, 4, 8))
    second.logits[row, 3] += 0.5
    assert predictions.largest_difference(first, [second, third]) == pytest.approx(0.5)
    second.logits[row, 3] = np.nan
    assert np.isnan(predictions.largest_difference(first, [second, third]))


def test_looking_at_logits_takes_a_small_part_of_their_memory(tmp_path: Path) -> None:
    logits, ids = np.ones((8000, 500), np.float32), tuple(map(str, range(8000)))
    first, second = Predictions(om(1), ids, logits), Predictions(om(4), ids, logits)
    for look in (lambda: predictions.largest_difference(first, [second]), lambda: save_predictions(first, tmp_path)):
        tracemalloc.start()
        try:
            look()
            assert tracemalloc.get_traced_memory()[1] < logits.nbytes / 6
        finally:
            tracemalloc.stop()


def test_variants_of_other_images_are_not_compared() -> None:
    with pytest.raises(AccuracyError, match="did not predict the same images") as caught:
        predictions.largest_difference(some(om(1)), [some(om(4), count=3)])
    assert caught.value.gate == "om.batch_invariance_abs_error"


@pytest.mark.parametrize("count", [4, predictions.IMAGES_AT_ONCE + 1])
def test_the_top_five_are_taken_once_and_read_back(tmp_path: Path, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = some(count=count)
    expected = np.argsort(-whole.logits, axis=1, kind="stable")[:, :5]
    save_predictions(whole, tmp_path)
    monkeypatch.setattr(predictions, "top_k", None)  # whoever ranks again, fails
    for found in (whole, load_predictions(tmp_path, PTH)):
        assert np.array_equal(found.top5, expected)
        assert np.array_equal(found.top5_scores, np.take_along_axis(whole.logits, expected, axis=1))
        assert [str(found.top5.dtype), str(found.top5_scores.dtype)] == ["int32", "float32"]


@pytest.fixture(scope="module")
def asked() -> Onnx:
    """Names of the published model's file."""
    return load_spec(PUBLISHED_SPEC).onnx


@pytest.fixture(scope="module")
def onnx_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network, exported."""
    return export(random_weights(SMALL), SMALL, tmp_path_factory.mktemp("onnx") / "small.onnx")


def test_both_engines_compute_the_same_network(onnx_path: Path, asked: Onnx) -> None:
    torch_engine, onnx_engine = TorchEngine(network(random_weights(SMALL), SMALL)), OnnxEngine(onnx_path, asked)
    assert (torch_engine.name, onnx_engine.name) == ("pth", "onnx")
    errors = compare_engines(torch_engine, onnx_engine, images(17))
    assert errors.images == 17
    assert errors.to_reference < 1e-3
    assert errors.between_batches < 1e-3


@pytest.mark.parametrize("name", ["pth", "onnx"])
def test_on_one_core_the_network_is_the_same_and_several_threads_may_ask_it(
    name: str, onnx_path: Path, asked: Onnx
) -> None:
    engine: HostEngine = (
        TorchEngine(network(random_weights(SMALL), SMALL)) if name == "pth" else OnnxEngine(onnx_path, asked)
    )
    parts, threads = np.split(images(24), 8), torch.get_num_threads()
    with engine.on_one_core() as single, ThreadPoolExecutor(4) as pool:
        found = list(pool.map(single.logits, parts))
    assert torch.get_num_threads() == threads
    for part, logits in zip(parts, found, strict=True):
        assert np.abs(logits - engine.logits(part)).max() < 1e-4


def test_on_one_core_the_session_has_one_thread(onnx_path: Path, asked: Onnx, monkeypatch: pytest.MonkeyPatch) -> None:
    threads, right = list[int](), onnxruntime.InferenceSession

    def noting(path: str, options: onnxruntime.SessionOptions, **more: object) -> onnxruntime.InferenceSession:
        threads.append(options.intra_op_num_threads)
        return right(path, options, **more)

    monkeypatch.setattr(onnxruntime, "InferenceSession", noting)
    with OnnxEngine(onnx_path, asked).on_one_core():
        assert threads == [0, 1]


class Shifted(Fake):
    """Logits that are off by `by` where the batch is `at`."""

    def __init__(self, by: float, at: int) -> None:
        super().__init__()
        self.by, self.at = by, at

    def logits(self, images: Logits) -> Logits:
        """See Engine.logits."""
        return super().logits(images) + np.float32(self.by if len(images) == self.at else 0)


@pytest.mark.parametrize(
    ("candidate", "to_reference", "between"),
    [(Shifted(0.5, 16), 0.5, 0.5), (Shifted(0.5, 1), 0.5, 0.5), (Shifted(0, 1), 0.0, 0.0)],
)
def test_differences_of_batches_are_seen(candidate: Engine, to_reference: float, between: float) -> None:
    errors = compare_engines(Fake(), candidate, blank(17))
    assert (errors.to_reference, errors.between_batches) == (to_reference, between)


def test_a_nan_is_never_a_small_difference() -> None:
    errors = compare_engines(Fake(), Shifted(float("nan"), 1), blank(2))
    assert np.isnan(errors.between_batches)


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x08\x06:\xff"])
def test_onnxruntime_refuses_what_is_no_model(tmp_path: Path, asked: Onnx, content: bytes) -> None:
    (tmp_path / "bad.onnx").write_bytes(content)
    with pytest.raises(OnnxError, match="onnxruntime cannot load it") as caught:
        OnnxEngine(tmp_path / "bad.onnx", asked)
    assert caught.value.gate == "onnx.checker"


def test_images_of_another_size_are_refused(onnx_path: Path, asked: Onnx) -> None:
    with pytest.raises(OnnxError, match=r"onnxruntime refuses float32 \[1, 4, 64, 64\]"):
        OnnxEngine(onnx_path, asked).logits(np.zeros((1, 4, 64, 64), np.float32))
