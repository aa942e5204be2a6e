"""What the options before the command say, and what every command opens from them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from videoseal.cli.output import emit_json, results

if TYPE_CHECKING:
    from collections.abc import Callable

    from videoseal.api import Client
    from videoseal.core.settings import Settings
    from videoseal.indexing.store.store import Store

__all__ = ["Invocation", "json_option", "pass_invocation"]

F = TypeVar("F", bound="Callable[..., Any]")


@dataclass(slots=True)
class Invocation:
    """One run of the command line."""

    data_dir: Path | None = None
    """`--data-dir`; None leaves it to the environment."""
    database_url: str | None = None
    """`--database-url`; None leaves it to the environment."""
    debug: bool = False
    """Whether failures print a traceback."""
    as_json: bool = False
    """Whether the result is one JSON document."""
    when_stopped: str = "stopped"
    """What Ctrl-C is answered with."""

    def settings(self, **explicit: Any) -> Settings:
        """Settings from the flags, the environment and `.env`, in this order."""
        from videoseal.core.environment import environment
        from videoseal.core.settings import Settings

        return Settings.from_env(
            environment(), data_dir=self.data_dir, database_url=self.database_url, **explicit
        )

    def open(self, **explicit: Any) -> Client:
        """The index and the models, as Python users have them; use it in a `with` block."""
        from videoseal.api import Client

        return Client(self.settings(**explicit))

    def store(self, settings: Settings | None = None) -> Store:
        """The index; use it in a `with` block."""
        from videoseal.indexing.store.store import Store

        return Store.connect(settings or self.settings())

    def recorded(self, run: str) -> Path:
        """The folder of a run, by its name or as it is given; NoSuchRun where there is none."""
        from videoseal.evals.running.run import find_run

        return find_run(self.settings().data_dir, run)

    def emit(self, document: Any, *parts: Any) -> None:
        """Print a result: with `--json` the document, else lines and rich's tables."""
        if self.as_json:
            emit_json(document)
            return
        for part in parts:
            if isinstance(part, str):
                click.echo(part)
            else:
                results().print(part)


pass_invocation = click.make_pass_decorator(Invocation, ensure=True)


def json_option(command: F) -> F:
    """Add `--json`, which also turns a failure into a JSON document."""

    def remember(context: click.Context, _: click.Parameter, value: bool) -> bool:
        context.ensure_object(Invocation).as_json = value
        return value

    return click.option(
        "--json", "as_json", is_flag=True, callback=remember, expose_value=False, is_eager=True,
        help="Print one JSON document on standard output, all else on standard error.",
    )(command)  # fmt: skip
