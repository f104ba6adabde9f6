"""The messages that the sources hold, as a catalogue names them: `{0} of {1} images`, found by their syntax."""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path

from tools.base.files import ROOT
from tools.base.messages import SEPARATOR

SHOWN = (
    *("fixtures/collector.py", "fixtures/gates.py", "fixtures/perf.py", "fixtures/setup.py"),
    *("tools/judge/*.py", "tools/judge/consistency/*.py", "tools/judge/stages/*.py"),
    *("tools/pipeline/inputs.py", "tools/pipeline/option_values.py", "tools/pipeline/tool_folders.py"),
    *("tools/pipeline/outcomes.py", "tools/pipeline/publish.py", "tools/pipeline/setup.py"),
    *("tools/report/baseline.py", "tools/report/operators.py", "tools/report/screen.py", "tools/report/terminal.py"),
    *("tools/report/gate_rows.py", "tools/report/summary.py", "tools/report/tables.py"),
    "tools/report/arithmetic.py",
    *("tools/report/results_md.py", "tools/report/words.py", "tools/report/scorecard/*.py", "tools/evidence/prune.py"),
    *("tools/*.py", "tools/catalogue/*.py", "fixtures/installed/npu_port_acceptance_argv.py"),
    "fixtures/installed/npu_port_acceptance/__main__.py",
)
"""Whose every text is shown; of all other files the errors."""
NOT_SHOWN = (
    *("{0} PORT [PORT", "-Wignore:", "Current thread", "Extension modules", "Fatal Python error", "bytes {0}-"),
    *("checkpoint or onnx or", "content_sha256: ", "labels_sha256: ", "# byte for byte", "default-src "),
    *("from {0} import", "globalThis.", "import sys", "input {0}", "output {0}", "python tools/", "there is {0}"),
    *(
        "this needs Python 3.8",
        "{0} needs the suite installed",
        "the chip {0}",
        "{0} that{1}",
        "<!-- made from",
        "NPU {0} chip {1}",
    ),
    *("NPU ID|", "NPU Util(", "Chip ", "npu-smi info", "Process ", "No running processes found", "initialize"),
    *("Overall statistical", "Number of ", "Top{0} accuracy", "ATC run ", "CUDA {0}", "tuple[str"),
    *("resize {0}, crop", "mean {0}, std", "of {0} kept", "values {0}"),  # a recipe in the words of its library
    *("is the log of {{}}", "says what {{}}"),  # said with a name before and one within
)
"""How texts of those files begin that are for programs, or for a Python that can read no catalogue."""
ALL_ERRORS = "error: {0}"
PAGES = ("tools/report/page.html", "tools/report/scorecard/scorecard.html")
ERROR = re.compile(r"(Error|Refused|Refusal)$")
ERROR_PARTS = ("what", "fix", "measured", "allowed")
WORD = re.compile(r"(?!(?i:and|the|for|with|not)\b)\b[A-Za-z]{3,}")
FACT = re.compile(r"(\{\d+\}|systematic)[.\[][\w.{}\[\]]+")
"""The name of a fact in the evidence, such as `{0}.runs[{1}].images`, which is the same in every language."""
WHERE = re.compile(rf"(\{{0\}}|{FACT.pattern}): ")
PLACE = re.compile(r"\{\{.*?\}\}")
CHINESE = re.compile("[\u4e00-\u9fff]")
EDGES = " ,;:.\n"
ASIDE = ("help", "description", "epilog")
"""What a command says of itself with --help."""
HELP_TEXTS = ("tools/pipeline/options.py", "tools/ports/arguments.py")
"""Whose every text is such a one."""
FORMATTED = re.compile(r"%\(\w+\)\w")


def shown() -> dict[str, str]:
    """Message -> the file it is found in; messages of commands for people, of errors, and of pages."""
    found: dict[str, str] = {}
    for pattern in SHOWN:
        for path in sorted(ROOT.glob(pattern)):
            for message in _texts(ast.parse(path.read_text("utf-8"))):
                said = message if message == ALL_ERRORS else message.removeprefix(ALL_ERRORS.format(""))
                if not said.startswith(NOT_SHOWN):
                    found.setdefault(said, path.relative_to(ROOT).as_posix())
    return found


def errors() -> dict[str, str]:
    """Message -> the file it is found in; what errors say: the finding, both sides, and how to mend it."""
    found: dict[str, str] = {}
    for path in sorted([*ROOT.glob("tools/**/*.py"), *ROOT.glob("fixtures/*.py")]):
        if "simulator" in path.parts:
            continue
        for message in _of_errors(ast.parse(path.read_text("utf-8"))):
            found.setdefault(message, path.relative_to(ROOT).as_posix())
    return found


def helps() -> dict[str, str]:
    """Message -> the file it is found in; what commands and the options of a run say of themselves."""
    found: dict[str, str] = {}
    for pattern in ("conftest.py", "tools/*.py", "tools/judge/verify.py", *HELP_TEXTS):
        for path in sorted(ROOT.glob(pattern)):
            tree = ast.parse(path.read_text("utf-8"))
            asides = [node.value for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg in ASIDE]
            for part in [tree] if pattern in HELP_TEXTS else asides:
                for message in _texts(part):
                    found.setdefault(message, path.relative_to(ROOT).as_posix())
    return found


def _of_errors(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ERROR.search(ast.unparse(node.func).rpartition(".")[2]):
            for part in [*node.args[:1], *(word.value for word in node.keywords if word.arg in ERROR_PARTS)]:
                yield from _texts(part)


def _texts(tree: ast.AST) -> Iterator[str]:
    """Every text below a node that is a message: at least two words, or a word before a place."""
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.keyword) and node.arg in ASIDE:
            skipped |= {id(one) for one in ast.walk(node)}
            continue
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(value) for value in node.values if isinstance(value, ast.Constant)}
            skipped |= {id(one) for value in node.values if isinstance(value, ast.FormattedValue) and value.format_spec
                        for one in ast.walk(value.format_spec)}  # fmt: skip
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped.add(id(node.value))  # a docstring
        yield from _messages(node)


def _messages(node: ast.AST) -> Iterator[str]:
    """The lines of a text that are messages, each with its places counted from 0."""
    if isinstance(node, ast.JoinedStr):
        message, least = _with_places(node), 1
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        message, least = FORMATTED.sub("{0}", _escaped(node.value)), 2
    else:
        return
    for line in map(_bare, message.split("\n")):
        words = WORD.findall(re.sub(r"\S*[/_=\\<>]\S*", " ", line))
        if len(words) >= least and " " in line:
            yield _counted(line)


def _counted(message: str) -> str:
    numbers = iter(range(len(message)))
    return re.sub(r"(?<!\{)\{\d+\}", lambda place: f"{{{next(numbers)}}}", message)


def _with_places(node: ast.JoinedStr) -> str:
    message, number = "", 0
    for value in node.values:
        if isinstance(value, ast.Constant):
            message += _escaped(str(value.value))
        else:
            message += f"{{{number}}}"
            number += 1
    return message


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _bare(message: str) -> str:
    """Without the marks that join it to what stands around it."""
    found = message.strip(EDGES)
    if found.count("(") > found.count(")"):
        found = found.removeprefix("(").strip(EDGES)
    elif found.count("(") < found.count(")"):
        found = found.removesuffix(")").strip(EDGES)
    return found


def unknown_parts(message: str, known: AbstractSet[str]) -> list[str]:
    """What a catalogue lacks to say a message: nothing, itself, or parts of it, as a text is taken apart (`{0}: `)."""
    bare = _counted(message.partition(": ")[2]) if WHERE.match(message) else message
    parts = [_counted(part) for part in SEPARATOR.split(bare)[::2] if WORD.search(part) and not FACT.fullmatch(part)]
    lacking = [part for part in parts if part not in known]
    spelt = {message, bare, bare[:1].lower() + bare[1:], message[:1].lower() + message[1:]}
    return [] if known & spelt or not lacking else [bare] if len(lacking) == len(parts) else lacking


def stub(message: str, file: str) -> str:
    """An entry of a catalogue that waits for its translation."""
    quoted = message.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'#: {file}\nmsgid "{quoted}"\nmsgstr ""\n'


def pages() -> dict[str, str]:
    """Message -> the template it is found in; a text stands between two tags, `{{ … }}` are its places."""
    return {message: name for name in PAGES for message in _of_page(ROOT / name)}


def _of_page(template: Path) -> Iterator[str]:
    text = re.sub(r"<(style|script|code|pre)\b.*?</\1>", "<>", template.read_text("utf-8"), flags=re.S)
    said = [quoted for place in PLACE.findall(text) for quoted in re.findall(r'"([^"{}]*)"', place)]
    nodes = re.split(r"<[^>]*>|\{%.*?%\}", PLACE.sub("\0", text))
    for line in (line for node in (*nodes, *said) for line in html.unescape(node).splitlines()):
        message = _bare(_numbered(line))
        if len(WORD.findall(message)) >= 2 - ("{" in message) and " " in message and not CHINESE.search(message):
            yield message


def _numbered(line: str) -> str:
    numbers = iter(range(len(line)))
    return re.sub("\0", lambda place: f"{{{next(numbers)}}}", _escaped(line))


def english(line: str) -> bool:
    """Whether three English words follow each other in a line, paths, names and options aside."""
    return re.search(r"(?<![\w/.-])[A-Za-z]{2,}(?: [A-Za-z]{2,}){2}(?![\w/.-])", line) is not None
