"""Which questions of a benchmark are asked, and where their videos are."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from videoseal.core.errors import VideoNotFound
from videoseal.evals.item import Item

__all__ = ["VIDEO_SUFFIXES", "Located", "locate", "select"]

VIDEO_SUFFIXES: Final = frozenset({".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v", ".ts"})


class Located(NamedTuple):
    """Videos by benchmark id, and the ids of which no file was found."""

    found: dict[str, Path]
    missing: list[str]


def locate(items: Sequence[Item], folder: Path) -> Located:
    """Find each item's video in `folder` or below it, by the stem of the file name.

    Raises VideoNotFound when the folder does not exist.
    """
    if not folder.is_dir():
        raise VideoNotFound(
            f"no folder at {folder}", hint="videoseal eval fetch says how to fill it"
        )
    files = {
        file.stem: file
        for file in sorted(folder.rglob("*"), reverse=True)
        if file.suffix.lower() in VIDEO_SUFFIXES and file.is_file()
    }
    wanted = list(dict.fromkeys(item.video for item in items))
    return Located(
        found={video: files[video] for video in wanted if video in files},
        missing=[video for video in wanted if video not in files],
    )


def select(
    items: Sequence[Item], *, limit: int | None = None, sample: int | None = None, seed: int = 0
) -> list[Item]:
    """The first `limit` questions, or a random `sample` of them in their published order."""
    chosen = list(items)
    if sample is not None and sample < len(chosen):
        picked = sorted(random.Random(seed).sample(range(len(chosen)), sample))  # noqa: S311
        chosen = [chosen[index] for index in picked]
    return chosen[:limit] if limit is not None else chosen
