"""A drafted port holds what the library states, loads as it is, and marks what nobody states."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tools.base.cli import run
from tools.base.files import ROOT
from tools.judge import records
from tools.judge.agreement import Agreement
from tools.judge.device_bounds import check_device_bounds
from tools.judge.spec import LogitAgreement, Spec
from tools.judge.systematic import Estimate, Systematic
from tools.model.library.facts import stated
from tools.model.library.new_port import write_port
from tools.model.torchvision_ops import import_torchvision
from tools.new_port import main
from tools.ports.measured_policy import Measurement, policy_text
from tools.ports.spec import PUBLISHED_SPEC, load_spec
from tools.sample.images import write_images

FEW = ("alexnet", "inception_v3", "regnet_y_400mf", "mobilenet_v3_small", "squeezenet1_1", "vit_b_32")
NETWORKS = """
import torch


class Net(torch.nn.Module):
    def __init__(self, way: str) -> None:
        super().__init__()
        self.way, self.line = way, torch.nn.Linear(3, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        rows = images.mean(dim=(2, 3))
        if self.way == "attends":
            rows = torch.nn.functional.scaled_dot_product_attention(rows[:, None], rows[:, None], rows[:, None])[:, 0]
        if self.way == "folds":
            rows = torch.nn.functional.fold(torch.nn.functional.unfold(images, 2), images.shape[2:], 2).mean(dim=(2, 3))
        return self.line(rows.reshape(int(images.shape[0]), 3) if self.way == "counts" else rows)


def plain() -> torch.nn.Module:
    return Net("plain")


def attends() -> torch.nn.Module:
    return Net("attends")


def counts() -> torch.nn.Module:
    return Net("counts")


def folds() -> torch.nn.Module:
    return Net("folds")


class Headed(torch.nn.Module):
    # a batch norm, and logits among other outputs

    def __init__(self, gives: str) -> None:
        super().__init__()
        self.gives = gives
        self.norm, self.line = torch.nn.BatchNorm2d(3), torch.nn.Linear(3, 37)

    def forward(self, images: torch.Tensor) -> object:
        maps = self.norm(images)
        logits = self.line(maps.mean(dim=(2, 3)))
        several = {"maps": maps, "logits": logits}
        made = {"dict": several, "tuple": tuple(several.values()), "maps": maps, "text": "logits", "logits": logits}
        return made[self.gives]


def normed() -> torch.nn.Module:
    return Headed("logits")


def a_dict() -> torch.nn.Module:
    return Headed("dict")


def a_tuple() -> torch.nn.Module:
    return Headed("tuple")


def maps() -> torch.nn.Module:
    return Headed("maps")


def text() -> torch.nn.Module:
    return Headed("text")


def small() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 64 * 64, 10))
"""


@dataclass(frozen=True)
class Done:
    """What a command has said and ended with."""

    returncode: int
    stdout: str
    stderr: str


class Command:
    """The command as its words call it, in this process: importing torch takes longer than all that it does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *words: object, here: Path) -> Done:
        self._monkeypatch.chdir(here)
        self._monkeypatch.setattr("sys.argv", ["new_port.py", *map(str, words)])
        self._capsys.readouterr()
        status = run(main)
        said = self._capsys.readouterr()
        return Done(status, said.out, said.err)

    def drafted(self, folder: Path, *words: object) -> Spec:
        """What it writes into a folder."""
        done = self(*words, "--out", "mine.yaml", here=folder)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return load_spec(folder / "mine.yaml")


@pytest.fixture
def new_port(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], heavy_imports: None) -> Command:
    """The command."""
    return Command(monkeypatch, capsys)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder with a module of small networks."""
    (tmp_path / "net.py").write_text(NETWORKS, encoding="utf-8")
    return tmp_path


def test_the_command_runs_from_any_folder(tmp_path: Path) -> None:
    words = [sys.executable, str(ROOT / "tools" / "new_port.py"), "torchvision:resnet18", "--no-try", "--out", "r.yaml"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert load_spec(tmp_path / "r.yaml").model.name == "ResNet18"


def test_what_torchvision_states_is_in_the_port(new_port: Command, tmp_path: Path) -> None:
    spec = new_port.drafted(tmp_path, "torchvision:resnet50", "--weights", "IMAGENET1K_V1", "--no-try")
    assert (spec.port, spec.model.source, spec.checkpoint.sha256_prefix) == ("mine", "torchvision:resnet50", "0676ba61")
    assert spec.accuracy.pth_top1 is not None
    assert (spec.accuracy.pth_top1.value, spec.accuracy.pth_top1.source) == (
        76.13,
        "torchvision, ResNet50_Weights.IMAGENET1K_V1",
    )
    assert (spec.preprocessing.resize_px, spec.preprocessing.crop_px, spec.classes) == (256, 224, 1000)
    assert not spec.has_figures
    assert 15 <= len((tmp_path / "mine.yaml").read_text(encoding="utf-8").splitlines()) <= 45


def test_the_command_says_what_is_left_and_which_other_weights_there_are(new_port: Command, tmp_path: Path) -> None:
    said = new_port("torchvision:resnet50", "--no-try", "--out", "r.yaml", here=tmp_path).stdout
    assert "other weights: IMAGENET1K_V1: Top-1 76.13, resize_px 256" in said
    assert "TO FILL IN: what an OM of this network reaches" in said


def test_arguments_that_weights_force_are_found(tmp_path: Path) -> None:
    forced = {"transform_input": True, "aux_logits": True, "init_weights": False}
    assert stated("torchvision:googlenet", None, tmp_path / "g.yaml").arguments == forced
    assert stated("torchvision:inception_v3", None, tmp_path / "i.yaml").arguments == forced
    assert stated("torchvision:resnet18", None, tmp_path / "r.yaml").arguments == {}
    large = stated("torchvision:vit_b_16", "IMAGENET1K_SWAG_E2E_V1", tmp_path / "v.yaml")
    assert (large.arguments, large.recipe.crop_px, large.recipe.interpolation) == ({"image_size": 384}, 384, "bicubic")


def loads(name: str, weights: str | None, folder: Path) -> None:
    """The network's port is written and read."""
    out = folder / f"{name}.yaml"
    spec = write_port(stated(f"torchvision:{name}", weights, out), out).spec
    assert spec.checkpoint.pinned
    assert spec.accuracy.pth_top1 is not None
    assert spec.model.flops_per_image is not None


@pytest.mark.parametrize("name", FEW)
def test_a_classifier_of_torchvision_makes_a_port(name: str, tmp_path: Path) -> None:
    loads(name, None, tmp_path)


@pytest.mark.nightly
def test_every_classifier_of_torchvision_makes_a_port(tmp_path: Path) -> None:
    models = import_torchvision().models
    names = models.list_models(module=models)
    assert len(names) >= 80
    for name in names:
        for entry in models.get_model_weights(name):
            if entry.meta["categories"]:  # others are no classifier's
                loads(name, entry.name, tmp_path)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("torchvision:resnet81",), "did you mean resnet18"),
        (("torchvision:fcn_resnet50",), "not a classifier"),
        (("torchvision:quantized_resnet50",), "quantized"),
        (("torchvision:resnet50", "--weights", "V3"), "ResNet50_Weights has no V3"),
        (("torchvision:vgg16", "--weights", "IMAGENET1K_FEATURES"), "no classes"),
        (("tensorflow:resnet50",), "this names no network"),
        (("timm:resnet50d", "--weights", "X"), "--weights is for torchvision"),
        (("torchvision:resnet50", "--measure", "."), "--measure needs weights"),
        (("torchvision:resnet50", "--random-weights"), "are for --measure"),
        (("torchvision:resnet18", "--checkpoint", "net.py"), "not the file that the library names"),
        (("python:net.py:nothing",), "no such function"),
        (("python:/etc/passwd.py:x",), "no such file"),
    ],
)
def test_a_refusal_is_one_line_and_leaves_no_file(
    new_port: Command, words: tuple[str, ...], said: str, own: Path
) -> None:
    done = new_port(*words, "--no-try", "--out", "mine.yaml", here=own)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr[:1].lower() + done.stderr.replace("Did", "did")
    assert not (own / "mine.yaml").exists()


def test_a_file_that_is_there_is_not_overwritten_unasked(new_port: Command, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("mine", encoding="utf-8")
    refused = new_port("torchvision:resnet18", "--no-try", "--out", "mine.yaml", here=tmp_path)
    assert "not overwritten" in refused.stderr
    assert (tmp_path / "mine.yaml").read_text(encoding="utf-8") == "mine"
    assert new_port.drafted(tmp_path, "torchvision:resnet18", "--no-try", "--force").model.name == "ResNet18"


def test_a_network_of_ones_own_is_counted_and_its_data_set_is_left_blank(new_port: Command, own: Path) -> None:
    spec = new_port.drafted(own, "python:net.py:plain")
    assert spec.model.parameters is not None
    assert (spec.model.parameters.value, spec.classes, spec.onnx.opset.exactly) == (40, 10, 11)
    assert not spec.checkpoint.pinned
    text = (own / "mine.yaml").read_text(encoding="utf-8")
    assert text.count("# TO FILL IN:") == 5
    assert "    # TO FILL IN: file and sha256 of the weights" in text
    assert sorted(path.name for path in own.iterdir() if path.name != "__pycache__") == ["mine.yaml", "net.py"]


def test_a_network_with_a_batch_norm_is_tried(new_port: Command, own: Path) -> None:
    spec = new_port.drafted(own, "python:net.py:normed", "--no-try")
    assert (spec.classes, spec.onnx.outputs) == (37, ())


@pytest.mark.parametrize("gives", ["a_dict", "a_tuple"])
def test_of_several_outputs_the_one_of_logits_is_judged(new_port: Command, own: Path, gives: str) -> None:
    spec = new_port.drafted(own, f"python:net.py:{gives}")
    assert (spec.classes, spec.onnx.outputs, spec.onnx.judged_output) == (37, ("output_0", "class"), 1)
    assert "# TO FILL IN: which output is judged" in (own / "mine.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("maps",), "gives no row of logits for each image; found 1 x 3 x 224 x 224"),
        (("text",), "gives no row of logits for each image; found str"),
        (("small",), "does not take a 1 x 3 x 224 x 224 input"),
        (("small",), "--size"),
        (("normed", "--size", "0"), "--size must be at least 1"),
    ],
)
def test_a_network_that_cannot_be_drafted_says_what_it_gives_and_what_to_do(
    new_port: Command, own: Path, words: tuple[str, ...], said: str
) -> None:
    done = new_port(f"python:net.py:{words[0]}", "--no-try", *words[1:], "--out", "mine.yaml", here=own)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert said in done.stderr


def test_a_network_of_another_size_is_drafted_at_that(new_port: Command, own: Path) -> None:
    recipe = new_port.drafted(own, "python:net.py:small", "--size", "64").preprocessing
    assert (recipe.resize_px, recipe.crop_px) == (73, 64)
    assert "library states" in new_port("timm:resnet10t", "--size", "64", "--out", "r.yaml", here=own).stderr


def test_the_lowest_opset_that_exports_is_found_and_what_failed_before_it(new_port: Command, own: Path) -> None:
    opset = new_port.drafted(own, "python:net.py:attends").onnx.opset
    assert opset.exactly == 14
    assert "not 11: no aten::scaled_dot_product_attention" in opset.source


def test_a_network_that_the_exporter_trips_over_is_one_line(new_port: Command, own: Path) -> None:
    """Whatever class of error torch's own code ends with: here a TypeError, where the images' size is not fixed."""
    done = new_port("python:net.py:folds", "--out", "mine.yaml", here=own)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "col2im" in done.stderr


def test_a_network_that_keeps_the_number_of_images_gets_a_static_batch(new_port: Command, own: Path) -> None:
    assert new_port.drafted(own, "python:net.py:counts").onnx.batch == "static"
    assert "batch: static  # at batch 2 " in (own / "mine.yaml").read_text(encoding="utf-8")


def test_timm_states_recipe_and_file_but_no_accuracy(new_port: Command, tmp_path: Path) -> None:
    pytest.importorskip("timm", reason="timm is an optional package")
    spec = new_port.drafted(tmp_path, "timm:resnet50d.ra2_in1k", "--no-try")
    assert (spec.preprocessing.resize_px, spec.preprocessing.crop_px) == (303, 288)
    assert (spec.checkpoint.sha256_prefix, spec.accuracy.pth_top1) == ("464e36ba", None)
    assert "# TO FILL IN: accuracy" in (tmp_path / "mine.yaml").read_text(encoding="utf-8")
    flops = spec.model.flops_per_image
    assert flops is not None
    assert (round(flops.value / 1e9, 1), "at 288 x 288" in flops.source) == (14.3, True)
    refused = new_port("timm:resnet50dd", "--out", "x.yaml", here=tmp_path).stderr
    assert "resnet50d" in refused


def test_weights_of_other_people_are_taken_from_timms_hub_whose_tensors_have_its_names(tmp_path: Path) -> None:
    import_torchvision()  # timm imports it, which needs the cure for its operators
    pytest.importorskip("timm", reason="timm is an optional package")
    found = stated("timm:convnext_tiny.fb_in1k", None, tmp_path / "c.yaml").weights
    assert (found.file, found.sha256_prefix) == ("convnext_tiny.fb_in1k.bin", None)
    assert "the sha256 of the file" in found.doubt


def agreement(distance: float, error: float, slope: float = 0.0) -> Agreement:
    """A measurement over ten images."""
    off = Systematic(1000, Estimate(slope, None), Estimate(0.0, None), 7, Estimate(error / 9, None), slope, "a")
    return Agreement(10, (), 1 - distance, distance / 2, error, 0.0, off, 0.1, (), (), ())


def test_a_bound_follows_from_the_measured_worst_only_where_the_shared_one_is_tighter() -> None:
    shared = load_spec(PUBLISHED_SPEC).agreement
    within = policy_text(Measurement(agreement(1e-12, 1e-5), agreement(1e-6, 0.03), 10, "its own weights"), shared)
    assert "within the shared bounds" in " ".join(within.replace("#", "").split())
    assert "policy:" not in within
    wider = policy_text(Measurement(agreement(1e-12, 1e-5), agreement(1e-6, 0.081), 10, "its own weights"), shared)
    assert "max_abs_error: {at_most: 0.33, unit: logit" in wider
    assert "4 times the measured 0.081, on 10 images with its own weights" in wider
    assert "near_tie_logits: {value: 0.17, unit: logit" in wider
    assert "min_cosine" not in wider
    assert "    onnx:" not in wider
    assert "max_abs_error: {at_most: 0.66" in wider.split("om_on_device:")[1]  # twice, as in what is shared


def test_the_bounds_of_systematic_errors_are_measured_too() -> None:
    shared = load_spec(PUBLISHED_SPEC).agreement
    found = policy_text(Measurement(agreement(1e-12, 1e-5), agreement(1e-6, 0.03, 0.003), 10, "its own"), shared)
    simulator, device = found.split("om_on_simulator:")[1].split("om_on_device:")
    assert "slope_error: {at_most: 0.012, unit: slope" in simulator
    assert "image_slope_error: {at_most: 0.012, unit: slope" in simulator
    assert "slope_error: {at_most: 0.024, unit: slope" in device
    assert "column_error" not in found


@pytest.mark.parametrize("error", [0.051, 0.06, 0.2026, 3.3])
def test_measured_bounds_of_a_device_do_not_contradict_each_other(error: float) -> None:
    """What is drafted loads: each bound is the simulator's, times the one multiple, rounded."""
    spec = load_spec(PUBLISHED_SPEC).agreement
    text = policy_text(Measurement(agreement(1e-12, 1e-5), agreement(error / 999, error), 10, "its own"), spec)
    asked = yaml.safe_load(text)["policy"]["agreement"]
    bounds = {name: records.plain(getattr(spec, name)) for name in ("om_on_simulator", "om_on_device")}
    for name, section in bounds.items():
        for key, entry in asked[name].items():
            section[key] = entry
    found = {name: records.read(LogitAgreement, section) for name, section in bounds.items()}
    check_device_bounds(
        found["om_on_simulator"].distances, found["om_on_device"].distances, spec.device_error_multiple.value
    )


@pytest.mark.slow
def test_bounds_are_measured_on_the_simulator(new_port: Command, own: Path) -> None:
    write_images(own / "data", 4)
    measure = ("--measure", own / "data" / "val", "--random-weights")
    spec = new_port.drafted(own, "python:net.py:plain", "--no-try", *measure)
    assert spec.agreement.onnx == load_spec(PUBLISHED_SPEC).agreement.onnx
    text = (own / "mine.yaml").read_text(encoding="utf-8")
    assert "# agreement measured on 4 images with calibrated random weights" in text
    assert not spec.checkpoint.pinned
