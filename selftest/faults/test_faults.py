"""Every fault of the catalogue turns its own gate red, and no gate before it; a clean world is green."""

from __future__ import annotations

import pytest

from selftest.faults.catalogue import FAULTS, PAGE, page
from selftest.faults.fault import Fault
from selftest.faults.world import World
from tools.gates import INVENTORY
from tools.judge.results import Word


def test_the_clean_world_passes(world: World) -> None:
    outcome = world.run()
    assert outcome.exit_code == 0, outcome.text
    assert outcome.acceptance.verdict.word is Word.SIMULATED, outcome.text
    assert outcome.acceptance.verdict.banner == "SIMULATED (SAMPLE)"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_the_fault_turns_its_gate_red(fault: Fault, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.forget(*fault.remade)
    fault.inject(world, monkeypatch)
    arguments = [argument.format(folder=world.folder) for argument in fault.arguments]
    outcome = world.run(*arguments, sample=fault.sample)
    unexpected = [gate for gate in outcome.failed if gate not in fault.beside]
    assert unexpected[:1] == [fault.gate], outcome.text
    assert outcome.exit_code == 1, outcome.text
    assert outcome.acceptance.verdict.word is Word.REJECTED


def test_every_gate_has_a_fault_that_trips_it() -> None:
    tripped = {fault.gate.partition("[")[0] for fault in FAULTS}
    assert {gate.id for gate in INVENTORY} - tripped == set()


def test_every_fault_names_a_gate_of_the_inventory() -> None:
    assert {fault.gate.partition("[")[0] for fault in FAULTS} <= {gate.id for gate in INVENTORY}


def test_no_two_faults_have_one_name() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


def test_the_table_in_the_docs_is_the_catalogue() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m selftest.faults.catalogue writes it anew"
