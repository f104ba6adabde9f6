"""Whatever fails, the bundle holds what the tool said and wrote, how it ended, and a command line that runs again."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from selftest.child import listening_to_ctrl_c
from selftest.faults.world import Outcome, World
from selftest.test_process import has_ended
from tools.ascend import npu_smi
from tools.ascend.own_files import MOST_FILE_BYTES
from tools.ascend.target import SIMULATOR_BIN, Target, choose_target
from tools.engines import om_engine
from tools.evidence.record_file import read_acceptance
from tools.judge.acceptance import CommandRecord
from tools.judge.bundle import open_files
from tools.judge.layout import MANIFEST
from tools.judge.verify import OK, verify
from tools.pipeline import machine as machine_step

COMPILING = ("-m", "om")
PREDICTING = ("-m", "accuracy and npu and not om")
STUB = """\
#!{python}
import json, os, signal, sys, time
from pathlib import Path
def real():
    os.execv({real!r}, sys.argv)
"""
LOG = 'log = Path(os.environ.get("ASCEND_PROCESS_LOG_PATH", "log"), "debug", "plog"); log.mkdir(parents=True)\n'
FAILING_ATC = f"""{LOG}\
(log / "plog-17_2026.log").write_text("[ERROR] TBE(17,atc): no kernel for /home/ann/net\\n" + "x" * {MOST_FILE_BYTES})
Path("fusion_result.json").write_text("[]")
Path("kernel_meta").mkdir()
Path("kernel_meta", "conv.json").write_text("{{}}")
Path("kernel_meta", "conv.o").write_bytes(b"\\0ELF")
print("E40021: Failed to compile Op [conv1]")
print("half a word", file=sys.stderr)
sys.exit(255)
"""


def instead_of(name: str, body: str, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the run find this Python program first; `real()` in it goes on as the simulator's."""
    folder = world.folder / "bin"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(STUB.format(python=sys.executable, real=str(SIMULATOR_BIN / name)) + body)
    (folder / name).chmod(0o755)

    def choose(*words: object, **named: object) -> Target:
        target = choose_target("simulator", str(words[1]), os.environ, Path("/"))
        env = {**target.env, "PATH": f"{folder}{os.pathsep}{target.env['PATH']}"}
        return dataclasses.replace(target, env=env)

    monkeypatch.setattr(machine_step, "choose_target", choose)


def command(world: World, folder: str) -> CommandRecord:
    """The record of a command, whose files are all in the manifest."""
    evidence = world.folder / "evidence"
    found = {entry.folder: entry for entry in read_acceptance(evidence).commands}[folder]
    listed = (evidence / MANIFEST).read_text()
    for path in (evidence / folder).iterdir():
        assert f"  {folder}/{path.name}\n" in listed
    open_files(evidence)
    return found


def text(world: World, name: str) -> str:
    """A file of the bundle."""
    return (world.folder / "evidence" / name).read_text(encoding="utf-8")


def run_again(outcome: Outcome) -> subprocess.CompletedProcess[str]:
    """Run the command line that was printed, in a shell, as it was printed; and see that its streams are there."""
    found = re.search(r"[Rr]eproduce with: (cd .*?); both streams: (/\S+)", outcome.text)
    assert found, outcome.text
    assert Path(found[2], "stdout.txt").is_file(), found[2]
    assert "evidence/logs/" in found[2]
    return subprocess.run(["bash", "-c", found[1]], capture_output=True, text=True, timeout=100, check=False)


def test_a_failing_atc_leaves_its_streams_its_own_files_and_a_command_that_runs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    instead_of("atc", FAILING_ATC, world, monkeypatch)
    world.forget("om")
    world.only_batches(4)
    outcome = world.run(*COMPILING)
    found = command(world, "logs/atc-bs4")
    assert (found.returncode, found.ended_by) == (255, "")
    assert text(world, "logs/atc-bs4/stdout.txt") == "E40021: Failed to compile Op [conv1]\n"
    assert text(world, "logs/atc-bs4/stderr.txt") == "half a word\n"
    listed = text(world, "logs/atc-bs4/own-files.txt").splitlines()
    assert [line.partition(": ")[2] for line in listed] == [
        "ascend-log/debug/plog/plog-17_2026.log",
        "fusion_result.json",
        "kernel_meta/conv.json",
    ]
    assert " bytes the beginning and the end" in listed[0]
    log = text(world, f"logs/atc-bs4/{listed[0].partition(',')[0]}")
    assert log.startswith("[ERROR] TBE(17,atc): no kernel for <home>/net\n")
    assert "bytes left out" in log
    assert len(log) < MOST_FILE_BYTES + 100
    done = run_again(outcome)
    assert (done.returncode, done.stdout) == (255, "E40021: Failed to compile Op [conv1]\n")


def test_an_atc_that_cannot_describe_an_om(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    instead_of("atc", 'print("E10001: mode")\nsys.exit(3)', world, monkeypatch)
    world.forget("om-described")
    world.only_batches(4)
    outcome = world.run(*COMPILING)
    assert command(world, "logs/describe-bs4").returncode == 3
    assert text(world, "logs/describe-bs4/stdout.txt") == "E10001: mode\n"
    done = run_again(outcome)
    assert (done.returncode, done.stdout) == (3, "E10001: mode\n")


def test_one_of_two_devices_fails_and_both_have_their_logs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    body = 'if "-device_id=1" in sys.argv:\n    print("device 1 is lost")\n    sys.exit(7)\nreal()\n'
    for machine in ("x86_64", "aarch64"):
        instead_of(f"benchmark.{machine}", body, world, monkeypatch)
    world.forget("predictions-om")
    world.only_batches(4)
    outcome = world.run(*PREDICTING, "--infer-tool=benchmark", "--device=0,1")
    assert "om.ran[bs4]" in outcome.failed or outcome.exit_code
    assert [command(world, f"logs/predict-bs4/run-1-device{device}").returncode for device in (0, 1)] == [0, 7]
    assert "perf_vision_batchsize_4" in text(world, "logs/predict-bs4/run-1-device0/own-files.txt")
    assert text(world, "logs/predict-bs4/run-1-device1/stdout.txt") == "device 1 is lost\n"
    done = run_again(outcome)
    assert (done.returncode, done.stdout) == (7, "device 1 is lost\n")


@pytest.mark.nightly
@pytest.mark.parametrize(("tool", "own"), [("benchmark", "perf_vision_batchsize_4_device_"), ("ais_bench", "summary")])
def test_both_devices_fail_after_their_results(
    tool: str, own: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASCEND_SIMULATOR_FAULT", "infer:exit-1-after-result")
    world.forget("predictions-om")
    world.only_batches(4)
    outcome = world.run(*PREDICTING, f"--infer-tool={tool}", "--device=0,1")
    for device in (0, 1):
        folder = f"logs/predict-bs4/run-1-device{device}"
        assert command(world, folder).returncode == 1
        assert own in text(world, f"{folder}/own-files.txt")
    done = run_again(outcome)
    assert done.returncode == 1, done.stderr
    said = text(world, "logs/predict-bs4/run-1-device0/stdout.txt")
    assert len(done.stdout.splitlines()) == len(said.splitlines())


@pytest.mark.parametrize("tool", ["benchmark", pytest.param("ais_bench", marks=pytest.mark.nightly)])
def test_a_run_that_ended_well_is_kept_so_too(tool: str, world: World) -> None:
    world.forget("predictions-om", "throughput-om")
    world.only_batches(4)
    outcome = world.run(f"--infer-tool={tool}")
    assert outcome.exit_code == 0, outcome.text
    folders = [entry.folder for entry in outcome.acceptance.commands if "/pure-" in entry.folder]
    assert folders
    for folder in (*folders, "logs/predict-bs4/run-1-device0"):
        assert {"benchmark": "erf_", "ais_bench": "summary"}[tool] in text(world, f"{folder}/own-files.txt")
        assert text(world, f"{folder}/again.txt").startswith('cd "$(mktemp -d)" && ')
    judged = verify([("one", partial(open_files, world.folder / "evidence"))], None)
    assert judged.status == OK, judged.text


NPU_SMI = {
    "failing": ('print("dcmi module initialize failed. ret is -8005"); sys.exit(255)', 255, ""),
    "garbage": ('sys.stdout.buffer.write(b"\\x1b[2J\\xff\\xfe no table"); sys.exit(0)', 0, ""),
    "hanging": ('print("begun", flush=True); time.sleep(600)', -15, "the time limit of 1 s"),
}


@pytest.mark.parametrize("name", NPU_SMI)
def test_an_npu_smi_that_says_nothing_of_use(name: str, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    body, returncode, ended_by = NPU_SMI[name]
    monkeypatch.setattr(npu_smi.query, "__kwdefaults__", {"timeout_seconds": 1.0})
    instead_of("npu-smi", body, world, monkeypatch)
    world.only_batches(4)
    outcome = world.run(*COMPILING)
    assert "om.device" in outcome.failed
    assert "\x1b[2J" not in outcome.text
    found = command(world, "logs/npu-smi")
    assert (found.argv, found.returncode, found.ended_by) == (("npu-smi", "info"), returncode, ended_by)
    assert (world.folder / "evidence" / "logs" / "npu-smi" / "stdout.txt").stat().st_size > 0


def test_a_tool_that_was_ended_at_its_time_limit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASCEND_SIMULATOR_FAULT", "infer:hang")
    monkeypatch.setattr(om_engine, "TOOL_TIMEOUT_SECONDS", 3.0)
    world.forget("predictions-om")
    world.only_batches(4)
    outcome = world.run(*PREDICTING)
    assert "did not end within 3 s" in outcome.text
    found = command(world, "logs/predict-bs4/run-1-device0")
    assert (found.returncode, found.ended_by) == (-15, "the time limit of 3 s")
    assert text(world, "logs/predict-bs4/run-1-device0/stdout.txt")


def test_ctrl_c_while_atc_runs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pid = world.folder / "pid"
    body = f'Path({str(pid)!r}).write_text(str(os.getpid()))\nprint("begun", flush=True)\n'
    instead_of("atc", f"{body}os.kill(os.getppid(), signal.SIGINT)\ntime.sleep(600)\n", world, monkeypatch)
    world.forget("om")
    world.only_batches(4)
    with listening_to_ctrl_c(), pytest.raises(KeyboardInterrupt):
        world.run(*COMPILING)
    found = command(world, "logs/atc-bs4")
    assert (found.returncode, found.ended_by) == (-15, "interrupted")
    assert text(world, "logs/atc-bs4/stdout.txt") == "begun\n"
    assert read_acceptance(world.folder / "evidence").interrupted
    assert has_ended(int(pid.read_text()))


def test_ctrl_c_while_a_tool_runs_on_each_of_two_devices(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pids = world.folder / "pids"
    pids.mkdir()
    body = (
        f"Path({str(pids)!r}, str(os.getpid())).touch()\nprint('begun', flush=True)\n"
        f"while len(list(Path({str(pids)!r}).iterdir())) < 2:\n    time.sleep(0.01)\n"
        "if any(word == '-device_id=0' for word in sys.argv):\n    os.kill(os.getppid(), signal.SIGINT)\n"
        "time.sleep(600)\n"
    )
    instead_of("benchmark.x86_64", body, world, monkeypatch)
    instead_of("benchmark.aarch64", body, world, monkeypatch)
    world.forget("predictions-om")
    world.only_batches(4)
    with listening_to_ctrl_c(), pytest.raises(KeyboardInterrupt):
        world.run(*PREDICTING, "--infer-tool=benchmark", "--device=0,1")
    for device in (0, 1):
        found = command(world, f"logs/predict-bs4/run-1-device{device}")
        assert (found.returncode, found.ended_by) == (-15, "interrupted")
        assert text(world, f"{found.folder}/stdout.txt") == "begun\n"
    assert read_acceptance(world.folder / "evidence").interrupted
    assert all(has_ended(int(path.name)) for path in pids.iterdir())
