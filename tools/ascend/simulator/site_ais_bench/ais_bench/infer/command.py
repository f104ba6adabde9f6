"""One command line of ais_bench: check it, run it on its devices; exit status as the vendor's."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from ais_bench.infer import arguments, inputs, multidevice, one_device
from ais_bench.infer.console import fail
from ais_bench.infer.flavour import Flavour, flavour
from tools.ascend.simulator.console import announce
from tools.ascend.simulator.faults import Fault, ordered

EXIT_FAILED, EXIT_BAD_ARGUMENT = 1, 2


def main(argv: Sequence[str]) -> int:
    """Run one command line; a RuntimeError ends in a traceback and status 1 as with the vendor's tool."""
    announce("ais_bench")
    args = arguments.parse(argv)
    if refused := arguments.unsupported(args):
        fail(f"{refused} is not simulated")
    if problem := inputs.model_problem(args.model):
        print(f"[ERROR] load model from file failed, model file is {args.model}: {problem}")
        return EXIT_BAD_ARGUMENT if flavour() is Flavour.AIT else EXIT_FAILED
    if args.output_dirname is None:
        args.output_dirname = time.strftime("%Y_%m_%d-%H_%M_%S")
    if len(args.device) > 1:
        return multidevice.run(args, argv)
    one_device.run(args, argv, args.device[0], _files(args))
    return EXIT_FAILED if ordered(Fault.INFER_EXIT_1_AFTER_RESULT) else 0


def _files(args: argparse.Namespace) -> list[str] | None:
    return None if args.input is None else inputs.files_of(args.input)
