"""The inspector at an endpoint: a vision model that judges frames."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated, Any, Final, get_args

from pydantic import BeforeValidator, Field

from videoseal.core.errors import SpanError
from videoseal.core.settings import Endpoint, Settings
from videoseal.core.span import format_time, parse_time
from videoseal.core.text import normalise
from videoseal.models import prompts
from videoseal.models.limits.sight import Look, look_at
from videoseal.models.reading.letters import parse_choice
from videoseal.models.reading.reply_schema import NULL, SHARE, either, listing, obj, one_of, text
from videoseal.models.reading.wire import NOTHING, Flag, Share, Wire, Words, bare_name
from videoseal.models.structured import Form, Malformed, StructuredRole, answer_of
from videoseal.models.types import (
    InspectRequest,
    Observation,
    Question,
    Reply,
    SearchMoreReason,
    Verdict,
)

__all__ = ["ChatInspector", "verdict_form"]

_NEAR_S: Final = 1.0
"""Models often drop the fraction of a timestamp; beyond this it names no frame."""
_CLOCK: Final = re.compile(r"(?:\d{1,3}:)?\d{1,3}:\d{2}(?:[.,]\d{1,6})?(?!\d|:\d)")
_NUMBER: Final = re.compile(r"\W*\d+(?:\.\d+)?\s?s?(?=\W)")
_MOST: Final = 24
"""Observations of one look."""


class ChatInspector(StructuredRole):
    """Looks at frames through an OpenAI-compatible endpoint.

    A forced request always gets an answer (and a letter where there are options); `sufficient`
    still says whether the frames carry it.
    """

    role = "inspector"
    told = "inspect"

    def __init__(self, settings: Settings, endpoint: Endpoint) -> None:
        super().__init__(settings, endpoint)
        self._side = settings.frame_side

    def look(self, frames: int, shape: tuple[int, int]) -> Look:
        """How many frames of what size to show of a video of that width and height."""
        chat, endpoint = self._chat, self._chat.policy.endpoint
        reply = endpoint.max_tokens or 0
        return look_at(frames, self._side, shape, endpoint.model, chat.learned, reply)

    async def inspect(self, request: InspectRequest) -> Reply[Verdict]:
        """Judge the frames; raises ModelError, ValueError when there are no frames."""
        if not request.frames:
            raise ValueError("an inspection needs at least one frame")
        task = prompts.inspect_task(request)
        return await self._ask(
            task, lambda shown: verdict_form(replace(request, frames=list(shown))), request.frames
        )


def verdict_form(request: InspectRequest) -> Form[_Verdict, Verdict]:
    """What a verdict on these frames must look like."""
    return Form(
        _Verdict,
        lambda wire: _verdict(wire, request),
        _rules(request),
        lambda verdict, said: _stands(verdict, said, request.question),
    )


class _Seen(Wire):
    also = MappingProxyType(
        {"timestamp": "time", "at": "time", "frametime": "time", "t": "time", "timecode": "time",
         "description": "text", "observation": "text", "seen": "text", "note": "text",
         "content": "text", "detail": "text", "what": "text"}
    )  # fmt: skip
    time: Any = None
    line: Any = None
    text: Words = ""


def _listed(value: Any) -> Any:
    """Observations as a list, also from one alone, from lines, or from an object by time."""
    if isinstance(value, str):
        return [_line(line) for line in value.splitlines() if line.strip()]
    if isinstance(value, dict):
        names = {*_Seen.model_fields, *_Seen.also}
        if names & set(map(bare_name, value)):
            return [value]
        return [{"time": time, "text": said} for time, said in value.items()]
    if isinstance(value, list):
        return [item for entry in value for item in _entries(entry)]
    return value


def _entries(entry: Any) -> Any:
    if isinstance(entry, list) and len(entry) == 2 and isinstance(entry[1], str):
        return [{"time": entry[0], "text": entry[1]}]
    return _listed(entry) if isinstance(entry, str | dict) else [entry]


def _line(line: str) -> dict[str, str]:
    """A line of a time and a text, whatever stands between them."""
    found = _CLOCK.search(line) or _NUMBER.match(line)
    if not found:
        return {"text": line}
    text = f"{line[: found.start()]} {line[found.end() :]}"
    return {"time": found.group(), "text": text.strip(" \t-\u2013\u2014:|,.;()[]*@")}


def _reason(value: Any) -> Any:
    """The one reason that a text names; a text for none is none."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, str):
        return value
    said = bare_name(value)
    named = [name for name in get_args(SearchMoreReason) if bare_name(name) in said]
    return None if value.strip().casefold() in NOTHING else named[0] if len(named) == 1 else value


class _Verdict(Wire):
    decides = "sufficient"
    # What was seen comes before the judgement, so that the judgement can follow from it.
    observations: Annotated[list[_Seen], BeforeValidator(_listed)] = Field(default_factory=list)
    sufficient: Flag
    answer: Words = ""
    choice: Any = None
    reason: Annotated[SearchMoreReason | None, BeforeValidator(_reason)] = None
    missing: Words = ""
    confidence: Share = 0.0


def _rules(request: InspectRequest) -> dict[str, Any]:
    """All that a verdict must be, as a schema: one shape for yes and one for no."""
    times = dict.fromkeys(format_time(frame.time, decimals=1) for frame in request.frames)
    letter = one_of(*request.question.letters) if request.question.options else NULL
    seen = obj(time=one_of(*times), text=text(300, 1))
    if request.lines:
        number = one_of(*range(1, len(request.lines) + 1))
        seen = either(
            obj(time=one_of(*times), line=NULL, text=text(300, 1)),
            obj(time=NULL, line=number, text=text(300, 1)),
        )
    answer, empty, reasons = text(300, 1), one_of(""), one_of(*get_args(SearchMoreReason))
    guess = (answer, letter) if request.forced else (empty, NULL)

    def shape(settled: bool, answer: Any, choice: Any, reason: Any, missing: Any) -> Any:
        return obj(
            observations=listing(seen, _MOST, int(settled)), sufficient=one_of(settled),
            answer=answer, choice=choice, reason=reason, missing=missing, confidence=SHARE,
        )  # fmt: skip

    return either(
        shape(True, answer, letter, NULL, empty), shape(False, *guess, reasons, text(500))
    )


def _verdict(wire: _Verdict, request: InspectRequest) -> Verdict:
    """The verdict, if it holds together; Malformed says what does not."""
    seen = [found for item in wire.observations for found in _observed(item, request)]
    answers = wire.sufficient or request.forced
    answer, choice = answer_of(wire, request.question, due=answers)
    if wire.sufficient and not seen:
        shown = "a frame or line" if request.lines else "a frame"
        what = f"of {shown} that was shown" if wire.observations else "made"
        raise Malformed(f'"sufficient" is true, but no observation is {what}')
    if not wire.sufficient and wire.reason is None:
        raise Malformed('"sufficient" is false, so "reason" must name why')
    return Verdict(
        sufficient=wire.sufficient,
        answer=answer,
        choice=choice,
        reason=None if wire.sufficient else wire.reason,
        observations=seen,
        missing="" if wire.sufficient else wire.missing.strip(),
        confidence=wire.confidence,
        shown=[frame.time for frame in request.frames],
    )


def _observed(item: _Seen, request: InspectRequest) -> list[Observation]:
    """With the exact times of the frames or lines that it names; none where none was shown."""
    said = " ".join(item.text.split())
    found = []
    for number in _line_numbers(item.line):
        if said and 1 <= number <= len(request.lines):
            start = request.lines[number - 1].start
            found.append(Observation(time=start, text=said, line=number))
    if found:
        return found
    for time in _times(item.time):
        nearest = min(request.frames, key=lambda frame: abs(frame.time - time))
        if said and abs(nearest.time - time) <= _NEAR_S:
            found.append(Observation(time=nearest.time, text=said))
    return found


def _line_numbers(value: Any) -> list[int]:
    """The lines that a field names: `3`, `"[3]"`, `"lines 3-4"`, `[3, 4]`."""
    if isinstance(value, list):
        return [number for item in value for number in _line_numbers(item)]
    return [int(number) for number in re.findall(r"\d{1,6}", str(value))]


def _times(value: Any) -> list[float]:
    """The moments that a field names, in seconds."""
    if isinstance(value, list):
        return [time for item in value for time in _times(item)]
    with suppress(SpanError):
        return [parse_time(value)]
    clocks = _CLOCK.findall(value) if isinstance(value, str) else []
    return [parse_time(clock) for clock in clocks]


def _stands(verdict: Verdict, said: str, question: Question) -> bool:
    """Whether a proof given without the pictures stood already in what was said of them."""
    if not verdict.sufficient:
        return True
    first = normalise(said).casefold()
    claims = (verdict.answer, question.option(verdict.choice) or verdict.answer)
    stated = parse_choice(said, question.letters) if verdict.choice else None
    if stated is not None and stated == verdict.choice:
        return True
    return any(normalise(claim).casefold() in first for claim in claims)
