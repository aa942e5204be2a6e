"""The folder that proves an answer: the record, the frames as JPEG, and one picture of them."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from videoseal.core.errors import VideosealError
from videoseal.core.span import Span, format_time
from videoseal.graph.proof.answer_page import answer_page
from videoseal.graph.proof.contact_sheet import Tile, choose_tiles, draw_sheet
from videoseal.graph.proof.proof_check import read_record
from videoseal.graph.proof.shown_pictures import shown_pictures
from videoseal.graph.proof.trajectory import said_lines, trajectory, verdict
from videoseal.graph.proof.video_clip import write_clip
from videoseal.indexing.video_file import video_file

if TYPE_CHECKING:
    from videoseal.graph.answers import Citation
    from videoseal.graph.episode import Episode
    from videoseal.graph.resources import Resources

__all__ = ["EvidenceFolder", "new_folder", "write_evidence", "write_page"]

_SLUG_LENGTH: Final = 40
_SAID: Final = 4
"""Lines that stand on the picture of an answer."""
_MARGIN: Final = 3.0
_LONGEST_CLIP: Final = 30.0
_OURS: Final = re.compile(r"\d\d-\d\d-\d\d\.\d{3}\.jpg")


class EvidenceFolder(NamedTuple):
    """What was written, with the frames by their time."""

    path: Path
    answer: Path
    contact_sheet: Path
    frames: dict[float, Path]
    """Inspected frames, cited ones among them, by presentation time in seconds."""
    missing: int = 0
    """Frames that are neither cached nor in the video file any more."""
    problem: OSError | VideosealError | None = None
    """Why it could not be written as a whole."""
    clips: tuple[Path, ...] = ()
    page: Path | None = None
    """A few seconds around each citation, where they were asked for."""


def new_folder(data_dir: Path, video_id: str, question: str) -> Path:
    """Make a folder below the data folder, named by the time and the question's first words."""
    slug = re.sub(r"\W+", "-", question.lower())[:_SLUG_LENGTH].strip("-") or "question"
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    parent = data_dir / "evidence" / video_id
    parent.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        folder = parent / (f"{stamp}-{slug}" + (f"-{number}" if number > 1 else ""))
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        break
    return folder


def write_evidence(
    episode: Episode,
    resources: Resources,
    folder: Path,
    *,
    clips: bool = False,
    page: bool = False,
) -> EvidenceFolder:
    """Write `answer.json`, `trajectory.md`, `frames/` and `contact.jpg` over those of a former run.

    With `clips` there is also one of each citation, its time burned in, and with `page` all of it
    as `answer.html`.
    An answer may have cost minutes and money: what keeps its folder from being written is
    returned with it and not raised.
    """
    plan = EvidenceFolder(folder, folder / "answer.json", folder / "contact.jpg", {})
    try:
        plan = _write(episode, resources, plan)
        if clips:
            plan = plan._replace(clips=_cut(episode, resources, folder / "clips"))
        if page:
            plan = plan._replace(page=write_page(folder))
    except (OSError, VideosealError) as error:
        return plan._replace(problem=error)
    return plan


def write_page(record: Path, out: Path | None = None) -> Path:
    """Write the page of a record, or of a folder of one with its pictures and clips.

    It is `answer.html` beside the record unless `out` says otherwise. Raises InvalidRecord for
    what is no record of an answer, and OSError.
    """
    episode, pictures = read_record(record)
    folder = record if record.is_dir() else record.parent
    cut = {path.name.partition("_")[0]: path.read_bytes() for path in folder.glob("clips/*_*.mp4")}
    page = out or folder / "answer.html"
    page.write_text(answer_page(episode, pictures, cut), encoding="utf-8")
    return page


def _write(episode: Episode, resources: Resources, plan: EvidenceFolder) -> EvidenceFolder:
    folder = plan.path
    frames_folder = folder / "frames"
    frames_folder.mkdir(parents=True, exist_ok=True)
    for old in frames_folder.iterdir():
        if _OURS.fullmatch(old.name):
            old.unlink()
    plan.answer.write_text(episode.model_dump_json(indent=2), encoding="utf-8")
    (folder / "trajectory.md").write_text(trajectory(episode), encoding="utf-8")
    shown = {frame.time: frame for entry in episode.evidence for frame in entry.frames}
    pictures = shown_pictures(episode.video_id, shown.values(), resources)
    frames: dict[float, Path] = {}
    for time, jpeg in pictures.items():
        frames[time] = frames_folder / f"{_stamp(time)}.jpg"
        frames[time].write_bytes(jpeg)
    plan.contact_sheet.write_bytes(_sheet(episode, pictures))
    return plan._replace(frames=frames, missing=len(shown) - len(pictures))


def _cut(episode: Episode, resources: Resources, folder: Path) -> tuple[Path, ...]:
    """One clip a citation, named by its evidence and the moment it is of."""
    if not episode.answer.citations:
        return ()
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*_??-??-??.???.mp4"):
        old.unlink()
    video = video_file(resources.store.video(episode.video_id))
    made = []
    for citation in episode.answer.citations:
        span = _around(citation)
        made.append(folder / f"{citation.evidence}_{_stamp(span.start)}.mp4")
        track = resources.settings.audio_track
        write_clip(video, span, made[-1], track=track, stamp=True)
    return tuple(made)


def _around(citation: Citation) -> Span:
    """Some seconds before and after what is cited, or the first of it that lies far apart."""
    said = (time for line in citation.lines for time in (line.start, line.end))
    times = sorted([*(frame.time for frame in citation.frames), *said])
    last = times[-1] if times[-1] - times[0] <= _LONGEST_CLIP else times[0]
    return Span(max(0.0, times[0] - _MARGIN), last + _MARGIN)


def _sheet(episode: Episode, pictures: dict[float, bytes]) -> bytes:
    cited = {frame.time for citation in episode.answer.citations for frame in citation.frames}
    entry_of = {frame.time: entry.id for entry in episode.evidence for frame in entry.frames}
    tiles = [
        Tile(time, jpeg, entry_of.get(time, ""), time in cited) for time, jpeg in pictures.items()
    ]
    chosen = choose_tiles(tiles)
    heading = [episode.question.text, verdict(episode)]
    heading += [f"Said at {line}" for line in said_lines(episode.answer)[:_SAID]]
    if any(tile.cited for tile in chosen):
        heading.append("Framed in green: the pictures that the answer rests on.")
    return draw_sheet(heading, chosen, len(tiles) - len(chosen))


def _stamp(time: float) -> str:
    return format_time(time, decimals=3).replace(":", "-")
