"""The digests that pin a port's data set: `python tools/pin_dataset.py --port NAME --images DIR --labels FILE`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

if __package__ in (None, ""):  # run as a file: import the suite from the repository root, not from tools/
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from tools.base.interpreter import require

    require()

from tools.base import cli
from tools.base.errors import SuiteError
from tools.base.printable import printable
from tools.data.dataset import dataset_digests, read_dataset
from tools.judge.dataset import byte_equal, incompleteness, labels_sha256
from tools.ports.arguments import add_port, given_port
from tools.store.content import digests_sha256

MOST_NAMED = 3


def main(argv: Sequence[str] | None = None) -> int:
    """Print the lines for the port's `dataset`; SuiteError when these are not all the images that it asks for."""
    parser = cli.Parser(description="Print the lines that pin images and labels, to be put under the port's dataset.")
    parser.add_argument("--images", metavar="DIR", type=Path, required=True, help="flat folder of images")
    parser.add_argument("--labels", metavar="FILE", type=Path, required=True, help="label file, a line an image")
    add_port(parser)
    arguments = parser.parse_args(argv)
    asked = given_port(arguments).spec.dataset
    data = read_dataset(arguments.images, arguments.labels, classes=asked.classes, limit=None)
    gap = incompleteness(data.ids, str(asked.content_sha256), asked)  # names alone: what is pinned today may be wrong
    if gap:
        fix = "give the whole data set of the port, or another --port"
        raise SuiteError(f"these are not the images that the port asks for: {gap}", where=arguments.images, fix=fix)
    digests = dataset_digests(data, classes=asked.classes)
    print(f"content_sha256: {digests_sha256(digests)}  # {len(data.ids)} images, {printable(arguments.labels.name)}")
    print(f"labels_sha256: {labels_sha256(data.labels)}  # the sorted lines `<id> <label>`")
    for names in byte_equal({name: digests[path.name] for name, path in data.images.items()}):
        print(f"# byte for byte the same: {printable(', '.join(names[:MOST_NAMED]))}")
    return cli.EXIT_OK


if __name__ == "__main__":
    sys.exit(cli.run(main))
