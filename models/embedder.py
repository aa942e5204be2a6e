"""The embedder at an endpoint."""

from __future__ import annotations

import asyncio
import base64
import logging
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import openai
from pydantic import BaseModel, ValidationError, field_validator

from videoseal.core.errors import (
    EmbeddingMismatch,
    ModelError,
    ModelRejected,
    ModelUnavailable,
)
from videoseal.core.settings import Endpoint, Settings
from videoseal.core.text import clean_text
from videoseal.models.limits.learned import learned_of
from videoseal.models.limits.purse import held_for
from videoseal.models.limits.refusals import lengths, numbers_of, too_long
from videoseal.models.request_policy import RequestPolicy
from videoseal.models.roles import Vectors
from videoseal.models.types import Reply, Usage

__all__ = ["BATCH", "HttpEmbedder"]

log = logging.getLogger(__name__)

BATCH: Final = 64
"""Texts in one request; servers commonly allow at least so many."""
_LONG: Final = 1500
"""Characters that windows of 512 tokens may not hold."""


class _Vector(BaseModel):
    index: int | None = None
    """None where the server numbers none, and the order counts."""
    embedding: list[float]

    @field_validator("embedding", mode="before")
    @classmethod
    def _from_base64(cls, value: Any) -> Any:
        """Some servers send base64 whatever is asked for: four bytes a number."""
        if not isinstance(value, str):
            return value
        return np.frombuffer(base64.b64decode(value, validate=True), "<f4").tolist()


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
        self._learned = learned_of(endpoint, settings.data_dir)
        self._max_dollars = settings.max_dollars
        self._shortened = 0
        self._alone = False
        """Whether a text goes by itself, because its server takes no lists."""
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
        first = 0
        while first < len(texts):
            reply = await self._embed(texts[first : first + (self._learned.texts or BATCH)])
            parts.append(reply.value)
            usage = usage.plus(reply.usage)
            first += len(reply.value)
        empty = np.empty((0, self._dimension), np.float32)
        vectors = np.concatenate([empty, *parts])
        return Reply(vectors, usage._replace(seconds=time.perf_counter() - started))

    async def query(self, text: str) -> Reply[Vectors]:
        """Embed one search query, shape (1, dimension); raises as `passages` does."""
        return await self.passages([text])

    async def _embed(self, texts: list[str]) -> Reply[Vectors]:
        """Vectors of these texts, or of as many from the first as the server takes."""
        # Endpoints refuse empty texts; a space is embedded by all.
        wanted = [clean_text(text) or " " for text in texts]
        while True:
            try:
                response = await self._paid(wanted)
            except (ModelRejected, ModelUnavailable) as refused:
                if too_long(refused):
                    wanted = self._shorter(wanted, refused)
                elif not self._alone and _ALONE_WORDS.search(refused.said):
                    self._alone, self._learned.texts, wanted = True, 1, wanted[:1]
                elif (fewer := _fewer(refused, len(wanted))) is not None:
                    self._learned.texts, wanted = fewer, wanted[:fewer]
                else:
                    raise
                if not wanted:
                    raise
            else:
                break
        vectors = self._unit(self._matrix(response, len(wanted)))
        usage = response.get("usage") or {}
        return Reply(vectors, Usage(calls=1, prompt_tokens=usage.get("prompt_tokens") or 0))

    async def _paid(self, wanted: list[str]) -> Any:
        read = (self._policy.endpoint.price or (0.0, 0.0))[0] / 1_000_000
        most = sum(len(text.encode()) for text in wanted) / 3 * read
        with held_for(self._max_dollars, most) as cost:
            response = await self._request(wanted)
            used = response.get("usage") if isinstance(response, dict) else None
            counted = (used or {}).get("prompt_tokens") or 0
            cost.append(counted * read or most)
        return response

    async def _request(self, wanted: list[str]) -> Any:
        """The body of a reply. Not by the client's own method, which would ask for base64."""
        given = wanted[0] if self._alone else wanted
        whole = {"model": self.name, "input": given, "encoding_format": "float"}
        without: set[str] = set()
        while True:
            more = {**whole, **self._policy.endpoint.extra_body}
            sent = self._learned.fitted(more, without)
            try:
                body = await self._policy.call(partial(self._post, sent))
            except ModelRejected as refused:
                lesson = self._learned.lesson(refused, sent)[0] - without
                if not lesson:
                    raise
                without |= lesson
            else:
                self._learned.remember(without, None, sent, self._policy.place)
                return body

    async def _post(self, sent: dict[str, Any]) -> Any:
        return await self._client.post("/embeddings", body=sent, cast_to=object)

    def _shorter(self, wanted: list[str], refused: ModelError) -> list[str]:
        """Fewer texts, or those without their end that stand out by their length; else none."""
        sizes = sorted(map(len, wanted))
        if len(wanted) > 1 and sizes[-1] < 2 * sizes[len(sizes) // 2] and sizes[-1] < _LONG:
            return wanted[: len(wanted) // 2]
        told = lengths(refused.said)
        share = min(told.allowed / told.needed, 0.9) if told and told.needed else 0.5
        most = int(sizes[-1] * share * 0.9)
        self._shortened += 1
        if self._shortened in (1, 10, 100, 1000):
            log.warning("%d texts were too long for %s: only their start is found by meaning",
                        self._shortened, self._policy.place)  # fmt: skip
        return [text[:most] for text in wanted] if most else []

    def _matrix(self, response: Any, count: int) -> npt.NDArray[np.float64]:
        """The vectors in the order of the texts, all of the one dimension."""
        try:
            items = _Table.model_validate(response).data
        except ValidationError:
            raise self._policy.bad_reply("it holds no list of numbered vectors") from None
        if len(items) != count:
            raise self._policy.bad_reply(f"{len(items)} vectors for {count} texts")
        if any(item.index is not None for item in items):
            items.sort(key=lambda item: -1 if item.index is None else item.index)
        if [item.index for item in items] not in ([None] * count, list(range(count))):
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


def _fewer(refused: ModelError, count: int) -> int | None:
    """How many texts to send after a refusal of so many; None where their number is no fault."""
    if count < 2 or refused.status not in (400, 413, 422):
        return None
    if refused.status != 413 and not _BATCH_WORDS.search(refused.said):
        return None
    named = [number for number in numbers_of(refused.said) if 1 <= number < count]
    return max(named, default=count // 2)


_ALONE_WORDS: Final = re.compile(
    r"(?:must be|should be|expected|valid|only).{0,20}\b(?:string|str)\b", re.I
)
_BATCH_WORDS: Final = re.compile(
    r"batch|too many|inputs?\b.*(?:most|max|limit|larger|exceed)", re.I
)
