"""Words as the stand-ins compare them, and how much each of them tells: the rarer, the more.

How rare a word is in English comes from the frequency list of `symspellpy` (82,765 words, counted
in Google's book n-grams): the roles see a few frames, which hold too few words to count.
"""

from __future__ import annotations

import functools
import importlib.resources
import math
import re
from itertools import zip_longest
from typing import Final, NamedTuple

from videoseal.core.text import STOP_WORDS, normalise

__all__ = ["Clue", "Word", "clues_of", "content", "rare", "words"]

_HAN: Final = "[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
_PIECE: Final = re.compile(rf"{_HAN}|\d+(?:[.,:/-]\d+)*|(?:(?!{_HAN})[^\W\d_])+")
_PHRASE: Final = re.compile(
    r"\"([^\"]{1,80})\"|(?<!\w)'([^']{2,80})'(?!\w)|[「『《【]([^」』》】]{1,80})[」』》】]"
    r"|(?<![\w:.,-])((?=\w*\d)(?=\w*[A-Za-z])[A-Za-z0-9]{2,12})(?![\w:])"
)
"""Quotations, and codes such as `B7`: what must stand there as it is."""
_ORDER_AND_DENIAL: Final = frozenset({
    "first", "last", "next", "previous", "before", "after", "earliest", "latest", "most", "least",
    "total", "together", "except", "without", "not", "never", "cannot", "often", "times",
})  # fmt: skip
"""What no finding of words answers, unless the word itself stands there (`LAST TRAIN 23:40`)."""
_HAN_GRAMMAR: Final = "的了在是和与有把被为给到就也都这那我你他她它们吗呢吧什么多少谁哪几请问说"
_MOST: Final = 4.0
"""What a name, a number or a word that no list knows weighs; a pair of Chinese characters less."""
_HAN_PAIR: Final = 1.8
_COMMON: Final = 6.5
"""Zipf value (log10 of occurrences in a billion words) at which a word would weigh nothing."""
_RARE: Final = 3.5
"""Weight from which a word must really be there, as a name must."""


class Word(NamedTuple):
    """One word, number or Chinese character."""

    form: str
    """What is compared: a number or a stem, letters that OCR takes for each other made one."""
    raw: str


class Clue(NamedTuple):
    """What a question names: a word, or what must stand side by side."""

    raw: str
    forms: tuple[str, ...]
    hard: bool
    """Whether nothing else will do: names, numbers, quotations, rare words."""
    weight: float
    leads: str = ""
    """The form of the word right behind it, where that is no grammar."""


def words(text: str, known: frozenset[str] = frozenset()) -> list[Word]:
    """Cut a text; of what OCR ran together words of `known`, in lower case, are kept."""
    pieces = _PIECE.findall(normalise(text))
    return [Word(_form(part), part) for piece in pieces for part in _parted(piece, known)]


def content(word: Word) -> bool:
    """Whether a word says something of the matter, as against grammar."""
    raw = word.raw
    letter = len(raw) == 1 and raw.isascii() and raw.islower()
    return not letter and raw.casefold() not in STOP_WORDS and raw not in _HAN_GRAMMAR


def rare(word: Word) -> bool:
    """Whether it must really be there: a number, or seldom written in English."""
    return _weight(word) > _RARE


def clues_of(text: str) -> list[Clue]:
    """What a question names, each once."""
    text = normalise(text)
    phrases = ["".join(groups) for groups in _PHRASE.findall(text)]
    found = [Clue(raw, tuple(w.form for w in words(raw)), True, _MOST) for raw in phrases]
    text = _PHRASE.sub(" , ", text)
    # What is counted must be there: points are no goals.
    names = _names(text).union(re.findall(r"\bhow (?:many|much) (\w+)", text, re.IGNORECASE))
    plain = words(re.sub(_HAN, " ", text))
    for word, after in zip_longest(plain, plain[1:], fillvalue=Word("", "a")):
        strict = word.raw.casefold() in _ORDER_AND_DENIAL
        if strict or content(word):
            hard = strict or word.raw in names or rare(word)
            leads = after.form if content(after) else ""
            found.append(
                Clue(word.raw, (word.form,), hard, _MOST if hard else _weight(word), leads)
            )
    runs = re.findall(f"{_HAN}+", re.sub(f"[{_HAN_GRAMMAR}]", " ", text))
    pairs = [run[at : at + 2] for run in runs for at in range(max(1, len(run) - 1))]
    found += [Clue(pair, tuple(pair), False, _HAN_PAIR) for pair in pairs]
    return list({clue.forms: clue for clue in found if clue.forms}.values())


def _names(text: str) -> set[str]:
    """Capitalised words that do not merely begin a sentence; none in a text all in capitals."""
    found = [raw for raw in _PIECE.findall(text) if raw[0].isalpha()]
    capital = {raw for raw in found if raw[0].isupper()}
    if sum(raw in capital for raw in found) > 0.6 * len(found):
        return set()
    firsts = set(re.findall(r"(?:^|[.?!]\s+)([^\W\d_]+)", text))
    return {raw for raw in capital if raw not in firsts or (raw.isupper() and len(raw) > 1)}


@functools.lru_cache(maxsize=8192)
def _form(raw: str) -> str:
    if raw[0].isdigit():
        plain = re.sub(r",(?=\d{3}\b)", "", raw)
        return plain.lstrip("0") or "0" if len(plain) < 3 else plain
    return _stem(raw.casefold()).replace("rn", "m").replace("vv", "w").replace("l", "i")


def _parted(run: str, known: frozenset[str]) -> list[str]:
    lower = run.casefold()
    inside = [word for word in known if len(word) > 3 and word in lower] if len(run) > 6 else []
    parts = re.findall("|".join(sorted(inside, key=len, reverse=True)) or "$^", run, re.I)
    glued = lower not in _weights() and 2 * len("".join(parts)) >= len(run)
    return parts if glued and lower not in known else [run]


@functools.lru_cache(maxsize=8192)
def _stem(plain: str) -> str:
    import snowballstemmer

    # One of its own: a stemmer holds the word that it is at, and threads would mix theirs.
    stem: str = snowballstemmer.stemmer("english").stemWord(plain)
    return stem


@functools.cache
def _weights() -> dict[str, float]:
    listed = importlib.resources.files("symspellpy") / "frequency_dictionary_en_82_765.txt"
    fields = listed.read_text("utf-8-sig").split()
    counts = [int(count) for count in fields[1::2]]
    billions = sum(counts) / 1e9
    zipf = (math.log10(count / billions) for count in counts)
    bounded = (min(_MOST, max(0.3, _COMMON - value)) for value in zipf)
    return dict(zip(fields[::2], bounded, strict=True))


def _weight(word: Word) -> float:
    """By the commonest of its forms."""
    plain = word.raw.casefold()
    stem = _stem(plain)
    forms = (plain, plain.removesuffix("s"), stem, f"{stem}e", f"{stem}s")
    return _MOST if word.form.isdigit() else min(_weights().get(form, _MOST) for form in forms)
