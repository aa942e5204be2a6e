r"""Options that stand inside a question's text, and gold answers, in all forms that are published.

Options may be `(A) one`, `A)`, `A.` or the same in full width, a line each or all in one, in small
letters, with line breaks written out as `\n`, and between sentences of a prompt. Initials such as
those of J. K. Rowling are none.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from typing import Final, NamedTuple

__all__ = ["QuestionText", "gold_letter", "read_question", "without_prompt"]

_WIDE: Final = str.maketrans(
    "\uff08\uff09\u3010\u3011\uff3b\uff3d\uff0e\uff1a\u3001\uff1f\u3002\uff01", "()[][].:.?.!"
)
_BREAK: Final = re.compile(r"(?:\\r)?\\n|<br\s*/?>")
_BREAK_BEFORE_OPTION: Final = re.compile(rf"(?:{_BREAK.pattern})\s*[(\[]?[A-Za-z][)\].:]")
_TAG: Final = re.compile(r"<(?:video|image|audio)\d*>|</?s>", re.IGNORECASE)
_ALONE: Final = r"(?<![\w.&'\u2019-])"
_BRACKETS: Final = (r"[(\[]\s?({})\s?[)\]][.:]?", _ALONE + r"({})\)[.:]?")
_INLINE: Final = [
    re.compile(form.format(letters))
    for form in (*_BRACKETS, _ALONE + r"({})[.:](?=\s|[^\x00-\x7f])")
    for letters in ("[A-Z]", "[a-z]")
][:5]
"""How a letter is marked as an option's, the surest first. Small ones with a dot must begin a line:
they stand in running text too, as in `a. m.`"""
_LINES: Final = [
    re.compile(rf"^[ \t]*(?:[Oo]ption\s+)?{form.format(letters)}", re.MULTILINE)
    for form in (*_BRACKETS, _ALONE + r"({})(?:[.:](?!\w\.)|\s[-\u2013]\s)")
    for letters in ("[A-Z]", "[a-z]")
]
_SENTENCE: Final = re.compile(r"(?:(?<=[.:!?])(?=\s|[^\x00-\x7f])|\n)\s*")
_PROMPT: Final = re.compile(
    r"(?:[^?:]{0,80},\s*)?(?:(?:please|now|just|only|directly|carefully|then)\s+)*"
    r"(?:answer|respond|reply|select|choose|pick|give|provide|output|return|write|watch)\b"
    r"(?=.*(?:letters?\b|multiple[- ]choice|\(?A\)?,\s*\(?B\b|the\s+options?\b"
    r"|(?:given|following|provided|correct|best|right)\s+(?:option|choice|answer)))[^?]*"
    r"|(?:question|q|options?|choices|candidates|answer|assistant|user)\s*:"
    r"|(?:(?:the|your|my|final|best|correct)\s+)+(?:answer|option|choice)(?:\s+is)?\s*[:(]*|\("
    r"|\u8bf7?[^?]{0,20}(?:\u9009\u9879|\u5b57\u6bcd|\u4f5c\u7b54|\u7b54\u6848)[^?]*",
    re.IGNORECASE,
)
"""A sentence that tells how to answer."""
_LETTER: Final = re.compile(
    r"\W*(?:(?:the\s+)?(?:correct\s+)?(?:option|answer|choice)\W+(?:is\W+)?)?([A-Za-z])\W*",
    re.IGNORECASE,
)
_LETTERED: Final = re.compile(r"\s*[(\[]?([A-Za-z])[)\].:]\s*(.+)", re.DOTALL)


class QuestionText(NamedTuple):
    """A published text, parted."""

    stem: str
    options: list[str]
    """Without letters; empty where there are none."""
    fault: str = ""
    """What is wrong with the letters of the options."""


def read_question(text: str, gold: str = "") -> QuestionText:
    """Part a text into the question itself and the options that stand in it.

    `gold` is the published answer: letters with a dot in the middle of a line are taken for
    options only where it is a letter, if it is given.
    """
    text = _TAG.sub(" ", "\n".join(text.strip().splitlines()))
    if _BREAK_BEFORE_OPTION.search(text.translate(_WIDE)):
        text = _BREAK.sub("\n", text)
    text = without_prompt(text)
    marks = _marks(text.translate(_WIDE), gold)
    ends = [*(mark.start() for mark in marks), len(text)]
    options = [_flat(text[m.end() : end]) for m, end in zip(marks, ends[1:], strict=True)]
    stem = _flat(text[: ends[0]])
    letters = "".join(mark[1].upper() for mark in marks)
    known = string.ascii_uppercase
    if letters == known[: len(letters)]:
        return QuestionText(stem, options)
    if list(letters) == sorted(set(letters)):
        texts = dict(zip(letters, options, strict=True))
        options = [texts.get(letter, "") for letter in known[: known.index(letters[-1]) + 1]]
    return QuestionText(stem, options, f"its options are lettered {', '.join(letters)}")


def without_prompt(text: str) -> str:
    """The text without sentences that tell how to answer, unless nothing else is there."""
    shadow, kept, begin = text.translate(_WIDE), "", 0
    for match in [*_SENTENCE.finditer(shadow), None]:
        end, after = match.span() if match else (len(text), len(text))
        told = _PROMPT.fullmatch(shadow[begin:end].strip())
        kept += text[end:after] if told else text[begin:after]
        begin = after
    return kept.strip() or text


def gold_letter(answer: str, options: Sequence[str]) -> str:
    """The letter that a published answer means; empty where it means none of the options.

    It may be a letter in any dress, an option's text, or both; of equal texts the last is meant.
    """
    letters = string.ascii_uppercase[: len(options)]
    if (alone := _LETTER.fullmatch(answer)) and (letter := alone[1].upper()) in letters:
        return letter
    texts = dict(zip(map(_plain, options), letters, strict=True))
    if both := _LETTERED.fullmatch(answer.translate(_WIDE)):
        letter, text = both[1].upper(), answer[both.start(2) :]
        if letter in letters and _plain(options[letters.index(letter)]) == _plain(text):
            return letter
    return texts.get(_plain(answer), "")


def _flat(text: str) -> str:
    return " ".join(text.split())


def _plain(text: str) -> str:
    return _flat(text).casefold().rstrip(".\u3002")


def _marks(text: str, gold: str) -> list[re.Match[str]]:
    """The marks of the options; those that follow out of order too."""
    best: list[re.Match[str]] = []
    for form in _LINES:
        marks = list(form.finditer(text))
        run = _last_run(marks)
        if run and (not best or run[0].start() > best[0].start()):
            best = [*run, *(mark for mark in marks if mark.start() > run[-1].start())]
    for form in _INLINE:
        run = _last_run(list(form.finditer(text)))
        if form is _INLINE[-1]:
            return best or (run if _no_initials(run, text, gold) else [])
        if len(run) > len(best) and (not best or run[0].end() == best[0].end()):
            return run
    return best


def _last_run(marks: Sequence[re.Match[str]]) -> list[re.Match[str]]:
    """Marks in the order of the alphabet, from the last A that begins at least two."""
    for first in reversed(range(len(marks))):
        run: list[re.Match[str]] = []
        for mark in marks[first:]:
            if string.ascii_uppercase.index(mark[1].upper()) == len(run):
                run.append(mark)
        if len(run) > 1:
            return run
    return []


def _no_initials(run: Sequence[re.Match[str]], text: str, gold: str) -> bool:
    """Whether letters with a dot, within a line, are options: initials end in the question mark."""
    if not run:
        return False
    stem, last = text[: run[0].start()].rstrip(), text[run[-1].end() :].rstrip()
    if (last.endswith("?") and "?" not in stem) or (gold and not _LETTER.fullmatch(gold)):
        return False
    return len(run) > 2 or stem.endswith(("?", ":", ".", "!"))
