"""Does everything in a bundle fit everything else? What is looked at, in which order."""

from __future__ import annotations

from datetime import datetime

from tools.judge.acceptance import CommandRecord
from tools.judge.bundle import Bundle
from tools.judge.consistency.dataset import check_dataset
from tools.judge.consistency.machine import check_machine
from tools.judge.consistency.model import check_model
from tools.judge.consistency.on_device import check_on_device
from tools.judge.consistency.predictions import check_batches, check_predictions
from tools.judge.consistency.preprocessing import check_preprocessing
from tools.judge.consistency.spec import check_spec
from tools.judge.consistency.throughput import check_device_throughput, check_host_throughput, check_outputs
from tools.judge.files import Refused
from tools.judge.handed_in_check import check_handed_in
from tools.judge.kept_reference import check_reference
from tools.judge.layout import FILE
from tools.judge.logs import check_logs
from tools.judge.profile_logs import check_profiles


def check_figures(bundle: Bundle) -> None:
    """Collect in `bundle.problems` whatever does not fit."""
    check_spec(bundle)
    _times(bundle)
    check_machine(bundle)
    check_model(bundle)
    check_dataset(bundle)
    check_preprocessing(bundle)
    check_predictions(bundle)
    check_reference(bundle)
    check_batches(bundle)
    check_host_throughput(bundle)
    check_device_throughput(bundle)
    check_profiles(bundle)
    check_outputs(bundle)
    for place, command in enumerate(bundle.record.commands):
        _command(bundle, f"{FILE}.commands[{place}]", command)
    check_handed_in(bundle)
    check_logs(bundle)
    check_on_device(bundle)


def _times(bundle: Bundle) -> None:
    """The run ended after it began, and no step took less than no time."""
    record = bundle.record
    try:
        began, ended = map(datetime.fromisoformat, (record.started_utc, record.finished_utc))
        backwards = ended < began
    except (ValueError, TypeError) as error:
        raise Refused(f"{FILE}.started_utc or finished_utc is no time: {error}") from error
    if backwards:
        bundle.problems.append(f"{FILE}.finished_utc: before the run began")
    for place, timing in enumerate(record.timings):
        if not timing.seconds >= 0:
            bundle.problems.append(f"{FILE}.timings[{place}].seconds: less than no time")


def _command(bundle: Bundle, where: str, command: CommandRecord) -> None:
    """A tool's command line is the one in its log folder, and its streams are there."""
    text = bundle.files.read(f"{command.folder}/command.txt").decode(errors="replace")
    if text.split("\n")[1:-1] != list(command.argv):
        bundle.problems.append(f"{where}.argv: another command than in {command.folder}/command.txt")
    for stream in ("stdout.txt", "stderr.txt"):
        if f"{command.folder}/{stream}" not in bundle.files.digests:
            bundle.problems.append(f"{command.folder}/{stream} is missing")
