"""The store keeps, finds and forgets."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from videoseal.core.errors import EmbeddingMismatch, UnknownVideo, VideoBusy
from videoseal.core.settings import Settings
from videoseal.core.span import Span
from videoseal.indexing.index_rows import TextRow
from videoseal.indexing.store.store import Store

VIDEO = "v0123456789abcdef"


def facts(path="/films/a.mp4", **changes):
    """What a probe says of a video."""
    known = {"path": Path(path), "duration": 60.0, "width": 1280, "height": 720, "fps": 25.0}
    return SimpleNamespace(**{**known, "has_audio": True, "size_bytes": 9, **changes})


def text(ordinal, wording, start=0.0, kind="ocr", **data):
    """A text of two seconds."""
    return TextRow(kind, ordinal, Span(start, start + 2), wording, "test 1", data)


def vectors(*rows):
    """Vectors as an embedder gives them."""
    return np.array(rows, np.float32)


@pytest.fixture
def video(store):
    """The id of an empty video."""
    store.add_video(VIDEO, facts(), title="A film", fingerprint="f1")
    return VIDEO


def test_video_comes_back_as_it_was_added(store):
    """Every fact of a video is kept, and it begins as `indexing`."""
    added = store.add_video(VIDEO, facts(), title="A film", fingerprint="f1")
    assert store.video(VIDEO) == added
    assert store.videos() == [added]
    assert (added.path, added.duration, added.fps) == (Path("/films/a.mp4"), 60.0, 25.0)
    assert (added.status, added.title, added.has_audio) == ("indexing", "A film", True)


def test_ready_lasts_while_the_fingerprint_does(store, video):
    """Adding a ready video again keeps it ready; with another fingerprint it is indexed anew."""
    store.set_status(video, "ready")
    assert store.add_video(video, facts("/b.mp4"), title="B", fingerprint="f1").status == "ready"
    assert store.video(video).path == Path("/b.mp4")
    assert store.add_video(video, facts(), title="B", fingerprint="f2").status == "indexing"


@pytest.mark.parametrize("name", [VIDEO, VIDEO[:4], VIDEO[:12], "A film"])
def test_video_is_found_by_id_prefix_or_title(store, video, name):
    """The id, a prefix of four characters or more, and the exact title all name a video."""
    assert store.video(name).id == video


@pytest.mark.parametrize("name", ["v01", "nothing", "", "%", "v0123456789abcdeg", "a film\0"])
def test_unknown_video_is_a_clear_error(store, video, name):
    """What names no video is refused with a hint, also what would be a pattern or no text."""
    with pytest.raises(UnknownVideo, match="no video") as caught:
        store.video(name)
    assert "videoseal videos" in caught.value.hint


def test_ambiguous_name_lists_the_candidates(store, video):
    """A prefix or title of two videos names both of them; a full id stays clear."""
    other = VIDEO[:-1] + "0"
    store.add_video(other, facts(), title="A film", fingerprint="f1")
    for name in (VIDEO[:8], "A film"):
        with pytest.raises(UnknownVideo, match=f"(?s){other}.*{VIDEO}"):
            store.video(name)
    assert store.video(VIDEO).id == VIDEO


@pytest.mark.parametrize("name", [b"/films/caf\xe9.mp4", "/films/天气 100%.mp4".encode(), b"/%41"])
def test_any_path_survives(store, name):
    """A path comes back byte for byte, also one that is no UTF-8 or looks like an escape."""
    path = Path(os.fsdecode(name))
    store.add_video(VIDEO, facts(path), title=path.name, fingerprint="f")
    assert os.fsencode(store.video(VIDEO).path) == name


def test_a_path_is_found_from_any_folder(store, tmp_path, monkeypatch):
    """A video that was named from one folder is asked about from another."""
    monkeypatch.chdir(tmp_path)
    store.add_video(VIDEO, facts(Path("films/a.mp4")), title="a", fingerprint="f")
    assert store.video(VIDEO).path == tmp_path / "films" / "a.mp4"


def test_unit_and_its_texts_come_back(store, video):
    """Texts keep every field and come in order of time; units come by stage and fingerprint."""
    rows = [text(1, "second", 5.0, note=[1, {"a": None}]), text(0, "first", 1.0)]
    store.put_unit(video, "read", 0, "f", {"n": 1}, rows)
    assert [(row.text, row.span, row.data, row.model) for row in store.texts(video)] == [
        ("first", Span(1, 3), {}, "test 1"),
        ("second", Span(5, 7), {"note": [1, {"a": None}]}, "test 1"),
    ]
    assert store.units(video, "read", "f") == {0: {"n": 1}}
    assert store.units(video, "read", "other") == store.units(video, "other", "f") == {}


def test_unit_put_again_replaces_its_texts_and_no_others(store, video):
    """A unit done anew changes, adds and removes its own texts; kept ones keep their id."""
    store.put_unit(video, "read", 0, "f", {}, [text(0, "kept"), text(1, "old"), text(2, "gone")])
    store.put_unit(video, "read", 1, "f", {}, [text(3, "other unit")])
    before = {row.ordinal: row.id for row in store.texts(video)}
    store.put_unit(video, "read", 0, "g", {}, [text(0, "kept"), text(1, "new")])
    after = {row.ordinal: (row.id, row.text) for row in store.texts(video)}
    assert after == {
        0: (before[0], "kept"), 1: (before[1], "new"), 3: (before[3], "other unit")
    }  # fmt: skip
    assert list(store.units(video, "read", "f")) == [1]


def test_unit_is_all_or_nothing(store, video):
    """When one text cannot be stored, neither the unit nor any of its texts is."""
    with pytest.raises(ValueError, match="JSON"):
        store.put_unit(video, "read", 0, "f", {}, [text(0, "good"), text(1, "bad", x=float("nan"))])
    assert store.units(video, "read", "f") == {}
    assert store.texts(video) == []


def test_what_is_no_text_is_dropped_from_texts(store, video):
    """NUL characters and lone surrogates do not keep the rest of a text from being stored."""
    row = TextRow("ocr", 0, Span(0, 1), "a\0b\ud800c", "m\0", {"k\0": ["\0x\udfff", "\\u0000"]})
    store.put_unit(video, "read", 0, "f\0", {"v": "\0"}, [row])
    found = store.texts(video)[0]
    assert (found.text, found.model, found.data) == ("ab?c", "m", {"k": ["x?", "\\u0000"]})
    assert store.units(video, "read", "f\0") == {0: {"v": ""}}


def test_drop_stage_takes_its_texts_along(store, video):
    """Dropping a stage forgets its units and their texts; other stages stay."""
    store.put_unit(video, "read", 0, "f", {}, [text(0, "a")])
    store.put_unit(video, "hear", 0, "f", {}, [text(0, "b", kind="speech")])
    store.drop_stage(video, "read")
    assert [row.text for row in store.texts(video)] == ["b"]
    assert store.units(video, "read", "f") == {}


def test_replaced_texts_keep_id_and_vector_where_they_are_the_same(store, video):
    """Rows with the span and words of an old one keep its id and vector, also in a new place."""
    store.replace_texts(video, "clip", [text(n, w, n, "clip") for n, w in enumerate("abc")])
    before = {row.text: row.id for row in store.texts(video)}
    store.put_vectors("m", list(before.values()), vectors([1, 0], [0, 1], [1, 1]))
    rows = [text(0, "new", 9.0, "clip"), text(1, "c", 2.0, "clip"), text(2, "a", 0.0, "clip")]
    store.replace_texts(video, "clip", rows)
    after = store.texts(video)
    assert [(row.text, row.ordinal) for row in after] == [("a", 2), ("c", 1), ("new", 0)]
    assert {row.text: row.id for row in after if row.text != "new"} == {
        "a": before["a"], "c": before["c"]
    }  # fmt: skip
    assert [row.text for row in store.unembedded(video, "m", 9)] == ["new"]


def test_texts_are_chosen_by_kind_and_overlap(store, video):
    """Spans are half-open: a text that only touches the asked span is left out."""
    rows = [text(0, "a", 0.0), text(1, "b", 2.0), text(0, "c", 3.0, kind="speech")]
    store.put_unit(video, "read", 0, "f", {}, rows)
    assert [row.text for row in store.texts(video, span=Span(2, 3))] == ["b"]
    assert [row.text for row in store.texts(video, span=Span(1, 4))] == ["a", "b", "c"]
    assert [row.text for row in store.texts(video, ["speech", "clip"])] == ["c"]
    assert store.texts(video, []) == store.texts("v-unknown") == []


def test_changed_words_lose_their_vector(store, video):
    """A text is never found by the vector of its old wording; a new span alone keeps it."""
    store.put_unit(video, "read", 0, "f", {}, [text(0, "a"), text(1, "b")])
    ids = [row.id for row in store.texts(video)]
    store.put_vectors("m", ids, vectors([1, 0], [0, 1]))
    store.put_unit(video, "read", 0, "f", {}, [text(0, "a", 8.0), text(1, "changed")])
    assert [row.text for row in store.unembedded(video, "m", 9)] == ["changed"]


def test_blank_texts_wait_for_no_vector(store, video):
    """A text without a sign is never handed to an embedder; the limit holds for the others."""
    rows = [text(0, ""), text(1, " \n"), text(2, "a"), text(3, "b")]
    store.put_unit(video, "read", 0, "f", {}, rows)
    assert [row.text for row in store.unembedded(video, "m", 1)] == ["a"]
    assert [row.text for row in store.unembedded(video, "m", 9)] == ["a", "b"]


def test_vectors_of_vanished_texts_are_passed_over(store, video):
    """Putting a vector for a text that was deleted meanwhile stores the others."""
    store.put_unit(video, "read", 0, "f", {}, [text(0, "a")])
    known = store.texts(video)[0].id
    store.put_vectors("m", [known, known + 1000], vectors([1, 0], [0, 1]))
    assert store.counts(video)["vectors"] == 1


def test_one_model_has_one_dimension(store, video):
    """A model that suddenly gives longer vectors is refused; another model may."""
    store.put_unit(video, "read", 0, "f", {}, [text(0, "a"), text(1, "b")])
    one, two = (row.id for row in store.texts(video))
    store.put_vectors("m", [one], vectors([1, 0]))
    with pytest.raises(EmbeddingMismatch, match="2 numbers before and of 3 now") as caught:
        store.put_vectors("m", [two], vectors([1, 0, 0]))
    assert "--re-embed" in caught.value.hint
    store.put_vectors("n", [one, two], vectors([1, 0, 0], [0, 1, 0]))
    store.drop_vectors(video, "m")
    assert store.counts(video)["vectors"] == 2


@pytest.mark.parametrize("dimension", [384, 2000, 4096])
def test_vectors_of_any_usual_length_are_kept(store, video, dimension):
    """Short vectors and those larger than a page of the database are both found again."""
    store.put_unit(video, "read", 0, "f", {}, [text(0, "a"), text(1, "b")])
    ids = [row.id for row in store.texts(video)]
    store.put_vectors("m", ids, np.eye(2, dimension, dtype=np.float32) + 0.001)
    found = store.search(video, "zzz", np.eye(1, dimension, 1, dtype=np.float32), "m")
    assert found[0].text == "b"


def test_deleted_video_leaves_nothing(store, video):
    """Deletion takes units, texts and vectors along; a second one says that nothing is there."""
    store.put_unit(video, "read", 0, "f", {}, [text(0, "a")])
    store.put_vectors("m", [store.texts(video)[0].id], vectors([1, 0]))
    store.delete_video(video)
    assert set(store.counts(video).values()) == {0}
    assert store.videos() == []
    with pytest.raises(UnknownVideo):
        store.delete_video(video)


def test_unit_of_a_deleted_video_is_refused(store):
    """Work that goes on after its video was deleted ends with a clear error."""
    with pytest.raises(UnknownVideo, match="deleted"):
        store.put_unit(VIDEO, "read", 0, "f", {})


def test_counts_name_every_kind(store, video):
    """Counts hold each kind of text, units and vectors."""
    store.put_unit(video, "read", 0, "f", {}, [text(0, "a"), text(0, "b", kind="clip")])
    expected = {"clip": 1, "ocr": 1, "speech": 0, "scene": 0, "story": 0, "units": 1, "vectors": 0}
    assert store.counts(video) == expected


def test_second_indexing_is_refused_at_once(store, video):
    """While one holds the lock another gets VideoBusy; other videos and later runs do not."""
    with (
        store.indexing_lock(video),
        store.indexing_lock("v-other"),
        pytest.raises(VideoBusy, match=video),
        store.indexing_lock(video),
    ):
        pass
    with store.indexing_lock(video):
        pass


def test_threads_share_a_store(store, video):
    """Many threads write and read through one store at once."""
    gate = threading.Barrier(16)

    def work(number):
        gate.wait()
        store.put_unit(video, "read", number, "f", {}, [text(number, f"t{number}")])
        return len(store.texts(video))

    with ThreadPoolExecutor(16) as pool:
        seen = list(pool.map(work, range(16)))
    assert max(seen) == 16 == len(store.texts(video))


def test_health_tells_versions_and_size(store, database_url):
    """`doctor` learns the server, the extensions, the schema and the size, not the password."""
    health = store.health()
    assert health["schema"] == health["schema_known"] == 2
    assert health["pgvector"]
    assert health["server"].split(".")[0].isdigit()
    assert health["size_bytes"] > 0
    secret = Settings(database_url=database_url.replace("postgres@", "postgres:hush@"))
    with Store.connect(secret) as other:
        assert "hush" not in str(other.health())
