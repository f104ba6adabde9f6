"""No number gets looser without being named, and none passes without a new reason."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.base.files import ROOT
from tools.ports.spec import PUBLISHED_SPEC, load_spec
from tools.spec_diff import Loosened, loosened

Document = dict[str, Any]
OLD = load_spec(PUBLISHED_SPEC)


@pytest.fixture
def change(tmp_path: Path) -> Callable[[Callable[[Document], object]], tuple[Loosened, ...]]:
    """Edit the published spec and compare."""

    def compare(edit: Callable[[Document], object]) -> tuple[Loosened, ...]:
        return loosened(OLD, load_spec(edited(tmp_path, edit)))

    return compare


def edited(folder: Path, edit: Callable[[Document], object]) -> Path:
    """The published spec with an edit."""
    document = yaml.safe_load(PUBLISHED_SPEC.read_text(encoding="utf-8"))
    edit(document)
    path = folder / "new.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def put(value: object, *path: str | int) -> Callable[[Document], None]:
    """Set a value."""

    def edit(document: Document) -> None:
        place: Any = document
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return edit


def drop(*path: str | int) -> Callable[[Document], None]:
    """Remove an entry of a list."""

    def edit(document: Document) -> None:
        place: Any = document
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]

    return edit


def _no_ascend310(document: Document) -> None:
    """Neither the chip nor what was published on it."""
    drop("shared", "chips", 0)(document)
    drop("port", "published", 0)(document)


LOOSER: dict[str, Callable[[Document], None]] = {
    "accuracy.top1_drop_pp.at_most": put(2.0, "shared", "accuracy", "top1_drop_pp", "at_most"),
    "accuracy.tight_drop_pp.at_most": put(0.2, "shared", "accuracy", "tight_drop_pp", "at_most"),
    "agreement.onnx.min_cosine.at_least": put(0.9, "shared", "agreement", "onnx", "min_cosine", "at_least"),
    "agreement.om_on_device.near_tie_logits.value": put(
        0.21, "shared", "agreement", "om_on_device", "near_tie_logits", "value"
    ),
    "accuracy.pth_top1.value": put(56.0, "port", "accuracy", "pth_top1", "value"),
    "onnx.opset.exactly": put(13, "port", "onnx", "opset", "exactly"),
    "onnx.probe_images": put(16, "shared", "onnx", "probe_images"),
    "accuracy.reference_probe_images": put(16, "shared", "accuracy", "reference_probe_images"),
    "onnx.input": put("input", "port", "onnx", "input", "name"),
    "preprocessing.parity_images": put(1, "shared", "preprocessing", "parity_images"),
    "preprocessing.resize_px": put(255, "port", "preprocessing", "resize_px"),
    "preprocessing.mean": put([0.5, 0.456, 0.406], "port", "preprocessing", "mean"),
    "checkpoint.md5": put("0" * 32, "port", "checkpoint", "md5"),
    "dataset.images.exactly": put(1000, "shared", "datasets", "imagenet_val", "images", "exactly"),
    "host_perf.rounds": put(3, "shared", "host_perf", "rounds"),
    "batches[32]": drop("port", "batches", 4),
    "devices[Ascend310]": _no_ascend310,
    "devices[Ascend310].throughput[8]": drop("port", "published", 0, "throughput", 2),
    "devices[Ascend310].floor_margin_percent.value": put(9.0, "shared", "chips", 0, "floor_margin_percent", "value"),
    "devices[Ascend310].noise_cv_percent.value": put(2.0, "shared", "chips", 0, "noise_cv_percent", "value"),
    "devices[Ascend310].om_top1.value": put(55.0, "port", "published", 0, "om_top1", "value"),
    "devices[Ascend310P3].throughput[1].images_per_second_per_chip.value": put(
        1000, "port", "published", 1, "throughput", 0, "images_per_second_per_chip", "value"
    ),
    "devices[Ascend310].throughput[1].images_per_second_per_card": put(
        None, "port", "published", 0, "throughput", 0, "images_per_second_per_card"
    ),
    "kind": put("sample", "port", "kind"),
    "om.atc_extra_args": put(["--precision_mode=force_fp32"], "port", "om", "atc_extra_args"),
    "om.soc": put("Ascend310P3", "port", "om", "soc"),
}


@pytest.mark.parametrize("path", LOOSER)
def test_a_looser_number_is_named(
    path: str, change: Callable[[Callable[[Document], object]], tuple[Loosened, ...]]
) -> None:
    found = change(LOOSER[path])
    assert [entry.path.removesuffix(".name") for entry in found] == [path]
    assert found[0].reason == ""


GONE = {
    "accuracy.pth_top5": drop("port", "accuracy", "pth_top5"),
    "model.flops_per_image": drop("port", "model", "flops_per_image"),
    "devices[Ascend310].om_top1": drop("port", "published", 0, "om_top1"),
    "checkpoint.md5": drop("port", "checkpoint", "md5"),
}


@pytest.mark.parametrize("path", GONE)
def test_a_figure_that_is_gone_is_named(
    path: str, change: Callable[[Callable[[Document], object]], tuple[Loosened, ...]]
) -> None:
    (found,) = change(GONE[path])
    assert (found.path, found.new, found.reason) == (path, "gone", "")


STRICTER = {
    "a bound lowered": put(0.5, "shared", "accuracy", "top1_drop_pp", "at_most"),
    "a floor raised": put(0.9999999, "shared", "agreement", "onnx", "min_cosine", "at_least"),
    "a margin lowered": put(2.0, "shared", "chips", 0, "floor_margin_percent", "value"),
    "more images": put(200, "shared", "preprocessing", "parity_images"),
    "a source reworded": put("the guide", "shared", "accuracy", "top1_drop_pp", "source"),
    "a digest pinned": put("0" * 64, "shared", "datasets", "imagenet_val", "content_sha256"),
    "the labels pinned": put("0" * 64, "shared", "datasets", "imagenet_val", "labels_sha256"),
    "weights pinned more": put("0" * 64, "port", "checkpoint", "sha256"),
    "another address": put("https://example.org/x.pth", "port", "checkpoint", "url"),
    "nothing": lambda document: None,
}


@pytest.mark.parametrize("name", STRICTER)
def test_a_stricter_spec_passes(
    name: str, change: Callable[[Callable[[Document], object]], tuple[Loosened, ...]]
) -> None:
    assert change(STRICTER[name]) == ()


def test_a_number_carries_its_own_reason(
    change: Callable[[Callable[[Document], object]], tuple[Loosened, ...]],
) -> None:
    entry = {"at_most": 2.0, "unit": "pp", "source": "guide", "reason": "int8 was asked for"}
    (found,) = change(put(entry, "shared", "accuracy", "top1_drop_pp"))
    assert found.reason == "int8 was asked for"


def test_a_list_has_its_reason_by_path(
    change: Callable[[Callable[[Document], object]], tuple[Loosened, ...]],
) -> None:
    def edit(document: Document) -> None:
        drop("port", "batches", 4)(document)
        document["reasons"] = {"batches[32]": "no longer deployed"}

    (found,) = change(edit)
    assert found.reason == "no longer deployed"


@pytest.mark.parametrize("words", [".", " ", "--- !", "…"])
def test_a_reason_without_a_word_is_none(
    words: str, change: Callable[[Callable[[Document], object]], tuple[Loosened, ...]]
) -> None:
    def edit(document: Document) -> None:
        document["shared"]["accuracy"]["top1_drop_pp"].update(at_most=2.0, reason=words)
        drop("port", "batches", 4)(document)
        document["reasons"] = {"batches[32]": words}

    assert [found.reason for found in change(edit)] == ["", ""]


def test_a_reason_may_be_of_any_script(
    change: Callable[[Callable[[Document], object]], tuple[Loosened, ...]],
) -> None:
    def edit(document: Document) -> None:
        put("Ascend310P3", "port", "om", "soc")(document)
        document["reasons"] = {"om.soc": "换了芯片"}

    (found,) = change(edit)
    assert str(found) == "om.soc: null -> Ascend310P3 (换了芯片)"


def test_devices_where_there_were_none_are_welcome(tmp_path: Path) -> None:
    def edit(document: Document) -> None:
        document["shared"]["chips"] = []
        del document["port"]["published"]

    before = load_spec(edited(tmp_path, edit))
    assert loosened(before, OLD) == ()


@pytest.mark.parametrize("path", GONE)
def test_a_figure_where_there_was_none_is_welcome(path: str, tmp_path: Path) -> None:
    assert loosened(load_spec(edited(tmp_path, GONE[path])), OLD) == ()


def test_an_old_reason_excuses_nothing(tmp_path: Path) -> None:
    entry = {"at_most": 2.0, "unit": "pp", "source": "guide", "reason": "int8 was asked for"}
    before = load_spec(edited(tmp_path, put(dict(entry), "shared", "accuracy", "top1_drop_pp")))
    after = load_spec(edited(tmp_path, put({**entry, "at_most": 3.0}, "shared", "accuracy", "top1_drop_pp")))
    (found,) = loosened(before, after)
    assert found.reason == ""


def run(*words: Path | str) -> subprocess.CompletedProcess[str]:
    """The command."""
    script = [sys.executable, str(ROOT / "tools" / "spec_diff.py"), *map(str, words)]
    return subprocess.run(script, capture_output=True, text=True, check=False, cwd="/")


def test_the_command_fails_without_a_reason(tmp_path: Path) -> None:
    done = run(PUBLISHED_SPEC, edited(tmp_path, LOOSER["accuracy.top1_drop_pp.at_most"]))
    assert done.returncode == 1
    assert "loosened: accuracy.top1_drop_pp.at_most: 1 pp -> at_most 2 pp (no reason given)" in done.stdout
    assert done.stdout.endswith("1 loosened, 1 without a reason\n")


EXPLAINED: dict[str, tuple[Callable[[Document], object], Callable[[Document], object], str]] = {
    "a number": (
        put(2.0, "shared", "accuracy", "top1_drop_pp", "at_most"),
        put("int8 was asked for", "shared", "accuracy", "top1_drop_pp", "reason"),
        "`reason: …` beside the number accuracy.top1_drop_pp",
    ),
    "a plain value": (
        put(16, "shared", "onnx", "probe_images"),
        put({"onnx.probe_images": "a small network"}, "reasons"),
        '`reasons: {"onnx.probe_images": …}` at the top level',
    ),
    "what is gone": (
        put([1, 4, 8, 32], "port", "batches"),
        put({"batches[16]": "nobody runs it"}, "reasons"),
        '`reasons: {"batches[16]": …}` at the top level',
    ),
}


@pytest.mark.parametrize("case", EXPLAINED)
def test_the_command_says_where_a_reason_is_written_and_takes_it_there(case: str, tmp_path: Path) -> None:
    loosen, explain, place = EXPLAINED[case]
    new = edited(tmp_path, loosen)
    assert f"  a reason is written in {new}: {place}\n" in run(PUBLISHED_SPEC, new).stdout
    done = run(PUBLISHED_SPEC, edited(tmp_path, lambda document: (loosen(document), explain(document))))
    assert (done.returncode, "a reason is written" in done.stdout) == (0, False)
    assert done.stdout.endswith("1 loosened, 0 without a reason\n")


def test_the_command_passes_the_same_spec() -> None:
    assert run(PUBLISHED_SPEC, PUBLISHED_SPEC).returncode == 0


def test_the_command_takes_names_of_ports(tmp_path: Path) -> None:
    looser = tmp_path / "resnet18.yaml"
    shipped = (ROOT / "ports" / "resnet18.yaml").read_text(encoding="utf-8")
    assert "batches: [1, 4, 8, 16, 32]" in shipped
    looser.write_text(shipped.replace("batches: [1, 4, 8, 16, 32]", "batches: [1]"), encoding="utf-8")
    assert run("resnet18", "resnet18").returncode == 0
    done = run("resnet18", looser)
    assert (done.returncode, "4 loosened" in done.stdout) == (1, True), done.stdout
    assert "there is no port of this name; found resnet999" in run("resnet18", "resnet999").stderr


def test_the_command_refuses_what_is_no_spec(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("a: 1\n")
    done = run(PUBLISHED_SPEC, tmp_path / "x.yaml")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
