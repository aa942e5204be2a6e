"""The captioner at an endpoint: a vision model that describes clips."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

from pydantic import Field

from videoseal.models import prompts
from videoseal.models.reading.reply_schema import listing, obj, text
from videoseal.models.reading.wire import Texts, Wire, Words
from videoseal.models.structured import Form, Malformed, StructuredRole
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
        form = Form(_Caption, _caption, _RULES)
        return await self._ask(prompts.caption_task(request), lambda _: form, request.frames)


class _Caption(Wire):
    decides = "clip_description"
    also = MappingProxyType({"description": "clip_description", "caption": "clip_description"})
    clip_description: Words
    entities: Texts = Field(default_factory=list)


_NOTHING_SEEN: Final = re.compile(
    r"\b(no|without|any|not)\b[^.]{0,30}\b(frames?|images?|pictures?|video)\b[^.]{0,20}"
    r"\b(provided|given|attached|supplied|received|uploaded)\b",
    re.IGNORECASE,
)
_RULES: Final = obj(clip_description=text(2000, 1), entities=listing(text(100, 1), 40))


def _caption(wire: _Caption) -> str:
    description = " ".join(wire.clip_description.split())
    if not description:
        raise Malformed('"clip_description" is empty')
    if _NOTHING_SEEN.search(description):
        raise Malformed('"clip_description" says that there are no frames; they are attached')
    entities = list(dict.fromkeys(" ".join(entity.split()) for entity in wire.entities))
    listed = "; ".join(entity for entity in entities if entity)
    return f"{description}\nSeen: {listed}" if listed else description
