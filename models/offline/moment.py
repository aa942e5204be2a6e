"""The moment of the video that a question names (`at 00:00:15`, `in the first minute`)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from videoseal.core.span import Span, parse_time

__all__ = ["NamedMoment", "named_moment"]

_CLOCK: Final = re.compile(r"(?<![\d:])(?:\d{1,2}:)?\d{1,2}:[0-5]\d(?![\d:])")
_ORDINALS: Final = ("first", "second", "third", "fourth", "fifth")
_ORDINAL: Final = re.compile(rf"\b({'|'.join(_ORDINALS)}|\d+(?:st|nd|rd|th)) (minute|hour)\b", re.I)
_COUNT: Final = r"\d+(?:\.\d+)? ?(?:hour|minute|min|second|sec)s?\b"
_COUNTED: Final = re.compile(rf"\b(?:at|after|around|about|near) {_COUNT}(?:,? (?:and )?{_COUNT})*")


class NamedMoment(NamedTuple):
    """A stretch of the video, with a second of grace, and the words that name it."""

    span: Span
    raw: str


def named_moment(text: str) -> NamedMoment | None:
    """The moment, or from the first to the last of several times; None where none is named."""
    if times := list(_CLOCK.finditer(text)):
        raw = text[times[0].start() : times[-1].end()]
        ends = [parse_time(match.group()) for match in times]
    elif counted := _COUNTED.search(text):
        raw = counted.group()
        ends = [sum(map(parse_time, re.findall(_COUNT, raw)))]
    elif ordinal := _ORDINAL.search(text):
        raw, which = ordinal.group(), ordinal[1].lower()
        place = _ORDINALS.index(which) if which in _ORDINALS else max(1, int(which[:-2])) - 1
        unit = parse_time(f"1 {ordinal[2].lower()}")
        return NamedMoment(Span(place * unit, (place + 1) * unit), raw)
    else:
        return None
    return NamedMoment(Span(max(0.0, min(ends) - 1), max(ends) + 2), raw)
