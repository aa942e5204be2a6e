"""Generating files: the same again, not twice, and clear errors."""

from __future__ import annotations

import errno
import json
import sys

import av
import numpy as np
import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from videoseal.core.errors import MissingDependency, OutOfSpace, VideosealError
from videoseal.evals.synthetic import generate as module
from videoseal.evals.synthetic.__main__ import main
from videoseal.evals.synthetic.drawing.lettering import font_for
from videoseal.evals.synthetic.generate import generate
from videoseal.evals.synthetic.phrasings import plain_wordings
from videoseal.evals.synthetic.spec import VideoSpec
from videoseal.evals.synthetic.truth import EDITION, read_truth

TINY = VideoSpec(minutes=0.5, seed=2, width=320, height=180, fps=5)


def test_equal_specs_give_equal_questions_truth_and_pictures(tmp_path) -> None:
    """Two runs agree to the byte in what is asked and true, and to the pixel in every frame."""
    one, two = (generate(TINY, tmp_path / name) for name in ("a", "b"))
    assert one.questions.read_bytes() == two.questions.read_bytes()
    assert one.truth.read_bytes() == two.truth.read_bytes()
    with av.open(str(one.video)) as a, av.open(str(two.video)) as b:
        for left, right in zip(a.decode(video=0), b.decode(video=0), strict=True):
            assert left.pts == right.pts
            assert np.array_equal(left.to_ndarray(), right.to_ndarray())


def test_another_seed_gives_another_video(plain, uneven) -> None:
    """Seeds share neither signs nor questions."""
    signs = [{event.text for event in video.events("sign")} for video in (plain, uneven)]
    assert not signs[0] & signs[1]


def test_steps_are_told_up_to_the_last_frame(tmp_path) -> None:
    """Progress grows and ends with all frames; no half-written file stays."""
    steps = []
    made = generate(TINY, tmp_path, steps.append)
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert steps[-1].done == steps[-1].total == made.frames
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        path.name for path in (made.video, made.questions, made.truth)
    )


def test_what_is_there_is_kept_until_the_generator_changes(tmp_path) -> None:
    """Other words ask about the same film; one of another edition, or none, is made anew."""
    made = generate(TINY, tmp_path)
    before = made.video.stat().st_mtime_ns
    again = generate(TINY, tmp_path)
    assert (again.asked, again.frames, again.duration) == (made.asked, made.frames, made.duration)
    assert made.video.stat().st_mtime_ns == before
    asked = made.questions.read_text("utf-8")
    generate(TINY, tmp_path, wordings=plain_wordings())
    assert made.questions.read_text("utf-8") != asked
    assert made.video.stat().st_mtime_ns == before
    old = read_truth(made.truth)
    old.edition = EDITION - 1
    for stale in (old.model_dump_json(), "{"):
        made.truth.write_text(stale)
        before = made.video.stat().st_mtime_ns
        generate(TINY, tmp_path)
        assert made.video.stat().st_mtime_ns > before
        assert read_truth(made.truth).edition == EDITION


def test_footage_is_shown_behind_the_words(tmp_path) -> None:
    """The videos of a folder take the place of what is drawn, and are part of what is made."""
    reel = tmp_path / "reel"
    reel.mkdir()
    with av.open(str(reel / "green.mp4"), "w") as output:
        stream = output.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for value in range(30):
            frame = av.VideoFrame.from_ndarray(np.full((120, 160, 3), (0, 99 + value, 0), np.uint8))
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    made = generate(TINY.model_copy(update={"footage": reel}), tmp_path / "out")
    with av.open(str(made.video)) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(pictures) == made.frames
    middle = np.median(pictures, axis=(0, 1, 2))
    assert middle[1] > middle[0] + 50
    assert len({round(float(np.median(picture[..., 1]))) for picture in pictures}) > 10
    assert read_truth(made.truth).footage == ["green.mp4"]
    assert read_truth(generate(TINY, tmp_path / "out").truth).footage == []
    empty = TINY.model_copy(update={"footage": tmp_path / "nowhere"})
    with pytest.raises(VideosealError, match="no videos"):
        generate(empty, tmp_path / "out")


@pytest.mark.parametrize(
    ("code", "kind"), [(errno.ENOSPC, OutOfSpace), (errno.EIO, VideosealError)]
)
def test_a_failing_disk_is_one_clear_error(tmp_path, monkeypatch, code, kind) -> None:
    """A full disk is told from others; the half-written video goes."""

    def fail(spec, story, path, tell):
        path.write_bytes(b"half")
        raise OSError(code, "as the disk says")

    monkeypatch.setattr(module, "_encode", fail)
    with pytest.raises(kind, match="as the disk says") as caught:
        generate(TINY, tmp_path)
    assert type(caught.value) is kind
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("language", "package"), [("zh", "manimgx_fonts_cjk"), ("en", "font_lato")]
)
def test_without_a_font_the_extra_is_named(monkeypatch, language, package) -> None:
    """A missing font package is a MissingDependency that says what to install."""
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependency, match=package) as caught:
        font_for(language, 17 * 17)
    assert "[evals]" in caught.value.hint


@pytest.mark.parametrize(
    "wrong",
    [{"minutes": 0}, {"width": 321}, {"fps": 0}, {"seed": -1}, {"name": "../x"}, {"hue": 1}],
)
def test_a_bad_spec_is_refused(wrong) -> None:
    """Every field is checked."""
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        VideoSpec.model_validate(wrong)


def test_command_prints_what_it_made(tmp_path) -> None:
    """`--json` names the files and counts."""
    args = ["--minutes", "0.5", "--size", "320x180", "--fps", "5", "--name", "x", "--json"]
    result = CliRunner().invoke(main, [*args, "--out", str(tmp_path)])
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert document["frames"] == 150
    assert document["video"] == str(tmp_path / "x.mp4")
    assert document["asked"] == 4


@pytest.mark.parametrize(
    ("args", "word"),
    [(["--size", "320"], "height"), (["--size", "axb"], "width"), (["--minutes", "0"], "minutes")],
)
def test_command_refuses_in_one_line(tmp_path, args, word) -> None:
    """A bad option is an error that names it, with exit code 2 and no files."""
    result = CliRunner().invoke(main, [*args, "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert word in result.stderr
    assert list(tmp_path.iterdir()) == []
