"""Comparing pictures: coding noise is no change, one digit is."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from videoseal.indexing.stages.change_detection import (
    Box,
    Grey,
    Strokes,
    changed,
    first_after_step,
    flashes,
)

LINE = Box(0.05, 0.3, 0.6, 0.5)


def grey(text: str = "", *, ground: int = 0) -> Grey:
    """A textured picture of 320 x 180 with a line of text; `ground` moves the texture."""
    noise = np.random.default_rng(1).integers(60, 130, (12, 40), dtype=np.uint8)
    wide = Image.fromarray(noise).resize((640, 180), Image.Resampling.BICUBIC)
    image = wide.crop((ground, 0, ground + 320, 180))
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(22)
    draw.text((20, 60), text, font=font, fill=255, stroke_width=1, stroke_fill=0)
    return np.asarray(image)


def test_noise_is_no_change_and_one_digit_is() -> None:
    """The gate ignores a few grey levels everywhere and sees a digit somewhere."""
    picture = grey("Gate 3")
    noise = np.random.default_rng(2).integers(-3, 4, picture.shape)
    noisy = np.clip(picture.astype(int) + noise, 0, 255).astype(np.uint8)
    assert not changed(picture, noisy)
    assert changed(picture, grey("Gate 8"))
    assert changed(np.zeros((5, 5), np.uint8), np.full((5, 5), 9, np.uint8))


def test_a_text_that_comes_and_goes_flashes() -> None:
    """A line in the middle picture alone does, over a moving ground too; what stays does not."""
    still, moved = [grey(), grey(), grey()], [grey(ground=4 * n) for n in range(3)]
    assert not flashes(*still)
    assert not flashes(*moved)
    for frames in (still, moved):
        line = grey("Run to the pier", ground=4 if frames is moved else 0)
        assert flashes(frames[0], line, frames[2])
        assert not flashes(frames[0], line, line)
        assert not flashes(line, line, frames[2])


def test_strokes_are_known_again_while_the_background_moves() -> None:
    """A line stays while the picture behind it slides away; another line, or none, ends it."""
    frames = [grey("Gate 3 is open", ground=4 * n) for n in range(8)]
    strokes = Strokes(LINE, frames[0])
    assert strokes.stay(frames)
    assert strokes.stay(frames, surely=True)
    assert not strokes.stay([*frames, grey("Gate 8 is open", ground=32)], surely=True)
    assert not strokes.stay([*frames[:4], grey("Gate 3 is shut", ground=16), *frames[5:]])
    assert not strokes.stay([frames[0], grey()])


def test_a_flat_region_has_no_strokes() -> None:
    """Where nothing is drawn, nothing can be known again."""
    plain = np.full((180, 320), 90, np.uint8)
    assert not Strokes(LINE, plain).stay([plain, plain])
    assert Strokes(LINE, plain).fall([plain, plain]) is None


def test_the_fall_is_found_where_only_one_digit_changes() -> None:
    """The first frame without the strokes is found, also when most of the line stays."""
    frames = [grey("Gate 3 is open", ground=3 * n) for n in range(4)]
    frames += [grey("Gate 4 is open", ground=3 * n) for n in range(4, 7)]
    assert Strokes(LINE, frames[0]).fall(frames) == 4


@pytest.mark.parametrize(
    ("values", "first"),
    [([1, 0], 1), ([1, 1, 0, 0], 2), ([1, 0.9, 0.2, -0.1, 0.3, 0], 2), ([1, 0.8, 0.6, 0.3, 0], 3)],
)
def test_a_step_is_fitted_by_least_squares(values: list[float], first: int) -> None:
    """Noise and fades move the step little; both ends always lie on their own side."""
    assert first_after_step(values) == first


def test_boxes_at_the_edge_still_hold_pixels() -> None:
    """A box of no size, or outside, gives a part that can be compared."""
    assert Box(1.0, 1.0, 1.0, 1.0).cut(grey()).shape >= (2, 3)
    assert Box(0.0, 0.0, 0.0, 0.0).cut(grey()).shape >= (2, 3)
