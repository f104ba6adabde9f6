"""Dumps of both vendor tools: which files they are, and what a file must hold to be believed."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from tools.dumps import dump_width, list_dumps, read_dump, read_logits
from tools.errors import AccuracyError

GATE = "om.accuracy.ids[bs1]"


def folder_of(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).write_text("1.000000 2.000000 3.000000 \n")
    return root


def refused_folder(folder: Path) -> str:
    with pytest.raises(AccuracyError) as caught:
        list_dumps(folder, gate=GATE)
    assert caught.value.gate == GATE
    assert str(folder) in str(caught.value)
    return str(caught.value)


def refused_dump(folder: Path, name: str, content: bytes, classes: int = 3) -> str:
    path = folder / name
    path.write_bytes(content)
    with pytest.raises(AccuracyError) as caught:
        read_dump(path, classes=classes, gate=GATE)
    assert caught.value.gate == GATE
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("ending", ["_1.txt", "_0.txt", "_1.bin", "_0.bin"])
def test_lists_the_dumps_of_both_tools(tmp_path: Path, ending: str) -> None:
    folder_of(tmp_path, f"ILSVRC2012_val_00000002{ending}", f"ILSVRC2012_val_00000001{ending}", f"a.b_7{ending}")
    found = list_dumps(tmp_path, gate=GATE)
    assert list(found) == ["ILSVRC2012_val_00000001", "ILSVRC2012_val_00000002", "a.b_7"]
    assert found["a.b_7"] == tmp_path / f"a.b_7{ending}"


def test_summaries_of_early_ais_bench_are_passed_over_but_are_no_dumps(tmp_path: Path) -> None:
    folder_of(tmp_path, "sumary.json", "run1_summary.json", ".journal")
    assert "holds no dumps" in refused_folder(tmp_path)
    folder_of(tmp_path, "a_0.txt")
    assert list(list_dumps(tmp_path, gate=GATE)) == ["a"]


@pytest.mark.parametrize("name", ["perf.txt", "a_1.npy", "a.txt", "summary.json", "_1.txt", "a_x.txt", "a_1.TXT"])
def test_strangers_are_named(tmp_path: Path, name: str) -> None:
    assert f"1 entries are not dumps: {name}" in refused_folder(folder_of(tmp_path, "b_1.txt", name))


def test_two_outputs_of_an_image_are_refused(tmp_path: Path) -> None:
    assert "1 images have more than one output: a" in refused_folder(
        folder_of(tmp_path, "a_0.txt", "a_1.txt", "b_0.txt")
    )


@pytest.mark.parametrize("other", ["b_1.bin", "b_0.txt"])
def test_outputs_of_two_runs_are_refused(tmp_path: Path, other: str) -> None:
    assert "several runs are mixed" in refused_folder(folder_of(tmp_path, "a_1.txt", other))


def test_sub_folders_empty_and_missing_folders_are_refused(tmp_path: Path) -> None:
    assert "holds no dumps" in refused_folder(tmp_path)
    assert "No such file" in refused_folder(tmp_path / "absent")
    (tmp_path / "device0").mkdir()
    assert "1 sub-folders" in refused_folder(folder_of(tmp_path, "a_1.txt"))


@pytest.mark.parametrize(
    "text",
    [
        "1.500000 -2.000000 0.000000 \n",
        "1.500000 -2.000000 0.000000\r\n",
        "1.500000 \n-2.000000 \n0.000000 \n",
        "1.500000\t-2.000000  -0.000000",
        "15e-1 -2E+00 0\n",
    ],
)
def test_reads_text_however_the_white_space_falls(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a_1.txt"
    path.write_text(text)
    scores = read_dump(path, classes=3, gate=GATE)
    assert scores.dtype == np.float32
    assert scores.tolist() == [1.5, -2.0, 0.0]


def test_reads_raw_little_endian_float32(tmp_path: Path) -> None:
    path = tmp_path / "a_1.bin"
    path.write_bytes(np.array([1.5, -2.0, 0.0], "<f4").tobytes())
    scores = read_dump(path, classes=3, gate=GATE)
    assert scores.dtype == np.float32
    assert scores.tolist() == [1.5, -2.0, 0.0]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b" \n", "found 0 values; allowed 3 values"),
        (b"1.0 2.0 \n", "found 2 values; allowed 3 values"),
        (b"1.0 2.0 3.0 4.0 \n", "found 4 values; allowed 3 values"),
        (b"1.000000 2.000000 3.00", "ends inside a number; found 3.00"),
        (b"1.0 two 3.0 \n", "not a number: 'two' for class 1"),
        (b"1.0 2_0 3.0 \n", "not a number: '2_0' for class 1"),
        (b"1.0 0x2 3.0 \n", "not a number: '0x2' for class 1"),
        (b"1.0 1.5-2.5 \n", "not a number: '1.5-2.5' for class 1"),
        (b"1.0 2.0,3.0 \n", "not a number: '2.0,3.0' for class 1"),
        (b"1.0 \xff\x00 3.0 \n", "not a number: '\\xff\\x00' for class 1"),
        (b"1.0 2.0 nan \n", "not a finite score: 'nan' for class 2"),
        (b"1.0 -inf 3.0 \n", "not a finite score: '-inf' for class 1"),
        (b"1.0 -nan(ind) 3.0 \n", "not a finite score: '-nan(ind)' for class 1"),
        (b"1.0 Infinity 3.0 \n", "not a finite score: 'Infinity' for class 1"),
        (b"1.0 1e39 3.0 \n", "not a finite score: inf for class 1"),
        (b"1.0 1e999 3.0 \n", "not a number: '1e999' for class 1"),
        (b"9" * 193, "too large"),
    ],
)
def test_bad_text_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    assert reason in refused_dump(tmp_path, "a_1.txt", content)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (bytes(11), "found 11 bytes; allowed 12 bytes (3 float32)"),
        (bytes(6), "float16"),
        (bytes(24), "int64 or float64"),
        (np.array([0, np.nan, 0], "<f4").tobytes(), "not a finite score: nan for class 1"),
        (np.array([0, 0, -np.inf], "<f4").tobytes(), "not a finite score: -inf for class 2"),
    ],
)
def test_bad_binary_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    assert reason in refused_dump(tmp_path, "a_1.bin", content)


def test_a_dump_that_is_gone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AccuracyError, match="No such file"):
        read_dump(tmp_path / "a_1.txt", classes=3, gate=GATE)
    with pytest.raises(AccuracyError, match="No such file"):
        dump_width(tmp_path / "a_1.txt", gate=GATE)


def test_width_of_text_and_binary(tmp_path: Path) -> None:
    assert dump_width(folder_of(tmp_path, "a_1.txt") / "a_1.txt", gate=GATE) == 3
    (tmp_path / "a_1.bin").write_bytes(bytes(4004))
    assert dump_width(tmp_path / "a_1.bin", gate=GATE) == 1001


@pytest.mark.parametrize("kind", ["txt", "bin"])
def test_logits_are_in_the_order_of_the_ids(tmp_path: Path, kind: str) -> None:
    scores = np.arange(12, dtype=np.float32).reshape(4, 3) / 4
    for name, row in zip("abcd", scores, strict=True):
        text = "".join(f"{value:f} " for value in row) + "\n"
        (tmp_path / f"{name}_1.{kind}").write_bytes(row.tobytes() if kind == "bin" else text.encode())
    for order in itertools.islice(itertools.permutations(range(4)), 0, 24, 5):
        logits = read_logits(tmp_path, ["abcd"[index] for index in order], 3, gate=GATE)
        assert logits.dtype == np.float32
        assert np.array_equal(logits, scores[list(order)])


@pytest.mark.parametrize(
    ("ids", "reason"),
    [
        (["a", "b", "c"], "1 missing in the dumps (c)"),
        (["a"], "1 not in the labels (b)"),
        (["a", "b", "b"], "1 duplicated (b)"),
        ([], "the labels is empty"),
    ],
)
def test_ids_must_be_the_same_set(tmp_path: Path, ids: list[str], reason: str) -> None:
    folder_of(tmp_path, "a_1.txt", "b_1.txt")
    with pytest.raises(AccuracyError) as caught:
        read_logits(tmp_path, ids, 3, gate=GATE)
    assert reason in str(caught.value)
    assert caught.value.gate == GATE


def test_all_bad_dumps_are_counted_and_the_first_few_named(tmp_path: Path) -> None:
    folder_of(tmp_path, *(f"{name}_1.txt" for name in "abcdef"))
    for name in "bcdf":
        (tmp_path / f"{name}_1.txt").write_text("1.0 nan 2.0 \n")
    with pytest.raises(AccuracyError) as caught:
        read_logits(tmp_path, list("abcdef"), 3, gate=GATE)
    assert "4 of 6 dumps are bad" in str(caught.value)
    for name in "bcd":
        assert f"{name}_1.txt: not a finite score: 'nan' for class 1" in str(caught.value)
    assert caught.value.gate == GATE
