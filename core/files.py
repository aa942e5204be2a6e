"""Files that are there whole or not at all, however the process that writes them ends."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

__all__ = ["WrongHash", "join_files", "replacing", "write_whole"]


class WrongHash(ValueError):
    """A file is not the expected one; the message is the SHA-256 that it has."""


@contextlib.contextmanager
def replacing(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """Give a name beside `path` to write to, which takes its place unless the block raises.

    Its name ends in `.part` and is of this thread alone; `durable` forces its content to disk
    first. Raises OSError.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        yield partial
        if durable:
            with partial.open("rb") as written:
                os.fsync(written.fileno())
        partial.replace(path)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()


def write_whole(path: Path, content: str | bytes, *, durable: bool = False) -> None:
    """Write a file at once, text in UTF-8; raises OSError and then leaves what was there."""
    with replacing(path, durable=durable) as partial:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)


def join_files(parts: Sequence[Path], target: Path, sha256: str) -> None:
    """Write files one after another into `target`; raises WrongHash where they are not it."""
    with replacing(target) as partial:
        with partial.open("wb") as joined:
            for part in parts:
                with part.open("rb") as piece:
                    shutil.copyfileobj(piece, joined, 1 << 20)
        with partial.open("rb") as whole:
            found = hashlib.file_digest(whole, "sha256").hexdigest()
        if found != sha256:
            raise WrongHash(found)
