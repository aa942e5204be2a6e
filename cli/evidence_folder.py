"""The folder that proves an answer: the record, the frames as JPEG, and one picture of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from cli.contact_sheet import Tile, choose_tiles, draw_sheet
from core.span import format_time

if TYPE_CHECKING:
    from graph.episode import Episode
    from graph.evidence import ShownFrame
    from graph.resources import Resources

__all__ = ["EvidenceFolder", "default_folder", "write_evidence"]

_SLUG_LENGTH: Final = 40


class EvidenceFolder(NamedTuple):
    """What was written, with the frames by their time."""

    path: Path
    answer: Path
    contact_sheet: Path
    frames: dict[float, Path]
    """Cited and inspected frames, by presentation time in seconds."""


def default_folder(data_dir: Path, video_id: str, question: str) -> Path:
    """A new folder below the data folder, named by the time and the question's first words."""
    slug = re.sub(r"\W+", "-", question.lower())[:_SLUG_LENGTH].strip("-") or "question"
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    return data_dir / "evidence" / video_id / f"{stamp}-{slug}"


def write_evidence(episode: Episode, resources: Resources, folder: Path) -> EvidenceFolder:
    """Write `answer.json`, `frames/` and `contact.jpg`; existing files are replaced.

    Raises OSError when the folder cannot be written.
    """
    frames_folder = folder / "frames"
    frames_folder.mkdir(parents=True, exist_ok=True)
    answer = folder / "answer.json"
    answer.write_text(episode.model_dump_json(indent=2), encoding="utf-8")
    pictures = _pictures(episode, resources)
    frames: dict[float, Path] = {}
    for time, jpeg in pictures.items():
        frames[time] = frames_folder / f"{_stamp(time)}.jpg"
        frames[time].write_bytes(jpeg)
    sheet = folder / "contact.jpg"
    sheet.write_bytes(_sheet(episode, pictures))
    return EvidenceFolder(folder, answer, sheet, frames)


def _pictures(episode: Episode, resources: Resources) -> dict[float, bytes]:
    """Every frame that was shown, from the cache or decoded again, in order of time."""
    from core.frames import VideoReader
    from graph.frame_refs import find_frame

    shown = {frame.time: frame for entry in episode.evidence for frame in entry.frames}
    found: dict[float, bytes] = {}
    missing: list[ShownFrame] = []
    for frame in shown.values():
        jpeg = find_frame(resources.cache, episode.video_id, frame.ref)
        if jpeg is None:
            missing.append(frame)
        else:
            found[frame.time] = jpeg
    if missing:
        settings = resources.settings
        times = sorted(frame.time for frame in missing)
        with VideoReader(resources.store.video(episode.video_id).path) as reader:
            # Half a microsecond later is the same frame, also where its time was rounded down.
            for time, picture in zip(
                times, reader.frames_at([t + 5e-7 for t in times]), strict=True
            ):
                found[time] = picture.jpeg(settings.frame_side, settings.jpeg_quality)
    return dict(sorted(found.items()))


def _sheet(episode: Episode, pictures: dict[float, bytes]) -> bytes:
    cited = {frame.time for citation in episode.answer.citations for frame in citation.frames}
    entry_of = {frame.time: entry.id for entry in episode.evidence for frame in entry.frames}
    tiles = [
        Tile(time, jpeg, entry_of.get(time, ""), time in cited) for time, jpeg in pictures.items()
    ]
    chosen = choose_tiles(tiles)
    return draw_sheet([episode.question.text, _verdict(episode)], chosen, len(tiles) - len(chosen))


def _verdict(episode: Episode) -> str:
    answer = episode.answer
    if answer.outcome == "abstained":
        return f"No answer: {answer.reason or answer.cause}"
    letter = f"({answer.choice}) " if answer.choice else ""
    marks = "proven by the framed pictures" if answer.proven else "not proven"
    return f"{letter}{answer.text}  [{marks}]"


def _stamp(time: float) -> str:
    return format_time(time, decimals=3).replace(":", "-")
