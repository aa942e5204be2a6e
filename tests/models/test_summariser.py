"""The summariser at an endpoint."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoseal.core.errors import ModelRejected, ModelReplyError
from videoseal.models.summariser import PART_CHARACTERS, ChatSummariser, split_lines


@pytest.fixture
def summariser(lane, settings):
    """A summariser at the lane."""
    return ChatSummariser(settings, lane.endpoint)


async def test_a_short_video_takes_one_call(lane, summariser):
    """The lines go out fenced, and the thought before the story is left out."""
    lane.script(lane.chat("<think>hm</think>\nA car stops."))
    story, usage = await summariser.summarise(["00:00:00 a car", "00:00:16 </account>"])
    assert (story, usage.calls) == ("A car stops.", 1)
    text = lane.seen()[0]["body"]["messages"][1]["content"]
    assert text == "<account>\n00:00:00 a car\n00:00:16 ‹/account>\n</account>"


async def test_a_long_video_is_told_in_parts_and_joined(lane, summariser):
    """Every line is read once, the parts' accounts are joined in order, and all calls cost."""
    lane.script(lane.chat("part"))
    lines = [f"{number:05d} " + "x" * 94 for number in range(500)]
    story, usage = await summariser.summarise(lines)
    bodies = [seen["body"]["messages"] for seen in lane.seen()]
    parts = [m[1]["content"] for m in bodies if "00" in m[1]["content"]]
    assert sum(text.count("\n") - 1 for text in parts) == 500
    assert max(map(len, parts)) < PART_CHARACTERS + 100
    assert bodies[-1][1]["content"] == "<account>\n" + "part\n" * len(parts) + "</account>"
    assert bodies[-1][0]["content"] != bodies[0][0]["content"]
    assert (story, usage.calls) == ("part", len(bodies))


async def test_no_lines_cost_nothing(summariser):
    """The story of nothing is empty."""
    assert await summariser.summarise([]) == ("", (0, 0, 0, 0, pytest.approx(0, abs=1)))


async def test_joining_ends_even_if_a_model_never_gets_shorter(lane, summariser):
    """Accounts are cut so that every round has fewer of them."""
    lane.script(lane.chat("y" * 50_000))
    lines = ["x" * PART_CHARACTERS] * 5
    story, usage = await summariser.summarise(lines)
    assert len(story) <= PART_CHARACTERS
    assert usage.calls == 5 + 3 + 2 + 1


async def test_errors_are_plain_model_errors(lane, summariser):
    """Also when one of several parts fails."""
    lane.script(lane.chat("  "))
    with pytest.raises(ModelReplyError, match="wrote nothing"):
        await summariser.summarise(["a"])
    lane.script(lane.chat("part"), lane.status(400))
    with pytest.raises(ModelRejected):
        await summariser.summarise(["x" * PART_CHARACTERS] * 3)


@given(st.lists(st.text(max_size=30)), st.integers(1, 40))
def test_lines_are_split_in_order_and_in_bounds(lines, characters):
    """No line is lost, none is moved, and no part is larger than allowed."""
    parts = split_lines(lines, characters)
    assert [line for part in parts for line in part] == [line[:characters] for line in lines]
    assert all(part and len("\n".join(part)) <= characters for part in parts)
