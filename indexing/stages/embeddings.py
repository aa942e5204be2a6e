"""Vectors for the texts of a video, batch by batch, each batch kept at once."""

from __future__ import annotations

import asyncio
from typing import Final

from videoseal.indexing.job import IndexingJob

__all__ = ["embed_texts"]

_BATCH: Final = 32
_STAGE: Final = "embed"
_ALL: Final = 1_000_000


async def embed_texts(job: IndexingJob, *, again: bool = False) -> None:
    """Give every text that has none a vector; `again` gives all of them new ones.

    Vectors of other models go once all are there. Raises ModelError, EmbeddingMismatch.
    """
    store, video, embedder = job.store, job.video_id, job.models.embedder
    # Which models left vectors is noted before the first one is stored, for a run that is killed.
    noted = await asyncio.to_thread(store.units, video, _STAGE, _STAGE)
    others = [model for model in noted.get(0, {}).get("models", []) if model != embedder.name]
    if again:
        await asyncio.to_thread(store.drop_vectors, video, embedder.name)
    await job.keep(_STAGE, 0, _STAGE, {"models": [*others, embedder.name]})
    waiting = await asyncio.to_thread(store.unembedded, video, embedder.name, _ALL)
    for first in range(0, len(waiting), _BATCH):
        job.report(_STAGE, first, len(waiting), "texts")
        batch = waiting[first : first + _BATCH]
        reply = await embedder.passages([row.text for row in batch])
        ids = [row.id for row in batch]
        await asyncio.to_thread(store.put_vectors, embedder.name, ids, reply.value)
    job.report(_STAGE, len(waiting), len(waiting), "texts")
    for model in others:
        await asyncio.to_thread(store.drop_vectors, video, model)
    await job.keep(_STAGE, 0, _STAGE, {"models": [embedder.name]})
