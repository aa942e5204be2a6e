"""`videoseal clip`: cut a few seconds out of an indexed video."""

from __future__ import annotations

from pathlib import Path

import click

from videoseal.cli.invocation import Invocation, json_option, pass_invocation

__all__ = ["clip"]


@click.command()
@click.argument("video")
@click.argument("span")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Where to write it; a file in this folder, named by video and time, if not given.",
)  # fmt: skip
@click.option("--stamp", is_flag=True, help="Burn the time of each frame in.")
@click.option(
    "--audio", metavar="TRACK", help="Sound track, by number or language, instead of the default."
)
@json_option
@pass_invocation
def clip(
    invocation: Invocation, video: str, span: str, out: Path | None, stamp: bool, audio: str | None
) -> None:
    """Cut SPAN, such as 00:01:00-00:01:16, out of VIDEO as MP4 that every browser plays.

    VIDEO is an id, the start of one, a title, or an indexed file. Needs the clips extra.
    """
    with invocation.open(audio_track=audio) as client:
        made = client.clip(video, span, out, stamp=stamp)
    invocation.emit({"path": str(made)}, str(made))
