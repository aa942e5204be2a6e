"""Options that several commands have, each said once."""

from __future__ import annotations

import math
from functools import partial, reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_args

import click

from videoseal.graph.context import MODES, Context

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic.fields import FieldInfo

__all__ = [
    "BENCHMARKS",
    "EXISTING_FILE",
    "MODES",
    "context_options",
    "draw_options",
    "file_option",
    "folder_option",
    "given_context",
    "name_option",
    "price_option",
    "source_options",
    "together",
]

F = TypeVar("F", bound="Callable[..., Any]")

BENCHMARKS: Final = (
    "lvbench", "cgbench", "longvideobench", "videomme", "mlvu", "longvidsearch", "videoseal",
    "synthetic",
)  # fmt: skip
"""Names of the sets of questions."""
_ANNOTATIONS: Final = "The annotation file (see `videoseal eval fetch`), or a folder of them."
_FLAGS: Final = {"forced_choice": "--force"}
"""Fields of Context whose option has another name."""


def context_options(*fields: str) -> Callable[[F], F]:
    """Add an option for each of these fields of Context, with its bounds, default and help."""
    return together(*(_context_option(name, Context.model_fields[name]) for name in fields))


def given_context(options: dict[str, Any]) -> dict[str, Any]:
    """What the options of `context_options` say; those that were not given are left out."""
    return {name: options[name] for name in Context.model_fields if options.get(name) is not None}


def together(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Several options as one decorator, in this order in the help."""
    return lambda command: reduce(lambda made, add: add(made), reversed(options), command)


_PathType = partial(click.Path, path_type=Path)
EXISTING_FILE: Final = _PathType(dir_okay=False, exists=True)
file_option = partial(click.option, type=_PathType(dir_okay=False), metavar="FILE")
"""An option that names a file."""
folder_option = partial(click.option, type=_PathType(file_okay=False), metavar="DIR")
"""An option that names a folder."""


def source_options(*, required: bool, annotations: str = _ANNOTATIONS) -> Callable[[F], F]:
    """Add `--annotations` and `--videos`: published questions, and what they are about."""
    return together(
        click.option("--annotations", required=required, type=_PathType(), metavar="PATH",
                     help=annotations),
        folder_option("--videos", required=required,
                      help="Folder with the videos, named by their ids."),
    )  # fmt: skip


draw_options = together(
    click.option("--limit", type=click.IntRange(1), help="Only the first N questions."),
    click.option("--sample", type=click.IntRange(1), help="Only N questions drawn at random."),
    click.option("--seed", default=0, show_default=True, help="Of the draw."),
)
"""Which questions are asked."""

price_option = click.option(
    "--price", "prices", multiple=True, metavar="MODEL=IN,OUT",
    callback=lambda _, __, given: dict(map(_price, given)) or None,
    help="US dollars for a million tokens that MODEL reads and writes; one option a model.",
)  # fmt: skip
"""Arrives as `prices`: a mapping, or None where none is given."""


def name_option(otherwise: str) -> Callable[[F], F]:
    """Add `--name`, which arrives as `run_name`; `otherwise` says what it is when not given."""
    return click.option(
        "--name", "run_name", callback=_one_folder,
        help=f"Name of the run; {otherwise} if not given.",
    )  # fmt: skip


def _context_option(name: str, field: FieldInfo) -> Callable[[F], F]:
    return click.option(
        _FLAGS.get(name, f"--{name.replace('_', '-')}"), name, type=_type(field),
        is_flag=field.annotation is bool, default=None, help=field.description,
        show_default=f"{field.default}" if field.default else False,
    )  # fmt: skip


def _type(field: FieldInfo) -> Any:
    """What the field takes: one of its words, or a number between its bounds."""
    if field.annotation is bool:
        return bool
    kinds = get_args(field.annotation) or (field.annotation,)
    if all(isinstance(kind, str) for kind in kinds):
        return click.Choice(kinds)
    bounds = {name: getattr(each, name) for each in field.metadata for name in each.__slots__}
    least, most = bounds.get("ge", bounds.get("gt")), bounds.get("le")
    if float in kinds:
        return click.FloatRange(least, most, min_open="gt" in bounds)
    return click.IntRange(least, most)


def _one_folder(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    if name is not None and (name in ("", ".", "..") or Path(name).name != name):
        raise click.BadParameter(f"{name!r} is no name of a folder")
    return name


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
