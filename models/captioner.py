"""The captioner at an endpoint: a vision model that describes clips."""

from __future__ import annotations

from videoseal.models import prompts
from videoseal.models.structured import Form, Malformed, StructuredRole, Wire
from videoseal.models.types import CaptionRequest, Reply

__all__ = ["ChatCaptioner"]


class ChatCaptioner(StructuredRole):
    """Describes clips through an OpenAI-compatible endpoint."""

    role = "captioner"
    told = "caption"
    wants_frames = True

    async def caption(self, request: CaptionRequest) -> Reply[str]:
        """A short description and a line of entities; raises ModelError, ValueError if no frame."""
        if not request.frames:
            raise ValueError("a caption needs at least one frame")
        form = Form(_Caption, _caption)
        return await self._ask(prompts.caption_task(request), form, request.frames)


class _Caption(Wire):
    clip_description: str
    entities: list[str]


def _caption(wire: _Caption) -> str:
    description = " ".join(wire.clip_description.split())
    if not description:
        raise Malformed('"clip_description" is empty')
    entities = list(dict.fromkeys(" ".join(entity.split()) for entity in wire.entities))
    listed = "; ".join(entity for entity in entities if entity)
    return f"{description}\nSeen: {listed}" if listed else description
