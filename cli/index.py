"""`videoseal index`: put videos into the index."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from videoseal.cli.failures import explain, show
from videoseal.cli.invocation import Invocation, json_option, pass_invocation
from videoseal.cli.output import emit_json, notes, results
from videoseal.cli.progress import Display
from videoseal.core.errors import ModelAuthError, ModelError, VideoBusy, VideoError, VideoNotFound
from videoseal.core.span import format_time
from videoseal.core.text import plain

if TYPE_CHECKING:
    from videoseal.api import Client
    from videoseal.indexing.index_rows import VideoRow

__all__ = ["SUFFIXES", "expand", "index", "index_one"]

SUFFIXES: Final = frozenset(
    ".3gp .avi .flv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .ogv .ts .webm .wmv".split()  # noqa: SIM905
)
"""What counts as a video in a folder; a file that is named itself may be called anything."""


@click.command(epilog="An interrupted run continues where it stopped when it is run again.")
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH..."
)
@click.option("--title", help="A name to show and to ask by; the file's name if not given.")
@click.option(
    "--subtitles", type=click.Path(path_type=Path), metavar="FILE",
    help="A subtitle file (.srt, .vtt, .ass, .ttml, ...) to index as speech.",
)  # fmt: skip
@click.option("--no-ocr", is_flag=True, help="Do not read on-screen text.")
@click.option("--speech", is_flag=True, help="Transcribe speech (needs the speech extra).")
@click.option("--re-embed", is_flag=True, help="Replace vectors made by another embedder.")
@json_option
@pass_invocation
def index(
    invocation: Invocation,
    paths: tuple[Path, ...],
    title: str | None,
    subtitles: Path | None,
    no_ocr: bool,
    speech: bool,
    re_embed: bool,
) -> int:
    """Index video files, or all videos in a folder, so that they can be asked about.

    A file that cannot be used is reported and the next one is taken; the exit code is then the
    worst that occurred. A video that is indexed already costs nothing.
    """
    invocation.when_stopped = "stopped; what is done is kept: run the same command again to go on"
    files = expand(paths)
    if len(files) > 1 and (title is not None or subtitles is not None):
        raise click.UsageError("--title and --subtitles are for one video at a time")
    options = {"title": title, "subtitles": subtitles, "re_embed": re_embed}
    with invocation.open(ocr=False if no_ocr else None, speech=speech or None) as client:
        done = _index_all(invocation, client, files, options)
    if invocation.as_json:
        emit_json({"videos": done})
    return max((entry["error"]["exit_code"] for entry in done if "error" in entry), default=0)


def expand(paths: tuple[Path, ...]) -> list[Path]:
    """The files named, and the videos below each folder named, without repeats."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES)
            if not inside:
                raise VideoNotFound(f"no videos in the folder {path}")
            found.update(dict.fromkeys(inside))
        else:
            found[path] = None
    return list(found)


def index_one(client: Client, path: Path, **options: Any) -> VideoRow:
    """Index one video with progress on standard error."""
    with Display() as on_progress:
        return client.index(path, on_progress=on_progress, **options)


def _index_all(
    invocation: Invocation, client: Client, files: list[Path], options: dict[str, Any]
) -> list[dict[str, Any]]:
    """Index one after the other; a fault of one video does not stop the next."""
    done: list[dict[str, Any]] = []
    for number, path in enumerate(files, start=1):
        notes().print(f"[{number}/{len(files)}] {plain(str(path))}", soft_wrap=True)
        started = time.monotonic()
        try:
            row = index_one(client, path, **options)
        except Exception as error:
            failure = explain(error)
            if not _concerns_one_video(error):
                raise
            show(failure, error=error, debug=invocation.debug, as_json=False)
            done.append({"path": path, "error": failure._asdict()})
            continue
        seconds = time.monotonic() - started
        done.append(_entry(row, client.store.counts(row.id), seconds))
        if not invocation.as_json:
            _print_row(row, done[-1])
    return done


def _concerns_one_video(error: Exception) -> bool:
    if isinstance(error, ModelAuthError):
        return False
    return isinstance(error, VideoError | VideoBusy | ModelError)


def _entry(row: VideoRow, counts: dict[str, int], seconds: float) -> dict[str, Any]:
    return {
        "id": row.id,
        "title": row.title,
        "path": row.path,
        "duration": row.duration,
        "status": row.status,
        "counts": counts,
        "seconds": round(seconds, 3),
    }


def _print_row(row: VideoRow, entry: dict[str, Any]) -> None:
    counts = ", ".join(f"{count} {kind}" for kind, count in entry["counts"].items() if count)
    results().print(
        f"{row.id}  {format_time(row.duration)}  {plain(row.title)}  "
        f"({counts or 'no texts'}; {entry['seconds']:.1f} s)",
        soft_wrap=True,
    )
