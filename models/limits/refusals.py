"""What servers mean by their refusals, in whatever words they say it."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from videoseal.core.errors import ModelError

__all__ = [
    "Lengths",
    "about_form",
    "about_model",
    "about_number",
    "about_pictures",
    "about_strict",
    "about_system",
    "about_tools",
    "is_blind",
    "lengths",
    "named",
    "numbers_of",
    "too_big",
    "too_long",
    "too_much_asked",
]

_SEEN: Final = r"(?:images?|pictures?|vision|visual|multi-?modal|mm)"
_NOT: Final = r"(?:not|n't|unsupported|cannot|only|no|disabled|without|unable|lacks?)"
_SYSTEM: Final = re.compile(
    r"\bsystem\b.{0,30}\b(?:role|message|prompt|turn|not supported|unsupported)"
    r"|\brole.{0,20}\bsystem\b|roles? must alternate|only user and assistant",
    re.IGNORECASE | re.DOTALL,
)
_TOOLS: Final = re.compile(r"\btools?\b|\bfunctions?\b|function.?call", re.IGNORECASE)
_LACKING: Final = re.compile(
    r"support|parser|template|enable|jinja|allowed|unknown|unrecogni[sz]ed|unexpected|permitted"
    r"|not implemented|unavailable|unable|cannot",
    re.IGNORECASE,
)
_FORM: Final = re.compile(
    r"response_format|tool_choice|json_?schema|schema|grammar|guided|structured|xgrammar|outlines|json.?mode"
    r"|json_object|additionalProperties|anyOf",
    re.IGNORECASE,
)
_STRICT: Final = re.compile(r"\bstrict\b|invalid schema for function", re.IGNORECASE)
_LONG: Final = re.compile(
    r"context|too many (?:input )?tokens|maximum.{0,20}(?:tokens|length)|physical batch size"
    r"|token (?:limit|count)|max_new_tokens|must have less than"
    r"|(?:input|prompt|sequence|request|text|message)s?\b.{0,60}"
    r"(?:too (?:long|large)|exceed|longer than|length)"
    r"|tokens?\b.{0,40}(?:exceed|longer than|more than|limit)",
    re.IGNORECASE | re.DOTALL,
)
_PICTURES: Final = re.compile(rf"{_SEEN}\b|image_url|photo|mmproj|frames?\b", re.IGNORECASE)
_BLIND: Final = re.compile(
    rf"not (?:a |an )?(?:multi-?modal|vision)|mmproj|only (?:supports? |accepts? )?text|text.only"
    rf"|{_SEEN}.{{0,60}}{_NOT}\b.{{0,30}}(?:support|allow|accept|enabl|available)?"
    rf"|{_NOT}\b.{{0,60}}{_SEEN}|image_url",
    re.IGNORECASE | re.DOTALL,
)
_NUMBER: Final = re.compile(
    r"too many|most|maximum|\bmax|limit|exceed|count|number of|only (?:an? |one|single|\d+)"
    r"|more than|up to|fewer|less",
    re.IGNORECASE,
)
_OUTPUT: Final = re.compile(
    r"completion|max_(?:completion_|new_)?tokens|output tokens|generat", re.IGNORECASE
)
_UNKNOWN: Final = re.compile(
    r"unsupported param|unrecogni[sz]ed|unknown|not permitted|extra inputs|use .?max_",
    re.IGNORECASE,
)
_LEAST: Final = 16
"""Tokens of the shortest reply that is worth asking for."""
_MARGIN: Final = 8
_BIG: Final = re.compile(
    r"(?:body|payload|entity|content.length|bytes|\b[kmg]i?b\b).{0,60}(?:large|big|exceed|limit|more)"
    r"|(?:large|big|exceed|limit|more).{0,60}(?:body|payload|entity|bytes|\b[kmg]i?b\b)",
    re.IGNORECASE | re.DOTALL,
)
_NO_MODEL: Final = re.compile(
    r"model\b.{0,80}(?:not (?:exist|found|available)|unknown|invalid)"
    r"|(?:unknown|invalid|no such) model",
    re.IGNORECASE | re.DOTALL,
)
_ONE: Final = re.compile(r"\b(?:one|a single|single)\b", re.IGNORECASE)


class Lengths(NamedTuple):
    """Tokens that a refusal names."""

    needed: int
    """By the prompt."""
    allowed: int
    """For the prompt and the reply."""


def too_long(error: ModelError) -> bool:
    """Whether a refusal says that the request has too many tokens."""
    spelled = "context" in error.said.lower() and error.status in (400, 413, 422, 500)
    return bool(_LONG.search(error.said)) and (bool(numbers_of(error.said)) or spelled)


def lengths(said: str, limit: int | None = None) -> Lengths | None:
    """What the prompt needs and what there is; `limit` is what was asked for the reply.

    None where a refusal does not tell both.
    """
    numbers = numbers_of(said)
    found = set(numbers)
    if limit is not None and _OUTPUT.search(said):
        found -= {limit}
        found -= {a + limit for a in found}
        if len(found) < 2 and numbers.count(limit) > 1:
            found.add(limit)
        if len(found) < 2:
            return None
        # The context comes first in most of these sentences, yet it is always the larger one:
        # a prompt that does not fit by itself is refused in words that name no reply.
        return Lengths(min(sorted(found)[-2:]), max(found))
    two = sorted(found)[-2:]
    return Lengths(two[1], two[0]) if len(two) == 2 else None


def too_much_asked(said: str, limit: int) -> int | None:
    """How many tokens a reply may have after a refusal of so many; None if that is no cause."""
    if not _OUTPUT.search(said) or _UNKNOWN.search(said):
        return None
    if told := lengths(said, limit):
        room = told.allowed - told.needed - _MARGIN
        return room if _LEAST <= room < limit else None
    smaller = [number for number in numbers_of(said) if _LEAST <= number < limit]
    return max(smaller, default=None)


def about_tools(error: ModelError) -> bool:
    """Whether a refusal says that the server does not take tools."""
    known = error.status in (400, 404, 405, 415, 422, 500, 501)
    return known and bool(_TOOLS.search(error.said) and _LACKING.search(error.said))


def about_model(error: ModelError) -> bool:
    """Whether a server says that it does not know the model."""
    unknown = error.status in (400, 404, 422) and bool(_NO_MODEL.search(error.said))
    return unknown or (error.status == 404 and "model" in error.said.lower())


def about_system(said: str) -> bool:
    """Whether a turn of the system is refused."""
    return bool(_SYSTEM.search(said))


def about_form(said: str) -> bool:
    """Whether the form that was asked of the reply is refused."""
    return bool(_FORM.search(said))


def about_strict(said: str) -> bool:
    """Whether a tool is refused because it is strict."""
    return bool(_STRICT.search(said))


def about_pictures(said: str) -> bool:
    """Whether pictures are named."""
    return bool(_PICTURES.search(said))


def about_number(said: str, shown: int) -> int | None:
    """How many pictures to try after a refusal of so many; None if not their number is at fault."""
    if not _NUMBER.search(said):
        return None
    fewer = [number for number in numbers_of(said) if 1 <= number < shown]
    if not fewer and _ONE.search(said) and shown > 1:
        fewer = [1]
    return max(fewer, default=shown // 2) or None


def is_blind(said: str) -> bool:
    """Whether a model is said to take no pictures at all."""
    return bool(_BLIND.search(said)) or (about_pictures(said) and 0 in numbers_of(said))


def too_big(error: ModelError) -> bool:
    """Whether a refusal says that the request has too many bytes."""
    return error.status == 413 or (
        error.status in (400, 422, 500) and bool(_BIG.search(error.said))
    )


def named(name: str, said: str) -> bool:
    """Whether a refusal names a field, and no other whose name holds it."""
    return re.search(rf"(?<![\w.-]){name}(?![\w-])", said) is not None


def numbers_of(said: str) -> list[int]:
    """The whole numbers in what a server said, without the status."""
    return [
        int(found.replace(",", ""))
        for found in re.findall(r"(?<![\w.])\d{1,3}(?:,\d{3})+\b|(?<![\w.])\d{1,9}\b", said)
    ]
