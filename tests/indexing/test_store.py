"""The store keeps, finds and forgets."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from core.span import Span
from indexing.rows import TextRow

VIDEO = "v0123456789abcdef"


def facts(path="/films/a.mp4", **changes):
    """What a probe says of a video."""
    known = {"path": Path(path), "duration": 60.0, "width": 1280, "height": 720, "fps": 25.0}
    return SimpleNamespace(**{**known, "has_audio": True, "size_bytes": 9, **changes})


def text(ordinal, wording, start=0.0, kind="ocr", **data):
    """A text of two seconds."""
    return TextRow(kind, ordinal, Span(start, start + 2), wording, "test 1", data)


@pytest.fixture
def video(store):
    """The id of an empty video."""
    store.add_video(VIDEO, facts(), title="A film", fingerprint="f1")
    return VIDEO


def test_texts_come_back_as_they_were_put(store, video):
    """Texts keep every field and come in order of time."""
    rows = [text(1, "second", 5.0, note=[1, {"a": None}]), text(0, "first", 1.0)]
    store.put_unit(video, "read", 0, "f", {"n": 1}, rows)
    found = store.texts(video)
    assert [(row.text, row.span, row.data, row.maker) for row in found] == [
        ("first", Span(1, 3), {}, "test 1"),
        ("second", Span(5, 7), {"note": [1, {"a": None}]}, "test 1"),
    ]
    assert store.units(video, "read", "f") == {0: {"n": 1}}
