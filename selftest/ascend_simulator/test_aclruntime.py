"""The aclruntime stand-in: what the published ais_bench relies on beyond the plain run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from selftest.ascend_simulator.conftest import MakeOm, Simulator

SETUP = """
import importlib.metadata, sys
import aclruntime, numpy as np
options = aclruntime.session_options()
session = aclruntime.InferenceSession(sys.argv[1], 0, options)
array = np.zeros((1, 3, 8, 8), np.float32)
base = aclruntime.BaseTensor(array.__array_interface__["data"][0], array.nbytes)
names = [entry.name for entry in session.get_outputs()]
"""


def python(simulator: Simulator, om: Path, code: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run code after SETUP in a child that sees the stand-in."""
    return subprocess.run(
        [simulator.host.python, "-c", SETUP + code, str(om)],
        env={**simulator.host.env, **env},
        capture_output=True,
        text=True,
    )


def test_version_is_what_the_tool_asks_for(simulator: Simulator, om: MakeOm) -> None:
    done = python(simulator, om(1), 'print("VERSION", importlib.metadata.version("aclruntime"))')
    assert "VERSION 0.0.2" in done.stdout


def test_three_kinds_of_feeds_give_the_same(simulator: Simulator, om: MakeOm, tmp_path: Path) -> None:
    done = python(
        simulator,
        om(1),
        """
tensor = aclruntime.Tensor(array)
tensor.to_device(0)
results = [session.run(names, feeds)[0] for feeds in ([base], [tensor], {"actual_input_1": tensor})]
for result in results:
    result.to_host()
values = [np.array(result).tobytes() for result in results]
print("SAME", len(set(values)), results[0].shape, results[0].dtype)
""",
    )
    assert "SAME 1 [1, 10] 0" in done.stdout, done.stderr


def test_a_tensor_on_the_device_cannot_be_read(simulator: Simulator, om: MakeOm) -> None:
    done = python(simulator, om(1), "np.array(session.run(names, [base])[0])")
    assert "RuntimeError: tensor is in npu. can't convert to numpy array" in done.stderr


@pytest.mark.parametrize(("flavour", "kind"), [("tools", "float"), ("ait", "tuple")])
def test_loop_and_times(simulator: Simulator, om: MakeOm, flavour: str, kind: str) -> None:
    code = """
session.options().loop = 4
session.run(names, [base])
times = session.sumary().exec_time_list
print("TIMES", len(times), type(times[0]).__name__)
session.reset_sumaryinfo()
print("RESET", len(session.sumary().exec_time_list))
"""
    done = python(simulator, om(1), code, ASCEND_SIMULATOR_AIS_BENCH=flavour)
    assert f"TIMES 4 {kind}" in done.stdout
    assert "RESET 0" in done.stdout


@pytest.mark.parametrize("call", ["session.finalize()", "aclruntime.InferenceSession.finalize()"])
def test_the_end_of_both_flavours(simulator: Simulator, om: MakeOm, call: str) -> None:
    done = python(simulator, om(1), f"assert session.get_dym_aipp_input_exist() == 0; session.free_resource(); {call}")
    assert (done.returncode, done.stdout.count("end to reset device is 0")) == (0, 1)


def test_the_question_of_may_and_june_2023_is_answered(simulator: Simulator, om: MakeOm) -> None:
    done = python(simulator, om(1), 'print("AIPP", session.get_dym_aipp_input_exsity())')
    assert "AIPP 0" in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("session.run(names, [aclruntime.BaseTensor(base.buf, 100)])", "in size:100 needsize:768 not match"),
        ("session.run(names, [base, base])", "intensors in:2 need:1 not match"),
        ("session.run(names, {})", "name:actual_input_1 not find"),
        ("session.run(['other'], [base])", "outnames other not valid"),
        ("session.set_dynamic_batchsize(2)", "the dynamic_batch_size parameter is not specified"),
        ("session.set_dynamic_shape('x:1')", "the dymShape parameter set error"),
    ],
)
def test_wrong_calls_fail_as_the_vendors(simulator: Simulator, om: MakeOm, code: str, message: str) -> None:
    done = python(simulator, om(1), code)
    assert message in done.stdout
    assert "RuntimeError: [1][ACL: general failure]" in done.stderr
