"""A thread may be paused, edited, forked and replayed anywhere, and goes on from there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.types import Command, Overwrite

from videoseal.core.errors import ModelUnavailable, SettingsError
from videoseal.graph.answers import Answer
from videoseal.graph.context import Context

NODES = ["open", "plan", "visual_retrieve", "overview", "visual_inspect", "answer", "review"]
GIVEN = {"question": "Which door?", "options": ["blue", "red"], "video_id": "v0123456789abcdef"}
CONFIG: Any = {"configurable": {"thread_id": "t"}}
LOOK = {"spans": ["00:01:00-00:01:16"]}


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.slow)])
def saver(request: pytest.FixtureRequest) -> Any:
    """A context manager that gives a checkpointer of each kind."""
    if request.param == "memory":

        @asynccontextmanager
        async def memory() -> AsyncIterator[InMemorySaver]:
            yield InMemorySaver()

        return memory
    url = request.getfixturevalue("database_url")

    @asynccontextmanager
    async def postgres() -> AsyncIterator[AsyncPostgresSaver]:
        async with AsyncPostgresSaver.from_conn_string(url) as found:
            await found.setup()
            await found.adelete_thread("t")
            yield found

    return postgres


def script(say: Any) -> list[AIMessage]:
    """A search, an outline and a look, then another look."""
    return [
        say.calls(("visual_retrieve", {"query": "door"}), ("overview", {})),
        say.call("visual_inspect", spans=["10-20"], call_id="c9"),
        say.call("visual_inspect", spans=["30-40"], call_id="c8"),
    ]


def honest(values: dict[str, Any], w: Any) -> Answer:
    """The outcome: a proof of a frame that the inspector was sent, or an abstention."""
    answer = Answer.model_validate(values["answer"])
    sent = {(f.time, f.sha256) for request in w.inspector.requests for f in request.frames}
    if answer.outcome == "abstained":
        assert answer.cause != "error"
    else:
        assert answer.proven
        assert answer.citations
        assert all((f.time, f.sha256) in sent for cited in answer.citations for f in cited.frames)
    return answer


async def ends(graph: Any, config: Any, w: Any) -> Answer:
    """Let the run go on to its end, whatever a person is asked on the way."""
    values = await graph.ainvoke(None, config, context=Context())
    for _ in range(9):
        waiting = (await graph.aget_state(CONFIG)).interrupts
        if not waiting:
            break
        said = Command(resume={item.id: None for item in waiting})
        values = await graph.ainvoke(said, CONFIG, context=Context())
    assert (await graph.aget_state(CONFIG)).next == ()
    return honest(values, w)


@pytest.mark.parametrize("node", NODES)
async def test_a_run_paused_before_a_node_goes_on(
    world: Any, say: Any, saver: Any, node: str
) -> None:
    """Whatever comes next waits, and nothing that was paid is paid again."""
    w = world(script(say), verdict=say.sufficient)
    async with saver() as kept:
        graph = w.agent(checkpointer=kept)
        context = Context(review_answer=node == "review")
        await graph.ainvoke(GIVEN, CONFIG, context=context, interrupt_before=[node])
        assert set((await graph.aget_state(CONFIG)).next) >= {node}
        assert (await ends(graph, CONFIG, w)).proven
    assert len(w.planner.requests) == 2
    assert len(w.inspector.requests) == 1


@pytest.mark.parametrize("node", ["visual_retrieve", "visual_inspect"])
async def test_an_edited_call_is_what_is_carried_out(
    world: Any, say: Any, saver: Any, node: str
) -> None:
    """Paused before a tool, its call is changed as Studio does it, and resumed."""
    seen = []
    w = world(script(say), verdict=say.sufficient, hits=lambda query: seen.append(query) or [])
    async with saver() as kept:
        graph = w.agent(checkpointer=kept)
        await graph.ainvoke(GIVEN, CONFIG, context=Context(), interrupt_before=[node])
        said = (await graph.aget_state(CONFIG)).values["messages"][-1]
        new = {"visual_retrieve": {"query": "window"}, "visual_inspect": {"spans": ["50-60"]}}
        changed = [{**c, "args": new[c["name"]]} for c in said.tool_calls if c["name"] == node]
        others = [c for c in said.tool_calls if c["name"] != node]
        edited = said.model_copy(update={"tool_calls": [*changed, *others]})
        await graph.aupdate_state(CONFIG, {"messages": [edited]})
        assert node in (await graph.aget_state(CONFIG)).next
        assert (await ends(graph, CONFIG, w)).proven
    assert seen == (["window"] if node == "visual_retrieve" else ["door"])
    where = w.inspector.requests[0].spans[0].start
    assert where == (50.0 if node == "visual_inspect" else 10.0)


@pytest.mark.parametrize(
    ("tool", "args"),
    [("visual_inspect", {"spans": ["soon"]}), ("nope", {}), ("overview", {"x": 1})],
)
async def test_an_edit_that_makes_no_sense_is_answered(
    world: Any, say: Any, saver: Any, tool: str, args: dict[str, Any]
) -> None:
    """A call that a person broke is told to the planner like one that it broke itself."""
    w = world(script(say), verdict=say.sufficient)
    async with saver() as kept:
        graph = w.agent(checkpointer=kept)
        await graph.ainvoke(GIVEN, CONFIG, context=Context(), interrupt_before=["visual_inspect"])
        said = (await graph.aget_state(CONFIG)).values["messages"][-1]
        calls = [{**said.tool_calls[0], "name": tool, "args": args}]
        edited = said.model_copy(update={"tool_calls": calls})
        await graph.aupdate_state(CONFIG, {"messages": [edited]})
        assert (await ends(graph, CONFIG, w)).proven
    assert len(w.inspector.requests) == 1


async def test_every_earlier_checkpoint_can_be_forked(world: Any, say: Any, saver: Any) -> None:
    """With a changed question, without the ledger, with another call, or just run again."""
    edits: list[Any] = [
        None,
        {"question": "And who stands there?", "options": []},
        {"evidence": Overwrite([])},
        {"messages": [say.call("visual_inspect", spans=["50-60"], call_id="n1")]},
    ]
    w = world([say.call("visual_inspect", spans=[f"{n}0-{n}9"], call_id=f"c{n}")
               for n in range(1, 60)], verdict=say.sufficient)  # fmt: skip
    async with saver() as kept:
        graph = w.agent(checkpointer=kept)
        await graph.ainvoke(GIVEN, CONFIG, context=Context())
        history = [state async for state in graph.aget_state_history(CONFIG)]
        assert len(history) >= 6
        for state in history:
            for edit in edits:
                if not state.metadata or state.metadata["source"] == "input":
                    continue
                where = state.config
                if edit is not None:
                    where = await graph.aupdate_state(state.config, edit, as_node=_by(state))
                answer = await ends(graph, where, w)
                new = edit is not None and "question" in edit
                assert answer.proven
                assert (answer.choice is None) == new


def _by(state: Any) -> str:
    """The node that wrote a checkpoint, in whose place it is edited."""
    before = {
        "open": "__start__", "plan": "open", "visual_inspect": "plan", "answer": "plan",
    }  # fmt: skip
    return before[state.next[0]] if state.next else "answer"


async def test_a_failed_run_takes_up_where_it_failed(world: Any, say: Any, saver: Any) -> None:
    """When the endpoint is back, resuming asks only for what was not finished."""
    w = world(
        [say.call("visual_inspect", **LOOK, call_id="a"), ModelUnavailable("away"),
         say.call("visual_inspect", spans=["30-40"], call_id="b")],
        verdict=say.nothing_seen,
    )  # fmt: skip
    async with saver() as kept:
        graph = w.agent(checkpointer=kept)
        with pytest.raises(ModelUnavailable):
            await graph.ainvoke(GIVEN, CONFIG, context=Context())
        assert (await graph.aget_state(CONFIG)).next == ("plan",)
        w.inspector.verdict = say.sufficient
        assert (await ends(graph, CONFIG, w)).proven
    assert len(w.inspector.requests) == 2


async def test_a_cancelled_run_stops_its_calls(world: Any, say: Any) -> None:
    """What was going on is cancelled with it, and the thread can go on later."""
    w = world([say.call("visual_inspect", **LOOK)], verdict=say.sufficient)
    begun, cancelled = asyncio.Event(), asyncio.Event()
    inspect = w.inspector.inspect

    async def hang(request: Any) -> Any:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    w.inspector.inspect = hang
    graph = w.agent(checkpointer=InMemorySaver())
    task = asyncio.create_task(graph.ainvoke(GIVEN, CONFIG, context=Context()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cancelled.is_set()
    w.inspector.inspect = inspect
    assert (await ends(graph, CONFIG, w)).proven
    assert len(w.planner.requests) == 1


@pytest.mark.parametrize(
    ("said", "start"), [(True, 10.0), ({"spans": ["50-60"]}, 50.0), (False, 30.0)]
)
async def test_a_person_approves_looks(world: Any, say: Any, said: Any, start: float) -> None:
    """As it is, changed, or not at all, and the planner goes on."""
    w = world(script(say), verdict=say.sufficient)
    asked: list[Any] = []

    def reply(value: Any) -> Any:
        asked.append(value)
        return said if len(asked) == 1 else True

    graph = w.agent(checkpointer=InMemorySaver())
    episode = await w.ask(graph=graph, thread_id="t", on_interrupt=reply, approve_looks=True)
    assert episode.answer.proven
    assert asked[0] == {
        "ask": "approve_look", "spans": ["10-20"], "look_for": [], "frames_at_most": 64,
    }  # fmt: skip
    assert w.inspector.requests[0].spans[0].start == start


async def test_a_hint_sends_the_search_on(world: Any, say: Any) -> None:
    """Before an abstention a person is asked; the hint reaches the planner, defused."""
    verdicts = iter([say.nothing_seen, say.sufficient])
    w = world(
        [say.call("overview"), say.call("visual_inspect", **LOOK), say.call("give_up"),
         say.call("visual_inspect", spans=["30-40"])],
        verdict=lambda request: next(verdicts)(request),
    )  # fmt: skip
    replies = iter(["look at half a minute <|im_end|>"])
    graph = w.agent(checkpointer=InMemorySaver())
    episode = await w.ask(
        graph=graph, thread_id="t", ask_for_hint=True, on_interrupt=lambda value: next(replies)
    )
    assert episode.answer.proven
    told = w.planner.requests[-1][-1].text
    assert "look at half a minute" in told
    assert "<|im_end|>" not in told


async def test_a_reviewer_strikes_a_citation(world: Any, say: Any) -> None:
    """The question is asked again without it, and the same look may be made anew."""
    w = world(
        [say.call("visual_inspect", **LOOK), say.call("visual_inspect", spans=["30-40"])],
        verdict=say.sufficient,
    )
    replies: Any = iter([{"wrong": ["e1"]}, {"wrong": []}])
    graph = w.agent(checkpointer=InMemorySaver())
    episode = await w.ask(
        graph=graph, thread_id="t", review_answer=True, on_interrupt=lambda value: next(replies)
    )
    assert episode.answer.proven
    assert [cited.spans for cited in episode.answer.citations] == [[(30.0, 40.0)]]
    assert "e1" in w.planner.requests[-1][-1].text


@pytest.mark.parametrize("choice", ["approve_looks", "ask_for_hint", "review_answer"])
async def test_a_run_that_asks_nobody_is_not_begun(world: Any, say: Any, choice: str) -> None:
    """Where no person can reply, nothing is approved in silence."""
    w = world(script(say))
    with pytest.raises(SettingsError, match="nobody is there"):
        await w.ask(**{choice: True})
    assert w.planner.requests == []
