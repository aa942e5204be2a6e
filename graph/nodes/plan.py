"""The planner's turn: choose where to look next, or end the search."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langgraph.runtime import Runtime

from videoseal.graph.budget import OutOfBudget
from videoseal.graph.calls import (
    Call,
    Refusal,
    Turn,
    nudged,
    own_message,
    read_calls,
    repeats,
    reply,
    tools_used,
)
from videoseal.graph.context import ServedContext
from videoseal.graph.events import Planned, Refused
from videoseal.graph.meter import Meter
from videoseal.graph.planner_messages import (
    error_payload,
    past_prompt,
    system_prompt,
    task_prompt,
    too_early,
)
from videoseal.graph.resources import Provider
from videoseal.graph.routes import asks_anew, ending, last_turn, turns_of
from videoseal.graph.state import State, Task, spent_of, task_of
from videoseal.models.types import Reply, Usage
from videoseal.tools.schemas import ToolName, tool_specs

__all__ = ["ask_planner", "plan_with"]


def plan_with(resources: Provider, tools: tuple[ToolName, ...], *, settles: bool = True) -> Any:
    """The node `plan` of a planner with these tools."""

    async def plan(state: State, runtime: Runtime[ServedContext]) -> dict[str, Any]:
        """Ask the planner once, and answer what cannot be carried out of its turn.

        Nothing is asked where the search is over or a new question waits; a turn that was edited
        is read again.
        """
        if asks_anew(state):
            return {}
        meter = Meter(await resources(), task_of(state), spent_of(state), runtime.stream_writer)
        turns = turns_of(state)
        edited = last_turn(state)
        if edited and edited.open_calls():
            told = _told(meter, edited, turns[:-1], tools)
            return {"messages": told, "spent": meter.cost()}
        if ending(state, settles=settles):
            return {}
        try:
            said = await ask_planner(meter, turns, tools)
        except OutOfBudget as out:
            return {"stopped": out.cause, "spent": meter.cost()}
        said = own_message(said, meter.step, state.get("messages") or [])
        told = _told(meter, Turn(said, []), turns, tools)
        return {"messages": [said, *told], "spent": meter.cost(), "stopped": None}

    return plan


async def ask_planner(
    meter: Meter, turns: Sequence[Turn], tools: tuple[ToolName, ...], *more: BaseMessage
) -> AIMessage:
    """The planner's next message, one step of the budget unless `more` closes the run.

    Raises ModelError, or OutOfBudget at the deadline.
    """
    task, closing = meter.task, bool(more)
    planner = meter.resources.models.planner.bind_tools(tool_specs(tools))
    messages: list[BaseMessage] = [
        SystemMessage(system_prompt(task.context.mode)),
        HumanMessage(_task_text(task)),
        *(message for turn in turns for message in (turn.said, *turn.replies)),
        *more,
    ]

    async def work() -> Reply[AIMessage]:
        began = time.monotonic()
        message = await planner.ainvoke(messages)
        assert isinstance(message, AIMessage)
        return Reply(message, _usage(message, time.monotonic() - began))

    if not closing:
        meter.add(steps=1)
    return await meter.ask("planner", work, closing=closing)


def _task_text(task: Task) -> str:
    text = task_prompt(task.question, task.video_id, task.duration)
    return f"{past_prompt(task.earlier)}\n\n{text}" if task.earlier else text


def _usage(message: AIMessage, seconds: float) -> Usage:
    told = message.usage_metadata
    read, written = (told["input_tokens"], told["output_tokens"]) if told else (0, 0)
    return Usage(1, read, written, 0, seconds)


def _told(
    meter: Meter, turn: Turn, before: Sequence[Turn], tools: tuple[ToolName, ...]
) -> list[BaseMessage]:
    """The replies to what cannot be carried out of a turn, or need not be."""
    left = meter.budget.left
    if turn.talked:
        nudges = bool(before and before[-1].talked)
        return [] if nudges else [_refusal(meter, nudged(left), "NoToolCall", "no tool was called")]
    calls, refused = read_calls(turn, tools, meter.task.question)
    known = {call.id: repeats(call, before) for call in calls}
    told: list[BaseMessage] = [
        reply(name, given, left, again=True) for name, given in known.items() if given is not None
    ]
    fresh = [call for call in calls if known[call.id] is None]
    looks = iter(meter.budget.shares(sum(call.tool == "visual_inspect" for call in fresh)))
    for call in fresh:
        if call.tool == "give_up" and not _may_give_up(before):
            refused.append(Refusal(call.id, "TooEarly", too_early(), again=True))
        elif call.tool == "visual_inspect" and not next(looks):
            refused.append(Refusal(call.id, "OutOfBudget", "no frames are left for this look"))
        else:
            _planned(meter, call)
    for bad in refused:
        payload = error_payload(bad.error, bad.message)
        message = reply(bad.id, payload, left, again=bad.again)
        told.append(_refusal(meter, message, bad.error, bad.message))
    return told


def _may_give_up(before: Sequence[Turn]) -> bool:
    """Whether something was searched and something was looked at."""
    used = tools_used(before)
    return "visual_inspect" in used and bool(used & {"visual_retrieve", "overview"})


def _planned(meter: Meter, call: Call) -> None:
    left = meter.budget.left
    meter.emit(
        Planned(
            step=meter.step,
            tool=call.tool,
            args=call.args,
            steps_left=left["steps"],
            frames_left=left["frames"],
        )
    )


def _refusal(meter: Meter, message: BaseMessage, error: str, why: str) -> BaseMessage:
    meter.emit(Refused(step=meter.step, error=error, message=why))
    return message
