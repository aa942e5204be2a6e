"""`videoseal db`: the index's database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from videoseal.cli.invocation import Invocation, json_option, pass_invocation
from videoseal.cli.output import emit_json, notes, size

if TYPE_CHECKING:
    from videoseal.core.settings import Settings

__all__ = ["db"]


@click.group()
def db() -> None:
    """Look after the database that holds the index."""


@db.command()
@json_option
@pass_invocation
def status(invocation: Invocation) -> None:
    """Show the server, its versions, the schema and the size."""
    with invocation.store() as store:
        health = store.health()
    shown = {**health, "size_bytes": size(health["size_bytes"])}
    invocation.emit(health, *(f"{name:<13} {value}" for name, value in shown.items()))


@db.command()
@json_option
@pass_invocation
def migrate(invocation: Invocation) -> None:
    """Bring the schema up to date; every other command that needs it does so too."""
    from videoseal.indexing.postgres.database import connect
    from videoseal.indexing.store.migrations import migrate as apply

    with connect(_url(invocation.settings())) as connection:
        applied = apply(connection)
    done = f"applied {', '.join(map(str, applied))}" if applied else "the schema is up to date"
    invocation.emit({"applied": applied}, done)


@db.command()
@json_option
@pass_invocation
def url(invocation: Invocation) -> None:
    """Print where the database is, for psql and the like, without the password."""
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    parts = conninfo_to_dict(_url(invocation.settings()))
    plain = make_conninfo(**{k: str(v) for k, v in parts.items() if v and k != "password"})
    invocation.emit({"url": plain}, plain)


@db.command()
@json_option
@pass_invocation
def stop(invocation: Invocation) -> None:
    """Stop the embedded server now; it stops by itself when nobody uses it any more."""
    from videoseal.indexing.postgres.server import EmbeddedServer

    settings = invocation.settings()
    if settings.database_url is not None:
        raise click.UsageError("DATABASE_URL names a server that is not ours to stop")
    with EmbeddedServer(settings.data_dir) as server:
        stopped = server.stop()
    if invocation.as_json:
        emit_json({"stopped": stopped})
    else:
        notes().print("stopped" if stopped else "other processes still use it; left running")


def _url(settings: Settings) -> str:
    """The connection string; the embedded server is started for it."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    from videoseal.indexing.postgres.server import EmbeddedServer

    # Not closed: this use of it ends with the process.
    return EmbeddedServer(settings.data_dir).url
