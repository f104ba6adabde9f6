"""The wheel: the whole suite as one package, and what requirements.txt pins as its dependencies.

pyproject.toml says the rest. setuptools takes neither of the two from there: it refuses the line `-e .` of
requirements.txt, and the package is made from folders that stand at the top of a checkout under names of their own.
"""

from __future__ import annotations

import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "fixtures" / "installed"))

from npu_port_acceptance_wheel import PACKAGE, dependencies, write_package  # noqa: E402 - beside what it packs


class BuildPackage(build_py):
    """The step that collects modules; an editable install (requirements.txt) leaves the checkout as it is."""

    def run(self) -> None:
        """Collect what pyproject.toml names, then write the package in its place."""
        super().run()
        if not self.editable_mode:
            write_package(HERE, Path(self.build_lib) / PACKAGE)


setup(install_requires=dependencies(HERE), cmdclass={"build_py": BuildPackage})
