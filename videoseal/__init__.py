"""Ask questions about long video, and get answers that prove themselves.

>>> import videoseal
>>> with videoseal.open() as client:
...     video = client.index("lecture.mp4")
...     answer = client.ask(video.id, "What is the code of the harbour gate?")
...     print(answer)
4127  [proven]
>>> [frame.time for frame in client.frames(answer)]
[4.75]
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.metadata import version

    from videoseal.api import Client, RecordedAnswer, open
    from videoseal.core.settings import Settings
    from videoseal.graph.answers import Answer
    from videoseal.graph.app import build_agent
    from videoseal.graph.context import Context
    from videoseal.graph.episode import Episode
    from videoseal.models.types import Question

    __version__ = version("videoseal-agent")

__all__ = [
    "Answer",
    "Client",
    "Context",
    "Episode",
    "Question",
    "RecordedAnswer",
    "Settings",
    "__version__",
    "build_agent",
    "open",
]

_HOMES = {
    "Answer": "graph.answers",
    "Client": "api",
    "Context": "graph.context",
    "Episode": "graph.episode",
    "Question": "models.types",
    "RecordedAnswer": "api",
    "Settings": "core.settings",
    "build_agent": "graph.app",
    "open": "api",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for, and only that: the package itself loads nothing."""
    if name == "__version__":
        from importlib.metadata import version

        return version("videoseal-agent")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"videoseal.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
