"""overview: what happens in the whole video, in time-stamped lines, within a token budget."""

from __future__ import annotations

import bisect
import math
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from videoseal.core.span import format_time
from videoseal.indexing.index_rows import TextRow
from videoseal.indexing.store.store import Store

__all__ = ["estimate_tokens", "overview"]

_PIECE: Final = re.compile(r"[A-Za-z]+|\s+|.", re.DOTALL)
_LETTERS_A_TOKEN: Final = 3
"""English has four or more; names and other languages have fewer."""
_LINE_TOKENS: Final = 40
"""What one line may cost on average, 18 of them for its times; more lines would say less each."""
_TITLE_TOKENS: Final = 40
_STORY_SHARE: Final = 0.4
"""Of the budget; the lines get the rest."""
_SHORTEST: Final = 4
"""Tokens of text below which a line says nothing."""


class _Line(NamedTuple):
    start: float
    end: float
    text: str

    @property
    def stamp(self) -> str:
        return f"{format_time(self.start)}-{format_time(math.ceil(self.end))}"


def overview(store: Store, video_id: str, *, token_budget: int = 1500) -> str:
    """The skeleton of a video: its title and length, its story if it has one, then what is where.

    The last part is lines of `HH:MM:SS-HH:MM:SS text`, spread evenly from the start of the video
    to its end, from scenes where there are any, else from clips, else from what is said and
    written. `estimate_tokens` of the whole is at most `token_budget`. Raises UnknownVideo and
    DatabaseUnavailable.
    """
    video = store.video(video_id)
    title = f"{_flat(video.title)}, {format_time(video.duration)} long"
    story = " ".join(_flat(row.text) for row in store.texts(video.id, ["story"]))
    rows = store.texts(video.id, ["scene"]) or store.texts(video.id, ["clip"])
    rows = rows or store.texts(video.id, ["speech", "ocr"])
    lines: list[str] = []
    left = token_budget
    for text, most in (
        (title, max(_TITLE_TOKENS, token_budget // 10)),
        (f"Story: {story}" if story else "", int(token_budget * _STORY_SHARE)),
    ):
        if line := _fit(text, min(most, left)):
            lines.append(line)
            left -= estimate_tokens(line) + 1
    return "\n".join([*lines, *_written(_outline(rows, video.duration, left), left)])


def estimate_tokens(text: str) -> int:
    """How many tokens a text may cost, rather too many than too few.

    Three letters, one digit or one sign a token; beyond ASCII, half its UTF-8 bytes and at least
    one. Byte-level tokenizers such as Qwen's stay below it on English, Chinese and time stamps.
    """
    return sum(_cost(piece) for piece in _PIECE.findall(text))


def _cost(piece: str) -> int:
    if piece.isspace():
        return piece.count("\n")
    if piece.isascii():
        return math.ceil(len(piece) / _LETTERS_A_TOKEN)
    return max(1, math.ceil(len(piece.encode("utf-8", "replace")) / 2))


def _outline(rows: Sequence[TextRow], duration: float, tokens: int) -> list[_Line]:
    """A line a text where they fit, else one for each of as many equal windows as fit."""
    rows = [row for row in rows if row.text.strip()]
    most = max(1, tokens // _LINE_TOKENS)
    if len(rows) <= most:
        return [_Line(row.span.start, row.span.end, _flat(row.text)) for row in rows]
    windows: dict[int, list[TextRow]] = {}
    for row in rows:
        windows.setdefault(int(row.span.middle / max(duration, 1.0) * most), []).append(row)
    return [
        _Line(held[0].span.start, max(row.span.end for row in held), _joined(held))
        for _, held in sorted(windows.items())
    ]


def _joined(rows: Sequence[TextRow]) -> str:
    """The different texts of a window, as they come."""
    return " / ".join(dict.fromkeys(_flat(row.text) for row in rows))


def _written(lines: Sequence[_Line], tokens: int) -> list[str]:
    """The lines, cut so that they cost at most `tokens`; what one leaves over the next may use."""
    written = []
    for number, line in enumerate(lines):
        share = tokens // (len(lines) - number) - estimate_tokens(line.stamp) - 1
        text = _fit(line.text, share)
        if not text or share < _SHORTEST:
            continue
        written.append(f"{line.stamp} {text}")
        tokens -= estimate_tokens(written[-1]) + 1
    return written


def _fit(text: str, tokens: int) -> str:
    """The text, or as much of its start as costs at most `tokens`, ending in an ellipsis."""
    longest = (_LETTERS_A_TOKEN + 1) * max(0, tokens)
    if len(text) <= longest and estimate_tokens(text) <= tokens:
        return text
    room = tokens - estimate_tokens("…")
    sizes = range(min(len(text), longest) + 1)
    fitting = bisect.bisect_right(sizes, room, key=lambda size: estimate_tokens(text[:size]))
    cut = text[: max(0, fitting - 1)]
    if " " in cut and not text[len(cut)].isspace():
        cut = cut.rsplit(" ", 1)[0]
    return f"{cut.rstrip()}…" if cut.strip() else ""


def _flat(text: str) -> str:
    return " ".join(text.split())
