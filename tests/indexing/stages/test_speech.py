"""Speech: sound on the presentation timeline, rows from what is said, weights put together."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

from tests.media import beeping
from videoseal.core.errors import MissingDependency
from videoseal.core.settings import Settings
from videoseal.core.span import Span
from videoseal.indexing.job import Transcriber
from videoseal.indexing.sound_track import sound_track
from videoseal.indexing.stages import speech
from videoseal.indexing.subtitles.cues import SubtitleLine


class Talker:
    """Says one thing a second after the start of whatever it hears."""

    name = "talker-1"

    def transcribe(self, samples: npt.NDArray[np.float32]) -> Iterator[tuple[float, float, str]]:
        yield 1.0, 2.0, f" heard {len(samples) / 16_000:.0f}  s "
        yield 2.0, 2.5, "  "


def test_sound_comes_in_stretches_with_their_times(film: Any, tmp_path: Path) -> None:
    """Stretches follow each other on the presentation timeline and lose nothing."""
    video = film(frames=60, sound=5.0, times=[3 + n / 12 for n in range(60)])
    video = video.write(tmp_path / "late.mp4")
    found = list(speech.sounds(video, seconds=2.0))
    assert [round(sound.start, 1) for sound in found] == [-3.0, -1.0, 1.1]
    assert sum(len(sound.samples) for sound in found) == pytest.approx(5 * 16_000, rel=0.03)
    assert max(abs(float(sound.samples.max())) for sound in found) <= 1.5


def beeps(video: Path, track: str = "", seconds: float = 300.0) -> list[float]:
    """When the beeps of a track begin, in seconds."""
    found = []
    for sound in speech.sounds(video, track=track, seconds=seconds):
        loud = np.flatnonzero(np.abs(sound.samples) > 0.2) / 16_000 + sound.start
        found += loud[np.diff(loud, prepend=-9) > 0.2].tolist()
    return found


@pytest.mark.parametrize(
    ("track", "heard", "word"),
    [
        ("", [4.0, 8.0], "of 3 sound tracks number 2 (eng) is heard; --audio names another"),
        ("1", [2.0], "of 3 sound tracks number 1 (ger)"),
        ("FRE", [6.0], "of 3 sound tracks number 3 (fre)"),
        ("jpn", [4.0, 8.0], "there is no such sound track: of 3 sound tracks number 2 (eng)"),
    ],
)
def test_one_of_several_sound_tracks_is_heard(
    tmp_path: Path, track: str, heard: list[float], word: str
) -> None:
    """The default one unless another is named, by number or language, and the user learns which."""
    video = beeping(tmp_path / "a.mkv", [2.0], [4.0, 8.0], [6.0], default=1)
    chosen = sound_track(video, track)
    assert chosen is not None
    assert chosen.note.startswith(word)
    assert beeps(video, track) == pytest.approx(heard, abs=0.15)


def test_a_single_sound_track_needs_no_word(tmp_path: Path) -> None:
    """Without a choice nothing is said."""
    chosen = sound_track(beeping(tmp_path / "a.mkv", [1.0]))
    assert chosen is not None
    assert chosen.note == ""


@pytest.mark.parametrize("longest", [10.0, 1.0])
@pytest.mark.parametrize("seconds", [300.0, 2.0])
def test_a_track_with_a_hole_keeps_its_times(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, longest: float, seconds: float
) -> None:
    """Time without sound passes, as silence or between two stretches."""
    monkeypatch.setattr(speech, "_LONGEST_HOLE", longest)
    video = beeping(tmp_path / "a.mkv", [1.0, 7.5], hole=(2.5, 6.0))
    assert beeps(video, seconds=seconds) == pytest.approx([1.0, 7.5], abs=0.15)


def test_sound_of_joined_recordings_goes_on(tmp_path: Path) -> None:
    """Where the clock of the file starts again, sound stays beside its pictures."""
    one, two = (beeping(tmp_path / f"{n}.ts", [at]) for n, at in enumerate((2.0, 5.0)))
    video = tmp_path / "joined.ts"
    video.write_bytes(one.read_bytes() + two.read_bytes())
    assert beeps(video) == pytest.approx([2.0, 15.0], abs=0.3)


def test_a_line_ends_before_a_pause() -> None:
    """Words far apart are two lines, each from its own first word; without words a line stays."""
    words = [(1.0, 1.4, " The"), (1.5, 2.0, " lamp."), (6.0, 6.3, " Take"), (6.4, 6.9, " it.")]
    segment = SimpleNamespace(
        start=0.0, end=9.0, text=" The lamp. Take it.",
        words=[SimpleNamespace(start=a, end=b, word=word) for a, b, word in words],
    )  # fmt: skip
    assert list(speech._phrases(segment)) == [(1.0, 2.0, " The lamp."), (6.0, 6.9, " Take it.")]
    segment.words = None
    assert list(speech._phrases(segment)) == [(0.0, 9.0, " The lamp. Take it.")]


def test_a_silent_video_has_no_sound(film: Any, tmp_path: Path) -> None:
    """Without a sound stream there is nothing to listen to."""
    assert list(speech.sounds(film(frames=12).write(tmp_path / "silent.mp4"))) == []


def test_what_is_said_lies_on_the_presentation_timeline() -> None:
    """Offsets add up; what lies before the first frame or says nothing is left out or cut."""
    sound = speech.Sound(10.0, np.zeros(32_000, np.float32))
    said = speech.said_in(sound, Talker())
    assert said == [{"start": 11.0, "end": 12.0, "text": "heard 2 s"}]
    early = speech.said_in(speech.Sound(-1.5, sound.samples), Talker())
    assert early == [{"start": 0.0, "end": 0.5, "text": "heard 2 s"}]
    assert speech.said_in(speech.Sound(-9.0, sound.samples), Talker()) == []


def test_rows_are_cut_to_the_video() -> None:
    """Rows carry their source and end with the video."""
    said = [SubtitleLine(Span(1.0, 3.0), "a"), SubtitleLine(Span(4.0, 5.0), "b")]
    (row,) = speech.speech_rows(said, "talker-1", {"source": "speech"}, 5, duration=2.0)
    assert (row.ordinal, row.span, row.text, row.model) == (5, Span(1, 2), "a", "talker-1")
    assert row.data == {"source": "speech"}


def test_speech_is_off_unless_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is loaded by default; asked for without its extra, the error says what to do."""
    assert speech.load_transcriber(Settings()) is None
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match="faster-whisper") as caught:
        speech.load_transcriber(Settings(speech=True, data_dir=tmp_path))
    assert "speech" in caught.value.hint


def test_weights_are_put_together_once_and_checked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Two packaged halves make one file with the pinned hash; a wrong one is not left behind."""
    for number, part in enumerate((b"first ", b"second"), start=1):
        folder = tmp_path / f"part{number}" / "data"
        folder.mkdir(parents=True)
        (folder / f"model.bin.part{number}").write_bytes(part)
    specs = {
        package: SimpleNamespace(origin=str(tmp_path / f"part{number}" / "__init__.py"))
        for number, package in enumerate(speech._PACKAGES, start=1)
    }
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: specs.get(name, "found"))
    right = hashlib.sha256(b"first second").hexdigest()
    monkeypatch.setattr(speech, "_SHA256", {"model.bin": right})
    settings = Settings(speech=True, data_dir=tmp_path / "data")
    target = tmp_path / "data" / "models" / "whisper-base"
    for _ in range(2):
        loaded = speech.load_transcriber(settings)
        assert loaded is not None
        assert loaded.name == "whisper-base"
    assert [path.name for path in target.iterdir()] == ["model.bin"]
    (target / "model.bin").unlink()
    monkeypatch.setattr(speech, "_SHA256", {"model.bin": "0" * 64})
    with pytest.raises(MissingDependency, match=r"model\.bin"):
        speech.load_transcriber(settings)
    assert list(target.iterdir()) == []


@pytest.fixture
def transcriber(tmp_path: Path) -> Transcriber:
    """The packaged weights."""
    pytest.importorskip("faster_whisper", reason="the `speech` extra is not installed")
    loaded = speech.load_transcriber(Settings(speech=True, data_dir=tmp_path))
    assert loaded is not None
    return loaded


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_voices_in_a_video_are_understood_when_they_speak(
    film: Any, tmp_path: Path, transcriber: Transcriber
) -> None:
    """Sentences that another program speaks are heard from their second on, after pauses too."""
    said = {
        4: "Please bring your ticket to the desk.",
        12: "The copper key is under the blue bench.",
        23: "The museum closes at half past eight.",
    }
    silent = film(frames=336).write(tmp_path / "silent.mp4")
    (sound,) = speech.sounds(spoken(said, silent, tmp_path))
    heard = speech.said_in(sound, transcriber)
    for start, word in zip(said, ("ticket", "copper", "museum"), strict=True):
        (line,) = [each for each in heard if word in each["text"]]
        assert line["start"] == pytest.approx(start, abs=1)
        assert start + 1 < line["end"] < start + 4


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["silence", "noise", "melody"])
def test_nothing_is_heard_where_nobody_speaks(kind: str, transcriber: Transcriber) -> None:
    """Neither silence nor noise nor a tune becomes words."""
    chance, note = np.random.default_rng(0), np.arange(8_000) / 16_000
    heights = chance.choice([262, 294, 330, 392, 440, 523], 40)
    samples = {
        "silence": np.zeros(320_000),
        "noise": chance.normal(0, 0.05, 320_000),
        "melody": np.concatenate([np.sin(6.28 * f * note) * np.exp(-4 * note) for f in heights]),
    }
    assert list(transcriber.transcribe(samples[kind].astype(np.float32))) == []


def spoken(said: dict[int, str], video: Path, folder: Path) -> Path:
    """The video with a voice that says each sentence from its second on."""
    path = folder / "spoken.mp4"
    with av.open(str(video)) as pictures, av.open(str(path), "w") as made:
        shown = made.add_stream_from_template(pictures.streams.video[0])
        track = made.add_stream("aac", rate=22_050)
        for packet in pictures.demux(video=0):
            if packet.dts is not None:
                packet.stream = shown
                made.mux(packet)
        for start, text in said.items():
            voice = folder / f"{start}.wav"
            subprocess.run(["espeak-ng", "-s", "140", "-w", str(voice), text], check=True)
            with av.open(str(voice)) as heard:
                for frame in heard.decode(audio=0):
                    frame.pts = (frame.pts or 0) + start * frame.sample_rate
                    made.mux(track.encode(frame))
        made.mux(track.encode(None))
    return path
