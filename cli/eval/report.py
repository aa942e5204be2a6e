"""`videoseal eval report`: one page about runs that opens anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from videoseal.cli.invocation import Invocation, json_option, pass_invocation
from videoseal.cli.options import folder_option, price_option

if TYPE_CHECKING:
    from videoseal.evals.scoring.sample_result import Prices

__all__ = ["report"]


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@folder_option(
    "--out", help="Folder for report.html, report.md and figures; the first run's if not given."
)
@click.option("--title", help="Heading of the report.")
@price_option
@json_option
@pass_invocation
def report(
    invocation: Invocation,
    runs: tuple[str, ...],
    out: Path | None,
    title: str | None,
    prices: Prices | None,
) -> None:
    """Write one page about RUN, or several side by side, that opens anywhere.

    Its figures are written beside it, as SVG and as PDF for papers.
    """
    from videoseal.evals.report.write import write_report

    folders = [invocation.recorded(run) for run in runs]
    frames = invocation.settings().data_dir / "frames"
    files = write_report(folders, out or folders[0], title=title, frames=frames, prices=prices)
    invocation.emit(files, *map(str, files))
