"""The policy as a chat model: each episode in its own transcript, every mistake readable."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from tests.rl.stage import Choice, Output, Sampling, ScriptedEngine, call
from videoseal.core.errors import ModelUnavailable
from videoseal.graph.budget import OutOfBudget
from videoseal.rl.episodes.policy import PolicyChat, Speaker
from videoseal.rl.episodes.tokens import TURN, Transcript

TOOLS = [{"type": "function", "function": {"name": "overview", "parameters": {}}}]
OPENED = [SystemMessage("Find it."), HumanMessage("Where?")]


async def ask(speaker: Speaker, messages: list[Any] | None = None) -> AIMessage:
    """One turn through LangChain, as the graph asks."""
    return await PolicyChat(speaker=speaker).bind_tools(TOOLS).ainvoke(messages or OPENED)


def speaker(tokenizer: Any, *script: Any, room: int = 4000, **sampling: Any) -> Speaker:
    """A policy that says the script."""
    engine = ScriptedEngine(tokenizer, script)
    return Speaker(Transcript(tokenizer, room), engine, Sampling(**sampling))


async def test_a_call_is_read_and_counted(tokenizer: Any) -> None:
    """The message has the call, the mark of its turn, and the tokens of prompt and turn."""
    policy = speaker(tokenizer, call("overview"))
    message = await ask(policy)
    assert message.tool_calls[0]["name"] == "overview"
    assert message.text == call("overview")
    assert message.response_metadata[TURN]
    (segment,) = policy.transcript.segments
    (start, end) = segment.ranges[0]
    told = message.usage_metadata
    assert told is not None
    assert (told["input_tokens"], told["output_tokens"]) == (start, end - start)


async def test_the_tools_are_described_in_the_prompt(tokenizer: Any) -> None:
    """As the text planner describes them, so that a trained policy is served unchanged."""
    policy = speaker(tokenizer, "hm")
    await ask(policy)
    engine = policy.engine
    assert isinstance(engine, ScriptedEngine)
    assert '"name": "overview"' in tokenizer.decode(engine.prompts[0])


async def test_an_unreadable_call_is_an_invalid_one(tokenizer: Any) -> None:
    """With an id to answer and what is wrong with it."""
    message = await ask(speaker(tokenizer, "<tool_call>{'name'}</tool_call>"))
    assert message.tool_calls == []
    (invalid,) = message.invalid_tool_calls
    assert invalid["id"]
    assert "not JSON" in str(invalid["error"])


async def test_a_conversation_goes_on_in_its_segment(tokenizer: Any) -> None:
    """The graph gives messages new ids; the turn is known by its mark."""
    policy = speaker(tokenizer, call("overview"), "done")
    first = await ask(policy)
    renamed = first.model_copy(update={"id": "new"})
    result = ToolMessage("{}", tool_call_id="c", id="t")
    await ask(policy, [*OPENED, renamed, result])
    assert [len(segment.ranges) for segment in policy.transcript.segments] == [2]


@pytest.mark.parametrize(
    ("sampling", "turn", "room", "limit"),
    [
        (None, None, 50, 50),
        (30, None, 50, 30),
        (30, 20, 50, 20),
        (None, 20, 50, 20),
        (99, 88, 7, 7),
    ],
)
async def test_a_turn_is_limited(
    tokenizer: Any, sampling: int | None, turn: int | None, room: int, limit: int
) -> None:
    """By the sampling parameters, the turn's own limit and the room left; none is changed."""
    transcript = Transcript(tokenizer, 4000)
    size = len(transcript.prompt(OPENED, TOOLS))
    policy = speaker(tokenizer, "x" * 200, room=size + room, max_tokens=sampling)
    policy.turn_tokens = turn
    await ask(policy)
    assert policy.transcript.sampled == limit
    assert policy.transcript.segments[0].finish == "length"
    assert policy.sampling.max_tokens == sampling


async def test_a_full_context_spends_the_token_budget(tokenizer: Any) -> None:
    """The graph knows that way to end: it closes the run with what was seen."""
    policy = speaker(tokenizer, room=20)
    with pytest.raises(OutOfBudget) as caught:
        await ask(policy)
    assert caught.value.cause == "tokens"
    assert policy.full


async def test_log_probs_may_be_left_out(tokenizer: Any) -> None:
    """Where the trainer asks for none the engine gives none."""
    policy = speaker(tokenizer, "hm", logprobs=None)
    await ask(policy)
    assert set(policy.transcript.segments[0].logprobs) == {0.0}
    policy.transcript.validate()


@pytest.mark.parametrize(
    "output", [None, Output([]), Output([Choice([], "", "stop", [])]),
               Output([Choice([5], "x", "abort", None)]), RuntimeError("CUDA error")]
)  # fmt: skip
async def test_an_engine_that_fails_is_unavailable(tokenizer: Any, output: Any) -> None:
    """Whatever it does instead of sampling; nothing is recorded and the wait is counted."""

    class Broken:
        async def generate(self, prompt_token_ids: list[int], sampling_params: Any) -> Any:
            if isinstance(output, Exception):
                raise output
            return output

    policy = Speaker(Transcript(tokenizer, 4000), Broken(), Sampling())
    with pytest.raises(ModelUnavailable, match="engine"):
        await ask(policy)
    assert policy.transcript.segments == []
    assert policy.generating > 0


async def test_episodes_do_not_hear_each_other(tokenizer: Any) -> None:
    """Many at once in one process, each with its own engine and transcript."""

    async def episode(number: int) -> Transcript:
        engine = ScriptedEngine(tokenizer, [f"I am {number}"] * 3, delay=0.001 * (number % 3))
        transcript = Transcript(tokenizer, 4000)
        messages: list[Any] = [*OPENED]
        policy = Speaker(transcript, engine, Sampling())
        for turn in range(3):
            said = await ask(policy, messages)
            assert said.text == f"I am {number}"
            messages += [said, ToolMessage("{}", tool_call_id="c", id=f"t{turn}")]
        return transcript

    transcripts = await asyncio.gather(*(episode(number) for number in range(20)))
    assert all(len(t.segments) == 1 and len(t.segments[0].ranges) == 3 for t in transcripts)
