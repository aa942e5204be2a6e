"""Whether a recorded answer is what it says, for someone who did not make it.

Its citations stand in its own ledger; the seals are this index's, where one is at hand; the cited
frames, decoded again from the video, are the pictures that were shown; and the cited lines are said
in the index at that time.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from videoseal.core.checks import Check, CheckWarning, run_check
from videoseal.core.errors import InvalidRecord
from videoseal.core.span import Span, format_time
from videoseal.core.video import content_id
from videoseal.graph.answers import cited_faults, verify
from videoseal.graph.episode import Episode
from videoseal.graph.proof.shown_pictures import decode_shown
from videoseal.graph.seal import about

if TYPE_CHECKING:
    from videoseal.graph.ledger import ShownFrame

__all__ = ["ALIKE", "check_proof", "picture_difference", "read_record"]

ALIKE: Final = 20.0
"""Up to this `picture_difference` two pictures are the same frame, compressed in another way."""
_SQUARE: Final = 8


def read_record(path: Path) -> tuple[Episode, dict[str, bytes]]:
    """The record at a path, or in an evidence folder with its frames by hash.

    Raises InvalidRecord for what is no record of an answer.
    """
    file = path / "answer.json" if path.is_dir() else path
    try:
        episode = Episode.model_validate_json(file.read_bytes())
    except ValueError:
        raise InvalidRecord(f"{file} is no record of an answer") from None
    pictures = [each.read_bytes() for each in sorted(file.parent.glob("frames/*.jpg"))]
    return episode, {hashlib.sha256(jpeg).hexdigest(): jpeg for jpeg in pictures}


def check_proof(
    episode: Episode,
    pictures: Mapping[str, bytes],
    video: Path | None,
    key: bytes | None = None,
    said: Callable[[Span], Iterable[str]] | None = None,
) -> list[Check]:
    """What there is to be checked of an answer, one line each.

    `pictures` are frames by hash; `said` gives what the index has of speech and subtitles in a
    span, where one is at hand.
    """
    checks = [
        run_check("proof", lambda: _proof(episode)),
        run_check("seals", lambda: _seals(episode, key)),
        run_check("frames", lambda: _frames(episode, pictures, video)),
    ]
    if any(cited.lines for cited in episode.answer.citations):
        checks.append(run_check("lines", lambda: _lines(episode, said)))
    return checks


def _proof(episode: Episode) -> str:
    answer = episode.answer
    if not answer.proven:
        raise CheckWarning(f"the answer claims no proof ({answer.outcome})")
    if faults := cited_faults(answer, episode.evidence):
        raise InvalidRecord("; ".join(faults))
    names = ", ".join(cited.evidence for cited in answer.citations)
    return f"cites {names}, which the ledger holds as cited"


def _seals(episode: Episode, key: bytes | None) -> str:
    if key is None:
        raise CheckWarning("not checked: the key is that of the index that answered")
    topic = about(episode.question, episode.video_id)
    if episode.answer.proven and (faults := verify(episode.answer, episode.evidence, key, topic)):
        raise InvalidRecord("; ".join(faults))
    return "made by this index for this question and video"


def _lines(episode: Episode, said: Callable[[Span], Iterable[str]] | None) -> str:
    if said is None:
        raise CheckWarning("not compared: what is said is known to the index that answered")
    lines = [line for cited in episode.answer.citations for line in cited.lines]
    for line in lines:
        if line.text not in said(Span(line.start, line.end)):
            at = format_time(line.start, decimals=1)
            raise InvalidRecord(f"the line at {at} is not said there")
    return f"{len(lines)} of {len(lines)} are said at that time"


def _frames(episode: Episode, pictures: Mapping[str, bytes], video: Path | None) -> str:
    frames = [frame for cited in episode.answer.citations for frame in cited.frames]
    if not frames:
        raise CheckWarning("no frame is cited")
    if video is None:
        raise CheckWarning("not decoded again: name the video with --video")
    same_file = content_id(video) == episode.video_id
    again = decode_shown(video, frames)
    apart = [_compare(frame, pictures.get(frame.sha256), again.get(frame.ref)) for frame in frames]
    for frame, how in zip(frames, apart, strict=True):
        if how is None:
            raise InvalidRecord(f"the frame at {frame.time:.3f} s is not the one that was cited")
    exact = sum(how == 0 for how in apart)
    other = "" if same_file else "; another file than the one that was indexed"
    return f"{exact} of {len(frames)} decoded again to the byte, {len(frames) - exact} alike{other}"


def _compare(frame: ShownFrame, then: bytes | None, again: bytes | None) -> float | None:
    """0 for the very bytes, else how far the pictures are apart; None for another picture."""
    if again is None:
        return None
    if hashlib.sha256(again).hexdigest() == frame.sha256:
        return 0.0
    if then is None:
        raise CheckWarning("decoded to other bytes than were shown, and no picture to compare with")
    apart = picture_difference(then, again)
    return apart + 1e-6 if apart <= ALIKE else None


def picture_difference(one: bytes, other: bytes) -> float:
    """By how much two JPEGs differ where they differ most: mean grey levels of a square of 8.

    Infinite for other sizes, and for what is no JPEG. Compression moves a square by a few levels,
    another letter or digit by many.
    """
    from PIL import Image

    planes = []
    for jpeg in (one, other):
        try:
            with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as picture:
                planes.append(np.asarray(picture.convert("L"), dtype=np.float32))
        except (OSError, ValueError, Image.DecompressionBombError):
            return math.inf
    if planes[0].shape != planes[1].shape:
        return math.inf
    height, width = planes[0].shape
    apart = np.abs(planes[0] - planes[1])
    padded = np.pad(apart, ((0, -height % _SQUARE), (0, -width % _SQUARE)))
    squares = padded.reshape(-(-height // _SQUARE), _SQUARE, -1, _SQUARE).mean(axis=(1, 3))
    return float(squares.max())
