"""Each part of the spec at its edge: the last value that is taken, the first that is refused, and what follows."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.base.errors import SpecError
from tools.base.files import ROOT
from tools.judge import machine_class, numbers, records
from tools.judge import spec as types
from tools.judge.machine_class import Device
from tools.judge.numbers import LARGEST, AtLeast, AtMost, Entry, Exactly, Fact, Number
from tools.judge.spec import MOST_IMAGES, Spec
from tools.ports import document
from tools.ports import spec as spec_module
from tools.ports.spec import PUBLISHED_SPEC, SAMPLE_SPEC, load_spec

PUBLISHED = load_spec(PUBLISHED_SPEC)
DOCUMENT = records.plain(PUBLISHED)
ENTRIES = [
    value
    for value in {**vars(numbers), **vars(machine_class), **vars(types)}.values()
    if isinstance(value, type) and issubclass(value, Entry) and value not in (Entry, Number)
]
LONG = "x" * 40


def chip(spec: Spec, soc: str) -> Device:
    """What is known about a chip that the spec knows."""
    found = spec.device(soc)
    assert found is not None
    return found


def changed(*changes: tuple[str, Any]) -> Spec:
    """The published spec with other values at dotted paths such as `devices.0.soc`."""
    plain = copy.deepcopy(DOCUMENT)
    for path, value in changes:
        *parents, last = path.split(".")
        node: Any = plain
        for name in parents:
            node = node[int(name) if isinstance(node, list | tuple) else name]
        node[int(last) if isinstance(node, list) else last] = value
    return records.read(Spec, plain)


def refusal(*changes: tuple[str, Any]) -> str:
    """What the changed spec is refused with."""
    with pytest.raises(records.RecordError) as caught:
        changed(*changes)
    return str(caught.value)


def parts(value: object) -> Iterator[Entry]:
    """Every part anywhere in a spec."""
    if isinstance(value, Entry):
        yield value
    inside = vars(value).values() if isinstance(value, Entry) else value if isinstance(value, tuple) else ()
    for child in inside:
        yield from parts(child)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.__name__)
def test_no_part_can_be_changed_or_takes_an_unknown_key(entry: Any) -> None:  # noqa: ANN401 - a dataclass
    declared = {"weights_differ": ["features.*"], "reason": "quantised"}
    whole = changed(("preprocessing.aipp", {"crop": "chip"}), ("onnx.handed_in", declared))
    part = next(found for found in parts(whole) if type(found) is entry)
    name = dataclasses.fields(entry)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(part, name, getattr(part, name))
    with pytest.raises(records.RecordError, match=r"^Object contains unknown field `stray`$"):
        records.read(entry, {**records.plain(part), "stray": 0})


def test_every_part_is_looked_at() -> None:
    assert {"Spec", "Fact", "Exactly", "AtMost", "AtLeast", "Device", "TensorSpec", "ThroughputRuns"} <= {
        entry.__name__ for entry in ENTRIES
    }


@pytest.mark.parametrize(
    ("number", "value"), [(Fact, "value"), (Exactly, "exactly"), (AtMost, "at_most"), (AtLeast, "at_least")]
)
def test_a_number_is_made_by_naming_its_parts(number: Callable[..., Number], value: str) -> None:
    with pytest.raises(TypeError, match="multiple values"):
        number("pp", "guide", **{value: 1.0})
    with pytest.raises(TypeError, match="'unit' and 'source'"):
        number(**{value: 1.0})
    assert number(unit="pp", source="guide", **{value: 1.0}).reason is None


DEVICE = "devices.0."
TAKEN = {
    "a probe of 16 images": ("onnx.probe_images", 16),
    "a bound of 0": ("onnx.logits_abs_error.at_most", 0),
    "a tight bound that is the bound": ("accuracy.tight_drop_pp.at_most", 1.0),
    "one class": ("dataset.classes", 1),
    "a million classes": ("dataset.classes", 1_000_000),
    "one image": ("dataset.images.exactly", 1),
    "ten million images": ("dataset.images.exactly", MOST_IMAGES),
    "ids of numbers alone": ("dataset.id_format", "{:d}"),
    "ids of two digits' width": ("dataset.id_format", "A_z9{:10d}"),
    "ids of a zero and two digits": ("dataset.id_format", "{:012d}"),
    "a crop of the whole image": ("preprocessing.crop_px", 256),
    "a mean below 0": ("preprocessing.mean", [-1.0, 0.0, 0.406]),
    "three rounds": ("host_perf.rounds", 3),
    "no margin": (DEVICE + "floor_margin_percent.value", 0),
    "nearly the whole as margin": (DEVICE + "floor_margin_percent.value", 99.9),
    "no noise": (DEVICE + "noise_cv_percent.value", 0),
    "25 % of noise": (DEVICE + "noise_cv_percent.value", 25),
    "Top-1 like Top-5": (DEVICE + "om_top1.value", 79.08),
    "Top-5 of 100 %": ("accuracy.pth_top5.value", 100),
    "a card off by half a thousandth": (DEVICE + "throughput.0.images_per_second_per_card.value", 1270.8284),
    "a card without a figure": (DEVICE + "throughput.0.images_per_second_per_card", None),
    "one operation an image": ("model.flops_per_image.value", 1),
    "a figure of 1e18": ("model.parameters.value", LARGEST),
    "half precision at the input": ("onnx.input.dtype", "float16"),
    "nothing published about the checkpoint": ("accuracy.pth_top1", None),
    "nothing published about a chip": (DEVICE + "throughput", []),
    "operations that nobody counted": ("model.flops_per_image", None),
    "a background class": ("model.label_offset", 1),
    "a rectangle cut out": ("preprocessing.crop_px", [256, 224]),
    "images squashed to a rectangle": ("preprocessing.resize_px", [240, 320]),
    "bicubic": ("preprocessing.interpolation", "bicubic"),
    "blue before red": ("preprocessing.channel_order", "BGR"),
    "no md5": ("checkpoint.md5", None),
    "eight digits of a sha256": ("checkpoint.sha256_prefix", "0123abcd"),
    "outputs among which the judged one is": ("onnx.outputs", ["aux", "class"]),
    "the oldest opset": ("onnx.opset.exactly", 7),
    "the newest opset": ("onnx.opset.exactly", 25),
    "an ONNX file for each batch": ("onnx.batch", "static"),
    "a network of timm": ("model.source", "timm:resnet50.a1_in1k"),
    "a network of one's own": ("model.source", "python:nets/net.py:network"),
    "a name that begins with a digit": ("onnx.input.name", "0.a-b_c"),
    "no chip": ("om.soc", None),
    "no device": ("devices", []),
    "a reason": ("reasons", {"batches": "fewer"}),
    "no address": ("checkpoint.url", None),
    "a digest of the content": ("checkpoint.content_sha256", "0123456789abcdef" * 4),
    "a digest of the images": ("dataset.content_sha256", "f" * 64),
}


@pytest.mark.parametrize("what", TAKEN)
def test_the_last_value_is_taken(what: str) -> None:
    assert isinstance(changed(TAKEN[what]), Spec)


COUNT = f"it must be a whole number in 1..{MOST_IMAGES}"
IDS = "it must be plain text and one {:08d}-like number - at `$.dataset`"
REFUSED: dict[str, tuple[str, Any, str]] = {
    "a probe of 15 images": ("onnx.probe_images", 15, "Expected `int` >= 16 - at `$.onnx.probe_images`"),
    "two rounds": ("host_perf.rounds", 2, "Expected `int` >= 3 - at `$.host_perf.rounds`"),
    "a million classes and one": ("dataset.classes", 1_000_001, "Expected `int` <= 1000000 - at `$.dataset.classes`"),
    "no class": ("dataset.classes", 0, "Expected `int` >= 1 - at `$.dataset.classes`"),
    "no image": ("dataset.images.exactly", 0.0, f"images is 0.0, {COUNT} - at `$.dataset`"),
    "half an image": ("dataset.images.exactly", 1.5, f"images is 1.5, {COUNT} - at `$.dataset`"),
    "too many images": ("dataset.images.exactly", 1e8, f"images is 100000000.0, {COUNT} - at `$.dataset`"),
    "an id without number": ("dataset.id_format", "a", f"id_format is 'a', {IDS}"),
    "an id with two numbers": ("dataset.id_format", "{:d}{:d}", f"id_format is '{{:d}}{{:d}}', {IDS}"),
    "an id with a path": ("dataset.id_format", "a/{:d}", f"id_format is 'a/{{:d}}', {IDS}"),
    "an id of thousands of digits": ("dataset.id_format", "{:0999d}", f"id_format is '{{:0999d}}', {IDS}"),
    "a larger crop": ("preprocessing.crop_px", 257, "crop_px 257 exceeds resize_px 256 - at `$.preprocessing`"),
    "an endless mean": (
        "preprocessing.mean",
        [0.0, math.inf, 0.0],
        "mean and std must be finite - at `$.preprocessing`",
    ),
    "an endless std": (
        "preprocessing.std",
        [1.0, 1.0, math.inf],
        "mean and std must be finite - at `$.preprocessing`",
    ),
    "a std of 0": ("preprocessing.std", [0.0, 1.0, 1.0], "Expected `float` > 0.0 - at `$.preprocessing.std[0]`"),
    "a second std of 0": ("preprocessing.std", [1.0, 0.0, 1.0], "Expected `float` > 0.0 - at `$.preprocessing.std[1]`"),
    "a third std of 0": ("preprocessing.std", [1.0, 1.0, 0.0], "Expected `float` > 0.0 - at `$.preprocessing.std[2]`"),
    "a size of 0": ("preprocessing.crop_px", 0, "at `$.preprocessing.crop_px`"),
    "a side of 0": ("preprocessing.crop_px", [224, 0], "Expected `int` >= 1 - at `$.preprocessing.crop_px[1]`"),
    "three sides": ("preprocessing.crop_px", [224, 224, 3], "at `$.preprocessing.crop_px`"),
    "a taller crop": ("preprocessing.crop_px", [257, 224], "crop_px (257, 224) exceeds resize_px 256"),
    "a wider crop": ("preprocessing.crop_px", [224, 257], "crop_px (224, 257) exceeds resize_px 256"),
    "no crop of a short side": ("preprocessing.crop_px", None, "images of different sizes make no batch"),
    "a resize without interpolation": ("preprocessing.interpolation", None, "resize_px and interpolation go together"),
    "an interpolation without resize": ("preprocessing.resize_px", None, "resize_px and interpolation go together"),
    "a function beside a resize": ("preprocessing.function", "python:net.py:f", "function does resize and crop"),
    "two background classes": ("model.label_offset", 2, "Invalid enum value 2 - at `$.model.label_offset`"),
    "outputs without the judged one": ("onnx.outputs", ["aux"], "output class is none of outputs aux - at `$.onnx`"),
    "an output twice": ("onnx.outputs", ["class", "class"], "outputs holds class more than once - at `$.onnx`"),
    "an opset before opset 7": ("onnx.opset.exactly", 6, "opset is 6.0, it must be a whole number in 7..25"),
    "an opset that is not there yet": ("onnx.opset.exactly", 26, "opset is 26.0, it must be a whole number in 7..25"),
    "half an opset": ("onnx.opset.exactly", 11.5, "opset is 11.5, it must be a whole number in 7..25"),
    "seven digits of a sha256": ("checkpoint.sha256_prefix", "0123abc", "matching regex '^[0-9a-f]{8,63}$'"),
    "a port in no plain word": ("port", "../alexnet", "at `$.port`"),
    "the whole as margin": (
        DEVICE + "floor_margin_percent.value",
        100.0,
        "floor_margin_percent is 100.0, it must lie in 0..100 - at `$.devices[0]`",
    ),
    "more noise": (
        DEVICE + "noise_cv_percent.value",
        25.1,
        "noise_cv_percent is 25.1, it must lie in 0..25 - at `$.devices[0]`",
    ),
    "Top-1 above Top-5": (
        DEVICE + "om_top1.value",
        79.09,
        "om_top1 79.09 and om_top5 79.08 are not percents in order - at `$.devices[0]`",
    ),
    "over 100 %": (
        "accuracy.pth_top5.value",
        100.1,
        "pth_top1 56.527 and pth_top5 100.1 are not percents in order - at `$.accuracy`",
    ),
    "a tight bound above Top-1's": (
        "accuracy.tight_drop_pp.at_most",
        1.1,
        "tight_drop_pp 1.1 exceeds the smaller of top1_drop_pp and top5_drop_pp, 1.0 - at `$.accuracy`",
    ),
    "Top-5's bound below the tight one": (
        "accuracy.top5_drop_pp.at_most",
        0.09,
        "tight_drop_pp 0.1 exceeds the smaller of top1_drop_pp and top5_drop_pp, 0.09 - at `$.accuracy`",
    ),
    "Top-1's bound below the tight one": (
        "accuracy.top1_drop_pp.at_most",
        0.09,
        "tight_drop_pp 0.1 exceeds the smaller of top1_drop_pp and top5_drop_pp, 0.09 - at `$.accuracy`",
    ),
    "a chip without a figure": (
        DEVICE + "throughput.0.images_per_second_per_chip.value",
        0.0,
        "batch 1: images_per_second_per_chip is 0.0, it must be positive - at `$.devices[0]`",
    ),
    "a card off by a thousandth": (
        DEVICE + "throughput.0.images_per_second_per_card.value",
        1270.829,
        "batch 1: card 1270.829 is not 4 x chip 317.707 - at `$.devices[0]`",
    ),
    "a card below": (
        DEVICE + "throughput.0.images_per_second_per_card.value",
        1270.827,
        "batch 1: card 1270.827 is not 4 x chip 317.707 - at `$.devices[0]`",
    ),
    "a batch published twice": (
        DEVICE + "throughput.1.batch",
        1,
        "batch holds 1 more than once - at `$.devices[0]`",
    ),
    "no batch": ("batches", [], "batches is empty"),
    "an endless number": (
        "onnx.opset.exactly",
        math.inf,
        "Expected `float` <= 1e+18 - at `$.onnx.opset.exactly`",
    ),
    "no number": ("onnx.opset.exactly", math.nan, "Expected `float` >= 0.0 - at `$.onnx.opset.exactly`"),
    "less than an operation an image": (
        "model.flops_per_image.value",
        0.9,
        "flops_per_image is 0.9, it must be at least 1 - at `$.model`",
    ),
    "an empty unit": ("onnx.opset.unit", "", "Expected `str` of length >= 1 - at `$.onnx.opset.unit`"),
    "an empty reason": ("onnx.opset.reason", "", "Expected `str` of length >= 1 - at `$.onnx.opset.reason`"),
    "an md5 with a letter more": (
        "checkpoint.md5",
        "0" * 33,
        "matching regex '^[0-9a-f]{32}$' - at `$.checkpoint.md5`",
    ),
    "an md5 in capitals": ("checkpoint.md5", "A" * 32, "matching regex '^[0-9a-f]{32}$' - at `$.checkpoint.md5`"),
    "a short sha256": ("dataset.content_sha256", "0" * 63, "matching regex '^[0-9a-f]{64}$'"),
    "a hidden file": (
        "checkpoint.file",
        ".pth",
        "matching regex '^[A-Za-z0-9][A-Za-z0-9._-]*$' - at `$.checkpoint.file`",
    ),
    "a network in capitals": ("model.source", "torchvision:AlexNet", "- at `$.model.source`"),
    "a network of nobody": ("model.source", "alexnet", "- at `$.model.source`"),
    "a module above the port": ("model.source", "python:../net.py:network", "- at `$.model.source`"),
    "a module at the root": ("model.source", "python:/net.py:network", "- at `$.model.source`"),
    "a function above the port": ("onnx.graph_step", "python:../net.py:step", "- at `$.onnx.graph_step`"),
    "another dtype": ("onnx.input.dtype", "float64", "Invalid enum value 'float64' - at `$.onnx.input.dtype`"),
    "another interpolation": ("preprocessing.interpolation", "area", "Invalid enum value 'area'"),
    "another kind": ("kind", "draft", "Invalid enum value 'draft' - at `$.kind`"),
    "another mode": (DEVICE + "throughput.0.mode", "both", "Invalid enum value 'both'"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_the_first_value_beyond_is_refused(what: str) -> None:
    path, value, message = REFUSED[what]
    assert message in refusal((path, value))


@pytest.mark.parametrize("soc", ["Ascend310", "Ascend310P3"])
def test_floor_and_ceiling_say_what_they_are_made_of(soc: str) -> None:
    device = chip(PUBLISHED, soc)
    entry = device.throughput[0]
    figure = entry.images_per_second_per_chip
    margin, more = device.floor_margin_percent, device.ceiling_margin_percent
    assert device.floor(entry) == AtLeast(
        at_least=figure.value * 95 / 100,
        unit="images/s",
        source=f"{figure.value} less 5 % ({figure.source}; margin: {margin.source})",
    )
    assert device.ceiling(entry.batch, PUBLISHED.model.flops_per_image) == AtMost(
        at_most=figure.value * 150 / 100, unit="images/s", source=f"{figure.value} and 50 % more ({more.source})"
    )


def test_the_ceiling_is_the_chips_arithmetic_where_that_is_lower() -> None:
    device: Device = changed((DEVICE + "peak_fp16_tflops_per_chip.value", 0.143)).devices[0]
    found = device.ceiling(1, PUBLISHED.model.flops_per_image)
    assert found is not None
    assert found.at_most == 0.143 * 1e12 / 1.43e9
    assert found.source == f"0.143 TFLOPS ({device.peak_fp16_tflops_per_chip.source})"


def test_arithmetic_that_equals_the_raised_figure_is_not_named() -> None:
    figure = "throughput.0.images_per_second_per_chip.value"
    device = changed(
        ("model.flops_per_image.value", 1e9),
        (DEVICE + "peak_fp16_tflops_per_chip.value", 0.3),
        (DEVICE + figure, 200.0),
        (DEVICE + "throughput.0.images_per_second_per_card", None),
    ).devices[0]
    flops = changed(("model.flops_per_image.value", 1e9)).model.flops_per_image
    found = device.ceiling(1, flops)
    assert found is not None
    assert (found.at_most, found.source[:18]) == (300.0, "200.0 and 50 % mor")


def test_of_the_two_ceilings_the_one_that_is_known_counts() -> None:
    device, flops = PUBLISHED.devices[0], PUBLISHED.model.flops_per_image
    alone, arithmetic = device.ceiling(1, None), device.ceiling(64, flops)
    assert alone is not None
    assert arithmetic is not None
    assert (alone.at_most, alone.unit) == (317.707 * 150 / 100, "images/s")
    assert (arithmetic.at_most, arithmetic.unit) == (11 * 1e12 / 1.43e9, "images/s")
    assert device.ceiling(64, None) is None


def test_bounds_and_runs_are_those_of_where_an_om_runs() -> None:
    on_device, elsewhere = PUBLISHED.om.batch_bound(on_device=True), PUBLISHED.om.batch_bound(on_device=False)
    assert (on_device.at_most, elsewhere.at_most) == (0.1, 0.032)
    agreement = PUBLISHED.agreement
    assert agreement.om(on_device=True) is agreement.om_on_device
    assert agreement.om(on_device=False) is agreement.om_on_simulator
    runs = changed(("om.throughput_runs", {"dataset": 2, "pure": 7})).om.throughput_runs
    assert (runs.of("dataset"), runs.of("pure")) == (2, 7)


def test_a_chip_that_the_spec_does_not_know() -> None:
    assert PUBLISHED.device("Ascend910B") is None
    assert load_spec(SAMPLE_SPEC).device("Ascend910B") is None
    assert str(PUBLISHED.device("Ascend310P3")).startswith("Device(soc='Ascend310P3'")


def test_each_batch_has_the_figures_of_its_own() -> None:
    device = PUBLISHED.devices[0]
    assert [device.published(entry.batch) for entry in device.throughput] == list(device.throughput)


def test_the_ids_count_from_1() -> None:
    spec = changed(("dataset.images.exactly", 3), ("dataset.id_format", "v{:03d}"))
    assert spec.dataset.ids() == ("v001", "v002", "v003")


def test_the_shapes_follow_from_recipe_and_classes() -> None:
    spec = changed(("preprocessing.crop_px", [96, 128]), ("model.label_offset", 1), ("dataset.classes", 10))
    assert (spec.classes, spec.preprocessing.size) == (11, (96, 128))
    assert (spec.input().shape, spec.input(4).shape) == ((-1, 3, 96, 128), (4, 3, 96, 128))
    assert (spec.output().shape, spec.output(4).shape) == ((-1, 11), (4, 11))
    squashed = changed(("preprocessing.resize_px", [64, 32]), ("preprocessing.crop_px", None))
    assert squashed.input().shape == (-1, 3, 64, 32)


def test_the_judged_output_is_found_among_all() -> None:
    assert (PUBLISHED.onnx.all_outputs, PUBLISHED.onnx.judged_output) == (("class",), 0)
    several = changed(("onnx.outputs", ["aux", "class"])).onnx
    assert (several.all_outputs, several.judged_output) == (("aux", "class"), 1)


def test_a_sha256_begins_with_its_prefix() -> None:
    sha256 = ("checkpoint.sha256", "0123abcd" * 8)
    assert changed(sha256, ("checkpoint.sha256_prefix", "0123abcd")).checkpoint.pinned
    message = refusal(sha256, ("checkpoint.sha256_prefix", "1123abcd"))
    assert f"sha256 {'0123abcd' * 8} does not begin with sha256_prefix 1123abcd - at `$.checkpoint`" in message


@pytest.mark.parametrize("digest", ["md5", "sha256", "sha256_prefix"])
def test_any_digest_of_the_file_pins_it_and_none_does_not(digest: str) -> None:
    values = {"md5": "0" * 32, "sha256": "0" * 64, "sha256_prefix": "0" * 8}
    assert changed(("checkpoint.md5", None), (f"checkpoint.{digest}", values[digest])).checkpoint.pinned
    unpinned = changed(("checkpoint.md5", None), ("checkpoint.content_sha256", "0" * 64))
    assert not unpinned.checkpoint.pinned


def test_the_ports_of_the_repository_are_where_the_commands_look() -> None:
    assert PUBLISHED_SPEC == ROOT / "thresholds.yaml"
    assert [PUBLISHED_SPEC.name] == [path.name for path in ROOT.glob("[!.]*.yaml")]
    assert (ROOT / "ports" / "alexnet_sample.yaml").samefile(SAMPLE_SPEC)
    assert Path(spec_module.__file__).is_relative_to(ROOT)


TEXT = PUBLISHED_SPEC.read_text(encoding="utf-8")


def refused(folder: Path, old: str, new: str) -> str:
    """What the published spec with the first `old` changed is refused with; `FILE` stands for its path."""
    assert old in TEXT
    path = folder / "bad.yaml"
    path.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    return str(caught.value).replace(str(path), "FILE")


def at(piece: str) -> str:
    """`FILE` and the line of the published spec that holds this."""
    return f"FILE:{TEXT[: TEXT.index(piece)].count(chr(10)) + 1}"


def test_the_most_that_a_spec_may_be() -> None:
    assert (document.MAX_SPEC_BYTES, MOST_IMAGES) == (1024 * 1024, 10_000_000)


def test_what_no_spec_needs_is_refused_in_these_words(tmp_path: Path) -> None:
    line = at("schema: 2")
    assert refused(tmp_path, "schema: 2", "schema: &a 2\nX: *a").endswith(": YAML aliases are not allowed in a port")
    assert refused(tmp_path, "schema: 2", "schema: !!int 2") == f"{line}: YAML tags are not allowed in a port"
    assert refused(tmp_path, TEXT, "") == "FILE: the port is empty"
    assert refusal(("batches", [])).startswith("batches is empty")
    too_large = refused(tmp_path, "schema: 2", "# " + "x" * document.MAX_SPEC_BYTES + "\nschema: 2")
    assert "the file is too large" in too_large


def test_less_than_an_image_a_second_is_a_figure() -> None:
    card, chip = "images_per_second_per_card", "images_per_second_per_chip"
    slow = {**DOCUMENT["devices"][0]["throughput"][0], card: None}
    slow[chip] = {"value": 0.5, "unit": "images/s", "source": "s"}
    assert changed((DEVICE + "throughput", [slow])).devices[0].throughput[0].images_per_second_per_chip.value == 0.5


def test_a_key_may_begin_like_any_other(tmp_path: Path) -> None:
    assert refused(tmp_path, "schema: 2", "X: 1\nX: 1\nschema: 2").endswith(": X: key given twice")
    assert refused(tmp_path, "schema: 2", "X: 1\nschema: 2") == (
        f"{at('schema: 2')}: X: Object contains unknown field `X`; allowed schema, shared, port, policy, reasons"
    )


def nested(levels: int) -> str:
    """A list of lists."""
    return "[" * levels + "]" * levels


def test_nesting_is_refused_from_level_21_on(tmp_path: Path) -> None:
    """The top level is the first, `port` the second, `batches` the third."""
    old = "batches: [1, 4, 8, 16, 32]"
    assert refused(tmp_path, old, f"batches: {nested(19)}") == f"{at(old)}: nested deeper than 20 levels"
    assert "Expected `int`, got `array`" in refused(tmp_path, old, f"batches: {nested(18)}")


def test_doubtful_keys_are_refused_with_their_whole_path(tmp_path: Path) -> None:
    chip = "          images_per_second_per_chip: {value: 974.27, "
    assert refused(tmp_path, chip, chip + "value: 1, ") == (
        f"{at(chip)}: port.published[0].throughput[1].images_per_second_per_chip.value: key given twice"
    )
    assert refused(tmp_path, chip, chip + "<<: {value: 1}, ") == (
        f"{at(chip)}: port.published[0].throughput[1].images_per_second_per_chip.<<: merge keys are not allowed"
    )
    assert refused(tmp_path, "schema: 2", "schema: 2\nschema: 2") == (
        f"FILE:{int(at('schema: 2').removeprefix('FILE:')) + 1}: schema: key given twice"
    )


def test_a_mistake_is_told_with_its_path_and_line(tmp_path: Path) -> None:
    chip = "images_per_second_per_chip: {value: 974.27, "
    inside = "devices[0].throughput[1].images_per_second_per_chip"
    assert refused(tmp_path, chip, chip.replace("974.27", "-1")) == (
        f"{at(chip)}: {inside}.value: Expected `float` >= 0.0"
    )
    assert refused(tmp_path, chip, chip + "vlaue: 1, ") == (
        f"{at(chip)}: {inside}.vlaue: Object contains unknown field `vlaue`; allowed value, unit, source, reason"
    )
    parameters = "    parameters: {value: 61100840, "
    assert refused(tmp_path, parameters, "    parameters: {") == (
        f"{at(parameters)}: model.parameters: Object missing required field `value`"
    )
    assert refused(tmp_path, "schema: 2\n", "") == (
        f"FILE:{int(at('shared:').removeprefix('FILE:')) - 1}: schema: it must be 2. See docs/ports.md"
    )


def test_yaml_that_is_none_is_told_with_its_line(tmp_path: Path) -> None:
    old = "batches: [1, 4, 8, 16, 32]"
    following = int(at(old).removeprefix("FILE:")) + 2
    message = refused(tmp_path, old, "batches: [1, 4")
    assert message.startswith(f"FILE:{following}: not valid YAML: while parsing a flow sequence, ")
    assert "',' or ']'" in message
    assert refused(tmp_path, "classes: 1000", "classes: 2020-13-01") == (
        f"{at('classes: 1000')}: not valid YAML: month must be in 1..12"
    )
