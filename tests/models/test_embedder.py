"""The embedder at an endpoint."""

from __future__ import annotations

import numpy as np
import pytest

from videoseal.core.errors import EmbeddingMismatch, ModelReplyError, ModelUnavailable
from videoseal.models.embedder import BATCH, HttpEmbedder


def vectors(**faults):
    """A scripted reply with vectors."""
    return {"kind": "embeddings", **faults}


@pytest.fixture
def embedder(lane, settings):
    """An embedder at the lane."""
    return HttpEmbedder(settings, lane.endpoint)


async def test_texts_become_unit_vectors(lane, embedder):
    """One row a text, of length one, as float32, at the cost that the server names."""
    lane.script(vectors())
    found, usage = await embedder.passages(["a", "bcd", ""])
    assert (found.shape, found.dtype) == ((3, 8), np.float32)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1)
    assert found[1, 0] > found[0, 0]
    assert usage._replace(seconds=0) == (1, 15, 0, 0, 0)
    body = lane.seen()[0]["body"]
    assert (body["input"], body["encoding_format"]) == (["a", "bcd", " "], "float")
    assert embedder.name == "test-model"


async def test_many_texts_go_in_batches(lane, embedder):
    """Order holds across batches, and usage is their sum."""
    lane.script(vectors())
    texts = ["x" * (number % 50) for number in range(2 * BATCH + 1)]
    found, usage = await embedder.passages(texts)
    assert usage.calls == 3
    assert [len(seen["body"]["input"]) for seen in lane.seen()] == [BATCH, BATCH, 1]
    one = (await embedder.query(texts[70])).value
    assert found[70] == pytest.approx(one[0])


async def test_vectors_are_put_in_the_order_of_the_texts(lane, embedder):
    """The numbers in the reply count, not its order."""
    lane.script(vectors(), vectors(reverse=True))
    straight = (await embedder.passages(["a", "bc", "def"])).value
    assert (await embedder.passages(["a", "bc", "def"])).value == pytest.approx(straight)


async def test_no_texts_cost_nothing(lane, embedder):
    """An empty list is an empty table and no request."""
    lane.script(vectors())
    reply = await embedder.passages([])
    assert (len(reply.value), reply.usage.calls, lane.seen()) == (0, 0, [])


@pytest.mark.parametrize(
    "reply",
    [
        vectors(count=1),
        vectors(count=0),
        vectors(value="nan"),
        vectors(value="null"),
        vectors(value="text"),
        vectors(zero=True),
        vectors(ragged=True),
        vectors(same_index=True),
        vectors(dimension=0),
        {"kind": "raw", "body": "{}"},
        {"kind": "raw", "body": '{"data": [1, 2]}'},
        {"kind": "raw", "body": '{"data": [{"index": "a"}, {"index": 1}]}'},
        {"kind": "raw", "body": '{"data": [{"emb'},
        {"kind": "raw", "body": "<html>", "content_type": "text/html"},
    ],
)
async def test_vectors_that_cannot_be_used_are_an_error(lane, embedder, reply):
    """Wrong counts, numbers that are none, and replies that are none never reach the index."""
    lane.script(reply)
    with pytest.raises(ModelReplyError, match="unusable reply"):
        await embedder.passages(["a", "b"])


async def test_a_changed_dimension_is_a_mismatch(lane, embedder):
    """Vectors of another length are another model's."""
    lane.script(vectors(dimension=8), vectors(dimension=16))
    await embedder.query("a")
    with pytest.raises(EmbeddingMismatch, match="now gives 16 numbers a text, before it gave 8"):
        await embedder.query("a")
    assert embedder.dimension == 8


async def test_the_dimension_is_asked_for_once(lane, embedder):
    """Also from inside a running event loop, and only if no call told it."""
    lane.script(vectors(dimension=12))
    assert embedder.dimension == embedder.dimension == 12
    await embedder.query("a")
    assert len(lane.seen()) == 2


async def test_passing_faults_are_tried_again(lane, embedder, settings):
    """The same retries as for every role, and the same errors."""
    lane.script(lane.status(500), {"kind": "reset"}, vectors())
    assert (await embedder.query("a")).value.shape == (1, 8)
    lane.script(lane.status(500))
    hasty = HttpEmbedder(settings.model_copy(update={"max_retries": 0}), lane.endpoint)
    with pytest.raises(ModelUnavailable) as caught:
        await hasty.query("a")
    assert caught.value.role == "embedder"
