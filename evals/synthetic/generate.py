"""From a spec to the files: the video, its questions, and the truth."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

import av
import numpy as np

from videoseal.core.errors import OutOfSpace, VideosealError
from videoseal.core.files import replacing
from videoseal.evals.synthetic.drawing.renderer import draw_frames
from videoseal.evals.synthetic.drawing.sound import RATE, SoundTrack
from videoseal.evals.synthetic.questions import questions_line
from videoseal.evals.synthetic.script import Story, tell_story
from videoseal.evals.synthetic.spec import GeneratedVideo, VideoSpec
from videoseal.evals.synthetic.truth import EDITION, Truth, read_truth

if TYPE_CHECKING:
    from videoseal.core.progress import ProgressFn

__all__ = ["generate"]

_KEYFRAME_S: Final = 5
_CRF: Final = "23"
_TELL_EVERY: Final = 48


def generate(spec: VideoSpec, out_dir: Path, progress: ProgressFn | None = None) -> GeneratedVideo:
    """Write `<key>.mp4`, `<key>.questions.jsonl` and `<key>.truth.json` into `out_dir`.

    Files of the same spec that are there already are kept. Raises OutOfSpace on a full disk,
    VideosealError where it may not write, and MissingDependency without the Chinese font.
    """
    began = time.monotonic()
    made = _made(spec, out_dir)
    if made is not None:
        return made
    story = tell_story(spec)
    try:
        asked = _write(spec, story, out_dir, _teller(len(story.times), progress))
    except OSError as error:
        message = f"cannot write {spec.key}.mp4 to {out_dir}: {error.strerror or error}"
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise (OutOfSpace if full else VideosealError)(message) from error
    return _result(spec, out_dir, len(story.times), story.times.duration, asked, began)


def _write(spec: VideoSpec, story: Story, out_dir: Path, tell: Callable[[int], None]) -> int:
    """Write the three files; how many questions are asked."""
    out_dir.mkdir(parents=True, exist_ok=True)
    # The truth goes first and comes last: where it stands, the rest is whole.
    _path(spec, out_dir, "truth.json").unlink(missing_ok=True)
    with replacing(_path(spec, out_dir, "mp4")) as partial:
        _encode(spec, story, partial, tell)
    line, asked = questions_line(spec, story)
    _path(spec, out_dir, "questions.jsonl").write_text(line, encoding="utf-8")
    _truth(spec, story).save(_path(spec, out_dir, "truth.json"))
    return asked


def _made(spec: VideoSpec, out_dir: Path) -> GeneratedVideo | None:
    """What an earlier call with an equal spec has made, if it is all there."""
    path = _path(spec, out_dir, "truth.json")
    if not path.is_file() or not (out_dir / f"{spec.key}.mp4").is_file():
        return None
    try:
        truth = read_truth(path)
    except ValueError:
        return None
    same = {name: getattr(truth, name) for name in ("seed", "width", "height", "fps", "vfr")}
    wanted = {name: getattr(spec, name) for name in same}
    if (same, truth.edition) != (wanted, EDITION) or truth.start_offset != spec.start_offset:
        return None
    if abs(truth.duration - spec.seconds) > 1:
        return None
    asked = _path(spec, out_dir, "questions.jsonl").read_text(encoding="utf-8").count('"uid"')
    return _result(spec, out_dir, truth.frames, truth.duration, asked, time.monotonic())


def _result(
    spec: VideoSpec, out_dir: Path, frames: int, duration: float, asked: int, began: float
) -> GeneratedVideo:
    return GeneratedVideo(
        spec=spec,
        video=out_dir / f"{spec.key}.mp4",
        questions=_path(spec, out_dir, "questions.jsonl"),
        truth=_path(spec, out_dir, "truth.json"),
        frames=frames,
        duration=duration,
        asked=asked,
        seconds=time.monotonic() - began,
    )


def _path(spec: VideoSpec, out_dir: Path, suffix: str) -> Path:
    return out_dir / f"{spec.key}.{suffix}"


def _teller(total: int, progress: ProgressFn | None) -> Callable[[int], None]:
    from videoseal.core.progress import Progress

    def tell(done: int) -> None:
        if progress is not None and (done % _TELL_EVERY == 0 or done == total):
            progress(Progress("generate", done, total, "frames"))

    return tell


def _encode(spec: VideoSpec, story: Story, path: Path, tell: Callable[[int], None]) -> None:
    times, sound = story.times, SoundTrack(spec.seed, story.events)
    offset = round(Fraction(spec.start_offset) / times.tick)
    with av.open(str(path), "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=spec.rate)
        video.width, video.height, video.pix_fmt = spec.width, spec.height, "yuv420p"
        video.codec_context.time_base = times.tick
        video.codec_context.gop_size = round(_KEYFRAME_S * spec.fps)
        video.codec_context.thread_count = 2
        video.options = {"preset": "superfast", "crf": _CRF, "bf": "2"}
        audio = container.add_stream("aac", rate=RATE)
        audio.layout = "mono"
        heard = 0
        for number, buffer in enumerate(draw_frames(spec, story)):
            rows = buffer.reshape(spec.height * 3 // 2, spec.width)
            frame = av.VideoFrame.from_ndarray(rows, format="yuv420p")
            frame.pts, frame.time_base = int(times.ticks[number]) + offset, times.tick
            container.mux(video.encode(frame))
            while heard < times.seconds(number + 1) * RATE:
                container.mux(audio.encode(_spoken(sound, heard, spec)))
                heard += RATE
            tell(number + 1)
        container.mux(video.encode(None))
        container.mux(audio.encode(None))


def _spoken(sound: SoundTrack, first: int, spec: VideoSpec) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(
        np.ascontiguousarray(sound.samples(first, RATE)), format="s16", layout="mono"
    )
    frame.sample_rate = RATE
    frame.time_base = Fraction(1, RATE)
    frame.pts = first + round(spec.start_offset * RATE)
    return frame


def _truth(spec: VideoSpec, story: Story) -> Truth:
    return Truth(
        edition=EDITION,
        key=spec.key,
        seed=spec.seed,
        duration=story.times.duration,
        frames=len(story.times),
        width=spec.width,
        height=spec.height,
        fps=spec.fps,
        vfr=spec.vfr,
        start_offset=spec.start_offset,
        scenes=story.scenes,
        events=story.events,
    )
