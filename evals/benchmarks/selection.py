"""Which questions of a benchmark are asked, where their videos are, and what is odd about them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from videoseal.core.errors import VideoNotFound
from videoseal.core.span import format_time
from videoseal.evals.item import Item

__all__ = ["VIDEO_SUFFIXES", "Located", "defects", "in_this_cut", "locate", "select"]

VIDEO_SUFFIXES: Final = frozenset({".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v", ".ts"})

_ROUNDED_S: Final = 2.0
"""By how much a gold span may end after its video: lengths and spans are rounded."""
_TOLD: Final = 3


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


def in_this_cut(item: Item, duration: float) -> Item:
    """The question as it can be scored on a video of that length, in seconds.

    Gold spans beyond the end belong to another cut of the video, whose other times differ as well:
    the item is defective then, and has no gold spans.
    """
    if all(start < duration and end < duration + _ROUNDED_S for start, end in item.evidence):
        return item
    last = format_time(max(end for _, end in item.evidence))
    fault = (
        f"gold spans up to {last} are of another cut: this video ends at {format_time(duration)}"
    )
    defect = "; ".join(filter(None, (item.defect, fault)))
    return item.model_copy(update={"evidence": [], "defect": defect})


def defects(items: Sequence[Item]) -> str:
    """How many of the questions are defective, and the most frequent reasons; empty for none."""
    first: dict[str, str] = {item.defect: item.uid for item in reversed(items) if item.defect}
    found = Counter(item.defect for item in items if item.defect)
    if not found:
        return ""
    told = [f"{count:,} {why} ({first[why]})" for why, count in found.most_common(_TOLD)]
    more = [f"{len(found) - _TOLD:,} other reasons"] if len(found) > _TOLD else []
    return (
        f"{found.total():,} of {len(items):,} questions are defective, asked and counted"
        f" all the same: {', '.join([*told, *more])}"
    )
