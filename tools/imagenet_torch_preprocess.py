"""Preprocess a folder of photographs: `python tools/imagenet_torch_preprocess.py IMAGES_DIR OUT_DIR` (the guide's)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

if __package__ in (None, ""):  # run as a file: import the suite from the repository root, not from tools/
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from tools.base.interpreter import require

    require()

from tools.base import cli
from tools.data.bins import bin_bytes, write_bins
from tools.data.images import list_images
from tools.data.pixel_maker import PixelMaker
from tools.ports.arguments import add_port, given_port, refuse_jpeg


def main(argv: Sequence[str] | None = None) -> int:
    """The command: 0 when every image has its bin, 2 with one line that names what could not be read."""
    parser = cli.Parser(
        description="Write <stem>.bin for every image: little-endian CHW in the type of the port's input, or uint8 HWC "
        "pixels where AIPP normalises; byte-identical to torchvision's transforms by the port's recipe, or as its "
        "own function makes it. An interrupted run is resumed; all cores are used."
    )
    parser.add_argument("images", type=Path, metavar="IMAGES_DIR")
    parser.add_argument("out", type=Path, metavar="OUT_DIR")
    add_port(parser)
    arguments = parser.parse_args(argv)
    port = given_port(arguments)
    refuse_jpeg(port.spec.preprocessing)
    maker, kind = PixelMaker(port.spec.preprocessing, port.path.parent), port.spec.bin_type
    images = list_images(arguments.images)
    write_bins(images, arguments.out, maker, kind)
    cli.say(f"{arguments.out}: {len(images)} bins of {bin_bytes(maker.recipe, kind)} bytes")
    return cli.EXIT_OK


if __name__ == "__main__":
    sys.exit(cli.run(main))
