"""The indexed video that a person means."""

from __future__ import annotations

import shlex
from pathlib import Path

from videoseal.core.errors import UnknownVideo
from videoseal.core.video import content_id
from videoseal.indexing.index_rows import VideoRow
from videoseal.indexing.store.store import Store

__all__ = ["find_video"]


def find_video(store: Store, name: str) -> VideoRow:
    """The video of that id, prefix or title, or the indexed one with the content of that file.

    Raises UnknownVideo, saying how to index it.
    """
    path = Path(name)
    if path.is_file():
        try:
            row = store.video(content_id(path))
        except UnknownVideo:
            raise UnknownVideo(
                f"{name} is not indexed yet", hint=f"run: videoseal index {shlex.quote(name)}"
            ) from None
    else:
        row = store.video(name)
    if row.status != "ready":
        raise UnknownVideo(
            f"{row.title} is only partly indexed",
            hint=f"run: videoseal index {shlex.quote(str(row.path))}",
        )
    return row
