"""Samples as records: one JSON line each, on disk before the next begins.

A record holds the item, the whole episode or the error, and what it cost, so that it can be
scored anew years later without any model. The file only grows; the last record of a sample counts.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from datetime import datetime
from io import FileIO
from pathlib import Path
from typing import Any, Generic, Literal, NamedTuple, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from videoseal.core.errors import OutOfSpace, VideosealError, first_fault
from videoseal.evals.benchmarks.annotation_rows import AnnotationError
from videoseal.evals.item import Item

__all__ = ["LineFile", "RecordFile", "RecordLine", "RunBusy", "SampleError", "SampleRecord",
           "latest", "parse_line", "record_lines"]  # fmt: skip

Read = TypeVar("Read", bound=BaseModel)


class RunBusy(VideosealError):
    """Another process is writing to this run."""

    exit_code = 1


class RecordLine(NamedTuple):
    """One line of a record file."""

    number: int
    """From 1."""
    offset: int
    """Where it begins, in bytes."""
    data: bytes


class SampleError(BaseModel):
    """Why a sample has no answer."""

    type: str
    message: str
    traceback: str = ""
    """Only where the program itself failed."""


class SampleRecord(BaseModel):
    """One question asked once."""

    model_config = ConfigDict(extra="forbid")

    version: Literal[1] = 1
    """Of this schema."""
    item: Item
    mode: str
    """`decoupled`, `coupled`, `direct` or `blind`."""
    variant: str = ""
    """Which system of an experiment, such as `steps=4`; empty for a plain run."""
    video_id: str = ""
    """The index's id of the video."""
    duration: float = 0.0
    """Of the video, in seconds."""
    episode: dict[str, Any] | None = None
    """What the agent did and answered; None when it failed before that."""
    error: SampleError | None = None
    seconds: float = 0.0
    """Wall-clock seconds for the whole sample."""
    finished: datetime
    """When it was written, UTC."""
    semantic: dict[str, bool] = Field(default_factory=dict)
    """Verdicts on semantic groundedness by judge."""
    rollout: dict[str, float] = Field(default_factory=dict)
    """Of a training episode: its reward's terms and token counts; empty elsewhere."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes a sample the same sample: question, mode and variant."""
        return (self.item.uid, self.mode, self.variant)


class LineFile(Generic[Read]):
    """An append-only file of one kind of record that one process at a time may write.

    Opening it repairs the torn last line that a killed process may leave, and nothing else.
    """

    def __init__(self, path: Path, model: type[Read]) -> None:
        self.path = path
        self._model = model
        self._file: FileIO | None = None

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("a+b", buffering=0)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise RunBusy(
                f"another process is writing {self.path.parent.name}",
                hint="wait for it, or give this run another name",
            ) from None
        _drop_torn_line(self._file)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()

    def append(self, *records: Read) -> None:
        """Write records and force them to disk together; OutOfSpace when the disk is full."""
        assert self._file is not None, "append needs the file to be entered"
        lines = b"".join(record.model_dump_json().encode() + b"\n" for record in records)
        before = self._file.seek(0, os.SEEK_END)
        try:
            rest = memoryview(lines)
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            self._file.truncate(before)
            raise OutOfSpace(f"cannot write {self.path.name}: {error.strerror}") from error

    def read(self) -> Iterator[Read]:
        """Every whole record in order; AnnotationError names a line that is none."""
        for line in record_lines(self.path):
            yield parse_line(self.path, line, self._model)


class RecordFile(LineFile[SampleRecord]):
    """The samples of a run."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, SampleRecord)


def record_lines(path: Path) -> Iterator[RecordLine]:
    """Every whole line of a record file; a torn last one, and a missing file, hold none."""
    if not path.is_file():
        return
    offset = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            yield RecordLine(number, offset, line)
            offset += len(line)


def parse_line(path: Path, line: RecordLine, model: type[Read]) -> Read:
    """A record as `model` reads it; AnnotationError names file, line and field."""
    try:
        return model.model_validate_json(line.data)
    except ValidationError as error:
        raise AnnotationError(
            f"{path.parent.name}/{path.name}:{line.number}: {first_fault(error, 'record')}",
            hint=f"delete that line of {path}; what it held is asked again when the run goes on",
        ) from None


def latest(records: Iterator[SampleRecord]) -> dict[tuple[str, str, str], SampleRecord]:
    """The last record of every sample, in the order of their first."""
    return {record.key: record for record in records}


def _drop_torn_line(file: FileIO) -> None:
    end = file.seek(0, os.SEEK_END)
    position = end
    while position > 0:
        start = max(0, position - 65536)
        file.seek(start)
        found = file.read(position - start).rfind(b"\n")
        if found >= 0:
            position = start + found + 1
            break
        position = start
    if position != end:
        file.truncate(position)
