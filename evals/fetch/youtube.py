"""Single videos by yt-dlp, in a process of its own."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from videoseal.core.errors import MissingDependency
from videoseal.evals.benchmarks.selection import VIDEO_SUFFIXES

__all__ = ["downloader", "fetch_video", "present"]

_ID: Final = re.compile(r"[A-Za-z0-9_-]{11}")
_MOST_S: Final = 2 * 3600
_FORMAT: Final = "bv*[height<=720]+ba/b[height<=720]/b"
"""Frames are shown to models at 1280 pixels at most."""


def downloader() -> list[str]:
    """How yt-dlp is started; MissingDependency where there is none."""
    if importlib.util.find_spec("yt_dlp") is not None:
        return [sys.executable, "-m", "yt_dlp"]
    found = shutil.which("yt-dlp")
    if found is None:
        raise MissingDependency(
            "yt-dlp is not installed", hint="pip install 'videoseal-agent[fetch]'"
        )
    return [found]


def present(folder: Path, video: str) -> bool:
    """Whether the whole video is there, in whatever container."""
    return any((folder / f"{video}{suffix}").is_file() for suffix in VIDEO_SUFFIXES)


def fetch_video(program: list[str], folder: Path, video: str) -> str:
    """Fetch one video by its YouTube id; why that failed, or nothing."""
    if not _ID.fullmatch(video):
        return "not a YouTube id"
    folder.mkdir(parents=True, exist_ok=True)
    arguments = [
        "--format", _FORMAT, "--merge-output-format", "mp4", "--no-playlist", "--no-progress",
        "--output", str(folder / "%(id)s.%(ext)s"), "--", f"https://www.youtube.com/watch?v={video}",
    ]  # fmt: skip
    try:
        done = subprocess.run(
            [*program, *arguments], capture_output=True, text=True, errors="replace",
            timeout=_MOST_S, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"no end after {_MOST_S / 3600:.0f} hours"
    except OSError as error:
        return f"yt-dlp cannot be started: {error.strerror}"
    if present(folder, video):
        return ""
    said = [line for line in done.stderr.splitlines() if line.strip()]
    told = [line for line in said if line.startswith("ERROR")] or said
    return told[-1].removeprefix("ERROR: ") if told else f"yt-dlp ended with {done.returncode}"
