"""Annotation files read row by row, with the place of every row, so that errors can name it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from videoseal.core.errors import VideosealError

__all__ = ["AnnotationError", "AnnotationRow", "annotation_files", "read_rows"]

_SPACE: Final = re.compile("[\\s,\ufeff]*")
_MOST_DIGITS: Final = 4300
"""Python reads no longer number; one that is longer is read as a text."""
_KINDS: Final = ("*.questions.jsonl", "*.json", "*.jsonl", "*.parquet")
"""What a folder of annotations holds; the first kind that is there counts."""


class AnnotationError(VideosealError):
    """An annotation file is missing or has a bad row; names file, line, row and field."""

    exit_code = 2


class AnnotationRow(NamedTuple):
    """One entry of an annotation file."""

    place: str
    """`file:line (row n)`, for error messages."""
    value: Any


def annotation_files(path: Path) -> list[Path]:
    """The file itself, or those of a folder in the order of their names."""
    if not path.is_dir():
        return [path]
    return next((found for kind in _KINDS if (found := sorted(path.glob(kind)))), [])


def read_rows(path: Path) -> Iterator[AnnotationRow]:
    """Rows of a file of JSON values, a JSON list, or a `.parquet` file, in order.

    Only a line feed ends a line: JSON allows all other separators inside texts.
    """
    if not path.is_file():
        raise AnnotationError(
            f"no annotation file at {path}", hint="videoseal eval fetch says where to get it"
        )
    if path.suffix == ".parquet":
        yield from _parquet_rows(path)
        return
    data = path.read_bytes()
    try:
        text = data.decode(json.detect_encoding(data), "surrogatepass")
    except UnicodeDecodeError as error:
        raise AnnotationError(f"{path.name}: not UTF-8 text (byte {error.start})") from None
    yield from _json_rows(path, text)


def _json_rows(path: Path, text: str) -> Iterator[AnnotationRow]:
    """Elements of a JSON list, or values one after the other, each with its line."""
    position = _skip(text, 0)
    listed = text[position : position + 1] == "["
    position = _skip(text, position + 1) if listed else position
    line, counted, number = 1, 0, 0
    decoder = json.JSONDecoder(parse_int=_whole_number)
    while position < len(text) and not (listed and text[position] == "]"):
        line += text.count("\n", counted, position)
        counted = position
        number += 1
        place = f"{path.name}:{line}" + (f" (row {number})" if listed else "")
        try:
            value, position = decoder.raw_decode(text, position)
        except (json.JSONDecodeError, RecursionError) as error:
            message = getattr(error, "msg", "nested too deeply")
            raise AnnotationError(f"{place}: not JSON: {message}") from None
        yield AnnotationRow(place, value)
        position = _skip(text, position)
    if listed and position >= len(text):
        raise AnnotationError(f"{path.name}:{line}: not JSON: the list does not end")


def _whole_number(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MOST_DIGITS else digits


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _parquet_rows(path: Path) -> Iterator[AnnotationRow]:
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.ParquetFile(path)
        for number, value in enumerate(
            (value for batch in table.iter_batches() for value in batch.to_pylist()), start=1
        ):
            yield AnnotationRow(f"{path.name} (row {number})", value)
    except pyarrow.lib.ArrowException as error:
        raise AnnotationError(f"{path.name}: not a readable parquet file: {error}") from None
