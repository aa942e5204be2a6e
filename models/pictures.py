"""Pictures in requests: named in a message, and put into the body while it is sent.

A look of 64 frames has five megabytes of base64. Through message models, JSON and traces only a
name goes; each picture is encoded when its turn comes on the wire, so that neither the event loop
nor the memory holds them all.
"""

from __future__ import annotations

import itertools
import json
import re
import secrets
import weakref
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import pybase64

from videoseal.core.span import format_time
from videoseal.models.types import Frame

__all__ = ["Illustrated", "frames_in", "with_pictures"]

_SIGN: Final = f"pictures-{secrets.token_hex(16)}-"
"""Nobody outside this process can write a name: what is read from a video stays words."""
_CONTENT: Final = re.compile(rb'"((?:[^"\\]|\\.)*)' + _SIGN.encode("ascii") + rb'([0-9]+)"')
"""A message's content as a JSON string that ends with the name of its pictures."""
_BLOCK_BYTES: Final = 256 * 1024
"""Sent at a time: every write passes five layers of clients."""
_NAME: Final = re.compile(rf"{_SIGN}([0-9]+)$")
_NUMBERS: Final = itertools.count()
_SHOWN: Final[weakref.WeakValueDictionary[int, Illustrated]] = weakref.WeakValueDictionary()


class Illustrated:
    """Words and the pictures after them; to be held while requests with its content are made."""

    def __init__(self, words: str, frames: Sequence[Frame], detail: str | None = None) -> None:
        self.frames = frames
        self.detail = detail
        """How closely they are to be looked at, where the API has that."""
        number = next(_NUMBERS)
        _SHOWN[number] = self
        self.content = f"{words}{_SIGN}{number}" if frames else words
        """Of the message: the words with the name of the pictures."""


def frames_in(content: object) -> Sequence[Frame]:
    """The pictures that a message's content names."""
    found = _NAME.search(content) if isinstance(content, str) else None
    return _SHOWN[int(found[1])].frames if found else []


def with_pictures(request: Any) -> Any:
    """The same request of httpx or httpx2, its body with the pictures in the place of their names.

    A content becomes the list of parts that OpenAI's API describes: the words, then of each frame
    its timestamp and the data URL of a JPEG.
    """
    if _SIGN.encode("ascii") not in request.content:
        return request
    pieces = _pieces(request.content)
    sizes = (4 * -(-len(p.jpeg) // 3) if isinstance(p, Frame) else len(p) for p in pieces)
    headers = request.headers.copy()
    headers["Content-Length"] = str(sum(sizes))
    return type(request)(
        request.method,
        request.url,
        headers=headers,
        content=_encoded(pieces),
        extensions=request.extensions,
    )


def _pieces(body: bytes) -> list[bytes | Frame]:
    pieces: list[bytes | Frame] = []
    end = 0
    for match in _CONTENT.finditer(body):
        pieces += [body[end : match.start()], b'[{"type":"text","text":"', match[1], b'"}']
        shown = _SHOWN[int(match[2])]
        detail = f',"detail":"{shown.detail}"' if shown.detail else ""
        for frame in shown.frames:
            time = json.dumps(format_time(frame.time, decimals=1)).encode("ascii")
            pieces += [
                b',{"type":"text","text":' + time + b"},"
                b'{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,',
                frame,
                f'"{detail}}}}}'.encode("ascii"),
            ]
        pieces.append(b"]")
        end = match.end()
    return [*pieces, body[end:]]


async def _encoded(pieces: Sequence[bytes | Frame]) -> AsyncIterator[bytes]:
    block = bytearray()
    for piece in pieces:
        block += pybase64.b64encode(piece.jpeg) if isinstance(piece, Frame) else piece
        if len(block) >= _BLOCK_BYTES:
            yield bytes(block)
            block.clear()
    yield bytes(block)
