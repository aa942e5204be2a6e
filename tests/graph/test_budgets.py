"""Budgets hold exactly."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from videoseal.graph.app import build_agent
from videoseal.graph.budget import Budget, Spent
from videoseal.graph.context import Context
from videoseal.graph.resources import using
from videoseal.models.types import Usage

LOOK = {"spans": ["00:01:00-00:01:16"]}


@pytest.mark.parametrize("steps", [1, 2, 5, 60])
async def test_the_planner_has_exactly_its_steps(world: Any, say: Any, steps: int) -> None:
    """The search ends after the last turn, whatever the planner still wants."""
    w = world([say.call("visual_retrieve", query="door")] * 99)
    episode = await w.ask(max_steps=steps)
    assert len(w.planner.requests) == steps
    assert len(episode.steps) == steps
    assert (episode.answer.outcome, episode.answer.cause) == ("abstained", "steps")
    assert episode.steps[-1].result["left"]["steps"] == 0


async def test_junk_turns_count_as_steps(world: Any, say: Any) -> None:
    """Calls that cannot be carried out cost a step like any other."""
    w = world([say.call("nope")] * 99)
    await w.ask(max_steps=7)
    assert len(w.planner.requests) == 7


async def test_frames_are_counted_over_the_whole_question(world: Any, say: Any) -> None:
    """The last inspection gets what is left, and then the search is over."""
    w = world([say.call("visual_inspect", spans=["0-10", "20-30"])] * 9, verdict=say.nothing_seen)
    episode = await w.ask(max_frames=19, frames_per_inspect=7)
    assert w.shown == [7, 7, 5]
    assert [len(request.frames) for request in w.inspector.requests] == [7, 7, 5]
    assert episode.answer.cause == "frames"


async def test_a_tool_that_returns_too_many_frames_is_cut(world: Any, say: Any) -> None:
    """What the inspector is shown never exceeds the budget, whatever a tool returns."""
    w = world(
        [say.call("visual_inspect", **LOOK)],
        frames=lambda spans, most: [type(f)(f.time + n, f.jpeg) for n, f in enumerate(
            world.frames(spans, 4) * 9)],
    )  # fmt: skip
    episode = await w.ask(max_frames=3)
    assert len(w.inspector.requests[0].frames) == 3
    assert len(episode.evidence[0].frames) == 3


async def test_no_search_call_starts_after_the_token_budget(world: Any, say: Any) -> None:
    """The step after crossing is the answer, with the one call that closes the run."""
    w = world([say.call("visual_inspect", **LOOK)] * 9, draft=say.supported)
    w.planner.tokens = 100
    episode = await w.ask(max_tokens=300)
    # 100 + 15 a step: the third turn starts at 230 and crosses, its inspection does not start.
    assert len(w.planner.requests) == 3
    assert len(w.inspector.requests) == 2
    assert len(w.answerer.requests) == 1
    assert episode.answer.proven


async def test_a_forced_run_closes_with_one_call_after_the_tokens(world: Any, say: Any) -> None:
    """When tokens are spent only the guess is asked for, not the joining call before it."""
    w = world([say.call("visual_inspect", **LOOK)] * 9)
    w.planner.tokens = 100
    episode = await w.ask(max_tokens=100, forced_choice=True)
    assert [request.forced for request in w.answerer.requests] == [True]
    assert episode.answer.forced


@pytest.mark.parametrize("slow", ["planner", "inspector"])
async def test_time_ends_a_call_that_hangs(world: Any, say: Any, slow: str) -> None:
    """A call is cut at the deadline and the run abstains because of time."""
    w = world([say.call("visual_inspect", **LOOK)] * 9)
    getattr(w, slow).delay = 60.0
    episode = await w.ask(max_seconds=1.0)
    assert (episode.answer.outcome, episode.answer.cause) == ("abstained", "time")
    assert episode.error is None
    assert len(getattr(w, slow).__dict__.get("requests", w.planner.requests)) == 1


async def test_time_is_kept_for_the_closing_answer(
    world: Any, say: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the search ran out of time the answerer may still join what was seen."""
    monkeypatch.setattr("videoseal.graph.budget._RESERVE_SHARE", 0.9)
    w = world([say.call("visual_inspect", **LOOK)] * 9, draft=say.supported)

    def hang(messages: Any) -> Any:
        w.planner.delay = 60.0
        return say.call("visual_inspect", **LOOK)

    w.planner.script[0] = hang
    episode = await w.ask(max_seconds=5.0)
    assert episode.answer.proven
    assert episode.answer.by == "answerer"


async def test_an_answerer_that_hangs_is_cut(world: Any, say: Any) -> None:
    """The closing call has a deadline too."""
    w = world([say.call("visual_inspect", **LOOK)])
    w.answerer.delay = 60.0
    episode = await w.ask(max_seconds=0.2)
    assert (episode.answer.outcome, episode.answer.cause) == ("abstained", "time")


def test_a_budget_says_what_ends_the_search() -> None:
    """Time first, then tokens, steps and frames."""
    context = Context(max_steps=2, max_frames=3, max_tokens=10, max_seconds=100)
    spent = Spent()
    assert Budget(context, spent).closing() is None
    assert Budget(context, spent.shown(3)).closing() == "frames"
    assert Budget(context, spent.step().step().shown(3)).closing() == "steps"
    full = spent.step().step().call("planner", Usage(1, 9, 1, 0, 0.0))
    assert Budget(context, full).closing() == "tokens"
    late = full.model_copy(update={"started": full.started - 100})
    assert Budget(context, late).closing() == "time"


def test_a_tenth_of_the_time_is_kept_for_the_answer() -> None:
    """The search ends a tenth early, thirty seconds at most."""
    spent = Spent()
    for limit, reserve in ((10.0, 1.0), (1000.0, 30.0)):
        budget = Budget(Context(max_seconds=limit), spent)
        assert budget.seconds(closing=True) - budget.seconds() == pytest.approx(reserve, abs=0.1)


async def test_usage_is_counted_by_role(world: Any, say: Any) -> None:
    """The record says what each role cost, and the total."""
    w = world(
        [say.call("visual_retrieve", query="door"), say.call("visual_inspect", **LOOK)],
        draft=say.supported,
    )
    w.planner.tokens = 100
    episode = await w.ask()
    usage = episode.usage
    assert (usage["planner"].calls, usage["planner"].prompt_tokens) == (3, 300)
    assert (usage["inspector"].calls, usage["inspector"].completion_tokens) == (1, 5)
    assert (usage["embedder"].calls, usage["answerer"].calls) == (1, 1)
    assert usage["total"].calls == 6


async def test_a_pause_between_runs_costs_no_time(
    world: Any, say: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever stops at a breakpoint to look around does not use up the question's time."""
    graph = build_agent(InMemorySaver())
    w = world([say.call("visual_inspect", **LOOK)], verdict=say.sufficient)
    given = {"question": "Which door?", "options": ["blue", "red"], "video_id": say.video}
    context = Context(max_seconds=60)
    paused = 0

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return time.monotonic() + paused

    monkeypatch.setattr("videoseal.graph.budget.time", Clock)

    def config() -> Any:
        return {"run_id": uuid4(), "configurable": {"thread_id": "t"}}

    with using(w.resources):
        await graph.ainvoke(given, config(), context=context, interrupt_before=["visual_inspect"])
        paused = 61
        out = await graph.ainvoke(None, config(), context=context)
    assert out["answer"].proven
