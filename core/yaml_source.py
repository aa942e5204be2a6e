"""YAML as careful people read it: equal keys are an error, and `off` is a word like any other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError

from videoseal.core.errors import SettingsError, faults

__all__ = ["Place", "YamlSource", "parse_yaml", "read_yaml"]

Place = Sequence[str | int]
"""The way to a field from the top of the file."""


class YamlSource(NamedTuple):
    """A file as plain values, with the lines that they stand on."""

    name: str
    """Of the file, for messages."""
    text: str
    value: Any
    root: yaml.Node

    def error(self, place: Place, message: str) -> SettingsError:
        """What is wrong with the field at a place; the nearest line that is there is named."""
        field = ".".join(map(str, place)) or self.name.partition(".")[0]
        return SettingsError(f"{self.name}:{_line(self.root, place)}: {field}: {message}")

    def invalid(self, error: ValidationError, before: Place = ()) -> SettingsError:
        """The first thing that a schema found, in a field below the place `before`."""
        first = faults(error)[0]
        return self.error([*before, *first.place], first.message)


def read_yaml(path: Path) -> YamlSource:
    """Read one YAML document; SettingsError for what is not, or says one thing twice."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path.name}: not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error.strerror}") from None
    return parse_yaml(text, path.name)


def parse_yaml(text: str, name: str) -> YamlSource:
    """The one document of a text that comes from `name`; raises as `read_yaml` does."""
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        value = loader.construct_document(root) if root else None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        why = getattr(error, "problem", None) or "it cannot be read"
        raise SettingsError(f"{name}{where}: not YAML: {why}") from None
    finally:
        loader.dispose()
    if root is None:
        raise SettingsError(f"{name}:1: the file is empty")
    return YamlSource(name, text, value, root)


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping; YAML would let the last of two equal keys win without a word."""
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value} is there twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in known if not tag.endswith(":bool") or first in "tTfF"]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _line(node: yaml.Node, place: Place) -> int:
    """The line, from 1, of the field or of the nearest thing around it."""
    line = int(node.start_mark.line) + 1
    for part in place:
        inside = node.value if isinstance(node, yaml.CollectionNode) else []
        pairs = inside if isinstance(node, yaml.MappingNode) else [(each, each) for each in inside]
        names = [key.value if isinstance(node, yaml.MappingNode) else at
                 for at, (key, _) in enumerate(pairs)]  # fmt: skip
        if part not in names:
            break
        key, node = pairs[names.index(part)]
        line = int(key.start_mark.line) + 1
    return line
