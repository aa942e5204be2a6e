"""Replies are read as the standard means JSON, and tool calls as they were made."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoseal.models.reply import read_json, read_text_calls

CALL = '<tool_call>\n{"name": "look", "arguments": {"query": "a red car"}}\n</tool_call>'
pieces = st.sampled_from(
    ["<tool_call>", "</tool_call>", "<think>", "</think>", "{", "}", '"name"', ":", "look", CALL]
)
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


def test_a_call_is_read():
    """Name and arguments are taken, and the id is the turn and the place in it."""
    (call,), invalid = read_text_calls(f"I will look.\n{CALL}", turn=4)
    assert (call["name"], call["args"], call["id"]) == ("look", {"query": "a red car"}, "call_4_0")
    assert invalid == []


def test_several_calls_keep_their_order():
    """All calls of a reply are read, good and bad ones numbered together."""
    calls, invalid = read_text_calls(f"{CALL}<tool_call>oops</tool_call>{CALL}", turn=1)
    assert [call["id"] for call in calls] == ["call_1_0", "call_1_2"]
    assert [call["id"] for call in invalid] == ["call_1_1"]


@pytest.mark.parametrize(
    "thought",
    [
        f"<think>{CALL}</think>",
        f"<think>{CALL}",
        f"{CALL} or not</think>",
        f"<think>a</think><think>{CALL}</think>",
        f"<think></think></think><think>{CALL}",
    ],
)
def test_a_call_inside_a_thought_is_not_made(thought):
    """Neither in a closed, an open, nor a thought whose start the template wrote."""
    assert read_text_calls(thought, turn=1) == ([], [])


@pytest.mark.parametrize("thought", ["<think>hm</think>", "hm</think>", "<think>{</think>\n"])
def test_a_call_after_a_thought_is_made(thought):
    """What follows the thought counts."""
    assert len(read_text_calls(thought + CALL, turn=1).calls) == 1


@pytest.mark.parametrize(
    "query", ["</tool_call>", "<tool_call>", "<think>", "}", '"', "\\", "a</tool_call>b"]
)
def test_arguments_may_quote_the_tags(query):
    """A tag inside a JSON string is part of the argument."""
    body = json.dumps({"name": "look", "arguments": {"query": query}})
    (call,), invalid = read_text_calls(f"<tool_call>{body}</tool_call>", turn=1)
    assert call["args"] == {"query": query}
    assert invalid == []


@pytest.mark.parametrize(
    "body",
    [
        "",
        "look(query='a')",
        "{'name': 'look', 'arguments': {}}",
        '{"name": "look", "arguments": {}',
        '{"name": "look", "arguments": {}} and more',
        '{"name": "look"}',
        '{"arguments": {}}',
        '{"name": "", "arguments": {}}',
        '{"name": 3, "arguments": {}}',
        '{"name": "look", "arguments": []}',
        '{"name": "look", "arguments": "{}"}',
        '{"name": "look", "arguments": null}',
        '{"name": "look", "arguments": {"a": NaN}}',
        '{"name": "look", "name": "other", "arguments": {}}',
        '{"name": "look", "arguments": {}, "answer": "B"}',
        '["look"]',
        "[" * 50_000,
    ],
)
def test_a_malformed_call_is_an_invalid_one(body):
    """It is never repaired into a call, and says what is wrong."""
    calls, (invalid,) = read_text_calls(f"<tool_call>{body}</tool_call>", turn=1)
    assert calls == []
    assert invalid["error"]
    assert invalid["id"] == "call_1_0"


def test_an_unclosed_call_is_an_invalid_one():
    """A reply that was cut off is not run."""
    cut = '<tool_call>{"name": "look", "arguments": {"query": "a'
    calls, (invalid,) = read_text_calls(cut, turn=1)
    assert calls == []
    assert "missing" in invalid["error"]


def test_prose_holds_no_call():
    """JSON without the tags is just text."""
    text = '{"name": "look", "arguments": {}} <final>B</final>'
    assert read_text_calls(text, turn=1) == ([], [])


@given(st.lists(pieces | st.text(max_size=4)).map("".join))
def test_reading_never_fails(text):
    """Any text is some calls and some invalid calls, and nothing of a thought that never ended."""
    calls, invalid = read_text_calls(text, turn=2)
    ids = [call["id"] for call in [*calls, *invalid]]
    assert len(set(ids)) == len(ids)
    assert all(isinstance(call["args"], dict) and call["name"] for call in calls)
