"""The offline planner: a plain search loop that speaks through the chat-model interface."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, Final

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool

from videoseal.core.errors import SpanError
from videoseal.core.span import Span, parse_time
from videoseal.models.offline.matcher import guess, relevance
from videoseal.models.offline.moment import named_moment
from videoseal.models.offline.passages import Passage
from videoseal.models.types import Question

__all__ = ["SearchPolicy"]

_TOOLS: Final = ("visual_retrieve", "overview", "visual_inspect", "give_up")
_LENGTH: Final = re.compile(r"^Video: .*?(\d+:[0-5]\d:[0-5]\d) long\.", re.MULTILINE)
_SPANS: Final = 6
"""Moments in one inspection: about four frames each."""
_LONG: Final = 8.0
"""A text on longer than this tells no moment; one such stretch at most is in an inspection."""
_LOOK: Final = 2.0
"""Seconds in the middle of a moment that are looked at; text stands still."""
_INSPECTIONS: Final = 7
_FAILURES: Final = 3
_LEAST: Final = 0.15
"""Relevance below which a moment speaks of nothing that is asked."""

_Call = tuple[str, dict[str, Any]]


class SearchPolicy(BaseChatModel):
    """Searches with the question, looks at the best hits, then tries the options; no understanding.

    It keeps nothing between calls: each turn it reads the whole conversation and works out the
    next call from it, one call a turn, so it runs under any graph and checkpointer. It never
    answers, unless a tool `finish` is bound to it.
    """

    @property
    def _llm_type(self) -> str:
        return "search-policy-2"

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Offer tools; those it does not know are never called."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        bound = kwargs.get("tools")
        names = [tool["function"]["name"] for tool in bound] if bound is not None else _TOOLS
        known = _Known(messages)
        tool, arguments = _next_call(known, names)
        name = f"call_{len(known.turns) + 1}"
        call = {"name": tool, "args": arguments, "id": name, "type": "tool_call"}
        return ChatResult(generations=[ChatGeneration(message=AIMessage("", tool_calls=[call]))])


class _Known:
    """What the conversation says so far; read anew at every turn."""

    def __init__(self, messages: Sequence[BaseMessage]) -> None:
        """Read a conversation; ValueError when it holds no question."""
        asks = (m.text for m in messages if isinstance(m, HumanMessage) and "Question: " in m.text)
        task = next(asks, "")
        length = _LENGTH.search(task)
        self.question, self.duration = Question.parse(task), parse_time(length[1]) if length else 0
        self.turns = [message for message in messages if isinstance(message, AIMessage)]
        calls = {str(call["id"]): call for turn in self.turns for call in turn.tool_calls}
        self.over = any(call["name"] == "give_up" for call in calls.values())
        self.queries: list[str] = []
        self.texts: dict[tuple[Span, str], None] = {}
        """What searches and the outline brought, best first."""
        self.inspected: list[Span] = []
        self.looks = self.failures = 0
        self.outlined = False
        for message in messages:
            if isinstance(message, ToolMessage) and message.tool_call_id in calls:
                call = calls[message.tool_call_id]
                self._take(call["name"], call["args"], _object(message.text))

    def _take(self, tool: str, args: dict[str, Any], reply: dict[str, Any]) -> None:
        """Add what one tool replied."""
        left, failed = reply.get("left"), "error" in reply
        self.over |= isinstance(left, dict) and left.get("frames") == 0
        self.failures = self.failures + 1 if failed else 0
        found: list[tuple[object, object]] = []
        if tool == "visual_retrieve":
            self.queries.append(str(args.get("query", "")))
            hits = [hit for hit in _list(reply.get("hits")) if isinstance(hit, dict)]
            found = [(hit.get("span"), hit.get("text")) for hit in hits]
        elif tool == "overview":
            self.outlined = True
            found = [str(line).partition(" ")[::2] for line in _list(reply.get("lines"))]
        elif tool == "visual_inspect":
            self.looks += not failed
            spans = args.get("spans") if failed else reply.get("inspected")
            self.inspected += filter(None, map(_span, _list(spans)))
        spanned = ((_span(where), str(text or "").strip()) for where, text in found)
        self.texts |= {(span, text): None for span, text in spanned if span}

    def unseen(self, span: Span) -> bool:
        """Whether its middle was not looked at."""
        return not any(other.contains(span.middle) for other in self.inspected)


def _next_call(known: _Known, tools: Sequence[str]) -> _Call:
    """The next call; the same for the same conversation."""
    stop, coupled = known.over or known.failures >= _FAILURES, "finish" in tools
    if coupled and (stop or known.queries or "visual_retrieve" not in tools):
        return _finish(known)
    text, options = known.question.text, known.question.options
    # Where no text leads anywhere, frames of the whole video are looked at.
    whole = [] if known.looks or not known.duration else [Span(0.0, known.duration)]
    found = None if stop else (
        (None if coupled else _look_at_named_moment(known))
        or _search(known, [text])
        or _look(known)
        or _search(known, [f"{text} {option}" for option in options])
        or (None if known.outlined else ("overview", {}))
        or _inspect(whole)
    )  # fmt: skip
    tried = "; ".join(known.queries)[:300] or "nothing"
    return found or ("give_up", {"reason": f"searched for: {tried}"})


def _search(known: _Known, queries: Iterable[str]) -> _Call | None:
    fresh = (q[-400:].strip() for q in queries if q[-400:].strip() not in known.queries)
    return next((("visual_retrieve", {"query": query}) for query in fresh), None)


def _look_at_named_moment(known: _Known) -> _Call | None:
    moment = named_moment(known.question.text)
    if moment is None or 0 < known.duration <= moment.span.start or not known.unseen(moment.span):
        return None
    return _inspect([moment.span.within(known.duration or moment.span.end)])


def _look(known: _Known) -> _Call | None:
    """Inspect the most telling moments that were not seen yet, if they promise anything."""
    # A caption repeats what a shorter text says better.
    told = [(relevance(known.question, text) * (0.6 if span.duration > _LONG else 1), span)
            for span, text in known.texts]  # fmt: skip
    told.sort(key=lambda pair: -pair[0])
    chosen: list[Span] = []
    for worth, span in told if known.looks < _INSPECTIONS else ():
        long = span.duration > _LONG
        taken = any(other.overlap(span) or (long and other.duration > _LONG) for other in chosen)
        if worth >= max(_LEAST, told[0][0] / 2) and not taken and known.unseen(span):
            chosen.append(span)
    return _inspect([_middle(span, known.duration) for span in chosen[:_SPANS]])


def _middle(span: Span, duration: float) -> Span:
    if span.duration > _LONG:
        return span
    half = max(0.5, min(_LOOK, span.duration) / 2)
    end = min(span.middle + half, duration or span.middle + half)
    return Span(round(max(0.0, span.middle - half), 3), round(end, 3))


def _inspect(spans: Sequence[Span]) -> _Call | None:
    return ("visual_inspect", {"spans": [str(span) for span in sorted(spans)]}) if spans else None


def _finish(known: _Known) -> _Call:
    """The option that the words of the index speak for; the fault that `coupled` is to show."""
    found = [Passage(span.middle, ((text,),)) for span, text in known.texts]
    option = guess(known.question, found)
    if option is None:
        return "finish", {"answer": found[0].text[:500] if found else "unknown", "choice": None}
    answer, letter = known.question.options[option][:2000], known.question.letters[option]
    return "finish", {"answer": answer, "choice": letter}


def _object(text: str) -> dict[str, Any]:
    with suppress(ValueError):
        if isinstance(payload := json.loads(text), dict):
            return payload
    return {"error": "Unreadable"}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _span(text: object) -> Span | None:
    with suppress(SpanError):
        return Span.parse(str(text))
    return None
