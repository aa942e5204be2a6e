"""Named colours and shapes, far enough apart to be told by eye after compression."""

from __future__ import annotations

__all__ = ["BOARD_COLOURS", "COLOURS", "HEADINGS", "RGB", "SHAPES"]

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
