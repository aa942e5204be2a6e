"""Reading the planner's turns: the calls that can be carried out, and what is wrong with others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple, cast
from uuid import uuid4

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, ToolMessage
from pydantic import ValidationError

from videoseal.core.errors import first_fault
from videoseal.core.text import clean_json, clean_text
from videoseal.graph.budget import Left
from videoseal.graph.planner_messages import error_payload, nudge, tool_text
from videoseal.models.types import Question
from videoseal.tools.schemas import ARGUMENTS, ToolName

__all__ = [
    "ANSWER_PREFIX",
    "HINT_PREFIX",
    "NUDGE_PREFIX",
    "Call",
    "Refusal",
    "Turn",
    "end_of",
    "insisted",
    "nudged",
    "own_message",
    "read_calls",
    "repeats",
    "reply",
    "tools_used",
    "turns_after",
]

NUDGE_PREFIX: Final = "nudge-"
"""Ids of messages that the graph writes in the user's place start so."""
HINT_PREFIX: Final = "hint-"
"""Ids of messages in which a person helps the search start so."""
ANSWER_PREFIX: Final = "answer-"
"""Ids of messages that tell the outcome start so."""
MAX_CALLS: Final = 8
"""Calls of one turn that are carried out."""
INSISTED: Final = 3
"""Turns in a row that only repeat what was done before they end the search."""
_ENDS: Final = ("give_up", "finish")
_AGAIN: Final = "again"
"""Marks a reply to a call that was made before, or to giving up too early."""


class Call(NamedTuple):
    """A call that can be carried out, its arguments checked."""

    id: str
    tool: ToolName
    args: dict[str, Any]


class Refusal(NamedTuple):
    """A call that cannot, and what the planner reads about it."""

    id: str
    error: str
    message: str
    again: bool = False
    """Whether it only repeats itself."""


class Turn(NamedTuple):
    """One message of the planner with the replies that it got so far."""

    said: AIMessage
    replies: list[BaseMessage]

    def open_calls(self) -> set[str]:
        """Ids of its calls that wait for a reply."""
        called = (*self.said.tool_calls, *self.said.invalid_tool_calls)
        answered = {r.tool_call_id for r in self.replies if isinstance(r, ToolMessage)}
        return {str(call["id"]) for call in called} - answered

    def reply_to(self, call_id: str | None) -> ToolMessage | None:
        """What a call was told, if it was."""
        told = (reply for reply in self.replies if isinstance(reply, ToolMessage))
        return next((reply for reply in told if reply.tool_call_id == call_id), None)

    @property
    def talked(self) -> bool:
        """Whether it called nothing."""
        return not self.said.tool_calls and not self.said.invalid_tool_calls

    @property
    def repeated(self) -> bool:
        """Whether all that it called had been called before."""
        return bool(self.replies) and all(r.additional_kwargs.get(_AGAIN) for r in self.replies)


def turns_after(messages: Sequence[AnyMessage], message_id: str) -> list[Turn]:
    """The planner's turns with their replies: what follows the message with that id."""
    ids = [message.id for message in messages]
    following = messages[ids.index(message_id) + 1 :] if message_id in ids else []
    turns: list[Turn] = []
    for message in following:
        if (message.id or "").startswith(ANSWER_PREFIX):
            continue
        if isinstance(message, AIMessage):
            turns.append(Turn(message, []))
        elif turns:
            turns[-1].replies.append(message)
    return turns


def own_message(message: AIMessage, step: int, taken: Sequence[AnyMessage]) -> AIMessage:
    """The planner's reply with ids of our own where it has none, so that each can be answered.

    What it wrote stays as it is. Its own id stays too, under which it was streamed, unless a
    message of the thread has it: that one would be replaced instead of followed.
    """
    names: set[str] = set()

    def named(call: Any, number: int) -> Any:
        found = clean_text(call.get("id") or "")
        if not found or found in names:
            found = f"call_{step}_{number}"
        names.add(found)
        return {**clean_json(call), "id": found}

    calls = [named(call, number) for number, call in enumerate(message.tool_calls)]
    broken = [
        named(call, number)
        for number, call in enumerate(message.invalid_tool_calls, start=len(calls))
    ]
    known = {other.id for other in taken}
    update = {
        "id": message.id if message.id and message.id not in known else str(uuid4()),
        "content": clean_json(message.content),
        "additional_kwargs": clean_json(message.additional_kwargs),
        "tool_calls": calls,
        "invalid_tool_calls": broken,
    }
    return message.model_copy(update=update)


def read_calls(
    turn: Turn, allowed: Sequence[ToolName], question: Question
) -> tuple[list[Call], list[Refusal]]:
    """The waiting calls of a turn in their order, and those that cannot be carried out."""
    waiting = turn.open_calls()
    calls: list[Call] = []
    refused: list[Refusal] = []
    for wanted in turn.said.tool_calls:
        if wanted["id"] not in waiting:
            continue
        read = _read(wanted, allowed, question)
        made = sum(call.tool not in _ENDS for call in calls)
        if isinstance(read, Call) and read.tool not in _ENDS and made == MAX_CALLS:
            read = Refusal(read.id, "TooManyCalls", f"at most {MAX_CALLS} calls are made in a turn")
        (calls if isinstance(read, Call) else refused).append(cast(Any, read))
    for broken in turn.said.invalid_tool_calls:
        if broken["id"] in waiting:
            why = str(broken.get("error") or "the call is not readable")
            refused.append(Refusal(str(broken["id"]), "BadArguments", why))
    if len(calls) + len(refused) > 1:
        alone = "read the other results first; this is called alone"
        ends = [call for call in calls if call.tool in _ENDS]
        calls = [call for call in calls if call.tool not in _ENDS]
        refused += [Refusal(call.id, "NotAlone", alone) for call in ends]
    return calls, refused


def _read(wanted: Any, allowed: Sequence[ToolName], question: Question) -> Call | Refusal:
    name, call_id = wanted["name"], str(wanted["id"])
    if name not in allowed:
        known = ", ".join(allowed)
        return Refusal(call_id, "UnknownTool", f"{name!r:.60} is no tool; there are {known}")
    try:
        args = ARGUMENTS[cast(ToolName, name)].model_validate(wanted["args"])
    except ValidationError as error:
        return Refusal(call_id, "BadArguments", first_fault(error))
    call = Call(call_id, cast(ToolName, name), args.model_dump())
    if name == "finish" and question.options and question.option(call.args["choice"]) is None:
        choices = f"choice must be one of {', '.join(question.letters)}"
        return Refusal(call_id, "BadArguments", choices)
    return call


def reply(call_id: str, payload: dict[str, Any], left: Left, *, again: bool = False) -> ToolMessage:
    """The result of a call as the planner reads it."""
    return ToolMessage(
        tool_text(payload, left),
        tool_call_id=call_id,
        id=str(uuid4()),
        status="error" if "error" in payload else "success",
        additional_kwargs={_AGAIN: True} if again else {},
    )


def nudged(left: Left) -> HumanMessage:
    """What a turn without a call is told."""
    text = tool_text(error_payload("NoToolCall", nudge()), left)
    return HumanMessage(text, id=f"{NUDGE_PREFIX}{uuid4()}")


def repeats(call: Call, turns: Sequence[Turn]) -> dict[str, Any] | None:
    """What the same call gave before, and at which step; None for a new one, or one that failed."""
    for step, turn in enumerate(turns, start=1):
        for before in turn.said.tool_calls:
            if before["name"] != call.tool or not _same(before, call):
                continue
            told = turn.reply_to(before["id"])
            if told and told.status == "success" and not told.additional_kwargs.get(_AGAIN):
                return {"same_as_step": step, **_payload(told)}
    return None


def _same(before: Any, call: Call) -> bool:
    try:
        args = ARGUMENTS[call.tool].model_validate(before["args"])
    except ValidationError:
        return False
    return args.model_dump() == call.args


def _payload(told: ToolMessage) -> dict[str, Any]:
    try:
        found = json.loads(told.text)
    except ValueError:
        return {}
    found.pop("left", None)
    return cast("dict[str, Any]", found)


def tools_used(turns: Sequence[Turn]) -> set[str]:
    """Tools that gave a result."""
    return {
        call["name"]
        for turn in turns
        for call in turn.said.tool_calls
        if (told := turn.reply_to(call["id"])) and told.status == "success"
    }


def insisted(turns: Sequence[Turn]) -> Literal["gave_up", "repeated"] | None:
    """Whether the last turns only repeated what was done, and how."""
    last = turns[-INSISTED:]
    if len(last) < INSISTED or not all(turn.repeated for turn in last):
        return None
    return "gave_up" if end_of(last[-1]) == "give_up" else "repeated"


def end_of(turn: Turn | None) -> str | None:
    """The tool with which a turn asks for the end of the search, if it does."""
    names = [call["name"] for call in turn.said.tool_calls] if turn else []
    return names[0] if len(names) == 1 and names[0] in _ENDS else None
