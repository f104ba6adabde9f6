"""The embedded sample: `python -m tools.sample.generate OUT_DIR [--images N]` makes labelled JPEGs and a checkpoint."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tools.base import cli
from tools.base.errors import SuiteError
from tools.base.files import md5_of
from tools.sample.checkpoint import CHECKPOINT_NAME, write_checkpoint
from tools.sample.images import DEFAULT_IMAGES, IMAGES_FOLDER, LABEL_FILE, write_images
from tools.store.content import checkpoint_content_sha256, images_content_sha256


def main(argv: Sequence[str] | None = None) -> int:
    """The command: 0 when the sample was written, 2 with one line when the folder or the count is refused."""
    parser = cli.Parser(description="Make the embedded sample: labelled JPEGs and an AlexNet for them.")
    parser.add_argument("out_dir", metavar="OUT_DIR", type=Path, help="a new or empty folder")
    parser.add_argument(
        "--images", metavar="N", type=int, default=DEFAULT_IMAGES, help="how many (default: %(default)s)"
    )
    arguments = parser.parse_args(argv)
    out_dir: Path = arguments.out_dir
    if out_dir.exists() and any(out_dir.iterdir()):
        raise SuiteError("the folder is not empty", where=out_dir, fix="Name a new one, or empty it")
    write_images(out_dir, arguments.images)
    write_checkpoint(out_dir / CHECKPOINT_NAME)
    _print_digests(out_dir)
    return cli.EXIT_OK


def _print_digests(out_dir: Path) -> None:
    """Read back what was written and say what it is, in the terms of the sample's spec."""
    import torch

    checkpoint, images = out_dir / CHECKPOINT_NAME, sorted((out_dir / IMAGES_FOLDER).iterdir())
    content = checkpoint_content_sha256(torch.load(checkpoint, map_location="cpu", weights_only=True))
    print(f"{checkpoint}: md5 {md5_of(checkpoint)}, content_sha256 {content}")
    print(
        f"{out_dir / IMAGES_FOLDER} and {LABEL_FILE}: {len(images)} images, "
        f"content_sha256 {images_content_sha256([*images, out_dir / LABEL_FILE])}"
    )


if __name__ == "__main__":
    sys.exit(cli.run(main))
