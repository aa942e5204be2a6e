"""The systems that the agent is measured against, made of its own nodes.

`coupled`: the planner searches and answers. `direct`: frames spread over the whole video, one
look. `blind`: the question alone. None of them claims proof.
"""

from __future__ import annotations

from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage
from langgraph.graph import END, START, StateGraph
from langgraph.types import Checkpointer, Send

from videoseal.graph.answers import Answer, Cause
from videoseal.graph.app import Agent, build_agent, compiled, searching
from videoseal.graph.calls import Turn, end_of, own_message, read_calls, reply
from videoseal.graph.context import Context, Mode, ServedContext
from videoseal.graph.ledger import Evidence
from videoseal.graph.meter import Meter
from videoseal.graph.nodes.answer import abstention, answer_with, forced, guessed, own_words
from videoseal.graph.nodes.open import open_with
from videoseal.graph.nodes.plan import ask_planner
from videoseal.graph.nodes.tool import tool_node
from videoseal.graph.nodes.visual_inspect import visual_inspect
from videoseal.graph.planner_messages import error_payload, finish_now
from videoseal.graph.resources import Provider, Resources, holding, served
from videoseal.graph.routes import last_turn, send, turns_of
from videoseal.graph.state import Input, Job, Output, State, spent_of, task_of
from videoseal.models.types import AnswerDraft

__all__ = ["agent_on", "baseline", "build_mode"]


def agent_on(resources: Resources, mode: Mode, *, tool_seconds: float | None = None) -> Agent:
    """The graph of a mode on these resources, built once for them."""
    known = (mode, tool_seconds)
    if known not in resources.agents:
        held = holding(resources)
        resources.agents[known] = build_mode(mode, held, tool_seconds=tool_seconds)
    found: Agent = resources.agents[known]
    return found


def build_mode(
    mode: Mode,
    resources: Provider = served,
    checkpointer: Checkpointer = None,
    *,
    context: type[ServedContext] = Context,
    tool_seconds: float | None = None,
) -> Agent:
    """The graph of a mode: the agent itself, or a baseline."""
    if mode == "decoupled":
        return build_agent(resources, checkpointer, context=context, tool_seconds=tool_seconds)
    if mode == "coupled":
        graph = searching(resources, context, mode, tool_seconds=tool_seconds)
        graph.add_node("answer", answer_with(resources, _coupled))
    else:
        graph = StateGraph(State, context_schema=context, input_schema=Input, output_schema=Output)
        graph.add_node("open", open_with(resources, mode))
        graph.add_edge(START, "open")
        decide = _direct if mode == "direct" else _blind
        graph.add_node("answer", answer_with(resources, decide, searches=False))
    if mode == "direct":
        graph.add_node("visual_inspect", tool_node(resources, visual_inspect, tool_seconds))
        graph.add_conditional_edges("open", _one_look, ["visual_inspect"])
        graph.add_edge("visual_inspect", "answer")
    if mode == "blind":
        graph.add_edge("open", "answer")
    graph.add_edge("answer", END)
    return compiled(graph, checkpointer)


def _one_look(state: State) -> list[Send]:
    """A look at the whole video."""
    task = task_of(state)
    frames = min(task.context.frames_per_inspect, task.context.max_frames)
    left: Any = {"steps": 0, "frames": frames}
    job = Job(tool="visual_inspect", task=task, spent=spent_of(state), left=left, frames=frames)
    return [send(job)]


async def _coupled(meter: Meter, state: State, __: list[Evidence], cause: Cause) -> Answer:
    """The planner's own answer; asked for once more where a guess is wanted."""
    turns, question = turns_of(state), meter.task.question
    turn = last_turn(state)
    if turn and turn.open_calls() and end_of(turn) == "finish":
        calls, _ = read_calls(turn, ("finish",), question)
        draft = AnswerDraft(supported=True, **calls[0].args)
        return guessed(draft, question, [], "planner", forced=False)
    if not meter.context.forced_choice:
        return abstention(cause)
    over, left = error_payload("SearchOver", finish_now()), meter.budget.left
    waiting = sorted(turn.open_calls()) if turn else []
    told: list[BaseMessage] = [reply(call, over, left) for call in waiting]
    told = told or [HumanMessage(finish_now())]
    said = own_message(await ask_planner(meter, turns, ("finish",), *told), meter.step, [])
    calls, refused = read_calls(Turn(said, []), ("finish",), question)
    if not calls:
        return abstention("no_choice", refused[0].message if refused else "nothing was called")
    draft = AnswerDraft(supported=False, **calls[0].args)
    return guessed(draft, question, [], "planner", cause=cause)


async def _direct(meter: Meter, state: State, ledger: list[Evidence], _: Cause) -> Answer:
    """What the inspector said of the uniform frames."""
    if not ledger:
        return abstention("time")
    return guessed(own_words(ledger[-1]), meter.task.question, ledger, "inspector")


async def _blind(meter: Meter, state: State, ledger: list[Evidence], _: Cause) -> Answer:
    """A guess from the question alone."""
    return await forced(meter, [], None)


baseline = build_mode("coupled", context=ServedContext)
