"""Listing, showing, exporting and deleting videos."""

from __future__ import annotations

import json

import pytest

from videoseal.core.video import content_id


def test_list_and_show_tell_what_is_indexed(indexed, signs):
    """A list has one line a video; show has its facts and, if asked, its texts with spans."""
    listed = indexed.run("videos", "list").stdout
    assert content_id(signs) in listed
    assert "signs" in listed
    shown = indexed.run("videos", "show", "signs", "--kind", "ocr").stdout
    assert "640x360" in shown
    assert any("HARBOUR GATE" in line and "00:00:04" in line for line in shown.splitlines())


def test_json_says_the_same(indexed, signs):
    """The documents of list and show are valid and complete."""
    [entry] = json.loads(indexed.run("videos", "list", "--json").stdout)["videos"]
    shown = json.loads(indexed.run("videos", "show", entry["id"], "--texts", "--json").stdout)
    assert entry["id"] == content_id(signs)
    texts = shown.pop("texts")
    assert shown == entry
    assert {text["kind"] for text in texts} >= {"clip", "ocr", "scene"}


def test_export_writes_subtitles_and_everything(indexed, signs, tmp_path):
    """Export writes the on-screen text as .srt that can be read again, and all of it as JSON."""
    from videoseal.indexing.subtitles.subtitle_files import read_file

    done = indexed.run("videos", "export", "signs", "--out", tmp_path / "out")
    assert done.exit_code == 0
    name = content_id(signs)
    lines = [line.text for line in read_file(tmp_path / "out" / f"{name}.ocr.srt").lines]
    assert any("4127" in line for line in lines)
    document = json.loads((tmp_path / "out" / f"{name}.json").read_text("utf-8"))
    assert document["title"] == "signs"
    assert len(document["texts"]) >= len(lines)


def test_delete_asks_first_and_leaves_nothing(empty, signs):
    """Nothing is deleted without a yes; then rows and cached frames are gone, the file is not."""
    assert empty.run("index", signs, "--no-ocr").exit_code == 0
    empty.run("ask", "signs", "what?", "--quiet")
    name = content_id(signs)
    cached = empty.data_dir / "frames" / name
    assert any(cached.rglob("*.jpg"))
    refused = empty.run("videos", "delete", "signs", input="n\n")
    assert refused.exit_code == 130
    assert json.loads(empty.run("videos", "list", "--json").stdout)["videos"]
    done = empty.run("videos", "delete", "signs", "--yes")
    assert done.exit_code == 0
    assert f"deleted {name}" in done.stdout
    assert json.loads(empty.run("videos", "list", "--json").stdout)["videos"] == []
    assert not cached.exists()
    assert signs.exists()
    with empty.store() as store:
        assert not any(store.counts(name).values())


def test_delete_names_the_unknown_before_it_deletes(empty, signs):
    """One unknown name among several deletes none of them."""
    assert empty.run("index", signs, "--no-ocr").exit_code == 0
    done = empty.run("videos", "delete", "signs", "nothing", "--yes")
    assert done.exit_code == 3
    assert json.loads(empty.run("videos", "list", "--json").stdout)["videos"]


def test_nothing_indexed_says_what_to_do(empty):
    """An empty index is not an error; standard output stays empty."""
    done = empty.run("videos", "list")
    assert done.exit_code == 0
    assert done.stdout == ""
    assert "videoseal index" in done.stderr


@pytest.mark.parametrize("command", ["show", "export", "delete"])
def test_unknown_video_is_exit_3(empty, command):
    """A video that is not indexed is named in one line."""
    done = empty.run("videos", command, "nothing")
    assert done.exit_code == 3
    assert "nothing" in done.stderr
