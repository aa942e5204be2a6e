"""The inspector at an endpoint: a vision model that judges frames."""

from __future__ import annotations

from videoseal.core.errors import SpanError
from videoseal.core.settings import Endpoint, Settings
from videoseal.core.span import parse_time
from videoseal.models import prompts
from videoseal.models.client import EndpointChat, chat_options
from videoseal.models.structured import (
    Form,
    Malformed,
    StructuredChat,
    Wire,
    choice_of,
    picture_parts,
)
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


class ChatInspector:
    """Looks at frames through an OpenAI-compatible endpoint.

    A forced request always gets an answer (and a letter where there are options); `sufficient`
    still says whether the frames carry it.
    """

    def __init__(self, settings: Settings, endpoint: Endpoint) -> None:
        self._chat = StructuredChat(EndpointChat(**chat_options(settings, endpoint, "inspector")))
        self.name = f"{endpoint.model}@{prompts.version('inspect')}"

    async def inspect(self, request: InspectRequest) -> Reply[Verdict]:
        """Judge the frames; raises ModelError, ValueError when there are no frames."""
        if not request.frames:
            raise ValueError("an inspection needs at least one frame")
        content = [
            {"type": "text", "text": prompts.inspect_task(request)},
            *picture_parts(request.frames),
        ]
        form = Form(_Verdict, lambda wire: _verdict(wire, request), request.question.letters)
        return await self._chat.ask(
            prompts.render("inspect"), content, form, frames=len(request.frames)
        )


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
    if not 0 <= wire.confidence <= 1:
        raise Malformed(f'"confidence" is {wire.confidence}; it must lie in 0 to 1')
    seen = [_observation(item, request.frames) for item in wire.observations]
    answers = wire.sufficient or request.forced
    choice = choice_of(wire.choice, request.question) if answers else None
    if answers and not wire.answer.strip():
        raise Malformed('"answer" is empty, but an answer is due')
    if answers and request.question.options and choice is None:
        raise Malformed('"choice" is null, but the letter of an option is due')
    if wire.sufficient and not seen:
        raise Malformed('"sufficient" is true, but "observations" is empty')
    if not wire.sufficient and wire.reason is None:
        raise Malformed('"sufficient" is false, so "reason" must name why')
    return Verdict(
        sufficient=wire.sufficient,
        answer=wire.answer.strip() if answers else "",
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
