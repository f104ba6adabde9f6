"""Gates of images, labels, bins and the .info list."""

from __future__ import annotations

from tools.judge import ids
from tools.judge.checks import complete, conserved, made, none_of, not_judged, pinned
from tools.judge.evidence import Evidence
from tools.judge.gate import Inventory, Where
from tools.judge.results import Check

GATES = Inventory()


@GATES.take(ids.PREPROCESSING_LABELS, "Can every label line be read, once for each image and in range?")
def _labels(evidence: Evidence, batch: int) -> Check:
    return made(f"{evidence.dataset().images} labels")


@GATES.take(ids.PREPROCESSING_IMAGES, "Can every image be decoded to its last pixel?")
def _images(evidence: Evidence, batch: int) -> Check:
    handed = evidence.handover("images")
    return made(f"{handed.expected} images") if handed.conserved else conserved(handed)


@GATES.take(ids.PREPROCESSING_IDS, "Has every label its image and every image its label?")
def _ids_match(evidence: Evidence, batch: int) -> Check:
    return conserved(evidence.handover("labels"))


@GATES.take(ids.PREPROCESSING_DATASET_COMPLETE, "Are these the images that the port asks for, all of them?")
def _complete(evidence: Evidence, batch: int) -> Check:
    return complete(evidence.gap(), evidence.spec.dataset.images, required=evidence.on_device)


@GATES.take(ids.PREPROCESSING_BINS, "Has every image its bin, and no bin another image?")
def _bins_match(evidence: Evidence, batch: int) -> Check:
    return conserved(evidence.handover("bins"))


@GATES.take(ids.PREPROCESSING_INFO, "Does the .info list name every bin once?")
def _info_matches(evidence: Evidence, batch: int) -> Check:
    return conserved(evidence.handover("info"))


@GATES.take(ids.PREPROCESSING_BIN_SIZE, "Has every bin the size of one image in the input's type?")
def _bin_size(evidence: Evidence, batch: int) -> Check:
    facts = evidence.bins()
    return none_of(
        facts.wrong_size, among=facts.among, unit="bins of other size", source=evidence.spec.preprocessing.source
    )


@GATES.take(ids.PREPROCESSING_FINITE, "Is every value of every bin finite?")
def _finite_bins(evidence: Evidence, batch: int) -> Check:
    facts = evidence.bins()
    return none_of(
        facts.not_finite, among=facts.among, unit="bins not finite", source=evidence.spec.preprocessing.source
    )


@GATES.take(ids.PREPROCESSING_VALUE_RANGE, "Does every value lie between what bytes 0 and 255 are normalised to?")
def _value_range(evidence: Evidence, batch: int) -> Check:
    facts = evidence.bins()
    return none_of(
        facts.out_of_range, among=facts.among, unit="bins out of range", source=evidence.spec.preprocessing.source
    )


@GATES.take(ids.PREPROCESSING_TORCHVISION_PARITY, "Are the bins byte for byte what a library's own transforms make?")
def _parity(evidence: Evidence, batch: int) -> Check:
    facts, asked = evidence.parity(), evidence.spec.preprocessing
    if asked.function is not None:
        reason = f"nothing but {asked.function} says what pixels it should make"
        return not_judged(reason, unit="bins differing", source=asked.source)
    return none_of(facts.differing, among=len(facts.looked_at), unit="bins differing", source=asked.source)


@GATES.take(ids.PREPROCESSING_IMAGES_SHA256, "Are the sample's images and labels the pinned ones?", where=Where.SAMPLE)
def _pinned_images(evidence: Evidence, batch: int) -> Check:
    data = evidence.dataset()
    own = not data.embedded_sample or data.limit is not None
    return pinned(data.images_sha256, evidence.spec.dataset, own=own)
