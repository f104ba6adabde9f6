"""The file of --insert_op_conf as atc reads it: one static AIPP operator on RGB or YUV420SP, with atc's refusals.

Keys, defaults, ranges and the order of steps (channel swap, crop, colours, mean and variance, padding) are those of
CANN's public template of the file; which of atc's codes a malformed file gets is not public, so it is that of a wrong
one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tools.ascend.simulator.atc_error import AtcError, not_simulated

MOST_BYTES = 2**16
CHANNELS = 3
BOOLEANS = {"true": 1, "false": 0, "1": 1, "0": 0}
VIDEO_TO_BGR, VIDEO_BIAS = (298, 516, 0, 298, -100, -208, 298, 0, 409), (16, 128, 128)
"""The template's defaults."""
SWITCHES = (
    *("crop", "padding", "resize", "csc_switch", "rbuv_swap_switch", "ax_swap_switch", "single_line_mode"),
    "support_rotation",
)
WHOLE = {
    **dict.fromkeys(("src_image_size_w", "src_image_size_h", "crop_size_w", "crop_size_h"), (0, 0, 4096)),
    **dict.fromkeys(("load_start_pos_w", "load_start_pos_h"), (0, 0, 4095)),
    **dict.fromkeys((f"{side}_padding_size" for side in ("left", "right", "top", "bottom")), (0, 0, 32)),
    **{f"mean_chn_{channel}": (0, 0, 255) for channel in range(4)},
    **dict.fromkeys(("resize_output_w", "resize_output_h"), (0, 0, 4096)),
    "related_input_rank": (0, 0, 255),
    "raw_rgbir_to_f16_n": (8, 0, 31),
    "max_src_image_size": (0, 0, 2**31 - 1),
    **{f"matrix_r{at // 3}c{at % 3}": (value, -32677, 32676) for at, value in enumerate(VIDEO_TO_BGR)},
    **{f"{side}_bias_{at}": (value, 0, 255) for side in ("input", "output") for at, value in enumerate(VIDEO_BIAS)},
}
"""Key -> default, smallest and largest whole number."""
REAL = {
    **{f"min_chn_{channel}": (0.0, 0.0, 255.0) for channel in range(4)},
    **{f"var_reci_chn_{channel}": (1.0, -65504.0, 65504.0) for channel in range(4)},
    **dict.fromkeys(("padding_value", "cpadding_value"), (0.0, -65504.0, 65504.0)),
    "rotation_angle": (0.0, -360.0, 360.0),
}
WORDS = ("aipp_mode", "input_format", "related_input_name")
RGB, YUV420SP = "RGB888_U8", "YUV420SP_U8"
FORMATS = ("YUV420SP_U8", "XRGB8888_U8", "RGB888_U8", "YUV400_U8")
NOT_SIMULATED = ("resize", "ax_swap_switch", "single_line_mode", "rotation_angle", "related_input_rank")


@dataclass(frozen=True)
class Aipp:
    """What AIPP does to a picture; sizes are (height, width), 0 for the model's own, lists have one entry a channel.

    `matrix` and `bias` make the network's channels of YUV420SP; of RGB there is no matrix.
    """

    source: tuple[int, int]
    swap: bool
    crop: bool
    start: tuple[int, int]
    size: tuple[int, int]
    mean: tuple[float, ...]
    least: tuple[float, ...]
    factor: tuple[float, ...]
    padding: tuple[int, int, int, int]
    padding_value: float
    given: tuple[tuple[str, str], ...]
    matrix: tuple[tuple[float, ...], ...] = ()
    bias: tuple[float, ...] = ()

    def fitted(self, height: int, width: int) -> Aipp:
        """With the sizes that the file leaves to a model of this input; AtcError where they cannot come out so."""
        top, bottom, left, right = self.padding
        size = self.size if self.crop else self.source
        found = (size[0] or height - top - bottom, size[1] or width - left - right)
        source = (self.source[0] or found[0], self.source[1] or found[1])
        start = self.start if self.crop else (0, 0)
        if any(begin + length > whole for begin, length, whole in zip(start, found, source, strict=True)):
            raise wrong(f"src_image_size {source} is smaller than load_start_pos {start} and crop_size {found}")
        if self.matrix and any(side % 2 for side in (*source, *start, *found)):
            raise wrong("sizes and positions of YUV420SP_U8 must be even")
        made = (top + found[0] + bottom, left + found[1] + right)
        if made != (height, width):
            raise AtcError("E70014", f"AIPP output H, W {made} are not equal to data's output H, W {(height, width)}.")
        return replace(self, source=source, start=start, size=found)


def wrong(reason: str) -> AtcError:
    """A file that AIPP cannot be made of."""
    return AtcError("E10052", f"The AIPP configuration is invalid. Reason: {reason}.")


def read(path: str) -> Aipp:
    """The operator of the file; AtcError for a file that is missing, malformed, or asks for what is not simulated."""
    try:
        content = Path(path).read_bytes()[: MOST_BYTES + 1]
        text = content.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise AtcError("E10020", f"File [{path}] for parameter [--insert_op_conf] cannot be read.") from error
    if len(content) > MOST_BYTES:
        raise wrong(f"the file is larger than {MOST_BYTES} bytes")
    return _operator(dict(_pairs(_tokens(text))))


def _tokens(text: str) -> list[str]:
    """The words of the file, comments left out; braces and colons are words of their own."""
    lines = (line.partition("#")[0] for line in text.splitlines())
    spaced = " ".join(lines).replace(",", " ").replace(";", " ")
    for mark in "{}:":
        spaced = spaced.replace(mark, f" {mark} ")
    return spaced.split()


def _pairs(words: list[str]) -> Iterator[tuple[str, str]]:
    if words[:2] != ["aipp_op", "{"] or words[-1:] != ["}"]:
        raise wrong("parse failed, it must be aipp_op { ... }")
    inside, seen = words[2:-1], set[str]()
    for at in range(0, len(inside), 3):
        name, colon, value = (*inside[at : at + 3], "", "")[:3]
        if colon != ":" or not value or value in ":{}":
            raise wrong(f"parse failed at [{name}]")
        if name in seen or not (name in WHOLE or name in REAL or name in SWITCHES or name in WORDS):
            raise wrong(f"[{name}] is {'given twice' if name in seen else 'no field of AippOpParams'}")
        seen.add(name)
        yield name, value.strip('"')


def _operator(given: dict[str, str]) -> Aipp:
    values = _values(given)
    mode, layout = given.get("aipp_mode", ""), given.get("input_format", "")
    if mode not in ("static", "dynamic"):
        raise wrong("aipp_mode must be static or dynamic")
    if mode == "dynamic":
        raise not_simulated("dynamic AIPP")
    if layout not in FORMATS:
        raise wrong(f"input_format must be one of {', '.join(FORMATS)}")
    if layout not in (RGB, YUV420SP):
        raise not_simulated(f"AIPP of {layout}")
    if bool(values["csc_switch"]) != (layout == YUV420SP) or (layout == YUV420SP and values["rbuv_swap_switch"]):
        raise not_simulated(f"csc_switch and rbuv_swap_switch of AIPP as they are here with {layout}")
    for name in NOT_SIMULATED:
        if values[name]:
            raise not_simulated(f"{name} of AIPP")
    padded = bool(values["padding"])
    sides = tuple(int(values[f"{side}_padding_size"]) * padded for side in ("top", "bottom", "left", "right"))
    source = _size(values, "src_image_size")
    if 0 in source and (padded or values["crop"]):
        raise wrong("src_image_size_w and src_image_size_h must be set where crop or padding is on")
    return Aipp(
        source=source,
        swap=bool(values["rbuv_swap_switch"]),
        crop=bool(values["crop"]),
        start=_size(values, "load_start_pos"),
        size=_size(values, "crop_size"),
        mean=_channels(values, "mean_chn"),
        least=_channels(values, "min_chn"),
        factor=_channels(values, "var_reci_chn"),
        padding=(sides[0], sides[1], sides[2], sides[3]),
        padding_value=float(values["padding_value"]),
        given=tuple(given.items()),
        matrix=_matrix(values) if layout == YUV420SP else (),
        bias=tuple(values[f"input_bias_{at}"] for at in range(CHANNELS)),
    )


def _matrix(values: dict[str, float]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(values[f"matrix_r{row}c{column}"] for column in range(CHANNELS)) for row in range(CHANNELS))


def _values(given: dict[str, str]) -> dict[str, float]:
    numbers: dict[str, tuple[float, float, float]] = {**WHOLE, **REAL}
    found: dict[str, float] = dict.fromkeys(SWITCHES, 0) | {name: default for name, (default, _, _) in numbers.items()}
    for name, text in given.items():
        if name in SWITCHES:
            if text not in BOOLEANS:
                raise wrong(f"[{name}] is {text}, it must be true or false")
            found[name] = BOOLEANS[text]
        elif name in numbers:
            _, least, most = numbers[name]
            found[name] = _number(name, text, whole=name in WHOLE)
            if not least <= found[name] <= most:
                raise wrong(f"[{name}] is {text}, it must be in [{least:g}, {most:g}]")
    return found


def _number(name: str, text: str, *, whole: bool) -> float:
    try:
        return int(text) if whole else float(text)
    except ValueError as error:
        raise wrong(f"[{name}] is {text}, which is no number") from error


def _size(values: dict[str, float], name: str) -> tuple[int, int]:
    return int(values[f"{name}_h"]), int(values[f"{name}_w"])


def _channels(values: dict[str, float], name: str) -> tuple[float, ...]:
    return tuple(values[f"{name}_{channel}"] for channel in range(CHANNELS))
