"""Chip names of npu-smi, of scripts and of atc are brought to one form before they are compared."""

from __future__ import annotations

import pytest

from tools.base.errors import SuiteError
from tools.judge.soc import FAMILIES, normalise_soc, soc_mismatch

KNOWN = (
    *("310B1", "310B2", "310B3", "310B4", "310P1", "310P3", "310P5", "310P7", "610Lite", "950PR", "950DT"),
    *("910A", "910B", "910PremiumA", "910ProA", "910ProB", "910B1", "910B2", "910B2C", "910B3", "910B4", "910B4-1"),
)
"""As the platform files of CANN 8.1 and newer spell them."""


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("310", "Ascend310"),
        ("Ascend310", "Ascend310"),
        ("310P3", "Ascend310P3"),
        ("Ascend310P3", "Ascend310P3"),
        ("ASCEND310p3", "Ascend310P3"),
        (" P3 ", "Ascend310P3"),
        ("710", "Ascend710"),
        ("310B4", "Ascend310B4"),
        ("910B3", "Ascend910B3"),
        ("910A", "Ascend910A"),
        ("Ascend910_9391", "Ascend910_9391"),
        ("910ProA", "Ascend910ProA"),
        ("910PremiumA", "Ascend910PremiumA"),
        ("ASCEND910proB", "Ascend910ProB"),
        ("910B4-1", "Ascend910B4-1"),
        ("910b2c", "Ascend910B2C"),
        ("Ascend950PR_9579", "Ascend950PR_9579"),
        ("Ascend910_9599", "Ascend910_9599"),
        ("Ascend610Lite", "Ascend610Lite"),
        ("970X2-b", "Ascend970X2-b"),
        ("BS9SX1AA", "BS9SX1AA"),
        ("bs9sx1aa", "bs9sx1aa"),
        ("p3", "Ascend310P3"),
        *((f"ascend{name.lower()}", f"Ascend{name}") for name in KNOWN),
    ],
)
def test_one_form_for_each_chip(name: str, normal: str) -> None:
    assert normalise_soc(name) == normal


def test_a_refusal_shows_the_name_cut_short() -> None:
    with pytest.raises(SuiteError) as caught:
        normalise_soc("x" * 1000)
    said = f"not the name of an Ascend chip; found {'x' * 80!r}; allowed a name like Ascend310P3"
    assert str(caught.value) == said


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Ascend",
        "=Ascend710",
        "310 P3",
        "T4",
        "310-",
        "-310",
        "310__x",
        "Ascend３１０",
        "Ascend310P3;ls",
        "${chip_name}",
    ],
)
def test_anything_else_is_refused(name: str) -> None:
    with pytest.raises(SuiteError, match="not the name of an Ascend chip"):
        normalise_soc(name)


@pytest.mark.parametrize(("family", "member"), FAMILIES.items())
def test_a_member_is_a_chip_of_its_family(family: str, member: str) -> None:
    assert (normalise_soc(family), normalise_soc(member)) == (family, member)
    assert soc_mismatch(member, family) is None


def test_mismatch_names_both_chips() -> None:
    said = "asked for Ascend310, the device is Ascend310P3: an OM built for one chip does not load on another"
    assert soc_mismatch("Ascend310", "310P3") == said


@pytest.mark.parametrize(
    ("asked", "present"),
    [
        *(("310P3", "310"), ("910B3", "310P3"), ("310", "910")),
        *(("910B3", "Ascend910"), ("910A", "Ascend910"), ("Ascend910", "910B3"), ("Ascend310_9", "310")),
    ],
)
def test_a_chip_of_another_family_or_a_longer_name_is_another(asked: str, present: str) -> None:
    assert soc_mismatch(asked, present) is not None


@pytest.mark.parametrize(
    ("asked", "present"),
    [("Ascend310P3", "310P3"), ("Ascend710", "310P3"), ("310P3", "710"), ("Ascend910_9391", "Ascend910")],
)
def test_the_same_chip_under_two_names(asked: str, present: str) -> None:
    assert soc_mismatch(asked, present) is None
