"""What a first runner sends back, in one archive: `python -m selftest.contracts OUT.tar.gz`

Runs the contract tests on the tools that ACCEPTANCE_TARGET asks for, watches npu-smi meanwhile, asks for versions, and
packs all of it, scrubbed of home folders, secrets and the host's name. Exit status 0 when the tests passed, 1 when they
did not (the archive is written all the same), 2 when there is no archive.
"""

from __future__ import annotations

import argparse
import gzip
import io
import os
import platform
import sys
import tarfile
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from selftest.contracts.host import ROOT, Host, simulator_host
from tools.ascend.own_files import keep_own_files
from tools.base import cli, process
from tools.base.errors import SuiteError
from tools.base.files import atomic
from tools.base.printable import one_line
from tools.evidence.scrub import scrubber

QUESTION_SECONDS, TEST_SECONDS, PAUSE_SECONDS, MOST_LOOKS = 60.0, 3 * 3600.0, 10.0, 20
MOST_FILE_BYTES = 16 * 2**20
WORDS = {0: "passed", 1: "FAILED"}
INSTALLED = (
    "usr/local/Ascend/driver/version.info",
    "usr/local/Ascend/firmware/version.info",
    "usr/local/Ascend/ascend-toolkit/latest/*-linux/ascend_toolkit_install.info",
    "usr/local/Ascend/cann/*-linux/ascend_toolkit_install.info",
    "usr/local/Ascend/latest/*-linux/ascend_toolkit_install.info",
    "etc/ascend_install.info",
)


def main() -> int:
    """The command."""
    parser = cli.Parser(prog="python -m selftest.contracts", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", metavar="OUT.tar.gz", type=Path, help="the archive, which must not exist yet")
    parser.add_argument("-k", default="", metavar="WORDS", help="only these tests, as pytest's -k takes them")
    parser.add_argument("--root", default="/", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if not asked.out.name.endswith(".tar.gz") or asked.out.exists():
        raise SuiteError("the archive is a new file that ends in .tar.gz", where=asked.out, fix="name another one")
    with tempfile.TemporaryDirectory(prefix="contracts-") as name:
        folder = Path(name) / "contracts"
        status = collect(folder, Path(name) / "pytest", only=asked.k, root=asked.root)
        pack(folder, asked.out)
        said = _last_line(folder / "pytest")
    word = WORDS.get(status, "DID NOT RUN")
    print(f"{asked.out}: send this file back; the tests {word}: {one_line(said)}")
    return cli.EXIT_OK if status == 0 else cli.EXIT_FAILED


def _last_line(folder: Path) -> str:
    """What pytest said at its end: its counts, or why it could not begin."""
    texts = [(folder / f"{stream}.txt").read_text("utf-8", errors="replace") for stream in ("stdout", "stderr")]
    lines = [line.strip("= ") for line in "\n".join(texts).splitlines()]
    return next((line for line in reversed(lines) if line), "it said nothing")


def collect(folder: Path, basetemp: Path, *, only: str, root: Path) -> int:
    """Put everything below `folder`; the exit status of the contract tests."""
    host = _host(folder / "logs")
    for name, argv in questions(host).items():
        _ask(argv, folder / "asked" / name, host.env)
    for path in (found for pattern in INSTALLED for found in sorted(root.glob(pattern)) if found.is_file()):
        target = folder / "installed" / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes()[:MOST_FILE_BYTES])
    ended = threading.Event()
    watch = threading.Thread(target=_look, args=(folder / "asked", host.env, ended))
    watch.start()
    try:
        words = ["selftest/contracts", "-v", "-rs", "-p", "no:xdist", "-p", "no:cacheprovider"]
        words += ["--sample", f"--evidence={basetemp}-evidence", f"--basetemp={basetemp}"]  # no real inputs are needed
        done = process.run(
            [sys.executable, "-m", "pytest", *words, *(["-k", only] if only else [])],
            cwd=ROOT,
            logs=folder / "pytest",
            timeout_seconds=TEST_SECONDS,
            env={**os.environ, "ACCEPTANCE_CONTRACT_LOGS": str(host.logs)},
        )
    finally:
        ended.set()
        watch.join()
    (folder / "results").mkdir()
    if basetemp.is_dir():
        keep_own_files(basetemp, folder / "results")
    return done.returncode


def questions(host: Host) -> dict[str, list[str]]:
    """What the machine is asked before the tests, by the name of the answer's folder."""
    return {
        "npu-smi-info": ["npu-smi", "info"],
        "npu-smi-list": ["npu-smi", "info", "-l"],
        "npu-smi-map": ["npu-smi", "info", "-m"],
        "uname": ["uname", "-srvm"],
        "pip-list": [host.python, "-m", "pip", "list"],
        "python": [host.python, "--version"],
    }


def pack(folder: Path, out: Path) -> None:
    """Write the archive: names in order, no times and no owners; what is no text is left out and named."""
    scrub = scrubber([(folder.parent, "work"), (ROOT, "repository"), (Path(tempfile.gettempdir()), "tmp")], os.environ)
    left_out: list[str] = []
    with atomic(out) as partial, partial.open("wb") as raw:
        packed = gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0)
        with packed, tarfile.open(fileobj=packed, mode="w") as archive:
            files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
            for name, path in sorted((f"contracts/{name}", path) for name, path in files.items()):
                content = path.read_bytes()
                if b"\0" in content or len(content) > MOST_FILE_BYTES:
                    left_out.append(name)
                    continue
                _add(archive, name, scrub.text(content.decode("utf-8", "replace")))
            _add(archive, "contracts/left-out.txt", "".join(f"{name}\n" for name in left_out))
            _add(archive, "contracts/host.txt", f"{platform.machine()}, Python {platform.python_version()}\n")


def _add(archive: tarfile.TarFile, name: str, text: str) -> None:
    content = text.encode("utf-8")
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def _host(logs: Path) -> Host:
    """The tools under test, before any of them is asked."""
    if os.environ.get("ACCEPTANCE_TARGET") != "ascend":
        return simulator_host(logs)
    return Host("ascend", dict(os.environ), os.environ.get("ACCEPTANCE_AIS_BENCH_PYTHON", "python3"), logs)


def _ask(argv: list[str], logs: Path, env: Mapping[str, str]) -> None:
    """Ask the machine; that nobody answers is an answer too."""
    logs.mkdir(parents=True, exist_ok=True)
    try:
        process.run(argv, cwd=logs, logs=logs, timeout_seconds=QUESTION_SECONDS, env=env)
    except OSError as error:
        (logs / "stderr.txt").write_text(f"{argv[0]} cannot be run: {error.strerror}\n", encoding="utf-8")


def _look(asked: Path, env: Mapping[str, str], ended: threading.Event) -> None:
    """Look at the devices while the tests run models on them, now and then until they have ended."""
    for number in _numbers(ended):
        _ask(["npu-smi", "info"], asked / f"npu-smi-info-during-{number:02d}", env)


def _numbers(ended: threading.Event) -> Iterator[int]:
    for number in range(MOST_LOOKS):
        yield number
        if ended.wait(PAUSE_SECONDS):
            return


if __name__ == "__main__":
    sys.exit(cli.run(main))
