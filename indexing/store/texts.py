"""Units of work, texts and vectors of a video, as statements on one connection."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from psycopg.rows import TupleRow

from videoseal.core.errors import EmbeddingMismatch
from videoseal.core.span import Span
from videoseal.core.text import clean_json, storable
from videoseal.indexing.index_rows import TEXT_KINDS, Data, TextKind, TextRow
from videoseal.indexing.postgres.database import Connection
from videoseal.indexing.search.tokenizer import haystack, latin, terms

if TYPE_CHECKING:
    from videoseal.models.roles import Vectors

__all__ = [
    "counts",
    "drop_stage",
    "drop_vectors",
    "put_unit",
    "put_vectors",
    "replace",
    "select",
    "unembedded",
    "units",
]

_SELECT: Final = """
    SELECT id, kind, ordinal, span_from, span_to, text, maker, data FROM videoseal.texts t
"""
_MOST_STEMMED: Final = 200_000
"""Characters; a tsvector holds at most a megabyte, and only a story of a whole book comes near."""

_UPSERT: Final = """
    INSERT INTO videoseal.texts
        (video_id, kind, ordinal, stage, unit, span_from, span_to, text, maker, data,
         haystack)
    VALUES (%(video)s, %(kind)s, %(ordinal)s, %(stage)s, %(unit)s, %(from)s, %(to)s, %(text)s,
            %(maker)s, %(data)s,
            %(haystack)s || (
                SELECT coalesce(string_agg('~' || lexeme || ' ', ''), '')
                FROM unnest(to_tsvector('english', %(latin)s)) WHERE lexeme <> ALL(%(terms)s)))
    ON CONFLICT (video_id, kind, ordinal) DO UPDATE SET
        stage = excluded.stage, unit = excluded.unit, span_from = excluded.span_from,
        span_to = excluded.span_to, text = excluded.text, maker = excluded.maker,
        data = excluded.data, haystack = excluded.haystack
"""


def units(connection: Connection, video_id: str, stage: str, fingerprint: str) -> dict[int, Data]:
    """Data of the stage's units with this fingerprint, by ordinal."""
    rows = connection.execute(
        """
        SELECT ordinal, data FROM videoseal.units
        WHERE video_id = %s AND stage = %s AND fingerprint = %s ORDER BY ordinal
        """,
        [video_id, stage, storable(fingerprint)],
    )
    return {ordinal: data for ordinal, data in rows}  # noqa: C416  (a row is not a pair to mypy)


def put_unit(
    connection: Connection,
    video_id: str,
    stage: str,
    ordinal: int,
    fingerprint: str,
    data: Data,
    texts: Sequence[TextRow],
) -> None:
    """Upsert the unit, remove the texts that it no longer has, upsert those that it has."""
    connection.execute(
        """
        INSERT INTO videoseal.units (video_id, stage, ordinal, fingerprint, data)
        VALUES (%s, %s, %s, %s, %s)
        ON CONFLICT (video_id, stage, ordinal) DO UPDATE SET
            fingerprint = excluded.fingerprint, data = excluded.data
        """,
        [video_id, stage, ordinal, storable(fingerprint), _json(data)],
    )
    connection.execute(
        """
        DELETE FROM videoseal.texts t
        WHERE video_id = %s AND stage = %s AND unit = %s AND NOT EXISTS (
            SELECT FROM unnest(%s::text[], %s::integer[]) AS kept (kind, ordinal)
            WHERE kept.kind = t.kind AND kept.ordinal = t.ordinal)
        """,
        [video_id, stage, ordinal, [t.kind for t in texts], [t.ordinal for t in texts]],
    )
    _upsert(connection, video_id, texts, stage, ordinal)


def drop_stage(connection: Connection, video_id: str, stage: str) -> None:
    """Delete the stage's units; their texts and vectors follow by cascade."""
    connection.execute(
        "DELETE FROM videoseal.units WHERE video_id = %s AND stage = %s", [video_id, stage]
    )


def replace(connection: Connection, video_id: str, kind: TextKind, rows: Sequence[TextRow]) -> None:
    """Make `rows` the video's only texts of a kind; equal span and wording keep id and vector."""
    known: dict[tuple[float, float, str], list[int]] = defaultdict(list)
    for row in select(connection, video_id, [kind], None):
        known[row.span.start, row.span.end, row.text].append(row.id)
    kept: list[tuple[int, int]] = []
    for row in rows:
        if same := known[row.span.start, row.span.end, storable(row.text)]:
            kept.append((row.ordinal, same.pop(0)))
    # Moved out of the way first, so that no two texts ever hold one ordinal.
    connection.execute(
        "DELETE FROM videoseal.texts WHERE video_id = %s AND kind = %s AND id <> ALL(%s)",
        [video_id, kind, [text_id for _, text_id in kept]],
    )
    connection.execute(
        "UPDATE videoseal.texts SET ordinal = -1 - ordinal WHERE video_id = %s AND kind = %s",
        [video_id, kind],
    )
    with connection.cursor() as cursor:
        cursor.executemany("UPDATE videoseal.texts SET ordinal = %s WHERE id = %s", kept)
    _upsert(connection, video_id, rows)


def select(
    connection: Connection,
    video_id: str,
    kinds: Sequence[TextKind] | None,
    span: Span | None,
) -> list[TextRow]:
    """Texts in order of time; all kinds where `kinds` is None."""
    rows = connection.execute(
        _SELECT
        + """
        WHERE video_id = %(video)s AND kind = ANY(%(kinds)s)
          AND span_from < %(to)s AND span_to > %(from)s
        ORDER BY span_from, span_to, kind, ordinal
        """,
        {
            "video": video_id,
            "kinds": list(TEXT_KINDS if kinds is None else kinds),
            "from": span.start if span else -1.0,
            "to": span.end if span else float("inf"),
        },
    )
    return [_row(row) for row in rows]


def unembedded(connection: Connection, video_id: str, model: str, limit: int) -> list[TextRow]:
    """Texts with a word in them that have no vector of this model."""
    rows = connection.execute(
        _SELECT
        + """
        WHERE video_id = %s AND text ~ '\\S' AND NOT EXISTS (
            SELECT FROM videoseal.vectors v WHERE v.text_id = t.id AND v.model = %s)
        ORDER BY id LIMIT %s
        """,
        [video_id, storable(model), limit],
    )
    return [_row(row) for row in rows]


def put_vectors(connection: Connection, model: str, ids: Sequence[int], vectors: Vectors) -> None:
    """Upsert one vector per text; EmbeddingMismatch where a video has another dimension."""
    if len(ids) != len(vectors):
        raise ValueError(f"{len(ids)} texts, but {len(vectors)} vectors")
    if not len(ids):
        return
    dimension = int(vectors.shape[1])
    other = connection.execute(
        """
        SELECT vector_dims(v.embedding) FROM videoseal.vectors v
        WHERE v.model = %(model)s AND vector_dims(v.embedding) <> %(dimension)s
          AND v.video_id IN (SELECT video_id FROM videoseal.texts WHERE id = ANY(%(ids)s))
        LIMIT 1
        """,
        {"model": storable(model), "dimension": dimension, "ids": list(ids)},
    ).fetchone()
    if other:
        raise EmbeddingMismatch(
            f"{model} gave vectors of {other[0]} numbers before and of {dimension} now",
            hint="run: videoseal index --re-embed <video>",
        )
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO videoseal.vectors (text_id, video_id, kind, model, embedding)
            SELECT id, video_id, kind, %s, %s FROM videoseal.texts WHERE id = %s
            ON CONFLICT (text_id, model) DO UPDATE SET embedding = excluded.embedding
            """,
            [
                (storable(model), np.asarray(vector, dtype=np.float32), int(text_id))
                for text_id, vector in zip(ids, vectors, strict=True)
            ],
        )


def drop_vectors(connection: Connection, video_id: str, model: str | None) -> None:
    """Delete the video's vectors, of one model or of all."""
    connection.execute(
        """
        DELETE FROM videoseal.vectors
        WHERE video_id = %(video)s AND (%(model)s::text IS NULL OR model = %(model)s)
        """,
        {"video": video_id, "model": None if model is None else storable(model)},
    )


def counts(connection: Connection, video_id: str) -> dict[str, int]:
    """Number of texts by kind, of units, and of vectors."""
    rows = connection.execute(
        """
        SELECT kind, count(*) FROM videoseal.texts WHERE video_id = %(video)s GROUP BY kind
        UNION ALL SELECT 'units', count(*) FROM videoseal.units WHERE video_id = %(video)s
        UNION ALL SELECT 'vectors', count(*) FROM videoseal.vectors WHERE video_id = %(video)s
        """,
        {"video": video_id},
    )
    return {**dict.fromkeys(TEXT_KINDS, 0), **dict(rows.fetchall())}


def _upsert(
    connection: Connection,
    video_id: str,
    texts: Iterable[TextRow],
    stage: str | None = None,
    unit: int | None = None,
) -> None:
    common = {"video": video_id, "stage": stage, "unit": unit}
    with connection.cursor() as cursor:
        cursor.executemany(_UPSERT, [{**common, **_values(text)} for text in texts])


def _values(row: TextRow) -> dict[str, Any]:
    text = storable(row.text)
    return {
        "kind": row.kind,
        "ordinal": row.ordinal,
        "from": row.span.start,
        "to": row.span.end,
        "text": text,
        "maker": storable(row.maker),
        "data": _json(row.data),
        "terms": terms(text),
        "haystack": haystack(text),
        "latin": latin(text)[:_MOST_STEMMED],
    }


def _json(data: Data) -> str:
    return json.dumps(clean_json(data, storable), ensure_ascii=False, allow_nan=False)


def _row(row: TupleRow) -> TextRow:
    text_id, kind, ordinal, start, end, text, maker, data = row
    return TextRow(kind, ordinal, Span(start, end), text, maker, data, text_id)
