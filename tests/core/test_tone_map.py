"""High dynamic range on an ordinary screen: white is white, colours stay, nothing is flat."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import Colorspace, VideoReformatter
from PIL import Image

from videoseal.core.frames import VideoReader
from videoseal.core.image import tone_mapped

WHITE = {False: 0.5807, True: 0.75}
"""Signal of a white page at 203 cd/m2, PQ and HLG (ITU-R BT.2408)."""
RED_OF_709 = {False: (0.5274, 0.3788, 0.2479), True: (0.6665, 0.2291, 0.1109)}
"""The signal, PQ and HLG, of what sRGB calls pure red, as bright as in that white."""


def mapped(signal: object, *, hlg: bool) -> np.ndarray:
    levels = np.rint(np.asarray(signal, np.float64) * 65535).astype(np.uint16)
    return tone_mapped(levels.reshape(1, -1, 3), hlg=hlg)[0]


@pytest.mark.parametrize("hlg", [False, True])
def test_white_is_white_and_black_black(hlg: bool) -> None:
    """A subtitle's white is bright and grey without a tint; no light is none."""
    white, black = mapped([[WHITE[hlg]] * 3, [0, 0, 0]], hlg=hlg)
    assert white.min() >= 225
    assert np.ptp(white.astype(int)) <= 2
    assert black.max() == 0


@pytest.mark.parametrize("hlg", [False, True])
def test_brighter_stays_brighter(hlg: bool) -> None:
    """Greys keep their order, and lights above white still differ from it."""
    ramp = mapped(np.repeat(np.linspace(0, 1, 60), 3).reshape(-1, 3), hlg=hlg)[:, 0].astype(int)
    assert (np.diff(ramp) >= 0).all()
    assert ramp[-1] == 255
    assert len(set(ramp)) > 35


@pytest.mark.parametrize("hlg", [False, True])
def test_colours_of_the_old_gamut_come_back(hlg: bool) -> None:
    """Pure red is red alone: the wider primaries are taken apart again."""
    (red,) = mapped([RED_OF_709[hlg]], hlg=hlg)
    assert red[0] >= 180
    assert red[1:].max() < 0.35 * red[0]


@pytest.mark.parametrize("curve", ["smpte2084", "arib-std-b67"])
def test_a_marked_film_is_shown_in_every_form(tmp_path: Path, curve: str) -> None:
    """Arrays, brightness and JPEG agree about a white frame of a file with such a curve."""
    level = round(WHITE[curve.startswith("arib")] * 65535)
    image = np.full((96, 160, 3), level, np.uint16)
    marks = f"transfer={curve}:colormatrix=bt2020nc:colorprim=bt2020"
    options = {"x265-params": f"log-level=none:pools=1:{marks}"}
    path = tmp_path / "high.mkv"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx265", rate=25, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p10le"
        for index in range(3):
            frame = VideoReformatter().reformat(
                av.VideoFrame.from_ndarray(image, format="rgb48le"),
                format="yuv420p10le",
                dst_colorspace=Colorspace.BT2020,
            )
            frame.pts = index
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    with VideoReader(path) as reader:
        picture = next(reader.frames_at([0.0]))
    assert picture.rgb().min() >= 220
    assert picture.gray(40, 24).min() >= 220
    assert np.asarray(Image.open(io.BytesIO(picture.jpeg(160, 95))).convert("L")).min() >= 220
