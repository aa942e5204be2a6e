"""The planner's conversation as plain chat: tools described, calls and results written as text.

The history is sent as it was said, so every request is the one before it plus something at the
end. `models.reply` reads the calls back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

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
from videoseal.models.reply import CALL_END, CALL_START

__all__ = ["as_text_messages", "brief_rules", "describe_tools"]


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
    if CALL_START not in text:
        calls = [_render(call) for call in message.tool_calls]
        text = "\n".join([text, *calls] if text else calls)
    return AIMessage(text)


def _render(call: ToolCall) -> str:
    body = json.dumps({"name": call["name"], "arguments": call["args"]}, ensure_ascii=False)
    return f"{CALL_START}\n{body}\n{CALL_END}"
