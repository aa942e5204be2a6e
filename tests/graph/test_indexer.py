"""The graph that indexes."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from videoseal.core.errors import UnreadableVideo
from videoseal.core.progress import Progress
from videoseal.graph.indexer import build_indexer
from videoseal.graph.resources import Resources, holding
from videoseal.indexing.index_rows import VideoRow


class Counting:
    """A store that only counts."""

    def counts(self, video_id: str) -> dict[str, int]:
        return {"clip": 3}


@pytest.fixture
def resources() -> Resources:
    """What the graph hands to the pipeline."""
    none = cast(Any, None)
    return Resources(none, cast(Any, Counting()), none, none)


def row() -> VideoRow:
    """An indexed video."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return VideoRow("v0", Path("a.mp4"), "A", 9.0, 1, 1, 25.0, False, 1, "ready", "f", now, now)


async def test_a_file_becomes_a_video(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The id to ask about comes back, and progress in steps that can be seen."""

    async def work(path: str, *_: Any, on_progress: Any, **given: Any) -> VideoRow:
        assert (path, given["title"], given["subtitles"]) == ("a.mp4", "A", Path("a.srt"))
        for done in range(10_001):
            on_progress(Progress("scan", done, 10_000, "s"))
        return row()

    monkeypatch.setattr("videoseal.graph.indexer.index_video", work)
    events, output = [], None
    given = {"path": "a.mp4", "title": "A", "subtitles": "a.srt"}
    stream = build_indexer(holding(resources)).astream(given, stream_mode=["custom", "values"])
    async for kind, part in stream:
        if kind == "custom":
            events.append(part)
        else:
            output = part
    assert output is not None
    assert (output["video_id"], output["counts"]) == ("v0", {"clip": 3})
    assert 100 <= len(events) <= 102
    assert events[-1] == {
        "event": "progress", "stage": "scan", "done": 10_000, "total": 10_000, "unit": "s",
        "note": "",
    }  # fmt: skip


async def test_a_bad_file_fails_the_run_with_one_line(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run fails, with words that say what is wrong."""

    async def work(*_: Any, **__: Any) -> VideoRow:
        raise UnreadableVideo("a.txt is not a video")

    monkeypatch.setattr("videoseal.graph.indexer.index_video", work)
    with pytest.raises(UnreadableVideo, match="not a video"):
        await build_indexer(holding(resources)).ainvoke({"path": "a.txt"})


async def test_a_cancelled_run_stops_its_job(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job ends at its next report after the client went away."""
    begun, ended = threading.Event(), threading.Event()

    async def work(*_: Any, on_progress: Any, **__: Any) -> VideoRow:
        begun.set()
        try:
            while True:
                on_progress(Progress("scan", 1, 2, "s"))
                await asyncio.sleep(0.01)
        finally:
            ended.set()

    monkeypatch.setattr("videoseal.graph.indexer.index_video", work)
    indexer = build_indexer(holding(resources))
    task = asyncio.create_task(indexer.ainvoke({"path": "a.mp4"}))
    assert await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(ended.wait, 10)
