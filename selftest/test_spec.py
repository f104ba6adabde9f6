"""The spec holds every published number with unit and source, and each mistake in it is one line that points at it."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.base.errors import SpecError
from tools.base.files import ROOT
from tools.judge.machine_class import Device, DeviceBatch
from tools.judge.numbers import AtLeast, Entry, Fact, Number
from tools.judge.spec import Spec
from tools.ports.spec import PUBLISHED_SPEC, SAMPLE_SPEC, load_spec

TEXT = PUBLISHED_SPEC.read_text(encoding="utf-8")
CHIP_310 = {1: 317.707, 4: 974.27, 8: 1435.99, 16: 1891.73, 32: 2186.17}
CARD_310 = {1: 1270.828, 4: 3897.08, 8: 5743.96, 16: 7566.92, 32: 8744.68}
CHIP_310P3 = {1: 1266, 4: 4324, 8: 7266, 16: 9975, 32: 11055, 64: 12672}
MARGIN = 'floor_margin_percent: {value: 5.0, unit: percent, source: "allowance'


@pytest.fixture(scope="module")
def published() -> Spec:
    """thresholds.yaml."""
    return load_spec(PUBLISHED_SPEC)


def numbers(value: object) -> Iterator[Number]:
    """Every number anywhere in a spec."""
    if isinstance(value, Number):
        yield value
    children = vars(value).values() if isinstance(value, Entry) else ()
    for child in (*children, *(value if isinstance(value, tuple) else ())):
        yield from numbers(child)


def chip(spec: Spec, soc: str) -> Device:
    """What is known about a chip that the spec knows."""
    found = spec.device(soc)
    assert found is not None
    return found


def figure(fact: Fact | None) -> float | None:
    """The value of what was published."""
    return None if fact is None else fact.value


def refused(folder: Path, content: str | bytes) -> str:
    """What a spec of this content is refused with; `FILE` stands for its path."""
    path = folder / "bad.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(str(path), "FILE")


def replaced(old: str, new: str) -> str:
    """The published spec with the first `old` changed."""
    assert old in TEXT
    return TEXT.replace(old, new, 1)


def line_of(text: str, piece: str) -> int:
    """Number of the first line that holds `piece`."""
    return text[: text.index(piece)].count("\n") + 1


def test_the_samples_port_holds_no_figure_of_a_device() -> None:
    sample = load_spec(SAMPLE_SPEC)
    assert (sample.kind, sample.has_figures) == ("sample", False)
    assert [device.soc for device in sample.devices] == ["Ascend310", "Ascend310P3"]
    assert {(device.om_top1, device.om_top5, device.throughput) for device in sample.devices} == {(None, None, ())}
    assert sample.checkpoint.content_sha256
    assert sample.dataset.content_sha256


def test_model_and_checkpoint_of_the_guide(published: Spec) -> None:
    assert (published.kind, published.model.source) == ("published", "torchvision:alexnet")
    assert published.checkpoint.file == "alexnet-owt-4df8aa71.pth"
    assert str(published.checkpoint.url).endswith("/alexnet-owt-4df8aa71.pth")
    assert published.checkpoint.md5 == "aed0662f397a0507305ac94ea5519309"
    assert published.onnx.opset.exactly == 11
    assert str(published.input()) == "actual_input_1 float32 [-1, 3, 224, 224]"
    assert str(published.output()) == "class float32 [-1, 1000]"
    assert (published.input(16).shape, published.output(16).shape) == ((16, 3, 224, 224), (16, 1000))


def test_data_set_and_preprocessing_of_the_guide(published: Spec) -> None:
    ids = published.dataset.ids()
    assert (len(ids), ids[0], ids[-1]) == (50000, "ILSVRC2012_val_00000001", "ILSVRC2012_val_00050000")
    recipe = published.preprocessing
    assert (recipe.resize_px, recipe.crop_px, recipe.interpolation) == (256, 224, "bilinear")
    assert (recipe.mean, recipe.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert published.batches == (1, 4, 8, 16, 32)


def test_published_accuracies_and_the_allowed_drop(published: Spec) -> None:
    asked = published.accuracy
    assert (figure(asked.pth_top1), figure(asked.pth_top5)) == (56.527, 79.068)
    assert (asked.top1_drop_pp.at_most, asked.top5_drop_pp.at_most) == (1.0, 1.0)
    om = {device.soc: (figure(device.om_top1), figure(device.om_top5)) for device in published.devices}
    assert om == {"Ascend310": (56.53, 79.08), "Ascend310P3": (56.56, 79.1)}


def test_published_throughput_of_each_machine_class(published: Spec) -> None:
    chips = {
        device.soc: {entry.batch: entry.images_per_second_per_chip.value for entry in device.throughput}
        for device in published.devices
    }
    assert chips == {"Ascend310": CHIP_310, "Ascend310P3": CHIP_310P3}
    ascend310 = chip(published, "Ascend310")
    assert ascend310.chips_per_card == 4
    cards = {entry.batch: entry.images_per_second_per_card for entry in ascend310.throughput}
    assert {batch: card.value for batch, card in cards.items() if card} == CARD_310
    assert [entry.batch for entry in ascend310.throughput if entry.mode == "dataset"] == [1, 16]


def test_every_number_says_unit_and_source(published: Spec) -> None:
    found = list(numbers(published))
    assert len(found) > 60
    assert all(number.unit.strip() and number.source.strip() for number in found)


@pytest.mark.parametrize("soc", ["Ascend310", "Ascend310P3"])
def test_each_floor_is_derived_by_the_stated_margin(published: Spec, soc: str) -> None:
    device = chip(published, soc)
    for entry in device.throughput:
        floor = device.floor(entry)
        assert floor.at_least == pytest.approx(entry.images_per_second_per_chip.value * 0.95)
        assert "5 %" in floor.source
        assert "allowance" in floor.source


def test_a_margin_of_0_is_a_value(published: Spec, tmp_path: Path) -> None:
    path = tmp_path / "zero.yaml"
    path.write_text(replaced(MARGIN, MARGIN.replace("5.0", "0")), encoding="utf-8")
    device = chip(load_spec(path), "Ascend310")
    assert device.floor(device.throughput[0]).at_least == 317.707


def test_the_way_of_measuring_follows_the_published_figure(published: Spec) -> None:
    assert published.throughput_mode("Ascend310", 16) == "dataset"
    assert published.throughput_mode("Ascend310P3", 16) == "pure"
    assert published.throughput_mode("Ascend910B", 16) == "dataset"
    assert published.throughput_mode("Ascend910B", 4) == "pure"


def test_nothing_is_made_up_about_a_chip_that_nobody_described(published: Spec) -> None:
    assert published.device("Ascend910B") is None


SOURCE = "source: torchvision:alexnet"
CHIP = TEXT[TEXT.index("    - soc: Ascend310\n") : TEXT.index("    - soc: Ascend310P3\n")]
OPSET = "opset: {exactly: 11,"
LOGITS = "logits_abs_error: {at_most: 1.0e-3,"
WRONG = {
    "a typo in a key": (SOURCE, SOURCE.replace("source", "suorce"), "model.suorce: Object contains unknown field"),
    "a missing key": (f"    {SOURCE}\n", "", "model: Object missing required field `source`"),
    "a duplicate key": (SOURCE, f"{SOURCE}\n    source: b", "port.model.source: key given twice"),
    "text for a number": (OPSET, 'opset: {exactly: "11",', "onnx.opset.exactly: Expected `float`, got `str`"),
    "bool for a number": (OPSET, "opset: {exactly: yes,", "onnx.opset.exactly: Expected `float`, got `bool`"),
    "null for a number": (OPSET, "opset: {exactly: ,", "onnx.opset.exactly: Expected `float`, got `null`"),
    "a float for a count": ("classes: 1000", "classes: 10.5", "dataset.classes: Expected `int`, got `float`"),
    "a date for a count": ("classes: 1000", "classes: 2020-01-01", "dataset.classes: Expected `int`, got `date`"),
    "NaN": (LOGITS, LOGITS.replace("1.0e-3", ".nan"), "onnx.logits_abs_error.at_most: Expected `float` >= 0.0"),
    "infinity": (LOGITS, LOGITS.replace("1.0e-3", ".inf"), "onnx.logits_abs_error.at_most: Expected `float` <= 1e+18"),
    "a negative bound": (
        LOGITS,
        LOGITS.replace("1.0e-3", "-1"),
        "onnx.logits_abs_error.at_most: Expected `float` >= 0.0",
    ),
    "more than a float holds": (OPSET, f"opset: {{exactly: {'9' * 400},", "onnx.opset.exactly: Number out of range"),
    "two bounds in one": (LOGITS, LOGITS + " at_least: 0,", "onnx.logits_abs_error.at_least: Object contains unknown"),
    "a number without a source": (', source: "as om_on_simulator"}', "}", "missing required field `source`"),
    "an empty source": ('source: guide, step "get the weights"', 'source: ""', "checkpoint.source: Expected `str`"),
    "an md5 of other length": ("md5: aed0662f", "md5: aed0662", "checkpoint.md5: Expected `str` matching regex"),
    "a path for a file name": ("file: alexnet", "file: ../alexnet", "checkpoint.file: Expected `str` matching regex"),
    "a size said twice": (
        "input: {name:",
        "input: {shape: [-1, 3, 224, 224], name:",
        "onnx.input.shape: Object contains unknown field `shape`",
    ),
    "a crop larger than the image": ("resize_px: 256", "resize_px: 200", "preprocessing: crop_px 224 exceeds"),
    "no batch": ("batches: [1, 4, 8, 16, 32]", "batches: []", "batches is empty"),
    "a batch twice": ("batches: [1, 4, 8, 16, 32]", "batches: [1, 1]", "batches holds 1 more than once"),
    "a batch of 0": ("batches: [1, 4, 8, 16, 32]", "batches: [0]", "batches[0]: Expected `int` >= 1"),
    "a host ratio for each batch": (
        "    onnx_to_torch:",
        "    ratios: []\n    onnx_to_torch:",
        "host_perf.ratios: Object",
    ),
    "a card that contradicts its chip": ("1270.828", "1270.9", "devices[0]: batch 1: card 1270.9 is not 4 x chip"),
    "a chip that contradicts its card": ("value: 317.707", "value: 0", "images_per_second_per_chip is 0.0"),
    "a machine class twice": ("  chips:\n", f"  chips:\n{CHIP}", "shared.chips: Ascend310 is given twice"),
    "a margin of 100 %": (MARGIN, MARGIN.replace("5.0", "100"), "devices[0]: floor_margin_percent is 100.0"),
    "an accuracy over 100 %": ("value: 79.068", "value: 179.068", "accuracy: pth_top1 56.527 and pth_top5 179.068"),
    "Top-1 above Top-5": ("value: 56.530", "value: 86.530", "devices[0]: om_top1 86.53 and om_top5 79.08"),
    "another schema": ("schema: 2", "schema: 3", "schema: it must be 2"),
    "a merge key": (
        LOGITS,
        LOGITS + " <<: {at_most: 5},",
        "shared.onnx.logits_abs_error.<<: merge keys are not allowed",
    ),
    "an alias": (LOGITS, "copy: &a {}\n    other: *a\n    " + LOGITS, "YAML aliases are not allowed"),
    "deep nesting": (LOGITS, LOGITS + f" deep: {'[' * 5000}{']' * 5000},", "nested deeper than 20 levels"),
    "code in a tag": (OPSET, "opset: !!python/name:os.system {exactly: 11,", "YAML tags are not allowed in a port"),
    "a list for a key": (LOGITS, "? [nan, 2]\n    : 3\n    " + LOGITS, "shared.onnx: a key is a plain word"),
    "an unclosed bracket": ("batches: [1, 4, 8, 16, 32]", "batches: [1, 4", "not valid YAML"),
    "a tab": (f"    {SOURCE}", f"\t{SOURCE}", "not valid YAML"),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_each_mistake_is_one_line_with_file_line_and_path(mistake: str, tmp_path: Path) -> None:
    old, new, named = WRONG[mistake]
    message = refused(tmp_path, replaced(old, new))
    assert message.startswith("FILE:")
    assert int(message.removeprefix("FILE:").partition(":")[0]) >= 1
    assert named in message


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (SOURCE, SOURCE.replace("source", "suorce")),
        (LOGITS, LOGITS.replace("1.0e-3", "small")),
        ("batch: 8\n", "batch: eight\n"),
        ("1270.828", "many"),
    ],
)
def test_the_line_is_that_of_the_mistake(old: str, new: str, tmp_path: Path) -> None:
    text = replaced(old, new)
    assert refused(tmp_path, text).startswith(f"FILE:{line_of(text, new)}: ")


CONTENT: dict[str, tuple[str | bytes, str]] = {
    "nothing": ("", "the port is empty"),
    "a comment": ("# nothing\n", "the port is empty"),
    "a list": ("- 1\n", "Expected `object`: a port is keys and values"),
    "a word": ("alexnet\n", "Expected `object`: a port is keys and values"),
    "two documents": (f"{TEXT}\n---\na: 1\n", "expected a single document"),
    "a NUL": (f"{TEXT}\0", "not valid YAML"),
    "a month 13": (replaced("classes: 1000", "classes: 2020-13-01"), "month must be in 1..12"),
    "5000 digits": (replaced("classes: 1000", f"classes: {'9' * 5000}"), "not valid YAML"),
    "not UTF-8": (TEXT.encode().replace(b"AlexNet", "Alexnét".encode("latin-1"), 1), "cannot read the port"),
}


@pytest.mark.parametrize("content", CONTENT)
def test_what_is_no_spec_at_all_is_named(content: str, tmp_path: Path) -> None:
    given, named = CONTENT[content]
    message = refused(tmp_path, given)
    assert message.startswith("FILE")
    assert named in message


@pytest.mark.parametrize("name", ["", "no-such.yaml"])
def test_a_folder_or_nothing_at_all_is_no_spec(name: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot read the port"):
        load_spec(tmp_path / name)


def test_specs_are_frozen(published: Spec) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        published.accuracy.top1_drop_pp.at_most = 0.0  # type: ignore[misc]


def test_a_figure_that_nobody_published_is_none(published: Spec) -> None:
    device = chip(published, "Ascend310")
    assert device.published(64) is None
    assert isinstance(device.published(16), DeviceBatch)
    assert isinstance(published.host_perf.onnx_to_torch, AtLeast)
    assert isinstance(device.om_top1, Fact)


def test_pytest_ends_with_that_one_line_and_status_4(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    text = replaced(SOURCE, "suorce: torchvision:alexnet")
    bad.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", f"--port={bad}", "-p", "no:cacheprovider"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    said = (done.stdout + done.stderr).strip()
    assert done.returncode == 4
    unknown = f"ERROR: {bad}:{line_of(text, 'suorce')}: model.suorce: Object contains unknown field `suorce`"
    assert said.startswith(f"{unknown}; allowed name, source, ")
    assert "\n" not in said
