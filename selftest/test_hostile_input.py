"""Input that somebody made to break the suite: one clear error through the public door, quickly and in little memory.

What is trusted and what is not: docs/security.md. Random input: selftest/test_fuzz.py.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from selftest.ascend.stubs import ais_bench_package, executable
from selftest.evidence.bundles import Made, World
from selftest.evidence.tampering import contents_of
from selftest.faults.hostile_faults import write_png_bomb
from tools.ascend import benchmark, inference, om_description
from tools.ascend.runs import Place
from tools.ascend.target import Target, TargetKind
from tools.base.errors import OmError, PerfError, PreprocessingError, SpecError
from tools.base.files import ROOT
from tools.base.reading import MAX_TEXT_BYTES
from tools.data.dataset import read_dataset
from tools.data.images import LONGEST_ID_BYTES, list_images
from tools.data.info import bin_rows, read_info, write_info
from tools.data.labels import read_labels
from tools.evidence.manifest import write_manifest
from tools.judge.files import LARGEST_READ_BYTES
from tools.judge.layout import FILE, LABELS, MANIFEST
from tools.judge.texts.reading import InferTool
from tools.ports.spec import PUBLISHED_SPEC, load_spec

GIGABYTE = 2**30
MAPPED_BYTES = 1500 * 2**20
"""What a command may map: four workers with numpy and Pillow need a third of it, a decoded bomb more than all."""
TOO_LARGE = f"too large; found {GIGABYTE} bytes; allowed {MAX_TEXT_BYTES}"


def refusal(tool: str, *words: str | Path) -> str:
    """The one line with which a command refuses its input, while it may map MAPPED_BYTES only.

    The verifier prints it on stdout, with its last word below.
    """
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(ROOT / "tools" / tool), *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 2, done.stdout + done.stderr
    lines = (done.stdout + done.stderr).splitlines()
    if tool == "verify_bundle.py":
        assert lines.pop().startswith("VERDICT: NONE")
    assert len(lines) == 1, lines
    return lines[0]


_LIMITED = f"""
import os, resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({MAPPED_BYTES}, {MAPPED_BYTES}))
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def sparse(path: Path, size: int = GIGABYTE) -> Path:
    """A file of this size that takes no room on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as handle:
        handle.truncate(size)
    return path


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """To read any file whole fails the test."""

    def refuse(path: Path, *words: object, **named: object) -> bytes:
        raise AssertionError(f"{path} was read")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    monkeypatch.setattr(Path, "read_text", refuse)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A whole evidence bundle."""
    return Made(World(images=30, batches=(1,))).write(tmp_path / "bundle")


# --- A gigabyte where a text is expected: refused by its size, before it is read -----------------------------------


@pytest.mark.parametrize("read", [lambda path: read_labels(path, classes=1000), read_info])
def test_labels_and_info_of_a_gigabyte_are_refused_unread(
    tmp_path: Path, read: Callable[[Path], object], unread: None
) -> None:
    with pytest.raises(PreprocessingError, match=TOO_LARGE):
        read(sparse(tmp_path / "list.txt"))


def test_a_spec_of_a_gigabyte_is_refused_unread(tmp_path: Path, unread: None) -> None:
    with pytest.raises(SpecError, match=f"{GIGABYTE} bytes, at most"):
        load_spec(sparse(tmp_path / "spec.yaml"))


def test_the_commands_refuse_a_gigabyte_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "dumps").mkdir()
    (tmp_path / "dumps" / "a_1.txt").write_text("1 2 3\n")
    huge, out = sparse(tmp_path / "huge"), tmp_path / "out"
    scored: list[str | Path] = ["--benchmark_out", tmp_path / "dumps", "--anno_file", huge, "--result_file", out]
    assert "too large" in refusal("vision_metric.py", *scored)
    assert "too large" in refusal("imagenet_torch_preprocess.py", tmp_path / "dumps", out, "--port", huge)
    assert "too large" in refusal("spec_diff.py", huge, huge)


PERF_OF_A_GIGABYTE = """
dumps = Path("result/dumpOutput_device0")
dumps.mkdir(parents=True)
(dumps / "a_1.bin").write_bytes(b"1234")
Path("result/perf_vision_batchsize_1_device_0.txt").touch()
os.truncate("result/perf_vision_batchsize_1_device_0.txt", 2**30)
"""
SUMMARY_OF_A_GIGABYTE = """
out = Path(args["output"])
(out / "dumps").mkdir()
(out / "dumps_summary.json").touch()
os.truncate(out / "dumps_summary.json", 2**30)
print("throughput 1000*batchsize.mean(1)/NPU_compute_time.mean(1.0): 1000.0")
"""


def om_and_bins(folder: Path) -> inference.DatasetJob:
    """A job of one image."""
    (folder / "a.om").write_bytes(b"om")
    (folder / "bins").mkdir()
    (folder / "bins" / "a.bin").write_bytes(b"x")
    places = {"om": folder / "a.om", "bins": folder / "bins", "work": folder / "work", "logs": folder / "logs"}
    return inference.DatasetJob(
        om=places["om"],
        bins=places["bins"],
        work=places["work"],
        logs=places["logs"],
        ids=("a",),
        batch=1,
        width=224,
        height=224,
        timeout_seconds=60,
    )


def test_a_perf_text_of_a_gigabyte_is_refused_unread(tmp_path: Path) -> None:
    job = om_and_bins(tmp_path)
    env = executable(tmp_path / "bin", benchmark.binary_name(), PERF_OF_A_GIGABYTE)
    program = tmp_path / "bin" / benchmark.binary_name()
    target = Target(TargetKind.SIMULATOR, env, InferTool.BENCHMARK, program, why="test")
    run = inference.run_dataset(target, job, (0,))
    with pytest.raises(PerfError, match=f"too large: {GIGABYTE} bytes"):
        assert run.readings


def test_a_summary_of_a_gigabyte_is_refused_unread(tmp_path: Path) -> None:
    om_and_bins(tmp_path)
    env = ais_bench_package(tmp_path / "site", SUMMARY_OF_A_GIGABYTE)
    target = Target(TargetKind.SIMULATOR, env, InferTool.AIS_BENCH, Path(sys.executable), why="test")
    with pytest.raises(PerfError, match=f"too large: {GIGABYTE} bytes"):
        inference.run_pure(
            target,
            om=tmp_path / "a.om",
            batch=1,
            device=0,
            work=tmp_path / "w",
            logs=tmp_path / "l",
            timeout_seconds=60,
        )


def test_an_om_description_of_a_gigabyte_is_refused_unread(tmp_path: Path) -> None:
    om_and_bins(tmp_path)
    env = executable(tmp_path / "bin", "atc", "Path(args['json']).touch()\nos.truncate(args['json'], 2**30)\n")
    with pytest.raises(OmError, match="too large"):
        om_description.describe_om(tmp_path / "a.om", batch=1, env=env, work=tmp_path / "w", logs=tmp_path / "l")


@pytest.mark.parametrize("tool", ["verify_bundle.py", "report_bundle.py"])
@pytest.mark.parametrize("name", [FILE, LABELS, MANIFEST, "logs/more"])
def test_a_bundle_with_a_terabyte_in_it_is_refused_by_its_size(bundle: Path, name: str, tool: str) -> None:
    sparse(bundle / name, 2**40)
    assert f"{name} is larger than" in refusal(tool, bundle) or f"{name}: {2**40} bytes" in refusal(tool, bundle)


def test_a_bundles_record_is_not_read_into_memory_whatever_its_size(bundle: Path) -> None:
    sparse(bundle / FILE, LARGEST_READ_BYTES + 1)
    write_manifest(bundle)
    assert f"{FILE}: {LARGEST_READ_BYTES + 1} bytes are more than" in refusal("verify_bundle.py", bundle)


# --- Names ---------------------------------------------------------------------------------------------------------


def flat(folder: Path, *names: str) -> Path:
    """A folder of empty files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_names_of_other_scripts_and_with_spaces_join_with_their_labels(tmp_path: Path) -> None:
    names = ("图像 一.JPEG", "a b  c.jpeg", "ÅÄÖ.png", "🐈.webp", "Cat.jpg", "cat.jpg")
    images = flat(tmp_path / "val", *names)
    labels = tmp_path / "labels.txt"
    labels.write_text("".join(f"{name} {index}\n" for index, name in enumerate(names)), encoding="utf-8")
    dataset = read_dataset(images, labels, classes=10, limit=None)
    assert dataset.labels == {name.rpartition(".")[0]: index for index, name in enumerate(names)}


def test_a_name_with_a_space_is_refused_where_the_vendors_format_splits(tmp_path: Path) -> None:
    rows = bin_rows(str(flat(tmp_path / "bins", "a b.bin")), 224, 224)
    with pytest.raises(PreprocessingError, match=r"'.*a b\.bin' holds white space"):
        write_info(rows, tmp_path / "x.info")
    assert "holds white space" in refusal("get_info.py", "bin", tmp_path / "bins", tmp_path / "x.info", "224", "224")
    assert not (tmp_path / "x.info").exists()


@pytest.mark.parametrize("name", ["two\nlines.JPEG", "tab\t.JPEG", "\udcff.JPEG", "\u202egnp.JPEG"])
def test_a_name_that_no_line_can_hold_is_shown_escaped(tmp_path: Path, name: str) -> None:
    said = refusal("get_info.py", "jpg", flat(tmp_path / "val", name), tmp_path / "x.info")
    assert "1 entries are not images" in said
    assert ascii(name) in said


def test_a_name_of_255_bytes_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    longest = "像" * 83 + "x.JPEG"
    assert len(longest.encode()) == 255
    said = refusal("imagenet_torch_preprocess.py", flat(tmp_path / "val", longest), tmp_path / "out")
    assert f"allowed {LONGEST_ID_BYTES} bytes" in said
    assert not (tmp_path / "out").exists()
    assert list(list_images(flat(tmp_path / "more", "x" * LONGEST_ID_BYTES + ".JPEG"))) == ["x" * LONGEST_ID_BYTES]


@pytest.mark.parametrize("name", ["../a.JPEG", "/etc/passwd", "..", "a/../b.JPEG", "sub\\a.JPEG"])
def test_a_label_line_cannot_lead_out_of_the_folder(tmp_path: Path, name: str) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text(f"{name} 1\n")
    with pytest.raises(PreprocessingError, match="not a plain file name"):
        read_labels(labels, classes=10)


def test_an_info_line_that_leads_elsewhere_is_not_this_data_set(tmp_path: Path) -> None:
    info = tmp_path / "x.info"
    info.write_text("0 ../../../../etc/passwd 224 224\n")
    om_and_bins(tmp_path)
    env = executable(tmp_path / "bin", benchmark.binary_name(), "raise SystemExit('must not be started')")
    with pytest.raises(PreprocessingError, match=r"not the \.info file of this data set"):
        benchmark.run_dataset(
            om=tmp_path / "a.om",
            info=info,
            info_base=tmp_path,
            batch=1,
            device=0,
            width=224,
            height=224,
            expected_ids=("a",),
            place=Place(env, tmp_path / "w", tmp_path / "l", 60),
        )


def test_links_to_images_are_read_and_links_to_anything_else_refused(tmp_path: Path) -> None:
    elsewhere = flat(tmp_path / "elsewhere", "real.JPEG")
    folder = flat(tmp_path / "val")
    (folder / "a.JPEG").symlink_to(elsewhere / "real.JPEG")
    assert list(list_images(folder)) == ["a"]
    (folder / "b.JPEG").symlink_to("/dev/zero")
    with pytest.raises(PreprocessingError, match=r"entries are not images .*b\.JPEG"):
        list_images(folder)
    (folder / "b.JPEG").unlink()
    (folder / "c.JPEG").symlink_to(folder / "c.JPEG")
    with pytest.raises(PreprocessingError, match=r"c\.JPEG"):
        list_images(folder)
    (folder / "c.JPEG").unlink()
    (folder / "d.JPEG").symlink_to(elsewhere)
    with pytest.raises(PreprocessingError, match="sub-folders"):
        list_images(folder)


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "a/../../b", "a//b", "a\\b", "-x", "图"])
def test_a_manifest_cannot_lead_out_of_its_bundle(bundle: Path, name: str) -> None:
    with (bundle / MANIFEST).open("a") as manifest:
        manifest.write(f"{'0' * 64}  {name}\n")
    assert MANIFEST in refusal("report_bundle.py", bundle)
    assert MANIFEST in refusal("verify_bundle.py", bundle)


@pytest.mark.parametrize("target", ["/etc/hostname", "acceptance.json", "/"])
def test_a_link_in_a_bundle_is_refused(bundle: Path, target: str) -> None:
    (bundle / "logs" / "linked").symlink_to(target)
    assert "logs/linked is no plain file" in refusal("report_bundle.py", bundle)


# --- Images --------------------------------------------------------------------------------------------------------


def test_a_decompression_bomb_is_named_and_never_decoded(tmp_path: Path) -> None:
    folder = flat(tmp_path / "val")
    write_png_bomb(folder / "bomb.JPEG")
    assert (folder / "bomb.JPEG").stat().st_size < 2**20
    said = refusal("imagenet_torch_preprocess.py", folder, tmp_path / "out")
    assert "bomb.JPEG" in said
    assert "decompression bomb" in said
    assert "bomb.JPEG (DecompressionBombError)" in refusal("get_info.py", "jpg", folder, tmp_path / "x.info")


def test_fifty_thousand_images_are_listed_in_one_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = flat(tmp_path / "val", "0.JPEG")
    for index in range(1, 50_000):
        os.link(folder / "0.JPEG", folder / f"{index}.JPEG")
    passes = 0
    scan = os.scandir

    def counted(path: Path) -> object:
        nonlocal passes
        passes += 1
        return scan(path)

    monkeypatch.setattr(os, "scandir", counted)
    assert len(list_images(folder)) == 50_000
    assert passes == 1


# --- Specs and bundles that grow when they are read ----------------------------------------------------------------


def spec_with(folder: Path, old: str, new: str) -> Path:
    """The published spec with a piece replaced."""
    text = PUBLISHED_SPEC.read_text(encoding="utf-8")
    assert old in text
    path = folder / "spec.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


LAUGHS = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 12)
)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("schema: 2", f"{LAUGHS}schema: 2", "YAML aliases are not allowed"),
        ("schema: 2", f"deep: {'[' * 100_000}\nschema: 2", "nested deeper than"),
        ("classes: 1000", f"classes: {'9' * 100_000}", "not valid YAML"),
        ("images: {exactly: 50000,", "images: {exactly: 1.0e+15,", "images is 1000000000000000.0"),
        ("images: {exactly: 50000,", "images: {exactly: 1.0e+999,", "Expected `float` <= 1e+18"),
        ("{:08d}", "{:0999999999d}", "id_format is"),
        ("resize_px: 256", "resize_px: 2147483648", "resize_px"),
        ("classes: 1000", "classes: 9999999999999999999999999", "classes"),
    ],
)
def test_a_spec_that_would_grow_is_refused_in_one_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    found = refusal("spec_diff.py", PUBLISHED_SPEC, spec_with(tmp_path, old, new))
    assert "spec.yaml" in found
    assert said in found


def test_nested_json_in_a_bundle_is_refused(bundle: Path) -> None:
    (bundle / FILE).write_text("[" * 100_000 + "]" * 100_000)
    write_manifest(bundle)
    assert FILE in refusal("verify_bundle.py", bundle)
    assert FILE in refusal("report_bundle.py", bundle)


def test_a_bundle_whose_arrays_claim_more_than_they_hold_is_refused(bundle: Path) -> None:
    content = (bundle / LABELS).read_bytes()
    assert b"(30,), " in content
    (bundle / LABELS).write_bytes(content.replace(b"(30,), ", b"(9**9,)"))
    write_manifest(bundle)
    assert LABELS in refusal("verify_bundle.py", bundle)


def test_a_bundle_is_not_an_archive(tmp_path: Path, bundle: Path) -> None:
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", bundle)
    assert "no such folder" in refusal("verify_bundle.py", packed)


def test_every_array_in_a_bundle_is_plain(bundle: Path) -> None:
    arrays = [name for name in contents_of(bundle) if name.endswith((".npy", ".npz"))]
    assert arrays
    assert all(name.endswith(".npy") and (bundle / name).read_bytes()[:6] == b"\x93NUMPY" for name in arrays)
