"""Vectors for the texts of a video, batch by batch, each batch kept at once."""

from __future__ import annotations

import asyncio
from typing import Final

from videoseal.indexing.progress import Progress, ProgressFn
from videoseal.indexing.store.store import Store
from videoseal.models.roles import Embedder

__all__ = ["embed_texts"]

_BATCH: Final = 32
_STAGE: Final = "embed"
_ALL: Final = 1_000_000


async def embed_texts(
    store: Store, video_id: str, embedder: Embedder, progress: ProgressFn, *, again: bool = False
) -> None:
    """Give every text that has none a vector; `again` gives all of them new ones.

    Vectors of other models go once all are there. Raises ModelError, EmbeddingMismatch.
    """
    name = embedder.name
    # Which models left vectors is noted before the first one is stored, for a run that is killed.
    noted = await asyncio.to_thread(store.units, video_id, _STAGE, _STAGE)
    others = [model for model in noted.get(0, {}).get("models", []) if model != name]
    if again:
        await asyncio.to_thread(store.drop_vectors, video_id, name)
    await _note(store, video_id, [*others, name])
    waiting = await asyncio.to_thread(store.unembedded, video_id, name, _ALL)
    for first in range(0, len(waiting), _BATCH):
        progress(Progress("embed", first, len(waiting), "texts"))
        batch = waiting[first : first + _BATCH]
        reply = await embedder.passages([row.text for row in batch])
        ids = [row.id for row in batch]
        await asyncio.to_thread(store.put_vectors, name, ids, reply.value)
    progress(Progress("embed", len(waiting), len(waiting), "texts"))
    for model in others:
        await asyncio.to_thread(store.drop_vectors, video_id, model)
    await _note(store, video_id, [name])


async def _note(store: Store, video_id: str, models: list[str]) -> None:
    await asyncio.to_thread(store.put_unit, video_id, _STAGE, 0, _STAGE, {"models": models})
