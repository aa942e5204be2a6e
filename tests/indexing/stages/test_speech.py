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

from videoseal.core.errors import MissingDependency
from videoseal.core.settings import Settings
from videoseal.core.span import Span
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


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_a_voice_in_a_video_is_understood_when_it_speaks(film: Any, tmp_path: Path) -> None:
    """The packaged weights hear a sentence that another program speaks, from its second on."""
    pytest.importorskip("faster_whisper", reason="the `speech` extra is not installed")
    silent = film(frames=96).write(tmp_path / "silent.mp4")
    video = spoken("Please bring your ticket to the desk.", silent, tmp_path, start=4)
    transcriber = speech.load_transcriber(Settings(speech=True, data_dir=tmp_path))
    assert transcriber is not None
    (sound,) = speech.sounds(video)
    (said,) = [each for each in speech.said_in(sound, transcriber) if "ticket" in each["text"]]
    assert "desk" in said["text"]
    assert 3 < said["start"] < 5.5 < said["end"] < 8


def spoken(text: str, video: Path, folder: Path, *, start: int) -> Path:
    """The video with a voice that says something from its second `start` on."""
    voice = folder / "voice.wav"
    subprocess.run(["espeak-ng", "-s", "140", "-w", str(voice), text], check=True)
    path = folder / "spoken.mp4"
    with (
        av.open(str(video)) as pictures,
        av.open(str(voice)) as heard,
        av.open(str(path), "w") as made,
    ):
        shown = made.add_stream_from_template(pictures.streams.video[0])
        track = made.add_stream("aac", rate=heard.streams.audio[0].rate)
        for packet in pictures.demux(video=0):
            if packet.dts is not None:
                packet.stream = shown
                made.mux(packet)
        for frame in heard.decode(audio=0):
            frame.pts = (frame.pts or 0) + start * frame.sample_rate
            made.mux(track.encode(frame))
        made.mux(track.encode(None))
    return path
