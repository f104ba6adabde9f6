"""What a run was made on: the machine without its name, the interpreter, every library, the suite's own code."""

from __future__ import annotations

import hashlib
import os
import platform
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from tools.base.files import ROOT, cpu_count
from tools.evidence.suite_version import suite_version
from tools.judge.machine_records import HostRecord, Versions

CPU_INFO = Path("/proc/cpuinfo")
CODE = ("tools", "fixtures", "tests")


def host_record(cpu_info: Path = CPU_INFO) -> HostRecord:
    """The machine: cores are those that this process may use, memory is all that there is."""
    return HostRecord(
        system=f"{platform.system()} {platform.release()}",
        machine=platform.machine(),
        cpu_model=_cpu_model(cpu_info),
        cores=cpu_count(),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
    )


@lru_cache(maxsize=1)
def host_words() -> str:
    """The machine in words, for what is kept beyond this run."""
    found = host_record()
    return f"{found.cpu_model}, {found.cores} cores, {found.system}"


def versions() -> Versions:
    """Python and every installed distribution, as importlib knows them."""
    libraries = {str(found.metadata["Name"]): found.version for found in metadata.distributions()}
    return Versions(
        python=platform.python_version(),
        libraries=dict(sorted(libraries.items())),
        suite_sha256=suite_sha256(ROOT),
        suite=suite_version(),
    )


def suite_sha256(root: Path) -> str:
    """Digest of the suite's own Python files: `<relative path> <sha256>` lines in sorted order."""
    files = sorted(path for folder in CODE for path in (root / folder).rglob("*.py"))
    lines = (f"{path.relative_to(root)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n" for path in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _cpu_model(cpu_info: Path) -> str:
    """`model name` on x86-64; aarch64 kernels give only the part number, of which platform knows no more."""
    try:
        lines = cpu_info.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    found = [line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "CPU part"))]
    return found[0] if found else platform.processor() or "unknown"
