"""Fetching benchmarks from a hub on the loopback, and videos by a stand-in for yt-dlp."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.evals.fetch.hub_server import FakeHub, hub_server
from videoseal.core.errors import MissingDependency, OutOfSpace, VideosealError
from videoseal.evals.benchmarks.registry import benchmark
from videoseal.evals.fetch import fetching, youtube
from videoseal.evals.fetch.archives import BadArchive, unpack
from videoseal.evals.fetch.fetching import Fetched, fetch
from videoseal.evals.fetch.hub import Hub, HubRefused

IDS = ["aaaaaaaaaaa", "-bbbbbbbbbb", "gonegonegon"]
MLVU_ROW = {
    "video": "v1.mp4", "duration": 60, "question": "What?", "candidates": ["a", "b", "c", "d"],
    "answer": "d", "question_type": "ego",
}  # fmt: skip
YT_DLP = """#!/bin/sh
# Writes the video that it is asked for, unless that is gone.
for word in "$@"; do last=$word; done
id=${last#*watch?v=}
echo "$id" >> "$ASKED"
case $id in
gone*) echo "WARNING: x" >&2; echo "ERROR: [youtube] Video unavailable" >&2; exit 1;;
esac
while [ "$1" != --output ]; do shift; done
echo film > "${2%/*}/$id.mp4"
"""


@pytest.fixture
def served() -> Iterator[FakeHub]:
    """A hub that runs for one test."""
    with hub_server() as hub:
        yield hub


@pytest.fixture
def hub(served: FakeHub, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """A client of it that does not wait between tries."""
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
    return Hub(served.address)


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Puts a yt-dlp on the path; the file that it notes ids in."""
    program = tmp_path / "bin" / "yt-dlp"
    program.parent.mkdir()
    program.write_text(YT_DLP)
    program.chmod(0o755)
    log = tmp_path / "asked.txt"
    log.touch()
    monkeypatch.setattr(youtube.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("ASKED", str(log))
    return log


def _lvbench(served: FakeHub) -> None:
    asked = {"uid": "1", "question": "Q?\n(A) a\n(B) b\n(C) c\n(D) d", "answer": "B",
             "question_type": ["reasoning"], "time_reference": "00:01-00:02"}  # fmt: skip
    rows = [{"key": key, "type": "tv", "qa": [{**asked, "uid": key}]} for key in IDS]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    served.files = {"video_info.meta.jsonl": text.encode(), "README.md": b"card"}


def _notes(out: Path) -> Fetched:
    return Fetched.model_validate_json((out / "fetch.json").read_text("utf-8"))


def test_videos_that_are_gone_are_listed_and_the_others_fetched(
    served: FakeHub, hub: Hub, asked: Path, tmp_path: Path
) -> None:
    """A missing video is a line in fetch.json; a second call asks for it alone."""
    _lvbench(served)
    out = tmp_path / "out"
    steps = []
    found = fetch("lvbench", out, hub, on_progress=steps.append)
    assert [(f.id, f.reason) for f in found.failed] == [
        ("gonegonegon", "[youtube] Video unavailable")
    ]
    assert found == _notes(out)
    assert found.videos == 2
    assert {file.stem for file in (out / "videos").iterdir()} == set(IDS[:2])
    assert steps[-1][:4] == ("videos", 3, 3, "videos")
    assert any("gonegonegon" in step.note for step in steps)
    items = benchmark("lvbench").load(out / found.annotations[0])
    assert [item.video for item in items] == IDS
    asked.write_text("")
    assert fetch("lvbench", out, hub).videos == 2
    assert asked.read_text().split() == ["gonegonegon"]
    assert [path for path, _ in served.asked] == ["video_info.meta.jsonl"]


def test_limit_and_annotations_only_fetch_less(
    served: FakeHub, hub: Hub, asked: Path, tmp_path: Path
) -> None:
    """Questions alone need no yt-dlp; a limit takes the first videos."""
    _lvbench(served)
    fetch("lvbench", tmp_path / "a", hub, annotations_only=True)
    assert asked.read_text() == ""
    fetch("lvbench", tmp_path / "b", hub, limit=1)
    assert asked.read_text().split() == IDS[:1]


def test_missing_yt_dlp_is_told_with_its_extra(
    served: FakeHub, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the program nothing is pretended; the annotations are there already."""
    _lvbench(served)
    monkeypatch.setattr(youtube.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(youtube.shutil, "which", lambda _: None)
    with pytest.raises(MissingDependency) as caught:
        fetch("lvbench", tmp_path, hub)
    assert "[fetch]" in caught.value.hint
    assert _notes(tmp_path).annotations == ["annotations/video_info.meta.jsonl"]


def test_download_goes_on_where_it_was_cut_off(
    served: FakeHub, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a call and between calls only the rest is asked for, and the bytes are the same."""
    monkeypatch.setattr("videoseal.evals.fetch.hub._BLOCK", 1 << 19)
    film = bytes(range(256)) * 4096
    served.files = {
        "MLVU/json/3_ego.json": json.dumps([MLVU_ROW]).encode(),
        "MLVU/video/3_ego/v1.mp4": film,
    }
    served.breaks = {"MLVU/video/3_ego/v1.mp4": 2}
    found = fetch("mlvu", tmp_path, hub)
    whole = tmp_path / "videos" / "v1.mp4"
    assert whole.read_bytes() == film
    assert found.failed == []
    ranges = [wanted for path, wanted in served.asked if path.endswith(".mp4")]
    assert ranges == ["bytes=0-524287"] * 3 + ["bytes=524288-1048575"]
    whole.rename(whole.with_name("v1.mp4.part"))
    os.truncate(whole.with_name("v1.mp4.part"), 1000000)
    fetch("mlvu", tmp_path, hub)
    assert whole.read_bytes() == film
    assert served.asked[-1][1] == "bytes=1000000-1524287"
    before = len(served.asked)
    fetch("mlvu", tmp_path, hub)
    assert len(served.asked) == before


def test_line_that_stays_down_keeps_what_has_come(
    served: FakeHub, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that breaks off for good is listed, and its first bytes wait for the next call."""
    monkeypatch.setattr("videoseal.evals.fetch.hub._BLOCK", 4)
    served.files = {
        "MLVU/json/3_ego.json": json.dumps([MLVU_ROW]).encode(), "MLVU/video/1/v0.mp4": b"film-end",
    }  # fmt: skip
    fetch("mlvu", tmp_path, hub, annotations_only=True)
    steps: list[int] = []

    def fail_after_the_first(done: int) -> None:
        steps.append(done)
        served.breaks["MLVU/video/1/v0.mp4"] = 99 if done else 0

    film = next(file for file in hub.files("MLVU/MVLU") if file.path.endswith(".mp4"))
    with pytest.raises(HubRefused, match=r"v0\.mp4") as caught:
        hub.download("MLVU/MVLU", film, tmp_path / "v0.mp4", fail_after_the_first)
    assert "goes on" in caught.value.hint
    assert (steps, (tmp_path / "v0.mp4.part").read_bytes()) == ([0, 4], b"film")


def test_file_of_the_hub_that_fails_is_listed(served: FakeHub, hub: Hub, tmp_path: Path) -> None:
    """One video that the hub lists and does not have does not keep the next from coming."""
    served.files = {
        "MLVU/json/3_ego.json": json.dumps([MLVU_ROW]).encode(),
        "MLVU/video/1/v0.mp4": b"zero", "MLVU/video/3_ego/v1.mp4": b"film",
    }  # fmt: skip
    served.hidden = {"MLVU/video/1/v0.mp4"}
    found = fetch("mlvu", tmp_path, hub)
    assert [failed.id for failed in found.failed] == ["MLVU/video/1/v0.mp4"]
    assert "404" in found.failed[0].reason
    assert found.videos == 1
    served.breaks = {"MLVU/video/1/v0.mp4": 99}
    served.hidden = set()
    assert "v0.mp4" in fetch("mlvu", tmp_path, hub).failed[0].id


def _zip(names: list[str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, name.encode() * 1000)
    return buffer.getvalue()


def test_archives_become_videos_and_are_not_fetched_again(
    served: FakeHub, hub: Hub, tmp_path: Path
) -> None:
    """Videos come out under their own names, the archive goes, and fetch.json remembers it."""
    served.files = {
        "videomme/test-0.parquet": b"rows",
        "videos_chunked_01.zip": _zip(["data/aaaaaaaaaaa.mp4", "data/readme.txt"]),
        "videos_chunked_02.zip": _zip(["data/bbbbbbbbbbb.mp4"]),
        "subtitle.zip": b"not asked for",
    }
    found = fetch("videomme", tmp_path, hub, limit=1)
    assert found.unpacked == ["videos_chunked_01.zip"]
    assert [file.name for file in (tmp_path / "videos").iterdir()] == ["aaaaaaaaaaa.mp4"]
    found = fetch("videomme", tmp_path, hub)
    assert found.unpacked == ["videos_chunked_01.zip", "videos_chunked_02.zip"]
    assert found.videos == 2
    fetched = [path for path, _ in served.asked]
    assert fetched.count("videos_chunked_01.zip") == 1
    assert "subtitle.zip" not in fetched


def test_archive_in_pieces_is_read_across_them(served: FakeHub, hub: Hub, tmp_path: Path) -> None:
    """Piece 10 comes after piece 2, and a video may lie on both sides of a cut."""
    whole = _zip(["cg/q1.mp4", "cg/q2.mkv"])
    cut = len(whole) // 11 + 1
    served.files = {"cgbench_mini.json": b"[]", "clue_video_0.zip": b"not asked for"}
    served.files |= {f"video_{n}.zip": whole[n * cut : (n + 1) * cut] for n in range(11)}
    found = fetch("cgbench", tmp_path, hub)
    assert found.failed == []
    assert {file.name for file in (tmp_path / "videos").iterdir()} == {"q1.mp4", "q2.mkv"}
    assert (tmp_path / "videos" / "q2.mkv").read_bytes() == b"cg/q2.mkv" * 1000
    assert "clue_video_0.zip" not in [path for path, _ in served.asked]


def test_archive_writes_nowhere_else(tmp_path: Path) -> None:
    """Paths in a zip or tar do not lead out of the folder; links and damage do no harm."""
    archive = tmp_path / "a.zip"
    archive.write_bytes(_zip(["../../evil.mp4", "/abs/other.mp4", "x/._v.mp4"]))
    assert unpack([archive], tmp_path / "to") == 2
    assert {file.name for file in (tmp_path / "to").iterdir()} == {"evil.mp4", "other.mp4"}
    packed = tmp_path / "a.tar"
    with tarfile.open(packed, "w") as made:
        link = tarfile.TarInfo("videos/link.mp4")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        made.addfile(link)
        film = tarfile.TarInfo("videos/film.mp4")
        film.size = 4
        made.addfile(film, io.BytesIO(b"film"))
    assert unpack([packed], tmp_path / "tar") == 1
    (tmp_path / "b.zip").write_bytes(b"no archive at all")
    with pytest.raises(BadArchive, match=r"b\.zip"):
        unpack([tmp_path / "b.zip"], tmp_path / "to")


def test_gate_is_told_with_what_opens_it(served: FakeHub, tmp_path: Path) -> None:
    """Without a token the page is named; with one everything goes its way."""
    served.gated = True
    served.files = {"MLVU/json/3_ego.json": json.dumps([MLVU_ROW]).encode()}
    with pytest.raises(HubRefused, match="MLVU/MVLU") as caught:
        fetch("mlvu", tmp_path, Hub(served.address), annotations_only=True)
    assert "HF_TOKEN" in caught.value.hint
    assert not (tmp_path / "fetch.json").exists()
    fetch("mlvu", tmp_path, Hub(served.address, "hf_secret"), annotations_only=True)
    assert "Bearer hf_secret" in served.tokens


def test_full_disk_is_noticed_before_it_is_full(
    served: FakeHub, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is fetched that would leave less than two gigabytes."""
    _lvbench(served)
    usage = shutil.disk_usage(tmp_path)._replace(free=1 << 30)
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OutOfSpace, match=r"1\.1 GB free"):
        fetch("lvbench", tmp_path, hub)
    assert served.asked == []


def test_hub_that_is_away_and_sets_that_are_not_there_are_told(tmp_path: Path) -> None:
    """Lost connections and unknown sets end with one line, not with a trace."""
    hub = Hub("http://127.0.0.1:9")
    with pytest.raises(HubRefused, match="zai-org/LVBench"):
        fetch("lvbench", tmp_path, hub)
    with pytest.raises(VideosealError, match="not on the hub"):
        fetch("synthetic", tmp_path, hub)


def test_video_ids_cannot_become_options(tmp_path: Path) -> None:
    """An id from an annotation file that is no YouTube id never reaches a command line."""
    assert youtube.fetch_video(["false"], tmp_path, "--exec=rm -rf /") == "not a YouTube id"
