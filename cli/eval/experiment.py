"""`videoseal eval experiment`: the experiments of the paper, one file and one figure each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from videoseal.cli.eval.run import ask_all, asking_options, generate_option, places_of
from videoseal.cli.eval.score import exit_if_all_failed, print_scores
from videoseal.cli.invocation import Invocation, json_option, pass_invocation
from videoseal.cli.options import draw_options, name_option, price_option, source_options
from videoseal.cli.output import near, results, stacked
from videoseal.core.environment import environment

if TYPE_CHECKING:
    from videoseal.evals.experiments.experiment import Loaded
    from videoseal.evals.report.tables import Table
    from videoseal.evals.scoring.sample_result import Prices

__all__ = ["experiment_command"]

_DEFAULT: Final = "synthetic"


def experiment_command(benchmarks: tuple[str, ...]) -> click.Command:
    """The command; `benchmarks` are those whose questions it can ask."""

    @click.command("experiment")
    @click.argument("file", required=False)
    @click.option(
        "--benchmark", type=click.Choice(benchmarks), default=_DEFAULT, show_default=True,
        help="Whose questions are asked.",
    )  # fmt: skip
    @source_options(required=False)
    @draw_options
    @asking_options
    @name_option("EXPERIMENT-BENCHMARK")
    @generate_option
    @price_option
    @json_option
    @pass_invocation
    def experiment(invocation: Invocation, /, file: str | None, **options: Any) -> None:
        """Ask every system of an experiment the same questions, and draw its figure.

        FILE is a YAML file, or the name of an experiment that ships; without it those are listed.
        The run's folder gets report.html, and the figure as figure.svg, figure.pdf and figure.md.
        Endpoints that the file names by a prefix are read from PREFIX_BASE_URL, PREFIX_MODEL and
        PREFIX_API_KEY.
        """
        if file is None:
            _list(invocation)
        else:
            _carry_out(invocation, file, options)

    return experiment


def _list(invocation: Invocation) -> None:
    from videoseal.evals.experiments.experiment import load_experiment, packaged

    loaded = [load_experiment(path) for path in packaged()]
    invocation.emit(
        [{"name": one.name, **one.experiment.model_dump()} for one in loaded],
        *(f"{one.name:<10} {one.experiment.about}" for one in loaded),
    )


def _carry_out(invocation: Invocation, file: str, options: dict[str, Any]) -> None:
    from videoseal.evals.experiments.experiment import find_experiment, keep, load_experiment
    from videoseal.evals.running.system_settings import read_endpoints

    loaded, benchmark = load_experiment(find_experiment(file)), options["benchmark"]
    systems = loaded.experiment.systems()
    endpoints = read_endpoints(systems, environment())
    if options["generate"] and benchmark != _DEFAULT:
        raise click.UsageError(f"'--generate' makes questions of {_DEFAULT} alone.")
    settings = invocation.settings()
    places = places_of(settings, options, f"{loaded.name}-{benchmark}")
    keep(loaded, places.folder, anew=False)
    ask_all(settings, benchmark, systems, places, options, endpoints)
    keep(loaded, places.folder, anew=True)
    _show(invocation, loaded, places.folder, settings.data_dir / "frames", options["prices"])


def _show(
    invocation: Invocation, loaded: Loaded, folder: Path, frames: Path, prices: Prices | None
) -> None:
    from videoseal.evals.report.experiment_figure import experiment_figure, write_figure
    from videoseal.evals.report.write import write_report
    from videoseal.evals.scoring.systems import read_systems

    systems = read_systems([folder], prices=prices)
    figure = experiment_figure(loaded.experiment, systems)
    assert figure is not None
    files = [
        *write_figure(figure, folder),
        *write_report(
            [folder], folder, title=loaded.experiment.title, frames=frames, prices=prices
        ),
    ]
    if invocation.as_json:
        print_scores(invocation, systems, priced=prices is not None)
    else:
        if figure.table is not None:
            results().print(_stacked(figure.table, len(loaded.experiment.figure.y)))
        for path in files:
            click.echo(near(path))
    exit_if_all_failed(systems)


def _stacked(shown: Table, measures: int) -> Any:
    """A measure below the other, each with its difference to the baseline beside it."""
    groups = []
    for at, column in enumerate(shown.columns[:measures]):
        ats = (at, measures + at) if _compared(shown, measures) else (at,)
        rows = [(row.label, [t for i in ats for t in row.values[i]]) for row in shown.rows]
        groups.append((column.text, rows))
    return stacked(shown.corner, ("%", "95%", "minus baseline", "95% of that"), groups)


def _compared(shown: Table, measures: int) -> bool:
    """Whether the baseline has been asked, so that differences follow the measures."""
    return shown.columns[measures].small.startswith("minus")
