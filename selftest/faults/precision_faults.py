"""Faults of a port that says how wide its OM computes: flags lost, added, unknown, or of another network."""

from __future__ import annotations

import dataclasses

import pytest

from selftest.faults.fault import Catalogue
from selftest.faults.port_faults import OWN, own_port
from selftest.faults.world import World
from tools.ascend import atc

compiling = Catalogue("om")


def precision_port(world: World, flags: str, listed: str = "/depthwise/depthwise.0/Conv\n") -> None:
    """The small port with these flags of atc, and a list of operators beside it."""
    (world.folder / "port").mkdir()
    (world.folder / "port" / "keep.cfg").write_text(listed, encoding="utf-8")
    own_port(world, om=f"{{atc_extra_args: [{flags}]}}")


def rewritten(monkeypatch: pytest.MonkeyPatch, old: str, *new: str) -> None:
    """An atc that stands for another one: it starts the right one with other words."""
    right = atc.argv

    def other(request: atc.AtcRequest) -> list[str]:
        given = tuple(word for word in request.extra_args if word != old) + new
        return right(dataclasses.replace(request, extra_args=given))

    monkeypatch.setattr(atc, "argv", other)


@compiling.fault("a precision mode that the compiler ignores", "om.described[bs1]", *OWN, sample=False)
def mode_ignored(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    precision_port(world, "--precision_mode=must_keep_origin_dtype")
    rewritten(monkeypatch, "--precision_mode=must_keep_origin_dtype")


@compiling.fault("a precision mode that nobody asked for", "om.described[bs1]", *OWN, sample=False)
def mode_added(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    precision_port(world, "")
    rewritten(monkeypatch, "", "--precision_mode=allow_mix_precision")


@compiling.fault("a precision mode that atc does not know", "om.compiled[bs1]", *OWN, sample=False)
def mode_unknown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    precision_port(world, "--precision_mode=banana")


@compiling.fault("a list of operators that the network does not have", "om.compiled[bs1]", *OWN, sample=False)
def nobody_listed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    precision_port(world, "--keep_dtype=keep.cfg", listed="Conv_of_another_network")


@compiling.fault("an output type that the compiler ignores", "om.described[bs1]", *OWN, sample=False)
def output_type_ignored(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    precision_port(world, "--output_type=FP16")
    rewritten(monkeypatch, "--output_type=FP16")
