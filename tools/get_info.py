"""List inputs for the vendor's benchmark tool (the guide's command).

`python tools/get_info.py bin BINS_DIR OUT.info 224 224` or `python tools/get_info.py jpg IMAGES_DIR OUT.info`
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

if __package__ in (None, ""):  # run as a file: import the suite from the repository root, not from tools/
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from tools.base.interpreter import require

    require(oldest=(3, 9))

from tools.base import cli
from tools.base.errors import SuiteError
from tools.data.images import list_images
from tools.data.info import InfoRow, bin_rows, rows_of, write_info
from tools.data.jpegs import inspect_jpegs, require_fit
from tools.ports.arguments import add_port, given_port, refuse_jpeg


def main(argv: Sequence[str] | None = None) -> int:
    """The command: 0 when the file was written; a SuiteError says why it was not."""
    arguments = _parser().parse_args(argv)
    rows = bin_rows(arguments.folder, *_size(arguments)) if arguments.kind == "bin" else _jpegs(arguments.folder)
    write_info(rows, arguments.out)
    cli.say(f"{arguments.out}: {len(rows)} inputs")
    return cli.EXIT_OK


def _jpegs(folder: str) -> tuple[InfoRow, ...]:
    """A row for each image; PreprocessingError names those that the chip's decoder does not take."""
    images = list_images(Path(folder))
    rows = rows_of(images, folder)
    require_fit(inspect_jpegs(images, {row.id: (row.width, row.height) for row in rows}), Path(folder))
    return rows


def _size(arguments: argparse.Namespace) -> tuple[int, int]:
    """Width and height as given, else those of the port's input."""
    if arguments.height is None:
        if arguments.width is not None:
            raise SuiteError("a width without a height", fix="give both, or neither for those of the port")
        recipe = given_port(arguments).spec.preprocessing
        refuse_jpeg(recipe)
        height, width = recipe.pixels_size
        return width, height
    return arguments.width, arguments.height


def _parser() -> argparse.ArgumentParser:
    parser = cli.Parser(
        description="Write the .info file that benchmark reads: `<index> <path> <width> <height>` a line, sorted by "
        "id. Paths stay as given: a relative folder is resolved against the folder that benchmark is started in."
    )
    kinds = parser.add_subparsers(dest="kind", required=True)
    bins = kinds.add_parser("bin", help="preprocessed inputs; width and height are copied into each line")
    bins.add_argument("folder", metavar="BINS_DIR", help="folder of <id>.bin")
    bins.add_argument("out", metavar="OUT.info", type=Path, help="file to write")
    bins.add_argument("width", metavar="W", nargs="?", type=_pixels, help="width of the model's input in pixels")
    bins.add_argument("height", metavar="H", nargs="?", type=_pixels, help="height (default of both: the port's)")
    add_port(bins)
    images = kinds.add_parser("jpg", help="JPEG files for the chip's decoder; width and height are each header's")
    images.add_argument("folder", metavar="IMAGES_DIR", help="flat folder of images")
    images.add_argument("out", metavar="OUT.info", type=Path, help="file to write")
    return parser


def _pixels(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of pixels (1 or more)")
    return int(text)


if __name__ == "__main__":
    sys.exit(cli.run(main))
