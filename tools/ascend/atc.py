"""Compile an ONNX file into an OM for one batch size and chip with `atc`, and read what atc says when it cannot."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.ascend.runs import (
    Place,
    ending,
    note_files,
    private_folder,
    reproduce,
    require_file,
    require_plain,
    run_kept,
    tail,
)
from tools.base.errors import OmError
from tools.base.files import atomic, owner_writes_only
from tools.base.process import Completed
from tools.judge.ids import OM_COMPILED
from tools.judge.soc import normalise_soc
from tools.judge.tool_texts import ATC_FAILURE, ATC_SUCCESS

ONNX_FRAMEWORK = 5
OWN_FLAGS = frozenset({"model", "framework", "output", "input_format", "input_shape", "log", "soc_version"})

_STAMP = r"(?:\[PID:\s*\d+\]\s*)?(?:\d{4}-\d\d-\d\d-[\d:.]+\s+)?"
_CODE = re.compile(
    rf"^\s*(?:\[ERROR\]\s*)?{_STAMP}(?:\w{{1,80}}\()?(?P<code>[EW][A-Z]?[0-9][0-9A-Z]{{3,4}})\)?:\s*{_STAMP}(?P<text>.*)$"
)
_CAUSE = re.compile(r"^\s*Possible Cause:\s*(.*)$")
_SOLUTION = re.compile(r"^\s*Solution:\s*(.*)$")
_SECTION = re.compile(r"^\s*(?:Possible Cause|Solution|TraceBack[^:]*):")


@dataclass(frozen=True)
class AtcRequest:
    """One OM to be made: `om` is its final path (ending in .om), `image_shape` the input without the batch axis."""

    onnx: Path
    om: Path
    input_name: str
    image_shape: tuple[int, ...]
    batch: int
    soc: str
    extra_args: tuple[str, ...] = ()
    log: str = "error"

    @property
    def gate(self) -> str:
        """The gate that turns red when the OM cannot be made."""
        return OM_COMPILED.at(self.batch)


@dataclass(frozen=True)
class CompiledOm:
    """An OM under its final name, and the command that made it."""

    path: Path
    batch: int
    soc: str
    argv: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class AtcDiagnostic:
    """One coded message: E… and its families are errors, W… warnings (which may follow a success line)."""

    code: str
    text: str
    cause: str | None
    solution: str | None = None

    def __str__(self) -> str:
        told = [("possible cause", self.cause), ("solution", self.solution)]
        words = "; ".join(f"{name}: {said}" for name, said in told if said)
        return f"{self.code}: {self.text}" + (f" ({words})" if words else "")


def named_files(extra_args: tuple[str, ...]) -> dict[str, Path]:
    """The files that words such as `--insert_op_conf=/path` name, by the flag's name: the OM depends on them."""
    named = ((name.lstrip("-"), Path(value)) for name, _, value in (word.partition("=") for word in extra_args))
    return {name: path for name, path in named if path.is_absolute() and path.is_file()}


def argv(request: AtcRequest) -> list[str]:
    """The guide's command, which writes into the folder it is run in (atc appends the suffix to `--output`).

    `--input_shape` is one word without quotes, because no shell is there to take them away.
    """
    shape = ",".join(str(size) for size in (request.batch, *request.image_shape))
    return [
        "atc",
        f"--model={request.onnx.absolute()}",
        f"--framework={ONNX_FRAMEWORK}",
        f"--output={request.om.stem}",
        "--input_format=NCHW",
        f"--input_shape={request.input_name}:{shape}",
        f"--log={request.log}",
        f"--soc_version={normalise_soc(request.soc)}",
        *request.extra_args,
    ]


def compile_om(
    request: AtcRequest, *, env: Mapping[str, str], work: Path, logs: Path, timeout_seconds: float = 3600
) -> CompiledOm:
    """Make the OM in the private folder `work` and move it to its final name when everything speaks for it.

    That is: exit code 0, the success line, and a file that is not empty, in a folder that was empty before. The
    final name is removed first, so that no stale OM survives a failure. atc's droppings (kernel_meta,
    fusion_result.json) stay in `work`. Nobody but its owner may write the OM: ais_bench would refuse it. OmError holds
    atc's codes and causes, its last lines and the command.
    """
    _check(request)
    request.om.unlink(missing_ok=True)
    work = private_folder(work, request.gate)
    command, place = argv(request), Place(env, work, logs, timeout_seconds)
    try:
        done = run_kept(command, place)
    except OSError as error:
        raise _failure(request, f"`atc` cannot be run: {error.strerror}", command, place, None) from error
    problem = _problem(done, timeout_seconds)
    built = _built(work, request.om.stem)
    if problem is None and built is None:
        problem = "printed its success line but left no OM, or an empty one"
    if problem is not None or built is None:
        raise _failure(request, f"`atc` {problem}", command, place, done)
    with atomic(request.om) as partial:
        shutil.move(built, partial)
        owner_writes_only(partial)
    note_files(logs, onnx=request.onnx, om=request.om, **named_files(request.extra_args))
    return CompiledOm(
        request.om, batch=request.batch, soc=normalise_soc(request.soc), argv=tuple(command), seconds=done.seconds
    )


def atc_errors(text: str) -> tuple[AtcDiagnostic, ...]:
    """All coded messages in atc's output, in order, each once; shapes of CANN 5 to 9 (PID, time stamps, titles)."""
    found: dict[AtcDiagnostic, None] = {}
    lines = re.split(r"[\r\n]+", text)
    for index, line in enumerate(lines):
        if match := _CODE.match(line[:4000]):
            block = lines[index + 1 : index + 41]
            cause, solution = _section(block, _CAUSE), _section(block, _SOLUTION)
            found[AtcDiagnostic(match["code"], match["text"].strip(), cause, solution)] = None
    return tuple(found)


def _section(lines: list[str], title: re.Pattern[str]) -> str | None:
    """The section of that title among the indented lines that follow a message, with its own further lines."""
    words: list[str] = []
    for line in lines:
        if not line[:1].isspace() or _CODE.match(line[:4000]):
            break
        if match := title.match(line):
            words = [match[1].strip()]
        elif words and _SECTION.match(line):
            break
        elif words:
            words.append(line.strip())
    return " ".join(words) or None


def _check(request: AtcRequest) -> None:
    gate = request.gate
    require_file(request.onnx, gate, "the ONNX file")
    require_plain(request.om, gate, "the OM")
    if request.om.suffix != ".om":
        raise OmError("the final path of an OM must end in .om", gate=gate, where=request.om)
    if request.batch < 1:
        raise OmError("the batch size must be at least 1", gate=gate, measured=request.batch, allowed=">= 1")
    for word in request.extra_args:
        if not word.startswith("--") or any(character.isspace() for character in word):
            raise OmError("an extra atc argument must be one word --flag=value", gate=gate, measured=repr(word))
        if word[2:].partition("=")[0] in OWN_FLAGS:
            raise OmError("an extra atc argument may not replace one that the suite sets", gate=gate, measured=word)


def _problem(done: Completed, timeout_seconds: float) -> str | None:
    """What speaks against the run itself, None when exit code and console both say success."""
    text = done.stdout + done.stderr
    if ended := ending(done, timeout_seconds):
        return ended
    if ATC_FAILURE in text:
        return f"printed `{ATC_FAILURE}`"
    return None if ATC_SUCCESS in text else f"never printed `{ATC_SUCCESS}` although its exit code is 0"


def _built(work: Path, stem: str) -> Path | None:
    """The OM that atc left: `<stem>.om`, for some models `<stem>_linux_<arch>.om`; None unless exactly one is whole."""
    found = [path for path in (work / f"{stem}.om", *sorted(work.glob(f"{stem}_linux_*.om"))) if path.is_file()]
    return found[0] if len(found) == 1 and found[0].stat().st_size > 0 else None


def _failure(request: AtcRequest, what: str, command: list[str], place: Place, done: Completed | None) -> OmError:
    said = ""
    if done is not None:
        diagnostics = [str(entry) for entry in atc_errors(done.stdout + "\n" + done.stderr) if entry.code[0] == "E"]
        said = f"; {' / '.join(diagnostics)}" if diagnostics else ""
        said += f"; output ends: {tail(done)}"
    return OmError(
        f"no OM for batch {request.batch} on {normalise_soc(request.soc)}: {what}{said}",
        gate=request.gate,
        where=request.onnx,
        fix=reproduce(command, place),
    )
