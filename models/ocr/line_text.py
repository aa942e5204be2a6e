"""What a recogniser's letters say: words apart, pieces joined, and scripts that it cannot read."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

__all__ = ["TextLine", "is_unread", "scripts_of", "space_words", "whole_lines"]

# Narrow fonts lose their spaces; these are the only places where one is surely missing.
_GLUED: Final = re.compile(
    r"(?<=[A-Z]{3})(?=[a-z]{2})"  # HARBOURgate
    r"|(?<=[a-z]{3})(?=[A-Z][a-z]{2})"  # bringThe
    r"|(?<=[a-z]{2})(?=\d)"  # at14
    r"|(?<=\d)(?=[a-z]{3})"  # 7keys
    r"|(?<=[A-Za-z0-9][,;!?])(?=[A-Za-z])"  # gate,bring
)
_WIDE: Final = re.compile("[\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff00-\uffef]")
_LETTERS_OF: Final = {
    "Latin": "azAZ",
    "Chinese": "的是我",
    "Japanese": "あのア",
    "Korean": "가니다",
    "Cyrillic": "аяЖщ",
    "Greek": "ωάέή",
    "Arabic": "ابم",
    "Hebrew": "אבש",
    "Thai": "กขส",
    "Devanagari": "कखन",
}
"""A few letters by which a script is known; Greek without accents is there for formulas alone."""
_SURE: Final = 0.94
"""Scores of what is no reading at all go up to 0.93, as `NpnBeT` for Cyrillic 0.90."""
_LIKELY: Final = 0.8
_DOUBTFUL: Final = 0.7
_WORD: Final = 1.2
_LONG: Final = 3.0
"""Heights of a line that is surely more than one letter, and of one that is more than a few."""
_SPARSE: Final = 0.3
"""Letters a height of the line below which most were not read."""
_GREEK: Final = "\u0370-\u03ff"
_LETTER: Final = r"[^\W\d_\u2e80-\u9fff]"
_ODD: Final = re.compile(
    r"(?![A-Z]?[a-z]+[A-Z][a-z]+$)"  # but for McDonald and iPhone:
    rf"(.*(?![A-Z]){_LETTER}[A-Z]"  # a capital inside a word: NpnBeT
    r"|[A-Z]{2,}[a-z]"  # ABepi
    rf"|.*{_LETTER}\d+{_LETTER}"  # npn4ana
    rf"|\d{_LETTER}{{3}}"  # 3akpbITo
    rf"|.*[{_GREEK}][A-Za-z]|.*[A-Za-z][{_GREEK}])"  # Greek letters among Latin ones
)
_MIXED: Final = re.compile(
    r".*(\d[^\W\d_]|[^\W\d_]\d|[\u2e80-\u9fff][A-Za-z]|[A-Za-z][\u2e80-\u9fff])"
)
_GREEK_WORD: Final = re.compile(rf"[{_GREEK}]{{3}}")
_RINGS: Final = re.compile(r"[O0o\s]{6,}")
"""What is left of Thai and Devanagari, with scores up to 0.95; surer zeros are a number."""


class TextLine(NamedTuple):
    """One line of text in a picture."""

    text: str
    score: float
    """The recogniser's confidence, in [0, 1]."""
    box: tuple[int, int, int, int]
    """Left, top, right, bottom in pixels of the given picture."""
    unread: bool = False
    """Whether it looks like a script that the model cannot read; `text` is then empty."""


def scripts_of(letters: Iterable[str]) -> tuple[str, ...]:
    """The scripts that a recogniser with these letters reads."""
    known = set(letters)
    return tuple(script for script, some in _LETTERS_OF.items() if known.issuperset(some))


def is_unread(text: str, score: float, length: float, scripts: Collection[str]) -> bool:
    """Whether what a model makes of a line is likely a script that it cannot read.

    `length` is the line's in heights. The model gives what looks alike, such as capitals, digits
    and letters of other scripts inside words, or hardly anything.
    """
    if "Greek" not in scripts and _GREEK_WORD.search(text):
        return True
    words = re.findall(r"[^\W_]+", text)
    count = sum(map(len, words))
    if length >= _WORD and score < _DOUBTFUL:
        return True
    if length >= _LONG and count < _SPARSE * length:
        return True
    if score >= _SURE:
        return bool(_RINGS.fullmatch(text)) and score < 0.97
    odd = [word for word in words if _ODD.match(word) or (score < _LIKELY and _MIXED.match(word))]
    return bool(_RINGS.fullmatch(text)) or (count > 0 and 2 * sum(map(len, odd)) >= count)


def space_words(text: str) -> str:
    """Put back spaces that the recogniser drops in narrow fonts, where that is certain.

    `HARBOURgate at14:35,bring 7keys` becomes `HARBOUR gate at 14:35, bring 7 keys`.
    """
    return _GLUED.sub(" ", text)


def whole_lines(lines: Iterable[TextLine]) -> list[TextLine]:
    """Join what the detector cut apart: pieces of one row, closer together than letters are high.

    A wide mark such as the Chinese colon leaves a gap inside a line.
    """
    whole: list[TextLine] = []
    for line in lines:
        before = next((other for other in whole if _goes_on(other, line)), None)
        if before is None:
            whole.append(line)
            continue
        space = "" if _WIDE.match(before.text[-1]) or _WIDE.match(line.text[0]) else " "
        edges = zip(before.box, line.box, strict=True)
        left, top, right, bottom = (
            choose(pair) for choose, pair in zip((min, min, max, max), edges, strict=True)
        )
        score, text = min(before.score, line.score), f"{before.text}{space}{line.text}"
        whole[whole.index(before)] = TextLine(text, score, (left, top, right, bottom))
    return whole


def _goes_on(line: TextLine, other: TextLine) -> bool:
    """Whether `other` stands right of `line`, in its row and in letters of its size."""
    _, top, right, bottom = line.box
    height, other_height = bottom - top, other.box[3] - other.box[1]
    low, high = sorted((height, other_height))
    overlap = min(bottom, other.box[3]) - max(top, other.box[1])
    gap = other.box[0] - right
    return overlap >= 0.7 * low and high <= 1.5 * low and -0.3 * low <= gap <= 0.8 * low
