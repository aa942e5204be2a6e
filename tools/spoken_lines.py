"""What is said in some spans of a video: the lines that an inspector reads beside the frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from videoseal.core.span import Span, merge_spans
from videoseal.indexing.index_rows import TextRow
from videoseal.indexing.store.store import Store
from videoseal.models.types import SpokenLine

__all__ = ["spoken_lines"]

_ROOM: Final = 8000
"""Characters of one look: ten minutes of talk."""


def spoken_lines(store: Store, video_id: str, spans: Sequence[Span]) -> list[SpokenLine]:
    """The lines of speech and subtitles in the spans, in order of time, each once.

    Where there is more talk than room, every span keeps the same share from its beginning on.
    Raises DatabaseUnavailable.
    """
    merged = merge_spans(spans)
    found: dict[int, TextRow] = {}
    for span in merged:
        left = _ROOM / len(merged)
        for row in store.texts(video_id, ["speech"], span):
            left -= len(row.text)
            if left < 0:
                break
            found[row.ordinal] = row
    rows = sorted(found.values(), key=lambda row: (row.span.start, row.ordinal))
    return [_line(row) for row in rows]


def _line(row: TextRow) -> SpokenLine:
    source = str(row.data.get("file") or row.model)
    return SpokenLine(start=row.span.start, end=row.span.end, text=row.text, source=source)
