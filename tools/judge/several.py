"""Several bundles (an accuracy job, a perf job) judged as one run: what they must agree on, and whose answer counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tools.base.errors import Stage
from tools.judge.again import Judged
from tools.judge.basis import released
from tools.judge.bundle import Bundle
from tools.judge.gates import Asked, expected
from tools.judge.ids import PTH
from tools.judge.layout import FILE, SPEC_JSON
from tools.judge.lines import headroom
from tools.judge.machine_records import MachineRecord
from tools.judge.results import Check, Verdict

WORST_FIRST = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS, Verdict.NOT_JUDGED, Verdict.NOT_RUN)
"""A gate that was not run says nothing, so the answer of another bundle counts."""
NEEDS_ONNX = (Stage.ONNX, Stage.OM, Stage.ACCURACY, Stage.PERF)


def identity(bundle: Bundle) -> dict[str, str | None]:
    """What bundles of one run agree on; None where this bundle does not say."""
    machine, dataset = bundle.record.machine, bundle.record.dataset
    versions = {} if machine is None else machine.toolchain
    toolchain = ", ".join(f"{name} {versions[name]}" for name in sorted(versions) if name != "tool")
    host, suite = bundle.record.host, bundle.record.versions
    digests = {name: entry.sha256 for name, entry in bundle.digests.items()}
    return {
        **{name: sha256 for name, sha256 in digests.items() if name.startswith(("om_bs", "onnx_bs"))},
        **_code(bundle),
        "toolchain": None if machine is None else toolchain,
        "host": None if host is None else f"{host.machine}, {host.cpu_model}",
        "suite": None if suite is None else suite.suite_sha256,
        "spec": bundle.files.digests.get(SPEC_JSON),
        "target": bundle.record.target,
        "checkpoint": digests.get("checkpoint"),
        "onnx": digests.get("onnx"),
        "soc": None if machine is None else machine.soc,
        "board": None if machine is None else _boards(machine),
        "reference": _reference(bundle),
        "images": None if dataset is None else dataset.images_sha256 + dataset.ids_sha256,
    }


def _code(bundle: Bundle) -> dict[str, str]:
    """What the network and the port's functions are made of, which spec.json only names."""
    return {} if bundle.record.spec is None else released(bundle.record.spec.code)


def _reference(bundle: Bundle) -> str | None:
    """Whose predictions of the checkpoint count; None where the bundle holds none."""
    if PTH not in bundle.variants:
        return None
    reference = bundle.record.reference
    taken = None if reference is None else reference.taken
    return str(bundle.made_by) if taken is None else f"run {taken.run}, {taken.manifest_sha256}"


def _boards(machine: MachineRecord) -> str | None:
    """The boards of a machine by what tells them from others; None where one is not known."""
    if not all(board.known for board in machine.boards):
        return None
    return ", ".join(
        f"NPU {board.seat.npu} chip {board.seat.chip}: {board.serial_number} {board.bus_id}" for board in machine.boards
    )


def needed_identity(judged: Iterable[Judged]) -> set[str]:
    """What a bundle must say about itself, by the gates that passed in it."""
    passed = [entry.result for entry in judged if entry.check.verdict is Verdict.PASS]
    stages = {result.stage for result in passed}
    needed = {"checkpoint"} if stages & {Stage.CHECKPOINT, *NEEDS_ONNX} else set()
    needed |= {"onnx"} if any(result.id.startswith(("onnx.", "om.", "host.")) for result in passed) else set()
    offline = [result.id for result in passed if result.id.startswith("om.")]
    needed |= {"soc", "host"} if offline else set()
    needed |= {f"om_bs{name.batch}" for name in offline if name.batch is not None}
    return needed | ({"images"} if stages & {Stage.PREPROCESSING, Stage.ACCURACY} else set())


def differing(identities: Sequence[dict[str, str | None]]) -> list[str]:
    """In what several identities contradict each other; what one of them does not say contradicts nothing."""
    names = dict.fromkeys(name for known in identities for name in known)
    return [name for name in names if len({known.get(name) for known in identities} - {None}) > 1]


def disagreements(bundles: Sequence[Bundle], judged: Sequence[list[Judged]]) -> list[str]:
    """Why these bundles are not parts of one run, each difference by name."""
    found = _given_twice(bundles)
    identities = [identity(bundle) for bundle in bundles]
    for name in differing(identities):
        said = {bundle.name: known.get(name) for bundle, known in zip(bundles, identities)}
        found.append(f"{name} differs: " + ", ".join(f"{who} {str(what)[:120]}" for who, what in said.items()))
    for bundle, known, results in zip(bundles, identities, judged):
        missing = [name for name in needed_identity(results) if known.get(name) is None]
        found += [f"{bundle.name} does not say its {name}" for name in missing]
    return sorted(found)


def _given_twice(bundles: Sequence[Bundle]) -> list[str]:
    """The bundles that are one and the same, by their records: a report that was made again changes nothing."""
    records: dict[str, list[str]] = {}
    for bundle in bundles:
        records.setdefault(bundle.files.digests[FILE], []).append(bundle.name)
    return [f"the same bundle given twice: {' and '.join(names)}" for names in records.values() if len(names) > 1]


def merge(asked: Asked, judged: Sequence[list[Judged]]) -> list[Judged]:
    """One answer a gate that was asked, the worst of any bundle: repeating a job until it passes gains nothing."""
    worst: dict[str, Judged] = {}
    for entry in (entry for results in judged for entry in results):
        known = worst.get(entry.id)
        if known is None or _badness(entry.check) < _badness(known.check):
            worst[entry.id] = entry
    return [worst[name] for name in expected(asked) if name in worst]


def _badness(check: Check) -> tuple[int, float]:
    """What sorts the worst answer first; of one verdict the one with the least headroom."""
    return WORST_FIRST.index(check.verdict), headroom(check)
