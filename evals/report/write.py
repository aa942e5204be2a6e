"""Write the report of one or several runs: a page that stands alone, and a Markdown table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from videoseal.evals.judging.judge_pins import read_pins
from videoseal.evals.report.experiment_figure import experiment_figures
from videoseal.evals.report.figures import report_figures
from videoseal.evals.report.house_style import write_figures
from videoseal.evals.report.judges import describe_judges, judge_tables
from videoseal.evals.report.listing import BLOCK, COLUMNS, Listing, Thumbnails, list_samples
from videoseal.evals.report.markdown import markdown_page
from videoseal.evals.report.page import Page, render_page
from videoseal.evals.report.prose import describe_run, facts_of, sentences_of
from videoseal.evals.report.tables import (
    Table,
    comparison_table,
    cost_table,
    headline_table,
    numbers_table,
)
from videoseal.evals.scoring.compare import baseline_of, compare
from videoseal.evals.scoring.sample_result import STATUSES, Prices
from videoseal.evals.scoring.systems import System, read_manifest, read_systems

__all__ = ["ReportFiles", "write_report"]

MOST_LISTED: Final = 20_000
"""Samples that a page lists; beyond that a browser becomes slow."""
PAGE_BYTES: Final = 25 << 20
"""Size that pictures may fill a page up to."""
_PICTURES_EACH: Final = 12
_PICTURE_BYTES: Final = 9000
"""What a thumbnail takes, roughly: how the room is shared out among the samples."""


class ReportFiles(NamedTuple):
    """What was written."""

    html: Path
    markdown: Path
    figures: Path
    """The folder of every figure as SVG and as PDF."""


def write_report(
    runs: Sequence[Path],
    out: Path,
    *,
    title: str | None = None,
    frames: Path | None = None,
    prices: Prices | None = None,
    most_listed: int = MOST_LISTED,
    page_bytes: int = PAGE_BYTES,
) -> ReportFiles:
    """Report on run folders into `out`: `report.html`, `report.md`, and figures as files.

    `frames` is a frame cache to take pictures from; `prices` are of a million prompt and
    completion tokens by model. Raises NoSuchRun, AnnotationError for a damaged record, and
    MissingDependency without Matplotlib.
    """
    systems = read_systems(runs, prices=prices)
    tables = [*judge_tables(runs, systems), *_tables(systems, priced=prices is not None)]
    figures = [*experiment_figures(runs, systems), *report_figures(systems)]
    named, headline = title or _title(systems), headline_table(systems)
    sentences = sentences_of(systems)
    thumbnails = None if frames is None else Thumbnails(frames, page_bytes)
    listing = list_samples(
        systems,
        thumbnails.picture if thumbnails else None,
        most=most_listed,
        most_pictures=_pictures_each(systems, most_listed, page_bytes),
    )
    page = Page(
        title=named,
        facts=facts_of(systems),
        sentences=sentences,
        headline=headline,
        figures=figures,
        tables=tables,
        manifests=[
            (run.name, {**describe_run(read_manifest(run)), **describe_judges(read_pins(run))})
            for run in runs
        ],
        notes=_notes(listing, thumbnails),
        samples=_samples(systems, listing),
        blocks=listing.blocks,
    )
    out.mkdir(parents=True, exist_ok=True)
    files = ReportFiles(out / "report.html", out / "report.md", out / "figures")
    of_figures = [(figure.title, figure.table) for figure in figures if figure.table]
    everything = [("Headline", headline), *of_figures, *tables]
    markdown = markdown_page(named, sentences, everything)
    for path, text in ((files.html, render_page(page)), (files.markdown, markdown)):
        path.write_text(text, encoding="utf-8", errors="replace")
    write_figures(figures, files.figures)
    return files


def _tables(systems: Sequence[System], *, priced: bool) -> list[tuple[str, Table]]:
    tables = [("Cost", cost_table(systems, priced=priced))]
    base = baseline_of(systems)
    others = [system for system in systems if system is not base]
    if base is not None and others:
        found = [compare(system, base) for system in others]
        names = [system.label for system in others]
        tables.insert(0, ("Comparison", comparison_table(found, names, base.label)))
    return [*tables, ("All numbers", numbers_table(systems))]


def _samples(systems: Sequence[System], listing: Listing) -> Mapping[str, Any]:
    return {
        "systems": [system.label for system in systems],
        "colours": [system.colour for system in systems],
        "statuses": list(STATUSES),
        "columns": list(COLUMNS),
        "block": BLOCK,
        "rows": listing.rows,
    }


def _notes(listing: Listing, thumbnails: Thumbnails | None) -> list[str]:
    notes = []
    if len(listing.rows) < listing.total:
        notes.append(
            f"{len(listing.rows):,} of {listing.total:,} samples are listed here, the first of"
            " every system; all of them are counted in every number above."
        )
    if thumbnails is None:
        notes.append("The page was written without pictures of the frames.")
    elif thumbnails.refused:
        notes.append(f"{thumbnails.refused:,} pictures were left out to keep the page small.")
    if thumbnails and thumbnails.missing:
        notes.append(f"{thumbnails.missing:,} pictures are no longer in the frame cache.")
    return notes


def _pictures_each(systems: Sequence[System], most_listed: int, page_bytes: int) -> int:
    listed = min(most_listed, sum(len(system.frame) for system in systems))
    return max(1, min(_PICTURES_EACH, page_bytes // _PICTURE_BYTES // max(1, listed)))


def _title(systems: Sequence[System]) -> str:
    names = Counter(system.benchmark for system in systems)
    return f"Evaluation on {', '.join(names)}" if names else "Evaluation without samples"
