"""One embedded Postgres for the whole run, and a fresh migrated database for every test."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from videoseal.core.settings import Settings
from videoseal.indexing.postgres.server import EmbeddedServer
from videoseal.indexing.store.migrations import migrate
from videoseal.indexing.store.store import Store

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedServer]:
    """A server with an empty, migrated database `template` to copy."""
    # Not under pytest's folders: another run of pytest may close those to the server's user.
    folder = Path(tempfile.mkdtemp(prefix="videoseal-test-"))
    server = EmbeddedServer(folder, durable=False, linger_s=0)
    try:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE template")
        with psycopg.connect(_database(server, "template")) as connection:
            migrate(connection)
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database_url(postgres: EmbeddedServer) -> Iterator[str]:
    """The address of an empty database with the current schema, dropped after the test."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template STRATEGY file_copy")
        yield _database(postgres, name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def store(database_url: str, tmp_path: Path) -> Iterator[Store]:
    """An open, empty store."""
    with Store.connect(Settings(database_url=database_url, data_dir=tmp_path)) as opened:
        yield opened


def _database(server: EmbeddedServer, name: str) -> str:
    return server.url.replace("/postgres?", f"/{name}?")
