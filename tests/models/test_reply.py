"""JSON is read as the standard means it."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoseal.models.reply import read_json

plain = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | plain,
    lambda inner: st.lists(inner) | st.dictionaries(plain, inner),
    max_leaves=20,
)  # fmt: skip


@given(values, st.booleans())
def test_all_of_json_is_read(value, ascii_only):
    """Reading what was written gives it back."""
    assert read_json(json.dumps(value, ensure_ascii=ascii_only)) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{} {}",
        "{'a': 1}",
        "[1,]",
        "NaN",
        '{"a": Infinity}',
        '{"a": 1, "a": 2}',
        '{"a": {"b": 1, "b": 1}}',
        r'"\ud800"',
        r'"a\u0000"',
        r'"\\\u0000"',
        "[" * 100_000,
        "9" * 5000,
    ],
)
def test_what_another_reader_could_take_otherwise_is_an_error(text):
    """Each fault is a ValueError with words."""
    with pytest.raises(ValueError, match=r"\w"):
        read_json(text)


def test_a_written_backslash_is_not_mistaken_for_nul():
    """Six characters that only look like the escape are text."""
    assert read_json(r'"\\u0000"') == r"\u0000"


@given(st.text())
def test_only_value_errors_come_out(text):
    """Whatever the text is."""
    with contextlib.suppress(ValueError):
        read_json(text)
