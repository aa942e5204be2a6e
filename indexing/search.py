"""Search inside one video: by meaning and by words, fused by rank.

Both look at every row of the video, so nothing is missed: a video has a few thousand texts. Words
are weighted by how rare they are in the video (BM25, Robertson and Zaragoza 2009), so that a
number or a name outweighs what every second text holds; Postgres' own ranking knows no rarity.
The two rankings are joined by reciprocal rank (Cormack, Clarke and Buettcher 2009).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from core.errors import EmbeddingMismatch
from core.span import Span
from indexing.database import Connection
from indexing.rows import TEXT_KINDS, Hit, TextKind
from indexing.terms import asked, clean

__all__ = ["find", "fuse"]

_DEPTH: Final = 200
"""How far down each ranking is read; beyond it a rank adds next to nothing."""
_RANK_OFFSET: Final = 20
"""Smaller than the usual 60: two good rankings of one video, not many of a web."""

_MEANS: Final = """
    SELECT to_regprocedure('word_similarity(text, text)') IS NOT NULL,
           (SELECT vector_dims(embedding) FROM videoseal.vectors
            WHERE video_id = %(video)s AND model = %(model)s LIMIT 1),
           (SELECT model FROM videoseal.vectors
            WHERE video_id = %(video)s AND model <> %(model)s LIMIT 1)
"""

_BY_MEANING: Final = """
    SELECT v.text_id, rank() OVER (ORDER BY v.embedding <=> %(vector)s)
    FROM videoseal.vectors v JOIN videoseal.texts t ON t.id = v.text_id
    WHERE v.video_id = %(video)s AND v.model = %(model)s AND t.kind = ANY(%(kinds)s)
    ORDER BY v.embedding <=> %(vector)s, v.text_id LIMIT %(depth)s
"""

_BY_WORDS: Final = """
    WITH asked AS (
        SELECT term, infix, fuzzy, numnode(plainto_tsquery('english', term)) = 0 AS stop,
               ('''' || term || '''')::tsquery || plainto_tsquery('english', term) AS query
        FROM unnest(%(terms)s::text[], %(infixes)s::text[], %(fuzzy)s::boolean[])
             AS given (term, infix, fuzzy)
    ), wanted AS (
        SELECT * FROM asked WHERE NOT stop OR NOT EXISTS (SELECT FROM asked WHERE NOT stop)
    ), every AS MATERIALIZED (
        SELECT id, words, squeezed, text, count(*) OVER () AS total,
               0.25 + 0.75 * length(words) / greatest(avg(length(words)) OVER (), 1)::float8 AS bulk
        FROM videoseal.texts WHERE video_id = %(video)s AND kind = ANY(%(kinds)s)
    ), exact AS (
        SELECT term, id, bulk, total,
               CASE WHEN words @@ query THEN 1 ELSE 0.5 END::float8 AS strength
        FROM every JOIN wanted ON words @@ query OR squeezed LIKE infix
    ), found AS (
        SELECT * FROM exact {similar}
    ), rarity AS (
        SELECT term, ln(1 + (max(total) - count(*) + 0.5) / (count(*) + 0.5))::float8 AS weight
        FROM found GROUP BY term
    )
    SELECT id, rank() OVER (ORDER BY sum(weight * strength * 2.2 / (1 + 1.2 * bulk)) DESC)
    FROM found JOIN rarity USING (term)
    GROUP BY id ORDER BY 2, id LIMIT %(depth)s
"""

_SIMILAR: Final = """
        UNION ALL
        SELECT term, id, bulk, total, 0.5 * word_similarity(term, text)
        FROM every JOIN wanted ON word_similarity(term, text) >= 0.5
        WHERE fuzzy AND term NOT IN (SELECT term FROM exact)
"""


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
            rankings.append(dict(ranks.fetchall()))
    return _hits(connection, fuse(rankings)[:limit])


def fuse(rankings: Sequence[dict[int, int]]) -> list[tuple[int, float]]:
    """Join rankings (id to rank, the best is 1) by reciprocal rank; best first, ties by id."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for text_id, rank in ranking.items():
            scores[text_id] = scores.get(text_id, 0.0) + 1 / (_RANK_OFFSET + rank)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


def _by_words(
    connection: Connection, query: str, common: dict[str, object], trigrams: bool
) -> dict[int, int]:
    wanted = asked(clean(query))
    if not wanted:
        return {}
    terms, infixes, fuzzy = (list(column) for column in zip(*wanted, strict=True))
    statement = _BY_WORDS.format(similar=_SIMILAR if trigrams else "")
    values = {**common, "terms": terms, "infixes": infixes, "fuzzy": fuzzy}
    return dict(connection.execute(statement, values).fetchall())


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
