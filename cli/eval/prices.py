"""`--price MODEL=IN,OUT`: what tokens cost, so that scores and reports can tell money."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from videoseal.evals.scoring.cost import Prices

__all__ = ["price_option"]

F = TypeVar("F", bound="Callable[..., Any]")


def price_option(command: F) -> F:
    """Add `--price`, which arrives as `prices`: a mapping, or None where none is given."""
    return click.option(
        "--price", "prices", multiple=True, metavar="MODEL=IN,OUT", callback=_read,
        help="US dollars for a million tokens that MODEL reads and writes; one option a model.",
    )(command)  # fmt: skip


def _read(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> Prices | None:
    return dict(map(_price, given)) or None


def _price(text: str) -> tuple[str, tuple[float, float]]:
    # A model's name may hold any sign, so the last `=` ends it.
    model, _, numbers = text.rpartition("=")
    try:
        read, written = (float(number) for number in numbers.split(","))
    except ValueError:
        read = written = math.nan
    if not model or not (0 <= read < math.inf and 0 <= written < math.inf):
        raise click.BadParameter(f"{text!r} is not MODEL=IN,OUT, such as gpt-5=1.25,10")
    return model, (read, written)
