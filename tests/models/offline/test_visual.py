"""Plain shapes and grounds, measured in drawn pictures."""

from __future__ import annotations

import math
from io import BytesIO

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from videoseal.models.ocr.reader import TextLine
from videoseal.models.offline.decide import decide
from videoseal.models.offline.layout import passages
from videoseal.models.offline.shapes import find_shapes
from videoseal.models.offline.visual import asks_looks, ground_colour, look, measured
from videoseal.models.types import Question

pytest.importorskip("cv2")

Image8 = npt.NDArray[np.uint8]
RED, BLUE, YELLOW, GREEN = (214, 40, 40), (40, 90, 215), (245, 215, 40), (40, 160, 70)


def points(name: str, x: float, y: float, r: float) -> list[tuple[float, float]]:
    unit = {
        "square": [(-1, -1), (1, -1), (1, 1), (-1, 1)],
        "diamond": [(0, -1), (0.8, 0), (0, 1), (-0.8, 0)],
        "triangle": [(0, -1), (1, 0.9), (-1, 0.9)],
        "star": [
            (
                (1, 0.4)[i % 2] * math.sin(i * math.pi / 5),
                -(1, 0.4)[i % 2] * math.cos(i * math.pi / 5),
            )
            for i in range(10)
        ],
    }[name]
    return [(x + r * a, y + r * b) for a, b in unit]


def picture(*shapes: tuple[str, tuple[int, int, int], float, float, float]) -> Image8:
    """Shapes (name, colour, x, y, radius) over a soft gradient, through JPEG."""
    ramp = np.linspace(90, 150, 640, dtype=np.uint8)
    image = Image.fromarray(np.repeat(np.tile(ramp, (360, 1))[..., None], 3, axis=2))
    canvas = ImageDraw.Draw(image)
    for name, colour, x, y, r in shapes:
        if name == "circle":
            canvas.ellipse((x - r, y - r, x + r, y + r), fill=colour)
        elif name == "ring":
            canvas.ellipse((x - r, y - r, x + r, y + r), outline=colour, width=int(0.4 * r))
        else:
            canvas.polygon(points(name, x, y, r), fill=colour)
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return np.asarray(Image.open(buffer).convert("RGB"))


@pytest.mark.parametrize("name", ["circle", "ring", "square", "diamond", "triangle", "star"])
def test_names_plain_shapes(name: str) -> None:
    """A shape of one colour is found once, with its name, colour and place."""
    (shape,), _ = find_shapes(picture((name, RED, 300, 180, 40)))
    assert (shape.name, shape.colour) == (name, "red")
    assert shape.centre == pytest.approx((300, 180), abs=6)


def test_letters_are_no_shapes() -> None:
    """What lies inside a box of text is not looked at."""
    drawn = picture(("ring", YELLOW, 300, 180, 30))
    assert find_shapes(drawn, [(250, 140, 350, 220)])[0] == []


def test_gradients_hold_no_shapes() -> None:
    """A picture without anything plain and sharp in it has no shapes."""
    assert find_shapes(picture())[0] == []


def test_names_the_ground_of_text() -> None:
    """The colour that fills the rim of a box is its ground; mixed rims have none."""
    board = np.full((60, 200, 3), (16, 104, 60), np.uint8)
    board[22:38, 60:140:4] = 250
    assert ground_colour(board, (50, 20, 150, 40)) == "green"
    board[:, ::2] = (200, 30, 30)
    assert ground_colour(board, (50, 20, 150, 40)) == ""


def test_only_questions_of_looks_are_measured() -> None:
    """Measuring costs time, so a question must name a colour or a shape."""
    assert asks_looks(Question(text="What colour is the star?", options=["red", "blue"]))
    assert not asks_looks(Question(text="When does gate 7 open?", options=["14:35", "15:20"]))


def ask(text: str, options: list[str], *frames: Image8) -> int | None:
    """Decide from frames half a second apart that all show the sign PIER 7."""
    sign = TextLine("PIER 7", 0.95, (20, 20, 120, 50))
    sights = [look(rgb, [sign], 5 + number / 2) for number, rgb in enumerate(frames)]
    found = [p for sight in sights for p in passages([sign], sight.time)]
    return decide(Question(text=text, options=options), found + measured(sights)).option


def test_counts_shapes_while_a_sign_is_shown() -> None:
    """The number of shapes of one kind in a frame with the sign is the answer."""
    text = "How many red stars float in the picture while the sign PIER {} is shown?"
    drawn = picture(
        *(("star", RED, 200 + 90 * n, 200, 30) for n in range(3)), ("star", BLUE, 500, 90, 30)
    )
    assert ask(text.format(7), ["2", "3", "4"], drawn) == 1
    assert ask(text.format(9), ["2", "3", "4"], drawn) is None


def test_half_covered_shapes_are_not_counted() -> None:
    """Where part of another one may look out, the number stays open."""
    text = "How many red stars float in the picture while the sign PIER 7 is shown?"
    drawn = picture(*(("star", RED, 200 + 90 * n, 200, 30) for n in range(3))).copy()
    assert ask(text, ["2", "3", "4"], drawn) == 1
    drawn[204:240, 250:330] = 250
    assert ask(text, ["2", "3", "4"], drawn) is None


def test_tells_which_way_a_shape_moves() -> None:
    """Two frames in a row tell the way; one frame, or standing still, does not."""
    text = "Which way does the green circle move while the sign PIER 7 is shown?"
    ways = ["left to right", "right to left", "top to bottom"]
    first, second = (picture(("circle", GREEN, x, 200, 30)) for x in (300, 360))
    assert ask(text, ways, first, second) == 0
    assert ask(text, ways, second, first) == 1
    assert ask(text, ways, first, first) is None


def test_tells_the_shape_beside_words() -> None:
    """The colour of the shape next to the words is read off; far shapes are not theirs."""
    text = "What colour is the star next to the words PIER 7?"
    colours = ["red", "blue", "yellow"]
    near, far = ("star", BLUE, 160, 40, 24), ("star", RED, 500, 280, 24)
    drawn = picture(near, far).copy()
    drawn[15:55, 15:125] = (26, 28, 32)
    assert ask(text, colours, drawn) == 1
    assert ask(text.replace("7", "9"), colours, drawn) is None
