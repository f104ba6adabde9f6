"""The command vision_metric.py: the guide's JSON, and a refusal wherever the script it replaces went on."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tools.ascend import dumps
from tools.base import cli
from tools.base.errors import AccuracyError, PreprocessingError, SuiteError
from tools.base.reading import Refusal, flat_folder
from tools.judge.guide_result import percent, result_json
from tools.ports.spec import PUBLISHED_SPEC
from tools.vision_metric import main

ROOT = Path(__file__).resolve().parent.parent
RANKS = (1, 2, 3, 4, 5, 6, 1, 1)  # the place of each image's label among its scores


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """Eight images of ten classes whose labels rank as RANKS says, dumped as benchmark does."""
    return write_case(tmp_path, width=10)


def write_case(root: Path, *, width: int, shift: int = 0, ending: str = "_1.txt") -> Path:
    (root / "dumps").mkdir()
    lines = []
    for index, rank in enumerate(RANKS):
        label = index % 5
        scores = np.zeros(width, np.float32)
        order = [place for place in range(width) if place != label + shift]
        order.insert(rank - 1, label + shift)
        scores[order] = np.arange(width, 0, -1)
        text = "".join(f"{score:f} " for score in scores) + "\n"
        (root / "dumps" / f"img_{index}{ending}").write_bytes(
            scores.tobytes() if ending.endswith("bin") else text.encode()
        )
        lines.append(f"img_{index}.JPEG {label}\n")
    (root / "val_label.txt").write_text("".join(lines))
    return root


def run(case: Path, *more: str) -> dict[str, str]:
    arguments = ["--benchmark_out", str(case / "dumps"), "--anno_file", str(case / "val_label.txt")]
    assert main([*arguments, "--result_file", str(case / "result.json"), "--classes", "10", *more]) == 0
    document = json.loads((case / "result.json").read_text())
    return {entry["key"]: entry["value"] for entry in document["value"]}


def test_the_result_has_exactly_the_guides_shape() -> None:
    assert result_json(50000, 1000, (56.53, 68.23, 73.49, 76.79, 79.08)) == (
        '{"title": "Overall statistical evaluation", "value": [{"key": "Number of images", "value": "50000"}, '
        '{"key": "Number of classes", "value": "1000"}, {"key": "Top1 accuracy", "value": "56.53%"}, '
        '{"key": "Top2 accuracy", "value": "68.23%"}, {"key": "Top3 accuracy", "value": "73.49%"}, '
        '{"key": "Top4 accuracy", "value": "76.79%"}, {"key": "Top5 accuracy", "value": "79.08%"}]}'
    )


@pytest.mark.parametrize(("value", "text"), [(56.53, "56.53%"), (87.1, "87.1%"), (90.0, "90.0%"), (100 / 3, "33.33%")])
def test_percentages_are_rounded_and_not_padded(value: float, text: str) -> None:
    assert percent(value) == text


@pytest.mark.parametrize("ending", ["_1.txt", "_0.txt", "_1.bin", "_0.bin"])
def test_scores_the_dumps_of_both_tools(tmp_path: Path, ending: str) -> None:
    assert run(write_case(tmp_path, width=10, ending=ending)) == {
        "Number of images": "8",
        "Number of classes": "10",
        "Top1 accuracy": "37.5%",
        "Top2 accuracy": "50.0%",
        "Top3 accuracy": "62.5%",
        "Top4 accuracy": "75.0%",
        "Top5 accuracy": "87.5%",
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dumps", "result.json", "val_label.txt"]


def test_dumps_of_1001_values_shift_the_labels_by_the_background_class(tmp_path: Path) -> None:
    found = run(write_case(tmp_path, width=1001, shift=1), "--classes", "1000")
    assert found["Number of classes"] == "1001"
    assert found["Top1 accuracy"] == "37.5%"


def test_fewer_than_five_classes_give_fewer_accuracies(tmp_path: Path) -> None:
    (tmp_path / "dumps").mkdir()
    (tmp_path / "dumps" / "a_1.txt").write_text("0.000000 1.000000 \n")
    (tmp_path / "val_label.txt").write_text("a.jpg 0\n")
    assert list(run(tmp_path, "--classes", "2").items())[2:] == [("Top1 accuracy", "0.0%"), ("Top2 accuracy", "100.0%")]


def test_equal_scores_rank_by_lowest_class(tmp_path: Path) -> None:
    (tmp_path / "dumps").mkdir()
    for name in "ab":
        (tmp_path / "dumps" / f"{name}_1.txt").write_text("0.000000 " * 10 + "\n")
    (tmp_path / "val_label.txt").write_text("a.jpg 0\nb.jpg 4\n")
    found = run(tmp_path)
    assert (found["Top1 accuracy"], found["Top4 accuracy"], found["Top5 accuracy"]) == ("50.0%", "50.0%", "100.0%")


def lose_a_dump(case: Path) -> None:
    (case / "dumps" / "img_3_1.txt").unlink()


def lose_a_label(case: Path) -> None:
    lines = (case / "val_label.txt").read_text().splitlines(keepends=True)
    (case / "val_label.txt").write_text("".join(lines[1:]))


def add_a_stranger(case: Path) -> None:
    (case / "dumps" / "notes.txt").touch()


def cut_the_first_dump(case: Path) -> None:
    (case / "dumps" / "img_0_1.txt").write_text("1.000000 2.0")


def cut_a_later_dump(case: Path) -> None:
    (case / "dumps" / "img_4_1.txt").write_text("1.000000 2.0")


def put_nan_into_a_dump(case: Path) -> None:
    (case / "dumps" / "img_4_1.txt").write_text("nan " * 10)


def dump_nothing(case: Path) -> None:
    for path in (case / "dumps").iterdir():
        path.unlink()


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (lose_a_dump, "1 missing in the dumps (img_3)"),
        (lose_a_label, "1 not in the labels (img_0)"),
        (add_a_stranger, "1 entries are not dumps: notes.txt"),
        (cut_the_first_dump, "found 2 values; allowed 10"),
        (cut_a_later_dump, "found 2 values; allowed 10"),
        (put_nan_into_a_dump, "not a finite score: 'nan'"),
        (dump_nothing, "holds no dumps"),
    ],
)
def test_a_fault_is_refused_and_leaves_no_result(case: Path, fault: Callable[[Path], None], reason: str) -> None:
    run(case)
    fault(case)
    with pytest.raises(AccuracyError) as caught:
        run(case)
    assert reason in str(caught.value)
    assert caught.value.gate == "accuracy.dumps"
    assert not (case / "result.json").exists()


def test_the_folder_is_listed_once(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = list[Path]()

    def noting(folder: Path, wanted: Callable[[str], bool], refuse: Refusal, *, unit: str, hint: str) -> list[str]:
        listed.append(folder)
        return flat_folder(folder, wanted, refuse, unit=unit, hint=hint)

    monkeypatch.setattr(dumps, "flat_folder", noting)
    assert run(case)["Number of images"] == "8"
    assert listed == [case / "dumps"]


def test_bad_labels_leave_no_result(case: Path) -> None:
    run(case)
    with pytest.raises(PreprocessingError, match=r"outside 0\.\.3"):
        run(case, "--classes", "4")
    assert not (case / "result.json").exists()


def test_another_number_of_classes_is_no_reason_to_shift_labels(case: Path) -> None:
    with pytest.raises(AccuracyError, match=r"found 10 values; allowed 9\b"):
        run(case, "--classes", "9")


@pytest.mark.parametrize("place", ["val_label.txt", "dumps/result.json", "dumps"])
def test_the_result_never_destroys_or_pollutes_the_inputs(case: Path, place: str) -> None:
    before = sorted(case.rglob("*"))
    with pytest.raises(AccuracyError, match="cannot be written over"):
        run(case, "--result_file", str(case / place))
    assert sorted(case.rglob("*")) == before
    assert (case / "val_label.txt").read_text().startswith("img_0.JPEG")


def test_a_result_that_cannot_be_written_is_refused(case: Path) -> None:
    (case / "file").touch()
    with pytest.raises((OSError, SuiteError), match="file"):
        run(case, "--result_file", str(case / "file" / "result.json"))


@pytest.mark.parametrize("arguments", [[], ["--anno_file", "x", "--classes", "0"]])
def test_wrong_arguments_exit_with_2(arguments: list[str]) -> None:
    assert cli.run(lambda: main(arguments)) == 2


def test_as_a_command(case: Path) -> None:
    command = [
        sys.executable,
        str(ROOT / "tools" / "vision_metric.py"),
        "--classes",
        "10",
        "--anno_file",
        "val_label.txt",
    ]
    good = subprocess.run([*command, "--benchmark_out", "dumps"], cwd=case, capture_output=True, text=True, check=False)
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.startswith("result.json: 8 images, Top1 37.5%, Top2 50.0%")
    bad = subprocess.run(command, cwd=case, capture_output=True, text=True, check=False)
    assert bad.returncode == 2
    assert bad.stderr == "error: result/dumpOutput_device0: cannot list the folder: No such file or directory\n"


def port_with(folder: Path, label_offset: int) -> str:
    """A file with AlexNet's port, whose network has a background class where the offset is 1."""
    text = PUBLISHED_SPEC.read_text(encoding="utf-8")
    source = "    source: torchvision:alexnet\n"
    path = folder / "own.yaml"
    path.write_text(text.replace(source, f"{source}    label_offset: {label_offset}\n"), encoding="utf-8")
    return str(path)


def scored(case: Path, port: str) -> str:
    """Top-1 by a port."""
    places = ["--benchmark_out", str(case / "dumps"), "--anno_file", str(case / "val_label.txt")]
    assert main([*places, "--result_file", str(case / "result.json"), "--port", port]) == 0
    document = json.loads((case / "result.json").read_text())
    return str({entry["key"]: entry["value"] for entry in document["value"]}["Top1 accuracy"])


def test_classes_and_label_offset_are_the_ports(tmp_path: Path) -> None:
    case = write_case(tmp_path, width=1001, shift=1)
    assert scored(case, port_with(tmp_path, 1)) == "37.5%"
    with pytest.raises(AccuracyError, match=r"found 1001 values; allowed 1000\."):
        scored(case, port_with(tmp_path, 0))


@pytest.mark.parametrize(
    ("dtype", "fix"),
    [
        ("float16", "These look like float16 values: compile the OM with float32 outputs (no --output_type=FP16)"),
        (
            "int64",
            "These look like 8-byte values (int64 or float64), not float32 scores: is this the output of an ArgMax?",
        ),
    ],
)
def test_dumps_of_another_type_are_named_as_such(dtype: str, fix: str, case: Path) -> None:
    """Not as values of a width that no model has."""
    for path in (case / "dumps").iterdir():
        path.rename(path.with_suffix(".bin"))
        path.with_suffix(".bin").write_bytes(np.zeros(10, dtype).tobytes())
    with pytest.raises(AccuracyError) as caught:
        run(case)
    assert str(caught.value).endswith(fix)
