"""The index in Postgres: videos, units of work, texts, vectors, and search in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from videoseal.core.settings import Settings
from videoseal.core.span import Span
from videoseal.indexing.index_rows import Data, Hit, Status, TextKind, TextRow, VideoRow
from videoseal.indexing.postgres.database import Database, connect
from videoseal.indexing.postgres.server import EmbeddedServer
from videoseal.indexing.search.hybrid import find
from videoseal.indexing.store import texts as _texts
from videoseal.indexing.store import videos as _videos
from videoseal.indexing.store.migrations import latest, migrate

if TYPE_CHECKING:
    from videoseal.core.video import VideoInfo
    from videoseal.models.roles import Vectors

__all__ = ["Store"]

T = TypeVar("T")


class Store:
    """The index of all videos; thread-safe, and whole again after the server restarted.

    Every method is one transaction that may be repeated, and is, once, when the connection is
    lost. All raise DatabaseUnavailable; those that write raise OutOfSpace on a full disk, and
    UnknownVideo for a video that is not there.
    """

    def __init__(self, database: Database, server: EmbeddedServer | None = None) -> None:
        self._database = database
        self._server = server

    @classmethod
    def connect(cls, settings: Settings) -> Store:
        """Open the index and bring its schema up to date.

        Without `settings.database_url` the embedded server in `settings.data_dir` is started or
        joined. Raises DatabaseUnavailable, MissingExtension, SchemaMismatch.
        """
        server = None
        if settings.database_url is None:
            server = EmbeddedServer(settings.data_dir)
            url = server.url
        else:
            url = settings.database_url.get_secret_value()
        try:
            with connect(url) as connection:
                migrate(connection)
            return cls(Database(url, revive=server.ensure if server else None), server)
        except BaseException:
            if server is not None:
                server.close()
            raise

    def close(self) -> None:
        """Close every connection; an embedded server that nobody uses stops soon after."""
        self._database.close()
        if self._server is not None:
            self._server.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def add_video(
        self, video_id: str, info: VideoInfo, *, title: str, fingerprint: str
    ) -> VideoRow:
        """Record a video; its status is `indexing` unless it is ready with this fingerprint."""
        return self._run(_videos.add, video_id, info, title, fingerprint)

    def video(self, video_id: str) -> VideoRow:
        """Find a video by its id, an unambiguous prefix of at least 4 characters, or its title.

        Raises UnknownVideo, naming the candidates where there are several.
        """
        return self._run(_videos.find, video_id)

    def videos(self) -> list[VideoRow]:
        """Every video, the one first indexed first."""
        return self._run(_videos.every)

    def set_status(self, video_id: str, status: Status) -> None:
        """Say whether a video's index is complete."""
        self._run(_videos.set_status, video_id, status)

    def delete_video(self, video_id: str) -> None:
        """Forget a video with its units, texts and vectors; UnknownVideo when it is not there."""
        self._run(_videos.delete, video_id)

    def indexing_lock(self, video_id: str) -> AbstractContextManager[None]:
        """Keep other processes from indexing this video; VideoBusy at once if one does."""
        busy = f"video {video_id} is being indexed by another process"
        return self._database.lock(f"videoseal:{video_id}", busy)

    def units(self, video_id: str, stage: str, fingerprint: str) -> dict[int, Data]:
        """What was kept of a stage under this fingerprint, by ordinal."""
        return self._run(_texts.units, video_id, stage, fingerprint)

    def put_unit(
        self,
        video_id: str,
        stage: str,
        ordinal: int,
        fingerprint: str,
        data: Data,
        texts: Sequence[TextRow] = (),
    ) -> None:
        """Keep one unit of work together with exactly these texts of it, all or nothing.

        A text replaces that of the same kind and ordinal; texts that the unit had before and has
        no more are removed.
        """
        self._run(_texts.put_unit, video_id, stage, ordinal, fingerprint, data, texts)

    def drop_stage(self, video_id: str, stage: str) -> None:
        """Forget every unit of a stage and the texts that came from them."""
        self._run(_texts.drop_stage, video_id, stage)

    def replace_texts(self, video_id: str, kind: TextKind, rows: Sequence[TextRow]) -> None:
        """Make these the video's only texts of a kind.

        A row whose span and wording were there before keeps its id and vector.
        """
        self._run(_texts.replace, video_id, kind, rows)

    def texts(
        self,
        video_id: str,
        kinds: Sequence[TextKind] | None = None,
        span: Span | None = None,
    ) -> list[TextRow]:
        """A video's texts in order of time, optionally of some kinds and overlapping a span."""
        return self._run(_texts.select, video_id, kinds, span)

    def unembedded(self, video_id: str, model: str, limit: int) -> list[TextRow]:
        """Texts that have no vector of this model yet, at most `limit`; blank ones never count."""
        return self._run(_texts.unembedded, video_id, model, limit)

    def put_vectors(self, model: str, ids: Sequence[int], vectors: Vectors) -> None:
        """Store the vectors of texts, shape (len(ids), dimension); deleted texts are passed over.

        Raises EmbeddingMismatch when the video has vectors of this model in another dimension.
        """
        self._run(_texts.put_vectors, model, ids, vectors)

    def drop_vectors(self, video_id: str, model: str | None = None) -> None:
        """Forget a video's vectors, of one model or of all."""
        self._run(_texts.drop_vectors, video_id, model)

    def search(
        self,
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
        return self._run(find, video_id, query, vector, model, kinds, limit)

    def counts(self, video_id: str) -> dict[str, int]:
        """How many texts of each kind, units, and vectors a video has."""
        return self._run(_texts.counts, video_id)

    def health(self) -> dict[str, Any]:
        """What `doctor` shows: versions, schema, size in bytes, number of videos."""
        return {**self._run(_videos.health), "schema_known": latest(), "place": self.place}

    @property
    def place(self) -> str:
        """Host and database, without the password."""
        return self._database.place

    def _run(self, work: Callable[..., T], *arguments: Any) -> T:
        return self._database.run(lambda connection: work(connection, *arguments))
