"""`videoseal eval`: run benchmarks, score, compare, report and export what was recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from videoseal.cli.eval.experiment import experiment_command
from videoseal.cli.eval.fetch import fetch_command
from videoseal.cli.eval.folders import recorded
from videoseal.cli.eval.judge import agreement, judge, labels
from videoseal.cli.eval.prices import price_option
from videoseal.cli.eval.run import benchmark_command
from videoseal.cli.eval.scores import comparison_document, print_scores
from videoseal.cli.invocation import Invocation, json_option, pass_invocation
from videoseal.cli.options import MODES
from videoseal.cli.output import emit_json, results

if TYPE_CHECKING:
    from videoseal.evals.scoring.cost import Prices
    from videoseal.evals.scoring.systems import RecordedSystem

__all__ = ["evaluate"]

_NAMES: Final = (
    "lvbench", "cgbench", "longvideobench", "videomme", "mlvu", "videoseal", "synthetic",
)  # fmt: skip


@click.group("eval", epilog="A run that was broken off continues when the same command runs again.")
def evaluate() -> None:
    """Run benchmarks, and score, compare, report and export what was recorded."""


for _name in _NAMES:
    evaluate.add_command(benchmark_command(_name))
evaluate.add_command(experiment_command(_NAMES))
for _command in (judge, labels, agreement, fetch_command(_NAMES)):
    evaluate.add_command(_command)


@evaluate.command()
@click.argument("run")
@price_option
@json_option
@pass_invocation
def score(invocation: Invocation, run: str, prices: Prices | None) -> None:
    """Score the records of RUN (a name or a folder) again, without any model."""
    from videoseal.evals.scoring.systems import read_systems

    cells = read_systems([recorded(invocation, run)], prices=prices)
    print_scores(invocation, cells, priced=prices is not None)


@evaluate.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Folder for report.html and report.md; the first run's if not given.",
)  # fmt: skip
@click.option("--title", help="Heading of the report.")
@price_option
@json_option
@pass_invocation
def report(
    invocation: Invocation,
    runs: tuple[str, ...],
    out: Path | None,
    title: str | None,
    prices: Prices | None,
) -> None:
    """Write one page about RUN, or several side by side, that opens anywhere."""
    from videoseal.evals.report.write import write_report

    folders = [recorded(invocation, run) for run in runs]
    frames = invocation.settings().data_dir / "frames"
    files = write_report(folders, out or folders[0], title=title, frames=frames, prices=prices)
    if invocation.as_json:
        emit_json(files._asdict())
        return
    for path in files:
        results().print(str(path), soft_wrap=True)


@evaluate.command()
@click.argument("first")
@click.argument("second")
@json_option
@pass_invocation
def compare(invocation: Invocation, first: str, second: str) -> None:
    """Compare FIRST with SECOND question by question, as a Markdown table or as JSON.

    Each is RUN or RUN:MODE or RUN:MODE:VARIANT; differences have intervals clustered by video,
    right and wrong has McNemar's test.
    """
    from videoseal.evals.report.markdown import comparison_markdown
    from videoseal.evals.scoring.compare import compare as paired

    found = paired(_cell(invocation, first), _cell(invocation, second))
    if not found.shared:
        raise click.UsageError(f"{first} and {second} were not asked a single question in common.")
    if invocation.as_json:
        emit_json(comparison_document(found))
        return
    click.echo(comparison_markdown(found), nl=False)


@evaluate.command()
@click.argument("run")
@click.option("--mode", type=click.Choice(MODES), default="decoupled", show_default=True)
@click.option("--variant", default="", help="Which cell of an experiment.")
@click.option(
    "--format", "form", type=click.Choice(("submission", "inspect")), default="submission",
    show_default=True, help="What the benchmark's own scorer takes, or a log for Inspect's viewer.",
)  # fmt: skip
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Where to write; standard output if not given.",
)  # fmt: skip
@pass_invocation
def export(
    invocation: Invocation, run: str, mode: str, variant: str, form: str, out: Path | None
) -> None:
    """Write the answers of RUN in the form that its benchmark, or another viewer, takes."""
    from videoseal.evals.formats.inspect_log import inspect_log
    from videoseal.evals.formats.submissions import export as submission
    from videoseal.evals.records import RecordFile, latest
    from videoseal.evals.scoring.sample_result import outcome_of
    from videoseal.evals.scoring.systems import RECORDS, NoSuchRun, read_manifest

    folder = recorded(invocation, run)
    every = latest(RecordFile(folder / RECORDS).read()).values()
    records = [record for record in every if (record.mode, record.variant) == (mode, variant)]
    if not records:
        known = ", ".join(dict.fromkeys(f"{r.mode} {r.variant}".strip() for r in every))
        raise NoSuchRun(
            f"{run} has no samples of {mode} {variant}".rstrip(), hint=f"there are: {known}"
        )
    if form == "inspect":
        log = inspect_log(records, read_manifest(folder))
        text = json.dumps(log, ensure_ascii=False, indent=1)
    else:
        text = submission(records[0].item.benchmark, [outcome_of(each) for each in records])
    if out is None:
        click.echo(text)
    else:
        out.write_text(f"{text}\n", encoding="utf-8")
        click.echo(str(out))


def _cell(invocation: Invocation, name: str) -> RecordedSystem:
    from videoseal.evals.scoring.systems import NoSuchRun, read_systems

    run, _, rest = name.partition(":")
    mode, _, variant = rest.partition(":")
    cells = read_systems([recorded(invocation, run)])
    found = [c for c in cells if mode in ("", c.key.mode) and variant in ("", c.key.variant)]
    if len(found) != 1:
        known = ", ".join(":".join(filter(None, cell.key)) for cell in cells)
        raise NoSuchRun(f"{name} names {len(found)} systems, not one", hint=f"there are: {known}")
    return found[0]
