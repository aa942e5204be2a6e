"""Where to look next: the plain rules of the offline planner."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from core.offline.clues import Asked, Clue, read_question
from core.offline.decide import decide, guess
from core.offline.history import History
from core.offline.layout import Passage
from core.offline.match import find, options_in
from core.offline.moments import Moment, looks, moments
from core.offline.timing import asks_order, option_spans
from core.span import Span

__all__ = ["Call", "next_call"]

_SPANS: Final = 6
"""Moments in one inspection: about four frames each."""
_CLIPS: Final = 1
"""Whole clips in one inspection: they cost eight times as much."""
_GAP_QUERIES: Final = 4
"""Searches for what the first one left open, before anything is looked at."""
_INSPECTIONS: Final = 7
_FAILURES: Final = 3
_GLIMPSES: Final = 8
_GLIMPSE_SECONDS: Final = 1.0


class Call(NamedTuple):
    """A tool and its arguments."""

    tool: str
    args: dict[str, Any]


def next_call(history: History, tools: Sequence[str]) -> Call:
    """The next call; the same for the same conversation.

    Keywords of the question first, then what they left open, then each option, then what the
    outline shows, then a few glimpses of what was never seen; then it gives up. Only where
    `finish` is offered does it answer, and then from the words of the index, without a look.
    """
    asked = read_question(history.question)
    coupled = "finish" in tools
    if coupled and ("visual_retrieve" not in tools or history.steps_left == 1):
        return _finish(history)
    if history.over or history.failures >= _FAILURES or history.frames_left == 0:
        return _finish(history) if coupled else _give_up(history)
    for query in _first_queries(asked, history):
        if query not in history.queries:
            return Call("visual_retrieve", {"query": query})
    if coupled:
        return _finish(history)
    return _look(asked, history) or _search_on(asked, history) or _give_up(history)


def _first_queries(asked: Asked, history: History) -> Iterator[str]:
    """The question's keywords, then names that nothing found speaks of, and links to follow."""
    yield _query(asked.clues) or history.question.text[:200]
    gaps = [query for query in _gaps(asked, history) if query not in history.queries]
    room = _GAP_QUERIES - (len(history.queries) - 1)
    yield from gaps[: max(0, room) if history.inspections == 0 else 1]


def _gaps(asked: Asked, history: History) -> Iterator[str]:
    met = moments(asked, history.found)
    main = [clue for clue in asked.clues if clue not in asked.relative]
    if asked.relative:
        clause = {clue.tokens for clue in asked.relative if not clue.light}
        holders = [m for m in met if clause <= {clue.tokens for clue in m.reading.places}]
        if not holders:
            yield _query(asked.relative)
        for name in _links(holders):
            if not _known(met, name, main):
                yield f"{_query(main)} {' '.join(name)}".strip()
    for clue in asked.hard if len(asked.hard) > 1 else ():
        if not any(clue in moment.reading.places for moment in met):
            yield _query([clue, *asked.soft])
    if asks_order(history.question):
        met_options = {option for m in met for option in options_in(asked, m.reading)}
        for number, option in enumerate(history.question.options):
            if number not in met_options:
                yield option[:400]


def _links(holders: Iterable[Moment]) -> list[list[str]]:
    """Names that lead on, out of the best moments that hold the relative clause."""
    names: list[list[str]] = []
    for moment in list(holders)[:2]:
        names += [name for name in moment.links if name not in names]
    return names[:4]


def _known(met: Iterable[Moment], name: list[str], main: Sequence[Clue]) -> bool:
    """Whether some moment speaks of the name and of all that the question is about."""
    wanted = {clue for clue in main if not clue.light}
    return any(
        find(name, [token.text for token in moment.reading.flat])
        and wanted <= set(moment.reading.places)
        for moment in met
    )


def _query(clues: Iterable[Clue]) -> str:
    return " ".join(dict.fromkeys(clue.raw for clue in clues))[:400]


def _look(asked: Asked, history: History) -> Call | None:
    """Inspect the best moments that were not seen yet, if they promise anything."""
    if history.inspections >= _INSPECTIONS:
        return None
    clause = {clue.tokens for clue in asked.relative if not clue.light}
    met = moments(asked, history.found)
    holders = [m for m in met if clause and clause <= {c.tokens for c in m.reading.places}]
    met = moments(asked, history.found, _links(holders), order=asks_order(history.question))
    unseen = [moment for moment in met if not _seen(moment.span, history.inspected)]
    best = met[0].worth if met else 0.0
    least = 0.5 * best if history.inspections else min(0.5 * best, 1.0)
    chosen: list[Moment] = []
    clips = 0
    for moment in unseen:
        clip = moment.span.duration > _LONGEST_MOMENT
        covered = clip and any(moment.span.overlap(other.span) > 0 for other in chosen)
        if moment.worth < least or covered or (clip and clips >= _CLIPS):
            continue
        clips += clip
        chosen.append(moment)
    return _inspect(looks(chosen[:_SPANS], history.duration), asked) if chosen else None


_LONGEST_MOMENT: Final = 8.0


def _seen(span: Span, inspected: Iterable[Span]) -> bool:
    return any(other.contains(span.middle) for other in inspected)


def _search_on(asked: Asked, history: History) -> Call | None:
    """Another search, the outline, or a glimpse of what was never seen."""
    words = _query(asked.clues)
    if not option_spans(history.question):
        for option in history.question.options:
            query = f"{words} {option}".strip()[:400]
            if query not in history.queries:
                return Call("visual_retrieve", {"query": query})
    if history.outline is None:
        return Call("overview", {})
    if history.inspections < _INSPECTIONS and (glimpses := _glimpses(history)):
        return _inspect(glimpses, asked)
    return None


def _glimpses(history: History) -> list[Span]:
    """Where options name times, those; else single seconds spread over the video, once."""
    spans = option_spans(history.question)
    wanted = [Span(max(0.0, s.middle - 1), s.middle + 1) for s in spans]
    if not wanted and history.duration > 2 * _GLIMPSES:
        step = history.duration / _GLIMPSES
        starts = [round((at + 0.5) * step, 1) for at in range(_GLIMPSES)]
        wanted = [Span(start, start + _GLIMPSE_SECONDS) for start in starts]
    return [span for span in wanted if not _seen(span, history.inspected)]


def _inspect(spans: Sequence[Span], asked: Asked) -> Call:
    look_for = [clue.raw for clue in asked.clues if not clue.light][:6]
    texts = [str(span) for span in sorted(spans)]
    return Call("visual_inspect", {"spans": texts, "look_for": look_for})


def _give_up(history: History) -> Call:
    tried = "; ".join(history.queries)[:300]
    return Call("give_up", {"reason": f"searched for: {tried}" if tried else "nothing to search"})


def _finish(history: History) -> Call:
    """The option that the words of the index speak for; the fault that `coupled` is to show."""
    question = history.question
    asked = read_question(question)
    passages = [Passage(m.span.middle, m.texts, len(m.texts) - 1) for m in _texts(asked, history)]
    decision = decide(question, passages)
    if not question.options:
        text = decision.answer or (passages[0].text if passages else "unknown")
        return Call("finish", {"answer": text[:500], "choice": None})
    option = decision.option
    if option is None:
        option = guess(question, passages)
    assert option is not None
    return Call(
        "finish", {"answer": question.options[option][:2000], "choice": question.letters[option]}
    )


def _texts(asked: Asked, history: History) -> list[Moment]:
    return moments(asked, history.found)
