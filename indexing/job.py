"""One video on its way into the index: what every stage needs to know."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from videoseal.core.progress import Progress, ProgressFn
from videoseal.core.provenance import fingerprint
from videoseal.core.settings import Settings
from videoseal.core.span import Span
from videoseal.core.video import VideoInfo
from videoseal.indexing.clips import clip_spans
from videoseal.indexing.index_rows import Data
from videoseal.indexing.store.store import Store
from videoseal.indexing.subtitles.subtitle_files import SubtitleFiles
from videoseal.models.ocr.reader import TextReader
from videoseal.models.roles import Models

__all__ = ["SCAN_VERSION", "IndexingJob", "Transcriber"]

SCAN_VERSION: Final = "scan-3"
"""Raised with every change of what a pass over the frames stores."""


class Transcriber(Protocol):
    """Turns sound into timed text."""

    @property
    def name(self) -> str:
        """Model name, stored with every row."""

    def transcribe(self, samples: npt.NDArray[np.float32]) -> Iterable[tuple[float, float, str]]:
        """Start and end in seconds after the first sample, and what is said."""


@dataclass(frozen=True)
class IndexingJob:
    """A video, where it goes, and with what it is looked at."""

    video_id: str
    info: VideoInfo
    settings: Settings
    store: Store
    models: Models
    text: TextReader | None
    transcriber: Transcriber | None
    subtitles: SubtitleFiles
    on_progress: ProgressFn

    @property
    def clips(self) -> list[Span]:
        """The layout that the whole index follows."""
        return clip_spans(self.info.duration, self.settings.clip_seconds)

    @property
    def reader_name(self) -> str:
        """Who reads on-screen text; `none` when nobody does."""
        return self.text.name if self.text else "none"

    @property
    def scan_key(self) -> str:
        """Changes with whatever would make a pass over the frames find something else."""
        used = self.settings
        return fingerprint(SCAN_VERSION, used.clip_seconds, used.ocr_fps, self.reader_name)

    @property
    def caption_key(self) -> str:
        """Changes with captioner and with what it is shown."""
        used = self.settings
        shown = [used.caption_fps, used.frame_side, used.jpeg_quality]
        captioner = self.models.captioner
        return fingerprint(self.scan_key, captioner.name, shown if captioner.wants_frames else [])

    async def units(self, stage: str, key: str) -> dict[int, Data]:
        """What an earlier run kept; units of other settings are dropped where none fit."""
        found = await asyncio.to_thread(self.store.units, self.video_id, stage, key)
        if not found:
            await asyncio.to_thread(self.store.drop_stage, self.video_id, stage)
        return found

    async def keep(self, stage: str, ordinal: int, key: str, data: Data) -> None:
        """Store one unit of work, for good."""
        await asyncio.to_thread(self.store.put_unit, self.video_id, stage, ordinal, key, data)

    def report(self, stage: str, done: float, total: float, unit: str) -> None:
        """Say how far a stage is."""
        self.on_progress(Progress(stage, done, total, unit))

    def warn(self, stage: str, note: str) -> None:
        """Say what the user should know."""
        self.on_progress(Progress(stage, 0, 0, "", note))
