"""Lines of text as pictures: boards of signs and tables, and words with an outline."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from random import Random
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from videoseal.core.errors import MissingDependency
from videoseal.evals.synthetic.drawing.overlay import Overlay
from videoseal.evals.synthetic.facts.families import Language
from videoseal.evals.synthetic.truth import Event

__all__ = ["board_picture", "digits_picture", "font_for", "words_picture"]

_Font = ImageFont.FreeTypeFont
RGB = tuple[int, int, int]

_FACES: Final[dict[Language, tuple[tuple[str, str], ...]]] = {
    "en": (
        ("font_lato", "files/Lato-Bold.ttf"),
        ("font_caladea", "files/Caladea-Regular.ttf"),
        ("font_fjallaone", "files/FjallaOne-Regular.ttf"),
        ("font_lato", "files/Lato-Regular.ttf"),
        ("font_fredoka_one", "files/FredokaOne-Regular.ttf"),
        ("font_caladea", "files/Caladea-BoldItalic.ttf"),
        ("font_lato", "files/Lato-BlackItalic.ttf"),
        ("font_amatic_sc", "files/AmaticSC-Bold.ttf"),
    ),
    "zh": tuple(
        ("manimgx_fonts_cjk", f"NotoSansCJK-VF.otf.ttc {weight}")
        for weight in ("Medium", "Regular", "Bold", "Black")
    ),
}
"""Package and file, with the weight where a file has several."""
_SIMPLIFIED: Final = 2
"""Face of the collection that draws Chinese the way it is written in the mainland."""
_NAMED: Final[dict[str, tuple[RGB, RGB]]] = {
    "blue": ((24, 62, 142), (250, 250, 250)),
    "green": ((16, 104, 60), (250, 250, 250)),
    "red": ((172, 26, 34), (252, 250, 246)),
    "yellow": ((246, 208, 50), (24, 22, 18)),
    "white": ((242, 242, 238), (22, 26, 34)),
    "black": ((26, 28, 32), (246, 246, 242)),
    "orange": ((232, 122, 28), (26, 20, 14)),
    "purple": ((96, 40, 136), (250, 248, 252)),
}
"""Board and lettering by the name of the colour, far enough apart to be told by eye."""
_WHITE: Final = (250, 250, 246)
_YELLOW: Final = (252, 240, 130)
_BLACK: Final = (12, 12, 14)
_WIDEST: Final = 0.8
_SMALLEST: Final = 0.05
"""Of lettering, as a share of the picture's height."""


@lru_cache(maxsize=256)
def font_for(language: Language, size: int, face: int = 0) -> _Font:
    """One of the faces for a language at `size` pixels; MissingDependency without its package."""
    package, name = _FACES[language][face % len(_FACES[language])]
    file, _, weight = name.partition(" ")
    try:
        path = str(resources.files(package) / file)
    except ImportError as error:
        raise MissingDependency(
            f"generated videos need the fonts of {package}, which is not installed",
            hint="pip install 'videoseal-agent[evals]'",
        ) from error
    font = ImageFont.truetype(path, size, index=_SIMPLIFIED if weight else 0)
    if weight:
        font.set_variation_by_name(weight)
    return font


def digits_picture(text: str, size: int) -> Overlay:
    """The reading of a clock."""
    return Overlay(_lettered(text, font_for("en", size), (235, 235, 225), (20, 20, 20), stroke=2))


def board_picture(event: Event, width: int, height: int, rng: Random) -> tuple[Overlay, list[str]]:
    """A board with the event's lines or rows, and the lines as they were broken."""
    limit, face = int(width * _WIDEST), rng.randrange(64)
    language = _language(event.text)
    size = int(height * rng.uniform(0.058, 0.075 if event.kind == "table" else 0.12))
    font = font_for(language, size, face)
    while _wide(event.lines, font) > limit and size > height * _SMALLEST:
        size -= 1
        font = font_for(language, size, face)
    lines = event.lines
    if event.kind == "sign":
        lines = [part for line in lines for part in _broken(line, font, limit)]
    board, ink = _colours(str(event.look.get("board", "")), rng)
    rows = [[_lettered(cell, font, ink) for cell in line.split("\t")] for line in lines]
    return Overlay(_assembled(rows, size, board, ink, rng, centred=event.kind == "sign")), lines


def words_picture(event: Event, width: int, height: int, seed: int) -> tuple[Overlay, list[str]]:
    """Centred lines with an outline: large for a title, small for a subtitle, each in one face."""
    title = event.kind == "title"
    size, face = int(height * (0.1 if title else 0.062)), seed if title else seed % 4
    ink = _WHITE if title or seed % 3 else _YELLOW
    fonts = {line: font_for(_language(line), size, face) for line in event.lines}
    parts = [
        (part, font)
        for line, font in fonts.items()
        for part in _broken(line, font, int(0.9 * width))
    ]
    stroke = max(2, size // 12)
    pictures = [[_lettered(part, font, ink, _BLACK, stroke=stroke)] for part, font in parts]
    return Overlay(_stacked(pictures, int(1.3 * size), 0, centred=True)), [
        part for part, _ in parts
    ]


def _language(text: str) -> Language:
    return "zh" if any("\u3400" <= letter <= "\u9fff" for letter in text) else "en"


def _broken(text: str, font: _Font, width: int) -> list[str]:
    """`text` in lines of at most `width` pixels: broken at spaces, or anywhere in Chinese."""
    joint = " " if " " in text else ""
    lines = [""]
    for part in text.split(" ") if joint else list(text):
        longer = f"{lines[-1]}{joint}{part}" if lines[-1] else part
        if lines[-1] and font.getlength(longer) > width:
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


def _wide(lines: Sequence[str], font: _Font) -> float:
    """Width of the widest line, or of a table's columns together."""
    table = [line.split("\t") for line in lines if "\t" in line]
    columns = [max(map(font.getlength, column)) for column in zip(*table, strict=True)]
    heads = [font.getlength(line) for line in lines if "\t" not in line]
    return max([sum(columns) + _gap(int(font.size)) * max(0, len(columns) - 1), *heads])


def _gap(size: int) -> int:
    """Between two columns."""
    return int(1.5 * size)


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


def _assembled(
    rows: list[list[Image.Image]], size: int, board: RGB, ink: RGB, rng: Random, *, centred: bool
) -> Image.Image:
    """The lines on a board: round or square, with a rim or without."""
    words = _stacked(rows, int(1.35 * size), _gap(size), centred=centred and rng.random() < 0.7)
    pad = int(size * rng.uniform(0.4, 1.0))
    made = Image.new("RGBA", (words.width + 2 * pad, words.height + 2 * pad), (*board, 0))
    edge, radius = (0, 0, made.width - 1, made.height - 1), rng.choice((0, size // 3, size))
    rim = rng.choice((0, size // 12, size // 6))
    ImageDraw.Draw(made).rounded_rectangle(edge, radius, fill=board, outline=ink, width=rim)
    made.alpha_composite(words, (pad, pad))
    return made


def _colours(name: str, rng: Random) -> tuple[RGB, RGB]:
    """Board and lettering: those of the colour that is asked for, or any dark and light pair."""
    if name:
        return _NAMED[name]
    hue, other = rng.random(), rng.random()
    light, dark = (
        (hue, rng.uniform(0, 0.4), 1.0),
        (other, rng.uniform(0.3, 1), rng.uniform(0.1, 0.4)),
    )
    board, ink = rng.sample([_rgb(light), _rgb(dark)], 2)
    return board, ink


def _rgb(hsv: tuple[float, float, float]) -> RGB:
    r, g, b = (round(255 * part) for part in colorsys.hsv_to_rgb(*hsv))
    return r, g, b
