"""The samples of a page: a short row each, and their evidence packed for when it is asked for.

Small pictures of shown frames are carried inside the page until its budget is spent.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from videoseal.evals.records import SampleRecord
from videoseal.evals.report.evidence_view import Pictures, evidence_document
from videoseal.evals.scoring.sample_result import STATUSES, SampleResult, outcome_of
from videoseal.evals.scoring.systems import System, read_record
from videoseal.graph.proof.answer_html import thumbnail
from videoseal.tools.frame_cache import FrameCache, find_frame

__all__ = ["BLOCK", "COLUMNS", "THUMBNAIL_SIDE", "Listing", "Thumbnails", "list_samples", "unpack"]

BLOCK: Final = 8
"""Documents that are packed together: they share words, and one is unpacked with its block."""
COLUMNS: Final = (
    "system", "uid", "video", "category", "group", "status", "right", "grounded", "answerable",
    "gold", "chosen", "question", "confidence", "frames", "seconds",
)  # fmt: skip
"""What a row holds, in this order."""
_TEXT: Final = 300


class Listing(NamedTuple):
    """What a page lists."""

    rows: list[list[Any]]
    blocks: list[str]
    """Evidence documents of `BLOCK` rows each: JSON, deflated, base64."""
    total: int
    """Samples there are; more than rows where the page has no room."""


def list_samples(
    systems: Sequence[System], pictures: Pictures | None, *, most: int, most_pictures: int
) -> Listing:
    """Rows and documents of at most `most` samples, as many of every system."""
    rows: list[list[Any]] = []
    blocks: list[str] = []
    open_block: list[dict[str, Any]] = []
    for number, record in _records(systems, most):
        outcome = outcome_of(record)
        rows.append(_row(number, outcome))
        open_block.append(
            evidence_document(record, pictures, most_pictures=most_pictures, outcome=outcome)
        )
        if len(open_block) == BLOCK:
            blocks.append(_pack(open_block))
            open_block = []
    if open_block:
        blocks.append(_pack(open_block))
    return Listing(rows, blocks, sum(len(system.frame) for system in systems))


def unpack(block: str) -> list[dict[str, Any]]:
    """The documents of a block; what the page does in the browser."""
    found: list[dict[str, Any]] = json.loads(zlib.decompress(base64.b64decode(block)))
    return found


def _records(systems: Sequence[System], most: int) -> Iterator[tuple[int, SampleRecord]]:
    """Records question by question, so that the systems' answers to one stand together."""
    share = most // len(systems) if systems else 0
    ranks: dict[str, int] = {}
    places = sorted(
        (ranks.setdefault(uid, len(ranks)), number, offset)
        for number, system in enumerate(systems)
        for uid, offset in system.frame["offset"].head(share).items()
    )
    for _, number, offset in places:
        record = read_record(systems[number].folder, offset)
        said = systems[number].frame.at[record.item.uid, "verdicts"]
        yield number, record.model_copy(update={"semantic": said})


def _row(system: int, outcome: SampleResult) -> list[Any]:
    item, found = outcome.item, outcome.grounding
    return [
        system, item.uid, item.video, ", ".join(item.categories), item.group,
        STATUSES.index(outcome.status),
        None if outcome.right is None else int(outcome.right),
        None if found is None else int(found.hit), int(item.answerable),
        item.answer if item.question.options else "", outcome.letter or "",
        item.question.text[:_TEXT], round(outcome.confidence, 3), outcome.cost["frames"],
        round(outcome.seconds, 2),
    ]  # fmt: skip


def _pack(documents: list[dict[str, Any]]) -> str:
    text = json.dumps(documents, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode("ascii"), 9)).decode("ascii")


THUMBNAIL_SIDE: Final = 240
_QUALITY: Final = 62
_ANY_LIMIT_MB: Final = 1 << 20
"""Reading never sweeps the cache, so its limit does not matter here."""


class Thumbnails:
    """Shrunk frames of a frame cache as data URIs, at most `budget` bytes of them."""

    def __init__(self, root: Path, budget: int) -> None:
        self._cache = FrameCache(root, _ANY_LIMIT_MB)
        self._left = budget
        self.refused = 0
        """Frames left out because the budget was spent."""
        self.missing = 0
        """Frames that the cache no longer holds."""

    def picture(self, video_id: str, ref: str) -> str | None:
        """The frame as a data URI; None when it is not there or does not fit any more."""
        if self._left <= 0:
            self.refused += 1
            return None
        jpeg = find_frame(self._cache, video_id, ref)
        small = None if jpeg is None else thumbnail(jpeg, THUMBNAIL_SIDE, _QUALITY)
        if small is None:
            self.missing += 1
            return None
        encoded = base64.b64encode(small).decode("ascii")
        self._left -= len(encoded)
        return f"data:image/jpeg;base64,{encoded}"
