"""What a bundle says of the checkpoint's predictions, against all else in it: whose they are, what they follow from,
how far they were computed again, and the logits that it keeps. Whole runs are in selftest/test_taken_reference.py."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from selftest.evidence.bundles import CLASSES, CODE, Made, World
from selftest.evidence.tampering import Forgery, contents_of
from tools.judge import records
from tools.judge.basis import (
    DeviceKind,
    ReferenceBasis,
    ReferenceDevice,
    ReferenceProbe,
    drawn,
    probe_seed,
    recipe_words,
)
from tools.judge.bundle import read_bundle
from tools.judge.kept_reference import check_reference
from tools.judge.layout import REFERENCE_LOGITS
from tools.judge.machine_records import HostRecord, Versions
from tools.judge.prediction_records import ReferenceRecord, TakenReference

CPU = ReferenceDevice(DeviceKind.CPU, "a CPU", "2.13.0", "", ())
CUDA = ReferenceDevice(DeviceKind.CUDA, "a GPU", "2.13.0", "12.6", ())
IMAGES = 20


@dataclass(frozen=True)
class Small:
    """A bundle with the checkpoint's predictions, and all of its logits (images, classes)."""

    contents: dict[str, bytes]
    logits: np.ndarray[Any, Any]
    ids: tuple[str, ...]
    run: str
    basis: ReferenceBasis

    def problems(self, **changes: object) -> list[str]:
        """What the judge says of the predictions where the record is changed; `logits` are kept beside it."""
        forgery = Forgery(self.contents)
        logits = changes.pop("logits", None)
        if isinstance(logits, np.ndarray):
            forgery.put_array(REFERENCE_LOGITS, logits)
        forgery.record.update({name: plain(value) for name, value in changes.items()})
        bundle = read_bundle("bundle", forgery.sealed())
        check_reference(bundle)
        return bundle.problems

    def changed(self, place: int, values: dict[int, float]) -> list[str]:
        """The same for one image whose logits by class are these, all else as it was."""
        logits = self.logits.copy()
        for name, value in values.items():
            logits[place, name] = value
        return self.problems(logits=logits)


def plain(value: object) -> object:
    """A record as JSON has it."""
    return value if value is None or isinstance(value, (list, dict)) else records.plain(value)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """Its parts; tests change copies."""
    world = World(images=IMAGES, batches=(1,), runs=1, stages=("checkpoint", "onnx", "accuracy"))
    made = Made(world)
    contents = contents_of(made.write(tmp_path_factory.mktemp("kept") / "bundle"))
    bundle = read_bundle("bundle", Forgery(contents).sealed())
    basis = ReferenceBasis(
        checkpoint_sha256=bundle.digests["checkpoint"].sha256,
        network=CODE,
        output=0,
        classes=CLASSES,
        recipe=recipe_words(bundle.spec.preprocessing),
        images=IMAGES,
        ids_sha256=made.dataset().ids_sha256,
        images_sha256="0" * 64,
        pixels="made up",
    )
    return Small(contents, made.pth.logits, made.ids, bundle.record.run, basis)


# --- Whose they are ------------------------------------------------------------------------------------------------


def taken(small: Small, device: ReferenceDevice) -> TakenReference:
    """Predictions of another run, made by this device."""
    host = HostRecord("Linux", "x86_64", "a CPU", 2, 1)
    versions = Versions(python="3.11.7", libraries={}, suite_sha256="0" * 64)
    return TakenReference(
        "1" * 32, "2026-01-01T00:00:00+00:00", "2" * 64, "3" * 64, host, versions, device, small.basis
    )


DEVICE = "acceptance.json.reference.device"


@pytest.mark.parametrize(
    ("device", "named"),
    [
        (CPU, []),
        (CUDA, []),
        (replace(CPU, cuda="12.6"), [f"{DEVICE}.cuda: '12.6' does not fit a device cpu"]),
        (replace(CUDA, cuda=""), [f"{DEVICE}.cuda: '' does not fit a device cuda"]),
    ],
)
def test_what_is_said_of_a_device_fits_its_kind(device: ReferenceDevice, named: list[str], small: Small) -> None:
    assert small.problems(reference=ReferenceRecord(device, None)) == named
    assert small.problems(reference=ReferenceRecord(device, taken(small, device))) == named


def test_the_device_is_the_one_of_what_was_taken(small: Small) -> None:
    assert small.problems(reference=ReferenceRecord(CPU, taken(small, CUDA))) == [
        f"{DEVICE}: not the device of what was taken"
    ]


def test_a_bundle_that_says_nothing_of_it_holds(small: Small) -> None:
    assert small.problems() == []


# --- What they follow from -----------------------------------------------------------------------------------------

BASIS = "acceptance.json.reference_basis"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({}, []),
        ({"checkpoint_sha256": "1" * 64}, [f"{BASIS}.checkpoint_sha256: "]),
        ({"output": 1}, [f"{BASIS}.output: 1 recorded, 0 recomputed"]),
        ({"classes": 7}, [f"{BASIS}.classes: 7 recorded, {CLASSES} recomputed"]),
        ({"recipe": {}}, [f"{BASIS}.recipe: "]),
        ({"images": 19}, [f"{BASIS}.images: 19 recorded, 20 recomputed"]),
        ({"ids_sha256": "1" * 64}, [f"{BASIS}.ids_sha256: "]),
        ({"network": {**CODE, "version torchvision": "0"}}, [f"{BASIS}.network.version torchvision: '0' recorded, "]),
        ({"network": {**CODE, "code": "1"}}, [f"{BASIS}.network.code: '1' recorded, 'none' recomputed"]),
        ({"network": {"model": CODE["model"]}}, []),
        (
            {"network": {**CODE, "model": "timm:alexnet"}},
            [
                f"{BASIS}.network: 'timm:alexnet' is not the port's torchvision:alexnet",
                f"{BASIS}.network.model: 'timm:alexnet' recorded, 'torchvision:alexnet' recomputed",
            ],
        ),
        ({"network": {}}, [f"{BASIS}.network: None is not the port's torchvision:alexnet"]),
        ({"images_sha256": "1" * 64, "pixels": "others"}, []),
    ],
)
def test_the_basis_is_that_of_the_bundle(changes: dict[str, Any], named: list[str], small: Small) -> None:
    found = small.problems(reference_basis=replace(small.basis, **changes))
    assert len(found) == len(named), found
    assert all(said.startswith(begun) for said, begun in zip(found, named, strict=True)), found


def test_what_the_bundle_does_not_say_contradicts_no_basis(small: Small) -> None:
    other = replace(small.basis, checkpoint_sha256="1" * 64, images=1, network={"model": "a"})
    nothing: dict[str, object] = {"digests": [], "dataset": None, "spec": None}
    assert small.problems(reference_basis=other, **nothing) == []


# --- How far they were computed again ------------------------------------------------------------------------------

PROBE = "acceptance.json.reference_probe"


def test_the_probe_is_of_the_images_that_chance_draws(small: Small) -> None:
    found = drawn(small.ids, probe_seed(small.run), 32)
    assert small.problems(reference_probe=ReferenceProbe(found, 0.0, found[0])) == []
    assert small.problems(reference_probe=ReferenceProbe(found, 0.5, found[-1])) == []
    fewer = ReferenceProbe(found[:3], 0.0, found[0])
    said = f"{PROBE}: the 3 images that were computed again are not those that chance draws"
    assert small.problems(reference_probe=fewer) == [said]
    assert small.problems(reference_probe=fewer, dataset=None) == [], "no image is known to draw from"


@pytest.mark.parametrize(("largest", "image", "said"), [(-0.5, 0, "-0.5"), (0.25, None, "0.25")])
def test_the_largest_error_is_a_distance_and_of_one_of_them(
    largest: float, image: int | None, said: str, small: Small
) -> None:
    found = drawn(small.ids, probe_seed(small.run), 32)
    name = "nowhere" if image is None else found[image]
    assert small.problems(reference_probe=ReferenceProbe(found, largest, name)) == [
        f"{PROBE}: {said} of {name!r} is no largest error"
    ]


# --- The logits ----------------------------------------------------------------------------------------------------


def test_all_logits_of_the_kept_predictions_hold(small: Small) -> None:
    assert small.problems(logits=small.logits) == []


@pytest.mark.parametrize("place", [0, IMAGES - 1])
def test_logits_whose_best_are_not_the_kept_predictions_are_named_by_image(place: int, small: Small) -> None:
    named = [f"{REFERENCE_LOGITS}: the best of image '{small.ids[place]}' are not its kept predictions"]
    order = np.argsort(-small.logits[place], kind="stable").tolist()
    best, fifth, sixth, last = (float(small.logits[place, order[rank]]) for rank in (0, 4, 5, -1))
    assert small.changed(place, {order[-1]: best + 1}) == named, "another best class"
    assert small.changed(place, {order[4]: (fifth + sixth) / 2}) == named, "the same class, another score"
    assert small.changed(place, {order[0]: fifth, order[4]: best}) == named, "the same scores of other classes"
    for none in (np.nan, np.inf, -np.inf):
        assert small.changed(place, {order[-1]: none}) == named
    assert small.changed(place, {order[-1]: np.nextafter(np.float32(last), np.float32(-99))}) == [], "none of the best"


@pytest.mark.parametrize(
    ("logits", "best", "others"),
    [
        ({7: 50, 3: 40, 9: 30, 1: 20, 4: 10, 2: 10}, [7, 3, 9, 1, 2], [7, 3, 9, 1, 4]),
        ({8: 50, 2: 50, 9: 40, 1: 30, 4: 20}, [2, 8, 9, 1, 4], [8, 2, 9, 1, 4]),
        (dict.fromkeys(range(CLASSES), 9), [0, 1, 2, 3, 4], [0, 1, 2, 3, 5]),
    ],
    ids=["fifth and sixth", "the best", "all"],
)
def test_of_equal_logits_the_lowest_class_is_the_better(
    logits: dict[int, float], best: list[int], others: list[int], small: Small
) -> None:
    for classes, named in ((best, 0), (others, 1)):
        forgery = Forgery(small.contents)
        top5, scores = (forgery.array(f"predictions/pth.{name}.npy") for name in ("top5", "scores"))
        top5[3], scores[3] = classes, [logits[name] for name in classes]
        forgery.put_array("predictions/pth.top5.npy", top5)
        forgery.put_array("predictions/pth.scores.npy", scores)
        assert len(replace(small, contents=forgery.contents).changed(3, logits)) == named


def test_the_first_image_that_differs_is_enough(small: Small) -> None:
    (said,) = small.problems(logits=-small.logits)
    assert small.ids[0] in said


@pytest.mark.parametrize("rows", [1, IMAGES - 1, IMAGES + 2])
def test_there_is_a_row_for_each_image(rows: int, small: Small) -> None:
    logits = np.concatenate([small.logits, small.logits])[:rows]
    assert small.problems(logits=logits) == [f"{REFERENCE_LOGITS}: {rows} rows for {IMAGES} images"]


def test_logits_without_predictions_are_of_nobody(small: Small) -> None:
    assert small.problems(logits=small.logits, variants=[]) == [
        f"{REFERENCE_LOGITS}: logits of a checkpoint of which no predictions are kept"
    ]
