"""The suite installed by pip, in a repository of models that has tools/, fixtures/ and tests/ of its own."""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pytest
from filelock import FileLock

from fixtures.installed.npu_port_acceptance_wheel import (
    COMMAND,
    PACKAGE,
    PATH_SETTING,
    Checkout,
    UnknownFormError,
    packed,
    renamed,
)
from selftest.ports.tiny import tiny_port
from tools.base.files import ROOT
from tools.evidence.record_file import read_acceptance
from tools.judge.results import Word

ROOMS = ("tools", "fixtures", "tests")
OUTSIDE = shutil.ignore_patterns(
    *(".*", "build", "selftest", "docs", "bench", "__pycache__", "*.egg-info"),
)
"""What a build does not need: other folders of the checkout, and what tools have left in them."""
ONLY_IN_A_CHECKOUT = {Path("tools/evidence_schema.py")}


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the workers of a session share: what one has made there the others take."""
    own = tmp_path_factory.getbasetemp()
    place = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "package"
    place.mkdir(exist_ok=True)
    return place


def once(place: Path, make: Callable[[Path], object]) -> Path:
    """A file or folder that is made by the first who asks for it, the others wait."""
    with FileLock(f"{place}.lock"):
        if not place.exists():
            make(place)
    return place


@pytest.fixture(scope="session")
def tree(shared: Path) -> Path:
    """A copy of the checkout: a build writes beside what it packs."""
    return once(shared / "suite", lambda place: shutil.copytree(ROOT, place, ignore=OUTSIDE))


@pytest.fixture(scope="session")
def site(tree: Path, shared: Path) -> Path:
    """A folder that pip has installed the suite into, without looking at any index."""

    def install(place: Path) -> None:
        settings = ["--no-build-isolation", "--no-deps", "--no-index", "--no-compile", "--quiet"]
        command = [sys.executable, "-m", "pip", "install", *settings, "--target", str(place), str(tree)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    return once(shared / "site", install)


@dataclass(frozen=True)
class Repository:
    """A repository of models, and the installed suite to be started in it."""

    folder: Path
    site: Path

    def run(self, *command: object) -> tuple[int, str]:
        """Exit status of a program that was started in it, and what it said on both streams."""
        variables = {**os.environ, "PYTHONPATH": str(self.site)}
        words, here = list(map(str, command)), self.folder
        done = subprocess.run(words, cwd=here, env=variables, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def accept(self, *words: object) -> tuple[int, str]:
        """The command that pip has written."""
        return self.run(self.site / "bin" / COMMAND, *words)

    def options(self, port: str = "tiny.yaml") -> list[str]:
        """The options of a run, as they are typed."""
        return shlex.split(
            f"--port ports/{port} --checkpoint ports/tiny.pth --images ports/images --labels ports/labels.txt "
            "--target simulator"
        )


@pytest.fixture(scope="session")
def models(site: Path, shared: Path) -> Repository:
    """One whose own packages have the names of the suite's, and are what its port uses; its pytest is another."""
    return Repository(once(shared / "models", write_models), site)


def write_models(folder: Path) -> None:
    """Write the repository: a port, another whose network is not its checkpoint's, and files that must not be run."""
    port = tiny_port(folder / "ports")
    network = folder / "ports" / "tiny_net.py"
    own = "".join(f"from {room} import ONE as {room}\n" for room in ROOMS)
    source = network.read_text(encoding="utf-8").replace("scale=1.0", f"scale={' * '.join(ROOMS)}")
    network.write_text(source.replace("import torch\n", f"import torch\n{own}", 1), encoding="utf-8")
    wider = port.port.read_text(encoding="utf-8").replace("arguments: {classes: 100}", "arguments: {classes: 101}")
    (folder / "ports" / "wider.yaml").write_text(wider, encoding="utf-8")
    for room in ROOMS:
        (folder / room).mkdir()
        (folder / room / "__init__.py").write_text("ONE = 1.0\n", encoding="utf-8")
    (folder / "tests" / "test_checkpoint.py").write_text("raise SystemExit('a test of the models')\n", encoding="utf-8")
    (folder / "conftest.py").write_text("raise SystemExit('the conftest.py of the models')\n", encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n", encoding="utf-8")


@pytest.fixture(scope="session")
def said(models: Repository, shared: Path) -> str:
    """What a run of one stage prints, of which a gate fails once the port's network is made."""

    def judge(place: Path) -> None:
        status, told = models.accept(*models.options("wider.yaml"), "-m", "checkpoint", "-q")
        assert (status, "1 failed, 5 passed" in told) == (pytest.ExitCode.TESTS_FAILED, True), told
        place.write_text(told, encoding="utf-8")

    return once(shared / "said.txt", judge).read_text(encoding="utf-8")


@pytest.fixture
def bundle(said: str, models: Repository) -> Path:
    """The evidence of that run, which named no place for it."""
    assert said
    return models.folder / "build" / "evidence" / "latest"


def test_a_port_is_judged_in_a_repository_that_has_modules_of_the_suites_names(bundle: Path) -> None:
    record = read_acceptance(bundle)
    assert record.verdict.word is Word.REJECTED
    assert [result.id for result in record.gates if not result.check.passed] == ["checkpoint.shapes"]
    assert record.spec is not None
    own = {"code tiny_net.py", *(f"code {room}/__init__.py" for room in ROOMS)}
    assert {name for name in record.spec.code if name.startswith("code ")} == own


def test_what_a_run_makes_lies_in_the_folder_that_it_was_started_in(bundle: Path, models: Repository) -> None:
    status, told = models.accept("scorecard", "build/evidence", "--no-html", "--jobs", "1")
    assert (status, "1 rows: 1 REJECTED" in told) == (0, True), told
    assert (models.folder / "build" / "scorecard" / "scorecard.csv").is_file()
    made = {path.name for path in models.folder.iterdir()} - {"__pycache__"}
    assert made == {*ROOMS, "ports", "conftest.py", "pytest.ini", "build"}
    assert {path.name for path in bundle.parent.parent.iterdir()} >= {"cache", "evidence", "pytest_cache"}
    inside = {path.name for path in (models.site / PACKAGE).iterdir()} - {"__pycache__"}
    assert inside == {*ROOMS, "ports", "pytest.ini", "thresholds.yaml", "__init__.py", "__main__.py", "plugin.py"}


def test_a_failure_names_the_command_that_asks_it_again(said: str, models: Repository, tmp_path: Path) -> None:
    (again,) = {found[0] for found in re.finditer(rf"{COMMAND} --port=.*", said)}
    _, *words = shlex.split(again)
    status, told = models.accept(*words, "--evidence", tmp_path / "evidence", "--collect-only", "-q")
    assert (status, told.splitlines()[0]) == (0, words[-1]), told


def test_the_judge_says_the_same_however_it_is_started(bundle: Path, models: Repository) -> None:
    status, told = models.accept("verify-bundle", bundle)
    assert (status, "VERDICT: REJECTED" in told) == (1, True), told
    alone, packed_judge = [sys.executable, "-S", "-I"], models.folder / "build" / "verify_bundle.pyz"
    assert models.run(*alone, models.site / PACKAGE / "tools" / "verify_bundle.py", bundle) == (status, told)
    assert models.accept("pack-judge")[0] == 0
    assert models.run(*alone, packed_judge, bundle) == (status, told)
    assert models.run(*alone, ROOT / "tools" / "verify_bundle.py", bundle)[0] == status


def test_the_simulators_programs_run_from_where_they_are_installed(models: Repository) -> None:
    status, told = models.run(models.site / PACKAGE / "tools/ascend/simulator/bin/npu-smi", "info")
    assert (status, "310" in told) == (0, True), told


def test_a_command_is_started_by_its_name(models: Repository) -> None:
    status, told = models.accept("show-port", "ports/tiny.yaml")
    assert (status, told.splitlines()[0].split()) == (0, ["schema:", "2", "#", "ports/tiny.yaml:1"]), told
    status, told = models.accept("show-port", "--list")
    assert (status, "resnet50" in told) == (0, True), told


def test_the_help_names_the_command_that_was_typed_and_lists_the_others(models: Repository) -> None:
    status, told = models.accept("--help")
    assert (status, f"usage: {COMMAND} [" in told, "--checkpoint" in told) == (0, True, True), told
    before = told.partition("usage:")[0]
    assert [name for name in ("accept-ports", "show-port", "verify-bundle") if name not in before] == []
    assert "pytest.main()" not in told


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["verify_bundle", "x"], f"error: verify_bundle is no command of {COMMAND}; verify-bundle is. Options begin"),
        (["--basline", "../models/tests"], "--basline is no option of the suite, --baseline is"),
        (["show-port", "ports/none.yaml"], "error: "),
    ],
)
def test_what_is_neither_command_nor_test_is_refused_and_not_run(
    words: list[str], line: str, models: Repository
) -> None:
    status, told = models.accept(*words)
    assert line in told
    assert "of the models" not in told
    assert "Traceback" not in told
    assert status in (2, pytest.ExitCode.USAGE_ERROR)


def test_no_module_of_the_models_stands_before_an_installed_one(models: Repository, tmp_path: Path) -> None:
    other = Repository(tmp_path, models.site)
    for name in ("random.py", "yaml.py"):
        (tmp_path / name).write_text(f"raise SystemExit('{name} of the models')\n", encoding="utf-8")
    words = [
        "--out",
        "out",
        "--checkpoints",
        models.folder / "ports",
        "--",
        "--collect-only",
        "-q",
        "--target=simulator",
    ]
    images = [f"--images={models.folder / 'ports' / 'images'}", f"--labels={models.folder / 'ports' / 'labels.txt'}"]
    status, told = other.accept("accept-ports", models.folder / "ports" / "tiny.yaml", *words, *images)
    assert (status, "of the models" in told) == (2, False), told
    assert "it ended with exit code 0 and left no evidence" in told


LOOK = f"""
import json, sys
from pathlib import Path
from {PACKAGE}.tools.engines import torch_engine
from {PACKAGE}.tools.model.library.facts import default_place
from {PACKAGE}.tools.store.dependencies import dependencies
assert default_place("torchvision:resnet18") == Path("ports", "resnet18.yaml")
print(*sorted(dependencies([torch_engine])), sep="\\n")
"""


def test_what_a_result_depends_on_is_found_below_the_package(models: Repository) -> None:
    from tools.engines import torch_engine
    from tools.store.dependencies import dependencies

    status, told = models.run(sys.executable, "-c", LOOK)
    assert status == 0, told
    ours = {re.sub("^code ", f"code {PACKAGE}.", name) for name in dependencies([torch_engine])}
    assert set(told.splitlines()) - {f"code {PACKAGE}"} == ours


def test_every_file_is_packed_and_what_can_be_executed_stays_so(tree: Path, site: Path) -> None:
    folders = (tree / room for room in (*ROOMS, "ports"))
    names = {path.relative_to(tree) for folder in folders for path in folder.rglob("*") if path.is_file()}
    there = {name for name in names if not name.is_relative_to("fixtures/installed")} - ONLY_IN_A_CHECKOUT
    assert len(there) > 300
    installed = {name: (site / PACKAGE / name) for name in there}
    assert [name for name, path in installed.items() if not path.is_file()] == []
    programs = {name for name in there if (tree / name).stat().st_mode & 0o111}
    assert len(programs) == 5
    assert {name for name, path in installed.items() if path.stat().st_mode & 0o111} == programs
    copied = [name for name in there if name.suffix not in (".py", ".po") or name.is_relative_to("ports")]
    same = [*copied, Path("thresholds.yaml")]
    assert [name for name in same if (tree / name).read_bytes() != (site / PACKAGE / name).read_bytes()] == []


def test_no_module_imports_or_names_another_by_the_name_that_it_has_in_a_checkout(site: Path) -> None:
    left = re.compile(rf"^(?:{'|'.join(ROOMS)})\.\w+[\w.]*$|python tools/|-m tools\.|import tools|from tools")
    found = []
    for path in (site / PACKAGE).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) and not node.level else []
            texts = [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []
            found += [f"{path}: {name}" for name in names if name.partition(".")[0] in ROOMS]
            found += [f"{path}: {text}" for text in texts if left.search(text)]
    assert found == []


def test_the_pins_are_those_of_the_requirements(site: Path) -> None:
    (found,) = metadata.distributions(path=[str(site)])
    pins = re.findall(r"^\w[^\s#]*==\S+", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(pins) > 10
    assert [line for line in found.requires or () if "extra" not in line] == pins


def test_an_editable_install_says_what_to_do_instead(tmp_path: Path) -> None:
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "fixtures" / "installed")}
    command = [sys.executable, "-P", "-m", PACKAGE, "--sample"]
    done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "start pytest in the checkout, or install it without -e" in done.stderr


# --- The sources ---------------------------------------------------------------------------------------------------

KNOWN = Checkout(frozenset({"tools.base.files", "tools.show_port", "fixtures.gates"}), frozenset({"show_port"}))
SOURCES = {
    "from tools.base import files\n": f"from {PACKAGE}.tools.base import files\n",
    "def f():\n    ä = 'ä'; from tools import base\n": f"def f():\n    ä = 'ä'; from {PACKAGE}.tools import base\n",
    "import os, tools.base.files as files\n": f"import os, {PACKAGE}.tools.base.files as files\n",
    "from .tools import x\nfrom toolset import y\n": "from .tools import x\nfrom toolset import y\n",
    "x = ['fixtures.gates', 'tools.no', 'tools']\n": f"x = ['{PACKAGE}.fixtures.gates', 'tools.no', 'tools']\n",
    "x = f'python -m tools.show_port {1}'\n": f"x = f'python -m {PACKAGE}.tools.show_port {{1}}'\n",
    "x = '''see\n python tools/show_port.py or tools/show_port.py'''\n": (
        f"x = '''see\n {COMMAND} show-port or {COMMAND} show-port'''\n"
    ),
    "x = 'tools/base/files.py, mytools/show_port.py'\n": "x = 'tools/base/files.py, mytools/show_port.py'\n",
    "# from tools import x: a comment\n": "# from tools import x: a comment\n",
    "sys.path[0] = str(Path(__file__).resolve().parents[2])\n": (
        "sys.path[0] = str(Path(__file__).resolve().parents[2].parent)\n"
    ),
    "r = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))\n": (
        "r = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(__file__))))\n"
    ),
    "x = Path(__file__).parent / 'a.txt'\n": "x = Path(__file__).parent / 'a.txt'\n",
}


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_under_the_packages_name(source: str) -> None:
    assert renamed("tools/base/x.py", source, KNOWN) == SOURCES[source]


def test_a_message_that_names_a_command_is_found_in_chinese_too() -> None:
    here = '#: tools/show_port.py\nmsgid "see `python tools/show_port.py`"\nmsgstr "见 `python tools/show_port.py`"\n'
    there = '#: tools/show_port.py\nmsgid "see `npu-accept show-port`"\nmsgstr "见 `npu-accept show-port`"\n'
    assert packed("tools/base/zh.po", here.encode(), KNOWN).decode() == there


def test_the_folder_of_the_suites_own_files_is_the_package() -> None:
    source = "ROOT = Path(__file__).resolve().parent.parent.parent\n"
    assert renamed("tools/base/files.py", source, KNOWN) == source


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tools/x.py", "import tools.base.files\n"),
        ("ports/net.py", "from tools.base import files\n"),
        ("pytest.ini", "[pytest]\npythonpath = . selftest\n"),
    ],
)
def test_a_form_that_cannot_be_packed_is_refused(name: str, content: str) -> None:
    with pytest.raises(UnknownFormError, match=name):
        packed(name, content.encode(), KNOWN)


def test_the_packages_pytest_finds_no_other_modules_by_the_suites_names(site: Path) -> None:
    assert PATH_SETTING in (ROOT / "pytest.ini").read_text(encoding="utf-8")
    assert "pythonpath" not in (site / PACKAGE / "pytest.ini").read_text(encoding="utf-8")


# --- At length -----------------------------------------------------------------------------------------------------


@pytest.mark.nightly
def test_a_whole_run_with_workers(models: Repository, tmp_path: Path) -> None:
    places = ["--evidence", tmp_path / "whole", "--cache", tmp_path / "cache"]
    status, told = models.accept(*models.options(), *places, "-q", "-n", "2")
    assert status == 0, told
    record = read_acceptance(tmp_path / "whole")
    assert record.verdict.word is Word.SIMULATED
    assert record.verdict.missing == ()
    status, told = models.accept("verify-bundle", tmp_path / "whole", "--run-id", record.run)
    assert (status, "VERDICT: SIMULATED" in told) == (0, True), told


@pytest.mark.nightly
@pytest.mark.parametrize("here", ["the models", "the suite"])
def test_a_submodule_is_started_from_either_folder(here: str, tree: Path, tmp_path: Path) -> None:
    tiny_port(tmp_path / "ports")
    suite = shutil.copytree(tree, tmp_path / "suite", ignore=OUTSIDE)
    settings = ["-c", "suite/pytest.ini", "--rootdir", "suite", "suite/tests"] if here == "the models" else []
    folder, above = (tmp_path, "") if here == "the models" else (suite, "../")
    names = {"port": "tiny.yaml", "checkpoint": "tiny.pth", "images": "images", "labels": "labels.txt"}
    options = [word for name, file in names.items() for word in (f"--{name}", f"{above}ports/{file}")]
    variables = {**os.environ, "PYTHONPATH": str(suite / "fixtures" / "installed")}  # as pip install -e has it
    command = [sys.executable, "-m", "pytest", *settings, *options, "--target", "simulator", "-m", "preprocessing"]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    assert (done.returncode, "11 passed" in done.stdout) == (0, True), done.stdout + done.stderr
    assert (suite / "build" / "evidence" / "latest" / "acceptance.json").is_file()
