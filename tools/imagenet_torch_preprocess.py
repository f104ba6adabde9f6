"""Preprocess a folder of photographs: `python tools/imagenet_torch_preprocess.py IMAGES_DIR OUT_DIR` (the guide's)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

if __package__ in (None, ""):  # run as a file: import the suite from the repository root, not from tools/
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from tools.base import cli
from tools.data.bins import bin_bytes, write_bins
from tools.data.images import list_images
from tools.ports.arguments import add_port, given_port


def main(argv: Sequence[str] | None = None) -> int:
    """The command: 0 when every image has its bin, 2 with one line that names what could not be read."""
    parser = cli.Parser(
        description="Write <stem>.bin (float32 little-endian CHW) for every image, byte-identical to torchvision. "
        "An interrupted run is resumed; all cores are used."
    )
    parser.add_argument("images", type=Path, metavar="IMAGES_DIR")
    parser.add_argument("out", type=Path, metavar="OUT_DIR")
    add_port(parser)
    arguments = parser.parse_args(argv)
    recipe = given_port(arguments).spec.preprocessing
    images = list_images(arguments.images)
    write_bins(images, arguments.out, recipe)
    print(f"{arguments.out}: {len(images)} bins of {bin_bytes(recipe)} bytes")
    return cli.EXIT_OK


if __name__ == "__main__":
    sys.exit(cli.run(main))
