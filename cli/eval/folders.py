"""Which run a command means, by its name or its folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from videoseal.cli.invocation import Invocation

__all__ = ["name_option", "recorded"]

F = TypeVar("F", bound="Callable[..., Any]")


def name_option(otherwise: str) -> Callable[[F], F]:
    """Add `--name`, which arrives as `run_name`; `otherwise` says what it is when not given."""
    return click.option(
        "--name", "run_name", callback=_one_folder,
        help=f"Name of the run; {otherwise} if not given.",
    )  # fmt: skip


def recorded(invocation: Invocation, run: str) -> Path:
    """The folder of a run: as it is given, else of that name in the data folder.

    Raises NoSuchRun where there is none, or no sample in it.
    """
    from videoseal.evals.running.run import run_folder
    from videoseal.evals.scoring.systems import RECORDS, NoSuchRun

    runs = run_folder(invocation.settings().data_dir, "")
    given = Path(run)
    folder = given if run and given.is_dir() else runs / (run or "''")
    if not folder.is_dir():
        there = sorted(path.parent.name for path in runs.glob(f"*/{RECORDS}"))
        raise NoSuchRun(f"no run at {folder}", hint=f"there are: {', '.join(there) or 'none yet'}")
    if not (folder / RECORDS).is_file() or not (folder / RECORDS).stat().st_size:
        raise NoSuchRun(
            f"{folder} has no recorded samples",
            hint="the command that began the run goes on with it",
        )
    return folder


def _one_folder(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    if name is not None and (name in ("", ".", "..") or Path(name).name != name):
        raise click.BadParameter(f"{name!r} is no name of a folder")
    return name
