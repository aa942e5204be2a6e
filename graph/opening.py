"""The start of a run: which question, about which video."""

from __future__ import annotations

import asyncio
from typing import NamedTuple
from uuid import uuid4

from langchain_core.messages import AnyMessage, HumanMessage
from pydantic import ValidationError

from videoseal.core.errors import UnknownVideo, faults
from videoseal.core.text import clean_text
from videoseal.graph.calls import NUDGE_PREFIX
from videoseal.graph.context import Context
from videoseal.graph.state import State, Task
from videoseal.indexing.index_rows import VideoRow
from videoseal.indexing.store.store import Store
from videoseal.models.types import Question

__all__ = ["InvalidQuestion", "Opening", "begins", "open_task"]


class InvalidQuestion(Exception):
    """The input holds no question that can be asked."""


class Opening(NamedTuple):
    """A settled task, the video it is about, and the message to add where none asked it."""

    task: Task
    video: VideoRow
    messages: list[AnyMessage]


def begins(state: State) -> bool:
    """Whether this is a new question, not the next turn of one that is being worked on."""
    if state.task is None or state.answer is not None:
        return True
    human = _last_human(state)
    return state.question != state.task.asked or (
        human is not None and human.id != state.task.human_id
    )


async def open_task(state: State, context: Context, store: Store) -> Opening:
    """Settle question and video; raises InvalidQuestion, or StoreError such as UnknownVideo."""
    human = _last_human(state)
    question, in_chat = _question(state, human)
    name = state.video_id or context.video_id
    if not name:
        raise InvalidQuestion("no video is named: give video_id in the input or in the context")
    video = await asyncio.to_thread(store.video, name)
    if video.status != "ready":
        raise UnknownVideo(
            f"{video.id} is still being indexed", hint="run `videoseal index` on it again"
        )
    added: list[AnyMessage] = []
    if not in_chat or human is None:
        human = HumanMessage(question.render(), id=str(uuid4()))
        added = [human]
    last = [*state.messages, *added][-1]
    task = Task(
        question=question,
        video_id=video.id,
        duration=video.duration,
        asked=state.question,
        human_id=human.id or "",
        message_id=last.id or "",
    )
    return Opening(task, video, added)


def _question(state: State, human: HumanMessage | None) -> tuple[Question, bool]:
    """The question, and whether it came as a chat message.

    On a thread the question field keeps its last value, so a message that came after it wins.
    """
    before = state.task
    newer = human is not None and before is not None and human.id != before.human_id
    stale = before is not None and before.asked == state.question and newer
    try:
        if state.question.strip() and not stale:
            return _clean(state.question, state.options), False
        if human is not None and human.text.strip():
            options = [] if stale else state.options
            return _clean(human.text, options), True
    except ValidationError as error:
        problem = faults(error)[0].message
        raise InvalidQuestion(f"the question cannot be asked: {problem}") from None
    raise InvalidQuestion("there is no question: give it in the input or as a message")


def _clean(text: str, options: list[str]) -> Question:
    return Question(text=clean_text(text.strip()), options=[clean_text(item) for item in options])


def _last_human(state: State) -> HumanMessage | None:
    for message in reversed(state.messages):
        if isinstance(message, HumanMessage) and not (message.id or "").startswith(NUDGE_PREFIX):
            return message
    return None
