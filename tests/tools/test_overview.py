"""The overview covers the whole video and keeps within its budget."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoseal.core.span import Span
from videoseal.indexing.index_rows import TextRow
from videoseal.tools.overview import estimate_tokens, overview

words = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("abcdefgh 天气很好 0123\n"),
    max_size=200,
)


class Shelf:
    """A store that holds the texts of one video."""

    def __init__(self, duration=3600.0, title="A film", **texts):
        self.row = SimpleNamespace(id="v1", duration=duration, title=title)
        self.held = texts

    def video(self, video_id):
        """The one video."""
        return self.row

    def texts(self, video_id, kinds):
        """Texts of these kinds."""
        return [row for kind in kinds for row in self.held.get(kind, [])]


def rows(kind, texts, length=16.0):
    """Texts one after the other."""
    return [
        TextRow(kind, n, Span(n * length, (n + 1) * length), text, "test")
        for n, text in enumerate(texts)
    ]


@given(
    budget=st.integers(0, 3000),
    title=words,
    story=st.lists(words, max_size=2),
    clips=st.lists(words, max_size=60),
)
def test_budget_is_never_exceeded(budget, title, story, clips):
    """Whatever the texts are, the estimate of the outline stays within the budget."""
    shelf = Shelf(
        duration=16.0 * len(clips),
        title=title,
        story=rows("story", story),
        clip=rows("clip", clips),
    )
    assert estimate_tokens(overview(shelf, "v1", token_budget=budget)) <= budget


@given(count=st.integers(1, 2000), budget=st.integers(300, 4000))
def test_lines_cover_the_video_evenly(count, budget):
    """Lines stand in order, start with the first clip, reach the last, and leave no long gap."""
    shelf = Shelf(
        16.0 * count, clip=rows("clip", [f"A man walks in room {n}" for n in range(count)])
    )
    lines = overview(shelf, "v1", token_budget=budget).splitlines()[1:]
    spans = [Span.parse(line.split(" ")[0]) for line in lines]
    assert spans == sorted(spans)
    assert spans[0].start == 0
    assert spans[-1].end == 16 * count
    assert all(one.end == other.start for one, other in pairwise(spans))


def test_story_comes_before_the_lines():
    """The story follows the title, then scenes in place of clips."""
    shelf = Shelf(
        32.0,
        story=rows("story", ["They meet.\nThey part."], 32.0),
        scene=rows("scene", ["The harbour", "The hall"]),
        clip=rows("clip", ["A clip"]),
    )
    assert overview(shelf, "v1").splitlines() == [
        "A film, 00:00:32 long",
        "Story: They meet. They part.",
        "00:00:00-00:00:16 The harbour",
        "00:00:16-00:00:32 The hall",
    ]


def test_video_without_captions_shows_what_is_said():
    """Without scenes and clips the outline is made of speech and on-screen text."""
    shelf = Shelf(60.0, speech=rows("speech", ["Hello."]))
    assert overview(shelf, "v1").endswith("00:00:00-00:00:16 Hello.")


def test_empty_index_still_names_the_video():
    """A video without a single text gives its title and length."""
    assert overview(Shelf(60.0), "v1") == "A film, 00:01:00 long"


def test_windows_say_each_thing_once():
    """A caption that repeats in a window is written once."""
    shelf = Shelf(1600.0, clip=rows("clip", ["A room"] * 50 + ["A street"] * 50))
    text = overview(shelf, "v1", token_budget=200)
    assert [line.split(" ", 1)[1] for line in text.splitlines()[1:]] == [
        "A room",
        "A room",
        "A street",
        "A street",
    ]


@pytest.mark.parametrize(
    ("text", "least"),
    [("00:01:00-00:01:16", 17), ("今天天气很好", 6), ("The quick brown fox jumps", 5), ("🎬", 2)],
)
def test_estimate_is_no_less_than_a_tokenizer_counts(text, least):
    """Digits, Chinese, English and emoji cost at least what Qwen's tokenizer makes of them."""
    assert estimate_tokens(text) >= least
