"""Which terms a text can be found by: words, parts of codes, and pairs of Chinese characters.

Postgres keeps a run of Chinese as one word and `at14:35` as whatever its parser thinks of it, so
terms are cut here, in the same way for stored texts and for queries.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import Final, NamedTuple

__all__ = ["QueryTerms", "asked", "fold", "haystack", "latin", "squeeze", "terms"]

_CJK: Final = (
    "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
_CHUNK: Final = re.compile(
    rf"(?P<cjk>(?:(?=\w)[{_CJK}])+)|[^\W_{_CJK}]+(?:[.,:;/'\u2019_&+-][^\W_{_CJK}]+)*"
)
_PART: Final = re.compile(r"\d+|[^\W\d_]+")
_SHOUT: Final = re.compile(r"^([A-Z]{2,})([a-z]{2,})$")
_ACCENTS: Final = re.compile("[\u0300-\u036f]")
_JUNK: Final = re.compile(r"[\W_]+")
_LONGEST: Final = 64
_SHORTEST_INSIDE: Final = 4
_SHORTEST_MISSPELT: Final = 5


class QueryTerms(NamedTuple):
    """One term of a query."""

    term: str
    stem: str = ""
    """Its English stem; empty where it has none."""
    inside: bool = False
    """Whether it is also looked for inside of words, as in `bringthe lampto`."""
    pieces: tuple[str, ...] = ()
    """Of which a misspelling of it keeps at least one, at its place; none where no similar word
    will do: a number with another digit is another number."""


def fold(text: str) -> str:
    """Lower case, compatibility forms unified (full-width digits, ligatures), accents dropped."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return unicodedata.normalize("NFC", _ACCENTS.sub("", plain))


def squeeze(text: str) -> str:
    """The folded text with nothing but letters and digits, all run together."""
    return _JUNK.sub("", fold(text))


def terms(text: str) -> list[str]:
    """Every term that finds this text, in order of appearance, with repetitions."""
    found: list[str] = []
    for chunk in _CHUNK.finditer(unicodedata.normalize("NFKC", text)):
        if run := chunk["cjk"]:
            found += [*run, *(run[i : i + 2] for i in range(len(run) - 1))]
        else:
            found += _variants(chunk[0])
    return [term[:_LONGEST] for term in found]


def latin(text: str) -> str:
    """The folded words that are not Chinese, joined by spaces: what English stemming is fed."""
    chunks = _CHUNK.finditer(unicodedata.normalize("NFKC", text))
    parts = [part for c in chunks if not c["cjk"] for part in _PART.findall(fold(c[0]))]
    return " ".join(part for part in parts if len(part) <= _LONGEST)


def haystack(text: str) -> str:
    """A line that holds each term between spaces, then the text without spaces."""
    return f" {' '.join(dict.fromkeys(terms(text)))} {squeeze(text)} "


def asked(query: str, limit: int = 48) -> list[QueryTerms]:
    """The distinct terms of a query, at most `limit` of them."""
    found: dict[str, QueryTerms] = {}
    for chunk in _CHUNK.finditer(unicodedata.normalize("NFKC", query)):
        if run := chunk["cjk"]:
            pairs = [run[i : i + 2] for i in range(len(run) - 1)] or [run]
            found.update((pair, QueryTerms(pair)) for pair in pairs)
        else:
            for term in _variants(chunk[0]):
                found[term[:_LONGEST]] = _asked(term[:_LONGEST])
    return list(found.values())[:limit]


def _asked(term: str) -> QueryTerms:
    if len(term) < _SHORTEST_INSIDE:
        return QueryTerms(term)
    # With one wrong letter at least one of two pieces is whole, with two at least one of three.
    count = 2 if len(term) < 9 else 3
    cuts = [len(term) * i // count for i in range(count + 1)]
    guessed = term.isalpha() and len(term) >= _SHORTEST_MISSPELT
    pieces = tuple(term[a:b] for a, b in pairwise(cuts)) if guessed else ()
    return QueryTerms(term, inside=True, pieces=pieces)


def _variants(chunk: str) -> list[str]:
    """`B-17` is found by `b17` and `17`; `HARBOURgate` also by `harbour` and `gate`."""
    whole = squeeze(chunk)
    parts = []
    for part in _PART.findall(chunk):
        shout = _SHOUT.match(part)
        parts += [squeeze(piece) for piece in (shout.groups() if shout else (part,))]
    if len(parts) < 2:
        return [whole] if whole else []
    return [term for term in (whole, *parts) if len(term) > 1]
