"""visual_retrieve: the moments of a video whose texts match a query, spread over its time."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from videoseal.indexing.index_rows import Hit, TextKind
from videoseal.indexing.search.tokenizer import squeeze
from videoseal.indexing.store.store import Store
from videoseal.models.roles import Embedder
from videoseal.models.types import Reply, Usage

__all__ = ["spread", "visual_retrieve"]

_KINDS: Final[tuple[TextKind, ...]] = ("clip", "ocr", "speech", "scene")
"""The story is left out: it spans the whole video and points nowhere."""
_DEPTH: Final = 6
"""Candidates read per hit wanted, so that enough are left when neighbours were passed over."""
_CUE_S: Final = 8.0
"""A text of a shorter span is a cue and says when; a longer one is a stretch that holds cues."""
_CROWD: Final = 2
"""Cues in one place: a sign and the words spoken under it, not a whole conversation."""
_ALIKE: Final = 0.8
"""Share of equal letters from which two texts are readings of the same words."""


async def visual_retrieve(
    store: Store,
    embedder: Embedder,
    video_id: str,
    query: str,
    *,
    limit: int = 8,
    min_gap_s: float = 4.0,
) -> Reply[list[Hit]]:
    """The best `limit` texts for a query, thinned where they crowd in time.

    An empty query, or one of punctuation alone, finds nothing. Raises ModelError when the query
    cannot be embedded, EmbeddingMismatch when the index was made with another embedder, and
    DatabaseUnavailable.
    """
    wanted = " ".join(query.split())
    if limit < 1 or not squeeze(wanted):
        return Reply([], Usage())
    vectors, usage = await embedder.query(wanted)
    hits = await asyncio.to_thread(
        store.search,
        video_id,
        wanted,
        vectors,
        embedder.name,
        kinds=_KINDS,
        limit=limit * _DEPTH,
    )
    return Reply(spread(hits, limit, min_gap_s), usage)


def spread(hits: Sequence[Hit], limit: int, min_gap_s: float) -> list[Hit]:
    """The first `limit` of hits that come best first, without repetitions and crowds.

    Passed over are the same words within `min_gap_s` seconds of a better hit, a stretch that a
    better hit lies in, and, as long as others are left, every further cue where two better ones
    are within `min_gap_s`. A stretch that holds the words of a cue inside it gives the cue its
    place, because the cue says when.
    """
    kept: list[Hit] = []
    crowded: list[Hit] = []
    for hit in hits:
        if _takes_over(hit, kept) or any(_repeats(hit, other, min_gap_s) for other in kept):
            continue
        near = [other for other in kept if _is_cue(other) and _gap(hit, other) < min_gap_s]
        (crowded if _is_cue(hit) and len(near) >= _CROWD else kept).append(hit)
    chosen = (kept + crowded)[:limit]
    return sorted(chosen, key=lambda hit: -hit.score)


def _takes_over(cue: Hit, kept: list[Hit]) -> bool:
    """Put a cue in the place of a better stretch that was found by the cue's own words."""
    words = squeeze(cue.text)
    if not (words and _is_cue(cue)):
        return False
    for place, other in enumerate(kept):
        if not _is_cue(other) and _inside(cue, other) and words in squeeze(other.text):
            kept[place] = replace(cue, score=other.score)
            return True
    return False


def _repeats(hit: Hit, better: Hit, min_gap_s: float) -> bool:
    if not _is_cue(hit):
        return _inside(better, hit)
    if not _is_cue(better):
        return False
    return _gap(hit, better) < min_gap_s and _alike(hit.text, better.text)


def _is_cue(hit: Hit) -> bool:
    return hit.span.duration < _CUE_S


def _inside(small: Hit, large: Hit) -> bool:
    """Whether at least half of the first lies in the second."""
    return small.span.overlap(large.span) >= small.span.duration / 2


def _gap(one: Hit, other: Hit) -> float:
    """Seconds between the end of the earlier and the start of the later; negative on overlap."""
    return max(one.span.start, other.span.start) - min(one.span.end, other.span.end)


def _alike(one: str, other: str) -> bool:
    return difflib.SequenceMatcher(None, squeeze(one), squeeze(other)).ratio() >= _ALIKE
