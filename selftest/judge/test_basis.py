"""When the checkpoint's predictions of another machine are this run's: what differs is named with both values, the
images of the probe are drawn by chance, and two gates answer. Whole runs are in selftest/test_taken_reference.py."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tools.judge.basis import (
    ASPECTS,
    PTH_REFERENCE_FITS,
    PTH_REFERENCE_PROBE,
    DeviceKind,
    MadeBy,
    ReferenceBasis,
    ReferenceDevice,
    ReferenceProbe,
    drawn,
    misfits,
    probe_seed,
    recipe_words,
    released,
)
from tools.judge.gates import judge
from tools.judge.results import Check, Verdict
from tools.ports.spec import PUBLISHED_SPEC, load_spec

SPEC = load_spec(PUBLISHED_SPEC)
A, B = "0123456789abcdef" * 4, "fedcba9876543210" * 4
BASIS = ReferenceBasis(
    checkpoint_sha256=A,
    network={"model": "torchvision:alexnet", "version torchvision": "0.28.0+cpu"},
    output=0,
    classes=1000,
    recipe={"mean": "[0, 0, 0]"},
    images=64,
    ids_sha256=A,
    images_sha256=A,
    pixels=f"{A} float32",
)
SHOWN = "0123456789abcdef… in the reference, fedcba9876543210… in this run"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"checkpoint_sha256": B}, f"checkpoint, sha256: {SHOWN}"),
        (
            {"network": {**BASIS.network, "model": "timm:alexnet"}},
            "network, model: torchvision:alexnet in the reference, timm:alexnet in this run",
        ),
        (
            {"network": {"model": "torchvision:alexnet"}},
            "network, version torchvision: 0.28.0 in the reference, none in this run",
        ),
        (
            {"network": {**BASIS.network, "code net.py": B}},
            "network, code net.py: none in the reference, fedcba9876543210… in this run",
        ),
        ({"output": 1}, "judged output: 0 in the reference, 1 in this run"),
        ({"classes": 1001}, "classes: 1000 in the reference, 1001 in this run"),
        ({"recipe": {"mean": "[1, 1, 1]"}}, "recipe, mean: [0, 0, 0] in the reference, [1, 1, 1] in this run"),
        ({"images": 60, "ids_sha256": B, "images_sha256": B}, "images: 64 in the reference, 60 in this run"),
        ({"ids_sha256": B, "images_sha256": B}, f"ids of the images, sha256: {SHOWN}"),
        ({"images_sha256": B}, f"content of the images, sha256: {SHOWN}"),
        (
            {"pixels": f"{B} float32"},
            "pixels of the same images (another decoder?): 0123456789abcdef… float32 in the reference, "
            "fedcba9876543210… float32 in this run",
        ),
        (
            {"recipe": {"mean": "[1, 1, 1]"}, "pixels": B},
            "recipe, mean: [0, 0, 0] in the reference, [1, 1, 1] in this run",
        ),
        ({"images_sha256": B, "pixels": B}, f"content of the images, sha256: {SHOWN}"),
    ],
)
def test_what_differs_is_said_once_with_both_values(changes: dict[str, Any], said: str) -> None:
    assert misfits(BASIS, replace(BASIS, **changes)) == (said,)
    assert misfits(BASIS, BASIS) == ()


def test_each_aspect_can_differ_at_once_and_no_more() -> None:
    other = replace(BASIS, checkpoint_sha256=B, output=1, classes=1, images=1, pixels=B)
    other = replace(other, network={**BASIS.network, "model": "b"}, recipe={"mean": "b"})
    assert [said.partition(":")[0] for said in misfits(BASIS, other)] == [
        "checkpoint, sha256",
        "network, model",
        "judged output",
        "classes",
        "recipe, mean",
        "images",
    ]
    assert ASPECTS == 7, "these six, and the pixels, which differ alone"


@pytest.mark.parametrize("build", ["+cpu", "+cu126", "+rocm6.2", ""])
def test_builds_of_one_release_are_one(build: str) -> None:
    assert released({"version torchvision": f"0.28.0{build}"}) == {"version torchvision": "0.28.0"}
    assert released({"version torch": "2.1+git1234", "code+cpu": "a+cpu"}) == {
        "version torch": "2.1+git1234",
        "code+cpu": "a+cpu",
    }


def test_the_recipe_is_told_by_what_pixels_depend_on() -> None:
    words = recipe_words(SPEC.preprocessing)
    assert words["interpolation"] == SPEC.preprocessing.interpolation
    assert words["resize_px"] == str(SPEC.preprocessing.resize_px)
    assert words["aipp"] == "None"
    without = replace(
        SPEC.preprocessing,
        parity_images=1,
        byte_equal_percent=replace(SPEC.preprocessing.byte_equal_percent, at_most=0.5),
        source="another",
    )
    assert recipe_words(without) == words
    assert set(words) == {
        *("resize_px", "crop_px", "interpolation", "mean", "std"),
        *("channel_order", "value_range", "function", "aipp"),
    }


def test_a_seed_is_of_the_run_and_of_what_was_taken() -> None:
    assert probe_seed("run", "sha") == "run sha"
    assert probe_seed("run") == "run"


def test_the_probe_is_drawn_by_its_seed() -> None:
    ids = [f"image_{number}" for number in range(1000)]
    one, other = drawn(ids, "one", 16), drawn(ids, "other", 16)
    assert len(set(one)) == len(set(other)) == 16
    assert one != other
    assert one == tuple(name for name in ids if name in one) == drawn(ids, "one", 16)
    assert drawn(ids[:5], "one", 16) == tuple(ids[:5])


def test_the_probe_is_of_the_lowest_digests() -> None:
    """A bundle of an earlier version of the suite must draw the same images."""
    ids = ["a", "b", "c", "d\udcff", "é"]
    lots = {name: hashlib.sha256(b"seed " + name.encode("utf-8", "surrogateescape")).hexdigest() for name in ids}
    lowest = sorted(ids, key=lambda name: lots[name])[:2]
    assert set(drawn(ids, "seed", 2)) == set(lowest)


def test_a_device_in_words() -> None:
    cpu = ReferenceDevice(DeviceKind.CPU, "a CPU", "2.13.0", "", ())
    assert str(cpu) == "device cpu a CPU (torch 2.13.0)"
    cuda = ReferenceDevice(DeviceKind.CUDA, "a GPU", "2.13.0", "12.6", ())
    assert str(cuda) == "device cuda a GPU (torch 2.13.0, CUDA 12.6)"
    assert [str(who) for who in MadeBy] == ["this run, on the CPU", "this run, on a GPU", "another run"]


def answer(name: str, **facts: object) -> Check:
    """The gate's answer where nothing but these facts is known."""
    known: dict[str, Any] = {fact: lambda value=value: value for fact, value in facts.items()}
    return judge(name, SimpleNamespace(spec=SPEC, **known))  # type: ignore[arg-type]


def test_the_names_of_the_gates() -> None:
    assert PTH_REFERENCE_FITS == "pth.accuracy.reference_fits"
    assert PTH_REFERENCE_PROBE == "pth.accuracy.reference_probe_abs_error"


def test_the_gate_of_what_fits() -> None:
    taken = SimpleNamespace(run="abc", basis=BASIS)
    check = answer(PTH_REFERENCE_FITS, taken_reference=taken, reference_basis=BASIS)
    assert check == Check(
        measured="0 of 7",
        threshold="== 0",
        unit="differences",
        verdict=Verdict.PASS,
        source="what run abc was made from",
    )
    other = replace(BASIS, network={f"code {place}": "x" for place in range(9)})
    check = answer(PTH_REFERENCE_FITS, taken_reference=taken, reference_basis=other)
    assert (check.verdict, check.measured) == (Verdict.FAIL, "11 of 11")
    assert check.detail.startswith("network, model: torchvision:alexnet in the reference, none in this run")
    here = answer(PTH_REFERENCE_FITS, taken_reference=SimpleNamespace(run="abc", basis=other), reference_basis=BASIS)
    assert here.detail.startswith("network, code 0: x in the reference, none in this run")


@pytest.mark.parametrize(
    ("largest", "verdict"),
    [
        (0.0, Verdict.PASS),
        (SPEC.accuracy.reference_abs_error.at_most, Verdict.PASS),
        (1.001 * SPEC.accuracy.reference_abs_error.at_most, Verdict.FAIL),
        (math.nan, Verdict.FAIL),
    ],
)
def test_the_gate_of_the_probe(largest: float, verdict: Verdict) -> None:
    check = answer(PTH_REFERENCE_PROBE, reference_probe=ReferenceProbe(("a",), largest, "a"))
    assert check.verdict is verdict
    assert check.threshold == f"<= {SPEC.accuracy.reference_abs_error.at_most:.10g}"
    assert check.detail == ("" if verdict is Verdict.PASS else "see a")
