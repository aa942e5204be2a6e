"""Lines of text as pictures: signs on boards, and titles and subtitles with an outline."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from random import Random

from PIL import Image, ImageDraw, ImageFont

from videoseal.core.errors import MissingDependency
from videoseal.evals.synthetic.drawing.drawn_shapes import (
    BOARD_COLOURS,
    COLOURS,
    RGB,
    shape_picture,
)
from videoseal.evals.synthetic.drawing.sprite import Sprite
from videoseal.evals.synthetic.facts.puzzles import Language
from videoseal.evals.synthetic.truth import Event

__all__ = ["board_picture", "font_for", "line_picture", "words_picture"]

_Font = ImageFont.FreeTypeFont

_SIMPLIFIED = 2
"""Face of the collection that draws Chinese the way it is written in the mainland."""


@lru_cache(maxsize=64)
def font_for(language: Language, size: int) -> _Font:
    """The face for a language at `size` pixels; MissingDependency without the Chinese font."""
    if language == "en":
        font = ImageFont.load_default(size)
        assert isinstance(font, ImageFont.FreeTypeFont)
        return font
    font = ImageFont.truetype(_chinese_file(), size, index=_SIMPLIFIED)
    font.set_variation_by_name("Medium")
    return font


def _chinese_file() -> Path:
    try:
        import manimgx_fonts_cjk
    except ImportError as error:
        raise MissingDependency(
            "generated videos need a Chinese font, which is not installed",
            hint="pip install 'videoseal-agent[evals]'",
        ) from error
    return Path(manimgx_fonts_cjk.__file__).with_name("NotoSansCJK-VF.otf.ttc")


def _text_width(text: str, font: _Font) -> int:
    """Advance width in pixels, rounded up."""
    return int(font.getlength(text)) + 1


def _break_line(text: str, font: _Font, width: int) -> list[str]:
    """Break `text` into lines of at most `width` pixels: at spaces, or anywhere in Chinese."""
    parts = text.split(" ") if " " in text else list(text)
    joint = " " if " " in text else ""
    lines = [""]
    for part in parts:
        longer = f"{lines[-1]}{joint}{part}" if lines[-1] else part
        if lines[-1] and _text_width(longer, font) > width:
            lines.append(part)
        else:
            lines[-1] = longer
    return lines


def line_picture(
    text: str, font: _Font, ink: RGB, *, outline: RGB | None = None, stroke: int = 0
) -> Image.Image:
    """One line, cut to its ink; `stroke` is the outline's width, or boldness without outline."""
    left, top, right, bottom = font.getbbox(text, stroke_width=stroke)
    size = (int(right - left) + 2, int(bottom - top) + 2)
    picture = Image.new("RGBA", size, (*(outline or ink), 0))
    ImageDraw.Draw(picture).text(
        (1 - left, 1 - top),
        text,
        font=font,
        fill=ink,
        stroke_width=stroke,
        stroke_fill=outline or ink,
    )
    return picture


_WHITE: RGB = (250, 250, 246)
_BLACK: RGB = (12, 12, 14)


def board_picture(event: Event, width: int, height: int, rng: Random) -> tuple[Sprite, list[str]]:
    """A board with the event's lines and emblem, and the lines as they were broken."""
    floating = bool(event.look.get("shape")) and not event.look.get("emblem")
    limit = int(width * (0.5 if floating else 0.8))
    language = _face(event)
    size = int(height * rng.uniform(0.058, 0.095))
    lines, font = event.lines, font_for(language, size)
    while max(font.getlength(line) for line in lines) > limit and size > height * 0.05:
        size -= 1
        font = font_for(language, size)
    lines = [part for line in lines for part in _break_line(line, font, limit)]
    board, ink = _colours(event, rng)
    pictures = [line_picture(line, font, ink, stroke=max(0, size // 40)) for line in lines]
    emblem = None
    if event.look.get("emblem"):
        side = int(2.2 * size)
        emblem = shape_picture(str(event.look["shape"]), str(event.look["colour"]), side)
    return Sprite(_assemble(pictures, emblem, size, board, ink)), lines


def _assemble(
    pictures: list[Image.Image], emblem: Image.Image | None, size: int, board: RGB, ink: RGB
) -> Image.Image:
    pad, step = int(0.7 * size), int(1.35 * size)
    shift = emblem.width + pad if emblem else 0
    inner = max(picture.width for picture in pictures)
    tall = max(step * len(pictures), emblem.height if emblem else 0)
    made = Image.new("RGBA", (inner + shift + 2 * pad, tall + 2 * pad), (0, 0, 0, 0))
    edge = (0, 0, made.width - 1, made.height - 1)
    rim = max(2, size // 12)
    ImageDraw.Draw(made).rounded_rectangle(edge, size // 3, fill=board, outline=ink, width=rim)
    if emblem:
        made.alpha_composite(emblem, (pad, (made.height - emblem.height) // 2))
    top = (made.height - step * len(pictures)) // 2
    for number, picture in enumerate(pictures):
        x = pad + shift + (inner - picture.width) // 2
        made.alpha_composite(picture, (x, top + number * step + (step - picture.height) // 2))
    return made


def _colours(event: Event, rng: Random) -> tuple[RGB, RGB]:
    """The board that is asked for, or one on which the emblem stands out."""
    asked = event.look.get("board")
    if asked:
        return BOARD_COLOURS[str(asked)]
    names = list(BOARD_COLOURS)
    emblem = str(event.look.get("colour", ""))
    if event.look.get("emblem") and emblem:
        dark = sum(COLOURS[emblem]) > 380
        names = [n for n in ("black", "white") if (n == "black") == dark]
    return BOARD_COLOURS[rng.choice(names)]


def words_picture(event: Event, width: int, height: int) -> tuple[Sprite, list[str]]:
    """Centred lines with an outline: large for a title, small for a subtitle."""
    title = event.kind == "title"
    size = int(height * (0.1 if title else 0.062))
    pictures: list[Image.Image] = []
    lines: list[str] = []
    for line in event.lines:
        font = font_for("zh" if _is_chinese(line) else "en", size)
        for part in _break_line(line, font, int(0.9 * width)):
            lines.append(part)
            pictures.append(
                line_picture(part, font, _WHITE, outline=_BLACK, stroke=max(2, size // 12))
            )
    step = int(1.3 * size)
    wide = max(picture.width for picture in pictures)
    made = Image.new("RGBA", (wide, step * len(pictures)), (0, 0, 0, 0))
    for number, picture in enumerate(pictures):
        y = number * step + max(0, (step - picture.height) // 2)
        made.alpha_composite(picture, ((wide - picture.width) // 2, y))
    return Sprite(made), lines


def _face(event: Event) -> Language:
    return "zh" if any(_is_chinese(line) for line in event.lines) else "en"


def _is_chinese(text: str) -> bool:
    return any("\u3400" <= letter <= "\u9fff" for letter in text)
