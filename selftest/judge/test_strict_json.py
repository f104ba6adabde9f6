"""JSON on which readers disagree is refused, everything else is read as json reads it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.judge.strict_json import LARGEST_WHOLE, parse

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-LARGEST_WHOLE, LARGEST_WHOLE)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES, st.booleans())
def test_what_is_unambiguous_is_read_as_it_was_written(value: object, escaped: bool) -> None:
    assert parse(json.dumps(value, ensure_ascii=escaped).encode()) == value


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": 1, "b": 2, "a": 1}', "key 'a' stands there twice"),
        (b'[{"a": {"x": 1, "x": 1}}]', "key 'x' stands there twice"),
        (b'{"%s": 1, "%s": 2}' % (b"k" * 99, b"k" * 99), f"key {'k' * 60!r} stands there twice"),
        (b"[NaN]", "NaN is no number"),
        (b"[Infinity]", "Infinity is no number"),
        (b"[-Infinity]", "-Infinity is no number"),
        (b"[1e999]", "1e999 is too large for a number"),
        (b"[9" + b"0" * 400 + b".0]", "9" + "0" * 39 + " is too large for a number"),
        (b"[-1e999]", "-1e999 is too large for a number"),
        (b"[9223372036854775808]", "9223372036854775808 is too large for a whole number"),
        (b"[-9223372036854775808]", "-9223372036854775808 is too large for a whole number"),
        (b"[" + b"9" * 5000 + b"]", "9" * 40 + " is too large for a whole number"),
        (b"[" * 200_000, "nested too deeply"),
    ],
)
def test_what_readers_disagree_on_is_refused_in_words(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse(content)
    assert str(caught.value) == message


NO_JSON = [
    *(b"", b"[1", b"[1] 2", b"\xff", b"{'a': 1}", b"[01]", b"\xef\xbb\xbf[]"),
    *(b'"\\ud800"', b'["a", "x\\uDBFFy"]'),
]


@pytest.mark.parametrize("content", NO_JSON)
def test_what_is_no_json_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(content)


@pytest.mark.parametrize("largest", [9223372036854775807, -9223372036854775807])
def test_whole_numbers_reach_to_what_64_bits_hold(largest: int) -> None:
    assert parse(f"[{largest}]".encode()) == [largest]


def test_a_whole_surrogate_pair_is_a_text() -> None:
    assert parse(b'"\\ud83d\\ude00"') == "\U0001f600"
