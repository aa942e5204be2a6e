"""`videoseal`: the group that every command is registered in."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from videoseal.cli.ask import ask
from videoseal.cli.clip import clip
from videoseal.cli.db import db
from videoseal.cli.demo import demo
from videoseal.cli.doctor import doctor
from videoseal.cli.eval.commands import evaluate
from videoseal.cli.failures import EXIT_CODES, INTERRUPTED, explain, show
from videoseal.cli.index import index
from videoseal.cli.invocation import Invocation, pass_invocation
from videoseal.cli.options import folder_option
from videoseal.cli.page import page
from videoseal.cli.train.commands import train
from videoseal.cli.verify import verify
from videoseal.cli.videos import videos

__all__ = ["Application", "app", "main"]

_EPILOG = "\b\nExit codes:\n" + "\n".join(f"  {code:>3}  {why}" for code, why in EXIT_CODES.items())


class Application(click.Group):
    """A group whose failures are one line and a documented exit code, never a traceback."""

    def main(self, args: Sequence[str] | None = None, **extra: Any) -> Any:  # type: ignore[override]
        """Run one command and leave with its exit code."""
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")
        invocation = Invocation()
        extra.update(standalone_mode=False, obj=invocation)
        sys.exit(self._guarded(invocation, args, extra))

    def _guarded(
        self, invocation: Invocation, args: Sequence[str] | None, extra: dict[str, Any]
    ) -> int:
        try:
            code = super().main(args, **extra)
            sys.stdout.flush()
        except (KeyboardInterrupt, click.Abort):
            print(invocation.when_stopped, file=sys.stderr)  # noqa: T201
            return INTERRUPTED
        except BrokenPipeError:
            # The reader has gone; Python would complain once more when it flushes at exit.
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.ctx.get_help(), err=True)
            return error.exit_code
        except Exception as error:
            failure = explain(error)
            if isinstance(error, click.NoSuchOption) and error.option_name in _global_options():
                failure = failure._replace(hint=f"{error.option_name} goes before the command")
            show(failure, error=error, debug=invocation.debug, as_json=invocation.as_json)
            return failure.exit_code
        return code if isinstance(code, int) else 0


@click.group(
    cls=Application,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@folder_option(
    "--data-dir", help="Where the embedded database, frames and evidence live (VIDEOSEAL_DATA_DIR)."
)
@click.option(
    "--database-url", metavar="URL", help="A Postgres server with pgvector (DATABASE_URL)."
)
@click.option("--debug", is_flag=True, help="Print the traceback of a failure.")
@click.version_option(package_name="videoseal-agent", message="videoseal %(version)s")
@pass_invocation
def app(
    invocation: Invocation, data_dir: Path | None, database_url: str | None, debug: bool
) -> None:
    """Ask questions about hours-long video and get answers proven by the frames looked at.

    \b
    Index a video once, then ask:
      videoseal index talk.mp4
      videoseal ask talk.mp4 "What does the sign behind the speaker say?"

    Settings come from options, the environment and a .env file in this folder, in this order.
    """  # noqa: D301
    invocation.data_dir = data_dir
    invocation.database_url = database_url
    invocation.debug = debug


for _command in (index, ask, page, clip, verify, videos, evaluate, train, db, demo, doctor):
    app.add_command(_command)


def _global_options() -> set[str]:
    return {name for option in app.params for name in option.opts}


def main() -> None:
    """The `videoseal` command."""
    app(prog_name="videoseal")


if __name__ == "__main__":
    main()
