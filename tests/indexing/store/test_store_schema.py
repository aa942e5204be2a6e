"""The schema is made once, by whoever comes first, and only on a server that can hold it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from videoseal.core.errors import DatabaseUnavailable, MissingExtension, SchemaMismatch
from videoseal.core.settings import Settings
from videoseal.indexing.postgres.database import connect
from videoseal.indexing.store.migrations import latest, migrate
from videoseal.indexing.store.store import Store


@pytest.fixture
def empty_url(postgres, database_url):
    """The address of a database without a schema and without extensions."""
    with connect(database_url) as connection:
        connection.execute("DROP SCHEMA videoseal CASCADE")
        connection.execute("DROP EXTENSION vector")
    return database_url


def settings(url):
    """Settings with a database and nothing else of note."""
    return Settings(database_url=url)


def test_first_one_makes_the_schema(empty_url):
    """Every step is applied once, and is dated."""
    with connect(empty_url) as connection:
        assert migrate(connection) == list(range(1, latest() + 1))
        assert migrate(connection) == []
        rows = connection.execute("SELECT number, applied FROM videoseal.migrations ORDER BY 1")
        assert [(number, applied is not None) for number, applied in rows] == [
            (number, True) for number in range(1, latest() + 1)
        ]


def test_processes_that_start_together_do_not_collide(empty_url):
    """Of several that migrate at once, one does it and the others wait."""
    gate = threading.Barrier(6)

    def work(_):
        with connect(empty_url) as connection:
            gate.wait()
            return migrate(connection)

    with ThreadPoolExecutor(6) as pool:
        done = sorted(pool.map(work, range(6)), key=len)
    assert done[:-1] == [[]] * 5
    assert len(done[-1]) == latest()


def test_newer_schema_is_refused(database_url):
    """An index made by a later program is left alone, with what to do about it."""
    with connect(database_url) as connection:
        connection.execute("INSERT INTO videoseal.migrations VALUES (999, 'later', 'x')")
    with pytest.raises(SchemaMismatch, match="schema 999") as caught:
        Store.connect(settings(database_url))
    assert "update" in caught.value.hint


def test_schema_of_a_changed_file_is_refused(database_url):
    """A step whose file is not the one that was applied is noticed by its checksum."""
    with connect(database_url) as connection:
        connection.execute("UPDATE videoseal.migrations SET checksum = 'x' WHERE number = 1")
    with pytest.raises(SchemaMismatch, match="step 1"):
        Store.connect(settings(database_url))


def test_failed_migration_leaves_nothing(empty_url):
    """When a step fails, none is applied and the schema is not there."""
    with connect(empty_url) as connection:
        connection.execute("CREATE SCHEMA videoseal")
        connection.execute("CREATE TABLE videoseal.vectors (in_the_way int)")
        with pytest.raises(psycopg.errors.DuplicateTable):
            migrate(connection)
        found = connection.execute("SELECT to_regclass('videoseal.migrations')").fetchone()
        assert found == (None,)
        connection.execute("DROP TABLE videoseal.vectors")
        assert migrate(connection)


def test_server_without_pgvector_is_named(empty_url):
    """The error says that pgvector is missing and how to get it."""
    with connect(empty_url) as connection:
        connection.execute(
            f"ALTER DATABASE {connection.info.dbname} SET extension_control_path = '/nowhere'"
        )
    with pytest.raises(MissingExtension, match="no pgvector") as caught:
        Store.connect(settings(empty_url))
    assert "pgvector/pgvector" in caught.value.hint


def test_user_without_rights_is_told_what_to_grant(empty_url):
    """Neither the extension nor the schema can be made by a mere guest."""
    with connect(empty_url) as connection:
        guest = f"guest_{connection.info.dbname}"
        connection.execute(f"CREATE ROLE {guest} LOGIN")
    url = empty_url.replace("//postgres@", f"//{guest}@")
    try:
        with pytest.raises(MissingExtension, match="may not create") as caught:
            Store.connect(settings(url))
        assert "CREATE EXTENSION vector" in caught.value.hint
        with connect(empty_url) as connection:
            connection.execute("CREATE EXTENSION vector")
        with pytest.raises(DatabaseUnavailable, match="permission denied") as denied:
            Store.connect(settings(url))
        assert "GRANT CREATE" in denied.value.hint
    finally:
        with connect(empty_url) as connection:
            connection.execute(f"DROP ROLE {guest}")


def test_database_of_another_encoding_is_refused(postgres):
    """A database that cannot hold Chinese is refused before anything is stored in it."""
    with connect(postgres.url) as connection:
        connection.execute("CREATE DATABASE old ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    try:
        with pytest.raises(DatabaseUnavailable, match="encoded in LATIN1"):
            Store.connect(settings(postgres.url.replace("/postgres?", "/old?")))
    finally:
        with connect(postgres.url) as connection:
            connection.execute("DROP DATABASE old")
