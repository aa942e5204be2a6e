"""A planner's conversation as it stands: the task, what was found, and what was looked at.

Texts that were found are gathered into moments of the video and ranked for a look.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from videoseal.core.errors import SpanError
from videoseal.core.span import Span, parse_time
from videoseal.models.offline.clues import AskedFor
from videoseal.models.offline.derive import link_names
from videoseal.models.offline.layout import Passage
from videoseal.models.offline.match import Reading, find, read
from videoseal.models.offline.words import Token, is_content
from videoseal.models.types import Question

__all__ = ["LONG", "Found", "History", "Moment", "looks", "moments", "read_history"]

_LENGTH = re.compile(r"^Video: .*?(\d+:[0-5]\d:[0-5]\d) long\.", re.MULTILINE)
_LINE = re.compile(r"^(\S+-\S+)\s+(.*)$")

_MOMENT: Final = 0.5
"""Seconds that an observation is taken to last."""
_TOGETHER: Final = 1.0
"""Seconds by which the middles of two texts of one moment may differ."""
_LOOK: Final = 2.0
"""Seconds in the middle of a moment that are looked at; text stands still."""
_SHORT: Final = 0.5
_HALF: Final = 0.5
LONG: Final = 8.0
"""A text on longer than this tells no moment: a clip's caption."""


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


class Moment(NamedTuple):
    """What stands on the screen at one time, as far as it was found."""

    span: Span
    texts: tuple[str, ...]
    reading: Reading
    worth: float
    """How much of the question it speaks of."""

    @property
    def words(self) -> list[str]:
        """Its words in their compared form."""
        return [token.text for token in self.reading.flat]

    @property
    def links(self) -> list[list[str]]:
        """Names in it that the question does not name, in their compared form."""
        return [[token.text for token in run] for run in link_names(self.reading)]


def moments(
    asked: AskedFor, found: Sequence[Found], names: Sequence[list[str]] = (), *, order: bool = False
) -> list[Moment]:
    """Moments, the most promising first; `names` are names that lead on from other moments.

    Where an `order` is asked for, an option matters as much as a name of the question.
    """
    groups: list[list[Found]] = []
    for item in found:
        for group in groups:
            if _together(group[0].span, item.span):
                group.append(item)
                break
        else:
            groups.append([item])
    ranked = [_moment(asked, group, names, 2.0 if order else 0.5) for group in groups]
    return sorted(ranked, key=lambda moment: -moment.worth)


def looks(chosen: Iterable[Moment], duration: float) -> list[Span]:
    """Short spans to inspect: the middle of a moment, the whole of a clip."""
    return [_look(moment.span, duration) for moment in chosen]


def _together(one: Span, other: Span) -> bool:
    if max(one.duration, other.duration) > LONG:
        return one == other
    return abs(one.middle - other.middle) <= _TOGETHER


def _moment(
    asked: AskedFor, group: Sequence[Found], names: Sequence[list[str]], option: float
) -> Moment:
    ordered = sorted(group, key=lambda item: item.id)
    texts = tuple(dict.fromkeys(item.text for item in ordered))
    span = group[0].span
    reading = read(asked, Passage(span.middle, texts, 0 if len(texts) == 1 else len(texts)))
    worth = sum(2.0 if clue.hard else 0.3 if clue.light else 1.0 for clue in reading.places)
    flat = [token.text for token in reading.flat]
    worth += option * max((_share(words, flat) for words in asked.options), default=0)
    worth += sum(2.0 for name in names if find(name, flat))
    # A caption repeats what a shorter text says better.
    return Moment(span, texts, reading, worth * (0.6 if span.duration > LONG else 1.0))


def _share(option: Sequence[Token], flat: Sequence[str]) -> float:
    """How much of an option stands in a text, from the half of it on: signs come in lines."""
    words = {token.text for token in option if is_content(token)}
    share = len(words.intersection(flat)) / len(words) if words else 0.0
    return share if share >= _HALF else 0.0


def _look(span: Span, duration: float) -> Span:
    if span.duration > LONG:
        return span
    half = max(_SHORT, min(_LOOK, span.duration) / 2)
    end = span.middle + half if duration <= 0 else min(duration, span.middle + half)
    return Span(round(max(0.0, span.middle - half), 3), round(end, 3))
