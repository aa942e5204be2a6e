"""`videoseal videos`: list, show, export and delete what is indexed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from videoseal.cli.invocation import Invocation, json_option, pass_invocation
from videoseal.cli.options import folder_option
from videoseal.cli.output import emit_json, notes, results, size, table
from videoseal.core.span import format_time
from videoseal.core.text import plain

if TYPE_CHECKING:
    from videoseal.indexing.index_rows import TextRow, VideoRow

__all__ = ["videos"]

_FACTS = ("id", "title", "path", "duration", "width", "height", "fps", "has_audio", "size_bytes",
          "status")  # fmt: skip
_KINDS = ("clip", "ocr", "speech", "scene", "story")


@click.group()
def videos() -> None:
    """List, show, export and delete indexed videos."""


@videos.command("list")
@json_option
@pass_invocation
def list_videos(invocation: Invocation) -> None:
    """List the indexed videos."""
    with invocation.store() as store:
        rows = [(row, store.counts(row.id)) for row in store.videos()]
    if invocation.as_json:
        emit_json({"videos": [_document(row, counts) for row, counts in rows]})
        return
    if not rows:
        notes().print("nothing is indexed yet; run: videoseal index FILE")
        return
    made = table("id", "length", "status", "texts", "title", numbers=("length", "texts"))
    for row, counts in rows:
        texts = sum(counts.get(kind, 0) for kind in _KINDS)
        made.add_row(row.id, format_time(row.duration), row.status, f"{texts:,}", plain(row.title))
    results().print(made)


@videos.command()
@click.argument("video")
@click.option("--texts", is_flag=True, help="Print every text with its span, too.")
@click.option("--kind", type=click.Choice(_KINDS), multiple=True, help="Only texts of this kind.")
@json_option
@pass_invocation
def show(invocation: Invocation, video: str, texts: bool, kind: tuple[Any, ...]) -> None:
    """Show what is known of VIDEO."""
    with invocation.store() as store:
        row = store.video(video)
        counts = store.counts(row.id)
        lines = store.texts(row.id, kind or None) if texts or kind else []
    listed = {"texts": [_text(line) for line in lines]} if texts or kind else {}
    facts = {
        "id": row.id,
        "title": plain(row.title),
        "file": f"{row.path} ({size(row.size_bytes)})",
        "length": format_time(row.duration, decimals=1),
        "picture": f"{row.width}x{row.height}, {row.fps:.4g} frames/s",
        "sound": "yes" if row.has_audio else "no",
        "status": row.status,
        "texts": ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "none",
        "indexed": row.updated.strftime("%Y-%m-%d %H:%M %Z").strip(),
    }
    invocation.emit(
        {**_document(row, counts), **listed},
        *(f"{name:<9} {value}" for name, value in facts.items()),
        *(f"{line.span}  {line.kind:<6}  {plain(line.text)}" for line in lines),
    )


@videos.command()
@click.argument("video")
@folder_option("--out", default=Path(), help="Folder for the files; the current one if not given.")
@json_option
@pass_invocation
def export(invocation: Invocation, video: str, out: Path) -> None:
    """Write the texts of VIDEO as .srt files (on-screen text, speech) and all of it as .json."""
    from videoseal.indexing.subtitles.subtitle_files import to_srt

    with invocation.store() as store:
        row = store.video(video)
        counts = store.counts(row.id)
        lines = store.texts(row.id)
    out.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for kind in ("ocr", "speech"):
        chosen = [line for line in lines if line.kind == kind]
        if chosen:
            written.append(out / f"{row.id}.{kind}.srt")
            written[-1].write_text(to_srt(chosen), encoding="utf-8")
    written.append(out / f"{row.id}.json")
    document = {**_document(row, counts), "texts": [_text(line) for line in lines]}
    text = json.dumps(document, ensure_ascii=False, indent=1, default=str)
    written[-1].write_text(text, encoding="utf-8")
    invocation.emit({"id": row.id, "files": written}, *map(str, written))


@videos.command()
@click.argument("names", nargs=-1, required=True, metavar="VIDEO...")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@pass_invocation
def delete(invocation: Invocation, names: tuple[str, ...], yes: bool) -> None:
    """Delete the index of VIDEO and its cached frames; the file itself and evidence stay."""
    with invocation.open() as client:
        rows = {row.id: row for row in map(client.store.video, names)}
        if not yes:
            listed = ", ".join(f"{row.id} ({plain(row.title)})" for row in rows.values())
            click.confirm(f"Delete the index of {listed}?", abort=True, err=True)
        for video_id in rows:
            client.delete(video_id)
    told = (f"deleted {row.id}  {plain(row.title)}" for row in rows.values())
    invocation.emit({"deleted": list(rows)}, *told)


def _document(row: VideoRow, counts: dict[str, int]) -> dict[str, Any]:
    facts = {name: getattr(row, name) for name in _FACTS}
    facts |= {"path": str(row.path), "counts": counts}
    return facts | {name: getattr(row, name).isoformat() for name in ("created", "updated")}


def _text(line: TextRow) -> dict[str, Any]:
    return {
        "kind": line.kind,
        "start": line.span.start,
        "end": line.span.end,
        "text": line.text,
        "maker": line.model,
        "data": line.data,
    }
