"""The sample of any port: what judges generated images and weights that are made for this network on the spot.

Everything is the port's own but what speaks of its published weights and images: figures and digests are absent, not
zero, the data set is the generated one, and what was meant for 50,000 images is what so few can prove.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from tools.judge import records
from tools.judge.numbers import AtMost, Exactly, Fact, Positive
from tools.judge.spec import Accuracy, Agreement, Checkpoint, Dataset, LogitAgreement, Spec, ThroughputRuns
from tools.ports.document import read_document, value_of
from tools.ports.spec import Port

POLICY = Path(__file__).with_name("sample_policy.yaml")
ID_FORMAT = "ILSVRC2012_val_{:08d}"
SOURCE = "the sample of any port, tools/sample/any_port.py"
WHY_DROP = "so few images, none of them lost, prove that fewer than 2.4 pp are"
WHY_RUNS = "random weights: more runs would say it again"
TURNED = "turned into its sample: generated images, weights made for them, no published figures"


@dataclass(frozen=True)
class HostRounds:
    """How often the host's engines are timed, and over how many images at least."""

    rounds: Positive
    min_images_per_round: Positive


@dataclass(frozen=True)
class SamplePolicy:
    """The numbers of sample_policy.yaml."""

    images: Positive
    drop_pp: float
    onnx_image_slope_error: AtMost
    om_on_simulator: LogitAgreement
    device_error_multiple: Fact
    om_on_device: LogitAgreement
    throughput_runs: ThroughputRuns
    host_perf: HostRounds


def sample_port(port: Port, policy_from: Path = POLICY) -> Port:
    """The port as its sample, which the policy's file belongs to as well; a sample already is left as it is."""
    if port.spec.kind == "sample":
        return port
    root, content = read_document(policy_from)
    policy = records.read(SamplePolicy, value_of(root))
    return replace(port, spec=_sample_spec(port.spec, policy), files={**port.files, POLICY.name: content})


def _sample_spec(spec: Spec, policy: SamplePolicy) -> Spec:
    name = f"{spec.port}_sample"
    images = Exactly(exactly=policy.images, unit="images", source=SOURCE)
    return replace(
        spec,
        port=name,
        kind="sample",
        checkpoint=Checkpoint(file=f"{name}.pth", source=SOURCE),
        dataset=Dataset(images=images, id_format=ID_FORMAT, classes=spec.dataset.classes, source=SOURCE),
        accuracy=_accuracy(spec.accuracy, policy),
        agreement=_agreement(spec.agreement, policy),
        host_perf=replace(
            spec.host_perf,
            rounds=policy.host_perf.rounds,
            min_images_per_round=policy.host_perf.min_images_per_round,
        ),
        om=replace(spec.om, throughput_runs=policy.throughput_runs),
        devices=tuple(replace(device, om_top1=None, om_top5=None, throughput=()) for device in spec.devices),
        reasons={**spec.reasons, "om.throughput_runs": WHY_RUNS, "host_perf": WHY_RUNS},
    )


def _agreement(asked: Agreement, policy: SamplePolicy) -> Agreement:
    """What arithmetic may cost weights that are made and not trained, unless the port allows more of anything."""
    if policy.onnx_image_slope_error.at_most > asked.onnx.image_slope_error.at_most:
        asked = replace(asked, onnx=replace(asked.onnx, image_slope_error=policy.onnx_image_slope_error))
    both = ((asked.om_on_simulator, policy.om_on_simulator), (asked.om_on_device, policy.om_on_device))
    if any(own.distances[name] > made.distances[name] for own, made in both for name in made.distances):
        return asked
    multiple = policy.device_error_multiple
    return replace(
        asked,
        om_on_simulator=policy.om_on_simulator,
        device_error_multiple=multiple,
        om_on_device=policy.om_on_device,
    )


def _accuracy(asked: Accuracy, policy: SamplePolicy) -> Accuracy:
    return replace(
        asked,
        pth_top1=None,
        pth_top5=None,
        top1_drop_pp=_drop(asked.top1_drop_pp, policy),
        top5_drop_pp=_drop(asked.top5_drop_pp, policy),
    )


def _drop(asked: AtMost, policy: SamplePolicy) -> AtMost:
    """A bound that so few images can prove, unless the port's own is wider."""
    if asked.at_most >= policy.drop_pp:
        return asked
    return AtMost(at_most=policy.drop_pp, unit=asked.unit, source=WHY_DROP, reason=f"{policy.images} images")
