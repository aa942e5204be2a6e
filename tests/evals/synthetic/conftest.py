"""One small generated video of each kind, decoded once by PyAV alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from videoseal.evals.synthetic.generate import generate
from videoseal.evals.synthetic.spec import GeneratedVideo, VideoSpec
from videoseal.evals.synthetic.truth import Event, Truth, read_truth

SMALL = {"minutes": 1, "width": 426, "height": 240, "fps": 10}


@dataclass(frozen=True)
class Decoded:
    """A generated video as any player sees it."""

    made: GeneratedVideo
    truth: Truth
    start: float
    """First timestamp in the file, in seconds."""
    times: list[float]
    """Of every frame, less that first one."""
    luma: NDArray[np.uint8]
    """(frames, h, w), limited range."""

    def index(self, time: float) -> int:
        """The frame that is shown at `time`; one past the last at the end of the video."""
        if time >= self.truth.duration - 1e-6:
            return len(self.times)
        return int(np.searchsorted(self.times, time + 1e-6, side="right")) - 1

    def events(self, *kinds: str) -> list[Event]:
        return [event for event in self.truth.events if event.kind in kinds]


def decode(made: GeneratedVideo) -> Decoded:
    times, pictures = [], []
    with av.open(str(made.video)) as container:
        for frame in container.decode(video=0):
            assert frame.time is not None
            times.append(frame.time)
            pictures.append(frame.to_ndarray(format="gray8"))
    first = times[0]
    shifted = [time - first for time in times]
    return Decoded(made, read_truth(made.truth), first, shifted, np.stack(pictures))


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Decoded:
    """Constant rate, from zero."""
    return decode(generate(VideoSpec(seed=6, **SMALL), tmp_path_factory.mktemp("plain")))


@pytest.fixture(scope="session")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Decoded:
    """Variable rate, from five seconds."""
    spec = VideoSpec(seed=10, vfr=True, start_offset=5, **SMALL)
    return decode(generate(spec, tmp_path_factory.mktemp("uneven")))


@pytest.fixture(params=["plain", "uneven"])
def video(request: pytest.FixtureRequest) -> Decoded:
    """Both in turn."""
    decoded = request.getfixturevalue(request.param)
    assert isinstance(decoded, Decoded)
    return decoded


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a test generates its own."""
    return tmp_path / "made"
