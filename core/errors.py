"""Every error the project raises on purpose.

VideosealError
├── SettingsError          a setting is unknown, malformed or missing
├── SpanError              a time or span that cannot be read (also a ValueError)
├── InvalidQuestion        the input holds no question that can be asked
├── InvalidRecord          a record is none, or does not hold what it claims
├── ToolTimeout            a tool took longer than it may
├── MissingDependency      an optional package is not installed
├── OutOfSpace             a disk is full
├── UnreadableSubtitles    a subtitle file that cannot be read
├── VideoError             a file that cannot be used as a video
│   ├── VideoNotFound
│   ├── UnreadableVideo    not a video, encrypted, or damaged beyond reading
│   ├── NoVideoStream      audio only, or no streams at all
│   └── EmptyVideo         a video stream without a single frame
├── ModelError             a model role could not do its work
│   ├── ModelAuthError     401 or 403: a key or a right is wrong; never retried
│   ├── ModelUnavailable   429, 5xx, time-outs and lost connections, after retries
│   ├── ModelRejected      any other 4xx: the request itself is at fault
│   ├── ModelReplyError    the reply does not have the asked form, after one repair
│   └── SpendingLimit      the next call may cost more than is left
└── StoreError             the index in Postgres
    ├── DatabaseUnavailable
    ├── MissingExtension   the server has no pgvector
    ├── SchemaMismatch     the schema is newer than this program
    ├── UnknownVideo       no such video id, or it is not indexed yet
    ├── VideoBusy          another process is indexing this video
    └── EmbeddingMismatch  the stored vectors are of another model or dimension

Each class carries the exit code that the command line uses for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pydantic import ValidationError


__all__ = [
    "DatabaseUnavailable",
    "EmbeddingMismatch",
    "EmptyVideo",
    "Fault",
    "InvalidQuestion",
    "InvalidRecord",
    "MissingDependency",
    "MissingExtension",
    "ModelAuthError",
    "ModelError",
    "ModelRejected",
    "ModelReplyError",
    "ModelUnavailable",
    "NoVideoStream",
    "OutOfSpace",
    "SchemaMismatch",
    "SettingsError",
    "SpanError",
    "SpendingLimit",
    "StoreError",
    "ToolTimeout",
    "UnknownVideo",
    "UnreadableSubtitles",
    "UnreadableVideo",
    "VideoBusy",
    "VideoError",
    "VideoNotFound",
    "VideosealError",
    "error_class",
    "faults",
    "first_fault",
]


class VideosealError(RuntimeError):
    """The root: `str()` is one line for the user, `hint` says what to do about it.

    A RuntimeError, because LangGraph's server tells its clients the words of those alone.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def error_class(name: str) -> type[VideosealError]:
    """The class of a recorded failure; VideosealError for a name that is none of these."""
    found = globals().get(name)
    if isinstance(found, type) and issubclass(found, VideosealError):
        return found
    return VideosealError


class SettingsError(VideosealError):
    """A setting is unknown, malformed or missing."""

    exit_code = 2


class SpanError(VideosealError, ValueError):
    """A time or span cannot be read, or does not lie inside the video."""

    exit_code = 2


class InvalidQuestion(VideosealError):
    """The input holds no question that can be asked."""

    exit_code = 2


class InvalidRecord(VideosealError):
    """A record is none, or does not hold what it claims."""


class ToolTimeout(VideosealError):
    """A tool took longer than it may."""


class MissingDependency(VideosealError):
    """An optional package is not installed; the hint names the extra."""

    exit_code = 2

    @classmethod
    @contextmanager
    def of(cls, extra: str, message: str) -> Iterator[None]:
        """Around imports of what the extra brings: raises this where it is not installed."""
        try:
            yield
        except ImportError as error:
            raise cls(message, hint=f"pip install 'videoseal-agent[{extra}]'") from error


class OutOfSpace(VideosealError):
    """A disk is full; what was committed before stays."""

    exit_code = 6


class UnreadableSubtitles(VideosealError):
    """A subtitle file cannot be read; the message names file and line."""

    exit_code = 3


class VideoError(VideosealError):
    """A file cannot be used as a video."""

    exit_code = 3


class VideoNotFound(VideoError):
    """No file is at that path."""


class UnreadableVideo(VideoError):
    """The file is no video, is encrypted, or is damaged beyond reading."""


class NoVideoStream(VideoError):
    """The file holds no moving pictures, only sound or nothing."""


class EmptyVideo(VideoError):
    """The video stream holds not a single frame."""


class ModelError(VideosealError):
    """A model role could not do its work.

    `cost` is what it cost all the same, a `Usage`; None where nobody counted.
    `role` names it, `status` is the HTTP code (408 where the time was over, 0 for none), and `said`
    are the server's words without the key.
    """

    exit_code = 4

    def __init__(
        self, message: str, *, role: str = "", hint: str = "", status: int = 0, said: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.role = role
        self.status = status
        self.said = said
        self.cost: Any = None


class ModelAuthError(ModelError):
    """The endpoint refused the key or the right (401, 403)."""


class ModelUnavailable(ModelError):
    """The endpoint stayed away (429, 5xx, time-out, connection) through all retries."""


class ModelRejected(ModelError):
    """The endpoint refused the request itself (any other 4xx)."""


class ModelReplyError(ModelError):
    """The reply does not have the asked form, also after one repair."""


class SpendingLimit(ModelError):
    """The next call may cost more than is left; `of` is `question` or `process`."""

    def __init__(self, message: str, *, of: str = "process", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.of = of


class StoreError(VideosealError):
    """The index in Postgres."""

    exit_code = 5


class DatabaseUnavailable(StoreError):
    """The database cannot be reached or started."""


class MissingExtension(StoreError):
    """The server lacks pgvector or may not create it."""


class SchemaMismatch(StoreError):
    """The schema in the database is newer than this program."""


class UnknownVideo(StoreError):
    """No such video id in the index."""

    exit_code = 3


class VideoBusy(StoreError):
    """Another process is indexing this video right now."""


class EmbeddingMismatch(StoreError):
    """The stored vectors are of another model or dimension than the embedder's."""


class Fault(NamedTuple):
    """What a schema found wrong."""

    place: tuple[int | str, ...]
    """The way to the field; empty for a fault that is of no single field."""
    message: str

    def line(self, whole: str = "") -> str:
        """The fault with its field, or with `whole` where it is of none."""
        place = ".".join(map(str, self.place)) or whole
        return f"{place}: {self.message}" if place else self.message


def faults(error: ValidationError) -> list[Fault]:
    """All faults, without what pydantic puts before the words of a validator of ours."""
    return [
        Fault(found["loc"], found["msg"].removeprefix("Value error, "))
        for found in error.errors(include_url=False, include_input=False)
    ]


def first_fault(error: ValidationError, whole: str = "") -> str:
    """The first fault with its field, as `endpoints.planner: Field required`."""
    return faults(error)[0].line(whole)
