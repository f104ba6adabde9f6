"""Does everything in a bundle fit everything else? Every figure beside the gates is recomputed, every name held against
the place where it stands again."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from tools.base.errors import SuiteError
from tools.judge import records
from tools.judge.acceptance import (
    FILE,
    IDS,
    LABELS,
    PORT,
    SPEC_JSON,
    CommandRecord,
    DatasetRecord,
    DeviceThroughput,
    MachineRecord,
    ThroughputRun,
    VariantRecord,
)
from tools.judge.bundle import Bundle, differences
from tools.judge.dataset import other_images
from tools.judge.device import throughput_record
from tools.judge.evidence import OWNER, variant_record
from tools.judge.facts import CheckpointFacts, RecipeFacts, WeightFacts
from tools.judge.files import Refused, short
from tools.judge.host import ratio

SIMULATOR_SAYS = b"[SIMULATOR]"
"""What the simulator's programs begin their stderr with (tools/ascend/simulator)."""


def check_figures(bundle: Bundle) -> None:
    """Collect in `bundle.problems` whatever does not fit."""
    record = bundle.record
    _identity(bundle)
    _spec_files(bundle)
    _times(bundle)
    if record.machine is not None:
        _machine(bundle, record.machine)
    if record.checkpoint is not None:
        _tensors(bundle, record.checkpoint)
    if record.dataset is not None:
        _dataset(bundle, record.dataset)
    if record.recipe is not None:
        _recipe(bundle, record.recipe)
    for place, variant in enumerate(record.variants):
        _variant(bundle, f"{FILE}.variants[{place}]", variant)
    for place, host in enumerate(record.host_throughput):
        found = ratio(host.candidate_seconds_per_image, host.reference_seconds_per_image)
        _compare(bundle, f"{FILE}.host_throughput[{place}].ratio", host.ratio, found)
    for place, device in enumerate(record.device_throughput):
        _device_throughput(bundle, f"{FILE}.device_throughput[{place}]", device)
    _outputs(bundle)
    for place, command in enumerate(record.commands):
        _command(bundle, f"{FILE}.commands[{place}]", command)
    if bundle.on_device:
        _no_simulator(bundle)
        _made_in_this_run(bundle)


def _compare(bundle: Bundle, where: str, recorded: object, ours: object) -> None:
    bundle.problems += differences(records.plain(recorded), records.plain(ours), where)


def _identity(bundle: Bundle) -> None:
    """Spec and inputs are the same wherever they are named."""
    recorded = bundle.record.spec
    if recorded is None:
        raise Refused(f"{FILE}.spec: the record does not say by which port it was judged")
    where = f"{FILE}.spec"
    _compare(bundle, f"{where}.kind", recorded.kind, bundle.spec.kind)
    _compare(bundle, f"{where}.json_sha256", recorded.json_sha256, bundle.files.digests.get(SPEC_JSON))
    _compare(bundle, f"{where}.port", recorded.port, bundle.spec.port)
    _compare(bundle, f"{where}.files", recorded.files, _port_files(bundle))
    toolkit, machine = bundle.record.toolkit, bundle.record.machine
    if toolkit is not None:
        _compare(bundle, f"{FILE}.toolkit.target", toolkit.target, bundle.record.target)
    if toolkit is not None and machine is not None:
        _compare(bundle, f"{FILE}.toolkit.infer_tool", toolkit.infer_tool, machine.infer_tool)
        _compare(bundle, f"{FILE}.toolkit.why", toolkit.why, machine.why)


def _machine(bundle: Bundle, machine: MachineRecord) -> None:
    """What the toolchain says of itself fits what stands beside it."""
    said = {"target": bundle.record.target, "soc": machine.soc, "tool": machine.infer_tool}
    for name, value in machine.toolchain.items():
        if name in said:
            _compare(bundle, f"{FILE}.machine.toolchain.{name}", value, said[name])
    boards = tuple(board.device for board in machine.boards)
    _compare(bundle, f"{FILE}.machine.boards, their devices", boards, machine.devices)
    for place, entry in enumerate(bundle.record.device_throughput):
        for number, run in enumerate(entry.runs):
            where = f"{FILE}.device_throughput[{place}].runs[{number}]"
            _compare(bundle, f"{where}.tool", run.tool, machine.infer_tool)
            if run.device not in machine.devices:
                bundle.problems.append(f"{where}.device: device {run.device} is none of the machine's")


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


_BY_DEFAULT = frozenset((0.0, 1.0))
"""What a port need not write: no label offset."""
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


def _spec_files(bundle: Bundle) -> None:
    """Every number of spec.json stands in a file of the port: that one was altered shows without a YAML parser."""
    files = (bundle.files.read(f"{PORT}/{name}") for name in _port_files(bundle) if name.endswith((".yaml", ".yml")))
    written = "\n".join(content.decode("utf-8", "replace") for content in files)
    numbers = {float(token) for token in _NUMBER.findall(written)} | _BY_DEFAULT
    for where, value in _numbers_below(records.plain(bundle.spec), SPEC_JSON):
        if value not in numbers:
            bundle.problems.append(f"{where}: {short(value)} does not stand in a file of the port")


def _port_files(bundle: Bundle) -> dict[str, str]:
    """sha256 of what lies in port/, by name."""
    below = f"{PORT}/"
    return {name[len(below) :]: sha256 for name, sha256 in bundle.files.digests.items() if name.startswith(below)}


def _numbers_below(value: Any, where: str) -> Iterator[tuple[str, float]]:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _numbers_below(item, f"{where}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _numbers_below(item, f"{where}[{index}]")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield where, value


def _tensors(bundle: Bundle, facts: CheckpointFacts) -> None:
    """The tensors are the network's but for those named as odd, and each that has a use was looked for in the file."""
    tensors = facts.expected - len(facts.missing) + len(facts.unexpected)
    _compare(bundle, f"{FILE}.checkpoint.tensors", facts.tensors, tensors)
    if bundle.record.onnx_weights is not None:
        _weights(bundle, bundle.record.onnx_weights, facts.tensors)


def _weights(bundle: Bundle, facts: WeightFacts, tensors: int) -> None:
    """Every tensor of the checkpoint is looked for or without use; what was looked for and is not right is named."""
    where, unused = f"{FILE}.onnx_weights", len(set(facts.unused))
    _compare(bundle, f"{where}.among, less foreign", facts.among - facts.foreign, tensors - unused)
    wrong, named = facts.among - facts.exact - facts.recomputed, len(facts.offenders)
    if min(facts.exact, facts.recomputed, facts.foreign) < 0 or wrong < named or bool(wrong) != bool(named):
        bundle.problems.append(f"{where}: {wrong} of {facts.among} are not right, {named} are named")


def _dataset(bundle: Bundle, recorded: DatasetRecord) -> None:
    """Ids and labels are whole, and the record describes them."""
    ids, labels, where = bundle.ids, bundle.labels, f"{FILE}.dataset"
    if len(set(ids)) != len(ids) or len(labels) != len(ids):
        raise Refused(f"{IDS} and {LABELS}: {len(ids)} ids, {len(set(ids))} different, {len(labels)} labels")
    classes = bundle.spec.classes
    if min(labels) < 0 or max(labels) >= classes:
        bundle.problems.append(f"{LABELS}: a label outside 0..{classes - 1}")
    _compare(bundle, f"{where}.images", recorded.images, len(ids))
    if recorded.limit is not None:
        _compare(bundle, f"{where}.limit", recorded.limit, len(ids))
    digest = hashlib.sha256("\n".join(ids).encode()).hexdigest()
    _compare(bundle, f"{where}.ids_sha256", recorded.ids_sha256, digest)
    if bool(recorded.gap) != other_images(ids, recorded.images_sha256, bundle.spec.dataset):
        bundle.problems.append(f"{where}.gap: {short(recorded.gap)} does not fit the ids and the port")


def _recipe(bundle: Bundle, facts: RecipeFacts) -> None:
    """Nothing departs from a recipe that nobody states, and one that is followed is what the bins were held against."""
    where, parity = f"{FILE}.recipe", bundle.record.parity
    if facts.departures and not facts.library:
        bundle.problems.append(f"{where}.departures: from the recipe of no library")
    if parity is not None and bundle.spec.preprocessing.function is None:
        followed = bool(facts.library) and not facts.departures
        if followed != (parity.against == facts.library):
            against = short(parity.against)
            bundle.problems.append(f"{where}.library: {short(facts.library)} does not fit parity.against, {against}")


def _variant(bundle: Bundle, where: str, recorded: VariantRecord) -> None:
    """Accuracy, losses and agreement of one variant."""
    name, owner = recorded.name, OWNER.get(recorded.name, recorded.name)
    top = bundle.top_five(name)
    faults = top.faults(bundle.spec.classes)
    bundle.problems += [f"{where}, predictions of {name}: {fault}" for fault in faults]
    if owner not in bundle.digests:
        bundle.problems.append(f"{where}: no digest of {owner}, which predicted this")
        return
    try:
        ours = variant_record(bundle, name, bundle.digests[owner].sha256)
    except SuiteError as error:
        bundle.problems.append(f"{where}: {error}")
        return
    _compare(bundle, where, recorded, ours)
    if recorded.agreement is not None:
        unknown = set(recorded.agreement.worst) - set(bundle.ids)
        if unknown:
            bundle.problems.append(f"{where}.agreement.worst: {short(min(unknown))} is no image of the data set")


def _device_throughput(bundle: Bundle, where: str, recorded: DeviceThroughput) -> None:
    """Rates from the raw samples, card, published figure, floor and the judge's word."""
    if not recorded.runs or min(run.images_per_second_per_chip for run in recorded.runs) <= 0:
        raise Refused(f"{where}.runs: no run, or a rate that is not positive")
    soc = bundle.machine().soc
    mode = bundle.spec.throughput_mode(soc, recorded.batch)
    for number, run in enumerate(recorded.runs):
        _run(bundle, f"{where}.runs[{number}]", run, recorded.batch, mode)
    _run_images(bundle, f"{where}.runs", recorded.runs)
    ours = throughput_record(
        recorded.runs, soc=soc, simulated=not bundle.on_device, busy=recorded.busy, spec=bundle.spec
    )
    _compare(bundle, where, recorded, ours)


def _outputs(bundle: Bundle) -> None:
    """Outputs of throughput runs that differ do so by something, and no more of them than there are."""
    for place, entry in enumerate(bundle.record.throughput_outputs):
        for number, run in enumerate(entry.runs):
            if not 0 <= run.differing <= run.images or bool(run.differing) != (run.largest != 0):
                where = f"{FILE}.throughput_outputs[{place}].runs[{number}]"
                bundle.problems.append(f"{where}: {run.differing} of {run.images} differ, by at most {run.largest:g}")


def _run(bundle: Bundle, where: str, run: ThroughputRun, batch: int, mode: str) -> None:
    """One reading: its batch and mode, and the official figure without the padding of the last batch."""
    _compare(bundle, f"{where}.batch", run.batch, batch)
    _compare(bundle, f"{where}.mode", run.mode, mode)
    share = 1.0
    if run.tool == "ais_bench" and run.images is not None:
        share = run.images / (math.ceil(run.images / batch) * batch)
    rate = run.reported_images_per_second * share
    _compare(bundle, f"{where}.images_per_second_per_chip", run.images_per_second_per_chip, rate)


def _run_images(bundle: Bundle, where: str, runs: tuple[ThroughputRun, ...]) -> None:
    """Runs are numbered from 1 on, and a run over the data set sees each image once, whatever the devices."""
    seen: dict[int, int] = {}
    for number, run in enumerate(runs):
        seen[run.run] = seen.get(run.run, 0) + (run.images or 0)
        if (run.images is None) != (run.mode == "pure"):
            bundle.problems.append(f"{where}[{number}].images: pure inference sees no images, a data-set run does")
    if sorted(seen) != list(range(1, len(seen) + 1)):
        bundle.problems.append(f"{where}: runs are numbered {sorted(seen)}")
    for counted, images in seen.items():
        if images and bundle.record.dataset is not None and images != len(bundle.ids):
            bundle.problems.append(f"{where}: run {counted} saw {images} images of {len(bundle.ids)}")


def _command(bundle: Bundle, where: str, command: CommandRecord) -> None:
    """A tool's command line is the one in its log folder, and its streams are there."""
    _flags_of_atc(bundle, where, command)
    text = bundle.files.read(f"{command.folder}/command.txt").decode("utf-8", "replace")
    if text.split("\n")[1:-1] != list(command.argv):
        bundle.problems.append(f"{where}.argv: another command than in {command.folder}/command.txt")
    for stream in ("stdout.txt", "stderr.txt"):
        if f"{command.folder}/{stream}" not in bundle.files.digests:
            bundle.problems.append(f"{command.folder}/{stream} is missing")


def _made_in_this_run(bundle: Bundle) -> None:
    """What a device gave is what it gives now: an earlier run's outputs and times say nothing about this board."""
    kinds = ("predictions-om/", "throughput-om/", "om-described/")
    for place, entry in enumerate(bundle.record.reused):
        if entry.name.startswith(kinds):
            bundle.problems.append(f"{FILE}.reused[{place}]: {short(entry.name)} on a device is made in the run itself")


def _flags_of_atc(bundle: Bundle, where: str, command: CommandRecord) -> None:
    """An OM's own log shows each further flag of the port on atc's command line; paths have been scrubbed there."""
    if command.folder.startswith("logs/atc-bs"):
        asked = (flag for flag in bundle.spec.om.atc_extra_args if "/" not in flag)
        lost = [flag for flag in asked if flag not in command.argv]
        bundle.problems += [f"{where}.argv: the port asks for {flag}, which atc was not given" for flag in lost]


def _no_simulator(bundle: Bundle) -> None:
    """A device's bundle holds no trace of the simulator, which says on stderr what it is."""
    machine = bundle.record.machine
    if machine is not None and "simulator" in machine.toolchain:
        bundle.problems.append("target is ascend, but the toolchain is the simulator")
    for name in bundle.files.digests:
        if name.startswith("logs/") and SIMULATOR_SAYS in bundle.files.read(name):
            bundle.problems.append(f"target is ascend, but {name} was written by the simulator")
