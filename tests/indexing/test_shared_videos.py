"""The small faulty videos beside the checkout: lengths, frames, colours and cues come out right."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from tests.shared_data import CASES, needs_cases
from videoseal.core.errors import VideoError
from videoseal.core.frames import VideoReader
from videoseal.core.image import Picture
from videoseal.indexing.subtitles.subtitle_files import SubtitleFiles

FOLDER = CASES / "videos"


def number(picture: Picture) -> int:
    """Which frame it is, told from the grey in its middle."""
    height, width = picture.rgb().shape[:2]
    grey = picture.rgb()[height // 2 - 5 : height // 2 + 5, width // 2 - 5 : width // 2 + 5]
    return int((float(grey.mean()) - 20) / 2 + 0.6)


def near(value: float, wish: float | list[float], slack: float = 0.0) -> bool:
    low, high = wish if isinstance(wish, list) else (wish - slack, wish + slack)
    return low <= value <= high


def faults(path: Path, wish: dict[str, Any]) -> list[str]:
    """What is not as it should be."""
    try:
        with VideoReader(path) as reader:
            return [] if "error" not in wish and _right(reader, wish) else ["wrong"]
    except VideoError as error:
        return [] if "error" in wish and "cut short" in str(error) else [str(error)]


def _right(reader: VideoReader, wish: dict[str, Any]) -> bool:
    info, at = reader.info, wish.get("shows", [])
    shown = [number(picture) for picture in reader.frames_at([time for time, _ in at])]
    return (
        near(info.duration, wish.get("duration", info.duration), 0.11)
        and near(sum(1 for _ in reader.scan()), wish["frames"])
        and [info.width, info.height] == wish.get("size", [info.width, info.height])
        and shown == [frame for _, frame in at]
        and bool(info.promised) is ("warning" in wish)
        and _coloured(reader, wish.get("colours"))
        and all(_covers(reader, *cue) for cue in wish.get("cues", []))
    )


def _covers(reader: VideoReader, text: str, first: int, last: int) -> bool:
    found = SubtitleFiles.of(reader.info.path, None).read(reader.info, pytest.fail)
    (span,) = (line.span for each in found for line in each.lines if line.text == text)
    shown = [number(picture) for picture in reader.frames_at([span.start + 0.01, span.end - 0.01])]
    return shown == [first, last]


def _coloured(reader: VideoReader, wish: dict[str, Any] | None) -> bool:
    if wish is None:
        return True
    image = next(reader.frames_at([wish["at"]])).rgb()
    red, blue, white = (image[y, x].astype(int) for x, y in map(wish.get, ("red", "blue", "white")))
    alone = red[0] >= 180 and red[1:].max() < 0.45 * red[0]
    return bool(
        alone and blue[2] >= 180 and blue[:2].max() < 0.45 * blue[2]
        and white.min() >= 200 and white.max() - white.min() <= 20
    )  # fmt: skip


@needs_cases
def test_shared_videos_come_out_right(tmp_path: Path) -> None:
    """Every file that the script beside the checkout makes."""
    pytest.importorskip("imageio_ffmpeg")
    runpy.run_path(str(FOLDER / "make_videos.py"))["make"](tmp_path)
    wishes = json.loads((FOLDER / "expected.json").read_text("utf-8"))["files"]
    wrong = {name: told for name, wish in wishes.items() if (told := faults(tmp_path / name, wish))}
    assert wrong == {}
