"""Lines of text as pictures with transparency."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from videoseal.core.errors import MissingDependency
from videoseal.evals.synthetic.drawing.drawn_shapes import RGB
from videoseal.evals.synthetic.facts.puzzles import Language

__all__ = ["Font", "break_line", "font_for", "line_picture", "text_width"]

Font = ImageFont.FreeTypeFont

_SIMPLIFIED = 2
"""Face of the collection that draws Chinese the way it is written in the mainland."""


@lru_cache(maxsize=64)
def font_for(language: Language, size: int) -> Font:
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


def text_width(text: str, font: Font) -> int:
    """Advance width in pixels, rounded up."""
    return int(font.getlength(text)) + 1


def break_line(text: str, font: Font, width: int) -> list[str]:
    """Break `text` into lines of at most `width` pixels: at spaces, or anywhere in Chinese."""
    parts = text.split(" ") if " " in text else list(text)
    joint = " " if " " in text else ""
    lines = [""]
    for part in parts:
        longer = f"{lines[-1]}{joint}{part}" if lines[-1] else part
        if lines[-1] and text_width(longer, font) > width:
            lines.append(part)
        else:
            lines[-1] = longer
    return lines


def line_picture(
    text: str, font: Font, ink: RGB, *, outline: RGB | None = None, stroke: int = 0
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
