"""An OM gets its final name only when exit code, success line and a whole new file agree; else the error says why."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.ascend.ais_bench import path_policy_problems
from tools.ascend.atc import AtcRequest, CompiledOm, argv, atc_errors, compile_om
from tools.base.errors import OmError

from .stubs import executable

TRANSCRIPTS = Path(__file__).parent / "transcripts"
START = 'print("ATC start working now, please wait for a moment.")\n'
WRITE = 'Path(args["output"] + ".om").write_text(f"OM {os.getpid()}")\nPath("fusion_result.json").write_text("{}")\n'
SUCCESS = 'print("ATC run success, welcome to the next use.")\n'
GOOD = START + WRITE + SUCCESS


def _request(folder: Path) -> AtcRequest:
    onnx = folder / "alexnet.onnx"
    onnx.write_bytes(b"onnx")
    return AtcRequest(onnx, folder / "om" / "alexnet_bs4.om", "actual_input_1", (3, 224, 224), batch=4, soc="310")


def _compile(folder: Path, body: str, *, request: AtcRequest | None = None, timeout: float = 60) -> CompiledOm:
    env = executable(folder / "bin", "atc", body)
    return compile_om(
        request or _request(folder), env=env, work=folder / "work", logs=folder / "logs", timeout_seconds=timeout
    )


def _refused(folder: Path, body: str, *, request: AtcRequest | None = None, timeout: float = 60) -> str:
    with pytest.raises(OmError) as caught:
        _compile(folder, body, request=request, timeout=timeout)
    assert caught.value.gate == "om.compiled[bs4]"
    return str(caught.value)


def test_the_command_is_the_guides(tmp_path: Path) -> None:
    request = replace(_request(tmp_path), extra_args=("--buffer_optimize=off_optimize",))
    assert argv(request) == [
        "atc",
        f"--model={tmp_path}/alexnet.onnx",
        "--framework=5",
        "--output=alexnet_bs4",
        "--input_format=NCHW",
        "--input_shape=actual_input_1:4,3,224,224",
        "--log=error",
        "--soc_version=Ascend310",
        "--buffer_optimize=off_optimize",
    ]


def test_nobody_else_may_write_an_om_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o002)
    try:
        made = _compile(tmp_path, GOOD)
    finally:
        os.umask(before)
    assert path_policy_problems(made.path) == ()


def test_a_good_run_leaves_the_om_and_no_droppings(tmp_path: Path) -> None:
    made = _compile(tmp_path, GOOD)
    assert made.path.read_text().startswith("OM ")
    assert (made.batch, made.soc) == (4, "Ascend310")
    assert [path.name for path in made.path.parent.iterdir()] == ["alexnet_bs4.om"]
    assert (tmp_path / "work" / "fusion_result.json").exists()
    assert "--framework=5" in (tmp_path / "logs" / "command.txt").read_text()


def test_a_name_with_the_architecture_is_accepted(tmp_path: Path) -> None:
    made = _compile(tmp_path, GOOD.replace('".om"', '"_linux_x86_64.om"'))
    assert made.path.name == "alexnet_bs4.om"


def test_warnings_after_the_success_line_are_no_failure(tmp_path: Path) -> None:
    assert _compile(tmp_path, GOOD + 'print("W11001: Op [x] does not hit the high-priority operator")\n').path.exists()


FAULTS = {
    "exit code": (GOOD + "sys.exit(255)\n", "exit code 255"),
    "no success line": (START + WRITE, "never printed `ATC run success`"),
    "failure line with exit code 0": (START + WRITE + SUCCESS + 'print("ATC run failed, Please")\n', "ATC run failed"),
    "no file": (START + SUCCESS, "left no OM, or an empty one"),
    "empty file": (START + 'Path(args["output"] + ".om").touch()\n' + SUCCESS, "left no OM, or an empty one"),
    "two files": (GOOD + 'Path(args["output"] + "_linux_x86_64.om").write_text("x")\n', "left no OM"),
    "file of another name": (GOOD.replace('".om"', '".om.om"'), "left no OM"),
    "killed": ("os.kill(os.getpid(), signal.SIGKILL)\n", "most likely out of memory"),
    "killed below a shell": ("sys.exit(137)\n", "most likely out of memory"),
    "crashed": ("os.kill(os.getpid(), signal.SIGABRT)\n", "ended by signal 6"),
    "no driver library": (
        'print("atc.bin: error while loading shared libraries: libascend_hal.so: cannot open shared object file",'
        " file=sys.stderr)\nsys.exit(127)\n",
        "devlib",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_named_and_leaves_no_om(tmp_path: Path, fault: str) -> None:
    body, named = FAULTS[fault]
    request = _request(tmp_path)
    request.om.parent.mkdir()
    request.om.write_text("a stale OM of an earlier run")
    message = _refused(tmp_path, body, request=request)
    assert named in message
    assert "eproduce with: cd " in message
    assert list(request.om.parent.iterdir()) == []


def test_a_hang_is_ended_and_named(tmp_path: Path) -> None:
    assert "(hang)" in _refused(tmp_path, START + "time.sleep(600)\n", timeout=1)


def test_the_tools_code_cause_and_last_lines_are_in_the_message(tmp_path: Path) -> None:
    text = TRANSCRIPTS / "atc_ez3003.txt"
    message = _refused(tmp_path, f"print(Path({str(text)!r}).read_text())\nsys.exit(255)\n")
    assert "EZ3003: No supported Ops kernel" in message
    assert "possible cause: The operator is not supported by the system. Therefore, no hit is found in any" in message
    assert "ge_generator.cc" in message


def test_a_toolkit_that_is_not_sourced_is_told_with_the_way_out(tmp_path: Path) -> None:
    text = TRANSCRIPTS / "atc_nolib.txt"
    message = _refused(tmp_path, f"print(Path({str(text)!r}).read_text(), file=sys.stderr)\nsys.exit(127)\n")
    assert "`atc` cannot load libge_compiler.so: source the toolkit's set_env.sh in this shell" in message


def test_atc_absent_is_named(tmp_path: Path) -> None:
    with pytest.raises(OmError, match="`atc` cannot be run: No such file"):
        compile_om(_request(tmp_path), env={"PATH": str(tmp_path)}, work=tmp_path / "work", logs=tmp_path / "logs")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"onnx": Path("absent.onnx")}, "missing or empty"),
        ({"om": Path("with space/a.om")}, "white space in its path"),
        ({"onnx": Path("with space.onnx")}, "white space in its path"),
        ({"om": Path("a.onnx")}, "must end in .om"),
        ({"extra_args": ("--soc_version=Ascend310P3",)}, "may not replace"),
        ({"extra_args": ("--output_type FP16",)}, "one word"),
        ({"extra_args": ("FP16",)}, "one word"),
    ],
)
def test_a_bad_request_is_refused_before_atc_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, object], named: str
) -> None:
    monkeypatch.chdir(tmp_path)
    request = replace(_request(tmp_path), **change)  # type: ignore[arg-type]
    assert named in _refused(tmp_path, GOOD, request=request)
    assert not (tmp_path / "logs").exists()


def test_a_batch_of_zero_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OmError, match="at least 1"):
        compile_om(replace(_request(tmp_path), batch=0), env={}, work=tmp_path / "work", logs=tmp_path / "logs")


def test_a_used_working_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "alexnet_bs4.om").write_text("stale")
    assert "files of an earlier run" in _refused(tmp_path, GOOD)


@pytest.mark.parametrize(
    ("line", "code", "text"),
    [
        ("E10054: The requied parameter [--model] is empty.", "E10054", "The requied parameter [--model] is empty."),
        (
            "E10007: [PID: 1] 2025-03-18-09:02:18.501.341 [--framework] is required.",
            "E10007",
            "[--framework] is required.",
        ),
        ("[PID: 7] 2025-03-18-09:02:18.501.341 Init_Failed(EL0004): no memory", "EL0004", "no memory"),
        ("EZ9999: Inner Error!\r", "EZ9999", "Inner Error!"),
        ("  E40000: Failed to import te.platform.log_util.", "E40000", "Failed to import te.platform.log_util."),
        ("W11001: Op [a] does not hit", "W11001", "Op [a] does not hit"),
    ],
)
def test_every_error_shape(line: str, code: str, text: str) -> None:
    (found,) = atc_errors(f"ATC start working now\n{line}\n")
    assert (found.code, found.text, found.cause) == (code, text, None)


def test_a_message_without_a_cause_and_its_trace_are_one_message() -> None:
    (found,) = atc_errors((TRANSCRIPTS / "atc_ec0010.txt").read_text())
    assert found.code == "EC0010"
    assert found.text.startswith("Failed to import Python module [ModuleNotFoundError")
    assert found.cause is None


@pytest.mark.parametrize("line", ["ERROR: x", "E1: x", "EDITED12345: x", "see E10001 above", "Exit0000: x"])
def test_other_lines_are_no_messages(line: str) -> None:
    assert atc_errors(line) == ()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["E10001: a", "\n", "\r", "  Possible Cause: ", "  b", "[PID: 1] ", "(", ":"])).map(
        "".join
    )
)
def test_any_text_can_be_searched(text: str) -> None:
    assert all(entry.code == "E10001" for entry in atc_errors(text))


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (
            "e10001",
            "E10001",
            "Value [Ascend910] for parameter [--soc_version] is invalid. Reason: it is not in the list.",
        ),
        ("e16005", "E16005", "The model has [2] [--domain_version] fields, but only one is allowed."),
        (
            "ec0010_prefixed",
            "EC0010",
            "Failed to import Python module [ModuleNotFoundError: No module named 'decorator'.].",
        ),
    ],
)
def test_blocks_of_todays_releases(text: str, code: str, words: str) -> None:
    (found,) = atc_errors((TRANSCRIPTS / f"atc_{text}.txt").read_text(encoding="utf-8"))
    assert (found.code, found.text) == (code, words)


def test_the_form_of_cann_8_5_and_later() -> None:
    stamp = "[PID: 71] 2026-03-01-10:11:12.345.678"
    text = f"{stamp} Operator_Not_Registered(E13010): No operator plugin is registered for Op: s, optype: x.\n"
    inner = f"E19999: Internal Error!\n{stamp} Inner_Error(E19999):  it broke\nTraceBack (most recent call last):\n"
    assert [str(found) for found in atc_errors(text + inner)] == [
        "E13010: No operator plugin is registered for Op: s, optype: x.",
        "E19999: Internal Error!",
        "E19999: it broke",
    ]
