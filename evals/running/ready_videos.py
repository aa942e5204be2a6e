"""The videos of a run, indexed here or waited for while other processes index them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from videoseal.core.errors import VideoBusy, VideosealError
from videoseal.core.progress import Progress
from videoseal.evals.benchmarks.selection import locate
from videoseal.evals.item import Item
from videoseal.evals.records import SampleError, SampleRecord
from videoseal.evals.scoring.sample_result import MISSING_VIDEO
from videoseal.graph.resources import Resources
from videoseal.indexing.pipeline import index_video

__all__ = ["WAIT_S", "OnProgress", "ReadyVideo", "RunProgress", "Videos", "ready_videos"]

WAIT_S: Final = 3600.0
"""How long videos are waited for that other processes are indexing."""
_AGAIN_S: Final = 2.0
"""Between two looks whether they are done."""


class ReadyVideo(NamedTuple):
    """A video as the index knows it."""

    video_id: str
    duration: float


class Videos(NamedTuple):
    """Videos of a benchmark, by its own ids."""

    ready: Mapping[str, ReadyVideo]
    lost: Mapping[str, SampleError]
    """Why others cannot be asked about."""
    busy: Sequence[str] = ()
    """Those that other processes were still indexing."""


class RunProgress(NamedTuple):
    """Told after every sample, and while videos are indexed."""

    stage: str
    """`index` or `ask`."""
    done: float
    total: float
    record: SampleRecord | None = None
    indexing: Progress | None = None
    video: str = ""
    note: str = ""
    """A warning to show once."""


OnProgress = Callable[[RunProgress], None]


async def ready_videos(
    items: Sequence[Item], folder: Path, resources: Resources, on_progress: OnProgress,
    wait_s: float = WAIT_S,
) -> Videos:  # fmt: skip
    """Index every video of the items in `folder`; those that others are indexing come last."""
    found, missing = locate(items, folder)
    ready: dict[str, ReadyVideo] = {}
    lost = {
        video: SampleError(type=MISSING_VIDEO, message=f"no file named {video} in the video folder")
        for video in missing
    }

    async def index(videos: Iterable[str]) -> list[str]:
        """Which of them another process is indexing."""
        busy = list[str]()
        for video in videos:
            step = RunProgress("index", len(ready) + len(busy), len(found), video=video)
            on_progress(step)

            def inner(progress: Progress, step: RunProgress = step) -> None:
                on_progress(step._replace(indexing=progress))

            try:
                row = await index_video(
                    found[video], resources.settings, resources.store, resources.models,
                    on_progress=inner,
                )  # fmt: skip
                ready[video] = ReadyVideo(row.id, row.duration)
            except VideoBusy:
                busy.append(video)
            except VideosealError as error:
                lost[video] = SampleError(type=type(error).__name__, message=str(error))
        return busy

    busy, until = await index(found), time.monotonic() + wait_s
    if busy and wait_s > 0:
        names, minutes = ", ".join(busy), f"up to {wait_s / 60:g} minutes"
        note = f"another process is indexing {names:.200}: waiting for it {minutes}"
        on_progress(RunProgress("index", len(ready), len(found), note=note))
    while busy and time.monotonic() < until:
        await asyncio.sleep(_AGAIN_S)
        busy = await index(busy)
    return Videos(ready, lost, busy)
