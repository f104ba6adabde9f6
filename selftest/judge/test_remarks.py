"""What stands beside a verdict: how far checkpoint, images and recipe are known, what is of earlier runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tools.judge.acceptance import Reused
from tools.judge.accuracy import top_k_of
from tools.judge.basis import DeviceKind, ReferenceBasis, ReferenceDevice, ReferenceProbe
from tools.judge.facts import JpegFacts, ParityFacts, RecipeFacts, WeightFacts
from tools.judge.handed_in import HandedIn
from tools.judge.ids import PTH
from tools.judge.image_records import DatasetRecord
from tools.judge.machine_records import HostRecord, Versions
from tools.judge.operators import OperatorFacts
from tools.judge.prediction_records import ReferenceRecord, TakenReference, VariantRecord
from tools.judge.remarks import remarks
from tools.judge.spec import Spec
from tools.judge.spec_onnx import DeclaredWeights
from tools.ports.spec import PUBLISHED_SPEC, load_spec, port_path

SHA256 = "0" * 64
KNOWN = DatasetRecord(
    images=50000,
    embedded_sample=False,
    limit=None,
    ids_sha256="",
    images_sha256=SHA256,
    labels_sha256="",
    foreign_ids=0,
    byte_equal=(),
    gap="",
)
PART = replace(KNOWN, images=1000, limit=1000, gap="49000 missing")
OTHERS = replace(KNOWN, images=1000, foreign_ids=1000, gap="50000 missing")
LABELS = "up to 0.35 % of the labels could be wrong unseen: nothing pins them, and 50000 images tell no fewer"
PREFIX = "the checkpoint is pinned by the first 8 digits of its sha256 alone"
COVERED = OperatorFacts("8.1", "the table", 1, (), (11,))
NAMES = "the images are known by their names alone, no digest of the data set is pinned"


@pytest.fixture(scope="module")
def spec() -> Spec:
    """A port that pins all."""
    found = load_spec(PUBLISHED_SPEC)
    return replace(found, dataset=replace(found.dataset, content_sha256=SHA256))


def test_what_is_pinned_needs_no_remark(spec: Spec) -> None:
    assert remarks(spec, KNOWN, RecipeFacts("torchvision", ()), operators=COVERED) == ()
    assert remarks(spec, None, None) == ()


@pytest.mark.parametrize(
    ("digests", "said"),
    [
        ({"sha256_prefix": "0" * 8}, (PREFIX,)),
        ({"sha256_prefix": "0" * 8, "md5": "0" * 32}, ()),
        ({"sha256_prefix": "0" * 8, "sha256": SHA256}, ()),
        ({}, ()),  # whose verdict says UNPINNED
    ],
)
def test_a_checkpoint_pinned_by_a_prefix_alone_is_told(
    spec: Spec, digests: dict[str, str], said: tuple[str, ...]
) -> None:
    asked = replace(
        spec.checkpoint,
        md5=digests.get("md5"),
        sha256=digests.get("sha256"),
        sha256_prefix=digests.get("sha256_prefix"),
    )
    assert remarks(replace(spec, checkpoint=asked), KNOWN, None, None) == said


def test_images_known_by_names_are_told_once_all_are_there(spec: Spec) -> None:
    unpinned = replace(spec, dataset=replace(spec.dataset, content_sha256=None))
    assert remarks(unpinned, KNOWN, None) == (NAMES, LABELS)
    assert NAMES not in remarks(unpinned, PART, None)
    assert remarks(unpinned, None, None) == ()


def test_a_departure_from_the_stated_recipe_is_told_last(spec: Spec) -> None:
    departs = RecipeFacts("timm", ("mean [0.5], stated [0.4]",))
    unpinned = replace(spec, dataset=replace(spec.dataset, content_sha256=None))
    assert remarks(unpinned, KNOWN, departs) == (NAMES, LABELS, departs.remark)
    assert departs.remark


def test_what_share_of_wrong_labels_would_not_show(spec: Spec) -> None:
    unpinned = replace(spec, dataset=replace(spec.dataset, content_sha256=None))
    of_labels = replace(spec, dataset=replace(spec.dataset, content_sha256=None, labels_sha256=SHA256))
    assert remarks(of_labels, KNOWN, None) == (NAMES,)
    assert remarks(unpinned, PART, None) == (
        "up to 11 % of the labels could be wrong unseen: nothing pins them, and 1000 images tell no fewer",
    )
    assert remarks(spec, PART, None) == remarks(unpinned, PART, None), "a part has no digest of its own"
    nobody = replace(unpinned, accuracy=replace(spec.accuracy, pth_top1=None))
    assert remarks(nobody, KNOWN, None)[1:] == (
        "no digest of the labels is pinned and nobody published an accuracy: wrong labels could pass unseen",
    )
    assert remarks(unpinned, OTHERS, None) == ()


def test_labels_that_the_reference_itself_gave_are_told_in_place_of_a_share(spec: Spec) -> None:
    said = "the labels are the reference's own predictions: accuracy of the reference says nothing (run abc)"
    assert remarks(spec, replace(PART, labels_by_reference="run abc"), None) == (said,)


def test_byte_equal_images_are_named(spec: Spec) -> None:
    twice = replace(KNOWN, byte_equal=(("a", "b"), ("c", "d", "e")))
    (said,) = remarks(spec, twice, None)
    assert said == "0.006 % of the images are byte for byte another one: a and b, c and d and e"
    many = replace(KNOWN, byte_equal=(("a", "b", "c", "d"), ("e", "f"), ("g", "h"), ("i", "j")))
    assert remarks(spec, many, None)[0].endswith(": a and b and c, e and f, g and h, … 1 more")


def test_what_share_of_wrong_bins_the_comparison_could_have_missed(spec: Spec) -> None:
    looked_at = tuple(map(str, range(1024)))
    (said,) = remarks(spec, KNOWN, None, ParityFacts(looked_at, (), "torchvision"))
    assert said == (
        "bins of 1024 of 50000 images were compared with a library's transforms: "
        "wrong ones of fewer than 0.58 % of the images could pass unseen (95 %)"
    )
    all_of_them = replace(spec, dataset=replace(spec.dataset, images=replace(spec.dataset.images, exactly=1024.0)))
    known = replace(KNOWN, images=1024)
    assert remarks(all_of_them, known, None, ParityFacts(looked_at, (), "torchvision")) == ()
    assert remarks(spec, KNOWN, None, ParityFacts((), (), "")) == ()
    assert remarks(spec, KNOWN, None, ParityFacts(("0",), (), "torchvision"))[0].startswith("bins of 1 of 50000 ")


@pytest.mark.parametrize(
    ("right", "said"),
    [
        (
            3,
            "Top-1 of the checkpoint is 0.300 % on these images, 56.527 % was published on others: labels are probably",
        ),
        (560, ""),
        (990, "Top-1 of the checkpoint is 99.000 % on these images, 56.527 % was published on others"),
    ],
)
def test_on_other_images_an_accuracy_far_from_the_published_one_is_a_remark(right: int, said: str, spec: Spec) -> None:
    reference = VariantRecord(PTH, None, SHA256, (top_k_of(right, 1000, 1),), (), None)
    (found,) = remarks(spec, OTHERS, None, None, reference) or ("",)
    assert found.startswith(said)
    assert bool(found) is bool(said)
    assert ("labels are probably in another order" in found) is (right == 3)
    assert found == said or right == 3
    embedded = replace(OTHERS, embedded_sample=True)
    assert remarks(spec, embedded, None, None, reference) == (), "the sample says nothing of a port"
    assert remarks(replace(spec, kind="sample"), embedded, None, None, reference) == ((found,) if said else ())
    assert remarks(spec, KNOWN, None, None, reference) == (), "on the port's own a gate says it"


@pytest.mark.parametrize("release", ["", "6.0.1", "10.0"])
def test_a_table_of_another_release_is_said(release: str, spec: Spec) -> None:
    (said,) = remarks(spec, None, None, operators=replace(COVERED, release=release))
    coverage = replace(COVERED, release=release).coverage
    assert said == f"onnx.operators was judged by a table {coverage} (CANN {release or 'unknown'}): the table"


def test_outputs_and_times_of_earlier_runs_are_told_by_their_oldest_date(spec: Spec) -> None:
    first, last = "2026-11-20T10:00:00+00:00", "2026-11-21T10:00:00+00:00"
    reused = (
        Reused("predictions-om/1", last),
        Reused("predictions-om/2", first),
        Reused("host-throughput/1", last),
        Reused("onnx/1", first),
        Reused("bins/1", last),
    )
    timed = Reused("throughput-om_bs1/a/b", first)
    assert remarks(spec, KNOWN, None, reused=(timed, replace(timed, made_utc=last))) == (
        f"reused from earlier runs: throughput-om_bs1 made {first}",
    )
    there = replace(timed, made_on="A CPU, 2 cores, Linux 6")
    assert remarks(spec, KNOWN, None, reused=(there, replace(timed, made_utc=last, made_on="B"))) == (
        f"reused from earlier runs: throughput-om_bs1 made {first} on a host with A CPU, 2 cores, Linux 6",
    )
    said = f"host-throughput made {last}; predictions-om made {first}; 2 other artifacts, the oldest made {first}"
    assert remarks(spec, KNOWN, None, reused=reused) == (f"reused from earlier runs: {said}",)
    assert remarks(spec, KNOWN, None, reused=reused[3:4])[0].endswith(
        f"runs: 1 other artifacts, the oldest made {first}"
    )


def test_files_that_were_handed_in_are_told_first(spec: Spec) -> None:
    files = (HandedIn("onnx", "net.onnx", "ab" * 32, 7),)
    told = "handed in, not made by the suite: onnx (net.onnx, sha256 abababababab)"
    assert remarks(spec, replace(KNOWN, byte_equal=(("a", "b"),)), None, files=files)[0] == told


WEIGHTS = WeightFacts((), 9, 7, 0, 0, (), declared=("a.weight", "b.weight"))


def test_weights_that_a_port_declares_are_told_with_its_reason(spec: Spec) -> None:
    declared = DeclaredWeights(("*.weight",), "pruned by hand")
    own = replace(spec, onnx=replace(spec.onnx, handed_in=declared))
    assert remarks(own, KNOWN, None, weights=WEIGHTS) == (
        "2 weights are not the checkpoint's, the outputs alone are judged (a.weight, b.weight): pruned by hand",
    )
    for other, facts in ((own, None), (own, replace(WEIGHTS, declared=())), (spec, WEIGHTS)):
        assert remarks(other, KNOWN, None, weights=facts) == ()


def test_what_is_judged_as_int8_is_told(spec: Spec) -> None:
    both = replace(spec, onnx=replace(spec.onnx, arithmetic="int8"))
    oms = replace(spec, om=replace(spec.om, arithmetic="int8"))
    for own, judged in ((both, "the ONNX file and the OMs"), (oms, "the OMs")):
        said = f"int8: {judged} against the float checkpoint, by the bounds of agreement.int8"
        assert remarks(own, KNOWN, None) == (said,)


DEVICE = ReferenceDevice(DeviceKind.CUDA, "H200", "2.6.0", "12.4", ())
HERE = ReferenceRecord(DEVICE, None)
FROM_ELSEWHERE = TakenReference(
    run="abc",
    finished_utc="2026-11-20T10:00:00+00:00",
    manifest_sha256=SHA256,
    logits_sha256=SHA256,
    host=HostRecord("Linux", "x86_64", "a CPU", 8, 1),
    versions=Versions("3.11", {}, SHA256),
    device=DEVICE,
    basis=ReferenceBasis(SHA256, {}, 0, 1000, {}, 64, SHA256, SHA256, "pixels"),
)
GPU = "reference predictions of this run, on a GPU, device cuda H200 (torch 2.6.0, CUDA 12.4)"
OTHER_RUN = (
    "reference predictions of another run, abc, made 2026-11-20T10:00:00+00:00 on a host with a CPU, 8 cores, Linux, "
    "device cuda H200 (torch 2.6.0, CUDA 12.4)"
)


@pytest.mark.parametrize(
    ("images", "again", "said"),
    [
        (None, 0, "none was computed again here"),
        (64, None, "none was computed again here"),
        (None, 3, "3 of 0 were computed again here on the CPU"),
        (64, 64, "64 of 64 were computed again here on the CPU"),
        (
            64,
            32,
            "32 of 64 were computed again here on the CPU: wrong ones of fewer than 7.8 % of the images could pass "
            "unseen (95 %)",
        ),
    ],
)
def test_predictions_of_another_device_or_run_are_told_with_how_far_they_are_confirmed(
    images: int | None, again: int | None, said: str, spec: Spec
) -> None:
    probe = None if again is None else ReferenceProbe(tuple(map(str, range(again))), 0.0, "0")
    dataset = None if images is None else replace(PART, images=images)
    on_cpu = replace(DEVICE, kind=DeviceKind.CPU)
    plain = remarks(spec, dataset, None)
    taken = ReferenceRecord(DEVICE, FROM_ELSEWHERE)
    for made, whose in ((HERE, f"{GPU}"), (taken, OTHER_RUN)):
        assert remarks(spec, dataset, None, made=made, probe=probe) == (*plain, f"{whose}; {said}")
    assert remarks(spec, dataset, None, made=ReferenceRecord(on_cpu, None), probe=probe) == plain


def test_an_aipp_file_that_nobody_saw_is_told() -> None:
    aipp = load_spec(port_path("alexnet_aipp"))
    oms, onnx = (HandedIn(name, name, SHA256, 1) for name in ("om_bs1", "onnx"))
    unseen = "the AIPP file that OMs handed in were made with was not seen: they are judged by their outputs"
    assert unseen in remarks(aipp, None, None, files=(oms,))
    assert unseen not in remarks(aipp, None, None, files=(onnx,)) + remarks(aipp, None, None)
    assert unseen not in remarks(load_spec(PUBLISHED_SPEC), None, None, files=(oms,))


DECODER = (
    "JPEG input: the chip decodes and resizes (DVPP), by an arithmetic that is not known{squeezed}{stands}: no gate "
    "compares the OM's pixels or logits with the checkpoint's, the OMs are judged by the accuracy that they lose"
)
SQUEEZED = ", and it squeezes every picture into 256 x 256, which the recipe does not"
STANDS = "; the simulator stands for it with Pillow's decoder and filter"


@pytest.mark.parametrize(
    ("resize", "on_device", "said"),
    [
        (256, True, DECODER.format(squeezed=SQUEEZED, stands="")),
        (256, False, DECODER.format(squeezed=SQUEEZED, stands=STANDS)),
        ((256, 256), True, DECODER.format(squeezed="", stands="")),
    ],
)
def test_what_nobody_knows_of_the_chips_decoder_is_told(
    resize: int | tuple[int, int], on_device: bool, said: str
) -> None:
    jpeg = load_spec(port_path("alexnet_jpeg"))
    jpeg = replace(jpeg, preprocessing=replace(jpeg.preprocessing, resize_px=resize))
    found = remarks(jpeg, None, None, on_device=on_device)
    assert [line for line in found if line.startswith("JPEG input")] == [said]


def test_nothing_is_said_of_a_decoder_where_the_host_decodes() -> None:
    assert "JPEG input" not in "".join(remarks(load_spec(PUBLISHED_SPEC), None, None))


def test_turned_images_are_counted_and_some_are_named(spec: Spec) -> None:
    turned = JpegFacts(9, (), (), ("a", "b", "c", "d"))
    assert remarks(spec, None, None, jpegs=turned) == (
        "4 images have an EXIF orientation, which the chip's decoder obeys and the recipe does not: a, b, c, … 1 more",
    )
    assert remarks(spec, None, None, jpegs=replace(turned, turned=())) == ()


def test_how_the_oms_were_asked_to_compute_is_told(spec: Spec) -> None:
    wide = replace(spec, om=replace(spec.om, atc_extra_args=("--precision_mode=force_fp32",)))
    bounds = "; logits are held within the bounds of fp16, which are wider than this needs"
    assert remarks(wide, None, None, on_device=True) == (f"precision: force_fp32{bounds}",)
    int8 = replace(wide, om=replace(wide.om, arithmetic="int8"))
    assert remarks(int8, None, None, on_device=True)[1:] == ("precision: force_fp32",)
    implementation = replace(spec, om=replace(spec.om, atc_extra_args=("--op_precision_mode=op.ini",)))
    (said,) = remarks(implementation, None, None)
    assert said.endswith("; the simulator computes every implementation of an operator alike")
    assert remarks(implementation, None, None, on_device=True) == ("precision: op_precision_mode op.ini",)
