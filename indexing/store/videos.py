"""The videos of the index, as statements on one connection."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes, urlsplit

from psycopg.rows import TupleRow

from videoseal.core.errors import UnknownVideo
from videoseal.core.text import storable
from videoseal.indexing.index_rows import Status, VideoRow
from videoseal.indexing.postgres.database import Connection

if TYPE_CHECKING:
    from videoseal.core.video import VideoInfo

__all__ = ["add", "delete", "every", "find", "health", "set_status"]

_SELECT: Final = """
    SELECT id, path, title, duration, width, height, fps, has_audio, size_bytes, status,
           fingerprint, created, updated
    FROM videoseal.videos
"""
_SHORTEST_PREFIX: Final = 4
_LIST: Final = "`videoseal videos` lists them"


def add(
    connection: Connection, video_id: str, info: VideoInfo, title: str, fingerprint: str
) -> VideoRow:
    """Insert the video, or bring path, title and facts up to date."""
    values = {
        "id": video_id,
        "path": _written(info.path),
        "title": storable(title),
        "duration": info.duration,
        "width": info.width,
        "height": info.height,
        "fps": info.fps,
        "has_audio": info.has_audio,
        "size_bytes": info.size_bytes,
        "fingerprint": storable(fingerprint),
    }
    connection.execute(
        """
        INSERT INTO videoseal.videos AS old
            (id, path, title, duration, width, height, fps, has_audio, size_bytes, status,
             fingerprint)
        VALUES (%(id)s, %(path)s, %(title)s, %(duration)s, %(width)s, %(height)s, %(fps)s,
                %(has_audio)s, %(size_bytes)s, 'indexing', %(fingerprint)s)
        ON CONFLICT (id) DO UPDATE SET
            path = excluded.path, title = excluded.title, duration = excluded.duration,
            width = excluded.width, height = excluded.height, fps = excluded.fps,
            has_audio = excluded.has_audio, size_bytes = excluded.size_bytes, updated = now(),
            fingerprint = excluded.fingerprint,
            status = CASE WHEN old.fingerprint = excluded.fingerprint THEN old.status
                          ELSE 'indexing' END
        """,
        values,
    )
    return find(connection, video_id)


def find(connection: Connection, name: str) -> VideoRow:
    """The video with this id; else by an unambiguous prefix of it; else by its exact title."""
    wanted = storable(name)
    rows = connection.execute(
        _SELECT
        + """
        WHERE id = %(name)s OR title = %(name)s
           OR (length(%(name)s) >= %(shortest)s AND starts_with(id, %(name)s))
        ORDER BY id
        """,
        {"name": wanted, "shortest": _SHORTEST_PREFIX},
    ).fetchall()
    found = [_row(row) for row in rows]
    exact = [video for video in found if video.id == wanted]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if not found:
        raise UnknownVideo(f"no video {name!r:.80} in the index", hint=_LIST)
    names = ", ".join(f"{video.id} ({video.title:.40})" for video in found[:5])
    raise UnknownVideo(f"{name!r:.80} may be any of {names}", hint="give more of the id")


def every(connection: Connection) -> list[VideoRow]:
    """All videos, oldest first."""
    rows = connection.execute(_SELECT + "ORDER BY created, id")
    return [_row(row) for row in rows]


def set_status(connection: Connection, video_id: str, status: Status) -> None:
    """Change the status; UnknownVideo when the video is not there."""
    done = connection.execute(
        "UPDATE videoseal.videos SET status = %s, updated = now() WHERE id = %s",
        [status, storable(video_id)],
    )
    _expect(done.rowcount, video_id)


def delete(connection: Connection, video_id: str) -> None:
    """Remove the video and, by cascade, all that belongs to it."""
    done = connection.execute("DELETE FROM videoseal.videos WHERE id = %s", [storable(video_id)])
    _expect(done.rowcount, video_id)


def health(connection: Connection) -> dict[str, Any]:
    """Versions of server and extensions, schema number, size in bytes, number of videos."""
    row = connection.execute(
        """
        SELECT current_setting('server_version'),
               (SELECT extversion FROM pg_extension WHERE extname = 'vector'),
               (SELECT max(number) FROM videoseal.migrations),
               (SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c
                WHERE c.relnamespace = 'videoseal'::regnamespace AND c.relkind = 'r')::bigint,
               (SELECT count(*) FROM videoseal.videos)
        """
    ).fetchone()
    assert row is not None
    names = ("server", "pgvector", "schema", "size_bytes", "videos")
    return dict(zip(names, row, strict=True))


def _expect(changed: int, video_id: str) -> None:
    if not changed:
        raise UnknownVideo(f"no video {video_id!r:.80} in the index", hint=_LIST)


def _written(path: Path) -> str:
    """The whole path, since whoever reads it may work in another folder.

    As text; as a file URL where its bytes are no UTF-8 or hold what is no text.
    """
    path = path.absolute()
    text = os.fspath(path)
    return text if storable(text) == text else path.as_uri()


def _read(text: str) -> Path:
    if not text.startswith("file://"):
        return Path(text)
    return Path(os.fsdecode(unquote_to_bytes(urlsplit(text).path)))


def _row(row: TupleRow) -> VideoRow:
    video_id, path, *rest = row
    return VideoRow(video_id, _read(path), *rest)
