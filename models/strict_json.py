"""JSON as the standard means it: what Python's reader forgives is an error here."""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

__all__ = ["read_json"]

_NUL: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def read_json(text: str) -> Any:
    """Read one JSON value; ValueError says where and why it is none.

    NaN, infinities, repeated names, lone surrogates and NUL are errors: a later reader, Postgres
    among them, would refuse them or choose differently.
    """
    if _NUL.search(text):
        raise ValueError("the character NUL is not allowed")
    try:
        value = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_object)
        json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at character {error.pos}") from None
    except UnicodeEncodeError:
        raise ValueError("half of a surrogate pair is not a character") from None
    except RecursionError:
        raise ValueError("nested too deep") from None
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for i, (name, _) in enumerate(pairs) if name in dict(pairs[:i]))
        raise ValueError(f"the name {twice!r:.40} occurs twice in one object")
    return found
