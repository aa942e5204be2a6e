"""Videos out of archives, also out of one that was cut into pieces, without joining it first."""

from __future__ import annotations

import io
import shutil
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import IO, Any

from videoseal.core.errors import VideosealError
from videoseal.core.files import replacing
from videoseal.evals.benchmarks.selection import VIDEO_SUFFIXES

__all__ = ["BadArchive", "unpack"]


class BadArchive(VideosealError):
    """An archive cannot be read."""


class _Joined(io.RawIOBase):
    """Pieces as one file that can be read and sought."""

    def __init__(self, pieces: Sequence[IO[bytes]]) -> None:
        self._pieces = pieces
        self._sizes = [piece.seek(0, io.SEEK_END) for piece in pieces]
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: sum(self._sizes)}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        start = 0
        for piece, size in zip(self._pieces, self._sizes, strict=True):
            if start <= self._at < start + size:
                piece.seek(self._at - start)
                data = piece.read(min(len(buffer), start + size - self._at))
                buffer[: len(data)] = data
                self._at += len(data)
                return len(data)
            start += size
        return 0


def unpack(pieces: Sequence[Path], folder: Path) -> int:
    """Write every video of an archive into `folder` under its own name; how many are new.

    `pieces` in order are one zip or tar file. Videos that are there already are kept; folders in
    the archive are left out, so nothing is ever written elsewhere. Raises BadArchive.
    """
    folder.mkdir(parents=True, exist_ok=True)
    new = 0
    try:
        with ExitStack() as stack:
            opened = [stack.enter_context(piece.open("rb")) for piece in pieces]
            for name, stream in _members(io.BufferedReader(_Joined(opened), 1 << 20)):
                target = folder / PurePosixPath(name).name
                if target.is_file():
                    continue
                with replacing(target) as partial, stream, partial.open("wb") as file:
                    shutil.copyfileobj(stream, file, 1 << 20)
                new += 1
    except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        raise BadArchive(f"{pieces[0].name}: {error}") from error
    return new


def _members(file: io.BufferedReader) -> Iterator[tuple[str, IO[bytes]]]:
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            for name in archive.namelist():
                if _is_video(name):
                    yield name, archive.open(name)
        return
    file.seek(0)
    with tarfile.open(fileobj=file) as archive:
        for member in archive:
            wanted = member.isreg() and _is_video(member.name)
            stream = archive.extractfile(member) if wanted else None
            if stream is not None:
                yield member.name, stream


def _is_video(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith(".")
