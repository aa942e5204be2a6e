"""Words and their weights."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from videoseal.models.offline import rarity


def test_words_are_the_same_in_many_threads() -> None:
    """Questions that are asked at the same time do not mix their words."""
    texts = [f"{stem}{end}ications relational hopefulness" for stem in "abcdefghijklmnopqrstuvwxyz"
             for end in ("mult", "nat", "spec", "fort", "ident")]  # fmt: skip
    alone = [rarity.clues_of(text) for text in texts]
    for cached in (rarity._form, rarity._stem):
        cached.cache_clear()
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(rarity.clues_of, texts)) == alone
