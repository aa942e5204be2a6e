"""Ways out of a frame: sizes, orientation and colours."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.media import Clip, read_number, rotate
from videoseal.core.frames import VideoReader
from videoseal.core.image import FrameShape, Picture


def first(path: Path) -> Picture:
    with VideoReader(path) as reader:
        return next(reader.frames_at([0.0]))


def decoded(jpeg: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"))


def test_rgb_has_the_displayed_shape(tmp_path: Path) -> None:
    """Height, width, three colours, and the red half is red."""
    image = first(Clip(frames=1).write(tmp_path / "a.mp4")).rgb()
    assert image.shape == (96, 160, 3)
    assert image.dtype == np.uint8
    lower = image[60:].astype(float)
    assert lower[:, :70, 0].mean() > lower[:, :70, 1].mean() + 50


@pytest.mark.parametrize(("size", "side", "expected"), [
    ((160, 96), 80, (48, 80)),
    ((160, 96), 160, (96, 160)),
    ((160, 96), 4000, (96, 160)),
    ((160, 96), 1, (1, 1)),
    ((162, 98), 81, (49, 81)),
])  # fmt: skip
def test_largest_side_is_capped_and_never_enlarged(
    tmp_path: Path, size: tuple[int, int], side: int, expected: tuple[int, int]
) -> None:
    """Arrays and JPEG files agree about it."""
    picture = first(Clip(frames=1, size=size).write(tmp_path / "a.mp4"))
    assert picture.rgb(side).shape[:2] == expected
    assert decoded(picture.jpeg(side, 90)).shape[:2] == expected


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotation_is_applied_in_every_form(tmp_path: Path, degrees: int) -> None:
    """Upright as players show it."""
    clip = Clip(frames=1, size=(162, 98), pixels="yuv420p")
    plain = first(clip.write(tmp_path / "a.mp4"))
    turned = first(rotate(clip.write(tmp_path / "b.mp4"), degrees))
    expected = np.rot90(plain.rgb(), -degrees // 90)
    assert turned.size == (expected.shape[1], expected.shape[0])
    assert np.array_equal(turned.rgb(), expected)
    gray = turned.gray(*turned.size)
    assert np.array_equal(gray, np.rot90(plain.gray(162, 98), -degrees // 90))
    difference = decoded(turned.jpeg(4000, 95)).astype(int) - expected
    assert np.abs(difference).mean() < 12


def test_wide_pixels_are_made_square(tmp_path: Path) -> None:
    """The number can still be read, on a wider picture."""
    picture = first(Clip(frames=1, aspect=Fraction(4, 3)).write(tmp_path / "a.mp4"))
    assert picture.rgb().shape == (96, 213, 3)
    assert read_number(picture.rgb()) == 0


@pytest.mark.parametrize("aspect", [Fraction(1, 500), Fraction(500), Fraction(0), None])
def test_absurd_pixel_shapes_are_ignored(aspect: Fraction | None) -> None:
    """A header's nonsense does not become a picture of a million pixels' width."""
    shape = FrameShape(160, 96, aspect=aspect, rotation=0)
    assert (shape.width, shape.height) == (160, 96)


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le"])
@pytest.mark.parametrize("size", [(160, 96), (161, 97)])
def test_jpeg_shows_the_colours_of_the_picture(
    tmp_path: Path, pixels: str, size: tuple[int, int]
) -> None:
    """Any pixel format, odd sizes too, close to the RGB picture."""
    if pixels.startswith(("yuv420", "yuv422")) and size[0] % 2:
        size = (size[0] + 1, size[1] + 1)
    picture = first(Clip(frames=1, size=size, pixels=pixels).write(tmp_path / "a.mkv"))
    colours = np.asarray(picture.rgb(), int).mean(axis=(0, 1))
    assert decoded(picture.jpeg(4000, 95)).mean(axis=(0, 1)) == pytest.approx(colours, abs=4)
    assert read_number(decoded(picture.jpeg(100, 80))) == 0


@pytest.mark.parametrize("space", ["bt709", "smpte170m", None])
@pytest.mark.parametrize("full", [False, True])
def test_jpeg_follows_the_colour_space(tmp_path: Path, space: str | None, full: bool) -> None:
    """HD and full-range video are not tinted by the way into a JPEG file."""
    options = {"x264-params": f"colormatrix={space or 'undef'}:fullrange={'on' if full else 'off'}"}
    picture = first(Clip(frames=1, options=options).write(tmp_path / "a.mp4"))
    colours = picture.rgb()[60:, :70].mean(axis=(0, 1))
    assert decoded(picture.jpeg(4000, 95))[60:, :70].mean(axis=(0, 1)) == pytest.approx(
        colours, abs=3
    )


def test_gray_is_brightness_in_the_size_asked(tmp_path: Path) -> None:
    """A thumbnail for comparing frames, from black to white."""
    picture = first(Clip(frames=1).write(tmp_path / "a.mp4"))
    gray = picture.gray(40, 24)
    assert gray.shape == (24, 40)
    assert gray.mean() == pytest.approx(picture.rgb().mean(), abs=12)
    assert read_number(picture.gray(160, 96)) == 0
