"""Units of work, texts and vectors of a video."""

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
from videoseal.indexing.postgres.database import Connection, DatabaseUser, transaction
from videoseal.indexing.search.tokenizer import haystack, latin, terms

if TYPE_CHECKING:
    from videoseal.models.roles import Vectors

__all__ = ["StoredTexts"]

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


class StoredTexts(DatabaseUser):
    """Units of work, texts and vectors of the videos."""

    @transaction
    def units(
        self, connection: Connection, video_id: str, stage: str, fingerprint: str
    ) -> dict[int, Data]:
        """What was kept of a stage under this fingerprint, by ordinal."""
        rows = connection.execute(
            """
            SELECT ordinal, data FROM videoseal.units
            WHERE video_id = %s AND stage = %s AND fingerprint = %s ORDER BY ordinal
            """,
            [video_id, stage, storable(fingerprint)],
        )
        return {ordinal: data for ordinal, data in rows}  # noqa: C416  (a row is not a pair to mypy)

    @transaction
    def put_unit(
        self,
        connection: Connection,
        video_id: str,
        stage: str,
        ordinal: int,
        fingerprint: str,
        data: Data,
        texts: Sequence[TextRow] = (),
    ) -> None:
        """Keep one unit of work together with exactly these texts of it, all or nothing.

        A text replaces that of the same kind and ordinal; texts that the unit had before and has no
        more are removed.
        """
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

    @transaction
    def drop_stage(self, connection: Connection, video_id: str, stage: str) -> None:
        """Forget every unit of a stage and the texts that came from them."""
        connection.execute(
            "DELETE FROM videoseal.units WHERE video_id = %s AND stage = %s", [video_id, stage]
        )

    @transaction
    def replace_texts(
        self, connection: Connection, video_id: str, kind: TextKind, rows: Sequence[TextRow]
    ) -> None:
        """Make these the video's only texts of a kind.

        A row whose span and wording were there before keeps its id and vector.
        """
        known: dict[tuple[float, float, str], list[int]] = defaultdict(list)
        before = connection.execute(
            """
            SELECT span_from, span_to, text, id FROM videoseal.texts
            WHERE video_id = %s AND kind = %s ORDER BY ordinal
            """,
            [video_id, kind],
        )
        for start, end, text, text_id in before:
            known[start, end, text].append(text_id)
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

    @transaction
    def texts(
        self,
        connection: Connection,
        video_id: str,
        kinds: Sequence[TextKind] | None = None,
        span: Span | None = None,
    ) -> list[TextRow]:
        """A video's texts in order of time, optionally of some kinds and overlapping a span."""
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

    @transaction
    def unembedded(
        self, connection: Connection, video_id: str, model: str, limit: int
    ) -> list[TextRow]:
        """Texts that have no vector of this model yet, at most `limit`; blank ones never count."""
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

    @transaction
    def put_vectors(
        self, connection: Connection, model: str, ids: Sequence[int], vectors: Vectors
    ) -> None:
        """Store the vectors of texts, shape (len(ids), dimension); deleted texts are passed over.

        Raises EmbeddingMismatch when the video has vectors of this model in another dimension.
        """
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

    @transaction
    def drop_vectors(self, connection: Connection, video_id: str, model: str | None = None) -> None:
        """Forget a video's vectors, of one model or of all."""
        connection.execute(
            """
            DELETE FROM videoseal.vectors
            WHERE video_id = %(video)s AND (%(model)s::text IS NULL OR model = %(model)s)
            """,
            {"video": video_id, "model": None if model is None else storable(model)},
        )

    @transaction
    def counts(self, connection: Connection, video_id: str) -> dict[str, int]:
        """How many texts of each kind, units, and vectors a video has."""
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
        "maker": storable(row.model),
        "data": _json(row.data),
        "terms": terms(text),
        "haystack": haystack(text),
        "latin": latin(text)[:_MOST_STEMMED],
    }


def _json(data: Data) -> str:
    return json.dumps(clean_json(data, storable), ensure_ascii=False, allow_nan=False)


def _row(row: TupleRow) -> TextRow:
    text_id, kind, ordinal, start, end, text, model, data = row
    return TextRow(kind, ordinal, Span(start, end), text, model, data, text_id)
