"""The frame cache: fast when it works, silent when it cannot."""

from __future__ import annotations

import concurrent.futures
import os
import subprocess
import sys
from pathlib import Path

import pytest

from videoseal.models.types import Frame
from videoseal.tools.frame_cache import FrameCache

LOOK = {"side": 640, "quality": 85}


def jpeg(size: int = 100, fill: bytes = b"x") -> bytes:
    return b"\xff\xd8" + fill * size + b"\xff\xd9"


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def test_a_frame_comes_back_under_the_time_asked_and_its_own(tmp_path: Path) -> None:
    """What was asked for at 1.5 s and is due at 1.48 s is found by both."""
    cache = FrameCache(tmp_path, 10)
    frame = Frame(1.48, jpeg())
    cache.put("v1", 1.5, frame, **LOOK)
    assert cache.get("v1", 1.5, **LOOK) == frame
    assert cache.get("v1", 1.48, **LOOK) == frame
    assert [path.suffix for path in sorted(files(tmp_path))] == [".jpg", ".at"]


def test_frames_differ_by_video_time_side_and_quality(tmp_path: Path) -> None:
    """Nothing else's frame is ever shown."""
    cache = FrameCache(tmp_path, 10)
    cache.put("v1", 1.0, Frame(1.0, jpeg()), **LOOK)
    assert cache.get("v2", 1.0, **LOOK) is None
    assert cache.get("v1", 1.000002, **LOOK) is None
    assert cache.get("v1", 1.0, side=641, quality=85) is None
    assert cache.get("v1", 1.0, side=640, quality=84) is None


def test_another_process_finds_it(tmp_path: Path) -> None:
    """The files are the cache."""
    FrameCache(tmp_path, 10).put("v1", 1.0, Frame(1.0, jpeg()), **LOOK)
    assert FrameCache(tmp_path, 10).get("v1", 1.0, **LOOK) == Frame(1.0, jpeg())


def test_zero_turns_it_off(tmp_path: Path) -> None:
    """Nothing is written, nothing found."""
    cache = FrameCache(tmp_path, 0)
    cache.put("v1", 1.0, Frame(1.0, jpeg()), **LOOK)
    assert cache.get("v1", 1.0, **LOOK) is None
    assert files(tmp_path) == []


def test_the_least_recently_used_go_first(tmp_path: Path) -> None:
    """The limit holds, and what was looked at lately stays."""
    cache = FrameCache(tmp_path, 1)
    for number in range(30):
        cache.put("v1", number, Frame(number, jpeg(60_000)), **LOOK)
        for path in files(tmp_path):  # times of files have a coarse clock
            os.utime(path, ns=(0, os.stat(path).st_mtime_ns - 10**9))
        assert cache.get("v1", 0, **LOOK) is not None
    assert sum(path.stat().st_size for path in files(tmp_path)) < (1 << 20) * 17 / 16
    assert cache.get("v1", 29, **LOOK) is not None
    assert cache.get("v1", 1, **LOOK) is None


def test_what_was_left_over_counts(tmp_path: Path) -> None:
    """A new process clears what an older one, with a higher limit, left behind."""
    rich = FrameCache(tmp_path, 100)
    for number in range(40):
        rich.put("v1", number, Frame(number, jpeg(60_000)), **LOOK)
    FrameCache(tmp_path, 1).put("v1", 99, Frame(99, jpeg()), **LOOK)
    assert sum(path.stat().st_size for path in files(tmp_path)) <= 1 << 20


@pytest.mark.parametrize("damage", [b"", b"\xff\xd8 half", b"\0" * 200])
def test_a_damaged_entry_is_a_miss_and_can_be_replaced(tmp_path: Path, damage: bytes) -> None:
    """A file that is no whole JPEG is never shown."""
    cache = FrameCache(tmp_path, 10)
    cache.put("v1", 1.0, Frame(1.0, jpeg()), **LOOK)
    files(tmp_path)[0].write_bytes(damage)
    assert cache.get("v1", 1.0, **LOOK) is None
    cache.put("v1", 1.0, Frame(1.0, jpeg()), **LOOK)
    assert cache.get("v1", 1.0, **LOOK) is not None


def test_a_damaged_link_is_a_miss(tmp_path: Path) -> None:
    """A time that points nowhere costs a decoding, not an error."""
    cache = FrameCache(tmp_path, 10)
    cache.put("v1", 1.5, Frame(1.48, jpeg()), **LOOK)
    for path in tmp_path.rglob("*.at"):
        path.write_bytes(b"\xfe\xff?")
    assert cache.get("v1", 1.5, **LOOK) is None


@pytest.mark.parametrize("call", ["write_bytes", "replace", "mkdir"])
def test_a_full_disk_costs_only_speed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """No error, no half file, and old entries still served."""
    cache = FrameCache(tmp_path, 10)
    cache.put("v1", 1.0, Frame(1.0, jpeg()), **LOOK)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, call, full)
        cache.put("v1", 2.0, Frame(2.0, jpeg()), **LOOK)
        assert cache.get("v1", 2.0, **LOOK) is None
        assert cache.get("v1", 1.0, **LOOK) is not None
    assert len(files(tmp_path)) == 1


def test_an_impossible_folder_costs_only_speed(tmp_path: Path) -> None:
    """A file where the folder should be is no reason to fail."""
    tmp_path.joinpath("cache").write_text("in the way")
    cache = FrameCache(tmp_path / "cache", 10)
    cache.put("v1", 1.0, Frame(1.0, jpeg()), **LOOK)
    assert cache.get("v1", 1.0, **LOOK) is None
    cache.forget("v1")


@pytest.mark.parametrize("video_id", ["../../escape", "a/b", "", ".", "..", "v\0", "长" * 90])
def test_no_id_leads_out_of_the_folder(tmp_path: Path, video_id: str) -> None:
    """Ids are names, never paths."""
    root = tmp_path / "in" / "cache"
    cache = FrameCache(root, 10)
    cache.put(video_id, 1.0, Frame(1.0, jpeg()), **LOOK)
    assert cache.get(video_id, 1.0, **LOOK) is not None
    assert files(tmp_path) == files(root)
    cache.forget(video_id)
    assert files(tmp_path) == []


def test_forgetting_one_video_keeps_the_others(tmp_path: Path) -> None:
    """Deleting a video leaves none of its frames behind."""
    cache = FrameCache(tmp_path, 10)
    for video_id in ("v1", "v2"):
        cache.put(video_id, 1.0, Frame(1.0, jpeg()), **LOOK)
    cache.forget("v1")
    assert cache.get("v1", 1.0, **LOOK) is None
    assert cache.get("v2", 1.0, **LOOK) is not None


def churn(root: Path, seed: int) -> int:
    """Put and get the same few frames again and again; the number of wrong ones."""
    cache = FrameCache(root, 1)
    wrong = 0
    for turn in range(150):
        number = (turn * 7 + seed) % 40
        data = jpeg(40_000, bytes([number]))
        cache.put("v1", number + 0.01, Frame(number, data), **LOOK)
        for time in (number, number + 0.01):
            found = cache.get("v1", time, **LOOK)
            wrong += found is not None and found != Frame(number, data)
    return wrong


def test_processes_and_threads_share_it(tmp_path: Path) -> None:
    """Under constant eviction nobody ever reads a half or a wrong frame."""
    command = [sys.executable, __file__, str(tmp_path)]
    others = [subprocess.Popen([*command, seed]) for seed in ("1", "2")]
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        assert sum(threads.map(churn, [tmp_path] * 2, [3, 4])) == 0
    assert [other.wait(60) for other in others] == [0, 0]
    assert not list(tmp_path.rglob("*.part"))


if __name__ == "__main__":
    sys.exit(churn(Path(sys.argv[1]), int(sys.argv[2])))
