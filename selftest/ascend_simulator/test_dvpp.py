"""DVPP of the simulated benchmark tool, and AIPP on what it gives: pixels, colours, turned pictures, and refusals."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from selftest.ascend_simulator import graphs
from selftest.ascend_simulator.test_aipp import compiled
from tools.ascend.simulator import benchmark, offline_model
from tools.ascend.simulator.dvpp import Dvpp, DvppError

WIDTH, HEIGHT = 32, 10
DVPP = Dvpp(WIDTH, HEIGHT)
JPEG = {
    "input_format": "YUV420SP_U8",
    "src_image_size_w": str(WIDTH),
    "src_image_size_h": str(HEIGHT),
    "load_start_pos_w": "4",
    "load_start_pos_h": "2",
    "csc_switch": "true",
    **{f"min_chn_{at}": "0" for at in range(3)},
    **{f"var_reci_chn_{at}": "1" for at in range(3)},
    **dict(zip(("input_bias_0", "input_bias_1", "input_bias_2"), ("0", "128", "128"), strict=True)),
    **{
        f"matrix_r{row}c{column}": str(value)
        for row, values in enumerate(((256, 0, 359), (256, -88, -183), (256, 454, 0)))
        for column, value in enumerate(values)
    },
}
"""AIPP that gives RGB of 0 to 255 as it is."""


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def picture(size: tuple[int, int] = (64, 40)) -> Image.Image:
    """Colours that go smoothly from one to the other."""
    corners = np.random.default_rng(4).integers(96, 160, (2, 3, 3), np.uint8)
    return Image.fromarray(corners).resize(size, Image.Resampling.BILINEAR)


def jpeg(image: Image.Image, **how: object) -> bytes:
    """The picture as a file."""
    out = io.BytesIO()
    image.save(out, format="JPEG", quality=95, **how)
    return out.getvalue()


def om(folder: Path, capsys: pytest.CaptureFixture[str], changes: Mapping[str, str] | None = None) -> graphs.Compiled:
    """A network of 6 x 8 that gives its input back, behind AIPP."""
    return compiled(folder, capsys, changes={**JPEG, **(changes or {})})


def test_what_the_network_gets_is_nearly_the_pictures_own_colours(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    size = (320, 100)
    content = jpeg(picture(size))
    pixels = np.frombuffer(DVPP.pixels(content, size), np.uint8).reshape(1, HEIGHT * 3 // 2, WIDTH, 1)
    made = -om(tmp_path, capsys).run(np.concatenate([pixels, pixels]))[0][0]
    with Image.open(io.BytesIO(content)) as opened:
        resized = np.asarray(opened.convert("RGB").resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR), np.float32)
    wanted = resized[2:8, 4:12].transpose(2, 0, 1)
    assert np.abs(made - wanted).max() <= 12  # half as many colours as pixels, each way
    assert np.abs(made - wanted).mean() <= 2.5


def test_the_matrix_is_applied_as_documented(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each pixel: matrix x (YUV - bias) / 256, to the nearest byte within 0 to 255; U before V, for two rows each."""
    data = np.random.default_rng(5).integers(0, 256, (2, HEIGHT * 3 // 2, WIDTH, 1), np.uint8)
    made = -om(tmp_path, capsys).run(data)[0]
    y = data[:, 2:8, 4:12, 0].astype(int)
    rows, columns = np.arange(2, 8) // 2, np.arange(4, 12) // 2 * 2
    u, v = (data[:, HEIGHT:, :, 0][:, rows][:, :, columns + at].astype(int) - 128 for at in (0, 1))
    rgb = [256 * y + 359 * v, 256 * y - 88 * u - 183 * v, 256 * y + 454 * u]
    wanted = np.stack([np.clip(np.floor(one / 256 + 0.5), 0, 255) for one in rgb], axis=1)
    assert made.tobytes() == wanted.astype(np.float32).tobytes()


def test_the_om_takes_a_row_and_a_half_for_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = offline_model.read(om(tmp_path, capsys).om)
    assert model.inputs == (offline_model.TensorSpec("x", "uint8", (2, HEIGHT * 3 // 2, WIDTH, 1)),)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"csc_switch": "false"}, "E19999: The simulator does not simulate csc_switch and rbuv_swap_switch"),
        ({"rbuv_swap_switch": "true"}, "E19999: The simulator does not simulate csc_switch and rbuv_swap_switch"),
        ({"load_start_pos_h": "1"}, "E10052: The AIPP configuration is invalid. Reason: sizes and positions of YUV"),
        ({"src_image_size_w": "33"}, "E10052: The AIPP configuration is invalid. Reason: sizes and positions of YUV"),
        ({"matrix_r0c0": "99999"}, "E10052: The AIPP configuration is invalid. Reason: [matrix_r0c0] is 99999"),
    ],
)
def test_what_atc_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, str], code: str
) -> None:
    made = om(tmp_path, capsys, changes)
    assert (made.status, made.om.exists()) == (255, False)
    assert f"\n{code}" in made.stdout


def test_a_picture_is_turned_as_its_exif_says() -> None:
    orientation = Image.Exif()
    orientation[0x0112] = 3
    upright, turned = picture(), picture().rotate(180)
    found = DVPP.pixels(jpeg(turned, exif=orientation, subsampling=0), (64, 40))
    wanted = DVPP.pixels(jpeg(upright, subsampling=0), (64, 40))
    difference = np.frombuffer(found, np.uint8).astype(int) - np.frombuffer(wanted, np.uint8)
    assert np.abs(difference).max() <= 6
    plain = DVPP.pixels(jpeg(turned, subsampling=0), (64, 40))
    assert np.abs(np.frombuffer(plain, np.uint8).astype(int) - np.frombuffer(wanted, np.uint8)).max() > 30


def test_a_grey_picture_has_colours_of_128_and_odd_sizes_are_taken() -> None:
    found = np.frombuffer(DVPP.pixels(jpeg(picture((63, 41)).convert("L")), (63, 41)), np.uint8)
    assert set(found[WIDTH * HEIGHT :]) == {128}
    assert len(DVPP.pixels(jpeg(picture((63, 41))), (63, 41))) == WIDTH * HEIGHT * 3 // 2


def test_rows_are_filled_up_to_16_bytes_and_an_even_number() -> None:
    assert len(Dvpp(40, 9).pixels(jpeg(picture()), (64, 40))) == 48 * 10 * 3 // 2


@pytest.mark.parametrize(
    ("content", "listed", "said"),
    [
        (jpeg(picture(), progressive=True), (64, 40), "acldvppJpegDecodeAsync failed, ret = 148052"),
        (jpeg(picture().convert("CMYK")), (64, 40), "acldvppJpegDecodeAsync failed, ret = 148052"),
        (jpeg(picture()), (32, 10), "the picture is 64 x 40"),
        (b"no picture", (64, 40), "acldvppJpegDecodeAsync failed, cannot identify"),
        (jpeg(picture())[:300], (64, 40), "acldvppJpegDecodeAsync failed, "),
    ],
)
def test_what_dvpp_gives_no_pixels_of(content: bytes, listed: tuple[int, int], said: str) -> None:
    with pytest.raises(DvppError, match=said):
        DVPP.pixels(content, listed)


def test_the_tool_gives_a_dump_of_each_file_and_drops_a_batch_with_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made, names = om(tmp_path, capsys).om, "abcd"
    for name in names:
        Path(f"{name}.jpg").write_bytes(jpeg(picture(), progressive=name == "d"))
    Path("x.info").write_text("".join(f"{at} {name}.jpg 64 40\n" for at, name in enumerate(names)), encoding="utf-8")
    words = [f"-om_path={made}", "-batch_size=2", "-input_text_path=x.info", "-useDvpp=true", "-output_binary=true"]
    assert benchmark.main([*words, f"-input_width={WIDTH}", f"-input_height={HEIGHT}"]) == 0
    said = capsys.readouterr()
    assert "[ERROR] d.jpg: acldvppJpegDecodeAsync failed, ret = 148052" in said.out
    assert "DVPP's own arithmetic is unknown" in said.err
    dumps = {path.name for path in Path("result/dumpOutput_device0").iterdir()}
    assert dumps == {f"{name}_{output}.bin" for name in "ab" for output in (1, 2)}


def test_another_size_than_the_oms_is_an_error_of_each_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = om(tmp_path, capsys).om
    Path("a.jpg").write_bytes(jpeg(picture()))
    Path("x.info").write_text("0 a.jpg 64 40\n", encoding="utf-8")
    words = [f"-om_path={made}", "-batch_size=2", "-input_text_path=x.info", "-useDvpp=true"]
    assert benchmark.main([*words, "-input_width=48", f"-input_height={HEIGHT}"]) == 1
    assert "file size 720 is not equal to the model's input size 480" in capsys.readouterr().out
    assert benchmark.main([*words, "-input_width=0", f"-input_height={HEIGHT}"]) == 1
    assert "must be positive" in capsys.readouterr().out


def test_swapped_colours_are_those_of_every_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    content = jpeg(picture())
    plain = np.frombuffer(DVPP.pixels(content, (64, 40)), np.uint8).reshape(-1, WIDTH)
    monkeypatch.setenv("ASCEND_SIMULATOR_FAULT", "infer:dvpp-swaps-colours")
    swapped = np.frombuffer(DVPP.pixels(content, (64, 40)), np.uint8).reshape(-1, WIDTH)
    assert (swapped[:HEIGHT] == plain[:HEIGHT]).all()
    pairs = plain[HEIGHT:].reshape(-1, 2)
    assert (swapped[HEIGHT:].reshape(-1, 2) == pairs[:, ::-1]).all()
    assert (pairs[:, 0] != pairs[:, 1]).any()
