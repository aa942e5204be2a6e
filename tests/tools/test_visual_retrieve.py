"""Retrieval finds moments, not the same moment again and again."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from videoseal.core.span import Span
from videoseal.indexing.index_rows import Hit, TextRow
from videoseal.models.types import Reply, Usage
from videoseal.tools.visual_retrieve import spread, visual_retrieve


class Letters:
    """Embeds a text as the counts of its letters."""

    name = "letters"
    dimension = 26

    async def query(self, text):
        """One vector."""
        counts = [text.lower().count(chr(97 + n)) + 0.01 for n in range(26)]
        return Reply(np.array([counts], np.float32), Usage(calls=1))


def hits(*items):
    """Hits from (start, end, text[, kind]), best first."""
    return [
        Hit(n, (rest or ["ocr"])[0], Span(start, end), text, 1 - n / 100)
        for n, (start, end, text, *rest) in enumerate(items)
    ]


def kept(found, limit=8, gap=4.0):
    """Which hits are left, by number."""
    return [hit.text_id for hit in spread(found, limit, gap)]


def test_same_words_in_one_place_are_one_hit():
    """A sign that was read twice, once with an error, comes once; elsewhere it comes again."""
    found = hits(
        (10, 12, "HARBOUR GATE"), (12.5, 14, "HARB0UR GATE"), (13, 15, "Closed"),
        (90, 92, "HARBOUR GATE"),
    )  # fmt: skip
    assert kept(found) == [0, 2, 3]


def test_clip_around_a_better_cue_is_passed_over():
    """A clip adds nothing where a cue inside it matched better; other clips stay."""
    found = hits((33, 35, "lamp"), (32, 48, "a lamp", "clip"), (64, 80, "a lamp", "clip"))
    assert kept(found) == [0, 2]


def test_cue_takes_the_place_of_a_clip_with_its_words():
    """A better clip gives way to the cue that says when; a cue with other words stays beside it."""
    found = hits(
        (32, 48, "a room; on screen: LOT 4821", "clip"), (70, 72, "LOT 4812"), (40, 42, "LOT 4821"),
        (44, 46, "Nothing here"),
    )  # fmt: skip
    result = spread(found, 8, 4.0)
    assert [(hit.text_id, hit.score) for hit in result] == [(2, 1.0), (1, 0.99), (3, 0.97)]


def test_conversation_leaves_room_for_other_places():
    """Of many cues close together two are kept, unless nothing else is left."""
    talk = [(10 + n, 11 + n, f"line number {'abcdef'[n] * 9}") for n in range(5)]
    found = hits(*talk, (300, 302, "far away"))
    assert kept(found, limit=3) == [0, 1, 5]
    assert kept(found, limit=6) == [0, 1, 2, 3, 4, 5]


@pytest.fixture
def video(store):
    """A video with a sign, what is said under it, a clip around it, and a story."""
    info = SimpleNamespace(
        path=Path("/a.mp4"), duration=3600.0, width=1, height=1, fps=25.0, has_audio=False,
        size_bytes=1,
    )  # fmt: skip
    store.add_video("v1", info, title="A film", fingerprint="f")
    texts = [
        TextRow("ocr", 0, Span(100, 102), "LOT 4821", "m"),
        TextRow("ocr", 1, Span(200, 202), "LOT 4812", "m"),
        TextRow("speech", 0, Span(100, 103), "Sold to the lady in green", "m"),
        TextRow("clip", 0, Span(96, 112), "A hall. On screen: LOT 4821", "m"),
        TextRow("story", 0, Span(0, 3600), "LOT 4821 is sold.", "m"),
    ]
    store.put_unit("v1", "s", 0, "f", {}, texts)
    return "v1"


async def test_cue_comes_first_and_the_story_never(store, video):
    """The sign asked for comes before the one with swapped digits and before its clip."""
    reply = await visual_retrieve(store, Letters(), video, "Which hall shows LOT 4821?")
    assert [(hit.kind, hit.span.start) for hit in reply.value][:2] == [("ocr", 100), ("ocr", 200)]
    assert {hit.kind for hit in reply.value} <= {"ocr", "speech", "clip", "scene"}
    assert reply.usage.calls == 1


@pytest.mark.parametrize("query", ["", "   ", "?!", "\0", "…"])
async def test_empty_query_finds_nothing_and_costs_nothing(store, video, query):
    """A query without a letter or digit is not even embedded."""
    assert await visual_retrieve(store, Letters(), video, query) == Reply([], Usage())


@pytest.mark.parametrize(
    "query",
    ["'; DROP TABLE videoseal.texts; --", "a' | b & !", ":* <-> \\", "%_%", "\ud800 lot",
     "x" * 9000, " ".join(f"w{n}" for n in range(3000)), "$1 %(video)s {similar}",
     "🎬 lot\0", "NaN"],
)  # fmt: skip
async def test_garbage_is_a_search_like_any_other(store, video, query):
    """Nothing in a query reaches the database as anything but words."""
    reply = await visual_retrieve(store, Letters(), video, query)
    assert all(isinstance(hit, Hit) for hit in reply.value)
    assert len(store.texts(video)) == 5
