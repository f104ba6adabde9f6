"""Stage preprocessing: every labelled image has its bin, and the bin is what the training code would have made."""

from __future__ import annotations

from fixtures.gates import Judged, gate


@gate("preprocessing.labels")
def test_labels_can_be_read(judged: Judged) -> None:
    assert judged.passed


@gate("preprocessing.images")
def test_images_can_be_decoded(judged: Judged) -> None:
    assert judged.passed


@gate("preprocessing.ids")
def test_labels_and_images_belong_together(judged: Judged) -> None:
    assert judged.passed


@gate("preprocessing.dataset_complete")
def test_data_set_is_the_one_the_spec_asks_for(judged: Judged) -> None:
    assert judged.passed


@gate("preprocessing.images_sha256")
def test_images_are_the_pinned_ones(judged: Judged) -> None:
    assert judged.passed


@gate("preprocessing.labels_sha256")
def test_labels_are_the_pinned_ones(judged: Judged) -> None:
    assert judged.passed


@gate("preprocessing.byte_equal_percent")
def test_hardly_any_image_is_another_ones_copy(judged: Judged) -> None:
    assert judged.passed


@gate("preprocessing.jpeg")
def test_every_image_is_a_jpeg_that_the_chip_decodes(judged: Judged) -> None:
    assert judged.passed


@gate("preprocessing.bins")
def test_every_image_has_its_bin(judged: Judged) -> None:
    assert judged.passed


@gate("preprocessing.info")
def test_info_list_names_every_bin(judged: Judged) -> None:
    assert judged.passed


@gate("preprocessing.info_size")
def test_info_list_has_every_jpegs_own_size(judged: Judged) -> None:
    assert judged.passed


@gate("preprocessing.bin_size")
def test_every_bin_is_one_image(judged: Judged) -> None:
    assert judged.passed


@gate("preprocessing.finite")
def test_every_value_is_finite(judged: Judged) -> None:
    assert judged.passed


@gate("preprocessing.value_range")
def test_every_value_is_a_normalised_byte(judged: Judged) -> None:
    assert judged.passed


@gate("preprocessing.torchvision_parity")
def test_bins_are_what_torchvision_makes(judged: Judged) -> None:
    assert judged.passed
