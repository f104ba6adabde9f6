"""How a page says things: numbers with their exact value behind them, untrusted text made harmless, two languages."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from markupsafe import Markup

from tools.judge.acceptance import SpecRecord
from tools.judge.results import Check, Word
from tools.judge.shipped import spec_words

NOTHING: Final = Markup("–")
MINUS: Final = "\u2212"
LONGEST_TEXT = 1500
# Control characters are errors in HTML; the others turn the reading direction or hide, and would let a file name
# rearrange the words around it.
_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})

CHINESE_MEANING = {
    Word.ACCEPTED: "在真实设备上，使用已发布的权重与完整数据集，全部检查均已通过",
    Word.REJECTED: "至少一项检查未通过",
    Word.INCOMPLETE: "没有失败项，但仍有检查未完成",
    Word.SIMULATED: "全部检查在模拟器上通过，不代表任何真实设备的结果",
    Word.SAMPLE: "全部检查在样例数据上通过，不代表已发布模型的结果",
    Word.UNPINNED: "全部检查在真实设备上通过，但没有摘要可确认权重文件的来源",
}
BANNER = {
    Word.SIMULATED: "Offline models ran on the simulator: nothing on this page is a statement about a device.",
    Word.SAMPLE: "Checkpoint or data are the embedded sample's: nothing on this page is a statement about the "
    "published model.",
    Word.UNPINNED: "No digest of the checkpoint is known: these may be any training run's weights.",
}
CHINESE_BANNER = {
    Word.SIMULATED: "离线模型在模拟器上运行，本页内容不代表任何真实设备。",
    Word.SAMPLE: "权重或数据为内置样例，本页内容不代表已发布的模型。",
    Word.UNPINNED: "权重文件没有已知摘要，可能来自任意一次训练。",
}


def printable(text: str) -> str:
    """The text with every character that cannot be seen, but line feed and tab, written as `\\u….`"""
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character in "\n\t" or unicodedata.category(character) not in _INVISIBLE:
        return character
    return f"\\u{ord(character):04x}"


def shortened(text: str, most: int = LONGEST_TEXT) -> str:
    """The beginning of a long text, saying how much was left out."""
    return text if len(text) <= most else f"{text[:most]} … ({len(text) - most} more characters in acceptance.json)"


def exact(value: float, text: str) -> Markup:
    """A number as it is shown, with the recorded value itself in the page."""
    return Markup('<data value="{}">{}</data>').format(repr(value), text.replace("-", MINUS))


def places(value: float | None) -> Markup:
    """An accuracy in percent, or a logit: three places, as one image of 50,000 is 0.002 percent."""
    return NOTHING if value is None else exact(value, f"{value:.3f}")


def signed(value: float | None) -> Markup:
    """A difference, its sign always there."""
    return NOTHING if value is None else exact(value, f"{value:+.3f}")


def rate(value: float | None) -> Markup:
    """Images per second."""
    return NOTHING if value is None else exact(value, f"{value:,.2f}")


def general(value: float | None) -> Markup:
    """Any other number, six digits."""
    return NOTHING if value is None else exact(value, f"{value:.6g}")


def brief(value: float) -> Markup:
    """A number whose size matters, three digits."""
    return exact(value, f"{value:.3g}")


def measured(check: Check) -> Markup:
    """What a gate measured: a number, or a text that may be long."""
    if isinstance(check.measured, float):
        return exact(check.measured, f"{check.measured:.6g}")
    return Markup("{}").format(printable(shortened(check.measured, 300)))


def seconds(value: float) -> str:
    """A duration as people say it."""
    if value < 60:
        return f"{value:.3g} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def size(value: int) -> str:
    """A number of bytes as people say it."""
    amount, unit = float(value), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if amount < 1024 or unit == "TiB":
            break
        amount /= 1024
    return f"{amount:.4g} {unit}"


def judged_by(spec: SpecRecord) -> str:
    """Which spec judged, in the words of the judge, which knows the suite's own by their digests."""
    return spec_words(f"{spec.path} ({spec.why})", spec.json_sha256)


def variant_name(name: str) -> str:
    """`om_bs16` as it is read: om bs16."""
    return re.sub(r"_(?=bs\d)", " ", name)
