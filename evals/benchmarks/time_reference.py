"""Gold spans as people write them: clocks, seconds, units, ranges, moments, lists of them."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from videoseal.core.span import Span

__all__ = ["read_references"]

_MOMENT_S: Final = 1.0
"""Length of a span that is published as one moment, in seconds."""
_UNITS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "\u5c0f": 3600.0, "\u65f6": 3600.0,
                 "\u5206": 60.0, "\u79d2": 1.0}  # fmt: skip
"""Seconds by the first character of a unit's name."""
_AMOUNT: Final = r"\d+(?:\.\d+)?"
_NAMES: Final = (
    r"(?:hours?|hrs?|h)(?![a-z])|\u5c0f?\u65f6",
    r"(?:minutes?|mins?|m)(?![a-z])|\u5206\u949f?",
    r"(?:seconds?|secs?|s)(?![a-z])|\u79d2",
)
_IN_UNITS: Final = "".join(rf"(?:{_AMOUNT}\s*(?:{names})\s*)?" for names in _NAMES)
_TOKEN: Final = re.compile(
    rf"""(?P<clock>\d+(?::\d{{1,2}}){{1,2}}(?:\.\d+|,\d{{3}}(?![\d:]))?)(?:\s*(?:s|secs?|mins?)\b)?
    |(?P<prime>\d+['\u2032]\s?\d{{1,2}}(?:["\u2033]|''|\u2032\u2032)?)
    |(?P<units>(?={_AMOUNT}\s*(?:{"|".join(_NAMES)})){_IN_UNITS})
    |(?P<number>{_AMOUNT})(?![\d:])
    |(?P<range>-+>?|[\u2010-\u2015\u2212\u2192]|\.{{2,3}}
      |\b(?:to|until|till|through)\b|[\u81f3\u5230])
    |(?P<perhaps>[~\u301c]|\bend\b:?|\band\b|&)
    |(?P<mark>[\s,;\u3001|/()\[\]'"@=]+
      |\b(?:at|from|between|around|about|approx(?:imately)?|the|time|timestamps?|start)\b[:.]?)
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""What `perhaps` matches joins start and end, or else means something about a moment."""
_NOTHING: Final = frozenset({"", "-", "n/a", "na", "none", "null", "nan", "[]"})
_PAIRS: Final = (("start", "end"), ("begin", "end"), ("from", "to"), ("start_time", "end_time"))


class _Time(NamedTuple):
    seconds: float
    kind: str
    unit: float = 1.0
    """Seconds of the only unit that it is told in; 0 where there are several."""


def read_references(given: Any) -> list[Span]:
    """The spans of a published `time_reference`, a text, a number, or a list of them.

    A moment is a span of a second; nothing, or a word for it, has none. Raises ValueError for what
    careful readers would not all read alike, such as an end before its start.
    """
    if given is None:
        return []
    if isinstance(given, str):
        return _of_text(unicodedata.normalize("NFKC", given).strip())
    if isinstance(given, int | float) and not isinstance(given, bool):
        return [_span(_Time(float(given), "number"), None)]
    if isinstance(given, dict):
        found = next((pair for pair in _PAIRS if given.keys() == set(pair)), None)
        if found:
            return read_references([given[name] for name in found])
    if isinstance(given, list):
        return _of_list(given)
    raise ValueError(f"cannot read {given!r:.60}")


def _of_list(given: list[Any]) -> list[Span]:
    """Two single times are start and end; anything else is a list of references."""
    times = [_alone(entry) for entry in given]
    if len(times) == 2 and times[0] and times[1]:
        return [_span(times[0], times[1])]
    return [span for entry in given for span in read_references(entry)]


def _alone(entry: Any) -> _Time | None:
    if isinstance(entry, str):
        told = [part for part in _tokens(unicodedata.normalize("NFKC", entry)) if part != ","]
        return told[0] if len(told) == 1 and isinstance(told[0], _Time) else None
    if isinstance(entry, int | float) and not isinstance(entry, bool):
        return _Time(float(entry), "number")
    return None


def _of_text(text: str) -> list[Span]:
    if text.casefold() in _NOTHING:
        return []
    if text[:1] in "[({":
        try:
            return read_references(json.loads(text.translate(str.maketrans("()'", '[]"'))))
        except json.JSONDecodeError:
            inner = text[1:-1]
            if not re.search(r"[][(){}]", inner):
                return _of_list(re.split("[,;]", inner))
    spans: list[Span] = []
    start: _Time | None = None
    joined = False
    for part in _tokens(text):
        if isinstance(part, str):
            if part == "-" and (start is None or joined):
                raise ValueError(f"cannot read {text!r:.60}")
            joined = joined or (part != "," and start is not None)
        elif start is None or not joined:
            spans += [_span(start, None)] if start else []
            start = part
        else:
            spans.append(_span(start, part))
            start, joined = None, False
    if joined or not (spans or start):
        raise ValueError(f"cannot read {text!r:.60}")
    return [*spans, _span(start, None)] if start else spans


def _tokens(text: str) -> Iterator[_Time | str]:
    """Times; `-` and `~` that join two to a span, the second if there are two; `,` for the rest."""
    position, between = 0, "between" in text.casefold()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError(f"cannot read {text!r:.60}")
        position, kind = match.end(), match.lastgroup
        if kind == "perhaps":
            yield "~" if between or match[0].casefold() not in ("and", "&") else ","
        elif kind in ("range", "mark"):
            yield "-" if kind == "range" else ","
        else:
            yield _time(match)


def _time(match: re.Match[str]) -> _Time:
    if match["number"]:
        return _Time(float(match["number"]), "number")
    if match["units"]:
        parts = re.findall(rf"({_AMOUNT})\s*(\D)", match["units"].casefold())
        units = [_UNITS[unit] for _, unit in parts]
        seconds = sum(float(part[0]) * unit for part, unit in zip(parts, units, strict=True))
        return _Time(seconds, "units", units[0] if len(units) == 1 else 0.0)
    parts = re.findall(r"\d+(?:[.,]\d+)?", match["clock"] or match["prime"])
    *whole, seconds = (float(part.replace(",", ".")) for part in parts)
    if seconds >= 60 or any(part >= 60 for part in whole[1:]):
        raise ValueError(f"cannot read {match[0]!r:.60} as a clock")
    minutes = whole[0] if len(whole) == 1 else whole[0] * 60 + whole[1]
    return _Time(minutes * 60 + seconds, "clock")


def _span(start: _Time, end: _Time | None) -> Span:
    """A span; `1:20-25` ends in the minute of its start, `2-3 min` begins in the end's unit."""
    if end is None:
        return Span(start.seconds, start.seconds + _MOMENT_S)
    first, last = start.seconds, end.seconds
    if (start.kind, end.kind) == ("clock", "number") and last < min(first, 60):
        last += first - first % 60
    if (start.kind, end.kind) == ("number", "units"):
        first *= end.unit
    if last < first or (end.unit == 0 and start.kind == "number"):
        raise ValueError(f"{first:g} s to {last:g} s is no span")
    return Span(first, last if last > first else first + _MOMENT_S)
