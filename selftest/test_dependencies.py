"""What a result depends on is found by reading imports: nothing that makes it may change unnoticed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path
from types import ModuleType

import pytest

from tools.base.files import ROOT
from tools.data import journal, pixels
from tools.engines import streaming, torch_engine
from tools.model import network, torchvision_ops
from tools.store import dependencies as module
from tools.store.dependencies import dependencies

OPTIONAL = {"timm"}
SUITE = sorted(path for path in (ROOT / "tools").rglob("*.py") if "simulator" not in path.parts)


def named(path: Path) -> ModuleType:
    """A module of this file, not imported."""
    found = ModuleType(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
    found.__file__ = str(path)
    return found


@pytest.fixture
def producer(tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """The dependencies of a module of this source."""

    def found(source: str) -> dict[str, str]:
        made = ModuleType("producer")
        made.__file__ = str(tmp_path / "producer.py")
        (tmp_path / "producer.py").write_text(source)
        return dependencies([made])

    return found


def test_a_module_is_known_by_the_digest_of_its_source(producer: Callable[[str], dict[str, str]]) -> None:
    for source in ("VERSION = 1", "VERSION = 2"):
        assert producer(source) == {"code producer": hashlib.sha256(source.encode()).hexdigest()}


@pytest.mark.parametrize(
    "source",
    [
        "import tools.data.journal",
        "from tools.data import journal",
        "from tools.data.journal import make_all",
        "def f():\n    from tools.data.journal import make_all",
        "import importlib\nimportlib.import_module('tools.data.journal')",
        "import importlib\nx = [importlib.import_module('tools.data.journal') for _ in y]",
        "class C:\n    async def f(self):\n        async with x:\n            import tools.data.journal",
        "try:\n    x()\nexcept OSError:\n    from tools.data import journal",
        "try:\n    x()\nexcept* OSError:\n    pass\nelse:\n    from tools.data import journal",
        "try:\n    x()\nfinally:\n    from tools.data import journal",
        "for _ in x:\n    pass\nelse:\n    from tools.data import journal",
        "if x:\n    pass\nelif y:\n    from tools.data import journal",
        "match x:\n    case 1:\n        from tools.data import journal",
    ],
)
def test_what_is_imported_anywhere_counts_with_all_that_it_imports(
    source: str, producer: Callable[[str], dict[str, str]]
) -> None:
    found = producer(source)
    assert {"code producer", *dependencies([journal])} <= set(found)
    assert {"code tools.base.parallel", "code tools.data.preprocess", "version Pillow", "version numpy"} <= set(found)


@pytest.mark.parametrize(
    "source",
    [
        "import json",
        "from collections.abc import Callable",
        "import tqdm",
        "from filelock import FileLock",
        "from . import x",
    ],
)
def test_what_makes_no_result_does_not_count(source: str, producer: Callable[[str], dict[str, str]]) -> None:
    assert set(producer(source)) == {"code producer"}


def test_a_library_that_is_not_installed_is_a_version_too(producer: Callable[[str], dict[str, str]]) -> None:
    assert producer("import no_such_library")["version no_such_library"] == "not installed"


def test_streaming_and_stores_depend_on_the_hand_over_of_images_between_threads() -> None:
    assert "code tools.base.parallel" in dependencies([streaming])
    assert "code tools.base.parallel" in dependencies([pixels])


def test_a_network_depends_on_the_library_that_builds_it_however_it_is_imported() -> None:
    assert {"version torchvision", "version timm", "version torch"} <= set(dependencies([network]))
    assert "version torch" in dependencies([torch_engine])
    assert "version torchvision" in dependencies([torchvision_ops])


def test_every_library_of_the_suite_is_known_by_the_name_it_is_installed_under() -> None:
    found = dependencies(named(path) for path in SUITE)
    libraries = {name.removeprefix("version ") for name in found if name.startswith("version ")}
    assert {"torch", "torchvision", "onnx", "onnxruntime", "Pillow", "PyYAML", "protobuf"} <= libraries
    absent = {name for name in libraries if found[f"version {name}"] == "not installed"}
    assert absent <= OPTIONAL
    assert [name for name in libraries - absent if found[f"version {name}"] != distribution(name).version] == []


def test_every_module_of_the_suite_is_found_by_its_name() -> None:
    found = dependencies([module, *(named(path) for path in SUITE)])
    assert {f"code {named(path).__name__}" for path in SUITE} <= set(found)
