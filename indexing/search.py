"""Search inside one video: by meaning and by words, fused by rank.

Both look at every row of the video, so nothing is missed: a video has a few thousand texts. Words
are weighted by how rare they are in the video (BM25, Robertson and Zaragoza 2009), so that a
number or a name outweighs what every second text holds; Postgres' own ranking knows no rarity.
The two rankings are joined by reciprocal rank (Cormack, Clarke and Buettcher 2009), that of the
words counting for as much as they cover of the query: one common word of eight proves little.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from psycopg.types.json import Jsonb

from core.errors import EmbeddingMismatch
from core.span import Span
from indexing.database import Connection
from indexing.rows import TEXT_KINDS, Hit, TextKind
from indexing.terms import asked, clean

__all__ = ["Place", "Ranking", "find", "fuse"]

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

_MEANS: Final = """
    SELECT to_regprocedure('word_similarity(text, text)') IS NOT NULL,
           (SELECT vector_dims(embedding) FROM videoseal.vectors
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

_BY_WORDS: Final = """
    WITH asked AS (
        SELECT term, infix, pieces, numnode(plainto_tsquery('english', term)) = 0 AS stop,
               quote_literal(term)::tsquery || plainto_tsquery('english', term) AS query
        FROM jsonb_to_recordset(%(asked)s) AS given (term text, infix text, pieces text[])
    ), wanted AS MATERIALIZED (
        SELECT * FROM asked WHERE NOT stop OR NOT EXISTS (SELECT FROM asked WHERE NOT stop)
    ), every AS MATERIALIZED (
        SELECT id, words, squeezed, text, count(*) OVER () AS total,
               0.25 + 0.75 * length(words) / greatest(avg(length(words)) OVER (), 1)::float8 AS bulk
        FROM videoseal.texts WHERE video_id = %(video)s AND kind = ANY(%(kinds)s)
    ), exact AS (
        SELECT term, id, bulk, total,
               CASE WHEN words @@ query THEN 1 ELSE 0.7 END::float8 AS strength
        FROM every JOIN wanted ON words @@ query OR squeezed LIKE infix
    ), found AS (
        SELECT * FROM exact {similar}
    ), rarity AS (
        SELECT term, ln(1 + (max(total) - count(*) + 0.5) / (count(*) + 0.5))::float8 AS weight
        FROM found GROUP BY term
    ), best AS (
        SELECT sum(coalesce(weight, ln(2 + 2 * (SELECT count(*) FROM every))))::float8 AS possible
        FROM wanted LEFT JOIN rarity USING (term)
    ), scored AS (
        SELECT id, sum(weight * strength * 2.2 / (1 + 1.2 * bulk)) AS score
        FROM found JOIN rarity USING (term) GROUP BY id
    )
    SELECT id, rank() OVER (ORDER BY score DESC), least(score / possible, 1)
    FROM scored, best ORDER BY score DESC, id LIMIT %(depth)s
"""

_SIMILAR: Final = """
        UNION ALL
        SELECT term, id, bulk, total, 0.7 * word_similarity(term, text)
        FROM every JOIN wanted
          ON CASE WHEN squeezed LIKE ANY(pieces) THEN word_similarity(term, text) >= 0.5 END
        WHERE term NOT IN (SELECT term FROM exact)
"""
"""For words that stand nowhere as they were asked. `pieces` keeps the slow comparison rare; only
CASE promises that it is looked at first."""


def find(
    connection: Connection,
    video_id: str,
    query: str,
    vector: npt.NDArray[np.float32] | None,
    model: str,
    kinds: Sequence[TextKind] | None,
    limit: int,
) -> list[Hit]:
    """The best texts of a video, best first; EmbeddingMismatch where only other vectors exist."""
    common = {
        "video": video_id,
        "model": clean(model),
        "kinds": list(TEXT_KINDS if kinds is None else kinds),
        "depth": max(_DEPTH, limit),
    }
    row = connection.execute(_MEANS, common).fetchone()
    assert row is not None
    trigrams, dimension, other = row
    rankings = [_by_words(connection, query, common, trigrams)]
    if vector is not None and (wanted := _unit(vector)) is not None:
        _check(video_id, model, len(wanted), dimension, other)
        if dimension is not None:
            ranks = connection.execute(_BY_MEANING, {**common, "vector": wanted})
            rankings.append({text_id: Place(rank) for text_id, rank in ranks})
    return _hits(connection, fuse(rankings)[:limit])


def fuse(rankings: Sequence[Ranking]) -> list[tuple[int, float]]:
    """Join rankings of text ids by reciprocal rank; best first, ties by id."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for text_id, (rank, trust) in ranking.items():
            scores[text_id] = scores.get(text_id, 0.0) + trust / (_RANK_OFFSET + rank)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


def _by_words(
    connection: Connection, query: str, common: dict[str, object], trigrams: bool
) -> Ranking:
    wanted = asked(clean(query))
    if not wanted:
        return {}
    statement = _BY_WORDS.format(similar=_SIMILAR if trigrams else "")
    values = {**common, "asked": Jsonb([term._asdict() for term in wanted])}
    rows = connection.execute(statement, values)
    return {text_id: Place(rank, covered) for text_id, rank, covered in rows}


def _unit(vector: npt.NDArray[np.float32]) -> npt.NDArray[np.float32] | None:
    """The vector as one dimension; None where it points nowhere."""
    flat = np.asarray(vector, dtype=np.float32).reshape(-1)
    return flat if np.isfinite(flat).all() and flat.any() else None


def _check(video_id: str, model: str, asked_for: int, dimension: int | None, other: str) -> None:
    if dimension is None and other is not None:
        problem = f"video {video_id} has vectors of {other}, none of {model}"
    elif dimension is not None and dimension != asked_for:
        problem = f"video {video_id} has {dimension} numbers a vector, {model} gives {asked_for}"
    else:
        return
    raise EmbeddingMismatch(problem, hint="run: videoseal index --re-embed <video>")


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
