"""Good episodes as conversations to imitate, before the policy is rewarded for its own.

A trace is what the policy reads and says in a rollout, text for text: the same rules, task and
tool results, rendered by the same function. Recorded episodes hold all of that, so a trace is
rebuilt from a record, whoever planned it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from videoseal.evals.benchmarks.annotation_rows import AnnotationError
from videoseal.evals.manifest import SystemSpec
from videoseal.evals.records import SampleRecord
from videoseal.evals.running.sample import run_sample
from videoseal.graph.context import Context
from videoseal.graph.planner_messages import plan_version, system_prompt, task_prompt, tool_names
from videoseal.graph.resources import Resources
from videoseal.models.build import search_policy
from videoseal.models.tool_text import as_text_messages
from videoseal.models.types import Question
from videoseal.rl.data.tasks import TaskLabel, write_lines
from videoseal.rl.rewards.rewards import RewardSpec, mistakes, reward_of
from videoseal.tools.schemas import tool_specs

__all__ = ["Choice", "Trace", "choose", "conversation", "read_texts", "search_episodes", "sft_row",
           "write_traces"]  # fmt: skip

_ROLES: Final[Mapping[str, str]] = {"system": "system", "human": "user", "ai": "assistant"}


class Trace(NamedTuple):
    """One episode to imitate."""

    uid: str
    reward: float
    messages: list[BaseMessage]
    """Plain chat: system, then user and assistant in turn, an assistant's turn last."""


class Choice(NamedTuple):
    """The traces that were kept, and how many episodes were not, by reason."""

    traces: list[Trace]
    left_out: dict[str, int]


def choose(
    records: Iterable[SampleRecord],
    spec: RewardSpec,
    *,
    least: float = 0.5,
    per_question: int = 1,
    brief: bool = False,
) -> Choice:
    """The episodes worth imitating: paid `least` or more, without a mistake, planned by calls.

    Of a question the best are taken, of equals the shortest; the order is that of the records.
    """
    kept: dict[tuple[str, str], list[Trace]] = {}
    left_out: dict[str, int] = {}
    for record in records:
        reward = reward_of(record, spec)
        why = _unfit(record, reward.total, least)
        if why:
            left_out[why] = left_out.get(why, 0) + 1
            continue
        trace = Trace(record.item.uid, reward.total, conversation(record, brief=brief))
        kept.setdefault((record.item.benchmark, record.item.uid), []).append(trace)
    traces: list[Trace] = []
    for group in kept.values():
        best = sorted(group, key=lambda trace: (-trace.reward, len(trace.messages)))
        traces += best[:per_question]
        if len(best) > per_question:
            left_out["not the best of its question"] = (
                left_out.get("not the best of its question", 0) + len(best) - per_question
            )
    return Choice(traces, left_out)


def conversation(record: SampleRecord, *, brief: bool = False) -> list[BaseMessage]:
    """An episode as its policy read and said it, up to the last thing it said.

    Only of an episode without mistakes: the replies to some mistakes are not in a record. `brief`
    puts the short rules in the place of the full ones.
    """
    episode = record.episode or {}
    context = Context.model_validate(episode["context"])
    question = Question.model_validate(episode["question"])
    turns: list[BaseMessage] = [
        SystemMessage(system_prompt(context.mode)),
        HumanMessage(task_prompt(question, record.video_id, record.duration)),
    ]
    for step in episode["steps"]:
        turns += _turn(step)
    while not isinstance(turns[-1], AIMessage):
        turns.pop()
    return as_text_messages(turns, tool_specs(tool_names(context.mode)), brief=brief)


def sft_row(trace: Trace) -> dict[str, Any]:
    """A line for OpenRLHF's SFT, read with `--data.multiturn` and `--data.input_key messages`.

    Every assistant turn is learnt, and nothing else.
    """
    messages = [{"role": _ROLES[m.type], "content": str(m.text)} for m in trace.messages]
    return {"messages": messages, "uid": trace.uid, "reward": trace.reward}


def write_traces(path: Path, traces: Sequence[Trace]) -> None:
    """Write traces as JSON lines; raises OutOfSpace."""
    write_lines(path, (json.dumps(sft_row(trace), ensure_ascii=False) for trace in traces))


def read_texts(path: Path) -> Iterator[str]:
    """Everything that is said in a file of traces; AnnotationError names a line that is none."""
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            yield from (str(message["content"]) for message in json.loads(line)["messages"])
        except (ValueError, KeyError, TypeError):
            raise AnnotationError(f"{path.name}:{number}: not a conversation") from None


async def search_episodes(
    labels: Sequence[TaskLabel],
    resources: Resources,
    context: Mapping[str, Any] | None = None,
    *,
    concurrency: int = 4,
) -> AsyncIterator[SampleRecord]:
    """Records of the offline search policy on every task, as they are done; never raises.

    The other roles are those of `resources`. `context`: fields that differ from the defaults.
    """
    models = dataclasses.replace(resources.models, planner=search_policy())
    searching = dataclasses.replace(resources, models=models)
    system, free = SystemSpec(context=dict(context or {})), asyncio.Semaphore(concurrency)

    async def one(label: TaskLabel) -> SampleRecord:
        async with free:
            return await run_sample(searching, label.item, system, label.video_id, label.duration)

    tasks = [asyncio.create_task(one(label)) for label in labels]
    try:
        for done in asyncio.as_completed(tasks):
            yield await done
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _unfit(record: SampleRecord, paid: float, least: float) -> str:
    episode = record.episode
    if episode is None or record.error is not None:
        return "ended in an error"
    if paid < least:
        return f"paid less than {least:g}"
    if not str(episode.get("models", {}).get("planner", "")).endswith(f"/{plan_version()}"):
        return "its planner read other prompts"
    steps = episode.get("steps", [])
    if not steps or not all(step["tool"] for step in steps):
        return "a turn without a call"
    return "a mistake in it" if mistakes(steps) else ""


def _turn(step: Mapping[str, Any]) -> Iterator[BaseMessage]:
    name = f"call_{step['number']}"
    call = {"name": step["tool"], "args": step["args"], "id": name, "type": "tool_call"}
    yield AIMessage(step["said"], tool_calls=[call])
    if step["result"]:
        text = json.dumps(step["result"], ensure_ascii=False, separators=(",", ":"))
        yield ToolMessage(text, tool_call_id=name)
