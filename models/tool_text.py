"""Tool calls as text: `<tool_call>{"name": ..., "arguments": {...}}</tool_call>`.

The form that Qwen models are trained on and that needs nothing of a server but plain chat. The
history is sent as it was said, so every request is the one before it plus something at the end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    InvalidToolCall,
    SystemMessage,
    ToolCall,
    ToolMessage,
)

from videoseal.models.fence import escape_special
from videoseal.models.prompts import render
from videoseal.models.strict_json import read_json

__all__ = [
    "CallParts",
    "as_text_messages",
    "brief_rules",
    "describe_tools",
    "read_call",
    "read_text_calls",
]

_OPEN: Final = "<tool_call>"
_CLOSE: Final = "</tool_call>"
_THOUGHT: Final = "<think>"
_THOUGHT_END: Final = "</think>"
_MARK: Final = re.compile(f"{_OPEN}|{_THOUGHT}")


class CallParts(NamedTuple):
    """The tool calls of one reply, those that can be run and those that cannot be read."""

    calls: list[ToolCall]
    invalid: list[InvalidToolCall]


def read_call(name: object, arguments: object, call_id: str) -> ToolCall | InvalidToolCall:
    """One call from its name and its arguments (JSON text or an object), or what is wrong."""
    raw = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    error = ""
    if not isinstance(name, str) or not name:
        error = "the call has no name"
    elif isinstance(arguments, str):
        try:
            arguments = read_json(arguments or "{}")
        except ValueError as problem:
            error = f"the arguments are not JSON: {problem}"
    if not error and not isinstance(arguments, dict):
        error = "the arguments are not a JSON object"
    if error or not isinstance(arguments, dict):
        label = name if isinstance(name, str) else None
        return InvalidToolCall(
            name=label, args=raw, id=call_id, error=error, type="invalid_tool_call"
        )
    return ToolCall(name=str(name), args=arguments, id=call_id, type="tool_call")


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
        call, position = _read_at(text, mark.end(), call_id)
        if call["type"] == "tool_call":
            parts.calls.append(call)
        else:
            parts.invalid.append(call)
    return parts


def _after_open_thought(text: str) -> int:
    """Templates that open the thought themselves leave a reply with only its end."""
    end = text.find(_THOUGHT_END)
    return end if end >= 0 and _THOUGHT not in text[:end] else 0


def _read_at(said: str, start: int, call_id: str) -> tuple[ToolCall | InvalidToolCall, int]:
    """The call whose body starts at `start`, and where to look for the next one."""
    body_start = start + len(said[start:]) - len(said[start:].lstrip())
    try:
        _, end = json.JSONDecoder().raw_decode(said, body_start)
        rest = said[end:].lstrip()
        if not rest.startswith(_CLOSE):
            raise ValueError(f"{_CLOSE} does not follow the JSON object")
        call = _from_object(read_json(said[body_start:end]), call_id)
        return call, len(said) - len(rest) + len(_CLOSE)
    except (ValueError, RecursionError) as problem:
        body, closed, _ = said[start:].partition(_CLOSE)
        error = f"the call is not JSON: {problem}" if closed else f"{_CLOSE} is missing"
        invalid = InvalidToolCall(
            name=None, args=body.strip(), id=call_id, error=error, type="invalid_tool_call"
        )
        return invalid, start + len(body) + len(closed)


def _from_object(value: object, call_id: str) -> ToolCall | InvalidToolCall:
    match value:
        # Arguments as text would be a second layer of JSON, which this form does not have.
        case {"name": name, "arguments": arguments, **more} if not (
            more or isinstance(arguments, str)
        ):
            return read_call(name, arguments, call_id)
    return InvalidToolCall(
        name=None,
        args=json.dumps(value, ensure_ascii=False),
        id=call_id,
        error='a call is an object with exactly "name" and "arguments", the latter an object',
        type="invalid_tool_call",
    )


def describe_tools(tools: Sequence[Mapping[str, Any]]) -> str:
    """The tools and the form of a call, for the end of a system prompt."""
    listed = "\n".join(json.dumps(tool, ensure_ascii=False) for tool in tools)
    return render("planner_tools", tools=listed)


def brief_rules(tools: Sequence[Mapping[str, Any]]) -> str:
    """A system prompt of some hundred tokens, for a small planner that was trained on it."""
    listed = "\n".join(_signature(tool["function"]) for tool in tools)
    return render("planner_brief", tools=listed)


def _signature(function: Mapping[str, Any]) -> str:
    needed = set(function["parameters"].get("required", []))
    names = function["parameters"].get("properties", {})
    listed = ", ".join(name if name in needed else f"{name}?" for name in names)
    return f"{function['name']}({listed})"


def as_text_messages(
    messages: Sequence[BaseMessage], tools: Sequence[Mapping[str, Any]], *, brief: bool = False
) -> list[BaseMessage]:
    """The conversation as plain chat: tools in the system prompt, results in user turns.

    `brief` puts `brief_rules` in the place of the whole system prompt.
    """
    head = [m for m in messages[:1] if isinstance(m, SystemMessage)]
    parts = [str(message.text) for message in head] + ([describe_tools(tools)] if tools else [])
    if brief and tools:
        parts = [brief_rules(tools)]
    found: list[BaseMessage] = [SystemMessage("\n\n".join(parts))] if parts else []
    for is_result, group in groupby(messages[len(head) :], lambda m: isinstance(m, ToolMessage)):
        if is_result:
            found.append(HumanMessage("\n".join(_response(message) for message in group)))
        else:
            found.extend(_turn(message) for message in group)
    return found


def _response(message: BaseMessage) -> str:
    return f"<tool_response>\n{escape_special(message.text)}\n</tool_response>"


def _turn(message: BaseMessage) -> BaseMessage:
    if isinstance(message, HumanMessage):
        return HumanMessage(escape_special(message.text))
    if not isinstance(message, AIMessage):
        return message
    text = str(message.text)
    if _OPEN not in text:
        calls = [_render(call) for call in message.tool_calls]
        text = "\n".join([text, *calls] if text else calls)
    return AIMessage(text)


def _render(call: ToolCall) -> str:
    body = json.dumps({"name": call["name"], "arguments": call["args"]}, ensure_ascii=False)
    return f"{_OPEN}\n{body}\n{_CLOSE}"
