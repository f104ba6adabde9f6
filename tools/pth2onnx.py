"""Export a checkpoint to ONNX: `python tools/pth2onnx.py alexnet-owt-4df8aa71.pth alexnet.onnx` (the guide's)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

if __package__ in (None, ""):  # run as a file: import the suite from the repository root, not from tools/
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from tools.base.interpreter import require

    require()

from tools.base import cli
from tools.model.checkpoint import load_state_dict
from tools.model.export import export_onnx
from tools.model.network import Network
from tools.ports.arguments import add_port, given_port


def main(argv: Sequence[str] | None = None) -> int:
    """The command: 0 when the file was written, 2 with one line when the checkpoint is refused."""
    parser = cli.Parser(description="Export a published checkpoint to ONNX as the guide does.")
    parser.add_argument(
        "checkpoint",
        type=Path,
        help="the .pth file; the digests that the port states are checked before it is unpickled",
    )
    parser.add_argument("onnx", type=Path, help="the .onnx file to write")
    add_port(parser)
    arguments = parser.parse_args(argv)
    port = given_port(arguments)
    spec = port.spec
    network = Network(spec.model, port.path.parent)
    state_dict = load_state_dict(arguments.checkpoint, spec.checkpoint, network)
    export_onnx(network.build(state_dict), arguments.onnx, spec)
    cli.say(f"{arguments.onnx}: opset {spec.onnx.opset.exactly:g}, {spec.onnx.input.name} -> {spec.onnx.output.name}")
    return cli.EXIT_OK


if __name__ == "__main__":
    sys.exit(cli.run(main))
