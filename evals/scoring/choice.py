"""The one parser that turns a model's words into an option's letter, for every mode alike.

A letter is taken only where the text states it as the answer. Articles ("a dog"), negations
("not (A)") and letters inside words never count, and two different statements count as none.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["parse_choice"]

_ALONE: Final = re.compile(r"[\s*_`\"']*[(\[]?([A-Z])[)\]]?[\s*_`\"'.:]*", re.IGNORECASE)
_LEADING: Final = re.compile(r"\s*[*_]*[(\[]?([A-Z])(?:[)\]][.:]?|[.:])[*_]*\s+\S")
_LETTER: Final = r"[*_]*(?:option\s+|choice\s+)?[(\[]?([A-Z])[)\]]?[*_]*(?![\w'\u2019])"
_STATED: Final = re.compile(
    r"(?:\b(?:answer|choice|option|one|it)(?:\s+(?:is|must\s+be|should\s+be|would\s+be))?\s*[:=]?"
    r"|\bcorrect(?:\s+\w+)?\s+is|\b(?:so|thus|therefore|hence|but)[,:]?|\b(?:choose|pick|select)(?:s|ed)?"
    r"|\u7b54\u6848(?:\u662f|\u4e3a)?[:\uff1a]?|\u9009(?:\u62e9|\u9879)?)\s*" + _LETTER,
    re.IGNORECASE,
)
_BRACKETED: Final = re.compile(r"[(\[]([A-Z])[)\]]")
_NEGATED: Final = re.compile(
    r"(?:\b(?:not|isn't|never|neither|nor|except|rather\s+than|instead\s+of|unlike|wrong|cannot\s+be"
    r"|rule[sd]?\s+out|eliminates?d?)\b|\u4e0d\u662f)(?:\s+(?:be|option|choice|the|answer))*[\s:]*$",
    re.IGNORECASE,
)
_DENIED: Final = re.compile(
    r"[)\]]?[*_]*\s*(?:(?:is|are|was)\s+(?:not|wrong|incorrect|false|ruled\s+out)|isn't|cannot)\b",
    re.IGNORECASE,
)


def parse_choice(text: str, letters: str) -> str | None:
    """The option's letter that `text` gives as the answer, or None when it gives none or several.

    `letters` are the valid choices, such as `ABCD`.
    """
    stripped = text.strip()
    if match := _ALONE.fullmatch(stripped):
        return _valid(match.group(1), letters)
    for pattern in (_STATED, _BRACKETED):
        found = {
            letter
            for match in pattern.finditer(stripped)
            if _upper_or_marked(match) and not _negated(match)
            if (letter := _valid(match.group(1), letters))
        }
        if len(found) == 1:
            return found.pop()
        if found:
            return None
    if match := _LEADING.match(stripped):
        return _valid(match.group(1), letters)
    return None


def _valid(letter: str, letters: str) -> str | None:
    return letter.upper() if letter.upper() in letters else None


def _upper_or_marked(match: re.Match[str]) -> bool:
    """A lower-case or bare `a` after a cue is the article, not option A."""
    letter = match.group(1)
    start, end = match.span(1)
    text = match.string
    marked = text[start - 1 : start] in "([" and text[end : end + 1] in tuple(")]")
    if marked:
        return letter.isupper()
    rest = text[end:].lstrip("*_")
    ends = not rest or rest[0] in ".,;:!?)\n" or rest.lstrip()[:1] in ("", "-", "\u2014", "(")
    follows = re.match(r"\s+(?:because|since|as|which|is|and|with|at|in)\b", rest)
    return letter.isupper() and (
        bool(ends) or (letter != "A" and bool(follows)) or letter not in "AI"
    )


def _negated(match: re.Match[str]) -> bool:
    """Whether a negation stands right before the letter and its bracket, or right after."""
    text, start, end = match.string, *match.span(1)
    if text[start - 1 : start] in tuple("(["):
        start -= 1
    return bool(_NEGATED.search(text[:start]) or _DENIED.match(text, end))
