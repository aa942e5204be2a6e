"""Reading what a model replied: past its thoughts, JSON as the standard means it, tool calls.

A call as text is `<tool_call>{"name": ..., "arguments": {...}}</tool_call>`: the form that Qwen
models are trained on and that needs nothing of a server but plain chat.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NamedTuple, NoReturn

from langchain_core.messages import InvalidToolCall, ToolCall

__all__ = [
    "CALL_END",
    "CALL_START",
    "CallParts",
    "after_thoughts",
    "json_part",
    "read_json",
    "read_native_calls",
    "read_text_calls",
]

CALL_START: Final = "<tool_call>"
CALL_END: Final = "</tool_call>"
_THOUGHT: Final = "<think>"
_THOUGHT_END: Final = "</think>"
_MARK: Final = re.compile(f"{CALL_START}|{_THOUGHT}")
_CODE_BLOCK: Final = re.compile(r"\A```(?:json)?\s*\n(.*)\n\s*```\Z", re.DOTALL)
_NUL: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


class CallParts(NamedTuple):
    """The tool calls of one reply, those that can be run and those that cannot be read."""

    calls: list[ToolCall]
    invalid: list[InvalidToolCall]


def after_thoughts(text: str) -> str:
    """What was said after the last thought."""
    return text.rpartition(_THOUGHT_END)[2].strip()


def json_part(text: str) -> str:
    """Without a thought before it and a code fence around it; anything else is left to fail."""
    said = text.strip()
    # A thought comes first or not at all: the JSON itself may quote such a tag from a picture.
    if not said.startswith(("{", "```")):
        said = (said.partition(_THOUGHT_END)[2] or said).strip()
    block = _CODE_BLOCK.match(said)
    return block.group(1) if block else said


def read_json(text: str) -> Any:
    """Read one JSON value; ValueError says where and why it is none.

    NaN, infinities, repeated names, lone surrogates and NUL are errors: a later reader, Postgres
    among them, would refuse them or choose differently.
    """
    if _NUL.search(text):
        raise ValueError("the character NUL is not allowed")
    try:
        value = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_object)
        json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at character {error.pos}") from None
    except UnicodeEncodeError:
        raise ValueError("half of a surrogate pair is not a character") from None
    except RecursionError:
        raise ValueError("nested too deep") from None
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for i, (name, _) in enumerate(pairs) if name in dict(pairs[:i]))
        raise ValueError(f"the name {twice!r:.40} occurs twice in one object")
    return found


def read_native_calls(raw: object, turn: int) -> CallParts:
    """The calls of a message's `tool_calls`; `turn` as in `read_text_calls`."""
    parts = CallParts([], [])
    for number, item in enumerate(raw if isinstance(raw, list) else []):
        entry = item if isinstance(item, dict) else {}
        function = entry.get("function")
        function = function if isinstance(function, dict) else {}
        call_id = str(entry.get("id") or f"call_{turn}_{number}")
        _add(parts, _call(function.get("name"), function.get("arguments") or "", call_id))
    return parts


def read_text_calls(text: str, turn: int) -> CallParts:
    """The calls in a reply; what stands inside `<think>` is thought and not called.

    `turn` numbers the reply within its conversation, so that ids are unique and repeatable.
    """
    parts = CallParts([], [])
    position = _after_open_thought(text)
    while mark := _MARK.search(text, position):
        if mark.group() == _THOUGHT:
            end = text.find(_THOUGHT_END, mark.end())
            position = end if end >= 0 else len(text)
            continue
        call_id = f"call_{turn}_{len(parts.calls) + len(parts.invalid)}"
        call, position = _text_call(text, mark.end(), call_id)
        _add(parts, call)
    return parts


def _add(parts: CallParts, call: ToolCall | InvalidToolCall) -> None:
    if call["type"] == "tool_call":
        parts.calls.append(call)
    else:
        parts.invalid.append(call)


def _after_open_thought(text: str) -> int:
    """Templates that open the thought themselves leave a reply with only its end."""
    end = text.find(_THOUGHT_END)
    return end if end >= 0 and _THOUGHT not in text[:end] else 0


def _text_call(said: str, start: int, call_id: str) -> tuple[ToolCall | InvalidToolCall, int]:
    """The call whose body starts at `start`, and where to look for the next one."""
    body_start = start + len(said[start:]) - len(said[start:].lstrip())
    try:
        _, end = json.JSONDecoder().raw_decode(said, body_start)
        rest = said[end:].lstrip()
        if not rest.startswith(CALL_END):
            raise ValueError(f"{CALL_END} does not follow the JSON object")
        call = _from_object(read_json(said[body_start:end]), call_id)
        return call, len(said) - len(rest) + len(CALL_END)
    except (ValueError, RecursionError) as problem:
        body, closed, _ = said[start:].partition(CALL_END)
        error = f"the call is not JSON: {problem}" if closed else f"{CALL_END} is missing"
        return _invalid(body.strip(), call_id, error), start + len(body) + len(closed)


def _from_object(value: object, call_id: str) -> ToolCall | InvalidToolCall:
    match value:
        # Arguments as text would be a second layer of JSON, which this form does not have.
        case {"name": name, "arguments": arguments, **more} if not (
            more or isinstance(arguments, str)
        ):
            return _call(name, arguments, call_id)
    error = 'a call is an object with exactly "name" and "arguments", the latter an object'
    return _invalid(json.dumps(value, ensure_ascii=False), call_id, error)


def _call(name: object, arguments: object, call_id: str) -> ToolCall | InvalidToolCall:
    """One call from its name and its arguments (JSON text or an object), or what is wrong."""
    raw = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    if not isinstance(name, str) or not name:
        label = name if isinstance(name, str) else None
        return _invalid(raw, call_id, "the call has no name", label)
    if isinstance(arguments, str):
        try:
            arguments = read_json(arguments or "{}")
        except ValueError as problem:
            return _invalid(raw, call_id, f"the arguments are not JSON: {problem}", name)
    if not isinstance(arguments, dict):
        return _invalid(raw, call_id, "the arguments are not a JSON object", name)
    return ToolCall(name=name, args=arguments, id=call_id, type="tool_call")


def _invalid(raw: str, call_id: str, error: str, name: str | None = None) -> InvalidToolCall:
    return InvalidToolCall(name=name, args=raw, id=call_id, error=error, type="invalid_tool_call")
