"""Gates of throughput."""

from __future__ import annotations

import math

from tools.judge import ids
from tools.judge.checks import not_judged, within
from tools.judge.device import fastest, floor, idle, plausible, slowest_rates, stated
from tools.judge.evidence import Evidence
from tools.judge.gate import Basis, Inventory, Where
from tools.judge.op_profile import profile_check
from tools.judge.results import Check
from tools.judge.throughput import check_reported

GATES = Inventory()


@GATES.take(
    ids.HOST_ONNX_TO_TORCH,
    "Is onnxruntime, measured in turn with torch, as quick as it should be, by the median ratio of a round?",
    per_batch=True,
    basis=Basis.RECOMPUTED,
)
def _host_ratio(evidence: Evidence, batch: int) -> Check:
    return within(evidence.host_throughput(batch).ratio, evidence.spec.host_perf.onnx_to_torch)


@GATES.take(
    ids.OM_PERF_READING,
    "Has the tool stated a throughput that is whole and does not contradict itself?",
    per_batch=True,
    basis=Basis.RECOMPUTED,
)
def _reading(evidence: Evidence, batch: int) -> Check:
    return check_reported(stated(evidence.device_throughput(batch).runs), evidence.spec.om.reported_rate_error_percent)


@GATES.take(ids.OM_PERF_DEVICE_IDLE, "Was the device free of other work before and after?", per_batch=True)
def _idle(evidence: Evidence, batch: int) -> Check:
    return idle(evidence.device_throughput(batch).busy, tolerated=evidence.tolerate_busy)


@GATES.take(
    ids.OM_PERF_OUTPUTS, "Have the throughput runs over the data set given the outputs that the predictions hold?"
)
def _outputs(evidence: Evidence, batch: int) -> Check:
    spec, soc = evidence.spec, evidence.machine().soc
    over_data = [size for size in spec.batches if spec.throughput_mode(soc, size) == "dataset"]
    if not over_data:
        return not_judged("every batch size is measured by pure inference, which gives no outputs", unit="logit")
    found = [run.largest for size in reversed(over_data) for run in evidence.throughput_outputs(size).runs]
    worst = max(found, key=lambda largest: (math.isnan(largest), largest))
    return within(worst, spec.om.batch_bound(on_device=evidence.on_device))


@GATES.take(
    ids.OM_PERF_FLOOR,
    "Is one chip as quick as the floor of its machine class?",
    per_batch=True,
    basis=Basis.RECOMPUTED,
    where=Where.DEVICE,
)
def _floor(evidence: Evidence, batch: int) -> Check:
    found = evidence.device_throughput(batch)
    return floor(slowest_rates(found.runs), evidence.device_class(), batch, busy=found.busy)


@GATES.take(
    ids.OM_PERF_PLAUSIBLE,
    "Is the throughput one that the chip can reach, and not images counted twice?",
    per_batch=True,
    basis=Basis.RECOMPUTED,
    where=Where.DEVICE,
)
def _plausible(evidence: Evidence, batch: int) -> Check:
    found = evidence.device_throughput(batch)
    return plausible(fastest(found.runs), evidence.device_class(), evidence.spec.model.flops_per_image, batch)


@GATES.take(
    ids.OM_PERF_OPERATORS,
    "Is the profile of the chip's operators whole, and one of this very OM?",
    per_batch=True,
    basis=Basis.RECOMPUTED,
    where=Where.PROFILE,
)
def _operators(evidence: Evidence, batch: int) -> Check:
    return profile_check(evidence.profile(batch))
