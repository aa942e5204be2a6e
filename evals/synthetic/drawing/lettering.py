"""Lines of text as pictures: signs on boards, and titles and subtitles with an outline."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from random import Random

from PIL import Image, ImageDraw, ImageFont

from videoseal.core.errors import MissingDependency
from videoseal.evals.synthetic.drawing.sprite import Sprite
from videoseal.evals.synthetic.facts.families import Language
from videoseal.evals.synthetic.truth import Event

__all__ = ["board_picture", "digits_picture", "font_for", "words_picture"]

_Font = ImageFont.FreeTypeFont
RGB = tuple[int, int, int]

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


def digits_picture(text: str, size: int) -> Sprite:
    """The reading of a clock."""
    font = font_for("en", size)
    return Sprite(_line_picture(text, font, (235, 235, 225), outline=(20, 20, 20), stroke=2))


def _line_picture(
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
_BOARDS: dict[str, tuple[RGB, RGB]] = {
    "blue": ((24, 62, 142), (250, 250, 250)),
    "green": ((16, 104, 60), (250, 250, 250)),
    "red": ((172, 26, 34), (252, 250, 246)),
    "yellow": ((246, 208, 50), (24, 22, 18)),
    "white": ((242, 242, 238), (22, 26, 34)),
    "black": ((26, 28, 32), (246, 246, 242)),
    "orange": ((232, 122, 28), (26, 20, 14)),
    "purple": ((96, 40, 136), (250, 248, 252)),
}
"""Board and lettering by the name of the colour."""
_TABLE_S = 0.075
"""Largest lettering of a table, as a share of the picture's height."""


def board_picture(event: Event, width: int, height: int, rng: Random) -> tuple[Sprite, list[str]]:
    """A board with the event's lines, and the lines as they were broken."""
    limit = int(width * 0.8)
    language = _face(event)
    size = int(height * rng.uniform(0.055, _TABLE_S if event.kind == "table" else 0.095))
    font = font_for(language, size)
    while _wide(event.lines, font) > limit and size > height * 0.05:
        size -= 1
        font = font_for(language, size)
    board, ink = _BOARDS[str(event.look.get("board") or rng.choice(list(_BOARDS)))]
    lines = event.lines
    if event.kind == "sign":
        lines = [part for line in lines for part in _break_line(line, font, limit)]
    rows = [
        [_line_picture(cell, font, ink, stroke=max(0, size // 40)) for cell in line.split("\t")]
        for line in lines
    ]
    return Sprite(_assemble(rows, size, board, ink, centred=event.kind == "sign")), lines


def _wide(lines: list[str], font: _Font) -> float:
    """Width of the widest line, or of a table's columns together."""
    rows = [line.split("\t") for line in lines]
    columns = max(map(len, rows))
    if columns == 1:
        return max(font.getlength(line) for line in lines)
    table = [row for row in rows if len(row) == columns]
    gaps = 1.5 * font.size * (columns - 1)
    return gaps + sum(max(map(font.getlength, column)) for column in zip(*table, strict=True))


def _assemble(
    rows: list[list[Image.Image]], size: int, board: RGB, ink: RGB, *, centred: bool
) -> Image.Image:
    """Lines below each other, centred or in columns, on a board with a rim."""
    pad, step, gap = int(0.7 * size), int(1.35 * size), int(1.5 * size)
    table = [row for row in rows if len(row) > 1]
    widths = [max(cell.width for cell in column) for column in zip(*table, strict=True)]
    inner = max(max(row[0].width for row in rows), sum(widths) + gap * max(0, len(widths) - 1))
    made = Image.new("RGBA", (inner + 2 * pad, step * len(rows) + 2 * pad), (0, 0, 0, 0))
    edge = (0, 0, made.width - 1, made.height - 1)
    rim = max(2, size // 12)
    ImageDraw.Draw(made).rounded_rectangle(edge, size // 3, fill=board, outline=ink, width=rim)
    for number, row in enumerate(rows):
        x = pad + ((inner - row[0].width) // 2 if centred else 0)
        for column, cell in enumerate(row):
            y = pad + number * step + (step - cell.height) // 2
            made.alpha_composite(cell, (x, y))
            x += widths[column] + gap if len(row) > 1 else 0
    return made


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
                _line_picture(part, font, _WHITE, outline=_BLACK, stroke=max(2, size // 12))
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
