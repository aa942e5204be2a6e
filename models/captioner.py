"""The captioner at an endpoint: a vision model that describes clips."""

from __future__ import annotations

from videoseal.core.settings import Endpoint, Settings
from videoseal.models import prompts
from videoseal.models.client import EndpointChat, chat_options
from videoseal.models.structured import Form, Malformed, StructuredChat, Wire, picture_parts
from videoseal.models.types import CaptionRequest, Reply

__all__ = ["ChatCaptioner"]


class ChatCaptioner:
    """Describes clips through an OpenAI-compatible endpoint."""

    wants_frames = True

    def __init__(self, settings: Settings, endpoint: Endpoint) -> None:
        self._chat = StructuredChat(EndpointChat(**chat_options(settings, endpoint, "captioner")))
        self.name = f"{endpoint.model}@{prompts.version('caption')}"

    async def caption(self, request: CaptionRequest) -> Reply[str]:
        """A short description and a line of entities; raises ModelError, ValueError if no frame."""
        if not request.frames:
            raise ValueError("a caption needs at least one frame")
        content = [
            {"type": "text", "text": prompts.caption_task(request)},
            *picture_parts(request.frames),
        ]
        form = Form(_Caption, _caption)
        return await self._chat.ask(
            prompts.render("caption"), content, form, frames=len(request.frames)
        )


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
