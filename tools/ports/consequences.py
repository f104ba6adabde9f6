"""What follows from a port: tensors, OMs, the gates that will be asked, and those for which a figure is wanting."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from tools.judge import ids
from tools.judge.documents import spec_digest
from tools.judge.gates import Asked, expected
from tools.judge.ids import GateId
from tools.judge.machine_class import Device
from tools.judge.shipped import spec_words
from tools.judge.spec import Spec, Tensor
from tools.ports.spec_json import spec_json

WIDTH, COLUMN = 120, 26
ALL_BATCHES = "[bs*]"


def consequences(spec: Spec) -> list[str]:
    """In words, wrapped."""
    host, device = (expected(Asked(spec, on_device=on_device)) for on_device in (False, True))
    also = [gate for gate in device if gate not in host]
    said = {
        "input": _tensor(spec.input(), spec.om_inputs(1)[-1], spec.batches),
        "output": _tensor(spec.output(), spec.output(), spec.batches),
        "other outputs": ", ".join(name for name in spec.onnx.all_outputs if name != spec.onnx.output.name),
        "OMs": ", ".join(ids.om(batch) for batch in spec.batches),
        f"{len(host)} gates": ", ".join(_without_batch(host)),
        f"{len(also)} more on a device": ", ".join(_without_batch(also)),
        "NOT JUDGED anywhere": ", ".join(_without_reference(spec)),
        **{f"NOT JUDGED, {chip.soc}": ", ".join(_without_figures(spec, chip, also)) for chip in spec.devices},
        "pinned": _pinned(spec),
        "whose": _whose(spec),
    }
    return [line for name, text in said.items() if text for line in _lines(name, text)]


def _lines(name: str, text: str) -> list[str]:
    lead = f"{name}:".ljust(COLUMN)
    return textwrap.wrap(text, WIDTH, initial_indent=lead, subsequent_indent=" " * COLUMN, break_on_hyphens=False)


def _tensor(tensor: Tensor, of_oms: Tensor, batches: Sequence[int]) -> str:
    rest = ", ".join(map(str, of_oms.shape[1:]))
    kind = "" if of_oms.dtype == tensor.dtype else f"{of_oms.dtype} "  # pixels, where the chip normalises
    return f"{tensor}, of the OMs {kind}[{' | '.join(map(str, batches))}, {rest}]"


def _without_batch(gates: Sequence[GateId]) -> list[str]:
    """Each gate once, whatever its batch sizes."""
    return list(dict.fromkeys(gate if gate.batch is None else f"{gate.gate}{ALL_BATCHES}" for gate in gates))


def _without_reference(spec: Spec) -> Iterator[str]:
    for name, figure in (("top1_error_pp", spec.accuracy.pth_top1), ("top5_error_pp", spec.accuracy.pth_top5)):
        if figure is None:
            yield ids.PTH.gate(name)


def _without_figures(spec: Spec, chip: Device, asked: Sequence[GateId]) -> list[str]:
    """The gates of a device that want a figure of this chip which is not there."""
    missing: list[GateId] = []
    for batch in spec.batches:
        om, floor = ids.om(batch), chip.published(batch)
        missing += [om.gate("top1_error_pp")] if chip.om_top1 is None else []
        missing += [om.gate("top5_error_pp")] if chip.om_top5 is None else []
        missing += [ids.OM_PERF_FLOOR.at(batch)] if floor is None else []
        missing += [ids.OM_PERF_PLAUSIBLE.at(batch)] if chip.ceiling(batch, spec.model.flops_per_image) is None else []
    return _folded([gate for gate in asked if gate in missing], len(spec.batches))


def _folded(gates: Sequence[GateId], batches: int) -> list[str]:
    """A gate that is missing at every batch size stands once."""
    of_gate = {gate.gate: [other for other in gates if other.gate == gate.gate] for gate in gates}
    folded = ([f"{name}{ALL_BATCHES}"] if len(found) == batches else found for name, found in of_gate.items())
    return [name for names in folded for name in names]


def _pinned(spec: Spec) -> str:
    stated = [name for name in ("sha256", "sha256_prefix", "md5") if getattr(spec.checkpoint, name)]
    return f"yes, by {', '.join(stated)}" if stated else "no, nobody states a digest of the weights: never ACCEPTED"


def _whose(spec: Spec) -> str:
    return spec_words("as resolved here", spec_digest(spec_json(spec)))
