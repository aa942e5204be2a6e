"""The index in Postgres: videos, units of work, texts, vectors, and search in them."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from videoseal.core.settings import Settings
from videoseal.indexing.postgres.database import Database, connect
from videoseal.indexing.postgres.server import EmbeddedServer
from videoseal.indexing.search.hybrid import HybridSearch
from videoseal.indexing.store.migrations import latest, migrate
from videoseal.indexing.store.texts import StoredTexts
from videoseal.indexing.store.videos import StoredVideos

__all__ = ["Store"]


class Store(StoredVideos, StoredTexts, HybridSearch):
    """The index of all videos; thread-safe, and whole again after the server restarted.

    Every method is one transaction that may be repeated, and is, once, when the connection is
    lost. All raise DatabaseUnavailable; those that write raise OutOfSpace on a full disk, and
    UnknownVideo for a video that is not there.
    """

    def __init__(self, database: Database, server: EmbeddedServer | None = None) -> None:
        self.database = database
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
        self.database.close()
        if self._server is not None:
            self._server.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def _seal_key(self) -> bytes:
        query = "SELECT key FROM videoseal.seal"
        row = self.database.run(lambda connection: connection.execute(query).fetchone())
        assert row is not None
        return bytes(row[0])

    def seal_key(self) -> bytes:
        """The key with which every process that uses this index seals evidence."""
        return self._seal_key

    def health(self) -> dict[str, Any]:
        """What `doctor` shows: versions, schema, size in bytes, number of videos, place."""
        return {**self.versions(), "schema_known": latest(), "place": self.place}

    @property
    def place(self) -> str:
        """Host and database, without the password."""
        return self.database.place
