"""JSON schemas that say every rule of a reply, so that guided decoding can only send good ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

__all__ = ["NULL", "SHARE", "either", "listing", "loosened", "obj", "one_of", "text"]

Schema = dict[str, Any]

NULL: Final[Schema] = {"type": "null"}
SHARE: Final[Schema] = {"type": "number", "minimum": 0, "maximum": 1}
_BOUNDS: Final = ("minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum")


def obj(**fields: Schema) -> Schema:
    """An object with exactly these fields, in this order."""
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }


def text(most: int, least: int = 0) -> Schema:
    """A text of so many characters."""
    return {"type": "string", "minLength": least, "maxLength": most}


def listing(items: Schema, most: int, least: int = 0) -> Schema:
    """A list of so many items."""
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


def one_of(*values: str | bool) -> Schema:
    """One of these values, which are of one type."""
    kind = "boolean" if isinstance(values[0], bool) else "string"
    return {"type": kind, "enum": list(values)}


def either(*shapes: Schema) -> Schema:
    """One of several schemas, each named once."""
    different = [shape for i, shape in enumerate(shapes) if shape not in shapes[:i]]
    return different[0] if len(different) == 1 else {"anyOf": different}


def loosened(rules: Schema) -> Schema:
    """The same as one object without bounds, which is all that some vendors take."""
    shapes: Sequence[Schema] = rules.get("anyOf", [rules])
    if any(shape.get("type") != "object" for shape in shapes):
        return either(*(_unbounded(shape) for shape in shapes))
    fields = {
        name: either(*(loosened(shape["properties"][name]) for shape in shapes))
        for name in shapes[0]["properties"]
    }
    return obj(**fields)


def _unbounded(shape: Schema) -> Schema:
    bare = {name: value for name, value in shape.items() if name not in _BOUNDS}
    return {**bare, "items": loosened(bare["items"])} if "items" in bare else bare
