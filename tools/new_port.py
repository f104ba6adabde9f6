"""A port from what a library knows of a network: `python tools/new_port.py torchvision:resnet50 [--out FILE]`.

Everything that is stated somewhere is written with its source; what only a person can know is left out and marked
`# TO FILL IN`. With --measure, bounds of agreement follow from what the simulator's fp16 does to the network.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

if __package__ in (None, ""):  # run as a file: import the suite from the repository root, not from tools/
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from tools.base.interpreter import require

    require()

from tools.base.cli import EXIT_OK, Parser, run, say
from tools.model.library.facts import KINDS, default_place, stated
from tools.model.library.new_port import pinned, require_free, tried, write_port
from tools.pipeline.measured_bounds import Measuring, measured_policy
from tools.ports.draft import blanks
from tools.ports.stated import Stated


def main() -> int:
    """Write one file."""
    arguments = _arguments()
    out: Path = (arguments.out or default_place(arguments.source)).absolute()
    require_free(out, force=arguments.force)
    measuring = Measuring.asked(arguments.measure, arguments.labels, arguments.checkpoint, arguments.random_weights)
    found = stated(arguments.source, arguments.weights, out, arguments.size)
    if arguments.checkpoint:
        found = pinned(found, arguments.checkpoint)
    if not arguments.no_try:
        found = tried(found, out)
    policy = measured_policy(found, out, measuring) if measuring else ""
    write_port(found, out, policy)
    _say(found, out)
    return EXIT_OK


def _arguments() -> argparse.Namespace:
    parser = Parser(description="Write a port file with everything that a library knows of a network.")
    parser.add_argument("source", help=KINDS)
    parser.add_argument("--weights", metavar="ENTRY", help="torchvision's entry, e.g. IMAGENET1K_V1 (default: its own)")
    parser.add_argument("--size", metavar="PX", type=int, help="the input's side, of a network of one's own (224)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the file to write (default: ports/NAME.yaml)")
    parser.add_argument("--force", action="store_true", help="overwrite a file that is there")
    parser.add_argument("--no-try", action="store_true", help="state opset 11 without an export")
    parser.add_argument("--checkpoint", type=Path, metavar="PTH", help="the weights: their digests go into the port")
    parser.add_argument("--measure", type=Path, metavar="IMAGES", help="measure fp16's distance on a folder of images")
    parser.add_argument("--labels", type=Path, metavar="FILE", help="their labels (default: none, nothing needs them)")
    parser.add_argument("--random-weights", action="store_true", help="measure with random weights, for want of others")
    return parser.parse_args()


def _say(found: Stated, out: Path) -> None:
    opset = found.exported.opset
    say(f"wrote {out}: {found.weights.file}, opset {opset.value:g} ({opset.source})")
    for other in found.others:
        say(f"other weights: {other}")
    for line in blanks(out.read_text(encoding="utf-8")):
        say(line)


if __name__ == "__main__":
    sys.exit(run(main))
