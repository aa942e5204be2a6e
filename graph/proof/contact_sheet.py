"""A picture that shows at a glance which frames an answer rests on."""

from __future__ import annotations

import importlib.util
import io
import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from videoseal.core.span import format_time
from videoseal.core.text import plain

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

    Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

__all__ = ["MAX_TILES", "Tile", "choose_tiles", "draw_sheet"]

MAX_TILES: Final = 24
_COLUMNS: Final = 4
_TILE_WIDTH: Final = 400
_GAP: Final = 16
_LABEL: Final = 34
_PAPER: Final = (250, 250, 248)
_INK: Final = (28, 28, 30)
_FAINT: Final = (120, 120, 125)
_CITED: Final = (22, 128, 60)
_OTHER: Final = (205, 205, 205)


class Tile(NamedTuple):
    """One frame on the sheet."""

    time: float
    """Seconds on the presentation timeline."""
    jpeg: bytes
    label: str = ""
    """Beside the time, such as the evidence id."""
    cited: bool = False
    """Whether the answer rests on this frame; drawn with a frame of its own."""


def choose_tiles(tiles: list[Tile], limit: int = MAX_TILES) -> list[Tile]:
    """At most `limit` tiles in order of time: cited ones first, then the others evenly spread."""
    cited = sorted(tile for tile in tiles if tile.cited)
    others = sorted(tile for tile in tiles if not tile.cited)
    kept = _spread(cited, limit)
    return sorted(kept + _spread(others, limit - len(kept)))


def draw_sheet(heading: list[str], tiles: list[Tile], left_out: int = 0) -> bytes:
    """Draw the sheet as JPEG: the heading lines (the first one large), then the tiles.

    `left_out` frames are mentioned below and not drawn.
    """
    from PIL import Image, ImageDraw

    pictures = [_thumbnail(tile.jpeg) for tile in tiles]
    columns = max(1, min(_COLUMNS, len(tiles)))
    width = max(2, columns) * (_TILE_WIDTH + _GAP) + _GAP
    large, small = _font(30), _font(22)
    measure = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    lines = [
        (part, large if number == 0 else small)
        for number, line in enumerate(heading)
        for part in _wrap(measure, plain(line), large if number == 0 else small, width - 2 * _GAP)
    ]
    top = _GAP + sum(_height(font) for _, font in lines) + _GAP
    rows = [pictures[at : at + columns] for at in range(0, len(pictures), columns)]
    heights = [max(picture.height for picture in row) + _LABEL + _GAP for row in rows]
    foot = _LABEL if left_out or not tiles else 0
    sheet = Image.new("RGB", (width, top + sum(heights) + foot), _PAPER)
    pen = ImageDraw.Draw(sheet)
    y = _GAP
    for text, font in lines:
        pen.text((_GAP, y), text, fill=_INK, font=font)
        y += _height(font)
    origins = itertools.accumulate(heights, initial=top)
    for at, (tile, picture) in enumerate(zip(tiles, pictures, strict=True)):
        if at % columns == 0:
            y = next(origins)
        _draw_tile(sheet, pen, (_GAP + at % columns * (_TILE_WIDTH + _GAP), y), tile, picture)
    if foot:
        note = f"and {left_out} more frames in frames/" if left_out else "no frame was looked at"
        pen.text((_GAP, sheet.height - _LABEL), note, fill=_FAINT, font=small)
    return _jpeg(sheet)


def _draw_tile(
    sheet: Image.Image,
    pen: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    tile: Tile,
    picture: Image.Image,
) -> None:
    x, y = corner
    edge = 4 if tile.cited else 1
    colour = _CITED if tile.cited else _OTHER
    pen.rectangle(
        (x - edge, y - edge, x + picture.width + edge - 1, y + picture.height + edge - 1),
        fill=colour,
    )
    sheet.paste(picture, (x, y))
    caption = "  ".join(filter(None, (format_time(tile.time, decimals=1), tile.label)))
    pen.text(
        (x, y + picture.height + 6), caption, fill=colour if tile.cited else _FAINT, font=_font(20)
    )


def _spread(tiles: list[Tile], limit: int) -> list[Tile]:
    if len(tiles) <= limit:
        return tiles
    return [tiles[int((number + 0.5) * len(tiles) / limit)] for number in range(limit)]


def _thumbnail(jpeg: bytes) -> Image.Image:
    from PIL import Image

    picture = Image.open(io.BytesIO(jpeg)).convert("RGB")
    height = max(1, round(picture.height * _TILE_WIDTH / picture.width))
    if height > _TILE_WIDTH:
        return picture.resize((max(1, _TILE_WIDTH * _TILE_WIDTH // height), _TILE_WIDTH))
    return picture.resize((_TILE_WIDTH, height))


def _font(size: int) -> Font:
    """Noto Sans CJK where the `evals` extra is installed, else Pillow's own Latin font."""
    from PIL import ImageFont

    found = importlib.util.find_spec("manimgx_fonts_cjk")
    if found is not None and found.origin is not None:
        path = Path(found.origin).with_name("NotoSansCJK-VF.otf.ttc")
        if path.is_file():
            font = ImageFont.truetype(path, size)
            font.set_variation_by_axes([500])  # the file opens at its thinnest weight
            return font
    return ImageFont.load_default(size)


def _height(font: Font) -> int:
    return int(font.size * 1.4) if hasattr(font, "size") else 14


def _wrap(pen: ImageDraw.ImageDraw, text: str, font: Font, width: int) -> list[str]:
    """Break a line at spaces, and inside words and Chinese text where it must be."""
    lines, line = [], ""
    for word in text.split(" "):
        joined = f"{line} {word}".strip()
        if pen.textlength(joined, font=font) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        line = ""
        for letter in word:
            if pen.textlength(line + letter, font=font) > width:
                lines.append(line)
                line = ""
            line += letter
    return [*lines, line]


def _jpeg(picture: Image.Image) -> bytes:
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=88)
    return written.getvalue()
