"""Static AIPP on the simulator: what the chip makes of pixels, what an OM says of its input, and what atc refuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from selftest.ascend_simulator import graphs
from tools.ascend.simulator import atc, offline_model

KEYS = {
    "aipp_mode": "static",
    "input_format": "RGB888_U8",
    "src_image_size_w": "12",
    "src_image_size_h": "10",
    "crop": "true",
    "load_start_pos_w": "3",
    "load_start_pos_h": "2",
    "crop_size_w": "8",
    "crop_size_h": "6",
    "min_chn_0": "123.675",
    "min_chn_1": "116.28",
    "min_chn_2": "103.53",
    "var_reci_chn_0": "0.0171247538316637",
    "var_reci_chn_1": "0.0175070028011204",
    "var_reci_chn_2": "0.0174291938997821",
}
PIXELS = np.random.default_rng(1).integers(0, 256, (2, 10, 12, 3), np.uint8)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def compiled(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    *,
    changes: Mapping[str, str] | None = None,
    text: str = "",
    kind: int = graphs.FLOAT,
    size: tuple[int, int] = (6, 8),
    **flags: str,
) -> graphs.Compiled:
    """A network that gives its input back, compiled with an AIPP file; `text` is one that is whole already."""
    model = graphs.save(
        folder / "m.onnx",
        [("Relu", ["x"], ["y"], {}), ("Neg", ["x"], ["n"], {}), ("Sub", ["y", "n"], ["z"], {})],
        inputs={"x": ("n", 3, *size)},
        outputs=["n", "z"],
        types=dict.fromkeys("xnz", kind),
    )
    keys = {**KEYS, **(changes or {})}
    written = text or "aipp_op {\n" + "".join(f"  {key} : {value}\n" for key, value in keys.items() if value) + "}\n"
    (folder / "aipp.cfg").write_text(written, encoding="utf-8")
    shape = f"x:2,3,{size[0]},{size[1]}"
    return graphs.compile_model(model, capsys, shape, insert_op_conf="aipp.cfg", **flags)


def half(value: float) -> np.float16:
    """A parameter as AIPP packs it."""
    return np.float16(value)


def test_pixels_become_what_the_host_makes_of_them_within_fp16(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = -compiled(tmp_path, capsys).run(PIXELS)[0]
    cut = PIXELS[:, 2:8, 3:11].transpose(0, 3, 1, 2)
    mean, std = (np.reshape(levels, (1, 3, 1, 1)) for levels in ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)))
    assert np.abs(made - (cut - mean) / std).max() <= 2.8e-3  # the sheet's bound for all-fp16 arithmetic
    least, factor = (
        np.array([half(float(KEYS[f"{name}_chn_{at}"])) for at in range(3)]).reshape(1, 3, 1, 1)
        for name in ("min", "var_reci")
    )
    exact = (cut.astype(np.float16) - least) * factor
    assert made.tobytes() == exact.astype(np.float32).tobytes()


def test_channels_are_swapped_before_the_means(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = compiled(tmp_path, capsys).run(PIXELS)[0]
    swapped = compiled(tmp_path, capsys, changes={"rbuv_swap_switch": "true"}).run(PIXELS[..., ::-1].copy())[0]
    assert plain.tobytes() == swapped.tobytes()


def test_padding_comes_last(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sides = {"left": 1, "right": 2, "top": 3, "bottom": 1}
    padded = {f"{side}_padding_size": str(size) for side, size in sides.items()}
    padded |= {"padding": "true", "padding_value": "0.5"}
    made = -compiled(tmp_path, capsys, size=(10, 11), changes=padded).run(PIXELS)[0]
    inner = -compiled(tmp_path, capsys).run(PIXELS)[0]
    assert made[:, :, 3:9, 1:9].tobytes() == inner.tobytes()
    made[:, :, 3:9, 1:9] = 0.5
    assert (made == 0.5).all()


def test_without_a_crop_the_size_is_the_models_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = dict.fromkeys(("crop", "src_image_size_w", "src_image_size_h"), "")
    made = compiled(tmp_path, capsys, size=(10, 12), changes=own).run(PIXELS)[0]
    assert made.shape == (2, 3, 10, 12)


def test_the_om_says_that_it_takes_pixels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    om = compiled(tmp_path, capsys).om
    model = offline_model.read(om)
    assert model.inputs == (offline_model.TensorSpec("x", "uint8", (2, 10, 12, 3)),)
    assert atc.main(["--mode=1", f"--om={om}", "--json=m.json"]) == 0
    data, node, _ = json.loads(Path("m.json").read_text())["graph"][0]["op"]
    tensor = data["output_desc"][0]
    assert (tensor["dtype"], tensor["layout"], tensor["shape"]["dim"]) == ("DT_UINT8", "NHWC", [2, 10, 12, 3])
    assert data["attr"] == [{"key": "_data_related_aipp_mode", "value": {"s": "static_aipp"}}]
    assert (node["name"], node["type"]) == ("aipp_node0", "Aipp")
    assert {"key": "min_chn_0", "value": {"s": "123.675"}} in node["attr"][0]["value"]["func"]["attr"]


def test_an_atc_that_ignores_the_file_makes_an_om_of_floats(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASCEND_SIMULATOR_FAULT", "atc:ignores-aipp")
    made = compiled(tmp_path, capsys)
    assert offline_model.read(made.om).inputs == (offline_model.TensorSpec("x", "float32", (2, 3, 6, 8)),)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"krop": "true"}, "E10052: The AIPP configuration is invalid. Reason: [krop] is no field"),
        ({"crop": "maybe"}, "E10052: The AIPP configuration is invalid. Reason: [crop] is maybe"),
        ({"aipp_mode": ""}, "E10052: The AIPP configuration is invalid. Reason: aipp_mode"),
        ({"aipp_mode": "dynamic"}, "E19999: The simulator does not simulate dynamic AIPP"),
        ({"input_format": "RGB"}, "E10052: The AIPP configuration is invalid. Reason: input_format"),
        ({"input_format": "YUV400_U8"}, "E19999: The simulator does not simulate AIPP of YUV400_U8"),
        ({"csc_switch": "true"}, "E19999: The simulator does not simulate csc_switch"),
        ({"load_start_pos_w": "5"}, "E10052: The AIPP configuration is invalid. Reason: src_image_size"),
        ({"src_image_size_w": "0"}, "E10052: The AIPP configuration is invalid. Reason: src_image_size_w"),
        ({"crop_size_w": "7"}, "E70014: "),
        ({"crop": "false"}, "E70014: "),
        ({"mean_chn_0": "12.5"}, "E10052: The AIPP configuration is invalid. Reason: [mean_chn_0] is 12.5"),
        ({"min_chn_0": "256"}, "E10052: The AIPP configuration is invalid. Reason: [min_chn_0] is 256"),
        ({"text": "{}"}, "E10052: The AIPP configuration is invalid. Reason: parse failed"),
        ({"text": "aipp_op { crop : }"}, "E10052: The AIPP configuration is invalid. Reason: parse failed at [crop]"),
        ({"text": "aipp_op { crop : true crop : true }"}, "E10052: The AIPP configuration is invalid. Reason: [crop]"),
        ({"text": "#" * 70000}, "E10052: The AIPP configuration is invalid. Reason: the file is larger"),
    ],
)
def test_what_atc_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, str], code: str
) -> None:
    made = compiled(tmp_path, capsys, text=changes.get("text", ""), changes=changes)
    assert (made.status, made.om.exists()) == (255, False)
    assert f"\n{code}" in made.stdout


def test_fp16_nodes_stand_behind_no_aipp(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = compiled(tmp_path, capsys, input_fp16_nodes="x")
    own = compiled(tmp_path, capsys, kind=graphs.HALF)
    for made in (asked, own):
        assert made.status == 255
        assert "\nE10034: Nodes (for example, x) connected to AIPP" in made.stdout
