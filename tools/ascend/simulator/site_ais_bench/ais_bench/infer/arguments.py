"""The command line of ais_bench; unknown or missing arguments end with status 2."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ais_bench.infer.flavour import Flavour, flavour

WORDS = {"yes": True, "true": True, "t": True, "y": True, "1": True}
WORDS |= {"no": False, "false": False, "f": False, "n": False, "0": False}
LARGEST_DEVICE = 255


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The arguments; those of features that are not simulated are accepted and checked in `refuse_unsupported`."""
    parser = argparse.ArgumentParser(prog="ais_bench")
    parser.add_argument("--model", "-m", required=True)
    parser.add_argument("--input", "-i")
    parser.add_argument("--output", "-o")
    parser.add_argument("--output_dirname")
    parser.add_argument("--outfmt", default="BIN", choices=["NPY", "BIN", "TXT"])
    parser.add_argument("--loop", "-l", type=_positive, default=1)
    parser.add_argument("--device", "-d", type=_devices, default=[0])
    parser.add_argument("--batchsize", type=_positive)
    parser.add_argument("--pure_data_type", default="zero", choices=["zero", "random"])
    parser.add_argument("--output_batchsize_axis", type=_not_negative, default=0)
    parser.add_argument("--run_mode", default="array", choices=["array", "files", "tensor", "full"])
    for name in ("debug", "display_all_summary", "profiler", "dump", "auto_set_dymshape_mode", "auto_set_dymdims_mode"):
        parser.add_argument(f"--{name}", type=_boolean, default=False)
    _add_flavoured(parser)
    args = parser.parse_args(argv)
    if args.output is None and args.output_dirname is not None:
        parser.error("parameter --output_dirname cann't be used alone")
    return args


def _add_flavoured(parser: argparse.ArgumentParser) -> None:
    newer = flavour() is Flavour.AIT
    aliases = {"--warmup_count": ["--warmup-count"], "--dymShape": ["--dym-shape"]} if newer else {}
    parser.add_argument("--warmup_count", *aliases.get("--warmup_count", []), type=_not_negative, default=1)
    parser.add_argument("--dymBatch", type=int, default=0)
    for name in ("--dymShape", "--dymHW", "--dymDims", "--outputSize", "--acl_json_path", "--dymShape_range"):
        parser.add_argument(name, *aliases.get(name, []))
    if newer:
        for name in ("divide_input", "energy_consumption", "perf", "pipeline", "profiler_rename", "dump_npy"):
            parser.add_argument(f"--{name}", type=_boolean, default=False)
        for name in ("npu_id", "threads"):
            parser.add_argument(f"--{name}", type=int, default=1)
        parser.add_argument("--aipp_config")
        parser.add_argument("--backend")


def unsupported(args: argparse.Namespace) -> str | None:
    """The first argument asked for that the simulator has no model of."""
    for name in ("dymBatch", "dymShape", "dymHW", "dymDims", "dymShape_range", "profiler", "dump"):
        if getattr(args, name):
            return f"--{name}"
    return None


def _boolean(text: str) -> bool:
    if text.lower() not in WORDS:
        raise argparse.ArgumentTypeError("Boolean value expected true, 1, false, 0 with case insensitive.")
    return WORDS[text.lower()]


def _positive(text: str) -> int:
    value = int(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text} is an invalid positive int value")
    return value


def _not_negative(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is an invalid nonnegative int value")
    return value


def _devices(text: str) -> list[int]:
    devices = [int(word) for word in text.split(",")]
    wrong = [device for device in devices if not 0 <= device <= LARGEST_DEVICE]
    if wrong:
        raise argparse.ArgumentTypeError(f"device:{wrong[0]} is invalid. valid value range is [0, {LARGEST_DEVICE}]")
    return devices
