"""How many frames of what size a look takes, by the token arithmetic that models publish.

Number and size are chosen together: frames are first made smaller, down to where small text can
still be read, and only then fewer. The arithmetic is corrected by what a server counts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import simplejpeg

from videoseal.core.errors import ModelError
from videoseal.models.limits.learned import Learned
from videoseal.models.limits.refusals import too_big, too_long
from videoseal.models.types import Frame

__all__ = [
    "Look",
    "correct",
    "frames_that_fit",
    "keep_limit",
    "look_at",
    "picture_tokens",
    "tokens_of",
]

_WORDS: Final = 2000
"""Tokens of the task beside the pictures, generously."""
_STAMP: Final = 12
"""Tokens of a frame's time and of what templates put around it."""
_BYTES: Final = 0.2
"""Of a JPEG in base64 for each pixel; measured 0.17 on real frames."""
_SIDES: Final = (2048, 1600, 1280, 1024, 854, 768, 640)
_SMALL: Final = (560, 448, 336)
"""Sides that are taken where fewer than `_FEW` frames would be left."""
_FEW: Final = 8
_ENOUGH: Final = 4
"""Frames from which their count says something of one."""
_PROMPT: Final = 600
"""Tokens of the system's turn and of what else goes with a task."""
_LEAST_SHARE: Final = 0.2


class Look(NamedTuple):
    """How a look is taken."""

    frames: int
    """At most so many."""
    side: int
    """Their largest side, in pixels."""


def _patches(patch: int, least: int, most: int) -> Callable[[int, int], int]:
    """Qwen's: both sides rounded to patches, pixels between two bounds; two tokens around."""

    def tokens(width: int, height: int) -> int:
        across, down = (max(patch, round(side / patch) * patch) for side in (width, height))
        if across * down > most:
            share = math.sqrt(width * height / most)
            across, down = (
                max(patch, math.floor(side / share / patch) * patch) for side in (width, height)
            )
        elif across * down < least:
            share = math.sqrt(least / (width * height))
            across, down = (math.ceil(side * share / patch) * patch for side in (width, height))
        return across * down // patch**2 + 2

    return tokens


@dataclass(frozen=True, slots=True)
class _Tiles:
    """OpenAI's: into 2048 x 2048, the short side to 768, then tiles of 512."""

    base: int
    tile: int

    def __call__(self, width: int, height: int) -> int:
        fit = min(1.0, 2048 / max(width, height))
        fit *= min(1.0, 768 / (min(width, height) * fit))
        across, down = (math.ceil(round(side * fit) / 512) for side in (width, height))
        return self.base + self.tile * across * down


def _capped(share: float) -> Callable[[int, int], int]:
    """OpenAI's smaller models: patches of 32, at most 1536 of them, times a factor."""

    def tokens(width: int, height: int) -> int:
        count = math.ceil(width / 32) * math.ceil(height / 32)
        if count > _MOST_PATCHES:
            shrink = math.sqrt(32**2 * _MOST_PATCHES / (width * height))
            across, down = width * shrink / 32, height * shrink / 32
            shrink *= min(math.floor(across) / across, math.floor(down) / down)
            count = math.ceil(width * shrink / 32) * math.ceil(height * shrink / 32)
        return math.ceil(min(count, _MOST_PATCHES) * share)

    return tokens


_MOST_PATCHES: Final = 1536
_QWEN_2: Final = _patches(28, 56 * 56, 16384 * 28 * 28)
_FAMILIES: Final[tuple[tuple[str, Callable[[int, int], int]], ...]] = (
    (r"qwen-?3(\.\d)?-?(vl|omni)|qwen-?3\.[5-9]", _patches(32, 256 * 256, 4096 * 4096)),
    (r"qwen-?2(\.5)?-?(vl|omni)|qvq|mimo-vl|ui-tars", _QWEN_2),
    (r"4o-mini", _Tiles(2833, 5667)),
    (r"4\.1-mini|5-mini", _capped(1.62)),
    (r"4\.1-nano|5-nano", _capped(2.46)),
    (r"o4-mini", _capped(1.72)),
    (r"gpt-5", _Tiles(70, 140)),
    (r"\bo[13]\b", _Tiles(75, 150)),
    (r"gpt-4|chatgpt", _Tiles(85, 170)),
    (r"claude", lambda width, height: math.ceil(width * height / 750)),
)
"""Part of a model's name, and how it counts a picture; others as Qwen2.5-VL until they count."""


def picture_tokens(model: str, width: int, height: int, detail: str | None = None) -> int:
    """Tokens of a picture of so many pixels, as its model's makers publish."""
    name = model.casefold()
    count = next((found for part, found in _FAMILIES if re.search(part, name)), _QWEN_2)
    if detail == "low" and isinstance(count, _Tiles):
        return count.base
    return count(width, height)


def look_at(
    wanted: int, side: int, shape: tuple[int, int], model: str, learned: Learned, reply: int
) -> Look:
    """At most `wanted` frames of at most `side` pixels, of a video of that width and height.

    As many as fit into what is known of the model: its context without the reply, its pictures
    and the size of a body. Nothing is known of most: then it is all as wished.
    """
    most = min(wanted, learned.pictures or wanted)
    best = Look(0, side)
    for smaller in sorted({side, *_SIDES, *_SMALL}, reverse=True):
        if smaller > side or (smaller < _SIDES[-1] and smaller != side and best.frames >= _FEW):
            continue
        scale = min(1.0, smaller / max(shape))
        width, height = (max(1, round(pixels * scale)) for pixels in shape)
        room = most
        if learned.context:
            each = learned.picture_share * picture_tokens(model, width, height) + _STAMP
            room = min(room, int((learned.context - reply - _WORDS) / each))
        if learned.body:
            room = min(room, int(learned.body / (width * height * _BYTES)))
        if room > best.frames:
            best = Look(room, smaller)
    return best if best.frames else Look(1, min(side, _SMALL[-1]))


def frames_that_fit(frames: Sequence[Frame], model: str, learned: Learned, reply: int) -> int:
    """How many of these frames one request may hold, by what is known; at least one."""
    most = min(len(frames), learned.pictures or len(frames))
    if learned.body:
        size = sum(4 * len(frame.jpeg) / 3 for frame in frames) / len(frames)
        most = min(most, int(learned.body / size))
    shape = _shape(frames[0]) if learned.context else None
    if learned.context and shape:
        each = learned.picture_share * picture_tokens(model, *shape) + _STAMP
        most = min(most, int((learned.context - reply - _WORDS) / each))
    return max(most, 1)


def keep_limit(learned: Learned, refused: ModelError, shown: Sequence[Frame]) -> None:
    """Remember what a refusal taught, now that so many frames went through."""
    if too_big(refused):
        learned.body = _size(shown)
    elif not (too_long(refused) and learned.context and _shape(shown[0])):
        learned.pictures = len(shown)


def correct(learned: Learned, counted: int, task: str, shown: Sequence[Frame], model: str) -> None:
    """Let the tokens that a server counted mend the arithmetic."""
    shape = _shape(shown[0]) if len(shown) >= _ENOUGH else None
    if shape is None or not counted:
        return
    pictures = counted - len(task) / 4 - _PROMPT - _STAMP * len(shown)
    share = pictures / (len(shown) * picture_tokens(model, *shape))
    if _LEAST_SHARE < share < 1 / _LEAST_SHARE:
        learned.picture_share = share


def tokens_of(frames: Sequence[Frame], model: str, learned: Learned) -> int:
    """What pictures of one size count in a request, by what is known."""
    if not frames:
        return 0
    shape = _shape(frames[0]) or (1280, 720)
    each = learned.picture_share * picture_tokens(model, *shape) + _STAMP
    return math.ceil(each * len(frames))


def _size(frames: Sequence[Frame]) -> int:
    return sum(4 * -(-len(frame.jpeg) // 3) for frame in frames)


def _shape(frame: Frame) -> tuple[int, int] | None:
    """Width and height; None for bytes that are no JPEG."""
    try:
        height, width, *_ = simplejpeg.decode_jpeg_header(frame.jpeg)
    except ValueError:
        return None
    return width, height
