"""Dumps of both vendor tools: which files they are, and what a file must hold to be believed."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from tools.ascend.dumps import dump_width, likely_values, list_dumps, read_dump, read_logits
from tools.base.errors import AccuracyError

GATE = "om.accuracy.ids[bs1]"


def folder_of(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).write_text("1.000000 2.000000 3.000000 \n")
    return root


def refused_folder(folder: Path) -> str:
    with pytest.raises(AccuracyError) as caught:
        list_dumps(folder, gate=GATE)
    assert caught.value.gate == GATE
    return str(caught.value).replace(str(folder), "DIR")


HINT = "a dump is <image>_<output>.txt or .bin; run the tool again into an empty folder"
MEND = ". A" + HINT[1:]


def refused_dump(folder: Path, name: str, content: bytes, classes: int = 3) -> str:
    path = folder / name
    path.write_bytes(content)
    with pytest.raises(AccuracyError) as caught:
        read_dump(path, classes=classes, gate=GATE)
    assert caught.value.gate == GATE
    return str(caught.value).replace(str(path), "FILE")


@pytest.mark.parametrize("ending", ["_1.txt", "_0.txt", "_1.bin", "_0.bin"])
def test_lists_the_dumps_of_both_tools(tmp_path: Path, ending: str) -> None:
    folder_of(tmp_path, f"ILSVRC2012_val_00000002{ending}", f"ILSVRC2012_val_00000001{ending}", f"a.b_7{ending}")
    found = list_dumps(tmp_path, gate=GATE)
    assert list(found) == ["ILSVRC2012_val_00000001", "ILSVRC2012_val_00000002", "a.b_7"]
    assert found["a.b_7"] == tmp_path / f"a.b_7{ending}"


def test_summaries_of_early_ais_bench_are_passed_over_but_are_no_dumps(tmp_path: Path) -> None:
    folder_of(tmp_path, "sumary.json", "run1_summary.json", ".journal")
    assert refused_folder(tmp_path) == f"DIR: the folder holds no dumps{MEND}"
    folder_of(tmp_path, "a_0.txt")
    assert list(list_dumps(tmp_path, gate=GATE)) == ["a"]


@pytest.mark.parametrize("name", ["perf.txt", "a.txt", "summary.json", "_1.txt", "a_x.txt", "a_1.TXT"])
def test_strangers_are_named(tmp_path: Path, name: str) -> None:
    assert refused_folder(folder_of(tmp_path, "b_1.txt", name)) == (
        f"DIR: 1 entries are not dumps: {name}. Move them out; {HINT}"
    )


def test_two_outputs_of_an_image_are_refused(tmp_path: Path) -> None:
    assert refused_folder(folder_of(tmp_path, "a_0.txt", "a_1.txt", "b_0.txt")) == (
        f"DIR: 1 images have more than one output: a{MEND}"
    )


@pytest.mark.parametrize(
    ("other", "kinds"), [("b_1.bin", "_1.bin, _1.txt"), ("b_0.txt", "_0.txt, _1.txt"), ("b_01.txt", "_01.txt, _1.txt")]
)
def test_outputs_of_two_runs_are_refused(tmp_path: Path, other: str, kinds: str) -> None:
    assert refused_folder(folder_of(tmp_path, "a_1.txt", other)) == (
        f"DIR: outputs of several runs are mixed: {kinds}{MEND}"
    )


@pytest.mark.parametrize(
    ("names", "advice"),
    [
        (["2023_06_08_19_27/a_0.bin"], "Ais_bench makes a folder for each run; name that one: DIR/2023_06_08_19_27"),
        (["a_0.npy", "b_0.npy"], "ais_bench writes .npy by --outfmt NPY: run it with --outfmt BIN or TXT"),
        (
            ["a.bin"],
            "a dump is <image>_<output>.txt or .bin; names without a number are a tool's input, or another tool's",
        ),
    ],
)
def test_what_lies_in_the_folder_says_how_to_mend_it(names: list[str], advice: str, tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert refused_folder(tmp_path).endswith(f" {advice}")


def test_sub_folders_empty_and_missing_folders_are_refused(tmp_path: Path) -> None:
    assert refused_folder(tmp_path) == f"DIR: the folder holds no dumps{MEND}"
    assert refused_folder(tmp_path / "absent") == "DIR: cannot list the folder: No such file or directory"
    (tmp_path / "device0").mkdir()
    assert refused_folder(folder_of(tmp_path, "a_1.txt")).startswith(
        "DIR: 1 sub-folders where a flat folder is asked for: device0. "
    )


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


def test_text_is_rounded_to_float32_as_numpy_rounds_it(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(0, 4, 1000)
    values[:4] = (0.1, 1 + 2**-24, 1 + 3 * 2**-24, -0.0)  # two of them half way between two float32
    (tmp_path / "a_1.txt").write_text(" ".join(map(repr, values.tolist())) + "\n")
    found = read_dump(tmp_path / "a_1.txt", classes=1000, gate=GATE)
    assert found.tobytes() == values.astype(np.float32).tobytes()


def test_reads_raw_little_endian_float32(tmp_path: Path) -> None:
    path = tmp_path / "a_1.bin"
    path.write_bytes(np.array([1.5, -2.0, 0.0], "<f4").tobytes())
    scores = read_dump(path, classes=3, gate=GATE)
    assert scores.dtype == np.float32
    assert scores.tolist() == [1.5, -2.0, 0.0]


def test_reads_raw_float16_where_the_output_is_of_that_type(tmp_path: Path) -> None:
    path = tmp_path / "a_1.bin"
    path.write_bytes(np.array([1.5, -2.0, 0.1], "<f2").tobytes())
    scores = read_dump(path, classes=3, gate=GATE, dtype="float16")
    assert scores.dtype == np.float32
    assert scores.tolist() == [1.5, -2.0, float(np.float16(0.1))]
    assert read_logits(tmp_path, ["a"], 3, gate=GATE, dtype="float16").tolist() == [scores.tolist()]


def test_a_dump_of_the_other_type_says_what_it_looks_like(tmp_path: Path) -> None:
    path = tmp_path / "a_1.bin"
    path.write_bytes(np.zeros(3, "<f4").tobytes())
    with pytest.raises(AccuracyError, match=r"allowed 6 bytes \(3 float16\)\. These look like float32 values"):
        read_dump(path, classes=3, gate=GATE, dtype="float16")
    path.write_bytes(np.array([np.inf, 0, 0], "<f2").tobytes())
    with pytest.raises(AccuracyError, match="not a finite score: inf for class 0"):
        read_dump(path, classes=3, gate=GATE, dtype="float16")


def test_a_size_that_looks_like_nothing_is_not_guessed_at() -> None:
    assert likely_values(13, (3,), "float32") == ""
    assert likely_values(12, (3,), "float32") == ""


WIDTH = (
    "the dump has the wrong width; found {} values; allowed 3 values. "
    "Too few: the run was cut short; another number: these are not this model's outputs"
)
OVERFLOW = (
    "not a finite score: {} for class {}. Fp16 overflow makes such values: look at the model's intermediate ranges"
)
SIZE = "the dump has the wrong size; found {} bytes; allowed 12 bytes (3 float32)"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the dump is empty"),
        (b" \n", WIDTH.format(0)),
        (b"1.0 2.0 \n", WIDTH.format(2)),
        (b"1.0 2.0 3.0 4.0 \n", WIDTH.format(4)),
        (b"1.000000 2.000000 3.00", "the text ends inside a number; found 3.00"),
        (b"1.000000 2.000000 3", "the text ends inside a number; found 3"),
        (b"1.0 two 3.0 \n", "not a number: 'two' for class 1"),
        (b"1.0 2_0 3.0 \n", "not a number: '2_0' for class 1"),
        (b"1.0 0x2 3.0 \n", "not a number: '0x2' for class 1"),
        (b"1.0 1.5-2.5 \n", "not a number: '1.5-2.5' for class 1"),
        (b"1.0 2.0,3.0 \n", "not a number: '2.0,3.0' for class 1"),
        (b"1.0 [2.0] 3.0 \n", "not a number: '[2.0]' for class 1"),
        (b"1.0 \xff\x00 3.0 \n", "not a number: '\\xff\\x00' for class 1"),
        (b"1.0 " + b"x" * 50, f"not a number: '{'x' * 40}' for class 1"),
        (b"1.0 2.0 nan \n", OVERFLOW.format("'nan'", 2)),
        (b"1.0 -inf 3.0 \n", OVERFLOW.format("'-inf'", 1)),
        (b"1.0 +INF 3.0 \n", OVERFLOW.format("'+INF'", 1)),
        (b"1.0 -nan(ind) 3.0 \n", OVERFLOW.format("'-nan(ind)'", 1)),
        (b"1.0 Infinity 3.0 \n", OVERFLOW.format("'Infinity'", 1)),
        (b"1.0 1e39 3.0 \n", OVERFLOW.format("inf", 1)),
        (b"1.0 2.0 -1e39 \n", OVERFLOW.format("-inf", 2)),
        (b"1.0 1e999 3.0 \n", "not a number: '1e999' for class 1"),
        (b"1.0 5inf 3.0 \n", "not a number: '5inf' for class 1"),
        (b"9" * 193, "the dump is too large; found 193 bytes; allowed 192 bytes for 3 values"),
    ],
)
def test_bad_text_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    assert refused_dump(tmp_path, "a_1.txt", content) == f"FILE: {reason}"


def test_a_text_as_large_as_can_be_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a_1.txt"
    path.write_bytes(b"1.0 2.0 3.0".ljust(192))
    assert read_dump(path, classes=3, gate=GATE).tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("text", ["1 2 3", "10 2 3", "1.5 2.5 3.5", "1.5\n2.25\n3.5", "1.5 2.25 3 "])
def test_a_text_is_whole_where_its_end_can_be_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a_1.txt"
    path.write_text(text)
    assert read_dump(path, classes=3, gate=GATE).tolist() == [float(word) for word in text.split()]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the dump is empty"),
        (bytes(11), SIZE.format(11)),
        (bytes(13), SIZE.format(13)),
        (
            bytes(6),
            f"{SIZE.format(6)}. These look like float16 values: "
            "compile the OM with float32 outputs (no --output_type=FP16)",
        ),
        (
            bytes(24),
            f"{SIZE.format(24)}. These look like 8-byte values (int64 or float64), not float32 scores: "
            "is this the output of an ArgMax?",
        ),
        (np.array([0, np.nan, 0], "<f4").tobytes(), OVERFLOW.format("nan", 1)),
        (np.array([0, 0, -np.inf], "<f4").tobytes(), OVERFLOW.format("-inf", 2)),
    ],
)
def test_bad_binary_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    assert refused_dump(tmp_path, "a_1.bin", content) == f"FILE: {reason}"


def test_a_dump_that_is_gone_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a_1.txt"
    for read in (lambda: read_dump(path, classes=3, gate=GATE), lambda: dump_width(path, gate=GATE)):
        with pytest.raises(AccuracyError) as caught:
            read()
        assert str(caught.value) == f"{path}: cannot read the dump: No such file or directory"
        assert caught.value.gate == GATE


def test_width_of_text_and_binary(tmp_path: Path) -> None:
    assert dump_width(folder_of(tmp_path, "a_1.txt") / "a_1.txt", gate=GATE) == 3
    (tmp_path / "a_1.bin").write_bytes(bytes(4005))
    assert dump_width(tmp_path / "a_1.bin", gate=GATE) == 1001


def test_the_width_of_a_huge_text_is_counted_from_its_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.ascend.dumps.MAX_TEXT_BYTES", 9)
    assert dump_width(folder_of(tmp_path, "a_1.txt") / "a_1.txt", gate=GATE) == 1


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


def test_logits_of_a_folder_without_dumps_turn_the_asked_gate_red(tmp_path: Path) -> None:
    with pytest.raises(AccuracyError) as caught:
        read_logits(tmp_path, ["a"], 3, gate=GATE)
    assert (caught.value.gate, caught.value.what) == (GATE, "the folder holds no dumps")


def test_a_number_beyond_float32_is_refused_without_a_warning(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    assert "not a finite score: inf for class 1" in refused_dump(tmp_path, "a_1.txt", b"1.0 1e39 3.0 \n")
    assert not recwarn.list


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
    assert str(caught.value) == f"{tmp_path}: {reason}. Run the tool again on exactly the labelled images"
    assert caught.value.gate == GATE


@pytest.mark.parametrize(("bad", "named", "more"), [("bcd", "bcd", ""), ("bcdf", "bcd", "; …")])
def test_all_bad_dumps_are_counted_and_the_first_three_named(tmp_path: Path, bad: str, named: str, more: str) -> None:
    folder_of(tmp_path, *(f"{name}_1.txt" for name in "abcdef"))
    for name in bad:
        (tmp_path / f"{name}_1.txt").write_text("1.0 nan 2.0 \n")
    with pytest.raises(AccuracyError) as caught:
        read_logits(tmp_path, list("abcdef"), 3, gate=GATE)
    shown = "; ".join(f"{tmp_path}/{name}_1.txt: not a finite score: 'nan' for class 1" for name in named)
    fix = "Fp16 overflow makes such values: look at the model's intermediate ranges"
    assert str(caught.value) == f"{tmp_path}: {len(bad)} of 6 dumps are bad: {shown}{more}. {fix}"
    assert caught.value.gate == GATE


def test_the_first_bad_dump_says_what_was_measured_and_allowed(tmp_path: Path) -> None:
    folder_of(tmp_path, "a_1.txt", "b_1.txt", "c_1.txt")
    (tmp_path / "b_1.txt").write_text("1.0 2.0 \n")
    (tmp_path / "c_1.txt").write_text("1.0 \n")
    with pytest.raises(AccuracyError) as caught:
        read_logits(tmp_path, list("abc"), 3, gate=GATE)
    assert (caught.value.measured, caught.value.allowed) == ("2 values", "3 values")
    assert str(caught.value.fix).startswith("too few")
