"""Search ranks what answers the query first, in English and Chinese, by words and by vectors."""

from __future__ import annotations

import random
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoseal.core.errors import EmbeddingMismatch
from videoseal.core.span import Span
from videoseal.core.text import storable
from videoseal.indexing.index_rows import TextRow
from videoseal.indexing.search.bm25 import rank_words
from videoseal.indexing.search.hybrid import Place, fuse
from videoseal.indexing.search.tokenizer import asked, haystack, squeeze, terms

VIDEO = "v0123456789abcdef"
FILLER = [
    "We should leave before the rain starts.", "Keep your voice down.", "The train is late again.",
    "他在码头等你", "火车又晚点了", "Tomas will bring the ledger to the old mill.",
    "On screen: MARKET SQUARE", "Ines hides the lamp at the harbour.", "请把灯关掉",
]  # fmt: skip


def add(store, texts, kind="ocr"):
    """Store texts, two seconds each, in the order given."""
    info = SimpleNamespace(
        path=Path("/a.mp4"), duration=9e3, width=1, height=1, fps=25.0, has_audio=True, size_bytes=1
    )
    store.add_video(VIDEO, info, title="A film", fingerprint="f")
    rows = [TextRow(kind, n, Span(2 * n, 2 * n + 2), text, "m") for n, text in enumerate(texts)]
    store.put_unit(VIDEO, kind, 0, "f", {}, rows)


def ranked(store, query, vector=None, **options):
    """Texts found, best first."""
    return [hit.text for hit in store.search(VIDEO, query, vector, "m", **options)]


@pytest.mark.parametrize(
    ("wanted", "near", "query"),
    [
        ("LOT 4821", ["LOT 4812", "LOT 4281", "LOT 482", "ROW 4821B"], "Where is LOT 4821?"),
        ("FLIGHT KX-207", ["FLIGHT KX-270", "FLIGHT XK-207", "FLIGHT KX-2071"], "flight KX-207?"),
        ("PLATFORM 9 14:35", ["PLATFORM 6 14:35", "PLATFORM 9 14:53"], "at 14:35 from platform 9"),
        ("Total $1,250", ["Total $1,520", "Total $2,150"], "a total of 1250 dollars"),
        ("CAFÉ ZÉNITH", ["CAFÉ ZOLA", "ZENIT STORE"], "when does cafe zenith open"),
        ("HARBOURgate at14:35", ["HARBOUR office", "gate closed"], "harbour gate at 14:35"),
        ("bringthe lampto Ottilie", ["bring the ledger", "a lamp"], "Who brings Ottilie the lamp?"),
        ("OBSERVAT0RY TICKETS", ["MUSEUM TICKETS"], "price of observatory tickets"),
        ("Three paintings were stolen", ["He stole away", "A wall"], "stealing of a painting"),
        ("老师把望远镜借给了小明", ["老师把地图借给了小红", "小明来了"], "望远镜借给了谁？"),
        ("密码是三七四二", ["号码是三七二四"], "密码是多少"),
        ("ＦＵＬＬ　ＷＩＤＴＨ", ["FULL HOUSE"], "full width sign"),
    ],
)  # fmt: skip
def test_words_find_the_exact_text_among_near_ones(store, wanted, near, query):
    """Rare numbers, names and run-together words win over texts that are almost right."""
    filler = random.Random(1).choices(FILLER, k=200)
    add(store, [*filler[:100], *near, wanted, *near, *filler[100:]])
    assert ranked(store, query)[0] == wanted


def test_common_words_do_not_outweigh_a_rare_one(store):
    """A text with one rare word of the query beats texts with two words that are everywhere."""
    add(store, ["the red house"] * 50 + ["Ottilie sleeps"] + ["the red house stands"] * 50)
    assert ranked(store, "Does Ottilie live in the red house?")[0] == "Ottilie sleeps"


def test_vectors_are_compared_exactly(store):
    """The order by vectors is that of all cosines, computed in full."""
    add(store, [f"text {n}" for n in range(300)])
    rng = np.random.default_rng(3)
    vectors = rng.standard_normal((300, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = [row.id for row in store.texts(VIDEO)]
    store.put_vectors("m", ids, vectors)
    query = vectors[7] + 0.1
    best = np.argsort(-(vectors @ query))[:30]
    assert ranked(store, "?", query) == [f"text {n}" for n in best]


def test_what_both_rankings_like_comes_first(store):
    """A text found by words and by vector outranks one found by either alone."""
    add(store, ["a green door", "a brass key", "some brass"])
    ids = [row.id for row in store.texts(VIDEO)]
    store.put_vectors("m", ids, np.array([[1, 0.1], [1, 0.2], [0, 1]], np.float32))
    assert ranked(store, "brass key", np.array([[1, 0.1]], np.float32))[0] == "a brass key"


def test_search_stays_in_its_video_and_kinds(store):
    """Texts of other kinds are neither found nor counted as candidates."""
    add(store, ["a lamp"], "ocr")
    add(store, ["another lamp"], "clip")
    ids = [row.id for row in store.texts(VIDEO)]
    store.put_vectors("m", ids, np.eye(2, dtype=np.float32))
    vector = np.ones(2, np.float32)
    assert ranked(store, "lamp", vector, kinds=["clip"]) == ["another lamp"]
    assert ranked(store, "lamp", vector, kinds=[]) == []
    assert store.search("v-other", "lamp", vector, "m") == []


def test_limit_holds_and_scores_fall(store):
    """At most `limit` hits come, the best first."""
    add(store, [f"lamp {n}" for n in range(50)])
    hits = store.search(VIDEO, "lamp 7", None, "m", limit=5)
    assert len(hits) == 5
    assert hits[0].text == "lamp 7"
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_vectors_of_another_model_are_an_error(store):
    """An index made with another embedder is refused with what to run, never searched blindly."""
    add(store, ["a lamp"])
    assert ranked(store, "lamp", np.ones(3, np.float32)) == ["a lamp"]
    store.put_vectors("old", [store.texts(VIDEO)[0].id], np.eye(1, 3, dtype=np.float32))
    for model, dimension in (("m", 3), ("old", 4)):
        with pytest.raises(EmbeddingMismatch) as caught:
            store.search(VIDEO, "lamp", np.ones(dimension, np.float32), model)
        assert caught.value.hint == "run: videoseal index --re-embed <video>"
    assert ranked(store, "lamp") == ["a lamp"]


@pytest.mark.parametrize("vector", [np.zeros(2), np.full(2, np.nan), np.array([np.inf, 0])])
def test_vector_that_points_nowhere_is_left_out(store, vector):
    """With a query vector of zeros or no numbers the words alone decide."""
    add(store, ["a lamp", "a key"])
    store.put_vectors("m", [row.id for row in store.texts(VIDEO)], np.eye(2, dtype=np.float32))
    assert ranked(store, "key", vector) == ["a key"]


def test_words_of_grammar_count_only_when_nothing_else_is_asked(store):
    """`the` finds nothing beside a real word, but `who` alone is searched for."""
    add(store, ["the end", "THE WHO", "a lamp"])
    assert ranked(store, "the lamp") == ["a lamp"]
    assert ranked(store, "who") == ["THE WHO"]


def test_fusion_adds_reciprocal_ranks_by_trust():
    """A distrusted first place counts less than a trusted second one."""
    words = {1: Place(1, 0.2), 2: Place(2, 1.0)}
    assert [text_id for text_id, _ in fuse([words])] == [2, 1]
    assert [text_id for text_id, _ in fuse([words, {1: Place(1), 3: Place(2)}])] == [1, 2, 3]
    assert fuse([]) == []


@given(st.text(max_size=80))
def test_every_text_is_found_by_its_own_terms(text):
    """What a query asks for is among the terms of the same text."""
    assert {item.term for item in asked(storable(text), limit=999)} <= set(terms(storable(text)))
    assert all(term and term == squeeze(term) for term in terms(storable(text)))


@given(st.text(max_size=60), st.lists(st.text(max_size=60), max_size=5))
def test_every_text_is_found_by_its_own_words(text, others):
    """A text with a letter or digit in it is found by itself, wholly, among any others."""
    lines = "\n".join(haystack(storable(item)) for item in [*others, text])
    covered = rank_words(lines, asked(storable(text)))
    assert (len(others) in covered) == bool(terms(storable(text)))
    assert all(0 < found.share <= 1 and found.score > 0 for found in covered.values())
