"""What a generated video shall be, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

__all__ = ["GeneratedVideo", "VideoSpec"]


class VideoSpec(BaseModel):
    """A generated video; equal specs give equal questions, truth and pictures."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    minutes: float = Field(default=20.0, ge=0.5, le=24 * 60)
    """Length in minutes."""
    seed: int = Field(default=7, ge=0)
    width: int = Field(default=854, ge=320, le=3840)
    """Even number of pixels; text is laid out by height and fits from 4:3 to 21:9."""
    height: int = Field(default=480, ge=180, le=2160)
    fps: float = Field(default=12.0, ge=4, le=60)
    """Nominal frames a second; with `vfr` the highest sustained rate."""
    vfr: bool = False
    """Variable frame rate: stretches at full, half and a fifth of the rate, and uneven ones."""
    start_offset: float = Field(default=0.0, ge=0, le=3600)
    """Seconds between zero and the first timestamp in the file; truth stays relative to it."""
    footage: Path | None = None
    """Folder of videos to show behind the words, instead of what the generator draws."""
    name: str = Field(default="", pattern=r"^[A-Za-z0-9._-]{0,80}$")
    """Base name of the files and key of the video; made of length and seed when empty."""

    @field_validator("width", "height")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("must be even")
        return value

    @property
    def key(self) -> str:
        """The video's key in the questions file."""
        return self.name or f"synthetic-{self.minutes:g}m-s{self.seed}"

    @property
    def seconds(self) -> float:
        """Wanted length in seconds; the real one ends with a whole frame."""
        return self.minutes * 60

    @property
    def rate(self) -> Fraction:
        """`fps` as an exact fraction (29.97 is 30000/1001)."""
        return Fraction(self.fps).limit_denominator(1001)

    @property
    def question_count(self) -> int:
        """How many questions are asked: 4 for a minute, 16 for twenty, 40 for an hour."""
        return max(3, round(3.4 + 0.61 * self.minutes))


@dataclass(frozen=True, slots=True)
class GeneratedVideo:
    """The files that were written."""

    spec: VideoSpec
    video: Path
    questions: Path
    """One line in LVBench's `video_info.meta.jsonl` format."""
    truth: Path
    frames: int
    duration: float
    """Seconds on the presentation timeline."""
    asked: int
    seconds: float
    """Wall clock spent."""
