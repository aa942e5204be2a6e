"""Measure one search inside a video: the store's, against reloading and scanning files each time.

`python bench/search.py [--rows 1000 3000 10000] [--queries 40] [--json]` prints medians over the
queries, each the fastest of five runs. Both get the query's vector; the store searches by
vectors and words, the other way reads its texts and vectors from disk, as a system without a
database does, and ranks them by cosine and BM25.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from videoseal.core.settings import Settings
from videoseal.core.span import Span
from videoseal.indexing.index_rows import TextRow
from videoseal.indexing.postgres.server import EmbeddedServer
from videoseal.indexing.search.hybrid import Place, fuse
from videoseal.indexing.store.store import Store

_DIMENSION, _MODEL, _LIMIT, _RUNS = 384, "bench", 30, 5
_WORD = re.compile(r"\w+")


class Corpus(NamedTuple):
    """One video's texts, their vectors, and queries with theirs."""

    texts: list[str]
    vectors: np.ndarray
    queries: list[str]
    query_vectors: np.ndarray


def main() -> None:
    """Build a video of each size, time the same queries both ways, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 3000, 10000])
    parser.add_argument("--queries", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="videoseal-bench-") as folder:
        server = EmbeddedServer(Path(folder))
        try:
            with Store.connect(Settings(database_url=server.url)) as store:
                results = [
                    _measure(store, Path(folder), rows, arguments.queries)
                    for rows in arguments.rows
                ]
        finally:
            server.stop()
    if arguments.json:
        print(json.dumps(results))
        return
    print(f"median ms of {arguments.queries} queries; the query's embedding is not counted")
    for row in results:
        print(
            f"{row['rows']:>6} rows  store {row['store_ms']:6.1f} (p95 {row['store_p95_ms']:.1f})"
            f"  words alone {row['words_ms']:6.1f}  files {row['files_ms']:7.1f}"
            f"  ratio {row['ratio']:.1f}"
        )


def _measure(store: Store, folder: Path, rows: int, queries: int) -> dict[str, float]:
    corpus = _corpus(rows, queries)
    video_id = f"v{rows:016d}"
    _index(store, video_id, corpus)
    (folder / "texts.json").write_text(json.dumps(corpus.texts, ensure_ascii=False))
    np.save(folder / "vectors.npy", corpus.vectors)

    def with_store(query: str, vector: np.ndarray | None) -> None:
        store.search(video_id, query, vector, _MODEL, limit=_LIMIT)

    ours = _times(corpus, with_store)
    words = _times(corpus, lambda query, _: with_store(query, None))
    files = _times(corpus, lambda query, vector: _from_files(folder, query, vector))
    middle = statistics.median
    return {
        "rows": rows,
        "store_ms": middle(ours),
        "store_p95_ms": sorted(ours)[int(len(ours) * 0.95)],
        "words_ms": middle(words),
        "files_ms": middle(files),
        "ratio": middle(files) / middle(ours),
    }


def _times(corpus: Corpus, search: Callable[[str, np.ndarray], object]) -> list[float]:
    """Milliseconds of each query, the fastest of a few runs, so that other programs count less."""
    found = []
    for query, vector in zip(corpus.queries, corpus.query_vectors, strict=True):
        fastest = math.inf
        for _ in range(_RUNS):
            started = time.perf_counter()
            search(query, vector)
            fastest = min(fastest, time.perf_counter() - started)
        found.append(fastest * 1000)
    return found


def _from_files(folder: Path, query: str, vector: np.ndarray) -> list[tuple[int, float]]:
    """Read everything, rank by cosine and by BM25, fuse."""
    texts = json.loads((folder / "texts.json").read_text())
    vectors = np.load(folder / "vectors.npy")
    near = np.argsort(-(vectors @ vector))[:200]
    bags = [Counter(_WORD.findall(text.lower())) for text in texts]
    mean = sum(bag.total() for bag in bags) / len(bags)
    scores: Counter[int] = Counter()
    for word in set(_WORD.findall(query.lower())):
        holders = [number for number, bag in enumerate(bags) if word in bag]
        weight = math.log(1 + (len(bags) - len(holders) + 0.5) / (len(holders) + 0.5))
        for number in holders:
            many, size = bags[number][word], bags[number].total() / mean
            scores[number] += weight * many * 2.2 / (many + 1.2 * (0.25 + 0.75 * size))
    words = {number: Place(rank) for rank, (number, _) in enumerate(scores.most_common(200), 1)}
    return fuse([words, {int(n): Place(rank) for rank, n in enumerate(near, 1)}])[:_LIMIT]


def _index(store: Store, video_id: str, corpus: Corpus) -> None:
    info = SimpleNamespace(
        path=Path("bench.mp4"), duration=2.0 * len(corpus.texts), width=1280, height=720, fps=25.0,
        has_audio=True, size_bytes=0,
    )  # fmt: skip
    store.add_video(video_id, info, title=video_id, fingerprint="bench")
    rows = [
        TextRow("ocr", number, Span(2 * number, 2 * number + 2), text, "bench")
        for number, text in enumerate(corpus.texts)
    ]
    store.put_unit(video_id, "bench", 0, "bench", {}, rows)
    ids = [row.id for row in store.texts(video_id)]
    store.put_vectors(_MODEL, ids, corpus.vectors)


def _corpus(rows: int, queries: int) -> Corpus:
    """Signs, subtitles in two languages and captions, of words as unevenly common as real ones."""
    rng = random.Random(rows)
    letters = "aaabcdeeefghiiklmnooprsttuvw"
    words = ["".join(rng.choices(letters, k=rng.randint(3, 9))) for _ in range(4000)]
    common = [1 / (place + 5) for place in range(len(words))]
    signs = "我你他的是在有人这中大来上国个到说们为子和地出道也时年得就那要下以生会自着去之过家"

    def text() -> str:
        kind = rng.random()
        if kind < 0.15:
            return f"LOT {rng.randint(1000, 9999)}"
        if kind < 0.3:
            return "".join(rng.choices(signs, k=rng.randint(5, 16)))
        return " ".join(rng.choices(words, common, k=rng.randint(4, 25)))

    texts = [text() for _ in range(rows)]
    asked = [
        " ".join(rng.choice(texts).split()[:6] + rng.choices(words, k=3)) for _ in range(queries)
    ]
    numbers = np.random.default_rng(rows)
    return Corpus(texts, _unit(numbers, rows), asked, _unit(numbers, queries))


def _unit(numbers: np.random.Generator, count: int) -> np.ndarray:
    vectors = numbers.standard_normal((count, _DIMENSION)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


if __name__ == "__main__":
    main()
