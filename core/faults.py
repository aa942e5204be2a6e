"""What a schema found wrong, as one line."""

from __future__ import annotations

from typing import Final

from pydantic import ValidationError

__all__ = ["first_fault"]

_ADDED: Final = "Value error, "
"""Put by pydantic before what a validator of ours says."""


def first_fault(error: ValidationError, whole: str = "") -> str:
    """The first fault with its field, as `endpoints.planner: Field required`.

    `whole` names the thing itself, for a fault that is of no single field.
    """
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"])) or whole
    message = first["msg"].removeprefix(_ADDED)
    return f"{place}: {message}" if place else message
