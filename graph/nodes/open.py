"""Take up a question: settle its video, its choices and what is kept of the thread."""

from __future__ import annotations

import asyncio
from typing import Any, Final
from uuid import uuid4

from langchain_core.messages import HumanMessage, RemoveMessage
from langgraph.runtime import Runtime
from langgraph.types import Overwrite
from pydantic import ValidationError

from videoseal.core.errors import InvalidQuestion, UnknownVideo, faults
from videoseal.core.text import clean_text
from videoseal.graph.context import Context, Mode, ServedContext
from videoseal.graph.events import Started
from videoseal.graph.ledger import carried, sealed
from videoseal.graph.resources import Provider, Resources
from videoseal.graph.routes import last_human
from videoseal.graph.seal import holds
from videoseal.graph.state import PastQuestion, State, Task, answer_of, ledger_of, task_of
from videoseal.indexing.index_rows import VideoRow
from videoseal.models.types import Question

__all__ = ["open_with"]

_REMEMBERED: Final = 10
"""Questions of a thread that the planner is told of; messages of older ones are dropped."""


def open_with(resources: Provider, mode: Mode) -> Any:
    """The node `open` of a graph that works in `mode`."""

    async def open(state: State, runtime: Runtime[ServedContext]) -> dict[str, Any]:
        """Take up the question that waits; raises InvalidQuestion, UnknownVideo."""
        given = (runtime.context or ServedContext()).model_dump()
        context = Context.model_validate({**given, "mode": mode})
        held = await resources()
        question, asked_by = _question(state)
        video = await _video(held, state.get("video_id") or context.video_id)
        added = []
        if asked_by is None:
            asked_by = HumanMessage(question.render(), id=str(uuid4()))
            added = [asked_by]
        earlier = _earlier(state)
        task = Task(
            question=question,
            video_id=video.id,
            title=video.title,
            duration=video.duration,
            context=context,
            human_id=asked_by.id or "",
            message_id=[*(state.get("messages") or []), *added][-1].id or "",
            earlier=earlier[-_REMEMBERED:],
        )
        runtime.stream_writer(Started.of(task).model_dump(mode="json"))
        return {
            "question": "",
            "options": [],
            "task": task.model_dump(mode="json"),
            "messages": [*_forgotten(state, earlier), *added],
            "evidence": Overwrite(await _carried(state, task, held)),
            "spent": Overwrite({}),
            "failures": Overwrite([]),
            "answer": None,
            "stopped": None,
            "rejected": -1,
        }

    return open


def _question(state: State) -> tuple[Question, HumanMessage | None]:
    """The question, and the message that asks it where it came as one."""
    text, options = state.get("question") or "", state.get("options") or []
    human = None
    if not text.strip():
        human = last_human(state)
        before = task_of(state).human_id if state.get("task") else None
        if human is None or human.id == before or not human.text.strip():
            raise InvalidQuestion("there is no question: give it in the input or as a message")
        text = human.text
    try:
        cleaned = [clean_text(item) for item in options]
        return Question(text=clean_text(text.strip()), options=cleaned), human
    except ValidationError as error:
        problem = faults(error)[0].message
        raise InvalidQuestion(f"the question cannot be asked: {problem}") from None


async def _video(held: Resources, name: str) -> VideoRow:
    if not name:
        raise InvalidQuestion("no video is named: give video_id in the input or in the context")
    video = await asyncio.to_thread(held.store.video, name)
    if video.status != "ready":
        raise UnknownVideo(
            f"{video.id} is still being indexed", hint="run `videoseal index` on it again"
        )
    return video


def _earlier(state: State) -> list[PastQuestion]:
    """The thread's questions so far, the last one with its answer."""
    if not state.get("task"):
        return []
    task, answer = task_of(state), answer_of(state)
    done = PastQuestion(
        question=task.question,
        video_id=task.video_id,
        message_id=task.message_id,
        answer=answer.text if answer else "",
        proven=bool(answer and answer.proven),
        seen=[span for cited in answer.citations for span in cited.spans] if answer else [],
    )
    return [*task.earlier, done]


def _forgotten(state: State, earlier: list[PastQuestion]) -> list[RemoveMessage]:
    """The removal of all messages before the oldest question that is still remembered."""
    if len(earlier) <= _REMEMBERED:
        return []
    ids = [message.id for message in state.get("messages") or []]
    first = earlier[-_REMEMBERED].message_id
    end = ids.index(first) if first in ids else 0
    return [RemoveMessage(id=name) for name in ids[:end] if name]


async def _carried(state: State, task: Task, held: Resources) -> list[dict[str, Any]]:
    """What was seen for the question before, sealed anew for this one, where that is wanted."""
    if not task.context.carry_evidence or not state.get("task"):
        return []
    before = task_of(state)
    if before.video_id != task.video_id:
        return []
    key = await held.seal_key()
    return [
        sealed(carried(entry, before.question), key, task.about)
        for entry in ledger_of(state)
        if entry.observations and holds(key, entry.model_dump(mode="json"), before.about)
    ]
