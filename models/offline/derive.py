"""Answers that stand nowhere as such: lists gathered from several passages, and differences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import permutations
from typing import Final

from videoseal.core.text import normalise
from videoseal.models.offline.clues import AskedFor, Clue, is_common, read_question
from videoseal.models.offline.layout import Passage
from videoseal.models.offline.match import Reading, enough, find, options_in, read, supports
from videoseal.models.offline.words import Token, is_content, tokens
from videoseal.models.types import Question

__all__ = [
    "chained",
    "differing",
    "link_names",
    "listed",
]

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
    question: Question, asked: AskedFor, readings: Sequence[Reading]
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


_MOST: Final = 80
"""Passages that are paired: pairs grow with the square."""


def chained(asked: AskedFor, readings: Sequence[Reading]) -> dict[int, tuple[Passage, ...]]:
    """Options that pairs of passages carry: the first names the link, the second the option."""
    if not asked.relative:
        return {}
    readings = _distinct(readings)[:_MOST]
    found: dict[int, tuple[Passage, ...]] = {}
    for first, second in permutations(readings, 2):
        options = options_in(asked, second)
        if len(options) != 1 or not _halves(asked, first, second):
            continue
        ((option, places),) = options.items()
        if _linked(first, second, places):
            found.setdefault(option, (first.passage, second.passage))
    return found


def _halves(asked: AskedFor, first: Reading, second: Reading) -> bool:
    """Whether the first holds the relative clause, and the second what it is all about."""
    clause = {clue.tokens for clue in asked.relative if not clue.light}
    main = {clue.tokens for clue in asked.clues if not clue.light} - clause
    held = {clue.tokens for clue in first.places}
    apart = first.passage.time != second.passage.time or not (
        set(first.passage.rows) & set(second.passage.rows)
    )
    both = {**first.places, **second.places}
    rest = main - {clue.tokens for clue in second.places}
    return apart and clause <= held and not rest and enough(asked, both, strangers=1)


def link_names(reading: Reading) -> list[list[Token]]:
    """Names and numbers of a passage that the question does not name, words side by side."""
    runs: list[list[Token]] = []
    last = -2
    for at, token in enumerate(reading.flat):
        if at in reading.used or not _is_name(token):
            continue
        if at == last + 1:
            runs[-1].append(token)
        else:
            runs.append([token])
        last = at
    return runs


def _is_name(token: Token) -> bool:
    if token.kind == "number":
        return len(token.text) > 1
    plain = not is_content(token) or is_common(token)
    return token.kind == "word" and not plain and token.raw[0].isupper()


def _linked(first: Reading, second: Reading, option: frozenset[int]) -> bool:
    """Whether a whole name of the first stands in the second: Ida Berg is not Ida Lund."""
    free = [
        token.text if at not in option and at not in second.used else "\\0"
        for at, token in enumerate(second.flat)
    ]
    return any(find([token.text for token in run], free) for run in link_names(first))


def _distinct(readings: Iterable[Reading]) -> list[Reading]:
    """One reading of every text, the first."""
    found: dict[str, Reading] = {}
    for reading in readings:
        found.setdefault(reading.passage.text, reading)
    return list(found.values())
