"""JSON schemas that say every rule of a reply, so that guided decoding can only send good ones."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["NULL", "SHARE", "either", "listing", "obj", "one_of", "text"]

Schema = dict[str, Any]

NULL: Final[Schema] = {"type": "null"}
SHARE: Final[Schema] = {"type": "number", "minimum": 0, "maximum": 1}


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
