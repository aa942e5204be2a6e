"""Conversations to imitate: text for text what a policy reads and says in a rollout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest
from langchain_core.messages import AIMessage, BaseMessage

from tests.evals.made import item
from tests.graph.conftest import DURATION, VIDEO, World, sufficient, world
from tests.rl.played import played
from videoseal.core.span import Span
from videoseal.evals.manifest import SystemSpec
from videoseal.evals.records import SampleRecord
from videoseal.evals.running.sample import run_sample
from videoseal.graph.planner_messages import tool_names
from videoseal.indexing.index_rows import Hit
from videoseal.models.offline.planner import SearchPolicy
from videoseal.models.reply import read_text_calls
from videoseal.models.tool_text import as_text_messages
from videoseal.models.types import Question
from videoseal.rl.data.tasks import TaskLabel
from videoseal.rl.data.traces import (
    Trace,
    choose,
    conversation,
    search_episodes,
    sft_row,
    write_traces,
)
from videoseal.rl.rewards.rewards import RewardSpec
from videoseal.tools.schemas import tool_specs

searching = world
"""The worlds of the graph's tests, under a name of its own."""
ASKED = Question(
    text="Which number is on the harbour gate?", options=["4126", "4127", "4128", "4129"]
)
SEEN = item(video="film", question=ASKED, evidence=[(60.0, 76.0)])
"""Answered by option B where the fake search leads."""
SPEC = RewardSpec(gold_s=2.0)


class Listening(SearchPolicy):
    """The search policy, which remembers what it read and speaks calls as text."""

    heard: list[list[BaseMessage]]
    as_text: bool = False

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Any:
        self.heard.append(list(messages))
        found = super()._generate(messages, *args, **kwargs)
        message = found.generations[0].message
        if self.as_text:
            (call,) = message.tool_calls
            body = json.dumps({"name": call["name"], "arguments": call["args"]})
            said = f"I look.\n<tool_call>{body}</tool_call>"
            found.generations[0].message = AIMessage(
                said, tool_calls=read_text_calls(said, len(self.heard)).calls
            )
        return found


def _rendered(messages: list[BaseMessage]) -> list[tuple[str, str]]:
    return [(message.type, str(message.text)) for message in messages]


async def _search(world: World, planner: Any, **context: Any) -> SampleRecord:
    world.planner = planner
    return await run_sample(world.resources, SEEN, SystemSpec(context=context), VIDEO, DURATION)


ODD_TEXT = 'harbour gate 4127 <|im_end|> "naïve" \\n 看 [INST] </tool_response>'
UNSURE = {"sufficient": False, "reason": "SPAN_MISMATCH", "missing": "<tools> of a gate"}
ODD: dict[str, Any] = {
    "hits": lambda query: [
        Hit(7, "ocr", Span(60.0, 76.0), ODD_TEXT, 1 / 3),
        Hit(8, "clip", Span(10.1, 20.3), "a door", 1e-7),
    ],
    "verdict": lambda request: sufficient(request).model_copy(
        update={} if request.spans[0].start > 30 else UNSURE
    ),
}  # fmt: skip


@pytest.mark.parametrize("as_text", [False, True])
async def test_trace_is_what_the_policy_read_and_said(
    searching: type[World], as_text: bool
) -> None:
    """Rebuilt from the record, it is its last prompt in a rollout, then its last turn."""
    planner = Listening(as_text=as_text, heard=[])
    record = await _search(searching(**ODD), planner)
    kept = SampleRecord.model_validate_json(record.model_dump_json())
    assert len(planner.heard) >= 2
    tools = tool_specs(tool_names("decoupled"))
    rebuilt = _rendered(conversation(kept))
    for number, heard in enumerate(planner.heard):
        prompt = _rendered(as_text_messages(heard, tools))
        assert rebuilt[: len(prompt)] == prompt
        assert rebuilt[len(prompt)][0] == "ai"
        assert (number + 1 == len(planner.heard)) == (len(prompt) + 1 == len(rebuilt))
    assert ("I look." in rebuilt[-1][1]) == as_text
    assert "<|im_end|>" not in "".join(text for _, text in rebuilt)


async def test_search_policy_makes_traces_of_tasks(searching: type[World]) -> None:
    """Whatever planner the resources have, and the other roles are theirs."""
    here = searching(**ODD)
    labels = [
        TaskLabel(item=SEEN.model_copy(update={"uid": f"q{n}"}), video_id=VIDEO, duration=DURATION)
        for n in range(3)
    ]
    records = [r async for r in search_episodes(labels, here.resources, {"max_steps": 8})]
    assert sorted(r.item.uid for r in records) == ["q0", "q1", "q2"]
    assert here.planner.requests == []
    assert here.inspector.requests
    choice = choose(records, SPEC)
    assert sorted(trace.uid for trace in choice.traces) == ["q0", "q1", "q2"]
    assert all(trace.reward > 0.9 for trace in choice.traces)


async def test_rows_are_those_of_sft(searching: type[World], tmp_path: Path) -> None:
    """Plain chat: system, then user and assistant in turn, the assistant last."""
    choice = choose([await _search(searching(**ODD), SearchPolicy())], SPEC)
    path = tmp_path / "deep" / "traces.jsonl"
    write_traces(path, choice.traces)
    (row,) = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert row == sft_row(choice.traces[0])
    roles = [message["role"] for message in row["messages"]]
    assert roles == ["system", *["user", "assistant"] * (len(roles) // 2)]
    assert all(message["content"] for message in row["messages"])
    assert row["uid"] == SEEN.uid


async def test_only_good_episodes_are_imitated(searching: type[World]) -> None:
    """Those well paid, without a mistake, planned under the prompts of today; the rest is told."""
    good = await _search(searching(**ODD), SearchPolicy())

    def changed(**parts: Any) -> SampleRecord:
        return good.model_copy(update={"episode": {**(good.episode or {}), **parts}})

    steps = cast("dict[str, Any]", good.episode)["steps"]
    bad = [{**steps[0], "result": {"error": "SpanError", "message": "m"}}, *steps[1:]]
    silent = [{**steps[0], "tool": None}, *steps[1:]]
    records = [
        good,
        changed(models={"planner": "p/plan-0"}),
        changed(steps=bad),
        changed(steps=silent),
        changed(answer={"outcome": "abstained", "cause": "gave_up"}),
        good.model_copy(update={"episode": None}),
    ]
    choice = choose(records, SPEC)
    assert len(choice.traces) == 1
    assert choice.left_out == {
        "its planner read other prompts": 1,
        "a mistake in it": 1,
        "a turn without a call": 1,
        "paid less than 0.5": 1,
        "ended in an error": 1,
    }


async def test_of_a_question_the_best_and_shortest_is_imitated(searching: type[World]) -> None:
    """Many rollouts of an easy question must not crowd out the others."""
    long = await _search(searching(**ODD), SearchPolicy())
    episode = cast("dict[str, Any]", long.episode)
    episode = {**episode, "steps": episode["steps"][-1:]}
    short = long.model_copy(update={"episode": episode})
    choice = choose([long, short, long], SPEC.model_copy(update={"step_cost": 0.0}))
    assert [trace.messages for trace in choice.traces] == [conversation(short)]
    assert choice.left_out == {"not the best of its question": 2}
    assert len(choose([long, short, long], SPEC, per_question=5).traces) == 3


def test_conversation_ends_with_what_was_said() -> None:
    """SFT takes its last message for the response."""
    record = played([(60.0, 70.0)])
    assert record.episode is not None
    record.episode |= {"context": {}, "question": SEEN.question.model_dump()}
    messages = conversation(record)
    assert isinstance(messages[-1], AIMessage)
    assert sft_row(Trace("u", 1.0, messages))["messages"][-1]["role"] == "assistant"


@pytest.mark.filterwarnings("ignore")
async def test_openrlhf_learns_every_assistant_turn_and_nothing_else(
    searching: type[World], tokenizer: Any
) -> None:
    """Its own SFT data set, read as the docstring of `sft_row` says."""
    pytest.importorskip("openrlhf")
    from openrlhf.datasets.sft_dataset import SFTDataset

    choice = choose([await _search(searching(**ODD), Listening(as_text=True, heard=[]))], SPEC)
    row = sft_row(choice.traces[0])
    data = SFTDataset.__new__(SFTDataset)
    data.tokenizer, data.max_length, data.pretrain_mode = tokenizer, 100_000, False
    data.multiturn, data.input_template = True, None
    data.input_key, data.output_key = "messages", None
    data.apply_chat_template = tokenizer.apply_chat_template
    made = data.process_data(row)
    data.prompts, data.responses = [made["prompt"]], [made["response"]]
    data.prompt_ids_lens, data.response_ranges = (
        [made["prompt_ids_len"]],
        [made["response_ranges"]],
    )
    ids, _, mask = data[0]
    learnt = [
        token if on else None
        for token, on in zip(ids[0, 1:].tolist(), mask[0, :-1].tolist(), strict=True)
    ]
    turns = "".join(tokenizer.decode([t]) if t is not None else "\0" for t in learnt).split("\0")
    said = [m["content"] for m in row["messages"] if m["role"] == "assistant"]
    assert [turn.removesuffix("\n") for turn in turns if turn] == [
        f"{text}<|im_end|>" for text in said
    ]
