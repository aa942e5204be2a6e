"""Tokenizers made in the test, and a world whose tools need no video."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rl.stage import World, make_tokenizer
from tests.rl.studio import studio
from videoseal.core.span import Span
from videoseal.graph.context import Context
from videoseal.indexing.index_rows import Hit, VideoRow
from videoseal.models.types import Frame, Reply, Usage
from videoseal.rl.config import RolloutConfig
from videoseal.rl.episodes.executor import GraphExecutor
from videoseal.rl.rewards.rewards import RewardSpec

__all__ = ["loose_tokenizer", "make", "studio", "tokenizer", "world"]


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    """One that marks its tokens as Qwen's does."""
    return make_tokenizer()


@pytest.fixture(scope="session")
def loose_tokenizer() -> Any:
    """One that finds added tokens in other spellings too."""
    return make_tokenizer(loose=True)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose tools need no video."""
    here = World()

    async def search(*_: Any, **__: Any) -> Reply[list[Hit]]:
        if here.search_trouble:
            raise here.search_trouble
        return Reply([Hit(1, "ocr", Span(100.0, 103.0), here.heard, 0.03)], Usage(1))

    def show(video: VideoRow, spans: list[Span], *, max_frames: int, **_: Any) -> list[Frame]:
        times = [span.start + n * span.duration / 4 for span in spans for n in range(4)]
        return [Frame(time, f"{time}".encode()) for time in times[:max_frames]]

    monkeypatch.setattr("videoseal.graph.nodes.visual_retrieve.search_index", search)
    monkeypatch.setattr("videoseal.graph.nodes.visual_inspect.show_frames", show)
    monkeypatch.setattr("videoseal.graph.nodes.overview.read_outline", lambda *_, **__: here.heard)
    return here


@pytest.fixture
def make(world: World, tmp_path: Path) -> Iterator[Callable[..., GraphExecutor]]:
    """An executor in this world; its records go to a folder of the test."""
    made: list[GraphExecutor] = []

    def build(**changes: Any) -> GraphExecutor:
        values = {"policy": "p", "context": Context(), "reward": RewardSpec()}
        config = RolloutConfig(**{**values, "rollouts_dir": tmp_path, **changes})
        made.append(GraphExecutor(config, world.resources, world.judge))
        return made[-1]

    yield build
    for executor in made:
        executor.close()
