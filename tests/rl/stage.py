"""What rollouts are tested with: tokenizers, an engine that follows a script, and fake roles."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, cast

from videoseal.core.settings import Settings
from videoseal.evals.item import Item
from videoseal.graph.resources import Resources
from videoseal.indexing.index_rows import VideoRow
from videoseal.models.roles import Models
from videoseal.models.types import (
    AnswerDraft,
    AnswerRequest,
    InspectRequest,
    Observation,
    Question,
    Reply,
    Usage,
    Verdict,
)
from videoseal.rl.data.tasks import TaskLabel
from videoseal.rl.episodes.chat_templates import CHATML
from videoseal.rl.episodes.executor import GraphExecutor

__all__ = [
    "ADDED",
    "DURATION",
    "SPECIAL",
    "VIDEO",
    "Inspector",
    "LogProb",
    "Sampling",
    "ScriptedEngine",
    "World",
    "call",
    "inspect",
    "make_tokenizer",
    "task",
]  # fmt: skip

VIDEO = "v0123456789abcdef"
DURATION = 600.0
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "</s>", "[PAD]")
ADDED = ("<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>",
         "</think>", "[INST]", "▁▁sep▁▁", "QQEOT")  # fmt: skip
WORDS = "the sign over the red door says what a policy reads and writes in json: {}\n" * 20


def make_tokenizer(*, loose: bool = False, template: str = CHATML, eos: str = "<|im_end|>") -> Any:
    """A byte-level tokenizer with the kinds of tokens that Qwen's has, and stranger ones.

    `loose` ones fold case and width first, and find some added tokens only then.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers
    from tokenizers import trainers  # isort: skip
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    if loose:
        made.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, show_progress=False)
    made.train_from_iterator([WORDS], trainer)
    made.add_special_tokens([AddedToken(word, normalized=False) for word in SPECIAL])
    made.add_tokens([AddedToken(word, normalized=loose, special=False) for word in ADDED])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=made,
        eos_token=eos,
        pad_token="<|endoftext|>",
        additional_special_tokens=list(SPECIAL[1:]),
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = template
    return tokenizer


@dataclass
class Sampling:
    """Like vLLM's SamplingParams."""

    max_tokens: int | None = None
    temperature: float = 1.0
    logprobs: int | None = 1


class LogProb(NamedTuple):
    """Like vLLM's Logprob."""

    logprob: float


class Choice(NamedTuple):
    """Like vLLM's CompletionOutput."""

    token_ids: list[int]
    text: str
    finish_reason: str
    logprobs: list[dict[int, LogProb]] | None


class Output(NamedTuple):
    """Like vLLM's RequestOutput."""

    outputs: list[Choice]


Script = Sequence["str | Exception | Callable[[list[int]], str]"]


@dataclass
class ScriptedEngine:
    """Says the script turn by turn, for each conversation anew; remembers all that it was sent.

    A turn ends with the end token unless it is longer than allowed.
    """

    tokenizer: Any
    script: Script = ()
    delay: float = 0.0
    together: asyncio.Barrier | None = None
    """Each request waits here until as many are in flight as it asks for."""
    prompts: list[list[int]] = field(default_factory=list)
    limits: list[int] = field(default_factory=list)
    running: int = 0
    most: int = 0
    """Requests that were served at once."""

    async def generate(self, prompt_token_ids: list[int], sampling_params: Any) -> Output:
        turn = len(self.turns(prompt_token_ids))
        self.prompts.append(list(prompt_token_ids))
        self.limits.append(sampling_params.max_tokens)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            if self.together is not None:
                await self.together.wait()
            await asyncio.sleep(self.delay)
        finally:
            self.running -= 1
        said = self.script[turn] if turn < len(self.script) else call("give_up")
        if isinstance(said, Exception):
            raise said
        text = said if isinstance(said, str) else said(prompt_token_ids)
        return self.output(text, sampling_params)

    def turns(self, ids: list[int]) -> list[int]:
        """Ends of turns after the opening ones of system and user."""
        ends = [n for n, token in enumerate(ids) if token == self.tokenizer.eos_token_id]
        return ends[2::2]

    def output(self, text: str, sampling: Any) -> Output:
        ids = [*self.tokenizer(text, add_special_tokens=False)["input_ids"]]
        ids.append(self.tokenizer.eos_token_id)
        finish = "stop"
        if sampling.max_tokens is not None and len(ids) > sampling.max_tokens:
            ids, finish = ids[: sampling.max_tokens], "length"
        told = [{token: LogProb(-0.25 - n / 64)} for n, token in enumerate(ids)]
        return Output([Choice(ids, text, finish, told if sampling.logprobs is not None else None)])


def call(tool: str, **args: Any) -> str:
    """A call as the policy writes it."""
    return f"<tool_call>\n{json.dumps({'name': tool, 'arguments': args})}\n</tool_call>"


def inspect(*spans: str) -> str:
    """A call of visual_inspect."""
    return call("visual_inspect", spans=list(spans))


@dataclass
class Inspector:
    """Settles the question where it sees second 100; may be slow or broken."""

    delay: float = 0.0
    troubles: Iterator[Exception | None] = field(default_factory=lambda: itertools.repeat(None))
    looks: int = 0
    name: str = "fake"

    async def inspect(self, request: InspectRequest) -> Reply[Verdict]:
        self.looks += 1
        await asyncio.sleep(self.delay)
        if trouble := next(self.troubles):
            raise trouble
        seen = [Observation(time=f.time, text="a sign") for f in request.frames]
        if not any(100 <= f.time < 103 for f in request.frames):
            return Reply(Verdict(sufficient=False, missing="the sign"), Usage(1))
        told = Verdict(sufficient=True, answer="OPEN", choice="B", observations=seen)
        return Reply(told, Usage(1))


class Answerer:
    """Finds that nothing carries an answer."""

    name = "fake"

    async def answer(self, request: AnswerRequest) -> Reply[AnswerDraft]:
        return Reply(AnswerDraft(supported=False, why="not seen"), Usage(1))


class Store:
    """Knows one video."""

    def seal_key(self) -> bytes:
        return b"any"

    def texts(self, *_: Any) -> list[Any]:
        return []

    def video(self, video_id: str) -> VideoRow:
        now = datetime(2026, 1, 1, tzinfo=UTC)
        return VideoRow(
            id=VIDEO, path=Path("v.mp4"), title="V", duration=DURATION, width=64, height=36,
            fps=25.0, has_audio=False, size_bytes=1, status="ready", fingerprint="f",
            created=now, updated=now,
        )  # fmt: skip


@dataclass
class World:
    """What stands around the policy."""

    inspector: Inspector = field(default_factory=Inspector)
    heard: str = "words on a sign"
    """What the index says wherever it is searched."""
    search_trouble: Exception | None = None
    judge: Any = None
    """Of rewards that have a term for it."""

    @property
    def resources(self) -> Resources:
        named = cast(Any, Answerer())
        models = Models(named, self.inspector, named, named, named, named)
        return Resources(Settings(), cast(Any, Store()), models, cast(Any, None))


def task(uid: str = "q1", **changes: Any) -> TaskLabel:
    """What the sign says, which is shown from 100 to 103 s."""
    values: dict[str, Any] = {
        "benchmark": "synthetic",
        "uid": uid,
        "video": "v1",
        "question": Question(text="What does the sign say?", options=["SHUT", "OPEN"]),
        "answer": "B",
        "categories": ["reading"],
        "evidence": [(100.0, 103.0)],
    }
    return TaskLabel(item=Item(**{**values, **changes}), video_id=VIDEO, duration=DURATION)


EPISODES: dict[str, tuple[Any, ...]] = {
    "right": (inspect("98-106"),),
    "gave up": (call("give_up"),),
    "mistakes": ("hm", call("zoom"), inspect("never"), inspect("98-106")),
    "prose only": ("hm", "hm"),
    "failed": (RuntimeError("CUDA error"),),
    "failed later": (inspect("300-310"), RuntimeError("CUDA error")),
}
"""What a policy says in episodes that end in different ways."""


def execute(
    executor: GraphExecutor,
    tokenizer: Any,
    *script: Any,
    engine: Any = None,
    sampling: Any = None,
    label: str | None = None,
) -> Any:
    """One call, with OpenRLHF's keywords."""
    return executor.execute(
        prompt="What does the sign say?",
        label=task().model_dump_json() if label is None else label,
        sampling_params=sampling or Sampling(),
        max_length=20_000,
        hf_tokenizer=tokenizer,
        llm_engine=engine or ScriptedEngine(tokenizer, script),
        images=None,
    )
