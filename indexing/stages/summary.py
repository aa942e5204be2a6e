"""The summary of a video: parts of ten minutes, then the whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from videoseal.core.span import Span
from videoseal.indexing.index_rows import Data, TextRow
from videoseal.indexing.job import fingerprint
from videoseal.models.roles import Summariser

__all__ = ["SummaryPart", "summarise", "summary_parts"]

_PART_SECONDS: Final = 600.0
_LINE_LENGTH: Final = 400


class SummaryPart(NamedTuple):
    """Some lines that are summarised together."""

    span: Span
    lines: list[str]


def summary_parts(clips: Sequence[TextRow]) -> list[SummaryPart]:
    """Group clips by tens of minutes; one part for a video of up to fifteen minutes."""
    if not clips:
        return []
    end = clips[-1].span.end
    length = end if end <= 1.5 * _PART_SECONDS else _PART_SECONDS
    parts: dict[int, list[TextRow]] = {}
    for row in clips:
        parts.setdefault(int(row.span.start // length), []).append(row)
    return [
        SummaryPart(
            Span(rows[0].span.start, rows[-1].span.end), [_line(row.span, row.text) for row in rows]
        )
        for rows in parts.values()
    ]


async def summarise(
    parts: Sequence[SummaryPart],
    summariser: Summariser,
    known: dict[int, Data],
    keep: Callable[[int, Data], Awaitable[None]],
) -> list[TextRow]:
    """Rows of kind `story`: the whole first, then its parts where there are several.

    `known` are the kept summaries by ordinal, used where their lines are still the same; `keep`
    stores a new one. Raises ModelError.
    """

    async def summary(ordinal: int, lines: list[str]) -> str:
        digest = fingerprint(lines)
        if known.get(ordinal, {}).get("lines") == digest:
            return str(known[ordinal]["text"])
        text = (await summariser.summarise(lines)).value
        await keep(ordinal, {"lines": digest, "text": text})
        return text

    if not parts:
        return []
    whole = Span(parts[0].span.start, parts[-1].span.end)
    texts = [await summary(number, part.lines) for number, part in enumerate(parts, start=1)]
    rows = [
        TextRow("story", number, part.span, text, summariser.name)
        for number, (part, text) in enumerate(zip(parts, texts, strict=True), start=1)
    ]
    if len(parts) == 1:
        rows = [TextRow("story", 0, whole, texts[0], summariser.name)]
    else:
        lines = [_line(part.span, text) for part, text in zip(parts, texts, strict=True)]
        rows.insert(0, TextRow("story", 0, whole, await summary(0, lines), summariser.name))
    return [row for row in rows if row.text.strip()]


def _line(span: Span, text: str) -> str:
    flat = " ".join(text.split())
    short = flat if len(flat) <= _LINE_LENGTH else f"{flat[: _LINE_LENGTH - 1]}…"
    return f"{span} {short}"
