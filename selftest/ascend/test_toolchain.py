"""What an OM depends on is told by the programs themselves: none can be exchanged unnoticed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tools.ascend.atc import named_files
from tools.ascend.target import Target, TargetKind
from tools.ascend.toolchain import toolchain
from tools.base.errors import OmError
from tools.judge.texts.reading import InferTool


class Host:
    """A host with CANN's programs, two Python packages, and versions where they are stated."""

    def __init__(self, folder: Path) -> None:
        self.root, self.bin, self.site = folder / "root", folder / "bin", folder / "site"
        for name in ("atc", "atc.bin", "npu-smi", "benchmark.x86_64"):
            self.write(self.bin / name, f"#!/bin/sh\n# {name}\n")
        self.write(self.site / "ais_bench" / "__main__.py", "print('1')")
        self.write(self.site / "ais_bench" / "infer" / "interface.py", "loops = 1")
        self.write(self.site / "aclruntime.py", "version = 1")
        home = self.root / "usr/local/Ascend/ascend-toolkit/latest/x86_64-linux"
        self.write(home / "ascend_toolkit_install.info", "version=8.0.RC1\n")

    def write(self, path: Path, text: str) -> None:
        """Write a program or another file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def known(self, tool: InferTool, run: str = "run-1") -> dict[str, str]:
        """The toolchain of a run."""
        env = {"PATH": f"{self.bin}{os.pathsep}/usr/bin:/bin", "PYTHONPATH": str(self.site)}
        program = self.bin / "benchmark.x86_64" if tool is InferTool.BENCHMARK else Path(sys.executable)
        return toolchain(Target(TargetKind.ASCEND, env, tool, program, "test"), self.root, run)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A complete one."""
    return Host(tmp_path)


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ("bin/atc", "atc"),
        ("bin/atc.bin", "atc.bin"),
        ("bin/npu-smi", "npu-smi"),
        ("site/ais_bench/__main__.py", "ais_bench"),
        ("site/ais_bench/infer/interface.py", "ais_bench"),
        ("site/aclruntime.py", "aclruntime"),
        ("root/usr/local/Ascend/ascend-toolkit/latest/x86_64-linux/ascend_toolkit_install.info", "cann"),
    ],
)
def test_whatever_is_exchanged_shows(changed: str, name: str, host: Host, tmp_path: Path) -> None:
    before = host.known(InferTool.AIS_BENCH)
    host.write(tmp_path / changed, "version=9\n")
    after = host.known(InferTool.AIS_BENCH)
    assert {key for key in before if before[key] != after[key]} == {name}


def test_the_benchmark_tool_is_known_by_its_binary(host: Host) -> None:
    before = host.known(InferTool.BENCHMARK)
    host.write(host.bin / "benchmark.x86_64", "#!/bin/sh\nexit 1\n")
    after = host.known(InferTool.BENCHMARK)
    assert {key for key in before if before[key] != after[key]} == {"program"}


def test_without_a_version_of_cann_results_are_of_one_run_alone(host: Host) -> None:
    assert host.known(InferTool.BENCHMARK, "run-1") == host.known(InferTool.BENCHMARK, "run-2")
    host.write(next(host.root.rglob("*.info")), "")
    first, second = (host.known(InferTool.BENCHMARK, run)["cann"] for run in ("run-1", "run-2"))
    assert (first, second) == ("unknown, run run-1", "unknown, run run-2")


def test_a_package_that_is_absent_is_told_from_one_that_is_there(host: Host) -> None:
    before = host.known(InferTool.AIS_BENCH)["aclruntime"]
    (host.site / "aclruntime.py").unlink()
    assert host.known(InferTool.AIS_BENCH)["aclruntime"] != before


def test_packages_that_cannot_be_looked_at_are_an_error_of_the_toolkit(host: Host) -> None:
    host.write(host.bin / "python3", "#!/bin/sh\nexit 3\n")
    target = Target(TargetKind.ASCEND, {"PATH": str(host.bin)}, InferTool.AIS_BENCH, host.bin / "python3", "test")
    with pytest.raises(OmError, match=r"exit code 3.*--ais-bench-python") as caught:
        toolchain(target, host.root, "run-1")
    assert caught.value.gate == "om.toolkit"


def test_files_that_extra_arguments_name_are_found(tmp_path: Path) -> None:
    path = tmp_path / "aipp.cfg"
    path.write_text("a")
    words = ("--precision_mode=force_fp32", f"--insert_op_conf={path}", f"--other={tmp_path / 'absent'}")
    assert named_files(words) == {"insert_op_conf": path}
