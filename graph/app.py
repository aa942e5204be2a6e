"""The served graphs: nodes and the edges between them, nothing else.

    open -> plan -> visual_retrieve | overview | visual_inspect (one for each call) -> plan
                 -> answer -> END | plan (the evidence does not carry it) | review (a person)

`agent` is the one to ask; `careful` and `fast` are the same with other budgets.
"""

from __future__ import annotations

from typing import Any, Final

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Checkpointer, RetryPolicy

from videoseal.core.errors import DatabaseUnavailable
from videoseal.graph.context import MAX_STEPS, Careful, Context, Fast, Mode, ServedContext
from videoseal.graph.nodes.answer import answer_with, decoupled
from videoseal.graph.nodes.open import open_with
from videoseal.graph.nodes.overview import overview
from videoseal.graph.nodes.plan import plan_with
from videoseal.graph.nodes.review import review
from videoseal.graph.nodes.tool import tool_node
from videoseal.graph.nodes.visual_inspect import visual_inspect
from videoseal.graph.nodes.visual_retrieve import visual_retrieve
from videoseal.graph.planner_messages import tool_names
from videoseal.graph.resources import Provider, served
from videoseal.graph.routes import after_answer, after_plan, after_review
from videoseal.graph.state import Input, Output, State

__all__ = ["RECURSION_LIMIT", "agent", "build_agent", "careful", "compiled", "fast", "searching"]

RECURSION_LIMIT: Final = 4 * MAX_STEPS + 20
"""A step is a turn of the planner, its tools, and at most one rejected or reviewed answer."""
_TOOLS: Final = ("visual_retrieve", "overview", "visual_inspect")

Agent = CompiledStateGraph[Any, Any, Any, Any]


def build_agent(
    resources: Provider = served,
    checkpointer: Checkpointer = None,
    *,
    context: type[ServedContext] = Context,
    tool_seconds: float | None = None,
) -> Agent:
    """The graph that answers from evidence or abstains, on resources of its own.

    A server brings its own checkpointer. A tool that takes longer than `tool_seconds` is told to
    the planner as one that failed.
    """
    graph = searching(resources, context, "decoupled", tool_seconds=tool_seconds)
    graph.add_node("answer", answer_with(resources, decoupled))
    graph.add_node("review", review)
    graph.add_conditional_edges("answer", after_answer, ["plan", "review", END])
    graph.add_conditional_edges("review", after_review, ["plan", END])
    return compiled(graph, checkpointer)


def searching(
    resources: Provider,
    context: type[ServedContext],
    mode: Mode,
    *,
    tool_seconds: float | None = None,
) -> StateGraph[Any, Any, Any, Any]:
    """The part of a graph in which a planner searches; it goes on at `answer`."""
    settles, tools = mode == "decoupled", tool_names(mode)
    graph = StateGraph(State, context_schema=context, input_schema=Input, output_schema=Output)
    again = RetryPolicy(max_attempts=3, retry_on=DatabaseUnavailable)
    graph.add_node("open", open_with(resources, mode), retry_policy=again)
    graph.add_node("plan", plan_with(resources, tools, settles=settles))
    for work in (visual_retrieve, overview, visual_inspect):
        graph.add_node(work.__name__, tool_node(resources, work, tool_seconds))
        graph.add_edge(work.__name__, "plan")
    graph.add_edge(START, "open")
    graph.add_edge("open", "plan")
    ways = ["open", "plan", *_TOOLS, "answer"]
    graph.add_conditional_edges("plan", after_plan(tools, settles=settles), ways)
    return graph


def compiled(graph: StateGraph[Any, Any, Any, Any], checkpointer: Checkpointer = None) -> Agent:
    """The graph, ready to run."""
    made = graph.compile(checkpointer=checkpointer, name="videoseal_agent")
    made.config = {"recursion_limit": RECURSION_LIMIT}
    return made


agent = build_agent(context=ServedContext)
careful = build_agent(context=Careful)
fast = build_agent(context=Fast)
