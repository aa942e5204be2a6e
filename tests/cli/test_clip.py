"""`videoseal clip` and `ask --clips`: a few seconds of video, playable anywhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import videoseal
from videoseal.core.errors import MissingDependency
from videoseal.core.video import probe
from videoseal.graph.proof import video_clip

pytest.importorskip("ffmpeg")


def test_a_span_becomes_a_file(indexed, tmp_path):
    """It lies where it was asked for and lasts as long as the span."""
    out = tmp_path / "clip.mp4"
    done = indexed.run("clip", "signs", "00:00:04-00:00:07", "--stamp", "--out", out, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"path": str(out)}
    assert probe(out).duration == pytest.approx(3.0, abs=0.1)


def test_without_a_name_it_lies_here(indexed, tmp_path, monkeypatch):
    """Named by video and time."""
    monkeypatch.chdir(tmp_path)
    done = indexed.run("clip", "signs", "4-5.5")
    assert done.exit_code == 0, done.output
    (made,) = tmp_path.iterdir()
    assert done.stdout.strip() == made.name
    assert made.name.endswith("_00-00-04.000-00-00-05.500.mp4")


@pytest.mark.parametrize(
    ("video", "span", "code"), [("signs", "soon", 2), ("signs", "90-95", 2), ("other", "1-2", 3)]
)
def test_bad_spans_and_videos_are_one_line(indexed, video, span, code):
    """What cannot be cut is told with the exit code of its kind."""
    done = indexed.run("clip", video, span)
    assert done.exit_code == code
    assert done.stderr.startswith("error: ")


def test_each_citation_has_its_clip(indexed, tmp_path):
    """Around the cited frames, in the evidence folder, and only those of the last run."""
    out = tmp_path / "evidence"
    for question in ("What is the code of the harbour gate?", "When does the bakery open?"):
        done = indexed.run("ask", "signs", question, "--clips", "--out", out, "--quiet", "--json")
        assert done.exit_code == 0, done.output
        episode = json.loads(done.stdout)
        cited = episode["answer"]["citations"]
        assert cited
        clips = sorted((out / "clips").iterdir())
        assert [clip.name.split("_")[0] for clip in clips] == [each["evidence"] for each in cited]
        for clip, each in zip(clips, cited, strict=True):
            times = [frame["time"] for frame in each["frames"]]
            assert probe(clip).duration >= max(times) - min(times) + 3


def test_without_ffmpeg_nothing_is_asked(indexed, tmp_path, monkeypatch):
    """The clips that were asked for cannot be made: that is said before anything is spent."""

    def missing() -> str:
        raise MissingDependency("no ffmpeg", hint="pip install it")

    monkeypatch.setattr(video_clip, "ffmpeg_binary", missing)
    done = indexed.run("ask", "signs", "What is the code?", "--clips", "--out", tmp_path / "new")
    assert done.exit_code == 2
    assert "no ffmpeg" in done.stderr
    assert not (tmp_path / "new").exists()
    checks = json.loads(indexed.run("doctor", "--json").stdout)["checks"]
    (told,) = [check for check in checks if check["name"] == "ffmpeg"]
    assert (told["state"], told["mend"]) == ("warn", "pip install it")


async def test_python_users_cut_clips_too(indexed, tmp_path):
    """Awaited or not, by a span or its text."""
    with videoseal.open(indexed.settings()) as client:
        video = client.videos()[0].id
        one = client.clip(video, "00:00:04-00:00:05", tmp_path / "one.mp4")
        two = await client.aclip(video, videoseal.core.span.Span(4, 5), tmp_path / "two.mp4")
    assert Path(one).stat().st_size == pytest.approx(two.stat().st_size, rel=0.1)
