"""Seals: what this server put into a state can be told from what a client wrote there.

A seal is an HMAC-SHA256 over the canonical JSON of what is sealed and over the question and video
that it belongs to. The key lives in the database (or in `VIDEOSEAL_SEAL_KEY`), so that replicas
and workers share it; it is never part of a state, a record or a log.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any, Final

from videoseal.models.types import Question

__all__ = ["about", "guarded_answer", "holds", "seal", "trust"]

_UNSEALED: Final = ("id", "seal", "proven")
"""Not under the seal: the ledger's number, the seal itself, and what is derived."""
_TRUSTED: Final[set[bytes]] = set()
"""Keys of the indexes that this process works with, for the channel that keeps answers."""


def about(question: Question, video_id: str) -> str:
    """Which question about which video, as a hash that seals bind to."""
    return _digest([question.text, question.options, video_id])[:32]


def seal(key: bytes, value: dict[str, Any], topic: str) -> str:
    """The seal of a JSON object (a ledger entry, an answer) for a topic of `about`."""
    bare = {name: part for name, part in value.items() if name not in _UNSEALED}
    return hmac.new(key, _canonical([topic, bare]), hashlib.sha256).hexdigest()


def holds(key: bytes, value: dict[str, Any], topic: str) -> bool:
    """Whether the object carries the seal that the key gives it; whatever is in it."""
    try:
        return hmac.compare_digest(str(value.get("seal", "")), seal(key, value, topic))
    except (TypeError, ValueError):
        return False


def trust(key: bytes) -> bytes:
    """Let answers sealed with this key into states of this process."""
    _TRUSTED.add(key)
    return key


def guarded_answer(_: Any, new: Any) -> Any:
    """The reducer of the channel `answer`: what no trusted key has sealed is not kept.

    Whoever may write the state of a thread writes through this too. A process that has not opened
    an index yet, such as one that only takes up a checkpoint, knows no key and keeps what it finds;
    it cannot have been asked anything either.
    """
    if new is None or not _TRUSTED:
        return new
    known = isinstance(new, dict) and any(
        holds(key, new, str(new.get("about", ""))) for key in _TRUSTED
    )
    return new if known else None


def _digest(value: Any) -> str:
    return hashlib.sha256(_canonical(value)).hexdigest()


def _canonical(value: Any) -> bytes:
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return text.encode("ascii")
