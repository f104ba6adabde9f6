"""Stage accuracy: Top-1 and Top-5 of the checkpoint and of what was made from it, on the same images."""

from __future__ import annotations

from fixtures.gates import Judged, gate


@gate("pth.accuracy.reference_fits")
def test_pth_predictions_of_another_run_are_of_this_checkpoint_and_these_images(judged: Judged) -> None:
    assert judged.passed


@gate("pth.accuracy.reference_probe_abs_error")
def test_pth_predictions_are_those_of_this_cpu_on_a_probe(judged: Judged) -> None:
    assert judged.passed


@gate("pth.accuracy.ids")
def test_pth_predicts_every_label(judged: Judged) -> None:
    assert judged.passed


@gate("pth.accuracy.finite")
def test_pth_logits_are_finite(judged: Judged) -> None:
    assert judged.passed


@gate("pth.accuracy.top1_error_pp")
def test_pth_reaches_its_published_top1(judged: Judged) -> None:
    assert judged.passed


@gate("pth.accuracy.top5_error_pp")
def test_pth_reaches_its_published_top5(judged: Judged) -> None:
    assert judged.passed


@gate("pth.accuracy.above_chance")
def test_pth_classifies_beyond_guessing(judged: Judged) -> None:
    assert judged.passed


@gate("onnx.accuracy.ids")
def test_onnx_predicts_every_label(judged: Judged) -> None:
    assert judged.passed


@gate("onnx.accuracy.finite")
def test_onnx_logits_are_finite(judged: Judged) -> None:
    assert judged.passed


@gate("onnx.accuracy.top1_drop_pp")
def test_onnx_keeps_top1(judged: Judged) -> None:
    assert judged.passed


@gate("onnx.accuracy.top5_drop_pp")
def test_onnx_keeps_top5(judged: Judged) -> None:
    assert judged.passed


@gate("onnx.accuracy.min_cosine")
def test_onnx_logits_point_where_pths_do_for_the_worst_image(judged: Judged) -> None:
    assert judged.passed


@gate("onnx.accuracy.mean_cosine_distance")
def test_onnx_logits_point_there_on_average(judged: Judged) -> None:
    assert judged.passed


@gate("onnx.accuracy.max_abs_error")
def test_no_onnx_logit_is_further_off_than_arithmetic_explains(judged: Judged) -> None:
    assert judged.passed


@gate("onnx.accuracy.flips_beyond_near_tie")
def test_onnx_top_class_changes_at_near_ties_only(judged: Judged) -> None:
    assert judged.passed


@gate("onnx.accuracy.top5_set_changed_percent")
def test_onnx_five_best_classes_stay(judged: Judged) -> None:
    assert judged.passed


@gate("onnx.accuracy.slope_error")
def test_onnx_logits_are_not_scaled(judged: Judged) -> None:
    assert judged.passed


@gate("onnx.accuracy.mean_error")
def test_onnx_logits_are_as_often_too_high_as_too_low(judged: Judged) -> None:
    assert judged.passed


@gate("onnx.accuracy.column_error")
def test_onnx_favours_no_class(judged: Judged) -> None:
    assert judged.passed


@gate("onnx.accuracy.image_slope_error")
def test_no_image_of_onnx_is_scaled(judged: Judged) -> None:
    assert judged.passed


@gate("om.accuracy.ids")
def test_om_predicts_every_label(judged: Judged) -> None:
    assert judged.passed


@gate("om.accuracy.finite")
def test_om_logits_are_finite(judged: Judged) -> None:
    assert judged.passed


@gate("om.accuracy.top1_drop_pp")
def test_om_keeps_top1(judged: Judged) -> None:
    assert judged.passed


@gate("om.accuracy.top5_drop_pp")
def test_om_keeps_top5(judged: Judged) -> None:
    assert judged.passed


@gate("om.accuracy.min_cosine")
def test_om_logits_point_where_pths_do_for_the_worst_image(judged: Judged) -> None:
    assert judged.passed


@gate("om.accuracy.mean_cosine_distance")
def test_om_logits_point_there_on_average(judged: Judged) -> None:
    assert judged.passed


@gate("om.accuracy.max_abs_error")
def test_no_om_logit_is_further_off_than_arithmetic_explains(judged: Judged) -> None:
    assert judged.passed


@gate("om.accuracy.flips_beyond_near_tie")
def test_om_top_class_changes_at_near_ties_only(judged: Judged) -> None:
    assert judged.passed


@gate("om.accuracy.top5_set_changed_percent")
def test_om_five_best_classes_stay(judged: Judged) -> None:
    assert judged.passed


@gate("om.accuracy.slope_error")
def test_om_logits_are_not_scaled(judged: Judged) -> None:
    assert judged.passed


@gate("om.accuracy.mean_error")
def test_om_logits_are_as_often_too_high_as_too_low(judged: Judged) -> None:
    assert judged.passed


@gate("om.accuracy.column_error")
def test_om_favours_no_class(judged: Judged) -> None:
    assert judged.passed


@gate("om.accuracy.image_slope_error")
def test_no_image_of_om_is_scaled(judged: Judged) -> None:
    assert judged.passed


@gate("om.accuracy.top1_error_pp")
def test_om_reaches_the_published_top1(judged: Judged) -> None:
    assert judged.passed


@gate("om.accuracy.top5_error_pp")
def test_om_reaches_the_published_top5(judged: Judged) -> None:
    assert judged.passed
