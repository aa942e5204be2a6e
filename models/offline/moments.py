"""Texts that a search found, gathered into moments of the video and ranked for a look."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from videoseal.core.span import Span
from videoseal.models.offline.clues import AskedFor
from videoseal.models.offline.derive import link_names
from videoseal.models.offline.history import Found
from videoseal.models.offline.layout import Passage
from videoseal.models.offline.match import Reading, find, read
from videoseal.models.offline.words import Token, is_content

__all__ = ["LONG", "Moment", "looks", "moments"]

_TOGETHER: Final = 1.0
"""Seconds by which the middles of two texts of one moment may differ."""
_LOOK: Final = 2.0
"""Seconds in the middle of a moment that are looked at; text stands still."""
_SHORT: Final = 0.5
_HALF: Final = 0.5
LONG: Final = 8.0
"""A text on longer than this tells no moment: a clip's caption."""


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
