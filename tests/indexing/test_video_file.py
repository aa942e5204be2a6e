"""The file of an indexed video: where it was, moved, renamed, or another one in its place."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.media import Clip
from videoseal.core import video as core_video
from videoseal.core.errors import UnknownVideo, UnreadableVideo, VideoNotFound
from videoseal.core.video import content_id, probe
from videoseal.indexing.index_rows import VideoRow
from videoseal.indexing.store.store import Store
from videoseal.indexing.video_file import video_file


@pytest.fixture
def row(store: Store, tmp_path: Path) -> VideoRow:
    """A small film that counts as indexed."""
    path = Clip(frames=5).write(tmp_path / "there.mp4")
    video = content_id(path)
    store.add_video(video, probe(path), title="there", fingerprint="f")
    store.set_status(video, "ready")
    return store.video(video)


def test_a_moved_file_is_found_by_its_new_path(store: Store, row: VideoRow, tmp_path: Path) -> None:
    """Whoever names it once has it found there from then on, by any name."""
    new = tmp_path / "elsewhere" / "now.mp4"
    new.parent.mkdir()
    shutil.move(row.path, new)
    with pytest.raises(VideoNotFound, match="no file at") as caught:
        video_file(row)
    assert "videoseal index" in caught.value.hint
    assert store.find_video(str(new)).path == new
    assert video_file(store.video("there")) == new


def test_a_copy_changes_nothing(store: Store, row: VideoRow, tmp_path: Path) -> None:
    """As long as the file is where it was, it is the one that is opened."""
    copy = shutil.copy(row.path, tmp_path / "copy.mp4")
    assert store.find_video(str(copy)).path == row.path


def test_a_renamed_file_is_found_beside_its_old_place(row: VideoRow, tmp_path: Path) -> None:
    """By its content, not by its name; another film there is left alone."""
    Clip(frames=6).write(tmp_path / "another.mp4")
    row.path.rename(tmp_path / "renamed.mp4")
    assert video_file(row) == tmp_path / "renamed.mp4"


def test_another_file_of_the_same_size_is_noticed(
    store: Store, row: VideoRow, tmp_path: Path
) -> None:
    """Whatever it says about its age; the old film is found again where it went."""
    kept = shutil.copy(row.path, tmp_path / "kept.bin")
    data = bytearray(row.path.read_bytes())
    data[-1] ^= 1
    row.path.write_bytes(data)
    os.utime(row.path, (0, 0))
    assert row.path.stat().st_size == row.size_bytes
    assert video_file(row) == kept
    assert store.find_video(str(kept)).path == kept
    Path(kept).unlink()
    with pytest.raises(UnreadableVideo, match="no longer the file"):
        video_file(row)
    with pytest.raises(UnknownVideo, match="not indexed yet"):
        store.find_video(str(row.path))


def test_an_old_file_is_not_read_again(row: VideoRow, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has not changed since it was indexed is that file; what has is read once."""

    def refuse(*_: Any) -> str:
        raise AssertionError("read again")

    assert video_file(row) == row.path
    monkeypatch.setattr(core_video, "_hashed", refuse)
    assert video_file(replace(row, created=row.created + timedelta(hours=1))) == row.path
    with pytest.raises(AssertionError, match="read again"):
        video_file(row)
