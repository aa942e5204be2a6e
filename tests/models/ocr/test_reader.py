"""Text reading: order, silence, threads, checked weights, and the repair of spaces."""

from __future__ import annotations

import hashlib
import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw, ImageFont

from videoseal.core.errors import MissingDependency, SettingsError
from videoseal.core.settings import Settings
from videoseal.models.ocr import reader as ocr
from videoseal.models.ocr.line_text import is_unread, scripts_of, space_words

pytest.importorskip("paddleocr")


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


def test_loading_brings_no_torch() -> None:
    """Nor the client of a model hub: a process that reads text has neither to wait for them."""
    code = (
        "import sys; from videoseal.core.settings import Settings;"
        "from videoseal.models.ocr.reader import load_text_reader; load_text_reader(Settings());"
        "print({'torch', 'modelscope'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


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
    """`ocr_model_dir` is used as it is, with or without a detector; a missing file is named."""
    own = tmp_path / "own"
    own.mkdir()
    with pytest.raises(SettingsError, match=r"rec/inference\.yml does not exist"):
        ocr.load_text_reader(Settings(ocr_model_dir=own))
    packaged = tmp_path / "packaged"
    packaged.mkdir()
    ocr._packaged("small", packaged)
    names = set()
    for part in ("rec", "det"):
        (packaged / part).rename(own / part)
        ocr._load.cache_clear()
        reader = ocr.load_text_reader(Settings(ocr_model_dir=own))
        assert reader is not None
        assert reader.name.startswith("pp-ocrv6_small_rec-")
        assert reader.scripts == ("Latin", "Chinese", "Japanese")
        assert [line.text for line in reader.read(picture("own weights"))] == ["own weights"]
        names.add(reader.name)
    assert len(names) == 2


@pytest.mark.parametrize(
    "text",
    ["Ключ лежит под синей лавкой", "Закрыто до понедельника", "Το κλειδί είναι κάτω", "Καλημέρα",
     "المفتاح تحت المقعد", "안녕하세요 세계", "열쇠는 파란 의자 아래에"],
)  # fmt: skip
@pytest.mark.parametrize("size", ["tiny", "small"])
def test_a_script_that_is_not_read_is_told(size: Any, text: str, fonts: dict[str, Path]) -> None:
    """Its letters are never passed off as others that look alike; what is read stays beside it."""
    loaded = ocr.load_text_reader(Settings(ocr_model=size))
    assert loaded is not None
    wide = "Korean" if any("가" <= letter <= "힣" for letter in text) else "others"
    image = Image.fromarray(picture("Gate 14:35", size=(960, 540)))
    font = ImageFont.truetype(fonts[wide], 36)
    ImageDraw.Draw(image).text((60, 400), text, font=font, fill="white")
    lines = loaded.read(np.asarray(image))
    assert [line.text for line in lines if not line.unread] == ["Gate 14:35"]
    assert [line.text for line in lines if line.unread] == [""]


@pytest.fixture(scope="module")
def fonts() -> dict[str, Path]:
    """Fonts of the `evals` extra that have the letters of several scripts."""
    cjk = pytest.importorskip("manimgx_fonts_cjk")
    plots = pytest.importorskip("matplotlib")
    return {
        "Korean": Path(cjk.__file__).with_name("NotoSansCJK-VF.otf.ttc"),
        "others": Path(plots.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"),
    }


@pytest.mark.parametrize(
    ("text", "score", "unread"),
    [
        ("NpnBeT, Mnp", 0.90, True),
        ("BcTpe4aeMca B nonHo4b", 0.9, True),
        ("Kαλnμépα", 0.91, True),
        ("καλημερα", 0.99, True),
        ("000000000000", 0.94, True),
        ("000000000000", 0.99, False),
        ("iPhone 15 Pro", 0.98, False),
        ("McDonald's at 10am", 0.9, False),
        ("The lamp is blue", 0.75, False),
        ("钥匙在A座3楼", 0.85, False),
        ("x", 0.65, False),
    ],
)
def test_odd_words_of_doubtful_lines_are_no_reading(text: str, score: float, unread: bool) -> None:
    """Brands, ordinals and sure lines stay, however they are spelt."""
    length = 0.6 * len(text)
    assert is_unread(text, score, length, ("Latin", "Chinese")) is unread


def test_scripts_are_told_by_the_letters() -> None:
    """Greek without accents is there for formulas, not to be read."""
    assert scripts_of("azAZαβγω") == ("Latin",)
    assert scripts_of("azAZ的是我あのア") == ("Latin", "Chinese", "Japanese")
    assert scripts_of("azAZаяЖщ") == ("Latin", "Cyrillic")


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
    assert space_words(glued) == spaced
