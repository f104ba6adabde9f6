"""One target in a process of its own: fuzz it under atheris, or replay its kept cases under coverage.py.

    python -m selftest.campaigns.fuzz_worker fuzz TABLE TARGET MODULES FOLDER [libFuzzer options]
    python -m selftest.campaigns.fuzz_worker replay TABLE TARGET MODULES FOLDER

TABLE is the module that holds TARGETS, so that a self-test can plant targets with bugs; MODULES, joined by commas, must
be known before the table imports them. Started by selftest.campaigns.fuzz, which reads how it ends.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from selftest.campaigns.fuzz_target import Target, run_case

CORPUS, SLOWEST, COVERAGE, DICTIONARY = "corpus", "slowest", "coverage.json", "words.dict"
LONGEST_WORD_BYTES = 60
"""libFuzzer takes no longer word into its dictionary."""


def main() -> None:
    """Dispatch; libFuzzer ends the process itself."""
    action, table, name, modules, place, *options = sys.argv[1:]
    if action == "fuzz":
        _go_on_in_a_child()
        _fuzz(table, name, modules.split(","), Path(place), options)
    else:
        _replay(table, name, modules.split(","), Path(place))


def _go_on_in_a_child() -> None:
    """Return in a child only, whose end becomes the end of this process.

    Linux counts the memory of the process that started this one into its peak, which libFuzzer holds against the limit:
    started by a large one (a self-test's), every target would have too much memory. A child of this small one has not.
    """
    child = os.fork()
    if child:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code < 0:
            os.kill(os.getpid(), -code)
        os._exit(code)


def _fuzz(table: str, name: str, modules: list[str], place: Path, options: list[str]) -> None:
    import atheris

    packages = sorted({module.partition(".")[0] for module in modules})
    with atheris.instrument_imports(include=packages, exclude=sorted(_modules_of(packages) - set(modules))):
        target = _target(table, name)
    corpus = place / CORPUS
    corpus.mkdir(exist_ok=True)
    for data in target.seeds():
        (corpus / hashlib.sha256(data).hexdigest()[:32]).write_bytes(data)
    given = [*options, f"-max_len={target.longest_bytes}", str(corpus)]
    if target.words:
        (place / DICTIONARY).write_text(_dictionary(target.words), encoding="ascii")
        given.append(f"-dict={place / DICTIONARY}")
    atheris.Setup([sys.argv[0], *given], _timed(target, place / SLOWEST))
    atheris.Fuzz()


def _modules_of(packages: Iterable[str]) -> set[str]:
    """Every module below these packages: atheris picks packages, but only a target's own modules shall guide it."""
    files = (path for package in packages for path in Path(package).rglob("*.py"))
    return {".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in files}


def _timed(target: Target, record: Path) -> Callable[[bytes], None]:
    """The case; whenever one costs more processor time than all before it, its seconds are written down."""
    slowest = 0.0

    def case(data: bytes) -> None:
        nonlocal slowest
        began = time.process_time()
        run_case(target, data)
        seconds = time.process_time() - began
        if seconds > slowest:
            slowest = seconds
            record.write_text(f"{seconds:.9f}", encoding="ascii")

    return case


def _replay(table: str, name: str, modules: list[str], place: Path) -> None:
    """Run every kept case and write which lines and branches of the target's modules were reached.

    Measured are the cases alone, not what imports and the making of examples run. The examples and the empty input are
    among them, as libFuzzer runs them without keeping them.
    """
    import coverage

    target = _target(table, name)
    examples = target.seeds()
    for data in examples:
        run_case(target, data)
    files = [f"{module.replace('.', '/')}.py" for module in modules]
    measured = coverage.Coverage(branch=True, data_file=None, include=files)
    measured.start()
    for data in (b"", *examples, *(path.read_bytes() for path in sorted((place / CORPUS).iterdir()))):
        run_case(target, data)
    measured.stop()
    measured.json_report(outfile=str(place / COVERAGE))


def _target(table: str, name: str) -> Target:
    found: Target = importlib.import_module(table).TARGETS[name]
    return found


def _dictionary(words: Iterable[str]) -> str:
    short = [word.encode() for word in words if len(word.encode()) <= LONGEST_WORD_BYTES]
    return "".join('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in short)


if __name__ == "__main__":
    main()
