"""Replies are read as the standard means JSON, and tool calls as they were made."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoseal.models.reading.json_text import read_json
from videoseal.models.reply import read_native_calls, read_strict_calls, read_text_calls

CALL = '<tool_call>\n{"name": "look", "arguments": {"query": "a red car"}}\n</tool_call>'
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


NO_CALLS = [
    "",
    "look(query='a')",
    '{"name": "look", "arguments": {}',
    '{"name": "look", "arguments": {}} and more',
    '{"arguments": {}}',
    '{"name": "", "arguments": {}}',
    '{"name": 3, "arguments": {}}',
    '{"name": "look", "arguments": []}',
    '{"name": "look", "arguments": {"a": NaN}}',
    '{"name": "look", "name": "other", "arguments": {}}',
    '{"name": "look", "arguments": {}, "answer": "B"}',
    '["look"]',
    "[" * 50_000,
]
LOOSE = [
    "{'name': 'look', 'arguments': {}}",
    '{"name": "look"}',
    '{"name": "look", "arguments": "{}"}',
    '{"name": "look", "arguments": null}',
    '{"name": "look", "parameters": {}}',
]


@pytest.mark.parametrize("read", [read_text_calls, read_strict_calls])
@pytest.mark.parametrize("body", NO_CALLS)
def test_a_malformed_call_is_an_invalid_one(read, body):
    """It is never guessed into a call, and says what is wrong."""
    calls, (invalid,) = read(f"<tool_call>{body}</tool_call>", 1)
    assert calls == []
    assert invalid["error"]
    assert invalid["id"] == "call_1_0"


@pytest.mark.parametrize("body", LOOSE)
def test_a_loose_call_is_one_but_not_for_a_policy_in_training(body):
    """What is plain is read; who is trained on the form is held to it."""
    text = f"<tool_call>{body}</tool_call>"
    assert [call["args"] for call in read_text_calls(text, 1).calls] == [{}]
    assert read_strict_calls(text, 1).calls == []


@pytest.mark.parametrize("read", [read_text_calls, read_strict_calls])
def test_an_unclosed_call_is_an_invalid_one(read):
    """A reply that was cut off is not run."""
    cut = '<tool_call>{"name": "look", "arguments": {"query": "a'
    calls, (invalid,) = read(cut, 1)
    assert calls == []
    assert "missing" in invalid["error"]


def test_prose_holds_no_call():
    """JSON in a line of words is just text."""
    text = '{"name": "look", "arguments": {}} <final>B</final>'
    assert read_text_calls(text, turn=1) == ([], [])
    assert read_strict_calls(text, turn=1) == ([], [])


@pytest.mark.parametrize("raw", [None, "", {}])
def test_native_calls_without_arguments_or_ids_are_read(raw):
    """With ids of our own, and no arguments."""
    call = {"id": "", "function": {"name": "look", "arguments": raw}}
    (first, second), invalid = read_native_calls([call, call], 5)
    assert [first["id"], second["id"]] == ["call_5_0", "call_5_1"]
    assert (first["args"], invalid) == ({}, [])
