"""Annotation files read row by row, with the place of every row, so that errors can name it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from videoseal.core.errors import VideosealError, first_fault
from videoseal.evals.item import Item

__all__ = ["AnnotationError", "AnnotationRow", "load_items", "read_rows"]

Schema = TypeVar("Schema", bound=BaseModel)
_SPACE = re.compile(r"[\s,]*")


class AnnotationError(VideosealError):
    """An annotation file is missing or has a bad row; names file, line, row and field."""

    exit_code = 2


class AnnotationRow(NamedTuple):
    """One entry of an annotation file."""

    place: str
    """`file:line (row n)`, for error messages."""
    value: Any

    def check(self, schema: type[Schema]) -> Schema:
        """The row as `schema`; AnnotationError names the first bad field."""
        try:
            return schema.model_validate(self.value)
        except ValidationError as error:
            raise self.error(error) from None

    def error(self, error: ValidationError) -> AnnotationError:
        """An AnnotationError for what pydantic found, at this place."""
        return AnnotationError(f"{self.place}: {first_fault(error, 'row')}")


def read_rows(path: Path) -> Iterator[AnnotationRow]:
    """Rows of a `.jsonl`, `.json` (a list) or `.parquet` file, in order."""
    if not path.is_file():
        raise AnnotationError(
            f"no annotation file at {path}", hint="videoseal eval fetch says where to get it"
        )
    if path.suffix == ".parquet":
        yield from _parquet_rows(path)
        return
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise AnnotationError(f"{path.name}: not UTF-8 text (byte {error.start})") from None
    yield from _jsonl_rows(path, text) if path.suffix == ".jsonl" else _json_rows(path, text)


def load_items(
    path: Path,
    schema: type[Schema],
    convert: Callable[[Schema], Item | list[Item]],
    taken: set[str] | None = None,
) -> list[Item]:
    """Every row checked against `schema` and converted; errors of either name the place.

    An id may stand once in a file, or once in all files that are loaded with the same `taken`:
    records are told apart by it.
    """
    items: list[Item] = []
    taken = set() if taken is None else taken
    for row in read_rows(path):
        checked = row.check(schema)
        try:
            made = convert(checked)
        except ValidationError as error:
            raise row.error(error) from None
        except ValueError as error:
            raise AnnotationError(f"{row.place}: {error}") from None
        for item in made if isinstance(made, list) else [made]:
            if item.uid in taken:
                raise AnnotationError(f"{row.place}: uid: {item.uid!r:.60} is there twice")
            taken.add(item.uid)
            items.append(item)
    if not items:
        raise AnnotationError(f"{path.name}: holds no questions")
    return items


def _jsonl_rows(path: Path, text: str) -> Iterator[AnnotationRow]:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            place = f"{path.name}:{number}"
            yield AnnotationRow(place, _decode(place, line, 0)[0])


def _json_rows(path: Path, text: str) -> Iterator[AnnotationRow]:
    """Elements of a JSON list, decoded one by one so that each knows its line."""
    position = _skip(text, 0)
    if text[position : position + 1] != "[":
        raise AnnotationError(f"{path.name}:1: expected a JSON list")
    position = _skip(text, position + 1)
    line, counted, number = 1, 0, 0
    while text[position : position + 1] != "]":
        line += text.count("\n", counted, position)
        counted = position
        number += 1
        place = f"{path.name}:{line} (row {number})"
        value, position = _decode(place, text, position)
        yield AnnotationRow(place, value)
        position = _skip(text, position)


def _decode(place: str, text: str, position: int) -> tuple[Any, int]:
    try:
        return json.JSONDecoder().raw_decode(text, position)
    except (json.JSONDecodeError, RecursionError) as error:
        message = getattr(error, "msg", "nested too deeply")
        raise AnnotationError(f"{place}: not JSON: {message}") from None


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
