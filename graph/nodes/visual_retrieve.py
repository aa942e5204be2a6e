"""Search the index of the video for the planner."""

from __future__ import annotations

from typing import Literal

from langgraph.runtime import Runtime
from langgraph.types import Command

from videoseal.core.errors import VideosealError
from videoseal.graph.context import Context
from videoseal.graph.events import Retrieved
from videoseal.graph.planner_messages import hits_payload
from videoseal.graph.session import OutOfBudget, open_session, task_and_call
from videoseal.graph.state import State
from videoseal.tools.visual_retrieve import visual_retrieve as search_index

__all__ = ["visual_retrieve"]


async def visual_retrieve(state: State, runtime: Runtime[Context]) -> Command[Literal["plan"]]:
    """Search the index of the video for the planner."""
    session = await open_session(state, runtime)
    task, call = task_and_call(state)
    query = str(call.args["query"])
    store, embedder = session.resources.store, session.resources.models.embedder
    try:
        hits = await session.ask(
            "embedder",
            lambda: search_index(
                store, embedder, task.video_id, query, limit=session.context.top_k
            ),
        )
    except (VideosealError, OutOfBudget) as error:
        return Command(update=session.failed(call, error, state.trouble), goto="plan")
    payload = hits_payload(hits)
    session.emit(Retrieved(step=session.spent.steps, query=query, hits=payload["hits"]))
    return Command(update=session.result(call, payload), goto="plan")
