"""Named colours and shapes, far enough apart to be told by eye after compression."""

from __future__ import annotations

from math import cos, pi, sin

from PIL import Image, ImageDraw

__all__ = [
    "BOARD_COLOURS",
    "COLOURS",
    "HEADINGS",
    "RGB",
    "SHAPES",
    "shape_picture",
]

RGB = tuple[int, int, int]

COLOURS: dict[str, RGB] = {
    "red": (214, 36, 40),
    "orange": (244, 132, 28),
    "yellow": (248, 214, 42),
    "green": (38, 158, 68),
    "blue": (36, 92, 216),
    "purple": (132, 56, 182),
    "pink": (244, 132, 184),
    "white": (244, 244, 244),
}
"""What a moving or painted shape may be called."""

BOARD_COLOURS: dict[str, tuple[RGB, RGB]] = {
    "blue": ((24, 62, 142), (250, 250, 250)),
    "green": ((16, 104, 60), (250, 250, 250)),
    "red": ((172, 26, 34), (252, 250, 246)),
    "yellow": ((246, 208, 50), (24, 22, 18)),
    "white": ((242, 242, 238), (22, 26, 34)),
    "black": ((26, 28, 32), (246, 246, 242)),
    "orange": ((232, 122, 28), (26, 20, 14)),
    "purple": ((96, 40, 136), (250, 248, 252)),
}
"""Board and lettering."""

SHAPES = ("circle", "square", "triangle", "star", "cross", "diamond", "heart", "ring")

HEADINGS = ("left to right", "right to left", "top to bottom", "bottom to top")
"""Ways across the picture."""


_FINE = 4
"""Shapes are drawn this many times larger and then reduced."""

Points = list[tuple[float, float]]


def _star(r: float) -> Points:
    radii = (r, r * 0.42)
    return [
        (r + radii[i % 2] * sin(i * pi / 5), r - radii[i % 2] * cos(i * pi / 5)) for i in range(10)
    ]


def _heart(r: float) -> Points:
    turns = [i * 2 * pi / 60 for i in range(60)]
    return [
        (
            r + r * sin(t) ** 3,
            r - r * (13 * cos(t) - 5 * cos(2 * t) - 2 * cos(3 * t) - cos(4 * t)) / 17,
        )
        for t in turns
    ]


def _cross(r: float) -> Points:
    a, b, c = 0.64 * r, 1.36 * r, 2 * r
    upper = [(a, 0.0), (b, 0.0), (b, a), (c, a), (c, b), (b, b)]
    return upper + [(c - x, c - y) for x, y in upper]


def _outline(shape: str, r: float) -> Points:
    if shape == "triangle":
        return [(r, 0.1 * r), (2 * r, 1.85 * r), (0, 1.85 * r)]
    if shape == "square":
        low, high = 0.15 * r, 1.85 * r
        return [(low, low), (high, low), (high, high), (low, high)]
    if shape == "diamond":
        return [(r, 0), (1.7 * r, r), (r, 2 * r), (0.3 * r, r)]
    return {"star": _star, "heart": _heart, "cross": _cross}[shape](r)


def shape_picture(shape: str, colour: str, side: int) -> Image.Image:
    """A filled shape in a square of `side` pixels, with a dark rim a fortieth of that wide."""
    rgb = COLOURS[colour]
    rim = tuple(int(value * 0.35) for value in rgb)
    big = side * _FINE
    picture = Image.new("RGBA", (big, big), (*rim, 0))
    draw, width = ImageDraw.Draw(picture), max(_FINE, big // 40)
    box = (width, width, big - width - 1, big - width - 1)
    if shape == "circle":
        draw.ellipse(box, fill=rgb, outline=rim, width=width)
    elif shape == "ring":
        draw.ellipse(box, outline=rgb, width=big // 5)
    else:
        margin = width
        scale = (big - 2 * margin) / 2
        points = [(x + margin, y + margin) for x, y in _outline(shape, scale)]
        draw.polygon(points, fill=rgb)
        draw.line([*points, points[0], points[1]], fill=rim, width=width, joint="curve")
    return picture.resize((side, side), Image.Resampling.BOX)
