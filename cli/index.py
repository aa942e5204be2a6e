"""`videoseal index`: put videos into the index."""

from __future__ import annotations

import os
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from videoseal.cli.failures import explain, show, without_password
from videoseal.cli.invocation import Invocation, json_option, pass_invocation
from videoseal.cli.output import emit_json, notes, results
from videoseal.cli.progress import Display
from videoseal.core.errors import (
    ModelAuthError,
    ModelError,
    OutOfSpace,
    UnreadableVideo,
    VideoBusy,
    VideoError,
    VideoNotFound,
)
from videoseal.core.span import format_time
from videoseal.core.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from videoseal.api import Client
    from videoseal.indexing.index_rows import VideoRow

__all__ = ["SUFFIXES", "index", "index_one"]

SUFFIXES: Final = frozenset(
    ".3gp .avi .flv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .ogv .ts .webm .wmv".split()  # noqa: SIM905
)
"""What counts as a video in a folder; a file that is named itself may be called anything."""
_MOST_NAMED: Final = 20


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
@click.option(
    "--audio", metavar="TRACK",
    help="Sound track to transcribe, by number or language; the default one if not given.",
)  # fmt: skip
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
    audio: str | None,
    re_embed: bool,
) -> int:
    """Index video files, or all videos in a folder, so that they can be asked about.

    A file that cannot be used is reported and the next one is taken; the exit code is then the
    worst that occurred. A video that is indexed already costs nothing.
    """
    invocation.when_stopped = "stopped; what is done is kept: run the same command again to go on"
    files = _files(paths)
    if len(files) > 1 and (title is not None or subtitles is not None):
        raise click.UsageError("--title and --subtitles are for one video at a time")
    options = {"title": title, "subtitles": subtitles, "re_embed": re_embed}
    with invocation.open(
        ocr=False if no_ocr else None, speech=speech or None, audio_track=audio
    ) as client:
        done = _index_all(invocation, client, files, options)
    failed = [entry for entry in done if "error" in entry]
    again = _retry([str(entry["path"]) for entry in failed]) if failed else None
    if invocation.as_json:
        emit_json({"videos": done, **({"retry": again} if again else {})})
    if again and len(files) > 1:
        count = f"{len(failed)} of {len(files)} could not be indexed; to try them again:"
        notes().print(f"{count}\n  {plain(again)}", soft_wrap=True)
    return max((entry["error"]["exit_code"] for entry in failed), default=0)


def _files(paths: Iterable[Path]) -> dict[Path, VideoError | None]:
    """The files named, and the videos below each folder named, with what bars the way to one."""
    found: dict[Path, VideoError | None] = {}
    for path in paths:
        try:
            is_folder = path.is_dir()
        except OSError:
            is_folder = False  # told when it is opened
        found.update(_inside(path) if is_folder else {path: None})
    return found


def _inside(folder: Path) -> dict[Path, VideoError | None]:
    locked: list[OSError] = []
    found: dict[Path, VideoError | None] = {
        Path(where, name): None
        for where, _, names in os.walk(folder, onerror=locked.append)
        for name in names
        if Path(name).suffix.lower() in SUFFIXES
    }
    for error in locked:
        found[Path(error.filename)] = UnreadableVideo(
            f"cannot look into the folder {error.filename}: {error.strerror}"
        )
    return dict(sorted(found.items())) or {
        folder: VideoNotFound(f"no videos in the folder {folder}")
    }


def _retry(paths: list[str]) -> str:
    """The command that does once more what was asked for, with the paths that failed alone.

    What is indexed costs nothing, so with very many of them it is the whole command.
    """
    context = click.get_current_context()
    if len(paths) > _MOST_NAMED:
        paths = list(map(str, context.params["paths"]))
    given = [*_flags(context.parent), "index", *_flags(context)]
    return without_password(shlex.join(["videoseal", *given, *paths]))


def _flags(context: click.Context | None) -> Iterator[str]:
    """The options that a command was given, as they were spelt."""
    if context is None:
        return
    for option in context.command.params:
        given = context.get_parameter_source(option.name or "")
        if isinstance(option, click.Option) and given is ParameterSource.COMMANDLINE:
            value = [] if option.is_flag else [str(context.params[option.name or ""])]
            yield from [option.opts[0], *value]


def index_one(client: Client, path: Path, **options: Any) -> VideoRow:
    """Index one video with progress on standard error."""
    with Display() as on_progress:
        return client.index(path, on_progress=on_progress, **options)


def _index_all(
    invocation: Invocation,
    client: Client,
    files: dict[Path, VideoError | None],
    options: dict[str, Any],
) -> list[dict[str, Any]]:
    """Index one after the other; a fault of one video does not stop the next."""
    done: list[dict[str, Any]] = []
    for number, (path, barred) in enumerate(files.items(), start=1):
        notes().print(f"[{number}/{len(files)}] {plain(str(path))}", soft_wrap=True)
        started = time.monotonic()
        try:
            if barred is not None:
                raise barred
            row = index_one(client, path, **options)
        except Exception as error:
            failure = explain(error)
            if not _concerns_one_video(error, failure.exit_code):
                raise
            show(failure, error=error, debug=invocation.debug, as_json=False)
            done.append({"path": path, "error": failure._asdict()})
            continue
        seconds = time.monotonic() - started
        done.append(_entry(row, client.store.counts(row.id), seconds))
        if not invocation.as_json:
            _print_row(row, done[-1])
    return done


def _concerns_one_video(error: Exception, exit_code: int) -> bool:
    if isinstance(error, ModelAuthError) or exit_code == OutOfSpace.exit_code:
        return False
    return isinstance(error, VideoError | VideoBusy | ModelError | OSError)


def _entry(row: VideoRow, counts: dict[str, int], seconds: float) -> dict[str, Any]:
    facts = {name: getattr(row, name) for name in ("id", "title", "path", "duration", "status")}
    return {**facts, "counts": counts, "seconds": round(seconds, 3)}


def _print_row(row: VideoRow, entry: dict[str, Any]) -> None:
    counts = ", ".join(f"{count} {kind}" for kind, count in entry["counts"].items() if count)
    results().print(
        f"{row.id}  {format_time(row.duration)}  {plain(row.title)}  "
        f"({counts or 'no texts'}; {entry['seconds']:.1f} s)",
        soft_wrap=True,
    )
