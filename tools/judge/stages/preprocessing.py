"""Gates of images, labels, bins and the .info list."""

from __future__ import annotations

from tools.judge import ids
from tools.judge.checks import complete, conserved, made, none_of, not_judged, pinned, within
from tools.judge.dataset import all_by_name, byte_equal_percent
from tools.judge.evidence import Evidence
from tools.judge.gate import Inventory, Where
from tools.judge.handover import first_few
from tools.judge.results import Check

GATES = Inventory()
MOST_NAMED = 3
TAKEN_BY_JPEGD = "CANN, JPEGD: functions and restrictions (Huffman coding, not progressive, YUV of 8 bits, 32..8192 px)"


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


@GATES.take(
    ids.PREPROCESSING_JPEG,
    "Is every image a JPEG file that the chip's decoder is documented to take?",
    where=Where.JPEG,
)
def _jpeg(evidence: Evidence, batch: int) -> Check:
    facts = evidence.jpegs()
    return none_of(facts.unfit, among=facts.among, unit="images unfit", source=TAKEN_BY_JPEGD)


@GATES.take(ids.PREPROCESSING_BINS, "Has every image its bin, and no bin another image?", where=Where.BINS)
def _bins_match(evidence: Evidence, batch: int) -> Check:
    return conserved(evidence.handover("bins"))


@GATES.take(ids.PREPROCESSING_INFO, "Does the .info list name every input of the OM once?")
def _info_matches(evidence: Evidence, batch: int) -> Check:
    return conserved(evidence.handover("info"))


@GATES.take(
    ids.PREPROCESSING_INFO_SIZE, "Does the .info list give every JPEG file the size in its header?", where=Where.JPEG
)
def _info_size(evidence: Evidence, batch: int) -> Check:
    facts = evidence.jpegs()
    source = "the tool decodes into a buffer of the size in the list"
    return none_of(facts.wrong_size, among=facts.among, unit="images listed wrong", source=source)


@GATES.take(ids.PREPROCESSING_BIN_SIZE, "Has every bin the size of one image in the input's type?", where=Where.BINS)
def _bin_size(evidence: Evidence, batch: int) -> Check:
    facts = evidence.bins()
    return none_of(
        facts.wrong_size, among=facts.among, unit="bins of other size", source=evidence.spec.preprocessing.source
    )


@GATES.take(ids.PREPROCESSING_FINITE, "Is every value of every bin finite?", where=Where.FLOAT_BINS)
def _finite_bins(evidence: Evidence, batch: int) -> Check:
    facts = evidence.bins()
    return none_of(
        facts.not_finite, among=facts.among, unit="bins not finite", source=evidence.spec.preprocessing.source
    )


@GATES.take(
    ids.PREPROCESSING_VALUE_RANGE,
    "Does every value lie between what bytes 0 and 255 are normalised to?",
    where=Where.FLOAT_BINS,
)
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
    unit = "of the checkpoint's pictures differing" if asked.is_jpeg else "bins differing"
    return none_of(facts.differing, among=len(facts.looked_at), unit=unit, source=asked.source)


def _pinned(evidence: Evidence, measured: str, stated: str | None) -> Check:
    data, asked = evidence.dataset(), evidence.spec.dataset
    gap = "" if all_by_name(data, asked) else "these are other images than the pinned ones, or a part of them"
    return pinned(measured, stated, gap=gap, source=asked.source)


@GATES.take(
    ids.PREPROCESSING_IMAGES_SHA256,
    "Are images and label file the pinned ones, byte for byte?",
    where=Where.CONTENT,
)
def _pinned_images(evidence: Evidence, batch: int) -> Check:
    return _pinned(evidence, evidence.dataset().images_sha256, evidence.spec.dataset.content_sha256)


@GATES.take(
    ids.PREPROCESSING_LABELS_SHA256,
    "Are the labels the pinned ones, whatever file they stand in?",
    where=Where.LABELS_PINNED,
)
def _pinned_labels(evidence: Evidence, batch: int) -> Check:
    return _pinned(evidence, evidence.dataset().labels_sha256, evidence.spec.dataset.labels_sha256)


@GATES.take(ids.PREPROCESSING_BYTE_EQUAL, "Is hardly any image byte for byte another one under a second name?")
def _byte_equal(evidence: Evidence, batch: int) -> Check:
    data = evidence.dataset()
    named = first_few(tuple(" and ".join(names[:MOST_NAMED]) for names in data.byte_equal), MOST_NAMED)
    bound = evidence.spec.preprocessing.byte_equal_percent
    return within(byte_equal_percent(data), bound, detail=f"byte for byte the same: {named}")
