"""Records are read strictly: nothing missing, nothing unknown, no other type, and every refusal says where."""

from __future__ import annotations

import dataclasses
import enum
import json
import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.judge.records import RecordError, Rule, plain, read, read_as

if TYPE_CHECKING:
    from typing import Literal

    Percent = float
    Few = int
    Name = str
    Above = float
else:
    Percent = Rule(float, at_least=0, at_most=100)
    Few = Rule(int, at_least=1, at_most=3)
    Name = Rule(str, pattern="^[a-z]+$", not_empty=True)
    Above = Rule(float, more_than=0)


class Colour(enum.Enum):
    """A closed set of words."""

    RED = "red"
    BLUE = "blue"


class Word(str):
    """A text with a type of its own."""

    __slots__ = ()


@dataclass(frozen=True)
class Point:
    """A record inside a record."""

    x: float
    y: float = 0.0


@dataclass(frozen=True)
class Base:
    """What another record inherits, with a type that is known in this module alone."""

    point: Point


@dataclass(frozen=True)
class Everything(Base):
    """A field of each type that a record may have."""

    whole: int
    number: float
    text: str
    truth: bool
    colour: Colour
    word: Word
    mode: Literal["a", "b"]
    level: Literal[1, 2]
    many: tuple[float, ...]
    pair: tuple[int, str]
    points: tuple[Point, ...]
    named: dict[str, int]
    maybe: Point | None
    either: float | str
    percent: Percent
    few: Few
    name: Name
    above: Above
    rated: tuple[Percent, Percent]
    made: tuple[str, ...] = ()
    table: dict[str, float] = dataclasses.field(default_factory=dict)


RECORD = Everything(
    point=Point(1.0, 2.0),
    whole=3,
    number=0.5,
    text="ü\n",
    truth=True,
    colour=Colour.BLUE,
    word=Word("w"),
    mode="b",
    level=2,
    many=(1.0, 2.0),
    pair=(1, "a"),
    points=(Point(0.0), Point(1.0)),
    named={"a": 1},
    maybe=None,
    either="x",
    percent=100.0,
    few=3,
    name="abc",
    above=1e-300,
    rated=(0.0, 100.0),
    made=("m",),
    table={"t": 0.0},
)
PLAIN: dict[str, Any] = plain(RECORD)


def refusal(**changes: object) -> str:
    """What the plain record with other values is refused with."""
    with pytest.raises(RecordError) as caught:
        read(Everything, {**PLAIN, **changes})
    assert str(caught.value) == caught.value.message + (f" - at `$.{caught.value.path}`" if caught.value.path else "")
    return str(caught.value)


def test_a_record_of_every_type_survives_json() -> None:
    again = read(Everything, json.loads(json.dumps(PLAIN)))
    assert again == RECORD
    assert {field.name: type(getattr(again, field.name)) for field in dataclasses.fields(again)} == {
        field.name: type(getattr(RECORD, field.name)) for field in dataclasses.fields(RECORD)
    }


def test_plain_values_are_those_of_json_and_nothing_else() -> None:
    assert (PLAIN["colour"], PLAIN["maybe"], PLAIN["truth"]) == ("blue", None, True)
    assert (PLAIN["pair"], PLAIN["points"]) == ([1, "a"], [{"x": 0.0, "y": 0.0}, {"x": 1.0, "y": 0.0}])
    assert type(PLAIN["word"]) is str
    assert plain({Word("k"): [Colour.RED, (Word("v"),)]}) == {"k": ["red", ["v"]]}
    assert type(plain(Word("w"))) is str


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_json_has_not_stands_there_as_a_text(value: float) -> None:
    document = plain(Point(value, -value))
    assert document == {"x": str(value), "y": str(-value)}
    again = read(Point, json.loads(json.dumps(document, allow_nan=False)))
    assert (str(again.x), str(again.y)) == (str(value), str(-value))


@given(st.floats())
def test_every_number_comes_back_bit_for_bit(value: float) -> None:
    again = read(Point, json.loads(json.dumps(plain(Point(value)))))
    assert (again.x == value, math.copysign(1, again.x)) == (True, math.copysign(1, value)) or math.isnan(value)
    assert math.isnan(again.x) is math.isnan(value)


def test_a_field_with_a_default_may_be_absent_and_gets_one_of_its_own() -> None:
    short = {name: value for name, value in PLAIN.items() if name not in ("made", "table")}
    first, second = read(Everything, short), read(Everything, short)
    assert (first.made, first.table) == ((), {})
    assert first.table is not second.table


def test_whole_numbers_may_stand_for_numbers_and_lists_for_tuples() -> None:
    found = read(Everything, {**PLAIN, "number": 7, "many": (1, 2), "either": 4})
    assert (found.number, type(found.number), found.many, found.either) == (7.0, float, (1.0, 2.0), 4.0)


NOT_OF_THE_TYPE: dict[str, tuple[object, str]] = {
    "whole": (1.0, "Expected `int`, got `float`"),
    "number": ("1", "Expected `float`, got `str`"),
    "text": (1, "Expected `str`, got `int`"),
    "truth": (1, "Expected `bool`, got `int`"),
    "colour": ("green", "Invalid enum value 'green'"),
    "word": (None, "Expected `str`, got `null`"),
    "mode": ("c", "Invalid enum value 'c'"),
    "level": (3, "Invalid enum value 3"),
    "many": ("ab", "Expected `array`, got `str`"),
    "pair": ({}, "Expected `array`, got `object`"),
    "points": (None, "Expected `array`, got `null`"),
    "named": ([], "Expected `object`, got `array`"),
    "maybe": ((1,), "Expected `object`, got `array`"),
    "either": (None, "Expected `float | str`, got `null`"),
    "percent": (True, "Expected `float`, got `bool`"),
    "few": ("1", "Expected `int`, got `str`"),
    "name": (b"abc", "Expected `str`, got `bytes`"),
    "point": ([], "Expected `object`, got `array`"),
}


@pytest.mark.parametrize("field", NOT_OF_THE_TYPE)
def test_a_value_of_another_type_is_refused_where_it_stands(field: str) -> None:
    value, message = NOT_OF_THE_TYPE[field]
    assert refusal(**{field: value}) == f"{message} - at `$.{field}`"


@pytest.mark.parametrize("field", ["whole", "number", "few", "percent", "level"])
def test_a_truth_value_is_no_number(field: str) -> None:
    assert refusal(**{field: True}).endswith(f" - at `$.{field}`")


def test_a_literal_is_of_its_very_type() -> None:
    assert refusal(level=1.0) == "Invalid enum value 1.0 - at `$.level`"
    assert refusal(level="1") == "Invalid enum value '1' - at `$.level`"


def test_the_words_that_there_are_come_with_a_refused_one() -> None:
    for field, words in (("mode", ("a", "b")), ("level", ("1", "2"))):
        with pytest.raises(RecordError) as caught:
            read(Everything, {**PLAIN, field: "c"})
        assert caught.value.allowed == words


@dataclass(frozen=True)
class Ruled:
    """Where one of several types has a rule."""

    value: Few | bool | tuple[int, ...]


def test_a_rule_among_alternatives_is_told_by_its_type() -> None:
    assert (read(Ruled, {"value": True}), read(Ruled, {"value": 3})) == (Ruled(True), Ruled(3))
    with pytest.raises(RecordError, match=r"^Expected `int \| bool \| array`, got `object` - at `\$\.value`$"):
        read(Ruled, {"value": {}})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"points": [{"x": 1}, {"x": "1"}]}, "Expected `float`, got `str` - at `$.points[1].x`"),
        ({"points": [{"x": 1}, {}]}, "Object missing required field `x` - at `$.points[1]`"),
        ({"points": [{"x": 1, "z": 0}]}, "Object contains unknown field `z` - at `$.points[0]`"),
        ({"many": [1, None]}, "Expected `float`, got `null` - at `$.many[1]`"),
        ({"named": {"a": 1, "b": "1"}}, "Expected `int`, got `str` - at `$.named[...]`"),
        ({"maybe": {"y": 1}}, "Object missing required field `x` - at `$.maybe`"),
        ({"maybe": {"x": None}}, "Expected `float`, got `null` - at `$.maybe.x`"),
        ({"pair": [1]}, "Expected `array` of length 2, got 1 - at `$.pair`"),
        ({"pair": [1, "a", 2]}, "Expected `array` of length 2, got 3 - at `$.pair`"),
        ({"pair": ["a", 1]}, "Expected `int`, got `str` - at `$.pair[0]`"),
        ({"rated": [0, 101]}, "Expected `float` <= 100.0 - at `$.rated[1]`"),
        ({"stray": 1}, "Object contains unknown field `stray`"),
    ],
)
def test_a_refusal_says_how_to_get_there(changes: dict[str, object], message: str) -> None:
    assert refusal(**changes) == message


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Everything)])
def test_every_field_without_a_default_must_be_there(field: str) -> None:
    short = {name: value for name, value in PLAIN.items() if name != field}
    if field in ("made", "table"):
        assert getattr(read(Everything, short), field) in ((), {})
    else:
        with pytest.raises(RecordError, match=rf"^Object missing required field `{field}`$"):
            read(Everything, short)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("percent", -0.1, "Expected `float` >= 0.0"),
        ("percent", 100.1, "Expected `float` <= 100.0"),
        ("percent", "nan", "Expected `float` >= 0.0"),
        ("percent", "inf", "Expected `float` <= 100.0"),
        ("percent", "-inf", "Expected `float` >= 0.0"),
        ("few", 0, "Expected `int` >= 1"),
        ("few", 4, "Expected `int` <= 3"),
        ("name", "", "Expected `str` matching regex '^[a-z]+$'"),
        ("name", "a1", "Expected `str` matching regex '^[a-z]+$'"),
        ("above", 0, "Expected `float` > 0.0"),
        ("above", "nan", "Expected `float` > 0.0"),
    ],
)
def test_a_rule_is_refused_in_its_own_words(field: str, value: object, message: str) -> None:
    assert refusal(**{field: value}) == f"{message} - at `$.{field}`"


def test_a_number_that_no_double_holds_or_that_is_none_is_refused() -> None:
    assert refusal(number=10**400) == refusal(number=-(10**400)) == "Number out of range - at `$.number`"
    assert refusal(percent=math.nan) == "Expected `float` >= 0.0 - at `$.percent`"


@pytest.mark.parametrize("sign", [1, -1])
def test_whole_numbers_are_numbers_up_to_the_largest_double(sign: int) -> None:
    largest = sign * int(sys.float_info.max)
    assert read(float, largest) == sign * sys.float_info.max
    with pytest.raises(RecordError, match=r"^Number out of range$"):
        read(float, largest + sign)


@pytest.mark.parametrize("value", ["a\n", "abc\n"])
def test_a_name_ends_where_its_text_ends(value: str) -> None:
    assert refusal(name=value).startswith("Expected `str` matching regex")


def test_an_empty_text_is_refused_where_a_rule_says_so() -> None:
    assert Rule(str, not_empty=True).fault("") == "Expected `str` of length >= 1"
    assert Rule(str, not_empty=True).fault(" ") == ""


@pytest.mark.parametrize("value", [0, 1, 1.5, -2, "nan", "x", True])
def test_of_a_number_or_a_text_the_text_stays_one(value: object) -> None:
    """`nan` is a word where words may stand: an image may have any name."""
    if isinstance(value, bool):
        assert refusal(either=value) == "Expected `float | str`, got `bool` - at `$.either`"
    else:
        found = read(Everything, {**PLAIN, "either": value}).either
        assert (found, type(found)) == (value, str if isinstance(value, str) else float)


@pytest.mark.parametrize("value", [None, [], "x", 1, True])
def test_a_record_is_an_object(value: object) -> None:
    with pytest.raises(RecordError, match="Expected `object`, got "):
        read(Point, value)


@dataclass(frozen=True)
class Even:
    """A record that refuses a value itself."""

    count: int

    def __post_init__(self) -> None:
        if self.count % 2:
            raise ValueError(f"{self.count} is odd")


@dataclass(frozen=True)
class Holder:
    """Where such a record may stand."""

    inside: Even | None


def test_what_a_record_itself_refuses_is_told_with_its_place() -> None:
    assert read(Holder, {"inside": {"count": 2}}).inside == Even(2)
    with pytest.raises(RecordError) as caught:
        read(Holder, {"inside": {"count": 3}})
    assert (caught.value.message, caught.value.path) == ("3 is odd", "inside")


@dataclass(frozen=True)
class Table:
    """Records by a word of a closed set."""

    cells: dict[Colour, Point]


def test_keys_are_read_as_strictly_as_values() -> None:
    assert read(Table, {"cells": {"red": {"x": 1}}}) == Table({Colour.RED: Point(1.0)})
    with pytest.raises(RecordError, match=r"^Invalid enum value 'green' - at `\$\.cells`$"):
        read(Table, {"cells": {"green": {"x": 1}}})


@pytest.mark.parametrize(
    ("annotation", "value", "message"),
    [
        ("None", 1, "Expected `null`, got `int`"),
        ("int | str | None", True, "Expected `int | str | null`, got `bool`"),
        ("tuple[int, ...] | int", "x", "Expected `array | int`, got `str`"),
    ],
)
def test_a_value_that_an_annotation_does_not_allow_is_told_in_its_words(
    annotation: str, value: object, message: str
) -> None:
    for path in ("", "a.b"):
        with pytest.raises(RecordError) as caught:
            read_as(annotation, value, path)
        assert (caught.value.message, caught.value.path) == (message, path)
    with pytest.raises(RecordError) as caught:
        read_as(annotation, value)
    assert str(caught.value) == message


def test_a_refusal_without_a_place_names_none() -> None:
    assert (str(RecordError("odd")), RecordError("odd").path) == ("odd", "")


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        ("int", 3, 3),
        ("float | None", None, None),
        ("float | None", "nan", "nan"),
        ("tuple[str, ...]", ["a"], ("a",)),
        ("list[int]", (1, 2), [1, 2]),
        ("dict[str, tuple[int, ...]]", {"a": [1]}, {"a": (1,)}),
        ("Literal['a'] | int", 1, 1),
    ],
)
def test_a_value_is_read_by_an_annotation(annotation: str, value: object, expected: object) -> None:
    found = read_as(annotation, value)
    assert math.isnan(found) if expected == "nan" else found == expected


@pytest.mark.parametrize("annotation", ["set[int]", "tuple[int, ...] + 1", "1", "a.b"])
def test_what_is_no_annotation_of_a_record_is_a_mistake_of_the_programmer(annotation: str) -> None:
    with pytest.raises(TypeError, match="is no"):
        read_as(annotation, 1)


def test_simple_types_are_read_too_and_others_are_none() -> None:
    assert (read(int, 1), read(str, "a"), read(bool, False), read(Colour, "red")) == (1, "a", False, Colour.RED)
    with pytest.raises(TypeError, match="is no type of a record"):
        read(bytes, b"")
    with pytest.raises(RecordError, match=r"^Expected `int`, got `str` - at `\$\.a\.b`$"):
        read(int, "1", "a.b")
