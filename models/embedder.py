"""The embedder at an endpoint."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import openai
from pydantic import BaseModel, ValidationError

from videoseal.core.errors import EmbeddingMismatch
from videoseal.core.settings import Endpoint, Settings
from videoseal.core.text import clean_text
from videoseal.models.request_policy import RequestPolicy
from videoseal.models.roles import Vectors
from videoseal.models.types import Reply, Usage

__all__ = ["BATCH", "HttpEmbedder"]

BATCH: Final = 64
"""Texts in one request; servers commonly allow at least so many."""


class _Vector(BaseModel):
    index: int
    embedding: list[float]


class _Table(BaseModel):
    data: list[_Vector]


class HttpEmbedder:
    """Vectors from an OpenAI-compatible `/embeddings`, sent as text and never as token ids.

    Queries and passages are sent alike: a model that wants an instruction before one of them is
    best served by a server that adds it. The OpenAI client is used directly because langchain's
    wrapper drops the token counts.
    """

    def __init__(self, settings: Settings, endpoint: Endpoint) -> None:
        self._policy = RequestPolicy.of(settings, endpoint, "embedder")
        self._client = openai.AsyncOpenAI(
            api_key=endpoint.api_key.get_secret_value(),
            http_client=self._policy.http_client,
            **self._policy.client_options,
        )
        self.name = endpoint.model
        self._dimension = 0
        self._learning = threading.Lock()

    @property
    def dimension(self) -> int:
        """Length of a vector; asks the endpoint, and waits for it, if no call was made yet."""
        with self._learning:
            if not self._dimension:
                # A thread of its own, because the caller's may already run an event loop.
                with ThreadPoolExecutor(1) as thread:
                    thread.submit(asyncio.run, self.query("dimension")).result()
        return self._dimension

    async def passages(self, texts: list[str]) -> Reply[Vectors]:
        """Embed stored texts, shape (len(texts), dimension); raises ModelError.

        EmbeddingMismatch when the endpoint's dimension is not what it was before.
        """
        started = time.perf_counter()
        usage = Usage()
        parts: list[Vectors] = []
        for first in range(0, len(texts), BATCH):
            reply = await self._embed(texts[first : first + BATCH])
            parts.append(reply.value)
            usage = usage.plus(reply.usage)
        empty = np.empty((0, self._dimension), np.float32)
        vectors = np.concatenate([empty, *parts])
        return Reply(vectors, usage._replace(seconds=time.perf_counter() - started))

    async def query(self, text: str) -> Reply[Vectors]:
        """Embed one search query, shape (1, dimension); raises as `passages` does."""
        return await self.passages([text])

    async def _embed(self, texts: list[str]) -> Reply[Vectors]:
        # Endpoints refuse empty texts; a space is embedded by all.
        wanted = [clean_text(text) or " " for text in texts]
        response = await self._policy.call(
            lambda: self._client.embeddings.create(
                model=self.name, input=wanted, encoding_format="float"
            )
        )
        vectors = self._unit(self._matrix(response, len(wanted)))
        tokens = getattr(getattr(response, "usage", None), "prompt_tokens", None) or 0
        return Reply(vectors, Usage(calls=1, prompt_tokens=tokens))

    def _matrix(self, response: Any, count: int) -> npt.NDArray[np.float64]:
        """The vectors in the order of the texts, all of the one dimension."""
        try:
            items = _Table.model_validate(response, from_attributes=True).data
        except ValidationError:
            raise self._policy.bad_reply("it holds no list of numbered vectors") from None
        if len(items) != count:
            raise self._policy.bad_reply(f"{len(items)} vectors for {count} texts")
        items.sort(key=lambda item: item.index)
        if [item.index for item in items] != list(range(count)):
            raise self._policy.bad_reply("its vectors are not numbered as the texts are")
        if len({len(item.embedding) for item in items}) != 1 or not items[0].embedding:
            raise self._policy.bad_reply("its vectors are empty or differ in length")
        matrix = np.array([item.embedding for item in items], np.float64)
        self._learn(matrix.shape[1])
        return matrix

    def _learn(self, dimension: int) -> None:
        if self._dimension and self._dimension != dimension:
            raise EmbeddingMismatch(
                f"the embedder {self.name} now gives {dimension} numbers a text, "
                f"before it gave {self._dimension}",
                hint=f"did {self._policy.setting('MODEL')} change at the server? index again",
            )
        self._dimension = dimension

    def _unit(self, matrix: npt.NDArray[np.float64]) -> Vectors:
        lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or not lengths.all():
            raise self._policy.bad_reply("a vector is zero or not finite")
        unit: Vectors = (matrix / lengths).astype(np.float32)
        return unit
