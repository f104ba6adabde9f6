"""A port is one file: what all ports share comes from thresholds.yaml, and nothing from another port.

Each mistake is one line with its place and what is allowed instead.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from selftest.faults.world import whole_port
from tools.base.errors import SpecError
from tools.base.files import ROOT
from tools.judge import records
from tools.judge.numbers import Entry, Number
from tools.judge.spec import Spec
from tools.ports import spec as ports
from tools.ports.arguments import VARIABLE, add_port, given_port
from tools.ports.document import MAX_SPEC_BYTES, node_at, place, value_of
from tools.ports.spec import (
    PUBLISHED_SPEC,
    SAMPLE_SPEC,
    Port,
    edited_port,
    load_port,
    load_spec,
    port_names,
    port_path,
)

SMALLEST = """\
schema: 2

port:
  name: mine
  model:
    name: Mine
    source: torchvision:resnet18
  checkpoint:
    file: mine.pth
    source: trained at home
  onnx:
    opset: {exactly: 13, unit: opset, source: s}
    input: {name: image}
    output: {name: logits}
  dataset: imagenet_val
  preprocessing:
    resize_px: 256
    crop_px: 224
    interpolation: bicubic
    mean: [0.5, 0.5, 0.5]
    std: [0.5, 0.5, 0.5]
    source: s
  batches: [1]
"""
NO_REASON = "a policy is overridden without a reason"
POLICIES = "onnx, preprocessing, accuracy, agreement, host_perf, om"
BOUND = '{at_most: 0.2, unit: pp, source: "s"}'
REASONED = '{at_most: 0.2, unit: pp, source: "s", reason: "small images"}'
PUBLISHED = """\
  published:
    - soc: Ascend310
      om_top1: {value: 70.0, unit: percent, source: s}
"""


def port_file(folder: Path, text: str, name: str = "mine.yaml") -> Path:
    """A port file of this content."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def with_policy(*lines: str) -> str:
    """The smallest port with these lines below `policy:`."""
    return "\n".join([f"{SMALLEST}policy:", *(f"  {line}" for line in lines), ""])


def refused(folder: Path, text: str) -> str:
    """What a port is refused with; `FILE` stands for its path."""
    path = port_file(folder, text)
    with pytest.raises(SpecError) as caught:
        load_port(path)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(str(path), "FILE")


def at(text: str, piece: str) -> str:
    """`FILE` and the line that holds this."""
    return f"FILE:{text[: text.index(piece)].count(chr(10)) + 1}"


def numbers(value: object, where: str = "") -> Iterator[tuple[str, Number]]:
    """Every number anywhere in a spec, with its path."""
    if isinstance(value, Number):
        yield where, value
    elif isinstance(value, Entry):
        for name, item in vars(value).items():
            yield from numbers(item, f"{where}.{name}")
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from numbers(item, f"{where}[{index}]")


# What a port is made of


def test_the_smallest_port_takes_policies_data_set_and_chips_from_what_all_share(tmp_path: Path) -> None:
    spec, alexnet = load_spec(port_file(tmp_path, SMALLEST)), load_spec(PUBLISHED_SPEC)
    assert (spec.port, spec.kind) == ("mine", "published")
    assert (spec.agreement, spec.host_perf, spec.dataset) == (alexnet.agreement, alexnet.host_perf, alexnet.dataset)
    assert spec.onnx.logits_abs_error == alexnet.onnx.logits_abs_error
    assert spec.om.throughput_runs == alexnet.om.throughput_runs
    known = [(device.soc, device.floor_margin_percent) for device in alexnet.devices]
    assert [(device.soc, device.floor_margin_percent) for device in spec.devices] == known


def test_nothing_of_another_port_is_inherited(tmp_path: Path) -> None:
    """What the port does not state is absent, and never AlexNet's."""
    spec = load_spec(port_file(tmp_path, SMALLEST))
    assert (spec.accuracy.pth_top1, spec.accuracy.pth_top5) == (None, None)
    assert not spec.has_figures
    assert {(device.om_top1, device.om_top5, device.throughput) for device in spec.devices} == {(None, None, ())}
    assert (spec.model.flops_per_image, spec.model.parameters) == (None, None)
    checkpoint = spec.checkpoint
    assert (checkpoint.url, checkpoint.md5, checkpoint.sha256, checkpoint.content_sha256) == (None,) * 4
    assert not checkpoint.pinned
    assert (spec.om.soc, spec.om.atc_extra_args) == (None, ())


@pytest.mark.parametrize("piece", ["model", "checkpoint", "onnx", "dataset", "preprocessing", "batches"])
def test_a_fact_that_is_left_out_is_missed_and_not_made_up(piece: str, tmp_path: Path) -> None:
    document = yaml.safe_load(SMALLEST)
    del document["port"][piece]
    text = yaml.safe_dump(document, sort_keys=False)
    assert "Object missing required field" in refused(tmp_path, text)


@cache
def shipped(name: str) -> Port:
    """A port of the suite, read once."""
    return load_port(port_path(name))


@pytest.mark.parametrize("name", port_names())
def test_every_number_of_a_shipped_port_has_unit_and_source(name: str) -> None:
    found = dict(numbers(shipped(name).spec))
    assert len(found) > 40
    assert [where for where, number in found.items() if not number.unit.strip() or not number.source.strip()] == []


@pytest.mark.parametrize("name", port_names())
def test_every_number_of_a_shipped_port_stands_in_one_of_its_files(name: str) -> None:
    """A resolved spec computes nothing."""
    port = shipped(name)
    yamls = [content for name, content in port.files.items() if name.endswith(".yaml")]
    written = {value for content in yamls for value in values(yaml.safe_load(content))}
    held = {float(records.plain(number)[field(number)]) for _, number in numbers(port.spec)}
    assert held - written == set()


def field(number: Number) -> str:
    """The field that holds the number."""
    return next(name for name in vars(number) if name not in ("unit", "source", "reason"))


def values(document: Any) -> Iterator[float]:  # noqa: ANN401 - any YAML
    """Every number of a document."""
    if isinstance(document, dict):
        document = list(document.values())
    if isinstance(document, list):
        for item in document:
            yield from values(item)
    elif isinstance(document, (int, float)):
        yield float(document)


def test_the_files_of_a_port_are_itself_and_what_it_shares(tmp_path: Path) -> None:
    path = port_file(tmp_path, SMALLEST)
    shared = {"thresholds.yaml": PUBLISHED_SPEC.read_bytes()}
    assert load_port(path).files == {"mine.yaml": path.read_bytes()} | shared
    assert load_port(PUBLISHED_SPEC).files == shared


def test_a_whole_file_with_its_own_shared_section_stands_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = port_file(tmp_path, whole_port(SAMPLE_SPEC), "alexnet_sample.yaml")
    monkeypatch.setattr(ports, "PUBLISHED_SPEC", tmp_path / "not there.yaml")
    port = load_port(path, shared_from=tmp_path / "not there.yaml")
    assert port.spec == load_spec(SAMPLE_SPEC)
    assert port.files == {"alexnet_sample.yaml": path.read_bytes()}


def test_a_thresholds_yaml_must_hold_what_all_ports_share(tmp_path: Path) -> None:
    path = port_file(tmp_path, SMALLEST, "thresholds.yaml")
    with pytest.raises(SpecError) as caught:
        load_port(path)
    said = "a thresholds.yaml needs a `shared` section. Give the port another file name"
    assert str(caught.value) == f"{path}: {said}"


def test_a_port_is_also_what_its_file_would_hold_and_the_tree_of_all_that_says_so(tmp_path: Path) -> None:
    """Nothing is written before it is known to be a port."""
    path, edited = port_file(tmp_path, SMALLEST), SMALLEST.replace("crop_px: 224", "crop_px: 192")
    port = edited_port(path, edited.encode())
    assert path.read_text(encoding="utf-8") == SMALLEST
    shared = {"thresholds.yaml": PUBLISHED_SPEC.read_bytes()}
    assert (port.path, port.files) == (path, {"mine.yaml": edited.encode()} | shared)
    path.write_text(edited, encoding="utf-8")
    assert port.spec == load_spec(path)
    assert records.read(Spec, value_of(port.tree)) == port.spec
    assert place(node_at(port.tree, "devices")) == f"{path}:4"
    with pytest.raises(SpecError, match="preprocessing: crop_px 257 exceeds resize_px 256") as caught:
        edited_port(path, edited.replace("192", "257").encode())
    assert str(caught.value.where).startswith(f"{path}:")


def test_a_chip_that_all_ports_share_has_its_name(tmp_path: Path) -> None:
    text = whole_port(SAMPLE_SPEC).replace("    - soc: Ascend310\n", "    - name: Ascend310\n", 1)
    said = "shared.chips[0]: Object missing required field `soc`"
    assert refused(tmp_path, text) == f"{at(text, '- name: Ascend310')}: {said}"


def test_what_all_ports_share_is_known_to_the_last_key(tmp_path: Path) -> None:
    text = whole_port(SAMPLE_SPEC).replace("shared:\n", "shared:\n  stray: {}\n", 1)
    assert refused(tmp_path, text).startswith(
        f"{at(text, 'stray')}: stray: Object contains unknown field `stray`; allowed "
    )


def test_a_port_may_bring_a_data_set_of_its_own(tmp_path: Path) -> None:
    own = '{images: {exactly: 10, unit: images, source: s}, id_format: "x{:d}", classes: 7, source: s}'
    spec = load_spec(port_file(tmp_path, SMALLEST.replace("dataset: imagenet_val", f"dataset: {own}")))
    assert (spec.classes, spec.dataset.ids()[-1]) == (7, "x10")


def test_a_port_may_describe_a_chip_that_nobody_else_knows(tmp_path: Path) -> None:
    shared = yaml.safe_load(PUBLISHED_SPEC.read_bytes())["shared"]["chips"][0]
    document = yaml.safe_load(SMALLEST)
    document["port"]["chips"] = [{**shared, "soc": "Ascend910B3"}]
    figure = {"value": 70.0, "unit": "percent", "source": "s"}
    document["port"]["published"] = [{"soc": "Ascend910B3", "om_top1": figure}]
    spec = load_spec(port_file(tmp_path, yaml.safe_dump(document, sort_keys=False)))
    assert [device.soc for device in spec.devices] == ["Ascend310", "Ascend310P3", "Ascend910B3"]
    device = spec.device("Ascend910B3")
    assert device is not None
    assert device.om_top1 is not None
    assert (device.om_top1.value, device.chips_per_card) == (70.0, 4)


def test_what_was_published_for_a_chip_stands_beside_what_is_known_about_it(tmp_path: Path) -> None:
    spec = load_spec(port_file(tmp_path, SMALLEST + PUBLISHED))
    published = node_at(load_port(tmp_path / "mine.yaml").tree, "devices")
    assert place(published).rpartition(":")[2] == at(SMALLEST + PUBLISHED, "- soc").rpartition(":")[2]
    figures = {device.soc: device.om_top1.value if device.om_top1 else None for device in spec.devices}
    assert figures == {"Ascend310": 70.0, "Ascend310P3": None}
    assert spec.has_figures


# Overrides of policy


def test_an_override_with_its_reason_takes_the_place_of_the_policy_alone(tmp_path: Path) -> None:
    text = with_policy(f"accuracy: {{pth_top1_error_pp: {REASONED}}}")
    spec, alexnet = load_spec(port_file(tmp_path, text)), load_spec(PUBLISHED_SPEC)
    bound = spec.accuracy.pth_top1_error_pp
    assert (bound.at_most, bound.reason) == (0.2, "small images")
    assert spec.accuracy.pth_top5_error_pp == alexnet.accuracy.pth_top5_error_pp
    assert load_spec(PUBLISHED_SPEC) == alexnet


def test_a_plain_value_has_its_reason_by_path(tmp_path: Path) -> None:
    text = with_policy("om: {throughput_runs: {dataset: 1}}") + "reasons: {om.throughput_runs.dataset: slow disks}\n"
    spec = load_spec(port_file(tmp_path, text))
    assert (spec.om.throughput_runs.dataset, spec.om.throughput_runs.pure) == (1, 5)
    assert spec.reasons == {"om.throughput_runs.dataset": "slow disks"}


OVERRIDES = {
    "a number without a reason": (
        with_policy(f"accuracy: {{top1_drop_pp: {BOUND}}}"),
        "accuracy: {",
        f"policy.accuracy.top1_drop_pp: {NO_REASON}. Add `reason:` to it",
    ),
    "the least that a number may be, without a reason": (
        with_policy("agreement: {onnx: {min_cosine: {at_least: 0.9, unit: cosine, source: s}}}"),
        "agreement: {",
        f"policy.agreement.onnx.min_cosine: {NO_REASON}. Add `reason:` to it",
    ),
    "a figure without a reason": (
        with_policy("agreement: {onnx: {near_tie_logits: {value: 0.9, unit: logit, source: s}}}"),
        "agreement: {",
        f"policy.agreement.onnx.near_tie_logits: {NO_REASON}. Add `reason:` to it",
    ),
    "a reason without a word": (
        with_policy(f"accuracy: {{top1_drop_pp: {REASONED.replace('small images', '...')}}}"),
        "accuracy: {",
        f"policy.accuracy.top1_drop_pp: {NO_REASON}. Add `reason:` to it",
    ),
    "a plain value without a reason": (
        with_policy("host_perf:", "  rounds: 3"),
        "rounds: 3",
        f"policy.host_perf.rounds: {NO_REASON}. Add `reasons: {{host_perf.rounds: …}}`",
    ),
    "a list without a reason": (
        with_policy("om:", "  dataset_batches: [1]"),
        "dataset_batches: [1]",
        f"policy.om.dataset_batches: {NO_REASON}. Add `reasons: {{om.dataset_batches: …}}`",
    ),
    "an unknown section": (
        with_policy(f"accuarcy: {{top1_drop_pp: {REASONED}}}"),
        "accuarcy",
        f"policy.accuarcy: Object contains unknown field `accuarcy`; allowed {POLICIES}",
    ),
    "an unknown policy": (
        with_policy("host_perf:", "  rouns: 3"),
        "rouns",
        "policy.host_perf.rouns: Object contains unknown field `rouns`; "
        "allowed rounds, min_images_per_round, onnx_to_torch",
    ),
    "a fact among the policies": (
        with_policy("accuracy: {pth_top1: {value: 1.0, unit: percent, source: s, reason: r}}"),
        "accuracy: {pth_top1",
        "policy.accuracy.pth_top1: Object contains unknown field `pth_top1`; allowed pth_top1_error_pp, ",
    ),
    "a section that is a number": (
        with_policy("accuracy: 0.2"),
        "accuracy: 0.2",
        "policy.accuracy: Expected `object`",
    ),
    "policies that are a list": (f"{SMALLEST}policy: [1]\n", "policy: [1]", "policy: Expected `object`"),
    "data sets among the policies": (
        with_policy("datasets: {}"),
        "datasets: {}",
        f"policy.datasets: Object contains unknown field `datasets`; allowed {POLICIES}",
    ),
}


@pytest.mark.parametrize("what", OVERRIDES)
def test_a_wrong_override_is_one_line(what: str, tmp_path: Path) -> None:
    text, piece, named = OVERRIDES[what]
    message = refused(tmp_path, text)
    assert message.startswith(f"{at(text, piece)}: ")
    assert named in message


# Mistakes in the facts


def put(piece: str, new: str) -> tuple[str, str]:
    """The smallest port with a piece of it replaced, and the new piece."""
    assert piece in SMALLEST
    return SMALLEST.replace(piece, new, 1), new.strip().partition("\n")[0]


CROP = "crop_px: 224"
MISTAKES: dict[str, tuple[tuple[str, str], str]] = {
    "an unknown key at the top": (
        put("schema: 2\n", "schema: 2\nshred: {}\n"),
        "shred: Object contains unknown field `shred`; allowed schema, shared, port, policy, reasons",
    ),
    "an unknown key of the port": (put("  batches:", "  batchs:"), "batchs: Object contains unknown field `batchs`"),
    "an unknown key in a section": (
        put("    source: torchvision", "    suorce: torchvision"),
        "model.suorce: Object contains unknown field `suorce`; allowed name, source, arguments, label_offset, ",
    ),
    "a policy among the facts": (
        put("  batches:", f"  accuracy: {{top1_drop_pp: {REASONED}}}\n  batches:"),
        "port.accuracy.top1_drop_pp is a policy that all ports share. "
        "Write it as policy: accuracy: top1_drop_pp, with a reason",
    ),
    "a plain policy among the facts": (
        put("    crop_px", "    parity_images: 1\n    crop_px"),
        "port.preprocessing.parity_images is a policy that all ports share",
    ),
    "a whole policy section among the facts": (
        put("  batches:", "  host_perf: {rounds: 3}\n  batches:"),
        "port.host_perf.rounds is a policy that all ports share",
    ),
    "a data set of no such name": (
        put("dataset: imagenet_val", "dataset: imagenet"),
        "port.dataset: no data set of this name; found imagenet; allowed imagenet_val",
    ),
    "figures of an unknown chip": (
        put("  batches:", PUBLISHED.replace("Ascend310", "Ascend910B3") + "  batches:"),
        "port.published: nothing is known about this chip; found Ascend910B3; allowed Ascend310, Ascend310P3. "
        "Describe it under port: chips:",
    ),
    "figures of a chip twice": (
        put("  batches:", PUBLISHED + PUBLISHED.partition("\n")[2] + "  batches:"),
        "port.published: Ascend310 is given twice",
    ),
    "figures of no chip": (
        put("  batches:", "  published: [{om_top1: {value: 1.0, unit: percent, source: s}}]\n  batches:"),
        "port.published[0]: Object missing required field `soc`",
    ),
    "figures that are no list": (put("  batches:", "  published: {}\n  batches:"), "port.published: Expected `array`"),
    "a margin among the figures": (
        put("  batches:", PUBLISHED.replace("om_top1:", "noise_cv_percent:") + "  batches:"),
        "port.published.noise_cv_percent is a policy that all ports share",
    ),
    "a resolved name for the figures": (
        put("  batches:", "  devices: []\n  batches:"),
        "port.devices: Object contains unknown field `devices`; allowed name, kind, model, ",
    ),
    "no name": (put("  name: mine\n", ""), "port: Object missing required field `name`"),
    "a name that is a path": (put("name: mine", "name: ../mine"), "port: Expected `str` matching regex"),
    "a crop larger than the image": (put(CROP, "crop_px: 257"), "preprocessing: crop_px 257 exceeds resize_px 256"),
    "no crop of a short side": (put(CROP, "crop_px: null"), "images of different sizes make no batch"),
    "a resize without interpolation": (
        put("interpolation: bicubic", "interpolation: null"),
        "preprocessing: resize_px and interpolation go together: both null, or neither",
    ),
    "an unknown interpolation": (
        put("interpolation: bicubic", "interpolation: cubic"),
        "preprocessing.interpolation: Invalid enum value 'cubic'; allowed bilinear, bicubic, lanczos, nearest",
    ),
    "outputs without the judged one": (
        put("    output: {name: logits}", "    outputs: [aux]\n    output: {name: logits}"),
        "onnx: output logits is none of outputs aux",
    ),
    "a sha256 of another beginning": (
        put("    file:", f"    sha256: {'ab' * 32}\n    sha256_prefix: abababac\n    file:"),
        f"checkpoint: sha256 {'ab' * 32} does not begin with sha256_prefix abababac",
    ),
    "Top-1 above Top-5": (
        put(
            "  batches:",
            "  accuracy:\n    pth_top1: {value: 80.0, unit: percent, source: s}\n"
            "    pth_top5: {value: 70.0, unit: percent, source: s}\n  batches:",
        ),
        "accuracy: pth_top1 80.0 and pth_top5 70.0 are not percents in order",
    ),
    "a number without a source": (
        put("{exactly: 13, unit: opset, source: s}", "{exactly: 13, unit: opset}"),
        "onnx.opset: Object missing required field `source`",
    ),
    "a module outside the folder": (
        put("torchvision:resnet18", "python:../net.py:network"),
        "model.source: Expected `str` matching regex",
    ),
    "a chip that all know": (
        put("  batches:", "  chips: [{soc: Ascend310}]\n  batches:"),
        "port.chips: Ascend310 is given twice",
    ),
    "reasons among the facts": (put("  batches:", "  reasons: {a: b}\n  batches:"), "port.reasons: Object contains"),
    "a module that is not there": (
        put("torchvision:resnet18", "python:net.py:network"),
        "there is no such module beside the port; found net.py. Name a file below the port's folder",
    ),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_wrong_fact_is_one_line_with_file_line_and_what_is_allowed(what: str, tmp_path: Path) -> None:
    (text, _), named = MISTAKES[what]
    message = refused(tmp_path, text)
    assert named in message
    place = message.partition(": ")[0]
    line = int(place.removeprefix("FILE:"))
    assert 1 <= line <= text.count("\n") + 1


@pytest.mark.parametrize(
    "what",
    [
        *("an unknown key in a section", "a policy among the facts", "a plain policy among the facts"),
        *("a data set of no such name", "an unknown interpolation", "a number without a source"),
        *("a module outside the folder", "a name that is a path", "a margin among the figures"),
    ],
)
def test_the_line_is_that_of_the_mistake(what: str, tmp_path: Path) -> None:
    (text, _), _ = MISTAKES[what]
    before, after = SMALLEST.splitlines(), text.splitlines()
    changed = {number for number, line in enumerate(after, start=1) if line not in before}
    assert int(refused(tmp_path, text).removeprefix("FILE:").partition(":")[0]) in changed


BATCHES = "  batches: [1]\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SMALLEST.replace("[1]", "[]"), "FILE:4: top level: batches is empty"),
        (SMALLEST.replace("[1]", "x"), "FILE:23: batches: Expected `array`, got `str`"),
        (SMALLEST.replace("mine.pth", "12"), "FILE:9: checkpoint.file: Expected `str`, got `int`. Write it in quotes"),
        (SMALLEST.replace("imagenet_val", "[1]"), "FILE:15: dataset: Expected `object`, got `array`"),
        (f"{SMALLEST}reasons: [1]\n", "FILE:24: reasons: Expected `object`, got `array`"),
        ("schema: 2\nport: 3\n", "FILE:2: port: Expected `object`"),
        (f"{SMALLEST}shared: 3\n", "FILE:24: shared: Expected `object`"),
        (
            f"{SMALLEST}shared: {{}}\n",
            "FILE:15: port.dataset: no data set of this name; found imagenet_val; allowed none",
        ),
        (
            f"{SMALLEST}shared: {{datasets: {{a: 1, b: 2}}}}\n",
            "FILE:15: port.dataset: no data set of this name; found imagenet_val; allowed a, b",
        ),
        (
            f"{SMALLEST}shared: {{X: 1, datasets: {{imagenet_val: 1}}}}\n",
            "FILE:24: X: Object contains unknown field `X`; allowed schema, port, kind, model, checkpoint, onnx, "
            "dataset, preprocessing, batches, accuracy, agreement, host_perf, om, devices, reasons",
        ),
        (SMALLEST.replace("  name: mine\n", ""), "FILE:4: port: Object missing required field `name`"),
        (SMALLEST.replace("schema: 2\n", "") + "schema: 3\n", "FILE:23: schema: it must be 2. See docs/ports.md"),
        (
            "# a port\nschema: 2\n",
            f"FILE:2: top level: Object missing required field `port`; allowed {', '.join(ports.TOP)}",
        ),
        (SMALLEST.replace(BATCHES, f"  chips: 3\n{BATCHES}"), "FILE:23: port.chips: Expected `array`"),
        (
            SMALLEST.replace(BATCHES, f"  chips: [{{soc: [1]}}]\n{BATCHES}"),
            "FILE:23: port.chips[0]: Object missing required field `soc`",
        ),
        (
            SMALLEST.replace(BATCHES, f"  accuracy: 3\n{BATCHES}"),
            "FILE:23: accuracy: Expected `object`, got `int`",
        ),
        (
            f"{SMALLEST}shred: {{}}\n",
            "FILE:24: shred: Object contains unknown field `shred`; allowed schema, shared, port, policy, reasons",
        ),
        (
            SMALLEST.replace(BATCHES, f"  devices: []\n{BATCHES}"),
            "FILE:23: port.devices: Object contains unknown field `devices`; allowed name, kind, model, checkpoint, "
            "onnx, dataset, preprocessing, batches, accuracy, agreement, host_perf, om, published, chips",
        ),
        (f"{SMALLEST}policy: [1]\n", f"FILE:24: policy: Expected `object`; allowed {POLICIES}"),
        (
            f"{with_policy('host_perf: {rounds: 3}')}reasons: {{host_perf.images: slow}}\n",
            f"FILE:25: policy.host_perf.rounds: {NO_REASON}. Add `reasons: {{host_perf.rounds: …}}`",
        ),
        (with_policy("om: {throughput_runs: 3}"), "FILE:25: policy.om.throughput_runs: Expected `object`"),
        (
            with_policy("om: {throughput_runs: {a: 3}}"),
            "FILE:25: policy.om.throughput_runs.a: Object contains unknown field `a`; allowed dataset, pure",
        ),
    ],
)
def test_what_is_of_another_kind_is_told_at_its_place(text: str, message: str, tmp_path: Path) -> None:
    assert refused(tmp_path, text) == message


@pytest.mark.parametrize("old", ["schema: 1", "schema: '1'", ""])
def test_a_file_of_an_earlier_suite_is_refused_with_the_way_out(old: str, tmp_path: Path) -> None:
    message = refused(tmp_path, SMALLEST.replace("schema: 2", old))
    assert "schema: it must be 2" in message
    assert message.endswith("See docs/ports.md")


def test_a_spec_as_it_was_before_ports_is_refused_by_its_schema(tmp_path: Path) -> None:
    message = refused(tmp_path, "schema: 1\nkind: published\nmodel: {name: AlexNet, factory: alexnet}\n")
    assert message == "FILE:1: schema: it must be 2. See docs/ports.md"


def test_a_shipped_port_has_the_name_of_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "PORTS", tmp_path)
    text = SMALLEST.replace("name: mine", "name: yours")
    message = refused(tmp_path, text)
    assert message == f"{at(text, 'name: yours')}: port.name: it must be the file's name; found yours; allowed mine"
    assert load_spec(port_file(tmp_path, SMALLEST)).port == "mine"


def test_a_port_elsewhere_may_have_any_file_name(tmp_path: Path) -> None:
    assert load_spec(port_file(tmp_path, SMALLEST, "other.yaml")).port == "mine"


@pytest.mark.parametrize("name", port_names())
def test_the_ports_of_the_suite_are_named_as_their_files(name: str) -> None:
    assert shipped(name).spec.port == name


# Modules of a port's own

OWN = SMALLEST.replace("torchvision:resnet18", "python:net.py:network")
CODE = "def network():\n    import torch\n    return torch.nn.Linear({}, 2)\n"


def own_port(folder: Path, width: int) -> Port:
    """A port with a module beside it that makes a layer of this width."""
    folder.mkdir()
    (folder / "net.py").write_text(CODE.format(width), encoding="utf-8")
    return load_port(port_file(folder, OWN))


def test_a_module_beside_the_port_is_one_of_its_files(tmp_path: Path) -> None:
    port = own_port(tmp_path / "port", 3)
    assert port.files["net.py"] == CODE.format(3).encode()
    assert set(port.files) == {"mine.yaml", "net.py", "thresholds.yaml"}


def test_two_ports_in_one_process_have_each_their_own_module(tmp_path: Path) -> None:
    from tools.model.network import Network

    made = []
    for width in (3, 5):
        port = own_port(tmp_path / str(width), width)
        made.append(Network(port.spec.model, port.path.parent).empty().state_dict()["weight"].shape)
    assert made == [(2, 3), (2, 5)]


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(CODE.format(3), encoding="utf-8")
    folder = tmp_path / "port"
    folder.mkdir()
    (folder / "net.py").symlink_to(tmp_path / "net.py")
    assert "there is no such module beside the port; found net.py" in refused(folder, OWN)


def test_a_linked_folder_that_leads_out_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "net.py").write_text(CODE.format(3), encoding="utf-8")
    folder = tmp_path / "port"
    folder.mkdir()
    (folder / "nets").symlink_to(tmp_path / "elsewhere")
    message = refused(folder, OWN.replace("net.py", "nets/net.py"))
    assert "there is no such module beside the port; found nets/net.py" in message


def test_a_folder_that_is_itself_a_link_is_one_like_any_other(tmp_path: Path) -> None:
    own_port(tmp_path / "port", 3)
    (tmp_path / "link").symlink_to(tmp_path / "port")
    assert "net.py" in load_port(tmp_path / "link" / "mine.yaml").files


@pytest.mark.parametrize("section", ["graph_step", "function"])
def test_a_function_of_the_ports_own_is_one_of_its_files(section: str, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("def step(): ...\n", encoding="utf-8")
    onnx = SMALLEST.replace("  dataset: imagenet_val", "    graph_step: python:own.py:step\n  dataset: imagenet_val")
    pixels = SMALLEST.replace("resize_px: 256", "resize_px: null").replace("bicubic", "null\n    function: F")
    text = onnx if section == "graph_step" else pixels.replace("function: F", "function: python:own.py:step")
    assert "own.py" in load_port(port_file(tmp_path, text)).files


FILES = {
    "module": (OWN, "net.py"),
    "step": (SMALLEST.replace("  dataset:", "    graph_step: python:net.py:step\n  dataset:"), "net.py"),
    "pixels": (
        SMALLEST.replace("resize_px: 256", "resize_px: null").replace("bicubic", "null\n    function: python:net.py:f"),
        "net.py",
    ),
    "AIPP": (SMALLEST.replace("    source: s\n", "    source: s\n    aipp: {crop: chip, file: own.cfg}\n"), "own.cfg"),
    "flag": (
        SMALLEST.replace(BATCHES, f"  om: {{atc_extra_args: [--keep_dtype=keep.cfg]}}\n{BATCHES}"),
        "keep.cfg",
    ),
}
"""Ports with a file beside them: what names it, and its name."""


@pytest.mark.parametrize("what", FILES)
def test_a_file_beside_the_port_that_is_not_there_or_too_large_is_told_at_the_line_that_names_it(
    what: str, tmp_path: Path
) -> None:
    text, name = FILES[what]
    kind = {"AIPP": "AIPP file", "flag": "file of --keep_dtype"}.get(what, "module")
    line = at(text, name)
    said = f"there is no such {kind} beside the port; found {name}. Name a file below the port's folder"
    assert refused(tmp_path, text) == f"{line}: {said}"
    (tmp_path / name).write_bytes(b"x" * (MAX_SPEC_BYTES + 1))
    large = f"the file is too large: {MAX_SPEC_BYTES + 1} bytes, at most {MAX_SPEC_BYTES} are read"
    assert refused(tmp_path, text) == f"{line}: the {kind} beside the port cannot be read: {large}; found {name}"


def test_a_file_of_a_flag_is_one_that_atc_takes(tmp_path: Path) -> None:
    text, name = FILES["flag"]
    (tmp_path / name).write_text("OpType::conv2d", encoding="utf-8")
    message = refused(tmp_path, text)
    assert message.startswith(f"{tmp_path / name}: the file of --keep_dtype cannot be taken: ")
    assert "PascalCase" in message
    (tmp_path / name).write_text("Conv_0", encoding="utf-8")
    assert load_port(port_file(tmp_path, text)).files[name] == b"Conv_0"


def test_a_module_that_is_installed_is_none_of_the_ports_files(tmp_path: Path) -> None:
    text = OWN.replace("net.py", "torchvision.models")
    assert set(load_port(port_file(tmp_path, text)).files) == {"mine.yaml", "thresholds.yaml"}


# How a port is named


def test_every_port_is_found_by_its_name_and_any_file_by_its_path() -> None:
    assert port_path("alexnet") == PUBLISHED_SPEC
    assert port_path("alexnet_sample") == SAMPLE_SPEC
    assert [port_path(name) for name in ("./mine.yaml", "mine.yaml", "a/b", "mine.yml")] == [
        Path(name) for name in ("mine.yaml", "mine.yaml", "a/b", "mine.yml")
    ]
    assert {"alexnet", *(path.stem for path in (ROOT / "ports").glob("*.yaml"))} == set(port_names())


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("resnet", "Did you mean resnet50? Or"),
        ("mobilenetv2", "Did you mean mobilenet_v2? Or"),
        ("AlexNet", "Did you mean alexnet? Or"),
        ("..", "Or"),
        (" ", "Or"),
    ],
)
def test_a_port_of_no_such_name_is_told_with_the_nearest_and_where_all_are_listed(name: str, fix: str) -> None:
    with pytest.raises(SpecError) as caught:
        port_path(name)
    assert str(caught.value) == (
        f"there is no port of this name; found {name.strip()}; "
        f"allowed one of those that `python tools/show_port.py --list` prints. {fix} name a file, ./mine.yaml"
    )


def parsed(*words: str) -> Spec:
    """What a command with the option reads."""
    parser = argparse.ArgumentParser()
    add_port(parser)
    return given_port(parser.parse_args(words)).spec


def test_a_command_takes_the_option_then_the_variable_then_alexnet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert parsed().port == "alexnet"
    monkeypatch.setenv(VARIABLE, str(port_file(tmp_path, SMALLEST)))
    assert parsed().port == "mine"
    assert parsed("--port", "alexnet_sample").port == "alexnet_sample"
    monkeypatch.setenv(VARIABLE, "")
    assert parsed().port == "alexnet"


def test_an_unknown_port_ends_pytest_in_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--port=resnet999", "-p", "no:cacheprovider"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    said = (done.stdout + done.stderr).strip()
    assert done.returncode == 4
    assert said.startswith("ERROR: there is no port of this name; found resnet999; allowed one of those that ")
    assert len(said) < 250
    assert "\n" not in said


@pytest.mark.parametrize("tool", ["pth2onnx.py", "fetch_checkpoint.py", "diagnose.py"])
def test_a_command_refuses_an_unknown_port_in_one_line(tool: str, tmp_path: Path) -> None:
    options = {
        "pth2onnx.py": ["a.pth", "a.onnx"],
        "fetch_checkpoint.py": [str(tmp_path)],
        "diagnose.py": ["--checkpoint=a", "--onnx=b", "--bins=c"],
    }
    words = [sys.executable, str(ROOT / "tools" / tool), *options[tool], "--port", "resnet999"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "found resnet999; allowed one of those that " in done.stderr
