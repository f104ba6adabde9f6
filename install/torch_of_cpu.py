"""Install torch and torchvision for the CPU, from torch's own index where that answers.

    python install/torch_of_cpu.py REQUIREMENTS INDEX

On the public package index `torch` is the CUDA build, on x86-64 and aarch64: gigabytes that no step of the suite needs.
INDEX is asked once and briefly; where it does not answer, or has not these versions, one line says so, and the
requirements' own `pip install` takes torch from the index that pip is given. Nothing is done where the right versions
are installed already, whatever they were built for, and for an empty INDEX.
"""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

PACKAGES = ("torch", "torchvision")
"""Both or neither: torchvision's operators fit the very build of torch."""
ANSWER_SECONDS = 5
PROBE = "import sys; sys.path[:0] = [sys.argv[1]]; import torch_of_cpu; torch_of_cpu.probe(sys.argv[2])"


def main(arguments: Sequence[str]) -> int:
    """Always 0: what is not installed here is installed with the other requirements, or fails there by name."""
    requirements, index = Path(arguments[0]), arguments[1]
    asked = pins(requirements.read_text(encoding="utf-8"))
    if not index or all(installed(name) == version for name, version in asked.items()):
        return 0
    why = "it does not answer" if not answers(index) else "" if install(asked, index) else "pip cannot install from it"
    if why:
        print(f"== {index}: {why}; torch is taken from the index that pip is given (PyPI's is the CUDA build)")
    return 0


def pins(requirements: str) -> dict[str, str]:
    """The versions that the requirements ask for."""
    return {
        name: found[1]
        for name in PACKAGES
        if (found := re.search(rf"^{name}==(\S+)$", requirements, re.MULTILINE)) is not None
    }


def installed(name: str) -> str | None:
    """The version as released (`2.13.0` for `2.13.0+cpu`), None where there is none."""
    try:
        return metadata.version(name).partition("+")[0]
    except metadata.PackageNotFoundError:
        return None


def answers(index: str) -> bool:
    """Whether a server of the index answers in time; a process of its own, as looking up a name has no time limit."""
    words = [sys.executable, "-c", PROBE, str(Path(__file__).resolve().parent), f"{index}/torch/"]
    try:
        return subprocess.run(words, capture_output=True, timeout=ANSWER_SECONDS, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def probe(address: str) -> None:
    """Ends this process with 0 for any answer; also for a certificate that pip, which has its own, may accept."""
    if not address.startswith(("http://", "https://")):
        sys.exit(1)
    try:
        urllib.request.urlopen(address, timeout=ANSWER_SECONDS).close()  # noqa: S310 - the scheme was looked at
    except urllib.error.HTTPError:
        sys.exit(0)
    except OSError as error:
        sys.exit(0 if "CERTIFICATE" in str(error) else 1)


def install(asked: dict[str, str], index: str) -> bool:
    """Whether pip has installed these, without what they need: that comes from the index that pip is given."""
    words = [*(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps")]
    words += ["--index-url", index, "--timeout", str(ANSWER_SECONDS), "--retries", "0"]
    words += [f"{name}=={version}" for name, version in asked.items()]
    return subprocess.run(words, stderr=subprocess.DEVNULL, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
