"""Rank a video's texts by the words of a query.

Words are weighted by how rare they are in the video (BM25, Robertson and Zaragoza 2009), so that a
number or a name outweighs what every second text holds; Postgres' own ranking knows no rarity. All
texts are looked through as one string, which takes about a microsecond each: fast enough to need
no index, and to look inside of words that a reader of signs ran together.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from videoseal.indexing.search.tokenizer import QueryTerms

__all__ = ["Covered", "rank_words"]

_Strengths: TypeAlias = npt.NDArray[np.float64]

_STEM: Final = 0.9
_INSIDE: Final = 0.7
_SIMILAR: Final = 0.7
"""What a match counts for beside the exact word: its stem, a part of a word, a misspelling."""
_ALIKE: Final = 0.75
"""Share of equal letters from which a word may be a misspelling: `observat0ry`, `hospitai`."""
_LENGTHS_APART: Final = 2
_SPACE: Final = ord(" ")
_SATURATION: Final = 1.2
_LENGTH_SHARE: Final = 0.75
"""BM25's k1 and b, at their usual values."""


class Covered(NamedTuple):
    """How well one text matches."""

    score: float
    share: float
    """Of the query, by weight of its words, in [0, 1]."""


def rank_words(haystack: str, asked: Sequence[QueryTerms]) -> dict[int, Covered]:
    """Score the lines of a haystack that hold a word of the query, by line number.

    Each line is one text as `indexing.search.tokenizer.haystack` wrote it.
    """
    hay = _Hay(haystack.encode())
    scores = np.zeros(hay.count)
    possible = 0.0
    for term in asked:
        strengths = _strengths(hay, term)
        lines = np.flatnonzero(strengths)
        weight = float(np.log1p((hay.count - len(lines) + 0.5) / (len(lines) + 0.5)))
        possible += weight
        scores[lines] += weight * strengths[lines] * hay.brevity[lines]
    return {
        int(line): Covered(float(scores[line]), min(1.0, float(scores[line]) / possible))
        for line in np.flatnonzero(scores)
    }


class _Hay:
    """Lines of words between spaces, as bytes, and where things stand in them."""

    def __init__(self, text: bytes) -> None:
        self.text = text + b"\n"
        self._ends = np.flatnonzero(np.frombuffer(self.text, np.uint8) == ord("\n"))
        self.count = len(self._ends)
        sizes = np.diff(self._ends, prepend=-1)
        norm = 1 - _LENGTH_SHARE + _LENGTH_SHARE * sizes / sizes.mean()
        self.brevity = (_SATURATION + 1) / (1 + _SATURATION * norm)

    def places(self, part: bytes) -> Iterator[int]:
        """Where `part` begins, each time."""
        at = self.text.find(part)
        while at >= 0:
            yield at
            at = self.text.find(part, at + 1)

    def lines(self, places: Sequence[int]) -> npt.NDArray[np.intp]:
        """The numbers of the lines in which the places lie."""
        return np.searchsorted(self._ends, places)

    @functools.cached_property
    def words(self) -> dict[int, list[bytes]]:
        """Every different word, by length."""
        found: dict[int, list[bytes]] = {}
        for word in set(self.text.split()):
            found.setdefault(len(word), []).append(word)
        return found


def _strengths(hay: _Hay, asked: QueryTerms) -> _Strengths:
    """What the term counts for in each line: as a whole word, by its stem, inside a word."""
    term, stem = asked.term.encode(), asked.stem.encode()
    # Most words begin with their stem, so that looking for the stem finds both.
    roots = {stem} if stem and term.startswith(stem) else {term, stem} - {b""}
    places, counts = [], []
    for root in roots:
        for at in hay.places(root):
            if count := _count(hay.text, at, root, term, asked):
                places.append(at)
                counts.append(count)
    strengths = np.zeros(hay.count)
    np.maximum.at(strengths, hay.lines(places), counts)
    if not places:
        for word, likeness in _misspellings(hay, asked):
            found = hay.lines(list(hay.places(b" " + word + b" ")))
            strengths[found] = np.maximum(strengths[found], _SIMILAR * likeness)
    return strengths


def _count(text: bytes, at: int, root: bytes, term: bytes, asked: QueryTerms) -> float:
    """What the term counts for at one place; 0 where it only looks like it."""
    starts, whole = text[at - 1] in b" ~", text.startswith(term, at)
    if starts and whole and text[at + len(term)] == _SPACE:
        return 1.0
    if starts and root == asked.stem.encode() and text[at + len(root)] == _SPACE:
        return _STEM
    return _INSIDE if whole and asked.inside else 0.0


def _misspellings(hay: _Hay, asked: QueryTerms) -> list[tuple[bytes, float]]:
    """Words of the texts that are nearly the term, each with its share of equal letters."""
    if not asked.pieces:
        return []
    first, *between, last = [piece.encode() for piece in asked.pieces]
    matcher = difflib.SequenceMatcher(b=asked.term, autojunk=False)
    found = []
    for length in range(len(asked.term) - _LENGTHS_APART, len(asked.term) + _LENGTHS_APART + 1):
        for word in hay.words.get(length, []):
            intact = word.startswith(first) or word.endswith(last)
            if intact or any(piece in word for piece in between):
                matcher.set_seq1(word.decode())
                if (likeness := matcher.ratio()) >= _ALIKE:
                    found.append((word, likeness))
    return found
