"""Measure frame decoding against OpenCV and ffmpeg; every frame is checked by its number.

`python bench/decode.py [--minutes 60] [--runs 3] [--json]` prints medians and ratios. Each
measurement is a process of its own; CPU time counts all its threads, from opening the file to the
last JPEG, without imports.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from bench.hour import FPS, expected_number, long_video, read_number

_SPANS, _SPAN_S, _FRAMES, _SIDE, _QUALITY = 8, 8.0, 64, 1280, 85


class Cost(NamedTuple):
    """What one process used."""

    cpu: float
    """Seconds of all threads."""
    wall: float
    peak_mb: float
    frames: int
    wrong: int


def main() -> None:
    """Run one case (inside its own process) or all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--case", choices=_CASES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    video = long_video(arguments.minutes)
    if arguments.case:
        print(json.dumps(_measured(_CASES[arguments.case], video, arguments.minutes * 60)))
        return
    costs = {name: _medians(name, arguments.minutes, arguments.runs) for name in _CASES}
    ratios = _ratios(costs)
    if arguments.json:
        table = {name: cost._asdict() for name, cost in costs.items()}
        print(json.dumps({"minutes": arguments.minutes, "costs": table, "ratios": ratios}))
    else:
        _print(costs, ratios, arguments.minutes, arguments.runs)
    if any(cost.wrong for name, cost in costs.items() if not name.startswith("opencv")):
        raise SystemExit("a frame was not the one shown at its time")


def _print(costs: dict[str, Cost], ratios: dict[str, float], minutes: int, runs: int) -> None:
    print(f"{minutes} minutes of 720p, {FPS} fps, keyframe every 10 s; median of {runs}\n")
    print(f"{'case':24}{'cpu s':>9}{'wall s':>9}{'peak MB':>9}{'frames':>8}{'wrong':>7}")
    for name, cost in costs.items():
        line = f"{name:24}{cost.cpu:9.2f}{cost.wall:9.2f}{cost.peak_mb:9.0f}"
        print(f"{line}{cost.frames:8}{cost.wrong:7}")
    print()
    for name, ratio in ratios.items():
        print(f"{name:58}{ratio:7.2f}")


def _ratios(costs: dict[str, Cost]) -> dict[str, float]:
    def cpu(theirs: str, ours: str) -> float:
        return costs[theirs].cpu / costs[ours].cpu

    def peak(more: str, less: str) -> float:
        return costs[more].peak_mb / costs[less].peak_mb

    clips = "clips at 1 fps"
    return {
        "8 spans: CPU, OpenCV seeking each frame / ours": cpu("opencv, seek each", "8 spans"),
        "8 spans: CPU, OpenCV with spans of 15 s / ours": cpu("opencv, 15 s spans", "8 spans"),
        "8 spans: CPU, OpenCV reading on / ours": cpu("opencv 8 spans", "8 spans"),
        "whole video: CPU, OpenCV / ours (at least 15)": cpu("opencv whole", "whole"),
        "clips: CPU, ffmpeg null / ours": cpu("ffmpeg -f null", clips),
        "clips: wall, ffmpeg null / ours (at least 1)": costs["ffmpeg -f null"].wall
        / costs[clips].wall,
        "memory: clips of all / of a tenth (about 1)": peak(clips, "clips, a tenth"),
        "memory: scan of 8 min / of 1 min (about 1)": peak("scan 8 min", "scan 1 min"),
    }


def _medians(case: str, minutes: int, runs: int) -> Cost:
    """The median of each figure; the one that reads everything in OpenCV is run once."""
    command = [sys.executable, __file__, "--minutes", str(minutes), "--case", case]
    costs = []
    for _ in range(1 if case == "opencv whole" else runs):
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        costs.append(Cost(*json.loads(done.stdout)))
        print(f"{case}: {costs[-1].cpu:.2f} s CPU", file=sys.stderr)
    return Cost(
        cpu=statistics.median(cost.cpu for cost in costs),
        wall=statistics.median(cost.wall for cost in costs),
        peak_mb=statistics.median(cost.peak_mb for cost in costs),
        frames=costs[0].frames,
        wrong=max(cost.wrong for cost in costs),
    )


def _measured(
    case: Callable[[Path, float], Iterator[tuple[float, int]]], video: Path, length: float
) -> Cost:
    """Run a case to its end; the numbers are judged after the clock has stopped."""
    for _ in case(video, 0.0):  # imports, and nothing else
        pass
    used, begun = _cpu(), time.perf_counter()
    shown = list(case(video, length))
    cpu, wall = _cpu() - used, time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    wrong = sum(number != expected_number(round(at * FPS)) for at, number in shown)
    return Cost(cpu, wall, peak, len(shown), wrong)


def _cpu() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _span_starts(length: float) -> list[float]:
    rng = random.Random(5)
    part = (length - _SPAN_S) / _SPANS
    return [round(part * (index + rng.random()), 2) for index in range(_SPANS)]


def _ours(video: Path, times: list[float]) -> Iterator[tuple[float, int]]:
    from videoseal.core.frames import VideoReader

    with VideoReader(video) as reader:
        for wanted, picture in zip(sorted(times), reader.frames_at(times), strict=True):
            picture.jpeg(_SIDE, _QUALITY)
            late = not picture.time <= wanted + 1e-6 < picture.time + 1 / FPS + 2e-6
            yield picture.time, -2 if late else read_number(picture.gray(1280, 720))


def _spans(video: Path, length: float) -> Iterator[tuple[float, int]]:
    starts = _span_starts(length) if length else []
    each = _FRAMES // _SPANS
    return _ours(video, [s + i * _SPAN_S / each for s in starts for i in range(each)])


def _whole(video: Path, length: float) -> Iterator[tuple[float, int]]:
    return _ours(video, [(i + 0.5) * length / _FRAMES for i in range(_FRAMES if length else 0)])


def _clips(video: Path, length: float) -> Iterator[tuple[float, int]]:
    from videoseal.core.frames import VideoReader

    with VideoReader(video) as reader:
        for picture in reader.sample(1.0, 0.0, length):
            picture.jpeg(640, _QUALITY)
            yield picture.time, read_number(picture.gray(1280, 720))


def _scan(video: Path, seconds: float) -> Iterator[tuple[float, int]]:
    from videoseal.core.frames import VideoReader

    with VideoReader(video) as reader:
        for picture in reader.scan(0.0, seconds):
            yield picture.time, read_number(picture.gray(1280, 720))


def _opencv(
    video: Path, starts: list[float], frames: int, step: int
) -> Iterator[tuple[float, int]]:
    """Seek to each start, read `frames` frames, keep every `step`-th as JPEG."""
    import cv2

    capture = cv2.VideoCapture(str(video))
    for start in starts:
        capture.set(cv2.CAP_PROP_POS_MSEC, start * 1000)
        first = int(start * FPS)
        for index in range(frames):
            found, image = capture.read()
            if found and index % step == 0:
                cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
                yield (first + index) / FPS, read_number(image[:, :, 1])
    capture.release()


def _opencv_spans(video: Path, length: float) -> Iterator[tuple[float, int]]:
    starts = _span_starts(length) if length else []
    frames = int(_SPAN_S * FPS)
    return _opencv(video, starts, frames, frames // (_FRAMES // _SPANS))


def _opencv_seeks(video: Path, length: float) -> Iterator[tuple[float, int]]:
    """A seek and a read for each of the same 64 frames."""
    each = _FRAMES // _SPANS
    starts = _span_starts(length) if length else []
    return _opencv(video, [s + i * _SPAN_S / each for s in starts for i in range(each)], 1, 1)


def _opencv_widened(video: Path, length: float) -> Iterator[tuple[float, int]]:
    """What VideoSEAL's sampler reads: every frame of spans widened to 15 s, 2 a second kept."""
    starts = [max(0.0, s - (15 - _SPAN_S) / 2) for s in _span_starts(length)] if length else []
    return _opencv(video, starts, 15 * FPS, FPS // 2)


def _opencv_whole(video: Path, length: float) -> Iterator[tuple[float, int]]:
    frames = int(length * FPS)
    return _opencv(video, [0.0] if length else [], frames, max(1, frames // _FRAMES))


def _ffmpeg(video: Path, length: float) -> Iterator[tuple[float, int]]:
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-threads", "2", "-i", str(video)]
    if length:
        subprocess.run([*command, "-an", "-f", "null", "-"], check=True)
    return iter(())


_CASES: dict[str, Callable[[Path, float], Iterator[tuple[float, int]]]] = {
    "8 spans": _spans,
    "opencv 8 spans": _opencv_spans,
    "opencv, seek each": _opencv_seeks,
    "opencv, 15 s spans": _opencv_widened,
    "whole": _whole,
    "opencv whole": _opencv_whole,
    "clips at 1 fps": _clips,
    "ffmpeg -f null": _ffmpeg,
    "clips, a tenth": lambda video, length: _clips(video, length / 10),
    "scan 1 min": lambda video, length: _scan(video, min(60.0, length)),
    "scan 8 min": lambda video, length: _scan(video, min(480.0, length)),
}


if __name__ == "__main__":
    main()
