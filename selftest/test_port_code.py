"""The code of a port: what is loaded, and what it is made of, by the names under which keys and evidence know it."""

from __future__ import annotations

import shutil
import sysconfig
from pathlib import Path

import pytest

from tools.base.errors import SpecError
from tools.base.files import sha256_of
from tools.model.code import code_digests, load_function

NET = "import json\nimport numpy\nimport sibling\nfrom inner.part import one\n\n\ndef network():\n    return one\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A port's folder with a module, a sibling and a package."""
    (tmp_path / "inner").mkdir()
    for name, text in {
        "net.py": NET,
        "sibling.py": "TWO = 2\n",
        "inner/__init__.py": "",
        "inner/part.py": "from . import other\none = other.ONE\n",
        "inner/other.py": "ONE = 1\n",
        "unused.py": "",
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_what_is_imported_is_named_below_the_port_and_libraries_by_version(folder: Path) -> None:
    found = code_digests("python:net.py:network", folder)
    files = ("net.py", "sibling.py", "inner/part.py", "inner/other.py", "inner/__init__.py")
    assert {name for name in found if name.startswith("code ")} <= {f"code {name}" for name in files}
    for name in ("net.py", "sibling.py", "inner/part.py", "inner/other.py"):
        assert found[f"code {name}"] == sha256_of(folder / name)
    assert [name for name in found if name.startswith("version ")] == ["version numpy"]
    assert load_function("python:net.py:network", folder)() == 1


def test_the_names_are_the_same_wherever_the_folder_lies(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    link = tmp_path_factory.mktemp("elsewhere") / "link"
    link.symlink_to(folder)
    assert code_digests("python:net.py:network", link) == code_digests("python:net.py:network", folder)


def test_a_changed_line_changes_its_digest_alone(folder: Path) -> None:
    before = code_digests("python:net.py:network", folder)
    (folder / "inner" / "other.py").write_text("ONE = 7\n", encoding="utf-8")
    after = code_digests("python:net.py:network", folder)
    assert {name for name in after if after[name] != before[name]} == {"code inner/other.py"}


@pytest.mark.parametrize("place", ["site-packages", "dist-packages"])
def test_libraries_of_another_environment_are_no_code_of_the_port(
    place: str, folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the user or of a venv's base, where reading torch's sources one by one takes many minutes."""
    packages = tmp_path_factory.mktemp("another") / "lib" / place
    (packages / "one_lib").mkdir(parents=True)
    (packages / "one_lib" / "__init__.py").write_text("", encoding="utf-8")
    (packages / "one_lib-7.dist-info").mkdir()
    (packages / "one_lib-7.dist-info" / "METADATA").write_text("Name: one-lib\nVersion: 7\n", encoding="utf-8")
    (packages / "one_lib-7.dist-info" / "top_level.txt").write_text("one_lib\n", encoding="utf-8")
    monkeypatch.syspath_prepend(packages)
    (folder / "net.py").write_text("import one_lib\n\ndef network(): ...\n", encoding="utf-8")
    found = code_digests("python:net.py:network", folder)
    assert found == {"code net.py": sha256_of(folder / "net.py"), "version one-lib": "7"}


def test_a_port_that_is_installed_is_named_as_elsewhere(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = code_digests("python:net.py:network", folder)
    packages = tmp_path_factory.mktemp("venv") / "site-packages"
    installed = shutil.copytree(folder, packages / "suite" / "ports")
    paths = {**sysconfig.get_paths(), "another": str(packages)}
    monkeypatch.setattr("sysconfig.get_paths", lambda: paths)
    assert code_digests("python:net.py:network", installed) == elsewhere


@pytest.mark.parametrize("name", ["../net.py", "none.py"])
def test_what_is_no_file_of_the_port_is_refused(folder: Path, name: str) -> None:
    (folder / "below").mkdir()
    with pytest.raises(SpecError, match="there is no such module beside the port"):
        code_digests(f"python:{name}:network", folder / "below")
