"""One turn of the planner: its whole conversation goes in, one message comes out."""

from __future__ import annotations

import time
from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from videoseal.graph.calls import own_message
from videoseal.graph.padding import distractors
from videoseal.graph.planner_messages import system_prompt, task_prompt, tool_names
from videoseal.graph.session import Session
from videoseal.graph.state import Task
from videoseal.models.types import Reply, Usage
from videoseal.tools.schemas import tool_specs

__all__ = ["ask_planner"]


async def ask_planner(
    session: Session, task: Task, turns: Sequence[BaseMessage], *, closing: bool = False
) -> AIMessage:
    """The planner's next message, one step of the budget unless it closes the run.

    Raises ModelError, or OutOfBudget at the deadline.
    """
    mode = session.context.mode
    tools = tool_specs(("finish",) if closing else tool_names(mode))
    planner = session.resources.models.planner.bind_tools(tools)
    messages: list[BaseMessage] = [
        SystemMessage(system_prompt(mode)),
        HumanMessage(_task(session, task)),
        *turns,
    ]

    async def work() -> Reply[AIMessage]:
        began = time.monotonic()
        message = await planner.ainvoke(messages)
        assert isinstance(message, AIMessage)
        return Reply(message, _usage(message, time.monotonic() - began))

    if not closing:
        session.spent = session.spent.step()
    return own_message(await session.ask("planner", work, closing=closing), session.spent.steps)


def _task(session: Session, task: Task) -> str:
    """The task, with the lines that the run pads it with."""
    context = session.context
    padding = distractors(task.question, context.distractors, context.distractor_seed)
    prompt = task_prompt(task.question, task.video_id, task.duration)
    # In one message: some chat templates refuse two turns of a user in a row.
    return f"{prompt}\n\n{padding}" if padding else prompt


def _usage(message: AIMessage, seconds: float) -> Usage:
    told = message.usage_metadata
    read, written = (told["input_tokens"], told["output_tokens"]) if told else (0, 0)
    return Usage(1, read, written, 0, seconds)
