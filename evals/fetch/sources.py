"""Where every benchmark is published: repository, files, and how its videos are had.

Licences are what the data sets' own pages said in November 2026; the pages themselves decide.
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["SOURCES", "Publication"]


class Publication(NamedTuple):
    """One set on the hub; patterns are those of fnmatch over paths in the repository."""

    repo: str
    annotations: tuple[str, ...]
    licence: str
    videos: tuple[str, ...] = ()
    """Video files and archives of them."""
    joined: bool = False
    """Whether the archives are pieces of one that was cut by size."""
    youtube: bool = False
    """Whether the annotations name YouTube ids, and the repository has no videos."""
    gated: bool = False
    """Whether its conditions must be accepted on its page, and a token be sent."""

    @property
    def home(self) -> str:
        """Its page."""
        return f"https://huggingface.co/datasets/{self.repo}"


_SHARE_ALIKE: Final = "CC BY-NC-SA 4.0, research only"

SOURCES: Final = {
    "lvbench": Publication(
        "zai-org/LVBench", ("video_info.meta.jsonl",), _SHARE_ALIKE, youtube=True
    ),
    "cgbench": Publication(
        "CG-Bench/CG-Bench", ("cgbench.json", "cgbench_mini.json"),
        "annotations MIT, videos of their owners for research only",
        ("video*.zip",), joined=True, gated=True,
    ),
    "longvideobench": Publication(
        "longvideobench/LongVideoBench", ("lvb_val.json",), _SHARE_ALIKE,
        ("videos.tar.part.*",), joined=True, gated=True,
    ),
    "videomme": Publication(
        "lmms-lab/Video-MME", ("videomme/*.parquet",), "research only, no commercial use",
        ("videos_chunked_*.zip",),
    ),
    "longvidsearch": Publication("Fishiing/LongVidSearch", ("*.json",), "MIT", youtube=True),
    "mlvu": Publication(
        "MLVU/MVLU", ("*json/*.json",), _SHARE_ALIKE, ("*video/*.mp4",), gated=True
    ),
}  # fmt: skip
"""By the benchmark's name; sets that are not on the hub are not here."""
