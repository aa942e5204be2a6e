"""What the graph itself costs a step: one question with fake models and tools that take no time.

`python bench/graph_overhead.py [--steps 15] [--runs 40] [--json]` prints the median milliseconds a
step of the graph, with and without a checkpointer, of the same graph with the record that `ask`
makes, and of a plain Python loop around the same fakes. Time inside models and tools is left out.
Target: under 20 ms a step.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langgraph.checkpoint.memory import InMemorySaver

from videoseal.core.settings import Settings
from videoseal.core.span import Span
from videoseal.graph.app import build_agent
from videoseal.graph.ask import ask
from videoseal.graph.context import Context
from videoseal.graph.planner_messages import hits_payload, system_prompt, task_prompt, tool_text
from videoseal.graph.resources import Resources, holding
from videoseal.indexing.index_rows import Hit, VideoRow
from videoseal.models.roles import Models
from videoseal.models.types import (
    Frame,
    InspectRequest,
    Observation,
    Question,
    Reply,
    Usage,
    Verdict,
)

QUESTION = Question(text="What does the sign say?", options=["EXIT", "ENTRANCE", "OPEN", "CLOSED"])
HITS = [Hit(n, "ocr", Span(n * 9.0, n * 9.0 + 4), "words on a sign " * 12, 0.03) for n in range(8)]
FRAMES = [Frame(60.0 + n / 4, bytes(60_000)) for n in range(64)]
Plan = tuple[str, dict[str, Any]]


class Planner(BaseChatModel):
    """Goes through a plan, one call a turn."""

    @property
    def _llm_type(self) -> str:
        return "bench"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Runnable[Any, AIMessage]:
        """Take any tools."""
        return cast("Runnable[Any, AIMessage]", self.bind(tools=tools))

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        raise NotImplementedError

    async def _agenerate(self, messages: list[BaseMessage], *args: Any, **kw: Any) -> ChatResult:
        turn = sum(isinstance(message, AIMessage) for message in messages)
        name, args_ = plan(turn)
        call = {"name": name, "args": args_, "id": f"c{turn}"}
        return ChatResult(generations=[ChatGeneration(message=AIMessage("", tool_calls=[call]))])


def plan(turn: int) -> Plan:
    """Search, look, search, look."""
    if turn % 2 == 0:
        return "visual_retrieve", {"query": f"sign {turn}"}
    return "visual_inspect", {"spans": [f"{turn}-{turn + 16}"]}


class Inspector:
    """Always asks for more."""

    name = "bench"

    async def inspect(self, request: InspectRequest) -> Reply[Verdict]:
        """See eight things that settle nothing."""
        seen = [Observation(time=f.time, text="a sign, half read") for f in request.frames[:8]]
        return Reply(Verdict(sufficient=False, observations=seen, missing="rest"), Usage(1))


class Store:
    """Knows every video."""

    def seal_key(self) -> bytes:
        """Any key."""
        return b"any"

    def texts(self, *_: Any) -> list[Any]:
        """Nothing is said."""
        return []

    def video(self, video_id: str) -> VideoRow:
        """An hour of it."""
        now = datetime(2026, 1, 1, tzinfo=UTC)
        return VideoRow(video_id, Path("v.mp4"), "V", 3600.0, 1280, 720, 25.0, False, 1, "ready",
                        "f", now, now)  # fmt: skip


class Named:
    """A role that is never asked."""

    name = "bench"


async def search(*_: Any, **__: Any) -> Reply[list[Hit]]:
    """Find eight texts at once."""
    return Reply(HITS, Usage(1))


def show(*_: Any, **__: Any) -> list[Frame]:
    """Show 64 frames at once."""
    return FRAMES


async def loop(steps: int) -> float:
    """The same calls without a graph; seconds a step."""
    planner, inspector = Planner(), Inspector()
    messages: list[BaseMessage] = [
        SystemMessage(system_prompt("decoupled")),
        HumanMessage(task_prompt(QUESTION, "v", 3600.0)),
    ]
    began = time.perf_counter()
    for step in range(steps):
        message = await planner.bind_tools([]).ainvoke(messages)
        name = message.tool_calls[0]["name"]
        if name == "visual_retrieve":
            payload = hits_payload((await search()).value)
        else:
            request = InspectRequest(QUESTION, [Span(0, 9)], show(), 3600.0)
            payload = (await inspector.inspect(request)).value.model_dump()
        left: Any = {"steps": steps - step, "frames": 9}
        reply = ToolMessage(tool_text(payload, left), tool_call_id=f"c{step}")
        messages += [message, reply]
    return (time.perf_counter() - began) / steps


async def graph(steps: int, *, saved: bool) -> float:
    """One question through `ask`; seconds a step outside models and tools."""
    named = cast(Any, Named())
    models = Models(Planner(), Inspector(), named, named, named, named)
    resources = Resources(Settings(), cast(Any, Store()), models, cast(Any, None))
    agent = build_agent(holding(resources), InMemorySaver() if saved else None)
    context = Context(max_steps=steps, max_frames=100_000)
    with patch("videoseal.graph.nodes.answer._may_join", return_value=False):
        episode = await ask(resources, QUESTION, "v", context, graph=agent)
    assert len(episode.steps) == steps
    return episode.timings.overhead / steps


async def median_ms(runs: int, once: Callable[[], Awaitable[float]]) -> float:
    """The median of `runs` in milliseconds, after two that do not count."""
    found = [await once() for _ in range(runs + 2)]
    return round(statistics.median(found[2:]) * 1000, 3)


async def measure(steps: int, runs: int) -> dict[str, float]:
    """Milliseconds a step of each way."""
    with ExitStack() as stack:
        stack.enter_context(patch("videoseal.graph.nodes.visual_retrieve.search_index", search))
        stack.enter_context(patch("videoseal.graph.nodes.visual_inspect.show_frames", show))
        return {
            "plain_loop_ms": await median_ms(runs, lambda: loop(steps)),
            "graph_ms": await median_ms(runs, lambda: graph(steps, saved=False)),
            "graph_saved_ms": await median_ms(runs, lambda: graph(steps, saved=True)),
        }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Milliseconds a step of the graph.")
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found: dict[str, Any] = asyncio.run(measure(options.steps, options.runs))
    found = {"steps": options.steps, "runs": options.runs, **found, "target_ms": 20.0}
    found["reached"] = max(found["graph_ms"], found["graph_saved_ms"]) < found["target_ms"]
    if options.json:
        sys.stdout.write(json.dumps(found) + "\n")
        return
    print(f"one question of {options.steps} steps, median of {options.runs} runs, ms a step")
    print(f"  plain Python loop        {found['plain_loop_ms']:8.2f}")
    print(f"  graph                    {found['graph_ms']:8.2f}")
    print(f"  graph with checkpoints   {found['graph_saved_ms']:8.2f}   (target < 20)")


if __name__ == "__main__":
    main()
