"""A line of the table, and what every measurement needs."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from bench.measure import Spread
from tools.judge.spec import Preprocessing


@dataclass(frozen=True)
class Row:
    """One line of the table; `value` is a ratio (times as quick) or a share (of 1), `goal` None where none was set.

    `at_most` is true of a ratio that must not be larger than its goal.
    """

    step: str
    compared: str
    value: Spread
    goal: float | None
    share: bool = False
    at_most: bool = False

    @property
    def met(self) -> bool:
        """Whether the median is on the right side of the goal; True where there is none."""
        if self.goal is None:
            return True
        return self.value.median <= self.goal if self.at_most else self.value.median >= self.goal


@dataclass(frozen=True)
class Setting:
    """What every measurement needs: files, recipe, an empty folder, how many rounds."""

    files: list[Path]
    recipe: Preprocessing
    scratch: Path
    rounds: int

    def fresh(self, name: str) -> Path:
        """An empty folder of this name."""
        folder = self.scratch / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder
