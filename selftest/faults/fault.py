"""What a fault is: a name, the gate that must go red, and how it gets into a world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from selftest.faults.world import World
from tools.judge.results import Verdict

Inject = Callable[[World, pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Fault:
    """One small, real fault.

    `gate` (full id) must be the first gate of the inventory to fail; `remade` are the kinds of artifacts that the
    fault changes, dropped from the world's cache first; `arguments` select the part of the suite to run and name
    inputs (`{folder}` is the world's); `sample` runs on the embedded sample, else inputs are named by the arguments.
    `beside` are gates of the same stage, earlier in the inventory, that the fault cannot help failing too. `verdict`
    is what the gate must say: INCONCLUSIVE, which fails a run on a device too, where more runs could still acquit.
    """

    name: str
    gate: str
    inject: Inject
    remade: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    sample: bool = True
    beside: tuple[str, ...] = ()
    verdict: Verdict = Verdict.FAIL


class Catalogue:
    """A list of faults that is filled by a decorator on each fault's injection."""

    def __init__(self, *stages: str, remade: tuple[str, ...] = ()) -> None:
        self.faults: list[Fault] = []
        self.select = ("-m", " or ".join(stages))
        self._remade = remade

    def fault(
        self,
        name: str,
        gate: str,
        *arguments: str,
        sample: bool = True,
        beside: tuple[str, ...] = (),
        verdict: Verdict = Verdict.FAIL,
        remade: tuple[str, ...] | None = None,
    ) -> Callable[[Inject], Inject]:
        """Enter a fault: `@catalogue.fault("what happens", "gate.that.sees.it")`; with its own `remade`."""

        def enter(inject: Inject) -> Inject:
            words, made = (*self.select, *arguments), self._remade if remade is None else remade
            self.faults.append(Fault(name, gate, inject, made, words, sample, beside, verdict))
            return inject

        return enter
