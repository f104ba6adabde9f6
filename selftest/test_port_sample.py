"""The sample of any port: weights are made that classify the generated images, and the whole path is judged on them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from selftest.faults.accuracy_faults import edit_predictions
from selftest.ports.tiny import TinyPort, tiny_port
from tools.base.errors import SuiteError
from tools.evidence.record_file import read_acceptance
from tools.judge.acceptance import Acceptance
from tools.judge.bundle import open_files
from tools.judge.ids import ONNX, PTH
from tools.judge.results import Verdict, Word
from tools.judge.run import judge_run
from tools.judge.verify import OK, verify
from tools.pipeline.run import open_run
from tools.pipeline.setup import prepare
from tools.ports.sample_port import POLICY, sample_port
from tools.ports.spec import load_port, port_path
from tools.report_bundle import _as_written
from tools.sample import any_port
from tools.sample import images as sample
from tools.sample.head import Fitted, Head, fold

ABOVE_CHANCE = PTH.gate("above_chance")
ONNX_DROPS = tuple(ONNX.gate(f"top{k}_drop_pp") for k in (1, 5))
SOFTMAX = ("return logits if", "logits = torch.softmax(logits, 1)\n        return logits if")


@pytest.fixture(scope="module", autouse=True)
def _painted_once() -> Iterator[None]:
    """Each generated image is painted once for all tests: the same bytes, in a tenth of the time."""
    right, kept = sample.ImageSet.jpeg, {}

    def painted(images: sample.ImageSet, index: int) -> bytes:
        key = index, images.codes[index].tobytes()
        if key not in kept:
            kept[key] = right(images, index)
        return kept[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sample.ImageSet, "jpeg", painted)
        yield


def sample_of(folder: Path, **given: Any) -> TinyPort:  # noqa: ANN401 - whatever a tiny port is given
    """A tiny port whose sample may lose as much as that of a shipped port; its own images are fewer and prove less."""
    port = tiny_port(folder, **given)
    port.edit("drop_pp: {at_most: 10.0", "drop_pp: {at_most: 5.0")
    return port


def options(port: TinyPort, evidence: str = "evidence") -> dict[str, str | None]:
    """Nothing but the port: weights, images and labels are made."""
    beside = port.port.parent.parent
    places = {"port": port.port, "cache": beside / "cache", "evidence": beside / evidence}
    return {**{name: str(path) for name, path in places.items()}, "target": "simulator"}


def whole_run(port: TinyPort) -> tuple[Acceptance, list[str]]:
    """The record of a run of all gates, and the lines of the offline judge, which says the same."""
    named = options(port)
    with open_run(named, sample=True) as run:
        run.judge_all()
        published = run.publish()
    bundle = Path(str(named["evidence"]))
    outcome = verify([("bundle", partial(open_files, bundle))], None)
    assert (outcome.status, outcome.word) == (OK, published.verdict.word), outcome.text
    return read_acceptance(bundle), list(outcome.lines)


def hindering(record: Acceptance) -> dict[str, str]:
    return {result.id: f"{result.check}" for result in record.gates if result.check.hinders}


def with_network(port: TinyPort, old: str, new: str) -> TinyPort:
    source = port.port.parent / "tiny_net.py"
    text = source.read_text(encoding="utf-8")
    assert old in text
    source.write_text(text.replace(old, new), encoding="utf-8")
    return port


@dataclasses.dataclass(frozen=True)
class Tried:
    """A whole run of a port that has neither weights nor images, and the cache that it left."""

    port: TinyPort
    record: Acceptance
    lines: list[str]


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Tried:
    port = sample_of(tmp_path_factory.mktemp("tried") / "port")
    port.checkpoint.unlink()
    return Tried(port, *whole_run(port))


@pytest.mark.slow
def test_a_port_without_weights_or_images_is_tried_end_to_end(tried: Tried) -> None:
    record = tried.record
    assert hindering(record) == {}
    assert record.verdict.banner == "SIMULATED (SAMPLE, UNPINNED)"
    assert record.spec is not None
    assert (record.spec.port, record.spec.kind) == ("tiny_sample", "sample")
    assert "turned into its sample" in record.spec.why
    assert record.dataset is not None
    assert (record.dataset.images, record.dataset.embedded_sample, record.dataset.gap) == (200, True, "")
    assert not record.dataset.labels_by_reference
    reference = next(variant for variant in record.variants if variant.name == PTH)
    assert 10 < reference.accuracy[0].percent < 100
    assert any("SAMPLE" in line for line in tried.lines)
    assert any("made for this port" in line for line in record.inputs)


@pytest.mark.slow
def test_a_second_run_makes_no_sample_anew(tried: Tried) -> None:
    with open_run(options(tried.port, "again"), sample=True) as run:
        assert run.judge(ABOVE_CHANCE).verdict is Verdict.PASS
        assert [line for line in run.context.log if line.startswith("miss")] == []


@pytest.mark.slow
def test_its_word_on_a_device_would_be_sample(tried: Tried) -> None:
    passed = [result for result in tried.record.gates if result.check.verdict is Verdict.PASS]
    verdict = judge_run([result.id for result in passed], passed, sample=True, simulated=False, unpinned=True)
    assert verdict.word is Word.SAMPLE


@pytest.mark.slow
def test_its_bundle_comes_to_what_its_files_say(tried: Tried) -> None:
    folder = Path(str(options(tried.port)["evidence"]))
    _as_written(folder, tried.record)
    assert (folder / "port" / POLICY.name).read_bytes() == POLICY.read_bytes()


def made(port: TinyPort, folder: Path) -> tuple[any_port.SampleMade, list[int], float]:
    """The sample of a port: how it was made, its labels, and the share that its checkpoint gets right."""
    import torch

    from tools.data.preprocess import image_pixels, normalised
    from tools.model.network import Network

    spec = sample_port(load_port(port.port)).spec
    network = Network(spec.model, port.port.parent)
    folder.mkdir(exist_ok=True)
    found = any_port.make(spec, network, folder)
    lines = [line.split() for line in (folder / sample.LABEL_FILE).read_text(encoding="ascii").splitlines()]
    files, recipe = [folder / sample.IMAGES_FOLDER / name for name, _ in lines], spec.preprocessing
    labels = [int(label) for _, label in lines]
    pixels = [normalised(image_pixels(file.read_bytes(), recipe), recipe) for file in files]
    weights = torch.load(folder / spec.checkpoint.file, weights_only=True)
    logits = network.build(weights)(torch.from_numpy(np.stack(pixels)))
    best = logits.argmax(dim=1).numpy() - spec.model.label_offset
    return found, labels, float((best == np.array(labels)).mean())


@pytest.mark.parametrize(("classes", "offset", "least"), [(2, 0, 0.6), (3, 1, 0.45), (1000, 1, 0.05), (1200, 0, 0.05)])
def test_any_number_of_classes_is_classified_beyond_guessing(
    classes: int, offset: int, least: float, tmp_path: Path
) -> None:
    port = sample_of(tmp_path / "port", classes=classes, label_offset=offset)
    found, labels, right = made(port, tmp_path / "made")
    assert not found.labels_by_reference
    assert max(labels) < classes
    assert right > least


def test_the_same_sample_is_made_again(tmp_path: Path) -> None:
    port = sample_of(tmp_path / "port", classes=10)
    made(port, tmp_path / "one")
    made(port, tmp_path / "two")
    for name in ("tiny_sample.pth", sample.LABEL_FILE, f"{sample.IMAGES_FOLDER}/{sample.IMAGE_NAME.format(200)}"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_network_that_lends_itself_to_no_fit_is_labelled_by_itself_and_says_so(tmp_path: Path) -> None:
    port = with_network(sample_of(tmp_path / "port", classes=10), *SOFTMAX)
    found, labels, right = made(port, tmp_path / "made")
    assert "no one Linear or convolution makes its logits" in found.why
    assert right == 1.0
    assert max(map(labels.count, labels)) < 100


def test_a_network_that_answers_all_images_alike_gets_no_sample(tmp_path: Path) -> None:
    blind = "torch.flatten(features, 1))\n", "0 * torch.flatten(features, 1))\n"
    port = with_network(sample_of(tmp_path / "port", classes=10), *blind)
    with pytest.raises(SuiteError, match=r"answers nearly all images alike.*found 0\.0 pp; allowed >= 15 pp"):
        made(port, tmp_path / "made")


NEARLY_BLIND = "torch.flatten(features, 1))\n", "torch.flatten(features, 1) * (torch.arange(128) < 12))\n"
"""Twelve numbers of an image do not tell a thousand classes apart."""


def test_a_network_that_reads_too_little_is_labelled_by_itself_and_its_drop_can_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = options(with_network(sample_of(tmp_path / "port", classes=1000), *NEARLY_BLIND))
    with open_run(named, sample=True) as run:
        assert "is right on" in run.dataset().labels_by_reference
        assert [run.judge(gate).verdict for gate in ONNX_DROPS] == [Verdict.PASS] * 2
    edit_predictions(monkeypatch, "onnx", lambda logits: np.roll(logits, 1, axis=0))
    with open_run(named, sample=True) as run:
        assert [run.judge(gate).verdict for gate in ONNX_DROPS] == [Verdict.FAIL] * 2


VERSIONED = """    def _load_from_state_dict(self, state, prefix, said, *rest):
        if said.get("version") is None:
            raise ValueError("no version")
        super()._load_from_state_dict(state, prefix, said, *rest)

    def forward(self, images):"""


def test_weights_keep_the_version_that_a_network_asks_for_when_it_loads_them(tmp_path: Path) -> None:
    port = with_network(sample_of(tmp_path / "port", classes=10), "    def forward(self, images):", VERSIONED)
    _, _, right = made(port, tmp_path / "made")
    assert right > 0.2


def test_labels_of_the_reference_are_told_in_verdict_and_evidence_and_its_accuracy_is_not_judged(
    tmp_path: Path,
) -> None:
    port = with_network(sample_of(tmp_path / "port", classes=10), *SOFTMAX)
    with open_run(options(port), sample=True) as run:
        check = run.judge(ABOVE_CHANCE)
        verdict = run.publish().verdict
        assert run.dataset().labels_by_reference
    assert check.verdict is Verdict.NOT_JUDGED
    assert any("the labels are the reference's own predictions" in line for line in verdict.remarks)
    assert read_acceptance(tmp_path / "evidence").dataset is not None


def test_a_head_on_the_wrong_rows_is_found_before_its_predictions_become_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = fold

    def shifted(head: Head, made: Fitted) -> None:
        right(head, Fitted(np.roll(made.weight, 7, axis=0), np.roll(made.bias, 7)))

    monkeypatch.setattr(any_port, "fold", shifted)
    with pytest.raises(SuiteError, match="head: the network's last layer gives other logits than were fitted"):
        made(sample_of(tmp_path / "port"), tmp_path / "made")


def test_labels_of_other_images_are_found_by_the_gate_of_chance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = sample.write_labelled

    def shifted(folder: Path, images: sample.ImageSet, rows: list[int], labels: list[int]) -> None:
        right(folder, images, rows, [*labels[7:], *labels[:7]])

    monkeypatch.setattr(sample, "write_labelled", shifted)
    with open_run(options(sample_of(tmp_path / "port")), sample=True) as run:
        assert run.judge(ABOVE_CHANCE).verdict is Verdict.FAIL


def test_a_network_with_other_outputs_than_the_port_says_is_refused(tmp_path: Path) -> None:
    port = sample_of(tmp_path / "port", classes=10)
    port.edit("classes: 10, source", "classes: 12, source")
    with pytest.raises(SuiteError, match=r"found \[2, 10\]; allowed \[2, 12\]"):
        made(port, tmp_path / "made")


@pytest.mark.parametrize("name", ["resnet50", "alexnet", "efficientnet_lite0", "vit_b_16"])
def test_the_sample_of_a_port_has_its_contract_and_none_of_its_figures(name: str) -> None:
    real = load_port(port_path(name))
    turned = sample_port(real)
    spec = turned.spec
    assert (spec.kind, spec.port) == ("sample", f"{name}_sample")
    assert set(turned.files) == {*real.files, POLICY.name}
    assert not spec.checkpoint.pinned
    assert (spec.accuracy.pth_top1, spec.accuracy.pth_top5, spec.has_figures) == (None, None, False)
    assert (spec.dataset.content_sha256, spec.dataset.labels_sha256) == (None, None)
    for section in ("model", "onnx", "preprocessing", "batches"):
        assert getattr(spec, section) == getattr(real.spec, section)
    assert dataclasses.replace(spec.om, throughput_runs=real.spec.om.throughput_runs) == real.spec.om
    assert spec.accuracy.top1_drop_pp.at_most == 5.0


def test_what_fp16_may_cost_made_weights_is_more_than_ports_are_allowed_unless_the_port_allows_more() -> None:
    real = load_port(port_path("resnet50"))
    made = sample_port(real).spec.agreement
    asked = real.spec.agreement
    assert made.int8 == asked.int8
    times = {name: made.onnx.distances[name] / asked.onnx.distances[name] for name in asked.onnx.distances}
    assert times == pytest.approx({name: 10 if name == "image_slope_error" else 1 for name in times})
    for ours, theirs in ((made.om_on_simulator, asked.om_on_simulator), (made.om_on_device, asked.om_on_device)):
        times = {name: ours.distances[name] / theirs.distances[name] for name in ours.distances}
        assert times == pytest.approx(
            {name: 100 if "cosine" in name else 8 if "top5" in name else 10 for name in times}
        )
    one = dataclasses.replace(asked.device_error_multiple, value=1.0)
    loose = dataclasses.replace(
        asked,
        onnx=made.onnx,
        om_on_simulator=made.om_on_device,
        device_error_multiple=one,
        om_on_device=made.om_on_device,
    )
    own = dataclasses.replace(real, spec=dataclasses.replace(real.spec, agreement=loose))
    assert sample_port(own).spec.agreement == loose


def test_a_port_that_is_a_sample_stays_as_it_is() -> None:
    shipped = load_port(port_path("alexnet_sample"))
    assert sample_port(shipped) is shipped


def test_the_header_names_the_sample_and_a_real_run_points_to_it(tmp_path: Path) -> None:
    def prepared(**words: Any) -> list[str]:  # noqa: ANN401 - options
        return prepare(
            {"port": "resnet50", "target": "simulator"}, {}, here=tmp_path, filesystem=tmp_path, **words
        ).lines()

    lines = prepared(sample=True)
    assert any(line.startswith("port: resnet50_sample, ") and "turned into its sample" in line for line in lines)
    assert any("the labels are its own predictions" in line for line in lines)
    with pytest.raises(SuiteError, match="--sample tries the whole path"):
        prepared(sample=False)
