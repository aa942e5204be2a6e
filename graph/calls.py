"""Reading the planner's turn: one tool call that can be carried out, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, cast
from uuid import uuid4

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, ToolMessage
from pydantic import ValidationError

from videoseal.core.errors import first_fault
from videoseal.core.text import clean_json, clean_text
from videoseal.graph.budget import Left
from videoseal.graph.planner_messages import error_payload, nudge, tool_text
from videoseal.graph.state import Call
from videoseal.tools.schemas import ARGUMENTS, ToolName

__all__ = [
    "ANSWER_PREFIX",
    "NUDGE_PREFIX",
    "Refusal",
    "own_message",
    "read_turn",
    "refuse",
    "replies",
    "turns_of",
]

NUDGE_PREFIX: Final = "nudge-"
"""Ids of messages that the graph writes in the user's place start so."""
ANSWER_PREFIX: Final = "answer-"
"""Ids of messages that tell the outcome start so."""
_SECOND: Final = "Only the first call of a turn is carried out."


class Refusal(NamedTuple):
    """A turn without a call that can be carried out."""

    error: str
    message: str
    ids: list[str]
    """Calls that wait for a reply; empty when nothing was called."""
    tool: str = ""


def turns_of(messages: Sequence[AnyMessage], after: str) -> list[BaseMessage]:
    """The planner's turns and the replies to them: what follows the message with that id."""
    ids = [message.id for message in messages]
    return list(messages[ids.index(after) + 1 :]) if after in ids else []


def own_message(message: AIMessage, step: int) -> AIMessage:
    """The planner's reply with ids of our own where it has none, so that each can be answered.

    What it wrote stays as it is; a message id is always new, since one that repeats would
    replace an earlier message instead of following it.
    """
    taken: set[str] = set()

    def named(call: Any, number: int) -> Any:
        found = clean_text(call.get("id") or "")
        if not found or found in taken:
            found = f"call_{step}_{number}"
        taken.add(found)
        return {**clean_json(call), "id": found}

    calls = [named(call, number) for number, call in enumerate(message.tool_calls)]
    broken = [
        named(call, number)
        for number, call in enumerate(message.invalid_tool_calls, start=len(calls))
    ]
    update = {
        "id": str(uuid4()),
        "content": clean_json(message.content),
        "additional_kwargs": clean_json(message.additional_kwargs),
        "tool_calls": calls,
        "invalid_tool_calls": broken,
    }
    return message.model_copy(update=update)


def read_turn(message: AIMessage, allowed: Sequence[ToolName]) -> Call | Refusal:
    """The first call of a turn, its arguments checked; a Refusal when it cannot be carried out."""
    calls, broken = message.tool_calls, message.invalid_tool_calls
    ids = [str(call["id"]) for call in (*calls, *broken)]
    if not ids:
        return Refusal("NoToolCall", nudge(), [])
    if not calls:
        why = broken[0].get("error") or "the call is not readable"
        return Refusal("BadArguments", str(why), ids, broken[0].get("name") or "")
    name = calls[0]["name"]
    if name not in allowed:
        known = ", ".join(allowed)
        return Refusal("UnknownTool", f"{name!r:.60} is no tool; there are {known}", ids, name)
    try:
        args = ARGUMENTS[cast(ToolName, name)].model_validate(calls[0]["args"])
    except ValidationError as error:
        return Refusal("BadArguments", first_fault(error), ids, name)
    return Call(id=ids[0], tool=name, args=args.model_dump(), refused=ids[1:])


def refuse(refusal: Refusal, left: Left) -> list[BaseMessage]:
    """The replies to a turn that could not be carried out: one to every call, or a nudge."""
    text = tool_text(error_payload(refusal.error, refusal.message), left)
    if not refusal.ids:
        return [HumanMessage(text, id=f"{NUDGE_PREFIX}{uuid4()}")]
    first, *others = refusal.ids
    return [_reply(first, text, failed=True), *_others(others, left)]


def replies(call: Call, payload: dict[str, Any], left: Left) -> list[BaseMessage]:
    """The result of a call, first, then the refusals of those that came with it."""
    result = _reply(call.id, tool_text(payload, left), failed="error" in payload)
    return [result, *_others(call.refused, left)]


def _others(ids: Sequence[str], left: Left) -> list[ToolMessage]:
    text = tool_text(error_payload("OneCallAtATime", _SECOND), left)
    return [_reply(name, text, failed=True) for name in ids]


def _reply(call_id: str, text: str, *, failed: bool) -> ToolMessage:
    status = "error" if failed else "success"
    return ToolMessage(text, tool_call_id=call_id, id=str(uuid4()), status=status)
