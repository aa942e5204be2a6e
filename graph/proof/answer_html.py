"""An answer as a notebook shows it: the question, the outcome, and the frames that prove it."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Final

from videoseal.core.span import format_time
from videoseal.graph.proof.trajectory import said_lines, verdict

if TYPE_CHECKING:
    from videoseal.graph.episode import Episode

__all__ = ["MAX_PICTURES", "answer_html", "thumbnail"]

MAX_PICTURES: Final = 8
_SIDE: Final = 240
_QUALITY: Final = 70


def answer_html(episode: Episode, pictures: Mapping[float, bytes]) -> str:
    """HTML that stands alone; `pictures` are JPEGs of cited frames by their time in seconds.

    Frames beyond the first MAX_PICTURES, and those without a picture, are told by their times.
    """
    shown = dict(list(pictures.items())[:MAX_PICTURES])
    cited = sorted({f.time for citation in episode.answer.citations for f in citation.frames})
    others = [format_time(time, decimals=1) for time in cited if time not in shown]
    options = "".join(f"<br>{escape(line)}" for line in episode.question.lettered())
    parts = [
        f"<p>{escape(episode.question.text)}{options}</p>",
        f"<p><b>{escape(verdict(episode))}</b></p>",
        *(_figure(time, jpeg) for time, jpeg in shown.items()),
        f"<p>also seen at {', '.join(others)}</p>" if others else "",
        *(f"<blockquote>{escape(line)}</blockquote>" for line in said_lines(episode.answer)),
    ]
    return f"<div>{''.join(parts)}</div>"


def thumbnail(jpeg: bytes, side: int, quality: int) -> bytes | None:
    """The picture with its larger side cut down; None for bytes that are no picture."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as picture:
            picture.draft("RGB", (side, side))
            small = picture.convert("RGB")
            small.thumbnail((side, side))
            out = io.BytesIO()
            small.save(out, "JPEG", quality=quality, optimize=True)
    except (OSError, Image.DecompressionBombError):
        return None
    return out.getvalue()


def _figure(time: float, jpeg: bytes) -> str:
    at = format_time(time, decimals=1)
    data = base64.b64encode(thumbnail(jpeg, _SIDE, _QUALITY) or b"").decode("ascii")
    return (
        '<figure style="display:inline-block;margin:0 8px 8px 0">'
        f'<img alt="frame at {at}" src="data:image/jpeg;base64,{data}">'
        f"<figcaption>{at}</figcaption></figure>"
    )
