"""Connections to Postgres that mend themselves, and its errors in the project's own words."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Concatenate, Final, ParamSpec, TypeAlias, TypeVar

import psycopg
from pgvector.psycopg import register_vector
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolTimeout

from videoseal.core.errors import (
    DatabaseUnavailable,
    OutOfSpace,
    UnknownVideo,
    VideoBusy,
    VideosealError,
)

__all__ = ["Connection", "Database", "DatabaseUser", "connect", "transaction"]

Connection: TypeAlias = "psycopg.Connection[TupleRow]"
P = ParamSpec("P")
T = TypeVar("T")

_LOST: Final = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)
_POOL_SIZE: Final = 10
_WAIT_S: Final = 15.0
"""How long work waits for a server that restarts, or for a free connection."""
_REVIVE_AFTER_S: Final = 2.0
"""How long it waits before looking after a server of our own."""
_DEFAULTS: Final = {
    "connect_timeout": "10",
    "application_name": "videoseal",
    "keepalives_idle": "30",
}


class Database:
    """A pool of connections to one server; thread-safe.

    `revive` is called when a connection was lost: it may start the server again.
    """

    def __init__(
        self, url: str, *, revive: Callable[[], None] | None = None, wait_s: float = _WAIT_S
    ) -> None:
        self._conninfo, self._secret = _read(url)
        self.place = _place(self._conninfo)
        self._revive = revive
        self._wait_s = wait_s
        _quieten()
        self._pool = ConnectionPool(
            self._conninfo,
            kwargs={"prepare_threshold": None},
            min_size=0,
            max_size=_POOL_SIZE,
            configure=_configure,
            check=ConnectionPool.check_connection,
            open=True,
        )

    @property
    def conninfo(self) -> str:
        """How to connect, password included: for libraries that connect by themselves."""
        return self._conninfo

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    def run(self, work: Callable[[Connection], T]) -> T:
        """Do `work` in one transaction; once more on a fresh connection if the first was lost.

        `work` must therefore be safe to repeat. Raises DatabaseUnavailable, OutOfSpace, and
        UnknownVideo where a row would belong to a video that is not there.
        """
        patience = min(self._wait_s, _REVIVE_AFTER_S) if self._revive else self._wait_s
        try:
            return self._once(work, patience)
        except _LOST as error:
            waited = isinstance(error, PoolTimeout) and self._revive is None
            if waited or not _may_heal(error):
                raise self._translated(error) from None
        try:
            if self._revive is not None:
                self._revive()
            return self._once(work, self._wait_s)
        except _LOST as error:
            raise self._translated(error) from None

    @contextmanager
    def lock(self, name: str, busy: str) -> Iterator[None]:
        """Hold an advisory lock on a connection of its own; VideoBusy at once if it is taken.

        A server that restarts forgets it, so what is done under it must bear a second doer.
        """
        with connect(self._conninfo) as connection:
            row = connection.execute(
                "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name]
            ).fetchone()
            if row is None or not row[0]:
                raise VideoBusy(busy, hint="wait for it to end, or stop it")
            yield

    def _once(self, work: Callable[[Connection], T], patience: float) -> T:
        try:
            with self._pool.connection(patience) as connection:
                return work(connection)
        except errors.ForeignKeyViolation:
            raise UnknownVideo("the video was deleted from the index in the meantime") from None

    def _translated(self, error: Exception) -> VideosealError:
        if not isinstance(error, PoolTimeout):
            return _translate(error, self.place, self._secret)
        # The pool does not say why it has none; a connection of our own does.
        try:
            with connect(self._conninfo) as connection:
                _configure(connection)
        except DatabaseUnavailable as reason:
            return reason
        except psycopg.ProgrammingError:
            return DatabaseUnavailable(
                f"the index in the database at {self.place} is gone",
                hint="run: videoseal db migrate",
            )
        return DatabaseUnavailable(
            f"the database at {self.place} is busy: no connection was free for {self._wait_s:g} s",
            hint="run fewer questions at once",
        )


class DatabaseUser:
    """Whatever has methods that are transactions."""

    database: Database


User = TypeVar("User", bound=DatabaseUser)


def transaction(
    work: Callable[Concatenate[User, Connection, P], T],
) -> Callable[Concatenate[User, P], T]:
    """Make a method, which is given a connection first, a call of `Database.run`."""

    @functools.wraps(work)
    def run(user: User, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return user.database.run(lambda connection: work(user, connection, *args, **kwargs))

    return run


@contextmanager
def connect(url: str) -> Iterator[Connection]:
    """One connection outside any pool, in autocommit mode, closed at the end.

    Raises DatabaseUnavailable for what goes wrong with the server, never showing the password.
    """
    conninfo, secret = _read(url)
    connection = None
    try:
        connection = psycopg.connect(conninfo, prepare_threshold=None, autocommit=True)
        _expect_utf8(connection, _place(conninfo))
        yield connection
    except psycopg.OperationalError as error:
        raise _translate(error, _place(conninfo), secret) from None
    finally:
        if connection is not None:
            connection.close()


def _expect_utf8(connection: Connection, place: str) -> None:
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise DatabaseUnavailable(
            f"the database at {place} is encoded in {encoding}",
            hint="create one with ENCODING 'UTF8'",
        )


def _quieten() -> None:
    """Keep the pool's log of its own attempts from the terminal; the error says what it knows."""
    logger = logging.getLogger("psycopg.pool")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


def _configure(connection: Connection) -> None:
    register_vector(connection)
    # Compiling a query that takes milliseconds takes longer than running it.
    connection.execute("SET jit = off")
    connection.commit()


def _read(url: str) -> tuple[str, str]:
    """The connection string with defaults filled in, and the password in it."""
    try:
        given: dict[str, Any] = conninfo_to_dict(url)
    except psycopg.Error:
        # The parser's complaint quotes what it could not read, which may be the password.
        raise DatabaseUnavailable(
            "DATABASE_URL cannot be read",
            hint="write postgresql://user:password@host:5432/name, with %xx for special characters",
        ) from None
    settings = {**_DEFAULTS, **given, "client_encoding": "UTF8"}
    return make_conninfo("", **settings), str(given.get("password") or "")


def _place(conninfo: str) -> str:
    given = conninfo_to_dict(conninfo)
    host = given.get("host") or given.get("hostaddr") or "the default host"
    port = f":{given['port']}" if given.get("port") else ""
    return f"{host}{port}/{given.get('dbname') or given.get('user') or ''}"


def _may_heal(error: Exception) -> bool:
    """Whether the same work may succeed on another connection or a moment later."""
    state = getattr(error, "sqlstate", None)
    return state is None or state[:2] in {"08", "40", "57"}


def _translate(error: Exception, place: str, secret: str) -> VideosealError:
    reason = " ".join(str(error).split()) or type(error).__name__
    if secret:
        reason = reason.replace(secret, "***")
    if isinstance(error, errors.DiskFull):
        return OutOfSpace(
            f"the disk of the database at {place} is full", hint="free some space and run it again"
        )
    hint = "check that the server runs and that DATABASE_URL is right"
    return DatabaseUnavailable(f"the database at {place} cannot be used: {reason}", hint=hint)
