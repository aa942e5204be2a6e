"""The picture of the evidence."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from videoseal.graph.proof.contact_sheet import MAX_TILES, Tile, choose_tiles, draw_sheet


def jpeg(colour: tuple[int, int, int] = (10, 20, 30), size: tuple[int, int] = (64, 36)) -> bytes:
    """A plain picture."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG")
    return out.getvalue()


def tiles(count: int, cited: set[int] = frozenset()) -> list[Tile]:
    """Frames one second apart."""
    return [Tile(float(n), b"", "e1", n in cited) for n in range(count)]


def test_cited_frames_always_have_a_place():
    """When there are too many, cited frames stay and the others are spread over the video."""
    chosen = choose_tiles(tiles(200, {3, 77, 199}))
    assert len(chosen) == MAX_TILES
    assert [tile.time for tile in chosen if tile.cited] == [3.0, 77.0, 199.0]
    assert chosen == sorted(chosen)
    assert max(tile.time for tile in chosen if not tile.cited) > 180


def test_few_frames_all_stay():
    """Nothing is left out while there is room."""
    assert len(choose_tiles(tiles(5, {1}))) == 5


def test_even_cited_frames_have_a_limit():
    """Hundreds of cited frames are thinned as well."""
    assert len(choose_tiles(tiles(300, set(range(300))))) == MAX_TILES


@pytest.mark.parametrize("count", [0, 1, 3, 9])
@pytest.mark.parametrize("size", [(64, 36), (36, 64), (400, 8)])
def test_sheet_is_a_picture(count, size):
    """Any number of frames of any shape, and any words, make a JPEG that opens."""
    frames = [Tile(n * 61.0, jpeg(size=size), "e1", n == 1) for n in range(count)]
    heading = ["港口的牌子上写着什么？" * 20, "x" * 500, ""]
    with Image.open(io.BytesIO(draw_sheet(heading, frames, left_out=count))) as sheet:
        sheet.load()
        assert sheet.format == "JPEG"
        assert sheet.width >= 800


def test_cited_frames_are_framed():
    """Around a cited frame there is green, around another one there is not."""

    def greens(cited: bool) -> int:
        drawn = draw_sheet(["q"], [Tile(0.0, jpeg(), "", cited)])
        with Image.open(io.BytesIO(drawn)) as sheet:
            red, green, blue = np.moveaxis(np.asarray(sheet, np.int16), -1, 0)
            return int(((green > red + 40) & (green > blue + 40)).sum())

    assert greens(cited=True) > 1000
    assert greens(cited=False) == 0
