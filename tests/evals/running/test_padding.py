"""Distractors: made up, repeatable, read by the planner alone, and never moved."""

from __future__ import annotations

import hashlib
import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.graph.conftest import World, call, world
from videoseal.core.errors import SettingsError
from videoseal.evals.manifest import SystemSpec
from videoseal.evals.running.padding import PaddedContext, distractors, padded
from videoseal.evals.running.sample import context_of
from videoseal.graph.ask import ask
from videoseal.graph.context import Context
from videoseal.graph.episode import Episode
from videoseal.models.types import Question

__all__ = ["world"]

LOOK = {"spans": ["00:01:00-00:01:16"]}
ASKED = Question(text="What colour is the door?", options=["blue", "red"])
OTHERS = "about this video."


def _lines(question: Question, count: int, seed: int = 0) -> list[str]:
    return distractors(question, count, seed).splitlines()[1:]


def test_padding_is_the_same_everywhere() -> None:
    """The draw depends on question and seed alone; these bytes are what recorded runs had."""
    block = distractors(ASKED, 200, 0)
    assert hashlib.sha256(block.encode()).hexdigest()[:16] == "7bb9db3be50294c6"
    assert len(_lines(ASKED, 200)) == 200
    assert distractors(ASKED, 200, 1) != block
    assert _lines(Question(text="Another?", options=["a", "b"]), 3) != _lines(ASKED, 3)
    assert distractors(ASKED, 0, 0) == ""


@given(st.integers(1, 60), st.integers(0, 60), st.integers())
def test_more_padding_begins_with_less(few: int, more: int, seed: int) -> None:
    """A sweep only adds lines, so a longer context holds all of a shorter one."""
    assert distractors(ASKED, few + more, seed).startswith(distractors(ASKED, few, seed))


@pytest.mark.parametrize(
    "options",
    [
        ["a gardener", "the tent", "BUS", "12"],
        [" ".join(["repaired", "carried", "painted", "a crate of pears", "GATE 7"])] * 2,
        ["a nurse weighed the loom by the reservoir and nobody knows why", "last summer"],
    ],
)
def test_padding_has_no_word_of_an_option(options: list[str]) -> None:
    """Nothing in it can be read as evidence for an answer."""
    texts = [re.findall(r'"text":"(.*)"', line)[0] for line in _lines(_of(options), 400)]
    words = {word for text in texts for word in re.findall(r"\w+", text.casefold())}
    small = {"a", "an", "and", "at", "by", "in", "it", "of", "on", "the", "to", "two", "we", "you"}
    assert words - small
    assert not (words - small) & set(re.findall(r"\w+", " ".join(options).casefold()))


def _of(options: list[str]) -> Question:
    return Question(text="Which?", options=options)


async def _ask(w: World, **choices: Any) -> Episode:
    context = PaddedContext(**choices)
    return await ask(padded(w.resources, ASKED, context), ASKED, "v0123456789abcdef", context)


@pytest.mark.parametrize("mode", ["decoupled", "coupled"])
async def test_only_the_planner_reads_it_and_it_stays_where_it_is(
    world: type[World], mode: str
) -> None:
    """It follows the task in the first message; every request is the one before and more."""
    w = world([call("visual_retrieve", query="door"), call("visual_inspect", **LOOK)])
    episode = await _ask(
        w, mode=mode, distractors=30, inspector_context="notes", forced_choice=True, max_steps=3
    )
    for earlier, later in pairwise(w.planner.requests):
        assert [m.text for m in later[: len(earlier)]] == [m.text for m in earlier]
    task = w.planner.requests[0][1].text
    assert len(w.planner.requests) >= 3
    assert task.endswith(distractors(ASKED, 30, 0))
    assert Question.parse(task) == ASKED
    assert OTHERS not in repr((w.inspector.requests, w.answerer.requests))
    assert w.inspector.requests
    assert len(w.answerer.requests) >= (mode == "decoupled")
    assert OTHERS not in episode.answer.model_dump_json()
    assert episode.models["planner"].startswith("scripted/")


async def test_without_padding_the_planner_reads_what_it_always_did(world: type[World]) -> None:
    """Zero lines leave not even an empty line behind."""
    w = world()
    await _ask(w)
    assert w.planner.requests[0][1].text.endswith("(A) blue\n(B) red")


@pytest.mark.parametrize("count", [-1, 5001])
def test_number_of_lines_is_bounded(count: int) -> None:
    """A context that no model could read is refused before anything is asked."""
    with pytest.raises(SettingsError, match="distractors"):
        context_of(SystemSpec(context={"distractors": count}))


def test_padding_is_no_choice_of_a_served_run() -> None:
    """The server does not offer an experiment's knob; a record that holds it is still read."""
    assert not {"distractors", "distractor_seed"} & set(Context.model_json_schema()["properties"])
    assert Context.model_validate({"distractors": 7, "max_steps": 3}).max_steps == 3
