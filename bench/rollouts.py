"""Rollouts of a training step: how much of it the engine is at work, and what episodes cost.

`python bench/rollouts.py [--episodes 256] [--slots 64] [--latency 1.5] [--json]` plays a step of
episodes of the real graph for an engine of fixed latency (each call takes `latency` seconds, at
most `slots` at once, as a server's batch), with tools that wait as endpoints, database and decoder
do, and frames of real size. Printed are the share of the step in which the engine was at work, the
share of its slots that was used, episodes a second against playing one after the other, and the
peak of the process's memory. Targets: 80 % and 4 GiB.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from videoseal.core.settings import Settings
from videoseal.core.span import Span
from videoseal.evals.item import Item
from videoseal.graph.context import Context
from videoseal.graph.resources import Resources
from videoseal.indexing.index_rows import Hit, VideoRow
from videoseal.models.roles import Models
from videoseal.models.types import (
    AnswerDraft,
    AnswerRequest,
    Frame,
    InspectRequest,
    Observation,
    Question,
    Reply,
    Usage,
    Verdict,
)
from videoseal.rl.config import RolloutConfig
from videoseal.rl.data.tasks import TaskLabel
from videoseal.rl.episodes.chat_templates import CHATML
from videoseal.rl.episodes.executor import GraphExecutor
from videoseal.rl.rewards.rewards import RewardSpec

SEARCH_S, DECODE_S, INSPECT_S = 0.3, 0.2, 1.0
TURNS = (3, 4, 5, 6)
SAMPLES = 8
SAID = "Looking at what was found, the next place to check is close to it. " * 4
WORDS = ("a man in a red coat walks past the sign that says OPEN and turns left " * 3)[:200]


@dataclass
class Engine:
    """Says the next call of an episode after a fixed time; knows when it was at work."""

    tokenizer: Any
    slots: int
    latency: float
    calls: int = 0
    running: int = 0
    worked: float = 0.0
    """Seconds with at least one call in a slot."""
    since: float = 0.0
    gate: asyncio.Semaphore = field(init=False)
    said: dict[str, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.gate = asyncio.Semaphore(self.slots)

    async def generate(self, prompt_token_ids: list[int], sampling_params: Any) -> Any:
        """Like OpenRLHF's rollout actor."""
        async with self.gate:
            if self.running == 0:
                self.since = time.perf_counter()
            self.running += 1
            await asyncio.sleep(self.latency)
            self.running -= 1
            self.calls += 1
            if self.running == 0:
                self.worked += time.perf_counter() - self.since
        ends = [
            n for n, token in enumerate(prompt_token_ids) if token == self.tokenizer.eos_token_id
        ]
        last = TURNS[sum(prompt_token_ids[: ends[1]]) % len(TURNS)]
        ids = self._tokens(len(ends) // 2, last)
        told = [{token: SimpleNamespace(logprob=-0.5)} for token in ids]
        choice = SimpleNamespace(token_ids=ids, finish_reason="stop", logprobs=told)
        return SimpleNamespace(outputs=[choice])

    def _tokens(self, turn: int, last: int) -> list[int]:
        if turn >= last:
            call: dict[str, Any] = {"name": "give_up", "arguments": {}}
        elif turn % 2:
            call = {"name": "visual_retrieve", "arguments": {"query": f"sign {turn}"}}
        else:
            spans = [f"{turn * 60}-{turn * 60 + 32}"]
            call = {"name": "visual_inspect", "arguments": {"spans": spans}}
        text = f"{SAID}\n<tool_call>\n{json.dumps(call)}\n</tool_call>"
        if text not in self.said:
            ids = self.tokenizer(text, add_special_tokens=False)["input_ids"]
            self.said[text] = [*ids, self.tokenizer.eos_token_id]
        return self.said[text]


class Roles:
    """Inspector and answerer at endpoints that take their time and settle nothing."""

    name = "bench"

    async def inspect(self, request: InspectRequest) -> Reply[Verdict]:
        """See eight things."""
        await asyncio.sleep(INSPECT_S)
        seen = [Observation(time=f.time, text=WORDS) for f in request.frames[:8]]
        return Reply(Verdict(sufficient=False, observations=seen, missing="rest"), Usage(1))

    async def answer(self, request: AnswerRequest) -> Reply[AnswerDraft]:
        """Find no answer."""
        await asyncio.sleep(INSPECT_S)
        return Reply(AnswerDraft(supported=False, why="not seen"), Usage(1))


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


async def search(*_: Any, **__: Any) -> Reply[list[Hit]]:
    """Eight texts, from an embedding server and a database."""
    await asyncio.sleep(SEARCH_S)
    hits = [Hit(n, "ocr", Span(n * 9.0, n * 9.0 + 4), WORDS, 0.03) for n in range(8)]
    return Reply(hits, Usage(1))


def show(video: VideoRow, spans: list[Span], **_: Any) -> list[Frame]:
    """64 frames of 60 kB, decoded in a thread."""
    time.sleep(DECODE_S)
    return [Frame(spans[0].start + n / 2, b"\xff" * 60_000) for n in range(64)]


def make_tokenizer() -> Any:
    """Byte-level BPE learnt from the texts at hand."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=2000,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    made.train_from_iterator([SAID, WORDS, Path(__file__).read_text(encoding="utf-8")], trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<|im_end|>")
    tokenizer.chat_template = CHATML
    return tokenizer


def label(number: int) -> str:
    """A question of its own."""
    item = Item(
        benchmark="bench",
        uid=f"q{number}",
        video="v",
        question=Question(text=f"What does sign {number} say?", options=["EXIT", "OPEN"]),
        answer="B",
        categories=["reading"],
        evidence=[(100.0, 110.0)],
    )
    return TaskLabel(item=item, video_id="v0123456789abcdef", duration=3600.0).model_dump_json()


async def step(executor: GraphExecutor, engine: Engine, episodes: int) -> list[Any]:
    """All episodes of a step, asked for as OpenRLHF does: the samples of a question together."""
    questions = range(max(1, episodes // SAMPLES))
    samplings = [SimpleNamespace(max_tokens=512, logprobs=1) for _ in questions]
    return list(
        await asyncio.gather(
            *(
                executor.execute(
                    prompt=f"q{number % len(questions)}",
                    label=label(number % len(questions)),
                    sampling_params=samplings[number % len(questions)],
                    max_length=36_864,
                    hf_tokenizer=engine.tokenizer,
                    llm_engine=engine,
                )
                for number in range(episodes)
            )
        )
    )


async def one_by_one(executor: GraphExecutor, engine: Engine, episodes: int) -> float:
    """The naive way: seconds an episode when each waits for the one before it."""
    began = time.perf_counter()
    for number in range(episodes):
        sampling = SimpleNamespace(max_tokens=512, logprobs=1)
        await executor.execute("q", label(number), sampling, 36_864, engine.tokenizer, engine)
    return (time.perf_counter() - began) / episodes


async def measure(options: argparse.Namespace, folder: Path) -> dict[str, float]:
    """One step, and a few episodes one after the other."""
    config = RolloutConfig(
        policy="bench",
        context=Context(),
        reward=RewardSpec(),
        rollouts_dir=folder,
        max_episodes=options.episodes,
    )
    roles = cast(Any, Roles())
    models = Models(roles, roles, roles, roles, roles, roles)
    resources = Resources(Settings(), cast(Any, Store()), models, cast(Any, None))
    executor = GraphExecutor(config, resources)
    tokenizer = make_tokenizer()
    engine = Engine(tokenizer, options.slots, options.latency)
    began, cpu = time.perf_counter(), time.process_time()
    responses = await step(executor, engine, options.episodes)
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    assert not any(response["extra_logs"]["infra_error"] for response in responses)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    alone = await one_by_one(executor, Engine(tokenizer, 1, options.latency), options.alone)
    executor.close()
    lengths = [len(response["observation_tokens"]) for response in responses]
    return {
        "step_s": wall,
        "generation_share": engine.worked / wall,
        "slot_share": engine.calls * options.latency / options.slots / wall,
        "calls": engine.calls,
        "cpu_ms_a_turn": 1000 * cpu / engine.calls,
        "mean_tokens": sum(lengths) / len(lengths),
        "episodes_per_s": options.episodes / wall,
        "one_by_one_per_s": 1 / alone,
        "peak_gib": peak,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--episodes", type=int, default=256)
    parser.add_argument("--slots", type=int, default=64)
    parser.add_argument("--latency", type=float, default=1.5)
    parser.add_argument("--alone", type=int, default=2, help="episodes of the naive way")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="videoseal-bench-"))
        stack.enter_context(patch("videoseal.graph.nodes.visual_retrieve.search_index", search))
        stack.enter_context(patch("videoseal.graph.nodes.visual_inspect.show_frames", show))
        found = asyncio.run(measure(options, Path(folder)))
    reached = found["generation_share"] >= 0.8 and found["peak_gib"] < 4
    if options.json:
        print(json.dumps({**vars(options), **found, "reached": reached}))
        return
    print(
        f"{options.episodes} episodes at once, {found['calls']:.0f} turns of {options.latency:g} s,"
        f" {options.slots} at a time, {found['mean_tokens']:.0f} tokens an episode"
    )
    print(f"  step                     {found['step_s']:8.1f} s")
    print(f"  engine at work           {100 * found['generation_share']:8.1f} %  (target 80)")
    print(f"  its slots in use         {100 * found['slot_share']:8.1f} %")
    print(f"  our own work a turn      {found['cpu_ms_a_turn']:8.1f} ms of CPU")
    print(f"  episodes a second        {found['episodes_per_s']:8.2f}")
    print(f"  one after the other      {found['one_by_one_per_s']:8.2f}")
    print(f"  peak memory              {found['peak_gib']:8.2f} GiB (target < 4)")


if __name__ == "__main__":
    main()
