"""A YAML file whose every error names the line and the field it is about."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError

from videoseal.core.errors import VideosealError, faults

__all__ = ["ExperimentError", "Place", "YamlSource", "read_source"]

Place = Sequence[str | int]
"""The way to a field from the top of the file."""


class ExperimentError(VideosealError):
    """An experiment file is missing or wrong; names file, line and field."""

    exit_code = 2


class YamlSource(NamedTuple):
    """A file as plain values, with the lines that they stand on."""

    name: str
    """Of the file, for messages."""
    text: str
    value: Any
    root: yaml.Node

    def error(self, place: Place, message: str) -> ExperimentError:
        """What is wrong with the field at a place; the nearest line that is there is named."""
        field = ".".join(map(str, place)) or "experiment"
        return ExperimentError(f"{self.name}:{_line(self.root, place)}: {field}: {message}")

    def invalid(self, error: ValidationError, before: Place = ()) -> ExperimentError:
        """The first thing that a schema found, in a field below the place `before`."""
        first = faults(error)[0]
        return self.error([*before, *first.place], first.message)


def read_source(path: Path) -> YamlSource:
    """Read one YAML document; ExperimentError for what is not, or says one thing twice."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ExperimentError(f"{path.name}: not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise ExperimentError(f"cannot read {path}: {error.strerror}") from None
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        why = getattr(error, "problem", None) or "it cannot be read"
        raise ExperimentError(f"{path.name}{where}: not YAML: {why}") from None
    if root is None:
        raise ExperimentError(f"{path.name}:1: the file is empty")
    source = YamlSource(path.name, text, value, root)
    _refuse_twice(source, root, [])
    return source


def _refuse_twice(source: YamlSource, node: yaml.Node, place: list[str | int]) -> None:
    """YAML lets the last of two equal keys win without a word; here that is an error."""
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            _refuse_twice(source, item, [*place, number])
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[str] = set()
    for key, value in node.value:
        name = str(key.value)
        if name in seen:
            field = ".".join(map(str, [*place, name]))
            raise ExperimentError(
                f"{source.name}:{key.start_mark.line + 1}: {field}: is there twice"
            )
        seen.add(name)
        _refuse_twice(source, value, [*place, name])


def _line(node: yaml.Node, place: Place) -> int:
    """The line, from 1, of the field or of the nearest thing around it."""
    line = int(node.start_mark.line) + 1
    for part in place:
        found = None
        if isinstance(node, yaml.MappingNode):
            pairs = ((key, value) for key, value in node.value if key.value == str(part))
            found = next(pairs, None)
        elif (
            isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value)
        ):
            found = (node.value[part], node.value[part])
        if found is None:
            break
        key, node = found
        line = int(key.start_mark.line) + 1
    return line
