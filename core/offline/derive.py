"""Answers that stand nowhere as such: lists gathered from several passages, and differences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from core.models.types import Question
from core.offline.clues import Asked, Clue, read_question
from core.offline.layout import Passage
from core.offline.match import Reading, find, read, supports
from core.offline.words import normalise, tokens

__all__ = ["differing", "listed"]

_AND = re.compile(r"\s*(?:,|&|、|\band\b|和)\s*")
_HOW_LONG = re.compile(r"\bhow many (minutes|hours|years)\b", re.I)
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_PAIR: Final = 2


def listed(question: Question, passages: Iterable[Passage]) -> dict[int, tuple[Passage, ...]]:
    """For options that are lists: those of which every member is carried by some passage."""
    lists = [_members(option) for option in question.options]
    sizes = {len(members) for members in lists}
    if len(sizes) != 1 or max(sizes) < _PAIR:
        return {}
    names = sorted({member for members in lists for member in members})
    if len(names) > len("ABCDEFGHIJKLMNOPQRSTUVWXYZ"):
        return {}
    asked = read_question(question.model_copy(update={"options": names}))
    size = str(sizes.pop())
    asked = asked._replace(clues=tuple(c for c in asked.clues if c.tokens != (size,)))
    held: dict[str, Passage] = {}
    for passage in passages:
        found = supports(asked, read(asked, passage))
        if len(found) == 1:
            held.setdefault(names[found[0].option], passage)
    return {
        number: tuple(held[member] for member in members)
        for number, members in enumerate(lists)
        if all(member in held for member in members)
    }


def _members(option: str) -> list[str]:
    return [part for part in _AND.split(normalise(option)) if part]


def differing(
    question: Question, asked: Asked, readings: Sequence[Reading]
) -> dict[int, tuple[Passage, ...]]:
    """For `how many minutes`: the difference of what stands beside each of two names."""
    unit = _HOW_LONG.search(question.text)
    hard = asked.hard
    if unit is None or len(hard) != _PAIR:
        return {}
    shared = [clue for clue in asked.soft if clue.raw.lower() != unit[1].lower()]
    sides = [[_value(r, clue, shared, unit[1].lower()) for r in readings] for clue in hard]
    found: dict[int, tuple[Passage, ...]] = {}
    for one, other in ((a, b) for a in sides[0] for b in sides[1] if a and b):
        wanted = [token.text for token in tokens(str(abs(one[0] - other[0])))]
        for number, option in enumerate(asked.options):
            if find(wanted, [token.text for token in option]):
                found.setdefault(number, (one[1], other[1]))
    return found


def _value(
    reading: Reading, name: Clue, shared: Sequence[Clue], unit: str
) -> tuple[int, Passage] | None:
    """The one time or year in a passage that speaks of `name` and of no other name."""
    if {clue for clue in reading.places if clue.hard} != {name}:
        return None
    if any(clue not in reading.places for clue in shared):
        return None
    if unit == "years":
        values = [int(t.text) for t in reading.flat if re.fullmatch(r"[12]\d{3}", t.text)]
    else:
        values = [int(h) * 60 + int(m) for h, m in _CLOCK.findall(reading.passage.text)]
        values = [value // 60 if unit == "hours" else value for value in values]
    return (values[0], reading.passage) if len(values) == 1 else None
