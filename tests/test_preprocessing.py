"""Stage preprocessing: every labelled image has its bin, and the bin is what the training code would have made."""

from __future__ import annotations

import pytest

from fixtures.gates import JudgeGate
from fixtures.preprocessing import Parity, Pixels
from tools.data.bins_check import BinFacts
from tools.data.dataset import LabelledImages
from tools.data.info import InfoRow
from tools.judge.checks import complete, conserved, made, none_of, pinned
from tools.judge.handover import handover
from tools.judge.spec import Spec
from tools.pipeline.inputs import Inputs

pytestmark = [pytest.mark.preprocessing, pytest.mark.accuracy]

RECIPE = "guide, imagenet_torch_preprocess.py"


@pytest.mark.gate("preprocessing.labels")
def test_labels_can_be_read(dataset: LabelledImages, gate: JudgeGate) -> None:
    judged = gate(made(f"{len(dataset.labels)} labels"))
    assert judged.passed, judged.message


@pytest.mark.gate("preprocessing.images")
def test_images_can_be_decoded(pixels: Pixels, gate: JudgeGate) -> None:
    judged = gate(made(f"{len(pixels.store.ids)} images"))
    assert judged.passed, judged.message


@pytest.mark.gate("preprocessing.ids")
def test_labels_and_images_belong_together(dataset: LabelledImages, gate: JudgeGate) -> None:
    judged = gate(conserved(dataset.handover))
    assert judged.passed, judged.message


@pytest.mark.gate("preprocessing.dataset_complete")
def test_data_set_is_the_one_the_spec_asks_for(dataset_gap: str, on_device: bool, spec: Spec, gate: JudgeGate) -> None:
    judged = gate(complete(dataset_gap, spec.dataset.images, required=on_device))
    assert judged.passed, judged.message


@pytest.mark.gate("preprocessing.images_sha256")
def test_images_are_the_pinned_ones(images_sha256: str, inputs: Inputs, spec: Spec, gate: JudgeGate) -> None:
    judged = gate(pinned(images_sha256, spec.dataset, own=not inputs.whole_sample))
    assert judged.passed, judged.message


@pytest.mark.gate("preprocessing.bins")
def test_every_image_has_its_bin(dataset: LabelledImages, bin_ids: tuple[str, ...], gate: JudgeGate) -> None:
    judged = gate(conserved(handover("images", dataset.ids, "bins", bin_ids)))
    assert judged.passed, judged.message


@pytest.mark.gate("preprocessing.info")
def test_info_list_names_every_bin(bin_ids: tuple[str, ...], info_rows: tuple[InfoRow, ...], gate: JudgeGate) -> None:
    judged = gate(conserved(handover("bins", bin_ids, ".info list", [row.id for row in info_rows])))
    assert judged.passed, judged.message


@pytest.mark.gate("preprocessing.bin_size")
def test_every_bin_is_one_float32_image(bin_facts: BinFacts, gate: JudgeGate) -> None:
    judged = gate(none_of(bin_facts.wrong_size, among=bin_facts.among, unit="bins of other size", source=RECIPE))
    assert judged.passed, judged.message


@pytest.mark.gate("preprocessing.finite")
def test_every_value_is_finite(bin_facts: BinFacts, gate: JudgeGate) -> None:
    judged = gate(none_of(bin_facts.not_finite, among=bin_facts.among, unit="bins not finite", source=RECIPE))
    assert judged.passed, judged.message


@pytest.mark.gate("preprocessing.value_range")
def test_every_value_is_a_normalised_byte(bin_facts: BinFacts, gate: JudgeGate) -> None:
    judged = gate(none_of(bin_facts.out_of_range, among=bin_facts.among, unit="bins out of range", source=RECIPE))
    assert judged.passed, judged.message


@pytest.mark.gate("preprocessing.torchvision_parity")
def test_bins_are_what_torchvision_makes(parity: Parity, gate: JudgeGate) -> None:
    judged = gate(none_of(parity.differing, among=len(parity.looked_at), unit="bins differing", source=RECIPE))
    assert judged.passed, judged.message
