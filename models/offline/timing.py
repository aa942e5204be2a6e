"""Questions about when: options that are times of the video, and what comes before what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, Literal

from videoseal.core.span import Span, parse_time
from videoseal.core.text import normalise
from videoseal.models.offline.clues import AskedFor
from videoseal.models.offline.layout import Passage
from videoseal.models.offline.match import Reading, enough, find
from videoseal.models.types import Question

__all__ = ["asks_order", "in_order", "in_time", "option_spans"]

_CLOCK = re.compile(r"(?<![\d:])\d{1,3}:[0-5]\d(?::[0-5]\d)?(?:\.\d+)?(?![\d:])")
_WHEN = re.compile(
    r"\b(?:when|timestamp|time range|time span|what time (?:in|of) the video|at what point"
    r"|what moment|(?:which|what) (?:part|interval|period|segment|minute))\b"
    r"|什么时候|时间段|哪一?段|何时",
    re.I,
)
_ORDERS: Final = {
    "first": re.compile(r"\b(?:first|earliest)\b|最先|最早|首先", re.I),
    "last": re.compile(r"\b(?:last|latest)\b|最后|最晚", re.I),
    "after": re.compile(
        r"\b(?:next|(?:right|directly|immediately|soon)? ?after)\b|之后|接着|下一", re.I
    ),
    "before": re.compile(r"\b(?:before|previous|preceding)\b|之前|前一", re.I),
}
_Order = Literal["first", "last", "after", "before"]
_RANGE: Final = 2


def option_spans(question: Question) -> list[Span]:
    """The times that the options name, when a question asks for a time of the video; else none."""
    spans = [span for option in question.options if (span := _option_span(option))]
    asks = len(spans) == len(question.options) and _WHEN.search(question.text)
    return spans if asks else []


def in_time(
    question: Question, asked: AskedFor, readings: Sequence[Reading]
) -> dict[int, tuple[Passage, ...]]:
    """For options that are times: those that hold a frame in which all clues stand."""
    found: dict[int, tuple[Passage, ...]] = {}
    spans = option_spans(question)
    for reading in readings if spans else ():
        if not enough(asked, reading.places, strangers=1):
            continue
        for number, span in enumerate(spans):
            if span.contains(reading.passage.time):
                found[number] = (*found.get(number, ()), reading.passage)
    return found


def asks_order(question: Question) -> bool:
    """Whether the options are things to be put in order of time."""
    return _order(question) is not None


def in_order(
    question: Question, asked: AskedFor, readings: Sequence[Reading]
) -> dict[int, tuple[Passage, ...]]:
    """Which option is seen first, last, or next to what the question names.

    Every option must have been read somewhere: an order of some of them proves nothing.
    """
    order = _order(question)
    if order is None:
        return {}
    seen = _seen(asked, readings)
    if len(seen) < len(question.options):
        return {}
    if order in ("after", "before"):
        named = [r.passage for r in readings if enough(asked, r.places, strangers=1)]
        return _beside(seen, named, after=order == "after")
    pick = (min if order == "first" else max)(seen, key=lambda option: seen[option].time)
    return {pick: tuple(seen.values())}


def _order(question: Question) -> _Order | None:
    """What order is asked for, if the options are no times and the words name one order."""
    if len(question.options) < _RANGE or not re.search(r"\bwhich\b|哪", question.text, re.I):
        return None
    orders: list[_Order] = ["first", "last", "after", "before"]
    named = [order for order in orders if _ORDERS[order].search(question.text)]
    return named[0] if len(named) == 1 else None


def _seen(asked: AskedFor, readings: Iterable[Reading]) -> dict[int, Passage]:
    """Where each option is first read, word for word."""
    seen: dict[int, Passage] = {}
    for reading in sorted(readings, key=lambda reading: reading.passage.time):
        flat = [token.text for token in reading.flat]
        for number, option in enumerate(asked.options):
            if number not in seen and find([token.text for token in option], flat):
                seen[number] = reading.passage
    return seen


def _beside(
    seen: dict[int, Passage], named: Sequence[Passage], *, after: bool
) -> dict[int, tuple[Passage, ...]]:
    """The option whose time comes right after, or right before, that of what is named."""
    if not named:
        return {}
    anchor = min(named, key=lambda passage: passage.time)
    side = {
        option: passage
        for option, passage in seen.items()
        if (passage.time > anchor.time if after else passage.time < anchor.time)
    }
    if not side:
        return {}
    pick = (min if after else max)(side, key=lambda option: side[option].time)
    return {pick: (anchor, side[pick])}


def _option_span(option: str) -> Span | None:
    """The stretch that an option names; a single moment is given two seconds around it."""
    times = [parse_time(text) for text in _CLOCK.findall(normalise(option))]
    if len(times) == _RANGE and times[0] < times[1]:
        # Options are written in whole seconds, and their last second belongs to them.
        return Span(times[0], times[1] + 1)
    if len(times) == 1:
        return Span(max(0.0, times[0] - 2), times[0] + 2)
    return None
