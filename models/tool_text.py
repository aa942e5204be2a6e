"""The planner's conversation as plain chat: tools described, calls and results written as text.

The history is sent as it was said, so every request is the one before it plus something at the
end. `models.reply` reads the calls back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
)

from videoseal.models.fence import escape_special
from videoseal.models.prompts import render
from videoseal.models.reply import CALL_END, CALL_START, read_text_calls

__all__ = ["as_text_messages", "brief_rules", "describe_tools", "says_its_calls"]

_SHORT: Final = 500


def describe_tools(tools: Sequence[Mapping[str, Any]]) -> str:
    """The tools and the form of a call, for the end of a system prompt."""
    listed = "\n".join(json.dumps(_told(tool), ensure_ascii=False) for tool in tools)
    return render("planner_tools", tools=listed)


def _told(form: Any) -> Any:
    """Without the ends of lists and of short texts: those guide decoding, not the model."""
    if isinstance(form, list):
        return [_told(item) for item in form]
    if not isinstance(form, dict):
        return form
    short = form.get("type") == "string" and form.get("maxLength", _SHORT) < _SHORT
    untold = ("maxItems", "maxLength") if short else ("maxItems",)
    return {name: _told(value) for name, value in form.items() if name not in untold}


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
            found.extend(_turn(message, tools) for message in group)
    return found


def _response(message: BaseMessage) -> str:
    return f"<tool_response>\n{escape_special(message.text)}\n</tool_response>"


def _turn(message: BaseMessage, tools: Sequence[Mapping[str, Any]]) -> BaseMessage:
    if isinstance(message, HumanMessage):
        return HumanMessage(escape_special(message.text))
    if not isinstance(message, AIMessage):
        return message
    text = str(message.text)
    if message.tool_calls and not says_its_calls(message, tools):
        calls = [_render(call) for call in message.tool_calls]
        text = "\n".join([text, *calls] if text else calls)
    return AIMessage(text)


def says_its_calls(message: AIMessage, tools: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the calls of a message stand in its text."""
    text = str(message.text)
    return CALL_START in text or bool(read_text_calls(text, 0, tools).calls)


def _render(call: ToolCall) -> str:
    body = json.dumps({"name": call["name"], "arguments": call["args"]}, ensure_ascii=False)
    return f"{CALL_START}\n{body}\n{CALL_END}"
