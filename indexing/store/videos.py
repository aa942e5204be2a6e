"""The videos of the index."""

from __future__ import annotations

import os
import shlex
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes, urlsplit

from psycopg.rows import TupleRow

from videoseal.core.errors import UnknownVideo
from videoseal.core.text import storable
from videoseal.core.video import content_id
from videoseal.indexing.index_rows import Status, VideoRow
from videoseal.indexing.postgres.database import Connection, DatabaseUser, transaction
from videoseal.indexing.video_file import holds

if TYPE_CHECKING:
    from videoseal.core.video import VideoInfo

__all__ = ["StoredVideos"]

_SHORTEST_PREFIX: Final = 4
_LIST: Final = "`videoseal videos` lists them"


class StoredVideos(DatabaseUser):
    """The videos of the index."""

    @transaction
    def add_video(
        self,
        connection: Connection,
        video_id: str,
        info: VideoInfo,
        *,
        title: str,
        fingerprint: str,
    ) -> VideoRow:
        """Record a video; its status is `indexing` unless it is ready with this fingerprint."""
        facts = (info.duration, info.width, info.height, info.fps, info.has_audio, info.size_bytes)
        row = connection.execute(
            """
            INSERT INTO videoseal.videos AS old
                (id, path, title, duration, width, height, fps, has_audio, size_bytes, status,
                 fingerprint)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, 'indexing', %s)
            ON CONFLICT (id) DO UPDATE SET
                path = excluded.path, title = excluded.title, duration = excluded.duration,
                width = excluded.width, height = excluded.height, fps = excluded.fps,
                has_audio = excluded.has_audio, size_bytes = excluded.size_bytes, updated = now(),
                fingerprint = excluded.fingerprint,
                status = CASE WHEN old.fingerprint = excluded.fingerprint THEN old.status
                              ELSE 'indexing' END
            RETURNING *
            """,
            [video_id, _written(info.path), storable(title), *facts, storable(fingerprint)],
        ).fetchone()
        assert row is not None
        return _row(row)

    @transaction
    def video(self, connection: Connection, video_id: str) -> VideoRow:
        """Find a video by its id, an unambiguous prefix of at least 4 characters, or its title.

        Raises UnknownVideo, naming the candidates where there are several.
        """
        wanted = storable(video_id)
        rows = connection.execute(
            """
            SELECT * FROM videoseal.videos
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
            raise UnknownVideo(f"no video {video_id!r:.80} in the index", hint=_LIST)
        names = ", ".join(f"{video.id} ({video.title:.40})" for video in found[:5])
        raise UnknownVideo(f"{video_id!r:.80} may be any of {names}", hint="give more of the id")

    def find_video(self, name: str) -> VideoRow:
        """The video of that id, prefix or title, or the indexed one with the content of that file.

        A file that was moved is found there from now on. Raises UnknownVideo, saying how to index
        it.
        """
        path = Path(name)
        if path.is_file():
            try:
                row = self.video(content_id(path))
            except UnknownVideo:
                raise UnknownVideo(
                    f"{name} is not indexed yet", hint=f"run: videoseal index {shlex.quote(name)}"
                ) from None
            if not holds(row.path, row):
                row = self.move_video(row.id, path)
        else:
            row = self.video(name)
        if row.status != "ready":
            raise UnknownVideo(
                f"{row.title} is only partly indexed",
                hint=f"run: videoseal index {shlex.quote(str(row.path))}",
            )
        return row

    @transaction
    def videos(self, connection: Connection) -> list[VideoRow]:
        """Every video, the one first indexed first."""
        rows = connection.execute("SELECT * FROM videoseal.videos ORDER BY created, id")
        return [_row(row) for row in rows]

    @transaction
    def move_video(self, connection: Connection, video_id: str, path: Path) -> VideoRow:
        """Record where the file of a video is now; UnknownVideo when it is not in the index."""
        row = connection.execute(
            "UPDATE videoseal.videos SET path = %s, updated = now() WHERE id = %s RETURNING *",
            [_written(path), storable(video_id)],
        ).fetchone()
        _expect(row is not None, video_id)
        assert row is not None
        return _row(row)

    @transaction
    def set_status(self, connection: Connection, video_id: str, status: Status) -> None:
        """Say whether a video's index is complete."""
        done = connection.execute(
            "UPDATE videoseal.videos SET status = %s, updated = now() WHERE id = %s",
            [status, storable(video_id)],
        )
        _expect(done.rowcount, video_id)

    @transaction
    def delete_video(self, connection: Connection, video_id: str) -> None:
        """Forget a video with all that belongs to it; UnknownVideo when it is not there."""
        done = connection.execute(
            "DELETE FROM videoseal.videos WHERE id = %s", [storable(video_id)]
        )
        _expect(done.rowcount, video_id)

    def indexing_lock(self, video_id: str) -> AbstractContextManager[None]:
        """Keep other processes from indexing this video; VideoBusy at once if one does."""
        busy = f"video {video_id} is being indexed by another process"
        return self.database.lock(f"videoseal:{video_id}", busy)

    @transaction
    def versions(self, connection: Connection) -> dict[str, Any]:
        """Versions of server and extension, schema number, size in bytes, number of videos."""
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
