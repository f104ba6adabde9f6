"""atc's flags: none is silently ignored; values that cannot be are refused with the vendor's codes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from selftest.ascend_simulator import graphs
from selftest.contracts import tiny_model
from tools.ascend.simulator import atc_flags
from tools.ascend.simulator.atc_error import AtcError

SHAPE = f"{tiny_model.INPUT}:1,3,8,8"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "some.cfg").write_text("{}")
    (tmp_path / "types.cfg").write_text("OpType::conv2d")
    (tmp_path / "mixlist.json").write_text('{"black-list": {"to-add": ["NobodysOwn"]}}')
    monkeypatch.chdir(tmp_path / "work")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The tiny model."""
    return tiny_model.save(tmp_path / "tiny.onnx")


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        ("precision_mode=banana", "E10001"),
        ("precision_mode_v2=banana", "E10001"),
        ("precision_mode=force_fp16 precision_mode_v2=fp16", "E10056"),
        ("op_select_implmode=high_preformance", "E10001"),
        ("optypelist_for_implmode=Gelu", "E10001"),
        ("output_type=wrong", "E10001"),
        ("output_type=class:FP16", "E10001"),
        ("output_type=nobody:0:FP16", "E10001"),
        ("output_type=fc:0:wrong", "E10001"),
        ("input_format=NHWC", "E10001"),
        ("framework=3", "E10001"),
        ("mode=2", "E10001"),
        ("log=loud", "E10010"),
        ("buffer_optimize=l3_optimize", "E10001"),
        ("enable_small_channel=2", "E10006"),
        ("is_weight_clip=yes", "E10006"),
        ("enable_compress_weight=1", "E10005"),
        ("auto_tune_mode=RL,GA", "E10001"),
        ("op_debug_level=9", "E10001"),
        ("op_compiler_cache_mode=always", "E10001"),
        ("device_id=first", "E10001"),
        ("insert_op_conf=/nosuch.cfg", "E10020"),
        ("insert_op_conf=../some.cfg", "E10052"),
        ("fusion_switch_file=/nosuch.cfg", "E10020"),
        ("keep_dtype=/nosuch.cfg", "E10001"),
        ("op_precision_mode=/nosuch.ini", "E10001"),
        ("keep_dtype=../some.cfg", "E10003"),
        ("keep_dtype=../types.cfg", "E10003"),
        ("modify_mixlist=../types.cfg precision_mode=allow_mix_precision", "E10003"),
        ("modify_mixlist=/nosuch.json", "E10001"),
        ("modify_mixlist=/nosuch.json precision_mode=force_fp16", "E10001"),
        ("modify_mixlist=/nosuch.json precision_mode=allow_mix_precision", "E10020"),
        ("dynamic_batch_size=1,4", "E10031"),
        ("dynamic_image_size=8,8", "E10019"),
        ("dynamic_batch_size=1,4 dynamic_dims=1,2", "E10009"),
        ("dynamic_batch_size=one input_shape=actual_input_1:-1,3,8,8", "E10003"),
        ("input_fp16_nodes=nobody", "E10016"),
        ("out_nodes=nobody:0", "E10016"),
        ("out_nodes=fc:7", "E10016"),
        ("out_nodes=fc", "E10001"),
        ("soc_version=Ascend999", "E10001"),
    ],
)
def test_impossible_values_are_refused(model: Path, capsys: pytest.CaptureFixture[str], flags: str, code: str) -> None:
    made = graphs.compile_model(model, capsys, **{"input_shape": SHAPE, **_words(flags)})
    assert (made.status, made.om.exists()) == (255, False)
    assert f"\n{code}: " in made.stdout


@pytest.mark.parametrize(
    "flags",
    [
        "fusion_switch_file=../some.cfg",
        "modify_mixlist=../mixlist.json precision_mode_v2=mixed_float16",
        "customize_dtypes=../some.cfg",
        "dynamic_batch_size=1,4 input_shape=actual_input_1:-1,3,8,8",
        "dynamic_image_size=8,8 input_shape=actual_input_1:1,3,-1,-1",
        "dynamic_dims=1;4 input_shape=actual_input_1:-1,3,8,8",
        "input_shape_range=actual_input_1:[1~4,3,8,8]",
        "precision_mode=allow_mix_precision_bf16",
        "precision_mode_v2=cube_hif8",
        "output_type=UINT8",
        "sparsity=1",
        "external_weight=1",
        "is_input_adjust_hw_layout=true",
        "mode=6",
    ],
)
def test_what_is_not_simulated_is_refused_and_not_ignored(
    model: Path, capsys: pytest.CaptureFixture[str], flags: str
) -> None:
    made = graphs.compile_model(model, capsys, **{"input_shape": SHAPE, **_words(flags)})
    assert (made.status, made.om.exists()) == (255, False)
    assert "\nE19999: The simulator does not simulate " in made.stdout


def test_flags_of_speed_and_logs_change_nothing(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = tiny_model.images(1)
    plain = graphs.compile_model(model, capsys, SHAPE).run(image)[0]
    flags = _words(
        "log=debug buffer_optimize=off_optimize enable_small_channel=1 op_select_implmode=high_precision "
        "optypelist_for_implmode=Sigmoid op_debug_level=1 check_report=./report.json debug_dir=./debug "
        "op_compiler_cache_mode=enable op_compiler_cache_dir=./cache device_id=1 deterministic=1 input_format=ND "
        "disable_reuse_memory=0 precision_mode=force_fp16 weight= auto_tune_mode= output_type=FP32"
    )
    assert graphs.compile_model(model, capsys, SHAPE, **flags).run(image)[0].tobytes() == plain.tobytes()


def test_an_unknown_flag_ends_before_the_work(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = graphs.compile_model(model, capsys, SHAPE, out_node="fc")
    assert (made.status, made.stdout) == (1, "")


def test_every_flag_has_a_rule_that_knows_a_nonsense_value() -> None:
    """A flag is free, or its rule refuses nonsense: there is no third kind that is taken and forgotten."""
    for name, rule in atc_flags.RULES.items():
        if name not in atc_flags.FREE:
            with pytest.raises(AtcError):
                rule(name, "/no such thing")


@pytest.mark.parametrize(
    ("mode", "rounds_weights", "rounds_vector", "rounds_outputs"),
    [
        ("precision_mode=force_fp16", True, True, True),
        ("precision_mode=allow_mix_precision", True, True, True),
        ("precision_mode_v2=mixed_float16", True, True, True),
        ("precision_mode=allow_fp32_to_fp16", True, False, True),
        ("precision_mode=force_fp32", True, False, False),
        ("precision_mode_v2=cube_fp16in_fp32out", True, False, False),
        ("precision_mode=must_keep_origin_dtype", False, False, False),
        ("precision_mode_v2=origin", False, False, False),
    ],
)
def test_precision_modes_round_what_the_vendor_says(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    mode: str,
    rounds_weights: bool,
    rounds_vector: bool,
    rounds_outputs: bool,
) -> None:
    nodes: list[graphs.Node] = [
        ("Gemm", ["x", "w"], ["matrix"], {}),
        ("Mul", ["x", "v"], ["vector"], {}),
    ]
    weights: graphs.Weights = {"w": np.eye(2, dtype=np.float32) / 3, "v": np.full(2, 1 / 3, np.float32)}
    path = graphs.save(
        tmp_path / "both.onnx", nodes, inputs={"x": (1, 2)}, outputs=["matrix", "vector"], weights=weights
    )
    matrix, vector = graphs.compile_model(path, capsys, **_words(mode)).run(np.ones((1, 2), np.float32))
    third = np.float32(1 / 3)
    small = np.float32(np.float16(third))
    assert matrix[0, 0] == (small if rounds_weights else third)
    assert vector[0, 0] == (small if rounds_vector else third)
    x = np.full((1, 2), 1.001, np.float32)
    matrix = graphs.compile_model(path, capsys, **_words(mode)).run(x)[0]
    assert (graphs.rounded(matrix) == matrix).all() == rounds_outputs


TWO_PRODUCTS: list[graphs.Node] = [
    ("Mul", ["x", "v"], ["first"], {}),
    ("Div", ["first", "w"], ["second"], {}),
]


def in_turn(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, flags: str) -> tuple[np.float32, np.float32]:
    """What two operators in a row make of 1: times 1.001, divided by 1.003; the flags name a file of this text."""
    values: graphs.Weights = {"v": np.full(2, 1.001, np.float32), "w": np.full(2, 1.003, np.float32)}
    path = graphs.save(
        tmp_path / "row.onnx", TWO_PRODUCTS, inputs={"x": (1, 2)}, outputs=["first", "second"], weights=values
    )
    (tmp_path / "list").write_text(text)
    first, second = graphs.compile_model(path, capsys, **_words(flags)).run(np.ones((1, 2), np.float32))
    return np.float32(first[0, 0]), np.float32(second[0, 0])


@pytest.mark.parametrize(
    ("text", "flags", "wide"),
    [
        ("first_node\n", "keep_dtype=../list", (True, False)),
        ("\nOpType::Mul\n", "keep_dtype=../list", (True, False)),
        ("second_node", "keep_dtype=../list", (False, True)),
        ("OpType::RealDiv", "keep_dtype=../list", (False, True)),
        ("first_node\nsecond_node", "keep_dtype=../list", (True, True)),
        (
            '{"black-list": {"to-add": ["RealDiv"]}}',
            "modify_mixlist=../list precision_mode=allow_mix_precision",
            (False, True),
        ),
        (
            '{"white-list": {"to-add": ["RealDiv"]}, "black-list": {"to-remove": ["Mul"]}}',
            "modify_mixlist=../list precision_mode_v2=mixed_float16",
            (False, False),
        ),
        ("[ByOpType]\nMul=high_precision\n", "op_precision_mode=../list", (False, False)),
    ],
)
def test_listed_operators_compute_in_float32_and_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, flags: str, wide: tuple[bool, bool]
) -> None:
    """Where a listed one follows one that is not, it gets that one's fp16."""
    first, second = np.float32(1.001), np.float32(1.003)
    product = first if wide[0] else half(first)
    quotient = product / second if wide[1] else half(half(product) / half(second))
    assert in_turn(tmp_path, capsys, text, flags) == (product, quotient)


def half(value: np.float32) -> np.float32:
    """The nearest value of fp16."""
    return np.float32(np.float16(value))


def _words(flags: str) -> dict[str, str]:
    return dict(word.split("=", 1) for word in flags.split())
