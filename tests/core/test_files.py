"""Files written whole: what is there before, after, and where the writing fails."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

import pytest

from videoseal.core.files import WrongHash, join_files, replacing, write_whole


@pytest.mark.parametrize("durable", [False, True])
@pytest.mark.parametrize("content", ["caf\u00e9", b"\0\xff"])
def test_text_and_bytes_take_the_place_of_what_was_there(
    tmp_path: Path, content: str | bytes, durable: bool
) -> None:
    """Text goes out as UTF-8, bytes as they are, and nothing else stays in the folder."""
    path = tmp_path / "a.json"
    path.write_text("before")
    write_whole(path, content, durable=durable)
    assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert list(tmp_path.iterdir()) == [path]


def test_a_block_that_raises_leaves_what_was_there(tmp_path: Path) -> None:
    """Half a file never shows under the name, and does not stay beside it."""
    path = tmp_path / "a.mp4"
    path.write_text("before")
    with suppress(KeyboardInterrupt), replacing(path) as partial:
        partial.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_an_error_of_the_system(tmp_path: Path) -> None:
    """The caller learns what the system said."""
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "none" / "a.json", "{}")


def test_joined_parts_are_checked_before_they_take_their_place(tmp_path: Path) -> None:
    """The parts in order make the file; any other hash makes none."""
    parts = [tmp_path / "1", tmp_path / "2"]
    for number, part in enumerate(parts):
        part.write_bytes(bytes([number]) * 3)
    whole = tmp_path / "whole"
    with pytest.raises(WrongHash, match=r"^[0-9a-f]{64}$"):
        join_files(parts, whole, "0" * 64)
    assert not whole.exists()
    assert len(list(tmp_path.iterdir())) == 2
    join_files(parts, whole, hashlib.sha256(b"\0\0\0\1\1\1").hexdigest())
    assert whole.read_bytes() == b"\0\0\0\1\1\1"
