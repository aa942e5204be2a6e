"""How figures look, and how they are written: inside a page, as SVG, and as PDF for papers."""

from __future__ import annotations

import html
import io
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from videoseal.core.errors import MissingDependency
from videoseal.evals.report.tables import Table
from videoseal.evals.scoring.statistics import Estimate
from videoseal.graph.proof.answer_page import TOKENS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

__all__ = ["WIDTH", "Figure", "canvas", "colour", "finish", "grid", "look", "paint",
           "shares", "short", "small", "thin", "whisker", "write_figures"]  # fmt: skip

WIDTH: Final = 6.9
"""Inches: what two columns of a paper are wide, so that a PDF is used as it is."""
_PIXELS: Final = 125
"""Of an inch on a page, which makes letters of 7.5 points 13 pixels tall."""
_STYLE: Final = Path(__file__).parent / "templates" / "figures.mplstyle"
_NO_DATE: Final = {"Date": None, "Creator": None, "Format": None, "Type": None}


class Figure(NamedTuple):
    """A drawing with its caption, and the same numbers as a table for who wants them."""

    name: str
    title: str
    note: str
    svg: str
    """A file of its own, in the colours of paper."""
    pdf: bytes
    table: Table | None = None
    wide: bool = True
    """Whether it takes the whole width of a page."""

    @property
    def markup(self) -> str:
        """The drawing inside a page, in the page's own colours and letters."""
        names = {value: name for name, value in paint().items()}
        text = self.svg.replace("'DejaVu Sans', sans-serif", "var(--sans)")
        return re.sub(r"(?<=: )#[0-9a-f]{6}\b", lambda hit: _variable(names, hit[0]), text)


def _variable(names: Mapping[str, str], value: str) -> str:
    return f"var(--{names[value]})" if value in names else value


@lru_cache
def paint() -> dict[str, str]:
    """Every colour of the pages by its name, as on paper."""
    light = TOKENS.read_text(encoding="utf-8").partition("@media")[0]
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6});", light))


def colour(number: int) -> str:
    """Of a system, or of a line."""
    return paint()[f"c{number % 8}"]


def look(number: int) -> dict[str, Any]:
    """Colour and marker of a system; the marker's form tells it as its colour does."""
    return {"color": colour(number), "marker": "os^D"[number % 4]}


def small() -> dict[str, Any]:
    """Words that are less than the numbers."""
    return {"color": paint()["soft"], "size": 7}


def short(text: str, most: int = 34) -> str:
    """A label, cut when it is longer than `most`, without what no font can show."""
    shown = _printable(text)
    cut = shown if len(shown) <= most else f"{shown[: most - 1]}\u2026"
    # The library leaves out of a legend what begins with an underscore.
    return f"\u2009{cut}" if cut.startswith("_") else cut


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def thin(count: int, most: int = 300) -> list[int]:
    """Which of so many points are drawn, the ends always; more cannot be told apart."""
    return sorted({round(n * (count - 1) / (most - 1)) for n in range(most)} & {*range(count)})


@contextmanager
def _house() -> Iterator[None]:
    """The style, whatever the reader's own settings are; MissingDependency without Matplotlib."""
    with MissingDependency.of("evals", "figures need matplotlib"):
        from matplotlib import style
    inks = {"ink": ("text.color",), "paper": ("figure.facecolor",),
            "line": ("axes.edgecolor", "grid.color", "xtick.color", "ytick.color"),
            "soft": ("axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor")}  # fmt: skip
    colours = {place: paint()[name] for name, places in inks.items() for place in places}
    with style.context(["default", str(_STYLE), colours]):
        yield


@contextmanager
def canvas(height: float, width: float = WIDTH) -> Iterator[Drawing]:
    """An empty figure of so many inches, to be drawn on and finished in the house's style."""
    with _house():
        from matplotlib.figure import Figure as Drawing

        yield Drawing(figsize=(width, height))


def grid(drawing: Drawing, count: int, columns: int, **options: Any) -> list[Axes]:
    """So many axes, in rows of so many columns."""
    rows = -(-count // columns)
    every: list[Axes] = [*drawing.subplots(rows, columns, squeeze=False, **options).flat]
    for axes in every[count:]:
        axes.set_axis_off()
    return every[:count]


def shares(axes: Axes, along: Literal["x", "y"], high: float = 1.0) -> None:
    """Make an axis, `x` or `y`, one of shares from 0."""
    from matplotlib.ticker import PercentFormatter

    axes.set(**{f"{along}lim": (0, high)})
    axes.locator_params(axis=along, nbins=4)
    getattr(axes, f"{along}axis").set_major_formatter(PercentFormatter(1, 0))
    axes.grid(axis=along)


def whisker(axes: Axes, place: float, found: Estimate, paint: str, *, upright: bool) -> None:
    """The 95 % interval of an estimate; nothing where there is none."""
    ends, places = (found.low, found.high), (place, place)
    across, up = (places, ends) if upright else (ends, places)
    axes.plot(across, up, marker="_" if upright else "|", color=paint, linewidth=1,
              markersize=5, clip_on=False, gid="interval")  # fmt: skip


def finish(
    drawing: Drawing, name: str, title: str, note: str, *, told: str = "",
    links: Mapping[str, str] | None = None, table: Table | None = None,
) -> Figure:  # fmt: skip
    """Write a drawing, the same bytes every time; `told` is for who cannot see it.

    `links` says in words where every address leads that the drawing's parts have as their `url`;
    what has a `gid` has it as its class.
    """
    svg, pdf = io.StringIO(), io.BytesIO()
    with warnings.catch_warnings():
        # Text of an SVG stays text: a browser has the letters that the font here may lack.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        drawing.savefig(svg, format="svg", metadata=_NO_DATE)
        drawing.set_layout_engine("none")
        drawing.savefig(pdf, format="pdf", metadata={"CreationDate": None}, facecolor="none")
    body = re.sub(r'<g id="(?:[\w.]+_\d+|([^"]*))"', _class, svg.getvalue())
    body = re.sub(r"<style.*?</style>", "", body[body.index("<defs>") :], flags=re.DOTALL)
    for url, words in (links or {}).items():
        label = html.escape(words)
        link = f'<a href="{url}" aria-label="{label}"><title>{label}</title>'
        body = body.replace(f'<a xlink:href="{url}" target="_blank">', link)
    wide, tall = drawing.get_size_inches()
    head = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
        f' class="chart" role="{"group" if links else "img"}" viewBox="0 0 {wide * 72:g}'
        f' {tall * 72:g}" width="{wide * _PIXELS:.0f}" height="{tall * _PIXELS:.0f}"'
        f' stroke-linejoin="round"><title>{html.escape(_printable(title))}</title>'
        f"<desc>{html.escape(_printable(told or note))}</desc>"
    )
    letters = body.replace("'DejaVu Sans'", "'DejaVu Sans', sans-serif")
    return Figure(name, title, note, head + letters, pdf.getvalue(), table, wide >= WIDTH)


def _class(found: re.Match[str]) -> str:
    return f'<g class="{found[1]}"' if found[1] else "<g"


def write_figures(figures: Iterable[Figure], folder: Path) -> list[Path]:
    """Every figure as `NAME.svg` and `NAME.pdf`; what was written."""
    written = []
    for figure in figures:
        folder.mkdir(parents=True, exist_ok=True)
        svg, pdf = folder / f"{figure.name}.svg", folder / f"{figure.name}.pdf"
        svg.write_text(figure.svg, encoding="utf-8")
        pdf.write_bytes(figure.pdf)
        written += [svg, pdf]
    return written
