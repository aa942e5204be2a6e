"""Text that a database, a checkpoint and JSON can carry."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from pydantic import AfterValidator

__all__ = ["CleanText", "clean_json", "clean_text"]

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_DEEPEST: Final = 20


def clean_text(text: str) -> str:
    """Replace NUL, which Postgres refuses, and lone surrogates, which UTF-8 cannot carry."""
    return _UNSTORABLE.sub("\ufffd", text)


CleanText = Annotated[str, AfterValidator(clean_text)]
"""A string field that models write."""


def clean_json(value: Any, depth: int = 0) -> Any:
    """The same for every string in a JSON value; what is nested absurdly deep is cut off."""
    if isinstance(value, str):
        return clean_text(value)
    if depth > _DEEPEST:
        return None
    if isinstance(value, dict):
        return {clean_text(str(k)): clean_json(v, depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [clean_json(item, depth + 1) for item in value]
    return value
