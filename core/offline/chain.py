"""Two passages that carry an answer only together, joined by a name that stands in both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import permutations
from typing import Final

from core.offline.clues import Asked, is_common
from core.offline.layout import Passage
from core.offline.match import Reading, enough, find, options_in
from core.offline.words import Token, is_content

__all__ = ["chained", "link_names"]

_MOST: Final = 80
"""Passages that are paired: pairs grow with the square."""


def chained(asked: Asked, readings: Sequence[Reading]) -> dict[int, tuple[Passage, ...]]:
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


def _halves(asked: Asked, first: Reading, second: Reading) -> bool:
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
