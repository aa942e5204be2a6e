"""The fields of a reply as models write them: lenient in form, never in what decides.

A name is read whatever its case and its dashes, a field that nobody asked for is passed over, and
null stands for what was left out. Two values for one field are an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

__all__ = ["NOTHING", "Flag", "Share", "Texts", "Wire", "Words", "bare_name"]

NOTHING: Final = frozenset({"", "null", "none", "n/a", "na", "nil", "undefined", "-", "--", "."})
"""Words for no value, where the value itself is not a text."""


class Wire(BaseModel):
    """The fields of a reply as the model writes them."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)
    decides: ClassVar[str] = ""
    """The field without which an object is no such reply."""
    also: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Other names of fields, in small letters without dashes."""

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        known = {**cls.also, **{bare_name(name): name for name in cls.model_fields}}
        found: dict[str, Any] = {}
        for name, inner in value.items():
            field = known.get(bare_name(name))
            if field is None or inner is None:
                continue
            if found.setdefault(field, inner) != inner:
                raise ValueError(f'"{field}" has two values')
        return found


def bare_name(name: str) -> str:
    """A name in small letters, without dashes, spaces and quotes."""
    return re.sub(r"[\W_]+", "", name).casefold()


def _said(value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, int | float) else value


def _flag(value: Any) -> Any:
    """`true`, `yes` and 1, whatever the case; pydantic refuses what is neither."""
    return value.strip(" .!\"'*`").casefold() if isinstance(value, str) else value


def _share(value: Any) -> float:
    """From 0 to 1, also said in percent or as a fraction; 0 for words."""
    said = str(value).strip()
    found = re.fullmatch(r"(-?\d*[.,]?\d+)\s*(%|/\s*(\d+)|percent)?", said)
    if isinstance(value, bool) or not found:
        return 0.0
    number = float(found[1].replace(",", "."))
    whole = float(found[3]) if found[3] else 100.0 if found[2] or number > 10 else 1.0
    return number / whole


def _texts(value: Any) -> Any:
    return [_said(item) for item in value] if isinstance(value, list) else value


Words = Annotated[str, BeforeValidator(_said)]
"""A text, also said as a number or in a list."""
Flag = Annotated[bool, BeforeValidator(_flag)]
"""True or false, also as a word."""
Share = Annotated[float, BeforeValidator(_share), Field(ge=0, le=1)]
"""How sure a model says it is; it decides nothing, so it is never asked for again."""
Texts = Annotated[list[str], BeforeValidator(_texts)]
"""A list of texts, some of which may be numbers."""
