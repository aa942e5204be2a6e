"""`videoseal verify`: whether a recorded answer is what it says."""

from __future__ import annotations

from pathlib import Path

import click

from videoseal.cli.invocation import Invocation, json_option, pass_invocation
from videoseal.core.errors import UnknownVideo
from videoseal.core.span import Span

__all__ = ["verify"]

_PATH = click.Path(exists=True, path_type=Path)


@click.command()
@click.argument("record", type=_PATH, metavar="FOLDER_OR_RECORD")
@click.option(
    "--video", type=_PATH, metavar="FILE",
    help="The video, for someone without the index: cited frames are decoded again from it.",
)  # fmt: skip
@json_option
@pass_invocation
def verify(invocation: Invocation, record: Path, video: Path | None) -> int:
    """Check an answer that `ask` has saved: citations, seals, and its frames decoded again.

    Without --video the index is asked where the video lies and whether it sealed the evidence.
    Ends with exit code 1 where something is not as it is told.
    """
    from videoseal.graph.proof.proof_check import check_proof, read_record

    episode, pictures = read_record(record)
    if video is not None:
        checks = check_proof(episode, pictures, video)
    else:
        settings = invocation.settings()
        with invocation.store(settings) as store:
            own = settings.seal_key
            key = own.get_secret_value().encode() if own else store.seal_key()
            try:
                row = store.video(episode.video_id)
            except UnknownVideo as error:
                error.hint = "name the file with --video FILE"
                raise

            def said(span: Span) -> list[str]:
                return [text.text for text in store.texts(row.id, ["speech"], span)]

            checks = check_proof(episode, pictures, row.path, key, said)
    invocation.emit(checks, *(f"{check.state:<5} {check.name:<7} {check.text}" for check in checks))
    return int(any(check.state == "fail" for check in checks))
