"""`videoseal eval`: the group of what runs benchmarks and reads what was recorded."""

from __future__ import annotations

import click

from videoseal.cli.eval.bundle import bundle, verify
from videoseal.cli.eval.compare import compare
from videoseal.cli.eval.experiment import experiment_command
from videoseal.cli.eval.export import export
from videoseal.cli.eval.fetch import fetch_command
from videoseal.cli.eval.judge import judge
from videoseal.cli.eval.labels import agreement, labels
from videoseal.cli.eval.report import report
from videoseal.cli.eval.run import benchmark_command
from videoseal.cli.eval.score import score
from videoseal.cli.options import BENCHMARKS

__all__ = ["evaluate"]


@click.group("eval", epilog="A run that was broken off continues when the same command runs again.")
def evaluate() -> None:
    """Run benchmarks, and score, compare, report and export what was recorded."""


for _command in (*map(benchmark_command, BENCHMARKS), experiment_command(BENCHMARKS), judge, labels,
                 agreement, fetch_command(BENCHMARKS), score, report, compare, export, bundle,
                 verify):  # fmt: skip
    evaluate.add_command(_command)
