"""Rows from stage results: half-open borders, one line for each sense, scenes, stories."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from videoseal.core.span import Span
from videoseal.indexing.clips import scene_spans
from videoseal.indexing.index_rows import Data, TextRow
from videoseal.indexing.merge import clip_rows, cue_rows, per_span, scene_rows
from videoseal.indexing.stages.change_detection import Box
from videoseal.indexing.stages.summary import summarise
from videoseal.indexing.stages.text_segments import Cue
from videoseal.models.types import Reply, Usage

CLIPS = {0: Span(0, 16), 1: Span(16, 32)}


def cue(text: str, start: float, end: float, **more: Any) -> Cue:
    return Cue(start, end, text, 0.9, Box(0.1, 0.8, 0.5, 0.9), **more)


def said(text: str, start: float, end: float) -> TextRow:
    return TextRow("speech", 0, Span(start, end), text, "subtitles")


def test_a_text_that_touches_a_border_belongs_to_one_clip() -> None:
    """A cue that ends where a clip begins is not in that clip; one over the border is in both."""
    cues = [cue("ends there", 10, 16), cue("begins there", 16, 20), cue("over it", 15, 17)]
    first, second = clip_rows(CLIPS, {}, cues, [], "test")
    assert first.text == "On screen: ends there | over it"
    assert second.text == "On screen: over it | begins there"


def test_a_clip_has_one_line_for_each_sense() -> None:
    """What is seen, read and said stand on lines of their own, repeated texts once."""
    cues = [cue("gate", 1, 2), cue("gate", 3, 4), cue("a, b", 5, 6, values=["00:01", "00:09"])]
    (row, _) = clip_rows(CLIPS, {0: "a  red\ndoor"}, cues, [said("hello", 1, 2)], "test")
    assert row.text == "Visual: a red door\nOn screen: gate | 00:01 to 00:09\nSpeech: hello"
    assert row.data["on_screen"] == ["gate", "00:01 to 00:09"]


def test_cues_keep_place_and_confidence() -> None:
    """A cue's row says where it was, how sure the reader is, and whether it is a clock."""
    (row,) = cue_rows([cue("gate", 1, 2)], "reader")
    assert (row.kind, row.span, row.model) == ("ocr", Span(1, 2), "reader")
    assert row.data == {"box": [0.1, 0.8, 0.5, 0.9], "score": 0.9, "counter": False}


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(1, 50)), max_size=30))
def test_texts_are_found_in_every_span_that_they_overlap(texts: list[tuple[int, int]]) -> None:
    """The linear walk finds what comparing all pairs finds."""
    spans = [Span(a, a + 10) for a in range(0, 100, 10)]
    items = [(Span(start, start + length), f"{n}") for n, (start, length) in enumerate(texts)]
    expected = [
        [text for span, text in sorted(items, key=lambda item: item[0]) if span.overlap(part) > 0]
        for part in spans
    ]
    assert per_span(spans, items) == expected


@given(st.lists(st.floats(0.01, 2999), max_size=60), st.floats(1, 3000))
def test_scenes_cover_the_video(cuts: list[float], end: float) -> None:
    """Scenes follow each other without a gap; none but a whole video is shorter than 8 s."""
    inside = [cut for cut in cuts if cut < end]
    scenes = scene_spans(inside, end, [16.0 * n for n in range(int(end // 16) + 1)])
    assert (scenes[0].start, scenes[-1].end) == (0.0, end)
    assert all(a.end == b.start for a, b in itertools.pairwise(scenes))
    assert len(scenes) == 1 or min(scene.duration for scene in scenes) >= 8 - 1e-9
    assert max(scene.duration for scene in scenes) < 332


def test_a_scene_tells_its_own_texts() -> None:
    """A scene has the texts within it and the caption of the clip in its middle."""
    scenes = [Span(0, 20), Span(20, 32)]
    cues = [cue("first", 18, 20), cue("second", 20, 22)]
    rows = scene_rows(scenes, CLIPS, {0: "red", 1: "blue"}, cues, [], "test")
    assert [row.text for row in rows] == [
        "Visual: red On screen: first",
        "Visual: blue On screen: second",
    ]


class Counter:
    """Summarises by counting lines."""

    name = "counter-1"

    def __init__(self) -> None:
        self.calls = 0

    async def summarise(self, lines: list[str]) -> Reply[str]:
        self.calls += 1
        return Reply(f"{len(lines)} lines, first {lines[0][:8]}", Usage())


def clips(minutes: int) -> list[TextRow]:
    return [
        TextRow("clip", n, Span(60 * n, 60 * n + 60), f"minute {n}", "test") for n in range(minutes)
    ]


class Kept:
    """Stands for a job: the summariser, and the units that were kept."""

    def __init__(self) -> None:
        self.models = SimpleNamespace(summariser=Counter())
        self.kept: dict[int, Data] = {}

    async def units(self, stage: str, key: str) -> dict[int, Data]:
        return self.kept

    async def keep(self, stage: str, ordinal: int, key: str, data: Data) -> None:
        self.kept[ordinal] = data

    def report(self, *_: object) -> None:
        pass


async def test_a_long_story_has_parts_and_a_whole() -> None:
    """Ten minutes make a part; the whole is told from the parts, and nothing is told twice."""
    job: Any = Kept()
    rows = await summarise(job, clips(25))
    assert [(row.ordinal, row.span) for row in rows] == [
        (0, Span(0, 1500)), (1, Span(0, 600)), (2, Span(600, 1200)), (3, Span(1200, 1500))
    ]  # fmt: skip
    assert rows[0].text == "3 lines, first 00:00:00"
    again = await summarise(job, clips(25))
    assert (again, job.models.summariser.calls) == (rows, 4)
    changed = [*clips(24), TextRow("clip", 24, Span(1440, 1500), "other", "test")]
    await summarise(job, changed)
    assert job.models.summariser.calls == 5


async def test_a_short_story_is_one_row() -> None:
    """A video of up to fifteen minutes is told in one piece; no clips, no story."""
    job: Any = Kept()
    rows = await summarise(job, clips(14))
    assert [(row.ordinal, row.text) for row in rows] == [(0, "14 lines, first 00:00:00")]
    assert await summarise(job, []) == []
