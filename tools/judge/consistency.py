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
from tools.judge.agreement import Agreement
from tools.judge.bundle import Bundle
from tools.judge.dataset import foreign_ids, labels_sha256, other_images
from tools.judge.device import throughput_record
from tools.judge.differences import differences
from tools.judge.evidence import OWNER, variant_record
from tools.judge.facts import AippFacts, CheckpointFacts, JpegFacts, RecipeFacts, WeightFacts
from tools.judge.files import Refused, short
from tools.judge.handed_in_check import check_handed_in
from tools.judge.host import ratio
from tools.judge.ids import PTH, om
from tools.judge.kept_reference import check_reference
from tools.judge.kept_scores import apart, beyond, contradictions, further
from tools.judge.logs import check_logs
from tools.judge.operators import OperatorFacts
from tools.judge.perf_logs import check_perf_logs
from tools.judge.predictions import TopFive
from tools.judge.profile_logs import check_profiles
from tools.judge.shipped import SHIPPED_FILES, SHIPPED_SPECS, files_digest

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
    _model(bundle)
    if record.dataset is not None:
        _dataset(bundle, record.dataset)
    if record.recipe is not None:
        _recipe(bundle, record.recipe)
    _of_the_chip(bundle)
    for place, variant in enumerate(record.variants):
        _variant(bundle, f"{FILE}.variants[{place}]", variant)
    check_reference(bundle)
    _batches(bundle)
    for place, host in enumerate(record.host_throughput):
        found = ratio(host.candidate_seconds_per_image, host.reference_seconds_per_image)
        _compare(bundle, f"{FILE}.host_throughput[{place}].ratio", host.ratio, found)
    for place, device in enumerate(record.device_throughput):
        _device_throughput(bundle, f"{FILE}.device_throughput[{place}]", device)
    check_profiles(bundle)
    _outputs(bundle)
    for place, command in enumerate(record.commands):
        _command(bundle, f"{FILE}.commands[{place}]", command)
    check_handed_in(bundle)
    check_logs(bundle)
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
    """What was judged by is what the port's files say, as far as that shows without a YAML parser.

    Every number of spec.json stands in one of them, and the suite's own files come to the suite's own port.
    """
    written_as = SHIPPED_FILES.get(files_digest(_port_files(bundle)))
    if written_as is not None and SHIPPED_SPECS.get(bundle.files.digests.get(SPEC_JSON, "")) != written_as:
        bundle.problems.append(f"{SPEC_JSON}: not what {PORT}/ comes to, the files of the suite's port {written_as}")
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


def _model(bundle: Bundle) -> None:
    """The checkpoint's tensors and the ONNX file's nodes."""
    record = bundle.record
    if record.checkpoint is not None:
        _tensors(bundle, record.checkpoint)
    if record.onnx_operators is not None:
        _operators(bundle, record.onnx_operators)


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
    wrong, named = facts.among - facts.exact - facts.recomputed - len(set(facts.declared)), len(facts.offenders)
    if min(facts.exact, facts.recomputed, facts.foreign) < 0 or wrong < named or bool(wrong) != bool(named):
        bundle.problems.append(f"{where}: {wrong} of {facts.among} are not right, {named} are named")


def _operators(bundle: Bundle, facts: OperatorFacts) -> None:
    """The nodes are those of the file, looked up at its opset and for the release of the toolchain at hand."""
    where, onnx, machine = f"{FILE}.onnx_operators", bundle.record.onnx, bundle.record.machine
    if onnx is not None and not {"If", "Loop", "Scan"} & set(onnx.operators):
        _compare(bundle, f"{where}.nodes", facts.nodes, len(onnx.operators))
    opset, elsewhere = bundle.spec.onnx.opset.exactly, any(node.registered_at for node in facts.unregistered)
    if not facts.unregistered and opset not in facts.fitting_opsets:
        bundle.problems.append(
            f"{where}.fitting_opsets: every node is registered at opset {opset:g}, which does not fit"
        )
    if elsewhere and opset in facts.fitting_opsets:
        bundle.problems.append(f"{where}.fitting_opsets: opset {opset:g} fits, but some node is registered at others")
    if machine is not None and facts.release and "cann" in machine.toolchain:
        _compare(bundle, f"{where}.release", facts.release, machine.toolchain["cann"])


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
    offset = bundle.spec.model.label_offset
    _compare(
        bundle,
        f"{where}.labels_sha256",
        recorded.labels_sha256,
        labels_sha256({name: label - offset for name, label in zip(ids, labels)}),
    )
    if recorded.labels_by_reference and bundle.spec.kind != "sample":
        bundle.problems.append(f"{where}.labels_by_reference: only a sample is labelled by its own checkpoint")
    _compare(bundle, f"{where}.foreign_ids", recorded.foreign_ids, foreign_ids(ids, bundle.spec.dataset))
    _byte_equal(bundle, f"{where}.byte_equal", recorded.byte_equal)
    if bool(recorded.gap) != other_images(ids, recorded.images_sha256, bundle.spec.dataset):
        bundle.problems.append(f"{where}.gap: {short(recorded.gap)} does not fit the ids and the port")


def _byte_equal(bundle: Bundle, where: str, groups: tuple[tuple[str, ...], ...]) -> None:
    """Each group names several images of the data set, and no image stands in two."""
    named = [name for names in groups for name in names]
    whole = len(set(named)) == len(named) and set(named) <= set(bundle.ids)
    if not whole or any(len(names) < 2 for names in groups):
        bundle.problems.append(f"{where}: not groups of two and more images of the data set")


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


def _of_the_chip(bundle: Bundle) -> None:
    """What the chip's own preprocessing was given."""
    if bundle.record.aipp is not None:
        _aipp(bundle, bundle.record.aipp)
    if bundle.record.jpegs is not None:
        _jpegs(bundle, bundle.record.jpegs)


def _aipp(bundle: Bundle, facts: AippFacts) -> None:
    """There is an AIPP file where the chip normalises alone, and it is the one that the port hands in, if it does."""
    asked, where = bundle.spec.preprocessing.aipp, f"{FILE}.aipp"
    if asked is None:
        bundle.problems.append(f"{where}: the port has no AIPP")
    elif asked.file is not None and bundle.files.read(f"{PORT}/{asked.file}") != facts.text.encode():
        bundle.problems.append(f"{where}.text: another file than {PORT}/{asked.file}")


def _jpegs(bundle: Bundle, facts: JpegFacts) -> None:
    """JPEG files are looked at where the vendor's tool is given them alone, and each that is named is an image."""
    where = f"{FILE}.jpegs"
    if not bundle.spec.preprocessing.is_jpeg:
        bundle.problems.append(f"{where}: the port gives no JPEG files to the tool")
    named = {name.partition(" (")[0] for name in facts.unfit} | {*facts.wrong_size, *facts.turned}
    if bundle.record.dataset is not None and (unknown := named - set(bundle.ids)):
        bundle.problems.append(f"{where}: {short(min(unknown))} is no image of the data set")


def _variant(bundle: Bundle, where: str, recorded: VariantRecord) -> None:
    """Accuracy, losses and agreement of one variant."""
    name, owner = recorded.name, OWNER.get(recorded.name, recorded.name)
    top = bundle.top_five(name)
    faults = list(top.faults(bundle.spec.classes))
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
        if not faults:
            _agreement(bundle, f"{where}.agreement", recorded.agreement, top)


def _agreement(bundle: Bundle, where: str, recorded: Agreement, top: TopFive) -> None:
    """What was measured over all logits is possible beside the five best scores of each image."""
    pth, error = bundle.top_five(PTH), recorded.max_abs_error_logits
    if error is not None:
        found = apart(pth, top)
        wrong = beyond(found, error, bundle.ids[found.row])
        bundle.problems += [f"{where}.max_abs_error_logits: {text}" for text in wrong]
    bundle.problems += [f"{where}.{text}" for text in contradictions(recorded, pth, top, bundle.spec.classes)]
    if recorded.systematic is not None and recorded.systematic.image not in bundle.ids:
        unknown = short(recorded.systematic.image)
        bundle.problems.append(f"{where}.systematic.image: {unknown} is no image of the data set")


def _batches(bundle: Bundle) -> None:
    """The OM of no batch size lies further from the first, in scores or in its error, than their comparison says."""
    if bundle.record.om_batch_errors is None:
        return
    largest, kept = bundle.record.om_batch_errors.largest, bundle.variants
    where = f"{FILE}.om_batch_errors.largest"
    first, *others = map(om, bundle.spec.batches)
    for other in others if first in kept else ():
        if other in kept:
            found = apart(bundle.top_five(first), bundle.top_five(other))
            errors = [_largest_error(kept[name]) for name in (first, other)]
            wrong = [*beyond(found, largest, bundle.ids[found.row]), *further(errors, largest)]
            bundle.problems += [f"{where}, {first} and {other}: {text}" for text in wrong]


def _largest_error(variant: VariantRecord) -> float:
    error = None if variant.agreement is None else variant.agreement.max_abs_error_logits
    return math.nan if error is None else error


def _device_throughput(bundle: Bundle, where: str, recorded: DeviceThroughput) -> None:
    """Rates from the raw samples, card, published figure, floor and the judge's word."""
    if not recorded.runs or min(run.images_per_second_per_chip for run in recorded.runs) <= 0:
        raise Refused(f"{where}.runs: no run, or a rate that is not positive")
    soc = bundle.machine().soc
    mode = bundle.spec.throughput_mode(soc, recorded.batch)
    for number, run in enumerate(recorded.runs):
        _run(bundle, f"{where}.runs[{number}]", run, recorded.batch, mode)
    _run_images(bundle, f"{where}.runs", recorded.runs)
    check_perf_logs(bundle, where, recorded)
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
    text = bundle.files.read(f"{command.folder}/command.txt").decode("utf-8", "replace")
    if text.split("\n")[1:-1] != list(command.argv):
        bundle.problems.append(f"{where}.argv: another command than in {command.folder}/command.txt")
    for stream in ("stdout.txt", "stderr.txt"):
        if f"{command.folder}/{stream}" not in bundle.files.digests:
            bundle.problems.append(f"{command.folder}/{stream} is missing")


def _made_in_this_run(bundle: Bundle) -> None:
    """What a device gave is what it gives now: an earlier run's outputs and times say nothing about this board."""
    kinds = ("predictions-om/", "throughput-om/", "profile-om/", "om-described/")
    for place, entry in enumerate(bundle.record.reused):
        if entry.name.startswith(kinds):
            bundle.problems.append(f"{FILE}.reused[{place}]: {short(entry.name)} on a device is made in the run itself")


def _no_simulator(bundle: Bundle) -> None:
    """A device's bundle holds no trace of the simulator, which says on stderr what it is."""
    machine = bundle.record.machine
    if machine is not None and "simulator" in machine.toolchain:
        bundle.problems.append("target is ascend, but the toolchain is the simulator")
    for name in bundle.files.digests:
        if name.startswith("logs/") and SIMULATOR_SAYS in bundle.files.read(name):
            bundle.problems.append(f"target is ascend, but {name} was written by the simulator")
