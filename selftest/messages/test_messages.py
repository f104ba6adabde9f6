"""What a person reads in Chinese: every message has its words, the words fit, and what is no message stays."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from string import Formatter

import pytest

from selftest.messages.extract import english, errors, helps, pages, shown, stub, unknown_parts
from selftest.ports.tiny import tiny_port
from tools.base.errors import PreprocessingError, SuiteError
from tools.base.files import ROOT
from tools.base.language import Language, catalogue, language
from tools.base.messages import read_catalogue, read_po
from tools.base.wide import width

CATALOGUE = ROOT / "tools" / "base" / "zh.po"
ENTRIES = read_po(CATALOGUE.name, CATALOGUE.read_text("utf-8"))
CHINESE = catalogue(Language.CHINESE)
AMBIGUOUS = ("{0}{1}: Object contains unknown field `{2}`", "{0} is no command of {1}{2}. Options begin with -")
"""Messages of others with a mark behind a place, and with two places side by side, which numbers do not tell apart."""
NAME = re.compile(r"[A-Za-z]+")
CHINESE_LETTER = re.compile(r"[\u4e00-\u9fff\uff00-\uffef]")


def places(message: str) -> list[str]:
    """The places of a message, sorted."""
    return sorted(place for _, place, _, _ in Formatter().parse(message) if place is not None)


@pytest.mark.parametrize("messages", [shown, errors, pages, helps])
def test_every_message_has_its_chinese(messages: object) -> None:
    assert callable(messages)
    known = {message for _, message in ENTRIES}
    missing = [stub(part, file) for message, file in messages().items() for part in unknown_parts(message, known)]
    assert not missing, f"write the Chinese of these into {CATALOGUE}:\n\n" + "\n".join(missing)


def test_what_to_do_begins_with_no_bare_command() -> None:
    """Its first letter becomes a capital: `Pip install timm` is no command."""
    command = re.compile(r"(python3?|pip|pytest|git|npu-accept) \S")
    assert [message for message in errors() if command.match(message)] == []


def test_every_translation_has_the_places_of_its_message_and_says_something() -> None:
    for (_, message), said in ENTRIES.items():
        assert places(said) == places(message), message
        assert CHINESE_LETTER.search(said) or all(one in message for one in NAME.findall(said)), message


def test_every_message_is_said_as_itself_and_by_no_other() -> None:
    """Places filled with numbers; a message that looks like another one would be said in that one's words."""
    wrong = []
    for (context, message), said in ENTRIES.items():
        filled = [str(number) for number in range(7, 7 + len(places(message)))]
        text, wanted = message.format(*filled), said.format(*filled)
        if not context and CHINESE.say(text) != wanted and message not in AMBIGUOUS:
            wrong.append(f"{text}: {CHINESE.say(text)}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("still missing (13):", "尚缺（13）："),
        ("  what: nothing was looked at", "  原因：什么也没有检查"),
        (
            "onnx.opset FAIL: measured ai.onnx 12, allowed == ai.onnx 11 (opset)",
            "onnx.opset FAIL：实测 ai.onnx 12，允许 == ai.onnx 11（opset）",
        ),
        ("om.perf.floor[bs16]", "om.perf.floor[bs16]"),
        (
            "Bins of 100 of 1000 images were compared with a library's transforms: wrong ones of fewer than 5.7 % of "
            "the images could pass unseen (95 %).",
            "1000 张图片中有 100 张的 bin 与训练库的变换做过比较：不到 5.7 % 的图片有误时可能没被发现（95 %）。",
        ),
        ("No latencies: the tool kept no times of single executions.", "没有时延：工具没有保存单次执行的时间。"),
        ("measured on swin_t with random weights; nine times that",) * 2,
        (
            "bs1, bs4: not measured in this run, taken from the cache: measured 2026-11-29T02:23:17+00:00 on a host",
            "bs1, bs4: 不是本次运行测得，取自缓存：2026-11-29T02:23:17+00:00 测于 a host",
        ),
        ("miss om/1dc8b08a4499 (changed: batch)", "重做 om/1dc8b08a4499（有变化：batch）"),
        (
            "no gate failed, but gates are missing or the run was cut short (6 passed, 0 failed, 80 missing)",
            "验收未完成：没有关卡失败，但有关卡缺失，或运行被中断 (6 通过，0 失败，80 缺失)",
        ),
        ("again: pytest --sample tests/test_onnx.py", "again: pytest --sample tests/test_onnx.py"),
        (
            "Accuracy lost against the checkpoint on the same images, with 95 % intervals. Right of 0 is a loss.",
            "在同一批图片上相对权重文件的精度下降，带 95 % 区间。0 的右侧为下降。",
        ),
        ("Restore these files from the data set's archive", "从数据集的压缩包中恢复这些文件"),
    ],
)
def test_a_text_is_said_by_the_message_that_it_is(text: str, said: str) -> None:
    assert CHINESE.say(text) == said


def test_an_error_says_what_where_both_sides_and_how_to_mend_it() -> None:
    error = SuiteError(
        "a bin has the wrong size", where="x.bin", measured="7 bytes", allowed="12 bytes",
        fix="delete it and preprocess again",
    )  # fmt: skip
    assert CHINESE.say(str(error)) == "x.bin: bin 的大小不对；实测 7 字节；允许 12 字节。删除它，重新预处理"
    within = PreprocessingError("1 of 9 images cannot be read: a.JPEG", where="/data/val", gate="preprocessing.images")
    blocked = f"blocked by: preprocessing (preprocessing.images): {within}"
    assert CHINESE.say(blocked).endswith("/data/val: 9 张图片中有 1 张无法读取：a.JPEG")


def test_columns_stand_where_they_stood() -> None:
    head = "gate            measured    threshold    verdict"
    row = "checkpoint.md5  21 tensors  0 of 3       PASS"
    said = CHINESE.lines([head, row])
    assert said == ["关卡            实测        阈值         结论", "checkpoint.md5  21 个张量   0/3          PASS"]
    assert [width(line[: line.index(word)]) for line, word in zip(said, ("结论", "PASS"), strict=True)] == [41, 41]


def test_a_text_of_others_costs_no_time_and_is_not_taken_apart() -> None:
    hostile = ["a, " * 2600, "{0} of {1}" * 700, "x: " * 39, "(" * 5000, "note: " * 1000]
    begun = time.process_time()
    for text in hostile:
        CHINESE.say(text)
    assert time.process_time() - begun < 5
    assert CHINESE.say("{0.__class__} of {1}") == "{0.__class__} of {1}"


@pytest.mark.parametrize(
    ("option", "environment", "asked"),
    [
        (None, {}, "en"),
        (None, {"LANG": "zh_CN.UTF-8"}, "zh"),
        (None, {"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        (None, {"LANG": "de_DE.UTF-8", "LC_MESSAGES": "zh_TW"}, "zh"),
        ("en", {"LANG": "zh_CN.UTF-8", "ACCEPTANCE_LANG": "zh"}, "en"),
        (None, {"LANG": "zh_CN.UTF-8", "ACCEPTANCE_LANG": "en"}, "en"),
        ("zh", {}, "zh"),
    ],
)
def test_an_option_wins_over_the_variable_and_that_over_the_locale(
    option: str | None, environment: dict[str, str], asked: str
) -> None:
    assert str(language(option, environment)) == asked


def test_an_unknown_language_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(SuiteError, match=r"--lang \(ACCEPTANCE_LANG\) is 'fr', it must be one of en, zh"):
        language("fr", {})


@pytest.mark.parametrize("line", ["msgid unquoted", "nonsense", 'msgstr "open'])
def test_a_damaged_catalogue_names_its_line(line: str) -> None:
    with pytest.raises(SuiteError, match=r"x\.po:2"):
        read_catalogue("x.po", f"# a comment\n{line}\n")


def test_a_command_and_the_offline_judge_speak_the_language_of_the_locale(tmp_path: Path) -> None:
    environment = {"LANG": "zh_CN.UTF-8", "PYTHONUTF8": "1"}
    asked = [
        ([sys.executable, "tools/spec_diff.py", "none.yaml", "none.yaml"], "错误："),
        (
            [sys.executable, "-S", "-I", "tools/verify_bundle.py", str(tmp_path)],
            "VERDICT: NONE - 证据不成立（1 个问题）",
        ),
    ]
    for command, said in asked:
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert said in done.stdout + done.stderr


def test_a_run_speaks_chinese_from_its_first_line_to_its_last(tmp_path: Path) -> None:
    port = tiny_port(tmp_path / "port")
    given = [f"--{name}={place}" for name, place in {**port.options, "evidence": str(tmp_path / "out")}.items()]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "checkpoint", "--lang=zh", *given]
    environment = os.environ | {"PYTHONUTF8": "1", "ACCEPTANCE_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    header, _, rest = done.stdout.partition("collected ")
    summary = rest.partition(" acceptance ===")[2].partition("\n")[2].rpartition("\n=")[0]
    assert "VERDICT: INCOMPLETE - 验收未完成：" in summary, done.stdout
    assert not [line for line in summary.splitlines() if english(line)]
    assert "权重文件：" in header
    assert "数据：" in header
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert '<html lang="zh-Hans">' in page
    judged = [sys.executable, "tools/verify_bundle.py", "--lang", "zh", str(tmp_path / "out")]
    again = subprocess.run(judged, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert again.returncode == 1, again.stdout
    assert not [line for line in again.stdout.splitlines() if english(line)]
