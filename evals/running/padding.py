"""Text that has nothing to do with the question, put into the planner's context to press on it.

A long context alone may push a planner that also answers towards a plausible guess. The lines look
like results of earlier searches in other videos and say so; none shares a word with an option, so
none can speak for an answer. They are made up from a seed, the same on every machine.
"""

from __future__ import annotations

import dataclasses
import json
import random
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, cast

import yaml
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.runnables import Runnable, RunnableLambda
from pydantic import Field

from videoseal.core.span import Span
from videoseal.graph.context import Context, EvidenceKind
from videoseal.graph.resources import Resources
from videoseal.models.types import Question

__all__ = ["PaddedContext", "distractors", "padded"]

_HEAD: Final = (
    "Results of earlier searches in other videos, kept in this conversation. None of them is about"
    " this video."
)
_WORDS: Final = Path(__file__).with_name("distractors.yaml")
_SMALL: Final = frozenset(
    ["a", "an", "and", "at", "by", "in", "it", "of", "on", "the", "to", "two", "we", "you"]
)
"""Words that many options have in common and that name nothing."""
_TRIES: Final = 40
"""Draws of a line before the words that it may not have are cut out of it."""
_LONGEST: Final = 5400
"""Seconds of the other videos."""


class PaddedContext(Context):
    """A run's choices: frames alone prove, unless it is said; and what the planner reads more."""

    evidence: EvidenceKind = Field(
        default="seen",
        description="What an answer may rest on: frames alone, as where a benchmark is asked "
        "without subtitles, or also lines of speech and subtitles in the spans looked at.",
    )

    distractors: int = Field(
        default=0,
        ge=0,
        le=5_000,
        description="Lines about other videos that follow the question in the planner's context, "
        "to measure what a long context does; a line has about 50 tokens.",
    )
    distractor_seed: int = Field(default=0, description="Of the draw of these lines.")


def padded(resources: Resources, question: Question, context: PaddedContext) -> Resources:
    """The same resources with a planner that reads the lines after its task."""
    block = distractors(question, context.distractors, context.distractor_seed)
    if not block:
        return resources
    planner = cast(BaseChatModel, _PaddedPlanner(resources.models.planner, block))
    return dataclasses.replace(
        resources, models=dataclasses.replace(resources.models, planner=planner)
    )


@dataclasses.dataclass
class _PaddedPlanner:
    """A planner whose first human message, the task, ends with the block."""

    _planner: BaseChatModel
    _block: str

    def __getattr__(self, name: str) -> Any:
        return getattr(self._planner, name)

    def bind_tools(self, tools: Any, **kwargs: Any) -> Runnable[Any, Any]:
        return RunnableLambda(self._pad) | self._planner.bind_tools(tools, **kwargs)

    def _pad(self, messages: list[BaseMessage]) -> list[BaseMessage]:
        # In one message: some chat templates refuse two turns of a user in a row.
        head, task, *rest = messages
        return [head, HumanMessage(f"{task.text}\n\n{self._block}"), *rest]


def distractors(question: Question, count: int, seed: int) -> str:
    """A block of `count` lines for this question; more lines only ever add to its end."""
    if not count:
        return ""
    return _block(question.render(), tuple(question.options), count, seed)


@lru_cache(maxsize=64)
def _block(question: str, options: tuple[str, ...], count: int, seed: int) -> str:
    chance = random.Random(f"{seed}/{question}")  # noqa: S311  repeatable, not secret
    taken = {word for option in options for word in _words(option)}
    return "\n".join([_HEAD, *(_line(chance, taken) for _ in range(count))])


def _line(chance: random.Random, taken: set[str]) -> str:
    """One hit in the form in which the planner reads its own."""
    kind, text = _text(chance, taken)
    start = float(chance.randrange(_LONGEST))
    hit = {
        "video": f"v{chance.getrandbits(32):08x}",
        "span": str(Span(start, start + chance.randrange(2, 20))),
        "kind": kind,
        "text": text,
    }
    return json.dumps(hit, ensure_ascii=False, separators=(",", ":"))


def _text(chance: random.Random, taken: set[str]) -> tuple[str, str]:
    """Its kind and its words, none of them an option's."""
    for _ in range(_TRIES):
        kind = chance.choice(("clip", "ocr", "speech"))
        text = _drawn(chance, kind)
        if taken.isdisjoint(_words(text)):
            return kind, text
    return kind, " ".join(word for word in text.split() if taken.isdisjoint(_words(word)))


def _drawn(chance: random.Random, kind: str) -> str:
    known = _made_of()
    parts = {name: chance.choice(known[name]) for name in ("who", "does", "what", "where")}
    parts["n"] = str(chance.randrange(2, 990))
    forms = {"clip": "{who} {does} {what} {where}"}
    forms |= {name: chance.choice(known[name]) for name in ("ocr", "speech")}
    return forms[kind].format(**parts)


@lru_cache
def _made_of() -> dict[str, list[str]]:
    found: dict[str, list[str]] = yaml.safe_load(_WORDS.read_text(encoding="utf-8"))
    return found


def _words(text: str) -> set[str]:
    """Words that could be an answer: all but the smallest."""
    return set(re.findall(r"\w+", text.casefold())) - _SMALL
