"""Precision and AIPP in words: what the port asks for, what a handed-in OM tells, and nothing beyond that."""

from __future__ import annotations

import dataclasses

import pytest

from selftest.report.conftest import Written
from tools.base.files import ROOT
from tools.judge.acceptance import Acceptance
from tools.judge.handed_in import HandedIn
from tools.judge.spec import Spec
from tools.ports.spec import PUBLISHED_SPEC, load_port
from tools.report.arithmetic import aipp, precision

ALEXNET = load_port(PUBLISHED_SPEC).spec


def with_flags(*flags: str) -> Spec:
    return dataclasses.replace(ALEXNET, om=dataclasses.replace(ALEXNET.om, atc_extra_args=flags))


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ((), "OM fp16: atc's own choice, the port gives atc no precision mode, input float32, output float32"),
        (
            ("--precision_mode_v2=origin", "--output_type=FP16"),
            "OM origin: the port gives atc that, output_type FP16, input float32, output float16",
        ),
    ],
)
def test_the_ports_flags_say_how_an_om_computes(flags: tuple[str, ...], said: str, accepted: Written) -> None:
    assert precision(accepted.run, with_flags(*flags)) == said


def test_an_om_that_was_handed_in_says_it_itself(accepted: Written) -> None:
    run = accepted.run
    given = HandedIn("om_bs1", "a.om", "0" * 64, 1)
    assert precision(handed(run, given, "--precision_mode=force_fp32"), ALEXNET).startswith(
        "OM force_fp32: the flags in"
    )
    assert precision(handed(run, given), ALEXNET).startswith("OM of unknown precision: an OM that was handed in")


def handed(run: Acceptance, given: HandedIn, *flags: str) -> Acceptance:
    """The run with a handed-in OM that stores these flags."""
    oms = tuple(
        dataclasses.replace(
            entry,
            described=dataclasses.replace(
                entry.described, stored=dataclasses.replace(entry.described.stored, flags=flags)
            ),
        )
        for entry in run.oms
    )
    return dataclasses.replace(run, handed_in=(given,), oms=oms)


def test_int8_is_no_precision_mode_and_without_a_port_nothing_is_said(accepted: Written) -> None:
    int8 = dataclasses.replace(ALEXNET, om=dataclasses.replace(ALEXNET.om, arithmetic="int8"))
    assert precision(accepted.run, int8).startswith("OM int8: quantised before it was handed in")
    assert precision(accepted.run, None) == ""


@pytest.mark.parametrize(
    ("port", "said"),
    [
        ("resnet18", "no AIPP: the host normalises, bins are float32"),
        ("alexnet_aipp", "static AIPP: the chip crops and normalises; uint8 pixels of 256 x 256"),
        (
            "alexnet_jpeg",
            "static AIPP, JPEG input: the chip decodes, resizes, crops and normalises; 256 x 256 YUV420SP",
        ),
    ],
)
def test_aipp_says_what_the_chip_does(port: str, said: str) -> None:
    assert aipp(load_port(ROOT / "ports" / f"{port}.yaml").spec) == said
