"""What is printed is safe, short and readable."""

from __future__ import annotations

import io
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from videoseal.cli.output import clock, emit_json, near, size
from videoseal.core.text import plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two\nlines\tand  blanks", "two lines and blanks"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07x", "]0;title x"),
        ("a\u202egnp.exe", "a gnp.exe"),
        ("港口 🚢", "港口 🚢"),
    ],
)
def test_words_from_a_video_cannot_steer_the_terminal(text, shown):
    """Control characters, escapes and direction overrides are taken out; words stay."""
    assert plain(text) == shown


def test_json_knows_the_values_of_the_program(capsys):
    """Paths, times and lone surrogates of file names become JSON."""
    emit_json({"path": Path("a"), "at": datetime(2026, 1, 2, tzinfo=UTC), "text": "港"})
    document = json.loads(capsys.readouterr().out)
    assert document["path"] == "a"
    assert document["at"].startswith("2026-01-02")
    assert document["text"] == "港"


def test_json_is_escaped_where_letters_cannot_be_printed(monkeypatch):
    """On an ASCII stream every letter is escaped, so that nothing is lost."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    emit_json({"text": "港"})
    assert json.loads(raw.getvalue()) == {"text": "港"}


def test_units():
    """Moments and sizes are written for people."""
    assert clock(3725.28) == "01:02:05.2"
    assert [size(n) for n in (999, 2048, 5 << 30, 3 << 50)] == [
        "999 B", "2.0 KiB", "5.0 GiB", "3072.0 TiB"
    ]  # fmt: skip


def test_paths_are_short_where_they_can_be(tmp_path, monkeypatch):
    """A path inside the current folder is shown from there, any other in full."""
    monkeypatch.chdir(tmp_path)
    assert near(tmp_path / "a" / "b.jpg") == "a/b.jpg"
    assert near(Path("/elsewhere/b.jpg")) == "/elsewhere/b.jpg"
