"""What is behind the words: moving pictures of libavfilter's sources, or footage from a folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Final

import av
import numpy as np
import yaml
from av.filter import Graph
from av.filter.context import FilterContext
from numpy.typing import NDArray

from videoseal.core.errors import VideosealError
from videoseal.evals.synthetic.spec import VideoSpec

__all__ = ["BACKDROPS", "backdrop", "footage_files", "hiss"]

BACKDROPS: Final[dict[str, str]] = yaml.safe_load(
    Path(__file__).with_suffix(".yaml").read_text("utf-8")
)
"""Chains of filters by name."""
_TINTS: Final = ("magma", "inferno", "plasma", "viridis", "turbo", "cividis", "spectral", "cool",
                 "heat", "fiery", "blues", "green", "helix")  # fmt: skip
_VIDEOS: Final = {".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v"}

Rows = NDArray[np.uint8]


def footage_files(folder: Path | None) -> list[Path]:
    """The videos in a folder in order of their names; VideosealError where there are none."""
    if folder is None:
        return []
    found = [path for path in folder.glob("*") if path.suffix.lower() in _VIDEOS]
    if not found:
        raise VideosealError(f"no videos in {folder}", hint=f"looked for {' '.join(_VIDEOS)}")
    return sorted(found)


def backdrop(kind: str, scene: int, spec: VideoSpec) -> Iterator[Rows]:
    """Frames without end for one scene as yuv420p rows (h * 3 / 2, w), to be drawn on."""
    rng = Random(f"backdrop {spec.seed} {scene}")
    if kind == "footage":
        return _footage(rng.choice(footage_files(spec.footage)), rng.random(), spec)
    chain = BACKDROPS[kind].format(
        seed=rng.randrange(1 << 30), rule=rng.choice((18, 30, 45, 73, 90, 110)),
        part=f"{rng.uniform(0.15, 0.5):.3f}", turn=rng.randrange(360), tint=rng.choice(_TINTS),
        colours=":".join(f"c{i}=0x{rng.randrange(1 << 24):06x}" for i in range(8)),
    )  # fmt: skip
    turned = rng.sample(["hflip", "vflip"], rng.randrange(3))
    held = max(1, round(spec.fps / rng.choice((1, 2, 3))))
    return _source([*chain.split(","), *turned, *_fitted(spec)], held)


def hiss(seed: int, rate: int) -> Iterator[av.AudioFrame]:
    """Quiet noise without end, a second a frame."""
    source = f"anoisesrc=color=pink:amplitude=0.02:seed={seed}:sample_rate={rate}:nb_samples={rate}"
    graph = _linked(Graph(), [source], sink="abuffersink")
    while isinstance(frame := graph.pull(), av.AudioFrame):
        yield frame


def _source(chain: Sequence[str], held: int) -> Iterator[Rows]:
    """Every picture of a chain for so many frames: what stands still is cheap to encode."""
    graph = _linked(Graph(), chain)
    while True:
        rows = _rows(graph)
        for _ in range(held):
            yield rows.copy()


def _footage(path: Path, start: float, spec: VideoSpec) -> Iterator[Rows]:
    """A video from a part of its length on, over and over."""
    while True:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            container.seek(int(start * (container.duration or 0)))
            graph = Graph()
            first = graph.add_buffer(template=stream)
            _linked(graph, [f"fps={spec.rate}", *_fitted(spec)], first)
            for frame in container.decode(stream):
                graph.push(frame)
                try:
                    while True:
                        yield _rows(graph)
                except av.BlockingIOError:
                    continue
        start = 0.0


def _fitted(spec: VideoSpec) -> list[str]:
    size = f"{spec.width}:{spec.height}"
    return [f"scale={size}:force_original_aspect_ratio=increase", f"crop={size}", "format=yuv420p"]


def _linked(
    graph: Graph, chain: Sequence[str], last: FilterContext | None = None, sink: str = "buffersink"
) -> Graph:
    """Put filters one behind the other, and behind `last`."""
    for part in [*chain, sink]:
        name, _, arguments = part.partition("=")
        added = graph.add(name, arguments or None)
        if last is not None:
            last.link_to(added)
        last = added
    graph.configure()
    return graph


def _rows(graph: Graph) -> Rows:
    frame = graph.pull()
    assert isinstance(frame, av.VideoFrame)
    return frame.to_ndarray().astype(np.uint8, copy=False)
