"""The same refusal of atc is read to the same answer, whichever CANN release writes it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from selftest.ascend_simulator import graphs
from selftest.contracts import tiny_model
from tools.ascend.atc import AtcDiagnostic, AtcRequest, atc_errors, compile_om
from tools.ascend.runs import Place
from tools.ascend.target import Target, choose_target
from tools.base.errors import OmError

OLD, NEW = "8.1", "9.1"


@dataclass(frozen=True)
class Refused:
    """What the suite said of a conversion, and what it read of atc's console."""

    message: str
    console: str
    first: AtcDiagnostic
    last: AtcDiagnostic


def simulated(release: str, **variables: str) -> Target:
    """The simulator that speaks as a release."""
    env = {**os.environ, "ASCEND_SIMULATOR_CANN": release, **variables}
    return choose_target("simulator", "benchmark", env, Path("/"))


def refused(folder: Path, model: Path, release: str, changes: dict[str, object], **variables: str) -> Refused:
    """A conversion that fails, through the door that the suite's own runs take."""
    folder = folder / release
    good: dict[str, Any] = {"input_name": tiny_model.INPUT, "image_shape": (3, 8, 8), "batch": 2, "soc": "Ascend310"}
    request = AtcRequest(**{"onnx": model, "om": folder / "x.om", **good, **changes})
    place = Place(simulated(release, **variables).env, folder / "work", folder / "logs", 60)
    with pytest.raises(OmError) as caught:
        compile_om(request, env=place.env, work=place.work, logs=place.logs)
    console = (place.logs / "stdout.txt").read_text()
    found = [entry for entry in atc_errors(console) if entry.code[0] == "E"]
    return Refused(str(caught.value), console, found[0], found[-1])


def models(folder: Path) -> dict[str, Path]:
    """A good one, and one for each way not to be one."""
    made = {
        "good": tiny_model.save(folder / "good.onnx"),
        "operator": tiny_model.save(folder / "operator.onnx", op="NoSuchOperator"),
        "opset": tiny_model.save(folder / "opset.onnx", opset=19),
        "fixed": tiny_model.save(folder / "fixed.onnx", batch=1),
        "cut": folder / "cut.onnx",
    }
    made["cut"].write_bytes(made["good"].read_bytes()[:-100])
    return made


CASES: dict[str, tuple[str, dict[str, object], str, str, str]] = {
    "an unknown operator": ("operator", {}, "E19010", "E13010", "NoSuchOperator"),
    "an opset too new": ("opset", {}, "E19010", "E13010", "ai.onnx::19::"),
    "a wrong shape": ("fixed", {}, "E19025", "E13025", "asked for (2, 3, 8, 8)"),
    "a shape of another rank": ("good", {"image_shape": (8,)}, "E19025", "E13025", "asked for (2, 8)"),
    "an unknown input": ("good", {"input_name": "other"}, "E10016", "E10016", "other"),
    "an unknown chip": ("good", {"soc": "Ascend999"}, "E10001", "E10001", "Ascend999"),
    "a file that is cut": ("cut", {}, "E19005", "E13005", "parse failed"),
    "a bad log level": ("good", {"log": "loud"}, "E10010", "E10010", "loud"),
    "a flag's value": ("good", {"extra_args": ("--precision_mode=fp7",)}, "E10001", "E10001", "fp7"),
    "with a way out": (
        "good",
        {"extra_args": ("--dynamic_batch_size=1,2",)},
        "E10031",
        "E10031",
        "No dimension",
    ),
    "an inner error": ("good", {"extra_args": ("--sparsity=1",)}, "E19999", "E19999", "does not simulate --sparsity=1"),
}


def _plain(text: str | None) -> str | None:
    """A text without what the two forms write apart: brackets and the wording of two of them."""
    if text is None:
        return None
    text = text.replace("[", "").replace("]", "")
    text = re.sub(
        r"No parser is registered for Op (.*), optype (.*)\.", r"No operator plugin … Op: \1, optype: \2.", text
    )
    return text.replace("No operator plugin is registered for", "No operator plugin …").replace("Opname", "Op name")


@pytest.mark.parametrize("case", list(CASES))
def test_both_forms_of_a_refusal_are_read_to_the_same_answer(tmp_path: Path, case: str) -> None:
    model, changes, old_code, new_code, named = CASES[case]
    path = models(tmp_path)[model]
    old, new = (refused(tmp_path, path, release, changes) for release in (OLD, NEW))
    assert (old.first.code, new.last.code) == (old_code, new_code)
    assert _plain(old.first.text) == _plain(new.last.text)
    assert (_plain(old.first.cause), _plain(old.first.solution)) == (_plain(new.last.cause), _plain(new.last.solution))
    for said, code in ((old, old_code), (new, new_code)):
        assert f"{code}: " in said.message
        assert named in said.message
        assert "exit code 255" in said.message
    assert (new.last.solution is not None) == (case == "with a way out")
    if new.last.solution is not None:
        assert f"solution: {new.last.solution}" in new.message


def test_what_cann_8_5_and_later_write(tmp_path: Path) -> None:
    said = refused(tmp_path, models(tmp_path)["operator"], NEW, {}).console
    stamp = r"\[PID: \d+\] \d{4}-\d\d-\d\d-\d\d:\d\d:\d\d\.\d{3}\.\d{3}"
    text = r"No operator plugin is registered for Op: \w+, optype: ai\.onnx::11::NoSuchOperator\."
    assert re.search(rf"^{stamp} \w+\(E13010\): {text}$", said, re.MULTILINE)
    assert re.search(r"^TraceBack \(most recent call last\):$", said, re.MULTILINE)
    assert "[--" not in said


def test_its_log_is_kept_wherever_the_environment_would_have_it(tmp_path: Path) -> None:
    elsewhere = tmp_path / "plogs"
    refused(tmp_path, models(tmp_path)["operator"], NEW, {}, ASCEND_PROCESS_LOG_PATH=str(elsewhere))
    (log,) = (tmp_path / NEW / "logs").glob("own-*plog-*.log")
    assert not elsewhere.exists()
    assert log.read_text().startswith("[ERROR] GE(")
    assert "(E13010): " in log.read_text()


@pytest.mark.parametrize(("release", "status"), [(OLD, 1), (NEW, 255)])
def test_the_exit_status_of_a_flag_that_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, release: str, status: int
) -> None:
    monkeypatch.setenv("ASCEND_SIMULATOR_CANN", release)
    assert graphs.compile_model(tmp_path / "x.onnx", capsys, no_such_flag="1").status == status


@pytest.mark.parametrize("opset", [8, 18])
def test_every_opset_up_to_18_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, opset: int
) -> None:
    monkeypatch.setenv("ASCEND_SIMULATOR_CANN", NEW)
    monkeypatch.chdir(tmp_path)
    nodes: list[graphs.Node] = [("Relu", ["x"], ["y"], {})]
    model = graphs.save(tmp_path / "relu.onnx", nodes, inputs={"x": (1, 4)}, outputs=["y"], opset=opset)
    assert graphs.compile_model(model, capsys).status == 0


def test_a_release_that_does_not_exist_ends_atc(tmp_path: Path) -> None:
    request = AtcRequest(models(tmp_path)["good"], tmp_path / "x.om", tiny_model.INPUT, (3, 8, 8), 1, "Ascend310")
    env = simulated("8.3").env
    with pytest.raises(OmError, match="exit code 97"):
        compile_om(request, env=env, work=tmp_path / "work", logs=tmp_path / "logs")
