"""The inspector at an endpoint: a vision model that judges frames."""

from __future__ import annotations

from videoseal.core.errors import SpanError
from videoseal.core.span import parse_time
from videoseal.models import prompts
from videoseal.models.structured import Form, Malformed, StructuredRole, Wire, answer_of
from videoseal.models.types import (
    Frame,
    InspectRequest,
    Observation,
    Reply,
    SearchMoreReason,
    Verdict,
)

__all__ = ["ChatInspector"]

_NEAR_S = 1.0
"""Models often drop the fraction of a timestamp; beyond this it names no frame."""


class ChatInspector(StructuredRole):
    """Looks at frames through an OpenAI-compatible endpoint.

    A forced request always gets an answer (and a letter where there are options); `sufficient`
    still says whether the frames carry it.
    """

    role = "inspector"
    told = "inspect"

    async def inspect(self, request: InspectRequest) -> Reply[Verdict]:
        """Judge the frames; raises ModelError, ValueError when there are no frames."""
        if not request.frames:
            raise ValueError("an inspection needs at least one frame")
        form = Form(_Verdict, lambda wire: _verdict(wire, request), request.question.letters)
        return await self._ask(prompts.inspect_task(request), form, request.frames)


class _Observation(Wire):
    time: str
    text: str


class _Verdict(Wire):
    # What was seen comes before the judgement, so that the judgement can follow from it.
    observations: list[_Observation]
    sufficient: bool
    answer: str
    choice: str | None
    reason: SearchMoreReason | None
    missing: str
    confidence: float


def _verdict(wire: _Verdict, request: InspectRequest) -> Verdict:
    """The verdict, if it holds together; Malformed says what does not."""
    seen = [_observation(item, request.frames) for item in wire.observations]
    answers = wire.sufficient or request.forced
    answer, choice = answer_of(wire, request.question, due=answers)
    if wire.sufficient and not seen:
        raise Malformed('"sufficient" is true, but "observations" is empty')
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
    )


def _observation(item: _Observation, frames: list[Frame]) -> Observation:
    """With the exact time of the frame that it names."""
    try:
        time = parse_time(item.time)
    except SpanError as problem:
        raise Malformed(f'an observation\'s "time": {problem}') from None
    nearest = min(frames, key=lambda frame: abs(frame.time - time))
    if abs(nearest.time - time) > _NEAR_S:
        raise Malformed(f'an observation\'s "time" {item.time!r:.20} is that of no frame shown')
    if not item.text.strip():
        raise Malformed('an observation has an empty "text"')
    return Observation(time=nearest.time, text=item.text.strip())
