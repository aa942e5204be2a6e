"""Indexing: several files, bad files, resumption, and exit codes."""

from __future__ import annotations

import errno
import json
import os
import shlex
import shutil
from pathlib import Path

import pytest

import videoseal.api
from tests.media import audio_only, truncate


@pytest.fixture
def text_file(tmp_path):
    """A text file that calls itself a video."""
    path = tmp_path / "letter.mp4"
    path.write_text("Dear reader, I am no video.")
    return path


def test_indexed_video_costs_nothing(indexed, signs):
    """A second run finds everything done, and names the same video."""
    done = indexed.run("index", signs, "--json")
    assert done.exit_code == 0
    [entry] = json.loads(done.stdout)["videos"]
    assert entry["status"] == "ready"
    assert entry["counts"]["ocr"] > 0
    assert "scan" not in done.stderr


def test_bad_file_does_not_stop_the_next(empty, signs, text_file):
    """Of several files the good ones are indexed, and the exit code is that of the bad one."""
    done = empty.run("index", text_file, signs, "--no-ocr", "--json")
    assert done.exit_code == 3
    bad, good = json.loads(done.stdout)["videos"]
    assert bad["error"]["kind"] == "UnreadableVideo"
    assert bad["error"]["exit_code"] == 3
    assert good["status"] == "ready"
    assert "error: " in done.stderr


def test_folder_means_the_videos_in_it(empty, signs, tmp_path):
    """A folder is searched for videos, in order, and other files are left alone."""
    inner = tmp_path / "films" / "inner"
    inner.mkdir(parents=True)
    shutil.copy(signs, inner / "b.MP4")
    (tmp_path / "films" / "notes.txt").write_text("x")
    done = empty.run("index", tmp_path / "films", "--no-ocr", "--json")
    assert [entry["title"] for entry in json.loads(done.stdout)["videos"]] == ["b"]


def test_what_cannot_be_reached_is_told_and_passed_over(empty, signs, tmp_path, monkeypatch):
    """No right, a name too long, a locked or an empty folder: each is told, the rest is indexed."""
    films = tmp_path / "films"
    (films / "locked").mkdir(parents=True)
    (tmp_path / "nothing").mkdir()
    shutil.copy(signs, films / "good.mp4")
    shutil.copy(signs, films / "secret.mp4")
    scandir, opened = os.scandir, Path.open

    def refuse(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(
        os, "scandir", lambda path=".": refuse(path) if "locked" in str(path) else scandir(path)
    )
    monkeypatch.setattr(
        Path,
        "open",
        lambda self, *a, **k: refuse(self) if self.name == "secret.mp4" else opened(self, *a, **k),
    )
    long = tmp_path / ("x" * 300 + ".mp4")
    done = empty.run("index", films, long, tmp_path / "nothing", "--no-ocr", "--json")
    assert done.exit_code == 3
    document = json.loads(done.stdout)
    entries = {Path(entry["path"]).name: entry for entry in document["videos"]}
    assert entries.pop("good.mp4")["status"] == "ready"
    told = {name: entry["error"]["message"] for name, entry in entries.items()}
    assert set(told) == {"locked", "secret.mp4", long.name, "nothing"}
    assert "Permission denied" in told["locked"]
    assert "Permission denied" in told["secret.mp4"]
    assert "too long" in told[long.name]
    assert "4 of 5 could not be indexed" in done.stderr
    again = shlex.split(document["retry"])
    assert again[0] == "videoseal"
    assert again[again.index("index") :] == [
        "index", "--no-ocr", "--json", *(entry["path"] for entry in entries.values()),
    ]  # fmt: skip
    assert document["retry"] in " ".join(done.stderr.split())


def test_an_error_of_one_file_is_not_the_end(empty, signs, tmp_path, monkeypatch):
    """A disk that cannot read one file is told like any other fault of a file."""
    bad = shutil.copy(signs, tmp_path / "bad.mp4")
    real = videoseal.api.index_video

    async def failing(path, *args, **options):
        if Path(path) == Path(bad):
            raise OSError(errno.EIO, "Input/output error", str(path))
        return await real(path, *args, **options)

    monkeypatch.setattr("videoseal.api.index_video", failing)
    done = empty.run("index", bad, signs, "--no-ocr")
    assert done.exit_code == 1
    assert "bad.mp4: Input/output error" in done.stderr
    assert "1 of 2 could not be indexed" in done.stderr
    assert signs.stem in done.stdout


def test_title_and_subtitles_are_kept(empty, signs, tmp_path):
    """A title can be asked by, and a subtitle file becomes speech."""
    lines = tmp_path / "lines.srt"
    lines.write_text("1\n00:00:02,000 --> 00:00:04,000\nThe ferry leaves at noon.\n")
    done = empty.run("index", signs, "--no-ocr", "--title", "Ferry film", "--subtitles", lines)
    assert done.exit_code == 0
    assert "Ferry film" in done.stdout
    shown = empty.run("videos", "show", "Ferry film", "--kind", "speech")
    assert "The ferry leaves at noon." in shown.stdout


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("missing.mp4", "VideoNotFound"),
        ("folder", "VideoNotFound"),
        ("zero.mp4", "EmptyVideo"),
        ("letter.mp4", "UnreadableVideo"),
        ("sound.mp4", "NoVideoStream"),
        ("half.mp4", "UnreadableVideo"),
    ],
)
def test_unusable_video_is_one_line(empty, signs, tmp_path, text_file, name, kind):
    """What cannot be used as a video is named in one line, with exit code 3."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "zero.mp4").touch()
    audio_only(tmp_path / "sound.mp4")
    truncate(Path(shutil.copy(signs, tmp_path / "half.mp4")), 0.5)
    done = empty.run("index", tmp_path / name, "--json")
    assert done.exit_code == 3
    assert done.stderr.count("error: ") == 1
    assert "Traceback" not in done.stderr
    document = json.loads(done.stdout)
    error = (document if "error" in document else document["videos"][0])["error"]
    assert error["kind"] == kind
    assert name in error["message"]


@pytest.mark.parametrize("option", [["--title", "x"], ["--subtitles", "x.srt"]])
def test_options_for_one_video_refuse_several(empty, option):
    """A title or a subtitle file for two videos is a mistake, said before anything is done."""
    done = empty.run("index", "a.mp4", "b.mp4", *option)
    assert done.exit_code == 2
    assert "one video at a time" in done.stderr


def test_missing_subtitles_are_said(empty, signs):
    """A subtitle file that is not there ends the run with one line."""
    done = empty.run("index", signs, "--subtitles", "missing.srt")
    assert done.exit_code != 0
    assert "missing.srt" in done.stderr
    assert "Traceback" not in done.stderr


def test_dead_database_ends_the_run(empty, signs):
    """A database that cannot be reached is exit code 5, at once and for all files."""
    empty.url = "postgresql://nobody:hushhush@127.0.0.1:1/none?connect_timeout=2"
    done = empty.run("index", signs, signs)
    assert done.exit_code == 5
    assert done.stderr.count("error: ") == 1
    assert "hushhush" not in done.stderr


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/data/x"), 6, "error: the disk is full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded", "/data/x"), 6, "error: the disk is full"),
        (RuntimeError("boom"), 1, "error: unexpected RuntimeError: boom"),
        (KeyboardInterrupt(), 130, "run the same command again to go on"),
    ],
)
def test_what_ends_a_run_has_a_code(empty, signs, monkeypatch, error, code, line):
    """A full disk, a fault and an interruption each end with one line and their code."""

    async def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("videoseal.api.index_video", fail)
    done = empty.run("index", signs)
    assert done.exit_code == code
    assert line in done.stderr
    assert "Traceback" not in done.stderr


def test_debug_prints_the_traceback(empty, signs, monkeypatch):
    """With --debug the traceback of a failure is printed, too."""

    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("videoseal.api.index_video", fail)
    done = empty.run("--debug", "index", signs)
    assert done.exit_code == 1
    assert "Traceback" in done.stderr
