"""Ask one question in this process: the same graph that is served, and a record of the run."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from langchain_core.runnables import RunnableConfig
from langgraph.types import Command

from videoseal.core.errors import SettingsError, VideosealError
from videoseal.core.text import clean_json
from videoseal.graph.answers import abstain
from videoseal.graph.app import Agent
from videoseal.graph.baselines import agent_on
from videoseal.graph.budget import Spent
from videoseal.graph.calls import turns_after
from videoseal.graph.context import Context
from videoseal.graph.episode import Episode, Step, Timings, read_steps
from videoseal.graph.events import Answered, Called, Event, Started, read_event
from videoseal.graph.planner_messages import error_payload, plan_version
from videoseal.graph.resources import Resources
from videoseal.graph.state import Failure, State, failure_of, spent_of, task_of
from videoseal.models.limits.purse import dollars_of
from videoseal.models.prompts import version
from videoseal.models.types import Question

__all__ = ["ask"]


async def ask(
    resources: Resources,
    question: Question,
    video_id: str,
    context: Context | None = None,
    on_event: Callable[[Event], None] | None = None,
    *,
    graph: Agent | None = None,
    thread_id: str | None = None,
    on_interrupt: Callable[[Any], Any] | None = None,
) -> Episode:
    """Answer a question about an indexed video and return the record of the run.

    Failures of models, tools and the database are in `Episode.error`; only programming errors
    are raised. `graph` is the one of the context's mode unless another is given, such as one with
    a checkpointer, with the thread to use; where that thread stopped in the middle of this very
    question under the same choices, the run goes on there and pays for nothing twice.
    `on_interrupt` replies in a person's place. Raises SettingsError for a context that asks a
    person where there is none.
    """
    context = context or Context()
    if on_interrupt is None and context.asks_people:
        raise SettingsError(
            "nobody is there to approve looks, give hints or review answers",
            hint="serve the agent (see docs/serving.md), or leave these choices out",
        )
    graph = graph or agent_on(resources, context.mode)
    question = Question.model_validate(clean_json(question.model_dump()))
    began = time.monotonic()
    events: list[Event] = []
    output: dict[str, Any] = {}
    error: Failure | None = None
    config: RunnableConfig = {"configurable": {"thread_id": thread_id or str(uuid4())}}
    given: Any = {"question": question.text, "options": question.options, "video_id": video_id}
    spent = Spent()

    def heard(event: Event) -> None:
        events.append(event)
        if on_event is not None:
            on_event(event)

    if thread_id and (stopped := await _stopped(graph, config, question, video_id, context)):
        given, spent = None, spent_of(stopped)
        heard(Started.of(task_of(stopped), resumed=True))
    try:
        while True:
            waiting: list[Any] = []
            stream = graph.astream(
                given, config, context=context, stream_mode=["custom", "values"],
                durability="sync" if graph.checkpointer else None, version="v2",
            )  # fmt: skip
            async for part in stream:
                if part["type"] == "values":
                    output = part["data"]
                    waiting = [*(part.get("interrupts") or ())]
                    continue
                heard(read_event(part["data"]))
            given = _resumed(waiting, on_interrupt)
            if given is None:
                break
    except VideosealError as failure:
        error = failure_of(failure)
        heard(Answered(answer=abstain("error", f"the run failed: {error.message}")))
    return _episode(resources, question, video_id, context, output, error, events, spent, began)


async def _stopped(
    graph: Agent, config: RunnableConfig, question: Question, video_id: str, context: Context
) -> State | None:
    """The state of a thread that stopped while it worked on this question, by these choices."""
    if graph.checkpointer is None:
        return None
    found = await graph.aget_state(config)
    state: State = found.values  # type: ignore[assignment]
    if not found.next or not state.get("task") or state.get("question"):
        return None
    task = task_of(state)
    same = task.context.model_dump() == Context.model_validate(context.model_dump()).model_dump()
    return state if same and (task.question, task.video_id) == (question, video_id) else None


def _resumed(waiting: list[Any], reply: Callable[[Any], Any] | None) -> Command[Any] | None:
    """What goes on after a person was asked."""
    if not waiting or reply is None:
        return None
    return Command(resume={item.id: reply(item.value) for item in waiting})


def _episode(
    resources: Resources,
    question: Question,
    video_id: str,
    context: Context,
    output: dict[str, Any],
    error: Failure | None,
    events: list[Event],
    spent: Spent,
    began: float,
) -> Episode:
    start = next((event for event in events if isinstance(event, Started)), None)
    answer = next(event.answer for event in reversed(events) if isinstance(event, Answered))
    calls = [event for event in events if isinstance(event, Called)]
    total = spent.elapsed + time.monotonic() - began
    models = spent.total.seconds + sum(event.seconds for event in calls if event.role)
    tools = sum(event.seconds for event in calls if not event.role)
    for event in calls:
        if event.role:
            spent = spent.call(event.who, event.usage.as_usage())  # type: ignore[arg-type]
    return Episode(
        question=question,
        video_id=start.video_id if start else video_id,
        title=start.title if start else "",
        duration=start.duration if start else 0.0,
        context=context,
        answer=answer,
        error=error,
        evidence=(output.get("evidence") or []) if start else [],
        steps=_steps(output, start, error, events),
        usage={**spent.roles, "total": spent.total},
        dollars=dollars_of(spent.roles, resources.settings),
        timings=Timings(total=total, models=models, tools=tools),
        models=_names(resources, context),
    )


def _steps(
    output: dict[str, Any], start: Started | None, error: Failure | None, events: list[Event]
) -> list[Step]:
    """The steps of the run; a call that ended it has its error for a result."""
    if start is None:
        return []
    steps = read_steps(turns_after(output.get("messages") or [], start.message_id), events)
    if error is not None and steps and not steps[-1].result:
        failed = error_payload(error.type, error.message)
        steps[-1] = steps[-1].model_copy(update={"result": failed})
    return steps


def _names(resources: Resources, context: Context) -> dict[str, str]:
    names = resources.models.names("planner", "inspector", "answerer", "embedder")
    if "heard" in context.evidence:
        names["inspector"] += f"+{version('heard')}"
    return {**names, "planner": f"{names['planner']}/{plan_version()}"}
