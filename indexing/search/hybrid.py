"""Search inside one video: by meaning and by words, fused by rank.

Both look at every text of the video, so nothing is missed: a video has a few thousand. The two
rankings are joined by reciprocal rank (Cormack, Clarke and Buettcher 2009), that of the words
counting for as much as they cover of the query: one common word of eight proves little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from videoseal.core.errors import EmbeddingMismatch
from videoseal.core.span import Span
from videoseal.core.text import storable
from videoseal.indexing.index_rows import TEXT_KINDS, Hit, TextKind
from videoseal.indexing.postgres.database import Connection, DatabaseUser, transaction
from videoseal.indexing.search.bm25 import rank_words
from videoseal.indexing.search.tokenizer import QueryTerms, asked

__all__ = ["HybridSearch", "Place", "Ranking", "fuse"]

_DEPTH: Final = 200
"""How far down each ranking is read; beyond it a rank adds next to nothing."""
_RANK_OFFSET: Final = 20
"""Smaller than the usual 60: two good rankings of one video, not many of a web."""


class Place(NamedTuple):
    """Where a text stands in one ranking."""

    rank: int
    """1 for the best; equal for texts that match equally well."""
    trust: float = 1.0
    """How much this ranking's word counts for this text, in [0, 1]."""


Ranking: TypeAlias = dict[int, Place]

_VECTORS: Final = """
    SELECT (SELECT vector_dims(embedding) FROM videoseal.vectors
            WHERE video_id = %(video)s AND model = %(model)s LIMIT 1),
           (SELECT model FROM videoseal.vectors
            WHERE video_id = %(video)s AND model <> %(model)s LIMIT 1)
"""

_BY_MEANING: Final = """
    SELECT text_id, rank() OVER (ORDER BY distance) FROM (
        SELECT text_id, embedding <=> %(vector)s AS distance FROM videoseal.vectors
        WHERE video_id = %(video)s AND model = %(model)s AND kind = ANY(%(kinds)s)
        ORDER BY distance, text_id LIMIT %(depth)s
    ) AS nearest
"""

_STEMS: Final = """
    SELECT term, (tsvector_to_array(to_tsvector('english', term)))[1]
    FROM unnest(%(terms)s::text[]) AS asked (term)
"""
"""Null for a word of mere grammar."""

_HAYSTACK: Final = """
    SELECT array_agg(id), string_agg(haystack, E'\\n')
    FROM videoseal.texts WHERE video_id = %(video)s AND kind = ANY(%(kinds)s)
"""


class HybridSearch(DatabaseUser):
    """Search in the texts of one video."""

    @transaction
    def search(
        self,
        connection: Connection,
        video_id: str,
        query: str,
        vector: npt.NDArray[np.float32] | None,
        model: str,
        *,
        kinds: Sequence[TextKind] | None = None,
        limit: int = 30,
    ) -> list[Hit]:
        """The texts of a video that best match the query, best first; exact, never approximate.

        `vector` is the query's embedding, shape (dimension,) or (1, dimension), or None for words
        alone. Raises EmbeddingMismatch when the video has vectors, but none of this model or
        dimension.
        """
        common = {
            "video": video_id,
            "model": storable(model),
            "kinds": list(TEXT_KINDS if kinds is None else kinds),
            "depth": max(_DEPTH, limit),
        }
        rankings = [_by_words(connection, asked(storable(query)), common)]
        if vector is not None and (wanted := _unit(vector)) is not None:
            rankings.append(_by_meaning(connection, wanted, common))
        return _hits(connection, fuse(rankings)[:limit])


def fuse(rankings: Sequence[Ranking]) -> list[tuple[int, float]]:
    """Join rankings of text ids by reciprocal rank; best first, ties by id."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for text_id, (rank, trust) in ranking.items():
            scores[text_id] = scores.get(text_id, 0.0) + trust / (_RANK_OFFSET + rank)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


def _by_words(
    connection: Connection, wanted: Sequence[QueryTerms], common: Mapping[str, object]
) -> Ranking:
    terms = [item.term for item in wanted]
    stems: dict[str, str | None] = dict(connection.execute(_STEMS, {"terms": terms}).fetchall())
    # Words of grammar count only where nothing else is asked for.
    weighty = [item._replace(stem=stem) for item in wanted if (stem := stems[item.term])]
    row = connection.execute(_HAYSTACK, common).fetchone()
    if row is None or row[0] is None or not wanted:
        return {}
    ids, haystack = row
    covered = rank_words(haystack, weighty or wanted)
    best = sorted(covered, key=lambda line: (-covered[line].score, ids[line]))[:_DEPTH]
    # Equal scores share a rank, so that the other ranking decides between them.
    rank: dict[float, int] = {}
    for place, line in enumerate(best, 1):
        rank.setdefault(covered[line].score, place)
    return {ids[line]: Place(rank[covered[line].score], covered[line].share) for line in best}


def _by_meaning(
    connection: Connection, vector: npt.NDArray[np.float32], common: Mapping[str, object]
) -> Ranking:
    row = connection.execute(_VECTORS, common).fetchone()
    assert row is not None
    dimension, other = row
    if dimension == len(vector):
        ranks = connection.execute(_BY_MEANING, {**common, "vector": vector})
        return {text_id: Place(rank) for text_id, rank in ranks}
    video, model = common["video"], common["model"]
    if dimension is not None:
        has = f"the vectors of video {video} have {dimension} numbers, {model} gives {len(vector)}"
    elif other is not None:
        has = f"video {video} has vectors of {other}, none of {model}"
    else:
        return {}
    raise EmbeddingMismatch(has, hint="run: videoseal index --re-embed <video>")


def _unit(vector: npt.NDArray[np.float32]) -> npt.NDArray[np.float32] | None:
    """The vector as one dimension; None where it points nowhere."""
    flat = np.asarray(vector, dtype=np.float32).reshape(-1)
    return flat if np.isfinite(flat).all() and flat.any() else None


def _hits(connection: Connection, ranked: list[tuple[int, float]]) -> list[Hit]:
    rows = connection.execute(
        "SELECT id, kind, span_from, span_to, text, data FROM videoseal.texts WHERE id = ANY(%s)",
        [[text_id for text_id, _ in ranked]],
    )
    scores = dict(ranked)
    hits = [
        Hit(text_id, kind, Span(start, end), text, scores[text_id], data)
        for text_id, kind, start, end, text, data in rows
    ]
    return sorted(hits, key=lambda hit: (-hit.score, hit.text_id))
