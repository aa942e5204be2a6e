"""From a spec to the files: the video, its questions, and the truth."""

from __future__ import annotations

import errno
import time
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av

from videoseal.core.errors import OutOfSpace, VideosealError
from videoseal.core.files import replacing, write_whole
from videoseal.core.progress import Progress, ProgressFn
from videoseal.evals.synthetic.drawing.backdrops import footage_files, hiss
from videoseal.evals.synthetic.drawing.renderer import draw_frames
from videoseal.evals.synthetic.phrasings import Wordings, shipped_wordings
from videoseal.evals.synthetic.questions import questions_line
from videoseal.evals.synthetic.script import Story, tell_story
from videoseal.evals.synthetic.spec import GeneratedVideo, VideoSpec
from videoseal.evals.synthetic.truth import EDITION, Truth, read_truth

__all__ = ["generate"]

_KEYFRAME_S: Final = 5
_CRF: Final = "23"
_TELL_EVERY: Final = 48
_SOUND_HZ: Final = 16_000


def generate(
    spec: VideoSpec,
    out_dir: Path,
    on_progress: ProgressFn | None = None,
    wordings: Wordings | None = None,
) -> GeneratedVideo:
    """Write `<key>.mp4`, `<key>.questions.jsonl` and `<key>.truth.json` into `out_dir`.

    A film of the same spec that is there already is kept; its questions are put in the words that
    are given, else in those that are shipped. Raises OutOfSpace on a full disk, VideosealError
    where it may not write, and MissingDependency without the Chinese font.
    """
    began = time.monotonic()
    story = tell_story(spec)
    line, asked = questions_line(spec, story, wordings or shipped_wordings())
    paths = [out_dir / f"{spec.key}.{end}" for end in ("mp4", "questions.jsonl", "truth.json")]
    video, questions, truth = paths
    try:
        if not _is_made(spec, video, truth):
            out_dir.mkdir(parents=True, exist_ok=True)
            # The truth goes first and comes last: where it stands, the film is whole.
            truth.unlink(missing_ok=True)
            with replacing(video) as partial:
                _encode(spec, story, partial, on_progress)
            whole = {"frames": len(story.times), "scenes": story.scenes, "events": story.events}
            told = {"edition": EDITION, "key": spec.key, "duration": story.times.duration}
            known = Truth.model_validate(_drawn(spec) | told | whole)
            write_whole(truth, known.model_dump_json(indent=1, exclude_defaults=True))
        write_whole(questions, line)
    except OSError as error:
        message = f"cannot write {spec.key}.mp4 to {out_dir}: {error.strerror or error}"
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise (OutOfSpace if full else VideosealError)(message) from error
    return GeneratedVideo(
        spec=spec,
        video=video,
        questions=questions,
        truth=truth,
        frames=len(story.times),
        duration=story.times.duration,
        asked=asked,
        seconds=time.monotonic() - began,
    )


def _is_made(spec: VideoSpec, video: Path, path: Path) -> bool:
    """Whether an earlier call with an equal spec has made the film."""
    try:
        truth = read_truth(path)
    except (FileNotFoundError, ValueError):
        return False
    drawn = truth.model_dump(include=set(_drawn(spec)))
    same = (truth.edition, drawn) == (EDITION, _drawn(spec))
    return same and abs(truth.duration - spec.seconds) <= 1 and video.is_file()


def _encode(spec: VideoSpec, story: Story, path: Path, on_progress: ProgressFn | None) -> None:
    times, sound = story.times, hiss(spec.seed, _SOUND_HZ)
    offset = round(Fraction(spec.start_offset) / times.tick)
    with av.open(str(path), "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=spec.rate)
        video.width, video.height, video.pix_fmt = spec.width, spec.height, "yuv420p"
        video.codec_context.time_base = times.tick
        video.codec_context.gop_size = round(_KEYFRAME_S * spec.fps)
        video.codec_context.thread_count = 2
        video.options = {"preset": "superfast", "crf": _CRF, "bf": "2"}
        audio = container.add_stream("aac", rate=_SOUND_HZ)
        audio.layout = "mono"
        heard = 0
        for number, rows in enumerate(draw_frames(spec, story)):
            frame = av.VideoFrame.from_ndarray(rows, format="yuv420p")
            frame.pts, frame.time_base = int(times.ticks[number]) + offset, times.tick
            container.mux(video.encode(frame))
            while heard < times.seconds(number + 1) * _SOUND_HZ:
                second = next(sound)
                second.pts = heard + round(spec.start_offset * _SOUND_HZ)
                container.mux(audio.encode(second))
                heard += _SOUND_HZ
            done = number + 1
            if on_progress and (done % _TELL_EVERY == 0 or done == len(times)):
                on_progress(Progress("generate", done, len(times), "frames"))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))


def _drawn(spec: VideoSpec) -> dict[str, Any]:
    """What of a spec decides how the video looks, apart from its length."""
    footage = [path.name for path in footage_files(spec.footage)]
    return spec.model_dump(exclude={"minutes", "name"}) | {"footage": footage}
