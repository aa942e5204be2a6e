"""The served graph `agent`: nodes and their edges, nothing else.

The edges are the `Command[Literal[...]]` that each node returns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Checkpointer

from videoseal.graph.context import MAX_STEPS, Context
from videoseal.graph.nodes.answer import answer
from videoseal.graph.nodes.overview import overview
from videoseal.graph.nodes.plan import plan
from videoseal.graph.nodes.visual_inspect import visual_inspect
from videoseal.graph.nodes.visual_retrieve import visual_retrieve
from videoseal.graph.state import Input, Output, State

__all__ = ["RECURSION_LIMIT", "agent", "build_agent"]

RECURSION_LIMIT: Final = 3 * MAX_STEPS + 10
"""A step is a turn of the planner, its tool, and at most one rejected answer."""


def build_agent(
    checkpointer: Checkpointer = None, around_tool: Callable[[Any], Any] = lambda node: node
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Assemble the graph; a server brings its own checkpointer.

    `around_tool` makes of each tool's node the one that is used, such as one with a time limit.
    """
    builder = StateGraph(State, context_schema=Context, input_schema=Input, output_schema=Output)
    builder.add_node(plan)
    builder.add_node(around_tool(visual_retrieve))
    builder.add_node(around_tool(overview))
    builder.add_node(around_tool(visual_inspect))
    builder.add_node(answer)
    builder.add_edge(START, "plan")
    compiled = builder.compile(checkpointer=checkpointer, name="videoseal_agent")
    compiled.config = {"recursion_limit": RECURSION_LIMIT}
    return compiled


agent = build_agent()
