"""Score the vendor tools' dumps against the label file (the guide's command).

`python tools/vision_metric.py --benchmark_out result/dumpOutput_device0 --anno_file val_label.txt
--result_file result.json`
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if __package__ in (None, ""):  # run as a file: import the suite from the repository root, not from tools/
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from tools.base.interpreter import require

    require("msgspec", "numpy", "tqdm", oldest=(3, 9))

from tools.ascend.dumps import dump_width, likely_values, list_dumps, read_listed
from tools.base import cli
from tools.base.errors import AccuracyError
from tools.base.files import atomic
from tools.data.labels import read_labels
from tools.engines.topk import accuracies_percent, hits, top_k
from tools.judge.guide_result import percent, result_json

if TYPE_CHECKING:
    from tools.judge.spec import Spec

GATE = "accuracy.dumps"
IMAGENET_CLASSES = 1000
WITH_BACKGROUND = 1001  # models that put a background class first: label + 1, as in the guide's script


def main(argv: Sequence[str] | None = None) -> int:
    """The command: 0 when the result was written; a SuiteError says why it was not.

    An earlier result file is removed before anything is read, so that none is left to be taken for this run's.
    """
    arguments = _parser().parse_args(argv)
    _clear(arguments.result_file, arguments.benchmark_out, arguments.anno_file)
    outputs = Outputs(arguments.classes or IMAGENET_CLASSES)
    if arguments.port:
        from tools.ports.spec import load_spec, port_path  # needs PyYAML, the rest does not

        outputs = outputs_of(load_spec(port_path(arguments.port)))
    labels = read_labels(arguments.anno_file, classes=outputs.label_classes)
    classes, accuracies = score(arguments.benchmark_out, labels, outputs)
    with atomic(arguments.result_file) as partial:
        partial.write_text(result_json(len(labels), classes, accuracies), encoding="utf-8")
    words = ", ".join(f"Top{rank} {percent(value)}" for rank, value in enumerate(accuracies, start=1))
    cli.say(f"{arguments.result_file}: {len(labels)} images, {words}")
    return cli.EXIT_OK


@dataclass(frozen=True)
class Outputs:
    """What dumps hold: values for labels of so many classes, in a type that matters for binary ones only.

    `label_offset` None means that the width tells, as the guide's script has it: 1001 values for 1000 classes begin
    with a background class.
    """

    label_classes: int
    label_offset: int | None = None
    dtype: str = "float32"


def outputs_of(spec: Spec) -> Outputs:
    """What an OM of the port dumps."""
    return Outputs(spec.dataset.classes, spec.model.label_offset, spec.om_output_type)


def score(folder: Path, labels: dict[str, int], outputs: Outputs) -> tuple[int, tuple[float, ...]]:
    """Values a dump holds, and the accuracies in percent for Top-1 to Top-5 (to Top-C with fewer than 5 classes).

    Equal scores rank by lowest class index. AccuracyError when the ids of dumps and labels differ or a dump is bad.
    """
    import numpy as np

    dumps = list_dumps(folder, gate=GATE)
    first = next(iter(dumps.values()))
    width = dump_width(first, gate=GATE, dtype=outputs.dtype)
    shift = _label_shift(width, outputs, first)
    top = top_k(read_listed(dumps, tuple(labels), width, gate=GATE, dtype=outputs.dtype), min(5, width))
    shifted = np.fromiter(labels.values(), np.int64, len(labels)) + shift
    return width, accuracies_percent(hits(top, shifted), len(labels))


def _label_shift(width: int, outputs: Outputs, dump: Path) -> int:
    """What to add to a label to get its place in a dump of this width."""
    label_classes, offset = outputs.label_classes, outputs.label_offset
    if offset is not None and width == label_classes + offset:
        return offset
    if offset is None and width == label_classes:
        return 0
    if offset is None and (label_classes, width) == (IMAGENET_CLASSES, WITH_BACKGROUND):
        return 1
    size, widths = dump.stat().st_size, _widths(outputs)
    other = likely_values(size, widths, outputs.dtype) if dump.suffix == ".bin" else ""
    as_values = "" if width == 0 or dump.suffix != ".bin" else f" ({size} bytes of {outputs.dtype})"
    raise AccuracyError(
        "the dumps do not belong to labels of so many classes",
        gate=GATE,
        where=dump,
        measured=f"{width} values{as_values}",
        allowed=" or ".join(map(str, widths)),
        fix=other
        or "--port or --classes says how many classes the labels have; an emptied or cut dump also looks like this",
    )


def _widths(outputs: Outputs) -> tuple[int, ...]:
    """How many values a dump may hold."""
    if outputs.label_offset is not None:
        return (outputs.label_classes + outputs.label_offset,)
    with_background = (WITH_BACKGROUND,) if outputs.label_classes == IMAGENET_CLASSES else ()
    return (outputs.label_classes, *with_background)


def _clear(result: Path, dumps: Path, labels: Path) -> None:
    """Remove an earlier result; refuse a place where the result would destroy or pollute this command's inputs."""
    clashes = result.resolve() == labels.resolve() or result.resolve().is_relative_to(dumps.resolve())
    if clashes or result.is_dir():
        raise AccuracyError(
            "the result cannot be written over the labels, into the dumps or over a folder", gate=GATE, where=result
        )
    result.unlink(missing_ok=True)


def _parser() -> argparse.ArgumentParser:
    parser = cli.Parser(
        description="Top-1 to Top-5 accuracy of the txt or bin dumps of benchmark and ais_bench. The images dumped "
        "must be exactly the images labelled. Equal scores rank by lowest class index. Dumps of 1001 values have a "
        "background class first, labels are shifted by one for them. An earlier result file is removed first."
    )
    parser.add_argument(
        "--benchmark_out",
        type=Path,
        default=Path("result/dumpOutput_device0"),
        help="folder of dumps (default: %(default)s)",
    )
    parser.add_argument("--anno_file", type=Path, required=True, help="label file, `<file name> <label>` a line")
    parser.add_argument(
        "--result_file", type=Path, default=Path("result.json"), help="JSON to write (default: %(default)s)"
    )
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument("--classes", type=_classes, help=f"labels are 0 .. CLASSES - 1 (default: {IMAGENET_CLASSES})")
    asked.add_argument("--port", metavar="NAME", help="classes and label offset of this port, a name or a file")
    return parser


def _classes(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of classes (1 or more)")
    return int(text)


if __name__ == "__main__":
    sys.exit(cli.run(main))
