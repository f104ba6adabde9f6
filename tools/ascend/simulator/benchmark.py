"""The simulated benchmark.x86_64 and benchmark.aarch64: data-set mode and pure inference, fact sheet section 2."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

if __package__ in (None, ""):  # run as a file: import the suite from the repository root, not from tools/
    sys.path[0] = str(Path(__file__).resolve().parents[3])

from tools.ascend.simulator import benchmark_dataset, benchmark_texts, flags
from tools.ascend.simulator.console import announce
from tools.ascend.simulator.device import DeviceError, LoadedModel
from tools.ascend.simulator.dvpp import Dvpp
from tools.ascend.simulator.faults import Fault, hang_or_die, ordered
from tools.ascend.simulator.flags import FlagError

FLAGS = frozenset(
    {"model_type", "batch_size", "device_id", "om_path", "input_text_path", "input_width", "input_height", "round"}
)
SWITCHES = frozenset({"useDvpp", "output_binary", "h", "help"})
MODEL_TYPES = ("vision", "nmt", "widedeep", "nlp", "yolocaffe", "bert", "deepfm")
MOST_ROUNDS = 1024
MODEL_SIDE = "224"
HELP = "usage: benchmark -model_type=vision -batch_size=1 -device_id=0 -om_path=X.om -input_text_path=X.info"
RESULTS = Path("result")


def main(argv: Sequence[str]) -> int:
    """Run one command line; exit status 0, or 1 after an [ERROR] line where the run could not start."""
    announce("benchmark")
    try:
        given = flags.parse(argv, FLAGS, SWITCHES)
        if "h" in given or "help" in given:
            print(HELP)
            return 0
        return _infer(given)
    except FlagError as error:
        print(error, file=sys.stderr)
    except (DeviceError, benchmark_dataset.InfoError) as error:
        print(f"[ERROR] {error}")
    return 1


def _infer(given: dict[str, str]) -> int:
    batch = flags.integer("batch_size", given.get("batch_size", "1"))
    device_id = flags.integer("device_id", given.get("device_id", "0"))
    loaded = LoadedModel(Path(given.get("om_path", "./resnet50.om")), device_id)
    if batch != loaded.model.batch:
        raise DeviceError(f"batch_size {batch} is not equal to the model's batch size {loaded.model.batch}")
    print(f"[INFO] open device {device_id} success\n[INFO] load model {given['om_path']} success", flush=True)
    hang_or_die(Fault.INFER_HANG, Fault.INFER_HANG_IGNORING_SIGTERM)
    RESULTS.mkdir(exist_ok=True)
    if "round" in given:
        _pure(loaded, flags.integer("round", given["round"]), Path(given["om_path"]).stem)
    else:
        _data_set(loaded, given)
    print(f"[INFO] unload model success, model Id is {device_id + 1}")
    return 1 if ordered(Fault.INFER_EXIT_1_AFTER_RESULT) else 0


def _data_set(loaded: LoadedModel, given: dict[str, str]) -> None:
    model_type = given.get("model_type", "vision")
    if model_type not in MODEL_TYPES:
        raise DeviceError(f"model_type {model_type} is not supported, choose from {', '.join(MODEL_TYPES)}")
    entries = benchmark_dataset.read_info(Path(given.get("input_text_path", "")))
    binary = flags.boolean("output_binary", given.get("output_binary", "false"))
    folder = RESULTS / f"dumpOutput_device{loaded.device_id}"
    samples = benchmark_dataset.run(loaded, entries, folder, binary, _dvpp(given))
    if not samples:
        raise DeviceError("no sample was inferred")
    found = benchmark_texts.figures(loaded.chip, loaded.model.batch)
    print(benchmark_texts.DATASET_BANNER)
    print(benchmark_texts.perf_text(found, samples, stored=False), end="")
    if not ordered(Fault.INFER_NO_PERF):
        name = f"perf_{model_type}_batchsize_{found.batch}_device_{loaded.device_id}.txt"
        (RESULTS / name).write_text(benchmark_texts.perf_text(found, samples, stored=True), encoding="utf-8")


def _dvpp(given: dict[str, str]) -> Dvpp | None:
    """What makes pixels of JPEG files, None where the inputs are bins."""
    if not flags.boolean("useDvpp", given.get("useDvpp", "false")):
        return None
    width, height = (flags.integer(name, given.get(name, MODEL_SIDE)) for name in ("input_width", "input_height"))
    if min(width, height) < 1:
        raise DeviceError(f"input_width {width} and input_height {height} must be positive")
    dvpp = Dvpp(width, height)
    dvpp.announce()
    return dvpp


def _pure(loaded: LoadedModel, rounds: int, stem: str) -> None:
    if not 1 <= rounds <= MOST_ROUNDS:
        raise DeviceError(f"round {rounds} is out of range [1, {MOST_ROUNDS}]")
    if ordered(Fault.INFER_ERROR_EXIT_0):
        print("[ERROR] aclmdlExecute failed, ret 507011")
        return
    hang_or_die(Fault.INFER_HANG, killed=Fault.INFER_KILLED)
    found = benchmark_texts.figures(loaded.chip, loaded.model.batch)
    path = RESULTS / f"PureInfer_perf_of_{stem}_in_device_{loaded.device_id}.txt"
    print(benchmark_texts.pure_progress(loaded.chip, loaded.model.batch, rounds), end="")
    print(benchmark_texts.cut(benchmark_texts.pure_console(found, f"./{path}")), end="")
    if not ordered(Fault.INFER_NO_PERF):
        path.write_text(benchmark_texts.cut(f"{benchmark_texts.pure_line(found, stored=True)}\n"), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
