"""Read the outline of the video for the planner."""

from __future__ import annotations

import asyncio
from typing import Literal

from langgraph.runtime import Runtime
from langgraph.types import Command

from videoseal.core.errors import VideosealError
from videoseal.graph.context import Context
from videoseal.graph.events import Overviewed
from videoseal.graph.planner_messages import outline_payload
from videoseal.graph.session import OutOfBudget, open_session, task_and_call
from videoseal.graph.state import State
from videoseal.tools.overview import overview as read_outline

__all__ = ["overview"]


async def overview(state: State, runtime: Runtime[Context]) -> Command[Literal["plan"]]:
    """Read the outline of the video for the planner."""
    session = await open_session(state, runtime)
    task, call = task_and_call(state)
    store = session.resources.store
    try:
        outline = await session.work(
            "overview", lambda: asyncio.to_thread(read_outline, store, task.video_id)
        )
    except (VideosealError, OutOfBudget) as error:
        return Command(update=session.failed(call, error, state.trouble), goto="plan")
    payload = outline_payload(outline, task.duration)
    session.emit(Overviewed(step=session.spent.steps, lines=len(payload["lines"])))
    return Command(update=session.result(call, payload), goto="plan")
