"""The index of one video as a retriever of LangChain."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from anyio.from_thread import start_blocking_portal
from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import Field

from videoseal.indexing.index_rows import Hit, TextKind

__all__ = ["VideoRetriever"]


class VideoRetriever(BaseRetriever):
    """Finds texts of a video by meaning and by words, each a document with its span.

    Metadata: `video_id`, `kind`, `start` and `end` in seconds, `score`. Raises ModelError where
    the query cannot be embedded, EmbeddingMismatch for vectors of another embedder.
    """

    store: Any = Field(exclude=True)
    """The index."""
    embedder: Any = Field(exclude=True)
    """The one that the video was indexed with."""
    video_id: str
    k: int = Field(default=8, ge=1)
    """How many documents are found at most."""
    kinds: Sequence[TextKind] | None = None
    """Of which kinds; None is all."""

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, k: int | None = None
    ) -> list[Document]:
        # A notebook's loop may be running in this thread.
        with start_blocking_portal() as portal:
            return portal.call(self._found, query, k or self.k)

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, k: int | None = None
    ) -> list[Document]:
        return await self._found(query, k or self.k)

    async def _found(self, query: str, k: int) -> list[Document]:
        vector, _ = await self.embedder.query(query)
        hits: list[Hit] = await asyncio.to_thread(
            self.store.search,
            self.video_id,
            query,
            vector,
            self.embedder.name,
            kinds=self.kinds,
            limit=k,
        )
        return [self._document(hit) for hit in hits]

    def _document(self, hit: Hit) -> Document:
        told = {"video_id": self.video_id, "kind": hit.kind, "score": hit.score}
        span = {"start": hit.span.start, "end": hit.span.end}
        return Document(id=str(hit.text_id), page_content=hit.text, metadata={**told, **span})
