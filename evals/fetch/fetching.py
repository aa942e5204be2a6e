"""One benchmark onto the disk: what is there stays, what cannot be had is listed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Final

from pydantic import BaseModel, Field

from videoseal.core.errors import OutOfSpace, VideosealError
from videoseal.core.progress import Progress, ProgressFn, silent
from videoseal.evals.benchmarks.registry import benchmark
from videoseal.evals.benchmarks.selection import VIDEO_SUFFIXES
from videoseal.evals.fetch.archives import unpack
from videoseal.evals.fetch.hub import Hub, HubFile, HubRefused
from videoseal.evals.fetch.sources import SOURCES, Publication
from videoseal.evals.fetch.youtube import downloader, fetch_video, present

__all__ = ["NOTES", "Failed", "Fetched", "fetch"]

NOTES: Final = "fetch.json"
_KEEP_FREE: Final = 2 << 30
"""Bytes that are left to everybody else."""
_MB: Final = 1e6


class Failed(BaseModel):
    """A video, or a file of videos, that could not be had."""

    id: str
    reason: str


class Fetched(BaseModel):
    """What a folder holds; written beside it as `fetch.json`."""

    benchmark: str
    source: str
    licence: str
    finished: datetime
    annotations: list[str] = Field(default_factory=list)
    """Paths within the folder."""
    videos: int = 0
    """Video files in `videos/`."""
    unpacked: list[str] = Field(default_factory=list)
    """Archives whose videos are all there; they were deleted."""
    failed: list[Failed] = Field(default_factory=list)


def fetch(
    name: str,
    out: Path,
    hub: Hub,
    *,
    limit: int | None = None,
    annotations_only: bool = False,
    on_progress: ProgressFn = silent,
) -> Fetched:
    """Fetch a benchmark into `out/annotations` and `out/videos`, or what is missing of it.

    `limit` counts videos, or archives of them. A video that cannot be had is listed with its
    reason. Raises HubRefused where not even the annotations can be had, MissingDependency without
    yt-dlp, OutOfSpace before the disk is full, and VideosealError for a set that is not on the hub.
    """
    source = _source(name)
    found = Fetched(
        benchmark=name, source=source.home, licence=source.licence, finished=datetime.now(UTC),
        unpacked=_unpacked(out),
    )  # fmt: skip
    job = _Job(source, out, hub, on_progress, found)
    try:
        listed = job.annotations()
        if not annotations_only:
            job.videos(listed, _youtube_ids(name, out, found) if source.youtube else [], limit)
    finally:
        files = (out / "videos").glob("*") if (out / "videos").is_dir() else ()
        found.videos = sum(file.suffix.lower() in VIDEO_SUFFIXES for file in files)
        if found.annotations:
            (out / NOTES).write_text(found.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return found


@dataclass
class _Job:
    """One call of `fetch`."""

    source: Publication
    out: Path
    hub: Hub
    on_progress: ProgressFn
    found: Fetched

    def annotations(self) -> list[HubFile]:
        """Fetch the annotations; all files of the repository."""
        listed = self.hub.files(self.source.repo)
        wanted = [file for file in listed if file.matches(self.source.annotations)]
        if not wanted:
            raise HubRefused(
                f"{self.source.repo} has none of {', '.join(self.source.annotations)}",
                hint=f"see {self.source.home}",
            )
        for place in self._each("annotations", wanted):
            self.found.annotations.append(str(place.relative_to(self.out)))
        return listed

    def videos(self, listed: Sequence[HubFile], ids: Sequence[str], limit: int | None) -> None:
        """Fetch the videos, wherever they are."""
        if self.source.youtube:
            self._from_youtube(ids[:limit])
            return
        files = sorted((f for f in listed if f.matches(self.source.videos)), key=_in_order)
        if not files:
            raise HubRefused(
                f"{self.source.repo} has none of {', '.join(self.source.videos)}",
                hint=f"see {self.source.home}",
            )
        wanted = [f for f in files if _name(f) not in self.found.unpacked]
        # Pieces of one archive are of no use alone.
        wanted = wanted if self.source.joined else wanted[:limit]
        archives = [
            place
            for place in self._each("videos", wanted)
            if place.suffix.lower() not in VIDEO_SUFFIXES
        ]
        if self.source.joined and len(archives) < len(wanted):
            return
        for group in [archives] if self.source.joined and archives else [[a] for a in archives]:
            self._unpack(group)

    def _each(self, folder: str, files: Sequence[HubFile]) -> Iterator[Path]:
        """The place of every file as soon as it is there; failures of videos are noted."""
        places = [(file, self.out / folder / _name(file)) for file in files]
        missing = [f.size for f, place in places if not _whole(place, f)]
        twice = folder == "videos" and self.source.joined  # the pieces, and what is in them
        self._check_space(sum(missing) * (2 if twice else 1))
        total, done = sum(file.size for file in files), 0
        for file, place in places:
            if not _whole(place, file):
                try:
                    self.hub.download(
                        self.source.repo, file, place, self._counter(folder, done, total)
                    )
                except HubRefused as error:
                    if folder == "annotations":
                        raise
                    self._fail(file.path, str(error))
                    continue
            done += file.size
            self.on_progress(Progress(folder, done / _MB, total / _MB, "MB"))
            yield place

    def _counter(self, stage: str, done: int, total: int) -> Callable[[int], None]:
        return lambda count: self.on_progress(
            Progress(stage, (done + count) / _MB, total / _MB, "MB")
        )

    def _from_youtube(self, ids: Sequence[str]) -> None:
        program = downloader()
        folder = self.out / "videos"
        for number, video in enumerate(ids, start=1):
            if not present(folder, video):
                self._check_space(0)
                if reason := fetch_video(program, folder, video):
                    self._fail(video, reason)
            self.on_progress(Progress("videos", number, len(ids), "videos"))

    def _unpack(self, pieces: list[Path]) -> None:
        self._check_space(sum(piece.stat().st_size for piece in pieces))
        try:
            new = unpack(pieces, self.out / "videos")
        except VideosealError as error:
            self._fail(pieces[0].name, str(error))
            return
        for piece in pieces:
            piece.unlink()
        self.found.unpacked += [piece.name for piece in pieces]
        self.on_progress(Progress("unpack", new, new, "videos"))

    def _check_space(self, needed: int) -> None:
        self.out.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.out).free
        if free < needed + _KEEP_FREE:
            raise OutOfSpace(
                f"{self.out} has {free / 1e9:.1f} GB free,"
                f" and {(needed + _KEEP_FREE) / 1e9:.1f} GB are needed",
                hint="choose another --out; what is there already stays",
            )

    def _fail(self, video: str, reason: str) -> None:
        self.found.failed.append(Failed(id=video, reason=reason))
        self.on_progress(Progress("videos", 0, 0, "", note=f"{video}: {reason}"))


def _source(name: str) -> Publication:
    if name not in SOURCES:
        raise VideosealError(
            f"{name} is not on the hub; it comes from {benchmark(name).home}",
            hint=f"what can be fetched: {', '.join(SOURCES)}",
        )
    return SOURCES[name]


def _unpacked(out: Path) -> list[str]:
    """Archives of which an earlier call left only the videos."""
    try:
        earlier = Fetched.model_validate_json((out / NOTES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return earlier.unpacked if (out / "videos").is_dir() else []


def _youtube_ids(name: str, out: Path, found: Fetched) -> list[str]:
    items = benchmark(name).load(out / found.annotations[0])
    return list(dict.fromkeys(item.video for item in items))


def _name(file: HubFile) -> str:
    return PurePosixPath(file.path).name


def _in_order(file: HubFile) -> list[tuple[str, int]]:
    """Piece 2 before piece 10."""
    return [(text, int(digits or -1)) for text, digits in re.findall(r"(\D*)(\d*)", file.path)]


def _whole(place: Path, file: HubFile) -> bool:
    return place.is_file() and place.stat().st_size == file.size
