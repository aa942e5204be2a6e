"""Ask one question in this process: the same graph that is served, and a record of the run."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph

from videoseal.core.text import clean_json
from videoseal.graph.app import agent
from videoseal.graph.budget import RoleUsage, Spent
from videoseal.graph.calls import turns_of
from videoseal.graph.context import Context
from videoseal.graph.episode import Episode, Timings, read_steps
from videoseal.graph.events import Called, Event, Started, read_event
from videoseal.graph.planner_messages import plan_version
from videoseal.graph.resources import Resources, using
from videoseal.graph.state import Output
from videoseal.models.types import Question

__all__ = ["ask"]


async def ask(
    resources: Resources,
    question: Question,
    video_id: str,
    context: Context | None = None,
    on_event: Callable[[Event], None] | None = None,
    *,
    graph: CompiledStateGraph[Any, Any, Any, Any] = agent,
    thread_id: str | None = None,
) -> Episode:
    """Answer a question about an indexed video and return the record of the run.

    Failures of models, tools and the database are in `Episode.error`; only programming errors
    are raised. `graph` may be one built with a checkpointer, with the thread to use.
    """
    context = context or Context()
    question = Question.model_validate(clean_json(question.model_dump()))
    began = time.monotonic()
    events: list[Event] = []
    output = Output()
    config: RunnableConfig = {"configurable": {"thread_id": thread_id or str(uuid4())}}
    given = {"question": question.text, "options": question.options, "video_id": video_id}
    with using(resources):
        stream = graph.astream(
            given, config, context=context, stream_mode=["custom", "values"], version="v2"
        )
        async for part in stream:
            if part["type"] == "values":
                output = part["data"]
                continue
            event = read_event(part["data"])
            events.append(event)
            if on_event is not None:
                on_event(event)
    return _episode(resources, question, video_id, context, output, events, began)


def _episode(
    resources: Resources,
    question: Question,
    video_id: str,
    context: Context,
    output: Output,
    events: list[Event],
    began: float,
) -> Episode:
    assert output.answer is not None
    start = next((event for event in events if isinstance(event, Started)), None)
    turns = turns_of(output.messages, start.message_id) if start else []
    spent = output.spent or Spent()
    calls = [event for event in events if isinstance(event, Called)]
    total = time.monotonic() - began
    models = sum(event.seconds for event in calls if event.role)
    return Episode(
        question=question,
        video_id=start.video_id if start else video_id,
        context=context,
        answer=output.answer,
        error=output.error,
        evidence=output.evidence,
        steps=read_steps(turns, events),
        usage={**spent.roles, "total": _total(spent)},
        timings=Timings(
            total=total, models=models, tools=sum(event.seconds for event in calls) - models
        ),
        models=_names(resources),
    )


def _total(spent: Spent) -> RoleUsage:
    total = RoleUsage()
    for usage in spent.roles.values():
        total = total.plus(usage.as_usage())
    return total


def _names(resources: Resources) -> dict[str, str]:
    names = resources.models.names("planner", "inspector", "answerer", "embedder")
    return {**names, "planner": f"{names['planner']}/{plan_version()}"}
