"""The tool calls in a planner's reply, natively or as text.

The form that a text prompt describes is `<tool_call>{"name": ..., "arguments": {...}}</tool_call>`;
whatever other dialect a model was trained on is read as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from langchain_core.messages import InvalidToolCall, ToolCall

from videoseal.core.text import clean_json
from videoseal.models.reading.dialects import Meant, meant_calls
from videoseal.models.reading.json_text import after_thoughts, read_json, read_value

__all__ = [
    "CALL_END",
    "CALL_START",
    "CallParts",
    "call_example",
    "read_native_calls",
    "read_strict_calls",
    "read_text_calls",
]

CALL_START: Final = "<tool_call>"
CALL_END: Final = "</tool_call>"


class CallParts(NamedTuple):
    """The tool calls of one reply, those that can be run and those that cannot be read."""

    calls: list[ToolCall]
    invalid: list[InvalidToolCall]


def read_native_calls(raw: object, turn: int) -> CallParts:
    """The calls of a message's `tool_calls`; `turn` as in `read_text_calls`."""
    parts = CallParts([], [])
    for number, item in enumerate(raw if isinstance(raw, list) else []):
        entry = item if isinstance(item, dict) else {}
        function = entry.get("function")
        function = function if isinstance(function, dict) else {}
        found = Meant(function.get("name"), function.get("arguments"))
        _add(parts, found, str(entry.get("id") or f"call_{turn}_{number}"))
    return parts


def read_text_calls(
    text: str, turn: int, tools: Sequence[Mapping[str, Any]] = (), *, finished: bool = True
) -> CallParts:
    """The calls in a reply, in any dialect; `tools` are those that it was told of.

    `turn` numbers the reply within its conversation, so that ids are unique and repeatable; what
    was not `finished` was cut by a limit.
    """
    parts = CallParts([], [])
    for number, found in enumerate(meant_calls(text, tools, finished=finished)):
        _add(parts, found, f"call_{turn}_{number}")
    return parts


def read_strict_calls(text: str, turn: int) -> CallParts:
    """The calls that are written exactly in the form that a text prompt describes.

    All others between tags are invalid; a policy in training is held to it.
    """
    parts = CallParts([], [])
    said, position = after_thoughts(text), 0
    while (start := said.find(CALL_START, position)) >= 0:
        start += len(CALL_START)
        position, found = _strict(said, start)
        _add(parts, found, f"call_{turn}_{len(parts.calls) + len(parts.invalid)}")
    return parts


def call_example(tools: Sequence[Mapping[str, Any]], name: str | None = None) -> str:
    """A call to copy: of the named tool, else of the first."""
    functions = {tool["function"]["name"]: tool["function"] for tool in tools}
    function = functions.get(name) or next(iter(functions.values()))
    form = function["parameters"]
    arguments = {field: _sample(form["properties"][field]) for field in form.get("required", [])}
    body = json.dumps({"name": function["name"], "arguments": arguments})
    return f"{CALL_START}{body}{CALL_END}"


def _sample(form: Mapping[str, Any]) -> object:
    said = "00:01:00-00:01:16" if "HH:MM:SS" in form.get("description", "") else "..."
    return [said] if form.get("type") == "array" else said


def _strict(said: str, start: int) -> tuple[int, Meant]:
    """The call that begins there, and where its tag ends."""
    error = f"{CALL_END} is missing"
    for found in re.finditer(CALL_END, said[start:]):
        body, end = said[start : start + found.start()], start + found.end()
        try:
            value = read_json(body)
        except ValueError as problem:
            error = f"the call is not JSON: {problem}"
            continue
        match value:
            case {"name": name, "arguments": dict() as arguments, **more} if not more:
                return end, Meant(name, arguments)
        error = 'a call is an object with exactly "name" and "arguments", the latter an object'
        break
    body, closed, _ = said[start:].partition(CALL_END)
    return start + len(body) + len(closed), Meant(None, body.strip(), error)


def _add(parts: CallParts, found: Meant, call_id: str) -> None:
    """One call from its name and its arguments (JSON text or an object), or what is wrong."""
    name, arguments, error = found
    raw = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    label = name if isinstance(name, str) and name else None
    error = error or ("" if label else "the call has no name")
    if not error and isinstance(arguments, str):
        try:
            arguments = read_value(arguments) if arguments.strip() else {}
            error = "" if arguments is not None else "the arguments are null"
        except ValueError as problem:
            error = f"the arguments are not JSON: {problem}"
    if isinstance(arguments, list) and len(arguments) == 1:
        arguments = arguments[0]
    arguments = {} if arguments is None else clean_json(arguments)
    if not error and not isinstance(arguments, dict):
        error = "the arguments are not a JSON object"
    if not error and not _finite(arguments):
        error = "the arguments hold a number that JSON does not have"
    if error or not isinstance(arguments, dict):
        parts.invalid.append(
            InvalidToolCall(name=label, args=raw, id=call_id, error=error, type="invalid_tool_call")
        )
    else:
        parts.calls.append(ToolCall(name=str(label), args=arguments, id=call_id, type="tool_call"))


def _finite(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True
