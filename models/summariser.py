"""The summariser at an endpoint: tells the story of a video from its captions."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from langchain_core.messages import HumanMessage, SystemMessage

from videoseal.core.errors import ModelReplyError
from videoseal.core.settings import Endpoint, Settings
from videoseal.models import prompts
from videoseal.models.client import EndpointChat, usage_of
from videoseal.models.reading.json_text import after_thoughts
from videoseal.models.types import Reply, Usage

__all__ = ["PART_CHARACTERS", "ChatSummariser", "split_lines"]

PART_CHARACTERS: Final = 12_000
"""About 3,000 tokens of English, 10,000 of Chinese: fits every server's context."""
_AT_ONCE: Final = 4
"""Parts under way at a time."""


class ChatSummariser:
    """Writes stories through an OpenAI-compatible endpoint; long videos in parts, then joined."""

    def __init__(self, settings: Settings, endpoint: Endpoint) -> None:
        self._chat = EndpointChat.at(settings, endpoint, "summariser")
        self.name = f"{endpoint.model}@{prompts.version('story')}"

    async def summarise(self, lines: list[str]) -> Reply[str]:
        """A few paragraphs from time-stamped lines, "" from none; raises ModelError."""
        started = time.perf_counter()
        usage = Usage()
        system = prompts.render("story")
        gate = asyncio.Semaphore(_AT_ONCE)
        while lines:
            told = await self._tell_all(system, split_lines(lines, PART_CHARACTERS), gate)
            for reply in told:
                usage = usage.plus(reply.usage)
            lines = [reply.value for reply in told]
            if len(lines) == 1:
                break
            system = prompts.render("story_join")
        story = lines[0] if lines else ""
        return Reply(story, usage._replace(seconds=time.perf_counter() - started))

    async def _tell_all(
        self, system: str, parts: list[list[str]], gate: asyncio.Semaphore
    ) -> list[Reply[str]]:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._tell(system, part, gate)) for part in parts]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return [task.result() for task in tasks]

    async def _tell(self, system: str, lines: list[str], gate: asyncio.Semaphore) -> Reply[str]:
        async with gate:
            task = HumanMessage(prompts.story_task(lines))
            reply = await self._chat.ask([SystemMessage(system), task])
        text = after_thoughts(str(reply.text))
        if not text:
            raise ModelReplyError("the summariser wrote nothing", role="summariser")
        # A part longer than this could keep the joining from ever getting shorter.
        return Reply(text[: PART_CHARACTERS // 3], usage_of(reply))


def split_lines(lines: list[str], characters: int) -> list[list[str]]:
    """Cut into runs of lines of at most so many characters; a longer line is cut short."""
    parts: list[list[str]] = []
    room = 0
    for line in lines:
        short = line[:characters]
        if not parts or len(short) + 1 > room:
            parts.append([])
            room = characters
        parts[-1].append(short)
        room -= len(short) + 1
    return parts
