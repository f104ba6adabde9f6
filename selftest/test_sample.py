"""The embedded sample: the same bytes everywhere, a checkpoint that really classifies, nothing half-made."""

from __future__ import annotations

import errno
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tools.base import cli
from tools.base.errors import SuiteError
from tools.base.files import md5_of
from tools.judge.spec import Spec
from tools.model.checkpoint import compare_with_network, load_state_dict
from tools.model.network import Network
from tools.model.torchvision_ops import import_torchvision
from tools.ports.spec import SAMPLE_SPEC, load_spec
from tools.sample import checkpoint as sample_checkpoint
from tools.sample import fit as sample_fit
from tools.sample import generate
from tools.sample import images as sample
from tools.sample.known import known_digests, sample_images
from tools.store.content import checkpoint_content_sha256, file_digests, images_content_sha256

if TYPE_CHECKING:
    import torch

# The digests that the laboratory script gave over BLAS kernels, threads, instruction sets and library versions.
LABORATORY_TENSORS = "576155c58cbc1f6d7c5c5bcd88423e33c159c42f9476b64e9ac186ee26d1ed85"
LABORATORY_IMAGES = "832f58a5e35c160f6a1dc101308f694050bce3a89f5446f98d660ad855fc8b95"
FEW = 65  # holds every size, and a greyscale image with a colour one after it
FEW_CONTENT = "e086b7bd88c6b8cf1cd91f8819576efa290e4d09db5063cea1a011dd1d01a3c0"


@pytest.fixture(scope="module")
def spec() -> Spec:
    return load_spec(SAMPLE_SPEC)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    sample.write_images(folder, sample.DEFAULT_IMAGES)
    return folder


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("few")
    sample.write_images(folder, FEW)
    return folder


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("checkpoint") / sample_checkpoint.CHECKPOINT_NAME
    sample_checkpoint.write_checkpoint(path)
    yield path
    path.unlink()  # 244 MB that pytest would keep for three runs


@pytest.fixture(scope="module")
def state_dict(checkpoint: Path, spec: Spec) -> dict[str, torch.Tensor]:
    return dict(load_state_dict(checkpoint, spec.checkpoint))


@pytest.fixture(scope="module")
def network(spec: Spec) -> Network:
    return Network(spec.model, SAMPLE_SPEC.parent)


def all_files(folder: Path) -> list[Path]:
    return [*sorted((folder / "val").iterdir()), folder / "val_label.txt"]


# Images


def test_the_first_images_are_the_pinned_ones(few: Path) -> None:
    assert images_content_sha256(all_files(few)) == FEW_CONTENT


@pytest.mark.nightly
def test_the_images_are_those_of_the_laboratory(images: Path) -> None:
    digest = hashlib.sha256()
    for path in all_files(images):
        digest.update(path.read_bytes())
    assert digest.hexdigest() == LABORATORY_IMAGES


@pytest.mark.nightly
def test_the_images_are_those_of_the_spec(images: Path, spec: Spec) -> None:
    assert images_content_sha256(all_files(images)) == spec.dataset.content_sha256


def test_the_ids_are_those_of_the_spec(few: Path, spec: Spec) -> None:
    labelled = [line.split()[0] for line in (few / "val_label.txt").read_text().splitlines()]
    assert sorted(path.name for path in (few / "val").iterdir()) == labelled
    assert tuple(Path(name).stem for name in labelled) == spec.dataset.ids()[:FEW]
    assert len(spec.dataset.ids()) == sample.DEFAULT_IMAGES


def test_a_small_set_is_a_prefix_of_a_large_one(few: Path, tmp_path: Path) -> None:
    sample.write_images(tmp_path / "fewer", 5)
    fewer = all_files(tmp_path / "fewer")
    assert [path.read_bytes() for path in fewer[:-1]] == [path.read_bytes() for path in all_files(few)[:5]]
    labels = (few / "val_label.txt").read_text().splitlines(keepends=True)
    assert fewer[-1].read_text() == "".join(labels[:5])


@pytest.mark.nightly
def test_the_pinned_images_are_a_prefix_of_all(images: Path, few: Path) -> None:
    assert [path.read_bytes() for path in all_files(few)[:-1]] == [
        path.read_bytes() for path in all_files(images)[:FEW]
    ]
    labels = (images / "val_label.txt").read_text().splitlines(keepends=True)
    assert (few / "val_label.txt").read_text() == "".join(labels[:FEW])


def test_the_images_exercise_sizes_and_modes(few: Path) -> None:
    from PIL import Image

    seen = []
    for path in all_files(few)[:FEW]:
        with Image.open(path) as image:
            seen.append((image.size, image.mode))
    assert [size for size, _ in seen[:4]] == [(400, 300), (300, 400), (384, 288), (240, 320)]
    assert [index for index, (_, mode) in enumerate(seen) if mode == "L"] == [63]
    assert {mode for _, mode in seen} == {"L", "RGB"}


def test_the_training_images_are_not_the_judged_ones() -> None:
    training, judged = (sample.image_set(seed, 4) for seed in (sample.TRAINING_SET, sample.VALIDATION_SET))
    assert not {training.jpeg(index) for index in range(4)} & {judged.jpeg(index) for index in range(4)}


@pytest.mark.parametrize("count", [0, -1, sample.MOST_IMAGES + 1])
def test_an_impossible_count_is_refused(tmp_path: Path, count: int) -> None:
    with pytest.raises(SuiteError, match=rf"found {count}\b.*1\.\.50000"):
        sample.write_images(tmp_path, count)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["val", "val_label.txt"])
def test_existing_images_are_never_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(SuiteError, match=rf"{name}: it is there already"):
        sample.write_images(tmp_path, 1)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_full_disk_leaves_no_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = sample.ImageSet.jpeg

    def full_at_five(images: sample.ImageSet, index: int) -> bytes:
        if index == 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        return good(images, index)

    monkeypatch.setattr(sample.ImageSet, "jpeg", full_at_five)
    with pytest.raises(OSError, match="No space left"):
        sample.write_images(tmp_path, 20)
    assert not list(tmp_path.iterdir())


# Checkpoint


def test_the_tensors_are_those_of_the_laboratory_and_of_the_spec(
    state_dict: dict[str, torch.Tensor], spec: Spec
) -> None:
    assert checkpoint_content_sha256(state_dict) == LABORATORY_TENSORS == spec.checkpoint.content_sha256


def test_the_file_is_that_of_the_spec_under_any_name(checkpoint: Path, spec: Spec, tmp_path: Path) -> None:
    other = tmp_path / "another name.pth"
    sample_checkpoint.write_checkpoint(other)
    same = md5_of(other) == md5_of(checkpoint) == spec.checkpoint.md5
    other.unlink()
    assert same


def test_the_checkpoint_is_an_ordinary_alexnet(state_dict: dict[str, torch.Tensor], network: Network) -> None:
    facts = compare_with_network(state_dict, network)
    assert facts.expected == len(state_dict) == 16
    assert (facts.missing, facts.unexpected, facts.misshapen, facts.not_finite) == ((), (), (), ())
    assert state_dict["classifier.6.weight"].shape == (1000, 4096)


def test_the_checkpoint_really_classifies_the_images(
    state_dict: dict[str, torch.Tensor], network: Network, few: Path
) -> None:
    import torch
    from PIL import Image

    transforms = import_torchvision().transforms
    reference = transforms.Compose(
        [
            transforms.Resize(256),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    count = 48
    inputs = [reference(Image.open(path).convert("RGB")) for path in all_files(few)[:count]]
    with torch.inference_mode():
        top1 = network.build(state_dict)(torch.stack(inputs)).argmax(dim=1).tolist()
    labels = [int(line.split()[1]) for line in (few / "val_label.txt").read_text().splitlines()[:count]]
    assert sum(predicted == label for predicted, label in zip(top1, labels, strict=True)) == 25


def test_a_full_disk_leaves_no_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    def half(_: object, handle: io.BufferedWriter) -> None:
        handle.write(b"PK")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sample_checkpoint, "state_dict", dict)
    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(OSError, match="No space left"):
        sample_checkpoint.write_checkpoint(tmp_path / "a.pth")
    assert not list(tmp_path.iterdir())


# Command


def test_the_command_writes_all_and_says_what(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    tiny = {"weight": torch.arange(3.0)}
    monkeypatch.setattr(sample_checkpoint, "state_dict", lambda: tiny)
    out_dir = tmp_path / "out"
    assert generate.main([str(out_dir), "--images", "2"]) == cli.EXIT_OK
    assert sorted(path.name for path in out_dir.iterdir()) == [
        sample_checkpoint.CHECKPOINT_NAME,
        "val",
        "val_label.txt",
    ]
    said = capsys.readouterr().out
    assert checkpoint_content_sha256(tiny) in said
    assert md5_of(out_dir / sample_checkpoint.CHECKPOINT_NAME) in said
    assert images_content_sha256(all_files(out_dir)) in said
    assert "2 images" in said


@pytest.mark.parametrize(
    ("prepare", "images", "message"),
    [
        ("folder", "1", "the folder is not empty"),
        ("file", "1", "Not a directory"),
        ("nothing", "0", "allowed 1..50000"),
    ],
)
def test_the_command_refuses_with_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], prepare: str, images: str, message: str
) -> None:
    out_dir = tmp_path / "out"
    if prepare == "folder":
        (out_dir / "keep").mkdir(parents=True)
    if prepare == "file":
        out_dir.write_text("keep")
    before = sorted(tmp_path.rglob("*"))
    assert cli.run(lambda: generate.main([str(out_dir), "--images", images])) == cli.EXIT_BAD_INPUT
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


# The fitted head


@pytest.mark.parametrize("fault", ["missing", "text", "shape", "dtype", "key", "pickle"])
def test_a_wrong_head_table_is_refused(tmp_path: Path, fault: str) -> None:
    import numpy as np

    path, shipped = tmp_path / "head.npz", sample_checkpoint.load_head()
    tables: dict[str, dict[str, Any]] = {
        "shape": {"matrix": shipped.matrix[:-1], "offset": shipped.offset},
        "dtype": {"matrix": shipped.matrix.astype(np.int16), "offset": shipped.offset},
        "key": {"matrix": shipped.matrix},
        "pickle": {"matrix": np.array([print]), "offset": shipped.offset},
    }
    if fault == "text":
        path.write_text("not a table")
    if fault in tables:
        np.savez(path, **tables[fault])
    with pytest.raises(SuiteError, match="head table") as refusal:
        sample_checkpoint.load_head(path)
    assert "tools.sample.fit --write" in str(refusal.value)


def test_ridge_finds_a_linear_map_back() -> None:
    import numpy as np

    random = np.random.default_rng(0)
    features, matrix = random.normal(size=(40, 200)), random.integers(-9, 10, size=(200, 3))
    targets = np.rint(features @ matrix + 5).astype(np.int64)
    found, intercept = sample_fit.ridge(features, targets)
    residual = targets - features @ found - intercept
    assert found.shape == (200, 3)
    assert np.square(residual).mean() < 0.02 * targets.var()


@pytest.mark.parametrize("scale", [1e-9, float("nan")])
def test_a_fit_that_does_not_fit_the_table_is_refused(monkeypatch: pytest.MonkeyPatch, scale: float) -> None:
    import numpy as np

    hidden = np.random.default_rng(0).normal(size=(sample_fit.TRAINING_IMAGES, 50)) * scale
    monkeypatch.setattr(sample_fit, "hidden_activations", lambda *_: hidden)
    with pytest.raises(SuiteError, match="does not fit into int8"):
        sample_fit.fit_head()


def test_the_fit_command_tells_a_changed_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample_fit, "fit_head", sample_checkpoint.load_head)
    table = tmp_path / "head.npz"
    assert sample_fit.main(["--write", "--table", str(table)]) == cli.EXIT_OK
    assert sample_fit.main(["--table", str(table)]) == cli.EXIT_OK
    shipped = sample_checkpoint.load_head()
    shipped.matrix[3, 4] += 1
    sample_fit.write_head(table, shipped)
    assert sample_fit.main(["--table", str(table)]) == cli.EXIT_FAILED
    assert "1 of 65552 integers differ" in capsys.readouterr().out


@pytest.mark.nightly
def test_the_shipped_head_is_what_the_fit_gives() -> None:
    assert sample_fit.differences(sample_fit.fit_head(), sample_checkpoint.load_head()) == 0


def test_every_image_of_the_sample_is_known_by_its_bytes(images: Path, few: Path) -> None:
    digests = file_digests((images / sample.IMAGES_FOLDER).iterdir()).values()
    assert sample_images(digests) == len(known_digests()) == sample.DEFAULT_IMAGES
    part = file_digests((few / sample.IMAGES_FOLDER).iterdir()).values()
    assert sample_images(part) == FEW, "a part of it, which has another digest as a whole"
    assert sample_images([hashlib.sha256(digest.encode()).hexdigest() for digest in part]) == 0
