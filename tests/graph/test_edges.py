"""The way of a question through the graph, edge by edge."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langchain_core.messages.tool import tool_call
from langgraph.checkpoint.memory import InMemorySaver

from videoseal.core.errors import (
    DatabaseUnavailable,
    ModelAuthError,
    ModelReplyError,
    ModelUnavailable,
    VideoNotFound,
)
from videoseal.graph.events import Answered, Inspected, Planned, Rejected, Retrieved, Started
from videoseal.models.types import Question

LOOK = {"spans": ["00:01:00-00:01:16"]}
SEARCH = AIMessage("", tool_calls=[tool_call(name="overview", args={}, id="c0")])


async def test_a_sufficient_inspection_is_the_answer(world: Any, say: Any) -> None:
    """The inspector's verdict becomes the answer without a call of the answerer."""
    w = world([say.call("visual_inspect", **LOOK)], verdict=say.sufficient)
    episode = await w.ask()
    assert episode.answer.proven
    assert (episode.answer.choice, episode.answer.text) == ("B", "a red door")
    assert episode.answer.by == "inspector"
    assert [c.evidence for c in episode.answer.citations] == ["e1"]
    assert episode.answer.citations[0].frames == episode.evidence[0].frames[:1]
    assert w.answerer.requests == []


async def test_tools_report_back_to_the_planner(world: Any, say: Any) -> None:
    """Search, outline and inspection each come back as one JSON message with what is left."""
    w = world(
        [
            say.call("visual_retrieve", query="door"),
            say.call("overview"),
            say.call("visual_inspect", **LOOK),
        ]
    )
    await w.ask(max_steps=9, max_frames=100)
    hits, outline, inspection, _ = w.told()
    assert hits == {
        "hits": [
            {"id": 7, "span": "00:01:00-00:01:16", "kind": "ocr", "text": "found door",
             "score": 0.03}
        ],
        "left": {"steps": 8, "frames": 100},
    }  # fmt: skip
    assert outline["lines"] == ["00:00:00-00:04:00 a street", "00:04:00-00:08:00 a door"]
    assert inspection == {
        "evidence": "e1",
        "inspected": ["00:01:00-00:01:16"],
        "shown": 4,
        "sufficient": False,
        "reason": "PARTIAL_EVIDENCE",
        "missing": "the rest",
        "observations": [{"time": "00:01:00.0", "text": "half of it"}],
        "left": {"steps": 6, "frames": 96},
    }


async def test_partial_evidence_is_joined_by_one_call(world: Any, say: Any) -> None:
    """Several partial inspections are joined by the answerer, which cites them."""
    looks = [say.call("visual_inspect", spans=[s]) for s in ("0:10-0:20", "0:30-0:40")]
    w = world(looks, draft=say.supported)
    episode = await w.ask()
    assert episode.answer.proven
    assert episode.answer.by == "answerer"
    assert [c.evidence for c in episode.answer.citations] == ["e1", "e2"]
    assert len(w.answerer.requests) == 1


async def test_a_rejected_answer_sends_the_planner_on(world: Any, say: Any) -> None:
    """After a rejection the planner reads why and may look elsewhere."""
    verdicts = iter([say.insufficient, say.sufficient])
    w = world(
        [SEARCH, say.call("visual_inspect", **LOOK), say.call("give_up"),
         say.call("visual_inspect", spans=["0:30-0:40"])],
        verdict=lambda request: next(verdicts)(request),
    )  # fmt: skip
    episode = await w.ask()
    assert episode.answer.proven
    assert w.told()[-1] == {
        "error": "Rejected", "message": "half is missing", "left": {"steps": 13, "frames": 252},
    }  # fmt: skip
    assert any(isinstance(event, Rejected) for event in w.events)


async def test_the_same_evidence_is_not_judged_twice(world: Any, say: Any) -> None:
    """Giving up again with nothing new ends the run without another call."""
    w = world(
        [SEARCH, say.call("visual_inspect", **LOOK), say.call("give_up"), say.call("give_up")]
    )
    episode = await w.ask()
    assert (episode.answer.outcome, episode.answer.cause) == ("abstained", "rejected")
    assert len(w.answerer.requests) == 1
    assert len(w.planner.requests) == 4


async def test_giving_up_with_nothing_seen_abstains_without_a_call(world: Any, say: Any) -> None:
    """Without a single observation there is nothing to ask the answerer."""
    w = world([SEARCH, say.call("visual_inspect", **LOOK)], verdict=say.nothing_seen)
    episode = await w.ask()
    assert (episode.answer.outcome, episode.answer.cause) == ("abstained", "gave_up")
    assert episode.answer.citations == []
    assert w.answerer.requests == []
    assert episode.error is None


async def test_an_open_question_needs_no_letter(world: Any, say: Any) -> None:
    """Without options the words are the answer."""
    w = world([say.call("visual_inspect", **LOOK)], verdict=say.sufficient)
    episode = await w.ask(Question(text="What colour is the door?"))
    assert episode.answer.proven
    assert (episode.answer.choice, episode.answer.text) == (None, "a red door")


async def test_forced_choice_guesses_and_says_so(world: Any, say: Any) -> None:
    """Where proof is missing the answerer guesses, and the record says that it is a guess."""
    w = world([])
    episode = await w.ask(forced_choice=True)
    assert (episode.answer.outcome, episode.answer.choice) == ("answered", "A")
    assert episode.answer.forced
    assert not episode.answer.proven
    assert [request.forced for request in w.answerer.requests] == [True]


async def test_forced_choice_leaves_a_proven_answer_alone(world: Any, say: Any) -> None:
    """A proven answer is not forced, whatever the caller allowed."""
    w = world([say.call("visual_inspect", **LOOK)], draft=say.supported)
    episode = await w.ask(forced_choice=True)
    assert episode.answer.proven
    assert not episode.answer.forced


async def test_a_forced_guess_without_a_letter_abstains(world: Any, say: Any) -> None:
    """A guess that names no option is no answer."""
    w = world([], draft=lambda request: say.unsupported(request).model_copy(update={"choice": "Z"}))
    episode = await w.ask(forced_choice=True)
    assert (episode.answer.outcome, episode.answer.cause) == ("abstained", "no_choice")


@pytest.mark.parametrize(
    ("error", "times"),
    [(VideoNotFound("film.mp4 is gone"), 3), (DatabaseUnavailable("down"), 3),
     (ModelUnavailable("away", role="inspector"), 3), (ModelAuthError("401"), 1)],
)  # fmt: skip
async def test_tools_that_keep_failing_end_the_run_with_an_error(
    world: Any, say: Any, error: Exception, times: int
) -> None:
    """The planner reads each failure; what cannot heal is recorded as an error, not an answer."""

    def fail(request: Any) -> Any:
        raise error

    w = world([say.call("visual_inspect", **LOOK)] * 9, verdict=fail)
    episode = await w.ask()
    assert episode.error is not None
    assert episode.error.type == type(error).__name__
    assert (episode.answer.outcome, episode.answer.cause) == ("abstained", "error")
    assert len(w.inspector.requests) == times
    assert episode.steps[0].result["error"] == type(error).__name__


async def test_one_failure_is_read_and_survived(world: Any, say: Any) -> None:
    """A tool that fails once is a message to the planner, and the run goes on."""
    hits = iter([DatabaseUnavailable("restarting"), None])

    def search(query: str) -> Any:
        if error := next(hits):
            raise error
        return []

    w = world(
        [say.call("visual_retrieve", query="door"), say.call("visual_retrieve", query="door"),
         say.call("visual_inspect", **LOOK)],
        hits=search, verdict=say.sufficient,
    )  # fmt: skip
    episode = await w.ask()
    assert episode.answer.proven
    assert episode.error is None
    assert episode.steps[0].result == {
        "error": "DatabaseUnavailable", "message": "restarting",
        "left": {"steps": 15, "frames": 256},
    }  # fmt: skip


async def test_a_question_that_no_tool_could_work_on_is_an_error(world: Any, say: Any) -> None:
    """Giving up because tools failed says nothing about the video."""

    def fail(request: Any) -> Any:
        raise ModelUnavailable("away")

    w = world([SEARCH, say.call("visual_inspect", **LOOK), say.call("give_up")], verdict=fail)
    episode = await w.ask()
    assert episode.error is not None
    assert (episode.error.type, episode.error.message) == ("ModelUnavailable", "away")
    assert episode.answer.cause == "error"


async def test_failures_of_planner_and_answerer_are_recorded(world: Any, say: Any) -> None:
    """A model that fails for good ends the run with its error."""
    episode = await world([ModelReplyError("no JSON", role="planner")]).ask()
    assert episode.error is not None
    assert episode.error.type == "ModelReplyError"

    def fail(request: Any) -> Any:
        raise ModelUnavailable("away", role="answerer")

    w = world([say.call("visual_inspect", **LOOK)], draft=fail)
    episode = await w.ask()
    assert episode.error is not None
    assert episode.error.message == "away"


async def test_programming_errors_are_raised(world: Any, say: Any) -> None:
    """What is nobody's data is not hidden in a record."""
    with pytest.raises(ZeroDivisionError):
        await world([lambda messages: 1 // 0]).ask()


async def test_an_unknown_video_is_an_error(world: Any) -> None:
    """A video that the index does not know ends the run before any call."""
    w = world([])
    episode = await w.ask(ask_about="vffffffffffffffff")
    assert episode.error is not None
    assert episode.error.type == "UnknownVideo"
    assert w.planner.requests == []


async def test_a_second_question_on_a_thread_starts_clean(world: Any, say: Any) -> None:
    """Ledger, budget and the planner's turns are those of one question."""
    saver = InMemorySaver()
    first = world([say.call("visual_inspect", **LOOK)], verdict=say.sufficient)
    await first.ask(graph=first.agent(checkpointer=saver), thread_id="t")
    second = world([say.call("visual_inspect", **LOOK)], verdict=say.sufficient)
    graph = second.agent(checkpointer=saver)
    episode = await second.ask(Question(text="And the window?"), graph=graph, thread_id="t")
    assert episode.answer.proven
    assert [entry.id for entry in episode.evidence] == ["e1"]
    assert len(second.planner.requests[0]) == 2
    assert "And the window?" in second.planner.requests[0][1].text
    assert len(episode.steps) == 1


async def test_events_tell_the_story_in_order(world: Any, say: Any) -> None:
    """Whoever listens hears of the start, every choice and result, and the answer."""
    w = world(
        [say.call("visual_retrieve", query="door"), say.call("visual_inspect", **LOOK)],
        verdict=say.sufficient,
    )
    episode = await w.ask()
    told = [event for event in w.events if event.event != "called"]
    assert [type(event) for event in told] == [
        Started, Planned, Retrieved, Planned, Inspected, Answered,
    ]  # fmt: skip
    assert told[-1] == Answered(answer=episode.answer)
    assert told[-2] == Inspected(step=2, evidence=episode.evidence[0])
