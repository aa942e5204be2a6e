"""The baselines, and the channels between planner and inspector."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, ToolMessage

from videoseal.models.types import Question

LOOK = {"spans": ["00:01:00-00:01:16"]}
CANARY = "CANARY-IT-IS-B"


def everything_asked(w: Any) -> str:
    """All that inspector and answerer were sent, as text."""
    return repr(w.inspector.requests) + repr(w.answerer.requests)


@pytest.mark.parametrize(
    ("channel", "focus", "notes"),
    [("question", [], ""), ("focus", [f"{CANARY} look"], ""),
     ("notes", [f"{CANARY} look"], f"{CANARY} note")],
)  # fmt: skip
async def test_the_inspector_is_told_what_the_channel_allows(
    world: Any, say: Any, channel: str, focus: list[str], notes: str
) -> None:
    """Only the chosen channel carries the planner's words to the inspector."""
    look = say.call(
        "visual_inspect",
        text=f"{CANARY} thought",
        look_for=[f" {CANARY}  look ", ""],
        context=f"{CANARY} note",
        **LOOK,
    )
    w = world([look, look], draft=say.supported)
    await w.ask(inspector_context=channel)
    request = w.inspector.requests[0]
    assert (request.focus, request.notes) == (focus, notes)
    assert request.forced is False
    assert CANARY not in repr(w.answerer.requests)
    assert "thought" not in everything_asked(w)


async def test_a_look_for_list_is_short(world: Any, say: Any) -> None:
    """The list is cut in number and length, so that it cannot carry an argument."""
    w = world([say.call("visual_inspect", look_for=["y" * 999] * 99, **LOOK)])
    await w.ask(inspector_context="focus")
    assert w.inspector.requests[0].focus == ["y" * 80] * 8


async def test_decoupled_has_no_field_for_an_answer(world: Any, say: Any) -> None:
    """The planner cannot answer: the tool for it does not exist."""
    w = world([])
    await w.ask()
    assert w.planner.tools[0] == ["visual_retrieve", "overview", "visual_inspect", "give_up"]


async def test_coupled_takes_the_planners_answer(world: Any, say: Any) -> None:
    """In `coupled` the planner finishes itself, and the record claims no proof."""
    script = [say.call("visual_inspect", **LOOK), say.call("finish", answer="red", choice="B")]
    w = world(script, verdict=say.sufficient)
    episode = await w.ask(mode="coupled")
    answer = episode.answer
    assert (answer.outcome, answer.choice, answer.by) == ("answered", "B", "planner")
    assert not answer.proven
    assert not answer.forced
    assert answer.citations == []
    assert w.told()[0]["choice"] == "B"
    assert len(episode.evidence) == 1
    assert "finish" in w.planner.tools[0]


async def test_coupled_needs_a_valid_letter(world: Any, say: Any) -> None:
    """An answer that names no option is a bad call, and the planner may try again."""
    script = [say.call("finish", answer="red"), say.call("finish", answer="red", choice="B")]
    episode = await world(script).ask(mode="coupled")
    assert episode.steps[0].result["error"] == "BadArguments"
    assert episode.answer.choice == "B"


@pytest.mark.parametrize("forced", [False, True])
async def test_a_blank_answer_of_the_planner_is_none(world: Any, say: Any, forced: bool) -> None:
    """Words that say nothing end in an abstention, not in a failure of the program."""
    w = world([say.call("finish", answer="  ", call_id=f"c{n}") for n in range(3)])
    question = Question(text="What colour is the door?")
    episode = await w.ask(question, mode="coupled", forced_choice=forced)
    assert (episode.answer.outcome, episode.answer.cause) == ("abstained", "no_choice")


async def test_coupled_abstains_when_it_never_finishes(world: Any, say: Any) -> None:
    """Without a finish there is no answer, and the answerer is not asked."""
    w = world([say.call("overview")] * 9)
    episode = await w.ask(mode="coupled", max_steps=2)
    assert (episode.answer.outcome, episode.answer.cause) == ("abstained", "steps")
    assert w.answerer.requests == []


@pytest.mark.parametrize("first", ["overview", "give_up"])
async def test_coupled_forced_is_asked_once_more(world: Any, say: Any, first: str) -> None:
    """Where a guess is wanted the planner gets one last turn in which it can only finish."""
    w = world([say.call(first), say.call("finish", answer="red", choice="B")])
    episode = await w.ask(mode="coupled", max_steps=1, forced_choice=True)
    assert (episode.answer.choice, episode.answer.forced) == ("B", True)
    assert w.planner.tools[-1] == ["finish"]
    last = w.planner.requests[-1]
    called = [c["id"] for m in last if isinstance(m, AIMessage) for c in m.tool_calls]
    assert called == [m.tool_call_id for m in last if isinstance(m, ToolMessage)]


async def test_direct_looks_once_at_the_whole_video(world: Any, say: Any) -> None:
    """One forced inspection of uniform frames; never presented as proven."""
    w = world([], verdict=say.sufficient)
    episode = await w.ask(mode="direct", frames_per_inspect=8)
    request = w.inspector.requests[0]
    assert [(span.start, span.end) for span in request.spans] == [(0.0, 3600.0)]
    assert request.forced
    assert (episode.answer.choice, episode.answer.forced) == ("B", True)
    assert not episode.answer.proven
    assert not episode.evidence[0].sufficient
    assert (w.planner.requests, w.answerer.requests) == ([], [])


async def test_direct_without_a_letter_abstains(world: Any, say: Any) -> None:
    """Also the baseline's guess must name an option."""
    episode = await world([], verdict=say.insufficient).ask(mode="direct")
    assert (episode.answer.outcome, episode.answer.cause) == ("abstained", "no_choice")


async def test_direct_records_its_failure(world: Any, say: Any) -> None:
    """There is no planner who could try again."""

    def none(spans: Any, most: int) -> Any:
        return []

    episode = await world([], frames=none).ask(mode="direct")
    assert episode.error is not None
    assert episode.error.type == "SpanError"


async def test_blind_sees_nothing(world: Any, say: Any) -> None:
    """The answerer guesses from the question alone."""
    w = world([])
    episode = await w.ask(mode="blind")
    assert (episode.answer.choice, episode.answer.forced) == ("A", True)
    assert not episode.answer.proven
    assert w.answerer.requests[0].evidence == []
    assert (w.planner.requests, w.inspector.requests) == ([], [])
