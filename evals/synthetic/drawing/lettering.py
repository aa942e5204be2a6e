"""Lines of text as pictures: boards of signs and tables, and words with an outline."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path
from random import Random
from typing import Final, get_args

import yaml
from PIL import Image, ImageColor, ImageDraw, ImageFont

from videoseal.core.errors import MissingDependency
from videoseal.evals.synthetic.facts.families import Language
from videoseal.evals.synthetic.truth import Event

__all__ = ["board_picture", "digits_picture", "font_for", "words_picture"]

_Font = ImageFont.FreeTypeFont
RGB = tuple[int, int, int]

_FACES: Final[dict[Language, list[str]]] = yaml.safe_load(
    Path(__file__).with_name("faces.yaml").read_text("utf-8")
)
_SIMPLIFIED: Final = 2
"""Face of the collection that draws Chinese the way it is written in the mainland."""
_WHITE: Final = (250, 250, 246)
_YELLOW: Final = (252, 240, 130)
_BLACK: Final = (12, 12, 14)
_WIDEST: Final = 0.8
_SMALLEST: Final = 0.05
"""Of lettering, as a share of the picture's height."""


@lru_cache(maxsize=256)
def font_for(language: Language, size: int, face: int = 0) -> _Font:
    """One of the faces for a language at `size` pixels; MissingDependency without its package."""
    package, file, *weight = _FACES[language][face % len(_FACES[language])].split()
    needed = f"generated videos need the fonts of {package}, which is not installed"
    with MissingDependency.of("evals", needed):
        path = str(resources.files(package) / file)
    font = ImageFont.truetype(path, size, index=_SIMPLIFIED if weight else 0)
    if weight:
        font.set_variation_by_name(weight[0])
    return font


def digits_picture(text: str, size: int) -> Image.Image:
    """The reading of a clock."""
    return _lettered(text, font_for("en", size), _WHITE, _BLACK, stroke=2)


def board_picture(event: Event, width: int, height: int, rng: Random) -> Image.Image:
    """A board with the event's lines or rows; notes in the event how signs were broken."""
    language, face, limit = _language(event.text), rng.randrange(64), int(width * _WIDEST)
    size = int(height * rng.uniform(0.058, 0.075 if event.kind == "table" else 0.12))
    centred = event.kind == "sign" and rng.random() < 0.7
    board, ink = _colours(event.board, rng)
    words = _written(event, language, size, face, ink, centred=centred)
    if words.width > limit:
        size = max(int(height * _SMALLEST), int(size * limit / words.width))
        if event.kind == "sign":
            event.lines = _broken(event.lines, font_for(language, size, face), limit)
        words = _written(event, language, size, face, ink, centred=centred)
    pad, radius = int(size * rng.uniform(0.4, 1.0)), rng.choice((0, size // 3, size))
    made = Image.new("RGBA", (words.width + 2 * pad, words.height + 2 * pad), (*board, 0))
    edge, rim = (0, 0, made.width - 1, made.height - 1), rng.choice((0, size // 12, size // 6))
    ImageDraw.Draw(made).rounded_rectangle(edge, radius, fill=board, outline=ink, width=rim)
    made.alpha_composite(words, (pad, pad))
    return made


def _written(
    event: Event, language: Language, size: int, face: int, ink: RGB, *, centred: bool
) -> Image.Image:
    font = font_for(language, size, face)
    rows = [[_lettered(cell, font, ink) for cell in line.split("\t")] for line in event.lines]
    return _stacked(rows, int(1.35 * size), int(1.5 * size), centred=centred)


def words_picture(event: Event, width: int, height: int, seed: int) -> Image.Image:
    """A subtitle: centred lines with an outline, in a face and ink that a film keeps to.

    Notes in the event how it was broken.
    """
    size, ink = int(0.062 * height), _WHITE if seed % 3 else _YELLOW
    fonts = {name: font_for(name, size, seed % 4) for name in get_args(Language)}
    limit = int(0.9 * width)
    event.lines = [
        part for line in event.lines for part in _broken([line], fonts[_language(line)], limit)
    ]
    rows = [
        [_lettered(line, fonts[_language(line)], ink, _BLACK, stroke=max(2, size // 12))]
        for line in event.lines
    ]
    return _stacked(rows, int(1.3 * size), 0, centred=True)


def _language(text: str) -> Language:
    return "zh" if any("\u3400" <= letter <= "\u9fff" for letter in text) else "en"


def _broken(texts: Sequence[str], font: _Font, width: int) -> list[str]:
    """Lines of at most `width` pixels: broken at spaces, or anywhere in Chinese."""
    lines: list[str] = []
    for text in texts:
        joint = " " if " " in text else ""
        first, *rest = text.split(" ") if joint else list(text)
        lines.append(first)
        for part in rest:
            if font.getlength(longer := f"{lines[-1]}{joint}{part}") > width:
                lines.append(part)
            else:
                lines[-1] = longer
    return lines


def _lettered(
    text: str, font: _Font, ink: RGB, outline: RGB | None = None, *, stroke: int = 0
) -> Image.Image:
    """One line, cut to its ink; `stroke` is the outline's width."""
    left, top, right, bottom = font.getbbox(text, stroke_width=stroke)
    edge = outline or ink
    picture = Image.new("RGBA", (int(right - left) + 2, int(bottom - top) + 2), (*edge, 0))
    ImageDraw.Draw(picture).text(
        (1 - left, 1 - top), text, font=font, fill=ink, stroke_width=stroke, stroke_fill=edge
    )
    return picture


def _stacked(
    rows: Sequence[Sequence[Image.Image]], step: int, gap: int, *, centred: bool
) -> Image.Image:
    """Lines below each other, `step` apart; where one has several cells, in columns."""
    table = [row for row in rows if len(row) > 1]
    widths = [max(cell.width for cell in column) for column in zip(*table, strict=True)]
    inner = max([sum(widths) + gap * max(0, len(widths) - 1), *(row[0].width for row in rows)])
    ink = rows[0][0].getpixel((0, 0))
    made = Image.new("RGBA", (inner, step * len(rows)), ink)
    for number, row in enumerate(rows):
        x = (inner - row[0].width) // 2 if centred else 0
        for column, cell in enumerate(row):
            made.alpha_composite(cell, (x, number * step + max(0, (step - cell.height) // 2)))
            x += widths[column] + gap if len(row) > 1 else 0
    return made


def _colours(name: str, rng: Random) -> tuple[RGB, RGB]:
    """Board and lettering: the colour that is asked for, or any dark and light pair."""
    if name:
        red, green, blue = ImageColor.getrgb(name)[:3]
        return (red, green, blue), _BLACK if 2 * red + 5 * green + blue > 1000 else _WHITE
    light = (rng.random(), rng.uniform(0, 0.4), 1.0)
    dark = (rng.random(), rng.uniform(0.3, 1), rng.uniform(0.1, 0.4))
    board, ink = rng.sample([light, dark], 2)
    return _rgb(board), _rgb(ink)


def _rgb(hsv: tuple[float, float, float]) -> RGB:
    r, g, b = (round(255 * part) for part in colorsys.hsv_to_rgb(*hsv))
    return r, g, b
