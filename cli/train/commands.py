"""`videoseal train`: teach the planner with GRPO on episodes of the served graph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from videoseal.cli.invocation import Invocation, json_option, pass_invocation
from videoseal.cli.options import EXISTING_FILE, file_option, folder_option
from videoseal.cli.output import near
from videoseal.cli.progress import show_training
from videoseal.cli.train.data import base, check, data, traces
from videoseal.core.environment import environment
from videoseal.core.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from videoseal.core.checks import Check
    from videoseal.core.settings import Settings
    from videoseal.rl.config import TrainConfig
    from videoseal.rl.training.run_folder import RunFolder
    from videoseal.rl.training.supervisor import Launch

__all__ = ["train"]

_STOPPED = "stopped; the same command goes on after the last checkpoint"


@click.group(
    epilog="A run that was broken off continues when the same command runs again: same optimiser"
    " state, same place in the data."
)
def train() -> None:
    """Teach the planner with GRPO on episodes of the very graph that is served.

    \b
    videoseal train recipes laptop > train.yaml   a config to begin with
    videoseal train data ...                      questions, split by video
    videoseal train grpo --config train.yaml --dry-run
    videoseal train grpo --config train.yaml
    videoseal train report RUN                    curves, and every episode
    videoseal train export RUN --out DIR          a model to serve as the planner
    videoseal train serve RUN                     the planner itself, where there is no vLLM

    The inspector, the answerer and the embedder stay as they are: endpoints of the settings.
    """  # noqa: D301


_set_option = click.option(
    "--set", "changes", multiple=True, metavar="KEY=VALUE",
    help="Change a field of the config, such as rollout.batch=16; give several for more.",
)  # fmt: skip


@train.command()
@file_option("--config", "config_file", required=True,
             help="The run as YAML; relative paths are those of the current folder.")  # fmt: skip
@_set_option
@click.option("--name", help="Name of the run; that of the config if not given.")
@click.option("--dry-run", is_flag=True, help="Print the checks and the command, and stop.")
@click.option(
    "--fresh", is_flag=True, help="Begin anew; an earlier run of this name is kept aside."
)
@click.option("--skip-checks", is_flag=True, help="Start although a check fails.")
@json_option
@pass_invocation
def grpo(
    invocation: Invocation,
    config_file: Path,
    changes: tuple[str, ...],
    name: str | None,
    dry_run: bool,
    fresh: bool,
    skip_checks: bool,
) -> None:
    """Train the policy of a config with GRPO, or go on with a run that was broken off."""
    from videoseal.rl.config import load_config
    from videoseal.rl.training.launch import plan
    from videoseal.rl.training.launch import train as carry_out
    from videoseal.rl.training.preflight import preflight
    from videoseal.rl.training.run_folder import RunFolder

    settings = invocation.settings()
    config = load_config(config_file, [*changes, *([f"name={name}"] if name else [])])
    run = RunFolder(config.output.dir or settings.data_dir / "train" / config.name)
    findings = _checked(invocation, preflight(config, settings, run))
    if dry_run:
        _show_plan(invocation, plan(config, settings, run), findings)
        return
    _refuse(findings, skip_checks)
    invocation.when_stopped = _STOPPED
    with show_training() as on_progress:
        status = carry_out(config, settings, run, environment(), on_progress, fresh=fresh)
    _write_report(run, settings)
    named = near(run.root) if config.output.dir else config.name
    invocation.emit(
        {"run": run.root, "model": run.model, **status.model_dump(mode="json")},
        f"trained {status.steps} steps; the policy is in {near(run.model)}",
        f"look at it: {near(run.root / 'report.html')}",
        f"serve it:   videoseal train export {named} --out DIR",
    )


@train.command()
@file_option("--config", "config_file",
             help="Config of the run that follows: its policy, context, hardware.")  # fmt: skip
@_set_option
@click.option("--policy", help="Folder or hub name of the policy; that of the config if not given.")
@file_option("--traces", "traces_file", required=True, type=EXISTING_FILE,
             help="What `videoseal train traces` wrote.")  # fmt: skip
@folder_option("--out", required=True, help="Folder of the warm start; the policy is its `model`.")
@click.option("--epochs", default=2, show_default=True, type=click.IntRange(1))
@click.option("--lr", default=5e-6, show_default=True, type=click.FloatRange(0, min_open=True))
@click.option("--batch", default=8, show_default=True, type=click.IntRange(1))
@click.option("--dry-run", is_flag=True, help="Print the command, and stop.")
@json_option
@pass_invocation
def sft(invocation: Invocation, /, **options: Any) -> None:
    """Let a policy imitate good episodes before it is rewarded for its own (SFT)."""
    from videoseal.rl.training.launch import plan_sft, warm_start

    spec = _sft_spec(options)
    if options["dry_run"]:
        _show_plan(invocation, plan_sft(spec), [])
        return
    invocation.when_stopped = "stopped; a warm start begins again from the start"
    with show_training() as on_progress:
        model = warm_start(spec, environment(), on_progress)
    told = f"the policy is in {near(model)}; name it as policy.path of a config"
    invocation.emit({"model": model}, told)


@train.command()
@click.argument("run")
@folder_option("--out", required=True,
               help="New folder for the model and all that serving it needs.")  # fmt: skip
@click.option(
    "--checkpoint", metavar="NAME",
    help="A checkpoint such as global_step40 or best; the final model if not given, else the last.",
)  # fmt: skip
@json_option
@pass_invocation
def export(invocation: Invocation, run: str, out: Path, checkpoint: str | None) -> None:
    """Write the policy of RUN (a name or a folder) as a Hugging Face folder, ready to serve."""
    from videoseal.rl.training.export import export as written
    from videoseal.rl.training.run_folder import RunFolder

    folder = RunFolder.find(run, invocation.settings().data_dir)
    exported = written(folder, out, checkpoint=checkpoint)
    millions = exported.parameters / 1e6
    invocation.emit(
        exported,
        f"{near(out)}: {exported.source}, {millions:,.1f} million parameters, loads",
        "serve it and make it the planner:",
        *(f"  {line}" for line in exported.serving),
    )


@train.command()
@click.argument("run")
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(0, 65535),
    help="On the loopback; 0 takes a free one.",
)  # fmt: skip
@click.option("--seed", type=int, help="Of what is sampled; by chance if not given.")
@json_option
@pass_invocation
def serve(invocation: Invocation, run: str, port: int, seed: int | None) -> None:
    """Serve the policy of RUN (a name, or a folder with a model) for one user, without vLLM."""
    from videoseal.rl.training.serve import policy_of
    from videoseal.rl.training.serve import serve as carry_out

    served = policy_of(run, invocation.settings().data_dir)

    def ready(port: int) -> None:
        settings = dict(served.settings(port))
        invocation.emit(
            {"policy": served.folder, "port": port, "settings": settings},
            f"serving {near(served.folder)}; Ctrl-C ends it. To make it the planner:",
            *(f"  export {name}={value}" for name, value in settings.items()),
        )

    carry_out(served, port, seed, ready)


@train.command()
@click.argument("run")
@folder_option(
    "--out",
    help="Folder for report.html, report.md, figures and the page of episodes; else the run's.",
)
@json_option
@pass_invocation
def report(invocation: Invocation, run: str, out: Path | None) -> None:
    """Write curves and tables of RUN, and a page that opens every episode of its training."""
    from videoseal.rl.training.run_folder import RunFolder

    settings = invocation.settings()
    folder = RunFolder.find(run, settings.data_dir)
    files = _write_report(folder, settings, out)
    invocation.emit(files, *map(str, files.values()))


@train.command()
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@folder_option(
    "--out", default=".", help="Folder for compare.md, curves.svg and curves.pdf; else this one."
)
@json_option
@pass_invocation
def compare(invocation: Invocation, runs: tuple[str, ...], out: Path) -> None:
    """Lay the curves of several runs over one another, and list what set the runs apart."""
    from videoseal.rl.report.compare_runs import write_comparison
    from videoseal.rl.training.run_folder import RunFolder

    data_dir = invocation.settings().data_dir
    files = write_comparison([RunFolder.find(run, data_dir) for run in runs], out)
    invocation.emit(files, *map(str, files.values()))


@train.command()
@click.argument("name", required=False)
@json_option
@pass_invocation
def recipes(invocation: Invocation, name: str | None) -> None:
    """List the configs that come with the program, or print the one called NAME."""
    from videoseal.rl.config import recipe_text
    from videoseal.rl.config import recipes as known

    if name is None:
        invocation.emit(known(), *(f"{recipe:<15} {use}" for recipe, use in known().items()))
        return
    text = recipe_text(name)
    invocation.emit({"name": name, "text": text}, text.removesuffix("\n"))


for _command in (base, data, traces, check):
    train.add_command(_command)


def _checked(invocation: Invocation, findings: Iterable[Check]) -> list[Check]:
    """Print each finding as soon as it is made."""
    done = []
    for finding in findings:
        done.append(finding)
        if not invocation.as_json:
            click.echo(f"{finding.state:<5}{finding.name:<10} {plain(finding.text)}", err=True)
            if finding.hint and finding.state != "ok":
                click.echo(f"{'':<16}{finding.hint}", err=True)
    return done


def _refuse(findings: list[Check], skip: bool) -> None:
    from videoseal.core.errors import SettingsError

    failed = [finding for finding in findings if finding.state == "fail"]
    if failed and not skip:
        first = failed[0]
        others = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        raise SettingsError(
            f"not started: {first.name}: {first.text}{others}",
            hint=first.hint or "--skip-checks starts all the same",
        )


def _show_plan(invocation: Invocation, launch: Launch, findings: list[Check]) -> None:
    from shlex import join

    invocation.emit(
        {
            "checks": findings, "command": launch.command, "steps": launch.steps,
            "resumes": launch.resumes, "run": launch.run.root,
        },
        join(launch.command),
        *([f"goes on after {launch.resumes}"] if launch.resumes else []),
    )  # fmt: skip


def _sft_spec(options: dict[str, Any]) -> Any:
    from pydantic import ValidationError

    from videoseal.core.errors import SettingsError, faults
    from videoseal.rl.config import HardwareSection, load_config
    from videoseal.rl.training.command import SftSpec

    config: TrainConfig | None = None
    if options["config_file"] is not None:
        config = load_config(options["config_file"], options["changes"])
    elif options["changes"]:
        raise click.UsageError("--set changes a --config, and none is given.")
    policy = options["policy"] or (config and config.policy.path)
    if not policy:
        raise click.UsageError("Give --policy or --config.")
    local = Path(policy)
    alone = HardwareSection(backend="hf", gpus=1, zero_stage=0)
    more = {} if config is None else {"context_tokens": config.rollout.context_tokens}
    try:
        return SftSpec(
            policy=str(local.absolute()) if local.is_dir() else policy,
            traces=options["traces_file"].absolute(), out=options["out"].absolute(),
            epochs=options["epochs"], lr=options["lr"], batch=options["batch"],
            hardware=config.hardware if config else alone, **more,
        )  # fmt: skip
    except ValidationError as error:
        raise SettingsError(faults(error)[0].message) from None


def _write_report(run: RunFolder, settings: Settings, out: Path | None = None) -> dict[str, Path]:
    from videoseal.rl.report.training_report import write_training_report

    return write_training_report(run, out or run.root, frames=settings.data_dir / "frames")
