"""A planner's conversation as it stands: the task, what was found, and what was looked at."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from videoseal.core.errors import SpanError
from videoseal.core.span import Span, parse_time
from videoseal.models.types import Question

__all__ = ["Found", "History", "read_history"]

_LENGTH = re.compile(r"^Video: .*?(\d+:[0-5]\d:[0-5]\d) long\.", re.MULTILINE)
_LINE = re.compile(r"^(\S+-\S+)\s+(.*)$")

_MOMENT: Final = 0.5
"""Seconds that an observation is taken to last."""


@dataclass(frozen=True, slots=True)
class Found:
    """A text with its span, as a search or the overview gave it."""

    span: Span
    kind: str
    text: str
    id: int = 0
    """Rises with time, and from top to bottom of a picture."""


@dataclass(slots=True)
class History:
    """What a planner knows; read anew from the messages at every turn."""

    question: Question
    duration: float
    turns: int = 0
    """Messages of the planner so far."""
    queries: list[str] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    """Every hit once, in order of discovery."""
    outline: list[Found] | None = None
    """The overview's lines; None before it was read."""
    inspected: list[Span] = field(default_factory=list)
    inspections: int = 0
    seen: list[Found] = field(default_factory=list)
    """What inspections observed."""
    failures: int = 0
    """Tool failures since the last success."""
    over: bool = False
    """Whether the planner has given up before."""
    frames_left: int | None = None
    steps_left: int | None = None


def read_history(messages: Sequence[BaseMessage]) -> History:
    """Read the conversation; ValueError when it holds no question."""
    task = next((m.text for m in messages if _asks(m)), "")
    history = History(Question.parse(task), _duration(task))
    calls: dict[str, tuple[str, dict[str, Any]]] = {}
    for message in messages:
        if isinstance(message, AIMessage):
            history.turns += 1
            for call in message.tool_calls:
                calls[str(call["id"])] = (call["name"], call["args"])
                history.over |= call["name"] == "give_up"
        elif isinstance(message, ToolMessage):
            name, args = calls.get(message.tool_call_id, ("", {}))
            _result(history, name, args, _payload(message.text))
    return history


def _asks(message: BaseMessage) -> bool:
    return isinstance(message, HumanMessage) and "Question: " in message.text


def _duration(task: str) -> float:
    match = _LENGTH.search(task)
    return parse_time(match.group(1)) if match else 0.0


def _payload(text: str) -> dict[str, Any]:
    try:
        payload = json.loads(text)
    except ValueError:
        return {"error": "Unreadable"}
    return payload if isinstance(payload, dict) else {"error": "Unreadable"}


def _result(history: History, tool: str, args: dict[str, Any], payload: dict[str, Any]) -> None:
    left = payload.get("left")
    if isinstance(left, dict):
        history.frames_left, history.steps_left = left.get("frames"), left.get("steps")
    if tool == "visual_retrieve":
        history.queries.append(str(args.get("query", "")))
    if "error" in payload:
        history.failures += 1
        history.inspected += _spans(args.get("spans"))
        return
    history.failures = 0
    if tool == "visual_retrieve":
        _hits(history, _list(payload.get("hits")))
    elif tool == "overview":
        lines = (_LINE.match(str(line)) for line in _list(payload.get("lines")))
        spans = [(_span(line[1]), line[2]) for line in lines if line]
        history.outline = [Found(span, "overview", text) for span, text in spans if span]
    elif tool == "visual_inspect":
        history.inspections += 1
        history.inspected += _spans(payload.get("inspected"))
        history.seen += filter(None, map(_seen, _list(payload.get("observations"))))


def _seen(observation: object) -> Found | None:
    fields = observation if isinstance(observation, dict) else {}
    try:
        start = parse_time(fields.get("time", ""))
    except SpanError:
        return None
    return Found(Span(start, start + _MOMENT), "seen", str(fields.get("text") or ""))


def _hits(history: History, hits: list[Any]) -> None:
    known = {(found.span, found.text) for found in history.found}
    for hit in hits:
        fields = hit if isinstance(hit, dict) else {}
        span = _span(fields.get("span"))
        text = str(fields.get("text") or "")
        if span and (span, text) not in known:
            known.add((span, text))
            number = fields.get("id")
            place = number if isinstance(number, int) else len(known)
            history.found.append(Found(span, str(fields.get("kind")), text, place))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _spans(value: object) -> list[Span]:
    return [span for item in _list(value) if (span := _span(item))]


def _span(text: object) -> Span | None:
    try:
        return Span.parse(str(text))
    except SpanError:
        return None
