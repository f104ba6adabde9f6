"""Where accuracy is lost, node by node: `python tools/diagnose.py --checkpoint X.pth --onnx X.onnx --bins DIR`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if __package__ in (None, ""):  # run as a file: import the suite from the repository root, not from tools/
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from tools.base.interpreter import require

    require()

from tools.ascend.dumps import list_dumps, read_dump
from tools.base import cli
from tools.base.errors import AccuracyError, SuiteError
from tools.data.bins import list_bins, read_bins
from tools.data.bins_check import spread
from tools.diagnosis.diagnose import PROBE_IMAGES, diagnose
from tools.diagnosis.render import render
from tools.judge.handover import handover
from tools.model.checkpoint import load_state_dict
from tools.model.network import Network
from tools.ports.arguments import add_port, given_port

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

DUMPS_GATE = "accuracy.dumps"


def main(argv: Sequence[str] | None = None) -> int:
    """The command: 0 when nothing diverges, 1 when something does; a SuiteError says what cannot be diagnosed."""
    arguments = _parser().parse_args(argv)
    port = given_port(arguments)
    spec = port.spec
    ids, om_logits = _probes(arguments.bins, arguments.dumps, arguments.images, spec.classes)
    network = Network(spec.model, port.path.parent)
    state_dict = load_state_dict(arguments.checkpoint, spec.checkpoint, network)
    images = read_bins(arguments.bins, ids, spec.preprocessing, spec.bin_type)
    model = network.build(state_dict)
    diagnosis = diagnose(arguments.onnx, model, images, om_logits, ids=ids)
    cli.say(*render(diagnosis))
    return cli.EXIT_FAILED if diagnosis.diverges else cli.EXIT_OK


def _probes(bins: Path, dumps: Path | None, count: int, classes: int) -> tuple[tuple[str, ...], Array | None]:
    """A spread of the images and the OM's logits for them; bins and dumps must be of the same images."""
    import numpy as np

    if not bins.is_dir():
        raise SuiteError("there is no such folder of bins", where=bins)
    known = tuple(list_bins(bins))
    ids = spread(known, count)
    if not ids:
        raise SuiteError("the folder holds no bins", where=bins)
    if dumps is None:
        return ids, None
    found = list_dumps(dumps, gate=DUMPS_GATE)
    compared = handover("the bins", known, "the dumps", found)
    if not compared.conserved:
        raise AccuracyError(f"bins and dumps are not of the same images: {compared}", gate=DUMPS_GATE, where=dumps)
    return ids, np.stack([read_dump(found[name], classes=classes, gate=DUMPS_GATE) for name in ids])


def _parser() -> argparse.ArgumentParser:
    parser = cli.Parser(
        description="Compare every node of an ONNX file with the checkpoint's network, show what fp16 would cost at "
        "each, and tell whether an OM's logits lie within that. Exit status 0: nothing diverges, 1: something does."
    )
    parser.add_argument(
        "--checkpoint",
        type=Path,
        required=True,
        help="the .pth file; the digests that the port states are checked first",
    )
    parser.add_argument("--onnx", type=Path, required=True, help="the .onnx file made of it")
    parser.add_argument("--bins", type=Path, required=True, help="folder of preprocessed images, <id>.bin")
    parser.add_argument(
        "--dumps", type=Path, help="the OM's outputs for the same images, as the vendor tool wrote them"
    )
    add_port(parser)
    parser.add_argument(
        "--images", type=_count, default=PROBE_IMAGES, help="how many, spread over the folder (default: %(default)s)"
    )
    return parser


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of images (1 or more)")
    return int(text)


if __name__ == "__main__":
    sys.exit(cli.run(main))
