"""The static AIPP file of a port: what its recipe comes to, as text and back, and where a file says something else.

The file is what atc takes by `--insert_op_conf`: `aipp_op { key : value … }` with `#` comments. Per channel the chip
computes (byte - mean_chn - min_chn) x var_reci_chn in fp16, its parameters too, after it has swapped channels and cut.
Of YUV420SP, which the chip's decoder gives, it makes RGB or BGR before that: matrix x (YUV - input_bias) / 256.
Keys, defaults and ranges are those of CANN's public template of the file.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Union

from tools.judge.spec_data import HALF, Preprocessing

Value = Union[bool, int, float, str]
MOST_BYTES = 64 * 1024
CHANNELS = 3
HALF_BITS, HALF_LEAST_EXPONENT = 10, -14
_BLOCK = re.compile(r"\s*aipp_op\s*\{([^{}]*)\}\s*")
_ENTRY = re.compile(
    r"\s*([A-Za-z_][A-Za-z0-9_]{0,63})\s*:\s*(\"[^\"\n]{0,64}\"|[A-Za-z0-9_.+-]{1,64})(?=[\s,;]|$)\s*[,;]?"
)
_WHOLE = re.compile(r"[+-]?[0-9]{1,10}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_TRUTH = {"true": True, "false": False, "1": True, "0": False}


class AippError(ValueError):
    """A file that is no AIPP file, in words."""


@dataclass(frozen=True)
class Key:
    """A key of the file: what stands for it where it is absent, and the range of a number."""

    default: Value
    least: float = 0
    most: float = 0

    def read(self, name: str, text: str) -> Value:
        """The value of a text; AippError where it cannot be one."""
        if isinstance(self.default, bool):
            found: Value | None = _TRUTH.get(text)
        elif isinstance(self.default, str):
            found = text.strip('"')
        elif isinstance(self.default, int):
            found = int(text) if _WHOLE.fullmatch(text) else None
        else:
            found = float(text) if _NUMBER.fullmatch(text) else None
        if found is None:
            raise AippError(f"{name} is {text}, no {_KINDS[type(self.default)]}")
        if isinstance(found, (int, float)) and not isinstance(found, bool) and not self.least <= found <= self.most:
            raise AippError(f"{name} is {text}, it must be {self.least:g}..{self.most:g}")
        return found


_KINDS = {bool: "true or false", int: "whole number", float: "number", str: "word"}
_SIDE, _SWITCH, _WORD = Key(0, 0, 4096), Key(False), Key("")
_MATRIX = (298, 516, 0, 298, -100, -208, 298, 0, 409)
JPEG_TO_RGB = ((256, 0, 359), (256, -88, -183), (256, 454, 0))
"""CANN's matrix for a picture that was a JPEG file, whose YUV has the full range 0..255, with a bias of 0, 128, 128.

The default, and that of video, is for 16..235: contrast comes out 16 % higher."""
JPEG_BIAS = (0, 128, 128)
KEYS: dict[str, Key] = {
    **dict.fromkeys(("aipp_mode", "related_input_name", "input_format"), _WORD),
    "related_input_rank": Key(0, 0, 1000),
    **dict.fromkeys(("src_image_size_w", "src_image_size_h"), _SIDE),
    **dict.fromkeys(("crop", "padding", "resize", "csc_switch", "rbuv_swap_switch", "ax_swap_switch"), _SWITCH),
    "single_line_mode": _SWITCH,
    **dict.fromkeys(("load_start_pos_w", "load_start_pos_h"), Key(0, 0, 4095)),
    **dict.fromkeys(("crop_size_w", "crop_size_h", "resize_output_w", "resize_output_h"), _SIDE),
    **dict.fromkeys((f"{side}_padding_size" for side in ("left", "right", "top", "bottom")), Key(0, 0, 32)),
    **dict.fromkeys(("padding_value", "cpadding_value"), Key(0.0, -HALF[1], HALF[1])),
    "rotation_angle": Key(0.0, -360, 360),
    **{f"matrix_r{at // 3}c{at % 3}": Key(value, -32677, 32676) for at, value in enumerate(_MATRIX)},
    **{f"output_bias_{at}": Key(value, 0, 255) for at, value in enumerate((16, 128, 128))},
    **{f"input_bias_{at}": Key(value, 0, 255) for at, value in enumerate((16, 128, 128))},
    **{f"mean_chn_{at}": Key(0, 0, 255) for at in range(4)},
    **{f"min_chn_{at}": Key(0.0, 0, 255) for at in range(4)},
    **{f"var_reci_chn_{at}": Key(1.0, -HALF[1], HALF[1]) for at in range(4)},
    "raw_rgbir_to_f16_n": Key(8, 0, 31),
    "max_src_image_size": Key(0, 0, 2**31 - 1),
    "support_rotation": _SWITCH,
}
_ONLY_IF = {
    "crop": ("load_start_pos_", "crop_size_"),
    "padding": ("left_", "right_", "top_", "bottom_", "padding_value", "cpadding_value"),
    "csc_switch": ("matrix_", "input_bias_"),
}
"""Switch -> the keys that say nothing while it is off."""
_BY_VALUE = tuple(f"{name}_chn_{at}" for name in ("mean", "min", "var_reci") for at in range(4))
"""Keys that are compared as numbers, those of a fourth channel not at all."""
_NEVER = ("output_bias_",)
"""Keys of a conversion to YUV, which no network of this suite takes."""


def read_aipp(text: str) -> dict[str, Value]:
    """Key to value of an AIPP file, absent keys as their defaults; AippError with the reason for any other text."""
    if len(text) > MOST_BYTES:
        raise AippError(f"more than {MOST_BYTES} characters")
    block = _BLOCK.fullmatch(re.sub(r"#[^\n]*", "", text))
    if block is None:
        raise AippError("not one block aipp_op { … }")
    found: dict[str, Value] = {}
    for name, value in _entries(block[1]):
        if name not in KEYS:
            raise AippError(f"there is no key {name}")
        if name in found:
            raise AippError(f"{name} is given twice")
        found[name] = KEYS[name].read(name, value)
    return {**{name: key.default for name, key in KEYS.items()}, **found}


def _entries(body: str) -> Iterator[tuple[str, str]]:
    at = 0
    while body[at:].strip():
        entry = _ENTRY.match(body, at)
        if entry is None:
            raise AippError(f"not `key : value`: {' '.join(body[at:].split())[:40]!r}")
        yield entry[1], entry[2]
        at = entry.end()


def recipe_settings(recipe: Preprocessing) -> dict[str, Value]:
    """What a recipe with `aipp` comes to, key by key, means and deviations in levels of a byte."""
    (height, width), (rows, columns) = recipe.pixels_size, recipe.size
    found: dict[str, Value] = {
        "aipp_mode": "static",
        "input_format": "YUV420SP_U8" if recipe.is_jpeg else "RGB888_U8",
        "src_image_size_w": width,
        "src_image_size_h": height,
        "crop": (height, width) != (rows, columns),
    }
    if found["crop"]:
        top, left = recipe.cut
        found.update(load_start_pos_w=left, load_start_pos_h=top, crop_size_w=columns, crop_size_h=rows)
    found.update(_colours(recipe))
    found.update({f"min_chn_{at}": level for at, level in enumerate(recipe.byte_mean)})
    found.update({f"var_reci_chn_{at}": 1 / level for at, level in enumerate(recipe.byte_std)})
    return found


def _colours(recipe: Preprocessing) -> dict[str, Value]:
    """What makes the network's channels, in its order, of the decoder's YUV or of the host's RGB."""
    if not recipe.is_jpeg:
        # a function of the port's own leaves channels in the network's order already
        return {"csc_switch": False, "rbuv_swap_switch": recipe.channel_order == "BGR" and recipe.function is None}
    rows = JPEG_TO_RGB if recipe.channel_order == "RGB" else JPEG_TO_RGB[::-1]
    found: dict[str, Value] = {"csc_switch": True, "rbuv_swap_switch": False}
    found.update({f"matrix_r{at}c{column}": value for at, row in enumerate(rows) for column, value in enumerate(row)})
    found.update({f"input_bias_{at}": value for at, value in enumerate(JPEG_BIAS)})
    return found


def aipp_text(recipe: Preprocessing) -> str:
    """The file that says what the recipe says."""
    lines = (f"    {name} : {_written(value)}" for name, value in recipe_settings(recipe).items())
    return "\n".join(("aipp_op {", *lines, "}", ""))


def _written(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def file_name(text: str) -> str:
    """A name that changes whenever the file does, so that an OM's own command line shows which one it was made with."""
    return f"aipp_{hashlib.sha256(text.encode()).hexdigest()[:16]}.cfg"


def aipp_differences(text: str, recipe: Preprocessing) -> tuple[str, ...]:
    """Where a file says something else than the recipe, key by key; numbers may be off by the rounding to fp16."""
    try:
        found = read_aipp(text)
    except AippError as error:
        return (str(error),)
    asked = {**{name: key.default for name, key in KEYS.items()}, **recipe_settings(recipe)}
    return (*_unlike(found, asked), *_off(found, asked))


def _unlike(found: Mapping[str, Value], asked: Mapping[str, Value]) -> Iterator[str]:
    silent = (*_NEVER, *(part for switch, parts in _ONLY_IF.items() if not asked[switch] for part in parts))
    for name, value in asked.items():
        implied = found[name] == 0 and name.startswith("crop_size_" if found["crop"] else "src_image_size_")
        if name in _BY_VALUE or name.startswith(silent) or implied:  # a size of 0 is the model's own
            continue
        if found[name] != value:
            yield f"{name} is {_written(found[name]) or 'not given'}, the recipe's is {_written(value) or 'not given'}"


def _off(found: Mapping[str, Value], asked: Mapping[str, Value]) -> Iterator[str]:
    for at in range(CHANNELS):
        mean = float(found[f"mean_chn_{at}"]) + float(found[f"min_chn_{at}"])
        yield from _too_far(f"mean_chn_{at} + min_chn_{at}", mean, float(asked[f"min_chn_{at}"]))
        name = f"var_reci_chn_{at}"
        yield from _too_far(name, float(found[name]), float(asked[name]))


def _too_far(name: str, found: float, asked: float) -> Iterator[str]:
    allowed = half_step(asked) / 2
    if not abs(found - asked) <= allowed:
        yield f"{name} is {found:.6g}, the recipe's is {asked:.6g} +- {allowed:.2g} (rounding to fp16)"


def half_step(value: float) -> float:
    """The distance of neighbouring fp16 numbers at a value."""
    exponent = math.floor(math.log2(abs(value))) if value else HALF_LEAST_EXPONENT
    return float(2.0 ** (max(exponent, HALF_LEAST_EXPONENT) - HALF_BITS))
