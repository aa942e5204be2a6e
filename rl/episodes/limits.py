"""How long an episode and its tools may take, and how many episodes run at once."""

from __future__ import annotations

import asyncio
import functools
from typing import Any

from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command
from pydantic import BaseModel, ConfigDict, Field

from videoseal.core.errors import VideosealError
from videoseal.graph.app import build_agent
from videoseal.graph.context import Context
from videoseal.graph.session import open_session, task_and_call
from videoseal.graph.state import State

__all__ = ["Limits", "ToolTimeout", "limited_agent"]


class Limits(BaseModel):
    """Limits of the rollouts of one process; the search has budgets of its own in its Context."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_episodes: int = Field(default=64, ge=1)
    """Episodes that run at once; further ones wait."""
    tool_seconds: float = Field(default=120.0, gt=0)
    """For one tool call, decoding and models included; the policy reads a tool error then."""
    episode_seconds: float = Field(default=300.0, gt=0)
    """For one episode; the search ends in time for an answer (300 in the reference system)."""
    grace_seconds: float = Field(default=30.0, gt=0)
    """How much longer an episode may hang before it is cut off."""
    turn_tokens: int | None = Field(default=None, ge=1)
    """Sampled in one turn at most; None leaves it to the sampling parameters."""
    tool_threads: int = Field(default=32, ge=1)
    """Threads for what tools do without a model: searching, decoding, reading."""


class ToolTimeout(VideosealError):
    """A tool took longer than it may in training."""


@functools.lru_cache(maxsize=8)
def limited_agent(tool_seconds: float) -> CompiledStateGraph[Any, Any, Any, Any]:
    """The served graph with a time limit around each tool.

    A call that takes longer is told to the planner as a failure of the tool, like any other.
    """

    def around(node: Any) -> Any:
        @functools.wraps(node)
        async def limited(state: State, runtime: Runtime[Context]) -> Any:
            clock = asyncio.timeout(tool_seconds)
            try:
                async with clock:
                    return await node(state, runtime)
            except TimeoutError:
                if not clock.expired():
                    raise
                return await _late(state, runtime, tool_seconds)

        return limited

    return build_agent(around_tool=around)


async def _late(state: State, runtime: Runtime[Context], seconds: float) -> Command[Any]:
    session = await open_session(state, runtime)
    _, call = task_and_call(state)
    error = ToolTimeout(f"{call.tool} gave no result in {seconds:g} s")
    update = session.failed(call, error, state.trouble)
    return Command(update=update, goto="plan")
