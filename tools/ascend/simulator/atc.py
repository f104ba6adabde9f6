"""The simulated atc: ONNX to simulated OM, console lines, exit status and droppings as in fact sheet section 1."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

if __package__ in (None, ""):  # run as a file: import the suite from the repository root, not from tools/
    sys.path[0] = str(Path(__file__).resolve().parents[3])

from tools.ascend.simulator import atc_flags, atc_request, offline_model
from tools.ascend.simulator.atc_error import AtcError, invalid, not_simulated
from tools.ascend.simulator.atc_speech import failure_lines
from tools.ascend.simulator.console import announce
from tools.ascend.simulator.faults import Fault, hang_or_die, ordered
from tools.ascend.simulator.flags import FlagError
from tools.ascend.simulator.release import release, speaks_titled

START = "ATC start working now, please wait for a moment."
SUCCESS = "ATC run success, welcome to the next use."
FAILURE = "ATC run failed, Please check the detail log, Try 'atc --help' for more information"
HELP = "usage: atc <args>\nthe flags of the vendor tool are accepted; only ONNX models with static shapes are converted"
TRACEBACK = """Process ForkServerPoolWorker-2:
Traceback (most recent call last):
  File "te_fusion/parallel_compilation.py", line 431, in run
EOFError"""
EXIT_FAILED = 255
GE_DTYPES = {
    "float32": "DT_FLOAT",
    **{name: f"DT_{name.upper()}" for name in ("float16", "uint8", "int8", "int32", "int64", "bool")},
}
"""How the vendor's JSON writes the element types."""


def main(argv: Sequence[str]) -> int:
    """Run one command line; the exit status."""
    announce("atc")
    release()  # one that does not exist ends the process
    if any(word in ("-h", "-help", "--help", "--h") for word in argv):
        print(HELP)
        return 0
    try:
        given = atc_flags.read(argv)
    except FlagError as error:
        print(error, file=sys.stderr)
        return EXIT_FAILED if speaks_titled() else 1
    print(START, flush=True)
    try:
        return _run_mode(given, argv)
    except AtcError as error:
        _print_failure(error)
        return EXIT_FAILED


def _run_mode(given: dict[str, str], argv: Sequence[str]) -> int:
    mode = given.get("mode", "0")
    if mode in ("3", "5", "6", "7", "30"):
        raise not_simulated(f"--mode={mode}")
    if mode not in ("0", "1"):
        raise invalid("mode", mode, "The value must be 0, 1, 3, 5, 6, 7 or 30.")
    return describe(given) if mode == "1" else compile_model(given, argv)


def compile_model(given: dict[str, str], argv: Sequence[str]) -> int:
    """Convert a model, leaving kernel_meta/ and fusion_result.json in the working folder as the tool does."""
    request = atc_request.check(given, argv)
    Path("kernel_meta").mkdir(exist_ok=True)
    Path("fusion_result.json").write_text('{"graph_fusion": {}, "ub_fusion": {}}\n', encoding="utf-8")
    hang_or_die(Fault.ATC_HANG, Fault.ATC_HANG_IGNORING_SIGTERM, Fault.ATC_KILLED)
    if ordered(Fault.ATC_FAILS) or ordered(Fault.ATC_ERROR_EXIT_0):
        _print_failure(AtcError("E19999", "Inner Error!", cause="ordered by ASCEND_SIMULATOR_FAULT"))
        return 0 if ordered(Fault.ATC_ERROR_EXIT_0) else EXIT_FAILED
    if not ordered(Fault.ATC_STALE_FILE):
        _produce(request)
    _print_success()
    return 1 if ordered(Fault.ATC_EXIT_1_AFTER_RESULT) else 0


def _print_success() -> None:
    if ordered(Fault.ATC_TRACEBACK):
        print(TRACEBACK)
    if not ordered(Fault.ATC_NO_SUCCESS_LINE):
        print(SUCCESS)
    if ordered(Fault.ATC_TRACEBACK):
        print("W11001: Op [trans_Cast_0] does not hit the high-priority operator information library.")


def _produce(request: atc_request.Request) -> None:
    from tools.ascend.simulator.atc_conversion import convert

    model = convert(request)
    try:
        offline_model.write(request.target, model)
    except OSError as error:
        raise AtcError("E10022", f"Write file [{request.target}] failed. Reason: {error.strerror}.") from error
    _spoil(request.target)


def _spoil(target: Path) -> None:
    if ordered(Fault.ATC_NO_FILE):
        target.unlink()
    elif ordered(Fault.ATC_EMPTY_FILE):
        target.write_bytes(b"")
    elif ordered(Fault.ATC_DAMAGED_FILE):
        data = bytearray(target.read_bytes())
        data[len(data) // 2] ^= 0xFF
        target.write_bytes(data)


def describe(given: dict[str, str]) -> int:
    """`--mode=1 --om=X --json=Y`: write what the OM was built for (soc, command line, shapes) as JSON."""
    for name in ("om", "json"):
        if name not in given:
            raise AtcError("E10007", f"[--{name}] is required.", solution="Set this parameter.")
    try:
        model = offline_model.read(Path(given["om"]))
    except (OSError, offline_model.DamagedModel) as error:
        raise AtcError(
            "E10020", f"File [{given['om']}] for parameter [--om] cannot be read. Reason: {error}."
        ) from error
    document = {
        "name": model.name,
        "attr": [{"key": key, "value": {"s": value}} for key, value in offline_model.attributes(model).items()],
        "graph": [{"name": model.name, "op": [*_input_ops(model), _output_op(model.outputs)]}],
    }
    Path(given["json"]).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(SUCCESS)
    return 0


def _input_ops(model: offline_model.OfflineModel) -> list[dict[str, object]]:
    """The inputs; one that AIPP follows says so, and AIPP has a node of its own."""
    found: list[dict[str, object]] = [
        {"name": spec.name, "type": "Data", "output_desc": [_description(spec)]} for spec in model.inputs
    ]
    if model.aipp:
        found[0]["attr"] = [{"key": "_data_related_aipp_mode", "value": {"s": "static_aipp"}}]
        said = [{"key": key, "value": {"s": value}} for key, value in model.aipp]
        found.append(
            {"name": "aipp_node0", "type": "Aipp", "attr": [{"key": "aipp", "value": {"func": {"attr": said}}}]}
        )
    return found


def _output_op(specs: Sequence[offline_model.TensorSpec]) -> dict[str, object]:
    return {"name": "Node_Output", "type": "NetOutput", "input_desc": [_description(spec) for spec in specs]}


def _description(spec: offline_model.TensorSpec) -> dict[str, object]:
    of_pictures = "NHWC" if spec.dtype == "uint8" else "NCHW"  # AIPP's pixels
    layout = of_pictures if len(spec.shape) == 4 else "ND"
    return {"dtype": GE_DTYPES[spec.dtype], "shape": {"dim": list(spec.shape)}, "layout": layout}


def _print_failure(error: AtcError) -> None:
    print(FAILURE, *failure_lines(error), sep="\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
