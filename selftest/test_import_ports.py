"""A zoo's table becomes ports: figures that cannot be are refused one by one, those of something else are left out.

The figures are real ones, as a model zoo printed them.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
import yaml

from tools.base.cli import run
from tools.base.errors import SuiteError
from tools.base.files import ROOT
from tools.import_ports import main
from tools.judge.spec import Spec
from tools.model.library.published_ports import imported, limits_of
from tools.model.network import Network
from tools.model.torchvision_ops import import_torchvision
from tools.ports import published_slips
from tools.ports.catalogue import catalogue
from tools.ports.published_slips import Asked, Refusal, refusals
from tools.ports.published_table import CHIPS, COLUMNS, Row, Table, read_table
from tools.ports.spec import PORTS, PUBLISHED_SPEC, load_spec, port_names, port_path

SHIPPED = ROOT / "ports" / "published" / "modelzoo.csv"
ORIGIN = "# a model zoo, read on a day"
RESNET50_FLOPS = 8.178e9
P3 = "throughput_310P3"
PLAIN = {
    "name": "ResNet34",
    "path": "zoo/ResNet34",
    "network": "torchvision:resnet34",
    "network_source": "torchvision",
    "checkpoint_file": "resnet34-b627a593.pth",
    "input_hw": "224",
    "resize_px": "256",
    "crop_px": "224",
    "interpolation": "bilinear",
    "mean": "0.485 0.456 0.406",
    "std": "0.229 0.224 0.225",
    "channel_order": "RGB",
    "input_dtype": "float32",
    "aipp": "no",
    "onnxsim_or_graph_surgery": "no",
    "classes": "1000",
    "ref_top1": "73.314",
    "ref_top5": "91.420",
    "om_top1_310P3": "73.31",
    P3: "1:1775.08;4:4113.16;8:5140.21;16:5455.38",
}


def rows_of(*changes: dict[str, str]) -> tuple[Row, ...]:
    """Rows as the table has them, each a plain one with changes."""
    return tuple(
        Row(number, dict.fromkeys(COLUMNS, "") | PLAIN | cells) for number, cells in enumerate(changes, start=3)
    )


def refused(*changes: dict[str, str], flops: float | None = None) -> list[Refusal]:
    """What is refused of the first of these rows."""
    rows = rows_of(*changes)
    return list(refusals(Asked(rows[0], rows, flops, limits_of(load_spec(PUBLISHED_SPEC)))))


def table_file(folder: Path, *changes: dict[str, str], origin: str = ORIGIN) -> Path:
    """A table with these rows."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(COLUMNS), lineterminator="\n")
    writer.writeheader()
    writer.writerows(row.cells for row in rows_of(*changes))
    path = folder / "table.csv"
    path.write_text(f"{origin}\n{text.getvalue()}", encoding="utf-8")
    return path


# Figures that cannot be


def test_a_plain_row_is_not_refused() -> None:
    assert refused({}, flops=7.3e9) == []


DINO = "1:1378.7;4:5539.4;8:10986;16:22119;32:43852;64:87537"
MOCO = "1:836.2;4:836;8:497.9;16:244.4;32:79.5;64:39.5"
MLPERF = "1:4089;2:6323;4:9492;8:9403;16:7748;32:7020;64:12141"
CSWIN = "1:105.6;4:185.3;8:220.5;16:223.5;32:207.3;64:105.6"
WIDE = "1:129.018;4:157.248;8:157.434;16:170.965;32:139.595;64:125.414"
WIDE_CARD = "1:516.072;4:628.992;8:629.736;16:683.86;32:591.376;64:501.656"
SPNASNET, SPNASNET_CARD = "1:678.142;4:1311.7;8:1351.14", "1:2712.57;4:2712.568;8:5404.56"
SLIPS: dict[str, tuple[dict[str, str], str, tuple[int, ...], str]] = {
    "above the peak": ({P3: DINO}, P3, (64,), "above the fp16 peak of Ascend310P3"),
    "proportional to batch": ({P3: DINO}, P3, (1, 4, 8, 16, 32, 64), "in proportion to batch"),
    "batches as images": ({P3: MOCO}, P3, (1, 4, 8, 16, 32, 64), "batches per second printed as images"),
    "int8 beyond the fp16 peak": ({P3: MLPERF}, P3, (64,), "above the fp16 peak of Ascend310P3"),
    "int8 said": ({P3: MLPERF, "arithmetic": "int8"}, P3, (1, 2, 4, 8, 16, 32, 64), "an int8 OM's"),
    "another batch's": ({P3: CSWIN}, P3, (64,), "one of the two was copied"),
    "wrong product": ({"throughput_310": WIDE, "card_310": WIDE_CARD}, "throughput_310", (32,), "the product is wrong"),
    "a neighbour's product": (
        {"throughput_310": SPNASNET, "card_310": SPNASNET_CARD},
        "throughput_310",
        (4,),
        "the product is wrong",
    ),
    "half of the products": (
        {"throughput_310": "1:104.5;32:139.595", "card_310": "1:418;32:591.376"},
        "throughput_310",
        (32,),
        "the product is wrong",
    ),
    "card and chip in each other's place": (
        {"throughput_310": "1:418;4:1200.4", "card_310": "1:104.5;4:300.1"},
        "throughput_310",
        (4,),
        "a card is no faster than its chip",
    ),
    "a card's figure for a chip's": (
        {"throughput_310": "1:2014.1;4:2689.62", P3: "1:1775.08;4:4113.16"},
        "throughput_310",
        (1,),
        "of a card, or of batches",
    ),
    "batches of two sizes": ({P3: "1:837.2;64:39.5"}, P3, (1, 64), "batches per second printed as images"),
    "two batch sizes in proportion": ({P3: "1:137.8;64:8753.7"}, P3, (1, 64), "in proportion to batch"),
    "a copy with a zero more": ({P3: "1:105.6;4:185.3;64:105.60"}, P3, (64,), "one of the two was copied"),
    "a fraction": ({"ref_top1": "0.73314", "om_top1_310P3": "0.7331"}, "om_top1_310P3", (), "a fraction"),
    "a fraction of the reference": ({"ref_top5": "0.9142"}, "ref_top5", (), "a fraction"),
    "best in no row": ({"best_310P3": "16:5500.1"}, "best_310P3", (16,), "the best is in no line of the table"),
    "far from both neighbours": ({P3: "1:1000;4:400.1;8:2000"}, P3, (4,), "far from both neighbours"),
    "lost too much": ({"ref_top1": "77.53", "om_top1_310P3": "76.25"}, "om_top1_310P3", (), "lost more than any port"),
    "another training run": ({"ref_top1": "77.9", "om_top1_310P3": "79.79"}, "om_top1_310P3", (), "other weights"),
    "its reference": ({"ref_top1": "77.9", "om_top1_310P3": "79.79"}, "ref_top1", (), "not of the weights of the OM"),
    "varies by batch": (
        {"ref_top1": "", "om_top1_310P3": "1:82.532;4:84.154"},
        "om_top1_310P3",
        (),
        "accuracy varies by batch",
    ),
    "varies in a range": ({"om_top1_310P3": "81.14..81.90"}, "om_top1_310P3", (), "accuracy varies by batch"),
    "chips differ": (
        {"ref_top1": "58.178", "om_top1_310": "58.19", "om_top1_310P3": "57.32"},
        "om_top1_310P3",
        (),
        "chips differ",
    ),
    "not in order": ({"om_top1_310P3": "91.44", "om_top5_310P3": "73.31"}, "om_top5_310P3", (), "not in order"),
    "no percent": ({"om_top1_310P3": "173.31"}, "om_top1_310P3", (), "no percent"),
    "Top-1 twice": ({"om_top1_310P3": "73.31", "om_top5_310P3": "73.31"}, "om_top5_310P3", (), "not in order"),
    "Top-5 twice": ({"ref_top1": "91.420", "om_top1_310P3": ""}, "ref_top1", (), "not in order"),
    "milliseconds": ({P3: "1:1.21;4:2.84;8:4.9;16:9.31;32:18.22"}, P3, (1, 4, 8, 16, 32), "below 0.3 % of the peak"),
    "milliseconds of a slow chip": (
        {"throughput_310": "1:3.1;4:10.2;8:20.4;16:40.6;32:81.1"},
        "throughput_310",
        (4, 8, 16, 32),
        "in proportion to batch",
    ),
    "images a millisecond": ({P3: "1:0.775;4:2.113"}, P3, (1, 4), "below 0.3 % of the peak"),
    "batch behind the rate": ({P3: "775:1;2113:4"}, P3, (775, 2113), "below 0.3 % of the peak"),
    "rounded": ({"ref_top1": "73", "om_top1_310P3": "73.31"}, "ref_top1", (), "rounded too far"),
}


def caught(slip: str) -> list[Refusal]:
    """What is refused of a slip by the reason that is meant."""
    cells, column, batches, reason = SLIPS[slip]
    found = [entry for entry in refused(cells, flops=RESNET50_FLOPS) if reason in entry.reason]
    return [entry for entry in found if entry.column == column and set(batches) <= set(entry.batches)]


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_refused_by_rule(slip: str) -> None:
    [entry] = caught(slip)
    assert entry.measured
    assert entry.allowed
    assert f"ResNet34, {entry.column}" in entry.line


@pytest.mark.parametrize("rule", published_slips.RULES, ids=lambda rule: rule.__name__)
def test_no_rule_is_there_for_nothing(rule: published_slips.Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published_slips, "RULES", [other for other in published_slips.RULES if other is not rule])
    assert [slip for slip in SLIPS if not caught(slip)]


def test_the_digits_of_another_network_are_refused_in_both_rows() -> None:
    own, other = {P3: "8:3999.4;16:4417.63"}, {"name": "ReID", "checkpoint_file": "r.pth", P3: "8:4196.85;16:4417.63"}
    for first, second in ((own, other), (other, own)):
        [entry] = refused(first, second)
        assert (entry.batches, entry.reason) == ((16,), "one of the two was copied")


def test_a_network_that_the_zoo_has_twice_may_have_its_figures_twice() -> None:
    assert refused({}, {"name": "the same", "path": "built-in"}) == []


def test_figures_of_few_digits_may_agree() -> None:
    assert refused({P3: "1:104;4:121;8:132;16:129;32:129"}) == []


@pytest.mark.parametrize(
    ("own", "others"),
    [
        ("8:1300.1;16:1424;32:1424", ""),  # saturated, in whole images
        ("1:800.1;8:1200;64:1200", ""),  # rounded to hundreds
        ("1:1424.1;16:1424", "4:1424"),  # four digits among some hundred figures
        ("1:1424.1;16:1424", "16:1424"),
        ("1:900.1;16:1424.5", "4:1424.5"),
        ("1:342.34;16:660.64", ""),  # two batch sizes, as many rows have
    ],
)
def test_figures_that_look_like_slips_and_are_none(own: str, others: str) -> None:
    assert refused({P3: own}, *([{"name": "B", "checkpoint_file": "b.pth", P3: others}] if others else [])) == []


def test_another_release_beside_a_chip_is_no_wrong_product() -> None:
    assert (
        refused({"throughput_310": "1:104.996;4:141.738;8:167.624", "card_310": "1:429.888;4:571.456;8:676.092"}) == []
    )


def test_what_is_refused_of_the_whole_table_are_its_known_slips() -> None:
    table, limits = read_table(SHIPPED), limits_of(load_spec(PUBLISHED_SPEC))
    flops = {"torchvision:resnet50": RESNET50_FLOPS}
    found = {
        (row.name, entry.column)
        for row in table.rows
        for entry in refusals(Asked(row, table.rows, flops.get(row["network"]), limits))
    }
    known = {
        *((name, P3) for name in ("baseline_dino_resnet50", "Moco-v2", "MAE", "LV-Vit", "Deepmar_for_Pytorch")),
        *((name, P3) for name in ("RegNetY-1.6GF", "ReID_for_Pytorch", "PAMTRI", "CSWin-Transformer")),
        *((name, "om_top1_310P3") for name in ("EfficientNet-B3", "pnasnet5large", "volo", "Squeezenet1_1")),
        ("Wide_ResNet101_2", "throughput_310"),
        *(("CSPResneXt50", column) for column in ("ref_top1", "ref_top5", "om_top1_310", "om_top1_310P3")),
        *(("Resnet50_mlperf", column) for column in (P3, "om_top1_310P3")),
    }
    assert known <= found
    assert len(found) <= 40


# Figures of something else


def ports_of(folder: Path, *changes: dict[str, str]) -> dict[str, list[Refusal]]:
    """What is left out of each port that the rows give."""
    table = read_table(table_file(folder, *changes))
    ports, _ = imported(table, load_spec(PUBLISHED_SPEC))
    return {found.stated.name: list(found.refused) for found in ports}


ELSE: dict[str, tuple[dict[str, str], set[str], str]] = {
    "other weights": ({"checkpoint_file": "mine.pth"}, {"ref_top1", "ref_top5", "om_top1_310P3"}, "other weights"),
    "no file named": ({"checkpoint_file": ""}, {"ref_top1", "ref_top5", "om_top1_310P3"}, "a file that is not named"),
    "own code": ({"checkpoint_file": "mine.pth", "network_source": "own repo"}, {P3}, "another implementation"),
    "another recipe": ({"resize_px": "256x256 squash"}, {"ref_top1", "ref_top5", "om_top1_310P3"}, "another recipe"),
    "an odd crop": ({"crop_px": "244 (printed)"}, {"ref_top1", "om_top1_310P3"}, "does not say in full"),
    "another input": ({"input_hw": "384"}, {P3}, "of another input, 384"),
    "changed graph": ({"onnxsim_or_graph_surgery": "yes: MagicONNX"}, {P3}, "was changed, MagicONNX"),
    "a file of flags": ({"atc_extra_flags": "--op_precision_mode=op.ini"}, {P3}, "of a file that the table"),
    "AIPP by an odd filter": ({"aipp": "yes", "interpolation": "cv2 cubic"}, {P3, "om_top1_310P3"}, "through AIPP"),
    "another reference": ({"ref_top1": "73.5"}, {"ref_top1"}, "another reference"),
}


@pytest.mark.parametrize("what", ELSE)
def test_a_figure_of_something_else_is_left_out_with_its_reason(what: str, tmp_path: Path) -> None:
    cells, columns, reason = ELSE[what]
    found = {entry.column for entry in ports_of(tmp_path, cells)["resnet34"] if reason in entry.reason}
    assert columns <= found


def command(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    """The command as its words call it."""
    monkeypatch.setattr("sys.argv", ["import_ports.py", *map(str, words)])
    return run(main)


def test_a_row_becomes_a_port_with_its_figures_and_says_what_it_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The opset is that of the file that is there, which was tried when it was made."""
    aipp = {"name": "ResNet34 with AIPP", "aipp": "yes", "crop_px": "224 (AIPP cuts 256 to 224)", P3: "64:5000.7"}
    aipp |= {"atc_extra_flags": "--insert_op_conf=a.config; --enable_small_channel=1", "om_top1_310": "73.30"}
    table = table_file(tmp_path, {"throughput_310": "1:503.525;4:672.405", "source_310": "README of c9d3d30bc"}, aipp)
    for name in ("resnet34", "resnet34_aipp"):
        (tmp_path / f"{name}.yaml").write_text((PORTS / f"{name}.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.yaml")}
    assert command(monkeypatch, table, "--write", tmp_path) == 2
    assert "ports that are there say something else; found resnet34, resnet34_aipp. --force" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.yaml")} == before
    assert command(monkeypatch, table, "--write", tmp_path, "--force") == 0
    said = capsys.readouterr().out
    assert "resnet34: torchvision:resnet34, 7 figures of ResNet34; overwritten\n" in said
    assert "left out: ResNet34 with AIPP, om_top1_310: of an older README" in said
    plain, chip = load_spec(tmp_path / "resnet34.yaml"), load_spec(tmp_path / "resnet34_aipp.yaml")
    device = plain.device("Ascend310")
    assert device is not None
    assert [(entry.batch, entry.mode) for entry in device.throughput] == [(1, "dataset"), (4, "pure")]
    assert device.throughput[0].images_per_second_per_chip.source == "zoo, zoo/ResNet34, README of c9d3d30bc"
    assert (chip.preprocessing.aipp is not None, chip.om.atc_extra_args) == (True, ("--enable_small_channel=1",))
    assert chip.batches == (1, 4, 8, 16, 32, 64)
    text = (tmp_path / "resnet34_aipp.yaml").read_text(encoding="utf-8")
    assert "# - ResNet34 with AIPP, om_top1_310: of an older README" in text
    assert command(monkeypatch, table, "--write", tmp_path) == 0  # says the same
    assert "7 figures of ResNet34; unchanged\n" in capsys.readouterr().out


# Tables that cannot be read


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({P3: "1:fast"}, "this cell of the table cannot be read"),
        ({P3: "1:10;1:11"}, "each batch once"),
        ({P3: "1:0;4:10"}, "both above 0"),
        ({P3: "1:10;4:0.00"}, "both above 0"),
        ({P3: "0:10;4:10"}, "both above 0"),
        ({P3: f"{'9' * 5000}:10"}, "both above 0"),
        ({P3: "\uff11:1270"}, "both above 0"),
        ({P3: "1:\uff11\uff12\uff17\uff10"}, "a number in plain digits"),
        ({P3: "1\uff1a1270"}, "found 1\uff1a1270"),
        ({P3: "1:1270\uff1b4:3000"}, "found 1270\uff1b4:3000"),
        ({P3: "1:-;4:10"}, "a number in plain digits"),
        ({"ref_top1": "\u2013"}, "a number in plain digits"),
        ({P3: "1:1,270.8"}, "a number in plain digits"),
        ({P3: "1:\uff5e1270"}, "a number in plain digits"),
        ({"om_top1_310P3": "73.31%"}, "a number in plain digits"),
        ({"om_top1_310P3": "73,31"}, "column om_top1_310P3"),
        ({"name": ""}, "a row needs a name"),
        ({"network": ""}, "names its network, or says why"),
        ({"path": "two\nlines"}, "more than a line of text"),
        ({"network": "tensorflow:resnet"}, "none of a library"),
        ({"takes_own_file": "yes", "checkpoint_file": "../../a.pth"}, "found '../../a.pth'"),
        ({"takes_own_file": "yes", "checkpoint_file": ""}, "a file's name without a folder"),
    ],
)
def test_a_table_that_cannot_be_read_is_one_line(
    change: dict[str, str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command(monkeypatch, table_file(tmp_path, change)) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_port_that_the_table_does_not_give_is_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, table_file(tmp_path, {}), "--only", "resnet43") == 2
    assert "the table gives no such port; found resnet43; allowed resnet34" in capsys.readouterr().err


def test_a_table_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = table_file(tmp_path, {})
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_table(path).origin == ORIGIN.removeprefix("# ")


def test_a_table_without_its_columns_or_origin_is_refused(tmp_path: Path) -> None:
    path = table_file(tmp_path, {})
    path.write_text(path.read_text(encoding="utf-8").replace(",aipp,", ",aip,"), encoding="utf-8")
    with pytest.raises(SuiteError, match="documented") as caught:
        read_table(path)
    assert "missing 'aipp'; unknown 'aip'" in str(caught.value)
    with pytest.raises(SuiteError, match="where it is from"):
        read_table(table_file(tmp_path, {}, origin="name,path"))


# The ports that are shipped


def shipped() -> list[Spec]:
    """The ports of published weights."""
    return [spec for spec in map(load_spec, map(port_path, port_names())) if spec.kind == "published"]


def test_every_figure_of_a_shipped_port_stands_in_the_table_and_no_rule_refuses_it() -> None:
    table, limits = read_table(SHIPPED), limits_of(load_spec(PUBLISHED_SPEC))
    gone = {
        (row.line, other.column, batch)
        for row in table.rows
        for other in refusals(Asked(row, table.rows, None, limits))
        for batch in (other.batches or (None,))
    }
    endings = {soc: ending for ending, soc in CHIPS.items()}
    chips = [(spec, chip) for spec in shipped() for chip in spec.devices if spec.port != "alexnet"]
    found = 0
    for spec, chip in chips:
        for entry in chip.throughput:
            figure, column = entry.images_per_second_per_chip, f"throughput_{endings[chip.soc]}"
            row = row_of(table, figure.source, column)
            assert row.throughput(column)[entry.batch].value == figure.value, spec.port
            assert (row.line, column, entry.batch) not in gone, spec.port
            found += 1
        for name, fact in (("om_top1", chip.om_top1), ("om_top5", chip.om_top5)):
            if fact is not None:
                column = f"{name}_{endings[chip.soc]}"
                row = row_of(table, fact.source, column)
                assert [figure.value for figure in row.percents(column)] == [fact.value], spec.port
                assert (row.line, column, None) not in gone, spec.port
                found += 1
    assert found > 150


def row_of(table: Table, source: str, column: str) -> Row:
    """The row that a figure of a port says it is from."""
    [row] = {row.line: row for row in table.rows if row.source(column) == source}.values()
    return row


def test_at_least_forty_ports_are_shipped_and_each_network_has_the_parameters_that_its_port_states() -> None:
    """Without memory for weights. torchvision states googlenet without the heads that only its training uses."""
    import_torchvision()  # timm imports it, which needs the cure for its operators
    pytest.importorskip("timm", reason="timm is an optional package")
    specs = [spec for spec in shipped() if not spec.model.source.startswith("python:")]  # their packages are optional
    assert len(specs) >= 40
    counts: dict[str, set[int]] = {}
    for spec in specs:
        asked = repr((spec.model.source, spec.model.arguments))
        if asked not in counts:
            sizes = {name: tensor.numel() for name, tensor in Network(spec.model, PORTS).empty().named_parameters()}
            heads = sum(size for name, size in sizes.items() if name.startswith("aux"))
            counts[asked] = {sum(sizes.values()), sum(sizes.values()) - heads}
        assert spec.model.parameters is not None, spec.port
        assert spec.model.parameters.value in counts[asked], spec.port


def test_a_port_without_a_published_digest_is_not_pinned_and_says_so() -> None:
    for spec in shipped():
        text = port_path(spec.port).read_text(encoding="utf-8")
        assert spec.checkpoint.pinned or "a port without one is never ACCEPTED" in text


def test_the_page_has_a_row_for_every_port_and_says_what_was_left_out() -> None:
    left = Refusal("Row_1", P3, (4, 8), "10 | 20", "1", "not *so*")
    page = catalogue(read_table(SHIPPED), {"resnet18": (left,)}, (left,)).splitlines()
    for spec in shipped():
        [row] = [line for line in page if line.startswith(f"| {spec.port} |")]
        assert ("not pinned" in row) is not spec.checkpoint.pinned
    said = "- Row\\_1, throughput\\_310P3\\[bs 4, 8\\]: not \\*so\\*: 10 \\| 20, allowed 1"
    assert page.count(said) == 2
    assert page[page.index("**resnet18**") + 2] == said
    assert "- thresholds.yaml holds it: AlexNet" in page


@pytest.mark.nightly
def test_the_shipped_table_gives_the_shipped_ports_and_their_page_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte for byte; the opset is kept, which was tried once."""
    names = [path.name for path in PORTS.glob("*.yaml") if "tools/import_ports.py" in path.read_text(encoding="utf-8")]
    for name in names:
        (tmp_path / name).write_bytes((PORTS / name).read_bytes())
    page = tmp_path / "catalogue.md"
    assert command(monkeypatch, SHIPPED, "--write", tmp_path, "--catalogue", page) == 0
    assert page.read_bytes() == (ROOT / "docs" / "catalogue.md").read_bytes()
    assert {path.name for path in tmp_path.glob("*.yaml")} == set(names)
    assert [name for name in names if (tmp_path / name).read_bytes() != (PORTS / name).read_bytes()] == []
    assert all(yaml.safe_load((tmp_path / name).read_text(encoding="utf-8"))["schema"] == 2 for name in names)
