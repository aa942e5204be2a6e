"""The served graph `indexer`: a file becomes an indexed video; paths enter only here."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any, Final

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import BaseModel, ConfigDict, Field

from videoseal.core.progress import Progress
from videoseal.graph.resources import Provider, Resources, served
from videoseal.indexing.index_rows import VideoRow
from videoseal.indexing.pipeline import index_video

__all__ = ["IndexState", "Indexed", "VideoFile", "build_indexer", "indexer"]

_PROGRESS_STEP: Final = 0.01
"""Share of a stage between two progress events."""


class VideoFile(BaseModel):
    """A video file on the server's own disk."""

    model_config = ConfigDict(title="Video file")

    path: str = Field(
        min_length=1,
        title="File",
        description="Path of the video on the machine that runs this server.",
        examples=["/videos/lecture.mp4"],
    )
    title: str | None = Field(default=None, title="Title", description="Shown in lists.")
    subtitles: str | None = Field(
        default=None, title="Subtitles", description="Path of an .srt, .vtt or .ass file."
    )


class Indexed(BaseModel):
    """What the index now holds."""

    video_id: str | None = Field(default=None, description="What to ask about.")
    video_title: str = ""
    duration: float = Field(default=0.0, description="Seconds.")
    counts: dict[str, int] = Field(default_factory=dict, description="Stored rows by kind.")


class IndexState(VideoFile, Indexed):
    """Input and output of the one node."""


async def _beside_the_server(
    found: Resources, state: IndexState, runtime: Runtime[None]
) -> VideoRow:
    """Run the job on an event loop of its own: it decodes and writes, and others must not wait.

    When this run is cancelled the job stops at its next report; nothing stored is lost.
    """
    loop, stopped = asyncio.get_running_loop(), threading.Event()
    reported: dict[str, float] = {}

    def on_progress(now: Progress) -> None:
        if stopped.is_set():
            raise asyncio.CancelledError
        share = now.done / now.total if now.total else 1.0
        if share < 1.0 and share - reported.get(now.stage, -1.0) < _PROGRESS_STEP and not now.note:
            return
        reported[now.stage] = share
        event = {"event": "progress", **now._asdict()}
        loop.call_soon_threadsafe(runtime.stream_writer, event)

    async def job() -> VideoRow:
        subtitles = Path(state.subtitles) if state.subtitles else None
        return await index_video(
            state.path,
            found.settings,
            found.store,
            found.models,
            title=state.title,
            subtitles=subtitles,
            on_progress=on_progress,
        )

    try:
        return await asyncio.to_thread(lambda: asyncio.run(job()))
    finally:
        stopped.set()


def build_indexer(resources: Provider = served) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Assemble the graph: one node, since a job resumes by itself."""

    async def index(state: IndexState, runtime: Runtime[None]) -> dict[str, Any]:
        """Index the file, or go on where an earlier attempt stopped; raises VideosealError."""
        found = await resources()
        row = await _beside_the_server(found, state, runtime)
        counts = await asyncio.to_thread(found.store.counts, row.id)
        return dict(
            Indexed(video_id=row.id, video_title=row.title, duration=row.duration, counts=counts)
        )

    builder = StateGraph(IndexState, input_schema=VideoFile, output_schema=Indexed)
    builder.add_node("index", index)
    builder.add_edge(START, "index")
    builder.add_edge("index", END)
    return builder.compile(name="videoseal_indexer")


indexer = build_indexer()
