"""Budgets hold exactly."""

from __future__ import annotations

import functools
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langgraph.checkpoint.memory import InMemorySaver

from videoseal.core.errors import ModelUnavailable, SpendingLimit
from videoseal.graph.budget import Budget, RoleUsage, Spent, add_spent
from videoseal.graph.context import Context
from videoseal.models.types import Usage

LOOK = {"spans": ["00:01:00-00:01:16"]}


@pytest.mark.parametrize("steps", [1, 2, 5, 60])
async def test_the_planner_has_exactly_its_steps(world: Any, say: Any, steps: int) -> None:
    """The search ends after the last turn, whatever the planner still wants."""
    w = world([say.call("visual_retrieve", query=f"door {n}") for n in range(99)])
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
    looks = [say.call("visual_inspect", spans=["0-10", f"20-3{n}"]) for n in range(9)]
    w = world(looks, verdict=say.nothing_seen)
    episode = await w.ask(max_frames=19, frames_per_inspect=7)
    assert w.shown == [7, 7, 5]
    assert [len(request.frames) for request in w.inspector.requests] == [7, 7, 5]
    assert episode.answer.cause == "frames"


async def test_a_look_is_as_its_model_takes_it(world: Any, say: Any) -> None:
    """An inspector that knows its limits says number and size, and the ledger names that size."""
    w = world([say.call("visual_inspect", **LOOK)], verdict=say.sufficient)
    w.inspector.look = lambda frames, shape: (min(frames, 3), 640)
    episode = await w.ask(max_frames=19)
    assert [frame.ref.split("-")[1] for frame in episode.evidence[0].frames] == ["640"] * 3
    assert w.shown == [3]


async def test_the_ledger_holds_what_was_really_shown(world: Any, say: Any) -> None:
    """A server may take fewer pictures than were offered: the others are no evidence."""

    def fewer(request: Any) -> Any:
        kept = [frame.time for frame in request.frames[:2]]
        return say.sufficient(request).model_copy(update={"shown": kept})

    w = world([say.call("visual_inspect", **LOOK)], verdict=fewer)
    episode = await w.ask()
    assert len(w.inspector.requests[0].frames) == 4
    assert [frame.time for frame in episode.evidence[0].frames] == [60.0, 64.0]


async def test_a_look_that_failed_is_counted(world: Any, say: Any) -> None:
    """With the tokens that its requests cost before it failed."""

    def fail(_: Any) -> Any:
        error = ModelUnavailable("away", role="inspector")
        error.cost = Usage(2, 500, 7, 4, 0.5)
        raise error

    w = world([say.call("visual_inspect", **LOOK)], verdict=fail)
    spent = (await w.ask(max_steps=1)).usage["inspector"]
    assert (spent.calls, spent.prompt_tokens, spent.frames) == (2, 500, 4)


@pytest.mark.parametrize(("of", "cause"), [("question", "dollars"), ("process", "error")])
async def test_a_limit_in_dollars_ends_the_search(
    world: Any, say: Any, of: str, cause: str
) -> None:
    """That of the question is an abstention with its cause, that of the process a failure."""

    def broke(_: Any) -> Any:
        raise SpendingLimit("too dear", of=of)

    w = world([say.call("visual_inspect", **LOOK)] * 9, verdict=broke)
    if of == "question":
        w.planner.script[1:] = [broke] * 8
    episode = await w.ask(max_dollars=1.0)
    assert episode.answer.cause == cause


async def test_an_abstention_says_whose_it_is(world: Any, say: Any) -> None:
    """Where an inspector looked that has a caveat, the person reads it; else there is none."""
    looks = [say.call("visual_inspect", **LOOK)]
    w = world(looks, verdict=say.nothing_seen)
    w.inspector.caveat = "it only reads text: set VIDEOSEAL_INSPECTOR_MODEL"
    assert (await w.ask(max_steps=1)).answer.reason.endswith(w.inspector.caveat)
    w = world([say.call("overview")])
    w.inspector.caveat = "it only reads text"
    assert "reads text" not in (await w.ask(max_steps=1)).answer.reason


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
    looks = [say.call("visual_inspect", spans=[f"{n}0-{n}9"]) for n in range(1, 9)]
    w = world(looks, draft=say.supported)
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
    assert Budget(context, Spent()).closing() is None
    assert Budget(context, Spent(frames=3)).closing() == "frames"
    assert Budget(context, Spent(frames=3, steps=2)).closing() == "steps"
    full = Spent(frames=3, steps=2).call("planner", Usage(1, 9, 1, 0, 0.0))
    assert Budget(context, full).closing() == "tokens"
    assert Budget(context, full.model_copy(update={"elapsed": 100.0})).closing() == "time"


def test_a_tenth_of_the_time_is_kept_for_the_answer() -> None:
    """The search ends a tenth early, thirty seconds at most."""
    for limit, reserve in ((10.0, 1.0), (1000.0, 30.0)):
        budget = Budget(Context(max_seconds=limit), Spent())
        assert budget.seconds(closing=True) - budget.seconds() == pytest.approx(reserve)


spends = st.builds(
    lambda steps, frames, elapsed, calls: Spent(
        steps=steps, frames=frames, elapsed=elapsed,
        roles={"planner": RoleUsage(calls=calls, prompt_tokens=3 * calls)} if calls else {},
    ),
    st.integers(0, 9), st.integers(0, 99), st.floats(0, 99), st.integers(0, 3),
)  # fmt: skip


@given(st.lists(spends, max_size=5), st.randoms())
def test_what_is_spent_adds_up_in_any_order(parts: list[Spent], chance: Any) -> None:
    """Branches may report in any order: counts are summed, of the clocks the latest holds."""
    shuffled = list(parts)
    chance.shuffle(shuffled)
    one, other = (
        functools.reduce(add_spent, (part.model_dump() for part in order), Spent().model_dump())
        for order in (parts, shuffled)
    )
    assert one == other
    assert one["steps"] == sum(part.steps for part in parts)
    assert one["elapsed"] == max((part.elapsed for part in parts), default=0.0)


@given(st.integers(0, 300), st.integers(1, 9), st.integers(1, 64))
def test_the_looks_of_a_turn_share_the_frames(left: int, looks: int, most: int) -> None:
    """Never more than is left or than one look may show, as even as can be, first come first."""
    budget = Budget(Context(max_frames=left or 1, frames_per_inspect=most), Spent(frames=not left))
    shares = budget.shares(looks)
    assert len(shares) == looks
    assert sum(shares) <= left
    assert max(shares) - min(shares) <= 1
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == min(left, looks * most)


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
    w = world([say.call("visual_inspect", **LOOK)], verdict=say.sufficient)
    graph = w.agent(checkpointer=InMemorySaver())
    given = {"question": "Which door?", "options": ["blue", "red"], "video_id": say.video}
    context = Context(max_seconds=60)
    paused = 0

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return time.monotonic() + paused

    monkeypatch.setattr("videoseal.graph.meter.time", Clock)
    config: Any = {"configurable": {"thread_id": "t"}}
    await graph.ainvoke(given, config, context=context, interrupt_before=["visual_inspect"])
    paused = 61
    out = await graph.ainvoke(None, config, context=context)
    assert out["answer"]["proven"]


async def test_calls_side_by_side_cost_the_time_of_the_longest(world: Any, say: Any) -> None:
    """Two looks of a turn at once are one wait, not two."""
    w = world([say.calls(("visual_inspect", LOOK), ("visual_inspect", {"spans": ["30-40"]}))])
    w.inspector.delay = 0.3
    graph = w.agent()
    out = await graph.ainvoke({"question": "Which?", "video_id": say.video}, context=Context())
    assert 0.3 <= out["spent"]["elapsed"] < 0.55
    assert out["spent"]["roles"]["inspector"]["calls"] == 2


async def test_looks_of_one_turn_share_what_is_left(world: Any, say: Any) -> None:
    """Two looks of a turn get halves, a third for which nothing is left is refused with words."""
    looks = [("visual_inspect", {"spans": [f"{n}0-{n}9"]}) for n in range(1, 4)]
    w = world([say.calls(*looks)], verdict=say.nothing_seen)
    episode = await w.ask(max_frames=2)
    assert w.shown == [1, 1]
    assert [told.get("error") for told in (step.result for step in episode.steps)] == [
        None, None, "OutOfBudget",
    ]  # fmt: skip
    assert episode.answer.cause == "frames"
