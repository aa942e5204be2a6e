"""Limits in dollars hold before the call that would break them."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoseal.core.errors import SpendingLimit
from videoseal.core.settings import Settings
from videoseal.models.client import EndpointChat
from videoseal.models.embedder import HttpEmbedder
from videoseal.models.limits import purse
from videoseal.models.limits.purse import Purse, dollars_of, paying
from videoseal.models.types import Usage

PRICE = (100_000.0, 10.0)
"""A tenth of a dollar for a token read."""


@pytest.fixture(autouse=True)
def _new_process():
    """Nothing is spent yet."""
    purse.of_process.cache_clear()


@pytest.fixture
def chat(lane, settings):
    """A chat at a price, in a process with a limit."""

    def make(limit=None, price=PRICE):
        endpoint = lane.endpoint.model_copy(update={"price": price, "max_tokens": 100})
        chosen = settings.model_copy(update={"max_dollars": limit})
        return EndpointChat.at(chosen, endpoint, "answerer")

    return make


@given(st.lists(st.tuples(st.floats(0, 2), st.floats(0, 1))), st.floats(0.1, 10))
def test_no_series_of_calls_breaks_a_limit(calls, limit):
    """Whatever they may cost and do cost."""
    held = Purse("question")
    held.limit = limit
    for most, share in calls:
        try:
            held.hold(most)
        except SpendingLimit:
            assert held.spent + most > limit
        else:
            held.settle(most, most * share)
        assert held.spent <= limit


async def test_a_call_that_may_break_the_limit_is_not_made(lane, chat):
    """The sentence has the numbers and the setting, and no request goes out."""
    lane.script(lane.chat("hello"))
    with pytest.raises(SpendingLimit, match=r"of the \$0.5000 of this process") as caught:
        await chat(limit=0.5).ainvoke("hello there")
    assert "VIDEOSEAL_MAX_DOLLARS" in caught.value.hint
    assert lane.seen() == []


async def test_what_was_counted_is_paid(lane, chat):
    """Eleven tokens read and seven written, by the price; the rest is free again."""
    lane.script(lane.chat("hello"))
    asked = chat(limit=10)
    await asked.ainvoke("hi")
    assert purse.of_process().spent == pytest.approx((11 * 100_000 + 7 * 10) / 1e6)
    for _ in range(4):
        await asked.ainvoke("hi")
    assert len(lane.seen()) == 5


async def test_calls_side_by_side_do_not_break_it_together(lane, chat):
    """Each holds back what it may cost until it is known."""
    lane.script(lane.chat("hello"))
    asked = chat(limit=4)
    done = await asyncio.gather(*(asked.ainvoke("hi") for _ in range(9)), return_exceptions=True)
    made = [each for each in done if not isinstance(each, SpendingLimit)]
    assert 0 < len(made) == len(lane.seen()) < 9
    assert purse.of_process().spent <= 4


async def test_a_question_has_a_limit_of_its_own(lane, chat):
    """Beside that of the process; without a price nothing is spent."""
    lane.script(lane.chat("hello"))
    own = Purse("question")
    own.limit = 0.1
    with paying(own), pytest.raises(SpendingLimit, match="of this question") as caught:
        await chat().ainvoke("hello there")
    assert caught.value.of == "question"
    with paying(own):
        await chat(price=None).ainvoke("hello there")
    assert (own.spent, len(lane.seen())) == (0, 1)


async def test_embeddings_are_paid(lane, settings):
    """Like words."""
    endpoint = lane.endpoint.model_copy(update={"price": PRICE})
    lane.script({"kind": "embeddings"})
    await HttpEmbedder(settings, endpoint).passages(["one", "two"])
    assert purse.of_process().spent == pytest.approx(1.0)
    strict = settings.model_copy(update={"max_dollars": 1.01})
    with pytest.raises(SpendingLimit):
        await HttpEmbedder(strict, endpoint).passages(["three", "four"])


def test_usage_has_its_price(lane):
    """By role; stand-ins and endpoints without a price cost nothing."""
    endpoint = lane.endpoint.model_copy(update={"price": (1.0, 2.0)})
    settings = Settings(planner=endpoint, answerer=lane.endpoint)
    usage = {role: Usage(1, 1_000_000, 500_000) for role in ("planner", "answerer", "inspector")}
    assert dollars_of(usage, settings) == 2.0
