"""The schema of the index: numbered SQL files, applied in order, each once.

They lie in `indexing/store/schema/`, are recorded with a checksum in `videoseal.migrations`, and
are applied in one transaction under a lock, so that processes that start together do not collide.
"""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import Final, LiteralString, NamedTuple

from psycopg import errors

from videoseal.core.errors import DatabaseUnavailable, MissingExtension, SchemaMismatch
from videoseal.indexing.postgres.database import Connection

__all__ = ["MigrationStep", "latest", "migrate"]

_LOCK: Final = 0x76736561  # "vsea"
_LEDGER: Final = """
    CREATE TABLE IF NOT EXISTS videoseal.migrations (
        number   integer PRIMARY KEY,
        name     text NOT NULL,
        checksum text NOT NULL,
        applied  timestamptz NOT NULL DEFAULT now()
    )
"""


class MigrationStep(NamedTuple):
    """One numbered file of the schema."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Hash of the file's text; a changed file is noticed by it."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def latest() -> int:
    """The schema version of this program."""
    return _steps()[-1].number


def migrate(connection: Connection) -> list[int]:
    """Bring the database to this program's schema; returns the numbers of the steps applied.

    Raises SchemaMismatch when the database is newer or was made by a changed file,
    MissingExtension without pgvector, DatabaseUnavailable without the right to create.
    """
    with connection.transaction():
        if not (missing := _missing(connection)):
            return []
    try:
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            _create_pgvector(connection)
            if not _value(connection, "SELECT to_regnamespace('videoseal')"):
                # Asked first: IF NOT EXISTS wants the right to create even where nothing is to do.
                connection.execute("CREATE SCHEMA videoseal")
            connection.execute(_LEDGER)
            missing = _missing(connection)
            for step in missing:
                connection.execute(step.sql.encode())
                connection.execute(
                    "INSERT INTO videoseal.migrations (number, name, checksum) VALUES (%s, %s, %s)",
                    [step.number, step.name, step.checksum],
                )
    except errors.InsufficientPrivilege as error:
        raise DatabaseUnavailable(
            f"may not create the index's schema: {error.diag.message_primary}",
            hint="GRANT CREATE ON DATABASE to this user, or run the migration as its owner",
        ) from error
    return [step.number for step in missing]


def _steps() -> list[MigrationStep]:
    folder = resources.files("videoseal.indexing.store") / "schema"
    files = sorted(item.name for item in folder.iterdir() if item.name.endswith(".sql"))
    return [
        MigrationStep(int(name[:4]), name[5:-4], (folder / name).read_text(encoding="utf-8"))
        for name in files
    ]


def _value(connection: Connection, query: LiteralString) -> object:
    row = connection.execute(query).fetchone()
    return row[0] if row else None


def _missing(connection: Connection) -> list[MigrationStep]:
    """The steps still to apply; SchemaMismatch where the database is not an earlier state."""
    steps, done = _steps(), dict[int, str]()
    if _value(connection, "SELECT to_regclass('videoseal.migrations')"):
        rows = connection.execute("SELECT number, checksum FROM videoseal.migrations")
        done = dict(rows.fetchall())
    if newer := sorted(set(done) - {step.number for step in steps}):
        raise SchemaMismatch(
            f"the index has schema {newer[-1]}, this program knows up to {steps[-1].number}",
            hint="update the program, or use another database",
        )
    for step in steps:
        if done.get(step.number, step.checksum) != step.checksum:
            raise SchemaMismatch(
                f"the index was made by another version of step {step.number} ({step.name})",
                hint="index into a fresh data folder or database",
            )
    return [step for step in steps if step.number not in done]


def _create_pgvector(connection: Connection) -> None:
    try:
        with connection.transaction():
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    except errors.InsufficientPrivilege:
        raise MissingExtension(
            "this user may not create the extension pgvector",
            hint="ask an administrator to run CREATE EXTENSION vector in this database",
        ) from None
    except (errors.FeatureNotSupported, errors.UndefinedFile):
        raise MissingExtension(
            "the Postgres server has no pgvector",
            hint="install pgvector on the server (image pgvector/pgvector), or unset DATABASE_URL "
            "to use the embedded server",
        ) from None
