"""The offline planner: a plain search policy that speaks through the chat-model interface."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from videoseal.core.span import Span
from videoseal.models.offline.clues import AskedFor, Clue, read_question
from videoseal.models.offline.decide import decide, guess
from videoseal.models.offline.history import (
    LONG,
    Found,
    History,
    Moment,
    looks,
    moments,
    read_history,
)
from videoseal.models.offline.layout import Passage
from videoseal.models.offline.match import find, options_in
from videoseal.models.offline.timing import asks_order, option_spans

__all__ = ["NextCall", "SearchPolicy", "next_call"]

_TOOLS = ("visual_retrieve", "overview", "visual_inspect", "give_up")
_SPANS: Final = 6
"""Moments in one inspection: about four frames each."""
_CLIPS: Final = 1
"""Whole clips in one inspection: they cost eight times as much."""
_GAP_QUERIES: Final = 4
"""Searches for what the first one left open, before anything is looked at."""
_INSPECTIONS: Final = 7
_FAILURES: Final = 3
_LEAST: Final = 0.5
"""Worth below which a moment speaks of nothing that is asked."""
_GLIMPSES: Final = 8
_GLIMPSE_SECONDS: Final = 1.0


class SearchPolicy(BaseChatModel):
    """Searches by the words of the question; no language model, and no understanding.

    It keeps nothing between calls: each turn it reads the whole conversation and works out the
    next call from it, one call a turn, so it runs under any graph and checkpointer. It never
    answers, unless a tool `finish` is bound to it.
    """

    @property
    def _llm_type(self) -> str:
        return "search-policy-1"

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Offer tools; those it does not know are never called."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        bound = kwargs.get("tools")
        names = [tool["function"]["name"] for tool in bound] if bound is not None else _TOOLS
        history = read_history(messages)
        tool, args = next_call(history, names)
        call = {"name": tool, "args": args, "id": f"call_{history.turns + 1}", "type": "tool_call"}
        message = AIMessage(content="", tool_calls=[call])
        return ChatResult(generations=[ChatGeneration(message=message)])


class NextCall(NamedTuple):
    """A tool and its arguments."""

    tool: str
    args: dict[str, Any]


class _View(NamedTuple):
    """What is known at one turn."""

    asked: AskedFor
    history: History
    found: list[Found]
    met: list[Moment]
    """Moments of what was found, the most promising first."""
    links: list[list[str]]
    """Names that lead on, out of the moments that hold the relative clause."""


def next_call(history: History, tools: Sequence[str]) -> NextCall:
    """The next call; the same for the same conversation.

    Keywords of the question first, then what they left open, then each option, then what the
    outline shows, then a few glimpses of what was never seen; then it gives up. Only where
    `finish` is offered does it answer, and then from the words of the index, without a look.
    """
    view = _view(history)
    coupled = "finish" in tools
    if coupled and ("visual_retrieve" not in tools or history.steps_left == 1):
        return _finish(view)
    if history.over or history.failures >= _FAILURES or history.frames_left == 0:
        return _finish(view) if coupled else _give_up(history)
    for query in _first_queries(view):
        if query not in history.queries:
            return NextCall("visual_retrieve", {"query": query})
    if coupled:
        return _finish(view)
    return _times(view) or _look(view) or _search_on(view) or _give_up(history)


def _view(history: History) -> _View:
    asked = read_question(history.question)
    found = [*history.found, *(history.outline or []), *history.seen]
    met = moments(asked, found)
    return _View(asked, history, found, met, _links(asked, met))


def _links(asked: AskedFor, met: Iterable[Moment]) -> list[list[str]]:
    names: list[list[str]] = []
    for moment in _holders(asked, met)[:2]:
        names += [name for name in moment.links if name not in names]
    return names[:4]


def _holders(asked: AskedFor, met: Iterable[Moment]) -> list[Moment]:
    """Moments that speak of all that the question goes by way of; none without such a clause."""
    clause = {clue.tokens for clue in asked.relative if not clue.light}
    return [m for m in met if clause and clause <= {clue.tokens for clue in m.reading.places}]


def _first_queries(view: _View) -> Iterator[str]:
    """The question's keywords, then names that nothing found speaks of, and links to follow."""
    history = view.history
    yield _query(view.asked.clues) or history.question.text[:200]
    gaps = [query for query in _gaps(view) if query and query not in history.queries]
    room = _GAP_QUERIES - (len(history.queries) - 1)
    yield from gaps[: max(0, room) if history.inspections == 0 else 1]


def _gaps(view: _View) -> Iterator[str]:
    asked, met = view.asked, view.met
    if asked.relative:
        if not _holders(asked, met):
            yield _query(asked.relative)
        main = [clue for clue in asked.clues if clue not in asked.relative]
        for name in view.links:
            if not _known(met, name, main):
                yield f"{_query(main)} {' '.join(name)}".strip()
    for clue in asked.hard if len(asked.hard) > 1 else ():
        if not any(clue in moment.reading.places for moment in met):
            yield _query([clue, *asked.soft])
    if asks_order(view.history.question):
        there = {option for moment in met for option in options_in(asked, moment.reading)}
        options = enumerate(view.history.question.options)
        yield from (option[:400] for number, option in options if number not in there)


def _known(met: Iterable[Moment], name: list[str], main: Sequence[Clue]) -> bool:
    """Whether some moment speaks of the name and of all that the question is about."""
    wanted = {clue for clue in main if not clue.light}
    return any(find(name, moment.words) and wanted <= set(moment.reading.places) for moment in met)


def _query(clues: Iterable[Clue]) -> str:
    return " ".join(dict.fromkeys(clue.raw for clue in clues))[:400]


def _times(view: _View) -> NextCall | None:
    """Where options name times and no text speaks of the matter, those times are looked at."""
    spans = option_spans(view.history.question)
    wanted = {clue for clue in view.asked.clues if not clue.light}
    if any(wanted <= set(moment.reading.places) for moment in view.met):
        return None
    unseen = [span for span in _middles(spans) if not _seen(span, view.history.inspected)]
    return _inspect(unseen, view.asked) if unseen else None


def _middles(spans: Iterable[Span]) -> list[Span]:
    return [Span(max(0.0, span.middle - 1), span.middle + 1) for span in spans]


def _look(view: _View) -> NextCall | None:
    """Inspect the best moments that were not seen yet, if they promise anything."""
    history = view.history
    if history.inspections >= _INSPECTIONS:
        return None
    order = asks_order(history.question)
    met = moments(view.asked, view.found, view.links, order=order)
    best = met[0].worth if met else 0.0
    least = 0.5 * best if history.inspections else min(0.5 * best, 1.0)
    chosen: list[Moment] = []
    for moment in met:
        clip = moment.span.duration > LONG
        full = clip and sum(other.span.duration > LONG for other in chosen) >= _CLIPS
        covered = clip and any(moment.span.overlap(other.span) > 0 for other in chosen)
        promising = moment.worth >= max(least, _LEAST) and not (clip and _vague(view, moment))
        if promising and not (full or covered or _seen(moment.span, history.inspected)):
            chosen.append(moment)
    chosen = _with_source(view, met, chosen[:_SPANS])
    return _inspect(looks(chosen, history.duration), view.asked) if chosen else None


def _with_source(view: _View, met: list[Moment], chosen: list[Moment]) -> list[Moment]:
    """Both ends of a link belong into one look: only together do they settle anything."""
    holder = next(iter(_holders(view.asked, met)), None)
    linked = any(find(name, moment.words) for moment in chosen for name in view.links)
    return [holder, *chosen] if linked and holder and holder not in chosen else chosen


def _vague(view: _View, moment: Moment) -> bool:
    """Whether a long stretch speaks of less than half of what the question names."""
    wanted = [clue for clue in view.asked.clues if not clue.light]
    return sum(clue in moment.reading.places for clue in wanted) < len(wanted) / 2


def _seen(span: Span, inspected: Iterable[Span]) -> bool:
    return any(other.contains(span.middle) for other in inspected)


def _search_on(view: _View) -> NextCall | None:
    """Another search, the outline, or a glimpse of what was never seen."""
    history, asked = view.history, view.asked
    words = _query(asked.clues)
    if not option_spans(history.question):
        for option in history.question.options:
            query = f"{words} {option}".strip()[:400]
            if query not in history.queries:
                return NextCall("visual_retrieve", {"query": query})
    if history.outline is None:
        return NextCall("overview", {})
    if history.inspections < _INSPECTIONS and (glimpses := _glimpses(history)):
        return _inspect(glimpses, asked)
    return None


def _glimpses(history: History) -> list[Span]:
    """Where options name times, those; else single seconds spread over the video, once."""
    wanted = _middles(option_spans(history.question))
    if not wanted and history.duration > 2 * _GLIMPSES:
        step = history.duration / _GLIMPSES
        starts = [round((at + 0.5) * step, 1) for at in range(_GLIMPSES)]
        wanted = [Span(start, start + _GLIMPSE_SECONDS) for start in starts]
    return [span for span in wanted if not _seen(span, history.inspected)]


def _inspect(spans: Sequence[Span], asked: AskedFor) -> NextCall:
    look_for = [clue.raw for clue in asked.clues if not clue.light][:6]
    texts = [str(span) for span in sorted(spans)]
    return NextCall("visual_inspect", {"spans": texts, "look_for": look_for})


def _give_up(history: History) -> NextCall:
    tried = "; ".join(history.queries)[:300]
    return NextCall(
        "give_up", {"reason": f"searched for: {tried}" if tried else "nothing to search"}
    )


def _finish(view: _View) -> NextCall:
    """The option that the words of the index speak for; the fault that `coupled` is to show."""
    question = view.history.question
    passages = [Passage(m.span.middle, m.texts, len(m.texts) - 1) for m in view.met]
    decision = decide(question, passages)
    if not question.options:
        text = decision.answer or (passages[0].text if passages else "unknown")
        return NextCall("finish", {"answer": text[:500], "choice": None})
    option = guess(question, passages) if decision.option is None else decision.option
    assert option is not None
    answer, letter = question.options[option][:2000], question.letters[option]
    return NextCall("finish", {"answer": answer, "choice": letter})
