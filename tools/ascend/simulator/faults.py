"""The faults that can be ordered from the simulated tools, and the order itself (ASCEND_SIMULATOR_FAULT)."""

from __future__ import annotations

import enum
import os
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

BAD_ORDER = 97


class Fault(enum.Enum):
    """One failure of a vendor tool: `order` is its name in the environment, the part before the colon the tool.

    `infer` stands for benchmark.<arch> and ais_bench alike, `device` for the chip that all of them share. `effect` says
    what the simulator does, `mimics` which section of the toolchain fact sheet it follows.
    """

    ATC_FAILS = "atc:fails", "prints the failure line and E19999, writes no OM, exits 255", "1.3"
    ATC_EXIT_1_AFTER_RESULT = "atc:exit-1-after-result", "writes the OM, prints the success line, exits 1", "1.3"
    ATC_ERROR_EXIT_0 = "atc:error-exit-0", "prints the failure line and E19999, writes no OM, exits 0", "1.3, 10.1"
    ATC_NO_SUCCESS_LINE = "atc:no-success-line", "writes the OM and exits 0 without the success line", "1.3"
    ATC_NO_FILE = "atc:no-file", "success line and exit 0, but the OM is gone", "1.3"
    ATC_STALE_FILE = "atc:stale-file", "success line and exit 0, an OM of an earlier run stays untouched", "1.3"
    ATC_EMPTY_FILE = "atc:empty-file", "success line and exit 0, the OM has no bytes", "1.3"
    ATC_DAMAGED_FILE = "atc:damaged-file", "success line and exit 0, one byte in the middle of the OM is wrong", "1.3"
    ATC_TRACEBACK = "atc:traceback", "prints an operator compiler's traceback and W11001, yet succeeds", "1.3"
    ATC_OTHER_BATCH = "atc:other-batch", "compiles for twice the batch that was asked for", "2.1"
    ATC_OTHER_SOC = "atc:other-soc", "compiles for another chip than asked for", "1.2"
    ATC_IGNORES_AIPP = "atc:ignores-aipp", "compiles without the AIPP file that was asked for", "6"
    ATC_INT8_WEIGHTS = "atc:int8-weights", "rounds every weight tensor to 8 bits", "7.1"
    ATC_PERTURBED_WEIGHTS = "atc:perturbed-weights", "scales the third weight tensor of rank 2 or more by 1.5", "9"
    ATC_OTHER_WEIGHTS = (
        "atc:other-weights",
        "takes the weights that the ONNX file ASCEND_SIMULATOR_WEIGHTS holds under the same names from there",
        "9",
    )
    ATC_HANG = "atc:hang", "sleeps for ever after its first line", "1.3"
    ATC_HANG_IGNORING_SIGTERM = "atc:hang-ignoring-sigterm", "as atc:hang, and SIGTERM is ignored", "1.3"
    ATC_KILLED = "atc:killed", "is killed (SIGKILL) after its first line", "1.3, exit 137"

    INFER_EXIT_1_AFTER_RESULT = "infer:exit-1-after-result", "writes every result, then exits 1", "3.7"
    INFER_ERROR_EXIT_0 = "infer:error-exit-0", "prints [ERROR] for the last batch, drops it, exits 0", "2.6"
    INFER_DROPPED_SAMPLES = "infer:dropped-samples", "writes no dump for every tenth sample (the first of ten)", "2.6"
    INFER_EXTRA_SAMPLE = "infer:extra-sample", "writes a dump of a sample that nobody gave", "2.3"
    INFER_NAN = "infer:nan", "the first value of the first dump is NaN", "7.1"
    INFER_INF = "infer:inf", "the first value of the first dump is infinite", "7.1"
    INFER_ZEROS = "infer:zeros", "the first dump is all zeros, as a buffer that was never filled", "7.1"
    INFER_TRUNCATED_DUMP = "infer:truncated-dump", "the first dump ends half-way", "2.3"
    INFER_SWAPPED_DUMPS = "infer:swapped-dumps", "the first two dumps carry each other's names", "2.3"
    INFER_OTHER_IMAGE = "infer:other-image", "the second sample's dump holds the first sample's output", "2.6"
    INFER_BATCH_DIFFERS = "infer:batch-differs", "above batch 1 every output is off by 1/16 at index 0", "7.1"
    INFER_DVPP_SWAPS_COLOURS = (
        "infer:dvpp-swaps-colours",
        "DVPP gives V before U, which AIPP takes for U before V",
        "2.1",
    )
    INFER_CONTRADICTION = "infer:contradicting-summary", "the figures of one summary contradict each other", "2.4, 3.6"
    INFER_OTHER_BATCH_PERF = "infer:other-batch-perf", "names and computes the figures for another batch", "2.4, 3.2"
    INFER_BATCHES_AS_IMAGES = "infer:batches-as-images", "reports the rate of batches as that of images", "2.4, 3.6"
    INFER_RATE_TIMES_4 = "infer:rate-times-4", "reports a card's rate (x 4) as that of one device", "1.5"
    INFER_STORED_RATE = "infer:stored-rate-higher", "stores 1.3 times the rate that it prints", "2.4, 3.5"
    INFER_INTERFACE_RATE = (
        "infer:interface-rate-higher",
        "stores 1.4 times the Interface rate that it prints, all other figures as they are",
        "2.4",
    )
    INFER_SLOWER_ROUNDS = "infer:slower-rounds", "each execution takes 1.3 times what the stated rate says", "2.5, 3.6"
    INFER_ONE_ROUND = "infer:one-round", "executes once, whatever -round or --loop ask for", "2.5, 3.2"
    INFER_TRUNCATED_PERF = "infer:truncated-perf", "the perf text or summary ends in the middle", "2.4, 3.5"
    INFER_NO_PERF = "infer:no-perf", "writes the dumps but neither perf file nor summary", "2.4, 3.5"
    INFER_HANG = "infer:hang", "sleeps for ever once the model is loaded", "2.6"
    INFER_HANG_IGNORING_SIGTERM = "infer:hang-ignoring-sigterm", "as infer:hang, and SIGTERM is ignored", "2.6"
    INFER_KILLED = "infer:killed", "is killed (SIGKILL) after the first dump", "2.6"

    DEVICE_BUSY = "device:busy", "npu-smi shows load, memory in use and a process", "4"
    DEVICE_BUSY_HALF_WAY = "device:busy-half-way", "npu-smi shows the device busy once a model was loaded on it", "4"
    DEVICE_AICORE_LAGS = (
        "device:aicore-lags",
        "npu-smi's first table after a model was loaded shows the AI core at 87 %, and nothing else",
        "4",
    )
    DEVICE_AICORE_STAYS = (
        "device:aicore-stays",
        "npu-smi shows the AI core at 87 %, and nothing else, once a model was loaded on it",
        "4",
    )
    DEVICE_UNHEALTHY = "device:unhealthy", "npu-smi reports the first chip's health as Alarm", "4"
    DEVICE_UNHEALTHY_HALF_WAY = (
        "device:unhealthy-half-way",
        "npu-smi reports the first chip's health as Alarm once a model was loaded on it",
        "4",
    )
    DEVICE_SLOW = "device:slow", "every rate is halved", "9"
    DEVICE_OTHER_SOC = "device:other-soc", "the host holds another chip than ASCEND_SIMULATOR_SOC says", "1.2"
    DEVICE_OPEN_FAILS = "device:open-fails", "opening any device fails with ret 507033", "3.7"

    SMI_DCMI_FAILED = "npu-smi:dcmi-failed", "prints the -8005 line instead of a table, exits 255", "4"
    SMI_TRUNCATED = "npu-smi:truncated", "the table ends after the first row of the first chip", "4"
    SMI_NO_PROCESS_TABLE = "npu-smi:no-process-table", "prints no process table, as in containers", "4"
    SMI_HANG = "npu-smi:hang", "sleeps for ever before the table", "4"

    MSPROF_CUT_SHORT = "msprof:cut-short", "op_summary ends in the middle of a row", "profiling"
    MSPROF_LOST_ROWS = "msprof:lost-rows", "op_summary lacks the last two rows, and nothing is beside it", "profiling"
    MSPROF_OTHER_OM = "msprof:other-om", "the tables name the operators of another network", "profiling"
    MSPROF_TYPES_ALONE = "msprof:types-alone", "writes op_statistic and no op_summary", "profiling"
    MSPROF_NO_TABLE = "msprof:no-table", "writes no table", "profiling"

    def __init__(self, order: str, effect: str, mimics: str) -> None:
        self.order, self.effect, self.mimics = order, effect, mimics


def ordered(fault: Fault) -> bool:
    """True when the environment orders this fault; a name that does not exist ends the process with status 97."""
    return fault in _orders()


def check_orders() -> None:
    """End the process when the environment orders a fault that does not exist: a typo must not pass for a test."""
    _orders()


def _orders() -> set[Fault]:
    known = {fault.order: fault for fault in Fault}
    names = [name.strip() for name in os.environ.get("ASCEND_SIMULATOR_FAULT", "").split(",") if name.strip()]
    unknown = [name for name in names if name not in known]
    if unknown:
        refuse(f"ASCEND_SIMULATOR_FAULT orders {unknown[0]!r}, which does not exist; known: {', '.join(known)}")
    return {known[name] for name in names}


def refuse(message: str) -> NoReturn:
    """End the process with status 97: the simulator itself was used wrongly, no vendor tool would have ended so."""
    print(f"[SIMULATOR] {message}", file=sys.stderr, flush=True)
    raise SystemExit(BAD_ORDER)


def hang_or_die(hang: Fault, deaf: Fault | None = None, killed: Fault | None = None) -> None:
    """Sleep for ever or die at this point of a tool's run if one of the three faults is ordered."""
    if killed is not None and ordered(killed):
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    ignore = deaf is not None and ordered(deaf)
    if ignore:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.stdout.flush()
    while ignore or ordered(hang):
        time.sleep(1)


def remember_use() -> None:
    """Note in the folder ASCEND_SIMULATOR_STATE that a model was loaded on the device."""
    _used_marker().touch()


def was_used() -> bool:
    """Whether a model was loaded on the device since the folder ASCEND_SIMULATOR_STATE was made."""
    return _used_marker().exists()


def forget_use() -> None:
    """As if no model had been loaded yet."""
    _used_marker().unlink(missing_ok=True)


def _used_marker() -> Path:
    folder = os.environ.get("ASCEND_SIMULATOR_STATE", "")
    if not Path(folder).is_dir() or not folder:
        refuse("a device that changes half-way needs ASCEND_SIMULATOR_STATE, an existing folder of the test's own")
    return Path(folder) / "device-was-used"
