"""The summary of a video: parts of ten minutes, then the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from videoseal.core.provenance import fingerprint
from videoseal.core.span import Span
from videoseal.indexing.index_rows import TextRow
from videoseal.indexing.job import IndexingJob

__all__ = ["summarise"]

_PART_SECONDS: Final = 600.0
_LINE_LENGTH: Final = 400


async def summarise(job: IndexingJob, clips: Sequence[TextRow]) -> list[TextRow]:
    """Rows of kind `story`: the whole first, then its parts where there are several.

    What an earlier run kept is used where its lines are still the same. Raises ModelError.
    """
    summariser = job.models.summariser
    key = fingerprint("story-1", summariser.name)
    known = await job.units("story", key)

    async def summary(ordinal: int, rows: Sequence[TextRow]) -> TextRow:
        lines = [_line(row) for row in rows]
        digest = fingerprint(lines)
        if known.get(ordinal, {}).get("lines") == digest:
            text = str(known[ordinal]["text"])
        else:
            text = (await summariser.summarise(lines)).value
            await job.keep("story", ordinal, key, {"lines": digest, "text": text})
        span = Span(rows[0].span.start, rows[-1].span.end)
        return TextRow("story", ordinal, span, text, summariser.name)

    parts = _parts(clips)
    job.report("story", 0, len(parts), "parts")
    rows = [await summary(number, part) for number, part in enumerate(parts, start=1)]
    if len(rows) == 1:
        rows = [replace(rows[0], ordinal=0)]
    elif rows:
        rows.insert(0, await summary(0, rows))
    job.report("story", len(parts), len(parts), "parts")
    return [row for row in rows if row.text.strip()]


def _parts(clips: Sequence[TextRow]) -> list[list[TextRow]]:
    """Group clips by tens of minutes; one part for a video of up to fifteen minutes."""
    end = clips[-1].span.end if clips else 0.0
    length = end if end <= 1.5 * _PART_SECONDS else _PART_SECONDS
    parts: dict[int, list[TextRow]] = {}
    for row in clips:
        parts.setdefault(int(row.span.start // length), []).append(row)
    return list(parts.values())


def _line(row: TextRow) -> str:
    flat = " ".join(row.text.split())
    short = flat if len(flat) <= _LINE_LENGTH else f"{flat[: _LINE_LENGTH - 1]}…"
    return f"{row.span} {short}"
