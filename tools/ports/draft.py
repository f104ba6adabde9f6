"""A port file from what is stated: short, every number with its source, and a line for what only a person knows."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator

from tools.ports.stated import DraftedRecipe, Publication, PublishedChip, Said, Stated, StatedWeights

IMAGENET_CLASSES = 1000
BATCHES = (1, 4, 8, 16, 32)
"""The guide's."""
LARGE = 1e6
INPUT, OUTPUT = "image", "class"
"""The names that most published ports have."""
BLANK = "# TO FILL IN:"
WIDTH = 120
NEW_PORT = "tools/new_port.py"
HEADER = "# Drafted by {}; every bound that is not said here is the one that all ports share."
PUBLISHED = f"""\
  {BLANK} what an OM of this network reaches on a chip, and who published it. Until then nothing of it is judged.
  # published:
  #   - {{soc: Ascend310P3, om_top1: {{value: ..., unit: percent, source: ...}}, om_top5: ..., throughput: [{{batch: 1,
  #      mode: pure, images_per_second_per_chip: {{value: ..., unit: images/s, source: ...}}}}]}}"""


def draft(stated: Stated) -> str:
    """The text of the port file; it loads as it is."""
    published = stated.publication or Publication(NEW_PORT)
    sections = (_model(stated), _checkpoint(stated.weights), _onnx(stated), _om(published), _dataset(stated))
    header = textwrap.wrap(HEADER.format(published.drafted_by), WIDTH, subsequent_indent="#   ")
    lines = [f"# {stated.title}: {stated.whose}", *header, "schema: 2", "", "port:", f"  name: {_text(stated.name)}"]
    lines += [line for section in map(list, sections) if section for line in (*section, "")]
    lines += [*_preprocessing(stated.recipe, published), "", f"  batches: {list(published.batches or BATCHES)}"]
    lines += [*_accuracy(stated), *_published(published)]
    return "\n".join(lines) + "\n"


def _model(stated: Stated) -> Iterator[str]:
    yield "  model:"
    if stated.doubt:
        yield f"    {BLANK} {stated.doubt}"
    yield f"    name: {_text(stated.title)}"
    yield f"    source: {stated.source}"
    if stated.arguments:
        yield f"    arguments: {{{', '.join(f'{name}: {_plain(value)}' for name, value in stated.arguments.items())}}}"
    if stated.label_offset:
        yield f"    label_offset: {stated.label_offset}"
    if stated.flops_per_image is not None:
        yield f"    flops_per_image: {_number(stated.flops_per_image, 'FLOP')}"
    if stated.parameters is not None:
        yield f"    parameters: {_number(stated.parameters, 'parameters')}"


def _checkpoint(weights: StatedWeights) -> Iterator[str]:
    yield "  checkpoint:"
    if weights.doubt:
        yield f"    {BLANK} {weights.doubt}"
    for name in ("file", "url", "sha256", "sha256_prefix", "md5", "source"):
        value = getattr(weights, name)
        if value is not None:
            yield f"    {name}: {_text(value)}"


def _onnx(stated: Stated) -> Iterator[str]:
    yield "  onnx:"
    yield f"    opset: {_number(stated.exported.opset, 'opset', 'exactly')}"
    yield f"    input: {{name: {INPUT}}}"
    if stated.outputs > 1:
        yield f"    {BLANK} which output is judged, here the first with a row for each image"
        names = [OUTPUT if place == stated.judged_output else f"output_{place}" for place in range(stated.outputs)]
        yield f"    outputs: {_plain(names)}"
    yield f"    output: {{name: {OUTPUT}}}"
    if stated.exported.why_static:
        yield f"    batch: static  # {' '.join(stated.exported.why_static.split())}"


def _om(published: Publication) -> Iterator[str]:
    if published.atc_extra_args:
        yield "  om:"
        yield f"    atc_extra_args: {_plain(list(published.atc_extra_args))}"


def _dataset(stated: Stated) -> Iterator[str]:
    """ImageNet where there are as many classes, else blanks: no library says which images a network was judged by."""
    classes = stated.classes
    if classes == IMAGENET_CLASSES:
        yield "  dataset: imagenet_val"
        return
    yield f"  {BLANK} the data set of the network's {classes} classes: how many images, and how they are named"
    yield "  dataset:"
    yield '    images: {exactly: 1, unit: images, source: "a blank"}'
    yield '    id_format: "image_{:08d}"'
    yield f"    classes: {classes}"
    yield "    source: a blank"


def _preprocessing(recipe: DraftedRecipe, published: Publication) -> Iterator[str]:
    yield "  preprocessing:"
    if recipe.doubt:
        yield f"    {BLANK} {recipe.doubt}"
    for name in ("resize_px", "crop_px", "interpolation", "mean", "std", "source"):
        value = getattr(recipe, name)
        yield f"    {name}: {_text(value) if isinstance(value, str) else _plain(value)}"
    if published.aipp:
        yield f"    aipp: {{crop: {published.aipp}}}"


def _accuracy(stated: Stated) -> Iterator[str]:
    if stated.top1 is None and stated.top5 is None:
        yield f"  {BLANK} accuracy: {{pth_top1: ..., pth_top5: ...}} in percent, as published for these weights"
        return
    yield "  accuracy:"
    for name, figure in (("pth_top1", stated.top1), ("pth_top5", stated.top5)):
        if figure is not None:
            yield f"    {name}: {_number(figure, 'percent')}"


def _published(published: Publication) -> Iterator[str]:
    """What was published for chips, or a blank; then what of it was left out."""
    if published.chips:
        yield "  published:"
        for chip in published.chips:
            yield from (f"    {line}" for line in chip_lines(chip))
    else:
        yield PUBLISHED
    if published.left_out:
        yield "  # Left out:"
        for line in published.left_out:
            yield from textwrap.wrap(line, WIDTH, initial_indent="  # - ", subsequent_indent="  #   ")


def chip_lines(chip: PublishedChip) -> Iterator[str]:
    """The chip's entry of a port's `published` section, from the first column on."""
    yield f"- soc: {chip.soc}"
    for name, figure in (("om_top1", chip.top1), ("om_top5", chip.top5)):
        if figure is not None:
            yield f"  {name}: {_number(figure, 'percent')}"
    if chip.rates:
        yield "  throughput:"
    for entry in chip.rates:
        rate = f"images_per_second_per_chip: {_number(entry.rate, 'images/s')}"
        yield f"    - {{batch: {entry.batch}, mode: {entry.mode}, {rate}}}"


def _number(said: Said, unit: str, field: str = "value") -> str:
    return f"{{{field}: {_plain(said.value)}, unit: {unit}, source: {json.dumps(said.source, ensure_ascii=False)}}}"


def _plain(value: object) -> str:
    """A value as YAML writes it, which is as JSON does but for large numbers; YAML 1.1 wants dot and sign in them."""
    if isinstance(value, float) and value >= LARGE:
        mantissa, _, exponent = f"{value:.6e}".partition("e")
        return f"{mantissa.rstrip('0').ljust(3, '0')}e{exponent}"
    return json.dumps(value, ensure_ascii=False)


def _text(value: str) -> str:
    """A text, in quotes unless it is plain to every reader of YAML: `0676e61` would be a number."""
    plain = value[:1].isalpha() and not any(sign in value for sign in (": ", " #", '"', "'")) and value[-1:] != ":"
    words = value.lower() in ("null", "true", "false", "yes", "no", "on", "off", "y", "n")
    return value if plain and not words and value.isprintable() else json.dumps(value, ensure_ascii=False)


def blanks(text: str) -> list[str]:
    """What a draft leaves to a person."""
    return [line.strip().removeprefix("# ") for line in text.splitlines() if line.strip().startswith(BLANK)]
