"""What a schema found wrong, in one line."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError, field_validator, model_validator

from videoseal.core.errors import first_fault


class _Inner(BaseModel):
    count: int

    @field_validator("count")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("odd")
        return value


class _Outer(BaseModel):
    parts: list[_Inner]

    @model_validator(mode="after")
    def _some(self) -> _Outer:
        if not self.parts:
            raise ValueError("nothing in it")
        return self


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({}, "parts: Field required"),
        ({"parts": [{"count": 2}, {"count": 3}]}, "parts.1.count: odd"),
        ({"parts": []}, "box: nothing in it"),
    ],
)
def test_first_fault_is_one_line_with_its_place(given: dict[str, Any], line: str) -> None:
    """The way to the field, the message without the library's own words, or the thing's name."""
    with pytest.raises(ValidationError) as caught:
        _Outer.model_validate(given)
    assert first_fault(caught.value, "box") == line
