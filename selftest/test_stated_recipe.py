"""What a library states is found by the file of the weights, said as ports say it, and is the library's to the byte."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from selftest.odd_images import RECIPE, image_tensor, noise
from tools.data.reference import Reference, reference
from tools.judge.facts import RecipeFacts
from tools.judge.spec import Preprocessing
from tools.model.library import stated_recipe as module
from tools.model.library.stated_recipe import StatedRecipe, nearest, recipe_facts, stated_recipe, stated_recipes
from tools.model.torchvision_ops import import_torchvision

needs_timm = pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm is not installed")
TORCHVISION = {
    "alexnet": "alexnet-owt-7be5be79.pth",
    "resnet50": "resnet50-11ad3fa6.pth",
    "inception_v3": "inception_v3_google-0cc3c7bd.pth",
    "efficientnet_b0": "efficientnet_b0_rwightman-7f5810bc.pth",
    "vit_h_14": "vit_h_14_swag-80465313.pth",
    "quantized_resnet18": "resnet18_fbgemm_16fa66dd.pth",
}


def as_port(stated: StatedRecipe) -> Preprocessing:
    """A port that follows the statement."""
    return replace(
        RECIPE,
        resize_px=stated.resize_px,
        crop_px=stated.crop_px,
        interpolation=stated.interpolation,  # type: ignore[arg-type]
        mean=stated.mean,
        std=stated.std,
        channel_order=stated.channel_order,
        value_range=stated.value_range,
    )


def follows(stated: StatedRecipe, folder: Path) -> bool:
    """Whether the suite makes of the statement what the library's own object makes, to the byte."""
    equal = []
    for number, size in enumerate(((333, 501), (640, 480), (90, 301))):
        path = folder / f"{number}.png"
        noise(*size).save(path)
        theirs = Reference(stated.library, stated.transforms)(path)
        equal.append(image_tensor(path, as_port(stated)).tobytes() == theirs.tobytes())
    return all(equal)


def resnet() -> StatedRecipe:
    """What torchvision says of the newer weights of ResNet-50."""
    found = stated_recipe("torchvision:resnet50", TORCHVISION["resnet50"])
    assert found is not None
    return found


@pytest.mark.parametrize("name", TORCHVISION)
def test_a_port_that_follows_torchvision_is_its_own_object_to_the_byte(name: str, tmp_path: Path) -> None:
    stated = stated_recipe(f"torchvision:{name}", TORCHVISION[name])
    assert stated is not None
    assert stated.departures(as_port(stated)) == ()
    assert follows(stated, tmp_path)


def test_every_network_that_classifies_states_a_recipe_for_each_of_its_weights() -> None:
    models = import_torchvision().models
    for name in models.list_models(module=models):
        for weights in models.get_model_weights(name):
            stated = stated_recipe(f"torchvision:{name}", PurePosixPath(weights.url).name)
            assert stated is not None, weights
            assert stated.departures(as_port(stated)) == ()


def test_library_version_and_weights_are_named() -> None:
    version = import_torchvision().__version__.partition("+")[0]
    assert resnet().library.startswith(f"torchvision {version}")
    assert resnet().library.endswith(" ResNet50_Weights.IMAGENET1K_V2")
    assert (resnet().resize_px, resnet().crop_px, resnet().interpolation) == (232, 224, "bilinear")


@pytest.mark.parametrize(
    ("source", "file"),
    [
        ("torchvision:alexnet", "alexnet-owt-4df8aa71.pth"),  # earlier weights of the same network
        ("torchvision:resnet50", "resnet18-f37072fd.pth"),
        ("torchvision:fasterrcnn_resnet50_fpn", "fasterrcnn_resnet50_fpn_coco-258fb6c6.pth"),
        ("torchvision:no_such_network", "resnet50-11ad3fa6.pth"),
        ("python:net.py:network", "resnet50-11ad3fa6.pth"),
    ],
)
def test_nothing_is_stated_about_other_weights(source: str, file: str) -> None:
    assert stated_recipe(source, file) is None
    assert recipe_facts(RECIPE, source, file) == RecipeFacts("", ())
    assert RecipeFacts("", ()).remark == ""


@pytest.mark.parametrize(
    ("change", "departures"),
    [
        ({}, ()),
        ({"resize_px": 256}, ("resize_px 256, stated 232",)),
        ({"crop_px": (224, 224)}, ()),
        ({"crop_px": (224, 200)}, ("crop_px [224, 200], stated [224, 224]",)),
        ({"interpolation": "bicubic"}, ("interpolation bicubic, stated bilinear",)),
        ({"mean": (0.5, 0.5, 0.5)}, ("mean [0.5, 0.5, 0.5], stated [0.485, 0.456, 0.406]",)),
        ({"std": (0.5, 0.5, 0.5)}, ("std [0.5, 0.5, 0.5], stated [0.229, 0.224, 0.225]",)),
        ({"channel_order": "BGR"}, ("channel_order BGR, stated RGB",)),
        ({"value_range": "0..255"}, ("value_range 0..255, stated 0..1",)),
        (
            {"resize_px": None, "interpolation": None, "function": "python:flat.py:pixels"},
            ("function python:flat.py:pixels, stated none",),
        ),
    ],
)
def test_departures_are_named_with_both_sides(change: dict[str, object], departures: tuple[str, ...]) -> None:
    port = replace(as_port(resnet()), **change)  # type: ignore[arg-type]
    found = recipe_facts(port, "torchvision:resnet50", TORCHVISION["resnet50"])
    assert found == RecipeFacts(resnet().library, departures)
    assert bool(found.remark) == bool(departures)
    assert all(words in found.remark for words in departures)


def test_the_librarys_object_is_the_reference_of_who_follows_it_only() -> None:
    followed = reference(as_port(resnet()), resnet())
    assert (followed.name, followed.transforms) == (resnet().library, resnet().transforms)
    for recipe, stated in ((RECIPE, resnet()), (RECIPE, None)):
        built = reference(recipe, stated)
        assert built.name.endswith(" transforms")
        assert built.name != resnet().library


def test_a_squash_to_the_crop_is_the_same_with_and_without_a_crop() -> None:
    stated = replace(resnet(), resize_px=(224, 224), crop_px=None)
    port = replace(as_port(resnet()), resize_px=(224, 224))
    assert stated.departures(port) == stated.departures(replace(port, crop_px=None)) == ()


def test_what_no_port_can_say_is_always_a_departure() -> None:
    stated = replace(resnet(), beyond="crop mode border, which no port can say")
    assert stated.departures(as_port(stated)) == ("crop mode border, which no port can say",)


def test_of_two_statements_the_nearer_one_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    at_test, at_training = replace(resnet(), resize_px=288, crop_px=288), replace(resnet(), resize_px=235)
    monkeypatch.setattr(module, "stated_recipes", lambda *words: (at_test, at_training))
    assert stated_recipe("timm:any", "any.pth") == at_test
    assert nearest(as_port(at_training), "timm:any", "any.pth") == at_training
    assert nearest(replace(as_port(at_test), interpolation="bicubic"), "timm:any", "any.pth") == at_test


def test_without_timm_nothing_is_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    stated_recipes.cache_clear()
    monkeypatch.setitem(sys.modules, "timm", None)
    assert stated_recipe("timm:resnet50", "resnet50_a1_0-14fe96d1.pth") is None
    stated_recipes.cache_clear()


@needs_timm
@pytest.mark.parametrize(
    ("source", "file"),
    [
        ("timm:resnet50", "resnet50_a1_0-14fe96d1.pth"),
        ("timm:resnet50", "resnet50-0676ba61.pth"),
        ("timm:resnet50.a1_in1k", "model.safetensors"),
        ("timm:resnet50", "resnet50.a1_in1k.safetensors"),
        ("timm:dm_nfnet_f0.dm_in1k", "pytorch_model.bin"),  # a squash, then a crop
        ("timm:convnext_tiny.in12k_ft_in1k_384", "model.safetensors"),  # a squash alone
        ("timm:vit_base_patch16_224.augreg2_in21k_ft_in1k", "model.safetensors"),
    ],
)
def test_a_port_that_follows_timm_is_its_own_object_to_the_byte(source: str, file: str, tmp_path: Path) -> None:
    found = stated_recipes(source, file)
    assert found
    assert all(stated.departures(as_port(stated)) == () for stated in found)
    assert all(follows(stated, tmp_path) for stated in found)


@needs_timm
def test_a_file_of_the_hub_says_nothing_without_the_tag() -> None:
    assert stated_recipe("timm:resnet50", "model.safetensors") is None
