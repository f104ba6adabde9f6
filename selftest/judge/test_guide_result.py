"""The result in the form of the guide's vision_metric.py, letter by letter, and which file holds whose."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tools.judge.acceptance import Acceptance
from tools.judge.accuracy import top_k_of
from tools.judge.guide_result import percent, result_files, result_json
from tools.judge.ids import ONNX, PTH, Variant, om
from tools.judge.prediction_records import VariantRecord
from tools.judge.results import RunVerdict, Word
from tools.ports.spec import PUBLISHED_SPEC, load_spec

SPEC = load_spec(PUBLISHED_SPEC)


def test_the_form_is_the_guides_to_the_letter() -> None:
    assert result_json(50000, 1001, [56.528, 79.0]) == (
        '{"title": "Overall statistical evaluation", "value": [{"key": "Number of images", "value": "50000"}, '
        '{"key": "Number of classes", "value": "1001"}, {"key": "Top1 accuracy", "value": "56.53%"}, '
        '{"key": "Top2 accuracy", "value": "79.0%"}]}'
    )


def test_where_it_was_made_stands_behind_the_guides_own() -> None:
    assert result_json(1, 2, [], "SIMULATED").endswith('"value": "2"}], "made_on": "SIMULATED"}')
    assert "made_on" not in result_json(1, 2, [])


@pytest.mark.parametrize(
    ("value", "shown"), [(56.528, "56.53%"), (87.1, "87.1%"), (90.0, "90.0%"), (100 / 3, "33.33%"), (0.0, "0.0%")]
)
def test_a_percentage_has_two_decimals_at_most(value: float, shown: str) -> None:
    assert percent(value) == shown


def variant(name: Variant, right: int | None) -> VariantRecord:
    """Of 10 images so many right at Top-1 and one more at Top-2; None for predictions that nobody has judged."""
    accuracy = () if right is None else tuple(top_k_of(right + more, 10, 1 + more) for more in range(2))
    return VariantRecord(name, name.batch, "", accuracy, (), None)


def record(*variants: VariantRecord, weak: bool = False) -> Acceptance:
    """A run of these predictions, on a device, or `weak`, on the simulator and of the sample."""
    verdict = RunVerdict(Word.ACCEPTED, weak, weak, unpinned=False, passed=1, failed=(), missing=(), not_judged=())
    return Acceptance(verdict=verdict, gates=(), inputs=(), artifacts=(), variants=variants)


def test_each_om_has_a_file_and_the_smallest_batchs_is_the_result() -> None:
    run = record(variant(PTH, 9), variant(ONNX, 8), variant(om(16), 5), variant(om(4), 6), variant(om(8), None))
    files = result_files(run, SPEC)
    assert list(files) == ["result/result_bs4.json", "result/result_bs16.json", "result/result.json"]
    assert files["result/result.json"] == files["result/result_bs4.json"] == result_json(10, 1000, [60.0, 70.0])
    assert files["result/result_bs16.json"] == result_json(10, 1000, [50.0, 60.0])
    assert result_files(record(variant(PTH, 9), variant(ONNX, 8)), SPEC) == {}


def test_a_network_of_one_class_has_a_top_1_alone() -> None:
    one = variant(om(1), 9)
    files = result_files(record(replace(one, accuracy=one.accuracy[:1])), SPEC)
    assert files["result/result.json"] == result_json(10, 1000, [90.0])


def test_what_the_evidence_was_made_on_is_said_in_each_file() -> None:
    files = result_files(record(variant(om(1), 5), weak=True), SPEC)
    assert set(files.values()) == {result_json(10, 1000, [50.0, 60.0], "SIMULATED, SAMPLE")}
