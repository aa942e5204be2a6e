"""`videoseal eval`: the group of what runs benchmarks and reads what was recorded."""

from __future__ import annotations

from typing import Final

import click

from videoseal.cli.eval.compare import compare
from videoseal.cli.eval.experiment import experiment_command
from videoseal.cli.eval.export import export
from videoseal.cli.eval.fetch import fetch_command
from videoseal.cli.eval.judge import judge
from videoseal.cli.eval.labels import agreement, labels
from videoseal.cli.eval.report import report
from videoseal.cli.eval.run import benchmark_command
from videoseal.cli.eval.score import score

__all__ = ["evaluate"]

_NAMES: Final = (
    "lvbench", "cgbench", "longvideobench", "videomme", "mlvu", "videoseal", "synthetic",
)  # fmt: skip


@click.group("eval", epilog="A run that was broken off continues when the same command runs again.")
def evaluate() -> None:
    """Run benchmarks, and score, compare, report and export what was recorded."""


for _name in _NAMES:
    evaluate.add_command(benchmark_command(_name))
for _command in (experiment_command(_NAMES), judge, labels, agreement, fetch_command(_NAMES),
                 score, report, compare, export):  # fmt: skip
    evaluate.add_command(_command)
