"""Whether text that was read carries the answer: the rules that the stand-ins decide by.

A passage carries an option when the question's names, numbers and quotations all stand in it, its
other words are there or nothing stands in their place, and exactly one option stands beside them.
Wording may differ little: this is string matching, without any knowledge of meaning.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from videoseal.models.offline.clues import AskedFor, Clue
from videoseal.models.offline.layout import CELLS, Passage
from videoseal.models.offline.words import CHINESE_NUMERALS, Token, is_content, tokens

__all__ = [
    "Reading",
    "Support",
    "enough",
    "find",
    "missing",
    "options_in",
    "qualified",
    "read",
    "supports",
]

_BIGRAMS: Final = 0.75
"""Share of a longer Chinese phrase's character pairs that must be there."""
_DENIALS: Final = frozenset(("not", "never", "cannot", "cancelled", "canceled", "不", "没", "未"))


class Reading(NamedTuple):
    """A passage as tokens, with what the question names marked in it."""

    passage: Passage
    rows: tuple[tuple[Token, ...], ...]
    cells: tuple[int, ...]
    """For every token the number of its cell: columns of a row say different things."""
    places: Mapping[Clue, frozenset[int]]
    """Where the question's clues stand; nowhere for a scene that stands elsewhere in the frame."""

    @property
    def used(self) -> frozenset[int]:
        """Token positions that clues take up."""
        return frozenset().union(*self.places.values())

    @property
    def flat(self) -> tuple[Token, ...]:
        """All tokens, row after row."""
        return tuple(token for row in self.rows for token in row)


class Support(NamedTuple):
    """An option that a passage carries."""

    option: int
    reading: Reading
    strangers: int
    """Content words that neither the question nor the option explains."""


def read(asked: AskedFor, passage: Passage, scene: str = "") -> Reading:
    """Mark the question's clues in a passage; `scene` is all text of its frame."""
    rows: list[tuple[Token, ...]] = []
    cells: list[int] = []
    for row in passage.rows:
        parts = [_cut(cell, asked.vocabulary) for cell in row.split(CELLS)]
        for part in parts:
            cells += [max(cells, default=-1) + 1] * len(part)
        rows.append(tuple(token for part in parts for token in part))
    flat = [token.text for row in rows for token in row]
    scenic = any(clue.scene for clue in asked.clues)
    around = [token.text for token in tokens(scene, asked.vocabulary)] if scenic else []
    found: dict[Clue, frozenset[int]] = {}
    for clue in asked.clues:
        places = find(clue.tokens, flat)
        if places or (clue.scene and find(clue.tokens, around)):
            found[clue] = frozenset(places)
    return Reading(passage, tuple(rows), tuple(cells), found)


@functools.lru_cache(maxsize=8192)
def _cut(cell: str, vocabulary: frozenset[str]) -> tuple[Token, ...]:
    """Tokens of a cell; a line stands in several passages and in many frames."""
    return tuple(tokens(cell, vocabulary))


def find(wanted: Sequence[str], flat: Sequence[str]) -> set[int]:
    """Positions of every run of `flat` that equals `wanted`; a long Chinese phrase may be near."""
    size = len(wanted)
    firsts = [at for at, word in enumerate(flat) if word == wanted[0]]
    starts = [at for at in firsts if _equal(wanted, flat, at)]
    if starts or size < 4 or not all(len(w) == 1 and w > "\u3000" for w in wanted):
        return {at + step for at in starts for step in range(size)}
    pairs = {(wanted[at], wanted[at + 1]) for at in range(size - 1)}
    hits = [at for at in range(len(flat) - 1) if (flat[at], flat[at + 1]) in pairs]
    seen = {(flat[at], flat[at + 1]) for at in hits}
    near = len(seen) >= _BIGRAMS * len(pairs)
    return {place for at in hits for place in (at, at + 1)} if near else set()


def _equal(wanted: Sequence[str], flat: Sequence[str], at: int) -> bool:
    end = at + len(wanted)
    if list(flat[at:end]) != list(wanted):
        return False
    # A Chinese numeral inside a longer one is another number.
    before = at > 0 and {wanted[0], flat[at - 1]} <= CHINESE_NUMERALS
    after = end < len(flat) and {wanted[-1], flat[end]} <= CHINESE_NUMERALS
    return not (before or after)


def missing(asked: AskedFor, found: Iterable[Clue]) -> list[Clue]:
    """Clues that are still wanted."""
    have = set(found)
    return [clue for clue in asked.clues if clue not in have and not clue.light]


def enough(asked: AskedFor, found: Iterable[Clue], strangers: int) -> bool:
    """Whether these clues are all that matters; `strangers` may stand in a missing one's place."""
    lacking = missing(asked, found)
    if any(clue.hard for clue in lacking) or not (asked.hard or asked.soft):
        return False
    # Beside a name, plain words may be missing unless others stand in their place: HERON 14:35
    # may be the ferry's departure, HERON ARRIVES 14:35 is not.
    return not lacking or (bool(asked.hard) and strangers == 0)


def qualified(asked: AskedFor, reading: Reading, option: frozenset[int] = frozenset()) -> bool:
    """Whether the only word of a question stands behind another: an ART director is another.

    `option` are positions of the option, which may well stand before it.
    """
    if asked.hard or len(asked.soft) != 1 or not reading.used:
        return False
    before = min(reading.used) - 1
    known = before < 0 or before in option or reading.cells[before] != reading.cells[before + 1]
    return not known and is_content(reading.flat[before])


def supports(asked: AskedFor, reading: Reading) -> list[Support]:
    """The options that this passage carries; more than one when it cannot tell them apart."""
    here = options_in(asked, reading)
    held: list[Support] = []
    for option, places in here.items():
        taken = reading.used | places
        others = frozenset().union(*(p for o, p in here.items() if o != option))
        strangers = sum(
            is_content(token) and at not in taken and at not in others
            for at, token in enumerate(reading.flat)
        )
        doubt = qualified(asked, reading, places) or _denied(reading, places)
        if doubt or _astray(reading, places):
            continue
        if enough(asked, reading.places, strangers):
            held.append(Support(option, reading, strangers))
    return _nearest(asked, reading, held, here)


def options_in(asked: AskedFor, reading: Reading) -> dict[int, frozenset[int]]:
    """Options that stand in a passage, apart from its clues, with their token positions."""
    flat = [token.text for token in reading.flat]
    content = [at for at, token in enumerate(reading.flat) if is_content(token)]
    rest = [flat[at] if at not in reading.used else "\0" for at in content]
    found: dict[int, frozenset[int]] = {}
    for number, (option, telling) in enumerate(zip(asked.options, asked.telling, strict=True)):
        places = find([token.text for token in option], flat) - reading.used
        if not places:
            places = {content[at] for at in find(telling, rest)} if telling else set()
        if places:
            found[number] = frozenset(places)
    # `Gate 7` stands wherever `Gate 7 North` does: the longer one is meant.
    return {
        number: places
        for number, places in found.items()
        if not any(places < other for other in found.values())
    }


def _denied(reading: Reading, places: frozenset[int]) -> bool:
    """Whether the passage says `not` of something, outside of the option itself."""
    return any(
        token.raw.lower() in _DENIALS and at not in places for at, token in enumerate(reading.flat)
    )


def _astray(reading: Reading, places: frozenset[int]) -> bool:
    """Whether the option's row belongs to something else than the row of the names."""
    row_of = [number for number, row in enumerate(reading.rows) for _ in row]
    named = {clue: {row_of[at] for at in held} for clue, held in reading.places.items()}
    hard = {row for clue, rows in named.items() if clue.hard for row in rows}
    anchors = hard or {row for rows in named.values() for row in rows}
    rows = {row_of[at] for at in places}
    if not anchors or anchors & rows:
        return False
    first, last = min(anchors), max(rows)
    if last < first:
        return not reading.passage.whole
    # GATE 7, CLOSED, GATE 9, 14:35: the word beside the name begins another entry.
    again = [rows for clue, rows in named.items() if rows & anchors and not clue.light]
    return any(first < row <= last and row not in hard for rows in again for row in rows)


def _nearest(
    asked: AskedFor, reading: Reading, held: list[Support], here: Mapping[int, frozenset[int]]
) -> list[Support]:
    """Of several options, the one beside the noun that is asked for (`9 KEYS and 4 lamps`)."""
    heads = {at for at, token in enumerate(reading.flat) if token.text == asked.head}
    for step in (1, -1):
        beside = [s for s in held if any(at + step in heads for at in here[s.option])]
        if len(beside) == 1:
            return beside
    return held
