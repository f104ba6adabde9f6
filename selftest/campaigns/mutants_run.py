"""Self-tests against mutants, each in a forked child of its own, in memory only.

A change inside a function is put into the function that the collected tests already hold (its code object is
exchanged), so that a child costs little more than the tests themselves; a change that takes effect at import needs the
module and its tests imported anew.
"""

from __future__ import annotations
import __future__

import contextlib
import gc
import importlib.machinery
import importlib.util
import inspect
import io
import json
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from selftest.campaigns.mutants_made import Mutant
from tools.base.errors import SuiteError
from tools.base.files import ROOT
from tools.base.progress import progress

if TYPE_CHECKING:
    import pytest

EXAMPLES = 20  # hypothesis examples a property, the same in every run
MEMORY_BYTES, FILE_BYTES = 4 * 2**30, 64 * 2**20  # what a mutant may take before it counts as killed
SECONDS_BEYOND, TIMES_BASELINE = 3, 10  # limits: of processor time, so that a busy machine kills no mutant,
WALL_SECONDS = 600.0  # and of wall time, for a mutant that waits
NOT_SWAPPED = 99
CALLED_BEFORE: set[tuple[str, str]] = set()
"""File and name of each function that ran while tests were collected, or what they share was made: a change of it may
come too late for them."""
# A child process does not see the mutant, and what holds for one port is asked of each: these could only cost time.
DESELECTED = (
    "selftest/test_spec.py::test_pytest_ends_with_that_one_line_and_status_4",
    "selftest/test_ports.py::test_an_unknown_port_ends_pytest_in_one_line",
    "selftest/test_ports.py::test_a_command_refuses_an_unknown_port_in_one_line",
    "selftest/test_ports.py::test_two_ports_in_one_process_have_each_their_own_module",
    "selftest/test_ports.py::test_every_number_of_a_shipped_port_has_unit_and_source",
    "selftest/test_ports.py::test_every_number_of_a_shipped_port_stands_in_one_of_its_files",
    "selftest/test_ports.py::test_the_ports_of_the_suite_are_named_as_their_files",
    "selftest/test_gates.py::test_every_test_decides_a_gate_of_the_inventory",
    "selftest/test_gates.py::test_every_gate_is_decided_by_one_test",
    "selftest/test_gates.py::test_every_test_has_its_stages_marker_and_that_of_accuracy_below_it",
    "selftest/test_gates.py::test_what_needs_an_om_is_marked_so",
    "selftest/test_gates.py::test_an_unknown_marker_ends_the_collection",
)
OPTIONS = (
    *("-x", "-q", "-s", "--tb=no", "--assert=plain", "--noconftest", "-o", "addopts=", "--rootdir", str(ROOT)),
    *("-p", "no:cacheprovider", "-p", "no:unraisableexception", "-m", "not nightly"),
    *(f"--deselect={test}" for test in DESELECTED),
)

Status = int | None
"""0: the mutant survived; None: it ran into a time limit; another number: a test failed, or the import."""


def load_heavy() -> None:
    """What the tests import anyway is loaded once, before the forks; a steady hypothesis profile with few examples."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ["PYTEST_PLUGINS"] = "_hypothesis_pytestplugin"
    sys.dont_write_bytecode = False
    os.chdir(ROOT)
    import hypothesis
    import hypothesis.extra.numpy
    import PIL.Image
    import scipy.optimize
    import scipy.spatial.distance
    import scipy.stats
    import yaml

    assert all((hypothesis.extra.numpy, PIL.Image, scipy.optimize, scipy.spatial.distance, scipy.stats, yaml))
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)  # one counterexample kills, however long
    hypothesis.settings.register_profile(
        "mutants", max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, phases=phases
    )
    hypothesis.settings.load_profile("mutants")
    hypothesis.given(hypothesis.strategies.text())(lambda text: None)()  # loads its tables of characters
    gc.freeze()  # what is loaded is for good: a child's collections need not walk over it


def statuses(module: str, source: str, mutants: Sequence[Mutant], tests: Sequence[str], workers: int) -> list[Status]:
    """The status of each mutant; SuiteError when the tests fail without any."""
    found: dict[int, Status] = {}
    anew = partial(_anew, module=module, tests=tests)
    inside = [number for number, mutant in enumerate(mutants) if mutant.body_of is not None]
    found |= _swapped({number: mutants[number] for number in inside}, module, tests, workers)
    called = {name for file, name in CALLED_BEFORE if file == str(ROOT / module)}
    undecided = [{NOT_SWAPPED, 0} if mutant.body_of in called else {NOT_SWAPPED} for mutant in mutants]
    rest = [number for number, open_ in enumerate(undecided) if found.get(number, NOT_SWAPPED) in open_]
    limit = _baseline(partial(anew, source), module) if rest else 0
    attempts = [(number, partial(anew, mutants[number].source)) for number in rest]
    found |= dict(progress(_children(attempts, workers, limit), what=module, total=len(attempts), unit="mutant"))
    return [found[number] for number in range(len(mutants))]


def _baseline(attempt: Callable[[], None], module: str) -> int:
    """The limit of processor time in seconds that follows from a run without a mutant, which must pass."""
    began = _children_seconds()
    ((_, status),) = _children([(0, attempt)], 1, 600)
    if status != 0:
        raise SuiteError("the self-tests fail without a mutant", where=module, measured=f"status {status}")
    return SECONDS_BEYOND + int(TIMES_BASELINE * (_children_seconds() - began))


def _children_seconds() -> float:
    """Processor time of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _children(
    attempts: Iterable[tuple[int, Callable[[], None]]], workers: int, cpu_s: int
) -> Iterator[tuple[int, Status]]:
    """Number and status of each attempt, made in a forked child, as they end."""
    context = multiprocessing.get_context("fork")
    running: dict[BaseProcess, tuple[int, float]] = {}
    waiting = iter(attempts)
    with tempfile.TemporaryDirectory(prefix="mutants-") as scratch:
        while True:
            while len(running) < workers and (following := next(waiting, None)) is not None:
                number, attempt = following
                folder = Path(scratch) / str(number)
                child: BaseProcess = context.Process(target=_confined, args=(attempt, folder, cpu_s))
                child.start()
                running[child] = (number, time.monotonic() + WALL_SECONDS)
            if not running:
                return
            wait([child.sentinel for child in running], timeout=0.5)
            for child in list(running):
                number, deadline = running[child]
                if child.exitcode is not None or time.monotonic() > deadline:
                    del running[child]
                    yield number, _ended(child)


def _ended(child: BaseProcess) -> Status:
    """The child's status, None when it had to be killed with all that it started."""
    status = child.exitcode
    if status is None:
        os.killpg(int(child.pid or 0), signal.SIGKILL)
    child.join()
    return None if status == -signal.SIGXCPU else status


def _confined(attempt: Callable[[], None], scratch: Path, cpu_s: int) -> None:
    """In the child: a process group, limits, a folder for temporary files of its own, and silence."""
    os.setpgid(0, 0)
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
    scratch.mkdir()
    os.environ["PYTEST_DEBUG_TEMPROOT"] = str(scratch)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(null, stream)
    attempt()


def _anew(source: str, *, module: str, tests: Sequence[str]) -> None:
    """In the child: import the tests with `source` in the module's place and end with pytest's status."""
    import pytest

    for name, loaded in list(sys.modules.items()):
        file = str(getattr(loaded, "__file__", ""))  # the environment may lie below the checkout, as make has it
        if name != "__main__" and file.startswith(f"{ROOT}/") and not file.startswith(f"{sys.prefix}/"):
            del sys.modules[name]
    sys.meta_path.insert(0, _InPlace(module, source))
    sys.exit(int(pytest.main([*OPTIONS, *tests])))


def _swapped(mutants: dict[int, Mutant], module: str, tests: Sequence[str], workers: int) -> dict[int, Status]:
    """The status of changes inside functions, NOT_SWAPPED for those that need an import anew."""
    import pytest

    with tempfile.TemporaryDirectory(prefix="mutants-") as notes, contextlib.redirect_stdout(io.StringIO()):
        campaign = _InSession(mutants, module, workers, _LastKillers(Path(notes) / "killers"))
        pytest.main([*OPTIONS, *tests], plugins=[campaign])
    return campaign.found


def _note_call(frame: FrameType, *_: object) -> None:
    CALLED_BEFORE.add((frame.f_code.co_filename, frame.f_code.co_qualname))


def make_shared(session: pytest.Session) -> None:
    """Make what tests of a module share once, before the forks: each child would make the same again.

    What the last file's tests share is left standing; a change of a function that took part in it comes too late, so
    that its mutants are looked at anew.
    """
    from _pytest.runner import runtestprotocol

    session.config.option.setuponly = True
    sys.setprofile(_note_call)
    try:
        for item, following in zip(session.items, [*session.items[1:], session.items[-1].parent], strict=True):
            runtestprotocol(item, log=False, nextitem=following)  # type: ignore[arg-type] # a file ends a test too
    finally:
        sys.setprofile(None)
        session.config.option.setuponly = False


def begin_with(session: pytest.Session, item: pytest.Item) -> None:
    """In the child: take down what this first test does not share, and make temporary folders of one's own."""
    session._setupstate.teardown_exact(item)
    session.config._tmp_path_factory._basetemp = None  # type: ignore[attr-defined]


class _LastKillers:
    """A pytest plugin: tests that killed the last mutants come first, for the next mutants are much like those."""

    MOST = 5

    def __init__(self, notes: Path) -> None:
        self.notes = notes

    def first(self, items: list[pytest.Item]) -> None:
        """Bring them forward, the last killer of all before the others."""
        names = self.notes.read_text(encoding="utf-8").splitlines() if self.notes.exists() else []
        place = {name: number for number, name in enumerate([*dict.fromkeys(reversed(names))][: self.MOST])}
        items.sort(key=lambda item: place.get(item.nodeid, self.MOST))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called after each part of each test."""
        if report.failed:
            with self.notes.open("a", encoding="utf-8") as handle:
                handle.write(f"{report.nodeid}\n")


class Calls:
    """A pytest plugin: which functions of one file each test calls, what tests share left out."""

    def __init__(self, notes: Path, file: Path) -> None:
        self.notes, self.file = notes, str(file)
        self.called: set[str] = set()

    def tests_by_function(self) -> dict[str, set[str]]:
        """Names of tests by the dotted name of the outermost function that they call."""
        found: dict[str, set[str]] = {}
        for line in self.notes.read_text(encoding="utf-8").splitlines() if self.notes.exists() else ():
            test, called = json.loads(line)
            for name in called:
                found.setdefault(name, set()).add(test)
        return found

    def pytest_runtest_logstart(self) -> None:
        """Called before each test."""
        self.called.clear()
        threading.settrace(self._note)
        sys.settrace(self._note)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Called after each test."""
        sys.settrace(None)
        threading.settrace(None)
        with self.notes.open("a", encoding="utf-8") as handle:
            handle.write(f"{json.dumps([nodeid, sorted(self.called)])}\n")

    def _note(self, frame: FrameType, *_: object) -> None:
        if frame.f_code.co_filename == self.file:
            self.called.add(frame.f_code.co_qualname.partition(".<locals>")[0])


class _InSession:
    """A pytest plugin: in place of running the collected tests once, fork and run against each mutant those that call
    the changed function; what survives them is held against all, for a test may see what another one has kept."""

    def __init__(self, mutants: dict[int, Mutant], module: str, workers: int, killers: _LastKillers) -> None:
        self.mutants, self.module, self.workers, self.killers = mutants, module, workers, killers
        self.found: dict[int, Status] = {}

    def pytest_collection(self) -> None:
        """Called before the tests are collected, which imports what is not loaded yet."""
        sys.setprofile(_note_call)

    def pytest_collection_finish(self) -> None:
        """Called when all tests are collected."""
        sys.setprofile(None)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Called when all tests are collected; the first plugin that answers decides."""
        module = sys.modules[_dotted(self.module)]
        attempt = partial(self._attempt, session, module)
        make_shared(session)
        calls = Calls(self.killers.notes.with_name("calls"), ROOT / self.module)
        limit = _baseline(partial(attempt, None, plugins=(calls,)), self.module)
        of = calls.tests_by_function()
        near = [
            (number, partial(attempt, mutant, only=of.get(str(mutant.body_of), set())))
            for number, mutant in self.mutants.items()
        ]
        ended = _children(near, self.workers, limit)
        self.found.update(progress(ended, what=self.module, total=len(near), unit="mutant"))
        alive = [number for number, status in self.found.items() if status == 0]
        ended = _children([(number, partial(attempt, self.mutants[number])) for number in alive], self.workers, limit)
        self.found.update(progress(ended, what=f"{self.module}, all tests", total=len(alive), unit="mutant"))
        return True

    def _attempt(
        self,
        session: pytest.Session,
        module: ModuleType,
        mutant: Mutant | None,
        *,
        only: Collection[str] | None = None,
        plugins: Iterable[object] = (),
    ) -> None:
        """In the child: exchange the function's code and run the tests, or `only` those, until the first fails."""
        if mutant is not None and not _swap(module, mutant):
            os._exit(NOT_SWAPPED)
        session.config.pluginmanager.unregister(self)
        for plugin in (self.killers, *plugins):
            session.config.pluginmanager.register(plugin)
        session.items[:] = [item for item in session.items if only is None or item.nodeid in only]
        if not session.items:
            os._exit(0)
        self.killers.first(session.items)
        begin_with(session, session.items[0])
        with contextlib.suppress(session.Failed):
            session.config.hook.pytest_runtestloop(session=session)
        os._exit(int(session.testsfailed > 0))


def _swap(module: ModuleType, mutant: Mutant) -> bool:
    """Put the mutant's code into the loaded function; False where the two do not fit."""
    flags = __future__.annotations.compiler_flag
    code = _code_named(compile(mutant.after, str(module.__file__), "exec", flags, True), str(mutant.body_of))
    try:
        value: Any = module
        for name in str(mutant.body_of).split("."):
            value = inspect.getattr_static(value, name)
        inside = (getattr(value, name, None) for name in ("fget", "func", "__func__"))  # of a property, cached or not
        function = inspect.unwrap(next(filter(None, inside), value))
        function.__code__ = code
    except (AttributeError, ValueError, TypeError):
        return False
    return isinstance(function, FunctionType)


def _code_named(code: CodeType, name: str) -> CodeType | None:
    """The function of this dotted name among what a text defines."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found = constant if constant.co_qualname == name else _code_named(constant, name)
            if found is not None:
                return found
    return None


def _dotted(module: str) -> str:
    return module.removesuffix(".py").replace("/", ".")


class _InPlace(importlib.machinery.SourceFileLoader):
    """Finds and loads one module from a text instead of its file."""

    def __init__(self, module: str, source: str) -> None:
        super().__init__(_dotted(module), str(ROOT / module))
        self.source = source

    def find_spec(
        self, fullname: str, path: object = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Called by the import system for every module that is not loaded yet."""
        return importlib.util.spec_from_loader(fullname, self) if fullname == self.name else None

    def get_code(self, fullname: str) -> CodeType | None:
        """The text's code; nothing is cached on disk."""
        code: CodeType = compile(self.source, self.path, "exec", dont_inherit=True)
        return code
