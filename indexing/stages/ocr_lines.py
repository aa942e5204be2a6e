"""What the text reader saw of one line, once or many times, and when two readings are one text."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Final, NamedTuple

from videoseal.indexing.stages.change_detection import Box
from videoseal.models.ocr.line_text import TextLine

__all__ = ["OcrReading", "OcrReadings", "alike", "digits", "letters", "readings_of"]

_ALIKE: Final = 0.75
_SPACE_SHARE: Final = 0.12
_LOOKALIKES: Final = str.maketrans("oil|", "0111")


class OcrReading(NamedTuple):
    """One line of text in one picture."""

    text: str
    score: float
    box: Box


def readings_of(lines: Iterable[TextLine], width: int, height: int) -> list[OcrReading]:
    """Lines with a letter or digit, their boxes in fractions of the picture they are from."""
    readings = []
    for text, score, (left, top, right, bottom), _ in lines:
        if letters(text):
            box = Box(left / width, top / height, right / width, bottom / height)
            readings.append(OcrReading(text, score, box))
    return readings


def letters(text: str) -> str:
    """Only letters and digits, in one case and width, without what a reader takes for another.

    Look-alikes (0 O, 1 l I) are united, accents dropped: specks of a background look like them.
    """
    folded = unicodedata.normalize("NFKD", text.casefold()).casefold().translate(_LOOKALIKES)
    return "".join(filter(str.isalnum, folded))


def digits(text: str) -> str:
    """Only the digits, look-alikes among them."""
    return "".join(filter(str.isdecimal, letters(text)))


def alike(one: str, two: str) -> bool:
    """Whether two readings may be of the same line; says nothing against `gate 3`, `gate 4`."""
    first, second = letters(one), letters(two)
    if first == second:
        return True
    return SequenceMatcher(None, first, second, autojunk=False).ratio() >= _ALIKE


def _spaces(text: str) -> set[int]:
    """After how many letters and digits the text has spaces."""
    parts = text.split()
    counts = [sum(map(str.isalnum, part)) for part in parts]
    return {sum(counts[: index + 1]) for index in range(len(parts) - 1)}


def _spaced(text: str, places: set[int]) -> str:
    """The text with spaces also at `places`, where a letter follows a letter."""
    missing = places - _spaces(text)
    written: list[str] = []
    count = 0
    for char in text:
        if char.isalnum():
            if count in missing and written and written[-1].isalnum():
                written.append(" ")
            count += 1
        written.append(char)
    return "".join(written)


class OcrReadings:
    """All readings of one line; the text with most support wins."""

    def __init__(self, votes: dict[str, tuple[int, float]] | None = None) -> None:
        self._votes = dict(votes or {})

    def add(self, text: str, score: float, count: int = 1) -> None:
        """Count one reading, or several whose scores add up to `score`."""
        before, total = self._votes.get(text, (0, 0.0))
        self._votes[text] = (before + count, total + score)

    def merge(self, other: OcrReadings) -> None:
        """Count the readings of `other`, too."""
        for text, (count, total) in other._votes.items():
            self.add(text, total, count)

    @property
    def count(self) -> int:
        """How often the line was read."""
        return sum(count for count, _ in self._votes.values())

    @property
    def best(self) -> str:
        """The text with the highest sum of scores over readings of the same letters.

        Among its spellings the one read most often wins; spaces that others have are added to it,
        because the reader drops spaces but hardly ever invents them.
        """
        support: dict[str, float] = {}
        for text, (_, total) in self._votes.items():
            support[letters(text)] = support.get(letters(text), 0.0) + total
        winner = max(support, key=lambda key: (support[key], key))
        spellings = {
            text: count for text, (count, _) in self._votes.items() if letters(text) == winner
        }
        commonest = max(spellings, key=lambda text: (spellings[text], text.count(" "), text))
        needed = max(1.0, _SPACE_SHARE * sum(spellings.values()))
        votes: dict[int, int] = {}
        for text, count in spellings.items():
            for place in _spaces(text):
                votes[place] = votes.get(place, 0) + count
        return _spaced(commonest, {place for place, count in votes.items() if count >= needed})

    @property
    def score(self) -> float:
        """Mean confidence over all readings."""
        return sum(total for _, total in self._votes.values()) / max(1, self.count)

    def to_json(self) -> dict[str, list[float]]:
        """Text to count and sum of scores, rounded so that it survives JSON unchanged."""
        return {text: [count, round(total, 4)] for text, (count, total) in self._votes.items()}

    @classmethod
    def from_json(cls, data: dict[str, list[float]]) -> OcrReadings:
        """The inverse of `to_json`."""
        return cls({text: (int(count), float(total)) for text, (count, total) in data.items()})
