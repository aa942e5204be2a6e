"""Spans as people and models write them: ranges, moments, pairs, objects, and lists of them."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any, Final, NamedTuple

from videoseal.core.errors import SpanError
from videoseal.core.span import Span, Time, parse_time, range_ends, tokens

__all__ = ["ASKED", "PUBLISHED", "Rules", "names_span", "read_spans"]


class Rules(NamedTuple):
    """What is read where careful readers might differ."""

    moment_s: float
    """Length of the span of a moment, in seconds."""
    around: bool
    """Whether that span lies around the moment, and does not begin with it."""
    asked: bool
    """Whether a remark may stand beside a span, and what lists of bare times mean is not told."""


PUBLISHED: Final = Rules(1.0, around=False, asked=False)
"""Gold spans of benchmarks."""
ASKED: Final = Rules(16.0, around=True, asked=True)
"""Spans that a planner wants to have looked at."""
_NAME: Final = r"(?:t|time|timestamp|span|clip)?(?:{})(?:time|timestamp|at)?(?:seconds?|secs?|s)?"
_START: Final = re.compile(_NAME.format("start|begin|from"))
_END: Final = re.compile(_NAME.format("end|to|until|till|stop|finish"))
_LENGTH: Final = re.compile(_NAME.format("duration|length"))
_ALONE: Final = re.compile(
    r"(?:time|video)?(?:span|range|interval|segment|window|clip|period|time|timestamp|moment|at)s?"
)
_REMARK: Final = re.compile(r"\s*[([][^()\[\]\d]*[)\]]\s*\Z|(?<=:\d\d)\s*[:,;-]?\s+[^\d\s][^\d]*\Z")
_INSIDE: Final = re.compile(
    r"(?!.*\b(?:after|before|since|until|frames?|last|not)\b)[^()\d]+\(([^()]+)\)[^()\d]*", re.I
)
_LABEL: Final = re.compile(r"\A\s*(?:[-*\u2022]\s+|\d+[.)]\s+)?(?:[^\W\d][^:\n]{0,80}:\s+)?")
_AMBIGUOUS: Final = re.compile(r"\A\s*\d+\s*,\s*\d+\s*\Z")


def read_spans(given: Any, rules: Rules = ASKED) -> list[Span]:
    """The spans of a text, a number, a pair, an object, or a list of them.

    Raises SpanError for what careful readers would not all read alike, such as an end before its
    start, and for nothing at all.
    """
    if isinstance(given, str):
        return _of_text(unicodedata.normalize("NFKC", given).strip(), rules)
    if isinstance(given, int | float) and not isinstance(given, bool):
        return [_moment(parse_time(given), rules)]
    if isinstance(given, dict):
        return _of_object(given, rules)
    if isinstance(given, list | tuple) and given:
        return _of_list(list(given), rules)
    raise SpanError(f"cannot read {given!r:.60} as spans; write HH:MM:SS-HH:MM:SS")


def _of_list(given: list[Any], rules: Rules) -> list[Span]:
    """Two single times are start and end; anything else is a list of spans."""
    times = [_alone(entry) for entry in given]
    if len(times) == 2 and times[0] and times[1]:
        return [_span(times[0], times[1], rules)]
    numbers = [time for time in times if time and time.kind == "number"]
    if rules.asked and len(numbers) == len(given) > 1:
        raise SpanError(f"cannot read {given!r:.60} as spans; write HH:MM:SS-HH:MM:SS")
    return [span for entry in given for span in read_spans(entry, rules)]


def _of_object(given: dict[str, Any], rules: Rules) -> list[Span]:
    """The span of an object with a start and an end or a length, or with one field for both."""
    fields = {_bare(name): value for name, value in given.items()}
    start, end, length = (_field(fields, name) for name in (_START, _END, _LENGTH))
    if start is not None and end is not None:
        return [Span(parse_time(start), parse_time(end))]
    if start is not None and length is not None:
        return [Span(parse_time(start), parse_time(start) + parse_time(length))]
    alone = _field(fields, _ALONE)
    if alone is None or start is not None or end is not None:
        raise SpanError(f"cannot read {given!r:.60} as a span; it has no start and end")
    return read_spans(alone, rules)


def names_span(name: object) -> bool:
    """Whether a field of that name holds a span, or a start, an end or a length."""
    return any(kind.fullmatch(_bare(name)) for kind in (_START, _END, _LENGTH, _ALONE))


def _bare(name: object) -> str:
    return re.sub(r"[\W_]+", "", str(name)).casefold()


def _field(fields: dict[str, Any], name: re.Pattern[str]) -> Any:
    return next((value for found, value in fields.items() if name.fullmatch(found)), None)


def _alone(entry: Any) -> Time | None:
    if isinstance(entry, str):
        try:
            told = [part for part in tokens(entry) if part != ","]
        except SpanError:
            return None
        return told[0] if len(told) == 1 and isinstance(told[0], Time) else None
    if isinstance(entry, int | float) and not isinstance(entry, bool):
        return Time(float(entry), "number")
    return None


def _of_text(text: str, rules: Rules) -> list[Span]:
    if text[:1] in ("[", "(", "{"):
        try:
            return read_spans(json.loads(text.translate(str.maketrans("()'", '[]"'))), rules)
        except (json.JSONDecodeError, RecursionError):
            inner = text[1:-1]
            if text[-1] in "])}" and not re.search(r"[][(){}]", inner):
                return _of_list(re.split("[,;]", inner), rules)
    if rules.asked:
        if _AMBIGUOUS.match(text):
            raise SpanError(f"{text!r:.60} is one number or two; write HH:MM:SS-HH:MM:SS")
        if "\n" in text or ";" in text:
            lines = [line for line in re.split(r"[\n;]", text) if line.strip()]
            return [span for line in lines for span in _of_text(line.strip(), rules)]
        inside = _INSIDE.fullmatch(text)
        text = inside[1] if inside else _LABEL.sub("", _REMARK.sub("", text)).rstrip(" .")
    return _of_tokens(text, rules)


def _of_tokens(text: str, rules: Rules) -> list[Span]:
    spans: list[Span] = []
    start: Time | None = None
    joined, bare = False, 0
    for part in tokens(text):
        if isinstance(part, str):
            if part == "-" and (start is None or joined):
                raise SpanError(f"cannot read {text!r:.60} as a span; a time is missing")
            joined = joined or (part != "," and start is not None)
        elif start is None or not joined:
            spans += [_moment(start.seconds, rules)] if start else []
            start, bare = part, bare + 1
        else:
            spans.append(_span(start, part, rules))
            start, joined, bare = None, False, bare - 1
    if joined or not (spans or start):
        raise SpanError(f"cannot read {text!r:.60} as a span; write HH:MM:SS-HH:MM:SS")
    spans += [_moment(start.seconds, rules)] if start else []
    if rules.asked and bare == len(spans) == 2:
        raise SpanError(f"{text!r:.60} are two moments or one span; write HH:MM:SS-HH:MM:SS")
    return spans


def _moment(seconds: float, rules: Rules) -> Span:
    if rules.around:
        return Span(max(0.0, seconds - rules.moment_s / 2), seconds + rules.moment_s / 2)
    return Span(seconds, seconds + rules.moment_s)


def _span(start: Time, end: Time, rules: Rules) -> Span:
    first, last = range_ends(start, end)
    if last < first or (last == first and rules.asked):
        raise SpanError(f"{first:g} s to {last:g} s is no span")
    return Span(first, last) if last > first else _moment(first, rules)
