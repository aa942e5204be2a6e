"""`videoseal page`: a recorded answer as one file to open, send or keep."""

from __future__ import annotations

from pathlib import Path

import click

from videoseal.cli.invocation import Invocation, json_option, pass_invocation
from videoseal.cli.output import near

__all__ = ["page"]


@click.command()
@click.argument("record", type=click.Path(exists=True, path_type=Path), metavar="FOLDER_OR_RECORD")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Where to write it; `answer.html` beside the record if not given.",
)  # fmt: skip
@json_option
@pass_invocation
def page(invocation: Invocation, record: Path, out: Path | None) -> None:
    """Write an answer that `ask` has saved as a page: the question, the search, and its proof.

    The pictures are inside; it opens in any browser without a server or a network.
    """
    from videoseal.graph.proof.evidence_folder import write_page

    written = write_page(record, out)
    invocation.emit({"page": str(written)}, f"page      {near(written)}")
